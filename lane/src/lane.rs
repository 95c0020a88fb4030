//! The lane, without I/O: records, assignments and outcomes in; transactions, restores and releases out. Partitions
//! are claimed by a marker, restored, then run; a partition that leaves is drained first.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bus::{Record, TopicPartition};

use crate::batch::{OpenPart, Part, Proof, Transaction, close_part};
use crate::careful::{Careful, Turns};
use crate::error::LaneError;
use crate::fold::{Applied, LogFold};
use crate::layout::{BatchLimits, Layout};
use crate::progress::{InForce, Progress};

/// Milliseconds between two looks at what is due.
const DUE_LOOK_MS: i64 = 1_000;
/// After which it is written again where it is still due.
const DUE_AGAIN_MS: i64 = 30_000;

/// What the lane wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Commit this and answer with `on_commit`. One at a time.
    Commit(Arc<Transaction>),
    /// Read this state partition up to the own marker: `on_state` for each record.
    Restore {
        /// The input's partition.
        at: TopicPartition,
        /// Its state partition.
        state: TopicPartition,
    },
    /// Let the partition's records come, from this offset.
    Resume {
        /// The input's partition.
        at: TopicPartition,
        /// Next offset to be read.
        next: u64,
        /// Whether that differs from the committed offset that the consumer was told.
        moved: bool,
    },
    /// Let no records of the partition come until `Resume`.
    Hold {
        /// The input's partition.
        at: TopicPartition,
    },
    /// These partitions are drained and dropped: they may be given back.
    Release(Vec<TopicPartition>),
}

/// What became of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is committed.
    Committed,
    /// It is not; send it again, with the newest generation.
    NotCommitted,
    /// The parts of these partitions are committed, the others are not.
    Torn(Vec<TopicPartition>),
}

/// A partition as it was assigned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The input's partition.
    pub at: TopicPartition,
    /// Where it starts: the committed offset, or on first start where the layout says.
    pub start: u64,
    /// An operator gave leave to go on although entries or state are missing.
    pub after_loss: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Claiming,
    Restoring,
    Running,
    /// Entries wait for an attempt: see `careful`.
    Trying,
}

pub(crate) struct Slot<F> {
    pub(crate) fold: F,
    pub(crate) state: TopicPartition,
    pub(crate) tenure: u64,
    pub(crate) phase: Phase,
    pub(crate) leaving: bool,
    pub(crate) nonce: String,
    pub(crate) next: u64,
    pub(crate) last: Progress,
    /// Where the oldest owner in the log began.
    pub(crate) began: Option<u64>,
    pub(crate) after_loss: bool,
    /// The marker read last, and whether the owner before it was silent.
    pub(crate) marker: Option<(String, bool)>,
    /// Told before the state was restored: an offset where nothing stands, and where the log goes on.
    pub(crate) lost: Option<(u64, u64)>,
    /// Entries came before the state was restored, and must come again.
    pub(crate) came_early: bool,
    /// The newest record of each key, while the state is read.
    pub(crate) newest: BTreeMap<Vec<u8>, Vec<u8>>,
    pub(crate) restored: u64,
    /// The newest owner has nothing committed after its marker: the last one, while the state is read; then this one.
    pub(crate) silent: bool,
    pub(crate) careful: Option<Careful>,
    /// Entries of the open batch that were refused because they killed the process.
    pub(crate) quarantined: Vec<u64>,
}

/// How a lane makes the fold of a partition.
pub type Make<F> = Box<dyn Fn(&TopicPartition) -> F + Send>;

/// A lane: the partitions it owns, the batch being filled, the transaction on its way.
pub struct Lane<F: LogFold> {
    pub(crate) layout: Layout,
    pub(crate) limits: BatchLimits,
    pub(crate) instance: String,
    pub(crate) make: Make<F>,
    pub(crate) switches: F::Switches,
    pub(crate) in_force: InForce,
    /// Switches to be taken up at the next border between transactions.
    coming: Option<(F::Switches, InForce)>,
    pub(crate) slots: BTreeMap<TopicPartition, Slot<F>>,
    open: BTreeMap<TopicPartition, OpenPart>,
    open_records: usize,
    open_bytes: usize,
    opened_ms: i64,
    /// When folds are asked next what is due, and what was written last for each: its value, and since when.
    look_ms: i64,
    asked: BTreeMap<TopicPartition, (Option<Vec<u8>>, i64)>,
    pub(crate) waiting: VecDeque<Transaction>,
    in_flight: Option<Arc<Transaction>>,
    pub(crate) tenures: u64,
    pub(crate) turns: Turns,
}

impl<F: LogFold> Lane<F> {
    /// A lane that owns nothing.
    pub fn new(
        layout: Layout,
        limits: BatchLimits,
        instance: String,
        make: Make<F>,
        (switches, in_force): (F::Switches, InForce),
    ) -> Self {
        Self {
            layout,
            limits,
            instance,
            make,
            switches,
            in_force,
            coming: None,
            slots: BTreeMap::new(),
            open: BTreeMap::new(),
            open_records: 0,
            open_bytes: 0,
            opened_ms: 0,
            look_ms: 0,
            asked: BTreeMap::new(),
            waiting: VecDeque::new(),
            in_flight: None,
            tenures: 0,
            turns: Turns::default(),
        }
    }

    /// An entry of an owned partition.
    pub fn on_record(&mut self, record: &Record, now_ms: i64) -> Result<(), LaneError> {
        let Some(slot) = self.slots.get_mut(&record.at) else { return Ok(()) };
        if slot.phase != Phase::Running || slot.leaving {
            slot.came_early |= matches!(slot.phase, Phase::Claiming | Phase::Restoring);
            return Ok(());
        }
        if record.offset < slot.next {
            // Delivered again after a move of the position: it is applied already.
            tracing::debug!(partition = %record.at, offset = record.offset, "passed over");
            return Ok(());
        }
        if self.holds_back(record) {
            return Ok(());
        }
        let Some(slot) = self.slots.get_mut(&record.at) else { return Ok(()) };
        let applied = match slot.careful.as_mut().filter(|c| c.condemns(record.offset)) {
            Some(careful) => {
                careful.on_quarantine(record.offset);
                tracing::error!(
                    partition = %record.at, offset = record.offset,
                    "quarantined: the process died of this entry again and again",
                );
                slot.quarantined.push(record.offset);
                slot.fold.quarantine(record)
            }
            None => slot.fold.apply(record),
        };
        if !applied.counts.balance() {
            return Err(LaneError::Unbalanced { at: record.at.clone(), offset: record.offset });
        }
        slot.next = record.offset + 1;
        if self.open_records == 0 {
            self.opened_ms = now_ms;
        }
        self.open_records += 1;
        let part = self.open.entry(record.at.clone()).or_default();
        self.open_bytes += part.add(applied, record.timestamp_ms, &self.layout);
        Ok(())
    }

    /// Nothing stands at `offset`, by an operator's leave: the next range begins at `start`, and says so. `true`: entries
    /// may come at once; `false`: not before the state is restored, whose progress may stand elsewhere.
    pub fn on_loss(&mut self, at: &TopicPartition, offset: u64, start: u64) -> bool {
        self.close();
        let Some(slot) = self.slots.get_mut(at) else { return false };
        if matches!(slot.phase, Phase::Claiming | Phase::Restoring) {
            slot.lost = Some((offset, start));
            return false;
        }
        if slot.next != start {
            (slot.next, slot.last.to, slot.after_loss) = (start, start, true);
        }
        if slot.careful.as_mut().is_none_or(|careful| careful.on_loss(start))
            && slot.phase == Phase::Trying
        {
            slot.phase = Phase::Running;
        }
        slot.phase == Phase::Running && !slot.leaving
    }

    /// Switches to take up at the next border between transactions.
    pub fn on_switches(&mut self, switches: F::Switches, in_force: InForce) {
        if self.coming.as_ref().map_or(&self.in_force, |coming| &coming.1) != &in_force {
            self.coming = Some((switches, in_force));
            if self.open_records == 0 {
                self.take_up();
            }
        }
    }

    /// Whether the batch has reached a limit: no more entries until it is closed.
    pub fn is_full(&self) -> bool {
        self.open_records >= self.limits.records || self.open_bytes >= self.limits.bytes
    }

    /// Closes the batch where it is due and nothing is on its way.
    pub fn on_time(&mut self, now_ms: i64) -> Vec<Command> {
        if self.look_ms <= now_ms && now_ms < i64::MAX {
            self.look_ms = now_ms + DUE_LOOK_MS;
            self.write_due(now_ms);
        }
        let old = now_ms.saturating_sub(self.opened_ms) >= self.limits.age_ms;
        if self.open_records > 0
            && self.in_flight.is_none()
            && self.waiting.is_empty()
            && (old || self.is_full())
        {
            self.close();
        }
        let mut commands = self.announce();
        commands.extend(self.send_next());
        commands
    }

    /// The process is to end: what is open is committed, and nothing new is begun.
    pub fn on_stop(&mut self) -> Vec<Command> {
        self.leave(|_| true);
        self.send_next()
    }

    /// Lets partitions go in peace: what is open of them is closed, and their last word is said.
    fn leave(&mut self, goes: impl Fn(&TopicPartition) -> bool) {
        let mut going = Vec::new();
        for (at, slot) in self.slots.iter_mut().filter(|(at, slot)| !slot.leaving && goes(at)) {
            slot.leaving = true;
            going.push(at.clone());
        }
        self.close();
        let parts = going.iter().filter_map(|at| self.last_word(at));
        // In doubt a claim's withdrawal is sent again, and cannot be proven: it stands in a transaction of its own.
        let (claims, words): (Vec<Part>, Vec<Part>) =
            parts.partition(|part| part.proof == Proof::Owner);
        for parts in [words, claims].into_iter().filter(|parts| !parts.is_empty()) {
            self.waiting.push_back(Transaction { parts });
        }
    }

    /// Writes what is due into the batch. Where that is lost in a doubtful commit, it is written once more.
    fn write_due(&mut self, now_ms: i64) {
        for (at, slot) in &self.slots {
            let Some((_, emit)) = slot.fold.due().filter(|due| due.0 <= now_ms) else {
                continue;
            };
            let is_new = |(value, since_ms): &(Option<Vec<u8>>, i64)| {
                *value != emit.value || since_ms + DUE_AGAIN_MS <= now_ms
            };
            let owed = slot.phase == Phase::Running && !slot.leaving;
            if !owed || !self.asked.get(at).is_none_or(is_new) {
                continue;
            }
            self.asked.insert(at.clone(), (emit.value.clone(), now_ms));
            if self.open_records == 0 {
                self.opened_ms = now_ms;
            }
            self.open_records += 1;
            let applied = Applied { emits: vec![emit], ..Applied::default() };
            let part = self.open.entry(at.clone()).or_default();
            self.open_bytes += part.add(applied, 0, &self.layout);
        }
    }

    /// The group wants partitions back: what is open is committed first.
    pub fn on_revoke(&mut self, partitions: &[TopicPartition]) -> Vec<Command> {
        self.leave(|at| partitions.contains(at));
        let mut commands = self.send_next();
        commands.extend(self.release_drained());
        commands
    }

    /// Partitions belong to somebody else already: nothing of them is committed any more.
    pub fn on_lost(&mut self, partitions: &[TopicPartition]) -> Vec<Command> {
        for at in partitions {
            self.slots.remove(at);
            self.open.remove(at);
        }
        if self.open.is_empty() {
            (self.open_records, self.open_bytes) = (0, 0);
        }
        vec![Command::Release(partitions.to_vec())]
    }

    /// What became of the transaction on its way.
    pub fn on_commit(&mut self, outcome: &Outcome) -> Vec<Command> {
        let Some(sent) = self.in_flight.take() else { return Vec::new() };
        let done = |part: &Part| match outcome {
            Outcome::Committed => true,
            Outcome::NotCommitted => false,
            Outcome::Torn(partitions) => partitions.contains(&part.at),
        };
        let mut commands = Vec::new();
        let mut again = Transaction::default();
        for part in &sent.parts {
            let Some(slot) = self.slots.get_mut(&part.at).filter(|slot| slot.tenure == part.tenure)
            else {
                continue;
            };
            if !done(part) {
                again.parts.push(part.clone());
            } else if slot.phase == Phase::Claiming {
                slot.phase = Phase::Restoring;
                if slot.leaving {
                    continue;
                }
                commands.push(Command::Restore { at: part.at.clone(), state: part.state.clone() });
            } else {
                commands.extend(self.on_tried(part));
            }
        }
        if !again.parts.is_empty() {
            self.waiting.push_front(again);
        }
        commands.extend(self.send_next());
        commands.extend(self.release_drained());
        commands
    }

    pub(crate) fn send_next(&mut self) -> Vec<Command> {
        while self.in_flight.is_none() {
            let Some(mut transaction) = self.waiting.pop_front() else { break };
            let slots = &self.slots;
            transaction
                .parts
                .retain(|part| slots.get(&part.at).is_some_and(|slot| slot.tenure == part.tenure));
            if !transaction.parts.is_empty() {
                let transaction = Arc::new(transaction);
                self.in_flight = Some(Arc::clone(&transaction));
                return vec![Command::Commit(transaction)];
            }
        }
        Vec::new()
    }

    fn release_drained(&mut self) -> Vec<Command> {
        let sent = self.in_flight.iter().flat_map(|sent| sent.parts.iter());
        let busy: Vec<&TopicPartition> = sent
            .chain(self.waiting.iter().flat_map(|t| t.parts.iter()))
            .map(|part| &part.at)
            .collect();
        let leaving = self.slots.iter().filter(|(_, slot)| slot.leaving);
        let drained: Vec<TopicPartition> =
            leaving.map(|(at, _)| at.clone()).filter(|at| !busy.contains(&at)).collect();
        if drained.is_empty() {
            return Vec::new();
        }
        self.slots.retain(|at, _| !drained.contains(at));
        vec![Command::Release(drained)]
    }

    /// Closes the batch: outputs, touched state, progress and offsets of each partition become one transaction; then
    /// what is coming is taken up.
    pub(crate) fn close(&mut self) {
        let mut parts = Vec::new();
        for (at, open) in std::mem::take(&mut self.open) {
            let Some(slot) = self.slots.get_mut(&at) else { continue };
            parts.push(close_part(at, slot, open, &self.in_force));
        }
        (self.open_records, self.open_bytes) = (0, 0);
        if !parts.is_empty() {
            self.waiting.push_back(Transaction { parts });
        }
        self.take_up();
    }

    fn take_up(&mut self) {
        let Some((switches, in_force)) = self.coming.take() else { return };
        let runs = |slot: &&mut Slot<F>| matches!(slot.phase, Phase::Running | Phase::Trying);
        for slot in self.slots.values_mut().filter(runs) {
            slot.fold.take_up(&switches);
        }
        (self.switches, self.in_force) = (switches, in_force);
    }

    /// Whether everything read is committed and nothing is on its way.
    pub fn is_idle(&self) -> bool {
        self.in_flight.is_none() && self.waiting.is_empty() && self.open_records == 0
    }

    /// Its logs.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The partitions owned: next offset to be read, and whether they run.
    pub fn partitions(&self) -> impl Iterator<Item = (&TopicPartition, u64, bool)> {
        self.slots.iter().map(|(at, slot)| (at, slot.next, slot.phase == Phase::Running))
    }

    /// The folds of running partitions.
    pub fn folds(&self) -> impl Iterator<Item = (&TopicPartition, &F)> {
        let running = self.slots.iter().filter(|(_, slot)| slot.phase == Phase::Running);
        running.map(|(at, slot)| (at, &slot.fold))
    }

    /// Records loaded into a partition at its restore.
    pub fn restored(&self, at: &TopicPartition) -> u64 {
        self.slots.get(at).map_or(0, |slot| slot.restored)
    }
}
