//! Names of the cells in the shared counts: each is a hash of its kind and what it counts. Counts are in
//! hundredths of a session unless said otherwise.

use baseline::hash::pair;
use baseline::part::makeup::Component;

/// What a walk is about; the number is part of the cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A destination under a tool the purpose knows.
    Destination,
    /// A destination under a tool that is new to the purpose.
    DestinationOfNewTool,
    /// A resource, by the depth of its prefix: 1, 2 or 3 for the whole id.
    Resource(u8),
}

impl Kind {
    pub(crate) fn number(self) -> u64 {
        match self {
            Self::Destination => 1,
            Self::DestinationOfNewTool => 2,
            Self::Resource(depth) => 2 + u64::from(depth),
        }
    }

    /// Whether the tool is new to the purpose.
    pub(crate) fn of_new_tool(self) -> bool {
        self == Self::DestinationOfNewTool
    }

    /// Whether it is about a resource.
    pub(crate) fn is_resource(self) -> bool {
        matches!(self, Self::Resource(_))
    }

    /// Values are the same things under known and new tools.
    fn value_number(self) -> u64 {
        match self {
            Self::Destination | Self::DestinationOfNewTool => 1,
            Self::Resource(depth) => 2 + u64::from(depth),
        }
    }
}

fn cell(kind: u64, parts: &[u64]) -> u64 {
    parts.iter().fold(kind.wrapping_mul(0x9e37_79b9), |hash, part| pair(hash, *part))
}

/// Sessions of a purpose; of the whole scope with purpose 0.
pub(crate) fn sessions(purpose: u64) -> u64 {
    cell(1, &[purpose])
}
/// Days on which an actor had sessions.
pub(crate) fn actor_days() -> u64 {
    cell(45, &[])
}
/// Sessions of a purpose that used a tool; of the whole scope with purpose 0.
pub(crate) fn tool(purpose: u64, tool: u64) -> u64 {
    cell(2, &[purpose, tool])
}
/// Tools new to their purpose, by class: whole scope (0, 0), tool (0, t), purpose (P, 0).
pub(crate) fn new_tools(purpose: u64, tool: u64) -> u64 {
    cell(3, &[purpose, tool])
}
/// A value under a context (purpose and tool, either may be 0).
pub(crate) fn value(kind: Kind, purpose: u64, tool: u64, value: u64) -> u64 {
    cell(4, &[kind.value_number(), purpose, tool, value])
}
/// Occasions to meet a new value at a level, in a class.
pub(crate) fn met(kind: Kind, level: u64, class: u64) -> u64 {
    cell(5, &[kind.number(), level, class])
}
/// Times it was new.
pub(crate) fn new(kind: Kind, level: u64, class: u64) -> u64 {
    cell(6, &[kind.number(), level, class])
}
/// Steps from one tool to the next, in hundredths of a step.
pub(crate) fn step(purpose: u64, from: u64, to: u64) -> u64 {
    cell(7, &[purpose, from, to])
}
/// Steps from a tool.
pub(crate) fn steps_from(purpose: u64, from: u64) -> u64 {
    cell(8, &[purpose, from])
}
/// Calls for a purpose (0: any), in hundredths of a call.
pub(crate) fn calls(purpose: u64) -> u64 {
    cell(43, &[purpose])
}
/// Those of a tool.
pub(crate) fn calls_to(purpose: u64, tool: u64) -> u64 {
    cell(44, &[purpose, tool])
}
/// A size of result of a tool under a purpose (0 for the scope).
pub(crate) fn size(purpose: u64, tool: u64, bucket: u64) -> u64 {
    cell(9, &[purpose, tool, bucket])
}
/// Results of a tool.
pub(crate) fn sizes_met(purpose: u64, tool: u64) -> u64 {
    cell(10, &[purpose, tool])
}
/// Results of a size never seen before.
pub(crate) fn sizes_new(purpose: u64, tool: u64) -> u64 {
    cell(11, &[purpose, tool])
}
/// Sessions that came over a network.
pub(crate) fn network(network: u64) -> u64 {
    cell(12, &[network])
}
/// Active hours of actors of some experience, by how far they lie from their rhythm.
pub(crate) fn hour(maturity: usize, kind: usize) -> u64 {
    cell(13, &[maturity as u64, kind as u64])
}
/// Sessions with an authority.
pub(crate) fn authority(index: usize) -> u64 {
    cell(14, &[index as u64])
}
/// Sessions that used a credential of a kind.
pub(crate) fn credential_kind(kind: u64) -> u64 {
    cell(15, &[kind])
}
/// Pauses of a class.
pub(crate) fn pause(class: usize) -> u64 {
    cell(16, &[class as u64])
}
/// Sessions of agents with a version, model or tool server.
pub(crate) fn makeup(component: Component, value: u64) -> u64 {
    cell(17, &[component as u64, value])
}
/// Times an agent took up one that it never had.
pub(crate) fn makeup_new(component: Component) -> u64 {
    cell(18, &[component as u64])
}

/// The scope of a tenant's credentials: apart, so that ids that never come again displace nothing else.
pub(crate) fn credentials_of(tenant: u64) -> u64 {
    pair(tenant, 19)
}
/// In that scope, who met a credential: the sum of the marks of the agents, once for each meeting.
pub(crate) fn credential(id: u64) -> u64 {
    cell(20, &[id])
}
/// In that scope, credentials met by agents of a group (0: all), and those that another agent had met before.
pub(crate) fn credentials_met(group: u64) -> u64 {
    cell(21, &[group])
}
/// See above.
pub(crate) fn credentials_shared(group: u64) -> u64 {
    cell(22, &[group])
}
/// Sessions whose region was known.
pub(crate) fn regions() -> u64 {
    cell(23, &[])
}
/// Sessions that were suddenly elsewhere.
pub(crate) fn moves() -> u64 {
    cell(24, &[])
}
/// The scope of what the inventory says of a tenant's agents: apart, as that of credentials.
pub(crate) fn register_of(tenant: u64) -> u64 {
    pair(tenant, 40)
}
/// In that scope, sessions of an agent that a fact of the inventory stands against, for a purpose or 0.
pub(crate) fn registered(agent: u64, fact: u64, purpose: u64) -> u64 {
    cell(41, &[agent, fact, purpose])
}
/// In that scope, the marks of when an announced change of an agent began.
pub(crate) fn announced(agent: u64, from: u64) -> u64 {
    cell(42, &[agent, from])
}
/// Sessions of a context that touched data of a class.
pub(crate) fn class(context: u64, class: usize) -> u64 {
    cell(25, &[context, class as u64])
}
