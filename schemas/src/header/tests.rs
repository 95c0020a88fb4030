//! Round trips of headers, and what they refuse.

use proptest::option::of;
use proptest::prelude::*;

use super::*;
use crate::time::{TIME_MS_MAX, TIME_MS_MIN};

fn stamps() -> impl Strategy<Value = EventTime> {
    (TIME_MS_MIN..TIME_MS_MAX).prop_filter_map("in bounds", |ms| EventTime::from_millis(ms).ok())
}

fn kinds() -> impl Strategy<Value = RecordKind> {
    prop::sample::select(vec![
        RecordKind::Alert,
        RecordKind::Incident,
        RecordKind::Trust,
        RecordKind::Revocation,
        RecordKind::Decision,
    ])
}

fn traces() -> impl Strategy<Value = TraceParent> {
    (1..=u128::MAX, 1..=u64::MAX, any::<u8>())
        .prop_filter_map("not zero", |(trace, parent, flags)| {
            TraceParent::new(trace, parent, flags)
        })
}

fn stages() -> impl Strategy<Value = Stage> {
    prop::sample::select(vec![
        Stage::Decode,
        Stage::Parse,
        Stage::Validate,
        Stage::Normalize,
        Stage::Process,
        Stage::Produce,
    ])
}

fn codes() -> impl Strategy<Value = ErrorCode> {
    prop::sample::select(vec![
        ErrorCode::EmptyValue,
        ErrorCode::TooLarge,
        ErrorCode::TooDeep,
        ErrorCode::InvalidUtf8,
        ErrorCode::InvalidJson,
        ErrorCode::InvalidProtobuf,
        ErrorCode::UnsupportedFormat,
        ErrorCode::UnsupportedSchema,
        ErrorCode::SchemaRegistryUnsupported,
        ErrorCode::MissingField,
        ErrorCode::InvalidField,
        ErrorCode::MissingAgentId,
        ErrorCode::Miskeyed,
        ErrorCode::TimeOutOfRange,
        ErrorCode::Quarantined,
        ErrorCode::Internal,
    ])
}

fn strange() -> impl Strategy<Value = RawHeaders> {
    prop::collection::vec(("x-[a-z]{1,8}", prop::collection::vec(any::<u8>(), 0..16)), 0..4)
}

proptest! {
    #[test]
    fn event_headers_round_trip(
        (id, source, kind, shadow) in ("\\PC{1,40}", "/\\PC{0,40}", kinds(), any::<bool>()),
        (subject, time, dataschema) in (of("\\PC{0,40}"), of(stamps()), of("https://[a-z/.]{1,30}")),
        traceparent in of(traces()),
        others in strange(),
    ) {
        let mut headers = EventHeaders::json(id, source, kind);
        (headers.subject, headers.time, headers.dataschema) = (subject, time, dataschema);
        (headers.traceparent, headers.shadow) = (traceparent, shadow);
        let raw = others.into_iter().chain(headers.encode()).collect::<Vec<_>>();
        prop_assert_eq!(EventHeaders::decode(&raw), Ok(headers));
    }

    #[test]
    fn dead_letter_headers_round_trip(
        (topic, partition, offset, timestamp_ms) in
            ("[a-zA-Z0-9._-]{1,60}", any::<u32>(), any::<u64>(), any::<i64>()),
        (index, stage, code, attempt, time) in
            (any::<u32>(), stages(), codes(), any::<u32>(), stamps()),
        (message, path, format) in ("\\PC{0,200}", "(/\\PC{0,8}){0,4}", of("[a-z_]{1,12}")),
        (app_version, app_instance) in ("[0-9.]{1,8}", "\\PC{0,20}"),
        others in strange(),
    ) {
        let headers = DeadLetterHeaders {
            topic, partition, offset, timestamp_ms, index, stage, code, message, path, format,
            attempt, time, app_version, app_instance,
        };
        let raw = others.into_iter().chain(headers.encode()).collect::<Vec<_>>();
        prop_assert_eq!(DeadLetterHeaders::decode(&raw), Ok(headers));
    }

    #[test]
    fn origin_headers_round_trip(
        (topic, partition, offset, index) in
            ("[a-zA-Z0-9._-]{1,60}", any::<u32>(), any::<u64>(), any::<u32>()),
        (timestamp_ms, log_ms) in (any::<i64>(), any::<i64>()),
        (config, lists, program) in ("[a-z0-9:]{0,20}", "[a-z0-9:+]{0,20}", "[0-9.]{0,8}"),
        others in strange(),
    ) {
        let headers = OriginHeaders {
            topic, partition, offset, index, timestamp_ms, log_ms, config, lists, program,
        };
        let raw = others.into_iter().chain(headers.encode()).collect::<Vec<_>>();
        prop_assert_eq!(OriginHeaders::times(&raw), Ok((timestamp_ms, log_ms)));
        prop_assert_eq!(OriginHeaders::decode(&raw), Ok(headers));
    }

    #[test]
    fn decoding_never_panics(raw in prop::collection::vec(
        ("(ce_[a-z]{2,11}|content-type|traceparent)", prop::collection::vec(any::<u8>(), 0..60)),
        0..12,
    )) {
        prop_assert!(EventHeaders::decode(&raw).is_err() || !raw.is_empty());
        prop_assert!(DeadLetterHeaders::decode(&raw).is_err());
        prop_assert!(OriginHeaders::decode(&raw).is_err());
    }
}

#[test]
fn the_published_example_is_read() {
    let raw: RawHeaders = [
        ("ce_specversion", "1.0"),
        ("ce_id", "01KAVW30H2J4X6Z8B0D2F4H6K8"),
        ("ce_source", "/habitus/default"),
        ("ce_type", "org.example.habitus.alert.v1"),
        ("ce_subject", "spiffe://acme.example/agent/invoice-bot"),
        ("ce_time", "2026-11-23T20:51:31.592Z"),
        ("content-type", "application/json"),
        ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()))
    .collect();
    let headers = EventHeaders::decode(&raw).unwrap();
    assert_eq!(headers.kind, RecordKind::Alert);
    assert_eq!(headers.encode(), raw);
}

#[test]
fn what_is_wrong_is_named() {
    let good =
        EventHeaders::json("1".to_owned(), "/habitus/t".to_owned(), RecordKind::Trust).encode();
    let check = |name: &str, value: Option<&[u8]>, expected: HeaderError| {
        let mut raw: RawHeaders = good.iter().filter(|(key, _)| key != name).cloned().collect();
        raw.extend(value.map(|value| (name.to_owned(), value.to_vec())));
        assert_eq!(EventHeaders::decode(&raw), Err(expected), "{name}");
    };
    check("ce_id", None, HeaderError::Missing("ce_id"));
    check("ce_id", Some(b""), HeaderError::Invalid("ce_id"));
    check("ce_source", Some(b"\xff"), HeaderError::InvalidUtf8("ce_source"));
    check("ce_specversion", Some(b"0.3"), HeaderError::Invalid("ce_specversion"));
    check("ce_type", Some(b"org.example.habitus.mood.v1"), HeaderError::Invalid("ce_type"));
    check("ce_time", Some(b"yesterday"), HeaderError::Invalid("ce_time"));
    check("habitus-mode", Some(b"loud"), HeaderError::Invalid("habitus-mode"));
    for trace in [
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",
        "+0-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    ] {
        check("traceparent", Some(trace.as_bytes()), HeaderError::Invalid("traceparent"));
    }
}

#[test]
fn long_messages_are_cut_at_a_character() {
    assert_eq!(cut("äöü", 3), "ä");
    assert_eq!(cut("abc", 9), "abc");
}
