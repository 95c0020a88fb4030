//! A member of a group in the log in one process. As with Kafka, it learns of rebalances only when it polls, and a
//! member that was thrown out keeps its old identity until it has answered `Lost`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::core::{Core, Edge, Handle};
use super::group::LocalGroup;
use crate::error::BusError;
use crate::memory::{Fault, Step};
use crate::record::{Isolation, Record, TopicPartition};
use crate::traits::{Consumer, GroupEvent};

/// Records that a member takes of one partition before it looks at the next one. One in the simulator: tests
/// want partitions interleaved.
const BURST: u32 = 256;

/// A member of a consumer group.
pub struct LocalConsumer {
    handle: Handle,
    topics: Vec<Arc<str>>,
    /// This member, as it knows itself.
    me: LocalGroup,
    /// The partitions given and not yet released; `None` until `assign`.
    places: BTreeMap<TopicPartition, Option<Position>>,
    /// Partitions told as revoked or lost, and not yet released.
    leaving: Vec<TopicPartition>,
    /// The partition read last, and how many records of it.
    last: Option<(TopicPartition, u32)>,
}

#[derive(Clone, Copy, Debug)]
struct Position {
    next: u64,
    paused: bool,
}

/// What a poll finds.
enum News {
    /// The group does not know this member, which holds no partitions.
    Join,
    Event(Step, GroupEvent),
    Error(BusError),
}

impl LocalConsumer {
    pub(crate) fn new(handle: &Handle, group: &str, topics: &[&str]) -> Result<Self, BusError> {
        let me = LocalGroup { group: group.into(), member: 0, generation: 0 };
        let topics = topics.iter().map(|&topic| topic.into()).collect();
        let (places, leaving) = (BTreeMap::new(), Vec::new());
        let mut consumer = Self { handle: handle.clone(), topics, me, places, leaving, last: None };
        consumer.join(&mut handle.lock())?;
        Ok(consumer)
    }

    fn join(&mut self, core: &mut Core) -> Result<(), BusError> {
        let (id, topics, process) = (&self.me.group, &self.topics, self.handle.process);
        let join = |core: &mut Core, _| Ok(core.engine.join(id, process, topics));
        self.me.member = core.step(process, Step::Join, join)?;
        self.me.generation = core.engine.group(&self.me.group).generation;
        self.handle.wake();
        Ok(())
    }

    fn peek(&self, core: &mut Core) -> Option<News> {
        let group = core.engine.group(&self.me.group);
        if !group.has(self.me.member) {
            if self.places.is_empty() {
                return Some(News::Join);
            }
            let lost = self.places.keys().filter(|at| !self.leaving.contains(at));
            let lost: Vec<_> = lost.cloned().collect();
            let event = || News::Event(Step::Lost, GroupEvent::Lost(lost.clone()));
            return (!lost.is_empty()).then(event);
        }
        let back = group.wanted_back(self.me.member);
        if !back.is_empty() {
            return Some(News::Event(Step::Revoked, GroupEvent::Revoked(back)));
        }
        let given = group.to_give(self.me.member);
        if !given.is_empty() {
            return Some(News::Event(Step::Assigned, GroupEvent::Assigned(given)));
        }
        self.peek_record(core)
    }

    /// The next record: of the partition read last for a while, then of the one after it.
    fn peek_record(&self, core: &Core) -> Option<News> {
        let burst = if matches!(core.edge, Edge::Simulated(_)) { 1 } else { BURST };
        let stays = self.last.as_ref().filter(|(_, n)| *n < burst).map(|(at, _)| at);
        let pivot = self.last.as_ref().map(|(at, _)| at);
        let after = self.places.iter().filter(|(at, _)| Some(*at) > pivot);
        let upto = self.places.iter().filter(|(at, _)| Some(*at) <= pivot);
        let first = self.places.iter().filter(|(at, _)| Some(*at) == stays);
        first.chain(after).chain(upto).find_map(|(at, position)| {
            let position = position.filter(|p| !p.paused && !self.leaving.contains(at))?;
            let log = core.engine.place(at).ok()?;
            let (offset, start) = (position.next, log.start());
            let end = log.end(Isolation::ReadUncommitted);
            if offset < start || offset > end {
                let (partition, start) = (at.clone(), offset.clamp(start, end));
                return Some(News::Error(BusError::OutOfRange { partition, offset, start }));
            }
            let (entry, body) = log.read(offset, Isolation::ReadCommitted)?;
            Some(News::Event(Step::Record, GroupEvent::Record(entry.record(at, body))))
        })
    }

    /// What the group and this member note when an event is delivered.
    fn deliver(&mut self, core: &mut Core, event: &GroupEvent) {
        let group = core.engine.group(&self.me.group);
        match event {
            GroupEvent::Record(Record { at, offset, .. }) => {
                if let Some(Some(position)) = self.places.get_mut(at) {
                    position.next = offset + 1;
                }
                let n = self.last.take().filter(|(last, _)| last == at).map_or(0, |(_, n)| n);
                self.last = Some((at.clone(), n + 1));
            }
            GroupEvent::Assigned(places) => {
                group.give(self.me.member, places);
                self.places.extend(places.iter().map(|at| (at.clone(), None)));
            }
            GroupEvent::Revoked(places) => {
                group.ask(self.me.member, places);
                self.leaving.extend(places.iter().cloned());
            }
            GroupEvent::Lost(places) => self.leaving.extend(places.iter().cloned()),
        }
    }

    fn each(
        &mut self,
        places: &[TopicPartition],
        set: impl Fn(&mut Position),
    ) -> Result<(), BusError> {
        self.handle.lock().check(self.handle.process)?;
        for at in places {
            let position = self.places.get_mut(at).and_then(Option::as_mut);
            set(position.ok_or_else(|| BusError::Refused(format!("{at} is not assigned")))?);
        }
        Ok(())
    }
}

impl Consumer for LocalConsumer {
    type Group = LocalGroup;

    fn poll(&mut self, timeout: Duration) -> Result<Option<GroupEvent>, BusError> {
        let handle = self.handle.clone();
        let process = handle.process;
        let mut news = None;
        let mut core = handle.wait(timeout, |core| {
            news = self.peek(core);
            news.is_some()
        });
        core.check(process)?;
        let now_ms = core.engine.uptime_ms;
        let group = core.engine.group(&self.me.group);
        group.polled(self.me.member, now_ms);
        self.me.generation = group.generation;
        match news {
            None => Ok(None),
            Some(News::Join) => self.join(&mut core).map(|()| None),
            Some(News::Error(error)) => {
                if let BusError::OutOfRange { partition, .. } = &error {
                    self.places.insert(partition.clone(), None);
                }
                Err(error)
            }
            Some(News::Event(Step::Record, _)) if core.is_slow(process) => Ok(None),
            Some(News::Event(step, event)) => core.step(process, step, |core, _| {
                self.deliver(core, &event);
                Ok(Some(event))
            }),
        }
    }

    fn assign(&mut self, starts: &[(TopicPartition, u64)]) -> Result<(), BusError> {
        self.handle.step(Step::Assign, |_, _| {
            for (at, next) in starts {
                let place = self.places.get_mut(at);
                let place =
                    place.ok_or_else(|| BusError::Refused(format!("{at} was not given")))?;
                *place = Some(Position { next: *next, paused: true });
            }
            Ok(())
        })
    }

    fn release(&mut self, partitions: &[TopicPartition]) -> Result<(), BusError> {
        self.handle.step(Step::Release, |core, _| {
            core.engine.group(&self.me.group).release(self.me.member, partitions);
            self.places.retain(|at, _| !partitions.contains(at));
            self.leaving.retain(|at| !partitions.contains(at));
            Ok(())
        })
    }

    fn pause(&mut self, partitions: &[TopicPartition]) -> Result<(), BusError> {
        self.each(partitions, |position| position.paused = true)
    }

    fn resume(&mut self, partitions: &[TopicPartition]) -> Result<(), BusError> {
        self.each(partitions, |position| position.paused = false)
    }

    fn committed(
        &mut self,
        partitions: &[TopicPartition],
        timeout: Duration,
    ) -> Result<Vec<Option<u64>>, BusError> {
        let id = &self.me.group;
        let ready = |core: &mut Core| core.engine.committed(id, partitions).is_ok();
        let mut core = self.handle.wait(timeout, ready);
        core.step(self.handle.process, Step::Committed, |core, fault| {
            let offsets = core.engine.committed(id, partitions)?;
            let absent = fault == Some(Fault::NoOffset);
            Ok(offsets.into_iter().map(|offset| offset.filter(|_| !absent)).collect())
        })
    }

    fn group(&self) -> Result<LocalGroup, BusError> {
        self.handle.lock().check(self.handle.process)?;
        Ok(self.me.clone())
    }
}

impl Drop for LocalConsumer {
    /// Leaves the group, unless the process died.
    fn drop(&mut self) {
        let mut core = self.handle.raw();
        if core.check(self.handle.process) != Err(BusError::Killed) {
            core.engine.leave(&self.me.group, self.me.member);
            drop(core);
            self.handle.wake();
        }
    }
}
