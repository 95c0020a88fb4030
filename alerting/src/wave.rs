//! The alert of the breaker: from the first revocation that it holds back until an hour passes without one. It counts and
//! names; what is held back is decided elsewhere.

use std::collections::BTreeSet;

use schemas::EventTime;
use schemas::finding::{Finding, Versions};
use schemas::time::HOUR_MS;
use serde::{Deserialize, Serialize};

use crate::record::{self, RecordError};

/// Agents that it names.
const AGENTS_MAX: usize = 32;

/// What the breaker holds back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Wave {
    /// Id of its alert.
    pub(crate) id: String,
    /// Log time of the first revocation that was held back.
    pub(crate) opened: EventTime,
    /// Log time of the newest one.
    pub(crate) last: EventTime,
    /// Agents, as far as they are named.
    pub(crate) agents: BTreeSet<String>,
    /// Revocations that were held back.
    pub(crate) n_held: u64,
    /// Revocations of the hour before and since.
    pub(crate) n_revoked: u64,
    /// What was in force when it opened.
    pub(crate) versions: Versions,
}

/// The newest wave, if one goes on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Breakwater {
    wave: Option<Wave>,
}

// === impl Breakwater ===

impl Breakwater {
    /// The wave that goes on.
    pub(crate) fn wave(&self) -> Option<&Wave> {
        self.wave.as_ref()
    }

    /// Notes that a revocation was held back; whether that begins a wave.
    pub(crate) fn hold(&mut self, finding: &Finding, agent_id: &str, now: EventTime) -> bool {
        let begins = self.wave.is_none();
        let wave = self.wave.get_or_insert_with(|| Wave {
            id: finding.source.derive("breaker"),
            opened: now,
            last: now,
            agents: BTreeSet::new(),
            n_held: 0,
            n_revoked: 0,
            versions: finding.versions.clone(),
        });
        wave.last = wave.last.max(now);
        wave.n_held = wave.n_held.saturating_add(1);
        if wave.agents.len() < AGENTS_MAX {
            wave.agents.insert(agent_id.to_owned());
        }
        begins
    }

    /// Notes revocations that belong to the wave.
    pub(crate) fn note_revoked(&mut self, n_revoked: usize) {
        if let Some(wave) = self.wave.as_mut() {
            wave.n_revoked = wave.n_revoked.saturating_add(n_revoked as u64);
        }
    }

    /// When the wave ends, if nothing more is held back.
    pub(crate) fn ends_at_ms(&self) -> Option<i64> {
        self.wave.as_ref().map(|wave| wave.last.millis().saturating_add(HOUR_MS))
    }

    /// Takes the wave out, where it has ended.
    pub(crate) fn end(&mut self, now: EventTime) -> Option<Wave> {
        self.ends_at_ms().filter(|at_ms| *at_ms <= now.millis())?;
        self.wave.take()
    }

    /// Its record; empty where none goes on.
    pub(crate) fn record(&self) -> Vec<u8> {
        self.wave.as_ref().map(record::encode).unwrap_or_default()
    }

    /// Takes back its record.
    pub(crate) fn load(&mut self, bytes: &[u8]) -> Result<(), RecordError> {
        self.wave = Some(record::decode(bytes)?);
        Ok(())
    }
}
