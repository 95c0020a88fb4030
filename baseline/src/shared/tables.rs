//! The shared tables themselves: for each scope (a tenant or a peer group) its counts, calibration and strata. They are
//! merged by whoever holds the findings log; lanes hold an immutable snapshot, which shares what did not change.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemas::finding::Increment;

use crate::bytes::StateError;
use crate::shared::calibration::Calibration;
use crate::shared::counts::Counts;
use crate::shared::deltas::Table;
use crate::shared::outside::Outside;
use crate::shared::record::{self, TableKey};
use crate::shared::strata::Strata;

/// Scopes kept of a tenant; the least recent leaves.
const SCOPES_MAX: usize = 1_024;
/// Cells of counts kept of a tenant; while there are more, the least recent scope leaves.
const CELLS_MAX: usize = 4 << 20;

/// What is known of one blueprint or tenant.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// Counts in hundredths.
    pub counts: Counts,
    maxima: Option<Arc<Calibration>>,
    hours: Option<Arc<Strata>>,
    /// Newest epoch that added.
    epoch: u32,
    /// Number of the newest merge that added.
    changed: u64,
}

/// The tables of one tenant, or a snapshot of those of several.
#[derive(Clone, Debug, Default)]
pub struct Shared {
    scopes: BTreeMap<u64, Arc<Scope>>,
    cells: usize,
    merges: u64,
    cells_evicted: u64,
    scopes_evicted: u64,
    outside: Arc<Outside>,
}

/// What the tables hold, and what left them since the start, for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SharedCounts {
    /// Tenants and peer groups.
    pub scopes: u64,
    /// Cells of counts.
    pub cells: u64,
    /// Bytes on the heap.
    pub bytes: u64,
    /// Cells that left full chunks.
    pub cells_evicted: u64,
    /// Scopes that left, tables and all.
    pub scopes_evicted: u64,
}

// === impl Scope ===

impl Scope {
    /// The oldest epoch that the tenant or peer group is known from.
    pub fn known_since(&self) -> Option<u32> {
        self.hours.as_ref()?.cells().since()
    }

    fn add(&mut self, table: Table, epoch: u32, merge: u64, increments: &[Increment]) -> usize {
        self.epoch = self.epoch.max(epoch);
        self.changed = merge;
        match table {
            Table::Counts => {
                let add = |at: &Increment| self.counts.add(at.cell, at.add, epoch, merge);
                return increments.iter().map(add).sum();
            }
            Table::Maxima => {
                let maxima = Arc::make_mut(self.maxima.get_or_insert_default());
                maxima.add(epoch, increments);
                maxima.mark(merge);
            }
            Table::Hours => {
                let hours = Arc::make_mut(self.hours.get_or_insert_default());
                hours.add(epoch, increments);
                hours.mark(merge);
            }
        }
        0
    }

    /// The scope's tables, each with the number of the newest merge that added.
    fn tables(&self) -> impl Iterator<Item = (Table, u8, u64)> {
        let maxima = self.maxima.iter().map(|table| (Table::Maxima, 0, table.votes().changed));
        let hours = self.hours.iter().map(|table| (Table::Hours, 0, table.cells().changed));
        let counts = self.counts.chunks().map(|(chunk, at)| (Table::Counts, chunk, at));
        counts.chain(maxima).chain(hours)
    }

    fn put(&mut self, key: TableKey, value: &[u8]) -> Result<u64, StateError> {
        if value.is_empty() {
            match key.table {
                Table::Counts => self.counts.remove(key.chunk),
                Table::Maxima => self.maxima = None,
                Table::Hours => self.hours = None,
            }
            return Ok(0);
        }
        let (changed, mut from) = record::open(key.table, value)?;
        let epoch = match key.table {
            Table::Counts => self.counts.decode(key.chunk, changed, &mut from)?,
            Table::Maxima => {
                let read = Calibration::decode(changed, &mut from)?;
                self.maxima.insert(Arc::new(read)).votes().epoch()
            }
            Table::Hours => {
                let read = Strata::decode(changed, &mut from)?;
                self.hours.insert(Arc::new(read)).cells().epoch()
            }
        };
        self.epoch = self.epoch.max(epoch);
        self.changed = self.changed.max(changed);
        Ok(changed)
    }
}

// === impl Shared ===

impl Shared {
    /// What is known of a scope.
    pub fn scope(&self, scope: u64) -> Option<&Scope> {
        self.scopes.get(&scope).map(AsRef::as_ref)
    }

    /// What people say of actors.
    pub fn outside(&self) -> &Outside {
        &self.outside
    }

    /// The calibration of a tenant or peer group.
    pub fn calibration(&self, scope: u64) -> Option<&Calibration> {
        self.scopes.get(&scope)?.maxima.as_deref()
    }

    /// The strata of a peer group or tenant.
    pub fn strata(&self, scope: u64) -> Option<&Strata> {
        self.scopes.get(&scope)?.hours.as_deref()
    }

    /// Merges increments of one epoch, of one or more partitions, in any order; gives the tables that had to leave.
    /// What is kept does not depend on the order of merges, but for what leaves full tables.
    pub fn merge(&mut self, epoch: u32, increments: &[Increment]) -> Vec<TableKey> {
        self.merges += 1;
        for run in increments.chunk_by(|a, b| (a.table, a.scope) == (b.table, b.scope)) {
            let Some(first) = run.first() else { continue };
            let Some(table) = Table::from_number(first.table) else { continue };
            let scope = Arc::make_mut(self.scopes.entry(first.scope).or_default());
            let before = scope.counts.len();
            let left = scope.add(table, epoch, self.merges, run);
            self.cells = self.cells + scope.counts.len() - before;
            self.cells_evicted += left as u64;
        }
        self.bound()
    }

    fn bound(&mut self) -> Vec<TableKey> {
        let mut left = Vec::new();
        while self.scopes.len() > SCOPES_MAX || (self.cells > CELLS_MAX && self.scopes.len() > 1) {
            let by_age = self.scopes.iter().map(|(key, scope)| (scope.epoch, *key));
            let Some((_, scope)) = by_age.min() else { break };
            let Some(gone) = self.scopes.remove(&scope) else { break };
            self.cells -= gone.counts.len();
            self.scopes_evicted += 1;
            left.extend(gone.tables().map(|(table, chunk, _)| TableKey { table, scope, chunk }));
        }
        left
    }

    /// How many merges there were; each record says which one changed it last.
    pub fn merges(&self) -> u64 {
        self.merges
    }

    /// Goes on counting merges from a saved number.
    pub fn resume(&mut self, merges: u64) {
        self.merges = self.merges.max(merges);
    }

    /// The tables that changed after that many merges, in order of their keys.
    pub fn changed_since(&self, merges: u64) -> Vec<TableKey> {
        let scopes = self.scopes.iter().filter(|(_, scope)| merges < scope.changed);
        let mut keys: Vec<TableKey> = scopes
            .flat_map(|(scope, tables)| {
                let newer = tables.tables().filter(move |(_, _, changed)| merges < *changed);
                newer.map(|(table, chunk, _)| TableKey { table, scope: *scope, chunk })
            })
            .collect();
        keys.sort_unstable();
        keys
    }

    /// The bytes of a table, as they are saved and published; none, a tombstone, where it does not exist.
    pub fn record(&self, key: TableKey) -> Vec<u8> {
        let scope = self.scopes.get(&key.scope);
        let bytes = scope.and_then(|scope| {
            record::seal(key.table, |out| match key.table {
                Table::Counts => scope.counts.encode(key.chunk, out),
                Table::Maxima => scope.maxima.as_ref().map(|table| table.votes().encode(out)),
                Table::Hours => scope.hours.as_ref().map(|table| table.cells().encode(out)),
            })
        });
        bytes.unwrap_or_default()
    }

    /// Takes up a saved or published record, `<tenant>|~table/..` or what people said; an empty one removes it. `false`
    /// where the key names neither. On an error nothing is changed.
    pub fn take_up(&mut self, key: &str, value: &[u8]) -> Result<bool, StateError> {
        if Outside::names(key) {
            Arc::make_mut(&mut self.outside).take_up(key, value)?;
            return Ok(true);
        }
        let Some(key) = TableKey::of_record(key) else { return Ok(false) };
        let slot = self.scopes.get(&key.scope);
        let mut scope = slot.map_or_else(Scope::default, |scope| Scope::clone(scope));
        let before = scope.counts.len();
        self.merges = self.merges.max(scope.put(key, value)?);
        self.cells = self.cells + scope.counts.len() - before;
        if scope.tables().next().is_none() {
            self.scopes.remove(&key.scope);
        } else {
            self.scopes.insert(key.scope, Arc::new(scope));
        }
        Ok(true)
    }

    /// Adds the tables of another tenant to a snapshot. Nothing is copied.
    pub fn include(&mut self, other: &Self) {
        let of_other = |scope: &Arc<Scope>| scope.counts.len();
        let replaced = other.scopes.keys().filter_map(|key| self.scopes.get(key)).map(of_other);
        self.cells = self.cells + other.cells - replaced.sum::<usize>();
        if !other.outside.is_empty() {
            Arc::make_mut(&mut self.outside).include(&other.outside);
        }
        self.scopes.extend(other.scopes.iter().map(|(key, scope)| (*key, Arc::clone(scope))));
    }

    /// What the tables hold and did.
    pub fn counts(&self) -> SharedCounts {
        SharedCounts {
            scopes: self.scopes.len() as u64,
            cells: self.cells as u64,
            bytes: self.heap_bytes() as u64,
            cells_evicted: self.cells_evicted,
            scopes_evicted: self.scopes_evicted,
        }
    }

    /// Bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        let of_scope = |scope: &Arc<Scope>| {
            let maxima = scope.maxima.as_ref().map_or(0, |table| table.votes().heap_bytes());
            let hours = scope.hours.as_ref().map_or(0, |table| table.cells().heap_bytes());
            size_of::<Scope>() + scope.counts.heap_bytes() + maxima + hours
        };
        self.scopes.values().map(of_scope).sum()
    }
}

#[cfg(test)]
mod tests;
