//! Alerts against the OCSF 1.8.0 schema and against hostile texts.

use std::sync::LazyLock;

use alerting::ocsf::{DetectionFinding, IncidentFinding};
use alerting::{Mode, Respond, Response};
use proptest::option::of;
use proptest::prelude::*;
use schemas::Authority;
use schemas::finding::Facts;
use schemas::trust::Level;
use serde_json::Value;

use crate::findings::{HOUR_MS, Told, alerts, epoch, fold, verdict};

const SCHEMA: &str = include_str!("../../fixtures/ocsf-1.8.0.2004.detection_finding.schema.json");

static VALIDATOR: LazyLock<jsonschema::Validator> = LazyLock::new(|| {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap_or_default();
    jsonschema::validator_for(&schema).unwrap_or_else(|error| unreachable!("{error}"))
});

/// What the schema says against an alert.
pub(crate) fn complaints(alert: &DetectionFinding) -> Vec<String> {
    let value = serde_json::to_value(alert).unwrap_or_default();
    VALIDATOR
        .iter_errors(&value)
        .map(|error| format!("{error} at {}", error.instance_path()))
        .collect()
}

/// What the schema of incidents says against one.
pub(crate) fn complaints_of_incident(incident: &IncidentFinding) -> Vec<String> {
    static OF_INCIDENTS: LazyLock<jsonschema::Validator> = LazyLock::new(|| {
        let schema = include_str!("../../fixtures/ocsf-1.8.0.2005.incident_finding.schema.json");
        let schema: Value = serde_json::from_str(schema).unwrap_or_default();
        jsonschema::validator_for(&schema).unwrap_or_else(|error| unreachable!("{error}"))
    });
    let value = serde_json::to_value(incident).unwrap_or_default();
    let told = OF_INCIDENTS.iter_errors(&value);
    told.map(|error| format!("{error} at {}", error.instance_path())).collect()
}

/// Opens, updates and closes an alert; every record must validate and read back the same.
fn check_life(mode: Mode, told: &Told) -> Vec<DetectionFinding> {
    let mut respond: Respond = fold(mode);
    let mut responses: Vec<Response> = Vec::new();
    responses.extend(respond.apply(&verdict(0, told)));
    responses.extend(respond.apply(&verdict(1, told)));
    responses.extend(respond.apply(&epoch(2, told.at_ms + 13 * HOUR_MS)));
    let (of_response, records): (Vec<_>, Vec<_>) = alerts(&responses)
        .into_iter()
        .cloned()
        .partition(|alert| alert.unmapped.habitus.response.is_some());
    for notice in of_response {
        assert_eq!(complaints(&notice), Vec::<String>::new(), "{notice:#?}");
    }
    assert_eq!(records.iter().map(|a| a.activity_id).collect::<Vec<_>>(), [1, 2, 3]);
    for record in &records {
        assert_eq!(complaints(record), Vec::<String>::new(), "{record:#?}");
        let text = serde_json::to_string(record).unwrap_or_default();
        let again = serde_json::from_str::<DetectionFinding>(&text);
        assert_eq!(again.ok().as_ref(), Some(record), "{text}");
    }
    records
}

fn prose(alert: &DetectionFinding) -> Vec<&String> {
    let info = &alert.finding_info;
    let mut texts = vec![&alert.message, &info.title, &info.desc];
    texts.extend(&alert.risk_details);
    for contribution in &alert.unmapped.habitus.contributions {
        texts.extend([&contribution.observed, &contribution.expected, &contribution.normal]);
    }
    texts
}

#[test]
fn a_full_alert_validates() {
    let facts = Facts {
        agent_instance_id: Some("01KAVW2Z6T8Q4N3M5R7P9XAEBC".to_owned()),
        agent_issuer: Some("https://idp.acme.example".to_owned()),
        agent_name: Some("invoice-bot".to_owned()),
        agent_version: Some("1.4.2".to_owned()),
        blueprint: Some("invoice-agents".to_owned()),
        owner: Some("alice@acme.example".to_owned()),
        criticality: Some(schemas::inventory::Criticality::High),
        subject: Some("00u1b2c3d4".to_owned()),
        subject_name: Some("bob@acme.example".to_owned()),
        chain: vec!["00u1b2c3d4".to_owned(), "invoice-bot".to_owned()],
        purpose: Some("pay-invoice".to_owned()),
        delegation_id: Some("dlg-7c1e".to_owned()),
        credential_id: Some("jti-6d1f0b7a".to_owned()),
        session: Some("task-8f2b6c1e".to_owned()),
        action: "tool_call".to_owned(),
        operation: Some("http_post".to_owned()),
        tool_server: Some("https://mcp.gw.acme.example/mcp".to_owned()),
        resource: Some("https://files.paste-drop.example/u".to_owned()),
        classification: Some("restricted".to_owned()),
        destination: Some("files.paste-drop.example".to_owned()),
        destination_ip: Some("203.0.113.77".to_owned()),
        source: Some("10.20.30.40".to_owned()),
        bytes_out: Some(7_654_321),
        bytes_in: Some(5679),
        outcome: Some("success".to_owned()),
        trace_id: Some("4bf92f3577b34da6a3ce929d0e0e4736".to_owned()),
    };
    let told = Told {
        facts,
        level: Level::Untrusted,
        trust: (71.0, 18.0),
        return_period: 4100.0,
        ..Told::default()
    };
    let records = check_life(Mode::Shadow, &told);
    let alert = &records[0];
    assert_eq!((alert.severity.as_str(), alert.risk_score), ("High", 82));
    assert_eq!(alert.finding_info.analytic.state_id, Some(3));
    assert!(alert.unmapped.habitus.shadow);
    assert_eq!(alert.unmapped.habitus.owasp_agentic, ["ASI01", "ASI02"]);
    assert_eq!(
        alert.message,
        "Agent invoice-bot (delegated by bob@acme.example): first contact with \
         paste-drop.example; usual: a destination known to the actor or its peers."
    );
    assert_eq!(alert.finding_info.types, ["destination", "volume"]);
    // Every observable stands where it says.
    let value = serde_json::to_value(alert).unwrap();
    for observable in &alert.observables {
        let pointer = format!("/{}", observable.name.replace(['.', '['], "/").replace(']', ""));
        let found = value.pointer(&pointer).and_then(Value::as_str);
        assert_eq!(found, Some(observable.value.as_str()), "{pointer}");
    }
    assert_eq!(alert.observables.len(), 9);
    let active = check_life(Mode::Enforce, &told);
    assert_eq!(active[0].finding_info.analytic.state_id, Some(1));
    assert!(!active[0].unmapped.habitus.shadow);
}

#[test]
fn a_bare_alert_and_an_unknown_signal_validate() {
    check_life(Mode::Alert, &Told { facts: Facts::default(), ..Told::default() });
    let unknown = Told { signals: vec![("moon_phase".to_owned(), 7)], ..Told::default() };
    let records = check_life(Mode::Alert, &unknown);
    assert_eq!(records[0].finding_info.analytic.uid, "moon_phase");
    check_life(Mode::Alert, &Told { signals: Vec::new(), ..Told::default() });
}

#[test]
fn an_alert_of_another_version_is_read() {
    let text = include_str!("../../fixtures/alert.ocsf-1.8.0.json");
    let alert: DetectionFinding = serde_json::from_str(text).unwrap();
    assert_eq!(alert.unmapped.habitus.contributions.len(), 2);
    assert_eq!(complaints(&alert), Vec::<String>::new());
}

#[test]
fn hostile_texts_stay_data() {
    let hostile = "\u{1b}[2J\u{1b}]0;own\u{7}\"},{\"x\":\"<script>{}%s%n\r\n\u{202e}\u{0}\\";
    let told = Told {
        agent: format!("agent {hostile}"),
        text: hostile.repeat(40),
        facts: Facts {
            agent_name: Some(hostile.to_owned()),
            subject_name: Some(hostile.to_owned()),
            destination: Some(hostile.to_owned()),
            source: Some(hostile.to_owned()),
            ..Facts::default()
        },
        ..Told::default()
    };
    for record in check_life(Mode::Alert, &told) {
        for text in prose(&record) {
            assert!(!text.chars().any(char::is_control), "{text:?}");
            assert!(text.chars().count() < 3000, "{text:?}");
        }
        // Ids stay what they are: consumers join on them.
        assert_eq!(record.unmapped.habitus.agent_id, format!("agent {hostile}"));
        let json = serde_json::to_string(&record).unwrap();
        assert!(!json.chars().any(char::is_control));
    }
}

/// Texts that no limit of a wire format holds back, and the most bytes that they can become.
fn flood(text: &str) -> Told {
    let long = || Some(text.repeat(20_000));
    let facts = Facts {
        agent_instance_id: long(),
        agent_issuer: long(),
        agent_name: long(),
        agent_version: long(),
        blueprint: long(),
        owner: long(),
        criticality: None,
        subject: long(),
        subject_name: long(),
        chain: vec![text.repeat(20_000); 40],
        purpose: long(),
        delegation_id: long(),
        credential_id: long(),
        session: long(),
        action: text.repeat(20_000),
        operation: long(),
        tool_server: long(),
        resource: Some(format!("https://a.example/{}", text.repeat(20_000))),
        classification: long(),
        destination: long(),
        destination_ip: long(),
        source: long(),
        bytes_out: Some(u64::MAX),
        bytes_in: Some(u64::MAX),
        outcome: long(),
        trace_id: long(),
    };
    Told {
        agent: text.repeat(3_000),
        signals: (0..100).map(|n| (format!("{n}{}", text.repeat(1_000)), 1_000 - n)).collect(),
        keys: vec![text.repeat(1_000); 100],
        hard_indicator: long(),
        text: text.repeat(20_000),
        facts,
        ..Told::default()
    }
}

#[test]
fn an_alert_and_its_record_are_small_whatever_the_text() {
    for text in ["a", "\u{1}", "\"", "😀", "\\\u{202e}", "é."] {
        let told = flood(text);
        for record in check_life(Mode::Alert, &told) {
            let bytes = serde_json::to_vec(&record).unwrap_or_default().len();
            assert!(bytes < 900 << 10, "{text:?}: {bytes}");
            assert_eq!(record.metadata.is_truncated, Some(true));
        }
        let mut respond: Respond = fold(Mode::Alert);
        (0..34).for_each(|offset| drop(respond.apply(&verdict(offset, &told))));
        for (key, record) in respond.touched() {
            assert!(record.len() < 900 << 10, "{text:?}: {} of {}", record.len(), &key[..20]);
        }
    }
    // What the wire formats allow is told whole.
    let chain = vec!["spiffe://acme.example/agent/with-a-usual-name".to_owned(); 32];
    let (agent, text) = ("ä".repeat(2_048), "ä".repeat(256));
    let facts = Facts {
        chain: chain.clone(),
        resource: Some("r".repeat(2_048)),
        session: Some("s".repeat(256)),
        ..Facts::default()
    };
    let told = Told { agent: agent.clone(), text, facts: facts.clone(), ..Told::default() };
    let alert = &check_life(Mode::Alert, &told)[1];
    assert_eq!(alert.metadata.is_truncated, None);
    assert_eq!((&alert.unmapped.habitus.agent_id, &alert.unmapped.habitus.chain), (&agent, &chain));
    assert_eq!(
        alert.observables.iter().filter(|o| Some(&o.value) == facts.resource.as_ref()).count(),
        1
    );
}

#[test]
fn web_and_mail_addresses_are_named_as_such() {
    let check = |resource: &str, subject: &str, expected: (&str, &str)| {
        let facts = Facts {
            resource: Some(resource.to_owned()),
            subject: Some(subject.to_owned()),
            ..Facts::default()
        };
        let alert = &check_life(Mode::Alert, &Told { facts, ..Told::default() })[0];
        let url = alert.evidences[0].url.as_ref();
        let url = url.map_or_else(String::new, |url| {
            let read = |part: &Option<String>| part.clone().unwrap_or_default();
            format!("{} {} {}", read(&url.scheme), read(&url.hostname), read(&url.path))
        });
        let user = alert.actor.as_ref().and_then(|actor| actor.user.clone()).unwrap_or_default();
        let mail = user.email_addr.unwrap_or_default();
        assert_eq!((url.as_str(), mail.as_str()), expected, "{resource} {subject}");
    };
    let mail = "bob.b+x@acme-1.example";
    check("https://a.example/u/v?q#f", mail, ("https a.example /u/v", mail));
    check("HTTP://u:p@a.example:8443", "bob@localhost", ("http a.example ", ""));
    check("https:///u", "@acme.example", ("", ""));
    check("ftp://a.example/u", "bob@acme..example", ("", ""));
    check("https://a b/u", "b@c@acme.example", ("", ""));
    check("orders", "00u1b2c3d4", ("", ""));
}

#[test]
fn what_an_alert_says_of_its_worst_event_stays_that_events() {
    let mut respond = fold(Mode::Alert);
    let mut strong = verdict(0, &Told::default());
    strong.versions.control_offset = 7;
    strong.source.topic_id = "file:7".to_owned();
    let weak = Told { signals: vec![("destination".to_owned(), 5_000_000)], ..Told::default() };
    respond.apply(&strong);
    let responses = respond.apply(&verdict(1, &weak));
    let alert = alerts(&responses)[0];
    assert_eq!(alert.unmapped.habitus.versions, strong.versions);
    assert_eq!(alert.finding_info.data_sources, ["file:0", "file:7"]);
    let close = respond.apply(&epoch(2, 13 * HOUR_MS));
    assert_eq!(alerts(&close)[0].finding_info.data_sources, ["file:0", "file:7"]);
    let scores = |hours, learning: bool, extrapolated| {
        let mut finding = verdict(0, &Told::default());
        if let schemas::finding::Body::Verdict(verdict) = &mut finding.body {
            verdict.return_period_support =
                schemas::finding::Support { actor_hours: hours, extrapolated };
            verdict.baseline.state = if learning { "learning" } else { "ready" }.to_owned();
        }
        let responses = fold(Mode::Alert).apply(&finding);
        let alert = alerts(&responses)[0];
        (alert.confidence_id.unwrap_or_default(), alert.confidence_score.unwrap_or_default())
    };
    assert_eq!(scores(0.0, true, false), (1, 0));
    assert_eq!(scores(f64::INFINITY, true, true), (1, 32));
    assert_eq!(scores(1_000.0, false, true), (2, 50));
    assert_eq!(scores(0.0, false, false), (3, 67));
    assert_eq!(scores(f64::NAN, false, false), (3, 67));
    assert_eq!(scores(1e9, false, false), (3, 99));
}

prop_compose! {
    fn any_facts()(
        (agent_name, owner, subject, subject_name) in
            (of(".{0,20}"), of(".{0,20}"), of(".{0,20}"), of(".{0,20}")),
        (credential_id, session, action, operation) in
            (of(".{0,300}"), of(".{0,300}"), ".{0,10}", of(".{0,20}")),
        (tool_server, resource, trace_id) in (of(".{0,20}"), of(".{0,20}"), of("[0-9a-f]{32}")),
        destination in of(prop_oneof![".{0,20}", "[a-z.]{1,20}", "([0-9]{1,3}\\.){3}[0-9]{1,3}"]),
        destination_ip in of(prop_oneof![
            any::<std::net::Ipv4Addr>().prop_map(|ip| ip.to_string()),
            any::<std::net::Ipv6Addr>().prop_map(|ip| ip.to_string()),
            ".{0,10}",
        ]),
        source in of(prop_oneof![".{0,20}", "::ffff:10\\.1\\.2\\.[0-9]", "fe80::1"]),
        (chain, bytes_out, agent_instance_id) in
            (prop::collection::vec(".{0,10}", 0..40), of(any::<u64>()), of(".{0,10}")),
    ) -> Facts {
        Facts {
            agent_name, owner, subject, subject_name, credential_id, session, action, operation,
            tool_server, resource, trace_id, destination, destination_ip, source, chain, bytes_out,
            agent_instance_id, ..Facts::default()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_alert_validates(
        facts in any_facts(),
        (agent, text) in (".{1,30}", ".{0,300}"),
        (return_period, trust) in (1.0..1e12f64, any::<f64>()),
        at in 0usize..5,
    ) {
        let level = [
            Level::Untrusted, Level::Restricted, Level::Watch, Level::Unknown, Level::Trusted,
        ][at];
        let told = Told {
            agent, text, return_period, level, facts,
            trust: (trust, trust),
            authority: [Authority::Delegated, Authority::Autonomous, Authority::Unknown][at % 3],
            ..Told::default()
        };
        check_life(Mode::Alert, &told);
    }
}
