//! The shared tables themselves: scopes of counts, calibrations per tenant, strata per peer group. Merging is
//! done by whoever holds the findings log; lanes hold an immutable snapshot.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemas::finding::Increment;

use crate::shared::calibration::Calibration;
use crate::shared::deltas::Table;
use crate::shared::slots::SlotMap;
use crate::shared::strata::Strata;

/// Epochs of 5 minutes in a day.
const EPOCHS_PER_DAY: u32 = 288;
/// Cells of one scope.
const CELLS_MAX: usize = 65_536;
/// Scopes kept; the least recent leaves.
const SCOPES_MAX: usize = 1_024;

/// Counts of one blueprint or tenant.
#[derive(Clone, Debug)]
pub struct Scope {
    /// Counts in hundredths.
    pub counts: SlotMap,
    epoch: u32,
}

/// A snapshot of what the fleet knows.
#[derive(Clone, Debug, Default)]
pub struct Shared {
    scopes: BTreeMap<u64, Arc<Scope>>,
    calibrations: BTreeMap<u64, Arc<Calibration>>,
    strata: BTreeMap<u64, Arc<Strata>>,
    day: u32,
    scopes_evicted: u64,
}

impl Shared {
    /// The counts of a scope.
    pub fn scope(&self, scope: u64) -> Option<&Scope> {
        self.scopes.get(&scope).map(AsRef::as_ref)
    }

    /// The calibration of a tenant.
    pub fn calibration(&self, tenant: u64) -> Option<&Calibration> {
        self.calibrations.get(&tenant).map(AsRef::as_ref)
    }

    /// The strata of a peer group or tenant.
    pub fn strata(&self, group: u64) -> Option<&Strata> {
        self.strata.get(&group).map(AsRef::as_ref)
    }

    /// Merges the increments of one epoch, of any number of partitions in any order.
    pub fn merge(&mut self, epoch: u32, increments: &[Increment]) {
        self.pass_days(epoch / EPOCHS_PER_DAY);
        let mut settled: Vec<(Table, u64)> = Vec::new();
        for increment in increments {
            let Some(table) = Table::from_number(increment.table) else { continue };
            match table {
                Table::Counts => {
                    let scope = self.scopes.entry(increment.scope).or_insert_with(|| {
                        Arc::new(Scope { counts: SlotMap::new(CELLS_MAX), epoch })
                    });
                    let scope = Arc::make_mut(scope);
                    scope.epoch = epoch;
                    scope.counts.add(increment.cell, increment.add, epoch);
                }
                Table::Maxima => {
                    let calibration = self.calibrations.entry(increment.scope).or_default();
                    Arc::make_mut(calibration).add(increment.cell, increment.add);
                }
                Table::Hours => {
                    let strata = self.strata.entry(increment.scope).or_default();
                    Arc::make_mut(strata).add(increment.cell, increment.add);
                }
            }
            if table != Table::Counts && settled.last() != Some(&(table, increment.scope)) {
                settled.push((table, increment.scope));
            }
        }
        settled.sort_unstable();
        settled.dedup();
        for (table, scope) in settled {
            self.settle(table, scope);
        }
        self.bound();
    }

    fn settle(&mut self, table: Table, scope: u64) {
        match table {
            Table::Counts => {}
            Table::Maxima => {
                if let Some(calibration) = self.calibrations.get_mut(&scope) {
                    Arc::make_mut(calibration).settle();
                }
            }
            Table::Hours => {
                if let Some(strata) = self.strata.get_mut(&scope) {
                    Arc::make_mut(strata).settle();
                }
            }
        }
    }

    fn pass_days(&mut self, day: u32) {
        if self.day == 0 {
            self.day = day;
        }
        // After two years everything has faded: more rounds change nothing.
        let days = day.saturating_sub(self.day).min(730);
        self.day = self.day.max(day);
        if days == 0 {
            return;
        }
        for calibration in self.calibrations.values_mut().map(Arc::make_mut) {
            (0..days).for_each(|_| calibration.fade());
            calibration.settle();
        }
        for strata in self.strata.values_mut().map(Arc::make_mut) {
            (0..days).for_each(|_| strata.fade());
            strata.settle();
        }
    }

    fn bound(&mut self) {
        while self.scopes.len() > SCOPES_MAX {
            let oldest = self
                .scopes
                .iter()
                .min_by_key(|(key, scope)| (scope.epoch, **key))
                .map(|(key, _)| *key);
            let Some(key) = oldest else { return };
            self.scopes.remove(&key);
            self.strata.remove(&key);
            self.scopes_evicted += 1;
        }
    }

    /// Bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        self.scopes.values().map(|scope| scope.counts.heap_bytes()).sum::<usize>()
            + self.calibrations.len() * size_of::<i64>() * 256 * 16 * 2
            + self.strata.len() * size_of::<i64>() * 256 * 13
    }
}
