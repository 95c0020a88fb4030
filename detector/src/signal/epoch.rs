//! # epoch
//!
//! **Detects.** A version, a model or a server of tools that the agent never had. Its habits go on as the prior of what
//! follows.
//!
//! **Why.** A replaced binary, a swapped model or a tool server put in between acts under the agent's name.
//!
//! **Wrong when.** Versions change with each deployment: then changes are its habit. An upgrade of a whole fleet is
//! news until peers run it too, from the end of the epoch on (5 minutes). A change that the inventory announces is silent
//! while it may begin, and for 48 hours from then on what is new is learned more freely.
//!
//! **Example.** An invoice agent runs on another model for the first time in 210 active hours; no peer does.

use baseline::hash::tag;
use baseline::math::ln;
use baseline::part::makeup::Component;
use schemas::cause::CauseKind;

use super::kind::count;
use super::{Evidence, Explanation, Signal, Thing};
use crate::cells;
use crate::context::Context;

pub(super) const SIGNAL: Signal = Signal {
    id: "epoch",
    family: "identity",
    channels: 1,
    full_on_failure: true,
    handicap_nats: 0.0,
    evaluate,
    over_session: None,
    explain,
    causes,
};

/// Weight of the peers' changes behind the agent's, in active hours.
const PEER_HOURS: f64 = 20.0;
/// Share of changes that follow a peer's, and the peer sessions by which half of it is reached.
const FOLLOWS: f64 = 0.5;
const FOLLOWS_SESSIONS: f64 = 4.0;
/// A change is never rarer than this: by itself it is work, not harm.
const P_MIN: f64 = 0.02;
/// Evidence below which a change is an ordinary one, in nats.
const NATS_MIN: f64 = 2.0;

/// Whether a value is new to an agent that had others, and nobody announced it.
pub(crate) fn is_change(ctx: &Context<'_>, component: Component, value: u64) -> bool {
    let makeup = &ctx.head.makeup;
    makeup.count(component) > 0
        && !makeup.holds(component, tag(value))
        && !is_announced(ctx, component)
}

/// Whether the inventory foretold it.
fn is_announced(ctx: &Context<'_>, component: Component) -> bool {
    let version = ctx.activity.agent.version.as_deref();
    ctx.standing.announces(ctx.activity)
        || (component == Component::Version && ctx.standing.is_registered_version(version))
}

fn evaluate(ctx: &Context<'_>) -> Option<Evidence> {
    let hours = f64::from(ctx.actor.progress.active_hours);
    let sessions = ctx.peer_sessions();
    let mut worst = (NATS_MIN, 0, [0.0; 4]);
    for (fact, (component, value)) in (1_u8..).zip(ctx.keys.makeup) {
        if value == 0 || !is_change(ctx, component, value) {
            continue;
        }
        #[expect(clippy::cast_precision_loss, reason = "at most 6")]
        let earlier = (ctx.head.makeup.count(component) - 1) as f64;
        let of_peers = (ctx.peers(cells::makeup_new(component)) + 0.5) / (sessions + 1.0);
        let p = (earlier + PEER_HOURS * of_peers.min(1.0)) / (hours + PEER_HOURS);
        let cell = cells::makeup(component, value);
        let peers = (ctx.peers(cell) - ctx.own(cell)).max(0.0);
        let p = p + FOLLOWS * peers / (peers + FOLLOWS_SESSIONS);
        let nats = -ln(p.clamp(P_MIN, 1.0));
        if nats > worst.0 {
            worst = (nats, fact, [hours, earlier, peers, sessions]);
        }
    }
    if worst.1 == 0 { None } else { Evidence::of(worst.0, worst.1, worst.2) }
}

/// What changed, in words and by name.
fn changed<'a>(ctx: &'a Context<'_>, fact: u8) -> (&'static str, CauseKind, Option<&'a str>) {
    let agent = &ctx.activity.agent;
    match fact {
        1 => ("version", CauseKind::Version, agent.version.as_deref()),
        2 => {
            let model = agent.model.as_ref().and_then(|model| model.name.as_deref());
            ("model", CauseKind::Model, model)
        }
        _ => {
            let tool = ctx.activity.action.tool.as_ref();
            let server = tool.and_then(|tool| tool.server.as_deref());
            ("tool server", CauseKind::ToolServer, server)
        }
    }
}

fn causes(ctx: &Context<'_>, evidence: &Evidence) -> Vec<Thing> {
    let (_, kind, name) = changed(ctx, evidence.fact);
    let place = usize::from(evidence.fact.saturating_sub(1));
    let Some((component, value)) = ctx.keys.makeup.get(place).copied() else { return Vec::new() };
    let cell = cells::makeup(component, value);
    let fresh = ctx.is_new_to_peers(cell, cell);
    vec![Thing { kind, value, name: name.unwrap_or_default().to_owned(), fresh }]
}

fn explain(ctx: &Context<'_>, evidence: &Evidence) -> Explanation {
    let [hours, earlier, peers, sessions] = evidence.numbers;
    let (what, _, value) = changed(ctx, evidence.fact);
    Explanation {
        observed: format!("{what} {}, which it never had", value.unwrap_or("?")),
        expected: format!(
            "a {what} it had before; {} changes known in {} active hours",
            count(earlier),
            count(hours)
        ),
        support: count(hours),
        peers: format!("{} of {} peer sessions had it", count(peers), count(sessions)),
        normal: format!("a {what} that it had before"),
    }
}
