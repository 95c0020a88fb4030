//! Two writers and a reader of a group, interleaved at random, against a model of what may be seen: on the
//! simulator, and on the journal, which is also closed and opened again.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what the tests share says what broke by a panic"
)]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use bus::file::{FileLog, FileSettings};
use bus::memory::Memory;
use bus::{
    Bus, BusError, Cleanup, Consumer, GroupEvent, Isolation, Outgoing, Producer, Reader,
    TopicPartition, TopicSpec,
};
use proptest::prelude::*;

const NOW: Duration = Duration::ZERO;
const PARTITIONS: u32 = 2;

#[derive(Clone, Copy, Debug)]
enum Op {
    Begin(usize),
    Send(usize, u32),
    Offsets(usize),
    Commit(usize),
    Abort(usize),
    /// Another producer takes over the id; the older one stays, and tries to go on.
    Takeover(usize),
    Poll,
    /// The member leaves, another one joins.
    Rejoin,
    /// Everything ends and begins again; a journal is opened anew.
    Restart,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        3 => (0..2_usize).prop_map(Op::Begin),
        8 => (0..2_usize, 0..PARTITIONS).prop_map(|(writer, place)| Op::Send(writer, place)),
        2 => (0..2_usize).prop_map(Op::Offsets),
        3 => (0..2_usize).prop_map(Op::Commit),
        1 => (0..2_usize).prop_map(Op::Abort),
        1 => (0..2_usize).prop_map(Op::Takeover),
        6 => Just(Op::Poll),
        1 => Just(Op::Rejoin),
        1 => Just(Op::Restart),
    ]
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Open,
    Committed,
    Aborted,
}

/// What is written and what became of it.
#[derive(Default)]
struct Model {
    /// Fate of each transaction.
    transactions: Vec<Fate>,
    /// Transaction and value of each record, by partition.
    written: [Vec<(usize, String)>; PARTITIONS as usize],
    /// What the group has committed.
    committed: Progress,
}

/// Of each partition, how many visible records were received, and the next offset.
type Progress = BTreeMap<u32, (usize, u64)>;

impl Model {
    fn visible(&self, number: u32) -> Vec<String> {
        let fate = |transaction: usize| self.transactions[transaction];
        let written = self.written[number as usize].iter();
        let stable = written.take_while(|(transaction, _)| fate(*transaction) != Fate::Open);
        let committed = stable.filter(|(transaction, _)| fate(*transaction) == Fate::Committed);
        committed.map(|(_, value)| value.clone()).collect()
    }
}

struct Writer<P> {
    producer: P,
    fenced: Option<P>,
    /// The open transaction, and the progress that its commit brings.
    open: Option<(usize, Progress)>,
}

/// A log, its clients, and the model.
struct World<B: Bus> {
    bus: Option<B>,
    writers: Vec<Writer<B::Producer>>,
    member: Option<B::Consumer>,
    waiting: Vec<TopicPartition>,
    /// What the member has received.
    progress: Progress,
    model: Model,
}

fn id(writer: usize) -> String {
    format!("writer {writer}")
}

fn value(record: Option<Vec<u8>>) -> String {
    String::from_utf8(record.unwrap()).unwrap()
}

impl<B: Bus> World<B> {
    fn new(bus: B) -> Self {
        let (name, cleanup) = ("topic".to_owned(), Cleanup::Delete(u64::MAX));
        let (partitions, replicas, settings) = (PARTITIONS, 0, Vec::new());
        let spec = TopicSpec { name, partitions, replicas, cleanup, settings };
        bus.admin().unwrap().create(&spec).unwrap();
        let (waiting, progress, model) = (Vec::new(), BTreeMap::new(), Model::default());
        let mut world =
            Self { bus: None, writers: Vec::new(), member: None, waiting, progress, model };
        world.start(bus);
        world
    }

    fn start(&mut self, bus: B) {
        let writer = |writer| {
            let producer = bus.producer(&id(writer), NOW).unwrap();
            Writer { producer, fenced: None, open: None }
        };
        self.writers = (0..2).map(writer).collect();
        self.bus = Some(bus);
        self.rejoin();
    }

    fn rejoin(&mut self) {
        self.member = None;
        self.waiting.clear();
        self.progress.clear();
        self.member = self.bus.as_ref().map(|bus| bus.consumer("group", &["topic"]).unwrap());
    }

    fn end(&mut self, writer: usize, fate: Fate) {
        if let Some((transaction, progress)) = self.writers[writer].open.take() {
            self.model.transactions[transaction] = fate;
            if fate == Fate::Committed {
                self.model.committed.extend(progress);
            }
        }
    }

    fn apply(&mut self, op: Op, reopen: &dyn Fn(Option<B>) -> B) {
        match op {
            Op::Begin(writer) if self.writers[writer].open.is_none() => {
                self.writers[writer].producer.begin().unwrap();
                self.writers[writer].open = Some((self.model.transactions.len(), BTreeMap::new()));
                self.model.transactions.push(Fate::Open);
            }
            Op::Send(writer, number) => {
                let state = &mut self.writers[writer];
                let Some((transaction, _)) = state.open else { return };
                let written = &mut self.model.written[number as usize];
                let value = format!("{number}.{}", written.len());
                let to = TopicPartition::new("topic", number);
                let (key, headers) = (None, Vec::new());
                let record = Outgoing { to, key, value: Some(value.clone().into_bytes()), headers };
                state.producer.send(&record).unwrap();
                written.push((transaction, value));
                if let Some(mut fenced) = state.fenced.take() {
                    let result = fenced.send(&record).and_then(|()| fenced.commit());
                    assert!(matches!(result, Err(BusError::Fenced(_))), "{result:?}");
                }
            }
            Op::Offsets(writer) => self.offsets(writer),
            Op::Commit(writer) if self.writers[writer].open.is_some() => {
                self.writers[writer].producer.commit().unwrap();
                self.end(writer, Fate::Committed);
            }
            Op::Abort(writer) if self.writers[writer].open.is_some() => {
                self.writers[writer].producer.abort().unwrap();
                self.end(writer, Fate::Aborted);
            }
            Op::Takeover(writer) => {
                let newer = self.bus.as_ref().unwrap().producer(&id(writer), NOW).unwrap();
                let older = std::mem::replace(&mut self.writers[writer].producer, newer);
                self.writers[writer].fenced = self.writers[writer].open.is_some().then_some(older);
                self.end(writer, Fate::Aborted);
            }
            Op::Poll => self.poll(),
            Op::Rejoin => self.rejoin(),
            Op::Restart => {
                (0..2).for_each(|writer| self.end(writer, Fate::Aborted));
                self.member = None;
                self.writers.clear();
                let bus = self.bus.take();
                self.start(reopen(bus));
            }
            Op::Begin(_) | Op::Commit(_) | Op::Abort(_) => {}
        }
    }

    /// The group's offsets are one writer's business at a time.
    fn offsets(&mut self, writer: usize) {
        let pending = |writer: &Writer<_>| writer.open.as_ref().is_some_and(|o| !o.1.is_empty());
        if self.writers.iter().any(pending) || self.progress.is_empty() {
            return;
        }
        let Some((_, progress)) = &mut self.writers[writer].open else { return };
        *progress = self.progress.clone();
        let offsets = progress.iter();
        let offsets: Vec<_> = offsets
            .map(|(number, (_, next))| (TopicPartition::new("topic", *number), *next))
            .collect();
        let group = self.member.as_ref().unwrap().group().unwrap();
        self.writers[writer].producer.offsets(&offsets, &group).unwrap();
    }

    fn poll(&mut self) {
        let member = self.member.as_mut().unwrap();
        match member.poll(NOW).unwrap() {
            Some(GroupEvent::Assigned(places)) => self.waiting.extend(places),
            Some(GroupEvent::Record(record)) => {
                let number = record.at.partition;
                let (n, next) = self.progress.get_mut(&number).unwrap();
                assert!(*next <= record.offset, "{} after {next}", record.offset);
                let visible = self.model.visible(number);
                assert_eq!(Some(&value(record.value)), visible.get(*n), "{number}: {visible:?}");
                (*n, *next) = (*n + 1, record.offset + 1);
            }
            Some(other) => panic!("{other:?} in a group of one"),
            None => {}
        }
        if self.waiting.is_empty() {
            return;
        }
        let pending = self.writers.iter().filter_map(|w| w.open.as_ref()).any(|o| !o.1.is_empty());
        match member.committed(&self.waiting, NOW) {
            Ok(offsets) => {
                assert!(!pending, "offsets are pending");
                for (at, offset) in self.waiting.iter().zip(&offsets) {
                    let known = self.model.committed.get(&at.partition);
                    assert_eq!(known.map(|(_, next)| *next), *offset, "{at}");
                    self.progress.insert(at.partition, known.copied().unwrap_or_default());
                }
                let starts = offsets.into_iter().map(Option::unwrap_or_default);
                let starts: Vec<_> = self.waiting.iter().cloned().zip(starts).collect();
                member.assign(&starts).unwrap();
                member.resume(&self.waiting).unwrap();
                self.waiting.clear();
            }
            Err(BusError::Unavailable(_)) => assert!(pending, "no offsets are pending"),
            Err(error) => panic!("{error}"),
        }
    }

    fn check(&self) {
        for number in 0..PARTITIONS {
            let at = TopicPartition::new("topic", number);
            let bus = self.bus.as_ref().unwrap();
            let mut reader = bus.reader(&at, 0, Isolation::ReadCommitted).unwrap();
            let mut seen = Vec::new();
            while !reader.at_end() {
                let record = reader.next(NOW).unwrap();
                assert!(
                    record.is_some() || seen.is_empty(),
                    "the end is known with the last record"
                );
                seen.extend(record.map(|record| value(record.value)));
            }
            assert_eq!(seen, self.model.visible(number), "{at}");
        }
    }

    fn run(mut self, ops: &[Op], reopen: &dyn Fn(Option<B>) -> B) {
        for op in ops {
            self.apply(*op, reopen);
            self.check();
        }
        for writer in 0..2 {
            self.apply(Op::Commit(writer), reopen);
        }
        for _ in 0..ops.len() + 10 {
            self.apply(Op::Poll, reopen);
        }
        for number in 0..PARTITIONS {
            let received = self.progress.get(&number).map_or(0, |(n, _)| *n);
            assert_eq!(received, self.model.visible(number).len(), "received of {number}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn the_simulator_shows_what_the_model_does(ops in prop::collection::vec(op(), 1..120)) {
        let memory = Memory::new(0);
        World::new(memory.process("first")).run(&ops, &|_| memory.process("next"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn the_journal_shows_what_the_model_does(ops in prop::collection::vec(op(), 1..120)) {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("model");
        std::fs::remove_dir_all(&folder).ok();
        let settings = FileSettings { clock: || 1, sync: false };
        let open = || FileLog::open(&folder, settings).unwrap();
        World::new(open()).run(&ops, &|older| {
            drop(older);
            open()
        });
    }
}
