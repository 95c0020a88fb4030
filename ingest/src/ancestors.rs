//! Spans across records: who was seen above whom. Children arrive before the span that names their agent, in other
//! records; what is told of a record's spans is remembered here until its time is over. Bounded by whoever keeps it.

use std::collections::BTreeMap;

use record::limits::Limits;
use record::notes::Notes;
use record::outcome::Decoded;
use schemas::activity::Activity;
use schemas::reject::ErrorCode;

use crate::carrier::Carrier;
use crate::format::otlp::{Batch, Climb, NS_PER_MS, Naming, Place, Signal, naming_of};
use crate::pass::Pass;
use crate::way::Way;

/// What a record tells of its spans, and which of its outcomes lack only their agent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Traced {
    pub(crate) seen: Seen,
    /// The newest end of a span in milliseconds; 0 where there is none.
    pub(crate) newest_ms: i64,
    /// The outcomes that lack only their agent: each stands as refused where it is.
    pub orphans: Vec<Orphan>,
}

/// The spans of a record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// What some of them say of their agents.
    pub(crate) namings: Vec<Naming<'static>>,
    pub(crate) spans: Vec<SpanSeen>,
}

/// One span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SpanSeen {
    pub(crate) trace: u128,
    pub(crate) span: u64,
    pub(crate) parent: Option<u64>,
    /// Its place among the namings.
    pub(crate) naming: Option<usize>,
}

/// An outcome that lacks only its agent.
#[derive(Clone, Debug, PartialEq)]
pub struct Orphan {
    /// Its ordinal among the outcomes of its record.
    pub ordinal: u32,
    /// The activity, with something that stands in for its agent; `None` is a span that is no activity, and skipped as
    /// soon as its trace is that of an agent.
    pub activity: Option<Box<Activity<'static>>>,
    pub(crate) trace: u128,
    /// The span above it that was not seen, and how many steps are left from there.
    pub(crate) missing: (u64, usize),
    /// Its place in the record.
    pub(crate) path: String,
}

/// The spans that are remembered.
#[derive(Clone, Debug, Default)]
pub struct Ancestors {
    records: BTreeMap<u64, Seen>,
    /// The record that told last of a span, and the span's place in it.
    spans: BTreeMap<(u128, u64), (u64, usize)>,
    /// How many spans of a trace name an agent.
    named: BTreeMap<u128, usize>,
}

/// Decodes a record as [`crate::decode_with`] does, with the spans of earlier records above its own; says what it tells
/// of its spans.
pub fn decode_among<'a>(
    way: &Way<'_>,
    bytes: &'a [u8],
    (limits, carrier): (&Limits, &Carrier<'_>),
    ancestors: &Ancestors,
    (notes, out): (&mut Notes, &mut Vec<Decoded<'a>>),
) -> Traced {
    let start = out.len();
    let mut pass = Pass::new(*way, carrier, limits, notes);
    pass.among = Some((ancestors, Traced::default()));
    pass.record(bytes, out);
    let mut traced = pass.among.map(|(_, traced)| traced).unwrap_or_default();
    traced.orphans.retain_mut(|orphan| {
        let place = orphan.ordinal as usize;
        let Some(Decoded::Rejected(found)) = out.get(place) else { return false };
        orphan.ordinal = u32::try_from(place - start).unwrap_or(u32::MAX);
        orphan.path.clone_from(&found.path);
        // Of too many activities, another refusal stands there.
        found.code == ErrorCode::MissingAgentId
    });
    traced
}

// === impl Orphan ===

impl Orphan {
    /// An activity below a span that was not seen, from where so many steps are left.
    pub(crate) fn new(
        ordinal: usize,
        (trace, missing): (u128, (u64, usize)),
        activity: Box<Activity<'_>>,
    ) -> Self {
        let owned = match Decoded::Activity(activity).into_owned() {
            Decoded::Activity(owned) => Some(owned),
            Decoded::Skipped(_) | Decoded::Rejected(_) => None,
        };
        Self { activity: owned, missing, ..Self::of_structure(ordinal, trace) }
    }

    /// A span that is no activity.
    pub(crate) fn of_structure(ordinal: usize, trace: u128) -> Self {
        let ordinal = u32::try_from(ordinal).unwrap_or(u32::MAX);
        Self { ordinal, activity: None, trace, missing: (0, 0), path: String::new() }
    }
}

// === impl Traced ===

impl Traced {
    /// Whether the record has no span.
    pub fn is_empty(&self) -> bool {
        self.seen.spans.is_empty() && self.orphans.is_empty()
    }

    /// Notes the spans of a batch. Log records are below the span that they name, never above one.
    pub(crate) fn note(&mut self, batch: &Batch<'_>) {
        for span in batch.spans() {
            let ended_ms = span.end_ns.good().map_or(0, |ns| ns / NS_PER_MS);
            self.newest_ms = self.newest_ms.max(i64::try_from(ended_ms).unwrap_or(0));
            let (Some(trace), Some(own)) = (span.trace.good(), span.span.good()) else { continue };
            if matches!(span.place, Place::Item(Signal::Logs, ..)) {
                continue;
            }
            let naming = naming_of(batch, span).ok().flatten().map(Naming::into_owned);
            let naming = naming.map(|naming| {
                // Neighbours often say the same: by their resource.
                if self.seen.namings.last() != Some(&naming) {
                    self.seen.namings.push(naming);
                }
                self.seen.namings.len() - 1
            });
            let parent = span.parent.good();
            self.seen.spans.push(SpanSeen { trace, span: own, parent, naming });
        }
    }

    /// Counts the ordinals of what was added since there were so many from those outcomes that stand before.
    pub(crate) fn place(&mut self, n_orphans: usize, n_before: usize) {
        let n_before = u32::try_from(n_before).unwrap_or(u32::MAX);
        for orphan in self.orphans.iter_mut().skip(n_orphans) {
            orphan.ordinal = orphan.ordinal.saturating_add(n_before);
        }
    }
}

// === impl Seen ===

impl Seen {
    /// What it takes in memory and, about, as saved.
    pub(crate) fn bytes(&self) -> usize {
        let text =
            |text: &Option<schemas::activity::Text<'_>>| text.as_ref().map_or(0, |t| t.len());
        let naming = |naming: &Naming<'_>| {
            96 + naming.id.len()
                + text(&naming.name)
                + text(&naming.version)
                + text(&naming.conversation_id)
        };
        self.namings.iter().map(naming).sum::<usize>() + 192 * self.spans.len()
    }
}

// === impl Ancestors ===

impl Ancestors {
    /// Remembers the spans of a record, which are newer than those of any other.
    pub(crate) fn learn(&mut self, ticket: u64, seen: Seen) {
        for (place, span) in seen.spans.iter().enumerate() {
            self.spans.insert((span.trace, span.span), (ticket, place));
            if span.naming.is_some() {
                *self.named.entry(span.trace).or_default() += 1;
            }
        }
        self.records.insert(ticket, seen);
    }

    /// Forgets the spans of a record.
    pub(crate) fn forget(&mut self, ticket: u64) {
        let Some(seen) = self.records.remove(&ticket) else { return };
        for span in &seen.spans {
            let key = (span.trace, span.span);
            if self.spans.get(&key).is_some_and(|(newest, _)| *newest == ticket) {
                self.spans.remove(&key);
            }
            if span.naming.is_some()
                && let Some(n) = self.named.get_mut(&span.trace)
            {
                *n -= 1;
                if *n == 0 {
                    self.named.remove(&span.trace);
                }
            }
        }
    }

    /// The spans of a record.
    pub(crate) fn of(&self, ticket: u64) -> Option<&Seen> {
        self.records.get(&ticket)
    }

    /// Whether a span of the trace names an agent.
    pub(crate) fn names(&self, trace: u128) -> bool {
        self.named.contains_key(&trace)
    }

    /// Goes up to the nearest span that names an agent, from this one on.
    pub(crate) fn climb(&self, trace: u128, from: u64, steps: usize) -> Climb<&Naming<'static>> {
        let mut next = from;
        for left in (1..=steps).rev() {
            let found = self.spans.get(&(trace, next)).and_then(|(ticket, place)| {
                let seen = self.records.get(ticket)?;
                Some((seen, seen.spans.get(*place)?))
            });
            let Some((seen, span)) = found else { return Climb::Missing(next, left) };
            if let Some(naming) = span.naming.and_then(|naming| seen.namings.get(naming)) {
                return Climb::Named(naming);
            }
            let Some(parent) = span.parent else { return Climb::Nobody };
            next = parent;
        }
        Climb::Nobody
    }
}
