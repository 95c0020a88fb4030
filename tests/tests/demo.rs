//! What the demo promises, over three fleets: nearly every compromise is seen in time, few others are held, alerts
//! keep their budget, and the worst would have been stopped. One fleet alone would test the luck of its seed.

use std::collections::BTreeSet;

use habitus::local::{Input, LineOutcome, Role, Run};
use scenario::{agent_count, generate, incidents};
use schemas::revocation::{RevocationAction, RevocationMode};
use schemas::trust::Level;
use tests::{lines_of, plain, settings};

/// The demo's own seed, and the first two.
const SEEDS: [u64; 3] = [7, 1, 2];
const SEEN_WITHIN_MS: i64 = 6 * 3_600_000;
/// Compromises that may go unseen within that time, of 18.
const UNSEEN_MAX: usize = 3;
/// Share of the agents without an incident that may fall to `restricted` or lower within four weeks.
const BYSTANDERS_SHARE_MAX: f64 = 0.15;
/// Fleets in which no session might have been revoked.
const UNREVOKED_MAX: usize = 1;
/// Four weeks in months.
const MONTHS: f64 = 28.0 / 30.44;

/// What became of one fleet.
struct Outcome {
    unseen: Vec<String>,
    bystanders: BTreeSet<String>,
    false_alerts: usize,
    untrusted: usize,
    revoked: bool,
}

fn outcome(seed: u64) -> Outcome {
    let events = generate(seed);
    let mut run = Run::new(&settings(), plain(2));
    let mut alerted = Vec::new();
    run.feed(&Input { topic: "demo", role: Role::Scored, bytes: &events }, &mut |line| {
        if let LineOutcome::Scored { activity, alert_id: Some(_), .. } = &line.outcome {
            alerted.push((activity.agent.id.to_string(), activity.time.millis()));
        }
    });
    let report = run.finish();
    let compromised: BTreeSet<&str> = incidents().iter().map(|incident| incident.agent).collect();
    let is_bystander = |agent: &str| !compromised.contains(agent);
    let unseen = incidents().into_iter().filter(|incident| {
        let window = incident.begin_ms()..=incident.begin_ms() + SEEN_WITHIN_MS;
        !alerted.iter().any(|(agent, ms)| agent == incident.agent && window.contains(ms))
    });
    let fallen = report.actors.iter().filter(|(_, trust)| trust.lowest_level <= Level::Restricted);
    let fallen = fallen.map(|(actor, _)| actor.agent_id.to_string());
    let alerts = report.alerts.iter();
    Outcome {
        unseen: unseen.map(|incident| format!("seed {seed}: {incident:?}")).collect(),
        bystanders: fallen.filter(|agent| is_bystander(agent)).collect(),
        false_alerts: alerts.filter(|a| is_bystander(&a.unmapped.habitus.agent_id)).count(),
        untrusted: report.actors.values().filter(|t| t.lowest_level == Level::Untrusted).count(),
        revoked: report.revocations.iter().any(|request| {
            request.action == RevocationAction::RevokeSessions
                && request.mode == RevocationMode::DryRun
        }),
    }
}

#[test]
fn compromised_agents_are_seen_and_others_are_left_alone() {
    let outcomes = SEEDS.map(outcome);
    let compromised: BTreeSet<&str> = incidents().iter().map(|incident| incident.agent).collect();
    let clean = (SEEDS.len() * (agent_count() - compromised.len())) as f64;

    assert_eq!(outcomes[0].unseen, Vec::<String>::new(), "the demo itself shows every compromise");
    let unseen: Vec<&String> = outcomes.iter().flat_map(|outcome| &outcome.unseen).collect();
    assert!(unseen.len() <= UNSEEN_MAX, "unseen: {unseen:#?}");

    let bystanders: usize = outcomes.iter().map(|outcome| outcome.bystanders.len()).sum();
    let names: Vec<_> = outcomes.iter().map(|outcome| &outcome.bystanders).collect();
    assert!(bystanders as f64 <= BYSTANDERS_SHARE_MAX * clean, "held without cause: {names:#?}");

    let budget = settings().respond.alerts_per_actor_month * clean * MONTHS;
    let false_alerts: usize = outcomes.iter().map(|outcome| outcome.false_alerts).sum();
    assert!(false_alerts as f64 <= budget, "{false_alerts} false alerts, {budget:.0} accepted");

    assert!(outcomes.iter().all(|outcome| outcome.untrusted > 0), "nobody became untrusted");
    let unrevoked = outcomes.iter().filter(|outcome| !outcome.revoked).count();
    assert!(unrevoked <= UNREVOKED_MAX, "{unrevoked} fleets in which nobody was stopped");
    println!("{} unseen, {bystanders} bystanders, {false_alerts} false alerts", unseen.len());
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
