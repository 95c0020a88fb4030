//! Highest score of each actor-hour in a peer group, by maturity: what a score is worth. p = the share of
//! actor-hours that reach it, shrunk towards the parent; the far tail is exponential.

use ndarray::Array2;

use crate::math::exp;
use crate::shared::calibration::{BINS, bin, edge, to_votes};

/// Maturity strata.
pub const STRATA: usize = 6;
/// Exceedances below which the tail is extrapolated.
const DIRECT_MIN: f64 = 12.0;
/// Exceedances from which the tail's scale is taken.
const TAIL_VOTES: f64 = 50.0;
/// The tail's scale is taken a little wide.
const TAIL_WIDEN: f64 = 1.1;
/// Weight of the shipped prior in actor-hours.
const PRIOR_HOURS: f64 = 30.0;
/// Scale of the shipped prior in nats.
const PRIOR_SCALE: f64 = 1.2;

/// The stratum of an actor with this many active hours.
pub fn stratum(active_hours: u32) -> usize {
    [2, 6, 20, 60, 200].iter().filter(|limit| active_hours >= **limit).count()
}

/// Actor-hour maxima of one peer group.
#[derive(Clone, Debug)]
pub struct Strata {
    counts: Array2<i64>,
    /// Votes at or above each bin, per stratum and (last row) over all.
    at_least: Array2<f64>,
}

impl Default for Strata {
    fn default() -> Self {
        Self { counts: Array2::zeros((STRATA, BINS)), at_least: Array2::zeros((STRATA + 1, BINS)) }
    }
}

impl Strata {
    /// Adds to a cell: stratum x 256 + bin.
    pub fn add(&mut self, cell: u64, add: i64) {
        let index = usize::try_from(cell).unwrap_or(usize::MAX);
        if let Some(count) = self.counts.get_mut((index / BINS, index % BINS)) {
            *count += add;
        }
    }

    /// Lets one day pass.
    pub fn fade(&mut self) {
        self.counts.mapv_inplace(|count| count * 985 / 1000);
    }

    /// Derives the cumulative counts.
    pub fn settle(&mut self) {
        self.at_least.fill(0.0);
        for (row, counts) in self.counts.rows().into_iter().enumerate() {
            let mut sum = 0.0;
            for index in (0..BINS).rev() {
                sum += counts.get(index).map_or(0.0, |count| to_votes(*count));
                if let Some(slot) = self.at_least.get_mut((row, index)) {
                    *slot = sum;
                }
                if let Some(all) = self.at_least.get_mut((STRATA, index)) {
                    *all += sum;
                }
            }
        }
    }

    fn above(&self, row: usize, bin: usize) -> f64 {
        self.at_least.get((row, bin)).copied().unwrap_or(0.0)
    }

    /// Actor-hours in all.
    pub fn total(&self) -> f64 {
        self.above(STRATA, 0)
    }

    /// The share of this tenant's actor-hours that reach `m` nats, with the shipped prior; and whether it was
    /// extrapolated beyond what was seen.
    pub fn share(&self, m: f64) -> (f64, bool) {
        let total = self.total();
        let here = self.above(STRATA, usize::from(bin(m)));
        let prior = exp(-m / PRIOR_SCALE);
        if here >= DIRECT_MIN || total < TAIL_VOTES {
            return ((here + PRIOR_HOURS * prior) / (total + PRIOR_HOURS), here < 1.0);
        }
        let (mut votes, mut weighted, mut start) = (0.0, 0.0, 0.0);
        for index in (0..BINS).rev() {
            let in_bin = self.above(STRATA, index)
                - if index + 1 < BINS { self.above(STRATA, index + 1) } else { 0.0 };
            start = u8::try_from(index).map_or(0.0, edge);
            votes += in_bin;
            weighted += in_bin * start;
            if votes >= TAIL_VOTES {
                break;
            }
        }
        let scale = ((weighted / votes - start) * TAIL_WIDEN).max(0.1);
        let tail = votes * exp(-(m - start).max(0.0) / scale);
        ((tail + PRIOR_HOURS * prior) / (total + PRIOR_HOURS), here < 1.0)
    }

    /// Votes of a stratum that reach `m` nats, and votes in all.
    pub fn votes(&self, stratum: usize, m: f64) -> (f64, f64) {
        (self.above(stratum, usize::from(bin(m))), self.above(stratum, 0))
    }
}
