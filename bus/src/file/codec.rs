//! The bytes of a journal's entries: a topic that was made, or a committed transaction. Little-endian; a length
//! stands before what varies, and absent is told from empty.

use std::borrow::Cow;
use std::sync::Arc;

use crate::local::{Batch, Body, Kept, Topic};
use crate::record::TopicPartition;
use crate::traits::Cleanup;

const TOPIC: u8 = 1;
const BATCH: u8 = 2;
const DELETE: u8 = 1;
const COMPACT: u8 = 2;

/// An entry as read.
pub(super) enum Entry {
    Topic(Topic),
    Batch(Batch<'static>),
}

/// The bytes of a topic.
pub(super) fn topic(topic: &Topic) -> Vec<u8> {
    let mut out = vec![TOPIC];
    bytes(&mut out, topic.name.as_bytes());
    out.extend(topic.made_ms.to_le_bytes());
    let (kind, ms) = match topic.cleanup {
        Cleanup::Delete(ms) => (DELETE, ms),
        Cleanup::Compact => (COMPACT, 0),
    };
    out.push(kind);
    out.extend(ms.to_le_bytes());
    out.push(u8::from(topic.log_append_time));
    out.extend(topic.n_partitions().to_le_bytes());
    out
}

/// The bytes of a transaction.
pub(super) fn batch(batch: &Batch<'_>) -> Vec<u8> {
    let mut out = vec![BATCH];
    length(&mut out, batch.places.len());
    for Kept { at, start, next, records } in &batch.places {
        place(&mut out, at);
        out.extend(start.to_le_bytes());
        out.extend(next.to_le_bytes());
        length(&mut out, records.len());
        for (offset, timestamp_ms, body) in records {
            out.extend(offset.to_le_bytes());
            out.extend(timestamp_ms.to_le_bytes());
            optional(&mut out, body.key.as_deref());
            optional(&mut out, body.value.as_deref());
            length(&mut out, body.headers.len());
            for (name, value) in &body.headers {
                bytes(&mut out, name.as_bytes());
                bytes(&mut out, value);
            }
        }
    }
    length(&mut out, batch.offsets.len());
    for (group, at, offset) in &batch.offsets {
        bytes(&mut out, group.as_bytes());
        place(&mut out, at);
        out.extend(offset.to_le_bytes());
    }
    out
}

/// Reads an entry; `None` where the bytes are not one.
pub(super) fn entry(bytes: &[u8]) -> Option<Entry> {
    let mut from = Cursor(bytes);
    let entry = match from.byte()? {
        TOPIC => Entry::Topic(from.topic()?),
        BATCH => Entry::Batch(from.batch()?),
        _ => return None,
    };
    from.0.is_empty().then_some(entry)
}

// === writing ===

/// A length; nothing here comes near its limit, for an entry is smaller.
fn length(out: &mut Vec<u8>, length: usize) {
    out.extend(u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
}

fn bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    length(out, bytes.len());
    out.extend(bytes);
}

fn optional(out: &mut Vec<u8>, part: Option<&[u8]>) {
    out.push(u8::from(part.is_some()));
    if let Some(part) = part {
        bytes(out, part);
    }
}

fn place(out: &mut Vec<u8>, at: &TopicPartition) {
    bytes(out, at.topic.as_bytes());
    out.extend(at.partition.to_le_bytes());
}

// === reading ===

struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    fn take(&mut self, n: usize) -> Option<&[u8]> {
        let (taken, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }

    fn bytes(&mut self) -> Option<Vec<u8>> {
        let length = usize::try_from(self.u32()?).ok()?;
        self.take(length).map(<[u8]>::to_vec)
    }

    fn text(&mut self) -> Option<String> {
        String::from_utf8(self.bytes()?).ok()
    }

    fn optional(&mut self) -> Option<Option<Vec<u8>>> {
        match self.byte()? {
            0 => Some(None),
            1 => self.bytes().map(Some),
            _ => None,
        }
    }

    /// As many things as a length says.
    fn list<T>(&mut self, mut one: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        (0..self.u32()?).map(|_| one(self)).collect()
    }

    fn place(&mut self) -> Option<TopicPartition> {
        Some(TopicPartition::new(self.text()?, self.u32()?))
    }

    fn topic(&mut self) -> Option<Topic> {
        let name: Arc<str> = self.text()?.into();
        let made_ms = self.u64()?.cast_signed();
        let cleanup = match (self.byte()?, self.u64()?) {
            (DELETE, ms) => Cleanup::Delete(ms),
            (COMPACT, _) => Cleanup::Compact,
            _ => return None,
        };
        let log_append_time = self.byte()? == 1;
        let partitions = (0..self.u32()?).map(|_| Default::default()).collect();
        Some(Topic { name, made_ms, cleanup, log_append_time, partitions })
    }

    fn batch(&mut self) -> Option<Batch<'static>> {
        let places = self.list(|from| {
            Some(Kept {
                at: from.place()?,
                start: from.u64()?,
                next: from.u64()?,
                records: from.list(Self::record)?,
            })
        })?;
        let offsets = self.list(|from| Some((from.text()?.into(), from.place()?, from.u64()?)))?;
        Some(Batch { places, offsets })
    }

    fn record(&mut self) -> Option<(u64, i64, Cow<'static, Body>)> {
        let (offset, timestamp_ms) = (self.u64()?, self.u64()?.cast_signed());
        let (key, value) = (self.optional()?, self.optional()?);
        let headers = self.list(|from| Some((from.text()?, from.bytes()?)))?;
        Some((offset, timestamp_ms, Cow::Owned(Body { key, value, headers })))
    }
}
