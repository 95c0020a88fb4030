//! A bounded map from hashed cells to integer counts: open addressing, linear probing, the least recently
//! touched quarter out when full. What leaves depends on the cells alone, never on where they lie.

/// One cell; key 0 is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Slot {
    pub(crate) key: u64,
    pub(crate) value: i64,
    pub(crate) epoch: u32,
}

/// Counts by cell.
#[derive(Clone, Debug)]
pub struct SlotMap {
    slots: Vec<Slot>,
    len: usize,
    len_max: usize,
}

impl SlotMap {
    /// An empty map of at most `len_max` cells.
    pub fn new(len_max: usize) -> Self {
        Self { slots: Vec::new(), len: 0, len_max }
    }

    /// The count of a cell; 0 where it is unknown.
    pub fn get(&self, key: u64) -> i64 {
        self.find(key).map_or(0, |index| self.slots.get(index).map_or(0, |slot| slot.value))
    }

    fn start(&self, key: u64) -> usize {
        usize::try_from(key >> 20).unwrap_or(0) & (self.slots.len() - 1)
    }

    fn find(&self, key: u64) -> Option<usize> {
        if self.slots.is_empty() {
            return None;
        }
        let mut index = self.start(key);
        loop {
            let slot = self.slots.get(index)?;
            if slot.key == key {
                return Some(index);
            }
            if slot.key == 0 {
                return None;
            }
            index = (index + 1) & (self.slots.len() - 1);
        }
    }

    /// Adds to a cell in an epoch; gives how many cells had to leave for it.
    pub fn add(&mut self, key: u64, add: i64, epoch: u32) -> usize {
        if key == 0 {
            return 0;
        }
        if let Some(slot) = self.find(key).and_then(|index| self.slots.get_mut(index)) {
            slot.value = slot.value.saturating_add(add);
            slot.epoch = slot.epoch.max(epoch);
            return 0;
        }
        let left = if self.len < self.len_max { 0 } else { self.evict() };
        if (self.len + 1) * 4 > self.slots.len() * 3 {
            let size = (self.slots.len() * 2).max(16);
            self.rebuild(size, |_| true);
        }
        self.insert(Slot { key, value: add, epoch });
        left
    }

    fn insert(&mut self, fresh: Slot) {
        let mut index = self.start(fresh.key);
        while let Some(slot) = self.slots.get_mut(index) {
            if slot.key == 0 {
                *slot = fresh;
                self.len += 1;
                return;
            }
            index = (index + 1) & (self.slots.len() - 1);
        }
    }

    fn evict(&mut self) -> usize {
        let mut order: Vec<(u32, u64)> = self.filled().map(|slot| (slot.epoch, slot.key)).collect();
        order.sort_unstable();
        let drop = order.len().div_ceil(4);
        let limit = order.get(drop).copied().unwrap_or((u32::MAX, u64::MAX));
        self.rebuild(self.slots.len(), |slot| (slot.epoch, slot.key) >= limit);
        drop
    }

    fn rebuild(&mut self, size: usize, keep: impl Fn(&Slot) -> bool) {
        let old = std::mem::replace(&mut self.slots, vec![Slot::default(); size]);
        self.len = 0;
        for slot in old {
            if slot.key != 0 && keep(&slot) {
                self.insert(slot);
            }
        }
    }

    fn filled(&self) -> impl Iterator<Item = &Slot> {
        self.slots.iter().filter(|slot| slot.key != 0)
    }

    /// All cells, by key.
    pub(crate) fn sorted(&self) -> Vec<Slot> {
        let mut cells: Vec<Slot> = self.filled().copied().collect();
        cells.sort_unstable();
        cells
    }

    /// Newest epoch of a cell.
    pub(crate) fn epoch(&self) -> u32 {
        self.filled().map(|slot| slot.epoch).max().unwrap_or(0)
    }

    /// Number of cells.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no cell.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        self.slots.capacity() * size_of::<Slot>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recent_cells_leave_and_the_rest_keep_their_counts() {
        let mut map = SlotMap::new(100);
        for key in 1..=100_u64 {
            assert_eq!(map.add(key << 21, 5, u32::try_from(key).unwrap_or(0)), 0);
        }
        assert_eq!(map.add(9_999 << 21, 7, 200), 25);
        assert_eq!((map.get(10 << 21), map.get(26 << 21), map.get(9_999 << 21)), (0, 5, 7));
        assert_eq!((map.len(), map.epoch()), (76, 200));
    }

    #[test]
    fn what_is_no_cell_counts_nothing_and_large_counts_stay() {
        let mut map = SlotMap::new(4);
        map.add(0, 5, 1);
        assert!(map.is_empty());
        map.add(3, i64::MAX, 1);
        map.add(3, 1, 0);
        assert_eq!((map.get(0), map.get(3), map.sorted().len()), (0, i64::MAX, 1));
    }
}
