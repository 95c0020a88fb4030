//! An alert or verdict on one screen: who, for whom, what differed from what, how sure.

use std::fmt::Write;

use alerting::ocsf::DetectionFinding;
use schemas::finding::{Support, Verdict};
use schemas::inventory::Criticality;
use schemas::trust::Level;
use schemas::{Contribution, EventTime, MicroNats};

use super::clean;
use crate::local::Explained;

/// A share from which an alert tells a signal in full; `explain FILE --id ID` tells all.
const TOLD_MICRONATS_MIN: i64 = 100_000;

fn time(ms: i64) -> String {
    EventTime::from_millis(ms).map_or_else(|_| ms.to_string(), EventTime::rfc3339)
}

fn optional(label: &str, value: Option<&str>) -> String {
    value.map_or_else(String::new, |value| format!("{label}{}", clean(value)))
}

/// The agent, or how many there are.
fn who(alert: &DetectionFinding) -> String {
    let own = &alert.unmapped.habitus;
    let agents = own.fleet.as_ref().map(|fleet| format!("{} agents", fleet.members_count));
    agents.unwrap_or_else(|| clean(&own.agent_id))
}

/// Renders an alert as given.
pub fn alert(alert: &DetectionFinding) -> String {
    let own = &alert.unmapped.habitus;
    let mut out = String::new();
    let _infallible = writeln!(
        out,
        "{} {} - {}",
        clean(&alert.severity.to_uppercase()),
        time(alert.finding_info.first_seen_time),
        clean(&alert.finding_info.title)
    );
    let _infallible = writeln!(
        out,
        "  who       {}{}{}{}{}",
        who(alert),
        optional(" version ", own.agent_version.as_deref()),
        optional(", blueprint ", own.blueprint.as_deref()),
        optional(", owner ", own.owner.as_deref()),
        optional(", criticality ", own.criticality.map(Criticality::as_str)),
    );
    let chain: Vec<String> = own.chain.iter().map(|link| clean(link)).collect();
    let chain =
        if chain.is_empty() { String::new() } else { format!(", chain {}", chain.join(" > ")) };
    let user = alert.actor.as_ref().and_then(|actor| actor.user.as_ref());
    let user = user.and_then(|user| user.name.as_deref().or(user.uid.as_deref()));
    let _infallible = writeln!(
        out,
        "  for whom  {}{}{chain}{}",
        own.authority.as_str(),
        optional(", for ", user),
        optional(", purpose ", own.purpose.as_deref()),
    );
    let _infallible = writeln!(out, "  what      {}", clean(&alert.message));
    let (told, small): (Vec<_>, Vec<_>) =
        own.contributions.iter().partition(|c| c.micronats.0 >= TOLD_MICRONATS_MIN);
    contributions(&mut out, told);
    if !small.is_empty() {
        let sum = MicroNats(small.iter().map(|c| c.micronats.0).sum());
        let names: Vec<String> = small.iter().map(|c| clean(&c.signal)).collect();
        let _infallible =
            writeln!(out, "  {:>10} nats  together: {}", sum.to_string(), names.join(", "));
    }
    let baseline = (own.baseline.state.as_str(), own.baseline.events, own.baseline.active_hours);
    sure(&mut out, own.return_period_actor_months, own.return_period_support, baseline);
    trust_line(&mut out, own.trust_score_previous, own.trust_score, own.trust_level);
    let techniques =
        alert.finding_info.attacks.iter().filter_map(|attack| attack.technique.as_ref());
    let techniques: Vec<String> = techniques.map(|technique| clean(&technique.uid)).collect();
    if !techniques.is_empty() {
        let _infallible = writeln!(out, "  like      {}", techniques.join(", "));
    }
    let events: Vec<String> =
        alert.finding_info.related_events.iter().take(3).map(|event| clean(&event.uid)).collect();
    let _infallible =
        writeln!(out, "  events    {} in all: {}", alert.count.unwrap_or(1), events.join(", "));
    out
}

/// Renders an alert on one line.
pub fn alert_line(alert: &DetectionFinding) -> String {
    let own = &alert.unmapped.habitus;
    format!(
        "{} {:<20} {:<11} {:<11} {} nats, once in {:.1} actor-months, trust {:.0} -> {:.0}",
        time(alert.finding_info.first_seen_time),
        who(alert),
        own.authority.as_str(),
        clean(&alert.finding_info.analytic.uid),
        own.score_micronats,
        own.return_period_actor_months,
        own.trust_score_previous,
        own.trust_score,
    )
}

/// Renders one activity's verdict: every signal in full.
pub fn verdict(explained: &Explained) -> String {
    let verdict: &Verdict = &explained.verdict;
    let facts = &verdict.facts;
    let mut out = String::new();
    let _infallible =
        writeln!(out, "activity {} at {}", clean(&verdict.activity_id), verdict.time.rfc3339());
    let _infallible = writeln!(
        out,
        "  who       {}{}{}{}{}",
        clean(&verdict.actor.agent_id),
        optional(" version ", facts.agent_version.as_deref()),
        optional(", blueprint ", facts.blueprint.as_deref()),
        optional(", owner ", facts.owner.as_deref()),
        optional(", criticality ", facts.criticality.map(Criticality::as_str)),
    );
    let _infallible = writeln!(
        out,
        "  for whom  {}{}{}",
        verdict.actor.authority.as_str(),
        optional(", for ", facts.subject_name.as_deref().or(facts.subject.as_deref())),
        optional(", purpose ", facts.purpose.as_deref()),
    );
    let _infallible = writeln!(
        out,
        "  what      {}{}{}{}",
        clean(&facts.action),
        optional(" ", facts.operation.as_deref()),
        optional(" on ", facts.resource.as_deref()),
        optional(" towards ", facts.destination.as_deref()),
    );
    let _infallible = writeln!(out, "  score     {} nats", verdict.score);
    contributions(&mut out, &verdict.contributions);
    if !verdict.shadow_contributions.is_empty() {
        let _infallible = writeln!(out, "  in shadow, in no score:");
        contributions(&mut out, &verdict.shadow_contributions);
    }
    let baseline =
        (verdict.baseline.state.as_str(), verdict.baseline.events, verdict.baseline.active_hours);
    sure(&mut out, verdict.return_period_actor_months, verdict.return_period_support, baseline);
    trust_line(&mut out, verdict.trust_before, verdict.trust_after, verdict.level_after);
    let alert = explained.alert_id.as_deref().map_or("none: within the budget".to_owned(), clean);
    let _infallible = writeln!(
        out,
        "  alert     {alert}{}",
        if explained.late { " (late: windows stood still)" } else { "" }
    );
    out
}

fn contributions<'a>(out: &mut String, contributions: impl IntoIterator<Item = &'a Contribution>) {
    for c in contributions {
        let _infallible = writeln!(
            out,
            "  {:>10} nats  {:<11} {}",
            c.micronats.to_string(),
            clean(&c.signal),
            clean(&c.observed)
        );
        let _infallible = writeln!(
            out,
            "      expected {} ({} observations; {})",
            clean(&c.expected),
            c.support,
            clean(&c.peers)
        );
        let _infallible = writeln!(out, "      normal would have been {}", clean(&c.normal));
    }
}

fn sure(out: &mut String, months: f64, support: Support, (state, events, hours): (&str, u64, u64)) {
    let rarity = if months >= 1.0 {
        format!("once in {months:.1} actor-months")
    } else {
        format!("{:.1} times an actor-month", 1.0 / months.max(1e-9))
    };
    let beyond = if support.extrapolated { ", beyond all that was seen" } else { "" };
    let _infallible = writeln!(
        out,
        "  how sure  {rarity} in this peer group, from {:.0} actor-hours{beyond}; baseline {} after {events} activities in {hours} active hours",
        support.actor_hours,
        clean(state),
    );
}

fn trust_line(out: &mut String, before: f64, after: f64, level: Level) {
    let _infallible = writeln!(out, "  trust     {before:.1} -> {after:.1} ({})", level.as_str());
}
