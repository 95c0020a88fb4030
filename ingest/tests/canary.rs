//! No text of a record leaves the decoder but through the fields that are meant for it. A canary is planted in
//! each string of each sample in turn; it may come out in those fields only, never in a counter or a rejection.
#![expect(clippy::unwrap_used, reason = "a test fails by its panic")]

use std::path::{Path, PathBuf};

use ingest::{Carrier, Decoded, Identity, Limits, Notes, Reader, Way, explain};
use schemas::time::EventTime;
use serde_json::{Value, json};

const CANARY: &str = "Canary7f3a9c";

/// Fields of an activity that carry text of the record.
const ALLOWED: [&str; 15] = [
    "/id",
    "/tenant_id",
    "/agent",
    "/delegation",
    "/credential",
    "/session",
    "/action/operation",
    "/action/tool",
    "/resource",
    "/destination",
    "/source",
    "/outcome/code",
    "/producer",
    "/attributes/app_id",
    "/attributes/oauth_client_id",
];

/// Members whose content is never let out, by the format's folder; below them nothing is allowed but ..
const WITHHELD: [&str; 33] = [
    "/responseElements/",
    "/errorMessage",
    "/requestObject/",
    "/responseObject/",
    "/protoPayload/request/",
    "/protoPayload/response/",
    "/protoPayload/serviceData/",
    "/protoPayload/metadata/",
    "/protoPayload/status/",
    "/debugContext/",
    "/oldValue",
    "/newValue",
    "/argv/",
    "/input/",
    "/output/",
    "/query_info/",
    "/updates/",
    "/audience/",
    "/additionalDetails/",
    "/requestParameters/",
    "/displayMessage",
    "/failureReason",
    "/resultReason",
    "/initial_command/",
    "/error",
    "/ruleset_rules/",
    "/ruleset_conditions/",
    "/data/team",
    "/responseStatus/",
    "/annotations/",
    "/error_message",
    "/additionalEventData/",
    "/client_header_names/",
];

/// .. the parameter that names the resource, and words that become words of ours.
const NAMES_RESOURCE: &str = "/resource/id";

fn files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|end| end == "json" || end == "ndjson") {
            found.push(path);
        }
    }
}

fn samples() -> Vec<(String, Value)> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut found = Vec::new();
    files(&root, &mut found);
    found.sort();
    let mut samples = Vec::new();
    for path in found {
        let name = path.strip_prefix(&root).unwrap().display().to_string();
        if name.contains("native") || name.contains("otlp") || name.contains("schema") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let records: Vec<Value> =
            serde_json::Deserializer::from_str(&text).into_iter().map(Result::unwrap).collect();
        // Of many alike a few do.
        samples.extend(records.into_iter().step_by(3).map(|record| (name.clone(), record)));
    }
    samples
}

/// Pointers of all strings; JSON within a string is opened, and marked by `!`.
fn strings(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::String(text) => {
            found.push(at.to_owned());
            if let Ok(inner @ Value::Object(_)) = serde_json::from_str::<Value>(text) {
                strings(&inner, &format!("{at}!"), found);
            }
        }
        Value::Array(items) => items
            .iter()
            .enumerate()
            .for_each(|(n, item)| strings(item, &format!("{at}/{n}"), found)),
        Value::Object(members) => {
            for (key, item) in members {
                strings(
                    item,
                    &format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")),
                    found,
                );
            }
        }
        _ => {}
    }
}

fn planted(record: &Value, at: &str) -> Value {
    let mut record = record.clone();
    match at.split_once('!') {
        Some((outer, inner)) => {
            let place = record.pointer_mut(outer).unwrap();
            let text: Value = serde_json::from_str(place.as_str().unwrap()).unwrap();
            *place = json!(planted(&text, inner).to_string());
        }
        None => {
            let place = record.pointer_mut(at).unwrap();
            *place = json!(format!("{}{CANARY}", place.as_str().unwrap()));
        }
    }
    record
}

/// Pointers of the strings that hold the canary.
fn singing(activity: &Value) -> Vec<String> {
    let mut all = Vec::new();
    strings(activity, "", &mut all);
    all.retain(|at| {
        !at.contains('!')
            && activity
                .pointer(at)
                .unwrap()
                .as_str()
                .unwrap()
                .to_lowercase()
                .contains(&CANARY.to_lowercase())
    });
    all
}

/// Whether a pointer ends in a member, lies below it, or in the text it holds.
fn is_below(at: &str, member: &str) -> bool {
    match member.ends_with('/') {
        true => at.contains(member),
        false => at.ends_with(member) || at.contains(&format!("{member}!")),
    }
}

#[test]
fn no_text_leaves_but_through_its_field() {
    let addresses = ["10.0.1.4", "10.0.1.6", "10.20.30.40"];
    let by_address =
        addresses.iter().map(|ip| (ip.parse().unwrap(), vec!["agent".into()])).collect();
    let identity = Identity { by_address, by_endpoint: false };
    let time = EventTime::parse("2026-01-01T00:00:00Z").ok();
    let (mut n_planted, mut n_allowed) = (0, 0);
    for (name, record) in samples() {
        let mut places = Vec::new();
        strings(&record, "", &mut places);
        for at in places {
            n_planted += 1;
            let text = planted(&record, &at).to_string();
            let (mut notes, mut out) = (Notes::default(), Vec::new());
            let carrier = Carrier { headers: &[], time };
            Reader::new(None, identity.clone(), Limits::default()).decode(
                text.as_bytes(),
                &carrier,
                &mut notes,
                &mut out,
            );
            assert!(!format!("{notes:?}").contains(CANARY), "{name} {at}: {notes:?}");
            // What is told beside holds no text either, but for what there is of an activity.
            let nobody = Identity::default();
            let beside = (&Limits::default(), &Carrier::default());
            let told = explain(&Way::of(None, &nobody), text.as_bytes(), beside, &mut notes);
            let mut activities = Vec::new();
            for (decoded, mut about) in told {
                activities.extend(about.made.partial.take().map(|partial| *partial));
                assert!(!format!("{about:?}").contains(CANARY), "{name} {at}: {about:?}");
                out.push(decoded);
            }
            for outcome in out {
                match outcome {
                    Decoded::Activity(activity) => activities.push(*activity),
                    _ => {
                        assert!(!format!("{outcome:?}").contains(CANARY), "{name} {at}");
                    }
                }
            }
            for activity in &activities {
                for field in singing(&serde_json::to_value(activity).unwrap()) {
                    n_allowed += 1;
                    let is_allowed = ALLOWED.iter().any(|allowed| field.starts_with(allowed));
                    assert!(is_allowed, "{name} {at} came out in {field}");
                    let is_withheld = WITHHELD.iter().any(|withheld| is_below(&at, withheld));
                    let is_name = at.contains("/requestParameters/") && field == NAMES_RESOURCE;
                    // Of details, only the user agent has a field.
                    let is_agent =
                        at.contains("/additionalDetails/") && field == "/source/user_agent";
                    assert!(!is_withheld || is_name || is_agent, "{name} {at} came out in {field}");
                }
            }
        }
    }
    assert!(2_000 < n_planted && 500 < n_allowed, "{n_planted} planted, {n_allowed} seen");
}
