//! Lists of prefixes as text: one a line, as prefix, address or autonomous system; `#` begins a comment.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::BrokenList;

/// Ranges of addresses and numbers of autonomous systems.
#[derive(Clone, Debug, Default)]
pub(super) struct Prefixes {
    /// First and last address, apart from each other and rising; IPv4 stands mapped into IPv6.
    ranges: Vec<(u128, u128)>,
    systems: BTreeSet<u32>,
}

impl Prefixes {
    /// Takes a text, whole or not at all; gives the number of its entries.
    pub(super) fn add(&mut self, bytes: &[u8]) -> Result<usize, BrokenList> {
        let text =
            std::str::from_utf8(bytes).map_err(|error| BrokenList::Text(error.valid_up_to()))?;
        let (mut ranges, mut systems) = (Vec::new(), Vec::<u32>::new());
        for (line, whole) in (1..).zip(text.lines()) {
            let entry = whole.split('#').next().unwrap_or_default().trim();
            if entry.is_empty() {
                continue;
            }
            if let Some(range) = range(entry) {
                ranges.push(range);
            } else if let Some(system) = entry.strip_prefix("AS").and_then(|n| n.parse().ok()) {
                systems.push(system);
            } else {
                return Err(BrokenList::Line { line, text: entry.chars().take(60).collect() });
            }
        }
        let entries = ranges.len() + systems.len();
        if entries == 0 {
            return Err(BrokenList::Empty);
        }
        self.systems.extend(systems);
        self.ranges.extend(ranges);
        self.ranges.sort_unstable();
        self.ranges.dedup_by(|next, last| {
            let joins = next.0 <= last.1.saturating_add(1);
            if joins {
                last.1 = last.1.max(next.1);
            }
            joins
        });
        Ok(entries)
    }

    /// Whether the address or its system is listed.
    pub(super) fn hold(&self, ip: Option<IpAddr>, system: Option<u32>) -> bool {
        let within = |ip| {
            let address = number(ip);
            let after = self.ranges.partition_point(|(first, _)| *first <= address);
            let range = after.checked_sub(1).and_then(|at| self.ranges.get(at));
            range.is_some_and(|(_, last)| address <= *last)
        };
        ip.is_some_and(within) || system.is_some_and(|system| self.systems.contains(&system))
    }
}

fn number(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped().to_bits(),
        IpAddr::V6(ip) => ip.to_bits(),
    }
}

/// First and last address of a prefix; bits behind it do not count.
fn range(entry: &str) -> Option<(u128, u128)> {
    let (ip, length) = match entry.split_once('/') {
        Some((ip, length)) if length.bytes().all(|byte| byte.is_ascii_digit()) => {
            (ip, Some(length.parse::<u32>().ok()?))
        }
        Some(_) => return None,
        None => (entry, None),
    };
    let ip: IpAddr = ip.parse().ok()?;
    let width = if ip.is_ipv4() { 32 } else { 128 };
    let free = u32::checked_sub(width, length.unwrap_or(width))?;
    let last = 1_u128.checked_shl(free).map_or(u128::MAX, |size| size - 1);
    Some((number(ip) & !last, number(ip) | last))
}
