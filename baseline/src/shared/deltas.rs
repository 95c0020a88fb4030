//! Increments that one partition makes in one epoch, by tenant: integers, merged per cell, in a fixed order. They
//! are saved like a log, so that a batch rewrites little: an open chunk of about 2 KiB, then the next number.

mod sums;

use std::collections::BTreeMap;

use schemas::finding::Increment;

use crate::bytes::{Reader, StateError, Writer};
use sums::{Cell, Sums};

/// Bytes beyond which a chunk is closed and the next number begins.
const CHUNK_BYTES_MAX: usize = 2_048;
/// Version of a saved chunk; the channels of signals are part of it.
const VERSION: u8 = 3;
/// Version and epoch.
const HEADER_BYTES: usize = 5;
/// Table and scope.
const GROUP_BYTES: usize = 9;

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

/// Sums by tenant, in order of the tenants.
type Chunk = Vec<(Box<str>, Sums)>;

/// The increments of a partition's open epoch.
#[derive(Clone, Debug, Default)]
pub struct Deltas {
    epoch: u32,
    /// Sums of the closed chunks.
    closed: BTreeMap<Box<str>, Sums>,
    /// Number of the open chunk.
    number: u32,
    open: Chunk,
    /// The tenant of the activity at hand, in `open`.
    tenant: usize,
    /// Encoded bytes of the open chunk beyond its header.
    bytes: usize,
    /// Whether the open chunk changed since it was saved.
    dirty: bool,
    /// Closed chunks that are not saved yet, where that is tracked.
    unsaved: Option<Vec<(u32, Vec<u8>)>>,
    /// Restored chunks of `epoch` that were not taken up yet.
    restored: BTreeMap<u32, Chunk>,
}

impl Deltas {
    /// Number of the open epoch; 0 before the first.
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Keeps closed chunks until they are saved, from now on.
    pub fn track_touched(&mut self) {
        self.unsaved.get_or_insert_default();
    }

    /// Turns to the tenant whose increments follow; call it before each activity.
    pub fn enter(&mut self, tenant: &str) {
        self.take_up_restored();
        if HEADER_BYTES + self.bytes > CHUNK_BYTES_MAX {
            self.close_chunk();
        }
        self.tenant = self.place_of(tenant);
    }

    fn place_of(&mut self, tenant: &str) -> usize {
        self.open.binary_search_by(|(name, _)| name.as_ref().cmp(tenant)).unwrap_or_else(|place| {
            self.open.insert(place, (tenant.into(), Sums::default()));
            place
        })
    }

    /// Adds to a cell of the tenant.
    pub fn add(&mut self, table: Table, scope: u64, cell: u64, add: i64) {
        let Some((tenant, sums)) = self.open.get_mut(self.tenant) else { return };
        self.dirty = true;
        if sums.groups().is_empty() {
            self.bytes += tenant_bytes(tenant);
        }
        let (group, is_new) = sums.group(table, scope);
        if is_new {
            self.bytes += GROUP_BYTES;
        }
        let (before, after) = sums.add(group, cell, add);
        self.bytes += varint_bytes(zigzag(after));
        match before {
            Some(before) => self.bytes -= varint_bytes(zigzag(before)),
            None => self.bytes += varint_bytes(u64::from(group)) + cell_bytes(table, cell),
        }
    }

    fn close_chunk(&mut self) {
        if self.dirty
            && let Some(unsaved) = self.unsaved.as_mut()
        {
            unsaved.push((self.number, encode(self.epoch, &self.open)));
        }
        for (tenant, sums) in self.open.drain(..) {
            self.closed.entry(tenant).or_default().merge(&sums);
        }
        self.number += 1;
        self.bytes = 0;
        self.dirty = false;
    }

    /// Ends the epoch and begins another: gives the increments by tenant, in order of tenant, table, scope and cell.
    /// Chunks are numbered from 0 again, and those of an earlier epoch are void; so a partition whose state is
    /// saved never begins the same epoch twice.
    pub fn begin(&mut self, epoch: u32) -> Vec<(Box<str>, Vec<Increment>)> {
        self.take_up_restored();
        self.close_chunk();
        let closed = std::mem::take(&mut self.closed);
        if let Some(unsaved) = self.unsaved.as_mut() {
            unsaved.clear();
        }
        self.epoch = epoch;
        self.number = 0;
        // Saved even where it stays empty: it says which epoch is open.
        self.dirty = true;
        let tenants = closed.into_iter().map(|(tenant, closed)| (tenant, increments(&closed)));
        tenants.filter(|(_, increments)| !increments.is_empty()).collect()
    }

    /// The chunks that changed since the last call, by number.
    pub fn take_touched(&mut self) -> Vec<(u32, Vec<u8>)> {
        let Some(mut touched) = self.unsaved.as_mut().map(std::mem::take) else {
            return Vec::new();
        };
        if std::mem::take(&mut self.dirty) {
            touched.push((self.number, encode(self.epoch, &self.open)));
        }
        touched
    }

    /// Restores one chunk of a partition that has seen nothing, in any order; one of an earlier epoch is void.
    pub fn load(&mut self, number: u32, bytes: &[u8]) -> Result<(), StateError> {
        let (epoch, chunk) = decode(bytes)?;
        if epoch > self.epoch {
            self.epoch = epoch;
            self.restored.clear();
        }
        if epoch == self.epoch {
            self.restored.insert(number, chunk);
        }
        Ok(())
    }

    /// The restored chunk with the highest number is the open one.
    fn take_up_restored(&mut self) {
        while let Some((number, chunk)) = self.restored.pop_first() {
            self.number = number;
            for (tenant, sums) in chunk {
                self.tenant = self.place_of(&tenant);
                each(&sums, |(table, scope), cell, sum| self.add(table, scope, cell, sum));
            }
            self.dirty = false;
            if !self.restored.is_empty() {
                self.close_chunk();
            }
        }
    }
}

/// Hands over each cell with its table and scope.
fn each(sums: &Sums, mut on: impl FnMut((Table, u64), u64, i64)) {
    for cell in sums.cells() {
        if let Some(group) = sums.groups().get(cell.group as usize) {
            on(*group, cell.cell, cell.sum);
        }
    }
}

fn increments(sums: &Sums) -> Vec<Increment> {
    let mut all = Vec::with_capacity(sums.cells().len());
    each(sums, |(table, scope), cell, add| {
        if add != 0 {
            all.push(Increment { table: table.number(), scope, group: 0, cell, add });
        }
    });
    all.sort_unstable();
    all
}

// === encoding ===

/// Version, epoch; per tenant its name, its groups (table and scope), its cells: group, number and sum. Hashed cells
/// take 8 bytes, other numbers as many as they need.
fn encode(epoch: u32, chunk: &Chunk) -> Vec<u8> {
    let mut out = Writer(Vec::with_capacity(CHUNK_BYTES_MAX));
    out.u8(VERSION);
    out.u32(epoch);
    for (tenant, sums) in chunk.iter().filter(|(_, sums)| !sums.groups().is_empty()) {
        varint(&mut out, tenant.len() as u64);
        out.0.extend_from_slice(tenant.as_bytes());
        out.u16(u16::try_from(sums.groups().len()).unwrap_or(u16::MAX));
        out.u16(u16::try_from(sums.cells().len()).unwrap_or(u16::MAX));
        for (table, scope) in sums.groups() {
            out.u8(table.number());
            out.u64(*scope);
        }
        for Cell { group, cell, sum } in sums.cells() {
            varint(&mut out, u64::from(*group));
            let table = sums.groups().get(*group as usize).map(|(table, _)| *table);
            if table == Some(Table::Counts) {
                out.u64(*cell)
            } else {
                varint(&mut out, *cell)
            }
            varint(&mut out, zigzag(*sum));
        }
    }
    out.0
}

fn decode(bytes: &[u8]) -> Result<(u32, Chunk), StateError> {
    let mut input = Reader(bytes);
    let version = input.u8()?;
    if version != VERSION {
        return Err(StateError::Version(version));
    }
    let epoch = input.u32()?;
    let mut chunk = Chunk::new();
    while !input.0.is_empty() {
        let length = usize::try_from(take_varint(&mut input)?).map_err(|_| StateError::Length)?;
        let tenant = std::str::from_utf8(input.take(length)?).map_err(|_| StateError::Value)?;
        let (groups, cells) = (input.u16()?, input.u16()?);
        let mut sums = Sums::default();
        for _ in 0..groups {
            let table = Table::from_number(input.u8()?).ok_or(StateError::Value)?;
            if !sums.group(table, input.u64()?).1 {
                return Err(StateError::Value);
            }
        }
        for _ in 0..cells {
            let group = u32::try_from(take_varint(&mut input)?).map_err(|_| StateError::Value)?;
            let (table, _) = sums.groups().get(group as usize).ok_or(StateError::Value)?;
            let is_hashed = *table == Table::Counts;
            let cell = if is_hashed { input.u64()? } else { take_varint(&mut input)? };
            let sum = take_varint(&mut input)?;
            let sum = (sum >> 1).cast_signed() ^ -(sum & 1).cast_signed();
            if sums.add(group, cell, sum).0.is_some() {
                return Err(StateError::Value);
            }
        }
        chunk.push((tenant.into(), sums));
    }
    Ok((epoch, chunk))
}

fn tenant_bytes(tenant: &str) -> usize {
    varint_bytes(tenant.len() as u64) + tenant.len() + 4
}

fn cell_bytes(table: Table, cell: u64) -> usize {
    if table == Table::Counts { 8 } else { varint_bytes(cell) }
}

/// Small numbers of either sign as small numbers.
fn zigzag(x: i64) -> u64 {
    (x << 1 ^ x >> 63).cast_unsigned()
}

/// Bytes of a number in groups of seven bits.
fn varint_bytes(x: u64) -> usize {
    (70 - (x | 1).leading_zeros() as usize) / 7
}

fn varint(out: &mut Writer, mut x: u64) {
    while x >= 0x80 {
        out.u8(0x80 | u8::try_from(x & 0x7f).unwrap_or(0));
        x >>= 7;
    }
    out.u8(u8::try_from(x).unwrap_or(0));
}

fn take_varint(input: &mut Reader<'_>) -> Result<u64, StateError> {
    let mut x = 0;
    for shift in (0..64).step_by(7) {
        let byte = input.u8()?;
        x |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(x);
        }
    }
    Err(StateError::Value)
}

#[cfg(test)]
mod tests;
