//! How often: exponentially decayed counts over one minute, one hour and twelve hours, and a 30-day sum that
//! gives the long-run rate. c <- c 2^(-dt/tau) + 1; the rate is S30 over the exposure.

use crate::bytes::{Reader, StateError, Writer};
use crate::math::decay;

/// Windows in seconds.
pub const WINDOWS_S: [f64; 3] = [60.0, 3_600.0, 43_200.0];
/// Half-life of the long sum in seconds.
const LONG_S: f64 = 30.0 * 86_400.0;

/// Counters of one kind of event.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rate {
    /// Decayed counts per window, at the last update.
    pub recent: [f32; 3],
    /// Decayed count of 30 days, at the last update.
    pub long: f32,
    /// Second of the last update, since 1990.
    pub last_s: u32,
}

impl Rate {
    /// The counts at `now_s`: the three windows and the long sum.
    pub fn at(&self, now_s: u32) -> ([f64; 3], f64) {
        let dt = f64::from(now_s.saturating_sub(self.last_s));
        let mut recent = [0.0; 3];
        for (out, (count, tau)) in recent.iter_mut().zip(self.recent.iter().zip(WINDOWS_S)) {
            *out = if *count > 0.0 { f64::from(*count) * decay(dt, tau) } else { 0.0 };
        }
        (recent, f64::from(self.long) * decay(dt, LONG_S))
    }

    /// Adds `seen` to the windows and `learned` to the long sum; where nothing is learned, the long sum stands still.
    pub fn add(&mut self, now_s: u32, seen: f64, learned: f64) {
        let (recent, long) = self.at(now_s);
        for (slot, value) in self.recent.iter_mut().zip(recent) {
            *slot = narrow(value + seen);
        }
        if learned > 0.0 {
            self.long = narrow(long + learned);
        }
        self.last_s = self.last_s.max(now_s);
    }

    /// Appends the counters.
    pub fn encode(&self, out: &mut Writer) {
        for count in self.recent {
            out.f32(count);
        }
        out.f32(self.long);
        out.u32(self.last_s);
    }

    /// Takes the counters.
    pub fn decode(input: &mut Reader<'_>) -> Result<Self, StateError> {
        Ok(Self {
            recent: [input.f32()?, input.f32()?, input.f32()?],
            long: input.f32()?,
            last_s: input.u32()?,
        })
    }
}

/// Narrows a count for storage.
pub(crate) fn narrow(x: f64) -> f32 {
    #[expect(clippy::cast_possible_truncation, reason = "counts are far below f32::MAX")]
    let narrowed = x.clamp(0.0, 1e30) as f32;
    narrowed
}
