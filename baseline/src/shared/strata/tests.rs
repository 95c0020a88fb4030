//! What a tail of chance is told to be, and what votes that are none can do to it.

use crate::shared::Table;
use proptest::prelude::*;

use super::*;

/// Votes, in thousandths by bin.
fn strata(votes: impl Iterator<Item = i64>) -> Strata {
    let table = Table::Hours.number();
    let increments: Vec<Increment> = (0..)
        .zip(votes)
        .map(|(cell, add)| Increment { table, scope: 1, group: 0, cell, add })
        .collect();
    let mut strata = Strata::default();
    strata.add(1, &increments);
    strata
}

/// Votes of a fleet whose scores fall off exponentially, with some more at one score.
fn fleet(hours: f64, scale: f64, (more, at): (f64, f64)) -> Strata {
    let reached = |bin: u8| hours * exp(-edge(bin) / scale);
    let place = bin(at);
    strata((0..=254_u8).map(|bin| {
        let extra = if bin == place { more } else { 0.0 };
        let votes = reached(bin) - reached(bin + 1) + extra;
        #[expect(clippy::cast_possible_truncation, reason = "thousandths of some thousands")]
        let add = (votes * 1_000.0).round() as i64;
        add
    }))
}

proptest! {
    #[test]
    fn a_tail_of_chance_is_as_heavy_as_it_was_counted(
        hours in 3_000.0..1e6_f64, scale in 0.6..1.4_f64, m in 0.0..10.0_f64,
    ) {
        let strata = fleet(hours, scale, (0.0, 0.0));
        // Where the prior says more than was counted, it is no excess of the tenant.
        let counted = hours * exp(-m / scale);
        prop_assume!(counted >= 60.0);
        let excess = strata.excess(m);
        prop_assert!(excess < 1.25, "{excess} at {m} of {hours} hours with a scale of {scale}");
    }

    #[test]
    fn nothing_is_taken_to_be_rarer_than_half_of_what_was_counted(
        hours in 1.0..1e6_f64, (more, at) in (0.0..1e4_f64, 0.1..30.0_f64), m in 0.0..40.0_f64,
    ) {
        let excess = fleet(hours, 1.0, (more, at)).excess(m);
        prop_assert!((1.0..=EXCESS_MAX).contains(&excess));
    }
}

/// Votes of clean hours drawn from an exponential tail, by a generator that anyone can repeat.
fn drawn(hours: u32, scale: f64, seed: u64) -> Strata {
    let mut cells = [0_i64; 256];
    for hour in 0..hours {
        let uniform =
            ((crate::hash::pair(seed, hour.into()) >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
        cells[usize::from(bin(-scale * crate::math::ln(uniform)))] += 1_000;
    }
    strata(cells.into_iter())
}

/// On clean streams p stays uniform: of hours to come, as many as ever reach what is told to be so rare.
#[test]
fn what_chance_does_is_told_as_rare_as_it_is() {
    for (hours, scale) in [(2_000, 1.0), (20_000, 0.8), (20_000, 1.3), (100_000, 1.0)] {
        // Beyond what a few hours reached there is nothing to tell it by.
        for p in [0.02, 0.005, 0.001, 0.0002].into_iter().filter(|p| 4.0 <= p * f64::from(hours)) {
            // Where the score stands that is told to come with this p, how often does one come?
            let rates = (1..=24_u64).map(|seed| {
                let strata = drawn(hours, scale, seed);
                let told = |m: f64| strata.share(m).0 / strata.excess(m);
                let level = (0..400).map(|tenths| f64::from(tenths) / 10.0).find(|m| told(*m) <= p);
                exp(-level.unwrap_or(40.0) / scale) / p
            });
            let mean = rates.sum::<f64>() / 24.0;
            assert!((0.8..1.3).contains(&mean), "{mean} of {p} in {hours} hours, scale {scale}");
        }
    }
}

#[test]
fn incidents_far_out_are_no_chance() {
    let quiet = fleet(100_000.0, 1.0, (0.0, 0.0));
    let shaken = fleet(100_000.0, 1.0, (40.0, 15.0));
    let m = 8.0;
    assert!(shaken.share(m).0 > 1.9 * quiet.share(m).0, "forty hours at fifteen nats");
    let told = shaken.share(m).0 / shaken.excess(m);
    let chance = quiet.share(m).0;
    let counted = shaken.share(m).0;
    assert!(0.9 * chance <= told, "{told} of {chance}: chance is no incident");
    assert!(told - chance < 0.5 * (counted - chance), "most of {counted} - {chance} goes: {told}");
}

#[test]
fn too_few_hours_have_no_tail() {
    let excess = fleet(1_000.0, 1.0, (40.0, 15.0)).excess(8.0);
    assert!(excess <= 1.0, "{excess}");
}
