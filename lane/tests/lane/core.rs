//! The lane's core against a log of the test's own: any outcome of any transaction, any revocation or loss at any
//! point. What was committed tiles the input, once, and equals one straight run.

use std::collections::BTreeMap;
use std::sync::Arc;

use bus::{Outgoing, Record, TopicPartition};
use lane::{
    Assignment, BatchLimits, Command, Fold, InForce, Input, Lane, Layout, LogFold, Outcome,
    PROGRESS_KEY, Part, Progress, Start, Transaction,
};

use crate::toy::{ALERTS, DEAD, FINDINGS, INPUT, Toy};

/// Numbers that look random and are the same in each run (splitmix64).
pub(crate) struct Noise(pub(crate) u64);

impl Noise {
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }
}

pub(crate) fn layout(partitions: u32) -> Layout {
    let input = |topic: &str, state: &str| Input {
        topic: Arc::from(topic),
        state: Arc::from(state),
        start: Start::Earliest,
        guarded: topic == INPUT,
    };
    let sizes = [
        (INPUT, partitions),
        ("state", partitions),
        (FINDINGS, 2),
        ("cases", 2),
        (ALERTS, 2),
        (DEAD, 1),
    ];
    Layout {
        inputs: vec![input(INPUT, "state"), input(FINDINGS, "cases")],
        partitions: sizes.into_iter().map(|(topic, n)| (Arc::from(topic), n)).collect(),
    }
}

/// What stands in the test's log.
#[derive(Default)]
struct Log {
    inputs: BTreeMap<TopicPartition, Vec<Record>>,
    state: BTreeMap<TopicPartition, Vec<Outgoing>>,
    outputs: BTreeMap<TopicPartition, Vec<Outgoing>>,
    offsets: BTreeMap<TopicPartition, u64>,
}

impl Log {
    fn commit(&mut self, part: &Part) {
        self.offsets.insert(part.at.clone(), part.next);
        for record in &part.records {
            let to = if record.to == part.state { &mut self.state } else { &mut self.outputs };
            let at = if record.to == part.state { &record.to } else { &part.at };
            to.entry(at.clone()).or_default().push(record.clone());
        }
    }

    fn progress(&self, state: &TopicPartition) -> Vec<Progress> {
        let records = self.state.get(state).map(Vec::as_slice).unwrap_or_default();
        let progress = records.iter().filter(|record| record.key.as_deref() == Some(PROGRESS_KEY));
        progress.map(|record| Progress::decode(record.value.as_ref().unwrap()).unwrap()).collect()
    }
}

struct Scene {
    lane: Lane<Toy>,
    log: Log,
    noise: Noise,
    in_flight: Option<Arc<Transaction>>,
    nonce: u128,
    owned: Vec<TopicPartition>,
    /// Partitions that were lost while the transaction was on its way: the generation refuses their parts.
    void: Vec<TopicPartition>,
}

impl Scene {
    fn new(seed: u64) -> Self {
        let mut noise = Noise(seed);
        let mut log = Log::default();
        for partition in 0..3 {
            let at = TopicPartition::new(INPUT, partition);
            let mut offset = noise.below(5);
            let records = (0..200).map(|_| {
                offset += 1 + u64::from(noise.below(10) == 0);
                let text = match noise.below(12) {
                    0 => "bad".to_owned(),
                    _ => format!("{}{} {}", noise.below(3), noise.below(6), noise.below(50)),
                };
                Record {
                    at: at.clone(),
                    offset,
                    timestamp_ms: 1_000 + i64::try_from(offset).unwrap(),
                    key: None,
                    value: Some(text.into_bytes()),
                    headers: Vec::new(),
                }
            });
            log.inputs.insert(at.clone(), records.collect());
        }
        let limits = BatchLimits { age_ms: 5, records: 16, bytes: 1 << 20 };
        let lane = Lane::new(
            layout(3),
            limits,
            "test".to_owned(),
            Box::new(|at| Toy::new(&at.topic)),
            (1, InForce::default()),
        );
        Self {
            lane,
            log,
            noise,
            in_flight: None,
            nonce: u128::from(seed) << 32,
            owned: Vec::new(),
            void: Vec::new(),
        }
    }

    fn assign(&mut self) {
        let missing: Vec<TopicPartition> =
            self.log.inputs.keys().filter(|at| !self.owned.contains(at)).cloned().collect();
        let assigned: Vec<Assignment> = missing
            .iter()
            .map(|at| Assignment {
                at: at.clone(),
                start: self.log.offsets.get(at).copied().unwrap_or(0),
                after_loss: false,
            })
            .collect();
        self.owned.extend(missing);
        self.nonce += 1;
        let commands = self.lane.on_assign(&assigned, self.nonce);
        self.run(commands);
    }

    fn run(&mut self, commands: Vec<Command>) {
        for command in commands {
            match command {
                Command::Commit(transaction) => {
                    assert!(self.in_flight.is_none(), "one transaction at a time");
                    self.in_flight = Some(transaction);
                }
                Command::Restore { at, state } => self.restore(&at, &state),
                Command::Resume { .. } | Command::Hold { .. } => {}
                Command::Release(partitions) => self.owned.retain(|at| !partitions.contains(at)),
            }
        }
    }

    fn restore(&mut self, at: &TopicPartition, state: &TopicPartition) {
        let records = self.log.state.get(state).cloned().unwrap_or_default();
        for (offset, record) in (0..).zip(records) {
            let record = Record {
                at: state.clone(),
                offset,
                timestamp_ms: 0,
                key: record.key,
                value: record.value,
                headers: Vec::new(),
            };
            let commands = self.lane.on_state(at, &record).unwrap();
            self.run(commands);
        }
    }

    fn settle(&mut self) {
        let Some(transaction) = self.in_flight.take() else { return };
        let outcome = match self.noise.below(6) {
            0 => Outcome::NotCommitted,
            1 if transaction.parts.len() > 1 => {
                let some = self.noise.below(transaction.parts.len() as u64 - 1) as usize + 1;
                Outcome::Torn(
                    transaction.parts.iter().take(some).map(|part| part.at.clone()).collect(),
                )
            }
            _ => Outcome::Committed,
        };
        for part in &transaction.parts {
            if self.void.contains(&part.at) {
                continue;
            }
            match &outcome {
                Outcome::Committed => self.log.commit(part),
                Outcome::Torn(done) if done.contains(&part.at) => self.log.commit(part),
                _ => {}
            }
        }
        self.void.clear();
        let commands = self.lane.on_commit(&outcome);
        self.run(commands);
    }

    fn step(&mut self, now_ms: i64) {
        match self.noise.below(40) {
            0 => {
                let at = TopicPartition::new(INPUT, self.noise.below(3) as u32);
                let commands = self.lane.on_revoke(&[at]);
                self.run(commands);
            }
            1 => {
                let at = TopicPartition::new(INPUT, self.noise.below(3) as u32);
                self.owned.retain(|owned| *owned != at);
                self.void.push(at.clone());
                let commands = self.lane.on_lost(&[at]);
                self.run(commands);
            }
            2..=5 => self.assign(),
            6..=12 => self.settle(),
            _ if !self.lane.is_full() => {
                let next: Vec<(TopicPartition, u64)> = self
                    .lane
                    .partitions()
                    .filter(|(_, _, running)| *running)
                    .map(|(at, next, _)| (at.clone(), next))
                    .collect();
                for (at, next) in next {
                    let records = &self.log.inputs[&at];
                    if let Some(record) = records.iter().find(|record| next <= record.offset) {
                        self.lane.on_record(record, now_ms).unwrap();
                    }
                }
            }
            _ => {}
        }
        let commands = self.lane.on_time(now_ms);
        self.run(commands);
    }

    fn is_done(&self) -> bool {
        self.log.inputs.iter().all(|(at, records)| {
            let last = records.last().map_or(0, |record| record.offset + 1);
            self.log.offsets.get(at) == Some(&last)
        })
    }

    fn check(&self) {
        for (at, records) in &self.log.inputs {
            let state = TopicPartition::new("state", at.partition);
            let progress = self.log.progress(&state);
            assert!(!progress.is_empty());
            for pair in progress.windows(2) {
                assert_eq!(pair[1].from, pair[0].to, "{at}: ranges tile");
                assert_eq!(pair[1].range, pair[0].range + 1);
            }
            let mut fold = Toy::new(INPUT);
            let mut expected = Vec::new();
            // Whoever loses a partition amid an attempt again and again is taken for dead.
            let quarantined: Vec<u64> =
                progress.iter().flat_map(|range| range.quarantined.clone()).collect();
            for record in records {
                let applied = match quarantined.contains(&record.offset) {
                    true => fold.quarantine(record),
                    false => fold.apply(record),
                };
                expected.extend(applied.emits.into_iter().map(|emit| emit.value));
            }
            let found: Vec<_> =
                self.log.outputs[at].iter().map(|record| record.value.clone()).collect();
            assert_eq!(found, expected, "{at}: outputs of one straight run");
            let totals = progress.last().unwrap().totals;
            assert_eq!(totals.records, records.len() as u64);
        }
    }
}

#[test]
fn every_outcome_revocation_and_loss_leaves_each_entry_counted_once() {
    for seed in 0..300 {
        let mut scene = Scene::new(seed);
        scene.assign();
        let mut now_ms = 0;
        while !scene.is_done() {
            now_ms += 1;
            scene.step(now_ms);
            assert!(now_ms < 200_000, "seed {seed} does not end");
        }
        scene.check();
    }
}

#[test]
fn the_progress_in_the_log_is_believed_over_the_group() {
    let mut scene = Scene::new(7);
    scene.assign();
    for now_ms in 0..400 {
        scene.settle();
        scene.step(now_ms);
    }
    // The records of a transaction stand, its offsets do not: what a late EndTxn can tear.
    let at = TopicPartition::new(INPUT, 0);
    let state = TopicPartition::new("state", 0);
    let truth = scene.log.progress(&state).last().unwrap().to;
    scene.log.offsets.insert(at.clone(), truth - 1);
    let mut after = Scene { log: scene.log, ..Scene::new(8) };
    after.assign();
    while after.in_flight.is_some() {
        after.settle();
    }
    let next = after.lane.partitions().find(|(owned, _, _)| **owned == at).unwrap().1;
    assert_eq!(next, truth);
}
