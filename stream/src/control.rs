//! What comes down from respond: control records, read to their end before lanes start and followed from then on. One
//! immutable snapshot serves every lane of the process.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use baseline::Shared;
use bus::{Bus, BusError, Isolation, Reader, Record, TopicPartition};
use detector::Inventory;
use lane::{Board, read_all};

use super::fold::Switches;
use super::register;
use super::setup::Setup;

/// Between two snapshots: each is a copy, and every lane takes up each.
const BETWEEN: Duration = Duration::from_millis(500);
const WAIT: Duration = Duration::from_millis(200);
/// Records after which a snapshot is hung up although more are waiting.
const RECORDS_MAX: u32 = 4_096;

/// Follows the control topic.
pub(super) struct Control<B: Bus> {
    bus: B,
    at: TopicPartition,
    sum: Sum,
    next: u64,
    reader: Option<B::Reader>,
}

/// What control records come to.
struct Sum {
    shared: Shared,
    /// Who is registered, where a topic says it.
    inventory: Option<Arc<Inventory>>,
}

impl<B: Bus> Control<B> {
    /// From the beginning.
    pub(super) fn new(bus: B, setup: &Setup) -> Self {
        let at = TopicPartition::new(Arc::clone(&setup.names().control), 0);
        Self { bus, at, sum: Sum::new(setup), next: 0, reader: None }
    }

    /// What has been read.
    pub(super) fn switches(&self, setup: &Setup) -> Switches {
        if let Some(inventory) = &self.sum.inventory {
            setup.tell(|metrics| metrics.registered(inventory.agents().len(), inventory.bytes()));
        }
        self.sum.switches(self.next)
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
                    self.sum.take_up(&record);
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
                Ok((true, _)) => {
                    board.post(self.switches(setup), setup.in_force(self.next));
                    std::thread::sleep(BETWEEN);
                }
                Ok((false, _)) => {}
                Err(error) => {
                    tracing::debug!("control: failed to {error}");
                    std::thread::sleep(WAIT);
                }
            }
        }
    }
}

// === impl Sum ===

impl Sum {
    fn new(setup: &Setup) -> Self {
        let inventory = (!setup.names().inventory.is_empty()).then(Arc::default);
        Self { shared: Shared::default(), inventory }
    }

    fn take_up(&mut self, record: &Record) {
        let key = record.key.as_deref().and_then(|key| std::str::from_utf8(key).ok());
        let (key, value) = (key.unwrap_or_default(), record.value.as_deref().unwrap_or_default());
        let taken = match (register::named(key), &mut self.inventory) {
            (Some(named), Some(inventory)) => {
                register::take_up(Arc::make_mut(inventory), named, value)
            }
            // Of a time in which a topic said who is registered.
            (Some(_), None) => Ok(()),
            (None, _) => {
                let taken = self.shared.take_up(key, value);
                taken.map(drop).map_err(|error| error.to_string())
            }
        };
        if let Err(error) = taken {
            tracing::error!(
                offset = record.offset,
                "control record {key} is passed over: failed to {error}"
            );
        }
    }

    fn switches(&self, control_offset: u64) -> Switches {
        let (shared, inventory) = (Arc::new(self.shared.clone()), self.inventory.clone());
        Switches { shared, inventory, control_offset }
    }
}

/// Every snapshot that was ever in force, by the offset that names it: for a reference run.
pub fn snapshots<B: Bus>(bus: &B, setup: &Setup) -> Result<BTreeMap<u64, Switches>, BusError> {
    let at = TopicPartition::new(Arc::clone(&setup.names().control), 0);
    let mut sum = Sum::new(setup);
    let mut snapshots = BTreeMap::from([(0, sum.switches(0))]);
    for record in read_all(bus, &at)? {
        sum.take_up(&record);
        let control_offset = record.offset + 1;
        snapshots.insert(control_offset, sum.switches(control_offset));
    }
    Ok(snapshots)
}
