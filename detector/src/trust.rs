//! Trust in closed form. T = 100 min(u + (1-u) a0, exp(-(R_f + R_s)/6.87)); u = clean hours / (clean hours + 24). What is
//! not known of an actor bounds its trust and is no evidence: a newcomer falls as far as anybody by the same event. Were
//! the two multiplied, it would stand at the bound of `restricted` before it did anything.
//! Evidence of an hour is capped by what the calibrator supports; within an incident only the increase of the
//! maximum counts; both sums halve (24 h, 336 h) on a clock of active clean hours + a quarter of idle ones.
//! Between activities nothing is stored but steps up, each with the hour at which it fell due: whether they are taken
//! at an epoch's end or found at the next activity, the state is the same. Hours are those of log time.
//! Source: beta reputation with a base rate (Josang & Ismail 2002).

use baseline::math::{decay, exp, ln};
use baseline::part::trust::TrustState;
use baseline::shared::OutsideEvidence;
use schemas::Authority;
use schemas::time::{HOUR_MS, TIME_MS_MAX, TIME_MS_MIN};
use schemas::trust::Level;

use crate::budget::ReturnPeriod;

const FAST_HALF_LIFE_H: f64 = 24.0;
const SLOW_HALF_LIFE_H: f64 = 336.0;
const FAST_SHARE: f64 = 0.8;
/// What is seen once in 1 / 0.03 actor-months, the budget of restrictions, takes trust to 60: ln(1/0.03) / ln(1/0.6).
const SCALE: f64 = 6.87;
const CERTAIN_HOURS: f64 = 24.0;
const EVIDENCE_MAX: f64 = 10.0;
const INCIDENT_GAP_H: u32 = 6;
/// Trust in an actor nothing is known of: a person's errand deserves a little more.
const BASE_RATE: f64 = 0.6;
const BASE_RATE_FOR_PERSON: f64 = 0.7;
/// Hours a level must hold before the next step up: to trusted, to watch; to restricted only by a person.
const DWELL_H: [u32; 2] = [1, 24];
/// How far above a level's bound the score must be for a step up.
const HYSTERESIS: [f64; 2] = [8.0, 12.0];
/// The last hour that has a time.
const HOUR_MAX: u32 = {
    #[expect(clippy::cast_possible_truncation, reason = "1,139,543")]
    let hours = (TIME_MS_MAX / HOUR_MS - 1) as u32;
    hours
};

/// The trust score of a state.
pub(crate) fn score(state: &TrustState) -> f64 {
    let base_rate = if state.for_person { BASE_RATE_FOR_PERSON } else { BASE_RATE };
    let hours = f64::from(state.clean_hours);
    let certainty = hours / (hours + CERTAIN_HOURS);
    let evidence = f64::from(state.fast) + f64::from(state.slow);
    let known = certainty + (1.0 - certainty) * base_rate;
    (100.0 * known.min(exp(-evidence / SCALE))).clamp(0.0, 100.0)
}

/// The level as shown: `unknown` for a short clean history without evidence against it.
pub(crate) fn level(state: &TrustState, score: f64, levels: [f64; 3]) -> Level {
    if f64::from(state.clean_hours) < CERTAIN_HOURS
        && score >= levels[1]
        && state.level >= Level::Watch
    {
        Level::Unknown
    } else {
        state.level
    }
}

/// Lets the clock reach `hour`: one active hour, and idle ones at a quarter.
pub(crate) fn enter_hour(state: &mut TrustState, hour: u32) {
    if state.hour == 0 {
        state.hour = hour;
        state.level_hour = hour;
    }
    let elapsed = hour.saturating_sub(state.hour);
    if elapsed == 0 {
        return;
    }
    let clock = 1.0 + 0.25 * f64::from(elapsed - 1);
    state.fast = narrow(f64::from(state.fast) * decay(clock, FAST_HALF_LIFE_H));
    state.slow = narrow(f64::from(state.slow) * decay(clock, SLOW_HALF_LIFE_H));
    // The hour that ends was clean where no evidence fell into it.
    if state.incident_hour != state.hour {
        state.clean_hours = state.clean_hours.saturating_add(1);
    }
    state.hour = hour;
}

/// What the state is at `hour` if nothing happens until then, but for its band.
fn idle(state: &TrustState, hour: u32) -> TrustState {
    let mut later = *state;
    enter_hour(&mut later, hour);
    later
}

/// Score and level as shown at `hour`, if nothing happens until then and steps up are taken.
pub(crate) fn standing(state: &TrustState, hour: u32, levels: [f64; 3]) -> (f64, Level) {
    let later = idle(state, hour);
    let score = score(&later);
    (score, level(&later, score, levels))
}

/// Takes the evidence of people that it has not taken yet, each piece at the hour at which it was given: when it is found,
/// at an activity or at an epoch's end, changes no bit. In the mean time the actor counts as idle. What is against it
/// lowers the level at once; what takes back an alert is a person's word, and lifts it at once as well.
pub(crate) fn take_outside(
    state: &mut TrustState,
    all: &[OutsideEvidence],
    authority: Authority,
    levels: [f64; 3],
) {
    for said in all.iter().filter(|said| said.authority == authority) {
        if said.sequence <= state.outside {
            continue;
        }
        state.outside = said.sequence;
        let hour = said.hour.max(state.hour);
        step_up(state, hour, levels);
        state.fast = moved(state.fast, said.fast, (state.hour, said.hour), FAST_HALF_LIFE_H);
        state.slow = moved(state.slow, said.slow, (state.hour, said.hour), SLOW_HALF_LIFE_H);
        let band = band(score(&idle(state, hour)), levels);
        let lifts = said.fast < 0.0 || said.slow < 0.0;
        if band < state.level || (lifts && band > state.level) {
            state.level = band;
            state.level_hour = hour;
        }
    }
}

/// A sum at its own hour with evidence of another one, after or before, on the clock of an idle actor.
fn moved(sum: f32, add: f32, (own, given): (u32, u32), half_life: f64) -> f32 {
    let clock = |from: u32, to: u32| 0.25 * f64::from(to.saturating_sub(from));
    let add = if own < given {
        // As much as is left of it at its hour, after one active hour and idle ones.
        f64::from(add) / decay(0.75 + clock(own, given), half_life)
    } else {
        f64::from(add) * decay(clock(given, own), half_life)
    };
    narrow(f64::from(sum) + add)
}

/// Takes in the evidence of one activity, weighted, then finds the level. Gives what it added, in nats.
pub(crate) fn take_in(
    state: &mut TrustState,
    period: &ReturnPeriod,
    weight: f64,
    levels: [f64; 3],
) -> f64 {
    let supported = ln((10.0 * period.support.actor_hours / period.hours_per_month).max(1.0));
    let evidence = ln(period.counted_months.max(1.0)).min(supported).min(EVIDENCE_MAX) * weight;
    let mut added = 0.0;
    if evidence > 0.0 {
        if state.hour.saturating_sub(state.incident_hour) > INCIDENT_GAP_H {
            state.incident = 0.0;
        }
        let rise = (evidence - f64::from(state.incident)).max(0.0);
        added = rise;
        state.fast = narrow(f64::from(state.fast) + FAST_SHARE * rise);
        state.slow = narrow(f64::from(state.slow) + (1.0 - FAST_SHARE) * rise);
        state.incident = narrow(f64::from(state.incident).max(evidence));
        state.incident_hour = state.hour;
    }
    fall(state, levels);
    step_up(state, state.hour, levels);
    added
}

fn fall(state: &mut TrustState, levels: [f64; 3]) {
    let evidence = f64::from(state.fast) + f64::from(state.slow);
    // Evidence lets fall, not how little is known: who is new starts below 80.
    let band = band(100.0 * exp(-evidence / SCALE), levels);
    if band < state.level {
        state.level = band;
        state.level_hour = state.hour;
    }
}

/// The band of a score.
fn band(score: f64, levels: [f64; 3]) -> Level {
    if score >= levels[0] {
        Level::Trusted
    } else if score >= levels[1] {
        Level::Watch
    } else if score >= levels[2] {
        Level::Restricted
    } else {
        Level::Untrusted
    }
}

/// The next step up of a band: the score it needs, the hours the band must have held, and where it leads.
fn rung(level: Level, levels: [f64; 3]) -> Option<(f64, u32, Level)> {
    match level {
        Level::Watch => Some((levels[0] + HYSTERESIS[0], DWELL_H[0], Level::Trusted)),
        Level::Restricted => Some((levels[1] + HYSTERESIS[1], DWELL_H[1], Level::Watch)),
        Level::Untrusted | Level::Unknown | Level::Trusted => None,
    }
}

/// The hour of the next step up and where it leads, if nothing happens and if it is not after `last`. Idle, the score
/// only rises, so the first hour that reaches the bound is found by halving.
fn next_step(state: &TrustState, last: u32, levels: [f64; 3]) -> Option<(u32, Level)> {
    let (bound, dwell, next) = rung(state.level, levels)?;
    let reaches = |hour: u32| score(&idle(state, hour)) >= bound;
    let mut low = state.hour.max(state.level_hour.saturating_add(dwell));
    if last < low || !reaches(last) {
        return None;
    }
    let mut high = last;
    while low < high {
        let middle = low + (high - low) / 2;
        if reaches(middle) { high = middle } else { low = middle + 1 }
    }
    Some((low, next))
}

/// Takes the steps up that fell due by `hour`, each at its own hour.
pub(crate) fn step_up(state: &mut TrustState, hour: u32, levels: [f64; 3]) {
    while let Some((due, next)) = next_step(state, hour, levels) {
        state.level = next;
        state.level_hour = due;
    }
}

/// The first hour at which another level shows than was published, and which, if nothing happens.
pub(crate) fn next_change(state: &TrustState, levels: [f64; 3]) -> Option<(u32, Level)> {
    let mut later = *state;
    // The open hour ends by itself, and may have been the last clean one that was missing.
    let mut hour = state.hour.max(published_hour(state)) + 1;
    loop {
        step_up(&mut later, hour, levels);
        let (_, level) = standing(&later, hour, levels);
        if level != state.published.level {
            return Some((hour, level));
        }
        hour = next_step(&later, HOUR_MAX, levels)?.0;
    }
}

/// The hour of the newest record, since 1970.
fn published_hour(state: &TrustState) -> u32 {
    let since_1990 = i64::from(state.published.at_s) * 1_000;
    hour_of(TIME_MS_MIN + since_1990)
}

/// Hours since 1970 of a time in milliseconds.
pub(crate) fn hour_of(ms: i64) -> u32 {
    u32::try_from(ms / HOUR_MS).unwrap_or(0)
}

fn narrow(x: f64) -> f32 {
    #[expect(clippy::cast_possible_truncation, reason = "evidence is below 1e4")]
    let narrowed = x.clamp(0.0, 1e4) as f32;
    narrowed
}

#[cfg(test)]
mod tests;
