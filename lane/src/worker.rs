//! A lane at work on a log: it polls, feeds the lane and does what the lane wants done. In a thread of its own with a
//! committer thread beside it, or step by step in a simulator.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::Duration;

use bus::{Bus, BusError, Consumer, GroupEvent, Isolation, Reader, TopicPartition};

use crate::batch::Transaction;
use crate::board::Board;
use crate::breaker::{Breaker, BreakerLimits};
use crate::commit::Committer;
use crate::error::LaneError;
use crate::fold::LogFold;
use crate::lane::{Command, Lane, Outcome};
use crate::meter::{Meter, Notice};

/// Records taken from the consumer in one step.
const STEP_RECORDS: usize = 1_024;
/// State records restored in one step, for each partition.
const STEP_RESTORE: usize = 4_096;
/// Milliseconds after which a transaction on its way stalls the lane.
const STALL_MS: i64 = 1_000;

/// What a worker is told.
#[derive(Clone)]
pub struct WorkerSettings {
    /// Consumer group.
    pub group: String,
    /// An operator gives leave to go on although offsets or entries are missing.
    pub accept_state_loss: bool,
    /// Milliseconds after which partitions that were called back are taken as lost.
    pub drain_ms: i64,
    /// When so much is refused that reading must stop.
    pub breaker: BreakerLimits,
    /// Random numbers for ownership markers.
    pub nonce: fn() -> u128,
}

/// Who commits: the worker itself, or a thread.
pub enum Hands<B: Bus> {
    /// The worker itself, between two polls.
    Own(Box<Committer<B>>),
    /// A thread: jobs to it, outcomes from it.
    Thread(SyncSender<Job<B>>, Receiver<Result<Outcome, LaneError>>),
}

/// A transaction to commit, with the generation to commit it under.
pub type Job<B> = (Arc<Transaction>, <B as Bus>::Group);

struct Restore<R> {
    reader: R,
    since_ms: i64,
}

/// Which partitions are paused for the time being.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Held {
    Nothing,
    /// Those of guarded inputs: the breaker is broken.
    Guarded,
    /// A transaction stalls.
    All,
}

/// A lane with its consumer and its hands.
pub struct Worker<B: Bus, F: LogFold> {
    pub(crate) bus: B,
    pub(crate) settings: WorkerSettings,
    pub(crate) consumer: B::Consumer,
    pub(crate) lane: Lane<F>,
    hands: Hands<B>,
    board: Board<F::Switches>,
    board_seen: u64,
    pub(crate) meter: Arc<dyn Meter>,
    /// On its way: the transaction, its generation, since when.
    sent: Option<(Arc<Transaction>, B::Group, i64)>,
    pub(crate) to_claim: Vec<TopicPartition>,
    /// Called back and not yet answered, and since when.
    revoked: Vec<(Vec<TopicPartition>, i64)>,
    restores: BTreeMap<TopicPartition, Restore<B::Reader>>,
    away_since_ms: Option<i64>,
    /// The newest outcome was no commit.
    refused: bool,
    held: Held,
    breaker: Breaker,
}

impl<B: Bus, F: LogFold> Worker<B, F> {
    /// Joins the group.
    pub fn new(
        bus: B,
        settings: WorkerSettings,
        lane: Lane<F>,
        hands: Hands<B>,
        (board, meter): (Board<F::Switches>, Arc<dyn Meter>),
    ) -> Result<Self, LaneError> {
        let topics: Vec<&str> = lane.layout().inputs.iter().map(|input| &*input.topic).collect();
        let consumer = bus.consumer(&settings.group, &topics)?;
        let breaker = Breaker::new(settings.breaker);
        Ok(Self {
            bus,
            settings,
            consumer,
            lane,
            hands,
            board,
            board_seen: 0,
            meter,
            sent: None,
            to_claim: Vec::new(),
            revoked: Vec::new(),
            restores: BTreeMap::new(),
            away_since_ms: None,
            refused: false,
            held: Held::Nothing,
            breaker,
        })
    }

    /// The lane.
    pub fn lane(&self) -> &Lane<F> {
        &self.lane
    }

    /// Whether the group has answered, left nothing to claim, and all that is owned runs.
    pub fn is_settled(&self) -> bool {
        self.consumer.has_joined()
            && self.to_claim.is_empty()
            && self.restores.is_empty()
            && self.lane.partitions().all(|p| p.2)
    }

    /// Goes one step on; waits at most `wait` for records.
    pub fn step(&mut self, now_ms: i64, wait: Duration) -> Result<(), LaneError> {
        self.take_outcome(now_ms, Duration::ZERO)?;
        if let Some(mended) = self.breaker.look(now_ms) {
            self.meter.note(&Notice::Breaker(mended));
        }
        if let Some((switches, in_force)) = self.board.newer(&mut self.board_seen) {
            self.lane.on_switches(switches, in_force);
        }
        let commands = self.lane.on_time(now_ms);
        self.execute(commands, now_ms)?;
        self.give_back(now_ms)?;
        self.claim(now_ms)?;
        self.restore(now_ms)?;
        if self.lane.is_full() {
            // No more entries until the transaction on its way is done.
            self.take_outcome(now_ms, wait)?;
            return self.poll_paused(now_ms);
        }
        self.hold(if self.breaker.is_broken(now_ms) { Held::Guarded } else { Held::Nothing })?;
        self.poll(now_ms, wait)
    }

    /// Commits what is open; `true` once all is committed. Entries that come meanwhile are not taken.
    pub fn drain(&mut self, now_ms: i64, wait: Duration) -> Result<bool, LaneError> {
        let commands = self.lane.on_stop();
        self.execute(commands, now_ms)?;
        self.take_outcome(now_ms, wait)?;
        if self.refused {
            // The group may have thrown this member out, and then there is nothing to commit any more.
            self.poll_paused(now_ms)?;
        }
        self.give_back(now_ms)?;
        Ok(self.lane.is_idle())
    }

    /// While the transaction on its way does not come to its end, the group must still be heard: it may be the group
    /// that refuses it.
    fn poll_paused(&mut self, now_ms: i64) -> Result<(), LaneError> {
        let stalls =
            self.refused || self.sent.as_ref().is_some_and(|sent| now_ms - sent.2 > STALL_MS);
        if !stalls {
            return Ok(());
        }
        self.hold(Held::All)?;
        self.poll(now_ms, Duration::ZERO)
    }

    /// Pauses what is to be held from now on, and lets go what is not any more.
    fn hold(&mut self, held: Held) -> Result<(), LaneError> {
        let was = std::mem::replace(&mut self.held, held);
        if was == held {
            return Ok(());
        }
        let (mut pause, mut resume) = (Vec::new(), Vec::new());
        for (at, _, _) in self.lane.partitions().filter(|partition| partition.2) {
            match (self.holds(was, at), self.holds(held, at)) {
                (false, true) => pause.push(at.clone()),
                (true, false) => resume.push(at.clone()),
                _ => {}
            }
        }
        if !pause.is_empty() {
            self.consumer.pause(&pause)?;
        }
        if !resume.is_empty() {
            self.consumer.resume(&resume)?;
        }
        Ok(())
    }

    fn holds(&self, held: Held, at: &TopicPartition) -> bool {
        match held {
            Held::Nothing => false,
            Held::Guarded => self.lane.layout().is_guarded(&at.topic),
            Held::All => true,
        }
    }

    fn poll(&mut self, now_ms: i64, wait: Duration) -> Result<(), LaneError> {
        let mut wait = wait;
        for _ in 0..STEP_RECORDS {
            match self.consumer.poll(wait) {
                Ok(None) => break,
                Ok(Some(GroupEvent::Record(record))) => {
                    self.back(now_ms);
                    self.lane.on_record(&record, now_ms)?;
                    if self.lane.is_full() {
                        break;
                    }
                }
                Ok(Some(event)) => {
                    // A member learns of a loss by itself, too: only what it is given comes from the log.
                    if matches!(event, GroupEvent::Assigned(_)) {
                        self.back(now_ms);
                    }
                    self.on_group(event, now_ms)?;
                }
                Err(BusError::Unavailable(reason)) => {
                    self.away(&reason, now_ms);
                    break;
                }
                Err(BusError::OutOfRange { partition, offset, start }) => {
                    self.out_of_range(partition, offset, start)?;
                }
                Err(error) => return Err(error.into()),
            }
            wait = Duration::ZERO;
        }
        Ok(())
    }

    fn out_of_range(
        &mut self,
        at: TopicPartition,
        offset: u64,
        start: u64,
    ) -> Result<(), LaneError> {
        if !self.settings.accept_state_loss {
            return Err(LaneError::EntriesLost { at, offset, start });
        }
        let runs = self.lane.on_loss(&at, offset, start);
        self.meter.note(&Notice::Lost(&at, offset, start));
        self.consumer.assign(&[(at.clone(), start)])?;
        if runs && !self.holds(self.held, &at) {
            self.consumer.resume(&[at])?;
        }
        Ok(())
    }

    fn on_group(&mut self, event: GroupEvent, now_ms: i64) -> Result<(), LaneError> {
        match event {
            GroupEvent::Record(_) => Ok(()),
            GroupEvent::Assigned(partitions) => {
                self.to_claim.extend(partitions);
                Ok(())
            }
            GroupEvent::Revoked(partitions) => {
                self.forget(&partitions);
                let commands = self.lane.on_revoke(&partitions);
                self.revoked.push((partitions, now_ms));
                self.execute(commands, now_ms)
            }
            GroupEvent::Lost(partitions) => {
                self.forget(&partitions);
                tracing::warn!(count = partitions.len(), "partitions were lost to another member");
                let commands = self.lane.on_lost(&partitions);
                self.execute(commands, now_ms)?;
                Ok(self.consumer.release(&partitions)?)
            }
        }
    }

    /// Drops what was planned for these partitions.
    fn forget(&mut self, partitions: &[TopicPartition]) {
        self.to_claim.retain(|at| !partitions.contains(at));
        self.restores.retain(|at, _| !partitions.contains(at));
    }

    /// Answers a revocation once all of it is drained. What could not be drained in time is lost: somebody else may own
    /// it by now.
    fn give_back(&mut self, now_ms: i64) -> Result<(), LaneError> {
        for (partitions, since_ms) in std::mem::take(&mut self.revoked) {
            let is_owned =
                |at: &&TopicPartition| self.lane.partitions().any(|owned| owned.0 == *at);
            let owned: Vec<TopicPartition> = partitions.iter().filter(is_owned).cloned().collect();
            if !owned.is_empty() && now_ms - since_ms < self.settings.drain_ms {
                self.revoked.push((partitions, since_ms));
                continue;
            }
            if !owned.is_empty() {
                tracing::warn!(
                    count = owned.len(),
                    "could not commit before giving partitions back"
                );
                let commands = self.lane.on_lost(&owned);
                self.execute(commands, now_ms)?;
            }
            self.consumer.release(&partitions)?;
        }
        Ok(())
    }

    /// Restores a slice of each partition that waits for its state, so that polling goes on.
    fn restore(&mut self, now_ms: i64) -> Result<(), LaneError> {
        let waiting: Vec<TopicPartition> = self.restores.keys().cloned().collect();
        for at in waiting {
            for _ in 0..STEP_RESTORE {
                let Some(restore) = self.restores.get_mut(&at) else { break };
                let record = match restore.reader.next(Duration::from_millis(1)) {
                    Ok(Some(record)) => record,
                    Ok(None) => break,
                    Err(BusError::Unavailable(reason)) => {
                        self.away(&reason, now_ms);
                        break;
                    }
                    Err(error) => return Err(error.into()),
                };
                let since_ms = restore.since_ms;
                let commands = self.lane.on_state(&at, &record)?;
                if !commands.is_empty() {
                    self.restores.remove(&at);
                    let records = self.lane.restored(&at);
                    self.meter.note(&Notice::Restored(&at, records, now_ms - since_ms));
                    self.execute(commands, now_ms)?;
                }
            }
        }
        Ok(())
    }

    pub(crate) fn execute(&mut self, commands: Vec<Command>, now_ms: i64) -> Result<(), LaneError> {
        for command in commands {
            match command {
                Command::Commit(transaction) => {
                    let group = self.consumer.group()?;
                    if let Hands::Thread(jobs, _) = &self.hands
                        && jobs.send((Arc::clone(&transaction), group.clone())).is_err()
                    {
                        return Err(BusError::Killed.into());
                    }
                    self.sent = Some((transaction, group, now_ms));
                }
                Command::Restore { at, state } => {
                    let reader = self.bus.reader(&state, 0, Isolation::ReadCommitted)?;
                    self.restores.insert(at, Restore { reader, since_ms: now_ms });
                }
                Command::Resume { at, next, moved } => {
                    if moved {
                        self.consumer.assign(&[(at.clone(), next)])?;
                    }
                    // What is held is let go with all that is.
                    if !self.holds(self.held, &at) {
                        self.consumer.resume(&[at])?;
                    }
                }
                Command::Hold { at } => self.consumer.pause(&[at])?,
                Command::Release(partitions) => {
                    self.restores.retain(|at, _| !partitions.contains(at));
                    partitions.iter().for_each(|at| self.meter.note(&Notice::Released(at)));
                }
            }
        }
        Ok(())
    }

    /// Takes the outcome of the transaction on its way, waiting at most `wait`.
    fn take_outcome(&mut self, now_ms: i64, wait: Duration) -> Result<(), LaneError> {
        let Some((transaction, group, since_ms)) = &self.sent else { return Ok(()) };
        let outcome = match &mut self.hands {
            Hands::Own(committer) => match committer.commit(transaction, group)? {
                Some(outcome) => outcome,
                None => return Ok(()),
            },
            Hands::Thread(_, outcomes) => match outcomes.recv_timeout(wait) {
                Ok(outcome) => outcome?,
                Err(RecvTimeoutError::Timeout) => return Ok(()),
                Err(RecvTimeoutError::Disconnected) => return Err(BusError::Killed.into()),
            },
        };
        self.refused = outcome != Outcome::Committed;
        let since_ms = now_ms - since_ms;
        let torn;
        let committed = match &outcome {
            Outcome::Committed => Some(&**transaction),
            Outcome::NotCommitted => None,
            Outcome::Torn(done) => {
                let parts = transaction.parts.iter().filter(|part| done.contains(&part.at));
                torn = Transaction { parts: parts.cloned().collect() };
                Some(&torn)
            }
        };
        if let Some(committed) = committed {
            self.meter.note(&Notice::Committed(committed, since_ms));
            let layout = self.lane.layout();
            for part in committed.parts.iter().filter(|part| layout.is_guarded(&part.at.topic)) {
                if let Some(turned) = self.breaker.note(&part.counts, now_ms) {
                    self.meter.note(&Notice::Breaker(turned));
                }
            }
        }
        self.sent = None;
        let commands = self.lane.on_commit(&outcome);
        self.execute(commands, now_ms)
    }

    pub(crate) fn away(&mut self, reason: &str, now_ms: i64) {
        if self.away_since_ms.is_none() {
            self.away_since_ms = Some(now_ms);
            self.meter.note(&Notice::Away(reason));
        }
    }

    fn back(&mut self, now_ms: i64) {
        if let Some(since_ms) = self.away_since_ms.take() {
            self.meter.note(&Notice::Back(now_ms - since_ms));
        }
    }
}
