//! The record of an agent seen in fewer than two active hours: at most 256 bytes. It keeps 8 event ids, 8
//! destinations, call counters, trust, progress and one session of the authority that acted last; other habits
//! start when the agent is promoted.

use crate::agent::{Actor, Agent, authority_index};
use crate::bytes::{Reader, StateError, Writer};
use crate::part::progress::Progress;
use crate::part::rates::Rate;
use crate::part::sessions::Session;
use crate::part::trust::TrustState;
use schemas::Authority;

/// Largest young record in bytes.
pub const YOUNG_BYTES_MAX: usize = 256;
const IDS_MAX: usize = 8;
const PLACES_MAX: usize = 8;

/// Packs what a young agent keeps.
pub fn pack(agent: &Agent) -> Box<[u8]> {
    let mut out = Writer(Vec::with_capacity(YOUNG_BYTES_MAX));
    let newest = agent.actors.iter().max_by_key(|actor| actor.progress.last_s);
    let Some(actor) = newest else { return Box::default() };
    out.u8(u8::try_from(authority_index(actor.authority)).unwrap_or(2));
    encode_progress(&actor.progress, &mut out);
    actor.trust.encode(&mut out);
    out.f32(actor.calls.recent[0]);
    out.f32(actor.calls.recent[1]);
    out.f32(actor.calls.long);
    out.u32(actor.calls.last_s);
    let session = agent.head.sessions.open.iter().max_by_key(|session| session.last_s);
    session.copied().unwrap_or_default().encode(&mut out);
    let ids: Vec<u64> = agent.head.ring.newest(IDS_MAX).collect();
    out.u8(u8::try_from(ids.len()).unwrap_or(0));
    for id in &ids {
        out.u32(narrow_id(*id));
    }
    let places = actor.places.top(actor.progress.last_s);
    for tag in places.iter().take(PLACES_MAX) {
        out.u32(*tag);
    }
    out.0.into_boxed_slice()
}

/// Unpacks a young record into a working agent. Ids come back as their kept half, in the upper bits.
pub fn unpack(bytes: &[u8]) -> Result<Agent, StateError> {
    let mut input = Reader(bytes);
    let authority = match input.u8()? {
        0 => Authority::Delegated,
        1 => Authority::Autonomous,
        _ => Authority::Unknown,
    };
    let progress = decode_progress(&mut input)?;
    let mut actor =
        Actor { authority, progress, trust: TrustState::decode(&mut input)?, ..Actor::default() };
    let (minute, hour, long) = (input.f32()?, input.f32()?, input.f32()?);
    // Younger than two active hours: the twelve-hour window holds what the long sum holds.
    actor.calls = Rate { recent: [minute, hour, long], long, last_s: input.u32()? };
    let mut agent = Agent::default();
    agent.head.sessions.open[0] = Session::decode(&mut input)?;
    let ids = usize::from(input.u8()?);
    let mut kept = Vec::with_capacity(ids);
    for _ in 0..ids {
        kept.push(u64::from(input.u32()?) << 32);
    }
    for id in kept.into_iter().rev() {
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

/// Progress without the end of what habits cover: of a young agent it is the newest activity.
fn encode_progress(progress: &Progress, out: &mut Writer) {
    let Progress { first_s, last_s, events, active_hours, vote_hour, .. } = *progress;
    for v in [first_s, last_s, events, active_hours, vote_hour] {
        out.u32(v);
    }
    out.u8(progress.vote_bin);
    out.u8(u8::from(progress.vote_cast));
    out.u16(progress.rare_votes);
}

fn decode_progress(input: &mut Reader<'_>) -> Result<Progress, StateError> {
    let (first_s, last_s) = (input.u32()?, input.u32()?);
    Ok(Progress {
        first_s,
        last_s,
        learned_s: last_s,
        events: input.u32()?,
        active_hours: input.u32()?,
        vote_hour: input.u32()?,
        vote_bin: input.u8()?,
        vote_cast: input.u8()? != 0,
        rare_votes: input.u16()?,
    })
}

fn narrow_id(id: u64) -> u32 {
    u32::try_from(id >> 32).unwrap_or(0).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_young_record_is_small_and_stable() {
        let mut agent = Agent::default();
        agent.enter(Authority::Autonomous);
        for i in 1..40_u32 {
            agent.head.ring.push(u64::from(i) << 32);
            agent.actors[0].places.add(i, i, 1.0, 1.0);
        }
        agent.head.sessions.enter(77, 5, 1);
        let bytes = pack(&agent);
        assert!(bytes.len() <= YOUNG_BYTES_MAX, "{}", bytes.len());
        let back = unpack(&bytes).expect("own bytes");
        assert_eq!(pack(&back), bytes);
        assert!(contains(&back, 39 << 32) && !contains(&back, 20 << 32));
        assert!(unpack(&bytes[..40]).is_err());
    }
}
