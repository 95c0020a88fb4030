//! Reads what is committed in a partition, up to its end.

use std::time::Duration;

use bus::{Bus, BusError, Isolation, Reader, Record, TopicPartition};

/// How long one record may take where all are read.
const READ_TIMEOUT: Duration = Duration::from_secs(10);

/// Shows every committed record of a partition from an offset on; each may take `timeout`.
pub(crate) fn each_record<B: Bus>(
    bus: &B,
    at: &TopicPartition,
    (from, timeout): (u64, Duration),
    mut show: impl FnMut(Record),
) -> Result<(), BusError> {
    let mut reader = bus.reader(at, from, Isolation::ReadCommitted)?;
    loop {
        match reader.next(timeout)? {
            Some(record) => show(record),
            None if reader.at_end() => return Ok(()),
            None => return Err(BusError::Unavailable(format!("no answer from {at}"))),
        }
    }
}

/// Everything committed in a partition.
pub fn read_all<B: Bus>(bus: &B, at: &TopicPartition) -> Result<Vec<Record>, BusError> {
    let mut records = Vec::new();
    each_record(bus, at, (0, READ_TIMEOUT), |record| records.push(record))?;
    Ok(records)
}
