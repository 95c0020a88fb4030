//! Scale of one tenant's evidence: for each channel, how high the maxima of its sessions usually go. Nothing is
//! excluded for being strange. Dense counts, and for each channel the tail beyond its uppermost votes.

use schemas::finding::Increment;

use crate::bytes::{Reader, StateError};
use crate::math::{exp, ln};
use crate::part::sessions::{BY_ORIGIN, CHANNELS_MAX, ORIGINS};
use crate::shared::votes::{Tail, Votes, bin};

/// Votes below which the shipped prior speaks.
const VOTES_MIN: f64 = 20.0;
/// Model evidence in nats beyond which it counts by itself, and at which share.
const MODEL_FROM: f64 = 8.0;
const MODEL_SHARE: f64 = 0.25;
/// Weight of the tenant behind a peer group, in sessions.
const GROUP_VOTES: f64 = 200.0;
/// Share of the votes that make the tail, and how many it has at least and at most, where that is not less than a two
/// hundredth of all: where there are more, they are counted. One scale for thousands made what is heavy-tailed outrank all
/// else, far beyond what its votes support.
const TAIL_SHARE: f64 = 0.05;
const TAIL_VOTES: [f64; 2] = [5.0, 12.0];
const LARGE_SHARE: f64 = 0.005;
/// Least mean excess of a tail in nats: beyond its votes a scale is never steeper than the model whose evidence it
/// reads, else what a few quiet sessions never met would be read as twice as rare as the model says.
const EXCESS_MIN: f64 = 1.0;
/// Scale of the shipped prior in nats.
const PRIOR_SCALE: f64 = 1.2;

/// Session maxima of one tenant.
#[derive(Clone, Debug, PartialEq)]
pub struct Calibration {
    votes: Votes,
    tails: Vec<Tail>,
}

impl Default for Calibration {
    fn default() -> Self {
        Self { votes: Votes::new(CHANNELS_MAX), tails: vec![Tail::default(); CHANNELS_MAX] }
    }
}

impl Calibration {
    /// Adds the increments of an epoch: thousandths of votes, cell: channel x 256 + bin.
    pub fn add(&mut self, epoch: u32, increments: &[Increment]) {
        let changed = self.votes.add(epoch, increments);
        self.settle(changed);
    }

    /// What it is derived from.
    pub(crate) fn votes(&self) -> &Votes {
        &self.votes
    }

    /// Notes the number of the merge that added.
    pub(crate) fn mark(&mut self, merge: u64) {
        self.votes.changed = merge;
    }

    /// Reads saved votes.
    pub(crate) fn decode(changed: u64, from: &mut Reader<'_>) -> Result<Self, StateError> {
        let votes = Votes::decode(CHANNELS_MAX, changed, from)?;
        let mut decoded = Self { votes, ..Self::default() };
        decoded.settle(u64::MAX);
        Ok(decoded)
    }

    /// Derives the tails of the channels named by bits.
    fn settle(&mut self, channels: u64) {
        let [least, most] = TAIL_VOTES;
        for (channel, tail) in self.tails.iter_mut().enumerate() {
            if channels & (1 << channel) != 0 {
                let total = self.votes.reached(channel, 0);
                *tail = self.votes.tail(
                    channel,
                    (TAIL_SHARE * total).clamp(least, most.max(LARGE_SHARE * total)),
                    1,
                );
            }
        }
    }

    /// The evidence of `x` nats on a channel in this peer group, shrunk towards the tenant's `z`: the share of the
    /// group's sessions that reach it, with the tenant's share behind it. What is noise in one kind of work is
    /// evidence in another.
    pub fn refine(&self, channel: usize, x: f64, z: f64) -> f64 {
        if channel >= CHANNELS_MAX || x <= 0.0 {
            return z;
        }
        let (reached, total) =
            (self.votes.reached(channel, bin(x)), self.votes.reached(channel, 0));
        let share = (reached + GROUP_VOTES * exp(-z)) / (total + GROUP_VOTES);
        (-ln(share)).max(0.0)
    }

    /// How a subject's evidence of `x` nats and more divides among the origins of its values, with `usual` shares behind
    /// it as so many votes.
    pub fn origins(
        &self,
        subject: usize,
        x: f64,
        usual: [f64; ORIGINS],
        weight: f64,
    ) -> [f64; ORIGINS] {
        let first = BY_ORIGIN + subject * ORIGINS;
        let mut shares = usual;
        let mut sum = weight;
        for (channel, share) in (first..).zip(&mut shares) {
            let votes = self.votes.reached(channel, bin(x).max(1));
            *share = votes + weight * *share;
            sum += votes;
        }
        shares.map(|share| share / sum)
    }

    /// The calibrated evidence Z of `x` nats on a channel, in nats, and the votes behind it.
    pub fn evidence(&self, channel: usize, x: f64) -> (f64, f64) {
        if x <= 0.0 {
            return (0.0, 0.0);
        }
        let total = self.votes.reached(channel, 0);
        let Some(tail) = self.tails.get(channel).filter(|_| total >= VOTES_MIN) else {
            return (x / PRIOR_SCALE, 0.0);
        };
        let rank = |votes: f64| -ln((votes + 0.5) / (total + 1.0));
        let z = if x >= tail.start {
            let excess = if tail.votes > 0.0 { tail.excess.max(EXCESS_MIN) } else { PRIOR_SCALE };
            rank(tail.votes) + (x - tail.start) / excess
        } else {
            rank(self.votes.reached(channel, bin(x)))
        };
        // However often a tenant is flooded, a flood stays one: the model's own evidence is never talked away whole.
        (z.max((x - MODEL_FROM) * MODEL_SHARE).max(0.0), total)
    }
}
