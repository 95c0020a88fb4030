//! Incidents: which, where and when, and whether an analyst with the logs could tell. Detectability follows from what
//! is declared of the agent (schedule, purposes, spread of sizes, ..) and from how much was seen of it, never from what
//! an engine says.

use super::catalog::{Acts, Secret};
use super::population::{Agent, Fleet, STAYS};
use super::random::Random;
use super::stream::{DAY_MS, HOUR_MS, START_MS};

/// Days of work from which on an agent's habits can be known.
const SEEN_DAYS_MIN: usize = 7;
/// Slips of a month up to which work has an order.
const SLIPS_A_MONTH_MAX: f64 = 4.0;
/// Growth of a drift in a day.
pub(super) const DRIFT_A_DAY: f64 = 1.03;
/// Days in which it doubles.
const DOUBLING_DAYS: f64 = 23.45;

/// The signal that an incident is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum IncidentKind {
    /// Four uploads of usual size to a host that nobody uses.
    Destination,
    /// Usual work through Tor, or from a hosting provider abroad.
    Network,
    /// Twelve reads of restricted data of another department.
    Resource,
    /// Two transfers of 200 times the usual size.
    Volume,
    /// Usual tools in an order that the purpose never has.
    Sequence,
    /// A usual tool for a purpose that never needs it.
    Purpose,
    /// Three hundred usual calls in a quarter of an hour.
    Rate,
    /// Sixty objects never met, within half an hour.
    FanOut,
    /// Usual work at an odd hour.
    Hours,
    /// A retired agent works again after weeks.
    Dormancy,
    /// Twenty-five refusals within twenty minutes.
    Failure,
    /// On its own where always for people, for a stranger, or for a person where always on its own.
    Authority,
    /// The key of another agent, a kind of credential never used, or just a fresh one.
    Credential,
    /// Usual work that the inventory contradicts: of an agent it does not list, whose time is over, that is retired, or
    /// for a purpose that is not declared.
    Inventory,
    /// Another version and another model, by itself, with usual work.
    Epoch,
    /// One call each of ten agents to one new host.
    Coordination,
    /// Sizes or sessions that grow by 3 % a day.
    Drift,
}

/// What an inventory has against an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contradiction {
    /// The agent is not listed.
    Unknown,
    /// Its time is over.
    Expired,
    /// The purpose is not declared.
    OffPurpose,
    /// It is retired.
    Retired,
}

/// One incident.
#[derive(Clone, Debug)]
pub struct Incident {
    /// What it is.
    pub kind: IncidentKind,
    /// Ids of the agents that act.
    pub agents: Vec<String>,
    /// When its first call may happen, in milliseconds since 1970.
    pub begin_ms: i64,
    /// When its last call may happen; of a drift, when the habit has doubled.
    pub end_ms: i64,
    /// Why nobody could tell; `None` is detectable.
    pub undetectable: Option<&'static str>,
    pub(super) number: usize,
    pub(super) variant: usize,
    pub(super) members: Vec<usize>,
}

use IncidentKind as Kind;

// === impl Incident ===

impl Incident {
    /// What the inventory has against it, where that is what it is about.
    pub fn contradiction(&self) -> Option<Contradiction> {
        (self.kind == Kind::Inventory).then(|| contradiction(self.variant))
    }
}

fn contradiction(variant: usize) -> Contradiction {
    use Contradiction::{Expired, OffPurpose, Retired, Unknown};
    [Unknown, Expired, OffPurpose, Retired][variant % 4]
}

// === impl IncidentKind ===

impl IncidentKind {
    /// Every kind.
    pub const ALL: [Self; 17] = [
        Self::Destination,
        Self::Network,
        Self::Resource,
        Self::Volume,
        Self::Sequence,
        Self::Purpose,
        Self::Rate,
        Self::FanOut,
        Self::Hours,
        Self::Dormancy,
        Self::Failure,
        Self::Authority,
        Self::Credential,
        Self::Inventory,
        Self::Epoch,
        Self::Coordination,
        Self::Drift,
    ];

    /// The id of its signal.
    pub fn signal(self) -> &'static str {
        match self {
            Self::Destination => "destination",
            Self::Network => "network",
            Self::Resource => "resource",
            Self::Volume => "volume",
            Self::Sequence => "sequence",
            Self::Purpose => "purpose",
            Self::Rate => "rate",
            Self::FanOut => "fan_out",
            Self::Hours => "hours",
            Self::Dormancy => "dormancy",
            Self::Failure => "failure",
            Self::Authority => "authority",
            Self::Credential => "credential",
            Self::Inventory => "inventory",
            Self::Epoch => "epoch",
            Self::Coordination => "coordination",
            Self::Drift => "drift",
        }
    }

    fn how_many(self) -> usize {
        match self {
            Self::Coordination => 2,
            Self::Drift | Self::Hours | Self::Dormancy => 8,
            _ => 6,
        }
    }

    fn lasts_ms(self) -> i64 {
        match self {
            Self::Hours | Self::Coordination => 2 * HOUR_MS,
            Self::Dormancy | Self::Authority | Self::Credential | Self::Inventory | Self::Epoch => {
                3 * HOUR_MS
            }
            Self::Drift => (DOUBLING_DAYS * DAY_MS as f64) as i64,
            _ => HOUR_MS,
        }
    }
}

/// The incidents of a fleet: at most one for an agent.
pub(super) fn plan(fleet: &Fleet) -> Vec<Incident> {
    let mut random = Random::of(&[fleet.seed, 4]);
    let mut free: Vec<usize> = (0..fleet.agents.len()).collect();
    random.shuffle(&mut free);
    let mut incidents = Vec::new();
    // Kinds that few agents suit choose first.
    let mut kinds = Kind::ALL;
    kinds.sort_by_key(|kind| match kind {
        Kind::Dormancy => 0,
        Kind::Drift => 1,
        Kind::Coordination => 2,
        _ => 3,
    });
    for kind in kinds {
        let share = fleet.agents.len() as f64 / 320.0;
        let wanted = (kind.how_many() as f64 * share).ceil() as usize;
        for variant in 0..wanted {
            incidents.extend(propose(fleet, kind, variant, &mut free, &mut random));
        }
    }
    incidents.sort_by_key(|incident| incident.begin_ms);
    for (number, incident) in incidents.iter_mut().enumerate() {
        incident.number = number;
    }
    incidents
}

fn propose(
    fleet: &Fleet,
    kind: Kind,
    variant: usize,
    free: &mut Vec<usize>,
    random: &mut Random,
) -> Option<Incident> {
    let from = fleet.days * 3 / 10;
    let usual_day = from + random.below((fleet.days * 6 / 10) as usize) as i64;
    let drift_day = fleet.days * 4 / 10 + random.below((fleet.days / 4) as usize) as i64;
    let swarm_hour = (usual_day / 7 * 7 + 2) * 24 + 13;
    let past_hour = random.below(24) as i64;
    let hour_for = |agent: &Agent| match kind {
        Kind::Hours => agent.schedule.odd_hour(usual_day),
        Kind::Dormancy => agent.schedule.next_active((agent.until + 25) * 24 + past_hour),
        Kind::Drift => drift_day * 24,
        Kind::Coordination => swarm_hour,
        _ => agent.schedule.next_active(usual_day * 24 + past_hour),
    };
    let suits = |agent: &Agent| {
        let hour = hour_for(agent);
        let day = hour / 24;
        day + 2 < fleet.days
            && match kind {
                Kind::Dormancy => agent.until < STAYS,
                Kind::Drift => agent.since == 0 && agent.until == STAYS,
                Kind::Coordination => {
                    agent.works_on(day) && agent.schedule.share(swarm_hour) >= 0.02
                }
                _ => agent.works_on(day) && agent.since + 2 <= day,
            }
    };
    let wanted = if kind == Kind::Coordination { 10 } else { 1 };
    let members: Vec<usize> =
        free.iter().copied().filter(|agent| suits(&fleet.agents[*agent])).take(wanted).collect();
    free.retain(|agent| !members.contains(agent));
    let agent = &fleet.agents[*members.first()?];
    let hour = hour_for(agent);
    let begin_ms = START_MS + hour * HOUR_MS + if kind == Kind::Drift { 0 } else { HOUR_MS / 6 };
    let agents = members.iter().map(|number| match kind {
        Kind::Inventory if contradiction(variant) == Contradiction::Unknown => {
            format!("{}-x", fleet.agents[*number].id)
        }
        _ => fleet.agents[*number].id.clone(),
    });
    Some(Incident {
        kind,
        agents: agents.collect(),
        begin_ms,
        end_ms: begin_ms + kind.lasts_ms(),
        undetectable: why_undetectable(kind, variant, agent, hour),
        number: 0,
        variant,
        members,
    })
}

/// Why an analyst with all logs could not tell, judged from what is declared.
fn why_undetectable(kind: Kind, variant: usize, agent: &Agent, hour: i64) -> Option<&'static str> {
    let blueprint = agent.blueprint;
    let outward = ["fetch_page", "post_form", "pull_feed", "push_order"];
    let visits = blueprint.tools.iter().any(|tool| outward.contains(tool));
    let seen = agent.days_of_work_before(hour / 24);
    let orderless = blueprint.explores || agent.slips_a_month() > SLIPS_A_MONTH_MAX;
    let silence_days = hour / 24 - agent.until;
    let says = |is: bool, why: &'static str| is.then_some(why);
    let by_kind = match kind {
        Kind::Destination => says(visits && blueprint.novelty >= 0.5, "visits new places by trade"),
        Kind::Network => says(variant % 2 == 1 && blueprint.roams, "works from anywhere"),
        Kind::Volume => says(blueprint.spread > 1.0, "its sizes are wild"),
        Kind::Sequence | Kind::Purpose => says(orderless, "its work has no order"),
        Kind::FanOut => says(blueprint.novelty >= 0.4, "meets new objects by trade"),
        Kind::Hours => says(!agent.schedule.excludes(hour), "its schedule has that hour"),
        Kind::Dormancy => {
            says(silence_days < 6 * agent.schedule.longest_gap_days(), "is often silent that long")
        }
        Kind::Authority => match blueprint.acts {
            Acts::Either => Some("acts both ways"),
            Acts::ForAnyone if variant % 2 == 1 => Some("is there for anyone"),
            _ => None,
        },
        Kind::Credential => says(variant % 3 == 2, "looks like a rotation"),
        Kind::Epoch => says(blueprint.ships_often, "is released all the time"),
        Kind::Drift => says(blueprint.spread > 1.0, "its sizes are wild")
            .or(says(agent.schedule.hours_a_week() < 3.0, "works too seldom")),
        Kind::Resource | Kind::Rate | Kind::Failure | Kind::Inventory | Kind::Coordination => None,
    };
    let needs_habits = !matches!(kind, Kind::Inventory | Kind::Coordination);
    by_kind.or(says(needs_habits && seen < SEEN_DAYS_MIN, "too little was seen of it"))
}

/// Whose key a thief has: another agent's with a key.
pub(super) fn key_of_another(fleet: &Fleet, agent: &Agent) -> Option<String> {
    let mut others = fleet.agents.iter().filter(|other| other.blueprint.secret == Secret::Key);
    let other = others.find(|other| other.number > agent.number && other.until == STAYS);
    other.map(Agent::key)
}
