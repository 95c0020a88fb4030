//! The agents of one partition under a hard cap in bytes, ids included. Newcomers live in a ring of their own
//! (oldest out) until seen in two active hours; once the main table is full, a candidate enters only over a
//! record with fewer active hours (halved per 30 idle days). So invented ids cannot evict a known agent.

use std::collections::{BTreeMap, BTreeSet};

use crate::agent::Agent;
use crate::bytes::StateError;
use crate::math::ln;
use crate::young;

/// Active hours after which an agent is promoted.
pub const PROMOTION_HOURS: u32 = 2;
/// Book-keeping of one entry in the maps, in bytes: counted so that the cap is honest.
const ENTRY_BYTES: usize = 96;

/// The cap of one partition, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Main table.
    pub known_bytes_max: usize,
    /// Ring of newcomers.
    pub young_bytes_max: usize,
}

impl Limits {
    /// Splits a partition's cap: a tenth for newcomers, the rest for known agents.
    pub fn of(cap_bytes: usize) -> Self {
        Self { known_bytes_max: cap_bytes - cap_bytes / 10, young_bytes_max: cap_bytes / 10 }
    }
}

/// Where a record came from, and so where it goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Not seen before, or forgotten.
    New,
    /// The ring of newcomers.
    Young,
    /// The main table.
    Known,
}

/// What the store did, for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreCounts {
    /// Agents in the main table.
    pub known: u64,
    /// Agents in the ring.
    pub young: u64,
    /// Bytes of both.
    pub bytes: u64,
    /// Known agents that left.
    pub known_evicted: u64,
    /// Newcomers that left.
    pub young_evicted: u64,
    /// Candidates that found the table full of better-known agents.
    pub candidates_refused: u64,
}

#[derive(Debug)]
struct Known {
    agent: Option<Box<Agent>>,
    rank: i64,
    bytes: usize,
}

/// The agents of one partition.
#[derive(Debug)]
pub struct Store {
    limits: Limits,
    known: BTreeMap<Box<str>, Known>,
    /// (rank, key), weakest first.
    order: BTreeSet<(i64, Box<str>)>,
    young: BTreeMap<Box<str>, (u64, Box<[u8]>)>,
    arrivals: BTreeMap<u64, Box<str>>,
    next_arrival: u64,
    known_bytes: usize,
    young_bytes: usize,
    counts: StoreCounts,
    /// Keys that changed, where that is tracked.
    touched: Option<BTreeSet<Box<str>>>,
}

/// Rank of a record: log2(active hours) - idle days / 30, up to a constant that is the same for all.
fn rank(agent: &Agent) -> i64 {
    let hours = ln(f64::from(agent.active_hours().max(1))) / std::f64::consts::LN_2;
    let age = f64::from(agent.last_s()) / (30.0 * 86_400.0);
    #[expect(clippy::cast_possible_truncation, reason = "below 2^40")]
    let scaled = ((hours + age) * 1e6) as i64;
    scaled
}

impl Store {
    /// An empty store.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            known: BTreeMap::new(),
            order: BTreeSet::new(),
            young: BTreeMap::new(),
            arrivals: BTreeMap::new(),
            next_arrival: 0,
            known_bytes: 0,
            young_bytes: 0,
            counts: StoreCounts::default(),
            touched: None,
        }
    }

    /// What the store holds and did.
    pub fn counts(&self) -> StoreCounts {
        StoreCounts {
            known: self.known.len() as u64,
            young: self.young.len() as u64,
            bytes: (self.known_bytes + self.young_bytes) as u64,
            ..self.counts
        }
    }

    /// Takes an agent out for one activity; a new one is empty.
    pub fn check_out(&mut self, key: &str) -> (Box<Agent>, Place) {
        if let Some(agent) = self.known.get_mut(key).and_then(|known| known.agent.take()) {
            return (agent, Place::Known);
        }
        let packed = self.young.get(key).map(|(_, bytes)| young::unpack(bytes));
        match packed {
            Some(Ok(agent)) => (Box::new(agent), Place::Young),
            _ => (Box::default(), Place::New),
        }
    }

    /// Puts an agent back, promoting and evicting as the cap demands.
    pub fn check_in(&mut self, key: &str, agent: Box<Agent>, place: Place) {
        self.touch(key);
        if place == Place::Known {
            self.put_known(key, agent);
        } else if agent.active_hours() >= PROMOTION_HOURS {
            self.remove_young(key);
            self.admit(key, agent);
        } else {
            self.put_young(key, &agent);
        }
    }

    fn put_known(&mut self, key: &str, agent: Box<Agent>) {
        let bytes = entry_bytes(key, agent.bytes());
        let new_rank = rank(&agent);
        if let Some(known) = self.known.get_mut(key) {
            self.known_bytes = self.known_bytes - known.bytes + bytes;
            // The order moves once per active hour, not per activity: an hour is 1e6 / 720.
            if (new_rank - known.rank).abs() > 1_000 {
                self.order.remove(&(known.rank, key.into()));
                self.order.insert((new_rank, key.into()));
                known.rank = new_rank;
            }
            known.bytes = bytes;
            known.agent = Some(agent);
        }
        while self.known_bytes > self.limits.known_bytes_max && self.evict_weakest(i64::MAX) {}
    }

    fn admit(&mut self, key: &str, agent: Box<Agent>) {
        let bytes = entry_bytes(key, agent.bytes());
        let new_rank = rank(&agent);
        while self.known_bytes + bytes > self.limits.known_bytes_max {
            if !self.evict_weakest(new_rank) {
                self.counts.candidates_refused += 1;
                self.put_young(key, &agent);
                return;
            }
        }
        self.known_bytes += bytes;
        self.order.insert((new_rank, key.into()));
        self.known.insert(key.into(), Known { agent: Some(agent), rank: new_rank, bytes });
    }

    /// Evicts the weakest record if its rank is below `limit`.
    fn evict_weakest(&mut self, limit: i64) -> bool {
        let Some(weakest) = self.order.first().filter(|(rank, _)| *rank < limit).cloned() else {
            return false;
        };
        self.order.remove(&weakest);
        self.touch(&weakest.1);
        if let Some(known) = self.known.remove(&weakest.1) {
            self.known_bytes -= known.bytes;
            self.counts.known_evicted += 1;
        }
        true
    }

    fn put_young(&mut self, key: &str, agent: &Agent) {
        let packed = young::pack(agent);
        let arrival = self.remove_young(key).unwrap_or_else(|| {
            self.next_arrival += 1;
            self.next_arrival
        });
        self.young_bytes += entry_bytes(key, packed.len());
        self.arrivals.insert(arrival, key.into());
        self.young.insert(key.into(), (arrival, packed));
        while self.young_bytes > self.limits.young_bytes_max {
            let Some((_, oldest)) = self.arrivals.pop_first() else { break };
            self.touch(&oldest);
            if let Some((_, packed)) = self.young.remove(&oldest) {
                self.young_bytes -= entry_bytes(&oldest, packed.len());
                self.counts.young_evicted += 1;
            }
        }
    }

    fn remove_young(&mut self, key: &str) -> Option<u64> {
        let (arrival, packed) = self.young.remove(key)?;
        self.arrivals.remove(&arrival);
        self.young_bytes -= entry_bytes(key, packed.len());
        Some(arrival)
    }

    /// The encoded record of an agent, with its place; `None` where it is not held.
    pub fn save(&self, key: &str) -> Option<Vec<u8>> {
        if let Some(agent) = self.known.get(key).and_then(|known| known.agent.as_ref()) {
            return Some(agent.encode());
        }
        self.young.get(key).map(|(_, packed)| packed.to_vec())
    }

    /// Keeps track of which records change, from now on.
    pub fn track_touched(&mut self) {
        self.touched.get_or_insert_default();
    }

    /// The records that changed since the last call, each once, in key order; an empty value is a tombstone.
    pub fn take_touched(&mut self) -> Vec<(String, Vec<u8>)> {
        let Some(keys) = self.touched.as_mut().map(std::mem::take) else { return Vec::new() };
        keys.into_iter().map(|key| (key.to_string(), self.save(&key).unwrap_or_default())).collect()
    }

    /// Restores one record: a known agent's, a young one's, or a tombstone. Young ones arrive in key order.
    pub fn load(&mut self, key: &str, bytes: &[u8]) -> Result<(), StateError> {
        self.remove_young(key);
        if let Some(old) = self.known.remove(key) {
            self.known_bytes -= old.bytes;
            self.order.remove(&(old.rank, key.into()));
        }
        if bytes.is_empty() {
            return Ok(());
        }
        if bytes.len() <= young::YOUNG_BYTES_MAX {
            let agent = young::unpack(bytes)?;
            self.put_young(key, &agent);
        } else {
            let agent = Box::new(Agent::decode(bytes)?);
            let (bytes, rank) = (entry_bytes(key, agent.bytes()), rank(&agent));
            self.known_bytes += bytes;
            self.order.insert((rank, key.into()));
            self.known.insert(key.into(), Known { agent: Some(agent), rank, bytes });
        }
        Ok(())
    }

    fn touch(&mut self, key: &str) {
        if let Some(touched) = self.touched.as_mut() {
            touched.insert(key.into());
        }
    }

    /// Replaces a held agent by its own encoded record, as a restore does.
    pub fn reload(&mut self, key: &str) -> Result<(), StateError> {
        if let Some(known) = self.known.get_mut(key) {
            if let Some(agent) = known.agent.as_mut() {
                **agent = Agent::decode(&agent.encode())?;
            }
        } else if let Some((_, packed)) = self.young.get_mut(key) {
            *packed = young::pack(&young::unpack(packed)?);
        }
        Ok(())
    }

    /// The keys held, in order.
    pub fn keys(&self) -> Vec<String> {
        let mut keys: Vec<String> =
            self.known.keys().chain(self.young.keys()).map(|key| key.to_string()).collect();
        keys.sort();
        keys
    }

    /// Bytes of each known agent, ids included.
    pub fn known_bytes_each(&self) -> Vec<usize> {
        self.known.values().map(|known| known.bytes - ENTRY_BYTES).collect()
    }
}

/// Bytes of an entry: the record, the key in both maps, and their nodes.
fn entry_bytes(key: &str, record: usize) -> usize {
    record + 2 * key.len() + ENTRY_BYTES
}
