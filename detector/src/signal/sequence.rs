//! # sequence
//!
//! **Detects.** A step from one tool to the next that sessions of this purpose and the peer group do not make.
//!
//! **Why.** Injected work interrupts the usual order: each tool is familiar, the way from one to the other is not.
//!
//! **Wrong when.** Work has no order, as in free exploration: then any step is about as likely as its tool.
//!
//! **Example.** `export` straight after `list_keys`: both are used daily, never one after the other.

use baseline::hash::{pair, tag};
use baseline::math::ln;
use schemas::cause::CauseKind;

use super::kind::count;
use super::{Evidence, Explanation, Signal, Thing};
use crate::cells;
use crate::context::Context;
use crate::keys::tool_label;

pub(super) const SIGNAL: Signal = Signal {
    id: "sequence",
    family: "work",
    channels: 1,
    full_on_failure: false,
    handicap_nats: 2.5,
    evaluate,
    explain,
    causes,
};

/// Weight of the wider context, in steps.
const BACK_OFF: f64 = 3.0;

fn evaluate(ctx: &Context<'_>) -> Option<Evidence> {
    let keys = ctx.keys;
    let from = u64::from(ctx.session.tool);
    // A tool that is new to the purpose is told by `purpose`; here the order alone speaks.
    if from == 0 || !ctx.first_of_call || ctx.late || ctx.tool_is_new() {
        return None;
    }
    let all = ctx.peer_sessions();
    let own_steps = ctx.actor.pairs.total(keys.day).0;
    if all < 1.0 && own_steps < 1.0 {
        return None;
    }
    let tool = (ctx.peers(cells::tool(0, keys.tool)) + 0.5) / (all + 1.0);
    let smooth = |seen: f64, of: f64, wider: f64| (seen + BACK_OFF * wider) / (of + BACK_OFF);
    let group = smooth(
        ctx.peers(cells::step(0, from, keys.tool)),
        ctx.peers(cells::steps_from(0, from)),
        tool.min(1.0),
    );
    let seen = ctx.peers(cells::step(keys.purpose, from, keys.tool));
    let of = ctx.peers(cells::steps_from(keys.purpose, from));
    let p = if keys.purpose == 0 {
        let own = ctx.actor.pairs.weight(tag(pair(from, keys.tool)), keys.day);
        smooth(own, own_steps, group)
    } else {
        smooth(seen, of, group)
    };
    Evidence::of(-ln(p.clamp(1e-9, 1.0)), 0, [seen, of, p, own_steps])
}

/// The step; a new tool makes steps of its own.
fn causes(ctx: &Context<'_>, _: &Evidence) -> Vec<Thing> {
    let (from, tool) = (u64::from(ctx.session.tool), ctx.keys.tool);
    let (step, to) = (cells::step(0, from, tool), cells::tool(0, tool));
    let thing = |kind, value, fresh| {
        let name = tool_label(ctx.activity).to_owned();
        Thing { kind, value, name, fresh }
    };
    vec![
        thing(CauseKind::Tool, tool, ctx.is_new_to_peers(to, to)),
        thing(CauseKind::Step, step, ctx.is_new_to_peers(step, step)),
    ]
}

fn explain(ctx: &Context<'_>, evidence: &Evidence) -> Explanation {
    let [seen, of, p, own] = evidence.numbers;
    Explanation {
        observed: format!(
            "{} after the previous tool: {} of {} earlier steps",
            tool_label(ctx.activity),
            count(seen),
            count(of)
        ),
        expected: format!("a usual next step; one as unusual once in {} steps", count(1.0 / p)),
        support: count(of.max(own)),
        peers: format!(
            "{} steps of the peer group went on from that tool",
            count(ctx.peers(cells::steps_from(0, u64::from(ctx.session.tool))))
        ),
        normal: "a next step that earlier sessions took".into(),
    }
}
