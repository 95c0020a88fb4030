//! What people say of actors, as lanes need it: evidence that no activity gave, and what was expected of whom. It comes
//! down with the shared tables, under keys of its own. What it does to trust is not known here.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use schemas::Authority;
use schemas::feedback::Scope;
use xxhash_rust::xxh3::xxh3_64;

use crate::agent::{authority_index, authority_of};
use crate::bytes::{Reader, StateError, Writer};

const VERSION: u8 = 1;
/// Most pieces of evidence of one agent.
pub const EVIDENCE_MAX: usize = 8;

/// Evidence of people for or against an actor. Negative, it takes back what an alert added.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OutsideEvidence {
    /// Rises from piece to piece of an agent: an actor takes each once. Below 2^24.
    pub sequence: u32,
    /// The actor.
    pub authority: Authority,
    /// Hour of log time since 1970.
    pub hour: u32,
    /// Fast evidence in nats.
    pub fast: f32,
    /// Slow evidence in nats.
    pub slow: f32,
    /// What it is about, hashed.
    pub cause: u64,
}

/// What was expected: it is no evidence against anybody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Of whom and what.
    pub scope: Scope,
    /// Until when, in milliseconds of log time since 1970.
    pub until_ms: i64,
}

/// All that people said.
#[derive(Clone, Debug, Default)]
pub struct Outside {
    /// By `<tenant>|<agent>`.
    evidence: BTreeMap<Box<str>, Arc<[OutsideEvidence]>>,
    /// By `<tenant>|<id>`.
    expected: BTreeMap<Box<str>, Arc<Expected>>,
}

/// What a record is about; its own key stands behind.
enum Named {
    Evidence(Box<str>),
    Expected(Box<str>),
}

fn named(key: &str) -> Option<Named> {
    let (tenant, rest) = key.split_once('|')?;
    let of = |name: &str| format!("{tenant}|{name}").into_boxed_str();
    let evidence = rest.strip_prefix("~outside/").map(|agent| Named::Evidence(of(agent)));
    evidence.or_else(|| rest.strip_prefix("~expected/").map(|id| Named::Expected(of(id))))
}

// === impl Outside ===

impl Outside {
    /// Whether a record's key, `<tenant>|~outside/<agent>` or `<tenant>|~expected/<id>`, names something of it.
    pub(super) fn names(key: &str) -> bool {
        named(key).is_some()
    }

    /// Takes up a record of such a key; an empty one takes away.
    pub(super) fn take_up(&mut self, key: &str, value: &[u8]) -> Result<(), StateError> {
        match named(key) {
            Some(Named::Evidence(agent)) if value.is_empty() => {
                self.evidence.remove(&agent);
            }
            Some(Named::Evidence(agent)) => {
                self.evidence.insert(agent, evidence_of_bytes(value)?.into());
            }
            Some(Named::Expected(id)) if value.is_empty() => {
                self.expected.remove(&id);
            }
            Some(Named::Expected(id)) => {
                self.expected.insert(id, Arc::new(expected_of_bytes(value)?));
            }
            None => {}
        }
        Ok(())
    }

    /// Adds what was said of another tenant.
    pub(super) fn include(&mut self, other: &Self) {
        let evidence = other.evidence.iter();
        self.evidence.extend(evidence.map(|(agent, said)| (agent.clone(), Arc::clone(said))));
        let expected = other.expected.iter();
        self.expected.extend(expected.map(|(id, said)| (id.clone(), Arc::clone(said))));
    }

    /// Whether nobody said anything.
    pub fn is_empty(&self) -> bool {
        self.evidence.is_empty() && self.expected.is_empty()
    }

    /// The evidence about an agent, `<tenant>|<agent>`, by rising sequence.
    pub fn evidence(&self, agent_key: &str) -> &[OutsideEvidence] {
        self.evidence.get(agent_key).map_or(&[], AsRef::as_ref)
    }

    /// The agents of whom other things are said than there.
    pub fn other_than<'o>(&'o self, before: &'o Self) -> impl Iterator<Item = &'o str> {
        let said = self.evidence.iter();
        said.filter(|(agent, said)| before.evidence.get(*agent).is_none_or(|known| known != *said))
            .map(|(agent, _)| &**agent)
    }

    /// What was expected of a tenant's agents.
    pub fn expected<'o>(&'o self, tenant_id: &str) -> impl Iterator<Item = &'o Expected> {
        let from = format!("{tenant_id}|");
        let bounds = (Bound::Included(from.as_str()), Bound::Unbounded);
        let of_tenant = self.expected.range::<str, _>(bounds);
        let of_tenant = of_tenant.take_while(move |(id, _)| id.starts_with(&from));
        of_tenant.map(|(_, said)| &**said)
    }
}

// === impl OutsideEvidence ===

impl OutsideEvidence {
    /// The record of an agent's evidence; empty where there is none.
    pub fn record(all: &[Self]) -> Vec<u8> {
        if all.is_empty() {
            return Vec::new();
        }
        seal(|out| {
            for said in all.iter().take(EVIDENCE_MAX) {
                out.u24(said.sequence);
                out.u8(u8::try_from(authority_index(said.authority)).unwrap_or(0));
                out.u24(said.hour);
                out.f32(said.fast);
                out.f32(said.slow);
                out.u64(said.cause);
            }
        })
    }
}

// === impl Expected ===

impl Expected {
    /// Its record.
    pub fn record(&self) -> Vec<u8> {
        seal(|out| {
            out.u64(self.until_ms.unsigned_abs());
            let authority = self.scope.authority.map_or(3, authority_index);
            out.u8(u8::try_from(authority).unwrap_or(3));
            let Scope { agent_id, blueprint, signal, key, .. } = &self.scope;
            for text in [agent_id, blueprint, signal, key] {
                let text = text.as_deref().unwrap_or_default();
                // No text of a scope is empty or longer than that.
                let length = u16::try_from(text.len()).unwrap_or(0);
                out.u16(length);
                out.0.extend_from_slice(text.as_bytes().get(..usize::from(length)).unwrap_or(&[]));
            }
        })
    }
}

fn seal(content: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut out = Writer::default();
    out.u8(VERSION);
    content(&mut out);
    let sum = xxh3_64(&out.0);
    out.u64(sum);
    out.0
}

fn open(bytes: &[u8]) -> Result<Reader<'_>, StateError> {
    let (body, sum) = bytes.split_last_chunk::<8>().ok_or(StateError::Length)?;
    if xxh3_64(body) != u64::from_le_bytes(*sum) {
        return Err(StateError::Checksum);
    }
    let mut input = Reader(body);
    match input.u8()? {
        VERSION => Ok(input),
        other => Err(StateError::Version(other)),
    }
}

/// The evidence of a record.
pub fn evidence_of_bytes(bytes: &[u8]) -> Result<Vec<OutsideEvidence>, StateError> {
    let mut input = open(bytes)?;
    let mut all = Vec::new();
    while !input.0.is_empty() {
        if all.len() == EVIDENCE_MAX {
            return Err(StateError::Value);
        }
        all.push(OutsideEvidence {
            sequence: input.u24()?,
            authority: authority_of(input.u8()?)?,
            hour: input.u24()?,
            fast: input.f32()?,
            slow: input.f32()?,
            cause: input.u64()?,
        });
    }
    Ok(all)
}

fn expected_of_bytes(bytes: &[u8]) -> Result<Expected, StateError> {
    let mut input = open(bytes)?;
    let until_ms = i64::try_from(input.u64()?).map_err(|_| StateError::Value)?;
    let authority = match input.u8()? {
        3 => None,
        index => Some(authority_of(index)?),
    };
    let mut text = || {
        let length = usize::from(input.u16()?);
        let text = std::str::from_utf8(input.take(length)?).map_err(|_| StateError::Value)?;
        Ok((!text.is_empty()).then(|| text.to_owned()))
    };
    let (agent_id, blueprint, signal, key) = (text()?, text()?, text()?, text()?);
    if !input.0.is_empty() {
        return Err(StateError::Length);
    }
    let scope = Scope { agent_id, authority, blueprint, signal, key };
    Ok(Expected { scope, until_ms })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_read_back_and_damage_is_refused() {
        let evidence = [(1, -2.5, 0.0), (9, 0.0, 10.0)].map(|(sequence, fast, slow)| {
            let authority = Authority::Autonomous;
            OutsideEvidence { sequence, authority, hour: 498_741, fast, slow, cause: 7 }
        });
        let expected = Expected {
            scope: Scope { key: Some("paste.example".to_owned()), ..Scope::default() },
            until_ms: 1_795_467_091_000,
        };
        let records = [
            ("acme|~outside/a|b", OutsideEvidence::record(&evidence)),
            ("acme|~expected/fb-1", expected.record()),
        ];
        let mut outside = Outside::default();
        for (key, record) in &records {
            assert!(Outside::names(key));
            for at in 0..record.len() {
                let mut bad = record.clone();
                bad[at] ^= 1;
                assert!(outside.take_up(key, &bad).is_err(), "{key} {at}");
                assert!(outside.take_up(key, &record[..at.max(1)]).is_err(), "{key} {at}");
            }
            assert!(outside.is_empty());
        }
        records.iter().for_each(|(key, record)| outside.take_up(key, record).unwrap());
        assert_eq!(outside.evidence("acme|a|b"), evidence);
        assert_eq!(outside.expected("acme").collect::<Vec<_>>(), [&expected]);
        assert_eq!(outside.expected("acm").count() + outside.expected("acme2").count(), 0);
        assert_eq!(outside.other_than(&Outside::default()).collect::<Vec<_>>(), ["acme|a|b"]);
        assert_eq!(outside.other_than(&outside.clone()).count(), 0);
        records.iter().for_each(|(key, _)| outside.take_up(key, &[]).unwrap());
        assert!(outside.is_empty());
    }
}
