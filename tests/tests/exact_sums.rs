//! A score is exactly the sum of its contributions, in whole micro-nats; a signal in shadow is in no sum and
//! says so.

use std::collections::BTreeSet;
use std::sync::Arc;

use detector::{Observed, SignalMode, signal_ids};
use habitus::local::{Input, LineOutcome, Options, Role, Run, Settings};
use schemas::finding::{Body, Verdict};
use schemas::time::DAY_MS;
use schemas::{Contribution, EventTime};
use tests::{adversarial, lines_of, settings};

/// Runs a stream and hands over every scored line.
fn each(settings: &Settings, explain: bool, bytes: &[u8], on: &mut dyn FnMut(&str, &Observed)) {
    let mut run = Run::new(settings, Options { lanes: 1, freeze: false, explain });
    let mut scored = 0;
    run.feed(
        &Input { topic: "file:0", role: Role::Scored, bytes },
        &mut |line| match &line.outcome {
            LineOutcome::Scored { activity, observed, .. } => {
                scored += 1;
                on(&activity.id, observed);
            }
            LineOutcome::Rejected(rejection) => panic!("a valid event is refused: {rejection:?}"),
            LineOutcome::Duplicate(_) | LineOutcome::Skipped(_) => {}
        },
    );
    assert!(scored > 1_000, "only {scored} lines scored");
}

fn verdict(observed: &Observed) -> Option<&Verdict> {
    observed.findings.iter().find_map(|finding| match &finding.body {
        Body::Verdict(verdict) => Some(verdict.as_ref()),
        _ => None,
    })
}

fn sum(contributions: &[Contribution]) -> i64 {
    contributions.iter().map(|contribution| contribution.micronats.0).sum()
}

fn check(id: &str, observed: &Observed) {
    let counted = observed.assessment.signals.iter().filter(|signal| !signal.shadow);
    let shares: i64 = counted.map(|signal| signal.micronats).sum();
    assert_eq!(shares, observed.assessment.micronats, "{id}");
    assert_eq!(shares, observed.score().0, "{id}");
    if let Some(verdict) = verdict(observed) {
        assert_eq!(verdict.score, observed.score(), "{id}");
        assert_eq!(sum(&verdict.contributions), verdict.score.0, "{id}");
    }
}

#[test]
fn contributions_add_up_over_the_demo() {
    let demo = scenario::generate(7);
    each(&settings(), false, &demo, &mut check);
}

#[test]
fn contributions_add_up_over_a_hostile_stream() {
    for seed in [1, 2] {
        let mut verdicts = 0;
        each(&settings(), true, &adversarial(seed, 4_000), &mut |id, observed| {
            check(id, observed);
            verdicts += usize::from(verdict(observed).is_some());
        });
        assert!(verdicts > 1_000, "every line is explained");
    }
}

/// Four weeks of two agents of the demo: long enough that signals that wait for habits speak. In the last week both
/// are of another version and come with another credential.
fn two_agents() -> Vec<u8> {
    let demo = scenario::generate(7);
    let mut events: Vec<serde_json::Value> =
        lines_of(&demo).into_iter().map(|line| serde_json::from_slice(line).unwrap()).collect();
    events.retain(|event| {
        ["code-review-2", "support-triage-5"].iter().any(|id| event["agent"]["id"] == *id)
    });
    let old = events.len() * 3 / 4;
    for (index, event) in events.iter_mut().enumerate() {
        let (version, kind) = if index < old { ("1", "api_key") } else { ("2", "password") };
        event["agent"]["version"] = version.into();
        event["credential"] = serde_json::json!({"id": kind, "type": kind});
    }
    let lines: Vec<String> = events.iter().map(ToString::to_string).collect();
    lines.join("\n").into_bytes()
}

/// Seven weeks of an agent whose days have more and more sessions, then one call in the middle of the night.
fn patient_agent() -> Vec<u8> {
    let mut lines = Vec::new();
    let start = EventTime::parse("2026-01-05T00:00:00Z").expect("a Monday");
    let mut call = |day: i64, session: i64, minute: i64| {
        let ms = start.millis() + day * DAY_MS + minute * 60_000;
        let time = EventTime::from_millis(ms).expect("a time").rfc3339();
        let id = format!("p{day}-{session}-{minute}");
        let event = serde_json::json!({
            "schema": "agent.activity/1", "id": id, "time": time, "tenant_id": "acme",
            "agent": {"id": "patient"}, "session": {"id": format!("s{day}-{session}")},
            "action": {"type": "tool_call", "tool": {"name": "read"}},
            "destination": {"host": "files.example.net"},
        });
        lines.push(event.to_string());
    };
    for day in 0..49 {
        for session in 0..4 + (day - 28).max(0) {
            for step in 0..4 {
                call(day, session, 9 * 60 + session * 15 + step * 3);
            }
        }
    }
    call(49, 0, 3 * 60);
    lines.join("\n").into_bytes()
}

#[test]
fn a_signal_in_shadow_is_in_no_sum() {
    let mut spoke = BTreeSet::new();
    let streams = [two_agents(), adversarial(4, 1_500), patient_agent()];
    for shadow in signal_ids() {
        let mut settings = settings();
        settings.observe.signal_modes.insert(shadow.to_owned(), SignalMode::Shadow);
        // Nobody is registered, and all who are would be.
        Arc::make_mut(&mut settings.observe.inventory).claim_complete("acme".to_owned());
        for stream in &streams {
            each(&settings, true, stream, &mut |id, observed| {
                check(id, observed);
                for signal in &observed.assessment.signals {
                    assert_eq!(signal.shadow, signal.id == shadow, "{id}: {}", signal.id);
                    if signal.shadow {
                        spoke.insert(shadow);
                    }
                }
                let verdict = verdict(observed).expect("every line is explained");
                let named = |list: &[Contribution]| list.iter().any(|c| c.signal == shadow);
                assert!(!named(&verdict.contributions), "{id}: {shadow} is counted");
                let others = verdict.shadow_contributions.iter().any(|c| c.signal != shadow);
                assert!(!others, "{id}: a signal that counts stands in shadow");
            });
        }
    }
    // Respond judges coordination, over many agents: it is in no activity's sum.
    spoke.insert("coordination");
    let silent: Vec<_> = signal_ids().into_iter().filter(|id| !spoke.contains(id)).collect();
    assert!(silent.is_empty(), "in shadow and never shown: {silent:?}");
}
