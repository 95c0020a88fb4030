//! Open sessions of an agent: what they used lately (so that a session is counted once and never vouches for
//! itself), the last tool, and the highest evidence per channel. Four at a time; the least
//! recent leaves; 30 minutes without an event close one.

use crate::bytes::{Reader, StateError, Writer};

/// Sessions kept open.
pub const SESSIONS_MAX: usize = 4;
/// Channels a session keeps a maximum for.
pub const CHANNELS_MAX: usize = 34;
/// The first of the channels that tell evidence apart by the origin of its value: four subjects by `ORIGINS`.
pub const BY_ORIGIN: usize = 18;
/// Classes of origin.
pub const ORIGINS: usize = 4;
/// Seconds of silence that close a session.
pub const SESSION_GAP_S: u32 = 1_800;
/// Parts of a nat in which evidence is kept.
const PARTS: f64 = 64.0;
/// Slots a session remembers to have counted.
const SEEN_MAX: usize = 32;
/// Marks a slot that the snapshot does not hold yet.
const FRESH: u16 = 0x8000;
/// Marks a session that votes, beside the place of its next tag.
const VOTES: u8 = 0x80;
/// Marks a session of a young actor, in the same byte.
const YOUNG: u8 = 0x40;

/// One open session.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Session {
    /// Hash of the session's id; 0 is a free place.
    pub id: u64,
    /// Second of the last event, since 1990.
    pub last_s: u32,
    /// Epoch of `fresh`.
    pub epoch: u32,
    /// Largest surprise of a result size so far, in `PARTS` of a nat, saturating.
    surprise: u8,
    /// Sum of what its steps say against the usual order, in the same parts.
    disorder: u16,
    /// Activities so far, saturating.
    pub events: u16,
    /// Whether it votes in the calibrators.
    pub votes: bool,
    /// Whether its actor was young when it opened: it does not say how much is usual.
    pub young: bool,
    /// Tags of the newest slots it counted; the top bit says "in this epoch, so not in the snapshot yet".
    seen: [u16; SEEN_MAX],
    /// Place of the next tag.
    seen_next: u8,
    /// Tags of the last calls.
    calls: [u16; 4],
    /// Tag of the last tool.
    pub tool: u32,
    /// Bin of the highest evidence per channel.
    pub maxima: [u8; CHANNELS_MAX],
}

/// What a session says of a slot it is about to use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// Not yet used by this session.
    No,
    /// Used in this epoch: not in the snapshot.
    Fresh,
    /// Used before: one of the snapshot's sessions is this one.
    Before,
}

impl Default for Session {
    fn default() -> Self {
        Self {
            id: 0,
            last_s: 0,
            epoch: 0,
            surprise: 0,
            disorder: 0,
            events: 0,
            votes: false,
            young: false,
            seen: [0; SEEN_MAX],
            seen_next: 0,
            calls: [0; 4],
            tool: 0,
            maxima: [0; CHANNELS_MAX],
        }
    }
}

impl Session {
    fn slot_tag(slot: u64) -> u16 {
        // Bits 33..48 of a hash; 0 is an empty place.
        u16::try_from((slot >> 33) & 0x7fff).unwrap_or(0).max(1)
    }

    /// Largest surprise of a result size so far, in nats up to 3.9.
    pub fn surprise(&self) -> f64 {
        f64::from(self.surprise) / PARTS
    }

    /// Notes a result whose size surprises by so many nats.
    pub fn surprise_by(&mut self, nats: f64) {
        let parts = u8::try_from(parts(nats)).unwrap_or(u8::MAX);
        self.surprise = self.surprise.max(parts);
    }

    /// What its steps said against the usual order, in nats up to 1,023.
    pub fn disorder(&self) -> f64 {
        f64::from(self.disorder) / PARTS
    }

    /// Adds a step that says so many nats against the usual order; below 0 nothing is owed.
    pub fn step(&mut self, nats: f64) {
        self.disorder = parts(self.disorder() + nats);
    }

    /// Whether the session has counted a slot.
    pub fn counted(&self, slot: u64) -> Counted {
        let tag = Self::slot_tag(slot);
        match self.seen.iter().find(|seen| **seen & !FRESH == tag) {
            None => Counted::No,
            Some(seen) if seen & FRESH != 0 => Counted::Fresh,
            Some(_) => Counted::Before,
        }
    }

    /// Notes that the session has counted a slot.
    pub fn count(&mut self, slot: u64) {
        if let Some(place) = self.seen.get_mut(usize::from(self.seen_next)) {
            *place = Self::slot_tag(slot) | FRESH;
        }
        self.seen_next = (self.seen_next + 1) % 32;
    }

    /// Enters an epoch: what was counted before now stands in the snapshot.
    pub fn enter_epoch(&mut self, epoch: u32) {
        if epoch != self.epoch {
            for seen in &mut self.seen {
                *seen &= !FRESH;
            }
            self.epoch = epoch;
        }
    }

    /// Notes a call; `true` where it is one of the last four.
    pub fn repeat_call(&mut self, tag: u16) -> bool {
        if self.calls.contains(&tag) {
            return true;
        }
        self.calls.rotate_right(1);
        self.calls[0] = tag;
        false
    }

    /// Appends the session.
    pub fn encode(&self, out: &mut Writer) {
        out.u64(self.id);
        out.u32(self.last_s);
        out.u24(self.epoch);
        out.u8(self.surprise);
        out.u16(self.disorder);
        out.u16(self.events);
        for seen in self.seen {
            out.u16(seen);
        }
        let votes = if self.votes { VOTES } else { 0 };
        out.u8(self.seen_next | votes | if self.young { YOUNG } else { 0 });
        for call in self.calls {
            out.u16(call);
        }
        out.u32(self.tool);
        let (plain, by_origin) = self.maxima.split_at(BY_ORIGIN);
        out.0.extend_from_slice(plain);
        // Mostly none: which there are, then these.
        let places = (0_u16..).zip(by_origin).filter(|(_, bin)| **bin > 0);
        out.u16(places.fold(0, |places, (place, _)| places | 1 << place));
        out.0.extend(by_origin.iter().filter(|bin| **bin > 0));
    }

    /// Takes a session.
    pub fn decode(input: &mut Reader<'_>) -> Result<Self, StateError> {
        let mut session = Self {
            id: input.u64()?,
            last_s: input.u32()?,
            epoch: input.u24()?,
            surprise: input.u8()?,
            disorder: input.u16()?,
            events: input.u16()?,
            ..Self::default()
        };
        for seen in &mut session.seen {
            *seen = input.u16()?;
        }
        let place = input.u8()?;
        session.votes = place & VOTES != 0;
        session.young = place & YOUNG != 0;
        session.seen_next = place & !(VOTES | YOUNG);
        if usize::from(session.seen_next) >= SEEN_MAX {
            return Err(StateError::Value);
        }
        for call in &mut session.calls {
            *call = input.u16()?;
        }
        session.tool = input.u32()?;
        let (plain, by_origin) = session.maxima.split_at_mut(BY_ORIGIN);
        plain.copy_from_slice(input.take(BY_ORIGIN)?);
        let places = input.u16()?;
        for (place, bin) in by_origin.iter_mut().enumerate() {
            if places & 1 << place != 0 {
                *bin = input.u8()?;
            }
        }
        Ok(session)
    }
}

/// Nats as parts, rounded, saturating.
fn parts(nats: f64) -> u16 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped before")]
    let parts = (nats * PARTS + 0.5).clamp(0.0, f64::from(u16::MAX)) as u16;
    parts
}

/// The open sessions of an agent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sessions {
    /// Places; free ones have id 0.
    pub open: [Session; SESSIONS_MAX],
}

impl Sessions {
    /// Finds the session or opens it in place of the least recent one; returns its index and whether it is new.
    pub fn enter(&mut self, id: u64, now_s: u32, epoch: u32) -> (usize, bool) {
        let known = self
            .open
            .iter()
            .position(|s| s.id == id && now_s.saturating_sub(s.last_s) <= SESSION_GAP_S);
        let index = known.unwrap_or_else(|| {
            self.open
                .iter()
                .enumerate()
                .min_by_key(|(_, s)| (s.id != 0 && s.id != id, s.last_s))
                .map_or(0, |(i, _)| i)
        });
        if let Some(session) = self.open.get_mut(index) {
            if known.is_none() {
                *session = Session { id, epoch, last_s: now_s, ..Session::default() };
            }
            session.enter_epoch(epoch);
        }
        (index, known.is_none())
    }
}
