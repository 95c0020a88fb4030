//! How far the lanes of a process have committed, and whether that is all there was.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bus::{Bus, BusError, Isolation, Reader, TopicPartition};

use crate::batch::Transaction;

/// How long one record may take.
const READ_TIMEOUT: Duration = Duration::from_millis(200);

/// Committed positions of a process: next offset to be read, by partition.
#[derive(Clone, Debug, Default)]
pub struct Positions(Arc<Mutex<BTreeMap<TopicPartition, u64>>>);

impl Positions {
    /// Takes in what was committed.
    pub fn note(&self, transaction: &Transaction) {
        let mut positions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for part in &transaction.parts {
            positions.insert(part.at.clone(), part.next);
        }
    }

    /// The position in a partition, where one was committed.
    pub fn of(&self, at: &TopicPartition) -> Option<u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(at).copied()
    }

    /// Whether nothing readable is left in a partition before `end`. Control records hold offsets too, so a position may
    /// stay below the end for good.
    pub fn reached<B: Bus>(
        &self,
        bus: &B,
        at: &TopicPartition,
        end: u64,
    ) -> Result<bool, BusError> {
        let Some(position) = self.of(at) else { return Ok(false) };
        if end <= position {
            return Ok(true);
        }
        let mut reader = bus.reader(at, position, Isolation::ReadCommitted)?;
        match reader.next(READ_TIMEOUT)? {
            Some(record) => Ok(end <= record.offset),
            None => Ok(reader.at_end()),
        }
    }
}

/// The ends of partitions as committed readers see them now.
pub fn ends<B: Bus>(
    bus: &B,
    partitions: &[TopicPartition],
) -> Result<Vec<(TopicPartition, u64)>, BusError> {
    let mut admin = bus.admin()?;
    let end = |at: &TopicPartition| Ok((at.clone(), admin.bounds(at, Isolation::ReadCommitted)?.1));
    partitions.iter().map(end).collect()
}
