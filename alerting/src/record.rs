//! Bytes of case records: magic, version, checksum, JSON. A record that does not check is refused, never
//! repaired; floats come back bit for bit.

use baseline::bytes::StateError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use xxhash_rust::xxh3::xxh3_64;

const MAGIC: [u8; 2] = *b"HC";
const VERSION: u8 = 1;

/// Why a case record cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The key names no record of ours.
    #[error("understand the key of a case record")]
    Key,
    /// Shorter than its frame, or not one of ours.
    #[error("recognise a case record")]
    Frame,
    /// Written by a version that this one does not know.
    #[error("read a case record of version {0}")]
    Version(u8),
    /// The checksum does not match.
    #[error("verify the checksum of a case record")]
    Checksum,
    /// The content does not decode.
    #[error("decode a case record")]
    Content(#[source] serde_json::Error),
    /// A shared table does not decode.
    #[error("decode a shared table")]
    Table(#[source] StateError),
}

/// Frames a record. Content that cannot be written gives an empty record, which no reader accepts.
pub(crate) fn encode(content: &impl Serialize) -> Vec<u8> {
    let Ok(json) = serde_json::to_vec(content) else { return Vec::new() };
    let mut bytes = Vec::with_capacity(json.len() + 11);
    bytes.extend_from_slice(&MAGIC);
    bytes.push(VERSION);
    bytes.extend_from_slice(&xxh3_64(&json).to_le_bytes());
    bytes.extend_from_slice(&json);
    bytes
}

/// Checks and reads a record.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, RecordError> {
    let rest = bytes.strip_prefix(&MAGIC).ok_or(RecordError::Frame)?;
    let (version, rest) = rest.split_first().ok_or(RecordError::Frame)?;
    if *version != VERSION {
        return Err(RecordError::Version(*version));
    }
    let (checksum, json) = rest.split_first_chunk::<8>().ok_or(RecordError::Frame)?;
    if xxh3_64(json) != u64::from_le_bytes(*checksum) {
        return Err(RecordError::Checksum);
    }
    serde_json::from_slice(json).map_err(RecordError::Content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_is_refused() {
        let good = encode(&vec![0.1_f64, 1e-7, 5e-324]);
        assert_eq!(
            decode::<Vec<f64>>(&good).unwrap().iter().map(|f| f.to_bits()).collect::<Vec<_>>(),
            [0.1_f64, 1e-7, 5e-324].map(f64::to_bits)
        );
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            assert!(decode::<Vec<f64>>(&bad).is_err(), "{at}");
            assert!(decode::<Vec<f64>>(&good[..at]).is_err(), "{at}");
        }
        let mut newer = good;
        newer[2] = 2;
        assert!(matches!(decode::<Vec<f64>>(&newer), Err(RecordError::Version(2))));
    }
}
