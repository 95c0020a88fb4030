//! How often an actor meets something new: sums behind its own novelty rates. Counts only rise, and halve
//! together so that the last few hundred occasions weigh most.

use crate::bytes::{Reader, StateError, Writer};

/// Occasions after which a pair halves.
const OCCASIONS_MAX: u16 = 4_096;

/// Occasions and novelties.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Occasions on which something new could be met.
    pub of: u16,
    /// Times it was new.
    pub new: u16,
}

/// The novelty sums of one actor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Novelty {
    /// Sessions, and tools new to their purpose.
    pub tools: Share,
    /// Destinations new to their first level.
    pub destinations: Share,
    /// Resources new to their first level.
    pub resources: Share,
}

impl Share {
    /// Counts one occasion.
    pub fn add(&mut self, of: u16, new: u16) {
        if self.of >= OCCASIONS_MAX {
            self.of /= 2;
            self.new /= 2;
        }
        self.of = self.of.saturating_add(of);
        self.new = self.new.saturating_add(new);
    }
}

impl Novelty {
    /// Appends the sums.
    pub fn encode(&self, out: &mut Writer) {
        for share in [self.tools, self.destinations, self.resources] {
            out.u16(share.of);
            out.u16(share.new);
        }
    }

    /// Takes the sums.
    pub fn decode(input: &mut Reader<'_>) -> Result<Self, StateError> {
        let mut take =
            || -> Result<Share, StateError> { Ok(Share { of: input.u16()?, new: input.u16()? }) };
        Ok(Self { tools: take()?, destinations: take()?, resources: take()? })
    }
}
