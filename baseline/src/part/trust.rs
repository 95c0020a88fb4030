//! What trust remembers of an actor: two decaying sums of evidence, the highest evidence of the incident, clean
//! hours, the band, and what was last published. The dynamics stand in the detector; the clock advances by whole
//! active hours of log time.

use schemas::trust::Level;

use crate::bytes::{Reader, StateError, Writer};

/// What the newest trust record of an actor said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Published {
    /// Second of log time, since 1990; 0 where none was written.
    pub at_s: u32,
    /// Score in hundredths.
    pub hundredths: u16,
    /// Level as shown.
    pub level: Level,
}

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
    /// Hour up to which the sums have decayed, since 1970: that of the newest activity; 0 before the first.
    pub hour: u32,
    /// Hour since which the band holds.
    pub level_hour: u32,
    /// The band by score; `Unknown` is derived from clean hours.
    pub level: Level,
    /// Whether the newest activity was a person's errand, which raises the trust of an actor little is known of.
    pub for_person: bool,
    /// Sequence of the newest evidence of people that was taken; 0 is none.
    pub outside: u32,
    /// What consumers were told.
    pub published: Published,
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
            for_person: false,
            outside: 0,
            published: Published::default(),
        }
    }
}

fn number(level: Level) -> u8 {
    match level {
        Level::Untrusted => 0,
        Level::Restricted => 1,
        Level::Watch => 2,
        Level::Unknown => 3,
        Level::Trusted => 4,
    }
}

fn numbered(number: u8) -> Result<Level, StateError> {
    Ok(match number {
        0 => Level::Untrusted,
        1 => Level::Restricted,
        2 => Level::Watch,
        3 => Level::Unknown,
        4 => Level::Trusted,
        _ => return Err(StateError::Value),
    })
}

impl TrustState {
    /// Appends the state: 34 bytes.
    pub fn encode(&self, out: &mut Writer) {
        for nats in [self.fast, self.slow, self.incident] {
            out.f32(nats);
        }
        for hours in [self.incident_hour, self.clean_hours, self.hour, self.level_hour] {
            out.u24(hours);
        }
        let levels = number(self.level) | number(self.published.level) << 3;
        out.u8(levels | u8::from(self.for_person) << 6);
        out.u16(self.published.hundredths);
        out.u32(self.published.at_s);
        out.u24(self.outside);
    }

    /// Takes the state.
    pub fn decode(input: &mut Reader<'_>) -> Result<Self, StateError> {
        let (fast, slow, incident) = (input.f32()?, input.f32()?, input.f32()?);
        let (incident_hour, clean_hours) = (input.u24()?, input.u24()?);
        let (hour, level_hour) = (input.u24()?, input.u24()?);
        let flags = input.u8()?;
        Ok(Self {
            fast,
            slow,
            incident,
            incident_hour,
            clean_hours,
            hour,
            level_hour,
            level: numbered(flags & 7)?,
            for_person: flags & 0x40 != 0,
            published: Published {
                level: numbered(flags >> 3 & 7)?,
                hundredths: input.u16()?,
                at_s: input.u32()?,
            },
            outside: input.u24()?,
        })
    }
}
