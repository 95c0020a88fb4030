//! Sentences of an alert, composed from facts alone. Texts of events are cleaned and cut before they enter;
//! none is a template.

use schemas::finding::Verdict;
use schemas::trust::Level;
use schemas::{Authority, Contribution};

use crate::cases::OpenAlert;
use crate::text::clean;

/// Signals that a description tells of.
const TOLD_SIGNALS_MAX: usize = 3;

/// Who did what, against what is usual.
pub(crate) fn message(alert: &OpenAlert) -> String {
    let verdict = &alert.worst;
    let told = match verdict.contributions.first() {
        None => "unusual behaviour".to_owned(),
        Some(first) if first.normal.is_empty() => seen(first),
        Some(first) => format!("{}; usual: {}", seen(first), clean(&first.normal)),
    };
    format!("Agent {} ({}): {told}.", agent(verdict), behalf(verdict))
}

/// What differed from what, and how sure that is.
pub(super) fn description(alert: &OpenAlert) -> String {
    let verdict = &alert.worst;
    let mut sentences: Vec<String> =
        verdict.contributions.iter().take(TOLD_SIGNALS_MAX).map(difference).collect();
    let period = verdict.return_period_actor_months;
    let beyond =
        if verdict.return_period_support.extrapolated { ", beyond what was ever seen" } else { "" };
    sentences.push(format!(
        "Once in {period:.1} actor-months in its peer group{beyond} ({:.0} actor-hours).",
        verdict.return_period_support.actor_hours,
    ));
    let baseline = &verdict.baseline;
    if baseline.state == "learning" {
        sentences.push(format!(
            "Still learning: {} activities in {} active hours were seen of the actor.",
            baseline.events, baseline.active_hours,
        ));
    }
    sentences.extend(alert.joined.as_ref().and_then(|joined| joined.sentence()));
    sentences.join(" ")
}

/// How trust changed.
pub(super) fn risk(alert: &OpenAlert) -> String {
    let events = if alert.count == 1 { "event" } else { "events" };
    let moved = if alert.trust_after < alert.trust_before { "fell" } else { "went" };
    format!(
        "Trust {moved} from {:.1} to {:.1} ({}) over {} anomalous {events}.",
        alert.trust_before,
        alert.trust_after,
        alert.level.as_str(),
        alert.count,
    )
}

/// What to do next.
pub(super) fn remediation(level: Level) -> &'static str {
    match level {
        Level::Untrusted => {
            "End the agent's sessions, revoke its credentials and review the task before re-enabling it."
        }
        Level::Restricted => "Let a person approve what the agent does next, and review the task.",
        Level::Watch | Level::Unknown | Level::Trusted => {
            "Review the activities, and tell whether they were expected."
        }
    }
}

fn difference(contribution: &Contribution) -> String {
    let mut text = format!("{}: {}", clean(&contribution.signal), seen(contribution));
    if !contribution.expected.is_empty() {
        text.push_str("; expected: ");
        text.push_str(&clean(&contribution.expected));
    }
    if !contribution.peers.is_empty() {
        text.push_str("; peers: ");
        text.push_str(&clean(&contribution.peers));
    }
    format!("{text} ({} observations).", contribution.support)
}

/// What was seen, in words.
pub(super) fn seen(contribution: &Contribution) -> String {
    if contribution.observed.is_empty() {
        format!("unusual {}", clean(&contribution.signal))
    } else {
        clean(&contribution.observed)
    }
}

fn agent(verdict: &Verdict) -> String {
    let name = verdict.facts.agent_name.as_deref().filter(|name| !name.is_empty());
    clean(name.unwrap_or(&verdict.actor.agent_id))
}

fn behalf(verdict: &Verdict) -> String {
    let facts = &verdict.facts;
    let subject = facts.subject_name.as_deref().or(facts.subject.as_deref()).map(clean);
    match (verdict.actor.authority, subject) {
        (Authority::Delegated, Some(subject)) => format!("delegated by {subject}"),
        (Authority::Delegated, None) => "delegated".to_owned(),
        (Authority::Autonomous, _) => "autonomous".to_owned(),
        (Authority::Unknown, Some(subject)) => format!("authority unknown, for {subject}"),
        (Authority::Unknown, None) => "authority unknown".to_owned(),
    }
}
