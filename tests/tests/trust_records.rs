//! Trust records of real runs: valid by the published schema, in order per actor, each level told when it changes,
//! each step up at the time that was foretold.

use std::collections::{BTreeMap, BTreeSet};

use schemas::time::HOUR_MS;
use schemas::trust::{Level, TrustReason, TrustRecord};
use serde_json::Value;
use tests::{Driven, activity, adversarial, demo_prefix, lines_of, workspace_root};

const BYTES: usize = 64 << 20;

fn run(bytes: &[u8], on: &mut dyn FnMut(&[u8], &tests::Said)) {
    let mut driven = Driven::new(BYTES);
    for (offset, line) in (0..).zip(lines_of(bytes)) {
        let said = driven.apply(offset, line);
        on(line, &said);
    }
}

fn actor(record: &TrustRecord) -> String {
    format!("{}|{}|{}", record.tenant_id, record.authority.as_str(), record.agent_id)
}

/// Checks a record against the one before of its actor.
fn check(record: &TrustRecord, before: Option<&TrustRecord>) {
    let name = format!("{} at {}", actor(record), record.time.rfc3339());
    let is_later = before.is_none_or(|before| before.sequence < record.sequence);
    assert!(is_later && record.sequence < 1 << 53, "{name}");
    // A young agent keeps only the actor that acted last: another one begins again.
    let (Some(before), Some(previous)) = (before, record.previous) else {
        assert_eq!((record.reason, record.previous), (TrustReason::Bootstrap, None), "{name}");
        return;
    };
    assert_eq!((previous.score, previous.level), (before.score, before.level), "{name}");
    assert_eq!(previous.time.millis(), before.time.millis() / 1_000 * 1_000, "{name}");
    let moved = (record.score - before.score).abs() > 0.995 || record.level != before.level;
    // A step at an epoch's end may stand between the activities of two hours.
    let is_new_hour = record.time.millis() / HOUR_MS > before.time.millis() / HOUR_MS
        || before.reason == TrustReason::Decay;
    assert!(moved || is_new_hour, "{name}: nothing to tell");
    match record.reason {
        TrustReason::Decay => {
            assert!(record.level != before.level, "{name}: only steps come of themselves");
            let foretold = before.next_level.filter(|next| next.not_before <= record.time);
            // What is no step up, from unknown or to it, has no place in `next_level`.
            let has_no_place = [before.level, record.level].contains(&Level::Unknown);
            assert!(foretold.is_some() || has_no_place, "{name}: not foretold by {before:?}");
            assert!(foretold.is_none_or(|next| next.level <= record.level), "{name}");
        }
        TrustReason::Evidence => {
            let deltas: Vec<f64> = record.contributors.iter().filter_map(|c| c.delta).collect();
            assert!(deltas.iter().all(|delta| *delta < 0.0), "{name}");
            let fell_a_point = record.score < before.score - 0.995;
            assert!(!deltas.is_empty() || !fell_a_point, "{name}: nobody made it fall");
        }
        _ => assert!(record.contributors.is_empty(), "{name}"),
    }
}

#[test]
fn records_are_valid_in_order_and_tell_every_level() {
    let schema = workspace_root().join("schemas/json/agent.trust-1.schema.json");
    let schema: Value = serde_json::from_slice(&std::fs::read(schema).unwrap()).unwrap();
    let schema = jsonschema::validator_for(&schema).expect("a schema");
    let (mut reasons, mut foretold) = (BTreeSet::new(), 0);
    for bytes in [demo_prefix(9_000), adversarial(31, 3_000), adversarial(32, 3_000)] {
        let mut newest: BTreeMap<String, TrustRecord> = BTreeMap::new();
        run(&bytes, &mut |line, said| {
            for record in said.trust() {
                let value = serde_json::to_value(record).unwrap();
                let complaints: Vec<String> =
                    schema.iter_errors(&value).map(|error| error.to_string()).collect();
                assert!(complaints.is_empty(), "{complaints:?}: {value}");
                check(record, newest.get(&actor(record)));
                reasons.insert(format!("{:?}", record.reason));
                foretold += usize::from(record.next_level.is_some());
                newest.insert(actor(record), record.clone());
            }
            // What was told is what holds, within a point.
            let Some(observed) = &said.observed else { return };
            let activity = activity(line);
            let authority = activity.authority();
            let key =
                format!("{}|{}|{}", activity.tenant_id, authority.as_str(), activity.agent.id);
            let told = &newest[&key];
            assert_eq!(told.level, observed.level, "{key}");
            assert!((told.score - observed.trust).abs() < 1.01, "{key}");
        });
    }
    let all = ["Bootstrap", "Decay", "Evidence", "Recovery"];
    assert_eq!(reasons.iter().map(String::as_str).collect::<Vec<_>>(), all);
    assert!(foretold > 0, "no step was foretold");
}

#[test]
fn ends_of_epochs_move_no_trust() {
    let bytes = adversarial(33, 2_500);
    let (mut left_alone, mut asked) = (Driven::new(BYTES), Driven::new(BYTES));
    let mut steps = 0;
    for (offset, line) in (0..).zip(lines_of(&bytes)) {
        let (from, to) = (asked.log_ms(), activity(line).time.millis());
        for part in [1, 2, 5, 9].into_iter().filter(|_| from != 0) {
            let end = asked.pass(offset, from + (to - from).max(0) / 10 * part);
            steps += end.map_or(0, |end| end.trust.len());
        }
        let (expected, found) = (left_alone.apply(offset, line), asked.apply(offset, line));
        let left = |said: &tests::Said| {
            let observed = said.observed.as_ref()?;
            Some((observed.score(), observed.trust.to_bits(), observed.level))
        };
        assert_eq!(left(&expected), left(&found), "line {offset}");
    }
    assert!(steps > 0, "nobody stepped up while asked");
}
