//! What becomes of requests: acknowledgements and their absence, people's approval and denial, undoing, the breaker's
//! alert, silences. Time passes only by entries of the log.

use alerting::{Mode, Respond, Response, Settings, intake};
use schemas::acknowledgement::{AckStatus, Acknowledgement};
use schemas::command::{Command, CommandAction};
use schemas::decision::DecisionRecord;
use schemas::feedback::Scope;
use schemas::finding::{Body, Finding, Versions};
use schemas::revocation::{InitiatingEntity, RevocationAction, RevocationMode, RevocationRequest};
use schemas::trust::Level;

use crate::findings::{
    HOUR_MS, MINUTE_MS, Told, alerts, finding, fold, level, requests, time, verdict,
};

const DAY_MS: i64 = 24 * HOUR_MS;

/// An agent that two keys speak against.
pub(crate) fn fallen(agent: &str, at_ms: i64) -> Told {
    Told {
        agent: agent.to_owned(),
        at_ms,
        level: Level::Untrusted,
        trust: (71.0, 18.0),
        return_period: 4100.0,
        keys: vec!["place".to_owned(), "data".to_owned()],
        ..Told::default()
    }
}

pub(crate) fn ack(offset: u64, at_ms: i64, request_id: &str, status: AckStatus) -> Finding {
    let said = Acknowledgement {
        schema: "agent.revocation-ack/1".to_owned(),
        request_id: request_id.to_owned(),
        time: time(at_ms),
        tenant_id: "acme".to_owned(),
        status,
        author: Some("idp-bridge".to_owned()),
        detail: Some("no such token".to_owned()),
    };
    finding(offset, at_ms, Body::Acknowledgement(Box::new(said)))
}

pub(crate) fn command(offset: u64, at_ms: i64, action: CommandAction, target: &str) -> Finding {
    let said = Command {
        schema: "agent.command/1".to_owned(),
        id: format!("c-{offset}"),
        time: time(at_ms),
        tenant_id: "acme".to_owned(),
        action,
        target: Some(target.to_owned()),
        scope: None,
        expires_at: None,
        author: "carol@acme.example".to_owned(),
        comment: "seen".to_owned(),
    };
    finding(offset, at_ms, Body::Command(Box::new(said)))
}

fn silence(offset: u64, at_ms: i64, scope: Scope, until_ms: i64) -> Finding {
    let mut silence = command(offset, at_ms, CommandAction::Silence, "");
    if let Body::Command(said) = &mut silence.body {
        (said.target, said.scope) = (None, Some(scope));
        said.expires_at = Some(time(until_ms));
    }
    silence
}

/// Lets log time pass as a lane does: a tick for every deadline up to then.
fn pass(respond: &mut Respond, until_ms: i64) -> Vec<Response> {
    let mut responses = Vec::new();
    while let Some((tenant, due)) = respond.next_deadline()
        && due <= time(until_ms)
    {
        let tick = intake::tick(tenant, due, 0, &Versions::default());
        responses.extend(respond.apply(&tick));
        let next = respond.next_deadline().map(|(_, next)| next);
        assert!(next.is_none_or(|next| due < next), "each tick gets on");
    }
    responses
}

pub(crate) fn decisions(responses: &[Response]) -> Vec<&DecisionRecord> {
    let mut decisions = Vec::new();
    for response in responses {
        if let Response::Decision(record) = response {
            decisions.push(&**record);
        }
    }
    decisions
}

pub(crate) fn outcomes(responses: &[Response]) -> Vec<&str> {
    decisions(responses).iter().filter_map(|record| record.outcome.as_deref()).collect()
}

/// Phases and kinds of the alerts among responses, all of which keep to the schema.
fn told(responses: &[Response]) -> Vec<(u8, String)> {
    for alert in alerts(responses) {
        assert_eq!(crate::ocsf::complaints(alert), Vec::<String>::new(), "{alert:#?}");
    }
    let kind = |alert: &alerting::ocsf::DetectionFinding| {
        let response = alert.unmapped.habitus.response.as_ref();
        response.map_or("actor".to_owned(), |response| response.kind.clone())
    };
    alerts(responses).iter().map(|alert| (alert.activity_id, kind(alert))).collect()
}

fn revoked(respond: &mut Respond) -> RevocationRequest {
    let responses = respond.apply(&verdict(0, &fallen("bot", 0)));
    requests(&responses)[0].clone()
}

#[test]
fn an_acknowledged_request_closes_its_alert_and_is_not_sent_again() {
    let mut respond = fold(Mode::Enforce);
    let request = revoked(&mut respond);
    let responses = respond.apply(&ack(1, MINUTE_MS, &request.request_id, AckStatus::Acted));
    assert_eq!(told(&responses), [(3, "actor".to_owned())]);
    assert_eq!(alerts(&responses)[0].status, "Resolved");
    assert_eq!(outcomes(&responses), ["acted"]);
    assert_eq!(decisions(&responses)[0].said.as_ref().unwrap().author, "idp-bridge");
    let again = respond.apply(&ack(2, MINUTE_MS, &request.request_id, AckStatus::Acted));
    assert_eq!((told(&again), outcomes(&again)), (vec![], vec!["ignored"]));
    assert_eq!(requests(&pass(&mut respond, 29 * DAY_MS)).len(), 0);
    assert_eq!(respond.counts().requests, 1);
    pass(&mut respond, 31 * DAY_MS);
    assert_eq!(respond.counts().requests, 0, "forgotten in the end");
    assert_eq!(respond.next_deadline(), None);
}

#[test]
fn a_request_nobody_acknowledges_is_sent_once_more_and_then_is_an_alert() {
    let mut respond = fold(Mode::Enforce);
    let request = revoked(&mut respond);
    assert_eq!(pass(&mut respond, 5 * MINUTE_MS - 1), []);
    let again = pass(&mut respond, 5 * MINUTE_MS);
    assert_eq!(requests(&again), [&request], "the same, with the same id");
    assert_eq!(pass(&mut respond, 15 * MINUTE_MS - 1), []);
    let overdue = pass(&mut respond, 15 * MINUTE_MS);
    assert_eq!(told(&overdue), [(1, "unacknowledged".to_owned())]);
    assert_eq!(requests(&overdue).len(), 0);
    let alert = alerts(&overdue)[0].finding_info.uid.clone();
    let late = respond.apply(&ack(9, HOUR_MS, &request.request_id, AckStatus::Acted));
    assert_eq!(told(&late), [(3, "unacknowledged".to_owned()), (3, "actor".to_owned())]);
    assert_eq!(alerts(&late)[0].finding_info.uid, alert);
    // A log that stood still for long sends nothing that has expired.
    let mut respond = fold(Mode::Enforce);
    revoked(&mut respond);
    let responses = respond.apply(&level(1, HOUR_MS, "other", Level::Trusted, 90.0));
    assert_eq!((requests(&responses).len(), outcomes(&responses)), (0, vec!["unacknowledged"]));
}

#[test]
fn a_request_that_failed_is_an_alert_at_once() {
    for status in [AckStatus::Rejected, AckStatus::Failed, AckStatus::Expired] {
        let mut respond = fold(Mode::Enforce);
        let request = revoked(&mut respond);
        let responses = respond.apply(&ack(1, MINUTE_MS, &request.request_id, status));
        assert_eq!(told(&responses), [(1, "failed".to_owned())]);
        assert!(alerts(&responses)[0].message.contains("no such token"));
        assert_eq!(requests(&pass(&mut respond, HOUR_MS)).len(), 0);
    }
    let mut respond = fold(Mode::Enforce);
    let unknown = respond.apply(&ack(1, 0, "rr-unknown", AckStatus::Acted));
    assert_eq!(outcomes(&unknown), ["unknown"]);
}

#[test]
fn a_proposal_waits_for_a_person() {
    let mut respond = fold(Mode::Alert);
    let proposal = revoked(&mut respond);
    assert_eq!((proposal.mode, respond.counts().requests_waiting), (RevocationMode::Recommend, 1));
    let approve = CommandAction::Approve;
    let responses = respond.apply(&command(1, MINUTE_MS, approve, &proposal.request_id));
    let approved = requests(&responses)[0].clone();
    assert_eq!((approved.action, approved.mode), (proposal.action, RevocationMode::Enforce));
    assert_eq!(approved.supersedes.as_ref(), Some(&proposal.request_id));
    assert_eq!(approved.initiating_entity, Some(InitiatingEntity::Admin));
    assert_eq!(approved.expires_at, time(16 * MINUTE_MS));
    assert_eq!(outcomes(&responses), ["approved"]);
    let twice = respond.apply(&command(2, MINUTE_MS, approve, &proposal.request_id));
    assert_eq!((requests(&twice).len(), outcomes(&twice)), (0, vec!["refused"]));
    assert_eq!(requests(&pass(&mut respond, 6 * MINUTE_MS)), [&approved], "awaited as any other");

    let mut respond = fold(Mode::Alert);
    revoked(&mut respond);
    assert_eq!(outcomes(&pass(&mut respond, DAY_MS)), ["lapsed"]);
    assert_eq!(respond.counts().requests_waiting, 0);
}

#[test]
fn what_was_denied_is_not_asked_for_again_for_a_day() {
    let mut respond = fold(Mode::Alert);
    let proposal = revoked(&mut respond);
    let deny = command(1, MINUTE_MS, CommandAction::Deny, &proposal.request_id);
    assert_eq!(outcomes(&respond.apply(&deny)), ["denied"]);
    // Another incident, and another action that takes something away.
    let mut told = fallen("bot", 8 * HOUR_MS);
    told.facts.criticality = Some(schemas::inventory::Criticality::High);
    let responses = respond.apply(&verdict(2, &told));
    assert_eq!(requests(&responses).len(), 0);
    assert_eq!(decisions(&responses)[0].held.as_deref(), Some("cool_down"));
    told.at_ms = DAY_MS + HOUR_MS;
    let responses = respond.apply(&verdict(3, &told));
    assert_eq!(requests(&responses)[0].action, RevocationAction::RevokeCredentials);
}

#[test]
fn what_a_policy_may_not_do_a_person_may() {
    let settings =
        Settings { mode: Mode::Enforce, protected: vec!["bot".to_owned()], ..Settings::default() };
    let mut respond = Respond::new(settings);
    let responses = respond.apply(&verdict(0, &fallen("bot", 0)));
    assert_eq!(requests(&responses)[0].action, RevocationAction::RequireHumanApproval);
    assert_eq!(respond.counts().requests_waiting, 2, "the proposal, and what was held back");
    let id = verdict(0, &fallen("bot", 0)).source.derive("revocation/revoke_sessions");
    let id = format!("rr-{id}");
    let responses = respond.apply(&command(1, MINUTE_MS, CommandAction::Approve, &id));
    let approved = requests(&responses)[0];
    assert_eq!(approved.action, RevocationAction::RevokeSessions);
    assert_eq!(approved.mode, RevocationMode::Enforce);
    assert_eq!(approved.supersedes, None, "what was held back never left");
}

#[test]
fn a_request_that_was_held_back_and_approved_is_followed_by_its_incident() {
    let mut respond = fold(Mode::Enforce);
    let one_key = Told { keys: vec!["place".to_owned()], ..fallen("bot", 0) };
    respond.apply(&verdict(0, &one_key));
    let held = verdict(0, &one_key).source.derive("revocation/revoke_sessions");
    let approve = command(1, MINUTE_MS, CommandAction::Approve, &format!("rr-{held}"));
    let approved = requests(&respond.apply(&approve))[0].clone();
    assert_eq!(approved.action, RevocationAction::RevokeSessions);
    // The second key comes in the same incident: what it calls for is asked for already.
    let responses = respond.apply(&verdict(2, &fallen("bot", 2 * MINUTE_MS)));
    assert_eq!(requests(&responses).len(), 0, "not twice in one incident");
    assert_eq!(decisions(&responses)[0].request_id.as_ref(), Some(&approved.request_id));
    let alert = &alerts(&responses)[0].unmapped.habitus;
    assert_eq!(
        alert.revocation_request_id.as_ref(),
        Some(&approved.request_id),
        "the alert names it"
    );
    let next = respond.apply(&verdict(3, &fallen("bot", 8 * HOUR_MS)));
    assert_eq!(requests(&next).len(), 1, "another incident asks anew");
}

#[test]
fn requests_that_leave_for_lack_of_room_are_counted_and_their_alerts_close() {
    let mut respond = fold(Mode::Enforce);
    let restricted =
        |n: u64| Told { level: Level::Restricted, ..fallen(&format!("agent-{n:05}"), 0) };
    let first = requests(&respond.apply(&verdict(0, &restricted(0))))[0].request_id.clone();
    let failed = respond.apply(&ack(1, 0, &first, AckStatus::Failed));
    assert_eq!(told(&failed), [(1, "failed".to_owned())]);
    let opened = alerts(&failed)[0].finding_info.uid.clone();
    let mut all = Vec::new();
    for n in 1..=1 << 14 {
        all.extend(respond.apply(&verdict(1 + n, &restricted(n))));
    }
    let counts = respond.counts();
    assert_eq!((counts.requests_evicted, counts.requests), (1_024, (1 << 14) + 1 - 1_024));
    let about = |alert: &&&alerting::ocsf::DetectionFinding| alert.activity_id == 3;
    let alerts = alerts(&all);
    let closed: Vec<_> = alerts.iter().filter(about).collect();
    assert_eq!(closed.len(), 1);
    assert_eq!(closed[0].finding_info.uid, opened);
}

#[test]
fn a_request_is_undone_once_and_only_by_people() {
    let mut respond = fold(Mode::Enforce);
    let request = revoked(&mut respond);
    respond.apply(&ack(1, MINUTE_MS, &request.request_id, AckStatus::Acted));
    let restore = |offset, target: &str| command(offset, HOUR_MS, CommandAction::Restore, target);
    let mut by_agent = restore(2, &request.request_id);
    if let Body::Command(said) = &mut by_agent.body {
        said.author = "bot".to_owned();
    }
    assert_eq!(outcomes(&respond.apply(&by_agent)), ["refused"], "no agent frees itself");
    let responses = respond.apply(&restore(3, &request.request_id));
    let undone = requests(&responses)[0].clone();
    assert_eq!((undone.action, undone.mode), (RevocationAction::Restore, request.mode));
    assert_eq!(undone.supersedes.as_ref(), Some(&request.request_id));
    assert_eq!((&undone.subject, &undone.targets), (&request.subject, &request.targets));
    for target in [&request.request_id, &undone.request_id, "rr-unknown"] {
        assert_eq!(outcomes(&respond.apply(&restore(4, target))), ["refused"], "{target}");
    }
    let again = pass(&mut respond, HOUR_MS + 5 * MINUTE_MS);
    assert_eq!(requests(&again), [&undone], "that it was undone is awaited too");
    let told = fallen("bot", 8 * HOUR_MS);
    assert_eq!(requests(&respond.apply(&verdict(5, &told))).len(), 0, "nor revoked again at once");
}

#[test]
fn a_poisoned_fleet_loses_few_and_one_command_gives_them_back() {
    const AGENTS: u64 = 1_000;
    let mut respond = fold(Mode::Enforce);
    let agent = |n: u64| format!("agent-{n:04}");
    for n in 0..AGENTS {
        respond.apply(&level(n, 0, &agent(n), Level::Trusted, 95.0));
    }
    let poisoned = AGENTS * 3 / 10;
    let mut all = Vec::new();
    for n in 0..poisoned {
        let at_ms = MINUTE_MS + HOUR_MS * i64::try_from(n).unwrap() / 310;
        all.extend(respond.apply(&verdict(AGENTS + n, &fallen(&agent(n), at_ms))));
    }
    let revokes =
        |request: &&&RevocationRequest| request.action == RevocationAction::RevokeSessions;
    let cut: Vec<&RevocationRequest> = requests(&all).iter().filter(revokes).copied().collect();
    // Those that are sent again are the same.
    let mut agents: Vec<&str> = cut.iter().map(|cut| cut.subject.agent_id.as_str()).collect();
    agents.sort_unstable();
    agents.dedup();
    assert_eq!(agents.len(), 5, "0.5 % of 1,000");
    let opened: Vec<_> =
        alerts(&all).into_iter().filter(|a| a.activity_id == 1 && told_breaker(a)).collect();
    assert_eq!(opened.len(), 1);
    assert_eq!(crate::ocsf::complaints(opened[0]), Vec::<String>::new());
    let fleet = opened[0].unmapped.habitus.response.as_ref().unwrap();
    assert_eq!((fleet.revoked, fleet.held), (5, 1), "as it stood when it opened");
    let waiting = respond.counts().requests_waiting;
    assert_eq!(waiting, poisoned - 5);

    let id = &opened[0].finding_info.uid;
    let at_ms = 90 * MINUTE_MS;
    let closed = pass(&mut respond, at_ms);
    let responses = respond.apply(&command(9_000, at_ms, CommandAction::Restore, id));
    let undone = requests(&responses);
    let mut restored: Vec<&str> = undone.iter().map(|r| r.subject.agent_id.as_str()).collect();
    restored.sort_unstable();
    assert_eq!(restored, agents);
    assert!(undone.iter().all(|request| request.action == RevocationAction::Restore));
    assert_eq!(respond.counts().requests_waiting, 0, "what was held back is denied");
    let refused = respond.apply(&command(9_001, at_ms, CommandAction::Restore, id));
    assert_eq!(outcomes(&refused), ["refused"]);
    assert!(told(&closed).iter().all(|(phase, kind)| kind != "breaker" || *phase == 3));
    let end = pass(&mut respond, 3 * HOUR_MS);
    let ended: Vec<_> = alerts(&end).into_iter().filter(|alert| told_breaker(alert)).collect();
    assert_eq!(ended.len(), 1);
    assert_eq!(ended[0].unmapped.habitus.response.as_ref().unwrap().held, poisoned - 5);
}

fn told_breaker(alert: &alerting::ocsf::DetectionFinding) -> bool {
    alert.unmapped.habitus.response.as_ref().is_some_and(|response| response.kind == "breaker")
}

#[test]
fn a_silence_holds_for_its_scope_until_it_ends_and_never_hides_a_hard_indicator() {
    let scope = Scope {
        agent_id: Some("bot".to_owned()),
        signal: Some("destination".to_owned()),
        key: Some("paste-drop.example".to_owned()),
        ..Scope::default()
    };
    let mut met = fallen("bot", MINUTE_MS);
    met.facts.destination = Some("paste-drop.example".to_owned());
    let check = |told: &Told, silent: bool| {
        let mut respond = fold(Mode::Enforce);
        let responses = respond.apply(&silence(0, 0, scope.clone(), HOUR_MS));
        assert_eq!(outcomes(&responses), ["silenced"]);
        let responses = respond.apply(&verdict(1, told));
        assert_eq!(
            (alerts(&responses).is_empty(), respond.counts().silenced == 1),
            (silent, silent)
        );
        if silent {
            assert_eq!(responses, [], "neither alert nor request");
        }
        respond
    };
    let mut respond = check(&met, true);
    let expired = pass(&mut respond, HOUR_MS);
    assert_eq!(outcomes(&expired), ["expired"]);
    assert_eq!(decisions(&expired)[0].said.as_ref().unwrap().matched, Some(1));
    let mut after = met.clone();
    after.at_ms = HOUR_MS;
    assert_eq!(told(&respond.apply(&verdict(2, &after)))[0].0, 1, "it is an alert again");

    let mut respond = check(&met, true);
    let end = command(2, 2 * MINUTE_MS, CommandAction::Unsilence, "c-0");
    assert_eq!(outcomes(&respond.apply(&end)), ["unsilenced"]);
    assert_eq!(outcomes(&respond.apply(&end)), ["refused"]);
    assert!(!alerts(&respond.apply(&verdict(3, &after))).is_empty());

    check(&Told { hard_indicator: Some("canary".to_owned()), ..met.clone() }, false);
    check(&Told { agent: "other".to_owned(), ..met.clone() }, false);
    check(&Told { signals: vec![("volume".to_owned(), 9_000_000)], ..met.clone() }, false);
    met.facts.destination = Some("elsewhere.example".to_owned());
    check(&met, false);
}
