//! Commits transactions and settles doubt: after any uncertain commit the producer is recycled, which fences its
//! past, and the state partition is read to learn what happened. Nothing is sent again before that is known.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bus::{Admin, Bus, BusError, Isolation, Producer, TopicPartition};

use crate::batch::{Part, Proof, Transaction};
use crate::error::LaneError;
use crate::lane::Outcome;
use crate::meter::{Meter, Notice};
use crate::progress::{PROGRESS_KEY, Progress};
use crate::read::each_record;

/// How long the log may take to hand over a transactional id.
const TAKEOVER_TIMEOUT: Duration = Duration::from_secs(15);
/// How long one record of a settled partition may take.
const READ_TIMEOUT: Duration = Duration::from_secs(2);
/// Offsets below the end of a state partition where its newest progress is looked for first.
const WINDOW_MIN: u64 = 4_096;

/// Owns the transactional producer of a lane.
pub struct Committer<B: Bus> {
    bus: B,
    transactional_id: String,
    producer: Option<B::Producer>,
    /// A transaction was sent and nobody knows what became of it.
    in_doubt: bool,
    meter: Arc<dyn Meter>,
    pulse: Pulse,
}

/// When the call began that the committer is in, in milliseconds; 0 outside of calls. A watchdog reads it.
#[derive(Clone, Debug, Default)]
pub struct Pulse(Arc<AtomicU64>);

impl Pulse {
    /// Begins a call.
    pub fn begin(&self, now_ms: u64) {
        self.0.store(now_ms, Ordering::Relaxed);
    }

    /// Ends it.
    pub fn end(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    /// How long the present call has taken at `now_ms`.
    pub fn busy_ms(&self, now_ms: u64) -> u64 {
        match self.0.load(Ordering::Relaxed) {
            0 => 0,
            since => now_ms.saturating_sub(since),
        }
    }
}

impl<B: Bus> Committer<B> {
    /// A committer without a producer: it takes its transactional id over at the first commit.
    pub fn new(bus: B, transactional_id: String, meter: Arc<dyn Meter>) -> Self {
        let pulse = Pulse::default();
        Self { bus, transactional_id, producer: None, in_doubt: false, meter, pulse }
    }

    /// What a watchdog reads.
    pub fn pulse(&self) -> Pulse {
        self.pulse.clone()
    }

    /// Commits, or goes on settling. `None`: the log is away; call again with the same transaction.
    pub fn commit(
        &mut self,
        transaction: &Transaction,
        group: &B::Group,
    ) -> Result<Option<Outcome>, LaneError> {
        if !self.in_doubt {
            match self.attempt(transaction, group) {
                Ok(()) => return Ok(Some(Outcome::Committed)),
                Err(BusError::Abortable(reason)) => {
                    self.meter.note(&Notice::Aborted(&reason));
                    // Where the abort fails, taking the id over anew aborts it.
                    if self.producer.as_mut().is_none_or(|producer| producer.abort().is_err()) {
                        self.producer = None;
                    }
                    return Ok(Some(Outcome::NotCommitted));
                }
                Err(BusError::Unavailable(_)) if self.producer.is_none() => return Ok(None),
                Err(BusError::Doubtful(reason) | BusError::Unavailable(reason)) => {
                    self.meter.note(&Notice::Doubt(&reason));
                    self.producer = None;
                    self.in_doubt = true;
                }
                Err(error) => return Err(error.into()),
            }
        }
        match self.settle(transaction) {
            Ok(outcome) => {
                self.in_doubt = false;
                Ok(Some(outcome))
            }
            Err(BusError::Unavailable(_) | BusError::Doubtful(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn attempt(&mut self, transaction: &Transaction, group: &B::Group) -> Result<(), BusError> {
        let mut offsets = Vec::with_capacity(transaction.parts.len());
        let producer = match &mut self.producer {
            Some(producer) => producer,
            empty => empty.insert(self.bus.producer(&self.transactional_id, TAKEOVER_TIMEOUT)?),
        };
        producer.begin()?;
        for part in &transaction.parts {
            for record in &part.records {
                producer.send(record)?;
            }
            offsets.push((part.at.clone(), part.next));
        }
        producer.offsets(&offsets, group)?;
        producer.commit()?;
        if producer.is_doubtful() {
            // Committed, but a late repetition may still be on its way: the next transaction gets a new epoch.
            self.producer = None;
        }
        Ok(())
    }

    /// Fences the past of this id, then reads what became of each part.
    fn settle(&mut self, transaction: &Transaction) -> Result<Outcome, BusError> {
        if self.producer.is_none() {
            self.producer = Some(self.bus.producer(&self.transactional_id, TAKEOVER_TIMEOUT)?);
        }
        let mut done = Vec::new();
        let mut admin = self.bus.admin()?;
        for part in &transaction.parts {
            if self.is_committed(part, admin.as_mut())? {
                done.push(part.at.clone());
            }
        }
        Ok(if done.len() == transaction.parts.len() {
            Outcome::Committed
        } else if done.is_empty() {
            Outcome::NotCommitted
        } else {
            self.meter.note(&Notice::Torn(&done));
            Outcome::Torn(done)
        })
    }

    fn is_committed(&self, part: &Part, admin: &mut dyn Admin) -> Result<bool, BusError> {
        let Proof::Progress(range) = part.proof else { return Ok(false) };
        let (_, written) = admin.bounds(&part.state, Isolation::ReadUncommitted)?;
        let (first, end) = admin.bounds(&part.state, Isolation::ReadCommitted)?;
        let mut window = WINDOW_MIN.max(4 * part.records.len() as u64);
        loop {
            let from = end.saturating_sub(window).max(first);
            match self.newest_reaches(&part.state, from, range)? {
                Some(true) => return Ok(true),
                // Behind somebody's open transaction nothing shows, of ours neither: absence proves nothing yet.
                _ if end < written => {
                    let reason = format!("a transaction is open on {}", part.state);
                    return Err(BusError::Unavailable(reason));
                }
                Some(false) => return Ok(false),
                None if from == first => return Ok(false),
                None => window = window.saturating_mul(8),
            }
        }
    }

    /// Whether the newest progress is of this range or a later one; `None` where there is none.
    fn newest_reaches(
        &self,
        state: &TopicPartition,
        from: u64,
        range: u64,
    ) -> Result<Option<bool>, BusError> {
        let mut found = None;
        each_record(&self.bus, state, (from, READ_TIMEOUT), |record| {
            if record.key.as_deref() == Some(PROGRESS_KEY) {
                let value = record.value.as_deref().unwrap_or_default();
                found = Progress::decode(value).ok().map(|progress| progress.range >= range);
            }
        })?;
        Ok(found)
    }
}
