//! Trust in closed form. T = 100 (u + (1-u) a0) exp(-(R_f + R_s)/9.4); u = clean hours / (clean hours + 24).
//! Evidence of an hour is capped by what the calibrator supports; within an incident only the increase of the
//! maximum counts; both sums halve (24 h, 336 h) on a clock of active clean hours + a quarter of idle ones.
//! Source: beta reputation with a base rate (Josang & Ismail 2002).

use baseline::math::{decay, exp, ln};
use baseline::part::trust::TrustState;
use schemas::trust::Level;

use crate::budget::ReturnPeriod;

const FAST_HALF_LIFE_H: f64 = 24.0;
const SLOW_HALF_LIFE_H: f64 = 336.0;
const FAST_SHARE: f64 = 0.8;
const SCALE: f64 = 9.4;
const CERTAIN_HOURS: f64 = 24.0;
const EVIDENCE_MAX: f64 = 10.0;
const INCIDENT_GAP_H: u32 = 6;
/// Hours a level must hold before the next step up: to trusted, to watch; to restricted only by a person.
const DWELL_H: [u32; 2] = [1, 24];
/// How far above a level's bound the score must be for a step up.
const HYSTERESIS: [f64; 2] = [8.0, 12.0];

/// What weighs on trust besides evidence.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weights {
    /// Trust in an actor nothing is known of: 0 to 1.
    pub(crate) base_rate: f64,
    /// Weight of evidence: 1 delegated, 1.25 autonomous, 2 on a restricted resource.
    pub(crate) evidence: f64,
}

/// The trust score of a state.
pub(crate) fn score(state: &TrustState, base_rate: f64) -> f64 {
    let hours = f64::from(state.clean_hours);
    let certainty = hours / (hours + CERTAIN_HOURS);
    let evidence = f64::from(state.fast) + f64::from(state.slow);
    (100.0 * (certainty + (1.0 - certainty) * base_rate) * exp(-evidence / SCALE)).clamp(0.0, 100.0)
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

/// Takes in the evidence of one activity, then finds the level.
pub(crate) fn take_in(
    state: &mut TrustState,
    period: &ReturnPeriod,
    weights: Weights,
    levels: [f64; 3],
) {
    let supported = ln((10.0 * period.support.actor_hours / period.hours_per_month).max(1.0));
    let evidence =
        ln(period.actor_months.max(1.0)).min(supported).min(EVIDENCE_MAX) * weights.evidence;
    if evidence > 0.0 {
        if state.hour.saturating_sub(state.incident_hour) > INCIDENT_GAP_H {
            state.incident = 0.0;
        }
        let rise = (evidence - f64::from(state.incident)).max(0.0);
        state.fast = narrow(f64::from(state.fast) + FAST_SHARE * rise);
        state.slow = narrow(f64::from(state.slow) + (1.0 - FAST_SHARE) * rise);
        state.incident = narrow(f64::from(state.incident).max(evidence));
        state.incident_hour = state.hour;
    }
    settle_level(state, score(state, weights.base_rate), levels);
}

fn settle_level(state: &mut TrustState, score: f64, levels: [f64; 3]) {
    let band = |score: f64| {
        if score >= levels[0] {
            Level::Trusted
        } else if score >= levels[1] {
            Level::Watch
        } else if score >= levels[2] {
            Level::Restricted
        } else {
            Level::Untrusted
        }
    };
    let evidence = f64::from(state.fast) + f64::from(state.slow);
    let now = band(score);
    // An uncertain actor starts below 80 without any evidence: that is no fall.
    let fell = now < state.level && (evidence > 0.05 || now < Level::Watch);
    if fell {
        state.level = now;
        state.level_hour = state.hour;
        return;
    }
    let (bound, dwell, next) = match state.level {
        Level::Watch => (levels[0] + HYSTERESIS[0], DWELL_H[0], Level::Trusted),
        Level::Restricted => (levels[1] + HYSTERESIS[1], DWELL_H[1], Level::Watch),
        _ => return,
    };
    if score >= bound && state.hour.saturating_sub(state.level_hour) >= dwell {
        state.level = next;
        state.level_hour = state.hour;
    }
}

fn narrow(x: f64) -> f32 {
    #[expect(clippy::cast_possible_truncation, reason = "evidence is below 1e4")]
    let narrowed = x.clamp(0.0, 1e4) as f32;
    narrowed
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::finding::Support;

    const LEVELS: [f64; 3] = [80.0, 60.0, 40.0];
    const WEIGHTS: Weights = Weights { base_rate: 0.6, evidence: 1.0 };

    fn period(actor_months: f64) -> ReturnPeriod {
        let support = Support { actor_hours: 1e9, extrapolated: false };
        ReturnPeriod { actor_months, hours_per_month: 100.0, support }
    }

    fn clean(hours: u32) -> TrustState {
        let mut state = TrustState::default();
        (1_000..=1_000 + hours).for_each(|hour| {
            enter_hour(&mut state, hour);
            take_in(&mut state, &period(0.0), WEIGHTS, LEVELS);
        });
        state
    }

    #[test]
    fn worked_examples_of_the_design() {
        // An event of once in 10 years costs a factor of exp(-4.8/9.4) = 0.6; 100 years 0.47.
        for (months, factor) in [(12.0, 0.77), (120.0, 0.60), (1_200.0, 0.47)] {
            let mut state = clean(2_000);
            let before = score(&state, 0.6);
            take_in(&mut state, &period(months), WEIGHTS, LEVELS);
            assert!((score(&state, 0.6) / before - factor).abs() < 0.01, "{months}");
        }
    }

    #[test]
    fn one_incident_counts_once_and_two_fall_further() {
        let mut state = clean(2_000);
        for _ in 0..50 {
            take_in(&mut state, &period(120.0), WEIGHTS, LEVELS);
        }
        assert_eq!(state.level, Level::Restricted);
        let once = score(&state, 0.6);
        (3_001..=3_012).for_each(|hour| enter_hour(&mut state, hour));
        take_in(&mut state, &period(120.0), WEIGHTS, LEVELS);
        assert!(score(&state, 0.6) < once);
        let untouched = clean(2_000);
        assert_eq!(level(&untouched, score(&untouched, 0.6), LEVELS), Level::Trusted);
    }

    #[test]
    fn a_newcomer_is_unknown_not_fallen() {
        let state = clean(3);
        assert_eq!(level(&state, score(&state, 0.6), LEVELS), Level::Unknown);
        assert_eq!(state.level, Level::Trusted);
    }

    #[test]
    fn support_caps_the_penalty() {
        let mut state = clean(2_000);
        let thin = ReturnPeriod {
            support: Support { actor_hours: 10.0, extrapolated: true },
            ..period(1e6)
        };
        take_in(&mut state, &thin, WEIGHTS, LEVELS);
        assert!(state.fast.abs() < 1e-6, "10 x 10 hours support nothing beyond one month");
    }
}
