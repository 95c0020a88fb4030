//! What agents met for the first time in one epoch of one partition, by tenant: each thing with the distinct agents that
//! met it. Things are bounded and those beyond are counted. Saved like a log: an open chunk, then the next number.

use std::collections::BTreeMap;

use schemas::Newcomers;
use schemas::finding::{Meeting, MetKind};

use crate::bytes::{Reader, StateError, Writer};

/// Things of one kind, tenant and epoch.
pub const THINGS_MAX: usize = 512;
/// Tenants of one epoch whose new agents are noted.
const TENANTS_MAX: usize = 1_024;
/// Longest name or id, in bytes.
const TEXT_BYTES_MAX: usize = 256;
/// Bytes beyond which a chunk is closed and the next number begins.
const CHUNK_BYTES_MAX: usize = 2_048;
/// Version of a saved chunk.
const VERSION: u8 = 1;

/// Something that an agent meets.
#[derive(Clone, Copy, Debug)]
pub struct Thing<'a> {
    /// What kind of thing it is.
    pub kind: MetKind,
    /// Keyed hash of it.
    pub key: u64,
    /// What people call it.
    pub name: &'a str,
}

/// What a tenant's agents met.
#[derive(Clone, Debug, Default)]
struct Met {
    things: BTreeMap<(MetKind, u64), (Box<str>, Newcomers)>,
    counts: [usize; MetKind::ALL.len()],
    cut: u64,
}

/// The first meetings of a partition's open epoch.
#[derive(Clone, Debug, Default)]
pub struct Meetings {
    epoch: u32,
    tenants: BTreeMap<Box<str>, Met>,
    /// Number of the open chunk.
    number: u32,
    /// The open chunk, encoded.
    open: Vec<u8>,
    /// Whether the open chunk changed since it was saved.
    dirty: bool,
    /// Closed chunks that are not saved yet, where that is tracked.
    unsaved: Option<Vec<(u32, Vec<u8>)>>,
    /// Restored chunks of `epoch` that were not taken up yet.
    restored: BTreeMap<u32, Vec<u8>>,
}

impl Meetings {
    /// Keeps closed chunks until they are saved, from now on.
    pub fn track_touched(&mut self) {
        self.unsaved.get_or_insert_default();
    }

    /// Notes in an epoch that an agent, by the hash of its id and its id, met a thing for the first time.
    pub fn add(&mut self, epoch: u32, tenant: &str, thing: Thing<'_>, agent: (u64, &str)) {
        if epoch > self.epoch {
            self.begin(epoch);
        }
        self.take_up_restored();
        let (name, id) = (cut(thing.name), cut(agent.1));
        match self.note(tenant, Thing { name, ..thing }, (agent.0, id)) {
            Noted::Known => return,
            Noted::Cut => {}
            Noted::New => {
                if self.open.len() > CHUNK_BYTES_MAX {
                    self.close_chunk();
                }
                let mut out = Writer(std::mem::take(&mut self.open));
                text(&mut out, tenant);
                out.u8(MetKind::ALL.iter().position(|k| *k == thing.kind).map_or(0, to_u8));
                out.u64(thing.key);
                out.u64(agent.0);
                text(&mut out, name);
                text(&mut out, id);
                self.open = out.0;
            }
        }
        self.dirty = true;
    }

    fn note(&mut self, tenant: &str, thing: Thing<'_>, (hash, id): (u64, &str)) -> Noted {
        let kind = thing.kind;
        if !self.tenants.contains_key(tenant) {
            // Else invented tenants would take memory.
            if kind == MetKind::Tenant && self.tenants.len() >= TENANTS_MAX {
                return Noted::Known;
            }
            self.tenants.insert(tenant.into(), Met::default());
        }
        let Some(met) = self.tenants.get_mut(tenant) else { return Noted::Known };
        let place = (thing.kind, thing.key);
        if !met.things.contains_key(&place) {
            let kinds = MetKind::ALL.iter().zip(&mut met.counts);
            let count = kinds.into_iter().find(|(kind, _)| **kind == thing.kind);
            if count.is_some_and(|(_, count)| {
                *count += 1;
                *count > THINGS_MAX
            }) {
                met.cut = met.cut.saturating_add(1);
                return Noted::Cut;
            }
            met.things.insert(place, (thing.name.into(), Newcomers::default()));
        }
        let by = met.things.get_mut(&place).map(|(_, by)| by);
        if by.is_some_and(|by| by.insert(hash, id)) { Noted::New } else { Noted::Known }
    }

    /// Ends the epoch and begins another: gives by tenant what was met, in order of kind and key, and how many first
    /// meetings were cut. What was saved of it is void.
    pub fn begin(&mut self, epoch: u32) -> BTreeMap<Box<str>, (Vec<Meeting>, u64)> {
        self.take_up_restored();
        self.epoch = epoch;
        let tenants = std::mem::take(&mut self.tenants);
        // What was saved of the last epoch must not come back in this one.
        self.dirty |= !tenants.is_empty();
        self.number = 0;
        self.open.clear();
        if let Some(unsaved) = self.unsaved.as_mut() {
            unsaved.clear();
        }
        let meetings = |met: Met| {
            let things = met.things.into_iter();
            let of = |((kind, key), (name, by)): (_, (Box<str>, _))| Meeting {
                kind,
                key,
                name: name.into(),
                by,
            };
            (things.map(of).collect(), met.cut)
        };
        tenants.into_iter().map(|(tenant, met)| (tenant, meetings(met))).collect()
    }

    fn close_chunk(&mut self) {
        if self.dirty {
            let chunk = (self.number, self.encode());
            self.unsaved.iter_mut().for_each(|unsaved| unsaved.push(chunk.clone()));
        }
        self.number += 1;
        self.open.clear();
        self.dirty = false;
    }

    /// The chunks that changed since the last call, by number.
    pub fn take_touched(&mut self) -> Vec<(u32, Vec<u8>)> {
        let Some(mut touched) = self.unsaved.as_mut().map(std::mem::take) else {
            return Vec::new();
        };
        if std::mem::take(&mut self.dirty) {
            touched.push((self.number, self.encode()));
        }
        touched
    }

    /// Version, epoch, what was cut by tenant; then the meetings of the chunk.
    fn encode(&self) -> Vec<u8> {
        let mut out = Writer(Vec::with_capacity(self.open.len() + 16));
        out.u8(VERSION);
        out.u32(self.epoch);
        let cuts = self.tenants.iter().filter(|(_, met)| met.cut > 0);
        out.u16(u16::try_from(cuts.clone().count()).unwrap_or(u16::MAX));
        for (tenant, met) in cuts.take(usize::from(u16::MAX)) {
            text(&mut out, tenant);
            out.u64(met.cut);
        }
        out.0.extend_from_slice(&self.open);
        out.0
    }

    /// Restores one chunk of a partition that has seen nothing, in any order; one of an earlier epoch is void.
    pub fn load(&mut self, number: u32, bytes: &[u8]) -> Result<(), StateError> {
        let chunk = Chunk::read(bytes)?;
        if chunk.epoch > self.epoch {
            self.epoch = chunk.epoch;
            self.restored.clear();
        }
        if chunk.epoch == self.epoch {
            self.restored.insert(number, bytes.to_vec());
        }
        Ok(())
    }

    /// The restored chunk with the highest number is the open one.
    fn take_up_restored(&mut self) {
        while let Some((number, bytes)) = self.restored.pop_first() {
            // It was read when it was loaded.
            let Ok(chunk) = Chunk::read(&bytes) else { continue };
            for (tenant, thing, agent) in chunk.meetings {
                self.note(tenant, thing, agent);
            }
            for (tenant, cut) in chunk.cuts {
                let met = self.tenants.entry(tenant.into()).or_default();
                met.cut = met.cut.max(cut);
            }
            self.number = number;
            self.open = chunk.rest.to_vec();
        }
    }
}

enum Noted {
    New,
    Known,
    Cut,
}

/// A saved chunk.
struct Chunk<'a> {
    epoch: u32,
    cuts: Vec<(&'a str, u64)>,
    meetings: Vec<(&'a str, Thing<'a>, (u64, &'a str))>,
    /// The meetings as they were encoded.
    rest: &'a [u8],
}

impl<'a> Chunk<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, StateError> {
        let mut input = Reader(bytes);
        let version = input.u8()?;
        if version != VERSION {
            return Err(StateError::Version(version));
        }
        let epoch = input.u32()?;
        let cuts = input.u16()?;
        let cuts = (0..cuts).map(|_| Ok((take_text(&mut input)?, input.u64()?)));
        let cuts = cuts.collect::<Result<_, StateError>>()?;
        let rest = input.0;
        let mut meetings = Vec::new();
        while !input.0.is_empty() {
            let tenant = take_text(&mut input)?;
            let kind = *MetKind::ALL.get(usize::from(input.u8()?)).ok_or(StateError::Value)?;
            let (key, hash) = (input.u64()?, input.u64()?);
            let (name, id) = (take_text(&mut input)?, take_text(&mut input)?);
            meetings.push((tenant, Thing { kind, key, name }, (hash, id)));
        }
        Ok(Self { epoch, cuts, meetings, rest })
    }
}

fn to_u8(number: usize) -> u8 {
    u8::try_from(number).unwrap_or(u8::MAX)
}

/// A text within its limit.
fn cut(text: &str) -> &str {
    text.get(..text.floor_char_boundary(TEXT_BYTES_MAX)).unwrap_or(text)
}

fn text(out: &mut Writer, text: &str) {
    let text = cut(text);
    out.u16(u16::try_from(text.len()).unwrap_or(u16::MAX));
    out.0.extend_from_slice(text.as_bytes());
}

fn take_text<'a>(input: &mut Reader<'a>) -> Result<&'a str, StateError> {
    let length = input.u16()?;
    std::str::from_utf8(input.take(usize::from(length))?).map_err(|_| StateError::Value)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An agent of `tenant` meets a thing; both by number.
    fn add(meetings: &mut Meetings, epoch: u32, tenant: &str, (thing, agent): (u64, u64)) {
        let name = format!("thing-{thing}");
        let kind = MetKind::ALL[usize::try_from(thing % 3).unwrap()];
        let hash = agent.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let thing = Thing { kind, key: thing, name: &name };
        meetings.add(epoch, tenant, thing, (hash, &format!("agent-{agent}")));
    }

    #[test]
    fn inventing_things_or_agents_grows_nothing() {
        let mut meetings = Meetings::default();
        for n in 0..20_000 {
            add(&mut meetings, 5, "acme", (n, n));
            add(&mut meetings, 5, "acme", (1, n));
        }
        let (met, cut) = meetings.begin(6).remove("acme").unwrap();
        assert_eq!(met.len(), 3 * THINGS_MAX);
        assert_eq!(cut, 20_000 - met.len() as u64);
        let most = met.iter().find(|meeting| meeting.name == "thing-1").unwrap();
        assert_eq!(most.by.agents().len(), 32);
        assert!((10_000..40_000).contains(&most.by.count()), "{}", most.by.count());
        assert!(meetings.begin(7).is_empty());
    }

    #[test]
    fn inventing_tenants_takes_no_memory_and_hides_no_known_agent() {
        let mut meetings = Meetings::default();
        let arrives = |n| Thing { kind: MetKind::Tenant, key: n, name: "t" };
        for n in 0..5_000 {
            meetings.add(5, &format!("invented-{n}"), arrives(n), (n + 1, "agent"));
        }
        meetings.add(5, "acme", Thing { kind: MetKind::Destination, ..arrives(1) }, (7, "known"));
        let met = meetings.begin(6);
        assert_eq!(met.len(), TENANTS_MAX + 1);
        assert_eq!(met["acme"].0.len(), 1);
    }

    #[test]
    fn a_restored_epoch_goes_on_as_one_that_never_stopped() {
        let mut straight = Meetings::default();
        straight.track_touched();
        let mut saved: BTreeMap<u32, Vec<u8>> = BTreeMap::new();
        let mut restarts = 0;
        for n in 0..4_000_u64 {
            let epoch = 9 + u32::try_from(n / 1_700).unwrap();
            let tenant = if n % 3 == 0 { "acme" } else { "globex" };
            add(&mut straight, epoch, tenant, (n * n % 900, n * 7 % 1_000));
            if n % 37 == 0 {
                let touched = straight.take_touched();
                saved.extend(touched);
                let mut other = Meetings::default();
                other.track_touched();
                for (number, chunk) in saved.iter().rev() {
                    other.load(*number, chunk).unwrap();
                    assert!(other.load(*number, &chunk[..chunk.len() - 1]).is_err());
                }
                add(&mut straight, epoch, "acme", (n + 1, n));
                add(&mut other, epoch, "acme", (n + 1, n));
                assert_eq!(straight.clone().take_touched(), other.take_touched(), "{n}");
                assert_eq!(straight.clone().begin(99), other.begin(99), "{n}");
                restarts += 1;
            }
        }
        assert!(restarts > 100 && saved.len() > 3);
    }
}
