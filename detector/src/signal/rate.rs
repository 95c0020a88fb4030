//! # rate
//!
//! **Detects.** Far more calls than usual, by the agent or to one destination, within a minute, an hour or half a
//! day.
//!
//! **Why.** Floods, scraping and runaway loops are many times what the agent does, whatever each call looks like.
//!
//! **Wrong when.** Work arrives in rare batches: the first batch of a young agent is a burst like any other.
//!
//! **Example.** 57 calls in a minute to one host; usual are 0.2.

use baseline::math::ln;
use baseline::part::rates::WINDOWS_S;

use super::kind::count;
use super::{Evidence, Explanation, Signal, deviance};
use crate::context::Context;

pub(super) const SIGNAL: Signal = Signal {
    id: "rate",
    family: "tempo",
    channels: 1,
    full_on_failure: true,
    handicap_nats: 2.0,
    evaluate,
    explain,
};

/// What any agent may do within a minute, an hour and half a day before it is known: calls.
const FLOOR: [f64; 3] = [1.0, 4.0, 12.0];
/// Sessions of peers that say as much of an actor as one active hour of its own.
const PEERS_PER_HOUR: f64 = 100.0;
/// Dispersion of the negative binomial: work comes in clumps.
const DISPERSION: f64 = 0.7;

/// Learned calls up to which an actor is new to a destination.
const NEWCOMER_CALLS: f32 = 50.0;
/// Calls that any destination may see within a minute and an hour before it is known.
const SURGE_FLOOR: [f64; 2] = [0.5, 2.0];

/// Usual count in a window of `window_s`, from a 30-day decayed sum and the actor's age.
pub(super) fn usual(long: f64, age_s: f64, window_s: f64) -> f64 {
    let half_life = 30.0 * 86_400.0;
    let age = age_s.max(86_400.0);
    let exposure =
        half_life / std::f64::consts::LN_2 * (1.0 - baseline::math::decay(age, half_life));
    long / exposure * window_s / std::f64::consts::LN_2
}

/// How long the actor's habits cover: up to the last activity that taught anything.
pub(super) fn habit_age_s(ctx: &Context<'_>) -> f64 {
    f64::from(ctx.actor.progress.learned_s.saturating_sub(ctx.actor.progress.first_s))
}

/// What a deviance is worth where the mean it is held against was learned in few hours: an uncertain mean has a
/// heavy tail. Of k hours, (k + 1) ln(1 + G / (k + 1)), which is G for many and grows as its logarithm for none.
fn supported(ctx: &Context<'_>, nats: f64) -> f64 {
    let own = f64::from(ctx.actor.progress.active_hours);
    let hours = 1.0 + own + ctx.peer_sessions() / PEERS_PER_HOUR;
    hours * ln(1.0 + nats / hours)
}

fn evaluate(ctx: &Context<'_>) -> Option<Evidence> {
    if ctx.late || !ctx.first_of_call {
        return None;
    }
    let now_s = ctx.keys.now_s;
    let age_s = habit_age_s(ctx);
    let mut worst = (0.0, 0_u8, [0.0; 4]);
    let total = f64::from(ctx.actor.calls.long).max(1.0);
    let mut consider = |fact: u8, seen: f64, long: f64, window: usize| {
        let (Some(window_s), Some(floor)) = (WINDOWS_S.get(window), FLOOR.get(window)) else {
            return;
        };
        // Batches are usual at their height, for one destination at its share of the calls.
        let share = if fact == 0 { 1.0 } else { (long / total).min(1.0) };
        let peak = ctx.actor.peaks.past(window) * share;
        let mean = usual(long, age_s, *window_s).max(peak) + floor;
        let nats = deviance(seen, mean, DISPERSION);
        if nats > worst.0 {
            worst = (nats, fact, [seen, mean, *window_s, long]);
        }
    };
    let (recent, _) = ctx.actor.calls.at(now_s);
    let long = f64::from(ctx.actor.calls.long);
    for (window, seen) in recent.into_iter().enumerate() {
        consider(0, seen + 1.0, long, window);
    }
    if let Some(place) = ctx.actor.places.get(baseline::hash::tag(ctx.keys.destination)) {
        let (minute, hour, _) = place.at(now_s);
        let long = f64::from(place.long);
        consider(1, minute + 1.0, long, 0);
        consider(1, hour + 1.0, long, 1);
    }
    if let Some((nats, seen, mean, window_s)) = surge(ctx)
        && nats > worst.0
    {
        worst = (nats, 2, [seen, mean, window_s, ctx.busy.long]);
    }
    Evidence::of(supported(ctx, worst.0), worst.1, worst.2)
}

/// Calls of all agents of the partition to this destination, against what is usual there: a newcomer that joins a surge
/// is part of it, an old customer of the destination is not.
fn surge(ctx: &Context<'_>) -> Option<(f64, f64, f64, f64)> {
    let destination = ctx.keys.destination;
    let newcomer = ctx
        .actor
        .places
        .get(baseline::hash::tag(destination))
        .is_none_or(|place| place.long < NEWCOMER_CALLS);
    if destination == 0 || !newcomer {
        return None;
    }
    let busy = ctx.busy;
    let mut worst = (0.0, 0.0, 0.0, 0.0);
    for (seen, floor, window_s) in
        [(busy.minute, SURGE_FLOOR[0], 60.0), (busy.hour, SURGE_FLOOR[1], 3_600.0)]
    {
        let mean = usual(busy.long, busy.age_s, window_s) + floor;
        let nats = deviance(seen + 1.0, mean, DISPERSION);
        if nats > worst.0 {
            worst = (nats, seen + 1.0, mean, window_s);
        }
    }
    Some(worst)
}

pub(super) fn window_name(window_s: f64) -> &'static str {
    if window_s < 100.0 {
        "a minute"
    } else if window_s < 10_000.0 {
        "an hour"
    } else {
        "twelve hours"
    }
}

fn explain(_: &Context<'_>, evidence: &Evidence) -> Explanation {
    let [seen, mean, window_s, long] = evidence.numbers;
    let what = match evidence.fact {
        0 => "calls",
        1 => "calls to this destination",
        _ => "calls of all agents to this destination",
    };
    Explanation {
        observed: format!("{} {what} in {}", count(seen), window_name(window_s)),
        expected: format!("about {mean:.1} in {}", window_name(window_s)),
        support: count(long),
        peers: "not compared".into(),
        normal: format!(
            "fewer than {} {what} in {}",
            count(mean.ceil() + 1.0),
            window_name(window_s)
        ),
    }
}
