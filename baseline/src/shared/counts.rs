//! Counts of one scope, in 64 chunks by the leading bits of a cell: a chunk is what is saved, published, copied and
//! evicted from by itself.

use std::sync::Arc;

use crate::bytes::{Reader, StateError, Writer};
use crate::shared::slots::SlotMap;

/// Chunks of a scope.
pub(crate) const CHUNKS: usize = 64;
/// Most cells of a chunk: 20 bytes each in a record.
const CHUNK_CELLS_MAX: usize = 1_024;

#[derive(Clone, Debug)]
struct Chunk {
    cells: SlotMap,
    /// Number of the merge that added last.
    changed: u64,
}

/// Counts by cell, in hundredths.
#[derive(Clone, Debug)]
pub struct Counts {
    chunks: [Option<Arc<Chunk>>; CHUNKS],
}

impl Default for Counts {
    fn default() -> Self {
        Self { chunks: [const { None }; CHUNKS] }
    }
}

impl Counts {
    /// The count of a cell; 0 where it is unknown.
    pub fn get(&self, cell: u64) -> i64 {
        self.chunks.get(place(cell)).and_then(Option::as_ref).map_or(0, |c| c.cells.get(cell))
    }

    /// Adds to a cell in an epoch and a merge. Gives how many cells had to leave for it.
    pub(crate) fn add(&mut self, cell: u64, add: i64, epoch: u32, merge: u64) -> usize {
        let Some(slot) = self.chunks.get_mut(place(cell)) else { return 0 };
        let chunk = slot.get_or_insert_with(|| Arc::new(Chunk::new(merge)));
        let chunk = Arc::make_mut(chunk);
        chunk.changed = merge;
        chunk.cells.add(cell, add, epoch)
    }

    /// The chunks that there are, each with the number of the merge that added last.
    pub(crate) fn chunks(&self) -> impl Iterator<Item = (u8, u64)> {
        let chunks = (0_u8..).zip(&self.chunks);
        chunks.filter_map(|(place, chunk)| Some((place, chunk.as_ref()?.changed)))
    }

    /// Number of cells.
    pub(crate) fn len(&self) -> usize {
        self.chunks.iter().flatten().map(|chunk| chunk.cells.len()).sum()
    }

    /// Bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        let bytes = |chunk: &Arc<Chunk>| size_of::<Chunk>() + chunk.cells.heap_bytes();
        self.chunks.iter().flatten().map(bytes).sum()
    }

    /// Appends the cells of a chunk, by key; gives the number of the merge that added last.
    pub(crate) fn encode(&self, chunk: u8, out: &mut Writer) -> Option<u64> {
        let chunk = self.chunks.get(usize::from(chunk))?.as_ref()?;
        for cell in chunk.cells.sorted() {
            out.u64(cell.key);
            out.u64(cell.value.cast_unsigned());
            out.u32(cell.epoch);
        }
        Some(chunk.changed)
    }

    /// Puts back a chunk as `encode` wrote it; gives the newest epoch of a cell.
    pub(crate) fn decode(
        &mut self,
        chunk: u8,
        changed: u64,
        from: &mut Reader<'_>,
    ) -> Result<u32, StateError> {
        let mut read = Chunk::new(changed);
        let mut before = 0;
        while !from.0.is_empty() {
            let (key, value, epoch) = (from.u64()?, from.u64()?.cast_signed(), from.u32()?);
            let full = read.cells.len() >= CHUNK_CELLS_MAX;
            if key <= before || place(key) != usize::from(chunk) || full {
                return Err(StateError::Value);
            }
            before = key;
            read.cells.add(key, value, epoch);
        }
        let newest = read.cells.epoch();
        *self.chunks.get_mut(usize::from(chunk)).ok_or(StateError::Value)? = Some(Arc::new(read));
        Ok(newest)
    }

    /// Drops a chunk.
    pub(crate) fn remove(&mut self, chunk: u8) {
        if let Some(slot) = self.chunks.get_mut(usize::from(chunk)) {
            *slot = None;
        }
    }
}

impl Chunk {
    fn new(changed: u64) -> Self {
        Self { cells: SlotMap::new(CHUNK_CELLS_MAX), changed }
    }
}

fn place(cell: u64) -> usize {
    usize::from(cell.to_be_bytes()[0] >> 2)
}
