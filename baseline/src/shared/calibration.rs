//! Scale of one tenant's evidence: for each channel, how high the maxima of its sessions usually go. Nothing is
//! excluded for being strange. Dense counts, and for each channel the tail beyond its upper 5 %.

use ndarray::Array2;

use crate::math::{exp, ln};
use crate::part::sessions::CHANNELS_MAX;

/// Bins of evidence.
pub const BINS: usize = 256;
/// Bins of a tenth of a nat; above, half a nat.
const FINE: u8 = 120;
/// Votes below which the shipped prior speaks.
const VOTES_MIN: f64 = 20.0;
/// Model evidence in nats beyond which it counts by itself, and at which share.
const MODEL_FROM: f64 = 8.0;
const MODEL_SHARE: f64 = 0.25;
/// Weight of the tenant behind a peer group, in sessions.
const GROUP_VOTES: f64 = 200.0;
/// Share of the votes that make the tail.
const TAIL_SHARE: f64 = 0.05;
/// Least mean excess of a tail in nats.
const EXCESS_MIN: f64 = 0.5;
/// Scale of the shipped prior in nats.
const PRIOR_SCALE: f64 = 1.2;

/// The bin of an evidence in nats: 0 is none.
pub fn bin(x: f64) -> u8 {
    if x <= 0.0 {
        return 0;
    }
    let place = if x < 12.0 { x * 10.0 } else { f64::from(FINE) + (x - 12.0) * 2.0 };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped before")]
    let index = place.clamp(1.0, 255.0) as u8;
    index
}

/// The lower edge of a bin in nats.
pub fn edge(bin: u8) -> f64 {
    if bin < FINE { f64::from(bin) / 10.0 } else { 12.0 + f64::from(bin - FINE) / 2.0 }
}

#[derive(Clone, Debug, Default)]
struct Scale {
    /// Votes in all.
    total: f64,
    /// Votes at or above each bin.
    at_least: Vec<f64>,
    /// Where the tail begins, in nats.
    tail: f64,
    /// Votes in the tail.
    tail_votes: f64,
    /// Mean excess over `tail`, at least half a nat.
    excess: f64,
}

/// Session maxima of one tenant.
#[derive(Clone, Debug)]
pub struct Calibration {
    /// Thousandths of votes per channel and bin.
    counts: Array2<i64>,
    scales: Vec<Scale>,
}

impl Default for Calibration {
    fn default() -> Self {
        Self {
            counts: Array2::zeros((CHANNELS_MAX, BINS)),
            scales: vec![Scale::default(); CHANNELS_MAX],
        }
    }
}

impl Calibration {
    /// Adds to a cell: channel x 256 + bin.
    pub fn add(&mut self, cell: u64, add: i64) {
        let index = usize::try_from(cell).unwrap_or(usize::MAX);
        if let Some(count) = self.counts.get_mut((index / BINS, index % BINS)) {
            *count += add;
        }
    }

    /// Lets one day pass: 1.5 % of every vote fades.
    pub fn fade(&mut self) {
        self.counts.mapv_inplace(|count| count * 985 / 1000);
    }

    /// Derives the scales from the counts.
    pub fn settle(&mut self) {
        for (scale, row) in self.scales.iter_mut().zip(self.counts.rows()) {
            *scale = Scale::of(row.iter().map(|count| to_votes(*count)));
        }
    }

    /// The evidence of `x` nats on a channel in this peer group, shrunk towards the tenant's `z`: the share of the
    /// group's sessions that reach it, with the tenant's share behind it. What is noise in one kind of work is
    /// evidence in another.
    pub fn refine(&self, channel: usize, x: f64, z: f64) -> f64 {
        let Some(scale) = self.scales.get(channel).filter(|_| x > 0.0) else { return z };
        let reached = scale.at_least.get(usize::from(bin(x))).copied().unwrap_or(0.0);
        let share = (reached + GROUP_VOTES * exp(-z)) / (scale.total + GROUP_VOTES);
        (-ln(share)).max(0.0)
    }

    /// The calibrated evidence Z of `x` nats on a channel, in nats, and the votes behind it.
    pub fn evidence(&self, channel: usize, x: f64) -> (f64, f64) {
        if x <= 0.0 {
            return (0.0, 0.0);
        }
        let Some(scale) = self.scales.get(channel).filter(|scale| scale.total >= VOTES_MIN) else {
            return (x / PRIOR_SCALE, 0.0);
        };
        let rank = |votes: f64| -ln((votes + 0.5) / (scale.total + 1.0));
        let z = if x >= scale.tail {
            rank(scale.tail_votes) + (x - scale.tail) / scale.excess
        } else {
            rank(scale.at_least.get(usize::from(bin(x))).copied().unwrap_or(0.0))
        };
        // However often a tenant is flooded, a flood stays one: the model's own evidence is never talked away whole.
        (z.max((x - MODEL_FROM) * MODEL_SHARE).max(0.0), scale.total)
    }
}

impl Scale {
    fn of(votes: impl DoubleEndedIterator<Item = f64> + ExactSizeIterator) -> Self {
        let mut at_least = vec![0.0; BINS];
        let mut scale = Self { excess: 0.5, ..Self::default() };
        let mut tail_found = false;
        let (mut sum, mut weighted) = (0.0, 0.0);
        let all: Vec<f64> = votes.collect();
        let total: f64 = all.iter().sum();
        let wanted = (TAIL_SHARE * total).max(5.0);
        for index in (0..BINS).rev() {
            let here = all.get(index).copied().unwrap_or(0.0);
            let at = u8::try_from(index).map_or(0.0, edge);
            sum += here;
            weighted += here * at;
            if let Some(slot) = at_least.get_mut(index) {
                *slot = sum;
            }
            if !tail_found && (sum >= wanted || index == 1) {
                tail_found = true;
                scale.tail = at;
                scale.tail_votes = sum;
                scale.excess =
                    if sum > 0.0 { (weighted / sum - at).max(EXCESS_MIN) } else { PRIOR_SCALE };
            }
        }
        Self { total, at_least, ..scale }
    }
}

/// Thousandths of votes as votes; a negative balance within an epoch is none.
pub(crate) fn to_votes(count: i64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let votes = count.max(0) as f64 / 1000.0;
    votes
}
