//! # resource
//!
//! **Detects.** Data that the purpose, the peer group or the tenant does not touch, by hierarchy: a new leaf in a
//! familiar place is less strange than a new place.
//!
//! **Why.** A hijacked or rogue agent reads what its permissions allow but its work never needed.
//!
//! **Wrong when.** Ids are random per request: then new values are the habit and the evidence fades by itself.
//!
//! **Example.** A support agent reads `payroll/salaries`; it and its peers only ever read `tickets/...`.

use super::kind::count;
use super::{Evidence, Explanation, Signal};
use crate::cells::Kind;
use crate::context::Context;
use crate::origin::Subject;
use crate::walk::{Walk, walk};

pub(super) const SIGNAL: Signal = Signal {
    id: "resource",
    family: "data",
    channels: 1,
    full_on_failure: false,
    handicap_nats: 0.0,
    evaluate,
    explain,
};

fn evaluate(ctx: &Context<'_>) -> Option<Evidence> {
    let mut worst: (u8, Walk) = (0, Walk::default());
    for (depth, key) in (1_u8..).zip(ctx.keys.resource).filter(|(_, key)| *key != 0) {
        let walk = walk(ctx, Kind::Resource(depth), key);
        if walk.nats > worst.1.nats {
            worst = (depth, walk);
        }
    }
    let (depth, walk) = worst;
    let numbers = [f64::from(walk.unseen), f64::from(walk.levels), walk.rate, walk.support];
    Some(Evidence::of(walk.nats, depth, numbers)?.by_origin(ctx, Subject::Resource))
}

fn explain(ctx: &Context<'_>, evidence: &Evidence) -> Explanation {
    let resource = ctx.activity.resource.as_ref();
    let id = resource.and_then(|r| r.id.as_deref().or(r.name.as_deref())).unwrap_or_default();
    let kind = resource.and_then(|r| r.kind.as_deref()).unwrap_or("resource");
    let [unseen, levels, rate, support] = evidence.numbers;
    let part = if evidence.fact < 3 { "a place" } else { "a resource" };
    Explanation {
        observed: format!("{kind} {id}: {part} not touched before"),
        expected: format!(
            "{part} in use here; a new one once in {} occasions",
            count(1.0 / rate.max(1e-9))
        ),
        support: count(support),
        peers: if unseen >= levels {
            format!("none of {} peer sessions touched it", count(ctx.peer_sessions()))
        } else {
            format!(
                "known in a wider context ({} of {} contexts had not seen it)",
                count(unseen),
                count(levels)
            )
        },
        normal: "data that this purpose or its peers already use".into(),
    }
}
