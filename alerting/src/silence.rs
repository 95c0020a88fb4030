//! Silences: scopes whose alerts people do not want to see until a time, with who said so and how often they matched. A
//! hard indicator is never silent. What a verdict of an analyst means beyond that is decided elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use schemas::EventTime;
use schemas::feedback::Scope;
use schemas::finding::Verdict;
use serde::{Deserialize, Serialize};

use crate::record::{self, RecordError};
use crate::record_id::RecordId;

/// Silences of a tenant. More are refused: each verdict asks all of them.
const SILENCES_MAX: usize = 1_024;

/// A silence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Silence {
    /// Its id: that of the command or verdict that made it.
    pub id: String,
    /// What is silent.
    pub scope: Scope,
    /// Until when.
    pub expires_at: EventTime,
    /// Who said so.
    pub author: String,
    /// Why.
    pub comment: String,
    /// Events that would have alerted.
    pub matched: u64,
    /// Log time of the newest of them.
    pub last_match: Option<EventTime>,
}

/// The silences of a tenant.
#[derive(Clone, Debug, Default)]
pub(crate) struct Silences {
    all: BTreeMap<String, Silence>,
    due: BTreeSet<(i64, String)>,
}

// === impl Silences ===

impl Silences {
    /// Takes up a silence; `false` where there are too many, or it is known.
    pub(crate) fn put(&mut self, silence: Silence, touched: &mut BTreeSet<RecordId>) -> bool {
        if self.all.len() >= SILENCES_MAX || self.all.contains_key(&silence.id) {
            return false;
        }
        touched.insert(RecordId::Silence(silence.id.clone()));
        self.insert(silence);
        true
    }

    fn insert(&mut self, silence: Silence) {
        self.due.insert((silence.expires_at.millis(), silence.id.clone()));
        self.all.insert(silence.id.clone(), silence);
    }

    /// Ends a silence.
    pub(crate) fn end(&mut self, id: &str, touched: &mut BTreeSet<RecordId>) -> Option<Silence> {
        let silence = self.all.remove(id)?;
        self.due.remove(&(silence.expires_at.millis(), id.to_owned()));
        touched.insert(RecordId::Silence(id.to_owned()));
        Some(silence)
    }

    /// Ends the silence that expired first, if one has.
    pub(crate) fn expire(
        &mut self,
        now: EventTime,
        touched: &mut BTreeSet<RecordId>,
    ) -> Option<Silence> {
        let (due_ms, id) = self.due.first().cloned()?;
        if due_ms <= now.millis() { self.end(&id, touched) } else { None }
    }

    /// When the next one expires.
    pub(crate) fn next_due_ms(&self) -> Option<i64> {
        self.due.first().map(|(due_ms, _)| *due_ms)
    }

    /// Whether a verdict is silent; each silence that says so counts it.
    pub(crate) fn keeps(
        &mut self,
        verdict: &Verdict,
        now: EventTime,
        touched: &mut BTreeSet<RecordId>,
    ) -> bool {
        if verdict.hard_indicator.is_some() {
            return false;
        }
        let mut kept = false;
        for silence in self.all.values_mut().filter(|silence| holds_for(&silence.scope, verdict)) {
            silence.matched = silence.matched.saturating_add(1);
            silence.last_match = Some(now);
            touched.insert(RecordId::Silence(silence.id.clone()));
            kept = true;
        }
        kept
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    /// The record of a silence; empty where it ended.
    pub(crate) fn record(&self, id: &str) -> Vec<u8> {
        self.all.get(id).map(record::encode).unwrap_or_default()
    }

    /// Takes back the record of a silence.
    pub(crate) fn load(&mut self, bytes: &[u8]) -> Result<(), RecordError> {
        self.insert(record::decode(bytes)?);
        Ok(())
    }
}

/// Whether all that a scope names is so of a verdict. A signal is meant where it leads; a key is whatever it met.
fn holds_for(scope: &Scope, verdict: &Verdict) -> bool {
    let (actor, facts) = (&verdict.actor, &verdict.facts);
    let is = |named: &Option<String>, value: Option<&str>| {
        named.as_deref().is_none_or(|named| value == Some(named))
    };
    let things = [
        &facts.destination,
        &facts.destination_ip,
        &facts.resource,
        &facts.tool_server,
        &facts.operation,
        &facts.subject,
        &facts.purpose,
        &facts.credential_id,
        &facts.source,
        &facts.agent_version,
    ];
    let is_thing = |key: &String| things.iter().any(|thing| thing.as_ref() == Some(key));
    is(&scope.agent_id, Some(&actor.agent_id))
        && scope.authority.is_none_or(|authority| authority == actor.authority)
        && is(&scope.blueprint, facts.blueprint.as_deref())
        && is(&scope.signal, Some(verdict.leading_signal()))
        && scope.key.as_ref().is_none_or(is_thing)
}
