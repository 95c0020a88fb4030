//! Distinct agents, each once: exact to 32, beyond that the 32 with the least keyed hashes, from which the number of all
//! is estimated. Joining two is the same in any order and however often, so that no cut of the log shows.

use serde::{Deserialize, Serialize};

/// Agents that are kept by id.
pub const NEWCOMERS_MAX: usize = 32;

/// An agent that met something for the first time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct Newcomer {
    /// Keyed hash of its id.
    pub hash: u64,
    /// Its id; a long one is cut.
    pub id: String,
}

/// Distinct agents.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
pub struct Newcomers {
    /// The agents with the least hashes, in their order.
    agents: Vec<Newcomer>,
    /// Whether there are others.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    more: bool,
}

impl Newcomers {
    /// Takes an agent in; `false` where that changes nothing.
    pub fn insert(&mut self, hash: u64, id: &str) -> bool {
        let Err(place) = self.agents.binary_search_by_key(&hash, |agent| agent.hash) else {
            return false;
        };
        if place >= NEWCOMERS_MAX {
            return !std::mem::replace(&mut self.more, true);
        }
        self.agents.insert(place, Newcomer { hash, id: id.to_owned() });
        self.more |= self.agents.len() > NEWCOMERS_MAX;
        self.agents.truncate(NEWCOMERS_MAX);
        true
    }

    /// Takes all agents of another in; `false` where that changes nothing.
    pub fn join(&mut self, other: &Self) -> bool {
        let mut changed = other.more && !self.more;
        self.more |= other.more;
        for agent in &other.agents {
            changed |= self.insert(agent.hash, &agent.id);
        }
        changed
    }

    /// The agents that are kept.
    pub fn agents(&self) -> &[Newcomer] {
        &self.agents
    }

    /// Whether all agents are kept, so that their number is exact.
    pub fn is_exact(&self) -> bool {
        !self.more
    }

    /// How many agents there are; an estimate where not all are kept: as many as leave the largest kept hash there.
    pub fn count(&self) -> u64 {
        let kept = self.agents.len() as u64;
        match self.agents.last() {
            Some(last) if self.more => {
                let spread = u128::from(kept.saturating_sub(1)) << 64;
                let count = spread / u128::from(last.hash.max(1));
                u64::try_from(count).unwrap_or(u64::MAX).max(kept + 1)
            }
            _ => kept,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(hashes: impl IntoIterator<Item = u64>) -> Newcomers {
        let mut all = Newcomers::default();
        for hash in hashes {
            all.insert(hash, &hash.to_string());
        }
        all
    }

    /// Hashes as a keyed hash spreads them.
    fn spread(n: u64) -> Vec<u64> {
        (1..=n).map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect()
    }

    #[test]
    fn joining_knows_no_order_and_no_number_of_times() {
        for n in [0, 1, 31, 32, 33, 500] {
            let hashes = spread(n);
            let whole = of(hashes.iter().copied());
            assert_eq!(whole, of(hashes.iter().rev().copied()), "{n}");
            for cut in [0, hashes.len() / 3, hashes.len()] {
                let (left, right) = hashes.split_at(cut);
                let mut joined = of(right.iter().copied());
                joined.join(&of(left.iter().copied()));
                assert_eq!(joined, whole, "{n} at {cut}");
                assert!(!joined.join(&whole), "{n} at {cut}");
            }
        }
    }

    #[test]
    fn a_number_is_exact_to_the_bound_and_near_beyond() {
        for n in 0..=32 {
            assert_eq!((of(spread(n)).count(), of(spread(n)).is_exact()), (n, true));
        }
        assert_eq!(of(0..33).agents().len(), NEWCOMERS_MAX);
        for n in [100, 1_000, 10_000] {
            let count = of(spread(n)).count();
            assert!((n / 2..n * 2).contains(&count), "{count} for {n}");
        }
        assert!(of(0..33).count() > 32);
    }
}
