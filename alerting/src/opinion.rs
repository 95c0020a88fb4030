//! Evidence of people by agent, as it goes down to every lane, and what they expected: bounded, saved and published under
//! the same keys. Which verdict gives how much is decided elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use baseline::bytes::StateError;
use baseline::shared::{EVIDENCE_MAX, Expected, OutsideEvidence, evidence_of_bytes};
use schemas::EventTime;
use schemas::time::{HOUR_MS, TIME_MS_MIN};
use xxhash_rust::xxh3::xxh3_64;

use crate::record_id::{ActorKey, RecordId};

/// Agents of a tenant of whom evidence is kept; beyond, those spoken of longest ago leave.
const AGENTS_MAX: usize = 1 << 12;
/// Most nats against an actor that people's evidence may have at once.
const AGAINST_MAX: f32 = 20.0;
/// Sequences an hour: an agent that was forgotten does not begin again below what its actors have taken.
const SEQUENCES_PER_HOUR: i64 = 8;
const SEQUENCE_MAX: u32 = (1 << 24) - 1;

/// The evidence of people, by agent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Opinions {
    by_agent: BTreeMap<String, Vec<OutsideEvidence>>,
    expected: BTreeMap<String, Vec<u8>>,
}

// === impl Opinions ===

impl Opinions {
    /// Adds evidence about an actor; `false` where the same was said before, or there is too much.
    pub(crate) fn add(
        &mut self,
        actor: &ActorKey,
        (fast, slow): (f64, f64),
        (cause, now): (&str, EventTime),
        touched: &mut BTreeSet<RecordId>,
    ) -> bool {
        let all = self.by_agent.entry(actor.agent_id.clone()).or_default();
        let cause = xxh3_64(cause.as_bytes());
        let of_actor = || all.iter().filter(|said| said.authority == actor.authority);
        let against: f32 = of_actor().map(|said| (said.fast + said.slow).max(0.0)).sum();
        let (fast, slow) = (narrow(fast), narrow(slow));
        if of_actor().any(|said| said.cause == cause) || AGAINST_MAX < against + fast + slow {
            return false;
        }
        let newest = all.last().map_or(0, |said| said.sequence);
        let since_1990 = (now.millis() - TIME_MS_MIN) / HOUR_MS * SEQUENCES_PER_HOUR;
        let by_time = u32::try_from(since_1990).unwrap_or(0);
        let said = OutsideEvidence {
            sequence: by_time.max(newest.saturating_add(1)).min(SEQUENCE_MAX),
            authority: actor.authority,
            hour: u32::try_from(now.millis() / HOUR_MS).unwrap_or(0),
            fast,
            slow,
            cause,
        };
        all.push(said);
        let n_surplus = all.len().saturating_sub(EVIDENCE_MAX);
        all.drain(..n_surplus);
        touched.insert(RecordId::Outside(actor.agent_id.clone()));
        true
    }

    /// Takes away the agent that was spoken of longest ago, where there are too many.
    pub(crate) fn make_room(&mut self, touched: &mut BTreeSet<RecordId>) -> Option<String> {
        if self.by_agent.len() <= AGENTS_MAX {
            return None;
        }
        let newest = |(agent, all): (&String, &Vec<OutsideEvidence>)| {
            (all.last().map_or(0, |said| said.sequence), agent.clone())
        };
        let (_, agent_id) = self.by_agent.iter().map(newest).min()?;
        self.by_agent.remove(&agent_id);
        touched.insert(RecordId::Outside(agent_id.clone()));
        Some(agent_id)
    }

    /// What an actor's causes are, for taking one back.
    pub(crate) fn of_cause(&self, actor: &ActorKey, cause: &str) -> Option<&OutsideEvidence> {
        let cause = xxh3_64(cause.as_bytes());
        let all = self.by_agent.get(&actor.agent_id)?;
        all.iter().find(|said| said.cause == cause && said.authority == actor.authority)
    }

    /// Notes what was expected.
    pub(crate) fn expect(&mut self, id: &str, said: &Expected, touched: &mut BTreeSet<RecordId>) {
        self.expected.insert(id.to_owned(), said.record());
        touched.insert(RecordId::Expected(id.to_owned()));
    }

    /// What was expected is so no more; whether it was.
    pub(crate) fn expect_no_more(&mut self, id: &str, touched: &mut BTreeSet<RecordId>) -> bool {
        let was = self.expected.remove(id).is_some();
        if was {
            touched.insert(RecordId::Expected(id.to_owned()));
        }
        was
    }

    /// The record of an agent, empty where it is forgotten.
    pub(crate) fn record(&self, agent_id: &str) -> Vec<u8> {
        let all = self.by_agent.get(agent_id);
        all.map(|all| OutsideEvidence::record(all)).unwrap_or_default()
    }

    /// The record of what was expected, empty where it ended.
    pub(crate) fn expected(&self, id: &str) -> Vec<u8> {
        self.expected.get(id).cloned().unwrap_or_default()
    }

    /// Takes back the record of an agent.
    pub(crate) fn load(&mut self, agent_id: String, bytes: &[u8]) -> Result<(), StateError> {
        self.by_agent.insert(agent_id, evidence_of_bytes(bytes)?);
        Ok(())
    }

    /// Takes back the record of what was expected, which was checked.
    pub(crate) fn load_expected(&mut self, id: String, bytes: &[u8]) {
        self.expected.insert(id, bytes.to_vec());
    }
}

fn narrow(nats: f64) -> f32 {
    #[expect(clippy::cast_possible_truncation, reason = "nats within 100")]
    let narrow = nats.clamp(-100.0, 100.0) as f32;
    narrow
}
