//! The genuine folds on the simulator, observe and respond in one group: under random faults of every kind, and killed
//! throughout a run. What the auditor wants of the toy folds of `lane` it wants of these.

#[path = "../../lane/tests/lane/harness.rs"]
mod harness;

use std::sync::Arc;
use std::time::Duration;

use bus::memory::Memory;
use bus::{Bus, Outgoing, Producer, TopicPartition};
use config::Config;
use harness::{Hung, Run, Scenario, kill_at_every_step, random_faults};
use lane::{InForce, Layout};
use serde_json::{Value, json};
use stream::{Lists, Setup, StreamFold, Switches, Topics, snapshots};
use tests::deployment::key_of;
use tests::{Noise, adversarial, dense, lines_of};

/// Milliseconds between two activities: some dozens make several epochs.
const PACE_MS: i64 = 40_000;

/// Observe and respond as `habitus run` makes them.
struct Folds {
    config: Config,
    setup: Arc<Setup>,
}

impl Folds {
    fn new() -> Self {
        let text = "version = 1\n[kafka]\nbrokers = \"none:1\"\npartitions = 3\nfindings_partitions = 2\n\
                    [input]\nstart = \"earliest\"\n[output]\nshadow = true\n";
        let (config, problems) = config::parse(text);
        let config = config.unwrap_or_else(|| panic!("{problems:?}"));
        let topics = topics(&config);
        let setup = Setup::new(&config, (&topics, "input"), None, Lists::default()).unwrap();
        Self { config, setup: Arc::new(setup) }
    }

    /// A log with this input: hostile activities, some of them with expired credentials, and what is no activity.
    fn run(self: &Arc<Self>, seed: u64, count: u64) -> Run<Self> {
        let memory = Memory::new(seed);
        let mut admin = memory.admin().unwrap();
        topics(&self.config).all().for_each(|(_, spec)| admin.create(spec).unwrap());
        let mut noise = Noise(seed);
        let mut producer = memory.producer("source", Duration::ZERO).unwrap();
        for line in lines_of(&dense(&adversarial(seed, count), PACE_MS)) {
            let mut event: Value = serde_json::from_slice(line).unwrap();
            let time = schemas::EventTime::parse(event["time"].as_str().unwrap()).unwrap();
            memory.set_time(time.millis());
            if noise.below(12) == 0 {
                event["credential"] =
                    json!({"id": format!("key-{seed}"), "expires_at": "2025-01-01T00:00:00Z"});
            }
            let key = key_of(&event);
            let bad = noise.below(15) == 0;
            let value = if bad { b"{\"schema\":".to_vec() } else { event.to_string().into_bytes() };
            let partition = bus::partition(key.as_bytes(), 3);
            let to = TopicPartition::new(Arc::clone(&self.setup.names().activity), partition);
            let (key, value) = (Some(key.into_bytes()), Some(value));
            producer.begin().unwrap();
            producer.send(&Outgoing { to, key, value, headers: Vec::new() }).unwrap();
            if noise.below(8) == 0 { producer.abort().unwrap() } else { producer.commit().unwrap() }
        }
        Run::new(memory, self)
    }
}

fn topics(config: &Config) -> Topics {
    Topics::new(config)
}

impl Scenario for Folds {
    type Fold = StreamFold;

    fn layout(&self) -> &Layout {
        self.setup.layout()
    }

    fn source(&self) -> &str {
        &self.setup.names().activity
    }

    fn make(&self, _process: &Memory, at: &TopicPartition) -> StreamFold {
        self.setup.make(at)
    }

    fn newest(&self, memory: &Memory, _look: u32) -> Hung<Self> {
        let newest = snapshots(memory, &self.setup).unwrap().pop_last().unwrap().1;
        let in_force = self.setup.in_force(newest.control_offset);
        (newest, in_force)
    }

    fn named(&self, memory: &Memory) -> Box<dyn Fn(&InForce) -> Switches> {
        let snapshots = snapshots(memory, &self.setup).unwrap();
        Box::new(move |in_force| snapshots[&in_force.control_offset].clone())
    }
}

#[test]
fn random_faults_over_1000_seeds_lose_and_double_nothing() {
    let folds = Arc::new(Folds::new());
    let tally = random_faults(0..1_000, |seed| folds.run(seed, 40));
    tally.print("observe and respond, 1,000 seeds");
    tally.expect_every_fault();
    assert!(tally.restarts > tally.runs / 2, "{} restarts", tally.restarts);
}

#[test]
fn kills_throughout_a_run_lose_and_double_nothing() {
    let folds = Arc::new(Folds::new());
    kill_at_every_step(|| folds.run(3, 30), 1).print("observe and respond, a kill at every step");
}
