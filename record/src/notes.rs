//! What decoding saw and let pass: counters for people, never an input of a score. Bounded, and the same
//! for any order of records and any split over lanes: of too many paths the smallest ones stay.

use std::collections::BTreeMap;
use std::ops::Bound;

/// Most paths a counter holds; what lies beyond is counted under [`OTHER`].
pub const KINDS_MAX: usize = 256;
/// The key of what has no key of its own. No path equals it: paths begin with `/`.
pub const OTHER: &str = "other";

/// Counters of what decoding let pass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notes {
    /// Members that no field of ours reads, by path; list indices are `*`.
    pub unknown_fields: BTreeMap<String, u64>,
    /// Values that were replaced by unknown or absent, by path of the field.
    pub unknown_values: BTreeMap<String, u64>,
    /// Addresses that are no IP and were kept as a host, or dropped beside one.
    pub opaque_addresses: u64,
    /// Records of another format than the one before them in their topic.
    pub format_changes: u64,
}

// === impl Notes ===

impl Notes {
    /// Adds what another lane or record saw.
    pub fn merge(&mut self, other: &Notes) {
        for (path, n) in &other.unknown_fields {
            add(&mut self.unknown_fields, path, *n);
        }
        for (path, n) in &other.unknown_values {
            add(&mut self.unknown_values, path, *n);
        }
        self.opaque_addresses = self.opaque_addresses.saturating_add(other.opaque_addresses);
        self.format_changes = self.format_changes.saturating_add(other.format_changes);
    }

    /// Counts a member that no field of ours reads.
    pub fn count_field(&mut self, path: &str) {
        add(&mut self.unknown_fields, path, 1);
    }

    /// Counts a value that was replaced by unknown or absent.
    pub fn count_value(&mut self, path: &str) {
        add(&mut self.unknown_values, path, 1);
    }

    /// Counts an address that is no IP.
    pub fn count_opaque_address(&mut self) {
        self.opaque_addresses = self.opaque_addresses.saturating_add(1);
    }
}

/// Adds to one path. A path of the final 256 was among the smallest 256 at every moment, so it was never
/// moved to `other`, whatever the order.
fn add(counts: &mut BTreeMap<String, u64>, path: &str, n: u64) {
    if let Some(count) = counts.get_mut(path) {
        *count = count.saturating_add(n);
        return;
    }
    counts.insert(path.to_owned(), n);
    let n_other = usize::from(counts.contains_key(OTHER));
    if counts.len() <= KINDS_MAX + n_other || path == OTHER {
        return;
    }
    // Paths begin with `/`, which sorts before `other`.
    let paths = (Bound::Unbounded, Bound::Excluded(OTHER));
    let largest = counts.range::<str, _>(paths).next_back().map(|(path, _)| path.clone());
    if let Some(moved) = largest.and_then(|path| counts.remove(&path)) {
        let count = counts.entry(OTHER.to_owned()).or_default();
        *count = count.saturating_add(moved);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_bounded_and_the_same_for_any_order_and_split() {
        let paths: Vec<String> = (0..1_000).map(|n| format!("/f{}", n % 600)).collect();
        let mut forward = Notes::default();
        paths.iter().for_each(|path| forward.count_field(path));
        let mut backward = Notes::default();
        paths.iter().rev().for_each(|path| backward.count_field(path));
        assert_eq!(forward, backward);

        let (mut left, mut right) = (Notes::default(), Notes::default());
        for (n, path) in paths.iter().enumerate() {
            if n % 3 == 0 { left.count_field(path) } else { right.count_field(path) }
        }
        left.merge(&right);
        assert_eq!(left, forward);
        assert_eq!(forward.unknown_fields.len(), KINDS_MAX + 1);
        assert_eq!(forward.unknown_fields.values().sum::<u64>(), 1_000);
    }
}
