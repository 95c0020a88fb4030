//! The frame around every saved record: format, offset of the entry that made it, checksum, payload. A record that
//! does not check is refused, never repaired.

use xxhash_rust::xxh3::xxh3_64;

/// Version of the frame.
const FORMAT: u8 = 1;
/// Format, offset, checksum.
const HEAD_BYTES: usize = 17;

/// Why a saved record cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Shorter than its frame.
    #[error("read a state record of at least {HEAD_BYTES} bytes")]
    Length,
    /// Written by a version that this one does not know.
    #[error("read a state record of format {0}")]
    Format(u8),
    /// The checksum does not match.
    #[error("verify the checksum of a state record")]
    Checksum,
}

/// Frames a payload; `last_offset` is that of the entry behind it.
pub fn frame(last_offset: u64, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEAD_BYTES + payload.len());
    bytes.push(FORMAT);
    bytes.extend_from_slice(&last_offset.to_le_bytes());
    bytes.extend_from_slice(&checksum(last_offset, payload).to_le_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

/// Checks a frame; gives the offset and the payload.
pub fn unframe(bytes: &[u8]) -> Result<(u64, &[u8]), FrameError> {
    let (format, rest) = bytes.split_first().ok_or(FrameError::Length)?;
    if *format != FORMAT {
        return Err(FrameError::Format(*format));
    }
    let (offset, rest) = rest.split_first_chunk::<8>().ok_or(FrameError::Length)?;
    let (sum, payload) = rest.split_first_chunk::<8>().ok_or(FrameError::Length)?;
    let offset = u64::from_le_bytes(*offset);
    if u64::from_le_bytes(*sum) != checksum(offset, payload) {
        return Err(FrameError::Checksum);
    }
    Ok((offset, payload))
}

fn checksum(offset: u64, payload: &[u8]) -> u64 {
    xxh3_64(payload) ^ offset.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_is_refused() {
        let good = frame(7, b"payload");
        assert_eq!(unframe(&good), Ok((7, b"payload".as_slice())));
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 0x40;
            assert!(unframe(&bad).is_err(), "{at}");
            assert!(unframe(&good[..at]).is_err(), "{at}");
        }
    }
}
