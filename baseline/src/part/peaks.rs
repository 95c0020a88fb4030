//! How high an actor's bursts usually go: per window the highest count of today and a decayed peak of earlier
//! days. Work that comes in batches is normal at the height of its batches; a strange burst raises the peak by a
//! part only, so a flood becomes normal after days, not at once.

use crate::bytes::{Reader, StateError, Writer};
use crate::math::decay;
use crate::part::rates::narrow;

/// Half-life of a peak in days.
const HALF_LIFE_DAYS: f64 = 30.0;
/// Part of a higher peak that one day teaches.
const RISE: f64 = 0.5;

/// Peaks of the three windows.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Peaks {
    /// Peaks of earlier days, as the upper halves of floats.
    past: [u16; 3],
    /// Highest counts of `day`, likewise.
    today: [u16; 3],
    /// Day of `today`, since 1970.
    day: u16,
}

/// The upper half of a count's bits, rounded.
fn pack(count: f64) -> u16 {
    let [_, _, low, high] = (narrow(count).to_bits() + 0x8000).to_le_bytes();
    u16::from_le_bytes([low, high])
}

fn unpack(half: u16) -> f64 {
    f64::from(f32::from_bits(u32::from(half) << 16))
}

impl Peaks {
    /// The peak of earlier days in a window.
    pub fn past(&self, window: usize) -> f64 {
        self.past.get(window).map_or(0.0, |half| unpack(*half))
    }

    /// Takes in the counts of an activity, of which `weight` may become normal.
    pub fn see(&mut self, counts: [f64; 3], day: u16, weight: f64) {
        if day > self.day {
            let faded = decay(f64::from(day - self.day), HALF_LIFE_DAYS);
            for (past, today) in self.past.iter_mut().zip(&mut self.today) {
                let (old, new) = (unpack(*past) * faded, unpack(*today));
                *past = pack(if new > old { old + RISE * (new - old) } else { old });
                *today = 0;
            }
            self.day = day;
        }
        if weight > 0.0 {
            for ((today, past), count) in self.today.iter_mut().zip(self.past).zip(counts) {
                let usual = unpack(past).min(count);
                *today = (*today).max(pack(usual + weight * (count - usual)));
            }
        }
    }

    /// Appends the peaks.
    pub fn encode(&self, out: &mut Writer) {
        for count in self.past.iter().chain(&self.today) {
            out.u16(*count);
        }
        out.u16(self.day);
    }

    /// Takes the peaks.
    pub fn decode(input: &mut Reader<'_>) -> Result<Self, StateError> {
        let mut heights = [0_u16; 6];
        for height in &mut heights {
            *height = input.u16()?;
            if !unpack(*height).is_finite() {
                return Err(StateError::Value);
            }
        }
        let [a, b, c, d, e, f] = heights;
        Ok(Self { past: [a, b, c], today: [d, e, f], day: input.u16()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_height_that_is_no_number_is_refused() {
        for half in [0x7f80_u16, 0xff80, 0x7fc0] {
            let mut out = Writer::default();
            Peaks { today: [0, half, 0], ..Peaks::default() }.encode(&mut out);
            assert_eq!(Peaks::decode(&mut Reader(&out.0)), Err(StateError::Value), "{half:x}");
        }
    }

    #[test]
    fn a_nightly_batch_becomes_normal_over_days_not_at_once() {
        let mut peaks = Peaks::default();
        peaks.see([0.0, 1_000.0, 0.0], 1, 1.0);
        assert!(peaks.past(1).abs() < 1e-6, "today's burst does not vouch for itself");
        for day in 2..=8 {
            peaks.see([0.0, 1_000.0, 0.0], day, 1.0);
        }
        assert!(peaks.past(1) > 900.0 && peaks.past(1) <= 1_004.0);
        peaks.see([0.0, 11_000.0, 0.0], 9, 0.1);
        peaks.see([0.0; 3], 10, 1.0);
        assert!(
            peaks.past(1) < 1_500.0,
            "a burst that may teach a tenth raises the peak by a tenth"
        );
    }
}
