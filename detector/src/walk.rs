//! How surprising a value is: walk from the narrowest context to the widest while the value is unseen, and pay at
//! each level for the share of values that are new there among those that were new before (prequential
//! Good-Turing, shrunk from tenant to group to tool). A context that always meets new things pays little.

use baseline::math::ln;
use baseline::part::novelty::Share;

use crate::cells::{self, Kind};
use crate::context::Context;

/// Weight of the wider class behind a narrower one, in occasions.
const CLASS_WEIGHT: f64 = 10.0;

/// One context of a value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Level {
    /// Its number, from narrow to wide.
    pub(crate) number: u64,
    /// The tenant's scope, else the group's; ignored where `own`.
    pub(crate) tenant: bool,
    /// The actor's own table.
    pub(crate) own: bool,
    /// The cell of the value in this context.
    pub(crate) cell: u64,
    /// What the session remembers having counted.
    pub(crate) slot: u64,
    /// Whether anybody else has used the context.
    pub(crate) known: bool,
}

/// How a walk went.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Walk {
    /// Surprise in nats.
    pub(crate) nats: f64,
    /// Levels at which the value is unseen.
    pub(crate) unseen: u32,
    /// Levels looked at.
    pub(crate) levels: u32,
    /// Share of new values at the first level.
    pub(crate) rate: f64,
    /// Occasions behind that share.
    pub(crate) support: f64,
}

/// The contexts of a value, narrowest first.
pub(crate) fn levels(ctx: &Context<'_>, kind: Kind, value: u64) -> [Option<Level>; 5] {
    let keys = ctx.keys;
    let with_tool = baseline::hash::pair(keys.tool, value);
    let peers_known = ctx.peer_sessions() >= 1.0;
    let level =
        |number: u64, purpose: u64, tool: u64, slot: u64, tenant: bool, known: bool| Level {
            number,
            tenant,
            own: false,
            cell: cells::value(kind, purpose, tool, value),
            slot,
            known,
        };
    let purpose = if keys.purpose == 0 {
        let own =
            Level { own: true, ..level(0, 0, 0, value, false, ctx.actor.progress.events > 0) };
        [Some(own), None]
    } else {
        let known = ctx.purpose_sessions() >= 1.0;
        let narrow = level(0, keys.purpose, keys.tool, with_tool, false, known);
        let skip = kind.of_new_tool();
        [(!skip).then_some(narrow), Some(level(1, keys.purpose, 0, value, false, known))]
    };
    let wide = keys.group != keys.tenant;
    [
        purpose[0],
        purpose[1],
        Some(level(2, 0, keys.tool, with_tool, false, peers_known)),
        wide.then_some(level(3, 0, 0, value, false, peers_known)),
        Some(level(4, 0, 0, value, true, ctx.tenant.is_some())),
    ]
}

/// Whether a value counts as known in a context: others have used it in at least one whole session.
pub(crate) fn is_known(ctx: &Context<'_>, kind: Kind, level: &Level) -> bool {
    if level.own {
        let tag = baseline::hash::tag(level.slot);
        return if kind.is_resource() {
            ctx.actor.resources.weight(tag, ctx.keys.day) >= 0.05
        } else {
            ctx.actor.places.get(tag).is_some_and(|place| place.long >= 0.05)
        };
    }
    let count = if level.tenant { ctx.everyone(level.cell) } else { ctx.peers(level.cell) };
    count - ctx.own(level.slot) >= 1.0
}

/// Walks one value.
pub(crate) fn walk(ctx: &Context<'_>, kind: Kind, value: u64) -> Walk {
    let mut walk = Walk::default();
    let mut first = true;
    for level in levels(ctx, kind, value).into_iter().flatten().filter(|level| level.known) {
        walk.levels += 1;
        if is_known(ctx, kind, &level) {
            break;
        }
        walk.unseen += 1;
        let (rate, support) = rate(ctx, kind, level.number, first);
        if first {
            walk.rate = rate;
            walk.support = support;
        }
        walk.nats -= ln(rate);
        first = false;
    }
    walk
}

/// Whose use of a value would have kept the walk silent: that of the narrowest context.
pub(crate) fn narrowest(ctx: &Context<'_>, kind: Kind, value: u64) -> &'static str {
    let first = levels(ctx, kind, value).into_iter().flatten().find(|level| level.known);
    match first.map(|level| (level.own, level.number)) {
        Some((true, _)) => "the actor",
        Some((false, 0)) => "this tool for this purpose",
        Some((false, 1)) => "this purpose",
        Some((false, 2)) => "this tool, in any session of its peers,",
        Some((false, 3)) => "a session of its peers",
        Some((false, _)) | None => "a session of the tenant",
    }
}

/// The share of new values at a level, with the occasions behind it.
fn rate(ctx: &Context<'_>, kind: Kind, level: u64, first: bool) -> (f64, f64) {
    let keys = ctx.keys;
    let shrink =
        |met: f64, new: f64, weight: f64, towards: f64| (new + weight * towards) / (met + weight);
    let everyone = ctx.everyone(cells::met(kind, level, 0));
    let start = shrink(everyone, ctx.everyone(cells::new(kind, level, 0)), 3.0, 0.5);
    let refine = |(p, support): (f64, f64), class: u64| {
        let met = ctx.peers(cells::met(kind, level, class));
        let new = ctx.peers(cells::new(kind, level, class));
        (shrink(met, new, CLASS_WEIGHT, p), if met > 0.0 { met } else { support })
    };
    let group =
        if keys.group == keys.tenant { (start, everyone) } else { refine((start, everyone), 1) };
    let (mut p, mut support) = refine(group, keys.tool);
    if first {
        let usual = p;
        if keys.purpose != 0 {
            (p, support) = refine((p, support), baseline::hash::pair(keys.purpose, keys.tool));
        }
        // An agent that meets new things more often than the group does pays less for one, and the reverse.
        let own = &ctx.actor.novelty;
        let Share { of, new } = if kind.is_resource() { own.resources } else { own.destinations };
        p *= (f64::from(new) + 3.0) / (f64::from(of) * usual + 3.0);
    }
    (p.clamp(1e-9, 1.0), support)
}
