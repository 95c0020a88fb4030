//! What a live `habitus run` says of itself on a genuine broker: its counters add up to what was sent, each stage is
//! measured, and it is ready once what it owns is restored, not before.

#![expect(clippy::disallowed_methods, reason = "a test of a broker waits in real time")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use schemas::EventTime;
use serde_json::Value;
use tests::broker::Broker;
use tests::deployment::{Deployment, key_of};
use tests::running::Running;
use tests::{Family, demo_prefix, lines_of};

const PATIENCE: Duration = Duration::from_secs(60);
const PARTITIONS: u32 = 8;
/// The findings' partitions of a deployment of tests.
const FINDINGS: u32 = 2;

type Families = BTreeMap<String, Family>;

/// The sum of a metric's samples that have these labels and this ending of the name.
fn sum(families: &Families, name: &str, ending: &str, labels: &[(&str, &str)]) -> u64 {
    let family = &families[&format!("habitus_{name}")];
    let wanted = |found: &BTreeMap<String, String>| {
        labels.iter().all(|(name, value)| found.get(*name).is_some_and(|found| found == value))
    };
    let samples = family.samples.iter().filter(|(name, ..)| name.ends_with(ending));
    samples.filter(|(_, labels, _)| wanted(labels)).map(|(.., value)| *value).sum::<f64>() as u64
}

/// Waits for something that comes by itself.
fn await_some<T>(what: &str, deployment: &Deployment, mut look: impl FnMut() -> Option<T>) -> T {
    let since = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(since.elapsed() < PATIENCE, "{what}: {}", deployment.log("run.log"));
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Follows `/readyz` from the start on until it is ready; gives it and its first scrape after that.
fn await_ready(deployment: &Deployment, log: &str) -> (Running, Families, BTreeSet<String>) {
    let running = Running::start(deployment, log);
    let mut reasons = BTreeSet::new();
    let families = await_some("it is ready", deployment, || {
        assert_eq!(running.get("/healthz").1, "alive\n");
        let (status, body) = running.get("/readyz");
        if status == 200 {
            return Some(running.metrics());
        }
        assert_eq!(status, 503, "{body}");
        reasons.insert(body.split(':').next().unwrap_or_default().to_owned());
        None
    });
    (running, families, reasons)
}

/// Sends events with times of now: good ones, repeated ones, broken ones and miskeyed ones. Gives how many of each.
fn send(deployment: &Deployment) -> (u64, u64, u64, u64) {
    let source = deployment.source();
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now_ms = i64::try_from(since.expect("a clock").as_millis()).expect("a time");
    let (mut good, mut repeated, mut broken, mut miskeyed) = (0, 0, 0, 0);
    for (place, line) in (0_i64..).zip(lines_of(&demo_prefix(3_000))) {
        let mut event: Value = serde_json::from_slice(line).expect("JSON");
        let time = EventTime::from_millis(now_ms - 3_000_000 + place * 1_000).expect("a time");
        event["time"] = time.rfc3339().into();
        let bytes = serde_json::to_vec(&event).expect("JSON");
        let key = key_of(&event);
        source.send(&key, &bytes, None);
        good += 1;
        if place % 50 == 7 {
            source.send(&key, &bytes, None);
            repeated += 1;
        }
        if place % 100 == 9 {
            source.send(&key, &bytes[..bytes.len() / 2], None);
            broken += 1;
        }
        if place % 200 == 11 {
            event["id"] = format!("miskeyed-{place}").into();
            source.send("acme|somebody-else", event.to_string().as_bytes(), None);
            miskeyed += 1;
        }
    }
    source.flush();
    (good, repeated, broken, miskeyed)
}

#[test]
fn a_live_run_accounts_for_every_record_and_is_ready_once_restored() {
    let Some(broker) = Broker::shared() else { return };
    let input = "[input]\nstart = \"earliest\"\n";
    let deployment = Deployment::new("scrape", broker.address(), PARTITIONS, input).with_http();
    let topic = deployment.topic("activity.v1");
    let all = u64::from(PARTITIONS + FINDINGS);

    let (running, fresh, reasons) = await_ready(&deployment, "run.log");
    assert!(reasons.contains("connecting"), "it was ready before it heard from the broker");
    assert!(sum(&fresh, "restore_duration_seconds", "_count", &[]) >= all, "{reasons:?}");
    assert_eq!(sum(&fresh, "events_processed_total", "", &[]), 0);

    let (good, repeated, broken, miskeyed) = send(&deployment);
    let sent = good + repeated + broken + miskeyed;
    let read =
        |families: &Families| sum(families, "events_received_total", "", &[("topic", &topic)]);
    let families = await_some("all is read", &deployment, || {
        let families = running.metrics();
        // Lag and state are fed on other beats than the counters: all three looks must have seen the end.
        let lag = &families["habitus_consumer_lag_records"];
        let caught_up = !lag.samples.is_empty() && lag.samples.iter().all(|(.., lag)| *lag < 0.5);
        let counted = sum(&families, "agents", "", &[]) > 0;
        (read(&families) == sent && caught_up && counted).then_some(families)
    });
    let processed =
        |outcome: &str| sum(&families, "events_processed_total", "", &[("outcome", outcome)]);
    let outcomes = ["scored", "duplicate", "skipped", "dead_lettered"].map(processed);
    println!("{sent} records: scored, duplicate, skipped, dead-lettered {outcomes:?}");
    assert_eq!(outcomes, [good, repeated, 0, broken + miskeyed]);
    assert_eq!(outcomes.iter().sum::<u64>(), read(&families), "each record ends as one thing");
    for name in ["events_invalid_total", "dlq_events_total"] {
        assert_eq!(sum(&families, name, "", &[("reason", "miskeyed")]), miskeyed, "{name}");
        assert_eq!(sum(&families, name, "", &[]), broken + miskeyed, "{name}");
    }
    let stage =
        |stage: &str| sum(&families, "stage_duration_seconds", "_count", &[("stage", stage)]);
    assert_eq!(stage("decode"), sent, "each record is decoded once");
    assert_eq!(stage("observe"), good + repeated, "what is refused is not observed");
    let findings = deployment.topic("findings.v1");
    let responded = sum(&families, "events_received_total", "", &[("topic", &findings)]);
    assert!(stage("respond") >= responded, "counted once committed, timed before");
    assert!(stage("commit") > 0);
    assert!(sum(&families, "state_bytes", "", &[]) > 0, "the agents that it holds take memory");
    running.end();

    // With state in the log it restores again, and counts anew.
    let (running, again, reasons) = await_ready(&deployment, "again.log");
    assert!(sum(&again, "restore_duration_seconds", "_count", &[]) >= all, "{reasons:?}");
    assert_eq!(sum(&again, "events_processed_total", "", &[]), 0, "nothing is read twice");
    running.end();
    assert!(deployment.audit().is_clean());
}
