//! The record of one agent: a head that its actors share, and one part list per actor. This file lists the
//! parts and their encoding; what each means stands in `part/`. At most 4 KiB with two actors, plus the id.

use schemas::Authority;
use xxhash_rust::xxh3::xxh3_64;

use crate::bytes::{Reader, StateError, Writer};
use crate::part::credentials::Credentials;
use crate::part::drift::Drift;
use crate::part::gaps::Gaps;
use crate::part::hours::Hours;
use crate::part::makeup::Makeup;
use crate::part::novelty::Novelty;
use crate::part::peaks::Peaks;
use crate::part::places::Places;
use crate::part::progress::Progress;
use crate::part::rates::Rate;
use crate::part::reach::Reach;
use crate::part::ring::Ring;
use crate::part::routes::Routes;
use crate::part::sessions::Sessions;
use crate::part::slots::Slots;
use crate::part::tools::Tools;
use crate::part::trust::TrustState;
use crate::part::volume::Volume;

/// Version of the encoding; a young record has a version of its own.
const VERSION: u8 = 6;
/// Largest encoded head in bytes.
pub const HEAD_BYTES_MAX: usize = 832;
/// Largest encoded actor in bytes.
pub const ACTOR_BYTES_MAX: usize = 1_536;

/// What all actors of an agent share.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Head {
    /// Newest event ids.
    pub ring: Ring,
    /// Open sessions.
    pub sessions: Sessions,
    /// Activities per authority: delegated, autonomous, unknown.
    pub authority_mix: [u32; 3],
    /// What it proves itself with.
    pub credentials: Credentials,
    /// What it is made of.
    pub makeup: Makeup,
}

/// The habits and trust of one actor.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Actor {
    /// The authority that makes it an actor.
    pub authority: Authority,
    /// How far it has come.
    pub progress: Progress,
    /// Its trust.
    pub trust: TrustState,
    /// Calls.
    pub calls: Rate,
    /// Heights of its bursts of calls.
    pub peaks: Peaks,
    /// Values it had never met.
    pub firsts: Rate,
    /// Failed calls.
    pub failures: Rate,
    /// Destinations.
    pub places: Places,
    /// Resources, by prefix.
    pub resources: Slots<16>,
    /// Networks and routes.
    pub networks: Slots<8>,
    /// Tools, in sessions.
    pub tools: Tools,
    /// Pairs of consecutive tools.
    pub pairs: Slots<12>,
    /// Who delegates.
    pub delegators: Slots<4>,
    /// Hours of the week.
    pub hours: Hours,
    /// Pauses.
    pub gaps: Gaps,
    /// Transfer sizes.
    pub volume: Volume,
    /// Own novelty rates.
    pub novelty: Novelty,
    /// Where it comes from, and how steadily.
    pub routes: Routes,
    /// How sensitive the data is that it touches.
    pub reach: Reach,
    /// How slowly its work grows.
    pub drift: Drift,
}

/// One agent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Agent {
    /// Shared by its actors.
    pub head: Head,
    /// Its actors, in order of appearance; at most three.
    pub actors: Vec<Actor>,
}

/// Index of an authority in `authority_mix`.
pub fn authority_index(authority: Authority) -> usize {
    match authority {
        Authority::Delegated => 0,
        Authority::Autonomous => 1,
        Authority::Unknown => 2,
    }
}

/// The authority of an index.
pub(crate) fn authority_of(index: u8) -> Result<Authority, StateError> {
    match index {
        0 => Ok(Authority::Delegated),
        1 => Ok(Authority::Autonomous),
        2 => Ok(Authority::Unknown),
        _ => Err(StateError::Value),
    }
}

// === impl Head ===

impl Head {
    /// Appends the head.
    pub fn encode(&self, out: &mut Writer) {
        self.ring.encode(out);
        for session in &self.sessions.open {
            session.encode(out);
        }
        for count in self.authority_mix {
            out.u32(count);
        }
        self.credentials.encode(out);
        self.makeup.encode(out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, StateError> {
        let mut head = Self { ring: Ring::decode(input)?, ..Self::default() };
        for session in &mut head.sessions.open {
            *session = crate::part::sessions::Session::decode(input)?;
        }
        for count in &mut head.authority_mix {
            *count = input.u32()?;
        }
        head.credentials = Credentials::decode(input)?;
        head.makeup = Makeup::decode(input)?;
        Ok(head)
    }
}

// === impl Actor ===

impl Actor {
    /// A new actor that inherits a sibling's habits as its prior: everything but progress and trust.
    pub fn inherit(authority: Authority, sibling: &Self) -> Self {
        Self {
            authority,
            progress: Progress::default(),
            trust: TrustState::default(),
            ..sibling.clone()
        }
    }

    /// Bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        self.places.heap_bytes()
            + self.resources.heap_bytes()
            + self.networks.heap_bytes()
            + self.tools.heap_bytes()
            + self.pairs.heap_bytes()
            + self.delegators.heap_bytes()
            + self.volume.heap_bytes()
    }

    /// Appends the actor.
    pub fn encode(&self, out: &mut Writer) {
        out.u8(u8::try_from(authority_index(self.authority)).unwrap_or(u8::MAX));
        self.progress.encode(out);
        self.trust.encode(out);
        for rate in [&self.calls, &self.firsts, &self.failures] {
            rate.encode(out);
        }
        self.peaks.encode(out);
        self.places.encode(out);
        self.resources.encode(out);
        self.networks.encode(out);
        self.tools.encode(out);
        self.pairs.encode(out);
        self.delegators.encode(out);
        self.hours.encode(out);
        self.gaps.encode(out);
        self.volume.encode(out);
        self.novelty.encode(out);
        self.routes.encode(out);
        self.reach.encode(out);
        self.drift.encode(out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, StateError> {
        Ok(Self {
            authority: authority_of(input.u8()?)?,
            progress: Progress::decode(input)?,
            trust: TrustState::decode(input)?,
            calls: Rate::decode(input)?,
            firsts: Rate::decode(input)?,
            failures: Rate::decode(input)?,
            peaks: Peaks::decode(input)?,
            places: Places::decode(input)?,
            resources: Slots::decode(input)?,
            networks: Slots::decode(input)?,
            tools: Tools::decode(input)?,
            pairs: Slots::decode(input)?,
            delegators: Slots::decode(input)?,
            hours: Hours::decode(input)?,
            gaps: Gaps::decode(input)?,
            volume: Volume::decode(input)?,
            novelty: Novelty::decode(input)?,
            routes: Routes::decode(input)?,
            reach: Reach::decode(input)?,
            drift: Drift::decode(input)?,
        })
    }
}

// === impl Agent ===

impl Agent {
    /// The index of the actor with this authority; a new one inherits the most experienced sibling's habits.
    pub fn enter(&mut self, authority: Authority) -> (usize, bool) {
        if let Some(index) = self.actors.iter().position(|actor| actor.authority == authority) {
            return (index, false);
        }
        let sibling = self.actors.iter().max_by_key(|actor| actor.progress.events);
        let actor = sibling.map_or_else(
            || Actor { authority, ..Actor::default() },
            |sibling| Actor::inherit(authority, sibling),
        );
        self.actors.reserve_exact(1);
        self.actors.push(actor);
        (self.actors.len() - 1, true)
    }

    /// Active hours of the most experienced actor.
    pub fn active_hours(&self) -> u32 {
        self.actors.iter().map(|actor| actor.progress.active_hours).max().unwrap_or(0)
    }

    /// Second of the first activity, since 1990.
    pub fn first_s(&self) -> u32 {
        self.actors.iter().map(|actor| actor.progress.first_s).min().unwrap_or(0)
    }

    /// Second of the newest activity, since 1990.
    pub fn last_s(&self) -> u32 {
        self.actors.iter().map(|actor| actor.progress.last_s).max().unwrap_or(0)
    }

    /// Bytes in memory, without the id; by length, so that a restored record counts as the one that was saved.
    pub fn bytes(&self) -> usize {
        size_of::<Self>()
            + self.actors.len() * size_of::<Actor>()
            + self.actors.iter().map(Actor::heap_bytes).sum::<usize>()
    }

    /// The record's bytes: version, head, actors, checksum.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer(Vec::with_capacity(2_048));
        out.u8(VERSION);
        self.head.encode(&mut out);
        out.u8(u8::try_from(self.actors.len()).unwrap_or(u8::MAX));
        for actor in &self.actors {
            actor.encode(&mut out);
        }
        let sum = xxh3_64(&out.0);
        out.u64(sum);
        out.0
    }

    /// Reads a record; refuses another version and damaged bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, StateError> {
        let body = bytes.len().checked_sub(8).ok_or(StateError::Length)?;
        let (body, sum) = bytes.split_at_checked(body).ok_or(StateError::Length)?;
        if xxh3_64(body).to_le_bytes() != sum {
            return Err(StateError::Checksum);
        }
        let mut input = Reader(body);
        let version = input.u8()?;
        if version != VERSION {
            return Err(StateError::Version(version));
        }
        let head = Head::decode(&mut input)?;
        let count = input.u8()?;
        if count > 3 {
            return Err(StateError::Value);
        }
        let mut actors = Vec::with_capacity(usize::from(count));
        for _ in 0..count {
            actors.push(Actor::decode(&mut input)?);
        }
        if input.0.is_empty() { Ok(Self { head, actors }) } else { Err(StateError::Length) }
    }
}

#[cfg(test)]
mod tests;
