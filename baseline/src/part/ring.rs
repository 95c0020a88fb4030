//! The newest event ids of an agent, as the upper 48 bits of their hashes: what tells a duplicate from a new event.

use crate::bytes::{Reader, StateError, Writer};

/// Ids kept.
pub const RING_LEN: usize = 32;

/// Ring of id hashes; 0 is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ring {
    upper: [u32; RING_LEN],
    lower: [u16; RING_LEN],
    next: u8,
}

/// The upper 32 bits of an id, and the 16 after them.
fn halves(id: u64) -> (u32, u16) {
    let [.., c, d, e, f, g, h] = id.to_le_bytes();
    (u32::from_le_bytes([e, f, g, h]), u16::from_le_bytes([c, d]))
}

impl Ring {
    /// Whether the id was seen lately.
    pub fn contains(&self, id: u64) -> bool {
        let (upper, lower) = halves(id);
        self.upper.iter().zip(&self.lower).any(|kept| (*kept.0, *kept.1) == (upper, lower))
    }

    /// Takes in an id, the oldest leaves.
    pub fn push(&mut self, id: u64) {
        let place = usize::from(self.next);
        if let (Some(upper), Some(lower)) = (self.upper.get_mut(place), self.lower.get_mut(place)) {
            (*upper, *lower) = halves(id);
        }
        self.next = (self.next + 1) % 32;
    }

    /// The newest `n` ids as they are kept, newest first.
    pub fn newest(&self, n: usize) -> impl Iterator<Item = u64> + '_ {
        (1..=n.min(RING_LEN)).filter_map(move |back| {
            let index = (usize::from(self.next) + RING_LEN - back) % RING_LEN;
            let (upper, lower) = (*self.upper.get(index)?, *self.lower.get(index)?);
            let id = u64::from(upper) << 32 | u64::from(lower) << 16;
            Some(id).filter(|id| *id != 0)
        })
    }

    /// Appends the ring.
    pub fn encode(&self, out: &mut Writer) {
        for (upper, lower) in self.upper.iter().zip(self.lower) {
            out.u32(*upper);
            out.u16(lower);
        }
        out.u8(self.next);
    }

    /// Takes the ring.
    pub fn decode(input: &mut Reader<'_>) -> Result<Self, StateError> {
        let mut ring = Self::default();
        for (upper, lower) in ring.upper.iter_mut().zip(&mut ring.lower) {
            (*upper, *lower) = (input.u32()?, input.u16()?);
        }
        ring.next = input.u8()?;
        if usize::from(ring.next) < RING_LEN { Ok(ring) } else { Err(StateError::Value) }
    }
}
