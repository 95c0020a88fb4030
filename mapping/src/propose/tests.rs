//! Proposals for records of several makes: they load, they fill what can be filled, and they hold no payload.

use record::limits::Limits;
use record::notes::Notes;
use record::outcome::Decoded;
use serde_json::{Value, json};

use super::*;
use crate::Mapping;
use crate::tests::toml::valid;

const COMPANY: &str = include_str!("../../../ingest/fixtures/company-json/soc2_audit_trail.ndjson");

fn proposed(records: &[String]) -> Proposal {
    let records: Vec<&[u8]> = records.iter().map(String::as_bytes).collect();
    propose("own", &records)
}

/// The mapping of a proposal: its text without the table that it stands in.
fn loaded(proposal: &Proposal) -> Mapping {
    valid(&proposal.text.replace("[mapping.own]\n", ""))
}

fn spec<'p>(proposal: &'p Proposal, field: &str) -> &'p str {
    let line = proposal.lines.iter().find(|line| line.field == field);
    line.map_or("", |line| line.spec.as_str())
}

/// How many records become activities.
fn mapped(mapping: &Mapping, records: &[String]) -> usize {
    let mut out = Vec::new();
    for record in records {
        mapping.decode(record.as_bytes(), &Limits::default(), &mut Notes::default(), &mut out);
    }
    out.iter().filter(|outcome| matches!(outcome, Decoded::Activity(_))).count()
}

#[test]
fn the_records_of_a_company_get_their_obvious_fields() {
    let mut records: Vec<String> = COMPANY.lines().map(str::to_owned).collect();
    let checkpoint =
        json!({"event_type": "CHECKPOINT", "timestamp": "2026-03-01T11:00:00", "root": "ab"});
    records.push(checkpoint.to_string());
    let proposal = proposed(&records);
    assert_eq!(proposal.missing, [] as [&str; 0]);
    for (field, expected) in [
        ("when", "'/event_type != \"CHECKPOINT\"'"),
        ("time", "{ from = \"/timestamp\", as = \"time\", zone = \"UTC\" }"),
        ("agent.id", "\"/agent_id\""),
        ("agent.blueprint", "\"/role\""),
        ("action.operation", "[\"/tool\", \"/event_type\"]"),
        ("action.tool.name", "\"/tool\""),
        ("action.type", "{ const = \"tool_call\" }"),
        ("destination.address", "\"/recipient\""),
        ("attributes.amount", "\"/amount\""),
        (
            "outcome.result",
            "{ from = \"/decision\", map = { allowed = \"success\", approved = \"success\", blocked = \"denied\" }, else = \"unknown\" }",
        ),
        (
            "outcome.decision",
            "{ from = \"/decision\", map = { allowed = \"allow\", approved = \"allow\", blocked = \"deny\", pending_approval = \"ask\" } }",
        ),
    ] {
        assert_eq!(spec(&proposal, field), expected, "{field}\n{}", proposal.text);
    }
    assert_eq!(mapped(&loaded(&proposal), &records), 9);
    assert!(
        !proposal.text.contains("Vendor") && !proposal.text.contains("Sanctioned"),
        "{}",
        proposal.text
    );
    assert!(proposal.lines.iter().all(|line| !line.reason.is_empty()));
}

#[test]
fn other_makes_are_proposed_too() {
    let record = |n: i64| {
        json!({
            "meta": {"eventId": format!("e-{n}"), "createdAt": 1_795_467_091 + n},
            "agent": {"id": format!("bot-{}", n % 2), "version": "1.2"},
            "request": {"url": format!("https://h{n}.example/x?token=s3cret"), "method": "POST", "headers": {"authorization": "Bearer s3cret"}},
            "client_ip": "10.1.2.3", "status": if n == 3 { "error" } else { "ok" },
            "prompt": "s3cret", "usage": {"input_tokens": 10, "output_tokens": 20}, "token": "s3cret"
        })
        .to_string()
    };
    let records: Vec<String> = (0..5).map(record).collect();
    let proposal = proposed(&records);
    for (field, expected) in [
        ("id", "\"/meta/eventId\""),
        ("time", "{ from = \"/meta/createdAt\", as = \"time\", zone = \"UTC\" }"),
        ("agent.id", "\"/agent/id\""),
        ("agent.version", "\"/agent/version\""),
        ("destination.url", "\"/request/url\""),
        ("destination.host", "{ from = \"/request/url\", as = \"host\" }"),
        ("source.ip", "\"/client_ip\""),
        ("usage.tokens_in", "\"/usage/input_tokens\""),
        (
            "outcome.result",
            "{ from = \"/status\", map = { error = \"failure\", ok = \"success\" }, else = \"unknown\" }",
        ),
    ] {
        assert_eq!(spec(&proposal, field), expected, "{field}\n{}", proposal.text);
    }
    assert_eq!(mapped(&loaded(&proposal), &records), 5);
    assert!(!proposal.text.contains("s3cret"));
    for secret in ["/prompt", "/token", "/request/headers/authorization"] {
        assert!(
            proposal.text.contains(&format!("# not mapped: \"{secret}\"  # content")),
            "{}",
            proposal.text
        );
    }
}

#[test]
fn a_list_of_calls_splits_the_record() {
    let calls: Vec<Value> = (0..3)
        .map(|n| json!({"tool_name": "t", "ts": format!("2026-11-23T20:51:3{n}Z")}))
        .collect();
    let records = [json!({"bot_id": "b", "calls": calls}).to_string()];
    let proposal = proposed(&records);
    assert_eq!(spec(&proposal, "each"), "\"/calls\"");
    assert_eq!(spec(&proposal, "action.tool.name"), "\"/calls/*/tool_name\"");
    assert_eq!(mapped(&loaded(&proposal), &records), 3);
}

#[test]
fn what_nothing_looks_like_is_said() {
    let proposal = proposed(&[json!({"x": 1}).to_string(), "no json".to_owned(), "[]".to_owned()]);
    assert_eq!(proposal.missing, ["time", "agent.id"]);
    assert!(proposal.text.contains("from 1 records") && proposal.text.contains("# time = "));
    assert_eq!(proposed(&[]).missing, ["time", "agent.id"]);
    let odd = json!({"a\"]\n[x]": "v", "agent_id": "a\n", "url\u{7f}\"'": "v", "b\"'": {"tool\\": "v"}, "decision": "allowed", "time": "2026-11-23T20:51:31Z"});
    loaded(&proposed(&[odd.to_string()]));
}
