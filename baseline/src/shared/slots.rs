//! A bounded map from hashed cells to integer counts: open addressing, linear probing, the least recently
//! touched quarter out when full. It is never iterated in table order where that order could be seen.

/// One cell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Slot {
    key: u64,
    value: i64,
    epoch: u32,
}

/// Counts by cell.
#[derive(Clone, Debug)]
pub struct SlotMap {
    slots: Vec<Slot>,
    len: usize,
    len_max: usize,
    evicted: u64,
}

impl SlotMap {
    /// An empty map of at most `len_max` cells.
    pub fn new(len_max: usize) -> Self {
        Self { slots: Vec::new(), len: 0, len_max, evicted: 0 }
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

    /// Adds to a cell in an epoch.
    pub fn add(&mut self, key: u64, add: i64, epoch: u32) {
        if let Some(slot) = self.find(key).and_then(|index| self.slots.get_mut(index)) {
            slot.value += add;
            slot.epoch = slot.epoch.max(epoch);
            return;
        }
        if self.len >= self.len_max {
            self.evict();
        }
        if (self.len + 1) * 4 > self.slots.len() * 3 {
            let size = (self.slots.len() * 2).max(16);
            self.rebuild(size, |_| true);
        }
        self.insert(Slot { key, value: add, epoch });
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

    fn evict(&mut self) {
        let mut order: Vec<(u32, u64)> = self
            .slots
            .iter()
            .filter(|slot| slot.key != 0)
            .map(|slot| (slot.epoch, slot.key))
            .collect();
        order.sort_unstable();
        let drop = order.len() / 4;
        let Some(limit) = order.get(drop).copied() else { return };
        self.evicted += drop as u64;
        self.rebuild(self.slots.len(), |slot| (slot.epoch, slot.key) >= limit);
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

    /// Cells that left.
    pub fn evicted(&self) -> u64 {
        self.evicted
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
            map.add(key << 21, 5, u32::try_from(key).unwrap_or(0));
        }
        map.add(9_999 << 21, 7, 200);
        assert_eq!(map.evicted(), 25);
        assert_eq!((map.get(10 << 21), map.get(26 << 21), map.get(9_999 << 21)), (0, 5, 7));
    }
}
