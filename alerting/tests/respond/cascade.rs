//! The cascade over the delegation tree: with an agent that is revoked go those who act for it, within budget and
//! breaker, and all of it can be undone.

use alerting::{BreakerSettings, Mode, Respond, Response, Settings};
use schemas::acknowledgement::AckStatus;
use schemas::command::CommandAction;
use schemas::finding::{Facts, Finding};
use schemas::revocation::{InitiatingEntity, RevocationAction, RevocationRequest};
use schemas::trust::Level;

use crate::findings::{HOUR_MS, MINUTE_MS, Told, alerts, fold, level, requests, verdict};
use crate::life::{ack, command, decisions, fallen, outcomes};

/// An agent at the end of a chain, of which a finding tells.
fn seen(offset: u64, at_ms: i64, chain: &[&str]) -> Finding {
    let facts = Facts {
        chain: chain.iter().map(|link| (*link).to_owned()).collect(),
        delegation_id: Some(format!("d-{}", chain.join("-"))),
        ..Facts::default()
    };
    let agent = (*chain.last().expect("an agent")).to_owned();
    verdict(offset, &Told { agent, at_ms, facts, level: Level::Trusted, ..Told::default() })
}

fn falls(offset: u64, at_ms: i64, return_period: f64) -> Finding {
    let chain = vec!["alice".to_owned(), "planner".to_owned()];
    let facts = Facts { chain, ..Facts::default() };
    verdict(offset, &Told { facts, return_period, ..fallen("planner", at_ms) })
}

fn revoked(responses: &[Response]) -> Vec<(&str, RevocationAction)> {
    let all = requests(responses).into_iter();
    all.map(|request| (request.subject.agent_id.as_str(), request.action)).collect()
}

fn fleet(respond: &mut Respond, n_delegates: u64) {
    for n in 0..n_delegates {
        respond.apply(&seen(n, 0, &["alice", "planner", &format!("worker-{n}")]));
    }
}

fn with(agents_per_hour: u32) -> Respond {
    let breaker = BreakerSettings { agents_per_hour, ..BreakerSettings::default() };
    Respond::new(Settings { mode: Mode::Enforce, breaker, ..Settings::default() })
}

#[test]
fn with_an_agent_that_is_revoked_go_those_who_act_for_it() {
    let mut respond = fold(Mode::Enforce);
    let mut watched = seen(0, 0, &["alice", "planner", "worker"]);
    if let schemas::finding::Body::Verdict(verdict) = &mut watched.body {
        verdict.level_after = Level::Watch;
    }
    let shortened = requests(&respond.apply(&watched))[0].clone();
    assert_eq!(shortened.action, RevocationAction::ShortenTokenLifetime);
    respond.apply(&seen(1, 0, &["alice", "planner", "worker", "helper"]));
    respond.apply(&seen(2, 0, &["alice", "other"]));
    // Who acts for one that acts for the first: no circle, and nobody twice.
    respond.apply(&seen(3, 0, &["helper", "planner"]));
    let responses = respond.apply(&falls(4, MINUTE_MS, 4_100.0));
    let sessions = RevocationAction::RevokeSessions;
    assert_eq!(
        revoked(&responses),
        [("planner", sessions), ("worker", sessions), ("helper", sessions)]
    );
    assert_eq!(outcomes(&responses), ["cascaded", "cascaded"]);
    let all = requests(&responses);
    assert_eq!(all[1].supersedes.as_ref(), Some(&shortened.request_id));
    assert_eq!(all[1].cause.alert_id, all[0].cause.alert_id);
    let delegation = all[1].targets.as_ref().unwrap().delegation_id.as_deref();
    assert_eq!(delegation, Some("d-alice-planner-worker"));
    assert!(all[1].cause.reason_admin["en"].starts_with("It acts for planner, which is revoked: "));
    // What is done to a delegate says nothing of the delegator's alert.
    let acted = respond.apply(&ack(5, MINUTE_MS, &all[1].request_id, AckStatus::Acted));
    assert_eq!((outcomes(&acted), alerts(&acted).len()), (vec!["acted"], 0));
    // The next incident of the delegator asks nothing of those who are revoked already.
    let again = respond.apply(&falls(6, 8 * HOUR_MS, 4_100.0));
    assert_eq!(revoked(&again)[0], ("planner", sessions));
    assert!(revoked(&again).iter().all(|(agent, _)| *agent != "worker"), "{again:#?}");
}

#[test]
fn a_cascade_stays_within_budget_and_breaker_and_the_rest_waits_for_a_person() {
    let check = |mut respond: Respond, return_period: f64, n_revoked: usize, word: &str| {
        fleet(&mut respond, 6);
        let responses = respond.apply(&falls(9, MINUTE_MS, return_period));
        assert_eq!(requests(&responses).len(), n_revoked, "{word}");
        let held: Vec<_> = decisions(&responses)
            .into_iter()
            .filter(|record| record.outcome.as_deref() == Some("withheld"))
            .collect();
        assert_eq!(held.len(), 7 - n_revoked);
        assert!(held.iter().all(|record| record.held.as_deref() == Some(word)), "{word}");
        assert_eq!(respond.counts().requests_waiting, 7 - n_revoked as u64);
        let breaker = alerts(&responses).into_iter().filter(|alert| {
            alert.unmapped.habitus.response.as_ref().is_some_and(|of| of.kind == "breaker")
        });
        assert_eq!(breaker.count(), usize::from(word == "breaker"));
    };
    // 4,100 actor-months are four revocations at one in 1,000.
    check(with(100), 4_100.0, 4, "budget");
    check(with(3), 1e6, 3, "breaker");
    let mut guarded = Settings { mode: Mode::Enforce, ..Settings::default() };
    guarded.protected = (0..6).map(|n| format!("worker-{n}")).collect();
    check(Respond::new(guarded), 1e6, 1, "protected");
}

#[test]
fn a_chain_makes_nobody_else_a_delegate() {
    let mut respond = fold(Mode::Enforce);
    respond.apply(&seen(0, 0, &["alice", "planner", "victim", "accomplice"]));
    let responses = respond.apply(&falls(9, MINUTE_MS, 1e6));
    let agents: Vec<&str> = revoked(&responses).iter().map(|(agent, _)| *agent).collect();
    assert_eq!(agents, ["planner"], "what acts for whom is for the delegate to say");
}

#[test]
fn what_was_held_back_of_a_cascade_and_approved_is_undone_with_it() {
    let mut respond = with(3);
    fleet(&mut respond, 6);
    let responses = respond.apply(&falls(9, MINUTE_MS, 1e6));
    let first = requests(&responses)[0].request_id.clone();
    let withheld = decisions(&responses)
        .into_iter()
        .find(|record| record.outcome.as_deref() == Some("withheld"));
    let held = withheld.and_then(|record| record.request_id.clone()).expect("one is held back");
    let approve = command(10, HOUR_MS, CommandAction::Approve, &held);
    let approved = respond.apply(&approve);
    let approved = requests(&approved)[0].subject.agent_id.clone();
    let undone = respond.apply(&command(11, 2 * HOUR_MS, CommandAction::Restore, &first));
    let restored = requests(&undone).into_iter().any(|r| r.subject.agent_id == approved);
    assert!(restored, "{approved} is given back with the rest");
}

#[test]
fn proposals_for_delegates_are_made_once_and_gone_once_approved() {
    let mut respond = fold(Mode::Alert);
    fleet(&mut respond, 2);
    let proposed = requests(&respond.apply(&falls(9, MINUTE_MS, 1e6))).len();
    assert_eq!((proposed, respond.counts().requests_waiting), (3, 3));
    let again = respond.apply(&falls(10, 8 * HOUR_MS, 1e6));
    assert_eq!(requests(&again).len(), 1, "the delegates' proposals wait already");
    let planner = requests(&again)[0].request_id.clone();
    respond.apply(&command(11, 9 * HOUR_MS, CommandAction::Approve, &planner));
    let left = respond.counts().requests_waiting;
    assert!(left <= 1, "{left} wait: who was revoked with the planner need not be decided on");
}

#[test]
fn a_cascade_is_undone_with_the_request_that_it_follows() {
    let mut respond = with(3);
    fleet(&mut respond, 6);
    let responses = respond.apply(&falls(9, MINUTE_MS, 1e6));
    let first: &RevocationRequest = requests(&responses)[0];
    let restore = command(10, HOUR_MS, CommandAction::Restore, &first.request_id);
    let undone = respond.apply(&restore);
    let mut restored: Vec<&str> =
        requests(&undone).iter().map(|request| request.subject.agent_id.as_str()).collect();
    restored.sort_unstable();
    let mut cut: Vec<&str> = revoked(&responses).iter().map(|(agent, _)| *agent).collect();
    cut.sort_unstable();
    assert_eq!(restored, cut);
    assert_eq!(respond.counts().requests_waiting, 0, "what was held back is denied");
}

#[test]
fn a_revocation_that_a_person_approves_takes_all_delegates() {
    let settings = Settings {
        mode: Mode::Enforce,
        protected: vec!["planner".to_owned()],
        ..Settings::default()
    };
    let mut respond = Respond::new(settings);
    fleet(&mut respond, 6);
    let fall = falls(9, MINUTE_MS, 4_100.0);
    respond.apply(&fall);
    let held = format!("rr-{}", fall.source.derive("revocation/revoke_sessions"));
    let responses = respond.apply(&command(10, HOUR_MS, CommandAction::Approve, &held));
    let all = requests(&responses);
    assert_eq!(all.len(), 7);
    let by =
        |request: &&RevocationRequest| request.initiating_entity == Some(InitiatingEntity::Admin);
    assert!(all.iter().all(by));
}

#[test]
fn who_acts_for_whom_is_forgotten_after_a_day_and_saved_meanwhile() {
    let mut respond = fold(Mode::Enforce);
    fleet(&mut respond, 2);
    let mut restored = fold(Mode::Enforce);
    for (key, bytes) in respond.touched() {
        restored.load(&key, &bytes).expect("a record");
    }
    let fall = falls(9, 24 * HOUR_MS - 1, 4_100.0);
    let responses = respond.apply(&fall);
    assert_eq!(requests(&responses).len(), 3);
    assert_eq!(restored.apply(&fall), responses);
    let mut respond = fold(Mode::Enforce);
    fleet(&mut respond, 2);
    respond.apply(&level(8, 24 * HOUR_MS, "other", Level::Trusted, 90.0));
    assert_eq!(requests(&respond.apply(&falls(9, 24 * HOUR_MS, 4_100.0))).len(), 1);
    let gone = respond.touched().into_iter().filter(|(key, _)| key.contains("|~link/"));
    // One link is of the chain that fell.
    assert_eq!(gone.filter(|(_, bytes)| bytes.is_empty()).count(), 2);
}
