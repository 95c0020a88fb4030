//! What reading costs on one core: records and megabytes a second of each format, told by shape and by name, and a
//! mapping beside the native decoder on the same fields. The figure of a format is the best of several passes; what to
//! compare within one run are the ratios.
#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use ingest::{Carrier, Decoded, Format, Limits, Notes};
use mapping::Reading;

/// Passes of which the best counts.
const PASSES: usize = 7;
/// Least time of a pass.
const PASS: Duration = Duration::from_millis(200);

/// What is read: a name, its records, its format.
struct Case {
    name: &'static str,
    records: Vec<Vec<u8>>,
    format: Format,
}

/// What reading them came to.
struct Speed {
    records: f64,
    bytes: f64,
    activities: f64,
}

fn fixture(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../ingest/fixtures").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn lines(name: &str) -> Vec<Vec<u8>> {
    let bytes = fixture(name);
    bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(<[u8]>::to_vec).collect()
}

/// The sample on one line, as a log holds it.
fn compact(name: &str) -> Vec<u8> {
    let value: serde_json::Value = serde_json::from_slice(&fixture(name)).expect("JSON");
    value.to_string().into_bytes()
}

fn cases() -> Vec<Case> {
    let of = |name, format, records| Case { name, records, format };
    let ocsf = ["3002", "4001", "4002", "6003", "6005", "6006"];
    let ocsf = ocsf.map(|class| compact(&format!("ocsf/in.ocsf-{class}.json")));
    vec![
        of("native", Format::Native, vec![compact("event.native.json")]),
        of("native, minimal", Format::Native, vec![compact("event.native.minimal.json")]),
        of("cloudtrail", Format::Cloudtrail, lines("cloudtrail/record.ndjson")),
        of("k8s_audit", Format::K8sAudit, lines("k8s-audit/event.ndjson")),
        of("ocsf", Format::Ocsf, ocsf.to_vec()),
        of("zeek", Format::Zeek, lines("zeek/conn.underscore.ndjson")),
        of("okta", Format::Okta, lines("okta/event.ndjson")),
        of("entra", Format::Entra, lines("entra/diagnostic.ndjson")),
        of("gcp_audit", Format::GcpAudit, lines("gcp-audit/event.ndjson")),
        of("azure_activity", Format::AzureActivity, lines("azure-activity/event.ndjson")),
        of("github_audit", Format::GithubAudit, lines("github-audit/event.ndjson")),
        of("teleport", Format::Teleport, lines("teleport/event.ndjson")),
        of("openai_audit", Format::OpenaiAudit, lines("openai-audit/event.ndjson")),
        of("claude_compliance", Format::ClaudeCompliance, lines("claude-compliance/event.ndjson")),
        of(
            "bedrock_invocation",
            Format::BedrockInvocation,
            lines("bedrock-invocation/event.ndjson"),
        ),
        of("langfuse", Format::Langfuse, vec![compact("langfuse/openai-agents-2025-09-30.json")]),
        of("otlp, json", Format::Otlp, vec![compact("in.otlp-span.json")]),
        of("otlp, protobuf", Format::Otlp, vec![fixture("otlp/in.otlp-span.pb")]),
    ]
}

/// One pass over the records, as often as fills the time; gives it, and how many were read.
#[expect(clippy::disallowed_methods, reason = "a bench measures")]
fn pass(records: &[Vec<u8>], reading: &Reading) -> (f64, u64, u64) {
    let (limits, carrier) = (Limits::default(), Carrier::default());
    let mut out: Vec<Decoded<'_>> = Vec::new();
    let (mut n_records, mut n_activities) = (0, 0);
    let begun = Instant::now();
    while begun.elapsed() < PASS {
        for _ in 0..32 {
            for record in records {
                reading.decode(record, (&limits, &carrier), &mut Notes::default(), &mut out);
                n_records += 1;
                n_activities += out.len() as u64;
                out.clear();
            }
        }
    }
    (begun.elapsed().as_secs_f64(), n_records, n_activities)
}

/// The best of several passes of each reading, in turns: what disturbs one disturbs all.
fn speeds(records: &[Vec<u8>], readings: &[&Reading]) -> Vec<Speed> {
    let bytes_each = records.iter().map(Vec::len).sum::<usize>() as f64 / records.len() as f64;
    let mut best: Vec<Option<Speed>> = readings.iter().map(|_| None).collect();
    for _ in 0..PASSES {
        for (best, reading) in best.iter_mut().zip(readings) {
            let (seconds, n_records, n_activities) = pass(records, reading);
            let records = n_records as f64 / seconds;
            if best.as_ref().is_none_or(|best| best.records < records) {
                let activities = n_activities as f64 / seconds;
                *best = Some(Speed { records, bytes: records * bytes_each, activities });
            }
        }
    }
    best.into_iter().flatten().collect()
}

/// The fields of a native record, and a mapping that reads them from a record without a schema.
fn mapping_case() -> (Vec<u8>, Vec<u8>, Reading) {
    let fields = r#""id":"e-1","time":"2026-11-23T20:51:31.412Z","agent":{"id":"invoice-bot","version":"1.4"},"action":{"type":"tool_call","operation":"http_post"},"resource":{"id":"s3://b/k"},"destination":{"host":"files.example","port":443},"usage":{"bytes_out":4096},"outcome":{"result":"success"}"#;
    let text = r#"
        [mapping.own]
        id = "/id"
        time = "/time"
        agent.id = "/agent/id"
        agent.version = "/agent/version"
        action.type = "/action/type"
        action.operation = "/action/operation"
        resource.id = "/resource/id"
        destination.host = "/destination/host"
        destination.port = "/destination/port"
        usage.bytes_out = "/usage/bytes_out"
        outcome.result = "/outcome/result"
    "#;
    let (config, problems) = config::parse(text);
    let config = config.unwrap_or_else(|| panic!("{problems:?}"));
    let native = format!(r#"{{"schema":"agent.activity/1",{fields}}}"#);
    (native.into_bytes(), format!("{{{fields}}}").into_bytes(), config.reading(None, Some("own")))
}

/// Whether a case was asked for: `cargo bench -p benches --bench inputs -- zeek ocsf`, all where none is named.
fn is_asked(name: &str) -> bool {
    let mut asked = std::env::args().skip(1).filter(|word| !word.starts_with('-')).peekable();
    asked.peek().is_none() || asked.any(|word| name.contains(&word))
}

fn main() {
    println!("| format | records/s | MB/s | activities/s | by shape / by name |");
    println!("|---|---|---|---|---|");
    for case in cases().into_iter().filter(|case| is_asked(case.name)) {
        let (shape, name) = (Reading::default(), Reading::new(Some(case.format), None));
        let found = speeds(&case.records, &[&shape, &name]);
        let [shape, name] = found.as_slice() else { continue };
        println!(
            "| {} | {:.0} k | {:.0} | {:.0} k | {:.3} |",
            case.name,
            name.records / 1e3,
            name.bytes / 1e6,
            name.activities / 1e3,
            name.records / shape.records,
        );
    }
    if !is_asked("the same fields") {
        return;
    }
    let (native, own, mapping) = mapping_case();
    let by_native = speeds(&[native], &[&Reading::new(Some(Format::Native), None)]);
    let by_mapping = speeds(&[own], &[&mapping]);
    for (name, speed) in
        [("the same fields, native", &by_native), ("the same fields, by a mapping", &by_mapping)]
    {
        for speed in speed {
            println!(
                "| {name} | {:.0} k | {:.0} | {:.0} k | |",
                speed.records / 1e3,
                speed.bytes / 1e6,
                speed.activities / 1e3
            );
        }
    }
    let ratio = by_mapping.iter().zip(&by_native).map(|(own, native)| own.records / native.records);
    println!("\nmapping / native on the same fields: {:.2}", ratio.sum::<f64>());
}
