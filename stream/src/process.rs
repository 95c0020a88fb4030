//! A process at work: lanes in threads, the control topic followed, an end by signal or, with `--once`, by itself.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use bus::kafka::Kafka;
use bus::{Bus, BusError, TopicPartition};
use config::Config;
use lane::{
    BatchLimits, Board, BreakerLimits, Clock, Committer, Lane, LaneError, Life, Meter, Turns,
    Worker, WorkerSettings, ends, live, spawn_committer,
};

use super::connect::{Connected, changed, check_rights};
use super::control::Control;
use super::fold::{StreamFold, Switches};
use super::meter::{Gauges, Shared};
use super::sets;
use super::setup::Setup;
use super::topics::Topics;
use super::trust;
use telemetry::{AccessPoint, Metrics, Readiness};

/// Milliseconds that the end may take.
const DRAIN_MS: i64 = 20_000;
/// How long a process may live on once it was told to stop: longer than the end of its lanes may take.
const END: Duration = Duration::from_secs(25);
/// How long the first producer may take.
const TRY: Duration = Duration::from_secs(10);
/// Milliseconds after which a call on the log counts as hung.
const HANG_MS: u64 = 60_000;
/// Activities of a lane within a minute from which on the share of refused ones tells something.
const BREAKER_ACTIVITIES: u64 = 1_000;
const LOOK: Duration = Duration::from_millis(50);
/// Between two looks at the topics, and how many must agree.
const TOPICS_EVERY: Duration = Duration::from_secs(2);
const TOPICS_LOOKS: u32 = 3;

/// What a process is told.
pub struct Orders {
    /// Threads that own partitions.
    pub lanes: usize,
    /// End once everything that was there at the start is consumed.
    pub once: bool,
    /// Go on although offsets or entries are missing.
    pub accept_state_loss: bool,
    /// The decision point, to be told of trust.
    pub access: Option<Arc<AccessPoint>>,
}

/// What the threads of a process share.
struct Process<'a> {
    kafka: &'a Kafka,
    setup: &'a Arc<Setup>,
    config: &'a Config,
    orders: &'a Orders,
    board: Board<Switches>,
    shared: Shared,
    readiness: &'a Arc<Readiness>,
    stop: &'a AtomicBool,
    failure: Mutex<Option<LaneError>>,
    turns: Turns,
}

/// Milliseconds since 1970, for ages and latencies.
#[expect(clippy::disallowed_methods, reason = "the edge measures; no result depends on it")]
pub fn clock() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// A number that no other takeover has.
fn nonce() -> u128 {
    let mut bytes = [0; 16];
    // Without a source of randomness the clock still tells takeovers apart.
    match getrandom::fill(&mut bytes) {
        Ok(()) => u128::from_le_bytes(bytes),
        Err(_) => u128::from(clock().unsigned_abs()) << 64 | u128::from(std::process::id()),
    }
}

/// Calls `exit` where the process still lives some time after it was told to stop: clients of the log are known to hang in
/// calls, and in their own ends, beyond every time limit. What is not committed then is as after a crash.
pub fn watch_end(
    stop: &Arc<AtomicBool>,
    exit: impl FnOnce() + Send + 'static,
) -> std::io::Result<()> {
    let stop = Arc::clone(stop);
    let watch = move || {
        while !stop.load(Ordering::Relaxed) {
            thread::sleep(LOOK);
        }
        thread::sleep(END);
        exit();
    };
    thread::Builder::new().name("watchdog".to_owned()).spawn(watch).map(drop)
}

/// Runs until told to stop, until all is consumed where that was ordered, or until a lane cannot go on.
pub fn run(
    config: &Config,
    connected: &Connected,
    orders: &Orders,
    (metrics, readiness, stop): (&Arc<Metrics>, &Arc<Readiness>, &AtomicBool),
) -> Result<(), LaneError> {
    let Connected { kafka, setup } = connected;
    check_rights(kafka, &Topics::new(config))?;
    // With an id of its own, so that nobody is fenced: without the right to one, each lane would fail by itself.
    let id = format!("{}-{}-rights", config.kafka().group, config.instance());
    if let Err(refused @ BusError::Refused(_)) = kafka.producer(&id, TRY) {
        return Err(refused.into());
    }
    let mut control = Control::new(kafka.clone(), setup);
    while !control.read()?.1 && !stop.load(Ordering::Relaxed) {}
    let switches = control.switches(setup);
    let in_force = setup.in_force(switches.control_offset);
    let process = Process {
        kafka,
        setup,
        config,
        orders,
        board: Board::new(switches, in_force),
        shared: Shared::new(Arc::clone(metrics), setup, clock),
        readiness,
        stop,
        failure: Mutex::new(None),
        turns: Turns::default(),
    };
    let goal =
        orders.once.then(|| ends_of(kafka, setup, &setup.names().from_outside())).transpose()?;
    let deliveries = sets::deliveries(config, setup, metrics, clock);
    let control_stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let (board, control_stop, shared) = (&process.board, &control_stop, &process.shared);
        scope.spawn(move || control.follow(setup, board, control_stop));
        scope.spawn(move || shared.follow_lag(kafka, control_stop));
        let watched = &process;
        scope.spawn(move || watched.watch_topics(control_stop));
        let trust = setup.route(&setup.names().trust);
        if let (Some(point), Some((topic, _))) = (&orders.access, trust) {
            let group = format!("{}-access-{:x}", setup.group, nonce());
            scope.spawn(move || {
                trust::follow((kafka, &group, &topic), point, clock, control_stop);
            });
        }
        for delivery in deliveries {
            scope.spawn(move || sinks::deliver(kafka, &delivery, control_stop));
        }
        let lanes: Vec<_> = (0..orders.lanes)
            .map(|index| {
                let process = &process;
                scope.spawn(move || process.lane(index))
            })
            .collect();
        if let Some(goal) = goal
            && let Err(error) = process.await_end(&goal)
        {
            process.fail(error);
        }
        // Without a goal the lanes end by the signal, or by a failure of one of them.
        for lane in lanes {
            if lane.join().is_err() {
                process.fail(LaneError::Bus(BusError::Killed));
            }
        }
        control_stop.store(true, Ordering::Relaxed);
    });
    let failure = process.failure.lock().unwrap_or_else(PoisonError::into_inner).take();
    failure.map_or(Ok(()), Err)
}

/// The ends of topics' partitions as committed readers see them now.
fn ends_of(
    kafka: &Kafka,
    setup: &Setup,
    topics: &[Arc<str>],
) -> Result<Vec<(TopicPartition, u64)>, BusError> {
    let partitions = topics.iter().flat_map(|topic| setup.layout().partitions_of(topic));
    ends(kafka, &partitions.collect::<Vec<_>>())
}

impl Process<'_> {
    /// Notes the first failure and lets every lane end.
    fn fail(&self, error: LaneError) {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.get_or_insert(error);
        self.stop.store(true, Ordering::Relaxed);
    }

    fn lane(&self, index: usize) {
        if let Err(error) = self.live(index) {
            self.fail(error);
        }
    }

    fn live(&self, index: usize) -> Result<(), LaneError> {
        let (group, batch) = (self.config.kafka().group, self.config.batch());
        let id = format!("{group}-{}-{index}", self.config.instance());
        let meter: Arc<dyn Meter> = Arc::new(self.shared.clone());
        let committer = Committer::new(self.kafka.clone(), id.clone(), Arc::clone(&meter));
        let pulse = committer.pulse();
        let thread_failed =
            |error: std::io::Error| LaneError::Bus(BusError::Refused(error.to_string()));
        let hands = spawn_committer(committer, clock as Clock).map_err(thread_failed)?;
        let limits = BatchLimits {
            age_ms: i64::try_from(batch.max_age.as_millis()).unwrap_or(i64::MAX),
            records: batch.max_records,
            bytes: batch.max_bytes,
        };
        let setup = Arc::clone(self.setup);
        let make = Box::new(move |at: &TopicPartition| setup.make(at));
        let mut lane =
            Lane::new(self.setup.layout().clone(), limits, id, make, self.board.newest());
        lane.share_turns(&self.turns);
        let settings = WorkerSettings {
            group,
            accept_state_loss: self.orders.accept_state_loss,
            drain_ms: self.drain_ms(),
            breaker: BreakerLimits {
                percent: self.config.dead_letter_percent_max(),
                activities_min: BREAKER_ACTIVITIES,
            },
            nonce,
        };
        let mut worker = Worker::new(
            self.kafka.for_member(index),
            settings,
            lane,
            hands,
            (self.board.clone(), meter),
        )?;
        let mut gauges = Gauges::new(self.shared.clone());
        let mut on_step = |lane: &Lane<StreamFold>, settled: bool| {
            let restoring = lane.partitions().filter(|partition| !partition.2).count();
            self.readiness.restoring(index, restoring.max(usize::from(!settled)));
            self.readiness.polled(index);
            self.readiness.refusing(self.shared.n_broken());
            gauges.look(lane);
        };
        let mut life = Life {
            stop: self.stop,
            clock,
            drain_ms: DRAIN_MS,
            hang_ms: HANG_MS,
            on_step: &mut on_step,
        };
        live(&mut worker, &pulse, &mut life)
    }

    /// Ends the process where a topic is gone or has other partitions than at the start: both are part of the state.
    fn watch_topics(&self, ended: &AtomicBool) {
        let (mut looks, mut waited) = (0, Duration::ZERO);
        while !ended.load(Ordering::Relaxed) {
            thread::sleep(LOOK);
            waited += LOOK;
            if waited < TOPICS_EVERY {
                continue;
            }
            waited = Duration::ZERO;
            // A broker that starts knows of no topic for a moment, so one look proves nothing.
            match changed(self.kafka, self.setup) {
                Ok(Some(what)) if looks + 1 == TOPICS_LOOKS => {
                    return self.fail(LaneError::Topics(what));
                }
                Ok(Some(_)) => looks += 1,
                Ok(None) => looks = 0,
                Err(_) => {}
            }
        }
    }

    /// Half of the session: what is not drained by then may be somebody else's.
    fn drain_ms(&self) -> i64 {
        let session = self.config.input().client.get("session.timeout.ms").cloned();
        session.and_then(|ms| ms.parse::<i64>().ok()).unwrap_or(10_000) / 2
    }

    /// Waits until the sources up to `goal`, then the activities and then the findings that they caused, are consumed; then
    /// lets lanes end.
    fn await_end(&self, goal: &[(TopicPartition, u64)]) -> Result<(), LaneError> {
        self.await_positions(goal)?;
        let names = self.setup.names();
        for topic in [&names.activity, &names.findings] {
            let caused = ends_of(self.kafka, self.setup, std::slice::from_ref(topic))?;
            self.await_positions(&caused)?;
        }
        self.stop.store(true, Ordering::Relaxed);
        Ok(())
    }

    fn await_positions(&self, goal: &[(TopicPartition, u64)]) -> Result<(), LaneError> {
        let mut open: Vec<&(TopicPartition, u64)> =
            goal.iter().filter(|(_, end)| *end > 0).collect();
        while !open.is_empty() && !self.stop.load(Ordering::Relaxed) {
            thread::sleep(LOOK);
            let mut left = Vec::new();
            for goal in open {
                match self.shared.positions.reached(self.kafka, &goal.0, goal.1) {
                    Ok(true) => {}
                    Ok(false) | Err(BusError::Unavailable(_)) => left.push(goal),
                    Err(error) => return Err(error.into()),
                }
            }
            open = left;
        }
        Ok(())
    }
}
