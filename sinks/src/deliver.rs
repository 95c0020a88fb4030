//! Delivery of security event tokens to one receiver: a consumer of the topic of tokens whose committed offsets are what
//! was delivered. An offset passes a token only once the receiver has it or has refused it for good; whoever takes over
//! after a crash sends the rest again, the same bytes with the same `jti`. Tokens of one subject share a partition and
//! leave in its order, one at a time; a slow receiver holds back nobody but itself.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bus::{
    Bus, BusError, Consumer, GroupEvent, Isolation, Outgoing, Producer, Record, TopicPartition,
    partition,
};
use schemas::EventTime;
use schemas::header::DeadLetterHeaders;
use schemas::reject::{ErrorCode, Stage};

use crate::push::{Answer, Pusher};

/// How long one look waits for a record where nothing is to be sent.
const WAIT: Duration = Duration::from_millis(100);
/// How long a call on the log may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Tokens of a partition that wait here; more stay on the log.
const QUEUE_MAX: usize = 32;
/// Tokens that are delivered before their offsets are committed, where more are waiting.
const COMMIT_EVERY: u32 = 16;
/// Milliseconds after which offsets that pass only other receivers' tokens are committed.
const PASS_MS: i64 = 5_000;
/// The first wait after a failure, and the longest.
const BACKOFF_MS: i64 = 250;
const BACKOFF_MS_MAX: i64 = 30_000;

/// What a delivery says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A token was accepted.
    Accepted,
    /// A token was refused for good, for this reason.
    Refused(&'static str),
    /// A token was not taken and will be sent again.
    Retried,
    /// Age in milliseconds of the oldest token that is not delivered; 0 where none waits.
    Lag(i64),
}

/// Which tokens go to whom, and what stands for it on the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Name of the receiver, as the records' headers say it.
    pub receiver: String,
    /// Name of that header.
    pub header: &'static str,
    /// The consumer group of the delivery.
    pub group: String,
    /// Its transactional id: one for each process.
    pub id: String,
    /// The topic of tokens.
    pub topic: Arc<str>,
    /// The topic of dead letters, and its partitions.
    pub dead_letters: (Arc<str>, u32),
}

/// All that a delivery needs but the log.
pub struct Delivery {
    /// Which tokens go to whom.
    pub route: Route,
    /// The way there.
    pub pusher: Pusher,
    /// The wall clock in milliseconds.
    pub clock: fn() -> i64,
    /// Hears what it says of itself.
    pub tell: Box<dyn Fn(Notice) + Send + Sync>,
}

/// One partition on its way to the receiver.
struct Line {
    /// What is read and not delivered.
    queue: VecDeque<Record>,
    /// Where a takeover would begin.
    next: u64,
    /// The same as committed.
    committed: u64,
    /// How often its first token was sent in vain.
    attempts: u32,
    /// When that is sent.
    due_ms: i64,
    /// Refused tokens whose offsets are not committed.
    letters: Vec<Outgoing>,
    paused: bool,
}

/// A delivery at work.
pub struct Deliverer<'d, B: Bus> {
    delivery: &'d Delivery,
    bus: B,
    consumer: B::Consumer,
    producer: B::Producer,
    lines: BTreeMap<TopicPartition, Line>,
    /// Tokens done since the last commit.
    n_done: u32,
    commit_due_ms: i64,
}

// === impl Deliverer ===

impl<'d, B: Bus> Deliverer<'d, B> {
    /// Takes the delivery over from whoever had it before.
    pub fn new(bus: B, delivery: &'d Delivery) -> Result<Self, BusError> {
        let route = &delivery.route;
        let producer = bus.producer(&route.id, TIMEOUT)?;
        let consumer = bus.consumer(&route.group, &[&route.topic])?;
        let lines = BTreeMap::new();
        Ok(Self { delivery, bus, consumer, producer, lines, n_done: 0, commit_due_ms: 0 })
    }

    /// Takes the next step: hears the group, sends at most one token, commits what is due. After an error it is of no
    /// further use: a new one goes on from what is committed.
    pub fn step(&mut self) -> Result<(), BusError> {
        let idle = self.due((self.delivery.clock)()).is_none();
        match self.consumer.poll(if idle { WAIT } else { Duration::ZERO }) {
            Ok(Some(GroupEvent::Record(record))) => {
                if let Some(line) = self.lines.get_mut(&record.at) {
                    line.queue.push_back(record);
                }
            }
            Ok(Some(GroupEvent::Assigned(partitions))) => self.assign(&partitions)?,
            Ok(Some(GroupEvent::Revoked(partitions))) => {
                self.commit()?;
                self.release(&partitions)?;
            }
            Ok(Some(GroupEvent::Lost(partitions))) => self.release(&partitions)?,
            Ok(None) | Err(BusError::Unavailable(_)) => {}
            Err(error) => return Err(error),
        }
        self.pass_over();
        let now_ms = (self.delivery.clock)();
        if let Some(at) = self.due(now_ms) {
            self.push(&at, now_ms);
            self.pass_over();
        }
        self.flow()?;
        let now_ms = (self.delivery.clock)();
        let more = self.due(now_ms).is_some() && self.n_done < COMMIT_EVERY;
        if self.commit_due_ms <= now_ms && (0 < self.n_done && !more || self.passes_only(now_ms)) {
            self.commit()?;
        }
        let oldest = self.lines.values().filter_map(|line| line.queue.front());
        let oldest = oldest.map(|record| now_ms.saturating_sub(record.timestamp_ms)).max();
        (self.delivery.tell)(Notice::Lag(oldest.unwrap_or(0).max(0)));
        Ok(())
    }

    /// Ends it: what is delivered is committed.
    pub fn end(mut self) -> Result<(), BusError> {
        self.commit()
    }

    fn assign(&mut self, partitions: &[TopicPartition]) -> Result<(), BusError> {
        let committed = self.consumer.committed(partitions, TIMEOUT)?;
        let mut admin = self.bus.admin()?;
        let mut starts = Vec::with_capacity(partitions.len());
        for (at, committed) in partitions.iter().zip(committed) {
            let (low, _) = admin.bounds(at, Isolation::ReadCommitted)?;
            if let Some(lost) = committed.and_then(|next| low.checked_sub(next)).filter(|n| 0 < *n)
            {
                let receiver = &self.delivery.route.receiver;
                tracing::error!("{lost} records of {at} left before {receiver} had its tokens");
            }
            starts.push((at.clone(), committed.unwrap_or(low).max(low)));
        }
        self.consumer.assign(&starts)?;
        self.consumer.resume(partitions)?;
        let line = |(at, next)| {
            let line = Line {
                queue: VecDeque::new(),
                next,
                committed: next,
                attempts: 0,
                due_ms: 0,
                letters: Vec::new(),
                paused: false,
            };
            (at, line)
        };
        self.lines.extend(starts.into_iter().map(line));
        Ok(())
    }

    fn release(&mut self, partitions: &[TopicPartition]) -> Result<(), BusError> {
        self.lines.retain(|at, _| !partitions.contains(at));
        self.consumer.release(partitions)
    }

    /// Passes the tokens of other receivers.
    fn pass_over(&mut self) {
        let route = &self.delivery.route;
        for line in self.lines.values_mut() {
            while let Some(record) = line.queue.pop_front_if(|record| !is_ours(record, route)) {
                line.next = record.offset + 1;
            }
        }
    }

    /// The partition whose first token has been due for longest.
    fn due(&self, now_ms: i64) -> Option<TopicPartition> {
        let due = self.lines.iter().filter(|(_, l)| !l.queue.is_empty() && l.due_ms <= now_ms);
        due.min_by_key(|(_, line)| line.due_ms).map(|(at, _)| at.clone())
    }

    fn push(&mut self, at: &TopicPartition, now_ms: i64) {
        let Some(line) = self.lines.get_mut(at) else { return };
        let Some(record) = line.queue.front() else { return };
        let Delivery { route, pusher, clock, tell } = self.delivery;
        let answer = pusher.push(record.value.as_deref().unwrap_or_default(), now_ms);
        let (receiver, now_ms) = (&route.receiver, clock());
        let notice = match answer {
            Answer::Accepted => {
                if 0 < line.attempts {
                    tracing::info!("{receiver} takes tokens again");
                }
                Notice::Accepted
            }
            Answer::Refused { code, description } => {
                tracing::error!("{receiver} refuses a token: {code}: {description}");
                let attempt = line.attempts.saturating_add(1);
                let message = format!("failed to deliver to {receiver}: {code}: {description}");
                line.letters.extend(letter(route, record, (attempt, now_ms), message));
                Notice::Refused(code)
            }
            Answer::Later { why, after } => {
                if line.attempts == 0 {
                    tracing::warn!("{receiver} takes no token now, it is sent again: {why}");
                }
                let doubled = BACKOFF_MS.saturating_mul(1 << line.attempts.min(16));
                let asked = after.map_or(0, |after| i64::try_from(after.as_millis()).unwrap_or(0));
                let wait_ms = doubled.min(BACKOFF_MS_MAX).max(asked);
                line.due_ms = now_ms.saturating_add(wait_ms);
                line.attempts = line.attempts.saturating_add(1);
                tell(Notice::Retried);
                return;
            }
        };
        line.next = record.offset + 1;
        (line.attempts, line.due_ms) = (0, now_ms);
        line.queue.pop_front();
        self.n_done += 1;
        tell(notice);
    }

    /// Stops the records of partitions of which enough are waiting, and lets those of others come.
    fn flow(&mut self) -> Result<(), BusError> {
        for (at, line) in &mut self.lines {
            if !line.paused && QUEUE_MAX <= line.queue.len() {
                self.consumer.pause(std::slice::from_ref(at))?;
                line.paused = true;
            } else if line.paused && line.queue.len() <= QUEUE_MAX / 2 {
                self.consumer.resume(std::slice::from_ref(at))?;
                line.paused = false;
            }
        }
        Ok(())
    }

    fn passes_only(&self, now_ms: i64) -> bool {
        self.commit_due_ms.saturating_add(PASS_MS) <= now_ms
            && self.lines.values().any(|line| line.committed < line.next)
    }

    /// Commits how far each partition is, with the dead letters of what was refused.
    fn commit(&mut self) -> Result<(), BusError> {
        let moved = self.lines.iter().filter(|(_, line)| line.committed < line.next);
        let offsets: Vec<_> = moved.map(|(at, line)| (at.clone(), line.next)).collect();
        if offsets.is_empty() {
            self.n_done = 0;
            return Ok(());
        }
        let group = self.consumer.group()?;
        match self.transact(&offsets, &group) {
            Ok(()) => {
                for line in self.lines.values_mut() {
                    line.committed = line.next;
                    line.letters.clear();
                }
                (self.n_done, self.commit_due_ms) = (0, (self.delivery.clock)());
                Ok(())
            }
            Err(BusError::Abortable(reason)) => {
                // The group moves on meanwhile; what is delivered is committed after its next word.
                tracing::debug!("offsets of tokens are committed again: {reason}");
                self.commit_due_ms = (self.delivery.clock)() + BACKOFF_MS;
                self.producer.abort()
            }
            Err(error) => Err(error),
        }
    }

    fn transact(
        &mut self,
        offsets: &[(TopicPartition, u64)],
        group: &B::Group,
    ) -> Result<(), BusError> {
        self.producer.begin()?;
        for letter in self.lines.values().flat_map(|line| &line.letters) {
            self.producer.send(letter)?;
        }
        self.producer.offsets(offsets, group)?;
        self.producer.commit()?;
        if self.producer.is_doubtful() {
            return Err(BusError::Doubtful("a late commit is possible".to_owned()));
        }
        Ok(())
    }
}

/// Delivers until told to stop, whatever happens to log and receiver meanwhile.
pub fn deliver<B: Bus>(bus: &B, delivery: &Delivery, stop: &AtomicBool) {
    let receiver = &delivery.route.receiver;
    let (mut at_work, mut warned): (Option<Deliverer<'_, B>>, bool) = (None, false);
    while !stop.load(Ordering::Relaxed) {
        let step = match &mut at_work {
            Some(deliverer) => deliverer.step().map(|()| warned = false),
            empty => Deliverer::new(bus.clone(), delivery).map(|new| *empty = Some(new)),
        };
        if let Err(error) = step {
            if !warned {
                tracing::warn!("delivery to {receiver} begins again: failed to {error}");
            }
            (at_work, warned) = (None, true);
            std::thread::sleep(WAIT * 10);
        }
    }
    if let Some(Err(error)) = at_work.map(Deliverer::end) {
        tracing::info!("the last tokens to {receiver} will be sent again: failed to {error}");
    }
}

fn is_ours(record: &Record, route: &Route) -> bool {
    let named = record.headers.iter().rev().find(|(name, _)| name == route.header);
    record.value.is_some() && named.is_some_and(|(_, id)| id == route.receiver.as_bytes())
}

fn letter(
    route: &Route,
    record: &Record,
    (attempt, now_ms): (u32, i64),
    message: String,
) -> Option<Outgoing> {
    let mut headers = record.headers.clone();
    let mut time = [now_ms, record.timestamp_ms].into_iter();
    let reason = DeadLetterHeaders {
        topic: record.at.topic.to_string(),
        partition: record.at.partition,
        offset: record.offset,
        timestamp_ms: record.timestamp_ms,
        index: 0,
        stage: Stage::Produce,
        code: ErrorCode::ReceiverRefused,
        message,
        path: String::new(),
        format: None,
        attempt,
        time: time.find_map(|ms| EventTime::from_millis(ms).ok())?,
        app_version: env!("CARGO_PKG_VERSION").to_owned(),
        app_instance: route.id.clone(),
    };
    headers.extend(reason.encode());
    let (topic, partitions) = &route.dead_letters;
    let at = partition(record.key.as_deref().unwrap_or_default(), *partitions);
    Some(Outgoing {
        to: TopicPartition::new(Arc::clone(topic), at),
        key: record.key.clone(),
        value: record.value.clone(),
        headers,
    })
}
