//! Logs whose clients break the promise in one way each: what a lane that is wrong would do. The auditor must see it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bus::memory::Memory;
use bus::{
    Admin, Bus, BusError, Consumer, GroupEvent, Isolation, Outgoing, Producer, Reader, Record,
    TopicPartition,
};
use lane::{OWNER_KEY, PROGRESS_KEY, Progress};

use crate::toy::{FINDINGS, INPUT};

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// Offsets are committed in a transaction of their own, before the records, and are the truth: the progress in the
    /// log says what the group says. A lane that asks the progress heals what this breaks.
    OffsetsOutside,
    /// State is committed in a transaction of its own, before the rest.
    StateOutside,
    /// No marker is written: a takeover reads the state as far as it can be read, and goes on.
    NoMarker,
    /// Offsets go under the newest generation, whoever sends them.
    NoFencing,
    /// A commit in doubt is taken as none.
    ResendAfterDoubt,
}

/// What all processes of a wrong lane share.
#[derive(Clone, Default)]
pub(crate) struct Shared {
    /// The group's offsets, by partition.
    offsets: Arc<Mutex<BTreeMap<TopicPartition, u64>>>,
    /// The newest identity of any member.
    newest: Arc<Mutex<Option<<Memory as Bus>::Group>>>,
}

/// A log with such clients, for one process.
#[derive(Clone)]
pub(crate) struct Mutant {
    memory: Memory,
    wrong: Wrong,
    shared: Shared,
    /// Markers that were not written, by state partition.
    markers: Arc<Mutex<BTreeMap<TopicPartition, Vec<u8>>>>,
}

impl Mutant {
    pub(crate) fn new(memory: Memory, wrong: Wrong, shared: &Shared) -> Self {
        Self { memory, wrong, shared: shared.clone(), markers: Arc::default() }
    }
}

pub(crate) struct MutantReader {
    right: <Memory as Bus>::Reader,
    of: Mutant,
    at: TopicPartition,
    told: bool,
}

impl MutantReader {
    /// The marker that was not written, at the end of what can be read.
    fn marker(&mut self) -> Option<Record> {
        let markers = self.of.markers.lock().unwrap();
        let value = markers.get(&self.at).filter(|_| !self.told && self.right.at_end())?.clone();
        self.told = true;
        let (at, key) = (self.at.clone(), Some(OWNER_KEY.to_vec()));
        let (offset, timestamp_ms) = (u64::MAX, 0);
        Some(Record { at, offset, timestamp_ms, key, value: Some(value), headers: Vec::new() })
    }
}

impl Reader for MutantReader {
    fn next(&mut self, timeout: Duration) -> Result<Option<Record>, BusError> {
        let mut record = self.right.next(timeout)?;
        if let Some(record) = &mut record
            && self.of.wrong == Wrong::OffsetsOutside
            && record.key.as_deref() == Some(PROGRESS_KEY)
            && let Some(value) = &mut record.value
        {
            let topic = if &*record.at.topic == "state" { INPUT } else { FINDINGS };
            let at = TopicPartition::new(topic, record.at.partition);
            let mut progress = Progress::decode(value).unwrap();
            if let Some(offset) = self.of.shared.offsets.lock().unwrap().get(&at) {
                progress.to = *offset;
            }
            *value = progress.encode();
        }
        Ok(record.or_else(|| self.marker()))
    }

    fn at_end(&self) -> bool {
        self.right.at_end()
    }
}

pub(crate) struct MutantConsumer {
    right: <Memory as Bus>::Consumer,
    shared: Shared,
}

impl Consumer for MutantConsumer {
    type Group = <Memory as Bus>::Group;

    fn poll(&mut self, timeout: Duration) -> Result<Option<GroupEvent>, BusError> {
        let event = self.right.poll(timeout)?;
        *self.shared.newest.lock().unwrap() = Some(self.right.group()?);
        Ok(event)
    }

    fn assign(&mut self, starts: &[(TopicPartition, u64)]) -> Result<(), BusError> {
        self.right.assign(starts)
    }

    fn release(&mut self, partitions: &[TopicPartition]) -> Result<(), BusError> {
        self.right.release(partitions)
    }

    fn pause(&mut self, partitions: &[TopicPartition]) -> Result<(), BusError> {
        self.right.pause(partitions)
    }

    fn resume(&mut self, partitions: &[TopicPartition]) -> Result<(), BusError> {
        self.right.resume(partitions)
    }

    fn committed(
        &mut self,
        partitions: &[TopicPartition],
        timeout: Duration,
    ) -> Result<Vec<Option<u64>>, BusError> {
        self.right.committed(partitions, timeout)
    }

    fn group(&self) -> Result<Self::Group, BusError> {
        self.right.group()
    }
}

pub(crate) struct MutantProducer {
    right: <Memory as Bus>::Producer,
    aside: <Memory as Bus>::Producer,
    of: Mutant,
    id: String,
    open: Vec<(TopicPartition, u64)>,
}

impl Bus for Mutant {
    type Consumer = MutantConsumer;
    type Producer = MutantProducer;
    type Reader = MutantReader;
    type Group = <Memory as Bus>::Group;

    fn consumer(&self, group: &str, topics: &[&str]) -> Result<MutantConsumer, BusError> {
        Ok(MutantConsumer {
            right: self.memory.consumer(group, topics)?,
            shared: self.shared.clone(),
        })
    }

    fn producer(&self, id: &str, timeout: Duration) -> Result<MutantProducer, BusError> {
        let aside = self.memory.producer(&format!("{id}-aside"), timeout)?;
        let right = self.memory.producer(id, timeout)?;
        let (of, id) = (self.clone(), id.to_owned());
        Ok(MutantProducer { right, aside, of, id, open: Vec::new() })
    }

    fn reader(
        &self,
        at: &TopicPartition,
        from: u64,
        isolation: Isolation,
    ) -> Result<Self::Reader, BusError> {
        let right = self.memory.reader(at, from, isolation)?;
        Ok(MutantReader { right, of: self.clone(), at: at.clone(), told: false })
    }

    fn admin(&self) -> Result<Box<dyn Admin>, BusError> {
        self.memory.admin()
    }
}

impl Producer for MutantProducer {
    type Group = <Memory as Bus>::Group;

    fn begin(&mut self) -> Result<(), BusError> {
        self.aside.begin()?;
        self.right.begin()
    }

    fn send(&mut self, record: &Outgoing) -> Result<(), BusError> {
        let wrong = self.of.wrong;
        let is_state = ["state", "cases"].contains(&&*record.to.topic);
        if wrong == Wrong::NoMarker && record.key.as_deref() == Some(OWNER_KEY) {
            let marker = record.value.clone().unwrap_or_default();
            self.of.markers.lock().unwrap().insert(record.to.clone(), marker);
            return Ok(());
        }
        let outside = is_state && wrong == Wrong::StateOutside;
        if outside { self.aside.send(record) } else { self.right.send(record) }
    }

    fn offsets(
        &mut self,
        offsets: &[(TopicPartition, u64)],
        group: &Self::Group,
    ) -> Result<(), BusError> {
        self.open = offsets.to_vec();
        let newest = self.of.shared.newest.lock().unwrap().clone();
        match self.of.wrong {
            Wrong::OffsetsOutside => self.aside.offsets(offsets, group),
            Wrong::NoFencing => self.right.offsets(offsets, newest.as_ref().unwrap_or(group)),
            _ => self.right.offsets(offsets, group),
        }
    }

    fn commit(&mut self) -> Result<(), BusError> {
        self.aside.commit()?;
        self.of.shared.offsets.lock().unwrap().extend(std::mem::take(&mut self.open));
        match self.right.commit() {
            Err(BusError::Doubtful(reason)) if self.of.wrong == Wrong::ResendAfterDoubt => {
                self.right = self.of.memory.producer(&self.id, Duration::ZERO)?;
                Err(BusError::Abortable(reason))
            }
            outcome => outcome,
        }
    }

    fn abort(&mut self) -> Result<(), BusError> {
        // After a doubt nothing is open any more; where this fails, the committer recycles the producer.
        self.aside.abort()?;
        self.right.abort()
    }

    fn is_doubtful(&self) -> bool {
        self.right.is_doubtful()
    }
}
