//! Highest score of each actor-hour in a peer group, by maturity: what a score is worth. p = the share of
//! actor-hours that reach it, shrunk towards the parent; the far tail is exponential.

use std::f64::consts::LN_2;

use schemas::finding::Increment;

use crate::bytes::{Reader, StateError};
use crate::math::exp;
use crate::shared::votes::{Tail, Votes, bin, edge};

/// Maturity strata.
pub const STRATA: usize = 6;
/// Exceedances below which the tail is extrapolated.
const DIRECT_MIN: f64 = 12.0;
/// Exceedances from which the tail's scale is taken.
const TAIL_VOTES: f64 = 50.0;
/// The tail's scale is taken a little wide.
const TAIL_WIDEN: f64 = 1.1;
/// Most that a tail is taken to be too heavy.
const EXCESS_MAX: f64 = 2.0;
/// How many times more often than a score the tail is read below it: what gathers above weighs there but an eighth.
const BELOW: f64 = 8.0;
/// The share of actor-hours with which a tail begins.
const TAIL_SHARE: f64 = 1.0 / 30.0;
/// Weight of the shipped prior in actor-hours.
const PRIOR_HOURS: f64 = 30.0;
/// Scale of the shipped prior in nats.
const PRIOR_SCALE: f64 = 1.2;

/// The stratum of an actor with this many active hours.
pub fn stratum(active_hours: u32) -> usize {
    [2, 6, 20, 60, 200].iter().filter(|limit| active_hours >= **limit).count()
}

/// Actor-hour maxima of one peer group.
#[derive(Clone, Debug, PartialEq)]
pub struct Strata {
    votes: Votes,
    /// Of all strata together.
    tail: Tail,
}

impl Default for Strata {
    fn default() -> Self {
        Self { votes: Votes::new(STRATA), tail: Tail::default() }
    }
}

impl Strata {
    /// Adds the increments of an epoch: thousandths of votes, cell: stratum x 256 + bin.
    pub fn add(&mut self, epoch: u32, increments: &[Increment]) {
        self.votes.add(epoch, increments);
        self.settle();
    }

    /// What it is derived from.
    pub(crate) fn cells(&self) -> &Votes {
        &self.votes
    }

    /// Notes the number of the merge that added.
    pub(crate) fn mark(&mut self, merge: u64) {
        self.votes.changed = merge;
    }

    /// Reads saved votes.
    pub(crate) fn decode(changed: u64, from: &mut Reader<'_>) -> Result<Self, StateError> {
        let votes = Votes::decode(STRATA, changed, from)?;
        let mut decoded = Self { votes, ..Self::default() };
        decoded.settle();
        Ok(decoded)
    }

    fn settle(&mut self) {
        self.tail = self.votes.tail(STRATA, TAIL_VOTES, 0);
    }

    /// Actor-hours in all.
    pub fn total(&self) -> f64 {
        self.votes.reached(STRATA, 0)
    }

    /// The share of this tenant's actor-hours that reach `m` nats, with the shipped prior; and whether it was
    /// extrapolated beyond what was seen.
    pub fn share(&self, m: f64) -> (f64, bool) {
        let total = self.total();
        let here = self.votes.reached(STRATA, bin(m));
        let prior = exp(-m / PRIOR_SCALE);
        if here >= DIRECT_MIN || total < TAIL_VOTES {
            return ((here + PRIOR_HOURS * prior) / (total + PRIOR_HOURS), here < 1.0);
        }
        let scale = (self.tail.excess * TAIL_WIDEN).max(0.1);
        let tail = self.tail.votes * exp(-(m - self.tail.start).max(0.0) / scale);
        ((tail + PRIOR_HOURS * prior) / (total + PRIOR_HOURS), here < 1.0)
    }

    /// How many times more of this tenant's actor-hours reach `m` nats than the tail below leads one to expect, between
    /// 1 and 2. What incidents do lies far out, in numbers that no tail of chance has; counted as chance, a few of them
    /// would hide the next. The tail is exponential through the median of its excess, which they hardly move, unlike the
    /// mean. Who casts more votes far out gains a factor of 2 at most, and below them makes nothing rarer.
    pub fn excess(&self, m: f64) -> f64 {
        let (total, place) = (self.total(), bin(m));
        let here = self.votes.reached(STRATA, place);
        let wanted = (BELOW * here).max(TAIL_VOTES).min(TAIL_SHARE * total);
        if wanted < TAIL_VOTES {
            return 1.0;
        }
        let (start, votes) = self.votes.start(STRATA, wanted);
        if votes <= 2.0 * here || edge(place) <= start {
            return 1.0;
        }
        let median = self.votes.level(STRATA, votes / 2.0);
        let scale = ((median - start) / LN_2).max(0.1);
        let expected = votes * exp(-(edge(place) - start) / scale) / total.max(1.0);
        (self.share(m).0 / expected.max(1e-300)).clamp(1.0, EXCESS_MAX)
    }

    /// Votes of a stratum that reach `m` nats, and votes in all.
    pub fn votes(&self, stratum: usize, m: f64) -> (f64, f64) {
        (self.votes.reached(stratum, bin(m)), self.votes.reached(stratum, 0))
    }
}

#[cfg(test)]
mod tests;
