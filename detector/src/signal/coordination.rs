//! # coordination
//!
//! **Detects.** Many settled agents that meet one destination, resource or delegator for the first time within two
//! hours, against what this thing and this tenant usually get. It is judged over the whole tenant, in respond: one
//! alert for the thing, with its members and a budget of its own, and no share in the score of any agent. So are agents
//! that are new to the tenant itself: 100 or more within an hour, far more than any hour of the last weeks brought, are
//! a flood, and one alert until that is usual. A tenant's first day is not judged.
//!
//! **Why.** One instruction behind many agents, a poisoned tool or a stolen fleet credential, moves them all at once;
//! each of them alone did only one new thing. Invented ids hide who acts and push newcomers out.
//!
//! **Wrong when.** A service is switched over for all agents within an hour. Rolled out over days it becomes usual. So
//! it is with new agents: a roll-out of hundreds within an hour is one alert of low or medium severity. Agents that come
//! back after they left for lack of room, or whose state was lost, are new again.
//!
//! **Example.** 23 agents contact a paste site within 40 minutes that nobody had contacted before; 1.1 were expected.

use super::{Evidence, Explanation, Signal};
use crate::context::Context;

pub(super) const SIGNAL: Signal = Signal {
    id: "coordination",
    family: "fleet",
    channels: 0,
    full_on_failure: false,
    handicap_nats: 0.0,
    evaluate,
    over_session: None,
    explain,
    causes: Signal::NO_CAUSES,
};

/// One activity says nothing of many agents.
fn evaluate(_: &Context<'_>) -> Option<Evidence> {
    None
}

fn explain(_: &Context<'_>, _: &Evidence) -> Explanation {
    Explanation::default()
}
