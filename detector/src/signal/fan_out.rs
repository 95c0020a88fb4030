//! # fan_out
//!
//! **Detects.** Many destinations or resources the actor never met, within an hour or half a day.
//!
//! **Why.** Reconnaissance and lateral movement touch many new things; each alone is barely strange.
//!
//! **Wrong when.** The agent's work is to visit new things, as a crawler: then its own rate of firsts is high.
//!
//! **Example.** 41 new resources in 20 minutes; usual are 0.3 an hour.

use baseline::part::rates::WINDOWS_S;

use super::kind::count;
use super::rate::{habit_age_s, usual, window_name};
use super::{Evidence, Explanation, Signal, deviance};
use crate::context::Context;

pub(super) const SIGNAL: Signal = Signal {
    id: "fan_out",
    family: "tempo",
    channels: 1,
    full_on_failure: true,
    handicap_nats: 3.0,
    evaluate,
    over_session: None,
    explain,
    causes: Signal::NO_CAUSES,
};

/// Firsts any agent may have within an hour and half a day.
const FLOOR: [f64; 2] = [2.0, 4.0];
const DISPERSION: f64 = 0.7;

/// Whether the activity touches a destination or resource the actor's own tables do not hold.
pub(crate) fn is_first(ctx: &Context<'_>) -> bool {
    let tag = baseline::hash::tag;
    let place =
        ctx.keys.destination != 0 && ctx.actor.places.get(tag(ctx.keys.destination)).is_none();
    let whole = ctx.keys.resource[2];
    place || (whole != 0 && !ctx.actor.resources.holds(tag(whole)))
}

fn evaluate(ctx: &Context<'_>) -> Option<Evidence> {
    if ctx.late || !is_first(ctx) {
        return None;
    }
    let now_s = ctx.keys.now_s;
    let age_s = habit_age_s(ctx);
    let (recent, _) = ctx.actor.firsts.at(now_s);
    let long = f64::from(ctx.actor.firsts.long);
    let mut worst = (0.0, [0.0; 4]);
    for ((seen, window_s), floor) in recent.into_iter().zip(WINDOWS_S).skip(1).zip(FLOOR) {
        let mean = usual(long, age_s, window_s) + floor;
        let nats = deviance(seen + 1.0, mean, DISPERSION);
        if nats > worst.0 {
            worst = (nats, [seen + 1.0, mean, window_s, long]);
        }
    }
    Evidence::of(worst.0, 0, worst.1)
}

fn explain(_: &Context<'_>, evidence: &Evidence) -> Explanation {
    let [seen, mean, window_s, long] = evidence.numbers;
    Explanation {
        observed: format!("{} first contacts in {}", count(seen), window_name(window_s)),
        expected: format!("about {mean:.1} in {}", window_name(window_s)),
        support: count(long),
        peers: "not compared".into(),
        normal: format!("at most {} first contacts in {}", mean.floor(), window_name(window_s)),
    }
}
