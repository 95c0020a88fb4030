//! What the response does on a scenario, in automatic mode: which actors it restricts and revokes, and how soon after
//! an incident began. Who was healthy at that time is known here; how the folds judge is not.

use std::collections::BTreeMap;

use alerting::Mode;
use alerting::policy::may_revoke;
use habitus::local::{Line, LineOutcome};
use schemas::finding::{Body, Finding};
use schemas::revocation::{InitiatingEntity, RevocationMode};
use schemas::trust::Level;

use super::engine::{Actor, feed};
use crate::scenario::{DAY_MS, Incident, IncidentKind, Scenario, With};

/// An agent counts as healthy again that long after its incident's end: the half-life of slow evidence, which of an
/// agent that rests half of the time is longer. Chosen before anything was measured.
const HEALTHY_AFTER_MS: i64 = 14 * DAY_MS;
/// An incident is answered in time within so many of an agent's events in it.
const EVENTS_MAX: usize = 20;
/// A swarm is answered where that many of its agents are.
const SWARM_MEMBERS_MIN: usize = 3;
const MONTH_MS: f64 = 30.0 * DAY_MS as f64;

/// Incidents of a kind.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answered {
    /// Detectable ones.
    pub detectable: usize,
    /// Of these, restricted or worse within 20 events.
    pub in_time: usize,
    /// Of these, those whose agent was restricted before they began.
    pub before: usize,
    /// Undetectable ones.
    pub undetectable: usize,
    /// Of these, restricted or worse within 20 events.
    pub undetectable_in_time: usize,
    /// Events until an agent was restricted, where it was, of detectable ones.
    pub events: Vec<usize>,
    /// Automatic revocations while an incident goes on or has just ended.
    pub revoked: usize,
}

/// What is shown of fleets of one size.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answers {
    /// Agents.
    pub agents: usize,
    /// Events.
    pub events: u64,
    /// Months in which actors were healthy.
    pub healthy_months: f64,
    /// Falls of healthy actors to restricted or worse, by leading signal.
    pub falls: BTreeMap<String, usize>,
    /// Of these, those of actors with fewer than 24 active hours.
    pub falls_learning: usize,
    /// Of these, those in the days of a benign change of their group.
    pub falls_changed: usize,
    /// Automatic revocations of healthy actors.
    pub revoked: usize,
    /// Requests for approval or a new authentication about healthy actors.
    pub asked: usize,
    /// By kind of incident.
    pub kinds: BTreeMap<IncidentKind, Answered>,
}

/// An agent's part in an incident.
#[derive(Clone, Copy, Debug, Default)]
struct PartSeen {
    n_events: usize,
    /// Restricted when it began.
    before: bool,
    /// The event at which it was restricted.
    at: Option<usize>,
}

/// What is seen while a scenario runs.
struct Watch<'a> {
    scenario: &'a Scenario,
    by_agent: BTreeMap<&'a str, Vec<&'a Incident>>,
    changed: BTreeMap<&'a str, Vec<(i64, i64)>>,
    /// First event and newest fall of each actor, in milliseconds since 1970.
    actors: BTreeMap<Actor, (i64, i64)>,
    parts: BTreeMap<(usize, String), PartSeen>,
    answers: Answers,
}

/// Runs a scenario with everything in it, and with automatic response.
pub fn ask(scenario: &Scenario) -> Answers {
    let mut settings = crate::settings();
    settings.respond.mode = Mode::Enforce;
    let mut watch = Watch::new(scenario);
    let everything = With { incidents: true, changes: true };
    let report = feed((scenario, everything), settings, false, &mut |line| watch.take(line));
    for request in &report.revocations {
        let own = request.mode == RevocationMode::Enforce
            && request.initiating_entity == Some(InitiatingEntity::Policy);
        if !own {
            continue;
        }
        let (agent, ms) = (request.subject.agent_id.as_str(), request.time.millis());
        let revokes = may_revoke(request.action);
        match watch.incident_at(agent, ms) {
            None => {
                *if revokes { &mut watch.answers.revoked } else { &mut watch.answers.asked } += 1
            }
            Some(incident) if revokes => {
                watch.answers.kinds.entry(incident.kind).or_default().revoked += 1;
            }
            Some(_) => {}
        }
    }
    watch.judge()
}

/// When an agent is not healthy because of an incident. A drift does not end.
fn sick(incident: &Incident) -> (i64, i64) {
    let drifts = incident.kind == IncidentKind::Drift;
    let end = if drifts { i64::MAX } else { incident.end_ms + HEALTHY_AFTER_MS };
    (incident.begin_ms, end)
}

// === impl Watch ===

impl<'a> Watch<'a> {
    fn new(scenario: &'a Scenario) -> Self {
        let mut by_agent: BTreeMap<&str, Vec<&Incident>> = BTreeMap::new();
        for incident in scenario.incidents() {
            for agent in &incident.agents {
                by_agent.entry(agent).or_default().push(incident);
            }
        }
        let mut changed: BTreeMap<&str, Vec<(i64, i64)>> = BTreeMap::new();
        for change in scenario.changes() {
            for agent in change.groups.iter().flat_map(|(_, agents)| agents) {
                changed.entry(agent).or_default().push(change.window_ms());
            }
        }
        let answers = Answers { agents: scenario.n_agents(), ..Answers::default() };
        let (actors, parts) = (BTreeMap::new(), BTreeMap::new());
        Self { scenario, by_agent, changed, actors, parts, answers }
    }

    fn incident_at(&self, agent: &str, ms: i64) -> Option<&'a Incident> {
        let mut incidents = self.by_agent.get(agent).into_iter().flatten();
        incidents.find(|incident| within(ms, sick(incident))).copied()
    }

    fn take(&mut self, line: &Line<'_>) {
        let LineOutcome::Scored { activity, observed, .. } = &line.outcome else { return };
        self.answers.events += 1;
        let (ms, agent) = (activity.time.millis(), activity.agent.id.to_string());
        let actor = (agent.clone(), activity.authority().as_str().to_owned());
        let falls = observed.findings.iter().any(falls);
        let (_, fall) = self.actors.entry(actor).or_insert((ms, i64::MIN));
        if falls {
            *fall = ms;
        }
        let fall = *fall;
        if falls && self.incident_at(&agent, ms).is_none() {
            let signals = observed.assessment.signals.iter();
            let leading = signals.max_by_key(|signal| signal.micronats).map_or("", |s| s.id);
            *self.answers.falls.entry(leading.to_owned()).or_default() += 1;
            let learning = observed.findings.iter().any(is_of_learner);
            self.answers.falls_learning += usize::from(learning);
            let windows = self.changed.get(agent.as_str());
            let changed = windows.into_iter().flatten().any(|window| within(ms, *window));
            self.answers.falls_changed += usize::from(changed);
        }
        if let Some(place) = self.scenario.incident_of(&activity.id) {
            let incident = &self.scenario.incidents()[place];
            let part = self.parts.entry((place, agent)).or_default();
            part.n_events += 1;
            if observed.level <= Level::Restricted {
                part.before |= fall < incident.begin_ms;
                part.at = part.at.or((incident.begin_ms <= fall).then_some(part.n_events));
            }
        }
    }

    fn judge(mut self) -> Answers {
        for ((agent, _), (first, _)) in &self.actors {
            let end = self.scenario.end_ms();
            let incidents = self.by_agent.get(agent.as_str()).into_iter().flatten();
            let away: i64 = incidents
                .map(|incident| sick(incident))
                .map(|(from, to)| (to.min(end) - from.max(*first)).max(0))
                .sum();
            self.answers.healthy_months += (end - first - away) as f64 / MONTH_MS;
        }
        for (place, incident) in self.scenario.incidents().iter().enumerate() {
            let parts: Vec<PartSeen> = incident
                .agents
                .iter()
                .filter_map(|agent| self.parts.get(&(place, agent.clone())).copied())
                .collect();
            let wanted = if incident.agents.len() > 1 { SWARM_MEMBERS_MIN } else { 1 };
            let in_time = |part: &&PartSeen| part.at.is_some_and(|at| at <= EVENTS_MAX);
            let in_time = parts.iter().filter(in_time).count() >= wanted;
            let tally = self.answers.kinds.entry(incident.kind).or_default();
            if incident.undetectable.is_some() {
                tally.undetectable += 1;
                tally.undetectable_in_time += usize::from(in_time);
                continue;
            }
            tally.detectable += 1;
            tally.in_time += usize::from(in_time);
            tally.before += usize::from(parts.iter().any(|part| part.before));
            tally.events.extend(parts.iter().filter_map(|part| part.at));
        }
        self.answers
    }
}

// === impl Answers ===

impl Answers {
    /// Adds the answers of another seed or size.
    pub fn add(&mut self, other: &Self) {
        self.agents += other.agents;
        self.events += other.events;
        self.healthy_months += other.healthy_months;
        for (signal, count) in &other.falls {
            *self.falls.entry(signal.clone()).or_default() += count;
        }
        self.falls_learning += other.falls_learning;
        self.falls_changed += other.falls_changed;
        self.revoked += other.revoked;
        self.asked += other.asked;
        for (kind, tally) in &other.kinds {
            let into = self.kinds.entry(*kind).or_default();
            into.detectable += tally.detectable;
            into.in_time += tally.in_time;
            into.before += tally.before;
            into.undetectable += tally.undetectable;
            into.undetectable_in_time += tally.undetectable_in_time;
            into.events.extend(&tally.events);
            into.revoked += tally.revoked;
        }
    }

    /// Falls of healthy actors to restricted or worse, per actor-month.
    pub fn false_restricted(&self) -> f64 {
        self.falls.values().sum::<usize>() as f64 / self.healthy_months.max(1e-9)
    }

    /// Detectable incidents, and those answered in time. A drift has no events of its own and is left out.
    pub fn in_time(&self) -> (usize, usize) {
        let kinds = self.kinds.iter().filter(|(kind, _)| **kind != IncidentKind::Drift);
        kinds.fold((0, 0), |(all, found), (_, tally)| {
            (all + tally.detectable, found + tally.in_time)
        })
    }
}

fn within(ms: i64, (from, to): (i64, i64)) -> bool {
    (from..=to).contains(&ms)
}

fn falls(finding: &Finding) -> bool {
    matches!(&finding.body, Body::Level(change)
        if Level::Restricted < change.before && change.after <= Level::Restricted)
}

fn is_of_learner(finding: &Finding) -> bool {
    matches!(&finding.body, Body::Verdict(verdict) if verdict.baseline.state == "learning")
}
