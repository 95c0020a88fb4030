//! What comes down from respond: control records, read to their end before lanes start and followed from then on. One
//! immutable snapshot serves every lane of the process.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use baseline::Shared;
use bus::{Bus, BusError, Isolation, Reader, Record, TopicPartition};
use lane::{Board, read_all};

use super::fold::Switches;
use super::setup::Setup;

const WAIT: Duration = Duration::from_millis(200);
/// Records after which a snapshot is hung up although more are waiting.
const RECORDS_MAX: u32 = 4_096;

/// Follows the control topic.
pub(super) struct Control<B: Bus> {
    bus: B,
    at: TopicPartition,
    shared: Shared,
    next: u64,
    reader: Option<B::Reader>,
}

impl<B: Bus> Control<B> {
    /// From the beginning.
    pub(super) fn new(bus: B, setup: &Setup) -> Self {
        let at = TopicPartition::new(Arc::clone(&setup.names().control), 0);
        Self { bus, at, shared: Shared::default(), next: 0, reader: None }
    }

    /// What has been read.
    pub(super) fn switches(&self) -> Switches {
        Switches { shared: Arc::new(self.shared.clone()), control_offset: self.next }
    }

    /// Reads on; whether there was something new, and whether all is read.
    pub(super) fn read(&mut self) -> Result<(bool, bool), BusError> {
        let reader = match &mut self.reader {
            Some(reader) => reader,
            empty => {
                empty.insert(self.bus.reader(&self.at, self.next, Isolation::ReadCommitted)?)
            }
        };
        let before = self.next;
        for _ in 0..RECORDS_MAX {
            match reader.next(if self.next == before { WAIT } else { Duration::ZERO }) {
                Ok(Some(record)) => {
                    take_up(&mut self.shared, &record);
                    self.next = record.offset + 1;
                }
                Ok(None) => break,
                Err(error) => {
                    self.reader = None;
                    return Err(error);
                }
            }
        }
        Ok((self.next != before, self.reader.as_ref().is_some_and(Reader::at_end)))
    }

    /// Follows the topic until told to stop, hanging up each snapshot.
    pub(super) fn follow(mut self, setup: &Setup, board: &Board<Switches>, stop: &AtomicBool) {
        while !stop.load(Ordering::Relaxed) {
            match self.read() {
                Ok((true, _)) => board.post(self.switches(), setup.in_force(self.next)),
                Ok((false, _)) => {}
                Err(error) => {
                    tracing::debug!("control: failed to {error}");
                    std::thread::sleep(WAIT);
                }
            }
        }
    }
}

fn take_up(shared: &mut Shared, record: &Record) {
    let key =
        record.key.as_deref().and_then(|key| std::str::from_utf8(key).ok()).unwrap_or_default();
    if let Err(error) = shared.take_up(key, record.value.as_deref().unwrap_or_default()) {
        tracing::error!(
            offset = record.offset,
            "control record {key} is passed over: failed to {error}"
        );
    }
}

/// Every snapshot that was ever in force, by the offset that names it: for a reference run.
pub fn snapshots<B: Bus>(bus: &B, setup: &Setup) -> Result<BTreeMap<u64, Switches>, BusError> {
    let at = TopicPartition::new(Arc::clone(&setup.names().control), 0);
    let mut shared = Shared::default();
    let mut snapshots = BTreeMap::from([(0, Switches::default())]);
    for record in read_all(bus, &at)? {
        take_up(&mut shared, &record);
        let control_offset = record.offset + 1;
        snapshots
            .insert(control_offset, Switches { shared: Arc::new(shared.clone()), control_offset });
    }
    Ok(snapshots)
}
