//! The agents of one partition under a hard cap in bytes, ids included. Newcomers live in a ring of their own
//! (the oldest out of the tenant with most of it) until seen in two active hours; once the main table is full, a candidate enters only over a
//! record with fewer active hours (halved per 30 idle days). So invented ids cannot evict a known agent. Who leaves
//! is decided by the saved records alone, so that a restored store evicts the same agents.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::agent::Agent;
use crate::bytes::StateError;
use crate::math::ln;
use crate::newcomers::Newcomers;
use crate::young;

/// Active hours after which an agent is promoted.
pub const PROMOTION_HOURS: u32 = 2;
/// Book-keeping of one entry in the maps, in bytes: counted so that the cap is honest.
pub(crate) const ENTRY_BYTES: usize = 96;
/// Idle hours that weigh as much as half of the active ones.
const RANK_HOURS: f64 = 720.0;

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
    /// Agents that were met for the first time, or again after they left.
    pub newcomers: u64,
    /// Known agents that left.
    pub known_evicted: u64,
    /// Newcomers that left.
    pub young_evicted: u64,
    /// Candidates that found the table full of better-known agents.
    pub candidates_refused: u64,
}

// === impl StoreCounts ===

impl StoreCounts {
    /// Adds what another store did.
    pub fn add(&mut self, other: &Self) {
        self.known += other.known;
        self.young += other.young;
        self.bytes += other.bytes;
        self.newcomers += other.newcomers;
        self.known_evicted += other.known_evicted;
        self.young_evicted += other.young_evicted;
        self.candidates_refused += other.candidates_refused;
    }
}

/// The keys of agents that left; mostly none.
pub type Evicted = Vec<Box<str>>;

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
    young: Newcomers,
    known_bytes: usize,
    counts: StoreCounts,
    /// Keys that changed, where that is tracked.
    touched: Option<BTreeSet<Box<str>>>,
}

/// Rank of a record: log2(active hours) - idle days / 30, in hours and up to a constant that is the same for all. It
/// moves once an hour, not per activity.
fn rank(agent: &Agent) -> i64 {
    let hours = ln(f64::from(agent.active_hours().max(1))) / std::f64::consts::LN_2;
    #[expect(clippy::cast_possible_truncation, reason = "below 2^16")]
    let earned = (hours * RANK_HOURS) as i64;
    earned + i64::from(agent.last_s() / 3_600)
}

impl Store {
    /// An empty store.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            known: BTreeMap::new(),
            order: BTreeSet::new(),
            young: Newcomers::default(),
            known_bytes: 0,
            counts: StoreCounts::default(),
            touched: None,
        }
    }

    /// What the store holds and did.
    pub fn counts(&self) -> StoreCounts {
        StoreCounts {
            known: self.known.len() as u64,
            young: self.young.len() as u64,
            bytes: (self.known_bytes + self.young.bytes()) as u64,
            ..self.counts
        }
    }

    /// Takes an agent out for one activity; a new one is empty.
    pub fn check_out(&mut self, key: &str) -> (Box<Agent>, Place) {
        if let Some(agent) = self.known.get_mut(key).and_then(|known| known.agent.take()) {
            return (agent, Place::Known);
        }
        let packed = self.young.get(key).map(young::unpack);
        match packed {
            Some(Ok(agent)) => (Box::new(agent), Place::Young),
            _ => (Box::default(), Place::New),
        }
    }

    /// Puts an agent back that did not change.
    pub fn put_back(&mut self, key: &str, agent: Box<Agent>, place: Place) {
        if place == Place::Known
            && let Some(known) = self.known.get_mut(key)
        {
            known.agent = Some(agent);
        }
    }

    /// Puts an agent back, promoting and evicting as the cap demands; `position` is where the log stands, which
    /// rises, and becomes a newcomer's place in the ring. Gives the keys of the agents that left.
    pub fn check_in(
        &mut self,
        key: &str,
        agent: Box<Agent>,
        place: Place,
        position: u64,
    ) -> Evicted {
        self.touch(key);
        self.counts.newcomers += u64::from(place == Place::New);
        let mut evicted = Evicted::new();
        if place == Place::Known {
            self.put_known(key, agent, &mut evicted);
        } else if agent.active_hours() >= PROMOTION_HOURS {
            self.young.remove(key);
            self.admit(key, agent, position, &mut evicted);
        } else {
            self.put_young(key, &agent, position, &mut evicted);
        }
        evicted
    }

    fn put_known(&mut self, key: &str, agent: Box<Agent>, evicted: &mut Evicted) {
        let bytes = entry_bytes(key, agent.bytes());
        let new_rank = rank(&agent);
        if let Some(known) = self.known.get_mut(key) {
            self.known_bytes = self.known_bytes - known.bytes + bytes;
            if new_rank != known.rank {
                self.order.remove(&(known.rank, key.into()));
                self.order.insert((new_rank, key.into()));
                known.rank = new_rank;
            }
            known.bytes = bytes;
            known.agent = Some(agent);
        }
        while self.known_bytes > self.limits.known_bytes_max
            && self.evict_weakest(i64::MAX, evicted)
        {}
    }

    fn admit(&mut self, key: &str, agent: Box<Agent>, position: u64, evicted: &mut Evicted) {
        let bytes = entry_bytes(key, agent.bytes());
        let new_rank = rank(&agent);
        while self.known_bytes + bytes > self.limits.known_bytes_max {
            if !self.evict_weakest(new_rank, evicted) {
                self.counts.candidates_refused += 1;
                self.put_young(key, &agent, position, evicted);
                return;
            }
        }
        self.insert_known(key, agent);
    }

    fn insert_known(&mut self, key: &str, agent: Box<Agent>) {
        let (bytes, rank) = (entry_bytes(key, agent.bytes()), rank(&agent));
        self.known_bytes += bytes;
        self.order.insert((rank, key.into()));
        self.known.insert(key.into(), Known { agent: Some(agent), rank, bytes });
    }

    /// Evicts the weakest record if its rank is below `limit`.
    fn evict_weakest(&mut self, limit: i64, evicted: &mut Evicted) -> bool {
        let Some((_, weakest)) = self.order.first().filter(|(rank, _)| *rank < limit).cloned()
        else {
            return false;
        };
        self.touch(&weakest);
        self.remove_known(&weakest);
        self.counts.known_evicted += 1;
        evicted.push(weakest);
        true
    }

    fn put_young(&mut self, key: &str, agent: &Agent, position: u64, evicted: &mut Evicted) {
        let arrival = self.young.remove(key).unwrap_or(position);
        self.young.insert(key, young::pack(agent, arrival), arrival);
        while self.young.bytes() > self.limits.young_bytes_max {
            let Some(next) = self.young.next_to_leave().map(Box::<str>::from) else { break };
            self.touch(&next);
            self.young.remove(&next);
            self.counts.young_evicted += 1;
            evicted.push(next);
        }
    }

    fn remove_known(&mut self, key: &str) {
        if let Some(known) = self.known.remove(key) {
            self.known_bytes -= known.bytes;
            self.order.remove(&(known.rank, key.into()));
        }
    }

    /// An agent as it is held.
    pub fn agent(&self, key: &str) -> Option<Cow<'_, Agent>> {
        if let Some(agent) = self.known.get(key).and_then(|known| known.agent.as_deref()) {
            return Some(Cow::Borrowed(agent));
        }
        self.young.get(key).and_then(|packed| young::unpack(packed).ok()).map(Cow::Owned)
    }

    /// The encoded record of an agent, with its place; `None` where it is not held.
    pub fn save(&self, key: &str) -> Option<Vec<u8>> {
        if let Some(agent) = self.known.get(key).and_then(|known| known.agent.as_ref()) {
            return Some(agent.encode());
        }
        self.young.get(key).map(<[u8]>::to_vec)
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

    /// Restores one record: a known agent's, a young one's, or a tombstone; in any order, the newest of a key last.
    /// It evicts nothing: what was saved together is within the cap.
    pub fn load(&mut self, key: &str, bytes: &[u8]) -> Result<(), StateError> {
        self.young.remove(key);
        self.remove_known(key);
        match bytes.first() {
            None => {}
            Some(&young::VERSION) => {
                young::unpack(bytes)?;
                self.young.insert(key, bytes.into(), young::arrival(bytes)?);
            }
            Some(_) => self.insert_known(key, Box::new(Agent::decode(bytes)?)),
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
        } else if let Some(packed) = self.young.get_mut(key) {
            *packed = young::pack(&young::unpack(packed)?, young::arrival(packed)?);
        }
        Ok(())
    }

    /// The keys held, in order.
    pub fn keys(&self) -> Vec<String> {
        let mut keys: Vec<String> = self
            .known
            .keys()
            .map(|key| &**key)
            .chain(self.young.keys())
            .map(str::to_owned)
            .collect();
        keys.sort();
        keys
    }

    /// Bytes of each known agent, ids included.
    pub fn known_bytes_each(&self) -> Vec<usize> {
        self.known.values().map(|known| known.bytes - ENTRY_BYTES).collect()
    }
}

/// Bytes of an entry: the record, the key in both maps, and their nodes.
pub(crate) fn entry_bytes(key: &str, record: usize) -> usize {
    record + 2 * key.len() + ENTRY_BYTES
}

#[cfg(test)]
mod tests;
