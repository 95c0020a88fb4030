//! Processes with a lane each, on the simulator, under a plan of faults: they are killed, started again and asked to
//! leave until everything is consumed; then the auditor judges. Of any folds: a `Scenario` says which.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bus::memory::{Fault, FaultPlan, Half, Memory, Visit};
use bus::{Bus, BusError, Isolation};
use lane::{
    Audit, BatchLimits, Board, BreakerLimits, Committer, Hands, InForce, Lane, LaneError, Layout,
    LogFold, Positions, Reference, Worker, WorkerSettings, audit, ends,
};

/// Rounds after which a run that does not end has failed.
const ROUNDS_MAX: u32 = 60_000;
/// Rounds between two looks at switches.
const SWITCH_ROUNDS: u32 = 64;
/// Rounds after which a process of a run with leaves is asked to end, one after the other.
const LEAVE_ROUNDS: u32 = 41;
/// Rounds after which a process of a run with freezes stands still, one after the other, and for how long.
const FREEZE_ROUNDS: u32 = 13;
const FREEZE_MS: u64 = 40_000;

thread_local! {
    static NONCES: std::cell::Cell<u128> = const { std::cell::Cell::new(1) };
}

/// Different each time, and the same in each run of a test.
fn nonce() -> u128 {
    NONCES.with(|next| next.replace(next.get() + 1))
}

/// The switches of a scenario's fold, with their names.
pub(crate) type Hung<S> = (<<S as Scenario>::Fold as LogFold>::Switches, InForce);

/// The switches that a progress record names.
pub(crate) type Named<S> = Box<dyn Fn(&InForce) -> <<S as Scenario>::Fold as LogFold>::Switches>;

/// What is driven.
pub(crate) trait Scenario: Send + Sync + 'static {
    /// The fold of a partition.
    type Fold: LogFold;

    /// Its logs.
    fn layout(&self) -> &Layout;

    /// The topic that the test writes to.
    fn source(&self) -> &str;

    /// Makes the fold of a partition, in a process.
    fn make(&self, process: &Memory, at: &bus::TopicPartition) -> Self::Fold;

    /// What lanes shall take up by the so manieth look.
    fn newest(&self, memory: &Memory, look: u32) -> Hung<Self>;

    /// What is named so.
    fn named(&self, memory: &Memory) -> Named<Self>;
}

struct Process<B: Bus, F: LogFold> {
    memory: Memory,
    worker: Worker<B, F>,
    positions: Positions,
    leaves: bool,
}

/// Takes commits in for `is_done`.
struct Noted(Positions);

impl lane::Meter for Noted {
    fn note(&self, notice: &lane::Notice<'_>) {
        if let lane::Notice::Committed(transaction, _) = notice {
            self.0.note(transaction);
        }
    }
}

/// A run of some processes, each a lane, under a plan.
pub(crate) struct Run<S: Scenario> {
    pub(crate) memory: Memory,
    scenario: Arc<S>,
    board: Board<<S::Fold as LogFold>::Switches>,
    pub(crate) restarts: u64,
    /// Processes that were asked to end, and ended in peace.
    pub(crate) left: u64,
    /// Whether processes are asked to end now and then.
    pub(crate) leaves: bool,
    /// How often a process will stand still for longer than its session, with a transaction that is still to be sent.
    pub(crate) freezes: u32,
    /// Whether a process that comes again has a transactional id of its own: nobody ends what the dead one had open
    /// before its time is over.
    pub(crate) renames: bool,
}

impl<S: Scenario> Run<S> {
    /// A run over a log that stands.
    pub(crate) fn new(memory: Memory, scenario: &Arc<S>) -> Self {
        NONCES.with(|next| next.set(1));
        let (switches, in_force) = scenario.newest(&memory, 0);
        let board = Board::new(switches, in_force);
        let scenario = Arc::clone(scenario);
        Self {
            memory,
            scenario,
            board,
            restarts: 0,
            left: 0,
            leaves: false,
            freezes: 0,
            renames: false,
        }
    }

    fn start<B: Bus>(
        &self,
        name: usize,
        wrap: &dyn Fn(&Memory) -> B,
    ) -> Result<Process<B, S::Fold>, LaneError> {
        let memory = self.memory.process("lane");
        let bus = wrap(&memory);
        let positions = Positions::default();
        let meter: Arc<dyn lane::Meter> = Arc::new(Noted(positions.clone()));
        let limits = BatchLimits { age_ms: 5, records: 6, bytes: 1 << 20 };
        let (scenario, of) = (Arc::clone(&self.scenario), memory.clone());
        let lane = Lane::new(
            self.scenario.layout().clone(),
            limits,
            format!("lane-{name}"),
            Box::new(move |at| scenario.make(&of, at)),
            self.board.newest(),
        );
        let id = match self.renames {
            true => format!("group-{name}-{}", self.restarts),
            false => format!("group-{name}"),
        };
        let committer = Committer::new(bus.clone(), id, Arc::clone(&meter));
        let settings = WorkerSettings {
            group: "group".to_owned(),
            accept_state_loss: false,
            drain_ms: 5_000,
            breaker: BreakerLimits { percent: 100, activities_min: 1 },
            nonce,
        };
        let hands = Hands::Own(Box::new(committer));
        match Worker::new(bus, settings, lane, hands, (self.board.clone(), meter)) {
            Ok(worker) => Ok(Process { memory, worker, positions, leaves: false }),
            Err(error) => {
                memory.kill();
                Err(error)
            }
        }
    }

    /// Runs until everything is consumed; gives the rounds.
    pub(crate) fn finish<B: Bus>(
        &mut self,
        n: usize,
        wrap: &dyn Fn(&Memory) -> B,
    ) -> Result<u32, String> {
        let mut processes: Vec<Option<Process<B, S::Fold>>> = (0..n).map(|_| None).collect();
        let mut steps = 0;
        for round in 0..ROUNDS_MAX {
            // Where nothing moves, something is waited for.
            let mut calm = self.memory.steps() != steps;
            steps = self.memory.steps();
            for (name, slot) in processes.iter_mut().enumerate() {
                match slot {
                    None => {
                        calm = false;
                        match self.start(name, wrap) {
                            Ok(process) => *slot = Some(process),
                            Err(error) if ends_process(&error) => {}
                            Err(error) => return Err(format!("start: failed to {error}")),
                        }
                    }
                    Some(process) if process.memory.is_frozen() => calm = false,
                    Some(process) => match step(process, i64::from(round) * 5) {
                        Ok(true) => {
                            self.left += 1;
                            *slot = None;
                        }
                        Ok(false) => calm &= process.worker.is_settled(),
                        Err(error) if ends_process(&error) => {
                            self.restarts += 1;
                            process.memory.kill();
                            *slot = None;
                        }
                        Err(error) => return Err(format!("failed to {error}")),
                    },
                }
            }
            self.between(round, &mut processes);
            self.memory.advance(if calm { 5 } else { 250 });
            if round % 8 == 0 && self.is_done(&processes) {
                return Ok(round);
            }
        }
        let slots: Vec<String> = processes.iter().map(described).collect();
        Err(format!("it does not end: {slots:#?}, ends {:?}", self.ends()))
    }

    /// Switches, leaves and freezes, between two rounds.
    fn between<B: Bus>(&mut self, round: u32, processes: &mut [Option<Process<B, S::Fold>>]) {
        if round % SWITCH_ROUNDS == SWITCH_ROUNDS / 2 {
            let (switches, in_force) =
                self.scenario.newest(&self.memory, round / SWITCH_ROUNDS + 1);
            self.board.post(switches, in_force);
        }
        if self.freezes > 0 && round % FREEZE_ROUNDS == FREEZE_ROUNDS - 1 {
            let name = (round / FREEZE_ROUNDS) as usize % processes.len();
            if let Some(process) = processes[name].as_ref().filter(|p| !p.worker.lane().is_idle()) {
                process.memory.freeze(FREEZE_MS);
                self.freezes -= 1;
            }
        }
        if self.leaves && round % LEAVE_ROUNDS == LEAVE_ROUNDS - 1 {
            let name = (round / LEAVE_ROUNDS) as usize % processes.len();
            if let Some(process) = &mut processes[name] {
                process.leaves = true;
            }
        }
    }

    fn ends(&self) -> Vec<(bus::TopicPartition, u64)> {
        ends(&self.memory, &self.scenario.layout().all_inputs().collect::<Vec<_>>()).unwrap()
    }

    /// Whether no transaction is open anywhere: what one holds back nobody can read.
    fn is_closed(&self) -> bool {
        let mut admin = self.memory.admin().unwrap();
        let layout = self.scenario.layout();
        let mut places = layout.partitions.keys().flat_map(|topic| layout.partitions_of(topic));
        places.all(|at| {
            let mut end = |isolation| admin.bounds(&at, isolation).unwrap().1;
            end(Isolation::ReadCommitted) == end(Isolation::ReadUncommitted)
        })
    }

    fn is_done<B: Bus>(&self, processes: &[Option<Process<B, S::Fold>>]) -> bool {
        self.is_closed()
            && self.ends().iter().all(|(at, end)| {
                *end == 0
                    || processes.iter().flatten().any(|process| {
                        process.worker.lane().is_idle()
                            && process.positions.reached(&self.memory, at, *end).unwrap()
                    })
            })
    }

    /// What the auditor says.
    pub(crate) fn audit(&self) -> Audit {
        let reference = Reference {
            layout: self.scenario.layout(),
            make: &|at| self.scenario.make(&self.memory, at),
            switches: &*self.scenario.named(&self.memory),
            compares: &|topic| topic != self.scenario.source(),
        };
        audit(&self.memory, &reference).unwrap()
    }
}

/// One step of a process; whether it has left in peace.
fn step<B: Bus, F: LogFold>(process: &mut Process<B, F>, now_ms: i64) -> Result<bool, LaneError> {
    if process.leaves {
        return process.worker.drain(now_ms, Duration::ZERO);
    }
    process.worker.step(now_ms, Duration::ZERO).map(|()| false)
}

/// Whether a process ends by this, and another one is started. Asked at a bad moment, the broker knows of no offset:
/// that ends a process, too.
fn ends_process(error: &LaneError) -> bool {
    matches!(
        error,
        LaneError::Bus(BusError::Killed | BusError::Fenced(_) | BusError::Unavailable(_))
            | LaneError::OffsetLost { .. }
    )
}

fn described<B: Bus, F: LogFold>(process: &Option<Process<B, F>>) -> String {
    let Some(process) = process else { return "not started".to_owned() };
    let lane = process.worker.lane();
    let partitions: Vec<String> =
        lane.partitions().map(|(at, next, runs)| format!("{at}@{next}:{runs}")).collect();
    format!("settled {} idle {} {partitions:?}", process.worker.is_settled(), lane.is_idle())
}

/// Every kind of fault, at random.
pub(crate) fn all_faults() -> FaultPlan {
    FaultPlan::none()
        .randomly(12, Fault::KillBefore)
        .randomly(12, Fault::KillAfter)
        .randomly(20, Fault::Unavailable(3))
        .randomly(60, Fault::Abortable)
        .randomly(150, Fault::LoseReply)
        .randomly(150, Fault::LoseRequest)
        .randomly(150, Fault::Late(20))
        .randomly(150, Fault::Doubled(10))
        .randomly(300, Fault::Unmarked(600))
        .randomly(60, Fault::Torn(Half::Records))
        .randomly(60, Fault::Torn(Half::Offsets))
        .randomly(300, Fault::NoOffset)
        .randomly(25, Fault::Rebalance)
        .randomly(20, Fault::Kick)
        .randomly(6, Fault::Freeze(40_000))
        .randomly(20, Fault::Jump(-5_000))
        .randomly(40, Fault::Slow(5))
        .at_most(25)
        .only("lane")
}

/// Names of all kinds of faults.
const KINDS: [&str; 16] = [
    "KillBefore",
    "KillAfter",
    "Unavailable",
    "Abortable",
    "LoseReply",
    "LoseRequest",
    "Late",
    "Doubled",
    "Unmarked",
    "Torn",
    "NoOffset",
    "Rebalance",
    "Kick",
    "Freeze",
    "Jump",
    "Slow",
];

/// What runs came to.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) runs: u64,
    pub(crate) restarts: u64,
    left: u64,
    takeovers: u64,
    ranges: u64,
    outputs: u64,
    pub(crate) quarantined: u64,
    visited: BTreeMap<Visit, u64>,
    states: BTreeSet<u64>,
}

impl Tally {
    /// Takes in a run, which must have ended and be clean.
    pub(crate) fn add<S: Scenario>(&mut self, run: &Run<S>, what: &str) -> Audit {
        let audit = run.audit();
        assert!(audit.is_clean(), "{what}: {audit:#?}");
        self.runs += 1;
        self.restarts += run.restarts;
        self.left += run.left;
        self.takeovers += audit.takeovers;
        self.ranges += audit.ranges;
        self.outputs += audit.outputs;
        self.quarantined += audit.quarantined;
        for (visit, times) in run.memory.visited() {
            *self.visited.entry(visit).or_default() += times;
        }
        self.states.extend(run.memory.states());
        audit
    }

    /// Steps of the protocol at which a fault was met.
    pub(crate) fn steps_with(&self, fault: &str) -> BTreeSet<bus::memory::Step> {
        let met = self.visited.keys().filter(|visit| visit.fault.as_deref() == Some(fault));
        met.map(|visit| visit.step).collect()
    }

    /// Prints what was seen.
    pub(crate) fn print(&self, what: &str) {
        println!(
            "{what}: {} runs, {} restarts, {} left in peace, {} takeovers, {} ranges, {} outputs, {} quarantined; {} distinct states, {} distinct situations",
            self.runs,
            self.restarts,
            self.left,
            self.takeovers,
            self.ranges,
            self.outputs,
            self.quarantined,
            self.states.len(),
            self.visited.len()
        );
    }

    /// Prints how often each kind of fault was met; each must have been.
    pub(crate) fn expect_every_fault(&self) {
        let mut met: BTreeMap<&str, u64> = KINDS.iter().map(|kind| (*kind, 0)).collect();
        for (visit, times) in &self.visited {
            if let Some(fault) = &visit.fault {
                *met.get_mut(fault.as_str()).unwrap() += times;
            }
        }
        println!("faults met: {met:?}");
        assert!(met.values().all(|times| *times > 0), "a kind of fault was never met: {met:?}");
    }
}

/// Kills a process before and after each step of a run of two, in which partitions move, a member is thrown out, a
/// transaction fails, one is torn and one is lost: crashes within transactions, recoveries and rebalances.
pub(crate) fn kill_at_every_step<S: Scenario>(
    mut make: impl FnMut() -> Run<S>,
    every: usize,
) -> Tally {
    use bus::memory::Step;
    let plan = |plan: FaultPlan| {
        plan.at_nth(Step::Record, 9, Fault::Rebalance)
            .at_nth(Step::Record, 17, Fault::Kick)
            .at_nth(Step::Offsets, 4, Fault::Abortable)
            .at_nth(Step::Commit, 2, Fault::Unmarked(400))
            .at_nth(Step::Commit, 6, Fault::Torn(Half::Records))
            .at_nth(Step::Commit, 8, Fault::LoseReply)
            .only("lane")
    };
    let plain = |memory: &Memory| memory.clone();
    let mut tally = Tally::default();
    let mut calm = make();
    calm.memory.plan(plan(FaultPlan::none()));
    calm.finish(2, &plain).unwrap();
    let steps = calm.memory.steps();
    tally.add(&calm, "without a kill");
    for n in (0..steps).step_by(every) {
        for fault in [Fault::KillBefore, Fault::KillAfter] {
            let mut run = make();
            run.memory.plan(plan(FaultPlan::none().at(n, fault)));
            let ended = run.finish(2, &plain);
            assert!(ended.is_ok(), "{fault:?} at step {n}: {ended:?}");
            tally.add(&run, &format!("{fault:?} at step {n}"));
        }
    }
    let (before, after) = (tally.steps_with("KillBefore"), tally.steps_with("KillAfter"));
    println!("killed at each {every} of {steps} steps: before {before:?}, after {after:?}");
    for met in [before, after] {
        for step in [
            Step::Join,
            Step::Assigned,
            Step::Revoked,
            Step::Lost,
            Step::Record,
            Step::Committed,
            Step::Assign,
            Step::Release,
            Step::Init,
            Step::Begin,
            Step::AddPartition,
            Step::Send,
            Step::Offsets,
            Step::Commit,
            Step::Abort,
            Step::Read,
            Step::Look,
        ] {
            assert!(met.contains(&step), "no kill at {step:?}");
        }
    }
    tally
}

/// Runs under random faults, one to three processes, some of which leave and come again.
pub(crate) fn random_faults<S: Scenario>(
    seeds: std::ops::Range<u64>,
    mut make: impl FnMut(u64) -> Run<S>,
) -> Tally {
    let mut tally = Tally::default();
    for seed in seeds {
        let mut run = make(seed);
        (run.leaves, run.renames, run.freezes) =
            (seed % 4 == 1, seed % 2 == 0, 3 * u32::from(seed % 5 == 2));
        run.memory.plan(all_faults());
        let ended = run.finish(1 + (seed % 3) as usize, &|memory: &Memory| memory.clone());
        assert!(ended.is_ok(), "seed {seed}: {ended:?}");
        tally.add(&run, &format!("seed {seed}"));
    }
    tally
}
