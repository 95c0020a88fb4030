//! # sequence
//!
//! **Detects.** A step from one tool to the next that sessions of this purpose and the peer group do not make.
//!
//! **Why.** Injected work interrupts the usual order: each tool is familiar, the way from one to the other is not.
//!
//! Where several steps of a session are out of order their evidence adds up, on a channel of its own: one slip is usual,
//! a session run backwards is not.
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
    channels: 2,
    full_on_failure: false,
    handicap_nats: 2.5,
    evaluate,
    over_session: Some(over_session),
    explain,
    causes,
};

/// Weight of the wider context, in steps.
const BACK_OFF: f64 = 3.0;
/// Weight of work without an order behind a purpose's steps, in steps: an order is one only after many of them.
const ORDER_BACK_OFF: f64 = 100.0;
/// Nats that a step and those before it must say, or it is not said again.
const AGAIN_NATS: f64 = 0.7;
/// The fact that several steps of a session are out of order.
const DISORDER: u8 = 1;

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

/// What a step says for the purpose's tools without an order against their usual order, in nats: the logarithm of a
/// ratio of likelihoods. Its sum over a session, never below 0, is Page's test of a change. Work that has no order says
/// nothing for either.
pub(crate) fn disorder(ctx: &Context<'_>) -> f64 {
    let (keys, from) = (ctx.keys, u64::from(ctx.session.tool));
    if from == 0 || !ctx.first_of_call || ctx.late || ctx.tool_is_new() {
        return 0.0;
    }
    let smooth =
        |seen, of, wider, weight| (ctx.peers(seen) + weight * wider) / (ctx.peers(of) + weight);
    let [calls_to, calls] = [cells::calls_to(keys.purpose, keys.tool), cells::calls(keys.purpose)];
    let unordered = smooth(calls_to, calls, 0.1, BACK_OFF);
    let (step, steps) =
        (cells::step(keys.purpose, from, keys.tool), cells::steps_from(keys.purpose, from));
    ln(unordered / smooth(step, steps, unordered, ORDER_BACK_OFF))
}

/// Steps of a session that are out of order, again and again.
fn over_session(ctx: &Context<'_>) -> Option<Evidence> {
    let before = ctx.session.disorder();
    if before < AGAIN_NATS {
        return None;
    }
    let now = disorder(ctx);
    if now < AGAIN_NATS {
        return None;
    }
    let evidence = Evidence::of(before + now, DISORDER, [before, now, 0.0, 0.0])?;
    Some(Evidence { channel: 1, ..evidence })
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
    if evidence.fact == DISORDER {
        return explain_disorder(ctx, evidence);
    }
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

fn explain_disorder(ctx: &Context<'_>, evidence: &Evidence) -> Explanation {
    let [before, now, ..] = evidence.numbers;
    let steps = cells::steps_from(ctx.keys.purpose, u64::from(ctx.session.tool));
    Explanation {
        observed: format!(
            "{} again out of order: {before:.1} nats for no order before it in this session, {now:.1} by it",
            tool_label(ctx.activity)
        ),
        expected: "the order in which sessions of this purpose use their tools".into(),
        support: count(ctx.peers(steps)),
        peers: format!("{} steps of the purpose went on from that tool", count(ctx.peers(steps))),
        normal: "the next step in the usual order, or a single slip".into(),
    }
}
