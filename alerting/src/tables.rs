//! The shared tables of one tenant: epochs are merged into them, what was touched is saved, and at most once in five
//! minutes of log time what changed is published. What the tables mean is not known here.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use baseline::Shared;
use baseline::shared::{SharedCounts, TableKey};
use schemas::EventTime;
use schemas::finding::{Epoch, Finding};
use serde::{Deserialize, Serialize};

use crate::entry::EPOCH_MS;
use crate::epochs::{EpochCounts, Epochs};
use crate::record::{self, RecordError};
use crate::record_id::RecordId;

/// Log time between two publications.
const PUBLISH_MS: i64 = EPOCH_MS;
/// The record of a table that left and whose end is not published yet. No table's record begins like it.
const GONE: &[u8] = b"gone";

/// What was published last.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Published {
    /// When, in log time.
    at: Option<EventTime>,
    /// How many merges it has seen.
    merges: u64,
}

/// The shared tables of a tenant.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tables {
    shared: Shared,
    epochs: Epochs,
    published: Published,
    /// Tables that left since they were published.
    gone: BTreeSet<TableKey>,
    /// Tables that left, or whose end was published, since they were saved.
    left: BTreeSet<TableKey>,
    /// How many merges are saved.
    saved: u64,
}

// === impl Tables ===

impl Tables {
    /// Takes one finding of an epoch; merges the epoch once all its parts are there, and gives it.
    pub(crate) fn take<'f>(
        &mut self,
        finding: &'f Finding,
        epoch: &'f Epoch,
        publishes: bool,
        touched: &mut BTreeSet<RecordId>,
    ) -> Option<Cow<'f, Epoch>> {
        let whole = self.epochs.take(finding, epoch, touched)?;
        let left = self.shared.merge(u32::try_from(epoch.epoch).unwrap_or(0), &whole.increments);
        if publishes {
            self.gone.extend(&left);
        }
        self.left.extend(left);
        Some(whole)
    }

    /// The records to publish, if that is due: what changed since the last time, in order of their keys.
    pub(crate) fn publish(
        &mut self,
        now: EventTime,
        touched: &mut BTreeSet<RecordId>,
    ) -> BTreeMap<TableKey, Vec<u8>> {
        let since = |at: EventTime| now.millis().saturating_sub(at.millis());
        let too_soon = self.published.at.is_some_and(|at| since(at) < PUBLISH_MS);
        if too_soon || self.published.merges == self.shared.merges() {
            return BTreeMap::new();
        }
        let mut keys = self.shared.changed_since(self.published.merges);
        keys.append(&mut std::mem::take(&mut self.gone).into_iter().collect());
        self.published = Published { at: Some(now), merges: self.shared.merges() };
        touched.insert(RecordId::Control);
        let records: BTreeMap<TableKey, Vec<u8>> =
            keys.into_iter().map(|key| (key, self.shared.record(key))).collect();
        let ends = records.iter().filter(|(_, record)| record.is_empty());
        self.left.extend(ends.map(|(key, _)| *key));
        records
    }

    /// The tables to save: what changed since the last time.
    pub(crate) fn unsaved(&mut self) -> BTreeMap<TableKey, Vec<u8>> {
        let mut keys = self.shared.changed_since(self.saved);
        keys.extend(std::mem::take(&mut self.left));
        self.saved = self.shared.merges();
        let saved = |key| {
            let record = self.shared.record(key);
            if record.is_empty() && self.gone.contains(&key) {
                (key, GONE.to_vec())
            } else {
                (key, record)
            }
        };
        keys.into_iter().map(saved).collect()
    }

    /// The tables.
    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Takes up what people said, for folds of the same process. The key is that of its record.
    pub(crate) fn tell(&mut self, key: &str, bytes: &[u8]) -> Result<(), RecordError> {
        self.shared.take_up(key, bytes).map(|_| ()).map_err(RecordError::Table)
    }

    /// The epochs on their way.
    pub(crate) fn epochs(&mut self) -> &mut Epochs {
        &mut self.epochs
    }

    /// Adds what it holds and did to the counts of all tenants.
    pub(crate) fn count(&self, epochs: &mut EpochCounts, tables: &mut SharedCounts) {
        let (one, all) = (self.epochs.counts(), &mut *epochs);
        all.merged += one.merged;
        all.duplicates += one.duplicates;
        all.dropped += one.dropped;
        all.malformed += one.malformed;
        all.waiting += one.waiting;
        let (one, all) = (self.shared.counts(), &mut *tables);
        all.scopes += one.scopes;
        all.cells += one.cells;
        all.bytes += one.bytes;
        all.cells_evicted += one.cells_evicted;
        all.scopes_evicted += one.scopes_evicted;
    }

    /// The record of the last publication.
    pub(crate) fn control(&self) -> Vec<u8> {
        record::encode(&self.published)
    }

    /// Takes back the record of the last publication.
    pub(crate) fn load_control(&mut self, bytes: &[u8]) -> Result<(), RecordError> {
        self.published = record::decode(bytes)?;
        Ok(())
    }

    /// Goes on counting merges from a saved number.
    pub(crate) fn resume(&mut self, merges: u64) {
        self.shared.resume(merges);
        self.saved = self.shared.merges();
    }

    /// Takes back a table.
    pub(crate) fn load(&mut self, key: TableKey, bytes: &[u8]) -> Result<(), RecordError> {
        if bytes == GONE {
            self.gone.insert(key);
            return Ok(());
        }
        self.shared.take_up(&format!("|{key}"), bytes).map_err(RecordError::Table)?;
        self.saved = self.shared.merges();
        Ok(())
    }
}
