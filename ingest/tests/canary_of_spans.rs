//! A canary in each text of the samples of OpenTelemetry and Langfuse, one at a time: it comes out only where a
//! list allows it, and never in a counter or a rejection.
#![expect(clippy::unwrap_used, reason = "a test fails by its panic")]

use std::collections::BTreeSet;

use ingest::{Decoded, Limits, Notes, decode};
use serde_json::Value;

const CANARY: &str = "canary-4711";
const OTLP: [&str; 2] =
    [include_str!("../fixtures/in.otlp-span.json"), include_str!("../fixtures/in.otlp-log.json")];
const LANGFUSE: [&str; 3] = [
    include_str!("../fixtures/langfuse/google-adk-2025-08-28.json"),
    include_str!("../fixtures/langfuse/microsoft-agent-2025-10-14.json"),
    include_str!("../fixtures/langfuse/openai-agents-2025-09-30.json"),
];

/// The texts of a value by pointer.
fn texts(at: &str, value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => members.iter().for_each(|(key, value)| {
            texts(&format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")), value, found);
        }),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(n, item)| texts(&format!("{at}/{n}"), item, found));
        }
        Value::String(_) => found.push(at.to_owned()),
        _ => {}
    }
}

/// What a place is called: its last step, or the attribute whose value it is.
fn called(record: &Value, pointer: &str) -> String {
    let name = pointer
        .strip_suffix("/value/stringValue")
        .and_then(|attribute| record.pointer(&format!("{attribute}/key")).and_then(Value::as_str));
    let last = || pointer.rsplit('/').find(|step| step.parse::<u8>().is_err());
    name.or_else(last).unwrap_or_default().to_owned()
}

/// The names of the places whose text comes out, and how many were tried.
fn leaks(samples: &[&str]) -> (BTreeSet<String>, usize) {
    let (mut leaks, mut tried) = (BTreeSet::new(), 0);
    for sample in samples {
        let record: Value = serde_json::from_str(sample).unwrap();
        let mut places = Vec::new();
        texts("", &record, &mut places);
        for place in &places {
            let mut planted = record.clone();
            *planted.pointer_mut(place).unwrap() = Value::String(CANARY.to_owned());
            let (text, mut notes, mut out) = (planted.to_string(), Notes::default(), Vec::new());
            decode(text.as_bytes(), &Limits::default(), &mut notes, &mut out);
            tried += 1;
            assert!(!format!("{notes:?}").contains(CANARY), "{place}");
            for outcome in &out {
                match outcome {
                    Decoded::Activity(activity) => {
                        if serde_json::to_string(activity).unwrap().contains(CANARY) {
                            leaks.insert(called(&record, place));
                        }
                    }
                    outcome => assert!(!format!("{outcome:?}").contains(CANARY), "{place}"),
                }
            }
        }
    }
    (leaks, tried)
}

fn check(samples: &[&str], tried_min: usize, allowed: &[&str]) {
    let (leaks, tried) = leaks(samples);
    let leaks: Vec<&str> = leaks.iter().map(String::as_str).collect();
    assert_eq!(leaks, allowed);
    assert!(tried_min <= tried, "{tried}");
}

#[test]
fn spans_let_out_what_the_list_allows() {
    let allowed = [
        "gen_ai.agent.id",
        "gen_ai.conversation.id",
        "gen_ai.tool.call.id",
        "gen_ai.tool.name",
        "name",
        "server.address",
        "service.instance.id",
        "user.id",
        "version",
    ];
    check(&OTLP, 50, &allowed);
}

#[test]
fn exported_traces_let_out_what_the_list_allows() {
    let allowed = [
        "gen_ai.agent.id",
        "gen_ai.agent.name",
        "gen_ai.conversation.id",
        "gen_ai.provider.name",
        "gen_ai.request.model",
        "gen_ai.system",
        "gen_ai.tool.call.id",
        "gen_ai.tool.name",
        "gen_ai.tool.type",
        "llm.model_name",
        "llm.system",
        "name",
        "sessionId",
        "tool.name",
        "userId",
        "version",
    ];
    check(&LANGFUSE, 300, &allowed);
}
