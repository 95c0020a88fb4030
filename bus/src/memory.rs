//! The log as a deterministic simulator: no thread, no clock, no waiting, and faults on demand. Same seed and same
//! calls give the same log. It models one broker that never loses what it has; what it gets wrong, it gets wrong
//! on purpose.

mod faults;
mod plan;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

pub(crate) use faults::Faults;
pub use faults::Visit;
pub use plan::{Fault, FaultPlan, Half, Step};

use crate::error::BusError;
use crate::local::{
    Edge, Engine, Handle, LocalAdmin, LocalConsumer, LocalGroup, LocalProducer, LocalReader,
};
use crate::record::{Isolation, TopicPartition};
use crate::traits::{Admin, Bus};

/// Where the simulated clock starts: 2026-01-01T00:00:00Z.
const START_MS: i64 = 1_767_225_600_000;

/// The simulated log, as one process sees it.
#[derive(Clone)]
pub struct Memory {
    handle: Handle,
}

impl Memory {
    /// An empty log; the seed draws random faults. This handle belongs to the test: what it does meets no faults
    /// and counts as no step. Handles made by `process` do.
    pub fn new(seed: u64) -> Self {
        let mut faults = Faults::new(seed);
        faults.start("test");
        let edge = Edge::Simulated(Box::new(faults));
        Self { handle: Handle::new(Engine::new(START_MS), edge) }
    }

    /// The same log for a new process. Its clients die together; a process of the same name may follow it.
    pub fn process(&self, name: &str) -> Self {
        let process = self.world(|_, faults| faults.start(name));
        Self { handle: self.handle.of_process(process) }
    }

    /// Sets what will go wrong; the plan's steps are counted from here.
    pub fn plan(&self, plan: FaultPlan) {
        self.world(|_, faults| faults.set(plan));
    }

    /// The steps that the plan has counted.
    pub fn steps(&self) -> u64 {
        self.world(|_, faults| faults.steps)
    }

    /// Points of the protocol visited, and how often.
    pub fn visited(&self) -> BTreeMap<Visit, u64> {
        self.world(|_, faults| faults.visited.clone())
    }

    /// The states in which a step was taken, as hashes. A state is the step and its fault; of each transactional id
    /// what it has open, and where; of each group who shall own, owns and is asked for which partition, members by
    /// their order. Offsets, times, epochs and generations, which only ever grow, are no part of it.
    pub fn states(&self) -> BTreeSet<u64> {
        self.world(|_, faults| faults.states.clone())
    }

    // === time ===

    /// Lets milliseconds pass: living processes send heartbeats, whoever is silent for too long is given up. As on a
    /// broker by default, a session and a transaction last 10 s; but every 10 s only does the log look for
    /// transactions that are open for too long, so a dead producer can hold readers back for twice as long. A
    /// member that does not poll for 300 s is given up too.
    pub fn advance(&self, ms: u64) {
        self.world(|engine, faults| engine.advance(ms, &faults.silent(engine.uptime_ms)));
    }

    /// Sets the clock that stamps records, forward or back; nothing times out.
    pub fn set_time(&self, ms: i64) {
        self.world(|engine, _| engine.wall_ms = ms);
    }

    /// The clock that stamps records.
    pub fn now_ms(&self) -> i64 {
        self.world(|engine, _| engine.wall_ms)
    }

    // === this process ===

    /// Kills this process: its clients return `Killed` from now on, and the broker learns nothing.
    pub fn kill(&self) {
        self.world(|_, faults| faults.kill(self.handle.process));
    }

    /// Whether this process was killed.
    pub fn is_killed(&self) -> bool {
        self.world(|_, faults| faults.is_killed(self.handle.process))
    }

    /// Lets this process stand still for milliseconds, without heartbeats. Whoever drives it leaves it alone
    /// meanwhile; a call that it makes nevertheless is made when it wakes: time passes until then.
    pub fn freeze(&self, ms: u64) {
        let process = self.handle.process;
        self.world(|engine, faults| faults.freeze(process, engine.uptime_ms + ms));
    }

    /// Whether this process stands still.
    pub fn is_frozen(&self) -> bool {
        let process = self.handle.process;
        self.world(|engine, faults| engine.uptime_ms < faults.frozen_until_ms(process))
    }

    // === the broker ===

    /// Moves every partition of every group to the next member.
    pub fn rebalance(&self) {
        self.world(|engine, _| engine.rotate());
    }

    /// Drops records before an offset, as retention does.
    pub fn truncate(&self, at: &TopicPartition, before: u64) -> Result<(), BusError> {
        self.world(|engine, _| engine.place_mut(at).map(|place| place.truncate(before)))
    }

    /// Keeps the newest committed record of each key of a topic, at its offset.
    pub fn compact(&self, topic: &str) {
        let topic = |engine: &mut Engine| {
            let partitions = engine.topics.get_mut(topic).map(|topic| &mut topic.partitions);
            partitions.into_iter().flatten().for_each(|place| place.compact());
        };
        self.world(|engine, _| topic(engine));
    }

    /// Forgets the committed offsets of a group, as a broker does after a week.
    pub fn forget_offsets(&self, group: &str) {
        self.world(|engine, _| engine.group(&group.into()).offsets.clear());
    }

    /// Everything the broker holds, as bytes: to compare runs by.
    pub fn dump(&self) -> Vec<u8> {
        self.world(|engine, _| format!("{engine:#?}").into_bytes())
    }

    fn world<T>(&self, change: impl FnOnce(&mut Engine, &mut Faults) -> T) -> T {
        let core = &mut *self.handle.raw();
        match &mut core.edge {
            Edge::Simulated(faults) => change(&mut core.engine, faults),
            Edge::Journal(_) => unreachable!("the simulator has no journal"),
        }
    }
}

impl Bus for Memory {
    type Consumer = LocalConsumer;
    type Producer = LocalProducer;
    type Reader = LocalReader;
    type Group = LocalGroup;

    fn consumer(&self, group: &str, topics: &[&str]) -> Result<LocalConsumer, BusError> {
        LocalConsumer::new(&self.handle, group, topics)
    }

    fn producer(&self, transactional_id: &str, _: Duration) -> Result<LocalProducer, BusError> {
        LocalProducer::new(&self.handle, transactional_id)
    }

    fn reader(
        &self,
        at: &TopicPartition,
        from: u64,
        isolation: Isolation,
    ) -> Result<LocalReader, BusError> {
        LocalReader::new(&self.handle, at, from, isolation)
    }

    fn admin(&self) -> Result<Box<dyn Admin>, BusError> {
        Ok(Box::new(LocalAdmin(self.handle.clone())))
    }
}
