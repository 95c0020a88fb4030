//! The whole lane on the simulator: killed at every step of a run, and under random faults of every kind with several
//! processes. The auditor must find every entry applied once, and it must find what broken lanes do.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bus::memory::{Fault, FaultPlan, Half, Memory, Visit};
use bus::{Bus, BusError, Cleanup, Isolation, Outgoing, Producer, TopicPartition, TopicSpec};
use lane::{
    Audit, BatchLimits, Board, Committer, Hands, InForce, Lane, LaneError, Positions, Reference,
    Worker, WorkerSettings, audit, ends,
};

use crate::core::{Noise, layout};
use crate::mutant::{Mutant, Offsets, Wrong};
use crate::toy::{INPUT, Toy};

/// Partitions of the input.
const PARTITIONS: u32 = 3;
/// Rounds after which a run that does not end has failed.
const ROUNDS_MAX: u32 = 60_000;

thread_local! {
    static NONCES: std::cell::Cell<u128> = const { std::cell::Cell::new(1) };
}

/// Different each time, and the same in each run of a test.
fn nonce() -> u128 {
    NONCES.with(|next| next.replace(next.get() + 1))
}

fn in_force(factor: u64) -> InForce {
    InForce { control_offset: factor, ..InForce::default() }
}

/// Makes the topics and writes the input.
fn prepare(memory: &Memory, seed: u64, entries: u64) {
    let mut admin = memory.admin().unwrap();
    for (name, partitions) in layout(PARTITIONS).partitions {
        let spec = TopicSpec {
            name: name.to_string(),
            partitions,
            replicas: 0,
            cleanup: Cleanup::Delete(u64::MAX),
            settings: Vec::new(),
        };
        admin.create(&spec).unwrap();
    }
    let mut noise = Noise(seed);
    let mut producer = memory.producer("source", Duration::ZERO).unwrap();
    for start in (0..entries).step_by(7) {
        producer.begin().unwrap();
        for _ in start..entries.min(start + 7) {
            let text = match noise.below(12) {
                0 => "bad".to_owned(),
                _ => format!("{}{} {}", noise.below(3), noise.below(6), noise.below(50)),
            };
            let to = TopicPartition::new(INPUT, u32::try_from(noise.below(3)).unwrap());
            let record =
                Outgoing { to, key: None, value: Some(text.into_bytes()), headers: Vec::new() };
            producer.send(&record).unwrap();
        }
        // The source reads nothing: some batches are given up, as any producer's may be.
        if noise.below(8) == 0 {
            producer.abort().unwrap()
        } else {
            producer.commit().unwrap()
        }
        memory.advance(3);
    }
}

struct Process<B: Bus> {
    memory: Memory,
    worker: Worker<B, Toy>,
    positions: Positions,
}

/// Takes commits in for `done`.
struct Noted(Positions);

impl lane::Meter for Noted {
    fn note(&self, notice: &lane::Notice<'_>) {
        if let lane::Notice::Committed(transaction, _) = notice {
            self.0.note(transaction);
        }
    }
}

/// A run of some processes, each a lane, under a plan.
struct Run {
    memory: Memory,
    board: Board<u64>,
    records: usize,
    restarts: u64,
}

impl Run {
    fn start<B: Bus>(
        &self,
        name: usize,
        wrap: &dyn Fn(&Memory) -> B,
    ) -> Result<Process<B>, LaneError> {
        let memory = self.memory.process("lane");
        let bus = wrap(&memory);
        let positions = Positions::default();
        let meter: Arc<dyn lane::Meter> = Arc::new(Noted(positions.clone()));
        let limits = BatchLimits { age_ms: 5, records: self.records, bytes: 1 << 20 };
        let lane = Lane::new(
            layout(PARTITIONS),
            limits,
            format!("lane-{name}"),
            Box::new(|at| Toy::new(&at.topic)),
            self.board.newest(),
        );
        let committer = Committer::new(bus.clone(), format!("group-{name}"), Arc::clone(&meter));
        let settings = WorkerSettings {
            group: "group".to_owned(),
            accept_state_loss: false,
            drain_ms: 5_000,
            nonce,
        };
        let hands = Hands::Own(Box::new(committer));
        match Worker::new(bus, settings, lane, hands, (self.board.clone(), meter)) {
            Ok(worker) => Ok(Process { memory, worker, positions }),
            Err(error) => {
                memory.kill();
                Err(error)
            }
        }
    }

    /// Runs until everything is consumed; gives the rounds.
    fn finish<B: Bus>(&mut self, n: usize, wrap: &dyn Fn(&Memory) -> B) -> Result<u32, String> {
        let mut processes: Vec<Option<Process<B>>> = (0..n).map(|_| None).collect();
        for round in 0..ROUNDS_MAX {
            let mut calm = true;
            for (name, slot) in processes.iter_mut().enumerate() {
                let Some(process) = slot else {
                    calm = false;
                    match self.start(name, wrap) {
                        Ok(process) => *slot = Some(process),
                        Err(LaneError::Bus(BusError::Killed | BusError::Unavailable(_))) => {}
                        Err(error) => return Err(format!("start: failed to {error}")),
                    }
                    continue;
                };
                if process.memory.is_frozen() {
                    calm = false;
                    continue;
                }
                match process.worker.step(i64::from(round) * 5, Duration::ZERO) {
                    Ok(()) => calm &= process.worker.is_settled(),
                    Err(LaneError::Bus(
                        BusError::Killed | BusError::Fenced(_) | BusError::Unavailable(_),
                    )) => {
                        self.restarts += 1;
                        process.memory.kill();
                        *slot = None;
                    }
                    // Asked at a bad moment, the broker knows of no offset: the process ends, and is started again.
                    Err(LaneError::OffsetLost { .. }) => {
                        self.restarts += 1;
                        process.memory.kill();
                        *slot = None;
                    }
                    Err(error) => return Err(format!("failed to {error}")),
                }
            }
            if round % 64 == 32 {
                let factor = u64::from(round) / 64 + 2;
                self.board.post(factor, in_force(factor));
            }
            self.memory.advance(if calm { 5 } else { 250 });
            if round % 8 == 0 && self.is_done(&processes) {
                return Ok(round);
            }
        }
        let slots = processes.iter().map(|process| match process {
            Some(process) => {
                let lane = process.worker.lane();
                let partitions: Vec<String> = lane
                    .partitions()
                    .map(|(at, next, runs)| format!("{at}@{next}:{runs}"))
                    .collect();
                format!(
                    "settled {} idle {} {partitions:?}",
                    process.worker.is_settled(),
                    lane.is_idle()
                )
            }
            None => "not started".to_owned(),
        });
        let ends =
            ends(&self.memory, &layout(PARTITIONS).all_inputs().collect::<Vec<_>>()).unwrap();
        Err(format!("it does not end: {:#?}, ends {ends:?}", slots.collect::<Vec<_>>()))
    }

    fn is_done<B: Bus>(&self, processes: &[Option<Process<B>>]) -> bool {
        ends(&self.memory, &layout(PARTITIONS).all_inputs().collect::<Vec<_>>())
            .unwrap()
            .iter()
            .all(|(at, end)| {
                *end == 0
                    || processes.iter().flatten().any(|process| {
                        process.worker.lane().is_idle()
                            && process.positions.reached(&self.memory, at, *end).unwrap()
                    })
            })
    }

    fn audit(&self) -> Audit {
        let reference = Reference {
            layout: &layout(PARTITIONS),
            make: &|at| Toy::new(&at.topic),
            switches: &|in_force| in_force.control_offset,
            compares: &|topic| topic != INPUT,
        };
        audit(&self.memory, &reference).unwrap()
    }
}

fn new_run(seed: u64, entries: u64) -> Run {
    NONCES.with(|next| next.set(1));
    let memory = Memory::new(seed);
    prepare(&memory, seed, entries);
    Run { memory, board: Board::new(1, in_force(1)), records: 6, restarts: 0 }
}

fn all_faults() -> FaultPlan {
    FaultPlan::none()
        .randomly(12, Fault::KillBefore)
        .randomly(12, Fault::KillAfter)
        .randomly(20, Fault::Unavailable(3))
        .randomly(60, Fault::Abortable)
        .randomly(150, Fault::LoseReply)
        .randomly(150, Fault::LoseRequest)
        .randomly(150, Fault::Late(20))
        .randomly(150, Fault::Doubled(10))
        .randomly(60, Fault::Torn(Half::Records))
        .randomly(60, Fault::Torn(Half::Offsets))
        .randomly(300, Fault::NoOffset)
        .randomly(15, Fault::Rebalance)
        .randomly(8, Fault::Kick)
        .randomly(6, Fault::Freeze(40_000))
        .randomly(20, Fault::Jump(-5_000))
        .randomly(40, Fault::Slow(5))
        .at_most(25)
        .only("lane")
}

#[test]
fn a_kill_at_every_step_of_a_run_loses_and_doubles_nothing() {
    let mut calm = new_run(1, 40);
    calm.memory.plan(FaultPlan::none().only("lane"));
    calm.finish(1, &|memory: &Memory| memory.clone()).unwrap();
    let steps = calm.memory.steps();
    assert!(calm.audit().is_clean() && steps > 100, "{steps} steps: {:?}", calm.audit());
    let mut visited: BTreeMap<Visit, u64> = BTreeMap::new();
    for n in 0..steps {
        for fault in [Fault::KillBefore, Fault::KillAfter] {
            let mut run = new_run(1, 40);
            run.memory.plan(FaultPlan::none().at(n, fault).only("lane"));
            let ended = run.finish(1, &|memory: &Memory| memory.clone());
            assert!(ended.is_ok(), "{fault:?} at step {n}: {ended:?}");
            let audit = run.audit();
            assert!(audit.is_clean(), "{fault:?} at step {n}: {audit:#?}");
            for (visit, times) in run.memory.visited() {
                *visited.entry(visit).or_default() += times;
            }
        }
    }
    let killed = visited.keys().filter(|visit| visit.fault.is_some()).count();
    println!(
        "killed before and after each of {steps} steps; {killed} distinct crash points visited"
    );
    assert!(killed >= 20, "only {killed} crash points");
}

#[test]
fn random_faults_over_200_seeds_lose_and_double_nothing() {
    let mut visited: BTreeMap<Visit, u64> = BTreeMap::new();
    let (mut restarts, mut takeovers, mut ranges) = (0, 0, 0);
    for seed in 0..200 {
        let mut run = new_run(seed, 120);
        run.memory.plan(all_faults());
        let ended = run.finish(1 + (seed % 3) as usize, &|memory: &Memory| memory.clone());
        assert!(ended.is_ok(), "seed {seed}: {ended:?}");
        let audit = run.audit();
        assert!(audit.is_clean(), "seed {seed}: {audit:#?}");
        (restarts, takeovers, ranges) =
            (restarts + run.restarts, takeovers + audit.takeovers, ranges + audit.ranges);
        for (visit, times) in run.memory.visited() {
            *visited.entry(visit).or_default() += times;
        }
    }
    let points = visited.keys().filter(|visit| visit.fault.is_some()).count();
    println!(
        "200 seeds: {restarts} restarts, {takeovers} takeovers, {ranges} ranges; {} distinct situations, {points} with a fault",
        visited.len()
    );
    assert!(restarts > 200 && points > 60, "{restarts} restarts, {points} points");
}

#[test]
fn broken_lanes_are_caught() {
    for wrong in [Wrong::OffsetsOutside, Wrong::StateOutside] {
        let caught = (0..100).find(|seed| {
            let mut run = new_run(*seed, 120);
            run.memory.plan(all_faults().randomly(150, Fault::KillBefore));
            let offsets = Offsets::default();
            let ended =
                run.finish(2, &|memory: &Memory| Mutant::new(memory.clone(), wrong, &offsets));
            ended.is_err() || !run.audit().is_clean()
        });
        println!("{wrong:?} is caught by seed {caught:?}");
        assert!(caught.is_some(), "{wrong:?} passes 100 seeds");
    }
}

#[test]
fn the_same_seed_gives_the_same_log() {
    let dump = || {
        let mut run = new_run(5, 120);
        run.memory.plan(all_faults());
        run.finish(2, &|memory: &Memory| memory.clone()).unwrap();
        let bounds = run
            .memory
            .admin()
            .unwrap()
            .bounds(&TopicPartition::new("alerts", 0), Isolation::ReadCommitted);
        (bounds, run.restarts)
    };
    assert_eq!(dump(), dump());
}
