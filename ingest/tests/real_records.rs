//! Real records of every format against a table that was derived by hand from the rules of the formats. The
//! format is told the same by shape and by name, and how many records are covered is printed.
#![expect(clippy::unwrap_used, reason = "a test fails by its panic")]

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

use ingest::{Carrier, Decoded, Format, Identity, Limits, Notes, Reader};
use schemas::activity::{Activity, Endpoint};
use schemas::time::EventTime;

fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// The addresses of the samples, each with an agent behind it.
fn identity() -> Identity {
    let addresses = ["10.0.1.4", "10.0.1.6", "10.20.30.40"];
    let agent = |address: &&str| {
        (address.parse().unwrap(), vec![format!("agent {address}").as_str().into()])
    };
    Identity { by_address: addresses.iter().map(agent).collect(), by_endpoint: false }
}

/// The time of a record on its log.
fn record_time() -> EventTime {
    EventTime::parse("2026-11-25T00:00:00Z").unwrap()
}

/// Records of a file: its lines, or the whole.
fn records(name: &str) -> Vec<Vec<u8>> {
    let bytes = std::fs::read(fixtures().join(name)).unwrap();
    match name.ends_with(".ndjson") {
        true => bytes
            .split(|byte| *byte == b'\n')
            .filter(|l| !l.is_empty())
            .map(<[u8]>::to_vec)
            .collect(),
        false => vec![bytes],
    }
}

fn decoded(reader: &mut Reader, bytes: &[u8]) -> Vec<Decoded<'static>> {
    let carrier = Carrier { headers: &[], time: Some(record_time()) };
    let mut out = Vec::new();
    reader.decode(bytes, &carrier, &mut Notes::default(), &mut out);
    out.into_iter().map(Decoded::into_owned).collect()
}

fn place(endpoint: Option<&Endpoint<'_>>) -> String {
    let Some(endpoint) = endpoint else { return String::new() };
    match (&endpoint.host, endpoint.ip) {
        (Some(host), None) => format!("host {host}"),
        (_, Some(ip)) => format!("ip {ip}"),
        _ => String::new(),
    }
}

/// An activity as the columns of the table.
fn columns(activity: &Activity<'_>) -> Vec<String> {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let kind = ingest::principal_type(activity).map_or("", |kind| kind.as_str()).to_owned();
    let destination = activity.destination.as_ref();
    let host = destination.and_then(|end| end.host.as_deref());
    let host = host.map_or_else(|| place(destination), str::to_owned);
    let time_ms = match activity.time == record_time() {
        true => "record".to_owned(),
        false => activity.time.millis().to_string(),
    };
    let (id, rest) = activity.id.split_once(':').unwrap_or((&activity.id, ""));
    let format = text(activity.producer.as_ref().and_then(|p| p.format.as_deref()));
    let id = match id {
        "sha256" => "hash".to_owned(),
        id if format == "gcp_audit" && rest.len() == 16 => format!("{id}:*"),
        _ => activity.id.to_string(),
    };
    let subject = activity.delegation.as_ref().and_then(|d| d.subject.as_ref());
    vec![
        format,
        activity.agent.id.to_string(),
        kind,
        text(activity.agent.instance_id.as_deref()),
        text(subject.map(|subject| subject.id.as_ref())),
        text(activity.credential.as_ref().and_then(|c| c.id.as_deref())),
        text(activity.session.as_ref().and_then(|s| s.id.as_deref())),
        activity.action.kind.as_str().to_owned(),
        text(activity.action.operation.as_deref()),
        text(activity.resource.as_ref().and_then(|r| r.id.as_deref())),
        host,
        place(activity.source.as_ref()),
        activity.outcome.as_ref().map_or_else(String::new, |o| o.result.as_str().to_owned()),
        time_ms,
        id,
    ]
}

fn shown(outcome: &Decoded<'_>) -> Vec<String> {
    match outcome {
        Decoded::Activity(activity) => columns(activity),
        Decoded::Skipped(skip) => vec!["-".to_owned(), skip.rule.to_owned()],
        Decoded::Rejected(found) => {
            let said = format!("{} {}", found.code.as_str(), found.path);
            vec!["!".to_owned(), said.trim_end().to_owned()]
        }
    }
}

type Expected = BTreeMap<String, BTreeMap<usize, Vec<Vec<String>>>>;

fn expected() -> Expected {
    let table = std::fs::read_to_string(fixtures().join("expected.tsv")).unwrap();
    let mut files = Expected::new();
    for line in table.lines().skip(1) {
        let cells: Vec<String> = line.split('\t').map(str::to_owned).collect();
        let line = cells[1].parse().unwrap();
        files
            .entry(cells[0].clone())
            .or_default()
            .entry(line)
            .or_default()
            .push(cells[3..].to_vec());
    }
    files
}

#[test]
fn every_record_becomes_what_the_rules_say() {
    let mut wrong = Vec::new();
    let mut coverage: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for (file, lines) in expected() {
        let mut reader = Reader::new(None, identity(), Limits::default());
        let records = records(&file);
        assert_eq!(records.len(), lines.len(), "{file}: each record has its lines in the table");
        for (number, record) in records.iter().enumerate() {
            let outcomes = decoded(&mut reader, record);
            let found: Vec<_> = outcomes.iter().map(shown).collect();
            if found != lines[&number] {
                wrong.push(format!(
                    "{file}:{number}\n  found {found:?}\n  rules {:?}",
                    lines[&number]
                ));
            }
            let format = reader.last().map_or("none", Format::as_str);
            let count = coverage.entry(format.to_owned()).or_default();
            count.0 += outcomes.len();
            count.1 += outcomes.iter().filter(|o| matches!(o, Decoded::Activity(_))).count();
        }
    }
    // Past the capture of the harness: how much is covered is worth a look in each run.
    let mut stdout = std::io::stdout();
    for (format, (seen, mapped)) in &coverage {
        writeln!(stdout, "coverage {format}: {seen} real records, {mapped} activities").unwrap();
    }
    assert!(wrong.is_empty(), "{} differ\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_shape_tells_the_format_that_the_name_tells() {
    let names = [
        ("azure-activity/", Format::AzureActivity),
        ("bedrock-invocation/", Format::BedrockInvocation),
        ("claude-compliance/", Format::ClaudeCompliance),
        ("cloudtrail/", Format::Cloudtrail),
        ("entra/", Format::Entra),
        ("gcp-audit/", Format::GcpAudit),
        ("github-audit/", Format::GithubAudit),
        ("in.cloudtrail", Format::Cloudtrail),
        ("in.k8s", Format::K8sAudit),
        ("in.okta", Format::Okta),
        ("in.zeek", Format::Zeek),
        ("k8s-audit/gke", Format::GcpAudit),
        ("k8s-audit/", Format::K8sAudit),
        ("ocsf/", Format::Ocsf),
        ("okta/", Format::Okta),
        ("openai-audit/", Format::OpenaiAudit),
        ("teleport/", Format::Teleport),
        ("zeek/", Format::Zeek),
    ];
    for file in expected().keys() {
        let (_, format) = names.iter().find(|(prefix, _)| file.starts_with(prefix)).unwrap();
        for record in records(file) {
            let mut by_shape = Reader::new(None, identity(), Limits::default());
            let mut by_name = Reader::new(Some(*format), identity(), Limits::default());
            let outcomes = decoded(&mut by_shape, &record);
            assert_eq!(outcomes, decoded(&mut by_name, &record), "{file}");
            if by_shape.last().is_some() {
                assert_eq!(by_shape.last(), Some(*format), "{file}");
            }
        }
    }
}

#[test]
fn formats_do_not_look_alike() {
    // What one format recognises, no other may be named for.
    for file in expected().keys() {
        for record in records(file) {
            let mut reader = Reader::new(None, identity(), Limits::default());
            decoded(&mut reader, &record);
            let Some(told) = reader.last() else { continue };
            for format in Format::ALL {
                if format == told || [Format::Native, Format::Otlp].contains(&format) {
                    continue;
                }
                let mut other = Reader::new(Some(format), identity(), Limits::default());
                let outcomes = decoded(&mut other, &record);
                let is_refused = |outcome: &Decoded<'_>| match outcome {
                    Decoded::Rejected(found) => found.code.as_str() == "unsupported_format",
                    _ => false,
                };
                assert!(
                    outcomes.iter().all(is_refused),
                    "{file}: {told:?} as {format:?}: {outcomes:?}"
                );
            }
        }
    }
}

#[test]
fn a_change_of_format_is_counted() {
    let mut reader = Reader::default();
    let mut notes = Notes::default();
    for name in ["in.okta.json", "in.okta.json", "in.k8s-audit.json", "in.okta.json"] {
        reader.decode(&records(name)[0], &Carrier::default(), &mut notes, &mut Vec::new());
    }
    assert_eq!((notes.format_changes, reader.last()), (2, Some(Format::Okta)));
}
