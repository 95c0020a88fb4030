//! The log as a folder on this machine: the in-process engine, and a journal that keeps every committed
//! transaction whole or not at all. For one process; what is open when it ends never happened.

mod codec;
mod journal;

use std::path::Path;
use std::time::Duration;

pub(crate) use journal::Journal;

use crate::error::BusError;
use crate::local::{
    Edge, Handle, LocalAdmin, LocalConsumer, LocalGroup, LocalProducer, LocalReader,
};
use crate::record::{Isolation, TopicPartition};
use crate::traits::{Admin, Bus};

/// How a folder is used.
#[derive(Clone, Copy, Debug)]
pub struct FileSettings {
    /// The time in milliseconds, which stamps records.
    pub clock: fn() -> i64,
    /// Whether a commit waits until the disk has it. Without, a commit outlives the process, not the machine.
    pub sync: bool,
}

/// A log in a folder.
#[derive(Clone)]
pub struct FileLog {
    handle: Handle,
}

impl FileLog {
    /// Opens a folder, made if missing, and keeps every other process out of it. A tail that was not written to
    /// its end is dropped; damage before the tail is refused.
    pub fn open(folder: &Path, settings: FileSettings) -> Result<Self, BusError> {
        let (journal, engine) = Journal::open(folder, settings)?;
        Ok(Self { handle: Handle::new(engine, Edge::Journal(Box::new(journal))) })
    }
}

impl Bus for FileLog {
    type Consumer = LocalConsumer;
    type Producer = LocalProducer;
    type Reader = LocalReader;
    type Group = LocalGroup;

    fn consumer(&self, group: &str, topics: &[&str]) -> Result<LocalConsumer, BusError> {
        LocalConsumer::new(&self.handle, group, topics)
    }

    fn producer(&self, transactional_id: &str, _: Duration) -> Result<LocalProducer, BusError> {
        LocalProducer::new(&self.handle, transactional_id)
    }

    fn reader(
        &self,
        at: &TopicPartition,
        from: u64,
        isolation: Isolation,
    ) -> Result<LocalReader, BusError> {
        LocalReader::new(&self.handle, at, from, isolation)
    }

    fn admin(&self) -> Result<Box<dyn Admin>, BusError> {
        Ok(Box::new(LocalAdmin(self.handle.clone())))
    }
}
