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

use baseline::math::{deviance, excess, ln};
use baseline::part::rates::WINDOWS_S;

use super::kind::count;
use super::{Evidence, Explanation, Signal};
use crate::context::Context;

pub(super) const SIGNAL: Signal = Signal {
    id: "rate",
    family: "tempo",
    channels: 1,
    full_on_failure: true,
    handicap_nats: 2.0,
    evaluate,
    over_session: None,
    explain,
    causes: Signal::NO_CAUSES,
};

/// Calls that an agent of no active hour may always make in a minute, an hour and half a day: added to its mean.
const FLOOR: [f64; 3] = [0.03, 0.12, 0.36];
/// Calls after its first that say nothing of such an agent: new agents come, and make some calls.
const FEW: [f64; 3] = [2.0, 4.0, 8.0];
/// Calls that any destination may always see in a minute and an hour.
const SURGE_FLOOR: [f64; 2] = [0.015, 0.06];
/// Calls in a minute beyond the mean that are no leap of anybody.
const LEAP_FLOOR: f64 = 5.0;
/// Sessions of peers that say as much of an actor as one active hour of its own.
const PEERS_PER_HOUR: f64 = 100.0;
/// Dispersion of the negative binomial: work comes in clumps.
const DISPERSION: f64 = 0.7;
/// Learned calls up to which an actor is new to a destination.
const NEWCOMER_CALLS: f32 = 50.0;
/// What a burst to one destination must say more than one of all calls, and a surge of all agents, in nats: the price of
/// looking at many destinations.
const ONE_OF_MANY_NATS: f64 = 4.0;
const SURGE_NATS: f64 = 6.0;

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

/// What evidence is worth where the mean it is held against was learned in few hours: an uncertain mean has a
/// heavy tail. Of k hours, (k + 1) ln(1 + G / (k + 1)), which is G for many and grows as its logarithm for none.
pub(super) fn supported(ctx: &Context<'_>, nats: f64) -> f64 {
    let own = f64::from(ctx.actor.progress.active_hours);
    let hours = 1.0 + own + ctx.peer_sessions() / PEERS_PER_HOUR;
    hours * ln(1.0 + nats / hours)
}

/// A count in one window beside what is usual there.
#[derive(Clone, Copy)]
struct Window {
    seen: f64,
    mean: f64,
    window_s: f64,
    long: f64,
    /// What it says beyond what a few calls would say.
    nats: f64,
}

impl Window {
    /// `mean` of a count: what is judged counts towards its own mean, so that it is not endless where that is near 0.
    fn new(recent: f64, (window_s, long): (f64, f64), few: f64, mean: impl Fn(f64) -> f64) -> Self {
        let seen = recent + 1.0;
        let said = |seen| excess(seen, mean(seen), DISPERSION);
        Self { seen, mean: mean(seen), window_s, long, nats: said(seen) - said(seen.min(few)) }
    }
}

/// Evidence of windows together: the sum of what they say, so that a burst that lasts says more than one that ends. It
/// shows the window that says most.
fn burst(ctx: &Context<'_>, fact: u8, extra: f64, windows: &[Window]) -> Option<Evidence> {
    let nats = extra + windows.iter().map(|window| window.nats).sum::<f64>();
    let most = windows.iter().max_by(|a, b| a.nats.total_cmp(&b.nats))?;
    let numbers = [most.seen, most.mean, most.window_s, most.long];
    Evidence::of(supported(ctx, nats.max(0.0)), fact, numbers)
}

/// Windows of an actor's counts, of all calls or of those to one destination.
fn windows(ctx: &Context<'_>, recent: &[f64], long: f64) -> Vec<Window> {
    // Silence before its first call is a habit of an agent too: what watched the others has not seen it.
    let age_s = ctx.watched_s.max(habit_age_s(ctx));
    let hours = 1.0 + f64::from(ctx.actor.progress.active_hours);
    // Batches are usual at their height, for one destination at its share of the calls.
    let total = f64::from(ctx.actor.calls.long);
    let share = if long < total { long / total } else { 1.0 };
    let rows = recent.iter().zip(WINDOWS_S).zip(FLOOR.iter().zip(FEW)).zip(0..);
    rows.map(|(((recent, window_s), (floor, few)), window)| {
        let peak = ctx.actor.peaks.past(window) * share;
        let mean = |seen| usual(long + seen, age_s, window_s).max(peak) + floor / hours;
        Window::new(*recent, (window_s, long), 1.0 + few / hours, mean)
    })
    .collect()
}

fn evaluate(ctx: &Context<'_>) -> Option<Evidence> {
    if ctx.late || !ctx.first_of_call {
        return None;
    }
    let now_s = ctx.keys.now_s;
    let (recent, _) = ctx.actor.calls.at(now_s);
    let all = windows(ctx, &recent, f64::from(ctx.actor.calls.long));
    // The sum grows as a logarithm; a leap within a minute is told from a brisk pace by its deviance.
    let leap = |minute: &Window| deviance(minute.seen, minute.mean + LEAP_FLOOR, DISPERSION);
    let mut found = burst(ctx, 0, all.first().map_or(0.0, leap), &all);
    let mut consider = |evidence: Option<Evidence>| {
        let more = |than: f64| evidence.is_some_and(|evidence| evidence.nats > than);
        if more(found.map_or(0.0, |found| found.nats)) {
            found = evidence;
        }
    };
    let place = ctx.actor.places.get(baseline::hash::tag(ctx.keys.destination));
    if let Some(place) = place {
        let (minute, hour, _) = place.at(now_s);
        let mut here = windows(ctx, &[minute, hour], f64::from(place.long));
        here.extend(all.last());
        consider(burst(ctx, 1, -ONE_OF_MANY_NATS, &here));
    }
    if ctx.keys.destination != 0 && place.is_none_or(|place| place.long < NEWCOMER_CALLS) {
        consider(surge(ctx));
    }
    found
}

/// Calls of all agents of the partition to this destination, against what is usual there: a newcomer that joins a surge
/// is part of it, an old customer of the destination is not.
fn surge(ctx: &Context<'_>) -> Option<Evidence> {
    let busy = ctx.busy;
    let watched_s = ctx.watched_s.max(busy.age_s);
    let rows = [busy.minute, busy.hour].into_iter().zip(WINDOWS_S).zip(SURGE_FLOOR);
    let rows = rows.map(|((recent, window_s), floor)| {
        let mean = |seen| usual(busy.long + seen, watched_s, window_s) + floor;
        Window::new(recent, (window_s, busy.long), 1.0, mean)
    });
    burst(ctx, 2, -SURGE_NATS, &rows.collect::<Vec<_>>())
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
