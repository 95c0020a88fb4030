//! What the decision point knows: the trust topic, read whole and followed, in a group of its own that commits nothing.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use alerting::access::TableError;
use bus::{Bus, BusError, Consumer, GroupEvent, Isolation, Record, TopicPartition};
use telemetry::AccessPoint;

/// How long one look waits for a record.
const WAIT: Duration = Duration::from_millis(100);
/// How often the brokers are asked whether more is there than was read, in milliseconds.
const ASK_MS: i64 = 2_000;
/// How long nothing must come before nothing is left, in milliseconds: longer than a first fetch takes.
const IDLE_MS: i64 = 5_000;

/// Follows the trust of every actor.
pub struct TrustFollower<B: Bus> {
    bus: B,
    consumer: B::Consumer,
    /// Next offset of each partition.
    next: BTreeMap<TopicPartition, u64>,
    /// Ends that the brokers told, until all that lies before them is read.
    ends: Option<Vec<(TopicPartition, u64)>>,
    asked_ms: i64,
    /// Since when nothing came.
    idle_since_ms: Option<i64>,
    /// Whether the table had no room for an agent: then what is not in it is not known to be new.
    overflown: bool,
}

// === impl TrustFollower ===

impl<B: Bus> TrustFollower<B> {
    /// From the beginning of a topic, as a member of a group that has no other.
    pub fn new(bus: B, group: &str, topic: &str) -> Result<Self, BusError> {
        let consumer = bus.consumer(group, &[topic])?;
        Ok(Self {
            bus,
            consumer,
            next: BTreeMap::new(),
            ends: None,
            asked_ms: i64::MIN,
            idle_since_ms: None,
            overflown: false,
        })
    }

    /// Takes the next step: a record, a change of the group, or a look at how far the topic goes.
    pub fn step(&mut self, point: &AccessPoint, now_ms: i64) -> Result<(), BusError> {
        let event = self.consumer.poll(WAIT)?;
        self.idle_since_ms = match event {
            None => self.idle_since_ms.or(Some(now_ms)),
            Some(_) => None,
        };
        match event {
            Some(GroupEvent::Record(record)) => self.take_up(&record, point),
            Some(GroupEvent::Assigned(partitions)) => self.assign(&partitions)?,
            Some(GroupEvent::Revoked(partitions) | GroupEvent::Lost(partitions)) => {
                self.consumer.release(&partitions)?;
                self.next.retain(|at, _| !partitions.contains(at));
                self.ends = None;
            }
            None => {}
        }
        self.confirm(point, now_ms)
    }

    fn assign(&mut self, partitions: &[TopicPartition]) -> Result<(), BusError> {
        let mut admin = self.bus.admin()?;
        let start =
            |at: &TopicPartition| Ok((at.clone(), admin.bounds(at, Isolation::ReadCommitted)?.0));
        let starts = partitions.iter().map(start).collect::<Result<Vec<_>, BusError>>()?;
        self.consumer.assign(&starts)?;
        self.consumer.resume(partitions)?;
        self.next.extend(starts);
        self.ends = None;
        Ok(())
    }

    fn take_up(&mut self, record: &Record, point: &AccessPoint) {
        self.next.insert(record.at.clone(), record.offset + 1);
        let key = record.key.as_deref().unwrap_or_default();
        let mut taken = Ok(());
        point.change(|table| taken = table.take_up(key, record.value.as_deref()));
        if matches!(taken, Err(TableError::Full)) {
            if !self.overflown {
                tracing::warn!("trust of more agents than fit: no decision point can rely on it");
            }
            self.overflown = true;
        } else if let Err(error) = taken {
            // The shadow topic holds more than trust.
            tracing::debug!(offset = record.offset, "a record is passed over: failed to {error}");
        }
    }

    /// Confirms what is known once everything is read that was there when the brokers were asked. A commit's marker
    /// stands behind its records; where more than one does, that nothing comes for long enough to ask twice tells that
    /// nothing is left.
    fn confirm(&mut self, point: &AccessPoint, now_ms: i64) -> Result<(), BusError> {
        if let Some(ends) = &self.ends {
            let next = |at: &TopicPartition| self.next.get(at).copied().unwrap_or(0);
            let idle_ms = self.idle_since_ms.map_or(0, |since_ms| now_ms.saturating_sub(since_ms));
            if IDLE_MS <= idle_ms || ends.iter().all(|(at, end)| *end <= next(at) + 1) {
                if !self.overflown {
                    point.confirm();
                }
                self.ends = None;
            }
        } else if !self.next.is_empty() && ASK_MS <= now_ms.saturating_sub(self.asked_ms) {
            let partitions: Vec<TopicPartition> = self.next.keys().cloned().collect();
            self.ends = Some(lane::ends(&self.bus, &partitions)?);
            self.asked_ms = now_ms;
        }
        Ok(())
    }
}

/// Follows a topic until told to stop, whatever happens to the brokers meanwhile.
pub(super) fn follow<B: Bus>(
    (bus, group, topic): (&B, &str, &str),
    point: &AccessPoint,
    clock: fn() -> i64,
    stop: &AtomicBool,
) {
    let mut follower = None;
    while !stop.load(Ordering::Relaxed) {
        let step = match &mut follower {
            Some(follower) => TrustFollower::step(follower, point, clock()),
            empty => TrustFollower::new(bus.clone(), group, topic).map(|new| *empty = Some(new)),
        };
        if let Err(error) = step {
            // What is known stays, and grows too old by itself.
            tracing::debug!("trust: failed to {error}");
            follower = None;
            std::thread::sleep(WAIT);
        }
    }
}
