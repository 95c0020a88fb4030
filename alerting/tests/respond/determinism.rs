//! The same findings give the same bytes: twice, and across save and load of every case at any point.

use std::collections::BTreeMap;

use alerting::{Mode, Respond, Response};
use proptest::prelude::*;
use schemas::Authority;
use schemas::finding::Finding;
use schemas::trust::Level;

use crate::findings::{MINUTE_MS, Told, epoch, fold, level, verdict};

const LEVELS: [Level; 5] =
    [Level::Untrusted, Level::Restricted, Level::Watch, Level::Unknown, Level::Trusted];

/// A response as bytes that leave.
fn bytes(response: &Response) -> String {
    match response {
        Response::Alert(alert) => serde_json::to_string(alert).unwrap_or_default(),
        Response::Revocation(request) => serde_json::to_string(request).unwrap_or_default(),
        Response::AlertRef { activity_id, alert_id, opened } => {
            format!("{activity_id} {alert_id} {opened}")
        }
    }
}

/// Runs the fold and saves what it touches; before the findings at `restarts` it starts anew from there.
fn run(findings: &[Finding], restarts: &[usize]) -> (Vec<String>, BTreeMap<String, Vec<u8>>) {
    let mut respond: Respond = fold(Mode::Enforce);
    let mut saved: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let mut written = Vec::new();
    for (at, finding) in findings.iter().enumerate() {
        if restarts.contains(&at) {
            respond = fold(Mode::Enforce);
            // Compacted logs give records in any order.
            for (key, record) in saved.iter().rev() {
                let loaded = respond.load(key, record);
                assert!(loaded.is_ok(), "{key}: {loaded:?}");
            }
        }
        written.extend(respond.apply(finding).iter().map(bytes));
        saved.extend(respond.touched());
    }
    (written, saved)
}

fn any_finding() -> impl Strategy<Value = (i64, u8, Told)> {
    let signals = prop::sample::select(vec!["destination", "volume", "rate", "hours"]);
    let keys = prop::collection::vec(
        prop::sample::select(vec!["place".to_owned(), "data".to_owned(), "tempo".to_owned()]),
        0..3,
    );
    let step = prop_oneof![0..10 * MINUTE_MS, 0..800 * MINUTE_MS];
    let values = (0.3..5000.0f64, 0.0..100.0f64, 0.0..100.0f64);
    ((step, 0u8..12, 0usize..4, 0usize..3), (signals, 1i64..20_000_000), keys, values, 0usize..5)
        .prop_map(|((step, kind, agent, by), (signal, strength), keys, values, at)| {
            let (return_period, before, after) = values;
            let told = Told {
                agent: format!("agent|{agent}"),
                authority: [Authority::Delegated, Authority::Autonomous, Authority::Unknown][by],
                signals: vec![(signal.to_owned(), strength)],
                return_period,
                keys,
                trust: (before, after),
                level: LEVELS[at],
                ..Told::default()
            };
            (step, kind, told)
        })
}

fn log(steps: Vec<(i64, u8, Told)>) -> Vec<Finding> {
    let mut at_ms = 0;
    (0u64..)
        .zip(steps)
        .map(|(offset, (step, kind, mut told))| {
            at_ms += step;
            told.at_ms = at_ms;
            match kind {
                0 => epoch(offset, at_ms),
                1 => level(offset, at_ms, &told.agent, told.level, told.trust.1),
                _ => verdict(offset, &told),
            }
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn save_and_load_change_no_byte(
        steps in prop::collection::vec(any_finding(), 1..60),
        restarts in prop::collection::vec(0usize..60, 0..8),
    ) {
        let findings = log(steps);
        let (written, saved) = run(&findings, &[]);
        prop_assert_eq!(&run(&findings, &[]), &(written.clone(), saved.clone()));
        prop_assert_eq!(&run(&findings, &restarts), &(written, saved.clone()));
        let all: Vec<usize> = (0..findings.len()).collect();
        prop_assert_eq!(&run(&findings, &all).1, &saved);
    }
}

#[test]
fn findings_read_back_from_their_log_give_the_same() {
    let told = Told { trust: (0.1 + 0.2, 1.0 / 3.0), ..Told::default() };
    let findings = vec![verdict(0, &told), verdict(1, &told)];
    let read: Vec<Finding> = findings
        .iter()
        .map(|finding| serde_json::from_str(&serde_json::to_string(finding).unwrap()).unwrap())
        .collect();
    assert_eq!(run(&findings, &[]), run(&read, &[]));
}

#[test]
fn what_is_no_record_is_refused() {
    let mut respond = fold(Mode::Alert);
    respond.apply(&verdict(0, &Told::default()));
    let records = respond.touched();
    assert_eq!(respond.touched(), Vec::new());
    let keys: Vec<&str> = records.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(keys, ["acme|delegated|invoice-bot", "acme|~tenant"]);
    for (key, record) in &records {
        assert!(fold(Mode::Alert).load(key, record).is_ok());
        assert!(fold(Mode::Alert).load(key, &record[..record.len() - 1]).is_err());
        assert!(fold(Mode::Alert).load("acme", record).is_err());
        assert!(fold(Mode::Alert).load("acme|guessed|invoice-bot", record).is_err());
    }
}
