//! Where an actor comes from and how steadily: its last place with the time, how often it was suddenly elsewhere, and
//! how often it met networks it did not know.

use crate::bytes::{Reader, StateError, Writer};
use crate::part::novelty::Share;

/// A network and region: tags of the country and of the autonomous system, 0 where unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Region {
    /// Country.
    pub country: u32,
    /// Autonomous system.
    pub system: u32,
}

/// The routes of one actor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Routes {
    /// Where it acted from last.
    pub last: Region,
    /// When, in seconds since 1990.
    pub last_s: u32,
    /// Sessions whose region was known, and those that were suddenly elsewhere.
    pub moves: Share,
    /// Sessions that told a network, and new ones: system and place of the source, then of the destination.
    pub networks: [Share; 4],
}

impl Region {
    /// Whether nothing is known of it.
    pub fn is_unknown(self) -> bool {
        self == Self::default()
    }

    /// Whether both the region and, as far as known, the network differ; without countries the networks tell.
    pub fn is_elsewhere(self, other: Self) -> bool {
        let differs = |a: u32, b: u32| (a != 0 && b != 0).then_some(a != b);
        let systems = differs(self.system, other.system);
        match differs(self.country, other.country) {
            Some(countries) => countries && systems.unwrap_or(true),
            None => systems.unwrap_or(false),
        }
    }
}

impl Routes {
    /// Notes from where the actor acts.
    pub fn stand(&mut self, region: Region, now_s: u32) {
        if !region.is_unknown() {
            self.last = region;
            self.last_s = now_s;
        }
    }

    /// Appends the part.
    pub fn encode(&self, out: &mut Writer) {
        for v in [self.last.country, self.last.system, self.last_s] {
            out.u32(v);
        }
        for share in [self.moves].iter().chain(&self.networks) {
            out.u16(share.of);
            out.u16(share.new);
        }
    }

    /// Takes the part.
    pub fn decode(input: &mut Reader<'_>) -> Result<Self, StateError> {
        let last = Region { country: input.u32()?, system: input.u32()? };
        let last_s = input.u32()?;
        let mut take =
            || -> Result<Share, StateError> { Ok(Share { of: input.u16()?, new: input.u16()? }) };
        Ok(Self { last, last_s, moves: take()?, networks: [take()?, take()?, take()?, take()?] })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn elsewhere_is_mutual_and_needs_all_that_is_known_to_differ(
            a in (0_u32..3, 0_u32..3), b in (0_u32..3, 0_u32..3),
        ) {
            let [x, y] = [a, b].map(|(country, system)| Region { country, system });
            prop_assert_eq!(x.is_elsewhere(y), y.is_elsewhere(x));
            prop_assert!(!x.is_elsewhere(x));
            let shared = (a.0 != 0 && a.0 == b.0) || (a.1 != 0 && a.1 == b.1);
            prop_assert!(!(shared && x.is_elsewhere(y)));
            prop_assert!(!x.is_elsewhere(Region::default()));
        }
    }
}
