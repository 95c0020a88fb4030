//! The record of an agent seen in fewer than two active hours: at most 256 bytes. It keeps 7 event ids, 8
//! destinations, call counters, trust, progress, the number of the day's sessions and one session of the authority that
//! acted last; other habits start when the agent is promoted. In front stands where in the log the agent appeared: its
//! place in the ring.

use schemas::time::{DAY_MS, TIME_MS_MIN};

use crate::agent::{Actor, Agent, authority_index, authority_of};
use crate::bytes::{Reader, StateError, Writer};
use crate::part::drift::Drift;
use crate::part::progress::Progress;
use crate::part::rates::Rate;
use crate::part::sessions::Session;
use crate::part::trust::TrustState;

/// Largest young record in bytes.
pub const YOUNG_BYTES_MAX: usize = 256;
/// Version of the encoding; the top bit tells a young record from a known one.
pub(crate) const VERSION: u8 = 0x85;
const IDS_MAX: usize = 7;
const PLACES_MAX: usize = 8;

/// Packs what a young agent keeps, behind its place in the ring.
pub fn pack(agent: &Agent, arrival: u64) -> Box<[u8]> {
    let mut out = Writer(Vec::with_capacity(YOUNG_BYTES_MAX));
    let newest = agent.actors.iter().max_by_key(|actor| actor.progress.last_s);
    let Some(actor) = newest else { return Box::default() };
    out.u8(VERSION);
    out.u64(arrival);
    let ids: Vec<u64> = agent.head.ring.newest(IDS_MAX).collect();
    let counts = authority_index(actor.authority) | ids.len() << 2;
    out.u8(u8::try_from(counts).unwrap_or(0));
    encode_progress(&actor.progress, actor.drift.sessions_newest(), &mut out);
    actor.trust.encode(&mut out);
    out.f32(actor.calls.recent[0]);
    out.f32(actor.calls.recent[1]);
    out.f32(actor.calls.long);
    out.u32(actor.calls.last_s);
    let session = agent.head.sessions.open.iter().max_by_key(|session| session.last_s);
    session.copied().unwrap_or_default().encode(&mut out);
    for id in &ids {
        out.u32(narrow_id(*id));
    }
    let places = actor.places.top(actor.progress.last_s);
    let room = YOUNG_BYTES_MAX.saturating_sub(out.0.len()) / 4;
    for tag in places.iter().take(PLACES_MAX.min(room)) {
        out.u32(*tag);
    }
    out.0.into_boxed_slice()
}

/// Where in the log the agent of a packed record appeared.
pub fn arrival(bytes: &[u8]) -> Result<u64, StateError> {
    let mut input = Reader(bytes);
    let version = input.u8()?;
    if version == VERSION { input.u64() } else { Err(StateError::Version(version)) }
}

/// Unpacks a young record into a working agent. Ids come back as their kept half, in the upper bits.
pub fn unpack(bytes: &[u8]) -> Result<Agent, StateError> {
    arrival(bytes)?;
    let mut input = Reader(bytes);
    input.take(9)?;
    let counts = input.u8()?;
    let authority = authority_of(counts & 3)?;
    let (progress, sessions) = decode_progress(&mut input)?;
    let trust = TrustState::decode(&mut input)?;
    let mut actor = Actor { authority, progress, trust, ..Actor::default() };
    if sessions > 0 {
        let newest_ms = TIME_MS_MIN + i64::from(progress.last_s) * 1_000;
        let day = u16::try_from(newest_ms / DAY_MS).unwrap_or(u16::MAX);
        actor.drift = Drift::resume(day, sessions);
    }
    let (minute, hour, long) = (input.f32()?, input.f32()?, input.f32()?);
    // Younger than two active hours: the twelve-hour window holds what the long sum holds.
    actor.calls = Rate { recent: [minute, hour, long], long, last_s: input.u32()? };
    let mut agent = Agent::default();
    agent.head.sessions.open[0] = Session::decode(&mut input)?;
    let ids = usize::from(counts >> 2);
    if ids > IDS_MAX {
        return Err(StateError::Value);
    }
    let mut kept = [0; IDS_MAX];
    for id in kept.iter_mut().take(ids) {
        *id = u64::from(input.u32()?) << 32;
    }
    for id in kept.into_iter().rev().filter(|id| *id != 0) {
        agent.head.ring.push(id);
    }
    while !input.0.is_empty() {
        actor.places.add(input.u32()?, progress.last_s, 0.0, 1.0);
    }
    if let Some(count) = agent.head.authority_mix.get_mut(authority_index(authority)) {
        *count = progress.events;
    }
    agent.actors.reserve_exact(1);
    agent.actors.push(actor);
    Ok(agent)
}

/// Whether a young agent has seen an event id, by the kept half.
pub fn contains(agent: &Agent, id: u64) -> bool {
    agent.head.ring.contains(u64::from(narrow_id(id)) << 32)
}

/// Progress without the end of what habits cover: of a young agent it is the newest activity. Sessions share the place
/// of its active hours: who is refused a place among the known goes on in the ring, for weeks perhaps.
fn encode_progress(progress: &Progress, sessions: u16, out: &mut Writer) {
    let Progress { first_s, last_s, events, active_hours, vote_hour, .. } = *progress;
    for v in [first_s, last_s, events] {
        out.u32(v);
    }
    out.u24(active_hours.min(0xffff) | u32::from(sessions.min(0xff)) << 16);
    out.u24(vote_hour);
    out.u8(progress.vote_bin);
    // Runs last at most 12 hours. The ration of rare votes, in hundredths, ends at five here.
    let run = u16::from(progress.run_hours.min(0xf)) << 12;
    out.u16(progress.rare_votes.min(0x1ff) | u16::from(progress.bounds.min(7)) << 9 | run);
}

fn decode_progress(input: &mut Reader<'_>) -> Result<(Progress, u16), StateError> {
    let (first_s, last_s) = (input.u32()?, input.u32()?);
    let (events, hours, vote_hour) = (input.u32()?, input.u24()?, input.u24()?);
    let sessions = u16::try_from(hours >> 16).unwrap_or(u16::MAX);
    let (vote_bin, votes) = (input.u8()?, input.u16()?);
    let [run_hours, _] = (votes >> 12).to_le_bytes();
    let [bounds, _] = (votes >> 9 & 7).to_le_bytes();
    let progress = Progress {
        first_s,
        last_s,
        learned_s: last_s,
        events,
        active_hours: hours & 0xffff,
        vote_hour,
        vote_bin,
        run_hours,
        bounds,
        rare_votes: votes & 0x1ff,
    };
    Ok((progress, sessions))
}

fn narrow_id(id: u64) -> u32 {
    u32::try_from(id >> 32).unwrap_or(0).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::Authority;

    #[test]
    fn a_young_record_is_small_and_stable() {
        let mut agent = Agent::default();
        agent.enter(Authority::Autonomous);
        for i in 1..40_u32 {
            agent.head.ring.push(u64::from(i) << 32);
            agent.actors[0].places.add(i, i, 1.0, 1.0);
        }
        agent.head.sessions.enter(77, 5, 1);
        let progress =
            Progress { run_hours: 12, bounds: 5, rare_votes: 302, ..Progress::default() };
        agent.actors[0].progress = Progress { active_hours: 300, ..progress };
        agent.actors[0].drift = Drift::resume(7_305, 200);
        for channels in [0, 18, 34] {
            agent.head.sessions.open[0].maxima[..channels].fill(9);
            is_small_and_stable(&agent);
        }
    }

    fn is_small_and_stable(agent: &Agent) {
        let bytes = pack(agent, u64::MAX);
        assert!(bytes.len() <= YOUNG_BYTES_MAX, "{}", bytes.len());
        let back = unpack(&bytes).expect("own bytes");
        assert_eq!(pack(&back, u64::MAX), bytes);
        assert_eq!(back.actors[0].progress, agent.actors[0].progress);
        assert_eq!(back.actors[0].drift, agent.actors[0].drift);
        assert_eq!(arrival(&bytes), Ok(u64::MAX));
        assert!(contains(&back, 39 << 32) && contains(&back, 33 << 32));
        assert!(!contains(&back, 32 << 32));
        assert!(unpack(&bytes[..40]).is_err());
    }
}
