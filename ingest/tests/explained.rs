//! What is told of each outcome: the same outcomes as without being asked, the format that the name says, pointers that
//! lead somewhere, and of a refused record all that there is; and files, packed and in every layout.
#![expect(clippy::unwrap_used, reason = "a test fails by its panic")]

use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use ingest::{
    About, Carrier, Decoded, Format, Identity, Limits, LogFile, Notes, Way, decode_with, explain,
    file_limits, file_records,
};
use schemas::reject::ErrorCode;
use serde_json::{Value, json};

/// The format of each folder of samples.
const FORMATS: [(&str, Format); 19] = [
    ("azure-activity/", Format::AzureActivity),
    ("bedrock-invocation/", Format::BedrockInvocation),
    ("claude-compliance/", Format::ClaudeCompliance),
    ("cloudtrail/", Format::Cloudtrail),
    ("entra/", Format::Entra),
    ("event.native", Format::Native),
    ("gcp-audit/", Format::GcpAudit),
    ("github-audit/", Format::GithubAudit),
    ("in.cloudtrail", Format::Cloudtrail),
    ("in.k8s", Format::K8sAudit),
    ("in.okta", Format::Okta),
    ("in.zeek", Format::Zeek),
    ("k8s-audit/gke", Format::GcpAudit),
    ("k8s-audit/", Format::K8sAudit),
    ("langfuse/", Format::Langfuse),
    ("ocsf/", Format::Ocsf),
    ("okta/", Format::Okta),
    ("openai-audit/", Format::OpenaiAudit),
    ("teleport/", Format::Teleport),
];

fn format_of(name: &str) -> Option<Format> {
    let more = [("zeek/", Format::Zeek), ("otlp/", Format::Otlp), ("in.otlp", Format::Otlp)];
    let all = FORMATS.iter().chain(&more);
    all.into_iter().find(|(prefix, _)| name.starts_with(prefix)).map(|(_, format)| *format)
}

fn files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

fn samples() -> Vec<(String, Vec<u8>, Format)> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut found = Vec::new();
    files(&root, &mut found);
    found.sort();
    let sample = |path: &PathBuf| {
        let name = path.strip_prefix(&root).unwrap().display().to_string();
        let format = format_of(&name)?;
        Some((name, std::fs::read(path).unwrap(), format))
    };
    found.iter().filter_map(sample).collect()
}

/// All that is told of a file.
fn told<'a>(format: Option<Format>, file: &'a LogFile) -> Vec<(Decoded<'a>, About)> {
    let identity = Identity::default();
    let mut all = Vec::new();
    for (_, record) in file_records(file.bytes()) {
        let limits = file_limits(file.bytes(), record);
        let beside = (&limits, &Carrier::default());
        all.extend(explain(&Way::of(format, &identity), record, beside, &mut Notes::default()));
    }
    all
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn being_asked_changes_nothing_and_the_name_says_what_the_shape_says() {
    let mut n = 0;
    for (name, bytes, format) in samples() {
        let file = LogFile::open(bytes).unwrap();
        let (by_shape, by_name) = (told(None, &file), told(Some(format), &file));
        assert_eq!(by_shape.len(), by_name.len(), "{name}");
        let identity = Identity::default();
        let (mut plain, mut notes) = (Vec::new(), Notes::default());
        for (_, record) in file_records(file.bytes()) {
            let beside = (&Limits::default(), &Carrier::default());
            decode_with(&Way::of(None, &identity), record, beside, &mut notes, &mut plain);
        }
        assert_eq!(plain.len(), by_shape.len(), "{name}");
        for ((own, named), plain) in by_shape.iter().zip(&by_name).zip(&plain) {
            assert_eq!(own.0, *plain, "{name}");
            assert_eq!((&own.0, own.1.format), (&named.0, named.1.format), "{name}");
            // What has no shape has no format, whatever the file is called.
            let is_shapeless = matches!(&own.0, Decoded::Rejected(found) if found.code == ErrorCode::UnsupportedFormat);
            assert_eq!(own.1.format, (!is_shapeless).then_some(format), "{name}: {:?}", own.0);
            n += 1;
        }
    }
    assert!(250 < n, "{n} outcomes");
}

/// What stands at a pointer; text that holds JSON is opened on the way.
fn lookup(record: &Value, pointer: &str) -> Option<Value> {
    let mut at = record.clone();
    for step in pointer.split('/').skip(1) {
        if let Some(inner) = at.as_str().and_then(|text| serde_json::from_str::<Value>(text).ok()) {
            at = inner;
        }
        let step = step.replace("~1", "/").replace("~0", "~");
        at = match &at {
            Value::Array(items) => items.get(step.parse::<usize>().ok()?)?.clone(),
            Value::Object(members) => {
                let caseless = || members.iter().find(|(key, _)| key.eq_ignore_ascii_case(&step));
                members.get(&step).or_else(|| caseless().map(|(_, value)| value))?.clone()
            }
            _ => return None,
        };
    }
    Some(at)
}

#[test]
fn each_pointer_leads_to_a_value_of_its_record() {
    let mut n = 0;
    for (name, bytes, _) in samples() {
        let Ok(text) = std::str::from_utf8(&bytes) else { continue };
        for (_, record) in file_records(text.as_bytes()) {
            let value: Value = serde_json::from_slice(record).unwrap();
            let file = LogFile::open(record.to_vec()).unwrap();
            for (decoded, about) in told(None, &file) {
                for origin in &about.made.origins {
                    let Some(pointer) = &origin.pointer else { continue };
                    // What a delivery packed in base64 has pointers below the packing.
                    let found = lookup(&value, pointer);
                    let found =
                        found.unwrap_or_else(|| panic!("{name}: {pointer} of {}", origin.field));
                    assert!(!found.is_null(), "{name}: {pointer}");
                    assert!(
                        !about.made.missing.contains(&origin.field),
                        "{name}: {}",
                        origin.field
                    );
                    n += 1;
                }
                // A pointer leads to the agent of whatever is read by a table.
                if let Decoded::Activity(activity) = &decoded
                    && !about.made.origins.is_empty()
                {
                    let has = about.made.origins.iter().any(|origin| origin.field == "agent.id");
                    assert!(has, "{name}: {activity:?}");
                }
            }
        }
    }
    assert!(2_000 < n, "{n} pointers");
}

#[test]
fn of_a_refused_record_all_that_there_is_is_told() {
    let mut kept = 0;
    for (name, bytes, format) in samples() {
        let file = LogFile::open(bytes).unwrap();
        for (decoded, about) in told(None, &file) {
            let Decoded::Rejected(rejection) = decoded else { continue };
            if rejection.code != ErrorCode::MissingAgentId {
                continue;
            }
            let partial = about.made.partial.unwrap_or_else(|| panic!("{name}: {rejection:?}"));
            assert!(about.made.missing.iter().any(|field| field == "agent.id"), "{name}");
            assert_eq!(
                partial.producer.unwrap().format.as_deref(),
                Some(format.as_str()),
                "{name}"
            );
            assert!(!partial.id.is_empty() && partial.agent.id.is_empty(), "{name}");
            kept += 1;
        }
    }
    assert!(60 < kept, "{kept} kept");
    // Each fault names itself; the first one counts.
    let record = json!({"eventVersion": "1", "eventSource": "s3.amazonaws.com", "eventName": "GetObject",
        "eventTime": "yesterday", "awsRegion": "x", "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::1:user/u"}});
    let file = LogFile::open(record.to_string().into_bytes()).unwrap();
    let all = told(None, &file);
    let [(Decoded::Rejected(rejection), about)] = all.as_slice() else { panic!("{all:?}") };
    assert_eq!((rejection.code, rejection.path.as_str()), (ErrorCode::InvalidField, "/eventTime"));
    let partial = about.made.partial.as_ref().unwrap();
    assert_eq!(partial.agent.id, "arn:aws:iam::1:user/u");
    assert_eq!(partial.action.operation.as_deref(), Some("s3:GetObject"));
    assert!(about.made.missing.contains(&"time".to_owned()), "{about:?}");
}

#[test]
fn a_file_is_read_in_every_layout_and_packing() {
    let record = |n: usize| {
        json!({"schema": "agent.activity/1", "id": format!("e{n}"), "time": "2026-11-23T20:51:31Z",
        "agent": {"id": "a"}, "action": {"type": "api_call"}, "more": {"text": "}{\n\"[\\"}})
    };
    let all: Vec<Value> = (0..3).map(record).collect();
    let lines = |all: &[Value]| all.iter().map(|one| format!("{one}\n")).collect::<String>();
    let pretty: String =
        all.iter().map(|one| serde_json::to_string_pretty(one).unwrap() + "\n").collect();
    let list = serde_json::to_string_pretty(&json!({"Records": all})).unwrap();
    for (name, text) in [
        ("lines", lines(&all)),
        ("lines without an end", lines(&all).trim_end().to_owned()),
        ("blank lines", format!("\n\n{}\n", lines(&all).replace('\n', "\n\n"))),
        ("a byte order mark", format!("\u{feff}{}", lines(&all))),
        ("one after the other", lines(&all).replace('\n', "")),
        ("over several lines", pretty.clone()),
        ("over several lines without a gap", pretty.replace("}\n{", "}{")),
        ("a list", serde_json::to_string(&all).unwrap()),
        ("a file of records", list),
    ] {
        for (packing, bytes) in [
            ("plain", text.clone().into_bytes()),
            ("gzip", gzip(text.as_bytes())),
            ("gzip in two", [gzip(&text.as_bytes()[..9]), gzip(&text.as_bytes()[9..])].concat()),
        ] {
            let file = LogFile::open(bytes).unwrap();
            let ids: Vec<String> = told(None, &file)
                .iter()
                .map(|(decoded, _)| match decoded {
                    Decoded::Activity(activity) => activity.id.to_string(),
                    other => panic!("{name} {packing}: {other:?}"),
                })
                .collect();
            assert_eq!(ids, ["e0", "e1", "e2"], "{name} {packing}");
            assert_eq!(file.layers().is_empty(), packing == "plain", "{name}");
        }
    }
}

#[test]
fn a_broken_line_costs_itself_and_keeps_its_number() {
    let good = r#"{"schema":"agent.activity/1","id":"e","time":"2026-11-23T20:51:31Z","agent":{"id":"a"},"action":{"type":"api_call"}}"#;
    for broken in ["{", "[", "no json", "{\"a\": \"", "}", "\u{1}"] {
        for (text, place) in [
            (format!("{broken}\n{good}\n{good}\n"), 0),
            (format!("{good}\n{broken}\n{good}\n"), 1),
            (format!("{good}\n{good}\n{broken}"), 2),
        ] {
            let records: Vec<(usize, &[u8])> = file_records(text.as_bytes()).collect();
            let numbers: Vec<usize> = records.iter().map(|(number, _)| *number).collect();
            assert_eq!(numbers, [0, 1, 2], "{text}");
            assert_eq!(records[place].1, broken.as_bytes(), "{text}");
        }
    }
}

#[test]
fn a_value_that_nothing_closes_costs_itself() {
    let good = |n: usize| {
        let record = json!({"id": n, "list": [{"deep": "}{\n"}, [1]]});
        serde_json::to_string_pretty(&record).unwrap() + "\n"
    };
    let broken =
        ["{\n  \"a\": [\n    1\n  \n}\n", "{\n  \"a\": {\n", "{\n  \"a\": \"open\n}\n", "[\n  {\n"];
    for broken in broken {
        for place in 0..4 {
            let mut all: Vec<String> = (0..3).map(good).collect();
            all.insert(place, broken.to_owned());
            let text = all.concat();
            let records: Vec<(usize, &[u8])> = file_records(text.as_bytes()).collect();
            let found: Vec<&[u8]> = records.iter().map(|(_, record)| record.trim_ascii()).collect();
            let wanted: Vec<&[u8]> = all.iter().map(|one| one.trim().as_bytes()).collect();
            assert_eq!(found, wanted, "{text}");
            let lines = all.iter().scan(0, |line, one| {
                let own = *line;
                *line += one.matches('\n').count();
                Some(own)
            });
            assert_eq!(
                records.iter().map(|(line, _)| *line).collect::<Vec<_>>(),
                lines.collect::<Vec<_>>()
            );
        }
    }
}

#[test]
fn a_file_of_nothing_but_open_brackets_ends_soon() {
    // Looking for the end of each to the end of the file would take a day.
    let text = format!("{{\n\"a\": 1\n}}\n{}", "{\n \"a\": [\n".repeat(200_000));
    assert_eq!(file_records(text.as_bytes()).count(), 200_001);
}

#[test]
fn envelopes_are_named_from_the_outside() {
    let event: Value =
        serde_json::from_str(include_str!("../fixtures/in.cloudtrail.json")).unwrap();
    let bridge =
        json!({"version": "0", "id": "d", "detail-type": "x", "source": "aws.s3", "detail": event});
    for (record, expected) in [
        (event.to_string(), vec![]),
        (json!({"Records": [event]}).to_string(), vec!["records"]),
        (
            json!([{"message": bridge.to_string(), "@version": "1"}]).to_string(),
            vec!["json_array", "logstash", "eventbridge"],
        ),
        (format!("{event}{event}"), vec!["concatenated"]),
        (
            json!({"specversion": "1.0", "source": "/s", "id": "i", "type": "t", "data": event})
                .to_string(),
            vec!["cloudevents"],
        ),
    ] {
        let file = LogFile::open(record.into_bytes()).unwrap();
        for (decoded, about) in told(None, &file) {
            assert!(matches!(decoded, Decoded::Activity(_)), "{decoded:?}");
            assert_eq!(about.envelopes, expected);
        }
        let identity = Identity::default();
        let packed = gzip(file.bytes());
        let beside = (&Limits::default(), &Carrier::default());
        for (_, about) in explain(&Way::of(None, &identity), &packed, beside, &mut Notes::default())
        {
            assert_eq!(about.envelopes[0], "gzip");
            assert_eq!(about.envelopes[1..], expected);
        }
    }
}

#[test]
fn a_packed_file_that_would_fill_the_memory_is_refused() {
    // A frame of so many bytes of one value: 42 kB for 1.4 GB.
    let mut bomb = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x50];
    (0..10_500).for_each(|_| bomb.extend([0x02, 0x00, 0x10, 0x00]));
    bomb.extend([0x03, 0x00, 0x10, 0x00]);
    for bytes in [bomb.clone(), gzip(&bomb), gzip(&vec![b' '; 40 << 20])] {
        let size = bytes.len();
        let refused = LogFile::open(bytes).unwrap_err();
        assert_eq!(refused.code, ErrorCode::TooLarge, "{size} bytes");
    }
    for broken in [&[0x1f, 0x8b, 1, 2][..], &[0x28, 0xb5, 0x2f, 0xfd]] {
        let code = LogFile::open(broken.to_vec()).unwrap_err().code;
        assert!([ErrorCode::InvalidField, ErrorCode::TooLarge].contains(&code));
    }
}
