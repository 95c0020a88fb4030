//! The real folds on the simulator: topics as a config wants them, records at the sources, processes of one lane each
//! under a plan of faults, and the audit of what they leave.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bus::memory::Memory;
use bus::{Bus, BusError, Header, Outgoing, Producer, Record, TopicPartition};
use lane::{
    Audit, BatchLimits, Board, BreakerLimits, Committer, Hands, Lane, LaneError, Meter, Notice,
    Positions, Reference, Worker, WorkerSettings, audit, ends, read_all,
};
use stream::{Lists, Setup, StreamFold, Switches, Topics, snapshots};
use telemetry::{Facts, Metrics};

/// Rounds after which a run that does not end has failed.
const ROUNDS_MAX: u32 = 60_000;

thread_local! {
    static NONCES: Cell<u128> = const { Cell::new(1) };
}

/// Different each time, and the same in each run of a test.
fn nonce() -> u128 {
    NONCES.with(|next| next.replace(next.get() + 1))
}

/// A log and what folds over it are made with.
pub struct Simulated {
    /// The log, as the test sees it.
    pub memory: Memory,
    /// What folds are made with.
    pub setup: Arc<Setup>,
    /// What the folds count.
    pub metrics: Arc<Metrics>,
    follows: bool,
    restarts: u64,
}

struct Process {
    memory: Memory,
    worker: Worker<Memory, StreamFold>,
    positions: Positions,
}

/// Takes commits in.
struct Noted(Positions);

impl Meter for Noted {
    fn note(&self, notice: &Notice<'_>) {
        if let Notice::Committed(transaction, _) = notice {
            self.0.note(transaction);
        }
    }
}

impl Simulated {
    /// An empty log with the topics of a config, made new for each seed.
    pub fn new(seed: u64, config: &str, lists: Lists) -> Self {
        NONCES.with(|next| next.set(1));
        let (config, problems) = config::parse(config);
        let config = config.unwrap_or_else(|| panic!("{problems:?}"));
        let topics = Topics::new(&config);
        let memory = Memory::new(seed);
        let mut admin = memory.admin().expect("an admin");
        for (_, spec) in topics.all() {
            admin.create(spec).expect("a topic");
        }
        let metrics = Arc::new(Metrics::new(Facts::default()));
        let told = Some(Arc::clone(&metrics));
        let setup = Setup::new(&config, (&topics, "id"), told, lists).expect("a setup");
        Self { memory, setup: Arc::new(setup), metrics, follows: false, restarts: 0 }
    }

    /// Each process takes up, as it starts, what control says by then.
    pub fn following_control(self) -> Self {
        Self { follows: true, ..self }
    }

    /// Every snapshot of control that may be in force.
    pub fn snapshots(&self) -> BTreeMap<u64, Switches> {
        match self.follows {
            true => snapshots(&self.memory, &self.setup).expect("the control topic"),
            false => [(0, Switches::default())].into(),
        }
    }

    /// Writes a record to a partition of a topic.
    pub fn write(&self, topic: &str, partition: u32, key: Option<&str>, value: &[u8]) {
        self.write_with(topic, partition, key, (Some(value), &[]));
    }

    /// The same with headers, or without a value.
    pub fn write_with(
        &self,
        topic: &str,
        partition: u32,
        key: Option<&str>,
        (value, headers): (Option<&[u8]>, &[Header]),
    ) {
        let mut producer = self.memory.producer("source", Duration::ZERO).expect("a producer");
        producer.begin().expect("a transaction");
        let record = Outgoing {
            to: TopicPartition::new(topic, partition),
            key: key.map(|key| key.as_bytes().to_vec()),
            value: value.map(<[u8]>::to_vec),
            headers: headers.to_vec(),
        };
        producer.send(&record).expect("a record");
        producer.commit().expect("a commit");
    }

    /// Every committed record of a topic.
    pub fn read(&self, topic: &str) -> Vec<Record> {
        let partitions = self.setup.layout().partitions_of(topic);
        partitions.flat_map(|at| read_all(&self.memory, &at).expect("a partition")).collect()
    }

    /// How often a process ended and was started again.
    pub fn restarts(&self) -> u64 {
        self.restarts
    }

    fn start(&self, name: usize) -> Result<Process, LaneError> {
        let memory = self.memory.process("lane");
        let positions = Positions::default();
        let meter: Arc<dyn Meter> = Arc::new(Noted(positions.clone()));
        let limits = BatchLimits { age_ms: 5, records: 6, bytes: 1 << 20 };
        let setup = Arc::clone(&self.setup);
        let (offset, newest) = self.snapshots().pop_last().expect("that of the beginning");
        let board = Board::new(newest, setup.in_force(offset));
        let layout = setup.layout().clone();
        let make = Box::new(move |at: &TopicPartition| setup.make(at));
        let lane = Lane::new(layout, limits, format!("lane-{name}"), make, board.newest());
        let committer = Committer::new(memory.clone(), format!("id-{name}"), Arc::clone(&meter));
        let settings = WorkerSettings {
            group: "group".to_owned(),
            accept_state_loss: false,
            drain_ms: 5_000,
            nonce,
            breaker: BreakerLimits { percent: 100, activities_min: 1 },
        };
        let hands = Hands::Own(Box::new(committer));
        match Worker::new(memory.clone(), settings, lane, hands, (board, meter)) {
            Ok(worker) => Ok(Process { memory, worker, positions }),
            Err(error) => {
                memory.kill();
                Err(error)
            }
        }
    }

    /// Runs so many processes, starting anew each that dies, until everything is consumed.
    pub fn finish(&mut self, processes: usize) -> Result<(), String> {
        self.finish_after(processes, 0)
    }

    /// The same, with so many milliseconds in which nothing more comes.
    pub fn finish_after(&mut self, processes: usize, calm_ms: i64) -> Result<(), String> {
        let mut slots: Vec<Option<Process>> = (0..processes).map(|_| None).collect();
        let mut since_ms = None;
        for round in 0..ROUNDS_MAX {
            let mut calm = true;
            for (name, slot) in slots.iter_mut().enumerate() {
                calm &= self.turn(name, slot)?;
            }
            self.memory.advance(if calm { 5 } else { 250 });
            if round % 8 == 0 {
                let now_ms = self.memory.now_ms();
                let done = self.is_done(&slots);
                since_ms = done.then(|| since_ms.unwrap_or(now_ms));
                if since_ms.is_some_and(|since_ms| since_ms + calm_ms <= now_ms) {
                    return Ok(());
                }
            }
        }
        Err("it does not end".to_owned())
    }

    /// One turn of one process; whether it is settled.
    fn turn(&mut self, name: usize, slot: &mut Option<Process>) -> Result<bool, String> {
        let Some(process) = slot else {
            return match self.start(name) {
                Ok(process) => {
                    *slot = Some(process);
                    Ok(false)
                }
                Err(LaneError::Bus(BusError::Killed | BusError::Unavailable(_))) => Ok(false),
                Err(error) => Err(format!("start: failed to {error}")),
            };
        };
        if process.memory.is_frozen() {
            return Ok(false);
        }
        match process.worker.step(self.memory.now_ms(), Duration::ZERO) {
            Ok(()) => Ok(process.worker.is_settled()),
            Err(
                LaneError::OffsetLost { .. }
                | LaneError::Bus(BusError::Killed | BusError::Fenced(_) | BusError::Unavailable(_)),
            ) => {
                self.restarts += 1;
                process.memory.kill();
                *slot = None;
                Ok(false)
            }
            Err(error) => Err(format!("failed to {error}")),
        }
    }

    fn is_done(&self, slots: &[Option<Process>]) -> bool {
        let inputs: Vec<TopicPartition> = self.setup.layout().all_inputs().collect();
        let ends = ends(&self.memory, &inputs).expect("ends");
        ends.iter().all(|(at, end)| {
            let reaches = |process: &Process| {
                process.worker.lane().is_idle()
                    && process.positions.reached(&self.memory, at, *end).expect("a reader")
            };
            *end == 0 || slots.iter().flatten().any(reaches)
        })
    }

    /// Compares everything in the log with a run of the folds over it.
    pub fn audit(&self) -> Audit {
        let (others, snapshots) = (self.setup.names().from_outside(), self.snapshots());
        let reference = Reference {
            layout: self.setup.layout(),
            make: &|at| self.setup.make(at),
            switches: &|in_force| snapshots[&in_force.control_offset].clone(),
            compares: &|topic| !others.iter().any(|other| &**other == topic),
        };
        audit(&self.memory, &reference).expect("the log can be read")
    }
}
