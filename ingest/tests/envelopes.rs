//! The same event in every envelope is the same activity; what envelopes may cost is bounded.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by its panic")]

use std::io::Write;

use data_encoding::BASE64;
use flate2::Compression;
use flate2::write::GzEncoder;
use ingest::{Carrier, Decoded, Format, Identity, Limits, Notes, Reader, decode};
use schemas::reject::ErrorCode;
use serde_json::{Value, json};

const CLOUDTRAIL: &str = include_str!("../fixtures/in.cloudtrail.json");
const KUBERNETES: &str = include_str!("../fixtures/in.k8s-audit.json");
const NATIVE: &str = include_str!("../fixtures/event.native.json");
const GCP: &str = include_str!("../fixtures/gcp-audit/cloudevent.structured.json");

fn outcomes(bytes: &[u8]) -> Vec<Decoded<'static>> {
    let mut out = Vec::new();
    decode(bytes, &Limits::default(), &mut Notes::default(), &mut out);
    out.into_iter().map(Decoded::into_owned).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A zstd frame of one raw block after another, at most 128 KiB each.
fn zstd(bytes: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x50];
    let mut chunks = bytes.chunks(100_000).peekable();
    while let Some(chunk) = chunks.next() {
        let last = u32::from(chunks.peek().is_none());
        let header = (u32::try_from(chunk.len()).unwrap() << 3) | last;
        frame.extend_from_slice(&header.to_le_bytes()[..3]);
        frame.extend_from_slice(chunk);
    }
    frame
}

/// A zstd frame of so many bytes of one value, four bytes for each 128 KiB.
fn zstd_bomb(n_blocks: usize) -> Vec<u8> {
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x50];
    for index in 0..n_blocks {
        let header = ((128 << 10) << 3) | (1 << 1) | u32::from(index + 1 == n_blocks);
        frame.extend_from_slice(&header.to_le_bytes()[..3]);
        frame.push(b' ');
    }
    frame
}

/// A frame that holds nothing of the content, as parallel writers put first.
fn skippable(n: u8) -> Vec<u8> {
    [&[0x53, 0x2a, 0x4d, 0x18, n, 0, 0, 0][..], &vec![7; usize::from(n)]].concat()
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// Checks that each form of a record gives the outcome of the record itself.
fn check(record: &str, forms: &[(&str, Vec<u8>)]) {
    let plain = outcomes(record.as_bytes());
    assert!(matches!(plain.as_slice(), [Decoded::Activity(_)]), "{plain:?}");
    for (name, form) in forms {
        assert_eq!(outcomes(form), plain, "{name}");
    }
}

#[test]
fn frames_that_hold_nothing_are_passed_over() {
    let plain = outcomes(NATIVE.as_bytes());
    let frame = zstd(NATIVE.as_bytes());
    for bytes in [
        [skippable(4), frame.clone()].concat(),
        [skippable(0), skippable(9), frame.clone(), skippable(2)].concat(),
    ] {
        assert_eq!(outcomes(&bytes), plain);
        let file = ingest::LogFile::open(bytes).unwrap();
        assert_eq!((file.bytes(), file.layers()), (NATIVE.as_bytes(), &["zstd"][..]));
    }
    let cut = [skippable(4), frame].concat();
    assert!(matches!(outcomes(&cut[..9]).as_slice(), [Decoded::Rejected(_)]));
}

fn json_forms(record: &str) -> Vec<(&'static str, Vec<u8>)> {
    let event = parsed(record);
    let line = event.to_string();
    let bytes = |value: Value| value.to_string().into_bytes();
    let subscription = |messages: Vec<Value>| {
        let batch = json!({
            "messageType": "DATA_MESSAGE", "owner": "1", "logGroup": "g", "logStream": "s", "logEvents": messages,
        });
        batch.to_string().into_bytes()
    };
    let message = json!({"id": "1", "timestamp": 1, "message": line});
    let cloudevent = |data: Value| json!({"specversion": "1.0", "id": "delivery-7", "source": "//x", "type": "t", "time": "2020-01-01T00:00:00Z", "data": data});
    vec![
        ("list", bytes(json!([event]))),
        ("Records", bytes(json!({"Records": [event]}))),
        ("records of an event hub", bytes(json!({"records": [event]}))),
        (
            "EventBridge",
            bytes(
                json!({"id": "delivery-1", "detail-type": "x", "source": "aws.s3", "detail": event}),
            ),
        ),
        ("CloudEvent, object", bytes(cloudevent(event.clone()))),
        ("CloudEvent, text", bytes(cloudevent(json!(line)))),
        (
            "CloudEvent, base64",
            bytes(
                json!({"specversion": "1.0", "id": "d", "source": "s", "type": "t", "data_base64": BASE64.encode(line.as_bytes())}),
            ),
        ),
        (
            "Fluent Bit",
            bytes(json!({"log": line, "stream": "stdout", "time": "2020-01-01T00:00:00Z"})),
        ),
        ("Fluent Bit, list", bytes(json!({"log": format!(" [{line}]\n"), "stream": "stdout"}))),
        ("Fluentd, object", bytes(json!({"log": event, "kubernetes": {"pod_name": "p"}}))),
        (
            "Logstash",
            bytes(json!({"message": line, "@version": "1", "@timestamp": "2020-01-01T00:00:00Z"})),
        ),
        (
            "Logstash, ECS",
            bytes(json!({"event": {"original": line}, "@timestamp": "2020-01-01T00:00:00Z"})),
        ),
        ("CloudWatch", subscription(vec![message.clone()])),
        ("CloudWatch, gzip", gzip(&subscription(vec![message.clone()]))),
        (
            "CloudWatch, base64 and gzip",
            bytes(json!({"awslogs": {"data": BASE64.encode(&gzip(&subscription(vec![message])))}})),
        ),
        ("gzip", gzip(line.as_bytes())),
        ("zstd", zstd(line.as_bytes())),
        ("gzip in zstd", zstd(&gzip(line.as_bytes()))),
        ("schema registry", [b"\0\0\0\0\x07", line.as_bytes()].concat()),
        (
            "gzip behind a schema registry's prefix is none",
            gzip(&[b"\0\0\0\0\x07", line.as_bytes()].concat()),
        ),
        (
            "Records in EventBridge in a CloudEvent",
            bytes(cloudevent(json!({"detail-type": "x", "detail": {"Records": [event]}}))),
        ),
        ("byte order mark", format!("\u{feff} \n{line}\n").into_bytes()),
    ]
}

#[test]
fn an_event_is_the_same_in_every_envelope() {
    check(CLOUDTRAIL, &json_forms(CLOUDTRAIL));
    check(KUBERNETES, &json_forms(KUBERNETES));
    check(NATIVE, &json_forms(NATIVE));
}

#[test]
fn envelopes_of_one_service_are_peeled() {
    let line = parsed(KUBERNETES).to_string();
    let aks = json!({"category": "kube-audit-admin", "operationName": "x", "resourceId": "/SUBSCRIPTIONS/1", "properties": {"log": line, "pod": "p"}});
    let aks_batch = json!({"records": [aks]});
    let list = json!({"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "metadata": {}, "items": [parsed(KUBERNETES)]});
    let forms = [("AKS", aks), ("AKS in an event hub", aks_batch), ("EventList", list)];
    check(KUBERNETES, &forms.map(|(name, form)| (name, form.to_string().into_bytes())));

    // Logstash puts its own time in place of CloudTrail's.
    let mut event = parsed(CLOUDTRAIL);
    let time = event.as_object_mut().unwrap().remove("eventTime").unwrap();
    event["@timestamp"] = time;
    event["@version"] = json!("1");
    check(CLOUDTRAIL, &[("Logstash", event.to_string().into_bytes())]);

    // A binary CloudEvent is its data, with headers that say nothing of the event.
    let data = parsed(GCP)["data"].to_string();
    let headers: [(&str, &[u8]); 3] = [
        ("ce_specversion", b"1.0"),
        ("ce_id", b"delivery-9"),
        ("content-type", b"application/json"),
    ];
    let carrier = Carrier { headers: &headers, time: None };
    let mut out = Vec::new();
    Reader::default().decode(data.as_bytes(), &carrier, &mut Notes::default(), &mut out);
    assert_eq!(out, outcomes(GCP.as_bytes()));
    assert!(matches!(out.as_slice(), [Decoded::Activity(_)]));
}

#[test]
fn many_events_stand_in_one_record() {
    let (a, b) = (parsed(CLOUDTRAIL).to_string(), parsed(KUBERNETES).to_string());
    let wanted = [outcomes(a.as_bytes()), outcomes(b.as_bytes())].concat();
    for text in [
        format!("{a}\n{b}\n"),
        format!("{a}{b}"),
        format!("[{a},{b}]"),
        format!("{a}\r\n\r\n  {b}"),
    ] {
        assert_eq!(outcomes(text.as_bytes()), wanted, "{text}");
        assert_eq!(outcomes(&gzip(text.as_bytes())), wanted, "{text}");
    }
    let native = parsed(NATIVE).to_string();
    let twice = outcomes(format!("{native}\n{native}").as_bytes());
    assert_eq!(twice, outcomes(format!("[{native},{native}]").as_bytes()));
    assert!(matches!(twice.as_slice(), [Decoded::Activity(_), Decoded::Activity(_)]));
}

fn code_and_path(outcome: &Decoded<'_>) -> (ErrorCode, String) {
    match outcome {
        Decoded::Rejected(found) => (found.code, found.path.clone()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_broken_part_costs_itself() {
    let good = parsed(CLOUDTRAIL).to_string();
    let found = outcomes(format!("{good}\n{{\"eventName\": \n{good}\n").as_bytes());
    assert!(matches!(
        found.as_slice(),
        [Decoded::Activity(_), Decoded::Rejected(_), Decoded::Activity(_)]
    ));
    assert_eq!(code_and_path(&found[1]), (ErrorCode::InvalidJson, "/1".to_owned()));

    let mut bad = parsed(CLOUDTRAIL);
    bad["eventTime"] = json!("soon");
    let found = outcomes(json!({"Records": [parsed(&good), bad, {"x": 1}]}).to_string().as_bytes());
    assert!(matches!(found[0], Decoded::Activity(_)));
    assert_eq!(
        code_and_path(&found[1]),
        (ErrorCode::InvalidField, "/Records/1/eventTime".to_owned())
    );
    assert_eq!(code_and_path(&found[2]), (ErrorCode::UnsupportedFormat, "/Records/2".to_owned()));

    let aks =
        json!({"category": "kube-audit", "properties": {"log": "{\"kind\": \"Event\", \"verb\""}});
    let found = outcomes(aks.to_string().as_bytes());
    assert_eq!(code_and_path(&found[0]), (ErrorCode::InvalidJson, "/properties/log".to_owned()));
    let mut broken = gzip(good.as_bytes());
    broken.truncate(broken.len() / 2);
    assert_eq!(code_and_path(&outcomes(&broken)[0]).0, ErrorCode::InvalidField);
    assert_eq!(code_and_path(&outcomes(&zstd(b"x")[..7])[0]).0, ErrorCode::InvalidField);
    assert_eq!(
        code_and_path(&outcomes(b"\0\0\0\0\x07\x02\x04ab")[0]).0,
        ErrorCode::SchemaRegistryUnsupported
    );
    let awslogs = json!({"awslogs": {"data": "%%%"}}).to_string();
    assert_eq!(
        code_and_path(&outcomes(awslogs.as_bytes())[0]),
        (ErrorCode::InvalidField, "/awslogs/data".to_owned())
    );
}

#[test]
fn an_empty_envelope_is_skipped_by_name() {
    for (record, rule) in [
        (json!({"Records": []}), "empty_envelope"),
        (
            json!({"messageType": "CONTROL_MESSAGE", "logEvents": [{"message": "CWL CONTROL MESSAGE"}]}),
            "cloudwatch_control_message",
        ),
        (
            json!({"specversion": "1.0", "id": "1", "source": "s", "type": "t"}),
            "cloudevent_without_data",
        ),
    ] {
        let found = outcomes(record.to_string().as_bytes());
        assert!(
            matches!(found.as_slice(), [Decoded::Skipped(skip)] if skip.rule == rule),
            "{found:?}"
        );
    }
}

#[test]
fn bombs_are_typed_rejections() {
    let spaces = gzip(&vec![b' '; 64 << 20]);
    let keys: String = (0..1_000_000).map(|n| format!("\"k{}\":1,", n % 100)).collect();
    let keys = format!("{{{keys}\"last\":1}}");
    let deep = |n: usize| format!("{}1{}", "{\"a\":".repeat(n), "}".repeat(n));
    let mut nested = gzip(CLOUDTRAIL.as_bytes());
    for _ in 0..12 {
        nested = gzip(&nested);
    }
    let mut lists = parsed(CLOUDTRAIL);
    for _ in 0..12 {
        lists = json!({"Records": [lists]});
    }
    let many = vec![json!({"eventName": "a", "eventSource": "b", "awsRegion": "c"}); 9_000];
    let cases = [
        ("gzip of blanks", spaces.clone(), ErrorCode::TooLarge),
        ("zstd of 42 kB", zstd_bomb(10_500), ErrorCode::TooLarge),
        (
            "a gzip in base64",
            json!({"awslogs": {"data": BASE64.encode(&spaces)}}).to_string().into_bytes(),
            ErrorCode::TooLarge,
        ),
        ("a million keys", gzip(keys.as_bytes()), ErrorCode::TooLarge),
        ("depth 10,000", deep(10_000).into_bytes(), ErrorCode::TooDeep),
        ("depth 10,000 in gzip", gzip(deep(10_000).as_bytes()), ErrorCode::TooDeep),
        ("gzip in gzip in ..", nested, ErrorCode::TooDeep),
        ("Records in Records in ..", lists.to_string().into_bytes(), ErrorCode::TooDeep),
        (
            "a window of 3 GiB",
            [&[0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xb0][..], &[1, 0, 0]].concat(),
            ErrorCode::TooLarge,
        ),
    ];
    for (name, bytes, code) in cases {
        assert!(bytes.len() <= 1 << 20, "{name}: {}", bytes.len());
        let found = outcomes(&bytes);
        assert!(
            matches!(found.as_slice(), [Decoded::Rejected(found)] if found.code == code),
            "{name}: {found:?}"
        );
    }
    let found = outcomes(json!(many).to_string().as_bytes());
    assert_eq!(found.len(), 8_193);
    assert_eq!(code_and_path(&found[8_192]).0, ErrorCode::TooLarge);
}

#[test]
fn a_named_format_takes_no_other() {
    let mut reader = Reader::new(Some(Format::Okta), Identity::default(), Limits::default());
    let mut out = Vec::new();
    reader.decode(CLOUDTRAIL.as_bytes(), &Carrier::default(), &mut Notes::default(), &mut out);
    assert_eq!(code_and_path(&out[0]).0, ErrorCode::UnsupportedFormat);
    let headers: [(&str, &[u8]); 1] = [("Content-Type", b"application/avro")];
    let carrier = Carrier { headers: &headers, time: None };
    out.clear();
    reader.decode(b"\x02\x04", &carrier, &mut Notes::default(), &mut out);
    assert_eq!(code_and_path(&out[0]).0, ErrorCode::SchemaRegistryUnsupported);
}
