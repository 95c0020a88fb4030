//! What is held, as records of saved state: the clock, the spans of each record, the record itself while something of it
//! waits, and each outcome that waits. A record is written when it changes and removed when it is over; saving and
//! loading at any point changes nothing of what follows.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{ENTRY_BYTES, Held, Hold, Waiting};
use crate::ancestors::{Seen, SpanSeen};
use crate::format::otlp::Naming;

/// A saved record of a hold: its key, and its bytes; empty ones say that it is gone.
pub type SavedHold = (String, Vec<u8>);

/// Why a saved record of a hold cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum HoldError {
    /// Its key is none of ours.
    #[error("tell what the key {0} is of")]
    Key(String),
    /// Its content does not decode.
    #[error("decode what is held")]
    Content(#[from] serde_json::Error),
}

/// What a saved record is of; keys sort as they must be loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    Clock,
    Original(u64),
    Spans(u64),
    Waiting(u64, u32),
}

/// The spans of a record, saved: since when, namings, and of each span trace, own id, parent and the place of its naming
/// counted from 1; 0 is none.
#[derive(Serialize, Deserialize)]
struct SavedSpans {
    since: i64,
    namings: Vec<Naming<'static>>,
    spans: Vec<(u128, u64, u64, usize)>,
    /// What holding the record takes.
    kept: usize,
}

/// What waits, saved, before the bytes of its draft.
#[derive(Serialize, Deserialize)]
struct SavedWaiting {
    trace: u128,
    missing: (u64, usize),
    path: String,
}

// === impl Key ===

impl Key {
    fn text(self) -> String {
        match self {
            Self::Clock => "clock".to_owned(),
            Self::Original(ticket) => format!("original/{ticket:020}"),
            Self::Spans(ticket) => format!("spans/{ticket:020}"),
            Self::Waiting(ticket, ordinal) => format!("waiting/{ticket:020}/{ordinal:010}"),
        }
    }

    fn of(text: &str) -> Option<Self> {
        let mut parts = text.split('/');
        let (kind, first, second) = (parts.next()?, parts.next(), parts.next());
        match kind {
            "clock" => Some(Self::Clock),
            "original" => Some(Self::Original(first?.parse().ok()?)),
            "spans" => Some(Self::Spans(first?.parse().ok()?)),
            "waiting" => Some(Self::Waiting(first?.parse().ok()?, second?.parse().ok()?)),
            _ => None,
        }
    }
}

// === impl Hold: saved ===

impl Hold {
    /// What changed since it was asked last, in the order of the keys.
    pub fn touched(&mut self) -> Vec<SavedHold> {
        let changed = std::mem::take(&mut self.saved.changed);
        let mut touched = Vec::new();
        for key in changed {
            match self.value(key) {
                Some(value) => {
                    self.saved.standing.insert(key);
                    touched.push((key.text(), value));
                }
                // What came and went in one batch was never written.
                None if self.saved.standing.remove(&key) => touched.push((key.text(), Vec::new())),
                None => {}
            }
        }
        touched
    }

    /// Restores one record: the newest of its key, in the order of the keys.
    pub fn load(&mut self, key: &str, value: &[u8]) -> Result<(), HoldError> {
        let known = Key::of(key).ok_or_else(|| HoldError::Key(key.to_owned()))?;
        self.saved.standing.insert(known);
        match known {
            Key::Clock => self.clock_ms = serde_json::from_slice(value)?,
            Key::Original(ticket) => {
                self.records.entry(ticket).or_default().original = Some(Arc::from(value));
            }
            Key::Spans(ticket) => self.load_spans(ticket, serde_json::from_slice(value)?),
            Key::Waiting(ticket, ordinal) => {
                let end = value.iter().position(|byte| *byte == b'\n').unwrap_or(value.len());
                let (head, draft) = value.split_at(end);
                let SavedWaiting { trace, missing, path } = serde_json::from_slice(head)?;
                let draft = draft.get(1..).unwrap_or_default().to_vec();
                let (place, waiting) = ((ticket, ordinal), Waiting { trace, missing, path, draft });
                self.bytes += waiting.bytes();
                self.awaited.entry(waiting.awaits()).or_default().insert(place);
                self.waiting.insert(place, waiting);
                self.records.entry(ticket).or_default().n_waiting += 1;
            }
        }
        Ok(())
    }

    fn load_spans(&mut self, ticket: u64, saved: SavedSpans) {
        let SavedSpans { since, namings, spans, kept } = saved;
        let span = |(trace, span, parent, naming): (u128, u64, u64, usize)| SpanSeen {
            trace,
            span,
            parent: Some(parent).filter(|parent| *parent != 0),
            naming: naming.checked_sub(1),
        };
        let seen = Seen { namings, spans: spans.into_iter().map(span).collect() };
        let held = self.records.entry(ticket).or_default();
        held.since_ms = since;
        held.spans_bytes = ENTRY_BYTES + seen.bytes();
        held.kept_bytes = kept;
        self.bytes += held.spans_bytes + held.original.as_ref().map_or(0, |_| kept);
        self.ancestors.learn(ticket, seen);
    }

    fn value(&self, key: Key) -> Option<Vec<u8>> {
        match key {
            Key::Clock => serde_json::to_vec(&self.clock_ms).ok(),
            Key::Original(ticket) => Some(self.records.get(&ticket)?.original.as_ref()?.to_vec()),
            Key::Spans(ticket) => {
                let Held { since_ms, kept_bytes, .. } = self.records.get(&ticket)?;
                let seen = self.ancestors.of(ticket)?;
                let span = |span: &SpanSeen| {
                    let naming = span.naming.map_or(0, |naming| naming + 1);
                    (span.trace, span.span, span.parent.unwrap_or(0), naming)
                };
                let saved = SavedSpans {
                    since: *since_ms,
                    namings: seen.namings.clone(),
                    spans: seen.spans.iter().map(span).collect(),
                    kept: *kept_bytes,
                };
                serde_json::to_vec(&saved).ok()
            }
            Key::Waiting(ticket, ordinal) => {
                let Waiting { trace, missing, path, draft } =
                    self.waiting.get(&(ticket, ordinal))?;
                let (trace, missing, path) = (*trace, *missing, path.clone());
                let mut bytes = serde_json::to_vec(&SavedWaiting { trace, missing, path }).ok()?;
                bytes.push(b'\n');
                bytes.extend_from_slice(draft);
                Some(bytes)
            }
        }
    }
}
