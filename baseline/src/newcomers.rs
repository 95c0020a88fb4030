//! Agents that were hardly seen yet, packed, in the order in which they came. Where room is wanted, the oldest goes of the
//! tenant that has most of the ring: so a tenant that invents ids loses its own newcomers, and one with no more than its
//! share of the ring (its bytes, divided by how many tenants there are) loses none.

use std::collections::{BTreeMap, BTreeSet};

use crate::store::{ENTRY_BYTES, entry_bytes};
use crate::young;

/// The ring of newcomers of one partition.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Newcomers {
    /// Packed records, with their place in the ring.
    packed: BTreeMap<Box<str>, Box<[u8]>>,
    tenants: BTreeMap<Box<str>, Tenant>,
    /// (bytes, tenant), the largest last.
    sizes: BTreeSet<(usize, Box<str>)>,
    bytes: usize,
}

/// What a tenant has of it.
#[derive(Debug, Default, PartialEq)]
struct Tenant {
    bytes: usize,
    /// (place in the ring, key), oldest first.
    arrivals: BTreeSet<(u64, Box<str>)>,
}

fn tenant_of(key: &str) -> &str {
    key.split_once('|').map_or("", |(tenant, _)| tenant)
}

/// Bytes of what is kept of a tenant besides its agents.
fn tenant_bytes(tenant: &str) -> usize {
    2 * tenant.len() + ENTRY_BYTES
}

impl Newcomers {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.packed.len()
    }

    /// Bytes of all of them, ids included.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Their keys, in order.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.packed.keys().map(|key| &**key)
    }

    /// The packed record of one.
    pub(crate) fn get(&self, key: &str) -> Option<&[u8]> {
        self.packed.get(key).map(|packed| &**packed)
    }

    /// The same, to be replaced by one of the same place.
    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut Box<[u8]>> {
        self.packed.get_mut(key)
    }

    /// Takes one in that is not there, at its place in the ring.
    pub(crate) fn insert(&mut self, key: &str, packed: Box<[u8]>, arrival: u64) {
        let bytes = entry_bytes(key, packed.len());
        self.resize(tenant_of(key), |tenant| {
            tenant.bytes += bytes;
            tenant.arrivals.insert((arrival, key.into()));
        });
        self.packed.insert(key.into(), packed);
    }

    /// Lets one go; gives its place.
    pub(crate) fn remove(&mut self, key: &str) -> Option<u64> {
        let packed = self.packed.remove(key)?;
        let arrival = young::arrival(&packed).ok()?;
        let bytes = entry_bytes(key, packed.len());
        self.resize(tenant_of(key), |tenant| {
            tenant.bytes -= bytes;
            tenant.arrivals.remove(&(arrival, key.into()));
        });
        Some(arrival)
    }

    /// Whoever leaves next where room is wanted.
    pub(crate) fn next_to_leave(&self) -> Option<&str> {
        let (_, largest) = self.sizes.last()?;
        let (_, oldest) = self.tenants.get(largest)?.arrivals.first()?;
        Some(oldest)
    }

    /// Changes what a tenant has; one that has nothing is forgotten.
    fn resize(&mut self, name: &str, change: impl FnOnce(&mut Tenant)) {
        let (own, mut tenant) = match self.tenants.remove_entry(name) {
            Some((own, tenant)) => {
                self.bytes -= tenant.bytes;
                (own, tenant)
            }
            None => (name.into(), Tenant { bytes: tenant_bytes(name), ..Tenant::default() }),
        };
        let mut size = (tenant.bytes, own);
        self.sizes.remove(&size);
        change(&mut tenant);
        if tenant.arrivals.is_empty() {
            return;
        }
        self.bytes += tenant.bytes;
        size.0 = tenant.bytes;
        self.tenants.insert(size.1.clone(), tenant);
        self.sizes.insert(size);
    }
}
