//! The whole stream, a day at a time: usual work under the changes in force, and the incidents. Only what runs past
//! midnight is kept.

use super::call::Call;
use super::change::{self, Change, Effect};
use super::incident::{self, DRIFT_A_DAY, Incident, IncidentKind};
use super::play::Part;
use super::population::{Agent, Fleet};
use super::register;
use super::work::Habits;

/// 2026-01-05T00:00:00Z, a Monday, in milliseconds.
pub const START_MS: i64 = 1_767_571_200_000;
/// Milliseconds of an hour.
pub const HOUR_MS: i64 = 3_600_000;
/// Milliseconds of a day.
pub const DAY_MS: i64 = 24 * HOUR_MS;

/// How large a scenario is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Size {
    /// Days of log time.
    pub days: i64,
    /// Share of the agents of each blueprint.
    pub share: f64,
}

/// What a stream has besides usual work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct With {
    /// Incidents.
    pub incidents: bool,
    /// Benign changes.
    pub changes: bool,
}

/// A fleet with its incidents and changes, as planned.
#[derive(Debug)]
pub struct Scenario {
    fleet: Fleet,
    incidents: Vec<Incident>,
    changes: Vec<Change>,
}

/// The days of a scenario, in order.
pub struct Stream<'a> {
    scenario: &'a Scenario,
    with: With,
    habits: Vec<Habits>,
    day: i64,
    late: Vec<Call>,
}

impl Size {
    /// What quality is measured on.
    pub const FULL: Self = Self { days: 90, share: 1.0 };

    /// A fleet of about so many agents, over as many days.
    pub fn of_agents(n_agents: u32) -> Self {
        Self { share: f64::from(n_agents) / 320.0, ..Self::FULL }
    }
}

// === impl Scenario ===

impl Scenario {
    /// Plans everything; the same for the same seed and size.
    pub fn new(seed: u64, size: Size) -> Self {
        let fleet = Fleet::new(seed, size.days, size.share);
        let incidents = incident::plan(&fleet);
        let changes = change::plan(&fleet);
        Self { fleet, incidents, changes }
    }

    /// The incidents, in order of their begin.
    pub fn incidents(&self) -> &[Incident] {
        &self.incidents
    }

    /// The place of the incident that plays the call of this id; none for usual work, which drifts are too.
    pub fn incident_of(&self, call_id: &str) -> Option<usize> {
        let number = call_id.split('-').nth(1)?.strip_prefix('r')?.parse().ok()?;
        (number < self.incidents.len()).then_some(number)
    }

    /// The benign changes.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// The inventory of its agents, a record a line.
    pub fn inventory(&self) -> String {
        register::write(&self.fleet, &self.incidents, &self.changes)
    }

    /// How many agents are registered.
    pub fn n_agents(&self) -> usize {
        self.fleet.agents.len()
    }

    /// When the last day ends, in milliseconds since 1970.
    pub fn end_ms(&self) -> i64 {
        START_MS + self.fleet.days * DAY_MS
    }

    /// The events, a day at a time and in order of time.
    pub fn stream(&self, with: With) -> Stream<'_> {
        let habits = self.fleet.agents.iter().map(Habits::new).collect();
        Stream { scenario: self, with, habits, day: 0, late: Vec::new() }
    }

    fn effect(&self, with: With, agent: &Agent, day: i64) -> Effect {
        let mut effect = Effect::default();
        if with.changes {
            self.changes.iter().for_each(|change| change.apply(agent, day, &mut effect));
        }
        let drifts = |incident: &&Incident| {
            incident.kind == IncidentKind::Drift && incident.members.contains(&agent.number)
        };
        if let Some(drift) = self.incidents.iter().filter(|_| with.incidents).find(drifts) {
            let days = (START_MS + day * DAY_MS - drift.begin_ms) / DAY_MS;
            let growth = DRIFT_A_DAY.powi(days.max(0) as i32);
            // What the clock starts has no sessions in between.
            if drift.variant.is_multiple_of(2) || agent.schedule.is_clockwork() {
                effect.size *= growth;
            } else {
                effect.load *= growth;
            }
        }
        effect
    }
}

// === impl Stream ===

impl Iterator for Stream<'_> {
    type Item = Vec<Call>;

    fn next(&mut self) -> Option<Vec<Call>> {
        let scenario = self.scenario;
        if self.day >= scenario.fleet.days {
            return None;
        }
        let (day, begin_ms) = (self.day, START_MS + self.day * DAY_MS);
        self.day += 1;
        let mut calls = std::mem::take(&mut self.late);
        let today = |incident: &&Incident| {
            (begin_ms..begin_ms + DAY_MS).contains(&incident.begin_ms) && self.with.incidents
        };
        for incident in scenario.incidents.iter().filter(today) {
            for number in &incident.members {
                let agent = &scenario.fleet.agents[*number];
                let effect = scenario.effect(self.with, agent, day);
                let habits = self.habits[*number].clone();
                calls.extend(Part::new((&scenario.fleet, incident), agent, &effect, habits).play());
            }
        }
        for (agent, habits) in scenario.fleet.agents.iter().zip(&mut self.habits) {
            let effect = scenario.effect(self.with, agent, day);
            calls.extend(habits.day(agent, scenario.fleet.seed, day, &effect));
        }
        calls.sort_by(|a, b| (a.ms, &a.id).cmp(&(b.ms, &b.id)));
        let today = calls.partition_point(|call| call.ms < begin_ms + DAY_MS);
        self.late = calls.split_off(today);
        Some(calls)
    }
}
