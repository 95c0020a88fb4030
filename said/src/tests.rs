//! Each rule of intake at its edge, and that what is refused is never told.

use super::*;
use serde_json::{Value, json};

fn at(ms: i64) -> EventTime {
    EventTime::from_millis(1_795_467_091_000 + ms).unwrap()
}

fn taken(value: &Value, authors: &Authors) -> Result<Finding, Rejection> {
    signed_by(value, authors, None)
}

/// The same with a signature of this secret.
fn signed_by(
    value: &Value,
    authors: &Authors,
    secret: Option<&Secret>,
) -> Result<Finding, Rejection> {
    let bytes = serde_json::to_vec(value).expect("a value is JSON");
    let signature = secret.map(|secret| secret.sign(&bytes));
    let source = Source { topic_id: "said".to_owned(), partition: 1, offset: 7, ordinal: 0 };
    let versions = Versions::default();
    let arrival = Arrival {
        source: &source,
        log_time: at(0),
        versions: &versions,
        authors,
        signature: signature.as_deref().map(str::as_bytes),
    };
    let finding = match value["schema"].as_str() {
        Some(ACKNOWLEDGEMENT_SCHEMA) => acknowledgement(&bytes, &arrival),
        _ => feedback_or_command(&bytes, &arrival),
    }?;
    assert_eq!((&finding.source, finding.log_time), (&source, at(0)));
    assert_eq!(finding.signed, !authors.is_empty(), "what was decided stands in the entry");
    // What is appended is what is read.
    let text = serde_json::to_vec(&finding).unwrap();
    assert_eq!(serde_json::from_slice::<Finding>(&text).unwrap(), finding);
    Ok(finding)
}

fn secret(byte: &str) -> Secret {
    Secret::read(&byte.repeat(32)).expect("32 bytes are a secret").remove(0)
}

fn samples() -> [Value; 4] {
    let (time, later) = (at(0).rfc3339(), at(DAY_MS).rfc3339());
    let (by, why) = ("carol@acme.example", "known change");
    [
        json!({"schema": ACKNOWLEDGEMENT_SCHEMA, "request_id": "rr-1", "time": time,
            "tenant_id": "acme", "status": "acted", "author": by}),
        json!({"schema": FEEDBACK_SCHEMA, "id": "fb-1", "time": time, "tenant_id": "acme",
            "verdict": "expected", "scope": {"agent_id": "bot", "signal": "hours"},
            "expires_at": later, "author": by, "comment": why}),
        json!({"schema": COMMAND_SCHEMA, "id": "c-1", "time": time, "tenant_id": "acme",
            "action": "approve", "target": "rr-1", "author": by, "comment": why}),
        json!({"schema": COMMAND_SCHEMA, "id": "c-2", "time": time, "tenant_id": "acme",
            "action": "silence", "scope": {"blueprint": "clerk"}, "expires_at": later,
            "author": by, "comment": why}),
    ]
}

/// The sample with one field changed; null takes it away.
fn with(sample: usize, pointer: &str, value: Value) -> Value {
    let mut changed = samples()[sample].clone();
    let (object, field) = pointer.rsplit_once('/').unwrap();
    let object = changed.pointer_mut(object).unwrap().as_object_mut().unwrap();
    object.remove(field);
    if !value.is_null() {
        object.insert(field.to_owned(), value);
    }
    changed
}

#[test]
fn what_keeps_to_the_rules_becomes_a_finding() {
    for sample in samples() {
        taken(&sample, &Authors::new()).unwrap_or_else(|refused| panic!("{refused:?}: {sample}"));
    }
    let kept = with(1, "/expires_at", at(LIFE_MS_MAX).rfc3339().into());
    taken(&kept, &Authors::new()).unwrap();
    taken(&with(0, "/time", at(-BEHIND_MS_MAX).rfc3339().into()), &Authors::new()).unwrap();
}

#[test]
fn every_rule_refuses_what_breaks_it() {
    use ErrorCode::{InvalidField, TimeOutOfRange, UnsupportedSchema};
    let check = |sample, pointer: &str, value: Value, code| {
        let changed = with(sample, pointer, value);
        let refused = taken(&changed, &Authors::new()).expect_err(&changed.to_string());
        assert_eq!(refused.code, code, "{changed}");
        assert!(!refused.message.contains("known change"), "payload is never told");
    };
    for sample in 0..4 {
        check(sample, "/tenant_id", "a|b".into(), InvalidField);
        check(sample, "/tenant_id", Value::Null, InvalidField);
        check(sample, "/time", at(AHEAD_MS_MAX + 1).rfc3339().into(), TimeOutOfRange);
        check(sample, "/time", at(-BEHIND_MS_MAX - 1).rfc3339().into(), TimeOutOfRange);
        check(sample, "/time", "yesterday".into(), InvalidField);
        check(sample, "/author", "x".repeat(257).into(), InvalidField);
        check(sample, "/schema", "agent.other/1".into(), UnsupportedSchema);
    }
    check(0, "/request_id", "x".repeat(129).into(), InvalidField);
    check(0, "/detail", "x".repeat(1_025).into(), InvalidField);
    check(0, "/status", "done".into(), InvalidField);
    for sample in 1..4 {
        check(sample, "/comment", "".into(), InvalidField);
        check(sample, "/author", "".into(), InvalidField);
        check(sample, "/id", Value::Null, InvalidField);
    }
    for sample in [1, 3] {
        check(sample, "/expires_at", at(0).rfc3339().into(), TimeOutOfRange);
        check(sample, "/expires_at", at(LIFE_MS_MAX + 1).rfc3339().into(), TimeOutOfRange);
        check(sample, "/scope", json!({"signal": "hours"}), InvalidField);
        check(sample, "/scope", json!({"agent_id": "carol@acme.example"}), InvalidField);
        check(sample, "/scope", json!({"key": "x".repeat(2_049)}), InvalidField);
    }
    check(2, "/target", Value::Null, InvalidField);
    check(2, "/scope", json!({"agent_id": "bot"}), InvalidField);
    check(3, "/target", "rr-1".into(), InvalidField);
    check(3, "/expires_at", Value::Null, InvalidField);
}

#[test]
fn authors_say_only_what_they_may_and_only_of_their_tenants() {
    let own = secret("k");
    let grant = |tenant: &str, rights: &[Right]| Grant {
        tenants: [tenant.to_owned()].into(),
        rights: rights.iter().copied().collect(),
        secrets: vec![own.clone()],
    };
    let by = |grant| Authors::from([("carol@acme.example".to_owned(), grant)]);
    let code = |sample: &Value, authors: &Authors| {
        signed_by(sample, authors, Some(&own)).map(|_| ()).map_err(|refused| refused.code)
    };
    let needed = [Right::Acknowledge, Right::Verdict, Right::Approve, Right::Silence];
    for (sample, needed) in samples().iter().zip(needed) {
        for right in Right::ALL {
            let expected = if right == needed { Ok(()) } else { Err(ErrorCode::NotPermitted) };
            assert_eq!(code(sample, &by(grant("acme", &[right]))), expected, "{sample}");
        }
        assert_eq!(code(sample, &by(grant("acme", &[]))), Ok(()), "no rights named: all");
        let other = by(grant("other", &[needed]));
        assert_eq!(code(sample, &other), Err(ErrorCode::NotPermitted));
        let others = Authors::from([("dave".to_owned(), grant("acme", &[]))]);
        assert_eq!(code(sample, &others), Err(ErrorCode::BadSignature), "not this author's");
    }
}

#[test]
fn where_authors_sign_nothing_is_taken_without_their_signature() {
    let (old, new) = (secret("o"), secret("n"));
    let grant = Grant { secrets: vec![new.clone(), old.clone()], ..Grant::default() };
    let authors = Authors::from([("carol@acme.example".to_owned(), grant)]);
    let mute = Authors::from([("carol@acme.example".to_owned(), Grant::default())]);
    for sample in samples() {
        for secret in [&old, &new] {
            assert!(
                signed_by(&sample, &authors, Some(secret))
                    .expect("signed with a secret of theirs")
                    .signed
            );
            let refused = signed_by(&sample, &mute, Some(secret)).expect_err("without a secret");
            assert_eq!(refused.code, ErrorCode::BadSignature);
        }
        for wrong in [None, Some(&secret("x"))] {
            let refused = signed_by(&sample, &authors, wrong).expect_err("not theirs");
            assert_eq!((refused.code, &*refused.path), (ErrorCode::BadSignature, "/author"));
        }
        // Without a table, topics are guarded by the brokers alone, and a signature proves nothing.
        let found = signed_by(&sample, &Authors::new(), Some(&secret("x")));
        assert!(!found.expect("no table asks for a signature").signed);
    }
    let nameless = with(0, "/author", Value::Null);
    assert!(signed_by(&nameless, &authors, Some(&new)).is_err());
}

#[test]
fn the_test_vector_of_the_page_holds() {
    let page = include_str!("../../docs/response.md");
    let (_, vector) = page.split_once("```text\n").expect("a test vector");
    let lines: Vec<&str> = vector.lines().take(3).collect();
    let secret = Secret::read(lines[0]).expect("the vector's secret").remove(0);
    let header = format!("{}: {}", SIGNATURE_HEADER, secret.sign(lines[1].as_bytes()));
    assert_eq!(header, lines[2]);
}
