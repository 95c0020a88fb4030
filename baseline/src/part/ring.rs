//! The newest event ids of an agent, as hashes: what tells a duplicate from a new event.

use crate::bytes::{Reader, StateError, Writer};

/// Ids kept.
pub const RING_LEN: usize = 32;

/// Ring of id hashes; 0 is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ring {
    ids: [u64; RING_LEN],
    next: u8,
}

impl Ring {
    /// Whether the id was seen lately.
    pub fn contains(&self, id: u64) -> bool {
        self.ids.contains(&id)
    }

    /// Takes in an id, the oldest leaves.
    pub fn push(&mut self, id: u64) {
        if let Some(slot) = self.ids.get_mut(usize::from(self.next)) {
            *slot = id;
        }
        self.next = (self.next + 1) % 32;
    }

    /// The newest `n` ids, newest first.
    pub fn newest(&self, n: usize) -> impl Iterator<Item = u64> + '_ {
        (1..=n.min(RING_LEN)).filter_map(move |back| {
            let index = (usize::from(self.next) + RING_LEN - back) % RING_LEN;
            self.ids.get(index).copied().filter(|id| *id != 0)
        })
    }

    /// Appends the ring.
    pub fn encode(&self, out: &mut Writer) {
        for id in self.ids {
            out.u64(id);
        }
        out.u8(self.next);
    }

    /// Takes the ring.
    pub fn decode(input: &mut Reader<'_>) -> Result<Self, StateError> {
        let mut ring = Self::default();
        for slot in &mut ring.ids {
            *slot = input.u64()?;
        }
        ring.next = input.u8()?;
        if usize::from(ring.next) < RING_LEN { Ok(ring) } else { Err(StateError::Value) }
    }
}
