//! Runs a scenario through the folds of one process, as `habitus score` does, and keeps what was said: alerts with
//! their times, when each actor began, and the strangest event of each incident. It judges nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use habitus::local::{Explained, Input, Line, LineOutcome, Options, Report, Role, Run, Settings};
use schemas::finding::{Body, Finding};

use super::judge::GRACE_MS;
use crate::scenario::{Scenario, With};

/// An agent and its authority.
pub type Actor = (String, String);

/// One alert.
#[derive(Clone, Debug)]
pub struct Raised {
    /// Whose it is.
    pub agent: String,
    /// Its leading signal.
    pub signal: String,
    /// When it opened, in milliseconds since 1970.
    pub opened_ms: i64,
    /// When its events happened, the opening one included, by agent: others of a blueprint may join it.
    pub times_ms: BTreeMap<String, Vec<i64>>,
}

/// The strangest event of an incident.
pub struct Nearest {
    /// Id of the activity.
    pub id: String,
    /// Its return period in actor-months.
    pub return_period: f64,
    /// Signals and their micro-nats, largest first.
    pub contributions: Vec<(String, i64)>,
    /// All of it, where explanations were asked for.
    pub explained: Option<Box<Explained>>,
}

/// What was said of a scenario.
#[derive(Default)]
pub struct Seen {
    /// Activities scored.
    pub n_scored: u64,
    /// Activities that were not.
    pub n_unscored: u64,
    /// Every alert.
    pub alerts: Vec<Raised>,
    /// First event of each actor, in milliseconds since 1970.
    pub actors: BTreeMap<Actor, i64>,
    /// The strangest event of each incident, by its place in the scenario.
    pub nearest: BTreeMap<usize, Nearest>,
}

/// Runs a scenario at a budget of alerts per actor-month.
pub fn run(scenario: &Scenario, with: With, budget: f64, explain: bool) -> Seen {
    let mut settings = crate::settings();
    settings.observe.alerts_per_actor_month = budget;
    settings.respond.alerts_per_actor_month = budget;
    let mut seen = Seen::default();
    let mut raised: BTreeMap<String, BTreeMap<String, Vec<i64>>> = BTreeMap::new();
    let mut watched: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (number, incident) in scenario.incidents().iter().enumerate() {
        for agent in &incident.agents {
            watched.entry(agent).or_default().push(number);
        }
    }
    let report = feed((scenario, with), settings, explain, &mut |line| {
        seen.take(line, &mut raised, (scenario, &watched));
    });
    for alert in report.alerts {
        let own = alert.unmapped.habitus;
        let first = alert.finding_info.first_seen_time;
        // An alert of no single activity has only its span.
        let times_ms = raised.remove(&alert.finding_info.uid).unwrap_or_else(|| {
            let span = vec![first, alert.end_time.unwrap_or(first)];
            [(own.agent_id.clone(), span)].into()
        });
        let signal = own.contributions.first().map_or_else(String::new, |c| c.signal.clone());
        let opened_ms = times_ms.values().filter_map(|times| times.first()).min();
        let opened_ms = opened_ms.copied().unwrap_or(first);
        seen.alerts.push(Raised { agent: own.agent_id, signal, opened_ms, times_ms });
    }
    seen
}

/// Feeds a scenario with its inventory through the folds, a day at a time.
pub(super) fn feed(
    (scenario, with): (&Scenario, With),
    mut settings: Settings,
    explain: bool,
    on: &mut dyn FnMut(&Line<'_>),
) -> Report {
    let inventory = config::read_inventory(&scenario.inventory()).expect("its inventory is sound");
    settings.observe.inventory = Arc::new(inventory);
    let mut run = Run::new(&settings, Options { lanes: 1, freeze: false, explain });
    let mut bytes = Vec::new();
    for (day, calls) in scenario.stream(with).enumerate() {
        bytes.clear();
        calls.iter().for_each(|call| call.write(&mut bytes));
        let topic = format!("scenario:{day}");
        run.feed(&Input { topic: &topic, role: Role::Scored, bytes: &bytes }, on);
    }
    run.finish()
}

// === impl Seen ===

impl Seen {
    fn take(
        &mut self,
        line: &Line<'_>,
        raised: &mut BTreeMap<String, BTreeMap<String, Vec<i64>>>,
        (scenario, watched): (&Scenario, &BTreeMap<&str, Vec<usize>>),
    ) {
        let LineOutcome::Scored { activity, observed, alert_id } = &line.outcome else {
            self.n_unscored += 1;
            return;
        };
        self.n_scored += 1;
        let ms = activity.time.millis();
        let agent: &str = &activity.agent.id;
        let actor = (agent.to_owned(), activity.authority().as_str().to_owned());
        self.actors.entry(actor).or_insert(ms);
        if let Some(id) = alert_id {
            let times = raised.entry((*id).to_owned()).or_default();
            times.entry(agent.to_owned()).or_default().push(ms);
        }
        for number in watched.get(agent).into_iter().flatten() {
            let incident = &scenario.incidents()[*number];
            let best = self.nearest.get(number).map_or(0.0, |nearest| nearest.return_period);
            let period = observed.return_period_actor_months;
            if !(incident.begin_ms..=incident.end_ms + GRACE_MS).contains(&ms) || period <= best {
                continue;
            }
            let signals = observed.assessment.signals.iter().filter(|signal| signal.micronats > 0);
            let mut contributions: Vec<(String, i64)> =
                signals.map(|signal| (signal.id.to_owned(), signal.micronats)).collect();
            contributions.sort_by_key(|(_, micronats)| -micronats);
            let explained = observed.findings.iter().find_map(verdict_of).map(|verdict| {
                let alert_id = alert_id.map(str::to_owned);
                Box::new(Explained { verdict: verdict.clone(), alert_id, late: observed.late })
            });
            let id = activity.id.clone().into_owned();
            let nearest = Nearest { id, return_period: period, contributions, explained };
            self.nearest.insert(*number, nearest);
        }
    }
}

fn verdict_of(finding: &Finding) -> Option<&schemas::finding::Verdict> {
    match &finding.body {
        Body::Verdict(verdict) => Some(verdict),
        _ => None,
    }
}
