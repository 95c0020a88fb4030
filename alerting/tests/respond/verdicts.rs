//! What analysts say: silence, evidence for and against, closing, and that all of it is bounded and ends.

use alerting::{Mode, Respond, Response, Settings, intake};
use baseline::Shared;
use baseline::shared::OutsideEvidence;
use schemas::Authority;
use schemas::feedback::{Feedback, FeedbackVerdict, Scope};
use schemas::finding::{Body, Finding, Versions};
use schemas::trust::Level;

use crate::findings::{HOUR_MS, MINUTE_MS, Told, alerts, finding, fold, level, time, verdict};

const DAY_MS: i64 = 24 * HOUR_MS;

fn said(offset: u64, at_ms: i64, word: FeedbackVerdict, alert_id: Option<&str>) -> Finding {
    let said = Feedback {
        schema: "agent.feedback/1".to_owned(),
        id: format!("fb-{offset}"),
        time: time(at_ms),
        tenant_id: "acme".to_owned(),
        verdict: word,
        alert_id: alert_id.map(str::to_owned),
        scope: Scope {
            agent_id: Some("invoice-bot".to_owned()),
            authority: Some(Authority::Delegated),
            signal: Some("destination".to_owned()),
            ..Scope::default()
        },
        expires_at: time(at_ms + DAY_MS),
        author: "carol@acme.example".to_owned(),
        comment: "change CHG-4411".to_owned(),
    };
    finding(offset, at_ms, Body::Feedback(Box::new(said)))
}

fn told(at_ms: i64, before: f64, after: f64) -> Told {
    Told { at_ms, trust: (before, after), level: Level::Watch, ..Told::default() }
}

/// What a lane knows after responses, and how many control records told it.
fn taken_up(lane: &mut Shared, responses: &[Response]) -> usize {
    let mut n_records = 0;
    for response in responses {
        if let Response::Control { key, value, .. } = response {
            assert!(lane.take_up(key, value).unwrap(), "{key}");
            n_records += 1;
        }
    }
    n_records
}

fn outcome(responses: &[Response]) -> String {
    let mut words = responses.iter().filter_map(|response| match response {
        Response::Decision(record) => record.outcome.clone(),
        _ => None,
    });
    words.next_back().unwrap_or_default()
}

fn evidence(lane: &Shared) -> &[OutsideEvidence] {
    lane.outside().evidence("acme|invoice-bot")
}

#[test]
fn what_was_expected_is_closed_silent_and_forgiven_until_it_expires() {
    let (mut respond, mut lane) = (fold(Mode::Alert), Shared::default());
    let opened = respond.apply(&verdict(0, &told(0, 90.0, 72.0)));
    respond.apply(&verdict(1, &told(MINUTE_MS, 72.0, 60.0)));
    let id = alerts(&opened)[0].finding_info.uid.clone();
    let responses = respond.apply(&said(2, 2 * MINUTE_MS, FeedbackVerdict::Expected, Some(&id)));
    assert_eq!(outcome(&responses), "expected");
    let closed = alerts(&responses);
    assert_eq!((closed[0].activity_id, &closed[0].finding_info.uid), (3, &id));
    assert_eq!(closed[0].status, "Resolved");
    assert_eq!(respond.counts().open_alerts, 0);

    assert_eq!(taken_up(&mut lane, &responses), 2);
    let back = evidence(&lane)[0];
    // As much as both events added, less the little that has decayed.
    let expected = -crate::findings::evidence((90.0, 60.0));
    let taken = f64::from(back.fast) + f64::from(back.slow);
    assert!((taken - expected).abs() < 0.01, "{taken} {expected}");
    assert!((f64::from(back.fast) / taken - 0.8).abs() < 0.01);
    assert_eq!(back.authority, Authority::Delegated);
    assert_eq!(lane.outside().expected("acme").count(), 1);
    assert_eq!(respond.snapshot().outside().evidence("acme|invoice-bot"), evidence(&lane));

    // The next occurrence is silent, another signal is not.
    assert_eq!(respond.apply(&verdict(3, &told(HOUR_MS, 90.0, 90.0))), []);
    let other = Told { signals: vec![("rate".to_owned(), 9_000_000)], ..told(HOUR_MS, 90.0, 89.0) };
    assert_eq!(alerts(&respond.apply(&verdict(4, &other))).len(), 1);
    // The same verdict again changes nothing; another one on the same alert takes nothing back.
    let again = respond.apply(&said(2, HOUR_MS, FeedbackVerdict::Expected, Some(&id)));
    assert_eq!((outcome(&again), taken_up(&mut lane, &again)), ("refused".to_owned(), 0));
    let second = respond.apply(&said(5, HOUR_MS, FeedbackVerdict::Expected, Some(&id)));
    assert_eq!(taken_up(&mut lane, &second), 1, "the scope alone");
    assert_eq!(evidence(&lane).len(), 1);

    let (tenant, due) = respond.next_deadline().unwrap();
    assert!(due < time(DAY_MS + 2 * MINUTE_MS), "the alert of the rate closes first");
    assert_eq!(tenant, "acme");
    let mut expired = 0;
    while let Some((tenant, due)) = respond.next_deadline()
        && due <= time(2 * DAY_MS)
    {
        let tick = intake::tick(tenant, due, 0, &Versions::default());
        expired += taken_up(&mut lane, &respond.apply(&tick));
    }
    assert_eq!((expired, lane.outside().expected("acme").count()), (2, 0));
    let after = respond.apply(&verdict(9, &told(2 * DAY_MS, 90.0, 72.0)));
    assert_eq!(alerts(&after)[0].activity_id, 1, "an alert again");
}

#[test]
fn a_hard_indicator_is_never_silenced_by_feedback_expected() {
    let mut respond = fold(Mode::Alert);
    let opened = respond.apply(&verdict(0, &told(0, 90.0, 72.0)));
    let id = alerts(&opened)[0].finding_info.uid.clone();
    respond.apply(&said(1, 0, FeedbackVerdict::Expected, Some(&id)));
    let again = told(MINUTE_MS, 90.0, 90.0);
    assert_eq!(respond.apply(&verdict(2, &again)), [], "what was expected is silent");
    for (offset, word) in (3..).zip(["canary", "revoked_credential", "policy_deny", "retired"]) {
        let hard = Told { hard_indicator: Some(word.to_owned()), ..again.clone() };
        let responses = respond.apply(&verdict(offset, &hard));
        assert_eq!(alerts(&responses).len(), 1, "{word}");
    }
    let counts = respond.counts();
    assert_eq!((counts.silenced, counts.open_alerts, counts.silences), (1, 1, 1));
}

#[test]
fn malicious_is_evidence_once_an_alert_and_bounded_for_an_actor() {
    let (mut respond, mut lane) = (fold(Mode::Alert), Shared::default());
    let opened = respond.apply(&verdict(0, &told(0, 90.0, 89.0)));
    let id = alerts(&opened)[0].finding_info.uid.clone();
    let word = FeedbackVerdict::Malicious;
    let responses = respond.apply(&said(1, MINUTE_MS, word, Some(&id)));
    assert_eq!((outcome(&responses), alerts(&responses).len()), ("malicious".to_owned(), 0));
    assert_eq!(taken_up(&mut lane, &responses), 1);
    assert_eq!((evidence(&lane)[0].fast, evidence(&lane)[0].slow), (0.0, 10.0));
    let again = respond.apply(&said(2, MINUTE_MS, word, Some(&id)));
    assert_eq!((outcome(&again), taken_up(&mut lane, &again)), ("noted".to_owned(), 0));
    // Without an alert the scope says who; people's word has a limit.
    for offset in 3..9 {
        let responses = respond.apply(&said(offset, MINUTE_MS, word, None));
        assert_eq!(taken_up(&mut lane, &responses), usize::from(offset == 3), "{offset}");
    }
    let sum: f32 = evidence(&lane).iter().map(|said| said.slow).sum();
    assert_eq!(sum.to_bits(), 20.0_f32.to_bits());
    assert!(evidence(&lane).is_sorted_by_key(|said| said.sequence));
    // Who changes their mind takes back their own word with what the alert added.
    let responses = respond.apply(&said(9, MINUTE_MS, FeedbackVerdict::Expected, Some(&id)));
    taken_up(&mut lane, &responses);
    assert!(evidence(&lane)[2].slow < -10.0);
}

#[test]
fn what_says_nothing_moves_nobody() {
    let mut respond = fold(Mode::Alert);
    let opened = respond.apply(&verdict(0, &told(0, 90.0, 80.0)));
    let id = alerts(&opened)[0].finding_info.uid.clone();
    let check = |respond: &mut Respond, finding: &Finding, expected: &str| {
        let responses = respond.apply(finding);
        assert_eq!(outcome(&responses), expected);
        assert_eq!((responses.len(), taken_up(&mut Shared::default(), &responses)), (1, 0));
    };
    check(&mut respond, &said(1, 0, FeedbackVerdict::Unsure, Some(&id)), "noted");
    let mut by_agent = said(2, 0, FeedbackVerdict::Expected, Some(&id));
    if let Body::Feedback(said) = &mut by_agent.body {
        "other-bot".clone_into(&mut said.author);
    }
    respond.apply(&level(3, 0, "other-bot", Level::Trusted, 99.0));
    check(&mut respond, &by_agent, "refused");
    let mut late = said(4, 0, FeedbackVerdict::Expected, Some(&id));
    late.log_time = time(DAY_MS);
    respond.apply(&level(5, DAY_MS, "other-bot", Level::Trusted, 99.0));
    check(&mut respond, &late, "refused");
    let mut stranger = said(6, DAY_MS, FeedbackVerdict::Malicious, None);
    if let Body::Feedback(said) = &mut stranger.body {
        said.scope.agent_id = Some("nobody".to_owned());
    }
    check(&mut respond, &stranger, "noted");
}

#[test]
fn in_one_process_nothing_is_published_and_the_snapshot_knows() {
    let settings = Settings { publish_tables: false, mode: Mode::Alert, ..Settings::default() };
    let mut respond = Respond::new(settings);
    respond.apply(&verdict(0, &told(0, 90.0, 80.0)));
    let responses = respond.apply(&said(1, 0, FeedbackVerdict::Malicious, None));
    assert_eq!(taken_up(&mut Shared::default(), &responses), 0);
    assert_eq!(respond.snapshot().outside().evidence("acme|invoice-bot").len(), 1);
}
