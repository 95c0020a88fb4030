//! How far an actor has come: first and last activity, events, active hours, and the open hour's vote: the highest
//! score of the run that it belongs to.

use crate::bytes::{Reader, StateError, Writer};

/// Progress of one actor.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Progress {
    /// Second of the first activity, since 1990.
    pub first_s: u32,
    /// Second of the newest activity, since 1990.
    pub last_s: u32,
    /// Second of the newest activity that taught anything, since 1990: the end of what habits cover.
    pub learned_s: u32,
    /// Activities scored, saturating.
    pub events: u32,
    /// Active hours seen.
    pub active_hours: u32,
    /// Hour of the open vote, since 1970; 0 is none.
    pub vote_hour: u32,
    /// Highest bin of the run that this hour belongs to, itself included.
    pub vote_bin: u8,
    /// Hours since the run last stood there.
    pub run_hours: u8,
    /// How many bounds of rarity the run has passed, for the meters of calibration: at most 15.
    pub bounds: u8,
    /// Votes of rare scores it may still cast, in hundredths.
    pub rare_votes: u16,
}

/// Hours of a run: so long an alert waits for its next event. What a run reached already opens no alert again.
const RUN_HOURS: u32 = 12;

impl Progress {
    /// Opens the vote of an hour: it goes on from the top of the run, if that is not too long ago.
    pub fn open_hour(&mut self, hour: u32) {
        let elapsed = u32::from(self.run_hours).saturating_add(hour.saturating_sub(self.vote_hour));
        (self.vote_bin, self.run_hours, self.bounds) = match u8::try_from(elapsed) {
            Ok(hours) if elapsed <= RUN_HOURS => (self.vote_bin, hours, self.bounds),
            _ => (0, 0, 0),
        };
        self.vote_hour = hour;
    }

    /// Appends the progress.
    pub fn encode(&self, out: &mut Writer) {
        for v in [
            self.first_s,
            self.last_s,
            self.learned_s,
            self.events,
            self.active_hours,
            self.vote_hour,
        ] {
            out.u32(v);
        }
        out.u8(self.vote_bin);
        // Runs last at most 12 hours.
        out.u8(self.run_hours.min(0xf) | self.bounds.min(0xf) << 4);
        out.u16(self.rare_votes);
    }

    /// Takes the progress.
    pub fn decode(input: &mut Reader<'_>) -> Result<Self, StateError> {
        let mut progress = Self {
            first_s: input.u32()?,
            last_s: input.u32()?,
            learned_s: input.u32()?,
            events: input.u32()?,
            active_hours: input.u32()?,
            vote_hour: input.u32()?,
            vote_bin: input.u8()?,
            ..Self::default()
        };
        let run = input.u8()?;
        (progress.run_hours, progress.bounds) = (run & 0xf, run >> 4);
        progress.rare_votes = input.u16()?;
        Ok(progress)
    }
}
