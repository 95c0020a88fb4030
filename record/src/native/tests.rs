//! What the native format accepts and keeps, and that its limits are those of the published schema.

use std::borrow::Cow;
use std::net::IpAddr;

use schemas::Activity;
use schemas::activity::Scalar;
use schemas::choice::{ActionType, Authority};
use schemas::reject::ErrorCode;
use serde_json::{Value, json};

use self::minimal::{MINIMAL, minimal_with};
use super::decode;
use crate::limits::Limits;
use crate::notes::Notes;
use crate::outcome::Decoded;

mod minimal;

const EVENT: &str = include_str!("../../../ingest/fixtures/event.native.json");
const ADDRESS: &str = include_str!("../../../ingest/fixtures/event.native.address.json");
const SCHEMA: &str = include_str!("../../../ingest/fixtures/agent.activity-1.schema.json");

fn activity<'a>(text: &'a str, notes: &mut Notes) -> Activity<'a> {
    match decode(text, &Limits::default(), notes) {
        Decoded::Activity(activity) => *activity,
        other => panic!("{text}: {other:?}"),
    }
}

fn with(pointer: &str, value: Value) -> (String, Notes) {
    let text = minimal_with(pointer, value).to_string();
    let mut notes = Notes::default();
    let back = serde_json::to_string(&activity(&text, &mut notes)).unwrap();
    (back, notes)
}

/// Times as the wire writes them: UTC with milliseconds.
fn with_full_times(value: &mut Value) {
    match value {
        Value::Object(members) => members.values_mut().for_each(with_full_times),
        Value::Array(items) => items.iter_mut().for_each(with_full_times),
        Value::String(text) if text.len() == 20 && text.ends_with('Z') => {
            *text = text.replace('Z', ".000Z");
        }
        _ => {}
    }
}

#[test]
fn the_published_examples_decode_and_come_back_equal() {
    for text in [EVENT, ADDRESS, MINIMAL] {
        let mut notes = Notes::default();
        let back = serde_json::to_value(activity(text, &mut notes)).unwrap();
        let mut expected: Value = serde_json::from_str(text).unwrap();
        with_full_times(&mut expected);
        expected.as_object_mut().unwrap().entry("tenant_id").or_insert(json!("default"));
        assert_eq!(back, expected);
        assert_eq!(notes, Notes::default());
    }
}

#[test]
fn plain_texts_are_borrowed_and_escaped_ones_are_read() {
    let text = EVENT.replace("invoice-agents", "a\\u0062\\n\\ud83d\\ude00");
    let activity = activity(&text, &mut Notes::default());
    assert!(matches!(activity.id, Cow::Borrowed(_)));
    assert!(matches!(activity.tenant_id, Cow::Borrowed("acme")));
    assert!(matches!(activity.agent.id, Cow::Borrowed(_)));
    assert!(matches!(
        activity.attributes.as_slice(),
        [(Cow::Borrowed("env"), Scalar::Text(Cow::Borrowed("prod")))]
    ));
    let destination = activity.destination.unwrap();
    assert!(matches!(destination.url, Some(Cow::Borrowed(_))));
    assert!(matches!(destination.geo.unwrap().country, Some(Cow::Borrowed("NL"))));
    assert_eq!(activity.agent.blueprint.as_deref(), Some("ab\n😀"));
}

#[test]
fn unknown_fields_are_counted_by_path_and_cost_nothing() {
    let text = EVENT
        .replacen('{', "{\"\\u0078\":[1,{\"y\":1e999}],", 1)
        .replace("\"purpose\"", "\"weather\":{},\"purpose\"")
        .replace("\"type\": \"ai_agent\"", "\"kin/d\":\"\\ud800\"")
        .replace("\"user_agent\"", "\"url\":\"u\",\"user_agent\"");
    let mut notes = Notes::default();
    activity(&text, &mut notes);
    let expected = [
        ("/delegation/chain/*/kin~1d", 2),
        ("/delegation/weather", 1),
        ("/source/url", 1),
        ("/x", 1),
    ];
    let found: Vec<_> = notes.unknown_fields.iter().map(|(path, n)| (path.as_str(), *n)).collect();
    assert_eq!(found, expected);
}

#[test]
fn unknown_words_become_the_default_and_are_counted() {
    let text = EVENT
        .replace("\"tool_call\"", "\"time_travel\"")
        .replace("\"delegated\"", "\"Delegated\"")
        .replace("\"tool_result\"", "\"oracle\"");
    let mut notes = Notes::default();
    let activity = activity(&text, &mut notes);
    assert_eq!(activity.action.kind, ActionType::Other);
    assert_eq!(activity.authority(), Authority::Unknown);
    let found: Vec<_> = notes.unknown_values.iter().map(|(path, n)| (path.as_str(), *n)).collect();
    let expected =
        [("/action/arguments/*/origin", 2), ("/action/type", 1), ("/delegation/mode", 1)];
    assert_eq!(found, expected);
}

#[test]
fn null_is_absent() {
    for pointer in [
        "/observed_time",
        "/tenant_id",
        "/agent/issuer",
        "/agent/owner",
        "/delegation",
        "/delegation/mode",
        "/delegation/chain",
        "/credential/scopes",
        "/action/tool",
        "/action/arguments",
        "/destination/ip",
        "/destination/port",
        "/destination/internal",
        "/destination/geo/lat",
        "/usage/records",
        "/outcome",
        "/trace/trace_id",
        "/attributes",
    ] {
        let (back, notes) = with(pointer, Value::Null);
        let parent = pointer.rsplit_once('/').unwrap().0;
        let back: Value = serde_json::from_str(&back).unwrap();
        assert_eq!(notes, Notes::default(), "{pointer}");
        let found = back.pointer(pointer);
        assert!(found.is_none() || found == Some(&json!("default")), "{parent}: {found:?}");
    }
    let (back, _) = with("/attributes", json!({"a": null}));
    assert!(back.contains(r#""attributes":{"a":null}"#));
}

#[test]
fn of_repeated_members_the_last_counts() {
    let text = MINIMAL.replacen(
        '{',
        r#"{"id":"first","agent":{"id":"x"},"tenant_id":"a","tenant_id":"b","#,
        1,
    );
    let text = text.replacen("\"action\"", r#""attributes":{"k":1,"k":2},"action""#, 1);
    let activity = activity(&text, &mut Notes::default());
    assert_eq!((activity.id.as_ref(), activity.agent.id.as_ref()), ("e-1", "invoice-bot"));
    assert_eq!(activity.tenant_id, "b");
    assert_eq!(activity.attributes, [(Cow::Borrowed("k"), Scalar::Integer(2))]);
}

#[test]
fn an_address_is_an_ip_or_an_opaque_host() {
    let place = |value: Value| {
        let text = minimal_with("/destination", value).to_string();
        let mut notes = Notes::default();
        let destination = activity(&text, &mut notes).destination.unwrap();
        let host = destination.host.map(|host| host.into_owned());
        (destination.ip.map(|ip| ip.to_string()), host, notes.opaque_addresses)
    };
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(place(json!({"ip": "203.0.113.7"})), (text("203.0.113.7"), None, 0));
    assert_eq!(place(json!({"ip": "2001:DB8::1"})), (text("2001:db8::1"), None, 0));
    assert_eq!(place(json!({"ip": "0.0.0.0"})), (None, None, 0));
    assert_eq!(place(json!({"ip": "::"})), (None, None, 0));
    assert_eq!(place(json!({"ip": ""})), (None, None, 0));
    for opaque in
        ["AWS Internal", "010.1.2.3", "1.2.3", "fe80::1%eth0", "1.2.3.4:80", "[::1]", " 1.2.3.4"]
    {
        assert_eq!(place(json!({"ip": opaque})), (None, text(opaque), 1));
    }
    let long = format!("{}.internal.example", "service-".repeat(8));
    assert_eq!(place(json!({"ip": long})), (None, text(&long), 1));
    // The host that is given counts, wherever it stands.
    for record in [r#"{"host":"h","ip":"x"}"#, r#"{"ip":"x","host":"h"}"#] {
        assert_eq!(place(serde_json::from_str(record).unwrap()), (None, text("h"), 1));
        let wire = MINIMAL.replacen('{', &format!("{{\"source\":{record},"), 1);
        let source = activity(&wire, &mut Notes::default()).source.unwrap();
        assert_eq!((source.ip, source.host.as_deref()), (None::<IpAddr>, Some("h")));
    }
}

#[test]
fn whole_numbers_may_be_written_as_floats() {
    for (value, expected) in [
        (json!(7), "7"),
        (json!(7.0), "7"),
        (json!(1e15), "1000000000000000"),
        (json!(-0.0), "0"),
        (json!(u64::MAX), "18446744073709551615"),
    ] {
        let (back, _) = with("/usage/bytes_out", value);
        assert!(back.contains(&format!("\"bytes_out\":{expected}}}")), "{back}");
    }
}

#[test]
fn what_is_wrong_beside_the_activity_is_absent_and_counted() {
    let zero = "0".repeat(32);
    for (pointer, value) in [
        ("/trace/trace_id", json!(zero)),
        ("/trace/trace_id", json!("4BF92F3577B34DA6A3CE929D0E0E4736")),
        ("/trace/trace_id", json!("4bf92f35")),
        ("/trace/span_id", json!("00f067aa0ba902bz")),
        ("/trace/parent_span_id", json!("0000000000000000")),
        ("/source/geo/country", json!("nl")),
        ("/destination/geo/country", json!("NLD")),
        ("/observed_time", json!("9999-12-31T23:59:59Z")),
        ("/credential/expires_at", json!("9999-12-31T23:59:59Z")),
    ] {
        let (back, notes) = with(pointer, value);
        let back: Value = serde_json::from_str(&back).unwrap();
        assert!(back.pointer(pointer).is_none(), "{pointer}");
        assert_eq!(notes.unknown_values.get(pointer), Some(&1), "{pointer}");
    }
}

// === The published schema ===

/// Calls back for every property with its pointer; items of lists are skipped.
fn each_property(schema: &Value, pointer: &str, visit: &mut impl FnMut(&str, &Value)) {
    for (key, property) in schema["properties"].as_object().into_iter().flatten() {
        let pointer = format!("{pointer}/{key}");
        visit(&pointer, property);
        each_property(property, &pointer, visit);
    }
}

/// The event with what a property's parents require, and the value there.
fn event_with(pointer: &str, value: &Value) -> String {
    let mut record = minimal_with(pointer, value.clone());
    for (parent, key) in
        [("/agent/owner", "id"), ("/delegation/subject", "id"), ("/outcome", "result")]
    {
        if let Some(Value::Object(object)) = record.pointer_mut(parent) {
            object.entry(key).or_insert(json!("unknown"));
        }
    }
    record.to_string()
}

fn outcome_of(pointer: &str, value: &Value) -> Result<Notes, (ErrorCode, String)> {
    let mut notes = Notes::default();
    let text = event_with(pointer, value);
    match decode(&text, &Limits::default(), &mut notes) {
        Decoded::Rejected(rejection) => Err((rejection.code, rejection.path)),
        _ => Ok(notes),
    }
}

#[test]
fn every_limit_of_the_schema_is_kept() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let mut n_limits = 0;
    each_property(&schema, "", &mut |pointer, property| {
        let refused = |code| Err((code, pointer.to_owned()));
        // An address that is no IP may be as long as the host it becomes.
        let max = property["maxLength"].as_u64().filter(|_| !pointer.ends_with("/ip"));
        if let Some(max) = max {
            let longest = "é".repeat(usize::try_from(max).unwrap());
            assert_eq!(outcome_of(pointer, &json!(longest)), Ok(Notes::default()), "{pointer}");
            let longer = json!(format!("{longest}é"));
            assert_eq!(outcome_of(pointer, &longer), refused(ErrorCode::TooLarge), "{pointer}");
            n_limits += 1;
        }
        if let Some(max) = property["maxItems"].as_u64() {
            let item = match property["items"]["type"].as_str() {
                Some("string") => json!("a"),
                _ => json!({"id": "a", "name": "a", "origin": "model"}),
            };
            let n = usize::try_from(max).unwrap();
            assert!(outcome_of(pointer, &json!(vec![item.clone(); n])).is_ok(), "{pointer}");
            let longer = json!(vec![item; n + 1]);
            assert_eq!(outcome_of(pointer, &longer), refused(ErrorCode::TooLarge), "{pointer}");
            n_limits += 1;
        }
        for (bound, beyond) in [("minimum", -1.0), ("maximum", 1.0)] {
            if let Some(limit) = property[bound].as_f64() {
                assert!(outcome_of(pointer, &json!(limit)).is_ok(), "{pointer}");
                let value = json!(limit + beyond);
                assert_eq!(
                    outcome_of(pointer, &value),
                    refused(ErrorCode::InvalidField),
                    "{pointer}"
                );
                n_limits += 1;
            }
        }
        if property["enum"].is_array() {
            let mut expected = Notes::default();
            expected.unknown_values.insert(pointer.to_owned(), 1);
            assert_eq!(outcome_of(pointer, &json!("no such word")), Ok(expected), "{pointer}");
            for word in property["enum"].as_array().unwrap() {
                assert_eq!(outcome_of(pointer, word), Ok(Notes::default()), "{pointer}");
            }
            n_limits += 1;
        }
    });
    assert!(80 < n_limits, "{n_limits}");
}

#[test]
fn every_type_of_the_schema_is_kept() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    each_property(&schema, "", &mut |pointer, property| {
        let Some(wanted) = property["type"].as_str() else { return };
        for (kind, value) in [
            ("string", json!("x")),
            ("integer", json!(7)),
            ("number", json!(7.5)),
            ("boolean", json!(true)),
            ("array", json!([[]])),
            ("object", json!({"x": {}})),
        ] {
            if kind != wanted && (wanted, kind) != ("number", "integer") {
                let refused = Err((ErrorCode::InvalidField, pointer.to_owned()));
                assert_eq!(outcome_of(pointer, &value), refused, "{pointer} as {kind}");
            }
        }
    });
}
