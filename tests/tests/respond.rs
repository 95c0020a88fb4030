//! The respond fold over what observe really says: alerts that any reader of OCSF accepts, restarts that change no
//! byte, and control records that are the tables.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use alerting::{Mode, Respond, Response, Settings};
use baseline::Shared;
use schemas::EventTime;
use schemas::finding::{Body, Epoch, Finding};
use serde_json::Value;
use tests::{FindingsLog, Noise, adversarial, demo_prefix, dense, findings_log};

const SCHEMA: &str =
    include_str!("../../alerting/fixtures/ocsf-1.8.0.2004.detection_finding.schema.json");

fn demo() -> &'static FindingsLog {
    static LOG: OnceLock<FindingsLog> = OnceLock::new();
    LOG.get_or_init(|| findings_log(&demo_prefix(8_000)))
}

fn hostile() -> &'static FindingsLog {
    static LOG: OnceLock<FindingsLog> = OnceLock::new();
    LOG.get_or_init(|| findings_log(&adversarial(3, 3_000)))
}

fn fold(mode: Mode) -> Respond {
    // A fifth as rare as by default, so that there are many alerts.
    Respond::new(Settings { mode, alerts_per_actor_month: 5.0, ..Settings::default() })
}

#[test]
fn every_alert_of_a_real_run_is_a_valid_detection_finding() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for (name, log, mode) in [
        ("demo", &findings_log(&scenario::generate(7)), Mode::Alert),
        ("hostile", hostile(), Mode::Shadow),
        ("dense hostile", &findings_log(&dense(&adversarial(8, 3_000), 500)), Mode::Enforce),
    ] {
        let mut respond = fold(mode);
        let mut seen = BTreeMap::new();
        let late = later(log, 13 * 3_600_000);
        for finding in log.findings.iter().chain(&late) {
            for response in respond.apply(finding) {
                let Response::Alert(alert) = response else { continue };
                *seen.entry(alert.activity_name.clone()).or_insert(0) += 1;
                let value = serde_json::to_value(&alert).unwrap();
                let complaints: Vec<String> = validator
                    .iter_errors(&value)
                    .map(|error| format!("{error} at {}", error.instance_path()))
                    .collect();
                assert!(complaints.is_empty(), "{name}: {complaints:#?} {value:#}");
                let sum: i64 =
                    alert.unmapped.habitus.contributions.iter().map(|c| c.micronats.0).sum();
                assert_eq!(sum, alert.unmapped.habitus.score_micronats.0, "{name}");
                for observable in &alert.observables {
                    let path = observable.name.replace(['.', '['], "/").replace(']', "");
                    let found = value.pointer(&format!("/{path}")).and_then(Value::as_str);
                    assert_eq!(found, Some(observable.value.as_str()), "{name}: {path}");
                }
            }
        }
        println!("{name}: {} findings, {seen:?}", log.findings.len());
        assert!(["Create", "Update", "Close"].iter().all(|word| seen[*word] > 5), "{seen:?}");
        assert_eq!(respond.counts().open_alerts, 0, "{name}: the end comes 13 hours later");
    }
}

/// A finding of each tenant that says nothing but that so much time has passed.
fn later(log: &FindingsLog, ms: i64) -> Vec<Finding> {
    let tenants: BTreeSet<&String> = log.findings.iter().map(|f| &f.tenant_id).collect();
    let last = log.findings.last().expect("findings");
    let log_time = EventTime::from_millis(last.log_time.millis() + ms).expect("a time");
    let epoch = Epoch { epoch: log_time.millis() / 300_000, parts: 1, ..Epoch::default() };
    let of = |tenant: &String| Finding {
        tenant_id: tenant.clone(),
        log_time,
        body: Body::Epoch(epoch.clone()),
        ..last.clone()
    };
    tenants.into_iter().map(of).collect()
}

/// What a run leaves: responses, and all records as they were written, in order.
type Left = (Vec<Vec<Response>>, Vec<(String, Vec<u8>)>);

/// Applies the findings, saves at each cut, and goes on from the newest records alone where it restarts.
fn run(findings: &[Finding], cuts: &BTreeSet<usize>, restarts: bool) -> Left {
    let mut respond = fold(Mode::Enforce);
    let mut newest: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let (mut responses, mut written) = (Vec::new(), Vec::new());
    for (at, finding) in findings.iter().enumerate() {
        responses.push(respond.apply(finding));
        if !cuts.contains(&at) && at + 1 != findings.len() {
            continue;
        }
        let touched = respond.touched();
        newest.extend(touched.iter().cloned());
        newest.retain(|_, record| !record.is_empty());
        written.extend(touched);
        if restarts {
            respond = fold(Mode::Enforce);
            newest.iter().for_each(|(key, record)| respond.load(key, record).expect(key));
        }
    }
    (responses, written)
}

#[test]
fn a_restart_at_any_point_changes_no_byte() {
    let mut noise = Noise(17);
    for (name, log) in [("demo", demo()), ("hostile", hostile())] {
        let findings = &log.findings;
        for case in 0..3 {
            let n_cuts = [1, 5, 25][case % 3];
            let cuts = (0..n_cuts).map(|_| noise.below(findings.len() as u64) as usize).collect();
            let (expected, found) = (run(findings, &cuts, false), run(findings, &cuts, true));
            assert!(expected.0 == found.0, "{name}: responses differ after {cuts:?}");
            for (expected, found) in expected.1.iter().zip(&found.1) {
                assert!(expected == found, "{name}: {} after {cuts:?}", expected.0);
            }
            assert_eq!(expected.1.len(), found.1.len(), "{name}");
        }
    }
}

#[test]
fn a_finding_writes_little() {
    for (name, log) in [("demo", demo()), ("hostile", hostile())] {
        let mut respond = fold(Mode::Enforce);
        let (mut bytes, mut largest) = (BTreeMap::new(), 0);
        for finding in &log.findings {
            respond.apply(finding);
            for (key, record) in respond.touched() {
                let kind = key.split('|').nth(1).and_then(|key| key.split('/').next());
                *bytes.entry(kind.unwrap_or_default().to_owned()).or_insert(0) += record.len();
                largest = largest.max(record.len());
                assert!(record.len() < 64 << 10, "{name}: {key} has {}", record.len());
            }
        }
        println!("{name}: {} findings, largest {largest}, {bytes:?}", log.findings.len());
    }
}

/// Every table as bytes, but for the numbers of merges: the parts of respond's come one by one.
fn content(shared: &Shared) -> Vec<(String, Vec<u8>)> {
    let keys = shared.changed_since(0).into_iter();
    let content = |key| {
        let record = shared.record(key);
        (key.to_string(), [&record[..2], &record[10..record.len() - 8]].concat())
    };
    keys.map(content).collect()
}

#[test]
fn control_records_are_the_tables_and_the_tables_are_the_sums() {
    for (name, log) in [("demo", demo()), ("hostile", hostile())] {
        let mut respond = fold(Mode::Shadow);
        let mut lane = Shared::default();
        for finding in &log.findings {
            for response in respond.apply(finding) {
                let Response::Control { key, value, .. } = response else { continue };
                assert_eq!(lane.take_up(&key, &value), Ok(true), "{key}");
            }
        }
        let snapshot = respond.snapshot();
        assert!(content(&snapshot) == content(&log.merged), "{name}: respond's sums differ");
        // The end comes at once for all partitions: what is not published yet is dirty, and comes with the next finding.
        for late in later(log, 300_000) {
            for response in respond.apply(&late) {
                let Response::Control { key, value, .. } = response else { continue };
                assert_eq!(lane.take_up(&key, &value), Ok(true), "{key}");
            }
        }
        assert!(content(&lane) == content(&snapshot), "{name}: control records differ");
        println!("{name}: {:?}", respond.counts());
        assert!(respond.counts().epochs.merged > 100 && respond.counts().tables.scopes > 2);
    }
}
