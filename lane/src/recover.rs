//! Takeover of partitions: a marker that nobody else can write is committed first; then the state is read up to it. All
//! that an earlier owner can ever have committed stands before the marker.

use bus::{Outgoing, Record, TopicPartition};

use crate::batch::{Part, Proof, Transaction};
use crate::error::LaneError;
use crate::fold::{self, Counts, LogFold};
use crate::frame::unframe;
use crate::lane::{Assignment, Command, Lane, Phase, Slot};
use crate::progress::{OWNER_KEY, Owner, PROGRESS_KEY, Progress};

impl<F: LogFold> Lane<F> {
    /// Takes partitions over: claims each with a marker that nobody else can write. `nonce` is random.
    pub fn on_assign(&mut self, assigned: &[Assignment], nonce: u128) -> Vec<Command> {
        let mut parts = Vec::new();
        for assignment in assigned {
            let Some(state) = self.layout.state_of(&assignment.at) else { continue };
            self.tenures += 1;
            let nonce = format!("{nonce:032x}-{}", self.tenures);
            let owner = Owner { nonce: nonce.clone(), instance: self.instance.clone() };
            let marker = Outgoing {
                to: state.clone(),
                key: Some(OWNER_KEY.to_vec()),
                value: Some(owner.encode()),
                headers: Vec::new(),
            };
            parts.push(Part {
                at: assignment.at.clone(),
                state: state.clone(),
                tenure: self.tenures,
                next: assignment.start,
                proof: Proof::Owner(nonce.clone()),
                records: vec![marker],
                causes: Vec::new(),
                counts: Counts::default(),
            });
            let slot = Slot {
                fold: (self.make)(&assignment.at),
                state,
                tenure: self.tenures,
                phase: Phase::Claiming,
                leaving: false,
                nonce,
                next: assignment.start,
                last: Progress::default(),
                after_loss: assignment.after_loss,
                restored: 0,
            };
            self.slots.insert(assignment.at.clone(), slot);
        }
        if !parts.is_empty() {
            self.waiting.push_back(Transaction { parts });
        }
        self.send_next()
    }

    /// One record of a state partition that is being restored; `Resume` where it was the own marker.
    pub fn on_state(
        &mut self,
        at: &TopicPartition,
        record: &Record,
    ) -> Result<Vec<Command>, LaneError> {
        let Some(slot) = self.slots.get_mut(at).filter(|slot| slot.phase == Phase::Restoring)
        else {
            return Ok(Vec::new());
        };
        let key = record.key.clone().unwrap_or_default();
        let value = record.value.as_deref();
        let broken = |reason: String| LaneError::State {
            at: record.at.clone(),
            offset: record.offset,
            reason,
        };
        match (key.as_slice(), value) {
            (PROGRESS_KEY, Some(bytes)) => {
                slot.last = Progress::decode(bytes).map_err(|error| broken(error.to_string()))?;
            }
            (OWNER_KEY, Some(bytes)) => {
                let owner = Owner::decode(bytes).map_err(|error| broken(error.to_string()))?;
                if owner.nonce == slot.nonce {
                    return Ok(vec![Self::run(at, slot, &self.switches)]);
                }
            }
            (PROGRESS_KEY | OWNER_KEY, None) => {}
            _ => {
                let payload = match value {
                    Some(bytes) => {
                        unframe(bytes).map_err(|error| broken(error.to_string()))?.1.to_vec()
                    }
                    None => Vec::new(),
                };
                slot.restored += 1;
                slot.fold
                    .load(&fold::Record { key, value: payload })
                    .map_err(|error| broken(error.to_string()))?;
            }
        }
        Ok(Vec::new())
    }

    /// The state is whole: the partition runs. The progress in the log is the truth over the group's offset.
    fn run(at: &TopicPartition, slot: &mut Slot<F>, switches: &F::Switches) -> Command {
        slot.phase = Phase::Running;
        slot.fold.take_up(switches);
        let known = slot.last.range > 0;
        let moved = known && slot.last.to != slot.next && !slot.after_loss;
        if moved {
            tracing::error!(
                partition = %at, progress = slot.last.to, group = slot.next,
                "the group's offset differs from the progress in the log: the log is believed",
            );
            slot.next = slot.last.to;
        }
        if !known {
            slot.last.to = slot.next;
        }
        Command::Resume { at: at.clone(), next: slot.next, moved }
    }
}
