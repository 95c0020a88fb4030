//! From evidence to score: S = ln(1 + sum((e^Z - 1) e^-H)) over calibrated channels with their handicaps H, a failed
//! action at half, plus the session's own surprise. A handicap is the weight of a channel in a mixture: what it says
//! below H still orders calls, it only weighs little. Shares are integers that add up to the score exactly (largest remainder to the largest).

use baseline::math::{exp, ln};

use crate::signal::MICRO;

/// One channel's calibrated evidence.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weighed {
    /// Calibrated evidence in nats.
    pub(crate) z: f64,
    /// What it must exceed to say as much as the others, in nats.
    pub(crate) handicap: f64,
    /// Whether it keeps its full weight on a failed action.
    pub(crate) full_on_failure: bool,
}

/// The score without and with the session term, and each channel's share, in micro-nats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Combined {
    /// Sum of `shares`.
    pub(crate) micronats: i64,
    /// One per channel, in the given order.
    pub(crate) shares: Vec<i64>,
}

/// Largest Z that is told apart, so that e^Z stays far from overflow.
const Z_MAX: f64 = 300.0;

/// Combines channels into a score whose shares add up exactly.
pub(crate) fn combine(channels: &[Weighed], failed: bool) -> Combined {
    let lift =
        |channel: &Weighed| ((exp(channel.z.min(Z_MAX)) - 1.0) * exp(-channel.handicap)).max(0.0);
    let lifts: Vec<f64> = channels.iter().map(lift).collect();
    let sum: f64 = lifts.iter().sum();
    if sum <= 0.0 {
        return Combined { micronats: 0, shares: vec![0; channels.len()] };
    }
    let score = ln(1.0 + sum);
    let factor = |channel: &Weighed| if failed && !channel.full_on_failure { 0.5 } else { 1.0 };
    let exact: Vec<f64> = channels
        .iter()
        .zip(&lifts)
        .map(|(channel, lift)| score * (lift / sum) * factor(channel))
        .collect();
    let total = to_micro(exact.iter().sum());
    let mut shares: Vec<i64> = exact.iter().map(|share| to_micro(*share).min(total)).collect();
    let rest = total - shares.iter().sum::<i64>();
    let largest = exact
        .iter()
        .enumerate()
        .fold(
            (0, f64::MIN),
            |best, (index, share)| if *share > best.1 { (index, *share) } else { best },
        )
        .0;
    if let Some(share) = shares.get_mut(largest) {
        *share += rest;
    }
    Combined { micronats: total, shares }
}

/// Nats as micro-nats, rounded down.
pub(crate) fn to_micro(nats: f64) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "scores are below 1e6 nats")]
    let micro = (nats.clamp(0.0, 1e6) * MICRO).floor() as i64;
    micro
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn shares_add_up_exactly(
            z in proptest::collection::vec((0.0_f64..400.0, 0.0_f64..4.0), 1..16),
            failed: bool,
        ) {
            let channels: Vec<Weighed> = z.iter().enumerate()
                .map(|(i, (z, handicap))| {
                    Weighed { z: *z, handicap: *handicap, full_on_failure: i % 3 == 0 }
                })
                .collect();
            let combined = combine(&channels, failed);
            prop_assert_eq!(combined.shares.iter().sum::<i64>(), combined.micronats);
            prop_assert!(combined.shares.iter().all(|share| *share >= 0));
        }
    }

    #[test]
    fn one_channel_keeps_its_own_evidence() {
        let combined = combine(&[Weighed { z: 5.0, handicap: 0.0, full_on_failure: false }], false);
        assert!((combined.micronats - 5_000_000).abs() <= 1);
        let failed = combine(&[Weighed { z: 5.0, handicap: 0.0, full_on_failure: false }], true);
        assert!((failed.micronats - 2_500_000).abs() <= 1);
    }

    #[test]
    fn a_handicap_weighs_a_channel_down_and_hides_nothing() {
        let score =
            |z| combine(&[Weighed { z, handicap: 2.0, full_on_failure: false }], false).micronats;
        assert!(0 < score(0.5) && score(0.5) < score(1.0) && score(1.0) < 300_000);
        assert!((score(12.0) - 10_000_000).abs() < 100, "far above it costs what it says");
    }
}
