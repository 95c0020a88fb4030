//! What leaves in which mode, under which key and headers; and what cannot be read of what comes in.

use alerting::{EntryError, Mode, Outgoing, Respond, Settings, TopicKind, outgoing, read};
use proptest::prelude::*;
use schemas::finding::{Finding, Increment};
use schemas::header::{EventHeaders, RecordKind};
use schemas::trust::Level;
use serde_json::Value;

use crate::findings::{START_MS, Told, increment, level, part, time, verdict};

const AGENT: &str = "spiffe://acme.example/agent/invoice-bot|\u{7}";

fn sent(mode: Mode, shadow_output: bool) -> Vec<Outgoing> {
    let settings = Settings { mode, shadow_output, ..Settings::default() };
    let mut respond = Respond::new(settings.clone());
    let mut told = Told {
        agent: AGENT.to_owned(),
        level: Level::Untrusted,
        return_period: 4100.0,
        keys: vec!["place".to_owned(), "data".to_owned()],
        ..Told::default()
    };
    told.facts.trace_id = Some("4bf92f3577b34da6a3ce929d0e0e4736".to_owned());
    let findings = [verdict(0, &told), part(1, 0, (0, 1), vec![increment(3, 5)])];
    let apply = |finding| outgoing(&settings, time(0), &respond.apply(finding));
    findings.iter().flat_map(apply).collect()
}

fn kinds(sent: &[Outgoing]) -> Vec<TopicKind> {
    sent.iter().map(|record| record.kind).collect()
}

fn json(record: &Outgoing) -> Value {
    serde_json::from_slice(record.value.as_deref().unwrap_or_default()).unwrap_or_default()
}

#[test]
fn the_mode_decides_what_leaves() {
    use TopicKind::{Alerts, Control, Decisions, Revocations, Shadow};
    assert_eq!(kinds(&sent(Mode::Shadow, false)), [Control]);
    assert_eq!(kinds(&sent(Mode::Shadow, true)), [Shadow, Shadow, Shadow, Control]);
    assert_eq!(kinds(&sent(Mode::Alert, true)), [Alerts, Revocations, Decisions, Control]);
    for (mode, word, state) in
        [(Mode::Shadow, "dry_run", 3), (Mode::Alert, "recommend", 1), (Mode::Enforce, "enforce", 1)]
    {
        let sent = sent(mode, true);
        let (alert, request) = (json(&sent[0]), json(&sent[1]));
        assert_eq!(request["mode"], word);
        assert_eq!(alert["finding_info"]["analytic"]["state_id"], state);
        assert_eq!(alert["unmapped"]["habitus"]["shadow"], mode == Mode::Shadow);
        let key = format!("acme|{AGENT}").into_bytes();
        assert_eq!((&sent[0].key, &sent[1].key), (&key, &key));
        for (record, kind, id) in [
            (&sent[0], RecordKind::Alert, &alert["metadata"]["uid"]),
            (&sent[1], RecordKind::Revocation, &request["request_id"]),
        ] {
            let headers = EventHeaders::decode(&record.headers).unwrap();
            assert_eq!((headers.kind, headers.shadow), (kind, mode == Mode::Shadow));
            assert_eq!(*id, headers.id);
            assert_eq!(
                (headers.source.as_str(), headers.subject.as_deref()),
                ("/habitus/acme", Some(AGENT))
            );
            assert_eq!(headers.time.map(schemas::EventTime::millis), Some(START_MS));
            let trace = headers.traceparent.map(|trace| trace.to_string()).unwrap();
            let span = &headers.id[headers.id.len() - 16..];
            assert_eq!(trace, format!("00-4bf92f3577b34da6a3ce929d0e0e4736-{span}-01"));
        }
        let (decision, headers) = (json(&sent[2]), EventHeaders::decode(&sent[2].headers).unwrap());
        assert_eq!((&*sent[2].key, headers.kind), (&b"acme"[..], RecordKind::Decision));
        assert_eq!(
            (headers.shadow, headers.id.as_str()),
            (mode == Mode::Shadow, decision["id"].as_str().unwrap())
        );
        for (field, expected) in [
            ("/schema", "agent.decision/1"),
            ("/policy/id", "default"),
            ("/policy/version", env!("CARGO_PKG_VERSION")),
            ("/action", "revoke_sessions"),
            ("/mode", word),
            ("/actor/agent_id", AGENT),
            ("/request_id", request["request_id"].as_str().unwrap()),
            ("/alert_id", request["cause"]["alert_id"].as_str().unwrap()),
        ] {
            assert_eq!(decision.pointer(field).and_then(Value::as_str), Some(expected), "{field}");
        }
        assert_eq!(decision["permit"], false);
        assert!(sent[3].key.starts_with(b"acme|~table/counts/") && sent[3].headers.is_empty());
    }
}

#[test]
fn what_is_no_finding_is_a_typed_error() {
    let good = serde_json::to_string(&verdict(0, &Told::default())).unwrap();
    assert!(read(good.as_bytes()).is_ok());
    let with = |from: &str, to: &str| {
        assert!(good.contains(from), "{from}");
        read(good.replace(from, to).as_bytes())
    };
    let deep = "[".repeat(100_000);
    for broken in [&b""[..], b"{", b"null", b"\xff\xfe", b"[]", deep.as_bytes()] {
        assert!(matches!(read(broken), Err(EntryError::Json(_))), "{broken:?}");
    }
    assert!(matches!(read(b"{\"schema\":\"agent.finding/2\"}"), Err(EntryError::Schema(_))));
    let other = with("agent.finding/1", "agent.finding/2\\u001b");
    assert!(matches!(other, Err(EntryError::Schema(word)) if word == "agent.finding/2"));
    let kind = with("\"kind\":\"verdict\"", "\"kind\":\"mood\"");
    assert!(matches!(kind, Err(EntryError::Kind(word)) if word == "mood"));
    let missing = with("\"trust_after\"", "\"trust_afterwards\"");
    assert!(matches!(missing, Err(EntryError::Json(_))));
    let text = with("\"trust_after\":65.0", "\"trust_after\":\"65\"");
    assert!(matches!(text, Err(EntryError::Json(_))));
    for (from, to) in [
        ("\"tenant_id\":\"acme\",\"log", "\"tenant_id\":\"ac|me\",\"log"),
        ("\"tenant_id\":\"acme\",\"log", "\"tenant_id\":\"\",\"log"),
        ("\"tenant_id\":\"acme\",\"log", "\"tenant_id\":\"globex\",\"log"),
        ("\"agent_id\":\"invoice-bot\"", "\"agent_id\":\"\""),
    ] {
        assert!(matches!(with(from, to), Err(EntryError::Value(_))), "{to}");
    }
    let long =
        with("\"agent_id\":\"invoice-bot\"", &format!("\"agent_id\":\"{}\"", "ä".repeat(2_049)));
    assert!(matches!(long, Err(EntryError::Value("the agent"))));
}

/// The JSON of a finding with some of its numbers and words replaced by extremes.
fn mangled(finding: &Finding, changes: &[(prop::sample::Index, usize)]) -> Vec<u8> {
    const EXTREMES: [&str; 12] = [
        "9223372036854775807",
        "-9223372036854775808",
        "18446744073709551615",
        "4294967295",
        "-1",
        "0",
        "1e308",
        "-1e308",
        "5e-324",
        "null",
        "\"\\u0000\\ud83d\\ude00\"",
        "[]",
    ];
    let mut text = serde_json::to_string(finding).unwrap_or_default();
    for (place, extreme) in changes {
        let values: Vec<usize> = text.match_indices("\":").map(|(at, _)| at + 2).collect();
        let start = values[place.index(values.len())];
        let end = text[start..].find([',', '}']).map_or(text.len(), |length| start + length);
        text.replace_range(start..end, EXTREMES[*extreme]);
    }
    text.into_bytes()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_096))]

    #[test]
    fn what_can_be_read_can_be_applied(
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..12), 1..4),
        which in 0_usize..3,
        bytes in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let told = Told { level: Level::Untrusted, ..Told::default() };
        let odd = |table| Increment { table, ..increment(3, 5) };
        let increments = vec![increment(3, 5), odd(2), odd(3)];
        let findings = [
            verdict(0, &told),
            part(1, 0, (0, 1), increments),
            level(2, 0, "a", Level::Watch, 70.0),
        ];
        prop_assert!(read(&bytes).is_err());
        let mut respond = Respond::new(Settings::default());
        if let Ok(finding) = read(&mangled(&findings[which], &changes)) {
            for _ in 0..3 {
                let responses = respond.apply(&finding);
                outgoing(&Settings::default(), finding.log_time, &responses);
            }
            // It does not stand in the way of those that follow, and is saved and restored.
            findings.iter().for_each(|finding| drop(respond.apply(finding)));
            let mut again = Respond::new(Settings::default());
            for (key, record) in respond.touched() {
                prop_assert!(again.load(&key, &record).is_ok(), "{}", key);
            }
        }
    }
}
