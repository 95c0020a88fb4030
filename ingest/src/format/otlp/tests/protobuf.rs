//! Writes well-formed OTLP/JSON as protobuf, so that every case is read in both encodings; and reads what the
//! library of OpenTelemetry wrote.

use serde_json::Value;

use super::*;

/// The record in protobuf; `None` where protobuf cannot say the same.
pub(super) fn encoded(record: &Value) -> Option<Vec<u8>> {
    let spans = record.get("resourceSpans");
    let (groups, scopes, items) = match spans {
        Some(_) => ("resourceSpans", "scopeSpans", "spans"),
        None => ("resourceLogs", "scopeLogs", "logRecords"),
    };
    let mut out = Vec::new();
    for group in list(record, groups)? {
        let mut message = Vec::new();
        if let Some(resource) = group.get("resource") {
            bytes(&mut message, 1, &attributes(resource, 1)?);
        }
        for scope in list(group, scopes)? {
            let mut inner = Vec::new();
            if let Some(library) = scope.get("scope") {
                let mut named = Vec::new();
                text(&mut named, 1, library.get("name"))?;
                text(&mut named, 2, library.get("version"))?;
                bytes(&mut inner, 1, &named);
            }
            for item in list(scope, items)? {
                let item = if spans.is_some() { span(item)? } else { log(item)? };
                bytes(&mut inner, 2, &item);
            }
            bytes(&mut message, 2, &inner);
        }
        bytes(&mut out, 1, &message);
    }
    (!out.is_empty()).then_some(out)
}

fn span(item: &Value) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    for (number, key) in [(1, "traceId"), (2, "spanId"), (4, "parentSpanId")] {
        id(&mut out, number, item.get(key))?;
    }
    text(&mut out, 5, item.get("name"))?;
    varint_field(&mut out, 6, item.get("kind").map_or(Some(0), Value::as_u64)?);
    fixed(&mut out, 7, item.get("startTimeUnixNano"))?;
    fixed(&mut out, 8, item.get("endTimeUnixNano"))?;
    out.extend(attributes(item, 9)?);
    if let Some(code) = item.pointer("/status/code") {
        let mut status = Vec::new();
        varint_field(&mut status, 3, code.as_u64()?);
        bytes(&mut out, 15, &status);
    }
    Some(out)
}

fn log(item: &Value) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    fixed(&mut out, 1, item.get("timeUnixNano"))?;
    varint_field(&mut out, 2, 9);
    text(&mut out, 3, item.get("severityText"))?;
    out.extend(attributes(item, 6)?);
    id(&mut out, 9, item.get("traceId"))?;
    id(&mut out, 10, item.get("spanId"))?;
    fixed(&mut out, 11, item.get("observedTimeUnixNano"))?;
    text(&mut out, 12, item.get("eventName"))?;
    Some(out)
}

fn list<'v>(object: &'v Value, key: &str) -> Option<&'v Vec<Value>> {
    object.get(key)?.as_array().filter(|items| items.iter().all(Value::is_object))
}

fn attributes(object: &Value, number: u64) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    for attribute in object.get("attributes").and_then(Value::as_array).into_iter().flatten() {
        let mut pair = Vec::new();
        text(&mut pair, 1, attribute.get("key"))?;
        let (form, value) = attribute.get("value")?.as_object()?.iter().next()?;
        let mut any = Vec::new();
        match form.as_str() {
            "stringValue" => bytes(&mut any, 1, value.as_str()?.as_bytes()),
            "boolValue" => varint_field(&mut any, 2, u64::from(value.as_bool()?)),
            "intValue" => {
                let number = value.as_str().map_or_else(|| value.as_i64(), |t| t.parse().ok())?;
                varint_field(&mut any, 3, number.cast_unsigned());
            }
            "doubleValue" => {
                any.push(4 << 3 | 1);
                any.extend(value.as_f64()?.to_le_bytes());
            }
            _ => bytes(&mut any, 5, &[]),
        }
        bytes(&mut pair, 2, &any);
        bytes(&mut out, number, &pair);
    }
    Some(out)
}

fn id(out: &mut Vec<u8>, number: u64, value: Option<&Value>) -> Option<()> {
    let Some(value) = value else { return Some(()) };
    let text = value.as_str().filter(|text| text.is_ascii() && text.len() % 2 == 0)?;
    let byte = |n: usize| u8::from_str_radix(&text[2 * n..2 * n + 2], 16).ok();
    let id: Option<Vec<u8>> = (0..text.len() / 2).map(byte).collect();
    bytes(out, number, &id?);
    Some(())
}

fn fixed(out: &mut Vec<u8>, number: u64, value: Option<&Value>) -> Option<()> {
    let Some(value) = value else { return Some(()) };
    let time: u64 = value.as_str().map_or_else(|| value.as_u64(), |t| t.parse().ok())?;
    varint(out, number << 3 | 1);
    out.extend(time.to_le_bytes());
    Some(())
}

fn text(out: &mut Vec<u8>, number: u64, value: Option<&Value>) -> Option<()> {
    match value {
        None => {}
        Some(value) => bytes(out, number, value.as_str()?.as_bytes()),
    }
    Some(())
}

fn bytes(out: &mut Vec<u8>, number: u64, value: &[u8]) {
    varint(out, number << 3 | 2);
    varint(out, value.len() as u64);
    out.extend(value);
}

fn varint_field(out: &mut Vec<u8>, number: u64, value: u64) {
    varint(out, number << 3);
    varint(out, value);
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while 0x7f < value {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

const SPAN_PB: &[u8] = include_bytes!("../../../../fixtures/otlp/in.otlp-span.pb");
const LOG_PB: &[u8] = include_bytes!("../../../../fixtures/otlp/in.otlp-log.pb");
const TRACE_PB: &[u8] = include_bytes!("../../../../fixtures/otlp/proto-example-trace.pb");
const LOGS_PB: &[u8] = include_bytes!("../../../../fixtures/otlp/proto-example-logs.pb");
const TRACE: &str = include_str!("../../../../fixtures/otlp/proto-example-trace.json");
const LOGS: &str = include_str!("../../../../fixtures/otlp/proto-example-logs.json");

fn decoded(bytes: &[u8]) -> Vec<Decoded<'_>> {
    let mut out = Vec::new();
    decode(bytes, &Limits::default(), &mut Notes::default(), &mut out);
    out
}

#[test]
fn what_the_library_of_opentelemetry_writes_is_what_json_says() {
    for (binary, json) in [(SPAN_PB, SPAN), (LOG_PB, LOG), (TRACE_PB, TRACE), (LOGS_PB, LOGS)] {
        assert_eq!(crate::decode::detect(binary), Some(crate::Format::Otlp));
        assert_eq!(decoded(binary), decoded(json.as_bytes()));
    }
    // The samples of the protocol name no agent.
    for sample in [TRACE, LOGS] {
        let shown = shown(&serde_json::from_str(sample).unwrap());
        assert!(shown.iter().all(|item| item.starts_with("missing_agent_id ")), "{shown:?}");
    }
}

#[test]
fn any_cut_or_flip_of_protobuf_has_an_outcome() {
    for sample in [SPAN_PB, LOG_PB] {
        for n in 0..sample.len() {
            decoded(&sample[..n]);
            for flip in [1, 0x80, 0xff] {
                let mut bad = sample.to_vec();
                bad[n] ^= flip;
                assert!(!decoded(&bad).is_empty());
            }
        }
    }
    let cut = decoded(&SPAN_PB[..SPAN_PB.len() - 1]);
    assert!(matches!(cut.as_slice(), [Decoded::Rejected(_)]), "{cut:?}");
}

#[test]
fn broken_protobuf_costs_the_record_and_a_bad_text_its_span() {
    let code = |bytes: &[u8]| match decoded(bytes).as_slice() {
        [Decoded::Rejected(rejection)] => (rejection.code, rejection.path.clone()),
        other => panic!("{other:?}"),
    };
    let good = encoded(&record(vec![span_of(1, &[tool(), agent("a")])])).unwrap();
    let at = |needle: &[u8]| good.windows(needle.len()).position(|w| w == needle).unwrap();
    // The length of an attribute runs over its end.
    let mut broken = good.clone();
    broken[at(b"gen_ai.agent.id") - 1] = 0x7f;
    assert_eq!(code(&broken), (ErrorCode::InvalidProtobuf, String::new()));
    let mut garbled = good.clone();
    let agent = at(b"gen_ai.agent.id") + b"gen_ai.agent.id".len() + 4;
    assert_eq!(garbled[agent], b'a');
    garbled[agent] = 0xff;
    let path = "/resourceSpans/0/scopeSpans/0/spans/0/attributes/1/value".to_owned();
    assert_eq!(code(&garbled), (ErrorCode::InvalidUtf8, path));
    let small = Limits { record_bytes_max: 10, ..Limits::default() };
    let mut out = Vec::new();
    decode(&good, &small, &mut Notes::default(), &mut out);
    assert!(matches!(out.as_slice(), [Decoded::Rejected(r)] if r.code == ErrorCode::TooLarge));
    // JSON after a line feed is JSON.
    let text = format!("\n{}", record(vec![span_of(1, &[tool(), super::agent("a")])]));
    assert!(matches!(decoded(text.as_bytes()).as_slice(), [Decoded::Activity(_)]));
}

fn span_of(id: u8, pairs: &[(&str, Value)]) -> Value {
    super::span(id, 0, pairs)
}
