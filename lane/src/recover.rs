//! Takeover of partitions: a marker that nobody else can write is committed first; then the state is read up to it. All
//! that an earlier owner can ever have committed stands before the marker.

use std::collections::BTreeMap;

use bus::{Outgoing, Record, TopicPartition};

use crate::batch::{Part, Proof, Transaction};
use crate::careful::Careful;
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
            let tenure = self.tenures;
            parts.push(self.marker(&assignment.at, &state, (tenure, assignment.start), &nonce));
            let slot = Slot {
                fold: (self.make)(&assignment.at),
                state,
                tenure: self.tenures,
                phase: Phase::Claiming,
                leaving: false,
                nonce,
                next: assignment.start,
                last: Progress::default(),
                began: None,
                after_loss: assignment.after_loss,
                lost: None,
                came_early: false,
                newest: BTreeMap::new(),
                restored: 0,
                silent: false,
                marker: None,
                careful: None,
                quarantined: Vec::new(),
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
                slot.silent = false;
            }
            (OWNER_KEY, Some(bytes)) => {
                let owner = Owner::decode(bytes).map_err(|error| broken(error.to_string()))?;
                slot.began = slot.began.or(owner.start);
                if owner.withdrawn {
                    // Compaction may have left this alone: then neither its marker was seen nor who was silent before it.
                    let marker = slot.marker.take().filter(|(nonce, _)| *nonce == owner.nonce);
                    slot.silent = marker.map_or(slot.silent, |(_, silent)| silent);
                    return Ok(Vec::new());
                }
                if owner.nonce == slot.nonce {
                    for (key, value) in std::mem::take(&mut slot.newest) {
                        slot.restored += 1;
                        let loaded = slot.fold.load(&fold::Record { key, value });
                        loaded.map_err(|error| broken(error.to_string()))?;
                    }
                    return Ok(self.run(at));
                }
                // In doubt a claim is sent again.
                if slot.marker.as_ref().is_none_or(|(nonce, _)| *nonce != owner.nonce) {
                    slot.marker = Some((owner.nonce, slot.silent));
                }
                slot.silent = true;
            }
            (PROGRESS_KEY | OWNER_KEY, None) => {}
            (_, Some(bytes)) => {
                let payload = unframe(bytes).map_err(|error| broken(error.to_string()))?.1;
                slot.newest.insert(key, payload.to_vec());
            }
            (_, None) => drop(slot.newest.remove(&key)),
        }
        Ok(Vec::new())
    }

    /// The state is whole: the partition runs. The progress in the log, or where there is none the start of the oldest
    /// owner, is the truth over the group's offset, which is mended where it differs.
    fn run(&mut self, at: &TopicPartition) -> Vec<Command> {
        let Some(slot) = self.slots.get_mut(at) else { return Vec::new() };
        slot.phase = Phase::Running;
        slot.fold.resume(slot.last.stream_time_ms);
        slot.fold.take_up(&self.switches);
        if slot.last.range == 0 {
            slot.last.to = slot.began.unwrap_or(slot.next);
        }
        if slot.after_loss {
            slot.last.to = slot.next;
        }
        if let Some((offset, start)) = slot.lost.take() {
            let is_gone = if offset < start { slot.last.to < start } else { start < slot.last.to };
            if is_gone {
                (slot.next, slot.last.to, slot.after_loss) = (start, start, true);
            }
        }
        let tried = slot.last.attempt.take_if(|tried| tried.end() <= slot.last.to);
        slot.careful = Careful::after(&slot.last, slot.silent || tried.is_some());
        slot.silent = true;
        slot.last.attempt = None;
        let differs = slot.last.to != slot.next;
        let moved = differs || std::mem::take(&mut slot.came_early);
        let mut mend = None;
        if differs {
            tracing::error!(
                partition = %at, progress = slot.last.to, group = slot.next,
                "the group's offset differs from the progress in the log: the log is believed",
            );
            slot.next = slot.last.to;
            mend = Some((slot.state.clone(), (slot.tenure, slot.next), slot.nonce.clone()));
        }
        let mut commands = vec![Command::Resume { at: at.clone(), next: slot.next, moved }];
        if let Some((state, place, nonce)) = mend {
            let part = self.marker(at, &state, place, &nonce);
            self.waiting.push_back(Transaction { parts: vec![part] });
            commands.extend(self.send_next());
        }
        commands
    }

    /// The part of a transaction that takes back the claim of a partition that leaves in peace before it runs.
    pub(crate) fn withdrawal(&self, at: &TopicPartition) -> Option<Part> {
        let slot = self.slots.get(at)?;
        let (nonce, instance) = (slot.nonce.clone(), self.instance.clone());
        let owner = Owner { nonce, instance, start: Some(slot.next), withdrawn: true };
        Some(owner_part(at, &slot.state, (slot.tenure, slot.next), &owner))
    }

    /// The part of a transaction that claims a partition at an offset.
    fn marker(
        &self,
        at: &TopicPartition,
        state: &TopicPartition,
        (tenure, next): (u64, u64),
        nonce: &str,
    ) -> Part {
        let (nonce, instance) = (nonce.to_owned(), self.instance.clone());
        let owner = Owner { nonce, instance, start: Some(next), withdrawn: false };
        owner_part(at, state, (tenure, next), &owner)
    }
}

/// The part of a transaction that writes an owner's record.
fn owner_part(
    at: &TopicPartition,
    state: &TopicPartition,
    (tenure, next): (u64, u64),
    owner: &Owner,
) -> Part {
    let marker = Outgoing {
        to: state.clone(),
        key: Some(OWNER_KEY.to_vec()),
        value: Some(owner.encode()),
        headers: Vec::new(),
    };
    Part {
        at: at.clone(),
        state: state.clone(),
        tenure,
        next,
        proof: Proof::Owner,
        records: vec![marker],
        causes: Vec::new(),
        counts: Counts::default(),
    }
}
