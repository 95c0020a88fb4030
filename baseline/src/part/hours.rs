//! When: activity per hour of the week (UTC) in 168 nibbles, each the number of active hours seen, halved
//! together when one is full.

use crate::bytes::{Reader, StateError, Writer};

/// Hours of a week.
pub const WEEK_HOURS: usize = 168;

/// The rhythm of one actor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hours {
    nibbles: [u8; WEEK_HOURS / 2],
}

impl Default for Hours {
    fn default() -> Self {
        Self { nibbles: [0; WEEK_HOURS / 2] }
    }
}

/// Hour of the week of an hour since 1970: 0 is Monday 00:00 UTC.
pub fn hour_of_week(hour: u32) -> usize {
    // 1970-01-01 was a Thursday.
    ((hour as usize) + 72) % WEEK_HOURS
}

impl Hours {
    /// Active hours seen in this hour of the week.
    pub fn count(&self, index: usize) -> u8 {
        let byte = self.nibbles.get(index / 2).copied().unwrap_or(0);
        if index.is_multiple_of(2) { byte & 0x0f } else { byte >> 4 }
    }

    /// Counts one active hour.
    pub fn learn(&mut self, index: usize) {
        if self.count(index) == 15 {
            for byte in &mut self.nibbles {
                *byte = ((*byte & 0x0f) >> 1) | ((*byte >> 5) << 4);
            }
        }
        if let Some(byte) = self.nibbles.get_mut(index / 2) {
            *byte += if index.is_multiple_of(2) { 1 } else { 16 };
        }
    }

    /// Appends the rhythm.
    pub fn encode(&self, out: &mut Writer) {
        out.0.extend_from_slice(&self.nibbles);
    }

    /// Takes the rhythm.
    pub fn decode(input: &mut Reader<'_>) -> Result<Self, StateError> {
        let nibbles = input.take(WEEK_HOURS / 2)?.try_into().map_err(|_| StateError::Length)?;
        Ok(Self { nibbles })
    }
}
