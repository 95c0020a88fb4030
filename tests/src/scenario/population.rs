//! Who there is: the agents of every blueprint with their purposes, places, people and noise. Drawn once by seed.

use std::rc::Rc;

use super::call::Network;
use super::catalog::{Acts, BLUEPRINTS, Blueprint, Secret, TOOLS, Tool};
use super::random::Random;
use super::schedule::{Rhythm, Schedule};

/// A step of a purpose: a tool, and how often it is called in a row.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) tool: &'static Tool,
    pub(super) repeats: f64,
}

/// What sessions are for, and the order of their work.
#[derive(Debug)]
pub(super) struct Purpose {
    pub(super) name: String,
    pub(super) steps: Vec<Step>,
}

/// One agent.
#[derive(Debug)]
pub(super) struct Agent {
    pub(super) number: usize,
    pub(super) id: String,
    pub(super) blueprint: &'static Blueprint,
    pub(super) tools: Vec<&'static Tool>,
    pub(super) purposes: Rc<Vec<Purpose>>,
    pub(super) schedule: Schedule,
    /// First day of work.
    pub(super) since: i64,
    /// Day from which on it is retired.
    pub(super) until: i64,
    pub(super) sessions: f64,
    /// Share of calls that fail.
    pub(super) failure: f64,
    /// Share of steps that its purpose does not foresee.
    pub(super) improvises: f64,
    /// How the logarithm of a day's load spreads.
    pub(super) unrest: f64,
    /// Share of sessions with something odd, as a bulk transfer or a loop.
    pub(super) oddity: f64,
    pub(super) size: f64,
    pub(super) home: Network,
}

/// All agents.
#[derive(Debug)]
pub(super) struct Fleet {
    pub(super) seed: u64,
    pub(super) days: i64,
    pub(super) agents: Vec<Agent>,
}

/// Calls of a usual session, about.
const CALLS_A_SESSION: f64 = 5.0;
/// The day of retirement of an agent that stays.
pub(super) const STAYS: i64 = 1_000_000;
const REGIONS: [(u32, &str, &str); 3] =
    [(64_500, "DE", "198.51.100"), (64_510, "US", "203.0.113"), (64_520, "SG", "192.0.2")];

// === impl Fleet ===

impl Fleet {
    pub(super) fn new(seed: u64, days: i64, share: f64) -> Self {
        let mut agents = Vec::new();
        for (place, blueprint) in (0_u64..).zip(BLUEPRINTS) {
            let mut random = Random::of(&[seed, 1, place]);
            let tools: Vec<&'static Tool> =
                blueprint.tools.iter().map(|name| named(name)).collect();
            let purposes = Rc::new(purposes(blueprint, &tools, &mut random));
            let zone = *random.pick(&[-5, 0, 1, 8]);
            let region = *random.pick(&REGIONS);
            let n_agents = (blueprint.agents as f64 * share).ceil() as usize;
            for place in 0..n_agents {
                let zone = if random.chance(0.15) { *random.pick(&[-8, -5, 1, 5]) } else { zone };
                let mut agent = Agent {
                    number: agents.len(),
                    id: format!("spiffe://corp.example/{}/{place:02}", blueprint.name),
                    blueprint,
                    tools: tools.clone(),
                    purposes: Rc::clone(&purposes),
                    schedule: Schedule::new(blueprint.rhythm, zone, &mut random),
                    since: 0,
                    until: STAYS,
                    sessions: blueprint.sessions,
                    failure: random.between(0.002, 0.03),
                    improvises: 0.015 * random.unit().powi(3),
                    unrest: 0.25,
                    oddity: 0.003,
                    size: random.factor(0.3),
                    home: Network {
                        ip: format!("{}.{}", region.2, 1 + agents.len() % 250),
                        asn: region.0,
                        country: region.1,
                        anonymizer: "none",
                    },
                };
                agent.settle(days, &mut random);
                agents.push(agent);
            }
        }
        Self { seed, days, agents }
    }
}

fn named(name: &str) -> &'static Tool {
    TOOLS.iter().find(|tool| tool.name == name).expect("the catalog has the tool")
}

/// Three or four purposes, each a walk over some of the blueprint's tools.
fn purposes(blueprint: &Blueprint, tools: &[&'static Tool], random: &mut Random) -> Vec<Purpose> {
    let mut all = Vec::new();
    for number in 0..3 + random.below(2) {
        let mut order: Vec<&'static Tool> = tools.to_vec();
        random.shuffle(&mut order);
        order.truncate(3);
        let mut steps: Vec<Step> = order
            .into_iter()
            .map(|tool| {
                let reads = tool.action == "data_read" || tool.action == "http_request";
                Step { tool, repeats: if reads { random.between(1.0, 2.5) } else { 1.0 } }
            })
            .collect();
        // Lists come first, what changes something comes last.
        steps.sort_by_key(|step| match step.tool.action {
            "data_list" => 0,
            "data_write" | "message_send" => 2,
            _ => 1,
        });
        all.push(Purpose { name: format!("{}/{number}", blueprint.name), steps });
    }
    all
}

// === impl Agent ===

impl Agent {
    /// Draws what tells agents of one blueprint apart.
    fn settle(&mut self, days: i64, random: &mut Random) {
        self.sessions *= if self.schedule.is_clockwork() { 1.0 } else { random.factor(0.35) };
        if random.chance(0.08) {
            (self.improvises, self.unrest, self.oddity) = (0.06, 0.7, 0.02);
        }
        if self.schedule.is_clockwork() {
            self.unrest = 0.05;
        }
        // Newcomers, and those who go.
        if random.chance(0.12) {
            self.since = days / 5 + random.below(days as usize / 2) as i64;
        } else if random.chance(0.05)
            || (self.blueprint.rhythm == Rhythm::Weekly && random.chance(0.2))
        {
            self.until = days / 4 + random.below(days as usize / 4) as i64;
        }
    }

    pub(super) fn works_on(&self, day: i64) -> bool {
        (self.since..self.until).contains(&day) && !self.is_on_leave(day)
    }

    /// Agents of people rest while these are on leave: now and then a week.
    fn is_on_leave(&self, day: i64) -> bool {
        self.blueprint.acts == Acts::ForPeople
            && Random::of(&[self.number as u64, 77, day as u64 / 7]).chance(0.03)
    }

    /// Days with work before a day: how much could have been learned.
    pub(super) fn days_of_work_before(&self, day: i64) -> usize {
        let works = |day: &i64| {
            self.works_on(*day) && (0..24).any(|hour| self.schedule.share(day * 24 + hour) >= 0.02)
        };
        (self.since..day).filter(works).count()
    }

    /// The purpose's own order; `None` where its work has none.
    pub(super) fn script(&self, purpose: usize) -> Option<&Purpose> {
        (!self.blueprint.explores).then(|| &self.purposes[purpose])
    }

    pub(super) fn owner(&self) -> String {
        format!("{}-team", self.blueprint.name)
    }

    pub(super) fn key(&self) -> String {
        format!("key-{:04}", self.number)
    }

    /// Whether its credential is the same every day.
    pub(super) fn keeps_its_key(&self) -> bool {
        self.blueprint.secret == Secret::Key
    }

    /// Steps in a month that its purposes do not foresee: what happens more often than the budget allows alerts for
    /// cannot be told from an incident.
    pub(super) fn slips_a_month(&self) -> f64 {
        let sessions_a_week: f64 = (0..168).map(|hour| self.schedule.share(hour)).sum();
        self.improvises * self.sessions * sessions_a_week * 30.0 / 7.0 * CALLS_A_SESSION
    }
}
