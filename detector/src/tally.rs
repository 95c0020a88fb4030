//! Counting an activity: the actor's progress, the vote of its hour, and what shows whether calibration and budget hold.
//! Of a calibrated fleet one actor-hour in ten is as rare as one in ten. An hour counts at a bound as it votes there:
//! where its run has passed the bound already, it is an hour only. Nothing is judged by these meters.

use baseline::Actor;
use baseline::part::hours::hour_of_week;
use baseline::shared::bin;

use crate::budget::allowed_micro;
use crate::keys::Keys;
use crate::observe::{Judged, Observe};
use crate::signal::dormancy;
use crate::vote::{self, Ballot};

/// Bounds of p that actor-hours are counted by; the first is met by all.
pub const P_AT_MOST: [f64; 6] = [1.0, 0.5, 0.1, 0.01, 0.001, 0.0001];
/// Rare votes an active hour earns, in hundredths.
const RARE_PER_HOUR: u16 = 1;

/// What activities add to the meters: sums, in any order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Actor-hours by bound of p, as in `P_AT_MOST`.
    pub hours: [u64; P_AT_MOST.len()],
    /// Millionths of the alerts that the budget allows for the time since the actor's newest activity before.
    pub allowed_micro: u64,
}

// === impl Tally ===

impl Tally {
    /// Adds what other activities add.
    pub fn add(&mut self, other: &Self) {
        self.hours.iter_mut().zip(other.hours).for_each(|(sum, hours)| *sum += hours);
        self.allowed_micro += other.allowed_micro;
    }

    /// The hour's p is at most `p`: it counts at each bound that its run had not passed.
    fn pass(&mut self, passed: &mut u8, p: f64) {
        let [_, bounds @ ..] = P_AT_MOST;
        let [_, hours @ ..] = &mut self.hours;
        for ((hours, bound), place) in hours.iter_mut().zip(bounds).zip(0..) {
            if p <= bound && *passed <= place {
                *hours += 1;
                *passed = place + 1;
            }
        }
    }
}

impl Observe {
    /// Counts the activity and casts the actor-hour's vote, or moves it as the hour's maximum rises.
    pub(crate) fn count(
        &mut self,
        actor: &mut Actor,
        keys: &Keys,
        judged: &Judged,
        hours: u32,
    ) -> Tally {
        let hour_before = actor.progress.vote_hour;
        let pause = dormancy::pause(&actor.progress, keys.now_s);
        let progress = &mut actor.progress;
        let watched_s = progress.last_s.saturating_sub(progress.first_s);
        progress.events = progress.events.saturating_add(1);
        progress.last_s = progress.last_s.max(keys.now_s);
        let watching_s = progress.last_s.saturating_sub(progress.first_s);
        let [before, now] = [watched_s, watching_s]
            .map(|seconds| allowed_micro(self.settings.alerts_per_actor_month, seconds));
        let mut tally = Tally { allowed_micro: now - before, ..Tally::default() };
        if keys.hour < hour_before {
            return tally;
        }
        let opening = keys.hour > hour_before;
        if opening {
            let [all, ..] = &mut tally.hours;
            *all = 1;
            progress.open_hour(keys.hour);
            if !self.frozen {
                progress.active_hours = progress.active_hours.saturating_add(1);
                progress.rare_votes = progress.rare_votes.saturating_add(RARE_PER_HOUR);
                actor.hours.learn(hour_of_week(keys.hour));
                if let Some(class) = pause {
                    actor.gaps.learn(class);
                }
            }
        }
        tally.pass(&mut actor.progress.bounds, judged.period.share);
        if !self.frozen {
            let ballot = Ballot::of(keys, actor.progress.active_hours.max(hours));
            if opening {
                vote::open(&mut self.deltas, ballot);
            }
            let bin = bin(judged.assessment.nats());
            vote::raise(&mut self.deltas, &self.shared, actor, ballot, bin);
        }
        tally
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_run_counts_once_at_each_bound_that_it_passes(ps in proptest::collection::vec(0.0_f64..1.0, 1..40)) {
            let (mut tally, mut passed) = (Tally::default(), 0);
            // To the fourth power, so that all bounds are met.
            let ps: Vec<f64> = ps.into_iter().map(|p| p * p * p * p).collect();
            ps.iter().for_each(|p| tally.pass(&mut passed, *p));
            let least = ps.into_iter().fold(1.0, f64::min);
            let expected = P_AT_MOST.map(|bound| u64::from(bound < 1.0 && least <= bound));
            prop_assert_eq!(tally.hours, expected);
        }

        #[test]
        fn what_is_allowed_does_not_depend_on_how_time_is_cut(
            cuts in proptest::collection::vec(0_u32..90_000, 1..50), budget in 0.0001_f64..1_000.0,
        ) {
            let (mut sum, mut now) = (0, 0);
            for cut in cuts {
                sum += allowed_micro(budget, now + cut) - allowed_micro(budget, now);
                now += cut;
            }
            prop_assert_eq!(sum, allowed_micro(budget, now));
            let months = f64::from(now) / 2_629_746.0;
            prop_assert!((sum as f64 / 1e6 - budget * months).abs() <= 1e-6);
        }
    }
}
