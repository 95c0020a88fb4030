//! A reader of one partition of the log in one process.

use std::time::Duration;

use super::core::{Core, Handle};
use crate::error::BusError;
use crate::memory::Step;
use crate::record::{Isolation, Record, TopicPartition};
use crate::traits::Reader;

/// A reader of one partition.
pub struct LocalReader {
    handle: Handle,
    at: TopicPartition,
    next: u64,
    isolation: Isolation,
    /// Where the readable part ended at the last look.
    end: Option<u64>,
}

impl LocalReader {
    pub(crate) fn new(
        handle: &Handle,
        at: &TopicPartition,
        from: u64,
        isolation: Isolation,
    ) -> Result<Self, BusError> {
        handle.step(Step::Look, |core, _| core.engine.place(at).map(|_| ()))?;
        Ok(Self { handle: handle.clone(), at: at.clone(), next: from, isolation, end: None })
    }

    /// The next record, and how far everything hidden may be skipped.
    fn peek(&self, core: &Core) -> Result<(Option<Record>, u64), BusError> {
        let place = core.engine.place(&self.at)?;
        let end = place.end(Isolation::ReadUncommitted);
        if self.next > end {
            let (partition, offset, start) = (self.at.clone(), self.next, place.start());
            return Err(BusError::OutOfRange { partition, offset, start });
        }
        let found = place.read(self.next, self.isolation);
        Ok((found.map(|(entry, body)| entry.record(&self.at, body)), place.end(self.isolation)))
    }
}

impl Reader for LocalReader {
    fn next(&mut self, timeout: Duration) -> Result<Option<Record>, BusError> {
        let mut found = Ok((None, self.next));
        let mut core = self.handle.wait(timeout, |core| {
            found = self.peek(core);
            !matches!(found, Ok((None, _)))
        });
        core.check(self.handle.process)?;
        let (record, end) = found?;
        if record.is_some() {
            core.step(self.handle.process, Step::Read, |_, _| Ok(()))?;
        }
        self.next = record.as_ref().map_or(end.max(self.next), |record| record.offset + 1);
        self.end = Some(end);
        Ok(record)
    }

    fn at_end(&self) -> bool {
        let Some(end) = self.end else { return false };
        let core = self.handle.lock();
        let place = core.engine.place(&self.at);
        let rest = place.ok().and_then(|place| place.read(self.next, self.isolation));
        rest.is_none_or(|(entry, _)| entry.offset >= end)
    }
}
