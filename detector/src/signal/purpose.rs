//! # purpose
//!
//! **Detects.** A tool that sessions of this purpose do not use, however often the agent uses it elsewhere.
//!
//! **Why.** An agent steered off its task keeps its permissions and its usual tools; what changes is which tool it
//! takes up for which purpose.
//!
//! **Wrong when.** A purpose id covers unrelated work: then new tools are common there and weigh little.
//!
//! **Example.** An agent asked to summarise a page calls `send_money`: it does that daily, never for this purpose.

use baseline::hash::tag;
use baseline::math::ln;
use schemas::cause::CauseKind;

use super::kind::count;
use super::{Evidence, Explanation, Signal, Thing};
use crate::cells;
use crate::context::Context;
use crate::keys::tool_label;
use crate::origin::Subject;

pub(super) const SIGNAL: Signal = Signal {
    id: "purpose",
    family: "work",
    channels: 1,
    full_on_failure: false,
    handicap_nats: 0.0,
    evaluate,
    over_session: None,
    explain,
    causes,
};

fn evaluate(ctx: &Context<'_>) -> Option<Evidence> {
    let keys = ctx.keys;
    let all = ctx.peer_sessions();
    if all < 1.0 {
        return None;
    }
    let of_purpose = ctx.purpose_sessions();
    // A new purpose is no anomaly by itself: then what the whole group does is the habit.
    let (used, sessions) = if of_purpose >= 1.0 {
        (ctx.purpose_tool(), of_purpose)
    } else {
        let slot = cells::tool(0, keys.tool);
        ((ctx.peers(slot) - ctx.own(slot)).max(0.0), all)
    };
    let share = (ctx.peers(cells::new_tools(0, 0)) + 1.0) / (all + 1.0);
    let own = &ctx.actor.novelty.tools;
    let excess = |new: f64, sessions: f64| (new + 3.0) / (sessions * share + 3.0);
    let of_agent = excess(f64::from(own.new), f64::from(own.of));
    let of_its_purpose = excess(ctx.peers(cells::new_tools(keys.purpose, 0)), of_purpose);
    let mut lambda = (ctx.peers(cells::new_tools(0, keys.tool)) + 0.3) / (all + 1.0);
    if let Some(tool) = ctx.actor.tools.get(tag(keys.tool)).filter(|tool| tool.novel > 0) {
        lambda = (f64::from(tool.novel) + 15.0 * lambda) / (f64::from(own.of) + 15.0);
    }
    lambda *= of_agent * of_its_purpose * (13.0 / (of_purpose + 1.0)).sqrt();
    let p = ((used - 0.5).max(0.0) / (sessions + 1.0) + lambda).clamp(1e-9, 1.0);
    let numbers = [used, sessions, p, all];
    let evidence = Evidence::of(-ln(p), u8::from(of_purpose < 1.0), numbers)?;
    Some(evidence.by_origin(ctx, Subject::Tool))
}

fn causes(ctx: &Context<'_>, _: &Evidence) -> Vec<Thing> {
    let (tool, name) = (ctx.keys.tool, tool_label(ctx.activity));
    let cell = cells::tool(0, tool);
    let fresh = ctx.is_new_to_peers(cell, cell);
    let tool_itself = Thing { kind: CauseKind::Tool, value: tool, name: name.to_owned(), fresh };
    let of_purpose = Thing {
        kind: CauseKind::PurposeTool,
        value: cells::tool(ctx.keys.purpose, tool),
        fresh: ctx.tool_is_new(),
        ..tool_itself.clone()
    };
    vec![tool_itself, of_purpose]
}

fn explain(ctx: &Context<'_>, evidence: &Evidence) -> Explanation {
    let tool = tool_label(ctx.activity);
    let [used, sessions, p, all] = evidence.numbers;
    let purpose = ctx.activity.purpose().unwrap_or("none");
    let context =
        if evidence.fact == 0 { format!("purpose {purpose}") } else { "the peer group".into() };
    let group_slot = cells::tool(0, ctx.keys.tool);
    Explanation {
        observed: format!(
            "{tool} used for {context}: {} of {} earlier sessions did",
            count(used),
            count(sessions)
        ),
        expected: format!(
            "a tool usual for {context}; one as unusual once in {} sessions",
            count(1.0 / p)
        ),
        support: count(sessions),
        peers: format!(
            "{} of {} peer sessions used {tool} for anything",
            count(ctx.peers(group_slot)),
            count(all)
        ),
        normal: format!("a tool that other sessions of {context} use"),
    }
}
