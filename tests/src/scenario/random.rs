//! Deterministic numbers for scenarios (SplitMix64), each stream named by what it is for: an incident that draws more
//! numbers moves nothing else.

use baseline::math::{exp, ln};

/// A stream of numbers.
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    /// The stream of a name, as seed, purpose, agent, day.
    pub(super) fn of(name: &[u64]) -> Self {
        let mut random = Self(0x5851_f42d_4c95_7f2d);
        for part in name {
            random.0 ^= part.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            random.0 = random.next();
        }
        random
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number in `[0, 1)`.
    pub(super) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A number from `low` to below `high`.
    pub(super) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    pub(super) fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    pub(super) fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    pub(super) fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }

    pub(super) fn shuffle<T>(&mut self, list: &mut [T]) {
        for place in (1..list.len()).rev() {
            list.swap(place, self.below(place + 1));
        }
    }

    /// Marsaglia's polar method: nothing of the platform's libm.
    fn normal(&mut self) -> f64 {
        loop {
            let (x, y) = (self.between(-1.0, 1.0), self.between(-1.0, 1.0));
            let square = x * x + y * y;
            if square > 0.0 && square < 1.0 {
                return x * (-2.0 * ln(square) / square).sqrt();
            }
        }
    }

    /// A factor around 1 whose logarithm spreads by that much.
    pub(super) fn factor(&mut self, log_spread: f64) -> f64 {
        exp(self.normal() * log_spread)
    }

    /// A count of that mean.
    pub(super) fn poisson(&mut self, mean: f64) -> usize {
        let mut n = 0;
        let mut left = -mean.min(200.0);
        loop {
            left -= ln(1.0 - self.unit());
            if left >= 0.0 {
                return n;
            }
            n += 1;
        }
    }

    /// A rank with a heavy tail: 0 most often, half of them below `half`.
    pub(super) fn rank(&mut self, half: f64) -> u64 {
        (half * (1.0 / (1.0 - self.unit()) - 1.0)).min(1e6) as u64
    }
}
