//! Sums by table, scope and cell in the order of their first increment: the same increments give the same order,
//! whatever was saved and restored between them. An index of hashes makes adding cheap; it is never iterated.

use crate::shared::deltas::Table;

/// One cell of a group.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cell {
    /// Its group, by place.
    pub(super) group: u32,
    pub(super) cell: u64,
    pub(super) sum: i64,
}

/// The sums of one tenant.
#[derive(Clone, Debug, Default)]
pub(super) struct Sums {
    groups: Vec<(Table, u64)>,
    cells: Vec<Cell>,
    /// Open addressing, half full at most: places in `cells` from 1; 0 is free.
    index: Vec<u32>,
}

impl Sums {
    /// Tables with their scopes.
    pub(super) fn groups(&self) -> &[(Table, u64)] {
        &self.groups
    }

    pub(super) fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// The place of a group, and whether it is new.
    pub(super) fn group(&mut self, table: Table, scope: u64) -> (u32, bool) {
        let known = self.groups.iter().position(|group| *group == (table, scope));
        if known.is_none() {
            self.groups.push((table, scope));
        }
        let place = known.unwrap_or(self.groups.len() - 1);
        (u32::try_from(place).unwrap_or(u32::MAX), known.is_none())
    }

    /// Adds to a cell: its sum before, where there was one, and after.
    pub(super) fn add(&mut self, group: u32, cell: u64, add: i64) -> (Option<i64>, i64) {
        if self.cells.len() * 2 >= self.index.len() {
            self.grow();
        }
        let mut at = self.start(group, cell);
        while let Some(place) = self.index.get(at).copied().filter(|place| *place != 0) {
            if let Some(known) = self.cells.get_mut(place as usize - 1)
                && known.cell == cell
                && known.group == group
            {
                let before = known.sum;
                known.sum = known.sum.saturating_add(add);
                return (Some(before), known.sum);
            }
            at = (at + 1) & (self.index.len() - 1);
        }
        self.cells.push(Cell { group, cell, sum: add });
        self.occupy(at, self.cells.len());
        (None, add)
    }

    /// Takes in the sums of a chunk.
    pub(super) fn merge(&mut self, chunk: &Self) {
        let places: Vec<u32> =
            chunk.groups.iter().map(|(table, scope)| self.group(*table, *scope).0).collect();
        for cell in &chunk.cells {
            if let Some(group) = places.get(cell.group as usize) {
                self.add(*group, cell.cell, cell.sum);
            }
        }
    }

    fn start(&self, group: u32, cell: u64) -> usize {
        let mixed = (cell ^ u64::from(group) << 32).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        usize::try_from(mixed >> 32).unwrap_or(0) & (self.index.len() - 1)
    }

    fn occupy(&mut self, at: usize, place: usize) {
        if let Some(slot) = self.index.get_mut(at) {
            *slot = u32::try_from(place).unwrap_or(0);
        }
    }

    fn grow(&mut self) {
        let size = (self.index.len() * 2).max(64);
        self.index.clear();
        self.index.resize(size, 0);
        for place in 0..self.cells.len() {
            let Some(cell) = self.cells.get(place) else { continue };
            let mut at = self.start(cell.group, cell.cell);
            while self.index.get(at).is_some_and(|slot| *slot != 0) {
                at = (at + 1) & (size - 1);
            }
            self.occupy(at, place + 1);
        }
    }
}
