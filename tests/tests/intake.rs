//! Intake on the simulator: records under any key, of agents with many names, many to a record, from two topics; killed at
//! every step and under random faults. Each activity is observed once, under its agent's key, as if it had come keyed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bus::Record;
use bus::memory::{Fault, FaultPlan, Half, Visit};
use config::read_inventory;
use lane::Counts;
use schemas::header::{DeadLetterHeaders, OriginHeaders};
use schemas::time::EventTime;
use serde_json::{Value, json};
use stream::Lists;
use tests::{Noise, Simulated};

const ANY: &str = "[kafka]\nprefix = \"t.\"\npartitions = 3\nfindings_partitions = 2\n[input]\nstart = \"earliest\"\nkey = \"any\"\n\
                   [[source]]\ntopic = \"gateway\"\n[[source]]\ntopic = \"audit\"\nformat = \"native\"\n";
const KEYED: &str = "[kafka]\nprefix = \"t.\"\npartitions = 3\nfindings_partitions = 2\n[input]\nstart = \"earliest\"\n";
const BY_AGENT: &str = "t.activity.by-agent.v1";
const DEAD: &str = "t.activity.dlq.v1";

/// Every agent has two names.
const AGENTS: [[&str; 2]; 4] =
    [["bot", "arn:bot"], ["clerk", "spiffe://clerk"], ["robin", "sa:robin"], ["egg", "id:egg"]];

fn lists() -> Lists {
    let entries = AGENTS.map(|[id, alias]| {
        json!({"schema": "agent.inventory/1", "tenant_id": "acme", "agent_id": id, "state": "active",
               "aliases": [alias], "blueprint": "office", "owner": {"id": "ops"}})
        .to_string()
    });
    let inventory = read_inventory(&entries.join("\n")).expect("an inventory");
    Lists { inventory: Arc::new(inventory), ..Lists::default() }
}

fn activity(noise: &mut Noise, number: u64, now_ms: i64) -> Value {
    let time = EventTime::from_millis(now_ms - noise.below(50_000) as i64).expect("a time");
    let agent = AGENTS[noise.below(4) as usize];
    let kind = noise.pick(&["ai_agent", "ai_agent", "ai_agent", "ai_agent", "user"]);
    json!({
        "schema": "agent.activity/1", "id": format!("e{number}"), "time": time.rfc3339(), "tenant_id": "acme",
        "agent": {"id": agent[noise.below(2) as usize]},
        "attributes": {"agent.type": kind},
        "action": {"type": "tool_call", "operation": noise.pick(&["read", "write", "list"])},
        "destination": {"host": format!("host-{}.example", noise.below(4))},
    })
}

/// Makes records one after the other.
struct Producer {
    noise: Noise,
    number: u64,
    newest: Value,
}

impl Producer {
    /// The next activity; now and then the one before, once more.
    fn activity(&mut self, now_ms: i64) -> Value {
        self.number += 1;
        if self.number % 9 != 5 {
            self.newest = activity(&mut self.noise, self.number, now_ms);
        }
        self.newest.clone()
    }

    /// A record: one activity, many, or none that can be read; and how many it tells of.
    fn record(&mut self, now_ms: i64) -> (Vec<u8>, u64) {
        match self.noise.below(10) {
            0 => (b"{\"schema\":".to_vec(), 1),
            // Years ago.
            1 => {
                let mut old = self.activity(now_ms);
                old["time"] = "2020-01-01T00:00:00Z".into();
                (old.to_string().into_bytes(), 1)
            }
            2 => {
                let n = 2 + self.noise.below(4);
                let many: Vec<Value> = (0..n).map(|_| self.activity(now_ms)).collect();
                (json!({"Records": many}).to_string().into_bytes(), n)
            }
            _ => (self.activity(now_ms).to_string().into_bytes(), 1),
        }
    }
}

/// A log whose sources hold so many records; and how many activities those tell of.
fn filled(seed: u64, records: u64) -> (Simulated, u64) {
    let run = Simulated::new(seed, ANY, lists());
    let mut producer = Producer { noise: Noise(seed), number: 0, newest: Value::Null };
    let (mut noise, mut total) = (Noise(seed + 1_000), 0);
    for _ in 0..records {
        let (value, n) = producer.record(run.memory.now_ms());
        let key = format!("k{}", noise.below(1_000));
        let topic = if value.starts_with(b"{\"Records") {
            "gateway"
        } else {
            noise.pick(&["gateway", "audit"])
        };
        run.write(topic, noise.below(3) as u32, Some(&key), &value);
        run.memory.advance(1_000 * noise.below(90));
        total += n;
    }
    (run, total)
}

fn value(record: &Record) -> Value {
    serde_json::from_slice(record.value.as_deref().unwrap_or(b"null")).expect("JSON")
}

/// What must hold of every run: the audit is clean, each activity ended as one thing over both hops, each agent stands on
/// one partition under its own id, and each origin is told once.
fn check(run: &Simulated, total: u64, case: &str) -> Counts {
    let audit = run.audit();
    assert!(audit.is_clean(), "{case}: {audit:#?}");
    let of = |topic: &str| audit.inputs.get(topic).copied().unwrap_or_default();
    let (mut intake, observe) = (of("gateway"), of(BY_AGENT));
    intake.add(&of("audit"));
    assert_eq!(intake.activities, total, "{case}");
    assert_eq!(intake.scored, observe.activities, "{case}: what is handed on is read");
    let ends = [observe.scored, observe.duplicate, intake.skipped, intake.dead_lettered];
    assert_eq!(ends.iter().sum::<u64>(), total, "{case}: {intake:?} {observe:?}");

    let (mut places, mut origins) = (BTreeMap::new(), BTreeSet::new());
    for record in run.read(BY_AGENT) {
        let activity = value(&record);
        let id = activity["agent"]["id"].as_str().expect("an id").to_owned();
        assert_eq!(record.key, Some(format!("acme|{id}").into_bytes()), "{case}");
        assert!(AGENTS.iter().any(|[own, _]| *own == id), "{case}: {id} is an alias");
        assert_eq!(activity["agent"]["owner"]["id"], "ops", "{case}: enriched");
        assert_eq!(*places.entry(id).or_insert(record.at.partition), record.at.partition, "{case}");
        let from = OriginHeaders::decode(&record.headers).expect("an origin");
        assert!(
            from.log_ms <= record.timestamp_ms && !from.config.is_empty() && !from.lists.is_empty()
        );
        let origin = (from.topic, from.partition, from.offset, from.index);
        assert!(origins.insert(origin.clone()), "{case}: {origin:?} twice");
    }
    assert_eq!(origins.len() as u64, intake.scored, "{case}");
    for letter in run.read(DEAD) {
        let reason = DeadLetterHeaders::decode(&letter.headers).expect("a reason");
        let at = bus::TopicPartition::new(reason.topic.as_str(), reason.partition);
        let source = lane::read_all(&run.memory, &at).expect("a source");
        let original = source.iter().find(|record| record.offset == reason.offset);
        let original = original.expect("the original");
        assert_eq!((&letter.key, &letter.value), (&original.key, &original.value), "{case}");
    }
    // What time allows depends on which of an agent's activities came first, and a kill may change the order of sources.
    let [sums @ .., _] = observe.sums;
    let sums = std::array::from_fn(|place| sums.get(place).copied().unwrap_or_default());
    Counts { skipped: intake.skipped, dead_lettered: intake.dead_lettered, sums, ..observe }
}

#[test]
fn a_kill_at_every_step_of_intake_loses_and_doubles_nothing() {
    let (mut calm, total) = filled(1, 14);
    calm.memory.plan(FaultPlan::none().only("lane"));
    calm.finish(1).expect("it ends");
    let steps = calm.memory.steps();
    let counts = check(&calm, total, "calm");
    assert!(counts.duplicate > 0 && counts.skipped > 0 && counts.dead_lettered > 1, "{counts:?}");
    // What is equal below holds the meters of calibration too.
    assert!(counts.sums[0] > 0, "{counts:?}");
    let mut visited: BTreeMap<Visit, u64> = BTreeMap::new();
    for n in 0..steps {
        for fault in [Fault::KillBefore, Fault::KillAfter] {
            let (mut run, total) = filled(1, 14);
            run.memory.plan(FaultPlan::none().at(n, fault).only("lane"));
            let case = format!("{fault:?} at step {n}");
            run.finish(1).unwrap_or_else(|error| panic!("{case}: {error}"));
            assert_eq!(check(&run, total, &case), counts, "{case}");
            for (visit, times) in run.memory.visited() {
                *visited.entry(visit).or_default() += times;
            }
        }
    }
    let killed = visited.keys().filter(|visit| visit.fault.is_some()).count();
    println!(
        "{total} activities; killed before and after each of {steps} steps; {killed} crash points"
    );
    assert!(killed >= 20, "only {killed} crash points");
}

#[test]
fn random_faults_lose_and_double_nothing_of_intake() {
    let (mut restarts, mut ranges) = (0, 0);
    for seed in 0..40 {
        let (mut run, total) = filled(seed, 30);
        let plan = FaultPlan::none()
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
            .randomly(15, Fault::Rebalance)
            .randomly(8, Fault::Kick)
            .randomly(6, Fault::Freeze(40_000))
            .at_most(20);
        run.memory.plan(plan.only("lane"));
        let case = format!("seed {seed}");
        run.finish(1 + (seed % 3) as usize).unwrap_or_else(|error| panic!("{case}: {error}"));
        check(&run, total, &case);
        (restarts, ranges) = (restarts + run.restarts(), ranges + run.audit().ranges);
    }
    println!("40 seeds: {restarts} restarts, {ranges} ranges");
    assert!(restarts > 20, "{restarts} restarts");
}

/// What was said of each activity but where and when: by tenant, agent and activity.
fn said(run: &Simulated) -> BTreeSet<String> {
    let findings = run.read("t.findings.v1").into_iter().map(|record| {
        let mut finding = value(&record);
        for place in ["source", "versions"] {
            finding[place].take();
        }
        finding.to_string()
    });
    findings.collect()
}

#[test]
fn what_comes_through_intake_is_observed_as_if_it_had_come_keyed() {
    let (mut any, mut keyed) = (Simulated::new(3, ANY, lists()), Simulated::new(3, KEYED, lists()));
    let mut noise = Noise(3);
    for number in 0..600 {
        let event = activity(&mut noise, number, any.memory.now_ms());
        let agent = event["agent"]["id"].as_str().expect("an id");
        let own = AGENTS.iter().find(|names| names.contains(&agent)).expect("an agent")[0];
        let key = format!("acme|{own}");
        let bytes = event.to_string().into_bytes();
        // One partition: the order among agents is that of arrival in both.
        any.write("gateway", 0, None, &bytes);
        keyed.write("t.activity.v1", bus::partition(key.as_bytes(), 3), Some(&key), &bytes);
        let ms = noise.below(120_000);
        any.memory.advance(ms);
        keyed.memory.advance(ms);
    }
    any.memory.advance(86_400_000);
    keyed.memory.advance(86_400_000);
    any.finish(1).expect("it ends");
    keyed.finish(1).expect("it ends");
    let (found, expected) = (said(&any), said(&keyed));
    assert!(expected.len() > 20, "{} findings", expected.len());
    assert!(
        found == expected,
        "{:#?}",
        found.symmetric_difference(&expected).take(4).collect::<Vec<_>>()
    );
}
