//! `habitus run` on a genuine broker: what it reads ends as exactly one thing, what it writes is what a run of the
//! folds over the same log gives, and faults change nothing of it.

#![expect(clippy::disallowed_methods, reason = "a test of a broker waits in real time")]

use std::collections::BTreeMap;
use std::process::Child;
use std::time::{Duration, Instant};

use schemas::header::DeadLetterHeaders;
use serde_json::Value;
use tests::broker::Broker;
use tests::deployment::{Deployment, key_of};
use tests::mangle::mangle;
use tests::running::Running;
use tests::{Noise, demo_prefix, dense, lines_of};

/// The client settings of tests: members that die are missed soon.
const QUICK: &str =
    "[input.client]\n\"session.timeout.ms\" = 3000\n\"heartbeat.interval.ms\" = 500\n";

fn json(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).expect("JSON")
}

fn terminate(child: &mut Child) {
    let pid = i32::try_from(child.id()).expect("a process id");
    let sent = std::process::Command::new("kill").arg(pid.to_string()).status().expect("kill");
    assert!(sent.success());
    let status = child.wait().expect("the process ends");
    assert!(status.success(), "ended with {status}");
}

#[test]
fn alerts_trust_requests_and_dead_letters_are_those_of_the_reference_run() {
    let Some(broker) = Broker::shared() else { return };
    let input = "[input]\nstart = \"earliest\"\naccept_create_time = true\n";
    let deployment = Deployment::new("whole", broker.address(), 8, input);
    deployment.make_input_with_create_time();
    let events = scenario::generate(7);
    let events = lines_of(&events);
    let source = deployment.source();
    // Days that pass in a second leave no time for tables to come down: each stage knows what the ones before taught.
    source.send("acme|nobody", b"{\"schema\":", Some(1_760_000_000_000));
    for stage in events.chunks(events.len().div_ceil(5)) {
        stage.iter().for_each(|event| source.send_event(event, true));
        source.flush();
        deployment.output(&["run", "--once"]);
    }

    let audit = deployment.audit();
    assert!(audit.is_clean(), "{audit:#?}");
    let entries = events.len() as u64 + 1;
    let connected = deployment.connected();
    let findings = deployment.read(&connected, "findings.v1").len() as u64;
    assert_eq!(audit.totals.activities, entries + findings);
    assert_eq!(audit.totals.dead_lettered, 1);

    let mut kinds: BTreeMap<String, u64> = BTreeMap::new();
    let schema = json(include_bytes!(
        "../../alerting/fixtures/ocsf-1.8.0.2004.detection_finding.schema.json"
    ));
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    for record in deployment.read(&connected, "shadow.v1") {
        let headers =
            schemas::header::EventHeaders::decode(&record.headers).expect("CloudEvents headers");
        assert!(headers.shadow, "marked as shadow");
        let value = json(record.value.as_deref().expect("a value"));
        let kind = format!("{:?}", headers.kind);
        if kind == "Alert" {
            let problems: Vec<String> =
                validator.iter_errors(&value).map(|e| e.to_string()).collect();
            assert!(problems.is_empty(), "{problems:?}");
        }
        if kind == "Revocation" {
            assert_eq!(value["mode"], "dry_run");
        }
        *kinds.entry(kind).or_default() += 1;
    }
    println!("{entries} activities, {findings} findings; in the shadow topic: {kinds:?}");
    for kind in ["Alert", "Trust", "Revocation"] {
        assert!(kinds.get(kind).is_some_and(|count| *count > 0), "no {kind} in {kinds:?}");
    }
    assert!(deployment.read(&connected, "alerts.v1").is_empty(), "shadow mode lets no alert out");
    assert!(!deployment.read(&connected, "control.v1").is_empty(), "tables came down");
    let verified = deployment.output(&["state", "verify"]);
    assert!(String::from_utf8_lossy(&verified.stdout).contains(" 0 problems"));
}

/// Every hundredth activity is done with a credential that had expired the year before: strange without any habit.
fn with_expired_credentials(events: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for (place, line) in lines_of(events).into_iter().enumerate() {
        let mut event = json(line);
        if place % 100 == 99 {
            let expired = serde_json::json!({"id": format!("key-{place}"), "expires_at": "2025-01-01T00:00:00Z"});
            event["credential"] = expired;
            event["outcome"] = serde_json::json!({"result": "success"});
        }
        out.extend_from_slice(event.to_string().as_bytes());
        out.push(b'\n');
    }
    out
}

#[test]
fn without_shared_tables_alerts_are_those_of_score() {
    let Some(broker) = Broker::shared() else { return };
    let input = "[input]\nstart = \"earliest\"\naccept_create_time = true\n";
    let deployment = Deployment::new("same", broker.address(), 64, input);
    deployment.make_input_with_create_time();
    // All within one epoch, so that no table is ever shared; as many partitions as a run over files has.
    let events = with_expired_credentials(&dense(&demo_prefix(3_000), 95));
    let source = deployment.source();
    lines_of(&events).iter().for_each(|event| source.send_event(event, true));
    source.flush();
    deployment.output(&["run", "--once"]);
    let (_, report) = tests::score(&tests::settings(), tests::plain(1), &events);
    let opened = |alert: &Value| {
        let own = &alert["unmapped"]["habitus"];
        (
            own["agent_id"].as_str().unwrap_or_default().to_owned(),
            own["authority"].as_str().unwrap_or_default().to_owned(),
            alert["finding_info"]["analytic"]["uid"].as_str().unwrap_or_default().to_owned(),
            alert["finding_info"]["related_events"][0]["uid"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
        )
    };
    let mut expected: Vec<_> = report
        .alerts
        .iter()
        .map(|alert| opened(&serde_json::to_value(alert).expect("JSON")))
        .collect();
    let connected = deployment.connected();
    let mut found: Vec<_> = deployment
        .read(&connected, "shadow.v1")
        .iter()
        .map(|record| json(record.value.as_deref().unwrap_or(b"null")))
        .filter(|value| value["activity_id"] == 1 && value["class_uid"] == 2004)
        .map(|alert| opened(&alert))
        .collect();
    expected.sort();
    found.sort();
    assert!(!expected.is_empty(), "the fixture raises alerts");
    let actors = |alerts: &[(String, String, String, String)]| -> Vec<(String, String, String)> {
        alerts.iter().map(|a| (a.0.clone(), a.1.clone(), a.2.clone())).collect()
    };
    assert_eq!(actors(&found), actors(&expected), "by actor and signal");
    assert!(deployment.audit().is_clean());
}

#[test]
fn mangled_records_become_dead_letters_byte_for_byte() {
    let Some(broker) = Broker::shared() else { return };
    let input = "[input]\nstart = \"earliest\"\naccept_create_time = true\n";
    let deployment = Deployment::new("mangled", broker.address(), 4, input);
    deployment.make_input_with_create_time();
    let good = demo_prefix(10_000);
    let mut noise = Noise(41);
    let mut bad = Vec::new();
    let source = deployment.source();
    for (place, line) in lines_of(&good).into_iter().enumerate() {
        let event = json(line);
        let time =
            schemas::EventTime::parse(event["time"].as_str().expect("a time")).expect("a time");
        if place % 10 == 3 {
            let mangled = mangle(bad.len(), line, &mut noise).bytes;
            source.send(&key_of(&event), &mangled, Some(time.millis()));
            bad.push(mangled);
        }
        source.send(&key_of(&event), line, Some(time.millis()));
    }
    source.flush();
    deployment.output(&["run", "--once"]);
    let audit = deployment.audit();
    assert!(audit.is_clean(), "{audit:#?}");
    let connected = deployment.connected();
    let letters = deployment.read(&connected, "activity.dlq.v1");
    let mut codes: BTreeMap<&str, u64> = BTreeMap::new();
    for letter in &letters {
        let reason = DeadLetterHeaders::decode(&letter.headers).expect("typed headers");
        *codes.entry(reason.code.as_str()).or_default() += 1;
    }
    let mut found: Vec<Vec<u8>> =
        letters.into_iter().map(|letter| letter.value.unwrap_or_default()).collect();
    found.sort();
    bad.sort();
    println!("{} bad records in the dead letters: {codes:?}", found.len());
    assert_eq!(found.len(), bad.len());
    assert!(found == bad, "byte for byte");
}

/// Sends events at a pace with times of now, on a thread, until told to stop; gives how many.
fn load(deployment: &Deployment, events: &[u8], count: usize, per_second: u64) -> usize {
    let source = deployment.source();
    let lines = lines_of(events);
    let since = Instant::now();
    for place in 0..count {
        let mut event = json(lines[place % lines.len()]);
        let now =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a clock");
        let now_ms = i64::try_from(now.as_millis()).expect("a time");
        event["time"] = schemas::EventTime::from_millis(now_ms).expect("a time").rfc3339().into();
        event["id"] = format!("load-{place}").into();
        let bytes = serde_json::to_vec(&event).expect("JSON");
        source.send(&key_of(&event), &bytes, None);
        let due = Duration::from_micros(place as u64 * 1_000_000 / per_second);
        std::thread::sleep(due.saturating_sub(since.elapsed()));
    }
    source.flush();
    count
}

#[test]
fn twenty_kills_under_load_lose_and_double_nothing() {
    let Some(broker) = Broker::shared() else { return };
    let more = format!("{QUICK}[input]\nstart = \"earliest\"\n");
    let deployment = Deployment::new("kill", broker.address(), 8, &more);
    deployment.connected();
    let events = demo_prefix(10_000);
    let mut noise = Noise(20);
    let (sent, kills) = std::thread::scope(|scope| {
        let source = scope.spawn(|| load(&deployment, &events, 140_000, 2_000));
        let mut kills = 0;
        while kills < 20 {
            let mut child = deployment.spawn("run.log");
            std::thread::sleep(Duration::from_millis(1_500 + noise.below(3_000)));
            assert!(
                child.try_wait().expect("a process").is_none(),
                "{}",
                deployment.log("run.log")
            );
            child.kill().expect("kill -9");
            child.wait().expect("the process ends");
            kills += 1;
        }
        (source.join().expect("the source ends"), kills)
    });
    deployment.output(&["run", "--once"]);
    let audit = deployment.audit();
    assert!(audit.is_clean(), "{audit:#?}");
    println!(
        "{sent} activities at 2,000 a second, {kills} kills: {} takeovers, {} ranges, {} outputs and {} state records as the reference run gives them",
        audit.takeovers, audit.ranges, audit.outputs, audit.states
    );
    let connected = deployment.connected();
    let findings = deployment.read(&connected, "findings.v1").len() as u64;
    assert_eq!(audit.totals.activities, sent as u64 + findings);
}

#[test]
fn it_is_ready_once_it_owns_its_partitions_and_not_before() {
    let Some(broker) = Broker::shared() else { return };
    // Three partitions in all, so that two lanes own none.
    let more = "[engine]\nlanes = 5\n[input]\nstart = \"earliest\"\n";
    let deployment = Deployment::new("ready", broker.address(), 1, more).with_http();
    let connected = deployment.connected();
    let running = Running::start(&deployment, "run.log");
    running.await_ready();
    let owners =
        ["state.v1", "cases.v1"].into_iter().flat_map(|topic| deployment.read(&connected, topic));
    let owned = owners
        .filter(|record| record.key.as_deref() == Some(lane::OWNER_KEY))
        .map(|record| record.at);
    assert_eq!(owned.collect::<std::collections::BTreeSet<_>>().len(), 3);
    running.end();
}

#[test]
fn a_broker_that_goes_away_is_waited_for() {
    let Some(broker) = Broker::own("away") else { return };
    let more = format!("{QUICK}[input]\nstart = \"earliest\"\n");
    let deployment = Deployment::new("away", broker.address(), 4, &more);
    deployment.connected();
    let events = demo_prefix(4_000);
    let mut child = deployment.spawn("run.log");
    let sent = std::thread::scope(|scope| {
        let source = scope.spawn(|| load(&deployment, &events, 30_000, 500));
        std::thread::sleep(Duration::from_secs(12));
        broker.stop();
        std::thread::sleep(Duration::from_secs(30));
        broker.start();
        source.join().expect("the source ends")
    });
    deployment.await_consumed("run.log", Duration::from_secs(60));
    terminate(&mut child);
    let audit = deployment.audit();
    assert!(audit.is_clean(), "{audit:#?}");
    let log = deployment.log("run.log");
    let lines = |what: &str| log.lines().filter(|line| line.contains(what)).count();
    assert_eq!((lines("Kafka is away"), lines("Kafka is back")), (1, 1), "{log}");
    println!(
        "{sent} activities; {}",
        log.lines().filter(|l| l.contains("Kafka is")).collect::<Vec<_>>().join(" | ")
    );
}
