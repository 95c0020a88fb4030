//! A small exactly-once copier over the simulator, in the manner of the lane: it shows that every fault can be
//! survived, and that each mistake a lane could make is caught by some fault.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what the tests share says what broke by a panic"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bus::memory::{Fault, FaultPlan, Half, Memory, Step};
use bus::{
    Admin, Bus, BusError, Cleanup, Consumer, GroupEvent, Isolation, LocalConsumer, LocalGroup,
    LocalProducer, Outgoing, Producer, Reader, TopicPartition, TopicSpec,
};

const NOW: Duration = Duration::ZERO;
const PARTITIONS: u32 = 3;
const RECORDS: u64 = 9;

/// What a copier does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mistake {
    None,
    /// Goes on with a producer whose commit may come again.
    IgnoresDoubt,
    /// Takes a doubtful commit for done.
    Believes,
    /// Sends a doubtful batch again without a look.
    SendsAgain,
    /// Keeps what it read of partitions that it gave back.
    KeepsRevoked,
    /// Starts where the group's offsets say, not where the outputs do.
    TrustsOffsets,
    /// Reads the outputs to their end, not to a marker of its own.
    ReadsNoMarker,
    /// Commits no offsets, so that nothing fences it when it has lost its partitions.
    CommitsNoOffsets,
}

/// Copies each input record's offset to the output partition of the same number.
struct Copier {
    memory: Memory,
    name: &'static str,
    mistake: Mistake,
    consumer: LocalConsumer,
    producer: Option<LocalProducer>,
    /// Given, and not started yet.
    waiting: BTreeSet<TopicPartition>,
    /// Read, and not known to be copied; with the next offset.
    batch: Vec<(TopicPartition, u64)>,
    /// A batch that is closed, and to be copied at the next step, under the generation of its closing.
    closed: Option<(Vec<(TopicPartition, u64)>, LocalGroup)>,
    /// Whether some of the batch may be copied.
    doubt: bool,
    /// The marker under way, and the partitions that it was written for.
    marker: Option<(String, BTreeSet<TopicPartition>)>,
    /// Tells this copier from all others, and its markers apart.
    life: u64,
    n_markers: u64,
}

fn output(at: &TopicPartition) -> TopicPartition {
    TopicPartition::new("out", at.partition)
}

fn text(to: &TopicPartition, value: &str) -> Outgoing {
    let value = Some(value.as_bytes().to_vec());
    Outgoing { to: to.clone(), key: None, value, headers: Vec::new() }
}

fn values(memory: &Memory, at: &TopicPartition) -> Result<Vec<String>, BusError> {
    let mut reader = memory.reader(at, 0, Isolation::ReadCommitted)?;
    let mut seen = Vec::new();
    while !reader.at_end() {
        let record = reader.next(NOW)?;
        seen.extend(record.and_then(|record| String::from_utf8(record.value?).ok()));
    }
    Ok(seen)
}

impl Copier {
    fn new(
        memory: Memory,
        name: &'static str,
        life: u64,
        mistake: Mistake,
    ) -> Result<Self, BusError> {
        let consumer = memory.consumer("copiers", &["in"])?;
        Ok(Self {
            memory,
            name,
            mistake,
            consumer,
            producer: None,
            waiting: BTreeSet::new(),
            batch: Vec::new(),
            closed: None,
            doubt: false,
            marker: None,
            life,
            n_markers: 0,
        })
    }

    /// Does a little. `Unavailable` means to try again, any other error that this copier has to end.
    fn step(&mut self) -> Result<(), BusError> {
        if let Some((batch, group)) = self.closed.take() {
            return self.copy(&batch, &group);
        }
        let event = self.consumer.poll(NOW)?;
        let idle = event.is_none();
        match event {
            None => {}
            Some(GroupEvent::Record(record)) => self.batch.push((record.at, record.offset + 1)),
            Some(GroupEvent::Assigned(places)) => self.waiting.extend(places),
            Some(GroupEvent::Revoked(places) | GroupEvent::Lost(places)) => {
                if self.mistake != Mistake::KeepsRevoked {
                    self.batch.retain(|(at, _)| !places.contains(at));
                }
                self.waiting.retain(|at| !places.contains(at));
                if let Some((_, of)) = &mut self.marker {
                    of.retain(|at| !places.contains(at));
                }
                self.consumer.release(&places)?;
            }
        }
        if self.producer.is_none() {
            self.producer = Some(self.memory.producer(self.name, NOW)?);
        }
        if self.marker.is_none() && (self.doubt || !self.waiting.is_empty()) {
            self.mark()?;
        }
        if self.marker.is_some() {
            return self.restore();
        }
        if !self.doubt && (3 <= self.batch.len() || idle && !self.batch.is_empty()) {
            self.closed = Some((self.batch.clone(), self.consumer.group()?));
        }
        Ok(())
    }

    /// Writes a marker to the outputs, once nothing of another member is pending.
    fn mark(&mut self) -> Result<(), BusError> {
        let waiting: Vec<_> = self.waiting.iter().cloned().collect();
        let stable = self.consumer.committed(&waiting, NOW)?;
        if self.mistake == Mistake::TrustsOffsets {
            let starts = waiting.into_iter().zip(stable.into_iter().map(Option::unwrap_or_default));
            return self.start(&starts.collect());
        }
        let mut places = self.waiting.clone();
        if self.doubt {
            places.extend(self.batch.iter().map(|(at, _)| at.clone()));
        }
        self.n_markers += 1;
        let marker = format!("#{} {}", self.life, self.n_markers);
        let group = self.consumer.group()?;
        let offsets = waiting.into_iter().zip(stable);
        let offsets: Vec<_> = offsets.filter_map(|(at, offset)| Some((at, offset?))).collect();
        if self.mistake == Mistake::ReadsNoMarker {
            self.marker = Some((String::new(), places));
            return Ok(());
        }
        let written = self.transact(|producer| {
            places.iter().try_for_each(|at| producer.send(&text(&output(at), &marker)))?;
            producer.offsets(&offsets, &group)
        });
        if written? {
            self.marker = Some((marker, places));
        }
        Ok(())
    }

    /// Reads the outputs up to the marker: they tell what was copied.
    fn restore(&mut self) -> Result<(), BusError> {
        let Some((marker, places)) = &self.marker else { return Ok(()) };
        let mut copied = BTreeMap::new();
        for at in places {
            let seen = values(&self.memory, &output(at))?;
            if !marker.is_empty() && !seen.contains(marker) {
                return Ok(());
            }
            let last = seen.iter().rev().find_map(|value| value.parse::<u64>().ok());
            copied.insert(at.clone(), last.map_or(0, |last| last + 1));
        }
        self.marker = None;
        self.start(&copied)
    }

    /// Starts waiting partitions and settles the doubt.
    fn start(&mut self, copied: &BTreeMap<TopicPartition, u64>) -> Result<(), BusError> {
        self.doubt = false;
        self.batch.retain(|(at, next)| copied.get(at).is_none_or(|copied| copied < next));
        let starts = copied.iter().filter(|(at, _)| self.waiting.contains(at));
        let starts: Vec<_> = starts.map(|(at, next)| (at.clone(), *next)).collect();
        self.consumer.assign(&starts)?;
        let started: Vec<_> = starts.into_iter().map(|(at, _)| at).collect();
        self.waiting.retain(|at| !started.contains(at));
        self.consumer.resume(&started)
    }

    fn copy(
        &mut self,
        batch: &[(TopicPartition, u64)],
        group: &LocalGroup,
    ) -> Result<(), BusError> {
        let offsets: BTreeMap<_, _> = batch.iter().cloned().collect();
        let offsets: Vec<_> = offsets.into_iter().collect();
        let commits_offsets = self.mistake != Mistake::CommitsNoOffsets;
        let done = self.transact(|producer| {
            for (at, next) in batch {
                producer.send(&text(&output(at), &(next - 1).to_string()))?;
            }
            if commits_offsets { producer.offsets(&offsets, group) } else { Ok(()) }
        })?;
        if done || self.doubt && self.mistake == Mistake::Believes {
            self.batch.clear();
        }
        if matches!(self.mistake, Mistake::SendsAgain | Mistake::Believes) {
            self.doubt = false;
        }
        Ok(())
    }

    /// Runs a transaction; whether it is known to be committed.
    fn transact(
        &mut self,
        fill: impl FnOnce(&mut LocalProducer) -> Result<(), BusError>,
    ) -> Result<bool, BusError> {
        let Some(producer) = &mut self.producer else { return Ok(false) };
        let done = producer.begin().and_then(|()| fill(producer)).and_then(|()| producer.commit());
        let lost = match &done {
            Ok(()) => producer.is_doubtful() && self.mistake != Mistake::IgnoresDoubt,
            Err(BusError::Abortable(_)) => producer.abort().is_err(),
            Err(BusError::Fenced(_) | BusError::Killed) => return done.map(|()| false),
            Err(_) => {
                self.doubt = true;
                true
            }
        };
        if lost {
            self.producer = None;
        }
        Ok(done.is_ok())
    }
}

/// Copiers, the faults they meet, and chance.
struct Run {
    memory: Memory,
    copiers: Vec<Option<Copier>>,
    mistake: Mistake,
    chance: u64,
    lives: u64,
}

impl Run {
    fn new(seed: u64, n_copiers: usize, mistake: Mistake) -> Self {
        let memory = Memory::new(seed);
        let mut admin = memory.admin().unwrap();
        for name in ["in", "out"] {
            create(&mut *admin, name);
        }
        let mut producer = memory.producer("source", NOW).unwrap();
        producer.begin().unwrap();
        for n in 0..RECORDS {
            for number in 0..PARTITIONS {
                let at = TopicPartition::new("in", number);
                producer.send(&text(&at, &n.to_string())).unwrap();
            }
        }
        producer.commit().unwrap();
        let copiers = (0..n_copiers).map(|_| None).collect();
        Self { memory, copiers, mistake, chance: seed, lives: 0 }
    }

    fn draw(&mut self, below: u64) -> u64 {
        self.chance = self.chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.chance >> 33) % below
    }

    /// One copier, drawn by chance, does a little; or time passes.
    fn turn(&mut self) {
        if self.draw(6) == 0 {
            let ms = self.draw(1_500);
            self.memory.advance(ms);
        }
        let n = self.copiers.len() as u64;
        let idx = usize::try_from(self.draw(n)).unwrap();
        let name = ["a", "b", "c"][idx];
        let Some(copier) = &mut self.copiers[idx] else {
            // Again sometimes at once, sometimes after everyone has given it up.
            if n <= self.lives && self.draw(40) != 0 {
                return;
            }
            let process = self.memory.process(name);
            self.lives += 1;
            self.copiers[idx] = Copier::new(process, name, self.lives, self.mistake).ok();
            return;
        };
        if copier.memory.is_frozen() {
            return;
        }
        match copier.step() {
            Ok(()) | Err(BusError::Unavailable(_)) => {}
            Err(BusError::Killed | BusError::Fenced(_)) => self.copiers[idx] = None,
            Err(other) => panic!("{name}: {other}"),
        }
    }

    /// Whether the outputs are what they shall be; an error where they never will.
    fn audit(&self) -> Result<bool, String> {
        let mut whole = true;
        for number in 0..PARTITIONS {
            let seen = values(&self.memory, &TopicPartition::new("out", number)).unwrap();
            let seen: Vec<u64> = seen.iter().filter_map(|value| value.parse().ok()).collect();
            if !(0..seen.len() as u64).eq(seen.iter().copied()) {
                return Err(format!("output {number} holds {seen:?}"));
            }
            whole &= seen.len() as u64 == RECORDS;
        }
        Ok(whole)
    }

    /// Runs until all is copied and nothing can come late any more.
    fn finish(&mut self) -> Result<(), String> {
        for _ in 0..400 {
            for _ in 0..50 {
                self.turn();
            }
            if self.audit()? {
                self.memory.advance(60_000);
                (0..100).for_each(|_| self.turn());
                return self.audit().map(|_| ());
            }
        }
        Err("it comes to no end".to_owned())
    }
}

fn create(admin: &mut dyn Admin, name: &str) {
    let (name, cleanup) = (name.to_owned(), Cleanup::Delete(1_000_000));
    let (partitions, replicas, settings) = (PARTITIONS, 0, Vec::new());
    admin.create(&TopicSpec { name, partitions, replicas, cleanup, settings }).unwrap();
}

fn every_fault() -> Vec<Fault> {
    vec![
        Fault::KillBefore,
        Fault::KillAfter,
        Fault::Unavailable(3),
        Fault::Abortable,
        Fault::LoseReply,
        Fault::LoseRequest,
        Fault::Late(4),
        Fault::Doubled(3),
        Fault::Torn(Half::Records),
        Fault::Torn(Half::Offsets),
        Fault::NoOffset,
        Fault::Rebalance,
        Fault::Kick,
        Fault::Freeze(15_000),
        Fault::Jump(-3_600_000),
        Fault::Slow(5),
    ]
}

/// A plan in which every fault comes at random, those that only hit commits more often.
fn storm() -> FaultPlan {
    every_fault().into_iter().fold(FaultPlan::none().at_most(30), |plan, fault| {
        let rare = matches!(fault, Fault::KillBefore | Fault::KillAfter | Fault::Freeze(_));
        plan.randomly(if rare { 40 } else { 150 }, fault)
    })
}

#[test]
fn a_storm_of_faults_copies_each_record_once() {
    let mut visits = BTreeMap::new();
    for seed in 0..300 {
        let mut run = Run::new(seed, 3, Mistake::None);
        run.memory.plan(storm());
        run.finish().unwrap_or_else(|broken| panic!("seed {seed}: {broken}"));
        for (visit, n) in run.memory.visited() {
            *visits.entry(visit).or_insert(0) += n;
        }
    }
    let met: BTreeSet<_> = visits.keys().filter_map(|visit| visit.fault.clone()).collect();
    println!("{} points of the protocol visited, faults met: {met:?}", visits.len());
    assert_eq!(met.len(), 15, "every fault was met: {met:?}");
    let steps: BTreeSet<Step> = visits.keys().map(|visit| visit.step).collect();
    assert!(steps.len() >= 16, "steps taken: {steps:?}");
}

/// Every fault at every step of a run with a second copier to take over.
#[test]
fn each_fault_at_each_step_copies_each_record_once() {
    for fault in every_fault() {
        let mut n = 0;
        loop {
            let mut run = Run::new(7, 2, Mistake::None);
            run.memory.plan(FaultPlan::none().only("a").at(n, fault));
            run.finish().unwrap_or_else(|broken| panic!("{fault:?} at {n}: {broken}"));
            if run.memory.steps() <= n {
                break;
            }
            n += 1;
        }
        println!("{fault:?}: {n} steps");
        assert!(n > 30, "only {n} steps for {fault:?}");
    }
}

/// Each mistake that a lane could make breaks a run, under faults that can happen.
#[test]
fn each_mistake_is_caught() {
    for (mistake, faults) in [
        (Mistake::IgnoresDoubt, vec![Fault::Doubled(12), Fault::Doubled(16), Fault::Abortable]),
        (Mistake::Believes, vec![Fault::LoseRequest]),
        (Mistake::SendsAgain, vec![Fault::LoseReply]),
        (Mistake::KeepsRevoked, vec![Fault::Rebalance]),
        (Mistake::TrustsOffsets, vec![Fault::Torn(Half::Records), Fault::Rebalance]),
        (Mistake::ReadsNoMarker, vec![Fault::KillAfter, Fault::Rebalance, Fault::Kick]),
        (Mistake::CommitsNoOffsets, vec![Fault::Freeze(15_000), Fault::Late(6), Fault::Kick]),
    ] {
        let plan = || {
            let none = FaultPlan::none().at_most(20);
            faults.iter().fold(none, |plan, fault| plan.randomly(300, *fault))
        };
        let run = |seed: u64, mistake: Mistake| {
            let mut run = Run::new(seed, 3, mistake);
            run.memory.plan(plan());
            run.finish()
        };
        let caught = (0..400).find_map(|seed| Some((seed, run(seed, mistake).err()?)));
        let (seed, broken) = caught.unwrap_or_else(|| panic!("{mistake:?} is never caught"));
        println!("{mistake:?}: seed {seed}: {broken}");
        assert_eq!(run(seed, Mistake::None), Ok(()), "the same seed without {mistake:?}");
    }
}

#[test]
fn the_same_seed_and_calls_give_the_same_bytes() {
    let dump = |seed: u64, calls: u64| {
        let mut run = Run::new(seed, 3, Mistake::None);
        run.chance = calls;
        run.memory.plan(storm());
        run.finish().unwrap();
        run.memory.dump()
    };
    for seed in 0..10 {
        let first = dump(seed, seed);
        assert!(first == dump(seed, seed), "seed {seed} differs from itself");
        assert!(first != dump(seed + 1, seed), "faults do not depend on the seed {seed}");
    }
}
