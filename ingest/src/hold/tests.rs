//! Children before parents, in any split over records: named as in one record, without an agent after the time, bounded,
//! and the same whether it was saved and loaded anywhere in between.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::ancestors::SpanSeen;
use crate::{Carrier, Identity, Way, decode_among};

const T0: i64 = 1_795_467_091_412;

fn span(id: u64, parent: u64, ms: i64, pairs: &[(&str, &str)]) -> Value {
    let attribute =
        |(key, text): &(&str, &str)| json!({"key": key, "value": {"stringValue": text}});
    json!({
        "traceId": "ab".repeat(16), "spanId": format!("{id:016x}"),
        "parentSpanId": if parent == 0 { String::new() } else { format!("{parent:016x}") },
        "endTimeUnixNano": format!("{}000000", T0 + ms),
        "attributes": pairs.iter().map(attribute).collect::<Value>(),
    })
}

fn record(spans: &[Value]) -> String {
    json!({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}).to_string()
}

fn call(id: u64, parent: u64, ms: i64) -> Value {
    span(id, parent, ms, &[("gen_ai.operation.name", "execute_tool"), ("gen_ai.tool.name", "t")])
}

fn run(id: u64, parent: u64, ms: i64, agent: &str) -> Value {
    span(
        id,
        parent,
        ms,
        &[
            ("gen_ai.operation.name", "invoke_agent"),
            ("gen_ai.agent.id", agent),
            ("gen_ai.agent.name", "Named"),
            ("gen_ai.conversation.id", "talk"),
        ],
    )
}

/// What became of each span, in order of its end: its number and its agent, or how it went without.
#[derive(Default)]
struct Played {
    said: Vec<(u64, String)>,
    ends: Vec<End>,
    hold: Option<Hold>,
}

fn number(span: &Value) -> u64 {
    u64::from_str_radix(span["spanId"].as_str().unwrap(), 16).unwrap()
}

fn said_of(decoded: &Decoded<'_>, number: u64) -> (u64, String) {
    match decoded {
        Decoded::Activity(activity) => (number, activity.agent.id.to_string()),
        Decoded::Skipped(skip) => (number, skip.rule.to_owned()),
        Decoded::Rejected(found) => (number, found.code.as_str().to_owned()),
    }
}

/// Feeds records; `saves` says after which the hold is replaced by what was saved of it.
fn played(limits: HoldLimits, records: &[Vec<Value>], saves: &[bool]) -> Played {
    let (identity, carrier) = (Identity::default(), Carrier::default());
    let (mut hold, mut played) = (Hold::new(limits), Played::default());
    let mut log: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for (ticket, spans) in records.iter().enumerate() {
        let (text, mut out) = (record(spans), Vec::new());
        let mut notes = Notes::default();
        let beside = (&Limits::default(), &carrier);
        let way = Way::of(None, &identity);
        let among = (&mut notes, &mut out);
        let traced = decode_among(&way, text.as_bytes(), beside, hold.ancestors(), among);
        let waits: Vec<u32> = traced.orphans.iter().map(|orphan| orphan.ordinal).collect();
        let arrival = Arrival { ticket: ticket as u64, until_ms: i64::MAX, bytes: text.len() };
        for one in hold.take(arrival, traced, || format!("record {ticket}").into_bytes()) {
            let (from, ordinal) = (usize::try_from(one.ticket).unwrap(), one.ordinal as usize);
            assert_eq!(*one.original, *format!("record {from}").as_bytes());
            played.said.push(said_of(&one.decoded, number(&records[from][ordinal])));
            played.ends.push(one.end);
        }
        for (ordinal, decoded) in (0_u32..).zip(&out) {
            if !waits.contains(&ordinal) {
                played.said.push(said_of(decoded, number(&spans[ordinal as usize])));
            }
        }
        if saves.get(ticket) == Some(&true) {
            for (key, value) in hold.touched() {
                match value.is_empty() {
                    true => assert!(log.remove(&key).is_some(), "{key} was never written"),
                    false => drop(log.insert(key, value)),
                }
            }
            let mut restored = Hold::new(limits);
            log.iter().for_each(|(key, value)| restored.load(key, value).unwrap());
            assert_eq!(restored.bytes, hold.bytes);
            assert_eq!(restored.touched(), []);
            hold = restored;
        }
    }
    played.hold = Some(hold);
    played
}

fn agents(played: &Played) -> Vec<String> {
    played.said.iter().map(|(number, said)| format!("{number} {said}")).collect()
}

#[test]
fn children_wait_for_the_span_that_names_their_agent() {
    let records = [
        vec![call(5, 3, 0), call(6, 4, 1)],
        vec![span(3, 2, 2, &[]), call(7, 2, 3)],
        vec![run(4, 1, 4, "second")],
        vec![run(2, 1, 5, "first"), run(1, 0, 6, "root")],
        // Known by now.
        vec![call(8, 2, 7)],
    ];
    let found = played(HoldLimits::default(), &records, &[]);
    // What waited comes before what freed it: it ended first.
    let expected = ["6 second", "4 second", "5 first", "3 otlp_span_not_an_activity", "7 first"];
    let expected = expected.into_iter().chain(["2 first", "1 root", "8 first"]);
    let mut sorted = agents(&found);
    sorted.sort();
    let mut wanted: Vec<&str> = expected.collect();
    wanted.sort_unstable();
    assert_eq!(sorted, wanted);
    assert_eq!(&agents(&found)[0..3], ["6 second", "3 otlp_span_not_an_activity", "4 second"]);
    let hold = found.hold.unwrap();
    assert_eq!((hold.n_waiting(), hold.awaited.len()), (0, 0));
}

#[test]
fn what_waits_too_long_goes_without() {
    let records = [
        vec![call(5, 3, 0)],
        vec![call(6, 3, 299_999)],
        // The clock is that of the spans: the record that ends the time is looked at first.
        vec![call(7, 3, 300_000)],
        vec![run(3, 0, 300_001, "late")],
    ];
    let found = played(HoldLimits::default(), &records, &[]);
    assert_eq!(agents(&found), ["5 missing_agent_id", "6 late", "7 late", "3 late"]);
    assert_eq!(found.ends, [End::Late, End::Named, End::Named]);
}

#[test]
fn an_orphan_let_go_at_once_does_not_take_the_record_from_the_next_one() {
    let records = [
        vec![span(2, 1, 0, &[])],
        // The first call's run is known as soon as the record is; the second one's is not.
        vec![call(10, 2, 1), call(11, 9, 2), run(1, 0, 3, "x")],
        vec![run(9, 0, 4, "y")],
    ];
    // `played` looks at the original of each.
    let found = played(HoldLimits::default(), &records, &[true, true]);
    let mut said = agents(&found);
    said.sort();
    assert_eq!(said, ["1 x", "10 x", "11 y", "2 otlp_span_not_an_activity", "9 y"]);
    let hold = found.hold.unwrap();
    let spans_bytes: usize = hold.records.values().map(|held| held.spans_bytes).sum();
    assert_eq!((hold.n_waiting(), hold.bytes), (0, spans_bytes));
}

/// Holds so many records of a MiB with three orphans each, of a trace each, at the same time.
fn crowded(n_records: u64) -> Hold {
    let mut hold = Hold::new(HoldLimits::default());
    for ticket in 0..n_records {
        let orphans = (0..3).map(|n| Orphan::of_structure(n, u128::from(ticket) + 1)).collect();
        let traced = Traced { newest_ms: T0, orphans, ..Traced::default() };
        let arrival = Arrival { ticket, until_ms: i64::MAX, bytes: 0 };
        assert_eq!(hold.take(arrival, traced, || vec![7; 1 << 20]), []);
    }
    hold
}

/// Lets nothing but time arrive until nothing waits; gives how many outcomes left with each arrival.
fn drained(hold: &mut Hold, n_records: u64, mut traced: Traced) -> Vec<usize> {
    let (mut left, mut places) = (Vec::new(), Vec::new());
    for ticket in n_records.. {
        let arrival = Arrival { ticket, until_ms: i64::MAX, bytes: 0 };
        let released = hold.take(arrival, std::mem::take(&mut traced), Vec::new);
        assert!(released.iter().all(|one| one.end == End::Late && one.original.len() == 1 << 20));
        places.extend(released.iter().map(|one| (one.ticket, one.ordinal)));
        left.push(released.len());
        if hold.n_waiting() == 0 || released.is_empty() {
            break;
        }
    }
    let expected = (0..n_records).flat_map(|ticket| (0..3).map(move |n| (ticket, n)));
    assert_eq!(places, expected.collect::<Vec<_>>());
    left
}

#[test]
fn what_is_overdue_leaves_in_parts_that_fit_a_transaction() {
    let mut hold = crowded(20);
    let seen = SpanSeen { trace: 99, span: 1, parent: None, naming: None };
    let seen = Seen { spans: vec![seen], ..Seen::default() };
    let traced = Traced { seen, newest_ms: T0 + 400_000, ..Traced::default() };
    let left = drained(&mut hold, 20, traced);
    // Three copies of a MiB each: three records reach 8 MiB.
    assert_eq!(left, [9, 9, 9, 9, 9, 9, 6]);
    assert_eq!(hold.records.len(), 1);
}

#[test]
fn a_hold_of_nothing_lets_go_what_was_loaded() {
    let mut hold = crowded(4);
    let mut restored = Hold::new(HoldLimits { hold_ms: 0, ..HoldLimits::default() });
    hold.touched().iter().for_each(|(key, value)| restored.load(key, value).unwrap());
    assert_eq!(drained(&mut restored, 4, Traced::default()), [9, 3]);
    assert_eq!((restored.records.len(), restored.bytes), (0, 0));
    // Of the saved records only the clock stands.
    assert!(restored.touched().iter().all(|(_, value)| value.is_empty()));
    assert_eq!(restored.saved.standing.iter().collect::<Vec<_>>(), [&Key::Clock]);
}

#[test]
fn a_full_hold_makes_room_whatever_leaves_with_it() {
    let limits = HoldLimits { bytes_max: 12 << 20, ..HoldLimits::default() };
    let mut hold = Hold::new(limits);
    for ticket in 0..60 {
        let orphans = (0..30).map(|n| Orphan::of_structure(n, u128::from(ticket) + 1)).collect();
        let traced = Traced { newest_ms: T0, orphans, ..Traced::default() };
        let arrival = Arrival { ticket, until_ms: i64::MAX, bytes: 0 };
        // Small ones first: one of them is copied often, and frees little.
        let length = if ticket < 30 { 300 << 10 } else { 1 << 20 };
        hold.take(arrival, traced, || vec![7; length]);
        assert!(hold.bytes <= limits.bytes_max, "{ticket}: {}", hold.bytes);
    }
    assert!(hold.n_waiting() > 200);
}

#[test]
fn who_has_nobody_above_goes_at_once() {
    let records = [vec![call(5, 3, 0)], vec![span(3, 0, 1, &[])]];
    let found = played(HoldLimits::default(), &records, &[]);
    assert_eq!((agents(&found)[0].as_str(), found.ends[0]), ("5 missing_agent_id", End::Nobody));
    // A ring of parents has no top.
    let records = [vec![call(5, 3, 0)], vec![span(3, 4, 1, &[]), span(4, 3, 1, &[])]];
    assert_eq!(played(HoldLimits::default(), &records, &[]).ends[0], End::Nobody);
}

#[test]
fn memory_is_bounded_and_the_oldest_go_first() {
    let limits = HoldLimits { bytes_max: 24 << 10, ..HoldLimits::default() };
    let records: Vec<Vec<Value>> = (10..90).map(|id| vec![call(id, 3, 0)]).collect();
    let found = played(limits, &records, &[]);
    let hold = found.hold.as_ref().unwrap();
    assert!(hold.bytes <= limits.bytes_max && 4 < hold.n_waiting(), "{}", hold.n_waiting());
    assert!(found.ends.iter().all(|end| *end == End::Memory));
    let gone: Vec<u64> = found.said.iter().map(|(number, _)| *number).collect();
    assert_eq!(gone, (10..10 + gone.len() as u64).collect::<Vec<_>>());
    assert_eq!(gone.len() + hold.n_waiting(), 80);
    // All of it leaves with its time: nothing is kept for ever.
    let mut records = records;
    records.push(vec![call(99, 3, 400_000)]);
    let hold = played(limits, &records, &[]).hold.unwrap();
    assert_eq!((hold.n_waiting(), hold.records.len(), hold.awaited.len()), (1, 1, 1));
}

#[test]
fn no_clock_ahead_of_the_log_ends_the_time_of_others() {
    let mut hold = Hold::new(HoldLimits::default());
    let traced = Traced { newest_ms: T0 + 10_000_000, ..Traced::default() };
    let orphan = Orphan::of_structure(0, 7);
    let traced = Traced { orphans: vec![orphan], ..traced };
    let arrival = Arrival { ticket: 1, until_ms: T0, bytes: 1 };
    assert_eq!(hold.take(arrival, traced, Vec::new), []);
    assert_eq!(hold.clock_ms(), T0);
}

/// Spans of a tree of agents and calls, children before parents or in any order.
fn forest() -> impl Strategy<Value = Vec<Value>> {
    let node = (0_u64..8, 0_u8..4, 0_i64..400_000);
    let forest = prop::collection::vec(node, 1..24).prop_map(|nodes| {
        let made = nodes.iter().enumerate().map(|(n, (up, kind, ms))| {
            let id = n as u64 + 1;
            let parent = (n as u64).saturating_sub(*up);
            match kind {
                0 => run(id, parent, *ms, &format!("agent-{id}")),
                1 => span(id, parent, *ms, &[]),
                _ => call(id, parent, *ms),
            }
        });
        let mut spans: Vec<Value> = made.collect();
        spans.reverse();
        spans
    });
    forest.prop_flat_map(|spans| {
        prop_oneof![Just(spans.clone()).boxed(), Just(spans).prop_shuffle().boxed()]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_split_names_as_one_record_does(
        spans in forest(),
        cuts in prop::collection::vec(1_usize..5, 24),
    ) {
        let limits = HoldLimits { hold_ms: i64::MAX / 2, ..HoldLimits::default() };
        let (text, mut out) = (record(&spans), Vec::new());
        crate::decode(text.as_bytes(), &Limits::default(), &mut Notes::default(), &mut out);
        let whole: BTreeMap<u64, String> =
            out.iter().zip(&spans).map(|(decoded, span)| said_of(decoded, number(span))).collect();
        let (mut rest, mut records) = (spans.as_slice(), Vec::new());
        for cut in cuts {
            let (now, later) = rest.split_at(cut.min(rest.len()));
            records.push(now.to_vec());
            rest = later;
        }
        records.push(rest.to_vec());
        records.retain(|spans| !spans.is_empty());
        let mut split = played(limits, &records, &[]);
        let end = split.hold.take().unwrap().end();
        let split: BTreeMap<u64, String> = split.said.into_iter().collect();
        for (number, text) in &split {
            prop_assert_eq!(whole.get(number), Some(text), "span {}", number);
        }
        // Each span ends once; what still waits at the end has no agent in the whole either.
        let without = whole.values().filter(|said| *said == "missing_agent_id").count();
        prop_assert!(end.len() <= without);
        prop_assert_eq!(split.len() + end.len(), whole.len());
    }

    #[test]
    fn saving_and_loading_anywhere_changes_nothing(
        spans in forest(),
        saves in prop::collection::vec(any::<bool>(), 24),
        bytes_max in 2_usize..40,
    ) {
        let records: Vec<Vec<Value>> = spans.chunks(2).map(<[Value]>::to_vec).collect();
        let limits = HoldLimits { hold_ms: 100_000, bytes_max: bytes_max << 10 };
        let (plain, saved) = (played(limits, &records, &[]), played(limits, &records, &saves));
        prop_assert_eq!(plain.said, saved.said);
        prop_assert_eq!(plain.ends, saved.ends);
    }
}
