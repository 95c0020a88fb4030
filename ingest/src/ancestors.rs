//! Spans across records. Children arrive before the span that names their agent, in other records: this remembers
//! who was seen above whom, and which activities wait for a name and since when. It is bounded, knows no clock
//! (now is an argument) and gives the same answers for the same calls. The caller keeps the waiting records.

use std::collections::{BTreeMap, BTreeSet};

use record::limits::Limits;
use record::notes::Notes;
use record::outcome::Decoded;
use schemas::time::EventTime;

use crate::format::otlp::{self, Naming, Sink};

/// How long and how much is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HoldLimits {
    /// How long an activity waits for its agent, and a span is remembered, in milliseconds; 30 s, thrice what
    /// batching exporters delay. Raise it for agents whose runs end much later than their calls.
    pub hold_ms: i64,
    /// Most spans remembered; 65,536. The oldest go first.
    pub spans_max: usize,
    /// Most activities that wait; 16,384. The oldest go first, without an agent.
    pub held_max: usize,
}

/// An outcome that lacks only its agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Orphan {
    /// Its ordinal among the outcomes of its record.
    pub ordinal: usize,
    /// Its trace.
    pub trace: u128,
    /// The span above it.
    pub parent: u64,
    /// When the agent acted.
    pub time: EventTime,
}

/// An activity that no longer waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Released {
    /// Its record, as the caller numbers them.
    pub ticket: u64,
    /// Its ordinal there.
    pub ordinal: usize,
    /// Whether decoding the record again names its agent.
    pub named: bool,
}

/// A span that was read.
pub(crate) struct Seen {
    pub(crate) trace: u128,
    pub(crate) span: u64,
    pub(crate) parent: Option<u64>,
    pub(crate) naming: Option<Naming<'static>>,
}

/// What is remembered.
#[derive(Clone, Debug)]
pub struct Ancestors {
    limits: HoldLimits,
    spans: BTreeMap<(u128, u64), Above>,
    /// Spans by when they came.
    ages: BTreeSet<(i64, u128, u64)>,
    /// What waits, by since when, record and ordinal.
    held: BTreeMap<(i64, u64, usize), (u128, u64)>,
    /// Traces that a span was added to since the last release.
    touched: BTreeSet<u128>,
    n_without: u64,
}

#[derive(Clone, Debug)]
struct Above {
    since_ms: i64,
    parent: Option<u64>,
    naming: Option<Naming<'static>>,
}

/// Decodes a record of spans as [`crate::decode_as`] does, with those above it from earlier records; lists the
/// outcomes that lack only their agent.
pub fn decode_among<'a>(
    bytes: &'a [u8],
    limits: &Limits,
    ancestors: &Ancestors,
    (notes, out): (&mut Notes, &mut Vec<Decoded<'a>>),
) -> Vec<Orphan> {
    let mut orphans = Vec::new();
    let mut sink = Sink { notes, out, orphans: &mut orphans, partials: None };
    otlp::decode(bytes, limits, Some(ancestors), &mut sink);
    orphans
}

// === impl HoldLimits ===

impl Default for HoldLimits {
    fn default() -> Self {
        Self { hold_ms: 30_000, spans_max: 1 << 16, held_max: 1 << 14 }
    }
}

// === impl Ancestors ===

impl Ancestors {
    /// Nothing remembered.
    pub fn new(limits: HoldLimits) -> Self {
        Self {
            limits,
            spans: BTreeMap::new(),
            ages: BTreeSet::new(),
            held: BTreeMap::new(),
            touched: BTreeSet::new(),
            n_without: 0,
        }
    }

    /// Remembers the spans of a record; call it before decoding the record.
    pub fn learn(&mut self, bytes: &[u8], limits: &Limits, now: EventTime) {
        for seen in otlp::spans(bytes, limits) {
            let key = (seen.trace, seen.span);
            let above = Above { since_ms: now.millis(), parent: seen.parent, naming: seen.naming };
            if let Some(old) = self.spans.insert(key, above) {
                self.ages.remove(&(old.since_ms, key.0, key.1));
            }
            self.ages.insert((now.millis(), key.0, key.1));
            self.touched.insert(seen.trace);
        }
        while self.limits.spans_max < self.spans.len() {
            self.forget_oldest();
        }
    }

    /// Lets an outcome of a record wait.
    pub fn hold(&mut self, ticket: u64, orphan: &Orphan, now: EventTime) {
        let key = (now.millis(), ticket, orphan.ordinal);
        self.held.insert(key, (orphan.trace, orphan.parent));
    }

    /// What no longer waits, those that waited longest first: named by a span that came since, or without an
    /// agent, because its time is over or too many wait.
    pub fn release(&mut self, now: EventTime) -> Vec<Released> {
        let oldest_ms = now.millis().saturating_sub(self.limits.hold_ms);
        let n_over = self.held.len().saturating_sub(self.limits.held_max);
        let touched = std::mem::take(&mut self.touched);
        let mut released = Vec::new();
        for (n, (key, (trace, parent))) in self.held.iter().enumerate() {
            // An orphan has looked as far up as any of its record may.
            let named = touched.contains(trace)
                && self.naming(*trace, *parent, Limits::default().ancestors_max).is_some();
            if named || key.0 <= oldest_ms || n < n_over {
                released.push((*key, named));
            }
        }
        for (key, named) in &released {
            self.held.remove(key);
            self.n_without += u64::from(!named);
        }
        while self.ages.first().is_some_and(|(since_ms, ..)| *since_ms <= oldest_ms) {
            self.forget_oldest();
        }
        let flat = |((_, ticket, ordinal), named)| Released { ticket, ordinal, named };
        released.into_iter().map(flat).collect()
    }

    /// How many wait.
    pub fn n_held(&self) -> usize {
        self.held.len()
    }

    /// How many went without an agent so far.
    pub fn n_without(&self) -> u64 {
        self.n_without
    }

    /// What the nearest span that names an agent says, from this one up.
    pub(crate) fn naming(
        &self,
        trace: u128,
        span: u64,
        steps_max: usize,
    ) -> Option<&Naming<'static>> {
        let mut next = Some(span);
        for _ in 0..steps_max {
            let above = self.spans.get(&(trace, next?))?;
            if above.naming.is_some() {
                return above.naming.as_ref();
            }
            next = above.parent;
        }
        None
    }

    fn forget_oldest(&mut self) {
        if let Some((_, trace, span)) = self.ages.pop_first() {
            self.spans.remove(&(trace, span));
        }
    }
}

#[cfg(test)]
mod tests;
