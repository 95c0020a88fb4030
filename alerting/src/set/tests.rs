//! Tokens against the examples of the wire formats, and who is told what.

use serde_json::Value;

use super::*;
use crate::policy::Mode;
use crate::{Response, TopicKind, outgoing};

fn fixture(name: &str) -> Value {
    let path = format!("{}/../schemas/fixtures/{name}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn receiver(id: &str, events: &[SetKind]) -> SetReceiver {
    SetReceiver {
        id: id.to_owned(),
        audience: "https://idp.acme.example/ssf".to_owned(),
        events: events.to_vec(),
        principal: "USER".to_owned(),
        subject_issuer: Some("https://idp.acme.example".to_owned()),
        tenants: Vec::new(),
    }
}

fn settings(mode: Mode, receivers: Vec<SetReceiver>) -> Settings {
    let sets = SetSettings { issuer: "https://sentinel.acme.example".to_owned(), receivers };
    Settings { mode, sets, ..Settings::default() }
}

fn request(action: RevocationAction) -> RevocationRequest {
    let mut request: RevocationRequest =
        serde_json::from_value(fixture("revocation.json")).unwrap();
    request.action = action;
    request
}

fn risk() -> RiskChange {
    RiskChange {
        id: "rl-1".to_owned(),
        tenant_id: "acme".to_owned(),
        agent_id: "spiffe://acme.example/agent/invoice-bot".to_owned(),
        authority: Authority::Delegated,
        txn: "01KAVW30H2J4X6Z8B0D2F4H6K8".to_owned(),
        signal: Some("destination".to_owned()),
        before: RiskLevel::Low,
        after: RiskLevel::High,
        trust: 18.0,
        log_time: EventTime::parse("2026-11-23T20:51:31.601Z").unwrap(),
        time: EventTime::parse("2026-11-23T20:51:31.412Z").unwrap(),
    }
}

/// Every member of the example stands in the token with its value, but for those that say another story.
fn tells(claims: &SetClaims, example: &str, others: &[&str]) {
    let written = serde_json::to_value(claims).unwrap();
    let expected = fixture(example);
    let [mut written, mut expected] = [written, expected];
    for value in [&mut written, &mut expected] {
        for path in others {
            let (parent, member) = path.rsplit_once('/').unwrap();
            let parent = value.pointer_mut(parent).unwrap_or_else(|| panic!("{path}"));
            assert!(parent.as_object_mut().unwrap().remove(member).is_some(), "{path} of {parent}");
        }
    }
    assert_eq!(written, expected, "{example}");
}

const BASE: &str = "/events/https:~1~1schemas.openid.net~1secevent~1caep~1event-type~1";

#[test]
fn tokens_are_as_the_examples_of_the_wire_formats() {
    let all = settings(Mode::Enforce, vec![receiver("idp", &SetKind::ALL)]);
    let [risk] = &of_risk(&all, &risk())[..] else { panic!("one token") };
    let own = ["/jti".to_owned()].into_iter();
    let event = format!("{BASE}risk-level-change");
    let said = ["risk_reason", "reason_admin"];
    let others: Vec<String> = own.chain(said.map(|word| format!("{event}/{word}"))).collect();
    tells(&risk.claims, "set.risk-level-change.json", &refs(&others));

    let sessions = of_request(&all, &request(RevocationAction::RevokeSessions));
    let [session] = &sessions[..] else { panic!("one token: {sessions:?}") };
    let reason = format!("{BASE}session-revoked/reason_admin");
    tells(&session.claims, "set.session-revoked.json", &["/jti", &reason]);

    let mut revoke = request(RevocationAction::RevokeCredentials);
    let targets = revoke.targets.as_mut().unwrap();
    targets.credentials[0] = CredentialTarget {
        id: "3f9a0c11".to_owned(),
        kind: Some("x509_svid".to_owned()),
        issuer: Some("CN=SPIRE CA,O=acme.example".to_owned()),
        expires_at: None,
    };
    let tokens = of_request(&all, &revoke);
    let [everything, credential] = &tokens[..] else { panic!("two tokens: {tokens:?}") };
    let SubjectId::IssSub { .. } = &everything.claims.sub_id else { panic!("the whole agent") };
    let reason = format!("{BASE}credential-change/reason_admin");
    tells(&credential.claims, "set.credential-change.json", &["/jti", &reason]);
}

fn refs(texts: &[String]) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
}

#[test]
fn ids_are_functions_of_cause_event_and_receiver() {
    let two = vec![receiver("idp", &SetKind::ALL), receiver("gateway", &SetKind::ALL)];
    let all = settings(Mode::Enforce, two);
    let causes =
        [RevocationAction::RevokeCredentials, RevocationAction::RevokeSessions].map(request);
    let tell = || -> Vec<SetDraft> {
        let risks = of_risk(&all, &risk()).into_iter();
        risks.chain(causes.iter().take(1).flat_map(|cause| of_request(&all, cause))).collect()
    };
    assert_eq!(tell(), tell());
    let ids: std::collections::BTreeSet<String> =
        tell().into_iter().map(|d| d.claims.jti).collect();
    assert_eq!(ids.len(), tell().len(), "{ids:?}");
    assert!(ids.contains("rl-1.risk-level-change.0.idp"), "{ids:?}");
    assert!(tell().iter().all(|draft| draft.claims.iat == 1_795_467_091), "log time");
}

#[test]
fn nobody_is_told_what_was_not_agreed() {
    let of = |settings: &Settings, request: &RevocationRequest| -> Vec<&'static str> {
        let responses =
            [Response::Risk(Box::new(risk())), Response::Revocation(Box::new(request.clone()))];
        let records = outgoing(settings, request.time, &responses);
        let sets = records.into_iter().filter(|record| record.kind == TopicKind::Sets);
        let claims = sets.map(|r| serde_json::from_slice::<SetClaims>(&r.value.unwrap()).unwrap());
        claims
            .map(|claims| match claims.events {
                SetEvent::RiskLevelChange(_) => "risk",
                SetEvent::SessionRevoked(_) => "session",
                SetEvent::CredentialChange(_) => "credential",
            })
            .collect()
    };
    let revoke = request(RevocationAction::RevokeCredentials);
    let mut recommended = revoke.clone();
    recommended.mode = RevocationMode::Recommend;
    let all = |mode| settings(mode, vec![receiver("idp", &SetKind::ALL)]);
    assert_eq!(of(&all(Mode::Shadow), &revoke), [""; 0]);
    assert_eq!(of(&all(Mode::Alert), &recommended), ["risk"]);
    assert_eq!(of(&all(Mode::Enforce), &revoke), ["risk", "session", "credential"]);
    let default = settings(Mode::Enforce, vec![receiver("idp", &[SetKind::RiskLevelChange])]);
    assert_eq!(of(&default, &revoke), ["risk"]);
    let mut other = receiver("idp", &SetKind::ALL);
    other.tenants = vec!["globex".to_owned()];
    assert_eq!(of(&settings(Mode::Enforce, vec![other]), &revoke), [""; 0]);
    for action in [
        RevocationAction::SuspendAgent,
        RevocationAction::ReduceScopes,
        RevocationAction::ShortenTokenLifetime,
        RevocationAction::RequireReauthentication,
        RevocationAction::RequireHumanApproval,
        RevocationAction::Restore,
    ] {
        assert_eq!(of(&all(Mode::Enforce), &request(action)), ["risk"], "{action:?}");
    }
}
