//! Trust of every actor, as its newest record says.

use std::collections::BTreeMap;

use schemas::trust::{Level, TRUST_SCHEMA, TrustRecord};
use schemas::{Authority, EventTime};

/// Agents that are known at most; further ones are not taken up.
const AGENTS_MAX: usize = 1 << 22;
const AUTHORITIES: [Authority; 3] =
    [Authority::Delegated, Authority::Autonomous, Authority::Unknown];

/// Why a record is not taken up.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// Its value is no trust record.
    #[error("decode a trust record")]
    Json(#[source] serde_json::Error),
    /// Its key, or the schema of its value, is another one.
    #[error("understand the {0} of a trust record")]
    Strange(&'static str),
    /// There is no room for more agents.
    #[error("keep the trust of more than {AGENTS_MAX} agents")]
    Full,
}

/// What is known of one actor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Known {
    pub(super) score: f64,
    pub(super) level: Level,
    pub(super) time: EventTime,
    sequence: u64,
}

/// Trust of every actor.
#[derive(Clone, Debug, Default)]
pub struct TrustTable {
    /// By tenant, a bar and agent: its actors by authority.
    agents: BTreeMap<Box<str>, [Option<Known>; 3]>,
}

// === impl TrustTable ===

impl TrustTable {
    /// Takes up a record of the trust topic; without a value, the actor is forgotten. An older one than the newest
    /// changes nothing.
    pub fn take_up(&mut self, key: &[u8], value: Option<&[u8]>) -> Result<(), TableError> {
        let strange = TableError::Strange("key");
        let key = std::str::from_utf8(key).map_err(|_| TableError::Strange("key"))?;
        let mut parts = key.splitn(3, '|');
        let (Some(tenant), Some(word), Some(agent)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(strange);
        };
        let authority = Authority::from_wire(word).ok_or(strange)?;
        let name = name(tenant, agent);
        let Some(value) = value else {
            self.forget(&name, authority);
            return Ok(());
        };
        let record: TrustRecord = serde_json::from_slice(value).map_err(TableError::Json)?;
        if record.schema != TRUST_SCHEMA {
            return Err(TableError::Strange("schema"));
        }
        if AGENTS_MAX <= self.agents.len() && !self.agents.contains_key(name.as_str()) {
            return Err(TableError::Full);
        }
        let actors = self.agents.entry(name.into_boxed_str()).or_default();
        if let Some(slot) = slot(actors, authority)
            && slot.is_none_or(|known| known.sequence < record.sequence)
        {
            let TrustRecord { score, level, time, sequence, .. } = record;
            *slot = Some(Known { score, level, time, sequence });
        }
        Ok(())
    }

    fn forget(&mut self, name: &str, authority: Authority) {
        let Some(actors) = self.agents.get_mut(name) else { return };
        if let Some(slot) = slot(actors, authority) {
            *slot = None;
        }
        if actors.iter().all(Option::is_none) {
            self.agents.remove(name);
        }
    }

    /// The actor of an agent with this authority, or without one its least trusted, with its authority.
    pub(super) fn of(
        &self,
        tenant: &str,
        agent: &str,
        authority: Option<Authority>,
    ) -> Option<(Authority, Known)> {
        let actors = self.agents.get(name(tenant, agent).as_str())?;
        let known = AUTHORITIES.into_iter().zip(actors);
        let known = known.filter_map(|(of, known)| Some((of, (*known)?)));
        known
            .filter(|(of, _)| authority.is_none_or(|authority| authority == *of))
            .reduce(|a, b| if b.1.score < a.1.score { b } else { a })
    }

    /// Agents with an actor that is known.
    pub fn n_agents(&self) -> usize {
        self.agents.len()
    }
}

fn name(tenant: &str, agent: &str) -> String {
    format!("{tenant}|{agent}")
}

fn slot(actors: &mut [Option<Known>; 3], authority: Authority) -> Option<&mut Option<Known>> {
    let at = AUTHORITIES.into_iter().position(|one| one == authority)?;
    actors.get_mut(at)
}
