//! The flood: many agents that are new to the tenant itself within an hour. What is usual is the most that an hour
//! brought, halved each week, so that growth makes the next usual. What a flood brought teaches little, however much.

use crate::swarm::Peak;

/// Fewer agents within an hour are a roll-out, never a flood.
pub(crate) const AGENTS_MIN: u64 = 100;
/// Evidence in nats as long as which goes on an alert does, and from which on an hour teaches little.
pub(crate) const STRANGE_NATS: f64 = 4.0;
/// Half-life of the most that an hour brought, in months.
pub(crate) const MEMORY_MONTHS: f64 = 7.0 / 30.0;
/// Hours of a tenant that are its start: nothing of them is judged, and of their busiest hour a fifth is usual. A tenant
/// that goes on as it began does not alert, and one that began at once does not hide a flood for weeks.
pub(crate) const START_HOURS: f64 = 24.0;
const START_SHARE: f64 = 0.2;
/// New agents of an hour that are always expected; no share of the tenant's, whose number a flood could raise.
const PRIOR_AGENTS: f64 = 10.0;
/// More than this many is no tenant's usual hour only because it began with it.
const START_MAX: f64 = 1_000.0;
/// An episode that is not strange raises what is usual by no more than that: nobody ramps up within a day or two.
const CALM_GROWTH_MAX: f64 = 1.2;
/// A strange episode raises what is usual by no more than that, and counts as a twentieth of one: several floods of a
/// month alert.
const GROWTH_MAX: f64 = 2.0;
const STRANGE_WEIGHT: f64 = 0.05;

/// The most new agents of an hour that are expected, where the usual is `most`.
pub(crate) fn expected(most: f64) -> f64 {
    most.max(PRIOR_AGENTS)
}

/// What is usual after an episode that had such a peak, in which `agents` came within an hour; and what it counts.
pub(crate) fn learn(most: f64, (peak, agents): (Peak, f64), starts: bool) -> (f64, f64) {
    let (agents, counts) = if starts {
        ((agents * START_SHARE).min(START_MAX), 1.0)
    } else if peak.nats < STRANGE_NATS {
        (agents.min(expected(most) * CALM_GROWTH_MAX), 1.0)
    } else {
        (agents.min(expected(most) * GROWTH_MAX), STRANGE_WEIGHT)
    };
    (most.max(agents), counts)
}
