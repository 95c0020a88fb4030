//! The published schemas are current, and the examples of the wire forms decode, validate and round-trip.

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use schemas::acknowledgement::Acknowledgement;
use schemas::activity::{Action, Activity, Agent, Scalar};
use schemas::alert::HabitusAlert;
use schemas::command::Command;
use schemas::feedback::Feedback;
use schemas::finding::{Body, Finding, Verdict, Versions};
use schemas::incident::HabitusIncident;
use schemas::inventory::InventoryEntry;
use schemas::revocation::RevocationRequest;
use schemas::set::SetClaims;
use schemas::trust::{Level, RiskLevel, TrustRecord, risk_score};
use schemas::{ActionType, ActorRef, Authority, Contribution, EventTime, MicroNats, Source, Text};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

/// What the published schema of that name says against a value.
fn complaints(schema: &str, value: &Value) -> Vec<String> {
    let schema: Value =
        serde_json::from_str(&text(&folder("json").join(schema))).unwrap_or_default();
    match jsonschema::validator_for(&schema) {
        Ok(validator) => validator
            .iter_errors(value)
            .map(|error| format!("{error} at {}", error.instance_path()))
            .collect(),
        Err(error) => vec![format!("no schema: {error}")],
    }
}

/// Whether all of `part` stands in `whole`; numbers by value, times by moment.
fn stands_in(part: &Value, whole: &Value) -> bool {
    match (part, whole) {
        (Value::Object(part), Value::Object(whole)) => part
            .iter()
            .all(|(key, inner)| whole.get(key).is_some_and(|other| stands_in(inner, other))),
        (Value::Array(part), Value::Array(whole)) => {
            part.len() == whole.len() && part.iter().zip(whole).all(|(a, b)| stands_in(a, b))
        }
        (Value::Number(a), Value::Number(b)) => {
            a.as_f64().map(f64::to_bits) == b.as_f64().map(f64::to_bits)
        }
        (Value::String(a), Value::String(b)) if a != b => {
            EventTime::parse(a).is_ok_and(|time| EventTime::parse(b) == Ok(time))
        }
        (a, b) => a == b,
    }
}

fn round_trip<T>(fixture: &str, schema: &str)
where
    T: DeserializeOwned + Serialize + PartialEq + std::fmt::Debug,
{
    let given = text(&folder("fixtures").join(fixture));
    let value: Value = serde_json::from_str(&given).unwrap_or_default();
    assert_eq!(complaints(schema, &value), Vec::<String>::new(), "{fixture} as given");
    let read: Result<T, String> = serde_json::from_str(&given).map_err(|e| e.to_string());
    let written = read.as_ref().map(serde_json::to_string).ok().and_then(Result::ok);
    let written = written.unwrap_or_else(|| format!("{read:?}"));
    let again: Result<T, String> = serde_json::from_str(&written).map_err(|e| e.to_string());
    assert_eq!(read, again, "{fixture}");
    let written: Value = serde_json::from_str(&written).unwrap_or_default();
    assert_eq!(complaints(schema, &written), Vec::<String>::new(), "{fixture} as written");
    assert!(stands_in(&value, &written), "{fixture} lost something:\n{written}");
    // Unknown fields are ignored.
    let mut grown = value;
    if let Some(object) = grown.as_object_mut() {
        object.insert("of_tomorrow".to_owned(), Value::Bool(true));
    }
    assert_eq!(complaints(schema, &grown), Vec::<String>::new(), "{fixture} with a new field");
    assert_eq!(serde_json::from_value::<T>(grown).map_err(|e| e.to_string()), read, "{fixture}");
}

#[test]
fn committed_schemas_are_current() {
    let mut expected: Vec<PathBuf> = Vec::new();
    for (file, generated) in schemas::wire_schemas() {
        let path = folder("json").join(file);
        assert!(text(&path) == generated, "{file} is stale: run `cargo xtask codegen`");
        expected.push(path);
    }
    let mut present: Vec<PathBuf> = std::fs::read_dir(folder("json"))
        .unwrap()
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .collect();
    present.sort();
    assert_eq!(present, expected);
}

#[test]
fn examples_decode_validate_and_round_trip() {
    round_trip::<TrustRecord>("trust.json", "agent.trust-1.schema.json");
    round_trip::<TrustRecord>("trust.recovery.json", "agent.trust-1.schema.json");
    round_trip::<RevocationRequest>("revocation.json", "agent.revocation-1.schema.json");
    round_trip::<Acknowledgement>("revocation-ack.json", "agent.revocation-ack-1.schema.json");
    round_trip::<Feedback>("feedback.json", "agent.feedback-1.schema.json");
    round_trip::<Command>("command.json", "agent.command-1.schema.json");
    round_trip::<HabitusAlert>("alert.habitus.json", "agent.alert-1.schema.json");
    round_trip::<HabitusIncident>("incident.habitus.json", "agent.incident-1.schema.json");
    round_trip::<InventoryEntry>("inventory.json", "agent.inventory-1.schema.json");
    for event in ["risk-level-change", "session-revoked", "credential-change"] {
        let fixture = format!("set.{event}.json");
        round_trip::<SetClaims>(&fixture, "security-event-token-1.schema.json");
    }
}

#[test]
fn native_examples_validate() {
    for fixture in ["event.native.json", "event.native.address.json", "event.native.minimal.json"] {
        let value = serde_json::from_str(&text(&folder("fixtures").join(fixture))).unwrap();
        let complaints = complaints("agent.activity-1.schema.json", &value);
        assert_eq!(complaints, Vec::<String>::new(), "{fixture}");
    }
}

#[test]
fn the_activity_schema_refuses_what_breaks_its_limits() {
    let minimal: Value =
        serde_json::from_str(&text(&folder("fixtures/event.native.minimal.json"))).unwrap();
    let check = |pointer: &str, value: Value| {
        let mut event = minimal.clone();
        let (object, key) = pointer.rsplit_once('/').unwrap();
        event.pointer_mut(object).unwrap()[key] = value;
        assert!(!complaints("agent.activity-1.schema.json", &event).is_empty(), "{pointer}");
    };
    check("/schema", "agent.activity/2".into());
    check("/id", "x".repeat(129).into());
    check("/tenant_id", "a|b".into());
    check("/agent/id", "".into());
    check("/agent/version", "x".repeat(65).into());
    check("/agent/owner", serde_json::json!({"name": "nobody"}));
    check("/action/type", "dance".into());
    check("/delegation", serde_json::json!({"mode": "guessed"}));
    check("/delegation", serde_json::json!({"chain": vec![serde_json::json!({"id": "a"}); 33]}));
    check("/credential", serde_json::json!({"scopes": vec!["s"; 257]}));
    check("/trace", serde_json::json!({"trace_id": "XYZ"}));
    check("/destination", serde_json::json!({"port": 70000}));
    check("/destination", serde_json::json!({"geo": {"lat": 91.0}}));
    check("/usage", serde_json::json!({"bytes_out": -1}));
    check("/agent/name", Value::Null);
}

#[test]
fn a_written_activity_validates() {
    let mut activity = Activity::new(
        Text::Borrowed("e-1"),
        EventTime::from_millis(1_795_467_091_412).unwrap(),
        Agent { id: Text::Borrowed("invoice-bot"), ..Agent::default() },
        Action {
            kind: ActionType::MessageSend,
            arguments: Some(Vec::new()),
            operation: Some(Text::Borrowed("send")),
            ..Action::default()
        },
    );
    activity.attributes = vec![
        (Text::Borrowed("env"), Scalar::Text(Text::Borrowed("prod"))),
        (Text::Borrowed("retries"), Scalar::Integer(3)),
        (Text::Borrowed("share"), Scalar::Number(0.5)),
        (Text::Borrowed("cached"), Scalar::Bool(true)),
        (Text::Borrowed("note"), Scalar::Null),
    ];
    let value = serde_json::to_value(&activity).unwrap();
    assert_eq!(complaints("agent.activity-1.schema.json", &value), Vec::<String>::new());
}

#[test]
fn a_written_finding_validates_and_round_trips() {
    let actor = ActorRef {
        tenant_id: "acme".to_owned(),
        agent_id: "invoice-bot".to_owned(),
        authority: Authority::Delegated,
    };
    let time = EventTime::from_millis(1_795_467_091_412).unwrap();
    let finding = Finding {
        schema: "agent.finding/1".to_owned(),
        tenant_id: "acme".to_owned(),
        log_time: time,
        source: Source { topic_id: "file:0".to_owned(), partition: 0, offset: 7, ordinal: 0 },
        versions: Versions::default(),
        signed: false,
        body: Body::Verdict(Box::new(Verdict {
            causes: Vec::new(),
            actor,
            activity_id: "e-1".to_owned(),
            time,
            score: MicroNats(12_000_000),
            contributions: vec![Contribution {
                signal: "destination".to_owned(),
                micronats: MicroNats(12_000_000),
                ..Contribution::default()
            }],
            shadow_contributions: Vec::new(),
            return_period_actor_months: 12.0,
            return_period_support: Default::default(),
            counted_actor_months: None,
            keys: vec!["place".to_owned()],
            hard_indicator: None,
            baseline: Default::default(),
            trust_before: 71.0,
            trust_after: 55.5,
            trust_evidence: 2.5,
            level_before: Level::Watch,
            level_after: Level::Restricted,
            facts: Default::default(),
        })),
    };
    let value = serde_json::to_value(&finding).unwrap();
    assert_eq!(complaints("agent.finding-1.schema.json", &value), Vec::<String>::new());
    assert_eq!(serde_json::from_value::<Finding>(value).unwrap(), finding);
}

#[test]
fn risk_mirrors_trust() {
    let check = |trust: f64, risk: u8, level: RiskLevel| {
        assert_eq!((risk_score(trust), RiskLevel::of_trust(trust)), (risk, level), "{trust}");
    };
    check(100.0, 0, RiskLevel::Low);
    check(76.4, 24, RiskLevel::Low);
    check(60.0, 40, RiskLevel::Low);
    check(59.9, 40, RiskLevel::Medium);
    check(40.0, 60, RiskLevel::Medium);
    check(18.0, 82, RiskLevel::High);
    check(0.0, 100, RiskLevel::High);
    check(f64::NAN, 0, RiskLevel::High);
}
