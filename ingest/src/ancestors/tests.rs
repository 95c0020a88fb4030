//! Children before parents, in any split over records: named within the time, without an agent after it, bounded.

use serde_json::{Value, json};

use super::*;

const T0: i64 = 1_795_467_091_412;

fn now(ms: i64) -> EventTime {
    EventTime::from_millis(T0 + ms).unwrap()
}

fn span(id: u64, parent: u64, pairs: &[(&str, &str)]) -> Value {
    let attribute =
        |(key, text): &(&str, &str)| json!({"key": key, "value": {"stringValue": text}});
    json!({
        "traceId": "ab".repeat(16), "spanId": format!("{id:016x}"),
        "parentSpanId": format!("{parent:016x}"), "endTimeUnixNano": format!("{T0}000000"),
        "attributes": pairs.iter().map(attribute).collect::<Value>(),
    })
}

fn record(spans: &[Value]) -> String {
    json!({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}).to_string()
}

fn call(id: u64, parent: u64) -> Value {
    span(id, parent, &[("gen_ai.operation.name", "execute_tool"), ("gen_ai.tool.name", "t")])
}

fn run(id: u64, parent: u64, agent: &str) -> Value {
    span(id, parent, &[("gen_ai.operation.name", "invoke_agent"), ("gen_ai.agent.id", agent)])
}

/// Feeds records at their times and says which agent each call got, in the order in which it was known.
fn played(limits: HoldLimits, records: &[(i64, String)]) -> (Vec<String>, Ancestors) {
    let (mut ancestors, mut said) = (Ancestors::new(limits), Vec::new());
    let decoded = |ancestors: &Ancestors, text: &str, ordinal: Option<usize>| {
        let (mut notes, mut out) = (Notes::default(), Vec::new());
        let among = (&mut notes, &mut out);
        let orphans = decode_among(text.as_bytes(), &Limits::default(), ancestors, among);
        let calls = out.iter().enumerate().filter(|(n, _)| ordinal.is_none_or(|only| only == *n));
        let agents = calls.filter_map(|(_, outcome)| match outcome {
            Decoded::Activity(a) if a.action.tool.is_some() => {
                Some(format!("{} {}", a.id.get(48..).unwrap(), a.agent.id))
            }
            _ => None,
        });
        (agents.collect::<Vec<_>>(), orphans)
    };
    for (ticket, (ms, text)) in records.iter().enumerate() {
        ancestors.learn(text.as_bytes(), &Limits::default(), now(*ms));
        let (agents, orphans) = decoded(&ancestors, text, None);
        said.extend(agents);
        for orphan in orphans {
            ancestors.hold(ticket as u64, &orphan, now(*ms));
        }
        for released in ancestors.release(now(*ms)) {
            let (_, text) = &records[usize::try_from(released.ticket).unwrap()];
            let (agents, _) = decoded(&ancestors, text, Some(released.ordinal));
            assert_eq!(agents.is_empty(), !released.named);
            said.extend(agents);
        }
    }
    (said, ancestors)
}

#[test]
fn children_wait_for_the_span_that_names_their_agent() {
    let records = [
        (0, record(&[call(5, 3), call(6, 4)])),
        (10, record(&[span(3, 2, &[]), call(7, 2)])),
        (20, record(&[run(4, 1, "second")])),
        (30, record(&[run(2, 1, "first"), run(1, 0, "root")])),
        // Known by now.
        (40, record(&[call(8, 2)])),
    ];
    let (said, ancestors) = played(HoldLimits::default(), &records);
    assert_eq!(said, ["6 second", "5 first", "7 first", "8 first"]);
    assert_eq!((ancestors.n_held(), ancestors.n_without()), (0, 0));
    // The same calls give the same state.
    assert_eq!(played(HoldLimits::default(), &records).0, said);
}

#[test]
fn what_waits_too_long_goes_without_and_is_counted() {
    let records = [
        (0, record(&[call(5, 3)])),
        (29_999, record(&[call(6, 3)])),
        (30_000, record(&[])),
        (30_001, record(&[run(3, 0, "late")])),
    ];
    let (said, ancestors) = played(HoldLimits::default(), &records);
    assert_eq!(said, ["6 late"]);
    assert_eq!((ancestors.n_held(), ancestors.n_without()), (0, 1));
}

#[test]
fn memory_is_bounded_and_the_oldest_go_first() {
    let limits = HoldLimits { spans_max: 2, held_max: 2, ..HoldLimits::default() };
    let orphans: Vec<Value> = (10..14).map(|id| call(id, 3)).collect();
    let (said, ancestors) =
        played(limits, &[(0, record(&orphans)), (1, record(&[run(3, 0, "a")]))]);
    assert_eq!(said, ["c a", "d a"]);
    assert_eq!((ancestors.n_without(), ancestors.spans.len(), ancestors.ages.len()), (2, 2, 2));
    let (_, ancestors) = played(limits, &[(0, record(&orphans)), (60_000, record(&[]))]);
    assert_eq!((ancestors.n_held(), ancestors.n_without(), ancestors.spans.len()), (0, 4, 0));
}
