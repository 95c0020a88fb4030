//! Every way a native record or a whole record can be refused: code and place. What is accepted is tested
//! beside each format.

use schemas::reject::{ErrorCode, Stage};
use serde_json::{Value, json};

use self::minimal::{MINIMAL, minimal_with};
use super::*;

pub(crate) mod dice;
#[path = "../../../record/src/native/tests/minimal.rs"]
mod minimal;
mod properties;

/// Decodes one record and returns its only outcome.
fn only<'a>(bytes: &'a [u8], notes: &mut Notes) -> Decoded<'a> {
    let mut out = Vec::new();
    decode(bytes, &Limits::default(), notes, &mut out);
    assert_eq!(out.len(), 1, "{out:?}");
    out.remove(0)
}

fn minimal_without(pointer: &str) -> String {
    let mut record: Value = serde_json::from_str(MINIMAL).unwrap();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    record.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(key);
    record.to_string()
}

fn check(input: impl AsRef<[u8]>, code: ErrorCode, path: &str) {
    let input = input.as_ref();
    let shown = String::from_utf8_lossy(input.get(..input.len().min(200)).unwrap());
    match only(input, &mut Notes::default()) {
        Decoded::Rejected(rejection) => {
            assert_eq!((rejection.code, rejection.path.as_str()), (code, path), "{shown}");
            assert!(!rejection.message.is_empty() && rejection.message.len() < 200, "{shown}");
        }
        other => panic!("{shown}: {other:?}"),
    }
}

#[test]
fn whole_records_are_refused() {
    use ErrorCode::{
        EmptyValue, InvalidJson, InvalidUtf8, MissingField, TooDeep, TooLarge, UnsupportedFormat,
    };
    let deep = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
    let with_unknown = |value: String| MINIMAL.replacen('{', &format!("{{\"x\":{value},"), 1);
    check("", EmptyValue, "");
    check(" \r\n\t ", EmptyValue, "");
    check("\u{feff}", EmptyValue, "");
    check(" ".repeat((1 << 20) + 1), TooLarge, "");
    check(b"\xff\xfe{}", InvalidUtf8, "");
    check(b"{\"schema\":\"\xc3\x28\"}", InvalidUtf8, "");
    check(b"{\"schema\":\"\xed\xa0\x80\"}", InvalidUtf8, "");
    check(b"\x00\x01\x02\x03", InvalidJson, "");
    check("hello", InvalidJson, "");
    check("NaN", InvalidJson, "");
    check("{", InvalidJson, "");
    check("{\"schema\"", InvalidJson, "");
    check("{'schema':1}", InvalidJson, "");
    check("{\"schema\":\"agent.activity/1\",}", InvalidJson, "");
    check(&MINIMAL.trim_end()[..MINIMAL.trim_end().len() - 1], InvalidJson, "");
    check(format!("{}x", MINIMAL.trim_end()), InvalidJson, "");
    check(MINIMAL.replace("e-1", "e\u{1}"), InvalidJson, "");
    check(MINIMAL.replace("e-1", "\\ud800"), InvalidJson, "");
    check("null", UnsupportedFormat, "");
    check("true", UnsupportedFormat, "");
    check("17", UnsupportedFormat, "");
    check("\"text\"", UnsupportedFormat, "");
    check("[]", UnsupportedFormat, "");
    check("[1, 2]", UnsupportedFormat, "");
    check("{}", UnsupportedFormat, "");
    check("{\"agent\":{\"id\":\"a\"},\"action\":{}}", MissingField, "/schema");
    check(deep(33), TooDeep, "");
    check("[".repeat(100_000), TooDeep, "");
    check(with_unknown(deep(32)), TooDeep, "");
    check(with_unknown("{\"x\":".repeat(50_000)), TooDeep, "");
    check(with_unknown(deep(100_000)), TooDeep, "");
    let accepted = with_unknown(deep(31));
    assert!(matches!(only(accepted.as_bytes(), &mut Notes::default()), Decoded::Activity(_)));
}

#[test]
fn required_fields_are_named() {
    use ErrorCode::{InvalidField, MissingAgentId, MissingField, UnsupportedSchema};
    for (pointer, code, path) in [
        ("/schema", MissingField, "/schema"),
        ("/id", MissingField, "/id"),
        ("/time", MissingField, "/time"),
        ("/agent", MissingAgentId, "/agent/id"),
        ("/agent/id", MissingAgentId, "/agent/id"),
        ("/action", MissingField, "/action"),
        ("/action/type", MissingField, "/action/type"),
    ] {
        check(minimal_without(pointer), code, path);
        check(minimal_with(pointer, Value::Null).to_string(), code, path);
    }
    check(minimal_with("/agent/id", json!("")).to_string(), MissingAgentId, "/agent/id");
    check(minimal_with("/id", json!("")).to_string(), InvalidField, "/id");
    for schema in ["agent.activity/2", "", "agent.trust/1"] {
        check(minimal_with("/schema", json!(schema)).to_string(), UnsupportedSchema, "/schema");
    }
}

#[test]
fn fields_of_who_are_refused_at_their_place() {
    use ErrorCode::{InvalidField, MissingField, TimeOutOfRange, TooLarge};
    let principals = |n: usize| json!(vec![json!({"id": "a"}); n]);
    for (pointer, value, code, path) in [
        ("/id", json!(7), InvalidField, "/id"),
        ("/id", json!("x".repeat(129)), TooLarge, "/id"),
        ("/time", json!("yesterday"), InvalidField, "/time"),
        ("/time", json!(1_795_467_091), InvalidField, "/time"),
        ("/time", json!("2026-11-23T20:51:31"), InvalidField, "/time"),
        ("/time", json!("2026-02-30T20:51:31Z"), InvalidField, "/time"),
        ("/time", json!("0001-01-01T00:00:00Z"), TimeOutOfRange, "/time"),
        ("/time", json!("9999-12-31T23:59:59Z"), TimeOutOfRange, "/time"),
        ("/time", json!("1989-12-31T23:59:59.999Z"), TimeOutOfRange, "/time"),
        ("/time", json!("2100-01-01T00:00:00Z"), TimeOutOfRange, "/time"),
        ("/observed_time", json!("soon"), InvalidField, "/observed_time"),
        ("/tenant_id", json!("a|b"), InvalidField, "/tenant_id"),
        ("/tenant_id", json!(""), InvalidField, "/tenant_id"),
        ("/tenant_id", json!("t".repeat(65)), InvalidField, "/tenant_id"),
        ("/agent", json!("invoice-bot"), InvalidField, "/agent"),
        ("/agent", json!([]), InvalidField, "/agent"),
        ("/agent/id", json!("é".repeat(2_049)), TooLarge, "/agent/id"),
        ("/agent/id", json!({"x": 1}), InvalidField, "/agent/id"),
        ("/agent/owner", json!({}), MissingField, "/agent/owner/id"),
        ("/agent/owner/id", json!(""), InvalidField, "/agent/owner/id"),
        ("/agent/owner/type", json!(3), InvalidField, "/agent/owner/type"),
        ("/agent/model/name", json!("m".repeat(257)), TooLarge, "/agent/model/name"),
        ("/delegation", json!(7), InvalidField, "/delegation"),
        ("/delegation/mode", json!(true), InvalidField, "/delegation/mode"),
        ("/delegation/chain", json!({}), InvalidField, "/delegation/chain"),
        ("/delegation/chain", json!([null]), InvalidField, "/delegation/chain/0"),
        ("/delegation/chain", json!([{"id": "a"}, 7]), InvalidField, "/delegation/chain/1"),
        (
            "/delegation/chain",
            json!([{"id": "a"}, {"name": 1}]),
            InvalidField,
            "/delegation/chain/1/name",
        ),
        (
            "/delegation/chain",
            json!([{"id": "a"}, {"name": "b"}]),
            MissingField,
            "/delegation/chain/1/id",
        ),
        ("/delegation/chain", principals(33), TooLarge, "/delegation/chain"),
        ("/credential/scopes", json!("all"), InvalidField, "/credential/scopes"),
        ("/credential/scopes", json!(["a", 1]), InvalidField, "/credential/scopes/1"),
        ("/credential/scopes", json!(["a", null]), InvalidField, "/credential/scopes/1"),
        ("/credential/scopes", json!(["a", [[]]]), InvalidField, "/credential/scopes/1"),
        ("/credential/scopes", json!(vec!["a"; 257]), TooLarge, "/credential/scopes"),
        ("/credential/audience", json!(["a".repeat(2_049)]), TooLarge, "/credential/audience/0"),
        ("/credential/expires_at", json!("never"), InvalidField, "/credential/expires_at"),
    ] {
        check(minimal_with(pointer, value).to_string(), code, path);
    }
}

#[test]
fn fields_of_what_are_refused_at_their_place() {
    use ErrorCode::{InvalidField, MissingField, TooLarge};
    let many: serde_json::Map<String, Value> =
        (0..65).map(|n| (format!("k{n}"), json!(n))).collect();
    for (pointer, value, code, path) in [
        ("/action/type", json!({}), InvalidField, "/action/type"),
        (
            "/action/arguments",
            json!([{"origin": "model"}]),
            MissingField,
            "/action/arguments/0/name",
        ),
        ("/action/arguments", json!([{"name": "a"}]), MissingField, "/action/arguments/0/origin"),
        ("/action/result_hash", json!("the value"), InvalidField, "/action/result_hash"),
        ("/action/result_hash", json!("hmac-sha256:AB"), InvalidField, "/action/result_hash"),
        ("/destination/port", json!(65_536), InvalidField, "/destination/port"),
        ("/destination/port", json!(-1), InvalidField, "/destination/port"),
        ("/destination/port", json!("443"), InvalidField, "/destination/port"),
        ("/destination/asn", json!(4_294_967_296_u64), InvalidField, "/destination/asn"),
        ("/destination/internal", json!("no"), InvalidField, "/destination/internal"),
        ("/destination/geo/lat", json!(90.5), InvalidField, "/destination/geo/lat"),
        ("/source/geo/lon", json!(-181), InvalidField, "/source/geo/lon"),
        ("/source/ip", json!("x".repeat(256)), TooLarge, "/source/ip"),
        ("/usage/bytes_out", json!(-1), InvalidField, "/usage/bytes_out"),
        ("/usage/bytes_out", json!(1.5), InvalidField, "/usage/bytes_out"),
        ("/usage/bytes_out", json!(1e300), InvalidField, "/usage/bytes_out"),
        ("/usage/cost_usd", json!(-0.01), InvalidField, "/usage/cost_usd"),
        ("/outcome", json!({"code": "201"}), MissingField, "/outcome/result"),
        ("/producer/format", json!(""), InvalidField, "/producer/format"),
        ("/attributes", json!([]), InvalidField, "/attributes"),
        ("/attributes", json!({"a/b~c": {}}), InvalidField, "/attributes/a~1b~0c"),
        ("/attributes", json!({"a": [1]}), InvalidField, "/attributes/a"),
        ("/attributes", Value::Object(many), TooLarge, "/attributes"),
    ] {
        check(minimal_with(pointer, value).to_string(), code, path);
    }
    // Numbers beyond any float: a fault of the field, not of the record.
    let record = minimal_with("/usage/cost_usd", json!(7)).to_string();
    check(record.replace(":7}", ":1e999}"), InvalidField, "/usage/cost_usd");
}

#[test]
fn a_rejection_names_the_step_that_refused() {
    let stage = |input: &str| match only(input.as_bytes(), &mut Notes::default()) {
        Decoded::Rejected(rejection) => rejection.stage,
        other => panic!("{other:?}"),
    };
    assert_eq!(stage(""), Stage::Decode);
    assert_eq!(stage("{"), Stage::Parse);
    assert_eq!(stage("{}"), Stage::Parse);
    assert_eq!(stage("{\"schema\":\"agent.activity/1\"}"), Stage::Validate);
}

#[test]
fn a_rejection_shows_no_payload() {
    let record = minimal_with("/agent/owner", json!({"id": {"secret-a": 1}})).to_string();
    let long = minimal_with("/attributes", json!({"secret-b".repeat(40): {}})).to_string();
    for input in [record, long, "{\"id\":\"secret-c".to_owned(), "[\"secret-d".to_owned()] {
        let Decoded::Rejected(rejection) = only(input.as_bytes(), &mut Notes::default()) else {
            panic!("{input}");
        };
        assert!(!format!("{rejection:?}").contains("secret"), "{rejection:?}");
    }
}

#[test]
fn the_format_is_told_by_the_shape() {
    assert_eq!(detect(b" {\n \"resourceSpans\": []}"), Some(Format::Otlp));
    assert_eq!(detect("\u{feff}{\"resourceSpans\":7}".as_bytes()), Some(Format::Otlp));
    assert_eq!(detect(b"{\"id\": \"resourceSpans\"}"), None);
    assert_eq!(detect(b"{\"id\": \"resourceSpans\", \"schema\": 1}"), Some(Format::Native));
    assert_eq!(detect(b"[]"), None);
    let bom = format!("\u{feff}{MINIMAL}");
    assert!(matches!(only(bom.as_bytes(), &mut Notes::default()), Decoded::Activity(_)));
    let mut out = Vec::new();
    decode_as(Format::Otlp, b"[]", &Limits::default(), &mut Notes::default(), &mut out);
    assert!(matches!(out.as_slice(), [Decoded::Rejected(_)]));
}

#[test]
fn limits_are_settings() {
    let limits = Limits { depth_max: 1, ..Limits::default() };
    let mut out = Vec::new();
    decode(MINIMAL.as_bytes(), &limits, &mut Notes::default(), &mut out);
    let [Decoded::Rejected(rejection)] = out.as_slice() else { panic!("{out:?}") };
    assert_eq!(rejection.code, ErrorCode::TooDeep);
}
