//! A member of a consumer group. librdkafka rebalances within `poll`: what it asks is kept there and becomes an
//! event, and only the caller's `assign` and `release` answer it, so that a batch can be drained in between.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Display;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{
    BaseConsumer, Consumer as _, ConsumerContext, ConsumerGroupMetadata, RebalanceProtocol,
};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::Message;
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{ClientContext, Offset, TopicPartitionList};

use crate::error::BusError;
use crate::kafka::failure;
use crate::kafka::read::{ASK, bounds, checked, is_out_of_range, list, record, unsigned};
use crate::kafka::settings::{Kafka, Kind};
use crate::kafka::voice::{Voice, now};
use crate::record::TopicPartition;
use crate::traits::{Consumer, GroupEvent};

/// How long a member that leaves waits for a question that takes the place of another.
const QUIET: Duration = Duration::from_millis(100);

/// A member's identity and generation.
#[derive(Clone)]
pub struct Member(pub(super) Arc<ConsumerGroupMetadata>);

/// A member of a consumer group. A drop leaves the group.
pub struct KafkaConsumer {
    client: BaseConsumer<Membership>,
    /// Topic names, so that records share them.
    topics: Vec<Arc<str>>,
    slots: BTreeMap<TopicPartition, Slot>,
    /// What must go, and what of it the caller did not release yet: one answer ends the question.
    revoked: Option<(Vec<TopicPartition>, Vec<TopicPartition>)>,
    /// librdkafka refused an offset and did not say which: all are to be looked at from then on, until none is out of
    /// range.
    doubtful: Option<Instant>,
}

/// A partition that we were given.
#[derive(Debug)]
struct Slot {
    next: u64,
    paused: bool,
}

/// What librdkafka calls back into.
struct Membership {
    voice: Voice,
    events: Mutex<VecDeque<GroupEvent>>,
    /// librdkafka waits for an answer.
    is_asked: AtomicBool,
    has_joined: AtomicBool,
    is_leaving: AtomicBool,
}

impl ClientContext for Membership {
    fn log(&self, level: RDKafkaLogLevel, topic: &str, text: &str) {
        self.voice.say(level, topic, text);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.voice.note(&error, reason);
    }

    fn stats_raw(&self, _statistics: &[u8]) {}
}

impl ConsumerContext for Membership {
    fn rebalance(
        &self,
        client: &BaseConsumer<Self>,
        what: RDKafkaRespErr,
        partitions: &mut TopicPartitionList,
    ) {
        let assign = what == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
        self.is_asked.store(true, Ordering::Relaxed);
        self.has_joined.fetch_or(assign, Ordering::Relaxed);
        if self.is_leaving.load(Ordering::Relaxed) {
            return;
        }
        if partitions.count() == 0 {
            let kept = if assign { add(client, partitions) } else { unassign(client, partitions) };
            self.is_asked.store(false, Ordering::Relaxed);
            self.tell(kept);
            return;
        }
        let partitions = named(partitions);
        self.events.lock().unwrap_or_else(PoisonError::into_inner).push_back(match assign {
            true => GroupEvent::Assigned(partitions),
            false if client.assignment_lost() => GroupEvent::Lost(partitions),
            false => GroupEvent::Revoked(partitions),
        });
    }
}

impl Membership {
    fn tell<E: Display>(&self, outcome: Result<(), E>) {
        if let Err(error) = outcome {
            self.voice.say(RDKafkaLogLevel::Warning, "REBALANCE", &error.to_string());
        }
    }
}

/// Adds partitions to the assignment; an eager protocol knows only whole assignments, so all must be named.
fn add(client: &BaseConsumer<Membership>, list: &TopicPartitionList) -> KafkaResult<()> {
    match client.rebalance_protocol() {
        RebalanceProtocol::Cooperative => client.incremental_assign(list),
        RebalanceProtocol::Eager | RebalanceProtocol::None => client.assign(list),
    }
}

fn unassign(client: &BaseConsumer<Membership>, list: &TopicPartitionList) -> KafkaResult<()> {
    match client.rebalance_protocol() {
        RebalanceProtocol::Cooperative => client.incremental_unassign(list),
        RebalanceProtocol::Eager | RebalanceProtocol::None => client.unassign(),
    }
}

fn named(list: &TopicPartitionList) -> Vec<TopicPartition> {
    let elements = list.elements();
    let named = elements.iter().map(|element| {
        TopicPartition::new(element.topic(), u32::try_from(element.partition()).unwrap_or(0))
    });
    named.collect()
}

impl KafkaConsumer {
    pub(super) fn join(kafka: &Kafka, group: &str, topics: &[&str]) -> Result<Self, BusError> {
        for topic in topics {
            checked(topic)?;
        }
        let mut config = kafka.config(Kind::Member);
        config.set("group.id", group);
        let client: BaseConsumer<Membership> = config
            .create_with_context(Membership {
                voice: Voice::new("consumer"),
                events: Mutex::default(),
                is_asked: AtomicBool::new(false),
                has_joined: AtomicBool::new(false),
                is_leaving: AtomicBool::new(false),
            })
            .map_err(|error| failure::of(&error))?;
        client.subscribe(topics).map_err(|error| failure::of(&error))?;
        let topics = topics.iter().map(|topic| Arc::from(*topic)).collect();
        Ok(Self { client, topics, slots: BTreeMap::new(), revoked: None, doubtful: None })
    }

    /// Takes the next question of the group, and stops the records of what shall go.
    fn heard(&mut self) -> Option<GroupEvent> {
        let events = &self.client.context().events;
        let event = events.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        if let Some(GroupEvent::Revoked(partitions) | GroupEvent::Lost(partitions)) = &event {
            self.revoked = Some((partitions.clone(), partitions.clone()));
            let paused = self.pause(partitions);
            self.client.context().tell(paused);
        }
        event
    }

    /// Sorts an error.
    fn failed(&mut self, error: &KafkaError) -> Result<(), BusError> {
        if let Some((code, text)) = self.client.client().fatal_error() {
            return Err(match failure::of_code(code, text) {
                BusError::Unavailable(text) => BusError::Refused(text),
                other => other,
            });
        }
        if !is_out_of_range(error) {
            return Err(self.client.context().voice.sort(error));
        }
        self.doubtful = Some(now());
        self.look_at_offsets()
    }

    /// Finds a partition that stands where its log has nothing. librdkafka reports each once at most, without its
    /// name, and not at all one that was moved while its refusal was on the way: so one is told a call, until none is
    /// left. A partition whose leader is away is looked at later, and keeps no other from being read.
    fn look_at_offsets(&mut self) -> Result<(), BusError> {
        if self.doubtful.is_none_or(|since| now() < since) {
            return Ok(());
        }
        let mut away = None;
        for (at, slot) in &self.slots {
            match bounds(&self.client, at) {
                // What is not yet stable may lie behind `next`, but none of it was consumed.
                Ok((start, next)) if slot.next < start || slot.next > next => {
                    let (partition, offset) = (at.clone(), slot.next);
                    let start = offset.clamp(start, next);
                    return Err(BusError::OutOfRange { partition, offset, start });
                }
                Ok(_) => {}
                Err(error @ BusError::Unavailable(_)) => {
                    away = Some(error);
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        // They exist by now; but librdkafka stands still until told where to go on.
        for (at, slot) in &self.slots {
            self.seek(at, slot.next)?;
        }
        self.doubtful = away.is_some().then(|| now() + ASK);
        away.map_or(Ok(()), Err)
    }

    /// Moves a partition. librdkafka fetches nothing more of one whose offset was refused, and seeks in none that it does
    /// not fetch: that one is taken anew.
    fn seek(&self, at: &TopicPartition, next: u64) -> Result<(), BusError> {
        let offset = Offset::Offset(i64::try_from(next).unwrap_or(i64::MAX));
        let partition = i32::try_from(at.partition).unwrap_or(i32::MAX);
        match self.client.seek(&at.topic, partition, offset, ASK) {
            Err(KafkaError::Seek(_)) => self.take_anew(at, next),
            sought => sought.map_err(|error| failure::of(&error)),
        }
    }

    fn take_anew(&self, at: &TopicPartition, next: u64) -> Result<(), BusError> {
        let own = list([(at, Some(next))])?;
        let taken = match self.client.rebalance_protocol() {
            RebalanceProtocol::Cooperative => self
                .client
                .incremental_unassign(&own)
                .and_then(|()| self.client.incremental_assign(&own)),
            RebalanceProtocol::Eager | RebalanceProtocol::None => {
                let others = self.slots.iter().filter(|(other, _)| *other != at);
                let others = others.map(|(other, slot)| (other, Some(slot.next)));
                self.client.assign(&list(others.chain([(at, Some(next))]))?)
            }
        };
        taken.map_err(|error| failure::of(&error))?;
        let paused = self.slots.iter().filter(|(_, slot)| slot.paused);
        let paused = list(paused.map(|(at, _)| (at, None)))?;
        self.client.pause(&paused).map_err(|error| failure::of(&error))
    }

    fn mark(&mut self, partitions: &[TopicPartition], paused: bool) {
        for at in partitions {
            if let Some(slot) = self.slots.get_mut(at) {
                slot.paused = paused;
            }
        }
    }
}

impl Consumer for KafkaConsumer {
    type Group = Member;

    fn poll(&mut self, timeout: Duration) -> Result<Option<GroupEvent>, BusError> {
        if let Some(event) = self.heard() {
            return Ok(Some(event));
        }
        self.look_at_offsets()?;
        let found = match self.client.poll(timeout) {
            Some(Ok(message)) => {
                let shared = self.topics.iter().find(|topic| ***topic == *message.topic());
                let at = TopicPartition {
                    topic: shared.map_or_else(|| Arc::from(message.topic()), Arc::clone),
                    partition: u32::try_from(message.partition()).unwrap_or(0),
                };
                // What is not ours (any more) is not for us to see.
                self.slots.get_mut(&at).map(|slot| {
                    slot.next = unsigned(message.offset()) + 1;
                    GroupEvent::Record(record(&message, at))
                })
            }
            Some(Err(error)) => {
                self.failed(&error)?;
                None
            }
            None => None,
        };
        Ok(found.or_else(|| self.heard()))
    }

    fn assign(&mut self, starts: &[(TopicPartition, u64)]) -> Result<(), BusError> {
        let (known, new): (Vec<_>, Vec<_>) =
            starts.iter().cloned().partition(|(at, _)| self.slots.contains_key(at));
        let moved: Vec<_> = known.iter().map(|(at, _)| at.clone()).collect();
        self.pause(&moved)?;
        for (at, next) in known {
            self.seek(&at, next)?;
            self.slots.insert(at, Slot { next, paused: true });
        }
        let added = new.iter().map(|(at, next)| (at.clone(), Slot { next: *next, paused: true }));
        self.slots.extend(added);
        let whole = match self.client.rebalance_protocol() {
            RebalanceProtocol::Cooperative => list(new.iter().map(|(at, next)| (at, Some(*next))))?,
            _ if new.is_empty() => return Ok(()),
            _ => list(self.slots.iter().map(|(at, slot)| (at, Some(slot.next))))?,
        };
        add(&self.client, &whole).map_err(|error| failure::of(&error))?;
        self.client.context().is_asked.store(false, Ordering::Relaxed);
        let paused = self.slots.iter().filter(|(_, slot)| slot.paused);
        let paused = list(paused.map(|(at, _)| (at, None)))?;
        self.client.pause(&paused).map_err(|error| failure::of(&error))
    }

    fn release(&mut self, partitions: &[TopicPartition]) -> Result<(), BusError> {
        self.slots.retain(|at, _| !partitions.contains(at));
        let Some((all, left)) = &mut self.revoked else { return Ok(()) };
        left.retain(|at| !partitions.contains(at));
        if !left.is_empty() {
            return Ok(());
        }
        let all = list(all.iter().map(|at| (at, None)))?;
        unassign(&self.client, &all).map_err(|error| failure::of(&error))?;
        self.client.context().is_asked.store(false, Ordering::Relaxed);
        self.revoked = None;
        Ok(())
    }

    fn pause(&mut self, partitions: &[TopicPartition]) -> Result<(), BusError> {
        self.mark(partitions, true);
        let list = list(partitions.iter().map(|at| (at, None)))?;
        self.client.pause(&list).map_err(|error| failure::of(&error))
    }

    fn resume(&mut self, partitions: &[TopicPartition]) -> Result<(), BusError> {
        self.mark(partitions, false);
        let list = list(partitions.iter().map(|at| (at, None)))?;
        self.client.resume(&list).map_err(|error| failure::of(&error))
    }

    fn committed(
        &mut self,
        partitions: &[TopicPartition],
        timeout: Duration,
    ) -> Result<Vec<Option<u64>>, BusError> {
        let asked = list(partitions.iter().map(|at| (at, None)))?;
        let found = self.client.committed_offsets(asked, timeout);
        found.and_then(|found| offsets(&found)).map_err(|error| failure::of(&error))
    }

    fn group(&self) -> Result<Member, BusError> {
        let member = self.client.group_metadata();
        let member = member.ok_or_else(|| BusError::Unavailable("no membership yet".to_owned()))?;
        Ok(Member(Arc::new(member)))
    }

    fn has_joined(&self) -> bool {
        let membership = self.client.context();
        let events = membership.events.lock().unwrap_or_else(PoisonError::into_inner);
        membership.has_joined.load(Ordering::Relaxed) && events.is_empty()
    }
}

/// The committed offsets of a list, in its order.
fn offsets(list: &TopicPartitionList) -> KafkaResult<Vec<Option<u64>>> {
    let elements = list.elements();
    let offset = elements.iter().map(|element| {
        element.error()?;
        Ok(match element.offset() {
            Offset::Offset(offset) => Some(unsigned(offset)),
            _ => None,
        })
    });
    offset.collect()
}

impl Drop for KafkaConsumer {
    /// Closes as librdkafka wants it: each of its questions answered, and only once. A close may put a question in
    /// the place of another, which stays in the queue; an answer to a group that has closed is waited for for ever.
    fn drop(&mut self) {
        let membership = self.client.context();
        membership.is_leaving.store(true, Ordering::Relaxed);
        membership.tell(self.client.close_queue());
        while !self.client.closed() {
            let was_asked = membership.is_asked.load(Ordering::Relaxed);
            let is_quiet = self.client.poll(QUIET).is_none();
            if was_asked && is_quiet && !self.client.closed() {
                membership.is_asked.store(false, Ordering::Relaxed);
                membership.tell(self.client.unassign());
            }
        }
    }
}
