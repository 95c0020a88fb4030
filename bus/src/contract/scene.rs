//! What the checks share: topics, writers, readers, and groups whose members are polled in turn.
#![expect(clippy::unwrap_used, clippy::panic, reason = "checks say what was broken by a panic")]

use std::collections::BTreeMap;
use std::thread::sleep;
use std::time::Duration;

use crate::error::BusError;
use crate::record::{Isolation, Outgoing, Record, TopicPartition};
use crate::traits::{Bus, Cleanup, Consumer, GroupEvent, Producer, Reader, TopicSpec};

/// How long one poll waits.
pub(super) const STEP: Duration = Duration::from_millis(50);
/// How long a call to the log may take.
pub(super) const WAIT: Duration = Duration::from_secs(30);
/// Polls until something that must come is missed: a minute on a broker, at once in the simulator.
pub(super) const PATIENCE: u32 = 1_200;
/// Polls after which something that must not come is believed to stay away.
pub(super) const QUIET: u32 = 12;

// === topics ===

pub(super) fn spec(name: &str, partitions: u32) -> TopicSpec {
    TopicSpec {
        name: name.to_owned(),
        partitions,
        replicas: 0,
        cleanup: Cleanup::Delete(86_400_000),
        settings: vec![("message.timestamp.type".to_owned(), "LogAppendTime".to_owned())],
    }
}

/// Makes a topic and waits until it is there.
pub(super) fn make<B: Bus>(bus: &B, name: &str, partitions: u32) -> Vec<TopicPartition> {
    make_as(bus, &spec(name, partitions))
}

pub(super) fn make_as<B: Bus>(bus: &B, spec: &TopicSpec) -> Vec<TopicPartition> {
    let mut admin = bus.admin().unwrap();
    admin.create(spec).unwrap();
    eventually(&spec.name, || match admin.describe(&[&spec.name]).unwrap().remove(0) {
        Some(info) => Ok(info),
        None => Err("no such topic".to_owned()),
    });
    (0..spec.partitions).map(|number| TopicPartition::new(spec.name.as_str(), number)).collect()
}

/// Tries until it succeeds.
pub(super) fn eventually<T>(what: &str, mut attempt: impl FnMut() -> Result<T, String>) -> T {
    let mut last = String::new();
    for _ in 0..PATIENCE / 4 {
        match attempt() {
            Ok(value) => return value,
            Err(seen) => last = seen,
        }
        sleep(STEP);
    }
    panic!("{what}: {last}")
}

// === writing and reading ===

pub(super) fn text(to: &TopicPartition, value: &str) -> Outgoing {
    let value = Some(value.as_bytes().to_vec());
    Outgoing { to: to.clone(), key: Some(b"key".to_vec()), value, headers: Vec::new() }
}

pub(super) fn producer<B: Bus>(bus: &B, id: &str) -> B::Producer {
    bus.producer(id, WAIT).unwrap_or_else(|error| panic!("producer {id}: {error}"))
}

/// Opens a transaction and sends texts.
pub(super) fn open<P: Producer>(producer: &mut P, to: &TopicPartition, values: &[&str]) {
    producer.begin().unwrap();
    for value in values {
        producer.send(&text(to, value)).unwrap();
    }
}

/// Commits texts.
pub(super) fn write<P: Producer>(producer: &mut P, to: &TopicPartition, values: &[&str]) {
    open(producer, to, values);
    producer.commit().unwrap();
}

/// Reads to the end, as it is now.
pub(super) fn read<B: Bus>(
    bus: &B,
    at: &TopicPartition,
    from: u64,
    isolation: Isolation,
) -> Vec<Record> {
    let mut reader = bus.reader(at, from, isolation).unwrap();
    let mut records: Vec<Record> = Vec::new();
    let mut idle = 0;
    while !reader.at_end() {
        if let Some(record) = reader.next(STEP).unwrap() {
            let last = records.last().map(|last| last.offset);
            assert!(last < Some(record.offset), "offset {} after {last:?}", record.offset);
            assert_eq!(&record.at, at);
            records.push(record);
            idle = 0;
        } else {
            idle += 1;
            assert!(idle < PATIENCE, "the reader of {at} never came to the end");
        }
    }
    records
}

pub(super) fn texts(records: &[Record]) -> Vec<String> {
    let value = |record: &Record| record.value.clone().unwrap_or_default();
    records.iter().map(|record| String::from_utf8(value(record)).unwrap()).collect()
}

/// Reads until exactly these texts are visible.
pub(super) fn expect<B: Bus>(bus: &B, at: &TopicPartition, isolation: Isolation, values: &[&str]) {
    eventually(&format!("{at} {isolation:?} should hold {values:?}"), || {
        let seen = texts(&read(bus, at, 0, isolation));
        if seen == values { Ok(()) } else { Err(format!("it holds {seen:?}")) }
    });
}

/// Reads for a while: exactly these texts stay visible.
pub(super) fn expect_still<B: Bus>(bus: &B, at: &TopicPartition, values: &[&str]) {
    expect(bus, at, Isolation::ReadCommitted, values);
    sleep(STEP * 4);
    assert_eq!(texts(&read(bus, at, 0, Isolation::ReadCommitted)), values, "{at} has changed");
}

// === groups ===

/// A member, and what it did.
pub(super) struct Member<B: Bus> {
    pub(super) consumer: B::Consumer,
    /// What it owns, and the next offset of each.
    pub(super) owned: BTreeMap<TopicPartition, u64>,
    /// What it received.
    pub(super) records: Vec<Record>,
}

/// A group whose members answer every event at once: partitions start at the committed offset or 0, resumed.
pub(super) struct Group<B: Bus> {
    bus: B,
    id: String,
    topics: Vec<String>,
    /// The members; the first is 0.
    pub(super) members: Vec<Member<B>>,
}

impl<B: Bus> Group<B> {
    pub(super) fn new(bus: &B, id: &str, topics: &[&str]) -> Self {
        let topics = topics.iter().map(|&topic| topic.to_owned()).collect();
        Self { bus: bus.clone(), id: id.to_owned(), topics, members: Vec::new() }
    }

    /// A group of one that owns everything.
    pub(super) fn of_one(bus: &B, id: &str, places: &[TopicPartition]) -> Self {
        let mut topics: Vec<&str> = places.iter().map(|at| &*at.topic).collect();
        topics.dedup();
        let mut group = Self::new(bus, id, &topics);
        group.join();
        group.until("one member owns all", |group| group.members[0].owned.len() == places.len());
        group
    }

    pub(super) fn join(&mut self) {
        let topics: Vec<&str> = self.topics.iter().map(String::as_str).collect();
        let consumer = self.bus.consumer(&self.id, &topics).unwrap();
        self.members.push(Member { consumer, owned: BTreeMap::new(), records: Vec::new() });
    }

    /// Polls every member in turn until the condition holds.
    pub(super) fn until(&mut self, what: &str, holds: impl Fn(&Self) -> bool) {
        let mut idle = 0;
        while !holds(self) {
            let events = (0..self.members.len()).filter(|&idx| self.turn(idx)).count();
            idle = if events > 0 { 0 } else { idle + 1 };
            let owned: Vec<_> = self.members.iter().map(|member| &member.owned).collect();
            assert!(idle < PATIENCE, "{what}: not so; members own {owned:?}");
        }
    }

    /// Polls for a while.
    pub(super) fn settle(&mut self) {
        for _ in 0..QUIET {
            for idx in 0..self.members.len() {
                self.turn(idx);
            }
        }
    }

    /// Polls a member once; whether something happened.
    fn turn(&mut self, idx: usize) -> bool {
        let event = self.members[idx].consumer.poll(STEP).unwrap();
        let Some(event) = event else { return false };
        self.answer(idx, event);
        true
    }

    pub(super) fn answer(&mut self, idx: usize, event: GroupEvent) {
        match event {
            GroupEvent::Record(record) => {
                let member = &mut self.members[idx];
                let next = member.owned.get_mut(&record.at);
                let next = next.unwrap_or_else(|| panic!("a record of {} after it", record.at));
                assert!(record.offset >= *next, "{} went back from {next}", record.offset);
                *next = record.offset + 1;
                member.records.push(record);
            }
            GroupEvent::Assigned(places) => {
                for at in &places {
                    let owner = self.members.iter().position(|m| m.owned.contains_key(at));
                    assert_eq!(owner, None, "{at} was given to {idx} while it was owned");
                }
                let member = &mut self.members[idx];
                let committed = member.consumer.committed(&places, WAIT).unwrap();
                let starts = committed.into_iter().map(|offset| offset.unwrap_or(0));
                let starts: Vec<_> = places.iter().cloned().zip(starts).collect();
                member.consumer.assign(&starts).unwrap();
                member.consumer.resume(&places).unwrap();
                member.owned.extend(starts);
            }
            GroupEvent::Revoked(places) | GroupEvent::Lost(places) => {
                let member = &mut self.members[idx];
                for at in &places {
                    assert!(member.owned.remove(at).is_some(), "{at} was taken from {idx} twice");
                }
                member.consumer.release(&places).unwrap();
            }
        }
    }

    /// Polls every member in turn until all of `values` were received, by whomever, each once.
    pub(super) fn receive(&mut self, values: &[&str]) {
        let sorted = |group: &Self| {
            let mut seen: Vec<_> = group.members.iter().flat_map(|m| texts(&m.records)).collect();
            seen.sort();
            seen
        };
        self.until(&format!("{values:?} arrive"), |group| sorted(group).len() >= values.len());
        self.settle();
        assert_eq!(sorted(self), values);
    }

    /// How many partitions each member owns.
    pub(super) fn shares(&self) -> Vec<usize> {
        self.members.iter().map(|member| member.owned.len()).collect()
    }
}

/// Polls until the group gave partitions, without an answer.
pub(super) fn assigned<C: Consumer>(consumer: &mut C) -> Vec<TopicPartition> {
    for _ in 0..PATIENCE {
        match consumer.poll(STEP).unwrap() {
            Some(GroupEvent::Assigned(places)) if places.is_empty() => {
                consumer.assign(&[]).unwrap()
            }
            Some(GroupEvent::Assigned(places)) => return places,
            Some(other) => panic!("expected partitions, got {other:?}"),
            None => {}
        }
    }
    panic!("the group gave no partitions")
}

/// Polls until `n` records came; no other event may.
pub(super) fn take<C: Consumer>(consumer: &mut C, n: usize) -> Vec<Record> {
    let mut records = Vec::new();
    let mut idle = 0;
    while records.len() < n {
        match consumer.poll(STEP).unwrap() {
            Some(GroupEvent::Record(record)) => records.push(record),
            Some(other) => panic!("expected a record, got {other:?}"),
            None => idle += 1,
        }
        assert!(idle < PATIENCE, "only {:?} of {n} records came", texts(&records));
    }
    records
}

/// Polls for a while: no record may come.
pub(super) fn nothing<C: Consumer>(consumer: &mut C) {
    for _ in 0..QUIET {
        let event = consumer.poll(STEP).unwrap();
        assert_eq!(event, None, "nothing should come");
    }
}

/// Asserts that the transaction was refused, and may be sent again.
pub(super) fn refused(result: Result<(), BusError>) {
    assert!(matches!(result, Err(BusError::Abortable(_))), "expected Abortable, got {result:?}");
}
