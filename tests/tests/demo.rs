//! What the demo promises: every compromise is seen in time, almost nobody else is, and the worst of them would
//! have been stopped.

use std::collections::BTreeSet;

use habitus::local::{Input, LineOutcome, Report, Role, Run};
use scenario::{generate, incidents};
use schemas::revocation::{RevocationAction, RevocationMode};
use schemas::trust::Level;
use tests::{lines_of, plain, settings};

const SEEN_WITHIN_MS: i64 = 6 * 3_600_000;
/// Agents without an incident that may fall to `restricted` or lower.
const BYSTANDERS_MAX: usize = 3;

/// An activity that opened or updated an alert.
struct Alerted {
    agent: String,
    time_ms: i64,
}

fn run() -> (Vec<Alerted>, Report) {
    let events = generate(7);
    let mut run = Run::new(&settings(), plain(2));
    let mut alerted = Vec::new();
    run.feed(&Input { topic: "demo", role: Role::Scored, bytes: &events }, &mut |line| {
        if let LineOutcome::Scored { activity, alert_id: Some(_), .. } = &line.outcome {
            let agent = activity.agent.id.to_string();
            alerted.push(Alerted { agent, time_ms: activity.time.millis() });
        }
    });
    (alerted, run.finish())
}

#[test]
fn compromised_agents_are_seen_and_others_are_left_alone() {
    let (alerted, report) = run();
    let mut problems = Vec::new();
    for incident in incidents() {
        let start = incident.begin_ms();
        let window = start..=start + SEEN_WITHIN_MS;
        let seen = alerted.iter().any(|a| a.agent == incident.agent && window.contains(&a.time_ms));
        if !seen {
            problems.push(format!("{incident:?} has no alert within six hours"));
        }
    }

    let compromised: BTreeSet<&str> = incidents().iter().map(|incident| incident.agent).collect();
    let fell = |actor: &&schemas::ActorRef| report.actors[*actor].lowest_level <= Level::Restricted;
    let bystanders: BTreeSet<&str> = report
        .actors
        .keys()
        .filter(fell)
        .map(|actor| actor.agent_id.as_str())
        .filter(|agent| !compromised.contains(agent))
        .collect();
    if bystanders.len() > BYSTANDERS_MAX {
        problems.push(format!("agents without an incident fell: {bystanders:?}"));
    }
    if !report.actors.values().any(|trust| trust.lowest_level == Level::Untrusted) {
        problems.push("nobody became untrusted".to_owned());
    }
    let revoked = report.revocations.iter().any(|request| {
        request.action == RevocationAction::RevokeSessions && request.mode == RevocationMode::DryRun
    });
    if !revoked {
        problems.push("no session would have been revoked".to_owned());
    }
    println!(
        "{} alerts, {} requests, bystanders {bystanders:?}",
        report.alerts.len(),
        report.revocations.len()
    );
    assert!(problems.is_empty(), "{problems:#?}");
}

#[test]
fn events_decode_as_activities_without_a_note() {
    let mut notes = ingest::Notes::default();
    let mut decoded = Vec::new();
    for line in lines_of(&generate(7)).into_iter().step_by(97) {
        ingest::decode(line, &ingest::Limits::default(), &mut notes, &mut decoded);
        assert!(matches!(decoded.pop(), Some(ingest::Decoded::Activity(_))));
        assert!(decoded.is_empty());
    }
    assert_eq!(format!("{notes:?}"), format!("{:?}", ingest::Notes::default()));
}
