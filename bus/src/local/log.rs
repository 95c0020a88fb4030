//! One partition: entries by offset, the transactions open in it, and what each isolation sees. Control markers
//! occupy offsets; what was aborted, compacted or never journaled leaves gaps.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::record::{Header, Isolation, Record, TopicPartition};

/// The payload of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Body {
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: Option<Vec<u8>>,
    pub(crate) headers: Vec<Header>,
}

/// What became of the transaction that wrote an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Open,
    Committed,
    Aborted,
}

/// An entry of a partition.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) offset: u64,
    pub(crate) timestamp_ms: i64,
    /// Number of the writer.
    writer: u64,
    fate: Fate,
    /// `None` in a control marker.
    body: Option<Body>,
}

/// A partition.
#[derive(Debug, Default)]
pub(crate) struct PartitionLog {
    start: u64,
    next: u64,
    entries: VecDeque<Entry>,
    /// The first offset of each writer's open transaction.
    open: BTreeMap<u64, u64>,
}

// === impl Body ===

impl Body {
    /// Bytes that it takes, roughly.
    pub(crate) fn bytes(&self) -> usize {
        let headers = self.headers.iter().map(|(name, value)| name.len() + value.len());
        let parts = [&self.key, &self.value].map(|part| part.as_ref().map_or(0, Vec::len));
        headers.chain(parts).sum::<usize>() + 64
    }
}

// === impl Entry ===

impl Entry {
    /// An entry whose transaction was committed.
    pub(crate) fn committed(offset: u64, timestamp_ms: i64, body: Body) -> Self {
        Self { offset, timestamp_ms, writer: 0, fate: Fate::Committed, body: Some(body) }
    }

    /// The record at a place.
    pub(crate) fn record(&self, at: &TopicPartition, body: &Body) -> Record {
        let Body { key, value, headers } = body.clone();
        let (offset, timestamp_ms) = (self.offset, self.timestamp_ms);
        Record { at: at.clone(), offset, timestamp_ms, key, value, headers }
    }

    /// What a reader gets; `None` where it is hidden from everyone or from that isolation.
    fn visible(&self, isolation: Isolation) -> Option<&Body> {
        let hidden = isolation == Isolation::ReadCommitted && self.fate != Fate::Committed;
        self.body.as_ref().filter(|_| !hidden)
    }
}

// === impl PartitionLog ===

impl PartitionLog {
    /// The oldest offset.
    pub(crate) fn start(&self) -> u64 {
        self.start
    }

    /// The offset after the last one that an isolation may read.
    pub(crate) fn end(&self, isolation: Isolation) -> u64 {
        match isolation {
            Isolation::ReadUncommitted => self.next,
            Isolation::ReadCommitted => self.open.values().min().copied().unwrap_or(self.next),
        }
    }

    /// Appends a record of an open transaction.
    pub(crate) fn append(&mut self, writer: u64, timestamp_ms: i64, body: Body) {
        self.open.entry(writer).or_insert(self.next);
        self.push(writer, timestamp_ms, Fate::Open, Some(body));
    }

    /// Ends what the writer has open here, by a marker.
    pub(crate) fn finish(&mut self, writer: u64, timestamp_ms: i64, commits: bool) {
        let fate = if commits { Fate::Committed } else { Fate::Aborted };
        if let Some(first) = self.open.remove(&writer) {
            let from = self.index_of(first);
            for entry in self.entries.range_mut(from..) {
                if entry.writer == writer && entry.fate == Fate::Open {
                    entry.fate = fate;
                }
            }
        }
        self.push(writer, timestamp_ms, fate, None);
    }

    /// The entries that a writer has open here.
    pub(crate) fn open_of(&self, writer: u64) -> impl Iterator<Item = (&Entry, &Body)> {
        let from = self.open.get(&writer).map_or(self.entries.len(), |first| self.index_of(*first));
        let open = move |entry: &&Entry| entry.writer == writer && entry.fate == Fate::Open;
        self.entries
            .range(from..)
            .filter(open)
            .filter_map(|entry| entry.body.as_ref().map(|body| (entry, body)))
    }

    /// Everything committed, in order, also beyond an open transaction.
    pub(crate) fn committed(&self) -> impl Iterator<Item = (&Entry, &Body)> {
        let visible = |entry: &'_ Entry| entry.visible(Isolation::ReadCommitted).is_some();
        let kept = self.entries.iter().filter(move |entry| visible(entry));
        kept.filter_map(|entry| entry.body.as_ref().map(|body| (entry, body)))
    }

    /// The first entry from an offset on that an isolation sees.
    pub(crate) fn read(&self, from: u64, isolation: Isolation) -> Option<(&Entry, &Body)> {
        let end = self.end(isolation);
        self.entries
            .range(self.index_of(from)..)
            .take_while(|entry| entry.offset < end)
            .find_map(|entry| entry.visible(isolation).map(|body| (entry, body)))
    }

    /// The first offset whose entry is not older than a time.
    pub(crate) fn offset_at(&self, time_ms: i64) -> u64 {
        let found = self.entries.iter().find(|entry| entry.timestamp_ms >= time_ms);
        found.map_or(self.next, |entry| entry.offset)
    }

    /// The newest timestamp.
    pub(crate) fn newest_ms(&self) -> i64 {
        self.entries.back().map_or(i64::MIN, |entry| entry.timestamp_ms)
    }

    /// Drops what stands before an offset, at most up to the first open transaction.
    pub(crate) fn truncate(&mut self, before: u64) {
        let before = before.min(self.end(Isolation::ReadCommitted)).max(self.start);
        self.entries.drain(..self.index_of(before));
        self.start = before;
    }

    /// Drops entries older than a time.
    pub(crate) fn retain_since(&mut self, time_ms: i64) {
        self.truncate(self.offset_at(time_ms));
    }

    /// Keeps the newest committed record of each key, at its offset; tombstones stay.
    pub(crate) fn compact(&mut self) {
        let end = self.end(Isolation::ReadCommitted);
        let mut seen: BTreeSet<Vec<u8>> = BTreeSet::new();
        let mut kept = VecDeque::with_capacity(self.entries.len());
        while let Some(entry) = self.entries.pop_back() {
            let keep = match entry.visible(Isolation::ReadCommitted) {
                _ if entry.offset >= end => true,
                None => false,
                Some(Body { key: Some(key), .. }) => seen.insert(key.clone()),
                Some(Body { key: None, .. }) => true,
            };
            if keep {
                kept.push_front(entry);
            }
        }
        self.entries = kept;
    }

    /// Puts back a committed entry at its offset.
    pub(crate) fn restore(&mut self, entry: Entry) {
        let at = self.index_of(entry.offset);
        self.next = self.next.max(entry.offset + 1);
        self.entries.insert(at, entry);
    }

    /// Puts back the bounds.
    pub(crate) fn restore_bounds(&mut self, start: u64, next: u64) {
        self.next = self.next.max(next);
        self.truncate(start);
    }

    fn push(&mut self, writer: u64, timestamp_ms: i64, fate: Fate, body: Option<Body>) {
        let offset = self.next;
        self.next += 1;
        self.entries.push_back(Entry { offset, timestamp_ms, writer, fate, body });
    }

    fn index_of(&self, offset: u64) -> usize {
        self.entries.partition_point(|entry| entry.offset < offset)
    }
}
