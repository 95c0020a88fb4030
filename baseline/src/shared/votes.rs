//! Votes by row and bin of evidence, as integers. A vote loses 1.5 % of its weight a day; so that a passing day
//! changes no cell, later votes weigh more instead. Sums therefore depend on no order. Scales are derived elsewhere.

use ndarray::Array2;
use schemas::finding::Increment;

use crate::bytes::{Reader, StateError, Writer};

/// Bins of evidence.
pub const BINS: usize = 256;
/// Bins of a tenth of a nat; above, half a nat.
const FINE: u8 = 120;
/// Epochs of 5 minutes in a day.
const EPOCHS_PER_DAY: u32 = 288;
/// Days after which the weights begin anew and what was counted is scaled down.
const PERIOD: usize = 256;
/// After so many periods nothing is left.
const PERIODS_MAX: usize = 12;
/// Weight of a vote by the day of its period: 64 on the first, a 0.985th more each day.
const WEIGHTS: [i64; PERIOD + 1] = weights();
/// Largest increment of one cell, in thousandths of a vote.
const ADD_MAX: i64 = 1 << 36;
/// Largest weighed count of a cell: sums over all cells stay within 64 bits.
const COUNT_MAX: i64 = 1 << 50;

const fn weights() -> [i64; PERIOD + 1] {
    let mut weights = [0; PERIOD + 1];
    let mut exact: i128 = 64 << 40;
    let mut day = 0;
    while day <= PERIOD {
        let rounded = (exact + (1 << 39)) >> 40;
        #[expect(clippy::cast_possible_truncation, reason = "below 2^12")]
        let weight = rounded as i64;
        weights[day] = weight;
        exact = exact * 1_000 / 985;
        day += 1;
    }
    weights
}

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

/// The upper end of a row.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Tail {
    /// Where it begins, in nats.
    pub(crate) start: f64,
    /// Votes in it.
    pub(crate) votes: f64,
    /// Mean excess over its start, in nats; 0 without votes.
    pub(crate) excess: f64,
}

/// Votes by row and bin.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Votes {
    /// Weighed thousandths of votes.
    counts: Array2<i64>,
    /// The same at or above each bin, and (last row) over all rows. A negative balance of a cell counts as none.
    reached: Array2<i64>,
    /// Newest epoch that added.
    epoch: u32,
    /// Oldest epoch that added; the largest number before any did.
    since: u32,
    /// Weighed thousandths of a vote of its day.
    unit: f64,
    /// Number of the merge that added last.
    pub(crate) changed: u64,
}

impl Votes {
    /// No votes.
    pub(crate) fn new(rows: usize) -> Self {
        Self {
            counts: Array2::zeros((rows, BINS)),
            reached: Array2::zeros((rows + 1, BINS)),
            epoch: 0,
            since: u32::MAX,
            unit: 1_000.0 * WEIGHTS[0] as f64,
            changed: 0,
        }
    }

    /// Newest epoch that added.
    pub(crate) fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Oldest epoch that added.
    pub(crate) fn since(&self) -> Option<u32> {
        (self.since < u32::MAX).then_some(self.since)
    }

    /// Adds the increments of an epoch (cell: row x 256 + bin). Gives the rows that changed, as bits: where a new day
    /// began, all of them.
    pub(crate) fn add(&mut self, epoch: u32, increments: &[Increment]) -> u64 {
        let mut changed = 0;
        self.since = self.since.min(epoch);
        if day(self.epoch) < day(epoch) {
            changed = u64::MAX;
            self.age(period(epoch) - period(self.epoch));
        }
        self.enter(self.epoch.max(epoch));
        let weight = weight(epoch);
        let periods = period(self.epoch) - period(epoch);
        for increment in increments {
            let index = usize::try_from(increment.cell).unwrap_or(usize::MAX);
            let (row, bin) = (index / BINS, index % BINS);
            let Some(count) = self.counts.get_mut((row, bin)) else { continue };
            let add = increment.add.clamp(-ADD_MAX, ADD_MAX) * weight;
            let add = (0..periods.min(PERIODS_MAX)).fold(add, |add, _| older(add));
            let before = (*count).max(0);
            *count = (*count + add).clamp(-COUNT_MAX, COUNT_MAX);
            let risen = (*count).max(0) - before;
            changed |= 1 << row.min(63);
            self.raise((row, bin), risen);
        }
        changed
    }

    fn enter(&mut self, epoch: u32) {
        self.epoch = epoch;
        self.unit = 1_000.0 * weight(epoch) as f64;
    }

    /// Scales everything down to the weights of a later period.
    fn age(&mut self, periods: usize) {
        if self.epoch == 0 || periods == 0 {
            return;
        }
        for _ in 0..periods.min(PERIODS_MAX) {
            self.counts.mapv_inplace(older);
        }
        self.reach();
    }

    fn raise(&mut self, (row, bin): (usize, usize), risen: i64) {
        if risen == 0 {
            return;
        }
        let all = self.counts.nrows();
        for row in [row, all] {
            let mut row = self.reached.row_mut(row);
            let bins = row.as_slice_mut().unwrap_or_default().iter_mut().take(bin + 1);
            bins.for_each(|votes| *votes += risen);
        }
    }

    fn reach(&mut self) {
        self.reached.fill(0);
        for row in 0..self.counts.nrows() {
            for bin in 0..BINS {
                let votes = self.counts.get((row, bin)).map_or(0, |count| (*count).max(0));
                self.raise((row, bin), votes);
            }
        }
    }

    /// Votes of a row at or above a bin; the row after the last is all of them.
    pub(crate) fn reached(&self, row: usize, bin: u8) -> f64 {
        let votes = self.reached.get((row, usize::from(bin))).copied().unwrap_or(0);
        votes as f64 / self.unit
    }

    /// The highest bin that `wanted` votes reach; the lowest where fewer do.
    fn highest(&self, row: usize, wanted: f64) -> u8 {
        let reached = self.reached.row(row);
        let reached = reached.to_slice().unwrap_or_default();
        let enough = reached.partition_point(|votes| *votes as f64 >= wanted * self.unit);
        u8::try_from(enough.saturating_sub(1)).unwrap_or(u8::MAX)
    }

    /// The highest edge, in nats, that `wanted` votes reach, and how many reach it.
    pub(crate) fn start(&self, row: usize, wanted: f64) -> (f64, f64) {
        let place = self.highest(row, wanted);
        (edge(place), self.reached(row, place))
    }

    /// The level in nats that `wanted` votes reach, read between the edges.
    pub(crate) fn level(&self, row: usize, wanted: f64) -> f64 {
        let below = self.highest(row, wanted);
        let above = below.saturating_add(1);
        let (more, less) = (self.reached(row, below), self.reached(row, above));
        let part =
            if less < more { ((more - wanted) / (more - less)).clamp(0.0, 1.0) } else { 0.0 };
        edge(below) + part * (edge(above) - edge(below))
    }

    /// The highest bin that `wanted` votes reach, but not below `lowest`, as the start of a tail.
    pub(crate) fn tail(&self, row: usize, wanted: f64, lowest: u8) -> Tail {
        let reached = self.reached.row(row);
        let reached = reached.to_slice().unwrap_or_default();
        let unit = self.unit;
        let start = self.highest(row, wanted).max(lowest);
        let mut bins = reached.iter().zip(0_u8..=u8::MAX).skip(usize::from(start));
        let votes = bins.next().map_or(0, |(votes, _)| *votes) as f64;
        // The mean of what lies above the start, summed from edge to edge: in tenths of a nat.
        let above: f64 = bins
            .take_while(|(votes, _)| **votes > 0)
            .map(|(votes, bin)| *votes as f64 * if bin <= FINE { 1.0 } else { 5.0 })
            .sum();
        let excess = if votes > 0.0 { above / votes / 10.0 } else { 0.0 };
        Tail { start: edge(start), votes: votes / unit, excess }
    }

    /// Bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        (self.counts.len() + self.reached.len()) * size_of::<i64>()
    }

    /// Appends epochs and cells with votes, in their order; gives the number of the merge that added last.
    pub(crate) fn encode(&self, out: &mut Writer) -> u64 {
        out.u32(self.epoch);
        out.u32(self.since);
        let cells = self.counts.iter().zip(0_u16..).filter(|(count, _)| **count != 0);
        for (count, cell) in cells {
            out.u16(cell);
            out.u64(count.cast_unsigned());
        }
        self.changed
    }

    /// Reads what `encode` wrote.
    pub(crate) fn decode(
        rows: usize,
        changed: u64,
        from: &mut Reader<'_>,
    ) -> Result<Self, StateError> {
        let mut votes = Self { changed, ..Self::new(rows) };
        votes.enter(from.u32()?);
        votes.since = from.u32()?;
        let mut next = 0;
        while !from.0.is_empty() {
            let index = usize::from(from.u16()?);
            let count = from.u64()?.cast_signed();
            let in_order = next <= index && count != 0 && (-COUNT_MAX..=COUNT_MAX).contains(&count);
            let slot = votes.counts.get_mut((index / BINS, index % BINS)).filter(|_| in_order);
            *slot.ok_or(StateError::Value)? = count;
            next = index + 1;
        }
        votes.reach();
        Ok(votes)
    }
}

fn period(epoch: u32) -> usize {
    day(epoch) / PERIOD
}

fn day(epoch: u32) -> usize {
    usize::try_from(epoch / EPOCHS_PER_DAY).unwrap_or(usize::MAX)
}

fn weight(epoch: u32) -> i64 {
    WEIGHTS.get(day(epoch) % PERIOD).copied().unwrap_or(1)
}

/// A weighed count of one period in the weights of the next.
fn older(count: i64) -> i64 {
    count * WEIGHTS[0] / WEIGHTS[PERIOD]
}

#[cfg(test)]
mod tests;
