//! # resource
//!
//! **Detects.** Data that the purpose, the peer group or the tenant does not touch, by hierarchy: a new leaf in a
//! familiar place is less strange than a new place. A jump to more sensitive data than this tool, purpose or group
//! touches is strange by itself, be the place known or not.
//!
//! **Why.** A hijacked or rogue agent reads what its permissions allow but its work never needed.
//!
//! **Wrong when.** Ids are random per request: then new values are the habit and the evidence fades by itself.
//!
//! **Example.** A support agent reads `payroll/salaries`; it and its peers only ever read `tickets/...`.

use baseline::hash::pair;
use baseline::math::ln;
use baseline::part::reach::CLASSES;
use schemas::cause::CauseKind;

use super::kind::count;
use super::{Evidence, Explanation, Signal, Thing};
use crate::cells::{self, Kind};
use crate::context::Context;
use crate::keys::Keys;
use crate::origin::Subject;
use crate::walk::{Walk, narrowest, walk};

/// The fact that is no depth: a jump in classification.
const JUMP: u8 = 4;

pub(super) const SIGNAL: Signal = Signal {
    id: "resource",
    family: "data",
    channels: 1,
    full_on_failure: false,
    handicap_nats: 0.0,
    evaluate,
    over_session: None,
    explain,
    causes,
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
    let jump = jump(ctx);
    if jump.is_some_and(|jump| jump.nats > walk.nats) {
        return jump;
    }
    let numbers = [f64::from(walk.unseen), f64::from(walk.levels), walk.rate, walk.support];
    Some(Evidence::of(walk.nats, depth, numbers)?.by_origin(ctx, Subject::Resource))
}

/// Contexts of a classification, narrowest first: the tool under its purpose, the purpose, the group.
pub(crate) fn contexts(keys: &Keys) -> [u64; 3] {
    [pair(keys.purpose, keys.tool), keys.purpose, 0]
}

/// Walks from the narrowest context to the widest while none as sensitive was touched there: each pays for the
/// sessions that kept below, and twice for a step more.
fn jump(ctx: &Context<'_>) -> Option<Evidence> {
    let class = ctx.keys.class.filter(|class| *class > 0)?;
    let mut nats = 0.0;
    let mut first = None;
    for (level, context) in contexts(ctx.keys).into_iter().enumerate() {
        let known: [f64; CLASSES] = std::array::from_fn(|class| {
            // Without a purpose the actor's own habit stands between tool and group.
            if level == 1 && context == 0 {
                return ctx.actor.reach.of(class);
            }
            let cell = cells::class(context, class);
            (ctx.peers(cell) - ctx.own(cell)).max(0.0)
        });
        let sessions: f64 = known.iter().sum();
        if sessions < 1.0 {
            continue;
        }
        if known.iter().skip(class).sum::<f64>() >= 1.0 {
            break;
        }
        let usual = known.iter().rposition(|sessions| *sessions >= 1.0).unwrap_or(0);
        let steps = f64::from(u32::try_from(class - usual.min(class)).unwrap_or(0));
        nats += ln(1.0 + sessions) + steps * ln(2.0);
        #[expect(clippy::cast_precision_loss, reason = "at most 4")]
        let usual = usual as f64;
        first.get_or_insert([sessions, steps, usual, level as f64]);
    }
    Evidence::of(nats, JUMP, first?)
}

fn explain_jump(ctx: &Context<'_>, evidence: &Evidence) -> Explanation {
    let resource = ctx.activity.resource.as_ref();
    let class = resource.and_then(|r| r.classification).unwrap_or_default().as_str();
    let [sessions, steps, usual, level] = evidence.numbers;
    let words = ["public", "internal", "confidential", "restricted"];
    let usual = nth(&words, usual);
    let context = ["this tool", "this work", "this peer group"];
    let context = nth(&context, level);
    Explanation {
        observed: format!(
            "{}: {class} data, {} steps above what is usual",
            name(ctx),
            count(steps)
        ),
        expected: format!("at most {usual} data, as in every session of {context}"),
        support: count(sessions),
        peers: format!("{} peer sessions in all", count(ctx.peer_sessions())),
        normal: format!("at most {usual} data"),
    }
}

/// The word at a place that was kept as a number.
fn nth<'a>(words: &[&'a str], place: f64) -> &'a str {
    usize::try_from(count(place)).ok().and_then(|at| words.get(at)).copied().unwrap_or("unknown")
}

/// The resource in words.
fn name(ctx: &Context<'_>) -> String {
    let resource = ctx.activity.resource.as_ref();
    let id = resource.and_then(|r| r.id.as_deref().or(r.name.as_deref())).unwrap_or_default();
    let kind = resource.and_then(|r| r.kind.as_deref()).unwrap_or("resource");
    format!("{kind} {id}")
}

/// The resource and the places that hold it, the widest first: of a new place it does not matter what lies in it.
fn causes(ctx: &Context<'_>, evidence: &Evidence) -> Vec<Thing> {
    if evidence.fact == JUMP {
        return Vec::new();
    }
    let depths = (1_u8..).zip(ctx.keys.resource).filter(|(_, key)| *key != 0);
    let thing = |(depth, value)| {
        let fresh = ctx.is_new_to_peers(cells::value(Kind::Resource(depth), 0, 0, value), value);
        Thing { kind: CauseKind::Resource, value, name: name(ctx), fresh }
    };
    depths.map(thing).collect()
}

/// Who would have to know the place at a depth.
fn known_to(ctx: &Context<'_>, depth: u8) -> &'static str {
    let place = usize::from(depth.saturating_sub(1));
    let key = ctx.keys.resource.get(place).copied().unwrap_or(0);
    narrowest(ctx, Kind::Resource(depth), key)
}

fn explain(ctx: &Context<'_>, evidence: &Evidence) -> Explanation {
    if evidence.fact == JUMP {
        return explain_jump(ctx, evidence);
    }
    let [unseen, levels, rate, support] = evidence.numbers;
    let part = if evidence.fact < 3 { "a place" } else { "a resource" };
    Explanation {
        observed: format!("{}: {part} not touched before", name(ctx)),
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
        normal: format!("{part} that {} already used", known_to(ctx, evidence.fact)),
    }
}
