//! Increments that one partition makes in one epoch: integers, merged per cell, in a fixed order.

use std::collections::BTreeMap;

use schemas::finding::Increment;

/// Which shared table an increment is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Table {
    /// Counts of a scope, in hundredths.
    Counts,
    /// Session maxima per channel, in thousandths of a vote.
    Maxima,
    /// Actor-hour maxima per stratum, in thousandths of a vote.
    Hours,
}

impl Table {
    /// The number on the wire.
    pub fn number(self) -> u8 {
        match self {
            Self::Counts => 1,
            Self::Maxima => 2,
            Self::Hours => 3,
        }
    }

    /// The table of a number on the wire.
    pub fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::Counts,
            2 => Self::Maxima,
            3 => Self::Hours,
            _ => return None,
        })
    }
}

/// The open increments of a partition.
#[derive(Clone, Debug, Default)]
pub struct Deltas {
    cells: BTreeMap<(Table, u64, u64), i64>,
}

impl Deltas {
    /// Adds to a cell.
    pub fn add(&mut self, table: Table, scope: u64, cell: u64, add: i64) {
        *self.cells.entry((table, scope, cell)).or_insert(0) += add;
    }

    /// Whether there is nothing to send.
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// Takes all increments, in order of table, scope and cell.
    pub fn take(&mut self) -> Vec<Increment> {
        std::mem::take(&mut self.cells)
            .into_iter()
            .filter(|(_, add)| *add != 0)
            .map(|((table, scope, cell), add)| Increment {
                table: table.number(),
                scope,
                group: 0,
                cell,
                add,
            })
            .collect()
    }
}
