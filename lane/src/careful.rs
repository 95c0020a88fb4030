//! Records that kill the process. Nothing catches a panic, so an owner that died leaves only what it committed: where it
//! began a stretch of entries and never ended it, the next owner tries shorter ones, each announced in the log before it
//! is applied, down to one entry alone. An entry that killed three times alone goes to the dead letters undecoded. An owner
//! that leaves in peace says so, before its state is restored too; one that is thrown out cannot, and is taken for dead.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bus::{Record, TopicPartition};
use serde::{Deserialize, Serialize};

use crate::batch::{OpenPart, Part, Proof, Transaction, close_part};
use crate::fold::LogFold;
use crate::lane::{Command, Lane, Phase, Slot};
use crate::progress::{InForce, Progress};

/// Offsets tried at once where an owner made no progress; then one alone.
const WIDTH: u64 = 64;
/// Deaths of an entry alone after which it is not tried again.
const DEATHS_MAX: u32 = 3;

/// A stretch of entries that an owner was about to apply: it stands in a progress record until the next one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Its first entry.
    pub offset: u64,
    /// Offsets in it, at most.
    pub width: u64,
    /// How often the process died with this entry alone.
    pub deaths: u32,
    /// The owner left in peace before it applied any of it: nobody died.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub withdrawn: bool,
}

// === impl Attempt ===

impl Attempt {
    /// The offset behind it.
    pub(crate) fn end(&self) -> u64 {
        self.offset.saturating_add(self.width)
    }
}

/// One attempt at a time in a process: a death is blamed on who had the turn, so nobody else may have one.
#[derive(Clone, Debug, Default)]
pub struct Turns(Arc<AtomicBool>);

/// The turn of a partition.
struct Turn(Turns);

impl Turns {
    fn take(&self) -> Option<Turn> {
        (!self.0.swap(true, Ordering::AcqRel)).then(|| Turn(self.clone()))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.0.store(false, Ordering::Release);
    }
}

/// How a partition goes on after an owner that may have died of it.
pub(crate) struct Careful {
    width: u64,
    /// Where care ends; not known before the first entry where no attempt was announced.
    until: Option<u64>,
    /// The entry that killed alone, and how often.
    deaths: (u64, u32),
    step: Step,
}

enum Step {
    Idle,
    /// An entry is at hand: its attempt waits to be announced.
    Wanted(u64),
    /// The announcement is on its way, in the progress of this range.
    Announced(Attempt, Turn, u64),
    /// Entries before this offset may come; the attempt that stands for them in the log.
    Open(u64, Option<(Attempt, Turn)>),
    /// They are on their way, in the progress of this range.
    Sent {
        range: u64,
        _turn: Option<Turn>,
    },
}

impl Careful {
    /// How to go on after what the log says of the last owner; `silent`: it committed nothing after its marker.
    pub(crate) fn after(last: &Progress, silent: bool) -> Option<Self> {
        let of = |width, until, deaths| Some(Self { width, until, deaths, step: Step::Idle });
        match &last.attempt {
            Some(left) if left.withdrawn => {
                let until = (left.width == 1).then(|| left.offset.saturating_add(1));
                of(left.width, until, (left.offset, left.deaths))
            }
            Some(died) if died.width > 1 => of(1, Some(died.end()), (0, 0)),
            Some(died) => of(1, Some(died.offset + 1), (died.offset, died.deaths + 1)),
            None if silent => of(WIDTH, None, (0, 0)),
            None => None,
        }
    }

    /// Whether an entry has killed too often to be tried again.
    pub(crate) fn condemns(&self, offset: u64) -> bool {
        self.deaths.0 == offset && self.deaths.1 >= DEATHS_MAX
    }

    /// An entry was refused: it is committed before the next one, which may kill too, is applied.
    pub(crate) fn on_quarantine(&mut self, offset: u64) {
        let end = offset.saturating_add(1);
        let step = Step::Open(end, None);
        *self = Self { width: 1, until: Some(end), deaths: (0, 0), step };
    }

    /// What stood before `start` is gone. `true`: no attempt that may still come is wanted or announced.
    pub(crate) fn on_loss(&mut self, start: u64) -> bool {
        let stays = match &self.step {
            Step::Wanted(offset) => start <= *offset,
            Step::Announced(attempt, ..) => start <= attempt.offset,
            Step::Idle | Step::Open(..) | Step::Sent { .. } => false,
        };
        if self.until.is_some_and(|until| until <= start) {
            *self = Self { width: WIDTH, until: None, deaths: (0, 0), step: Step::Idle };
        } else if !stays {
            self.step = Step::Idle;
        }
        !matches!(self.step, Step::Wanted(_) | Step::Announced(..))
    }

    /// The batch was closed: what was applied is on its way, in the progress of this range.
    pub(crate) fn on_close(&mut self, range: u64) {
        self.step = match std::mem::replace(&mut self.step, Step::Idle) {
            Step::Open(_, tried) => Step::Sent { range, _turn: tried.map(|(_, turn)| turn) },
            other => other,
        };
    }
}

impl<F: LogFold> Lane<F> {
    /// Shares the turns of attempts with the other lanes of the process.
    pub fn share_turns(&mut self, turns: &Turns) {
        self.turns = turns.clone();
    }

    /// Whether an entry must come again later, once an attempt at it stands in the log.
    pub(crate) fn holds_back(&mut self, record: &Record) -> bool {
        let records = u64::try_from(self.limits.records).unwrap_or(u64::MAX);
        let Some(slot) = self.slots.get_mut(&record.at) else { return false };
        let Some(careful) = &mut slot.careful else { return false };
        let until = *careful.until.get_or_insert(record.offset.saturating_add(records));
        match &careful.step {
            Step::Open(end, _) if record.offset < *end => return false,
            Step::Idle if record.offset >= until => {
                slot.careful = None;
                return false;
            }
            Step::Idle if careful.condemns(record.offset) => return false,
            Step::Idle => careful.step = Step::Wanted(record.offset),
            _ => {}
        }
        slot.phase = Phase::Trying;
        true
    }

    /// Announces the attempt that is wanted, where it is its turn.
    pub(crate) fn announce(&mut self) -> Vec<Command> {
        let mut wanted = self.slots.iter().filter_map(|(at, slot)| {
            let careful = slot.careful.as_ref().filter(|_| !slot.leaving)?;
            let Step::Wanted(offset) = careful.step else { return None };
            Some((at.clone(), offset))
        });
        let Some((at, offset)) = wanted.next() else { return Vec::new() };
        let Some(turn) = self.turns.take() else { return Vec::new() };
        self.close();
        let Some(slot) = self.slots.get_mut(&at) else { return Vec::new() };
        let Some(careful) = &mut slot.careful else { return Vec::new() };
        let deaths = if careful.deaths.0 == offset { careful.deaths.1 } else { 0 };
        let attempt = Attempt { offset, width: careful.width, deaths, withdrawn: false };
        tracing::warn!(
            partition = %at, offset, width = attempt.width, deaths,
            "an owner died hereabouts: entries are tried a few at a time",
        );
        careful.step = Step::Announced(attempt.clone(), turn, slot.last.range + 1);
        let part = saying(&at, slot, Some(attempt), &self.in_force);
        self.waiting.push_back(Transaction { parts: vec![part] });
        vec![Command::Hold { at }]
    }

    /// What a partition that leaves in peace has still to say, so that nobody takes its owner for dead: that nothing was
    /// tried of what it announced, or that nothing came since its marker.
    pub(crate) fn last_word(&mut self, at: &TopicPartition) -> Option<Part> {
        let slot = self.slots.get_mut(at)?;
        if matches!(slot.phase, Phase::Claiming | Phase::Restoring) {
            return self.withdrawal(at);
        }
        let attempt = match slot.careful.as_ref().map(|careful| &careful.step) {
            None if slot.silent => None,
            // Nothing came behind what is gone: else the next owner asks for leave again.
            Some(Step::Idle) if slot.after_loss => None,
            Some(Step::Open(_, Some((attempt, _)))) if slot.next <= attempt.offset => {
                Some(Attempt { withdrawn: true, ..attempt.clone() })
            }
            // The log says what it said to this owner.
            _ => return None,
        };
        Some(saying(at, slot, attempt, &self.in_force))
    }

    /// A part of a careful partition was committed: the announced entries may come, or the next attempt may begin.
    pub(crate) fn on_tried(&mut self, part: &Part) -> Option<Command> {
        let slot = self.slots.get_mut(&part.at)?;
        let careful = slot.careful.as_mut()?;
        match std::mem::replace(&mut careful.step, Step::Idle) {
            Step::Announced(attempt, turn, range) if part.proof == Proof::Progress(range) => {
                careful.step = Step::Open(attempt.end(), Some((attempt, turn)));
            }
            Step::Sent { range, .. } if part.proof == Proof::Progress(range) => {}
            other => {
                careful.step = other;
                return None;
            }
        }
        if slot.leaving {
            let word = self.last_word(&part.at)?;
            self.waiting.push_back(Transaction { parts: vec![word] });
            return None;
        }
        if slot.phase != Phase::Trying {
            return None;
        }
        slot.phase = Phase::Running;
        Some(Command::Resume { at: part.at.clone(), next: slot.next, moved: true })
    }
}

/// A part without entries, whose progress tells of an attempt.
fn saying<F: LogFold>(
    at: &TopicPartition,
    slot: &mut Slot<F>,
    attempt: Option<Attempt>,
    in_force: &InForce,
) -> Part {
    let mut part = close_part(at.clone(), slot, OpenPart::default(), in_force);
    if let Some(record) = part.records.last_mut() {
        record.value = Some(Progress { attempt, ..slot.last.clone() }.encode());
    }
    part
}
