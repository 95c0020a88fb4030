//! A file of logs: packed or not, lines or values over several lines. A record that is a file of its own may be as
//! long as files are; one of many may be as long as on a log.

use record::limits::Limits;
use schemas::reject::Rejection;

use crate::envelope::unpack;
use crate::texts::records;

/// A file, unpacked.
#[derive(Debug)]
pub struct LogFile {
    bytes: Vec<u8>,
    layers: Vec<&'static str>,
}

// === impl LogFile ===

impl LogFile {
    /// Unpacks a file; what it may expand to depends on its size.
    pub fn open(bytes: Vec<u8>) -> Result<Self, Rejection> {
        let (bytes, layers) = unpack(bytes)?;
        Ok(Self { bytes, layers })
    }

    /// What it holds.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What it was packed in, from the outside.
    pub fn layers(&self) -> &[&'static str] {
        &self.layers
    }
}

/// The records of a file, each with its line from 0.
pub fn file_records(bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    records(bytes)
}

/// The limits of a record of a file.
pub fn file_limits(bytes: &[u8], record: &[u8]) -> Limits {
    let own = Limits::default();
    if record.len() < bytes.trim_ascii().len() {
        return own;
    }
    Limits {
        record_bytes_max: 256 << 20,
        expanded_bytes_max: 512 << 20,
        spans_max: 1 << 20,
        activities_max: 1 << 20,
        values_max: 1 << 23,
        ..own
    }
}
