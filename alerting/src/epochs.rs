//! Epochs of partitions on their way into the shared tables. An epoch's parts wait until all are there; each counts
//! once, however often it comes. What is merged is not looked at here.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use schemas::finding::{Epoch, Finding};
use serde::{Deserialize, Serialize};

use crate::entry;
use crate::record::{self, RecordError};
use crate::record_id::{EpochId, Lane, RecordId};

/// Increments that may wait; beyond, the oldest epoch is dropped. A part counts as some of its own.
const WAITING_MAX: usize = 4 << 20;
const PART_INCREMENTS: usize = 8;
/// Partitions remembered; beyond, the one with the oldest epoch is forgotten.
const LANES_MAX: usize = 4_096;

/// How far a partition's epochs are merged: source of the newest one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Mark {
    offset: u64,
    ordinal: u32,
    epoch: i64,
}

/// A part that waits.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Part {
    ordinal: u32,
    epoch: Epoch,
    #[serde(skip)]
    saved: bool,
}

/// What became of epochs since the start, for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EpochCounts {
    /// Epochs of partitions that were merged.
    pub merged: u64,
    /// Parts that came again.
    pub duplicates: u64,
    /// Epochs dropped because parts of them never came, or too much waited.
    pub dropped: u64,
    /// Findings whose numbers cannot be.
    pub malformed: u64,
    /// Parts that wait now.
    pub waiting: u64,
}

/// The epochs of a tenant.
#[derive(Clone, Debug, Default)]
pub(crate) struct Epochs {
    waiting: BTreeMap<EpochId, BTreeMap<u32, Part>>,
    n_increments: usize,
    marks: BTreeMap<Lane, Mark>,
    counts: EpochCounts,
}

// === impl Epochs ===

impl Epochs {
    /// Takes one finding; gives the findings of its epoch as one once all parts are there.
    pub(crate) fn take<'f>(
        &mut self,
        finding: &'f Finding,
        epoch: &'f Epoch,
        touched: &mut BTreeSet<RecordId>,
    ) -> Option<Cow<'f, Epoch>> {
        let source = &finding.source;
        if entry::check_epoch(finding, epoch).is_err() {
            self.counts.malformed += 1;
            return None;
        }
        let lane = (source.partition, source.topic_id.clone());
        let ordinal = source.ordinal;
        let mark = Mark { offset: source.offset, ordinal, epoch: epoch.epoch };
        if self.marks.get(&lane).is_some_and(|merged| mark <= *merged) {
            self.counts.duplicates += 1;
            return None;
        }
        if epoch.parts == 1 {
            self.merged(lane, mark, touched);
            return Some(Cow::Borrowed(epoch));
        }
        let id = EpochId {
            epoch: epoch.epoch,
            partition: source.partition,
            offset: source.offset,
            topic_id: source.topic_id.clone(),
        };
        let parts = self.waiting.entry(id.clone()).or_default();
        if parts.contains_key(&epoch.part) {
            self.counts.duplicates += 1;
            return None;
        }
        if parts.values().any(|part| part.epoch.parts != epoch.parts) {
            self.counts.malformed += 1;
            return None;
        }
        parts.insert(epoch.part, Part { ordinal, epoch: epoch.clone(), saved: false });
        touched.insert(RecordId::Part(id.clone(), epoch.part));
        self.n_increments += weight(epoch);
        if parts.len() as u64 == u64::from(epoch.parts) {
            let parts = self.forget(&id, touched);
            let newest = parts.iter().map(|part| part.ordinal).max().unwrap_or(ordinal);
            self.merged(lane, Mark { ordinal: newest, ..mark }, touched);
            let mut whole = Epoch { epoch: epoch.epoch, ..Epoch::default() };
            for Part { epoch, .. } in parts {
                whole.increments.extend(epoch.increments);
                whole.met.extend(epoch.met);
                whole.met_cut = whole.met_cut.saturating_add(epoch.met_cut);
            }
            return Some(Cow::Owned(whole));
        }
        while self.n_increments > WAITING_MAX
            && let Some(oldest) = self.waiting.keys().next().cloned()
        {
            self.forget(&oldest, touched);
            self.counts.dropped += 1;
        }
        None
    }

    /// Takes the parts of an epoch out; what was saved of them goes too.
    fn forget(&mut self, id: &EpochId, touched: &mut BTreeSet<RecordId>) -> Vec<Part> {
        let parts = self.waiting.remove(id).unwrap_or_default();
        for (number, part) in &parts {
            self.n_increments -= weight(&part.epoch);
            let record = RecordId::Part(id.clone(), *number);
            if part.saved {
                touched.insert(record);
            } else {
                touched.remove(&record);
            }
        }
        parts.into_values().collect()
    }

    /// Notes that a partition's epoch is merged: what waits from before it will never be whole.
    fn merged(&mut self, lane: Lane, mark: Mark, touched: &mut BTreeSet<RecordId>) {
        self.counts.merged += 1;
        let before = |id: &&EpochId| {
            (id.partition, &id.topic_id) == (lane.0, &lane.1) && id.offset <= mark.offset
        };
        let stuck: Vec<EpochId> = self.waiting.keys().filter(before).cloned().collect();
        for id in stuck {
            self.forget(&id, touched);
            self.counts.dropped += 1;
        }
        touched.insert(RecordId::Mark(lane.clone()));
        self.marks.insert(lane, mark);
        if self.marks.len() > LANES_MAX {
            let by_age = self.marks.iter().map(|(lane, mark)| (mark.epoch, lane));
            if let Some(oldest) = by_age.min().map(|(_, lane)| lane.clone()) {
                self.marks.remove(&oldest);
                touched.insert(RecordId::Mark(oldest));
            }
        }
    }

    /// What became of epochs.
    pub(crate) fn counts(&self) -> EpochCounts {
        let waiting = self.waiting.values().map(|parts| parts.len() as u64).sum();
        EpochCounts { waiting, ..self.counts }
    }

    /// The record of a partition's mark; empty where it is forgotten.
    pub(crate) fn mark(&self, lane: &Lane) -> Vec<u8> {
        self.marks.get(lane).map(record::encode).unwrap_or_default()
    }

    /// The record of a part that waits; empty where it does so no longer.
    pub(crate) fn part(&mut self, id: &EpochId, number: u32) -> Vec<u8> {
        let part = self.waiting.get_mut(id).and_then(|parts| parts.get_mut(&number));
        let saved = part.map(|part| {
            part.saved = true;
            record::encode(part)
        });
        saved.unwrap_or_default()
    }

    /// Takes back a mark.
    pub(crate) fn load_mark(&mut self, lane: Lane, bytes: &[u8]) -> Result<(), RecordError> {
        self.marks.insert(lane, record::decode(bytes)?);
        Ok(())
    }

    /// Takes back a part.
    pub(crate) fn load_part(
        &mut self,
        id: EpochId,
        number: u32,
        bytes: &[u8],
    ) -> Result<(), RecordError> {
        let part = Part { saved: true, ..record::decode(bytes)? };
        self.n_increments += weight(&part.epoch);
        self.waiting.entry(id).or_default().insert(number, part);
        Ok(())
    }
}

fn weight(epoch: &Epoch) -> usize {
    let met = epoch.met.iter().map(|meeting| 4 + 4 * meeting.by.agents().len());
    epoch.increments.len() + met.sum::<usize>() + PART_INCREMENTS
}
