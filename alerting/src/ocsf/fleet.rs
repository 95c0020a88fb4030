//! Composes a Detection Finding from an alert about many agents: the thing they met, or the tenant they are new to,
//! stands for the target, the agents for the resources. What it shares with the alert of one actor is composed there. It
//! decides nothing.

use ::ocsf::{
    Actor, AnalysisTarget, DetectionFinding, Remediation, ResourceDetails, Severity, observables,
};
use schemas::alert::{FleetAlert, FloodJoined, FloodMember};
use schemas::finding::{BaselineState, Facts, MetKind, Support, Verdict};
use schemas::trust::Level;
use schemas::{ActorRef, Authority, Contribution, MicroNats, Newcomers};
use serde_json::json;

use super::compose::{self, Moment, count};
use crate::cases::OpenAlert;
use crate::coordination::{Raised, threshold};
use crate::settings::Settings;
use crate::swarm::{Judged, SwarmAlert, window_hours};
use crate::text::clean;

/// The signal that leads.
const SIGNAL: &str = "coordination";
/// Members that a sentence names.
const NAMED_MAX: usize = 8;
/// Hours after which a tenant's habits are known.
const READY_HOURS: f64 = 24.0;

/// The record of an alert about many agents at a moment; `trust` is that of the least trusted of them.
pub(crate) fn compose_fleet(
    settings: &Settings,
    moment: &Moment<'_>,
    raised: &Raised,
    trust: Option<(f64, Level)>,
) -> DetectionFinding {
    let Raised { key, name, alert, .. } = raised;
    let (trust, level) = trust.unwrap_or((100.0, Level::Unknown));
    let open = open_alert(moment, raised, (trust, level));
    let mut record = compose::compose(settings, moment, &open);
    // As severe as the same rareness of an actor that is restricted: it is more than one. New agents did nothing yet.
    let arrives = key.0 == MetKind::Tenant;
    let as_of = if arrives { Level::Unknown } else { Level::Restricted };
    let severity = Severity::of(as_of, alert.worst.return_period / threshold(settings));
    record.severity_id = severity.id();
    severity.as_str().clone_into(&mut record.severity);
    record.risk_level_id = severity.risk_level_id();
    severity.risk_level().clone_into(&mut record.risk_level);
    record.risk_details =
        Some(format!("The least trusted member has {trust:.1} ({}).", level.as_str()));
    if arrives {
        record.finding_info.title = "Far more new AI agents than usual".to_owned();
        record.risk_details = Some("New agents have no habits to be judged by.".to_owned());
    }
    record.message = message(raised);
    record.finding_info.desc = description(raised);
    record.finding_info.related_events_count = count(alert.members.count());
    record.remediation = Some(Remediation { desc: advice(arrives).to_owned() });
    record.actor = None;
    record.resources.extend(members(&alert.members));
    for evidence in &mut record.evidences {
        (evidence.actor, evidence.uid) = (None, None);
        evidence.data = Some(json!({ "kind": key.0.as_str(), "name": name }));
        record.observables = observables(&Actor::default(), evidence, &record.resources);
    }
    for analysis in &mut record.anomaly_analyses {
        let kind = Some(key.0.as_str().to_owned());
        analysis.analysis_targets = vec![AnalysisTarget { name: name.clone(), kind }];
    }
    record.unmapped.habitus.fleet = Some(fleet(raised));
    record
}

fn advice(arrives: bool) -> &'static str {
    if arrives {
        "Find who sends these ids: a roll-out, a producer that makes an id for each session, or somebody who invents \
         them; confine that producer to its agents, and tell whether it was expected."
    } else {
        "Find what moved these agents at once: an instruction, a tool, a credential or a \
         roll-out; tell whether it was expected."
    }
}

/// Agents that an alert of others names.
pub(super) fn members(of: &Newcomers) -> impl Iterator<Item = ResourceDetails> {
    of.agents().iter().map(|agent| ResourceDetails {
        uid: Some(agent.id.clone()),
        name: Some(agent.id.clone()),
        kind: Some("AI Agent".to_owned()),
        role_id: Some(2),
        role: Some("Actor".to_owned()),
        ..ResourceDetails::default()
    })
}

fn fleet(raised: &Raised) -> FleetAlert {
    let Raised { key: (kind, key), name, alert, joined, .. } = raised;
    FleetAlert {
        kind: *kind,
        name: name.clone(),
        key: format!("{key:016x}"),
        members: alert.members.agents().iter().map(|agent| agent.id.clone()).collect(),
        members_count: alert.members.count(),
        members_exact: alert.members.is_exact(),
        window_agents: alert.worst.agents,
        window_expected: alert.worst.expected,
        window_seconds: window_hours(*kind) * 3_600,
        joined: joined.clone(),
    }
}

/// The alert in the shape of an actor's, whose actor has no name.
fn open_alert(moment: &Moment<'_>, raised: &Raised, (trust, level): (f64, Level)) -> OpenAlert {
    let alert = &raised.alert;
    OpenAlert {
        id: alert.id.clone(),
        opened: alert.opened,
        last: alert.last,
        first_seen: alert.seen.0,
        last_seen: alert.seen.1,
        count: alert.members.count(),
        related_events: Vec::new(),
        trust_before: trust,
        trust_after: trust,
        trust_effective: trust,
        level,
        level_effective: level,
        worst: verdict(moment, raised, (trust, level)),
        versions: alert.versions.clone(),
        sources: [alert.topic_id.clone()].into(),
        truncated: false,
        request_id: None,
        joined: None,
        told: None,
    }
}

fn verdict(moment: &Moment<'_>, raised: &Raised, (trust, level): (f64, Level)) -> Verdict {
    let Raised { key, name, alert: SwarmAlert { worst, seen, .. }, .. } = raised;
    let place = |kind| (key.0 == kind).then(|| name.clone());
    let state = if worst.hours < READY_HOURS { "learning" } else { "ready" };
    Verdict {
        actor: ActorRef {
            tenant_id: moment.tenant_id.to_owned(),
            agent_id: String::new(),
            authority: Authority::Unknown,
        },
        activity_id: String::new(),
        time: seen.1,
        score: MicroNats(micro(worst.nats)),
        contributions: vec![contribution(key.0, name, worst)],
        shadow_contributions: Vec::new(),
        return_period_actor_months: worst.return_period,
        counted_actor_months: None,
        return_period_support: Support {
            actor_hours: worst.hours,
            extrapolated: worst.extrapolated,
        },
        keys: Vec::new(),
        hard_indicator: None,
        causes: Vec::new(),
        baseline: BaselineState {
            state: state.to_owned(),
            events: whole(worst.episodes),
            active_hours: whole(worst.hours),
            first_seen: None,
            newcomer_since: None,
        },
        trust_before: trust,
        trust_after: trust,
        trust_evidence: 0.0,
        level_before: level,
        level_after: level,
        facts: Facts {
            action: SIGNAL.to_owned(),
            destination: place(MetKind::Destination),
            resource: place(MetKind::Resource),
            ..Facts::default()
        },
    }
}

fn contribution(kind: MetKind, name: &str, worst: &Judged) -> Contribution {
    Contribution {
        signal: SIGNAL.to_owned(),
        micronats: MicroNats(micro(worst.nats)),
        evidence_micronats: MicroNats(micro(worst.nats)),
        observed: format!("{} agents {} within {}", worst.agents, did(kind, name), hours(kind)),
        expected: format!("{:.1} new agents within {}", worst.expected, hours(kind)),
        support: whole(worst.episodes),
        peers: String::new(),
        normal: "new agents one by one".to_owned(),
    }
}

fn message(raised: &Raised) -> String {
    let Raised { key, name, alert, .. } = raised;
    let exact = if alert.members.is_exact() { "" } else { "About " };
    format!(
        "{exact}{} agents {}, {} of them within {}; expected: {}{:.1}.",
        alert.members.count(),
        did(key.0, name),
        alert.worst.agents,
        hours(key.0),
        if key.0 == MetKind::Tenant { "at most " } else { "" },
        alert.worst.expected,
    )
}

/// What the agents have in common.
fn did(kind: MetKind, name: &str) -> String {
    let name = clean(name);
    match kind {
        MetKind::Tenant => format!("are new to the tenant {name}"),
        _ => format!("met the {} {name} for the first time", kind.as_str()),
    }
}

fn description(raised: &Raised) -> String {
    let SwarmAlert { members, worst, .. } = &raised.alert;
    let named = members.agents().iter().take(NAMED_MAX);
    let named: Vec<String> = named.map(|agent| clean(&agent.id)).collect();
    let others = members.count().saturating_sub(named.len() as u64);
    let others = if others == 0 { String::new() } else { format!(" and {others} others") };
    let beyond = if worst.extrapolated { ", beyond what was ever seen" } else { "" };
    format!(
        "{} Once in {:.1} months of the tenant{beyond} ({} episodes in {:.0} hours). Members: {}{others}.{}",
        message(raised),
        worst.return_period,
        whole(worst.episodes),
        worst.hours,
        named.join(", "),
        raised.joined.as_ref().map(sentence).unwrap_or_default(),
    )
}

/// What members of a flood did that else had alerted.
fn sentence(joined: &FloodJoined) -> String {
    let about = if joined.agents_exact { "" } else { "about " };
    let (agents, events) = (joined.agents_count, joined.events);
    let rarest = joined.rarest.iter().take(NAMED_MAX).map(|member: &FloodMember| {
        let (agent, period) = (clean(&member.agent_id), member.return_period_actor_months);
        format!("{agent} ({}, once in {period:.1} actor-months)", clean(&member.signal))
    });
    let rarest: Vec<String> = rarest.collect();
    format!(
        " {events} events of {about}{agents} of them would have alerted by themselves, the rarest of {}.",
        rarest.join(", ")
    )
}

fn hours(kind: MetKind) -> String {
    match window_hours(kind) {
        1 => "an hour".to_owned(),
        hours => format!("{hours} hours"),
    }
}

fn micro(nats: f64) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "nats of at most some billions of agents")]
    let micro = (nats * 1e6) as i64;
    micro
}

fn whole(number: f64) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not below 0")]
    let whole = (number + 0.5) as u64;
    whole
}
