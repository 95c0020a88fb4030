//! Hashes whose values stand in state: XXH3 with the deployment's seed, and a mixer for pairs. A change here
//! is a new state version.

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Hashes text under a seed; never 0, which means "absent".
pub fn text(seed: u64, text: &str) -> u64 {
    xxh3_64_with_seed(text.as_bytes(), seed) | 1
}

/// Mixes two hashes, order-sensitive; never 0.
pub fn pair(a: u64, b: u64) -> u64 {
    let mut x = a.rotate_left(25) ^ b.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x ^= x >> 32;
    x = x.wrapping_mul(0xd6e8_feb8_6659_fd93);
    x ^= x >> 29;
    x = x.wrapping_mul(0xff51_afd7_ed55_8ccd);
    (x ^ (x >> 32)) | 1
}

/// The 32-bit tag of a hash for a slot; never 0.
pub fn tag(hash: u64) -> u32 {
    u32::try_from(hash >> 32).unwrap_or(u32::MAX) | 1
}
