//! How freely an activity is learned. What is strange weighs e^-(S - 3), down to a tenth: a step instead would let an
//! attack that stays just below it teach in full. For 48 hours after an announced change began, only what is more than
//! twice as strange weighs less, and never below half: an approved change may become normal soon.
//! When it began stands in the tenant's shared counts, as the mean of marks: sessions that begin it within one epoch of
//! 5 minutes each add theirs, and nobody does once it is known.

use baseline::math::exp;

use crate::cells;
use crate::context::Context;

/// Hours for which a change is learned freely.
const WIDE_HOURS: i64 = 48;
/// The unit of a mark: an hour since 1970 stands below it.
const MARK: i64 = 1 << 40;

/// How freely is learned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Gate {
    /// Score in nats up to which an activity weighs whole.
    whole_nats: f64,
    /// Evidence in nats from which a burst is strange.
    pub(crate) rate_nats: f64,
    /// What the strangest activity weighs, in tenths.
    pub(crate) tenths: u16,
}

impl Gate {
    const USUAL: Self = Self { whole_nats: 3.0, rate_nats: 10.0, tenths: 1 };
    const WIDE: Self = Self { whole_nats: 7.0, rate_nats: 20.0, tenths: 5 };

    /// What holds for an activity.
    pub(crate) fn of(ctx: &Context<'_>) -> Self {
        if is_wide(ctx) { Self::WIDE } else { Self::USUAL }
    }

    /// What an activity of this score weighs in habits, in hundredths.
    pub(crate) fn hundredths(self, nats: f64) -> i64 {
        let weight = exp((self.whole_nats - nats).min(0.0));
        let least = i64::from(self.tenths) * 10;
        #[expect(clippy::cast_possible_truncation, reason = "at most 100")]
        let hundredths = (100.0 * weight) as i64;
        hundredths.max(least)
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::USUAL
    }
}

/// The cell of the announced change that an activity runs, and when it began: 0 where that is not known yet.
fn begun(ctx: &Context<'_>) -> Option<(u64, i64)> {
    let change = ctx.standing.change(ctx.activity)?;
    let from = u64::try_from(change.from.millis()).unwrap_or(0);
    let cell = cells::announced(ctx.keys.agent, from);
    let marks = ctx.register.map_or(0, |scope| scope.counts.get(cell));
    Some((cell, if marks < MARK { 0 } else { marks % MARK / (marks / MARK) }))
}

fn is_wide(ctx: &Context<'_>) -> bool {
    match begun(ctx) {
        None => false,
        Some((_, 0)) => ctx.standing.announces(ctx.activity),
        Some((_, hour)) => (hour..hour + WIDE_HOURS).contains(&i64::from(ctx.keys.hour)),
    }
}

/// The mark of a change that begins with this activity: its cell and what is added.
pub(crate) fn begins(ctx: &Context<'_>) -> Option<(u64, i64)> {
    let (cell, hour) = begun(ctx)?;
    let begins = hour == 0 && ctx.standing.announces(ctx.activity);
    begins.then(|| (cell, MARK | i64::from(ctx.keys.hour)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_stranger_the_less_it_weighs_and_nothing_jumps(
            score in 0.0_f64..30.0, step in 0.0_f64..0.1,
        ) {
            for gate in [Gate::USUAL, Gate::WIDE] {
                let (near, far) = (gate.hundredths(score), gate.hundredths(score + step));
                prop_assert!(far <= near && near - far <= 11, "{near} then {far}");
                prop_assert!(i64::from(gate.tenths) * 10 <= far && near <= 100);
            }
            prop_assert!(Gate::USUAL.hundredths(score) <= Gate::WIDE.hundredths(score));
        }
    }

    #[test]
    fn what_scores_just_below_an_alert_teaches_little() {
        assert_eq!(Gate::USUAL.hundredths(3.0), 100);
        assert!(Gate::USUAL.hundredths(3.9) < 45);
        assert_eq!(Gate::USUAL.hundredths(12.0), 10);
        assert_eq!(Gate::WIDE.hundredths(12.0), 50);
    }
}
