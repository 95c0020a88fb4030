//! Revocation requests: when the ladder asks, for what, and what holds it back.

use alerting::policy::{Policy, PolicySpec, Then};
use alerting::{Mode, Respond, Response, Settings};
use schemas::finding::Finding;
use schemas::revocation::{RevocationAction, RevocationMode, SubjectId};
use schemas::trust::Level;

use crate::findings::{HOUR_MS, MINUTE_MS, Told, alerts, fold, requests, verdict};

fn untrusted(at_ms: i64, keys: &[&str]) -> Told {
    Told {
        at_ms,
        level: Level::Untrusted,
        trust: (71.0, 18.0),
        return_period: 4100.0,
        keys: keys.iter().map(|key| (*key).to_owned()).collect(),
        ..Told::default()
    }
}

fn at_level(at_ms: i64, level: Level) -> Told {
    Told { at_ms, level, ..Told::default() }
}

/// The actions asked for by each finding.
fn asked(respond: &mut Respond, told: &[Told]) -> Vec<String> {
    let findings: Vec<Finding> = (0u64..).zip(told).map(|(at, told)| verdict(at, told)).collect();
    findings
        .iter()
        .map(|finding| {
            let responses = respond.apply(finding);
            let words: Vec<&str> = requests(&responses).iter().map(|r| r.action.as_str()).collect();
            words.join("+")
        })
        .collect()
}

#[test]
fn each_action_is_asked_for_once_an_incident() {
    let told = [
        at_level(0, Level::Unknown),
        at_level(MINUTE_MS, Level::Watch),
        at_level(2 * MINUTE_MS, Level::Watch),
        at_level(3 * MINUTE_MS, Level::Restricted),
        untrusted(4 * MINUTE_MS, &["place"]),
        untrusted(5 * MINUTE_MS, &["data"]),
        untrusted(6 * MINUTE_MS, &["data"]),
    ];
    let expected =
        ["", "shorten_token_lifetime", "", "require_human_approval", "", "revoke_sessions", ""];
    assert_eq!(asked(&mut fold(Mode::Enforce), &told), expected);
}

#[test]
fn two_keys_within_an_incident_or_two_incidents() {
    let gap = 6 * HOUR_MS + 1;
    let check = |told: &[Told], expected: &[&str]| {
        assert_eq!(asked(&mut fold(Mode::Alert), told), expected, "{told:#?}");
    };
    let hold = "require_human_approval";
    check(&[untrusted(0, &["place"]), untrusted(1, &["place"])], &[hold, ""]);
    check(&[untrusted(0, &["place"]), untrusted(1, &["work"])], &[hold, "revoke_sessions"]);
    check(&[untrusted(0, &["place", "data"])], &["revoke_sessions"]);
    check(&[untrusted(0, &["place"]), untrusted(gap, &["place"])], &[hold, "revoke_sessions"]);
    let same_incident = untrusted(gap - 1, &["place"]);
    check(&[untrusted(0, &["place"]), same_incident], &[hold, ""]);
    let touched = Told { hard_indicator: Some("canary".to_owned()), ..untrusted(0, &[]) };
    check(&[touched], &["revoke_sessions"]);
    let mut unowned = untrusted(0, &["place"]);
    unowned.facts.owner = None;
    check(&[unowned], &["require_reauthentication"]);
}

#[test]
fn an_incident_of_long_ago_is_no_second_key() {
    let month = 30 * 24 * HOUR_MS;
    let check = |gap_ms: i64, second: &str| {
        let told = [untrusted(0, &["place"]), untrusted(gap_ms, &["place"])];
        let expected = ["require_human_approval", second];
        assert_eq!(asked(&mut fold(Mode::Alert), &told), expected, "after {gap_ms} ms");
    };
    check(month, "revoke_sessions");
    check(month + 1, "require_human_approval");
}

#[test]
fn the_budget_asks_for_rareness() {
    let check = |told: &[Told], expected: &[&str]| {
        assert_eq!(asked(&mut fold(Mode::Alert), told), expected, "{told:#?}");
    };
    let common = Told { return_period: 999.0, ..untrusted(0, &["place", "data"]) };
    check(&[common], &["require_human_approval"]);
    // What is left as chance makes an alert rarer, and no incident for the budget of revocations.
    let counted = Told { counted: Some(600.0), ..untrusted(0, &["place", "data"]) };
    check(&[counted], &["require_human_approval"]);
    // Two independent incidents within a month are rarer than each, and not as rare as their product.
    let first = Told { return_period: 120.0, ..at_level(0, Level::Watch) };
    let second = |at_ms| Told { return_period: 120.0, ..untrusted(at_ms, &["place"]) };
    check(&[first.clone(), second(48 * HOUR_MS)], &["shorten_token_lifetime", "revoke_sessions"]);
    let common = |told: &Told| Told { return_period: 40.0, ..told.clone() };
    let both = [common(&first), common(&second(48 * HOUR_MS))];
    check(&both, &["shorten_token_lifetime", "require_human_approval"]);
    let long_after = second(31 * 24 * HOUR_MS);
    check(&[first, long_after], &["shorten_token_lifetime", "require_human_approval"]);
}

#[test]
fn the_breaker_stops_a_wave() {
    let wave: Vec<Told> = (0..6)
        .map(|n| Told {
            agent: format!("agent-{n}"),
            ..untrusted(i64::from(n) * MINUTE_MS, &["place", "data"])
        })
        .collect();
    let revoke = "revoke_sessions";
    let held = "require_human_approval";
    let expected = [revoke, revoke, revoke, held, held, held];
    assert_eq!(asked(&mut fold(Mode::Shadow), &wave), expected);
    let mut later = wave;
    for told in &mut later[3..] {
        told.at_ms += HOUR_MS;
    }
    assert_eq!(asked(&mut fold(Mode::Shadow), &later), [revoke; 6]);
}

#[test]
fn the_protected_are_not_revoked() {
    let settings = Settings {
        mode: Mode::Enforce,
        protected: vec!["invoice-bot".to_owned()],
        ..Settings::default()
    };
    let mut respond = Respond::new(settings);
    let responses = respond.apply(&verdict(0, &untrusted(0, &["place", "data"])));
    let request = requests(&responses)[0];
    assert_eq!(request.action, RevocationAction::RequireHumanApproval);
    assert_eq!(request.mode, RevocationMode::Recommend);
}

#[test]
fn a_request_says_what_and_why() {
    let mut told = untrusted(0, &["place", "data"]);
    told.facts.credential_id = Some("jti-1".to_owned());
    told.facts.session = Some("task-1".to_owned());
    told.facts.agent_issuer = Some("https://idp.acme.example".to_owned());
    let modes = [
        (Mode::Shadow, RevocationMode::DryRun),
        (Mode::Alert, RevocationMode::Recommend),
        (Mode::Enforce, RevocationMode::Enforce),
    ];
    for (mode, expected) in modes {
        let responses = fold(mode).apply(&verdict(0, &told));
        let (request, alert) = (requests(&responses)[0], alerts(&responses)[0]);
        assert_eq!(request.mode, expected);
        assert_eq!(request.expires_at.millis() - request.time.millis(), 15 * MINUTE_MS);
        assert_eq!(request.cause.alert_id.as_deref(), Some(alert.finding_info.uid.as_str()));
        assert_eq!(request.cause.signals, ["destination", "volume"]);
        let id = Some(request.request_id.clone());
        assert_eq!(alert.unmapped.habitus.revocation_request_id, id);
        let subject = SubjectId::IssSub {
            iss: "https://idp.acme.example".to_owned(),
            sub: "invoice-bot".to_owned(),
        };
        assert_eq!(request.subject.sub_id, subject);
        let targets = request.targets.as_ref().unwrap();
        assert_eq!((targets.credentials[0].id.as_str(), targets.sessions.len()), ("jti-1", 1));
    }
}

/// The decisions that are told at each finding: policy, action, what held it back.
fn told(respond: &mut Respond, told: &[Told]) -> Vec<Vec<String>> {
    let findings = (0u64..).zip(told).map(|(at, told)| verdict(at, told));
    let decisions = findings.map(|finding| {
        let responses = respond.apply(&finding);
        let records = responses.iter().filter_map(|response| match response {
            Response::Decision(record) => Some(record),
            _ => None,
        });
        let words = records.map(|record| {
            let policy = record.policy.as_ref().map_or("none", |policy| policy.id.as_str());
            let action = record.action.map_or("none", RevocationAction::as_str);
            format!("{policy} {action} {}", record.held.as_deref().unwrap_or("free"))
        });
        words.collect()
    });
    decisions.collect()
}

#[test]
fn a_decision_is_told_when_it_changes_and_not_again() {
    let findings = [
        at_level(0, Level::Trusted),
        at_level(MINUTE_MS, Level::Watch),
        at_level(2 * MINUTE_MS, Level::Watch),
        untrusted(3 * MINUTE_MS, &["place"]),
        untrusted(4 * MINUTE_MS, &["data"]),
        untrusted(5 * MINUTE_MS, &["data"]),
    ];
    let expected = [
        &["none none free"][..],
        &["default shorten_token_lifetime free"],
        &[],
        &["default require_human_approval one_key"],
        &["default revoke_sessions free"],
        &[],
    ];
    assert_eq!(told(&mut fold(Mode::Enforce), &findings), expected);
}

#[test]
fn a_policy_of_the_config_stands_before_the_ladder_and_is_named() {
    let mut spec = PolicySpec::new("invoices", Then::Act(RevocationAction::ReduceScopes));
    spec.when = Some("actor.owner == 'nobody' || trust.score < 20.0".to_owned());
    spec.scopes_remove = vec!["pay".to_owned()];
    let shorter = Then::Act(RevocationAction::ShortenTokenLifetime);
    let mut missing = PolicySpec::new("missing", shorter);
    missing.when = Some("inventory.state == 'retired'".to_owned());
    let mut settings = Settings { mode: Mode::Enforce, ..Settings::default() };
    let own = [missing, spec].map(|spec| Policy::new(spec).unwrap());
    settings.policies.splice(0..0, own);
    let mut respond = Respond::new(settings);
    let responses = respond.apply(&verdict(0, &untrusted(0, &["place", "data"])));
    let request = requests(&responses)[0];
    assert_eq!(request.action, RevocationAction::ReduceScopes);
    assert_eq!(request.targets.as_ref().unwrap().scopes_remove, ["pay"]);
    assert_eq!(request.policy.as_ref().unwrap().id, "invoices");
    assert_eq!(respond.counts().policy_errors, 1, "nobody knows the inventory");
    let decision = responses.iter().find_map(|response| match response {
        Response::Decision(record) => Some(record),
        _ => None,
    });
    assert_eq!(decision.unwrap().errors[0].id, "missing");
}

#[test]
fn a_fallen_link_of_the_chain_asks_for_approval_and_revokes_nobody() {
    let mut respond = fold(Mode::Enforce);
    respond.apply(&crate::findings::level(0, 0, "planner", Level::Untrusted, 12.0));
    let mut told = at_level(MINUTE_MS, Level::Trusted);
    told.facts.chain = ["alice", "planner", "invoice-bot"].map(str::to_owned).to_vec();
    told.facts.owner = Some("alice".to_owned());
    let responses = respond.apply(&verdict(1, &told));
    assert_eq!(requests(&responses)[0].action, RevocationAction::RequireHumanApproval);
}
