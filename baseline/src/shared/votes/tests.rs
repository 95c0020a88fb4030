//! Sums, weights and tails against what they stand for.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn cast(epoch: u32, cells: &[(u64, i64)]) -> (u32, Vec<Increment>) {
    let of = |(cell, add): &(u64, i64)| Increment {
        table: 2,
        scope: 1,
        group: 0,
        cell: *cell,
        add: *add,
    };
    (epoch, cells.iter().map(of).collect())
}

fn votes(rows: usize, casts: &[(u32, Vec<Increment>)]) -> Votes {
    let mut votes = Votes::new(rows);
    for (epoch, increments) in casts {
        votes.add(*epoch, increments);
    }
    votes
}

#[test]
fn a_vote_loses_a_sixty_sixth_a_day() {
    // The first day lies just before weights begin anew, so that both sides of that are seen.
    for first_day in [77 * 256, 77 * 256 + 250] {
        let first = first_day * 288;
        for days in [0, 1, 7, 30, 365, 600] {
            let later = first + days * 288;
            let found = votes(1, &[cast(first, &[(9, 1_000_000)]), cast(later, &[(20, 1_000)])]);
            let expected = 1_000.0 * 0.985_f64.powi(i32::try_from(days).unwrap_or(0));
            let left = found.reached(0, 9) - 1.0;
            assert!((left / expected - 1.0).abs() < 0.02, "{days}: {left} for {expected}");
            assert!((found.reached(0, 20) - 1.0).abs() < 1e-9, "{days}");
            // Told late, it counts as much as if it had been told in time.
            let late = votes(1, &[cast(later, &[(20, 1_000)]), cast(first, &[(9, 1_000_000)])]);
            assert!((late.reached(0, 9) - found.reached(0, 9)).abs() < 0.01, "{days}");
        }
    }
    let forgotten = votes(1, &[cast(5_760_000, &[(9, i64::MAX)]), cast(u32::MAX, &[(9, 1_000)])]);
    assert!((forgotten.reached(0, 0) - 1.0).abs() < 1e-9, "{forgotten:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn sums_are_those_of_the_cells_and_tails_are_means(
        cells in vec((0_u64..512, prop_oneof![-2_000..60_000_i64, Just(-3_000)]), 1..120),
        (wanted, lowest) in (0.0..400.0_f64, 0_u8..3),
    ) {
        let increments: Vec<_> = cells.iter().map(|cell| cast(5_760_000, &[*cell])).collect();
        let found = votes(2, &increments);
        let mut plain = [[0_i64; BINS]; 2];
        for (cell, add) in cells {
            let cell = usize::try_from(cell).unwrap_or(0);
            plain[cell / BINS][cell % BINS] += add;
        }
        let here = |row: usize, bin: usize| plain[row][bin].max(0) as f64 / 1_000.0;
        for row in 0..2 {
            for bin in 0..=u8::MAX {
                let expected: f64 = (usize::from(bin)..BINS).map(|bin| here(row, bin)).sum();
                prop_assert!((found.reached(row, bin) - expected).abs() < 1e-6);
                let both: f64 = (usize::from(bin)..BINS).map(|bin| here(0, bin) + here(1, bin)).sum();
                prop_assert!((found.reached(2, bin) - both).abs() < 1e-6);
            }
            let tail = found.tail(row, wanted, lowest);
            let start = (0..=u8::MAX).rfind(|bin| found.reached(row, *bin) >= wanted).unwrap_or(0);
            let start = start.max(lowest);
            prop_assert_eq!(tail.start.to_bits(), edge(start).to_bits());
            let bins = start..=u8::MAX;
            let sum: f64 = bins.clone().map(|bin| here(row, usize::from(bin))).sum();
            let weighted: f64 = bins.map(|bin| here(row, usize::from(bin)) * edge(bin)).sum();
            prop_assert!((tail.votes - sum).abs() < 1e-6);
            if sum > 0.0 {
                prop_assert!((tail.excess - (weighted / sum - edge(start))).abs() < 1e-6);
            }
        }
    }
}

#[test]
fn only_rows_that_changed_are_named_until_a_day_passes() {
    let mut found = Votes::new(16);
    assert_eq!(found.add(5_760_000, &cast(0, &[(0, 1), (1_030, 1), (99_999, 1)]).1), u64::MAX);
    assert_eq!(found.add(5_760_001, &cast(0, &[(0, 1), (1_030, 1), (99_999, 1)]).1), 0b1_0001);
    assert_eq!(found.add(5_760_001 + 288, &[]), u64::MAX);
    assert_eq!(found.add(5_760_001, &cast(0, &[(260, 1)]).1), 0b10);
}
