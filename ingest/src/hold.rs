//! What waits for the span that names its agent. Tool calls end, and are sent, before the run that they are part of:
//! what lacks only its agent is held until a span above it names one, for a bounded time on the clock of the spans
//! themselves and within a bounded memory. It knows no other clock and gives the same answers for the same calls; it is
//! saved record by record, so that it goes on where it was (`saved.rs`).

mod saved;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use record::limits::Limits;
use record::native;
use record::notes::Notes;
use record::outcome::{Decoded, Skip};

use crate::ancestors::{Ancestors, Orphan, Seen, Traced};
use crate::format::otlp::{Climb, Naming, SPAN_NOT_AN_ACTIVITY, give_agent, nobody};

use self::saved::Key;
pub use self::saved::{HoldError, SavedHold};

/// Bytes of a held record, or of its spans, above which it is not held: it must fit into a record of saved state.
pub const HELD_BYTES_MAX: usize = 3 << 19;
/// Bytes of what is forgotten with one arrival, each record counted once for each outcome that waits of it: as often as it
/// may be copied. Beyond it the rest goes with later arrivals, as long as what is held does not grow.
const FORGOTTEN_BYTES: usize = 8 << 20;
/// What an entry of a map costs beside its content.
const ENTRY_BYTES: usize = 192;

/// How long and how much is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HoldLimits {
    /// How long an outcome waits for its agent, and a span is remembered, in milliseconds on the clock of the spans: the
    /// newest end of any of them. 0 holds nothing, and lets go what was loaded.
    pub hold_ms: i64,
    /// Most bytes of held records and remembered spans; the oldest records go first.
    pub bytes_max: usize,
}

/// How an outcome's waiting ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// A span above it names the agent.
    Named,
    /// It is no activity, in a trace of an agent.
    Skipped,
    /// No span above it names one.
    Nobody,
    /// Its time is over.
    Late,
    /// There was no room.
    Memory,
}

/// An outcome that no longer waits.
#[derive(Clone, Debug, PartialEq)]
pub struct Released {
    /// Its record.
    pub ticket: u64,
    /// Its ordinal there.
    pub ordinal: u32,
    /// What the caller keeps of the record.
    pub original: Arc<[u8]>,
    /// What it came to.
    pub decoded: Decoded<'static>,
    /// Why.
    pub end: End,
}

/// A record that arrives.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    /// Its number: higher than that of any record before.
    pub ticket: u64,
    /// The time beyond which no span moves the clock, in milliseconds.
    pub until_ms: i64,
    /// What holding it takes, beside what is kept of it.
    pub bytes: usize,
}

/// What is held.
#[derive(Clone, Debug)]
pub struct Hold {
    limits: HoldLimits,
    clock_ms: i64,
    ancestors: Ancestors,
    records: BTreeMap<u64, Held>,
    waiting: BTreeMap<(u64, u32), Waiting>,
    /// What waits for a span, or with a span of 0 for any name in the trace.
    awaited: BTreeMap<(u128, u64), BTreeSet<(u64, u32)>>,
    bytes: usize,
    saved: SavedKeys,
}

/// A record whose spans are remembered.
#[derive(Clone, Debug, Default)]
struct Held {
    since_ms: i64,
    /// What the caller keeps of it, while something of it waits.
    original: Option<Arc<[u8]>>,
    n_waiting: usize,
    /// Bytes of its spans.
    spans_bytes: usize,
    /// Bytes that count as long as the original is kept.
    kept_bytes: usize,
}

/// An outcome that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Waiting {
    trace: u128,
    missing: (u64, usize),
    path: String,
    /// The activity as a native record; empty where it is none.
    draft: Vec<u8>,
}

/// Keys of saved records: those that changed since they were saved, and those that stand in the log.
#[derive(Clone, Debug, Default)]
struct SavedKeys {
    changed: BTreeSet<Key>,
    standing: BTreeSet<Key>,
}

// === impl HoldLimits ===

impl Default for HoldLimits {
    fn default() -> Self {
        Self { hold_ms: 300_000, bytes_max: 64 << 20 }
    }
}

// === impl End ===

impl End {
    /// Every end.
    pub const ALL: [Self; 5] = [Self::Named, Self::Skipped, Self::Nobody, Self::Late, Self::Memory];

    /// Its word in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Named => "named",
            Self::Skipped => "skipped",
            Self::Nobody => "nobody",
            Self::Late => "late",
            Self::Memory => "memory",
        }
    }
}

// === impl Waiting ===

impl Waiting {
    fn bytes(&self) -> usize {
        ENTRY_BYTES + self.path.len() + self.draft.len()
    }

    /// What it waits for.
    fn awaits(&self) -> (u128, u64) {
        (self.trace, self.missing.0)
    }
}

// === impl Hold ===

impl Hold {
    /// Holds nothing yet.
    pub fn new(limits: HoldLimits) -> Self {
        Self {
            limits,
            clock_ms: 0,
            ancestors: Ancestors::default(),
            records: BTreeMap::new(),
            waiting: BTreeMap::new(),
            awaited: BTreeMap::new(),
            bytes: 0,
            saved: SavedKeys::default(),
        }
    }

    /// Whether anything is ever held.
    pub fn holds(&self) -> bool {
        self.limits.hold_ms > 0
    }

    /// The spans that are remembered, to decode the next record among.
    pub fn ancestors(&self) -> &Ancestors {
        &self.ancestors
    }

    /// How many wait.
    pub fn n_waiting(&self) -> usize {
        self.waiting.len()
    }

    /// The clock: the newest end of a span so far, in milliseconds.
    pub fn clock_ms(&self) -> i64 {
        self.clock_ms
    }

    /// Takes in what a record tells of its spans, and lets its orphans wait; gives what waits no longer, in the order of
    /// records and ordinals. `original` is what the caller wants back with each of them.
    pub fn take(
        &mut self,
        arrival: Arrival,
        traced: Traced,
        original: impl FnOnce() -> Vec<u8>,
    ) -> Vec<Released> {
        let (mut released, bytes) = (Vec::new(), self.bytes);
        if !traced.is_empty() {
            self.learn(arrival, traced, original, &mut released);
        }
        self.expire(bytes, &mut released);
        released.sort_by_key(|one| (one.ticket, one.ordinal));
        released
    }

    /// Takes in the spans of a record; lets its orphans wait, and looks after what waited for its spans.
    fn learn(
        &mut self,
        arrival: Arrival,
        Traced { seen, newest_ms, orphans }: Traced,
        original: impl FnOnce() -> Vec<u8>,
        released: &mut Vec<Released>,
    ) {
        let newest_ms = newest_ms.min(arrival.until_ms);
        if self.clock_ms < newest_ms {
            self.clock_ms = newest_ms;
            self.saved.changed.insert(Key::Clock);
        }
        let mut told: BTreeSet<(u128, u64)> = BTreeSet::new();
        for span in &seen.spans {
            told.insert((span.trace, span.span));
            told.extend(span.naming.map(|_| (span.trace, 0)));
        }
        self.keep(arrival, seen, (orphans.len(), (!orphans.is_empty()).then(original)));
        for orphan in orphans {
            self.wait(arrival.ticket, orphan, released);
        }
        let woken = told.iter().filter_map(|key| self.awaited.remove(key));
        for place in woken.flatten().collect::<BTreeSet<_>>() {
            self.look(place, released);
        }
    }

    /// There is no room for what waits of a record: it goes as it is.
    pub fn give_up(&mut self, ticket: u64) -> Vec<Released> {
        let mut released = Vec::new();
        self.drop_waiting(ticket, End::Memory, &mut released);
        released
    }

    /// Nothing more comes: what waits goes as it is.
    pub fn end(&mut self) -> Vec<Released> {
        let places: Vec<(u64, u32)> = self.waiting.keys().copied().collect();
        let mut released = Vec::new();
        for place in places {
            self.without(place, End::Late, &mut released);
        }
        released
    }

    /// Remembers a record, and itself as long as so many of its outcomes wait: also while the first of them are let go.
    fn keep(
        &mut self,
        arrival: Arrival,
        seen: Seen,
        (n_waiting, original): (usize, Option<Vec<u8>>),
    ) {
        let ticket = arrival.ticket;
        let fits = seen.bytes() <= HELD_BYTES_MAX;
        let seen = if fits { seen } else { Seen::default() };
        let original = original.map(Arc::<[u8]>::from);
        let kept_bytes = original.as_ref().map_or(0, |kept| kept.len() + arrival.bytes);
        let spans_bytes = ENTRY_BYTES + seen.bytes();
        self.bytes += kept_bytes + spans_bytes;
        let changed = &mut self.saved.changed;
        changed.insert(Key::Spans(ticket));
        changed.extend(original.as_ref().map(|_| Key::Original(ticket)));
        self.ancestors.learn(ticket, seen);
        let held = Held { since_ms: self.clock_ms, original, n_waiting, spans_bytes, kept_bytes };
        self.records.insert(ticket, held);
    }

    /// Lets an outcome wait, where its record can be held.
    fn wait(&mut self, ticket: u64, orphan: Orphan, released: &mut Vec<Released>) {
        let Orphan { ordinal, activity, trace, missing, path } = orphan;
        let draft = activity.and_then(|activity| serde_json::to_vec(&activity).ok());
        let waiting = Waiting { trace, missing, path, draft: draft.unwrap_or_default() };
        let Some(held) = self.records.get(&ticket) else { return };
        let original_bytes = held.original.as_ref().map_or(0, |kept| kept.len());
        let is_long = HELD_BYTES_MAX < original_bytes.max(waiting.bytes());
        let place = (ticket, ordinal);
        self.bytes += waiting.bytes();
        self.saved.changed.insert(Key::Waiting(ticket, ordinal));
        self.waiting.insert(place, waiting);
        match is_long {
            true => self.without(place, End::Memory, released),
            false => self.look(place, released),
        }
    }

    /// Looks once more who is above an outcome that waits.
    fn look(&mut self, place: (u64, u32), released: &mut Vec<Released>) {
        let Some(waiting) = self.waiting.get_mut(&place) else { return };
        if waiting.draft.is_empty() {
            if self.ancestors.names(waiting.trace) {
                let decoded = Decoded::Skipped(Skip { rule: SPAN_NOT_AN_ACTIVITY });
                return self.release(place, (decoded, End::Skipped), released);
            }
        } else {
            let (from, left) = waiting.missing;
            match self.ancestors.climb(waiting.trace, from, left) {
                Climb::Named(naming) => {
                    let decoded = named(&waiting.draft, naming);
                    return self.release(place, (decoded, End::Named), released);
                }
                Climb::Nobody => return self.without(place, End::Nobody, released),
                Climb::Missing(span, left) if (span, left) != waiting.missing => {
                    waiting.missing = (span, left);
                    self.saved.changed.insert(Key::Waiting(place.0, place.1));
                }
                Climb::Missing(..) => {}
            }
        }
        self.awaited.entry(waiting.awaits()).or_default().insert(place);
    }

    /// Forgets records whose time is over, and the oldest ones while there are too many. It stops early, after at least one
    /// record and with no more held than there was.
    fn expire(&mut self, bytes_before: usize, released: &mut Vec<Released>) {
        let bytes_max = self.limits.bytes_max.max(bytes_before);
        let mut forgotten_bytes = 0_usize;
        let oldest_ms = self.clock_ms.saturating_sub(self.limits.hold_ms);
        while let Some((ticket, held)) = self.records.first_key_value() {
            let end = match (held.since_ms <= oldest_ms, self.limits.bytes_max < self.bytes) {
                (true, _) => End::Late,
                (false, true) => End::Memory,
                (false, false) => return,
            };
            if FORGOTTEN_BYTES <= forgotten_bytes && self.bytes <= bytes_max {
                return;
            }
            let ticket = *ticket;
            let copied_bytes = held.kept_bytes.saturating_mul(held.n_waiting);
            forgotten_bytes = forgotten_bytes.saturating_add(copied_bytes);
            self.drop_waiting(ticket, end, released);
            self.ancestors.forget(ticket);
            self.saved.changed.insert(Key::Spans(ticket));
            if let Some(held) = self.records.remove(&ticket) {
                self.bytes = self.bytes.saturating_sub(held.spans_bytes);
            }
        }
    }

    /// Lets go what waits of a record.
    fn drop_waiting(&mut self, ticket: u64, end: End, released: &mut Vec<Released>) {
        let places = self.waiting.range((ticket, 0)..=(ticket, u32::MAX));
        for place in places.map(|(place, _)| *place).collect::<Vec<_>>() {
            self.without(place, end, released);
        }
    }

    fn without(&mut self, place: (u64, u32), end: End, released: &mut Vec<Released>) {
        let path = self.waiting.get(&place).map(|waiting| waiting.path.clone());
        let decoded = Decoded::Rejected(nobody(path.unwrap_or_default()));
        self.release(place, (decoded, end), released);
    }

    fn release(
        &mut self,
        place: (u64, u32),
        (decoded, end): (Decoded<'static>, End),
        released: &mut Vec<Released>,
    ) {
        let Some(waiting) = self.waiting.remove(&place) else { return };
        self.bytes = self.bytes.saturating_sub(waiting.bytes());
        self.saved.changed.insert(Key::Waiting(place.0, place.1));
        if let Some(others) = self.awaited.get_mut(&waiting.awaits()) {
            others.remove(&place);
            if others.is_empty() {
                self.awaited.remove(&waiting.awaits());
            }
        }
        let Some(held) = self.records.get_mut(&place.0) else { return };
        let original = held.original.clone().unwrap_or_default();
        held.n_waiting = held.n_waiting.saturating_sub(1);
        if held.n_waiting == 0 {
            held.original = None;
            self.bytes = self.bytes.saturating_sub(held.kept_bytes);
            self.saved.changed.insert(Key::Original(place.0));
        }
        released.push(Released { ticket: place.0, ordinal: place.1, original, decoded, end });
    }
}

/// The activity of a draft, now that its agent is known.
fn named(draft: &[u8], naming: &Naming<'static>) -> Decoded<'static> {
    let text = std::str::from_utf8(draft).unwrap_or_default();
    let mut decoded = native::decode(text, &Limits::default(), &mut Notes::default());
    if let Decoded::Activity(activity) = &mut decoded {
        give_agent(activity, naming);
    }
    decoded.into_owned()
}

#[cfg(test)]
mod tests;
