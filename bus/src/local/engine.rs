//! The broker in one process: topics, writers and groups, and what happens to them as time passes. It waits for
//! nothing, reads no clock, and is a function of the calls made to it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::group::{Group, LocalGroup};
use super::log::{Body, Entry, PartitionLog};
use super::txn::{Claim, Open, Writer};
use crate::error::BusError;
use crate::record::{Isolation, Outgoing, TopicPartition};
use crate::traits::{Cleanup, TopicInfo, TopicSpec};

/// Largest record, as a broker has it by default.
const RECORD_BYTES_MAX: usize = 1 << 20;

/// A member whose process gives no sign of life for longer leaves its group.
pub(crate) const SESSION_MS: u64 = 10_000;
/// A member that does not poll for longer leaves its group.
pub(crate) const POLL_MS: u64 = 300_000;
/// A transaction open for longer is aborted, and its producer fenced.
pub(crate) const TRANSACTION_MS: u64 = 10_000;
/// How often the log looks for such transactions: a dead producer can hold readers back for twice as long.
pub(crate) const SWEEP_MS: u64 = 10_000;

/// A topic.
#[derive(Debug)]
pub(crate) struct Topic {
    pub(crate) name: Arc<str>,
    /// When it was made: tells a topic from a later one of the same name.
    pub(crate) made_ms: i64,
    pub(crate) cleanup: Cleanup,
    pub(crate) log_append_time: bool,
    pub(crate) partitions: Vec<PartitionLog>,
}

/// The broker.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) topics: BTreeMap<Arc<str>, Topic>,
    writers: BTreeMap<String, Writer>,
    groups: BTreeMap<Arc<str>, Group>,
    /// Numbers given to writers and members.
    given: u64,
    /// The time that stamps records; it may jump.
    pub(crate) wall_ms: i64,
    /// The time that passes, for time limits.
    pub(crate) uptime_ms: u64,
}

/// What a partition keeps of a committed transaction, and its bounds afterwards.
#[derive(Debug)]
pub(crate) struct Kept<'a> {
    pub(crate) at: TopicPartition,
    pub(crate) start: u64,
    pub(crate) next: u64,
    /// Offset, timestamp and payload of each record.
    pub(crate) records: Vec<(u64, i64, Cow<'a, Body>)>,
}

/// A committed transaction, as a journal keeps it.
#[derive(Debug, Default)]
pub(crate) struct Batch<'a> {
    pub(crate) places: Vec<Kept<'a>>,
    /// Group, place and offset.
    pub(crate) offsets: Vec<(Arc<str>, TopicPartition, u64)>,
}

impl Engine {
    pub(crate) fn new(wall_ms: i64) -> Self {
        let (topics, writers, groups) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { topics, writers, groups, given: 0, wall_ms, uptime_ms: 0 }
    }

    // === topics ===

    pub(crate) fn place(&self, at: &TopicPartition) -> Result<&PartitionLog, BusError> {
        let topic = self.topics.get(&at.topic);
        topic.and_then(|topic| topic.partitions.get(idx(at))).ok_or_else(|| missing(at))
    }

    pub(crate) fn place_mut(&mut self, at: &TopicPartition) -> Result<&mut PartitionLog, BusError> {
        let topic = self.topics.get_mut(&at.topic);
        topic.and_then(|topic| topic.partitions.get_mut(idx(at))).ok_or_else(|| missing(at))
    }

    /// A topic as wanted, empty.
    pub(crate) fn topic(&self, spec: &TopicSpec) -> Result<Topic, BusError> {
        if spec.partitions == 0 || spec.name.is_empty() {
            return Err(BusError::Refused("a topic has a name and at least one partition".into()));
        }
        let of_log = ("message.timestamp.type".to_owned(), "LogAppendTime".to_owned());
        Ok(Topic {
            name: spec.name.as_str().into(),
            made_ms: self.wall_ms,
            cleanup: spec.cleanup,
            log_append_time: spec.settings.contains(&of_log),
            partitions: (0..spec.partitions).map(|_| PartitionLog::default()).collect(),
        })
    }

    /// Adds a topic; groups that read it are balanced anew.
    pub(crate) fn add_topic(&mut self, topic: Topic) {
        let name = topic.name.clone();
        self.topics.insert(name.clone(), topic);
        self.balance(|_, group| group.reads_topic(&name));
    }

    /// Drops what retention and compaction let go.
    pub(crate) fn clean(&mut self) {
        let now_ms = self.wall_ms;
        for topic in self.topics.values_mut() {
            for partition in &mut topic.partitions {
                match topic.cleanup {
                    Cleanup::Compact => partition.compact(),
                    Cleanup::Delete(ms) => {
                        let ms = i64::try_from(ms).unwrap_or(i64::MAX);
                        partition.retain_since(now_ms.saturating_sub(ms));
                    }
                }
            }
        }
    }

    // === transactions ===

    /// Takes over a transactional id.
    pub(crate) fn claim(&mut self, id: &str, process: usize) -> Claim {
        self.mark(id);
        if let Some(writer) = self.writers.get_mut(id) {
            let epoch = writer.epoch;
            writer.process = process;
            self.give_up(id);
            return Claim { id: id.to_owned(), epoch: epoch + 1 };
        }
        let writer = Writer::new(self.number(), process);
        self.writers.insert(id.to_owned(), writer);
        Claim { id: id.to_owned(), epoch: 0 }
    }

    /// Aborts what a transactional id has open and fences its holder.
    pub(crate) fn give_up(&mut self, id: &str) {
        if let Some(writer) = self.writers.get_mut(id) {
            writer.epoch += 1;
            let claim = Claim { id: id.to_owned(), epoch: writer.epoch };
            // It cannot fail: the epoch is the newest.
            self.finish(&claim, false, false).ok();
        }
    }

    /// Adds a partition to the transaction.
    pub(crate) fn add_place(&mut self, claim: &Claim, at: &TopicPartition) -> Result<(), BusError> {
        self.place(at)?;
        self.mark(&claim.id);
        let now_ms = self.uptime_ms;
        self.writer(claim)?.open(now_ms).places.insert(at.clone());
        Ok(())
    }

    /// Appends a record. As on a broker, the partition does not ask whether the transaction is still known.
    pub(crate) fn append(&mut self, claim: &Claim, record: &Outgoing) -> Result<(), BusError> {
        let Outgoing { to, key, value, headers } = record.clone();
        if record.bytes() > RECORD_BYTES_MAX {
            return Err(BusError::Refused(format!("a record of {} bytes", record.bytes())));
        }
        let writer = self.writer(claim)?.number;
        let stamp_ms = self.stamp_ms(&to)?;
        self.place_mut(&to)?.append(writer, stamp_ms, Body { key, value, headers });
        Ok(())
    }

    /// Adds offsets, if the member and its generation are those of the group.
    pub(crate) fn add_offsets(
        &mut self,
        claim: &Claim,
        offsets: &[(TopicPartition, u64)],
        member: &LocalGroup,
    ) -> Result<(), BusError> {
        self.writer(claim)?;
        let group = self.groups.get(&member.group).filter(|group| group.has(member.member));
        match group.map(|group| group.generation) {
            None => return Err(BusError::Abortable("the group does not know the member".into())),
            Some(newer) if newer != member.generation => {
                return Err(BusError::Abortable(format!(
                    "generation {} is over, the group is at {newer}",
                    member.generation
                )));
            }
            Some(_) => {}
        }
        self.mark(&claim.id);
        let (now_ms, offsets_at) = (self.uptime_ms, self.number());
        let open = self.writer(claim)?.open(now_ms);
        open.offsets_at = offsets_at;
        let pending = open.offsets.entry(member.group.to_string()).or_default();
        pending.extend(offsets.iter().cloned());
        Ok(())
    }

    /// Ends the transaction: its records and its offsets come, or not. Without an open one, nothing happens.
    pub(crate) fn finish(
        &mut self,
        claim: &Claim,
        records: bool,
        offsets: bool,
    ) -> Result<(), BusError> {
        let writer = self.writer(claim)?;
        let number = writer.number;
        let Some(open) = writer.open.take() else { return Ok(()) };
        self.end(number, open, (records, offsets))
    }

    /// Commits, and tells so; the markers are written by a later time, or once the id is used again.
    pub(crate) fn decide(&mut self, claim: &Claim, until_ms: u64) -> Result<(), BusError> {
        self.mark(&claim.id);
        let writer = self.writer(claim)?;
        writer.decided = writer.open.take().map(|open| (open, until_ms));
        Ok(())
    }

    /// Writes the markers of what is decided.
    fn mark(&mut self, id: &str) {
        let Some(writer) = self.writers.get_mut(id) else { return };
        let number = writer.number;
        if let Some((open, _)) = writer.decided.take() {
            // It cannot fail: its partitions exist, since records stand in them.
            self.end(number, open, (true, true)).ok();
        }
    }

    fn end(&mut self, number: u64, open: Open, ends: (bool, bool)) -> Result<(), BusError> {
        let (records, offsets) = ends;
        for at in &open.places {
            let stamp_ms = self.stamp_ms(at)?;
            self.place_mut(at)?.finish(number, stamp_ms, records);
        }
        for (group, pending) in open.offsets.into_iter().filter(|_| offsets) {
            let group = self.groups.entry(group.as_str().into()).or_default();
            group.commit(open.offsets_at, pending);
        }
        Ok(())
    }

    /// What the open transaction will leave once it is committed.
    pub(crate) fn batch(&mut self, claim: &Claim) -> Result<Batch<'_>, BusError> {
        self.writer(claim)?;
        let mut batch = Batch::default();
        let Some(writer) = self.writers.get(&claim.id) else { return Ok(batch) };
        let Some(open) = &writer.open else { return Ok(batch) };
        for (group, pending) in &open.offsets {
            let group: Arc<str> = group.as_str().into();
            batch.offsets.extend(pending.iter().map(|(at, to)| (group.clone(), at.clone(), *to)));
        }
        let consumed = open.offsets.values().flat_map(BTreeMap::keys);
        let consumed = consumed.filter(|at| !open.places.contains(at));
        for at in open.places.iter().chain(consumed) {
            let Ok(place) = self.place(at) else { continue };
            let written = place.open_of(writer.number);
            let records: Vec<_> =
                written.map(|(e, body)| (e.offset, e.timestamp_ms, Cow::Borrowed(body))).collect();
            let marker = u64::from(open.places.contains(at));
            let next = place.end(Isolation::ReadUncommitted) + marker;
            batch.places.push(Kept { at: at.clone(), start: place.start(), next, records });
        }
        Ok(batch)
    }

    /// Puts back what a journal kept of a transaction.
    pub(crate) fn restore(&mut self, batch: Batch<'_>) -> Result<(), BusError> {
        for Kept { at, start, next, records } in batch.places {
            let place = self.place_mut(&at)?;
            place.restore_bounds(start, next);
            for (offset, timestamp_ms, body) in records {
                place.restore(Entry::committed(offset, timestamp_ms, body.into_owned()));
            }
        }
        for (group, at, offset) in batch.offsets {
            self.groups.entry(group).or_default().offsets.insert(at, offset);
        }
        Ok(())
    }

    /// Every committed offset: group, place and offset.
    pub(crate) fn all_offsets(&self) -> Vec<(Arc<str>, TopicPartition, u64)> {
        let groups = self.groups.iter();
        let of = |(id, group): (&Arc<str>, &Group)| -> Vec<_> {
            let offsets = group.offsets.iter();
            offsets.map(|(at, offset)| (id.clone(), at.clone(), *offset)).collect()
        };
        groups.flat_map(of).collect()
    }

    // === groups ===

    /// A group; one that nobody joined yet is empty.
    pub(crate) fn group(&mut self, id: &Arc<str>) -> &mut Group {
        self.groups.entry(id.clone()).or_default()
    }

    pub(crate) fn join(&mut self, id: &Arc<str>, process: usize, topics: &[Arc<str>]) -> u64 {
        let (member, now_ms) = (self.number(), self.uptime_ms);
        self.group(id).join(member, process, topics, now_ms);
        self.balance(|other, _| other == id);
        member
    }

    pub(crate) fn leave(&mut self, id: &Arc<str>, member: u64) {
        if self.group(id).remove(member) {
            self.balance(|other, _| other == id);
        }
    }

    /// Moves every partition of every group, where there are several members.
    pub(crate) fn rotate(&mut self) {
        self.groups.values_mut().for_each(Group::rotate);
    }

    /// Throws the members that a condition on process, last sign and last poll picks out of their groups.
    pub(crate) fn expel(&mut self, picks: impl Fn(usize, u64, u64) -> bool) {
        let gone = self.groups.iter().map(|(id, group)| (id.clone(), group.members_where(&picks)));
        let gone: Vec<_> = gone.collect();
        for (id, members) in gone {
            members.into_iter().for_each(|member| self.leave(&id, member));
        }
    }

    /// The stable committed offsets; an error while an open transaction holds one of them pending.
    pub(crate) fn committed(
        &mut self,
        id: &Arc<str>,
        places: &[TopicPartition],
    ) -> Result<Vec<Option<u64>>, BusError> {
        let open = self.writers.values().flat_map(Writer::unmarked);
        let pending: Vec<_> = open.filter_map(|open| open.offsets.get(&**id)).collect();
        if let Some(at) = places.iter().find(|at| pending.iter().any(|p| p.contains_key(at))) {
            return Err(BusError::Unavailable(format!("the offset of {at} is pending")));
        }
        let offsets = &self.group(id).offsets;
        Ok(places.iter().map(|at| offsets.get(at).copied()).collect())
    }

    // === time ===

    /// Lets time pass; members of `silent` processes give no sign of life meanwhile.
    pub(crate) fn advance(&mut self, ms: u64, silent: &[bool]) {
        self.uptime_ms += ms;
        self.wall_ms = self.wall_ms.saturating_add(i64::try_from(ms).unwrap_or(i64::MAX));
        let now_ms = self.uptime_ms;
        for (process, _) in silent.iter().enumerate().filter(|(_, silent)| !**silent) {
            self.groups.values_mut().for_each(|group| group.heartbeat(process, now_ms));
        }
        self.expel(|_, seen_ms, polled_ms| {
            now_ms - seen_ms > SESSION_MS || now_ms - polled_ms > POLL_MS
        });
        let swept_ms = now_ms - now_ms % SWEEP_MS;
        let over = |writer: &Writer| {
            writer.open.as_ref().is_some_and(|open| swept_ms > open.since_ms + TRANSACTION_MS)
        };
        self.ids_where(over).iter().for_each(|id| self.give_up(id));
        let due = |writer: &Writer| writer.decided.as_ref().is_some_and(|(_, ms)| *ms <= now_ms);
        self.ids_where(due).iter().for_each(|id| self.mark(id));
    }

    fn ids_where(&self, holds: impl Fn(&Writer) -> bool) -> Vec<String> {
        let found = self.writers.iter().filter(|(_, writer)| holds(writer));
        found.map(|(id, _)| id.clone()).collect()
    }

    /// Of a process: whether it has a transaction open, one with offsets, a partition under way; the size of the
    /// largest group.
    pub(crate) fn situation(&self, process: usize) -> (bool, bool, bool, usize) {
        let own = self.writers.values().filter(|writer| writer.process == process);
        let open: Vec<_> = own.filter_map(|writer| writer.open.as_ref()).collect();
        let offsets = open.iter().any(|open| !open.offsets.is_empty());
        let moves = self.groups.values().any(|group| group.moves(process));
        let members = self.groups.values().map(Group::n_members).max().unwrap_or(0);
        (!open.is_empty(), offsets, moves, members)
    }

    /// Hashes who has what open and who owns what: see `Memory::states`.
    pub(crate) fn shape(&self, into: &mut impl Hasher) {
        for (id, writer) in &self.writers {
            for open in writer.unmarked() {
                (id, &open.places).hash(into);
                open.offsets.values().flat_map(BTreeMap::keys).for_each(|at| at.hash(into));
            }
        }
        self.groups.values().for_each(|group| group.shape(into));
    }

    fn writer(&mut self, claim: &Claim) -> Result<&mut Writer, BusError> {
        let writer = self.writers.get_mut(&claim.id);
        writer.filter(|writer| writer.epoch == claim.epoch).ok_or_else(|| {
            BusError::Fenced(format!(
                "{} was taken over, or its transaction took too long",
                claim.id
            ))
        })
    }

    fn balance(&mut self, picks: impl Fn(&Arc<str>, &Group) -> bool) {
        let topics = self.topics.values();
        let sizes: BTreeMap<Arc<str>, u32> =
            topics.map(|topic| (topic.name.clone(), topic.n_partitions())).collect();
        for (id, group) in &mut self.groups {
            if picks(id, group) {
                group.balance(&sizes);
            }
        }
    }

    fn stamp_ms(&self, at: &TopicPartition) -> Result<i64, BusError> {
        let newest_ms = self.place(at)?.newest_ms();
        let of_log = self.topics.get(&at.topic).is_some_and(|topic| topic.log_append_time);
        Ok(if of_log { self.wall_ms.max(newest_ms) } else { self.wall_ms })
    }

    fn number(&mut self) -> u64 {
        self.given += 1;
        self.given
    }
}

impl Topic {
    pub(crate) fn n_partitions(&self) -> u32 {
        u32::try_from(self.partitions.len()).unwrap_or(u32::MAX)
    }

    pub(crate) fn info(&self) -> TopicInfo {
        TopicInfo {
            name: self.name.to_string(),
            id: format!("{}@{}", self.name, self.made_ms),
            partitions: self.n_partitions(),
            log_append_time: self.log_append_time,
            compacted: self.cleanup == Cleanup::Compact,
        }
    }
}

fn idx(at: &TopicPartition) -> usize {
    usize::try_from(at.partition).unwrap_or(usize::MAX)
}

fn missing(at: &TopicPartition) -> BusError {
    BusError::Refused(format!("there is no {at}"))
}
