//! The same findings give the same bytes: twice, and across save and load of every record at any point.

use std::collections::BTreeMap;

use alerting::{Mode, Respond, Response, intake};
use proptest::prelude::*;
use schemas::Authority;
use schemas::finding::{Body, Finding};
use schemas::trust::Level;
use serde_json::json;

use crate::findings::{
    MINUTE_MS, Told, cause, finding, fold, increment, level, part, time, verdict,
};

const LEVELS: [Level; 5] =
    [Level::Untrusted, Level::Restricted, Level::Watch, Level::Unknown, Level::Trusted];

/// A response as bytes that leave.
fn bytes(response: &Response) -> String {
    match response {
        Response::Alert(alert) => serde_json::to_string(alert).unwrap_or_default(),
        Response::Incident(incident) => serde_json::to_string(incident).unwrap_or_default(),
        Response::Revocation(request) => serde_json::to_string(request).unwrap_or_default(),
        Response::Decision(record) => serde_json::to_string(record).unwrap_or_default(),
        Response::AlertRef { activity_id, alert_id, opened, joined } => {
            format!("{activity_id} {alert_id} {opened} {joined}")
        }
        Response::Risk(change) => format!("{change:?}"),
        Response::Control { key, value, .. } => format!("{key} {value:?}"),
    }
}

/// What a run leaves: responses, and all records as they were written, in order.
type Left = (Vec<String>, Vec<(String, Vec<u8>)>);

/// Runs the fold; saves what it touched after each finding of `saves`, and starts anew from there where `restarts`.
fn run(findings: &[Finding], saves: &[usize], restarts: bool) -> Left {
    let mut respond: Respond = fold(Mode::Enforce);
    let mut newest: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let (mut responses, mut written) = (Vec::new(), Vec::new());
    for (at, finding) in findings.iter().enumerate() {
        responses.extend(respond.apply(finding).iter().map(bytes));
        responses.push(format!("{:?}", respond.next_deadline()));
        if !saves.contains(&at) && at + 1 < findings.len() {
            continue;
        }
        let touched = respond.touched();
        for (key, record) in &touched {
            // A compacted log loses tombstones in time.
            if record.is_empty() {
                newest.remove(key);
            } else {
                newest.insert(key.clone(), record.clone());
            }
        }
        written.extend(touched);
        if restarts {
            respond = fold(Mode::Enforce);
            // Compacted logs give records in any order.
            for (key, record) in newest.iter().rev() {
                let loaded = respond.load(key, record);
                assert!(loaded.is_ok(), "{key}: {loaded:?}");
            }
        }
    }
    (responses, written)
}

fn any_finding() -> impl Strategy<Value = (i64, u8, Told)> {
    let signals = prop::sample::select(vec!["destination", "volume", "rate", "hours"]);
    let keys = prop::collection::vec(
        prop::sample::select(vec!["place".to_owned(), "data".to_owned(), "tempo".to_owned()]),
        0..3,
    );
    let about = (0u64..3, 0u8..3);
    let step = prop_oneof![0..10 * MINUTE_MS, 0..800 * MINUTE_MS];
    let values = (0.3..5000.0f64, 0.0..100.0f64, 0.0..100.0f64);
    (
        (step, 0u8..24, 0usize..4, 0usize..3),
        (signals, 1i64..20_000_000),
        keys,
        values,
        (0usize..5, about),
    )
        .prop_map(
            |((step, kind, agent, by), (signal, strength), keys, values, (at, about))| {
                // One in three is about nothing that others share.
                let (key, fresh) = about;
                let causes = (fresh > 0).then(|| cause(signal, key, fresh > 1));
                let (return_period, before, after) = values;
                let told = Told {
                    agent: format!("agent|{agent}"),
                    authority: [Authority::Delegated, Authority::Autonomous, Authority::Unknown]
                        [by],
                    signals: vec![(signal.to_owned(), strength)],
                    return_period,
                    keys,
                    causes: causes.into_iter().collect(),
                    trust: (before, after),
                    level: LEVELS[at],
                    ..Told::default()
                };
                (step, kind, told)
            },
        )
}

/// A log with verdicts, levels and epochs; epochs of three parts lie open for a while, some for ever.
fn log(steps: Vec<(i64, u8, Told)>) -> Vec<Finding> {
    let mut at_ms = 0;
    let mut findings = Vec::new();
    for (offset, (step, kind, mut told)) in (0_u64..).zip(steps) {
        at_ms += step;
        told.at_ms = at_ms;
        let cells = |seed: u64| {
            let scopes = if told.level == Level::Trusted { 1..700 } else { 1..4 };
            let cell = told.return_period.to_bits() | 1;
            scopes.map(|scope| increment(seed + scope, cell.rotate_left(8))).collect()
        };
        findings.push(match kind {
            0 => part(offset, at_ms, (0, 1), cells(offset * 1_000)),
            1 => level(offset, at_ms, &told.agent, told.level, told.trust.1),
            2..10 => {
                // Parts of one epoch have one source, which the third of four findings in a row repeats.
                let first = offset - offset % 4;
                let mut part = part(first, at_ms, (u32::from(kind) % 3, 3), cells(0));
                if let Body::Epoch(epoch) = &mut part.body {
                    epoch.epoch = 5_900_000 + i64::try_from(first).unwrap_or(0);
                }
                part
            }
            10..16 => verdict(offset, &told),
            _ => said(offset, &told),
        });
    }
    findings
}

/// What somebody says of an earlier verdict, as far as there is one: its alert, its request or its agent.
fn said(offset: u64, told: &Told) -> Finding {
    let back = u64::from(told.trust.1.to_bits().to_le_bytes()[0] % 6) + 1;
    let source = finding(offset.saturating_sub(back), 0, Body::Tick {}).source;
    let action = ["revoke_sessions", "require_human_approval", "shorten_token_lifetime"]
        [told.trust.0.to_bits().to_le_bytes()[0] as usize % 3];
    let request = format!("rr-{}", source.derive(&format!("revocation/{action}")));
    let at = time(told.at_ms).rfc3339();
    let until = time(told.at_ms + 30 * MINUTE_MS).rfc3339();
    let (author, comment, tenant_id) = ("carol", "seen", "acme");
    let command = |what: &str, target: &str| {
        json!({"schema": "agent.command/1", "id": format!("c-{offset}"), "time": at, "action": what,
            "tenant_id": tenant_id, "target": target, "author": author, "comment": comment})
    };
    let scope = json!({"agent_id": told.agent});
    let value = match told.signals[0].1 % 6 {
        0 => {
            json!({"schema": "agent.revocation-ack/1", "request_id": request, "time": at,
                "tenant_id": tenant_id, "status": if back < 4 { "acted" } else { "failed" }})
        }
        1 => command("approve", &request),
        2 => command("deny", &request),
        3 => command("restore", &source.derive("alert")),
        4 => json!({"schema": "agent.command/1", "id": format!("c-{offset}"), "time": at,
            "action": "silence", "tenant_id": tenant_id, "scope": scope, "expires_at": until,
            "author": author, "comment": comment}),
        _ => json!({"schema": "agent.feedback/1", "id": format!("f-{offset}"), "time": at,
            "verdict": if back < 4 { "expected" } else { "malicious" }, "tenant_id": tenant_id,
            "alert_id": source.derive("alert"), "scope": scope, "expires_at": until,
            "author": author, "comment": comment}),
    };
    let arrival = intake::Arrival {
        source: &finding(offset, 0, Body::Tick {}).source,
        log_time: time(told.at_ms),
        versions: &Default::default(),
        authors: &Default::default(),
        signature: None,
    };
    let bytes = value.to_string();
    let taken = match told.signals[0].1 % 6 {
        0 => intake::acknowledgement(bytes.as_bytes(), &arrival),
        _ => intake::feedback_or_command(bytes.as_bytes(), &arrival),
    };
    let finding = taken.unwrap_or_else(|refused| panic!("{refused:?}: {value}"));
    let text = serde_json::to_vec(&finding).unwrap();
    assert_eq!(alerting::read(&text).unwrap(), finding, "what intake appends the fold reads");
    finding
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn save_and_load_change_no_byte(
        steps in prop::collection::vec(any_finding(), 1..80),
        saves in prop::collection::vec(0usize..80, 0..12),
    ) {
        let findings = log(steps);
        let expected = run(&findings, &saves, false);
        prop_assert_eq!(&run(&findings, &saves, false), &expected);
        prop_assert_eq!(&run(&findings, &saves, true), &expected);
        let all: Vec<usize> = (0..findings.len()).collect();
        let each = run(&findings, &all, true);
        prop_assert_eq!(&run(&findings, &all, false), &each);
        prop_assert_eq!(&each.0, &expected.0);
    }
}

#[test]
fn findings_read_back_from_their_log_give_the_same() {
    let told = Told { trust: (0.1 + 0.2, 1.0 / 3.0), ..Told::default() };
    let findings = vec![
        verdict(0, &told),
        verdict(1, &told),
        part(2, MINUTE_MS, (0, 1), vec![increment(u64::MAX, u64::MAX)]),
    ];
    let read: Vec<Finding> = findings
        .iter()
        .map(|finding| {
            alerting::read(&serde_json::to_vec(finding).expect("a finding is JSON"))
                .expect("what observe writes is read")
        })
        .collect();
    assert_eq!(run(&findings, &[], false), run(&read, &[], false));
}

#[test]
fn what_is_no_record_is_refused() {
    let mut respond = fold(Mode::Alert);
    respond.apply(&verdict(0, &Told::default()));
    respond.apply(&part(1, 0, (0, 1), vec![increment(3, 5)]));
    respond.apply(&part(2, 0, (1, 2), vec![increment(3, 5)]));
    let records = respond.touched();
    assert_eq!(respond.touched(), Vec::new());
    let keys: Vec<&str> = records
        .iter()
        .map(|(key, _)| key.split('/').next().expect("split gives one part at least"))
        .collect();
    let expected = [
        "delegated|invoice-bot",
        "~alert",
        "~control",
        "~mark",
        "~part",
        "~past",
        "~request",
        "~table",
        "~tenant",
    ];
    assert_eq!(keys, expected.map(|key| format!("acme|{key}")));
    for (key, record) in &records {
        assert!(fold(Mode::Alert).load(key, record).is_ok());
        assert!(fold(Mode::Alert).load(key, &record[..record.len() - 1]).is_err());
        assert!(fold(Mode::Alert).load("acme", record).is_err());
        assert!(fold(Mode::Alert).load("acme|guessed|invoice-bot", record).is_err());
        assert!(fold(Mode::Alert).load("acme|~mood", record).is_err());
        assert!(fold(Mode::Alert).load(key, &[]).is_ok());
    }
}
