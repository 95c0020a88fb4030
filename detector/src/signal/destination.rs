//! # destination
//!
//! **Detects.** A destination that the purpose, the peer group or the tenant has not used, weighed by how often
//! that context meets new destinations at all.
//!
//! **Why.** Data leaves through somewhere: an exfiltration, a callback or a payment to a stranger shows first as a
//! destination nobody in this context has talked to.
//!
//! **Wrong when.** A team takes up a new service: the first agents to use it look strange until others follow.
//!
//! **Example.** An invoice agent that only ever talked to the ERP posts to a paste site: unseen for the purpose, for
//! the blueprint and for the tenant.

use schemas::cause::CauseKind;

use super::kind::count;
use super::{Evidence, Explanation, Signal, Thing};
use crate::cells::{self, Kind};
use crate::context::Context;
use crate::keys::destination_label;
use crate::origin::Subject;
use crate::walk::{narrowest, walk};

pub(super) const SIGNAL: Signal = Signal {
    id: "destination",
    family: "place",
    channels: 2,
    full_on_failure: false,
    handicap_nats: 0.0,
    evaluate,
    over_session: None,
    explain,
    causes,
};

fn kind(ctx: &Context<'_>) -> Kind {
    if ctx.tool_is_new() { Kind::DestinationOfNewTool } else { Kind::Destination }
}

fn evaluate(ctx: &Context<'_>) -> Option<Evidence> {
    if ctx.keys.destination == 0 {
        return None;
    }
    let new_tool = ctx.tool_is_new();
    let walk = walk(ctx, kind(ctx), ctx.keys.destination);
    let numbers = [f64::from(walk.unseen), f64::from(walk.levels), walk.rate, walk.support];
    let evidence = Evidence::of(walk.nats, u8::from(new_tool), numbers)?;
    let subject = if new_tool { Subject::DestinationOfNewTool } else { Subject::Destination };
    Some(Evidence { channel: usize::from(new_tool), ..evidence.by_origin(ctx, subject) })
}

fn causes(ctx: &Context<'_>, _: &Evidence) -> Vec<Thing> {
    let value = ctx.keys.destination;
    let label = ctx.activity.destination.as_ref().and_then(destination_label).unwrap_or_default();
    let fresh = ctx.is_new_to_peers(cells::value(Kind::Destination, 0, 0, value), value);
    vec![Thing { kind: CauseKind::Destination, value, name: label.into_owned(), fresh }]
}

fn explain(ctx: &Context<'_>, evidence: &Evidence) -> Explanation {
    let label = ctx.activity.destination.as_ref().and_then(destination_label).unwrap_or_default();
    let [unseen, levels, rate, support] = evidence.numbers;
    let everywhere = unseen >= levels;
    let peers = ctx.peer_sessions();
    Explanation {
        observed: format!("first contact with {label}"),
        expected: if rate > 0.0 {
            format!("a destination in use here; a new one once in {} occasions", count(1.0 / rate))
        } else {
            "a destination in use here".into()
        },
        support: count(support),
        peers: if everywhere {
            format!("none of {} peer sessions used it", count(peers))
        } else {
            format!(
                "known in a wider context ({} of {} contexts had not seen it)",
                count(unseen),
                count(levels)
            )
        },
        normal: format!(
            "a destination that {} already used",
            narrowest(ctx, kind(ctx), ctx.keys.destination)
        ),
    }
}
