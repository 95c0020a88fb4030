//! A company's own JSON through a mapping: what the issue shows, what each conversion gives, what is refused, and
//! the same as the native decoder on native records.

use proptest::prelude::*;
use record::lexeme::Lexeme;
use record::native;
use schemas::activity::{Producer, Text};
use serde_json::{Value, json};

use self::dice::{Dice, mutate};
use self::toml::valid;
use super::*;

#[path = "../../ingest/src/decode/tests/dice.rs"]
mod dice;
mod problems;
pub(crate) mod toml;

/// The mapping of the pages, for the records of a public toolkit.
const COMPANY: &str = include_str!("../../ingest/fixtures/company-json/mapping.toml");
const RECORDS: &str = include_str!("../../ingest/fixtures/company-json/soc2_audit_trail.ndjson");
const NEEDED: &str = "time = \"/t\"\nagent.id = \"/a\"\naction.type = { const = \"tool_call\" }\n";

fn decoded<'a>(mapping: &'a Mapping, text: &'a str, notes: &mut Notes) -> Vec<Decoded<'a>> {
    let mut out = Vec::new();
    mapping.decode(text.as_bytes(), &Limits::default(), notes, &mut out);
    out
}

fn shown(outcome: &Decoded<'_>) -> String {
    match outcome {
        Decoded::Activity(activity) => serde_json::to_string(activity).unwrap(),
        Decoded::Skipped(skip) => skip.rule.to_owned(),
        Decoded::Rejected(rejection) => format!("{} {}", rejection.code.as_str(), rejection.path),
    }
}

/// Decodes one record with the needed fields and these lines; gives what stands at a pointer of the activity, or
/// why there is none.
fn filled(lines: &str, record: Value, pointer: &str) -> Value {
    let mapping = valid(&format!("{NEEDED}{lines}"));
    let mut record = record;
    record["t"] = json!("2026-11-23T20:51:31Z");
    record["a"] = json!("bot");
    let text = record.to_string();
    let out = decoded(&mapping, &text, &mut Notes::default());
    let [outcome] = out.as_slice() else { panic!("{out:?}") };
    match outcome {
        Decoded::Activity(activity) => {
            serde_json::to_value(activity).unwrap().pointer(pointer).cloned().unwrap_or(Value::Null)
        }
        other => json!(shown(other)),
    }
}

#[test]
fn the_records_of_a_company_are_what_the_table_says() {
    let mapping = valid(COMPANY);
    let mut notes = Notes::default();
    let mut found = Vec::new();
    for line in RECORDS.lines() {
        let out = decoded(&mapping, line, &mut notes);
        let [Decoded::Activity(a)] = out.as_slice() else { panic!("{out:?}") };
        let outcome = a.outcome.as_ref().unwrap();
        found.push(format!(
            "{} {} {} {} {} {} {:?}",
            a.time.rfc3339(),
            a.agent.id,
            a.action.kind.as_str(),
            a.action.operation.as_deref().unwrap(),
            outcome.result.as_str(),
            outcome.decision.unwrap().as_str(),
            a.attributes.iter().find(|(name, _)| name == "amount").map(|(_, amount)| amount),
        ));
    }
    let expected = [
        "2026-03-01T10:59:34.901Z soc2-ap-agent tool_call transfer success allow None",
        "2026-03-01T10:59:34.901Z soc2-ap-agent tool_call transfer success allow Some(Number(500.0))",
        "2026-03-01T10:59:34.902Z soc2-fm-agent tool_call transfer success allow None",
        "2026-03-01T10:59:34.902Z soc2-fm-agent tool_call transfer unknown ask Some(Number(25000.0))",
        "2026-03-01T10:59:34.902Z soc2-ap-agent tool_call transfer denied deny None",
        "2026-03-01T10:59:34.902Z soc2-burst-test tool_call transfer success allow None",
        "2026-03-01T10:59:34.902Z soc2-burst-test tool_call transfer denied deny None",
        "2026-03-01T10:59:34.902Z soc2-ap-agent tool_call query_balance success allow None",
        "2026-03-01T10:59:34.902Z soc2-ap-agent tool_call approve denied deny None",
    ];
    assert_eq!(found, expected);
    let unread: Vec<_> = notes.unknown_fields.into_iter().collect();
    assert_eq!(unread, [("/call_count".to_owned(), 4), ("/reason".to_owned(), 3)]);
    let checkpoint = r#"{"event_type":"CHECKPOINT","timestamp":"2026-03-01T10:59:34"}"#;
    let out = decoded(&mapping, checkpoint, &mut Notes::default());
    assert_eq!(out, [Decoded::Skipped(Skip { rule: "mapping_when" })]);
    let line = RECORDS.lines().next().unwrap();
    let origins = mapping.origins(line.as_bytes(), &Limits::default()).unwrap();
    let origin = |field: &str| origins.iter().find(|o| o.field == field).unwrap().pointer.clone();
    assert_eq!(origin("action.operation"), Some("/tool".to_owned()));
    assert_eq!(origin("action.type"), None);
}

#[test]
fn the_mapping_of_the_issue_loads() {
    let mapping = valid(
        r#"
when           = 'event_type != "CHECKPOINT"'
agent.id       = "/agent_id"
action.type    = { const = "tool_call" }
action.operation = ["/tool", "/name"]                       # first hit
outcome.result = { from = "/decision", map = { allowed = "success", approved = "success", blocked = "denied" }, else = "unknown" }
time           = { from = "/timestamp", as = "time", zone = "UTC" }
destination.host = { from = "/url", as = "host" }
"#,
    );
    let record = r#"{"agent_id": "a", "name": "n", "timestamp": "2026-03-01T10:59:34.9", "url": "https://U:P@H.example:1/x"}"#;
    let out = decoded(&mapping, record, &mut Notes::default());
    let [Decoded::Activity(activity)] = out.as_slice() else { panic!("{out:?}") };
    let expected = json!({
        "schema": "agent.activity/1", "id": activity.id, "time": "2026-03-01T10:59:34.900Z",
        "tenant_id": "default", "agent": {"id": "a"},
        "action": {"type": "tool_call", "operation": "n"},
        "destination": {"host": "h.example"}, "outcome": {"result": "unknown"},
        "producer": {"format": "mapping"},
    });
    assert_eq!(serde_json::to_value(activity).unwrap(), expected);
    assert!(activity.id.starts_with("sha256:") && activity.id.len() == 39);
}

#[test]
fn each_conversion_gives_its_value() {
    let op = |spec: &str, record: Value| {
        filled(&format!("action.operation = {spec}"), record, "/action/operation")
    };
    for (spec, record, expected) in [
        (r#""/x""#, json!({"x": "v"}), json!("v")),
        (r#""/x""#, json!({"x": 7}), json!("7")),
        (r#""/x""#, json!({"x": true}), json!("true")),
        (r#""/x""#, json!({"x": null}), Value::Null),
        (r#""/x""#, json!({"x": ""}), Value::Null),
        (r#""/x""#, json!({"x": {}}), json!("invalid_field /x")),
        (r#""/x""#, json!({"x": "é".repeat(256)}), json!("é".repeat(256))),
        (r#""/x""#, json!({"x": "é".repeat(257)}), json!("too_large /x")),
        (r#""/x~1y/1/~0z""#, json!({"x/y": [0, {"~z": "v"}]}), json!("v")),
        (r#"["/x", "/y"]"#, json!({"x": "", "y": "v"}), json!("v")),
        (r#"{ from = ["/x", "/y"] }"#, json!({"y": "v"}), json!("v")),
        (r#"["/x", { const = "c" }]"#, json!({}), json!("c")),
        (r#"{ from = "/x", else = "c" }"#, json!({}), json!("c")),
        (r#"{ from = "/x", map = { 200 = "ok" } }"#, json!({"x": 200}), json!("ok")),
        (r#"[{ from = "/x", map = { a = "b" } }, "/x"]"#, json!({"x": "z"}), json!("z")),
        (r#"{ from = "/x", as = "lower" }"#, json!({"x": "AbC"}), json!("abc")),
        (r#"{ from = "/x", as = ["host", "lower"] }"#, json!({"x": "http://H:1/"}), json!("h")),
        (r#"{ from = "/x", split = ":", part = 1 }"#, json!({"x": "a:b:c"}), json!("b")),
        (r#"{ from = "/x", split = ":", part = -1 }"#, json!({"x": "a:b:c"}), json!("c")),
        (r#"{ from = "/x", split = ":", part = 9 }"#, json!({"x": "a:b:c"}), Value::Null),
        (r#"{ from = "/x", prefix = "p:", suffix = ":s" }"#, json!({"x": "v"}), json!("p:v:s")),
        (r#"{ from = "/x", json = "/tool/0" }"#, json!({"x": "{\"tool\":[\"v\"]}"}), json!("v")),
        (r#"{ from = "/x", json = "/tool" }"#, json!({"x": "no json"}), Value::Null),
        (r#"{ join = ["/x", "/y"], with = "." }"#, json!({"x": "a", "y": 7}), json!("a.7")),
        (r#"{ join = ["/x", "/y"] }"#, json!({"x": "a"}), Value::Null),
        (r#"{ template = "{/x}:{/y}!" }"#, json!({"x": "a", "y": "b"}), json!("a:b!")),
        (
            r#"[{ when = "k == 1", const = "one" }, { const = "other" }]"#,
            json!({"k": 1}),
            json!("one"),
        ),
        (r#"[{ when = "k == 1", const = "one" }, { const = "other" }]"#, json!({}), json!("other")),
        (
            r#"{ from = "/x", as = "hash" }"#,
            json!({"x": "what do ya want for nothing?"}),
            json!(hash::keyed(
                b"key",
                &Tree::Scalar(Lexeme::Text("what do ya want for nothing?".into()))
            )),
        ),
    ] {
        assert_eq!(op(spec, record.clone()), expected, "{spec} {record}");
    }
}

/// Fills one field from `/x` and checks what stands at a pointer.
fn check(cases: &[(&str, Value, &str, Value)]) {
    for (line, value, pointer, expected) in cases {
        assert_eq!(filled(line, json!({"x": value}), pointer), *expected, "{line} {value}");
    }
}

#[test]
fn numbers_and_truths_are_read_where_nothing_is_lost() {
    check(&[
        (r#"usage.records = "/x""#, json!("12"), "/usage/records", json!(12)),
        (r#"usage.records = "/x""#, json!(12.5), "/usage/records", json!("invalid_field /x")),
        (
            r#"usage.records = { from = "/x", as = "bytes" }"#,
            json!("1.5 KiB"),
            "/usage/records",
            json!(1_536),
        ),
        (
            r#"usage.duration_ms = { from = "/x", scale = 1000 }"#,
            json!(1.2345),
            "/usage/duration_ms",
            json!(1_235),
        ),
        (r#"usage.cost_usd = "/x""#, json!("0.25"), "/usage/cost_usd", json!(0.25)),
        (r#"destination.port = "/x""#, json!(65_536), "/destination", json!("invalid_field /x")),
        (r#"destination.internal = "/x""#, json!("true"), "/destination/internal", json!(true)),
        (
            r#"destination.internal = { from = "/x", as = "bool" }"#,
            json!("Yes"),
            "/destination/internal",
            json!(true),
        ),
        (r#"attributes.n = "/x""#, json!(-3), "/attributes/n", json!(-3)),
        (r#"attributes.n = { from = "/x", as = "number" }"#, json!("4"), "/attributes/n", json!(4)),
        (r#"attributes.n = "/x""#, json!([]), "/attributes/n", json!("invalid_field /x")),
    ]);
}

#[test]
fn times_are_read_with_zone_and_unit() {
    let observed = |spec: &str, value: Value, expected: &str| {
        let line = format!("observed_time = {spec}");
        check(&[(&line, value, "/observed_time", json!(expected))]);
    };
    let time = "2026-11-23T20:51:31.000Z";
    observed(r#""/x""#, json!(1_795_467_091), time);
    observed(r#""/x""#, json!("1795467091000"), time);
    observed(r#""/x""#, json!("2026-11-23 20:51:31"), time);
    observed(r#"{ from = "/x", unit = "s" }"#, json!("1795467091"), time);
    observed(r#"{ from = "/x", unit = "ns" }"#, json!(1_795_467_091_000_000_000_u64), time);
    observed(r#"{ from = "/x", zone = "+02:00" }"#, json!("2026-11-23T22:51:31"), time);
    observed(r#"{ from = "/x", zone = "-01:30" }"#, json!("2026-11-23 19:21:31"), time);
    observed(r#"{ from = "/x", zone = "+02:00" }"#, json!("2026-11-23T20:51:31Z"), time);
    observed(r#"{ from = "/x", zone = "+02:00" }"#, json!(1_795_467_091), time);
    let expires = r#"credential.expires_at = "/x""#;
    check(&[
        (expires, json!("9999-01-01T00:00:00Z"), "/credential", Value::Null),
        (expires, json!("soon"), "/credential", json!("invalid_field /x")),
        (
            r#"attributes.n = { from = "/x", as = "time" }"#,
            json!(1_795_467_091),
            "/attributes/n",
            json!(time),
        ),
    ]);
}

#[test]
fn texts_lists_and_addresses_are_kept_dropped_or_refused() {
    let subject = "delegation.subject.id = \"/x\"\ndelegation.subject.type = { const = \"user\" }";
    check(&[
        (
            r#"destination.url = "/x""#,
            json!("https://u:p@h/p?q=1#f"),
            "/destination/url",
            json!("https://h/p"),
        ),
        (r#"source.ip = "/x""#, json!("10.0.0.1"), "/source", json!({"ip": "10.0.0.1"})),
        (r#"source.ip = "/x""#, json!("010.0.0.1"), "/source", json!({"host": "010.0.0.1"})),
        (r#"source.ip = "/x""#, json!("0.0.0.0"), "/source", Value::Null),
        (r#"source.geo.country = "/x""#, json!("nl"), "/source", Value::Null),
        (r#"credential.scopes = "/x""#, json!(["a", "b"]), "/credential/scopes", json!(["a", "b"])),
        (r#"credential.scopes = "/x""#, json!("a"), "/credential/scopes", json!(["a"])),
        (r#"trace.trace_id = "/x""#, json!("xyz"), "/trace", Value::Null),
        (r#"tenant_id = "/x""#, json!("a b"), "/tenant_id", json!("invalid_field /x")),
        (r#"delegation.mode = "/x""#, json!("boss"), "/delegation/mode", json!("unknown")),
        (subject, Value::Null, "/delegation", Value::Null),
        (
            r#"delegation.chain = "/x""#,
            json!(["u", {"id": "a", "type": "ai_agent"}]),
            "/delegation/chain",
            json!([{"id": "u"}, {"id": "a", "type": "ai_agent"}]),
        ),
    ]);
    let hashed = "action.arguments = { from = \"/x\", as = \"hash\" }";
    let arguments = filled(hashed, json!({"x": {"to": "secret"}}), "/action/arguments");
    assert_eq!(arguments[0]["name"], "to");
    assert!(arguments[0]["hash"].as_str().unwrap().starts_with("hmac-sha256:"), "{arguments}");
}

#[test]
fn a_record_splits_by_a_list() {
    let mapping = valid(
        r#"
each = "/groups/*/calls"
when = "/groups/*/calls/*/kind != \"note\""
id = { template = "{/batch}:{/groups/*/calls/*/n}" }
time = ["/groups/*/calls/*/t", "/t"]
agent.id = "/groups/*/agent"
action.type = { const = "tool_call" }
action.operation = "/groups/*/calls/*/tool"
"#,
    );
    let record = json!({
        "batch": "b", "t": 1_795_467_091,
        "groups": [
            {"agent": "one", "calls": [{"n": 1, "tool": "x", "secret": "s"}, {"n": 2, "kind": "note"}]},
            {"agent": "two", "calls": []},
            {"calls": [{"n": 3, "tool": "y"}]},
            {"agent": "four", "calls": [{"n": 4, "tool": {"a": 1}}, {"n": 5, "t": 1_795_467_092}]},
        ]
    })
    .to_string();
    let mut notes = Notes::default();
    let out = decoded(&mapping, &record, &mut notes);
    let brief = |outcome: &Decoded<'_>| match outcome {
        Decoded::Activity(a) => {
            format!("{} {} {:?} {}", a.id, a.agent.id, a.action.operation, a.time.millis())
        }
        other => shown(other),
    };
    let expected = [
        "b:1 one Some(\"x\") 1795467091000",
        "mapping_when",
        "missing_agent_id /groups/2/agent",
        "invalid_field /groups/3/calls/0/tool",
        "b:5 four None 1795467092000",
    ];
    assert_eq!(out.iter().map(brief).collect::<Vec<_>>(), expected);
    let unread: Vec<_> = notes.unknown_fields.keys().collect();
    assert_eq!(unread, ["/groups/*/calls/*/secret"]);
    let nothing = decoded(&mapping, r#"{"groups": 7}"#, &mut notes);
    assert_eq!(nothing, [Decoded::Skipped(Skip { rule: "mapping_without_items" })]);

    // An id of the whole record, or none, is told apart by the index.
    let ids = |line: &str| {
        let mapping = valid(&format!("each = \"/l\"\n{NEEDED}{line}"));
        let record = r#"{"id": "r", "t": 1795467091, "a": "bot", "l": [{}, {}]}"#;
        let out = decoded(&mapping, record, &mut Notes::default());
        let id = |outcome: &Decoded<'_>| match outcome {
            Decoded::Activity(activity) => activity.id.to_string(),
            other => panic!("{other:?}"),
        };
        out.iter().map(id).collect::<Vec<_>>()
    };
    assert_eq!(ids("id = \"/id\""), ["r-0", "r-1"]);
    let [first, second] = ids("").try_into().unwrap();
    assert!(first != second && first.ends_with("-0") && first.len() == 41, "{first}");
}

#[test]
fn a_bad_record_has_its_code_and_place() {
    let mapping = valid(&format!("{NEEDED}action.operation = \"/x/y\""));
    let deep = format!("{{\"u\":{}1{}}}", "[".repeat(40), "]".repeat(40));
    for (record, expected) in [
        ("", "empty_value "),
        ("{", "invalid_json "),
        ("[]", "unsupported_format "),
        ("[7]", "unsupported_format "),
        ("7", "unsupported_format "),
        ("{}", "missing_field /t"),
        (deep.as_str(), "too_deep "),
        (r#"{"t": 1795467091}"#, "missing_agent_id /a"),
        (r#"{"t": "soon", "a": "b"}"#, "invalid_field /t"),
        (r#"{"t": 1, "a": "b"}"#, "time_out_of_range /t"),
        (r#"{"t": 1e999, "a": "b"}"#, "invalid_field "),
    ] {
        let out = decoded(&mapping, record, &mut Notes::default());
        assert_eq!(out.iter().map(shown).collect::<Vec<_>>(), [expected], "{record}");
    }
    // Without a time of its own it has that of its place on the log.
    let carrier =
        Carrier { time: EventTime::from_millis(1_795_467_091_412).ok(), ..Carrier::default() };
    let (limits, mut out) = (Limits::default(), Vec::new());
    mapping.decode_at(br#"{"a": "b"}"#, (&limits, &carrier), &mut Notes::default(), &mut out);
    assert!(matches!(out.as_slice(), [Decoded::Activity(a)] if Some(a.time) == carrier.time));
    // Of a member that stands twice the last counts, as a whole.
    let twice = r#"{"t": 1795467091, "a": "b", "x": {"y": "old"}, "x": {"z": 1}}"#;
    let out = decoded(&mapping, twice, &mut Notes::default());
    assert!(matches!(out.as_slice(), [Decoded::Activity(a)] if a.action.operation.is_none()));
}

#[test]
fn envelopes_are_peeled_before_a_mapping() {
    let mapping = valid(&format!("{NEEDED}action.operation = \"/x\""));
    let one = r#"{"t": 1795467091, "a": "b", "x": "y"}"#;
    let quoted = serde_json::to_string(one).unwrap();
    for record in [
        format!("[{one}, {one}]"),
        format!("{one}\n{one}\n"),
        format!(r#"{{"Records": [{one}, {one}]}}"#),
        format!(r#"[{{"message": {quoted}, "@timestamp": "z"}}, {{"log": {quoted}}}]"#),
    ] {
        let out = decoded(&mapping, &record, &mut Notes::default());
        let is_whole =
            |outcome: &Decoded<'_>| matches!(outcome, Decoded::Activity(a) if a.agent.id == "b");
        assert!(out.len() == 2 && out.iter().all(is_whole), "{record}: {out:?}");
    }
    let broken = format!("[{one}, {{\"t\": 1795467091}}]");
    let out = decoded(&mapping, &broken, &mut Notes::default());
    assert_eq!(shown(&out[1]), "missing_agent_id /1/a");
}

#[test]
fn a_mapping_adds_to_a_built_in_format() {
    let mapping = valid("extends = \"native\"\nagent.blueprint = \"/team\"\nattributes.x = \"/x\"");
    assert_eq!(mapping.extends(), Some("native"));
    let record = r#"{"schema":"agent.activity/1","id":"e","time":"2026-11-23T20:51:31Z","agent":{"id":"a"},"action":{"type":"api_call"},"team":"red","x":1}"#;
    let mut notes = Notes::default();
    let Decoded::Activity(mut activity) = native::decode(record, &Limits::default(), &mut notes)
    else {
        panic!("not native")
    };
    let bytes = record.as_bytes();
    mapping.overlay(bytes, (&Limits::default(), None), &mut notes, &mut activity).unwrap();
    assert_eq!(activity.agent.blueprint.as_deref(), Some("red"));
    assert_eq!((activity.agent.id.as_ref(), activity.attributes.len()), ("a", 1));
}

#[test]
fn what_a_mapping_adds_holds_against_what_the_format_says() {
    let text = "extends = \"cloudtrail\"\naction.operation = \"/team\"\nsource.host = { const = \"desk\" }";
    let reading = Reading::new(None, Some(std::sync::Arc::new(valid(text))));
    let mut event: Value =
        serde_json::from_str(include_str!("../../ingest/fixtures/in.cloudtrail.json")).unwrap();
    let told = |event: &Value, field: &str| {
        let (record, limits, carrier) = (event.to_string(), Limits::default(), Carrier::default());
        let told = reading.explain(record.as_bytes(), (&limits, &carrier), &mut Notes::default());
        let [(Decoded::Activity(activity), about)] = told.as_slice() else { panic!("{told:?}") };
        let places = about.made.origins.iter().filter(|origin| origin.field == field);
        let places: Vec<Option<String>> = places.map(|origin| origin.pointer.clone()).collect();
        (serde_json::to_value(activity).unwrap(), places)
    };
    // Where the record does not have it, what the format read stays, and its place.
    let (plain, places) = told(&event, "action.operation");
    assert_eq!((&plain["action"]["operation"], places.len()), (&json!("s3:GetObject"), 1));
    event["team"] = json!("red");
    let (own, places) = told(&event, "action.operation");
    assert_eq!(own["action"]["operation"], "red");
    assert_eq!(places, [Some("/team".to_owned())]);
    // Side by side with what the format set beside it.
    assert_eq!(
        (&own["source"]["host"], &own["source"]["ip"]),
        (&json!("desk"), &plain["source"]["ip"])
    );
}

#[test]
fn without_its_key_nothing_is_hashed() {
    let text = format!(
        "{NEEDED}session.id = {{ from = \"/s\", as = \"hash\" }}\naction.arguments = {{ from = \"/args\", as = \"hash\" }}\n"
    );
    let mut mapping = Mapping::parse("m", &toml::setting(&text), Some(b"")).unwrap();
    let record =
        r#"{"t": 1795467091, "a": "bot", "k": "tool_call", "s": "secret", "args": {"to": "bob"}}"#;
    let found = |mapping: &Mapping| {
        let out = decoded(mapping, record, &mut Notes::default());
        let Decoded::Activity(activity) = &out[0] else { panic!("{out:?}") };
        let value = serde_json::to_value(activity).unwrap();
        (value["session"]["id"].clone(), value["action"]["arguments"].clone())
    };
    let (session, arguments) = found(&mapping);
    assert!(session.is_null() && (arguments.is_null() || arguments == json!([])), "{arguments}");
    mapping.set_key(b"one");
    let one = found(&mapping);
    assert!(one.0.as_str().unwrap().starts_with("hmac-sha256:"));
    assert_eq!(one.1[0]["name"], "to");
    mapping.set_key(b"two");
    assert_ne!(found(&mapping), one);
}

#[test]
fn what_extends_a_format_reads_the_record_itself_in_any_envelope() {
    let mapping = valid(
        "extends = \"cloudtrail\"\nagent.blueprint = \"/team\"\nagent.owner.id = \"/userIdentity/accountId\"",
    );
    let reading = Reading::new(None, Some(std::sync::Arc::new(mapping)));
    let mut event: Value =
        serde_json::from_str(include_str!("../../ingest/fixtures/in.cloudtrail.json")).unwrap();
    event["team"] = json!("red");
    let plain = event.to_string();
    let listed = json!({"Records": [event, event]}).to_string();
    let shipped = json!({"message": plain, "@version": "1"}).to_string();
    for (record, n) in [(plain.as_str(), 1), (listed.as_str(), 2), (shipped.as_str(), 1)] {
        let (mut notes, mut out) = (Notes::default(), Vec::new());
        let (limits, carrier) = (Limits::default(), Carrier::default());
        reading.decode(record.as_bytes(), (&limits, &carrier), &mut notes, &mut out);
        assert_eq!(out.len(), n, "{record}");
        let told = reading.explain(record.as_bytes(), (&limits, &carrier), &mut notes);
        for (decoded, (again, about)) in out.iter().zip(&told) {
            let Decoded::Activity(activity) = decoded else { panic!("{decoded:?}") };
            assert_eq!(activity.agent.blueprint.as_deref(), Some("red"));
            assert!(activity.agent.owner.is_some() && activity.agent.id.starts_with("arn:"));
            assert_eq!(decoded, again);
            let of = |field: &str| about.made.origins.iter().find(|origin| origin.field == field);
            let pointer = of("agent.blueprint").unwrap().pointer.clone().unwrap();
            assert!(pointer.ends_with("/team"), "{pointer}");
        }
    }
}

#[test]
fn being_asked_changes_no_outcome_of_a_mapping_and_keeps_what_there_is() {
    let mapping = valid(&format!("{NEEDED}action.operation = \"/tool\"\nusage.records = \"/n\"\n"));
    let all = [
        json!({"t": "2026-11-23T20:51:31Z", "a": "b", "tool": "x", "more": 1}),
        json!({"t": "2026-11-23T20:51:31Z", "tool": "x", "n": "many"}),
        json!({"t": "never", "a": "b", "tool": "x"}),
        json!([{"t": 1_795_467_091, "a": "b"}, {"a": "b"}]),
        json!({"message": "{\"t\": 1795467091, \"a\": \"b\"}"}),
        json!(7),
    ];
    let (limits, carrier) = (Limits::default(), Carrier::default());
    for record in &all {
        let text = record.to_string();
        let plain = decoded(&mapping, &text, &mut Notes::default());
        let told = mapping.explain_at(text.as_bytes(), (&limits, &carrier), &mut Notes::default());
        let again: Vec<_> = told.iter().map(|(decoded, _)| decoded.clone()).collect();
        assert_eq!(plain, again, "{record}");
    }
    let text = all[0].to_string();
    let told = mapping.explain_at(text.as_bytes(), (&limits, &carrier), &mut Notes::default());
    assert_eq!(told[0].1.made.unmapped, ["/more"]);
    assert_eq!(told[0].1.made.missing, ["usage.records"]);
    let text = all[1].to_string();
    let told = mapping.explain_at(text.as_bytes(), (&limits, &carrier), &mut Notes::default());
    let made = &told[0].1.made;
    assert_eq!(made.partial.as_ref().unwrap().action.operation.as_deref(), Some("x"));
    assert!(made.missing.contains(&"agent.id".to_owned()), "{made:?}");
}

/// The mapping that reads each field of a native record from its own place.
pub(crate) fn native_mapping() -> Mapping {
    let line = |field: &&Field| format!("{} = \"/{}\"\n", field.path, field.path.replace('.', "/"));
    let fields = FIELDS.iter().filter(|field| field.kind != Kind::Arguments);
    valid(&fields.collect::<Vec<_>>().iter().map(line).collect::<String>())
}

/// Takes out what a mapping treats otherwise: empty texts, arguments, attributes, what is no keyed hash.
fn plain(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for key in ["arguments", "attributes", "parameters_hash", "format"] {
                members.remove(key);
            }
            if let Some(url) = members.get_mut("url") {
                *url = json!("https://h.example/p");
            }
            members.values_mut().for_each(plain);
            members.retain(|_, value| {
                *value != json!("") && *value != json!({}) && *value != json!([])
            });
        }
        Value::Array(items) => {
            items.iter_mut().for_each(plain);
            items.retain(|item| *item != json!(""));
        }
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_mapping_of_native_records_is_the_native_decoder(seed in any::<u64>()) {
        let mapping = native_mapping();
        let mut record = serde_json::to_value(Dice(seed).activity()).unwrap();
        plain(&mut record);
        let text = record.to_string();
        let Decoded::Activity(mut expected) = native::decode(&text, &Limits::default(), &mut Notes::default()) else {
            panic!("{text}");
        };
        let producer = expected.producer.get_or_insert(Producer::default());
        producer.format = Some(Text::Borrowed("mapping"));
        let out = decoded(&mapping, &text, &mut Notes::default());
        prop_assert_eq!(out, [Decoded::Activity(expected)]);
    }

    #[test]
    fn any_record_has_an_outcome(seed in any::<u64>(), bytes in proptest::collection::vec(any::<u8>(), 0..500)) {
        let split = valid(&format!("each = \"/agent\"\n{NEEDED}"));
        for mapping in [native_mapping(), valid(COMPANY), split] {
            let native = mutate(include_bytes!("../../ingest/fixtures/event.native.json").to_vec(), seed);
            let own = mutate(RECORDS.lines().next().unwrap().as_bytes().to_vec(), seed);
            for record in [&native, &own, &bytes] {
                let mut out = Vec::new();
                mapping.decode(record, &Limits::default(), &mut Notes::default(), &mut out);
                prop_assert!(!out.is_empty());
            }
        }
    }
}

#[test]
fn what_native_refuses_a_mapping_refuses_with_the_same_code() {
    let mapping = native_mapping();
    let full: Value =
        serde_json::from_str(include_str!("../../ingest/fixtures/event.native.json")).unwrap();
    for (pointer, value) in [
        ("/time", json!("soon")),
        ("/time", json!("1970-01-01T00:00:00Z")),
        ("/agent/id", json!("x".repeat(2_049))),
        ("/agent/name", json!("x".repeat(257))),
        ("/agent/id", Value::Null),
        ("/action/type", Value::Null),
        ("/tenant_id", json!("a|b")),
        ("/usage/bytes_out", json!(-1)),
        ("/destination/port", json!(70_000)),
        ("/action/result_hash", json!("plain")),
        ("/credential/scopes", json!(vec!["s"; 257])),
    ] {
        let mut record = full.clone();
        *record.pointer_mut(pointer).unwrap() = value;
        let text = record.to_string();
        let native = native::decode(&text, &Limits::default(), &mut Notes::default());
        let out = decoded(&mapping, &text, &mut Notes::default());
        let (Decoded::Rejected(native), [Decoded::Rejected(own)]) = (&native, out.as_slice())
        else {
            panic!("{pointer}: {native:?} {out:?}");
        };
        assert_eq!((own.code, &own.path), (native.code, &native.path));
    }
}

#[test]
fn a_canary_in_any_text_stays_where_the_mapping_sends_it() {
    const CANARY: &str = "canary-4711";
    let mapping = valid(COMPANY);
    let (mut planted, mut seen) = (0, std::collections::BTreeSet::new());
    for line in RECORDS.lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        for key in record.as_object().unwrap().keys() {
            let mut record = record.clone();
            record[key] = json!(CANARY);
            planted += 1;
            let (text, mut notes) = (record.to_string(), Notes::default());
            let out = decoded(&mapping, &text, &mut notes);
            assert!(!format!("{notes:?}").contains(CANARY));
            match out.as_slice() {
                [Decoded::Activity(activity)] => {
                    let shown = serde_json::to_string(activity).unwrap();
                    if shown.contains(CANARY) {
                        seen.insert(key.clone());
                    }
                }
                [Decoded::Rejected(rejection)] => {
                    assert!(!format!("{rejection:?}").contains(CANARY), "{rejection:?}");
                }
                other => panic!("{other:?}"),
            }
        }
    }
    assert!(60 < planted);
    let seen: Vec<&str> = seen.iter().map(String::as_str).collect();
    assert_eq!(seen, ["agent_id", "amount", "recipient", "role", "tool"]);
}

#[test]
fn the_key_of_hashes_shows_itself_to_nobody() {
    let mapping = Mapping::parse("m", &toml::setting(NEEDED), Some(b"very-secret")).unwrap();
    let bytes = format!("{:?}", b"very-secret".as_slice());
    assert!(!format!("{mapping:?}").contains(&bytes[1..bytes.len() - 1]));
}
