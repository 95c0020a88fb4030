//! Logs whose producers break the promise in one way each: what a lane that is wrong would do. The auditor must see it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bus::memory::Memory;
use bus::{Admin, Bus, BusError, Isolation, Outgoing, Producer, Reader, Record, TopicPartition};
use lane::{PROGRESS_KEY, Progress};

use crate::toy::{FINDINGS, INPUT};

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// Offsets are committed in a transaction of their own, before the records, and are the truth: the progress in the
    /// log says what the group says. A lane that asks the progress heals what this breaks.
    OffsetsOutside,
    /// State is committed in a transaction of its own, before the rest.
    StateOutside,
}

/// A log with such producers.
#[derive(Clone)]
pub(crate) struct Mutant {
    memory: Memory,
    wrong: Wrong,
    offsets: Offsets,
}

/// The group's offsets, by partition.
pub(crate) type Offsets = Arc<Mutex<BTreeMap<TopicPartition, u64>>>;

impl Mutant {
    pub(crate) fn new(memory: Memory, wrong: Wrong, offsets: &Offsets) -> Self {
        Self { memory, wrong, offsets: Arc::clone(offsets) }
    }
}

pub(crate) struct MutantReader {
    right: <Memory as Bus>::Reader,
    wrong: Wrong,
    offsets: Offsets,
}

impl Reader for MutantReader {
    fn next(&mut self, timeout: Duration) -> Result<Option<Record>, BusError> {
        let mut record = self.right.next(timeout)?;
        if let Some(record) = &mut record
            && self.wrong == Wrong::OffsetsOutside
            && record.key.as_deref() == Some(PROGRESS_KEY)
            && let Some(value) = &mut record.value
        {
            let topic = if &*record.at.topic == "state" { INPUT } else { FINDINGS };
            let at = TopicPartition::new(topic, record.at.partition);
            let mut progress = Progress::decode(value).unwrap();
            if let Some(offset) = self.offsets.lock().unwrap().get(&at) {
                progress.to = *offset;
            }
            *value = progress.encode();
        }
        Ok(record)
    }

    fn at_end(&self) -> bool {
        self.right.at_end()
    }
}

pub(crate) struct MutantProducer {
    right: <Memory as Bus>::Producer,
    aside: <Memory as Bus>::Producer,
    wrong: Wrong,
    offsets: Offsets,
    open: Vec<(TopicPartition, u64)>,
}

impl Bus for Mutant {
    type Consumer = <Memory as Bus>::Consumer;
    type Producer = MutantProducer;
    type Reader = MutantReader;
    type Group = <Memory as Bus>::Group;

    fn consumer(&self, group: &str, topics: &[&str]) -> Result<Self::Consumer, BusError> {
        self.memory.consumer(group, topics)
    }

    fn producer(&self, id: &str, timeout: Duration) -> Result<MutantProducer, BusError> {
        let aside = self.memory.producer(&format!("{id}-aside"), timeout)?;
        let right = self.memory.producer(id, timeout)?;
        let (wrong, offsets, open) = (self.wrong, Arc::clone(&self.offsets), Vec::new());
        Ok(MutantProducer { right, aside, wrong, offsets, open })
    }

    fn reader(
        &self,
        at: &TopicPartition,
        from: u64,
        isolation: Isolation,
    ) -> Result<Self::Reader, BusError> {
        let right = self.memory.reader(at, from, isolation)?;
        Ok(MutantReader { right, wrong: self.wrong, offsets: Arc::clone(&self.offsets) })
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
        let is_state = ["state", "cases"].contains(&&*record.to.topic);
        let outside = is_state && self.wrong == Wrong::StateOutside;
        if outside { self.aside.send(record) } else { self.right.send(record) }
    }

    fn offsets(
        &mut self,
        offsets: &[(TopicPartition, u64)],
        group: &Self::Group,
    ) -> Result<(), BusError> {
        let outside = self.wrong == Wrong::OffsetsOutside;
        self.open = offsets.to_vec();
        if outside {
            self.aside.offsets(offsets, group)
        } else {
            self.right.offsets(offsets, group)
        }
    }

    fn commit(&mut self) -> Result<(), BusError> {
        self.aside.commit()?;
        self.offsets.lock().unwrap().extend(std::mem::take(&mut self.open));
        self.right.commit()
    }

    fn abort(&mut self) -> Result<(), BusError> {
        self.aside.abort()?;
        self.right.abort()
    }

    fn is_doubtful(&self) -> bool {
        self.right.is_doubtful()
    }
}
