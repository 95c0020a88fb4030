//! What trust remembers of an actor: two decaying sums of evidence, the highest evidence of the incident, clean
//! hours, and the band. The dynamics stand in the detector; the clock advances by whole active hours.

use schemas::trust::Level;

use crate::bytes::{Reader, StateError, Writer};

/// State of an actor's trust.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrustState {
    /// Fast evidence in nats, at `hour`.
    pub fast: f32,
    /// Slow evidence in nats, at `hour`.
    pub slow: f32,
    /// Highest weighted evidence of the incident, in nats.
    pub incident: f32,
    /// Hour of the incident's newest evidence, since 1970; 0 is none.
    pub incident_hour: u32,
    /// Clean active hours.
    pub clean_hours: u32,
    /// Hour up to which the sums have decayed, since 1970.
    pub hour: u32,
    /// Hour since which the band holds.
    pub level_hour: u32,
    /// The band by score; `Unknown` is derived from clean hours.
    pub level: Level,
}

impl Default for TrustState {
    fn default() -> Self {
        Self {
            fast: 0.0,
            slow: 0.0,
            incident: 0.0,
            incident_hour: 0,
            clean_hours: 0,
            hour: 0,
            level_hour: 0,
            level: Level::Trusted,
        }
    }
}

impl TrustState {
    /// Appends the state.
    pub fn encode(&self, out: &mut Writer) {
        out.f32(self.fast);
        out.f32(self.slow);
        out.f32(self.incident);
        out.u32(self.incident_hour);
        out.u32(self.clean_hours);
        out.u32(self.hour);
        out.u32(self.level_hour);
        out.u8(match self.level {
            Level::Untrusted => 0,
            Level::Restricted => 1,
            Level::Watch => 2,
            Level::Unknown => 3,
            Level::Trusted => 4,
        });
    }

    /// Takes the state.
    pub fn decode(input: &mut Reader<'_>) -> Result<Self, StateError> {
        Ok(Self {
            fast: input.f32()?,
            slow: input.f32()?,
            incident: input.f32()?,
            incident_hour: input.u32()?,
            clean_hours: input.u32()?,
            hour: input.u32()?,
            level_hour: input.u32()?,
            level: match input.u8()? {
                0 => Level::Untrusted,
                1 => Level::Restricted,
                2 => Level::Watch,
                3 => Level::Unknown,
                4 => Level::Trusted,
                _ => return Err(StateError::Value),
            },
        })
    }
}
