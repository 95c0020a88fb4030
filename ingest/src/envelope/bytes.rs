//! Envelopes of bytes: gzip, zstd, base64, the prefix of a schema registry. All that a record expands to,
//! over all its layers, comes out of one budget; what asks for more is refused before it is made.

use std::borrow::Cow;
use std::io::Read;

use data_encoding::{BASE64, BASE64_NOPAD};
use flate2::read::MultiGzDecoder;
use record::limits::Limits;
use record::pointer::rejection;
use ruzstd::decoding::StreamingDecoder;
use schemas::reject::{ErrorCode, Rejection};

const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
/// Bytes of a schema registry's prefix: a zero and the id of the schema.
const REGISTRY_BYTES: usize = 5;
/// What any file may expand to; 32 MiB.
const FILE_BYTES_MIN: usize = 32 << 20;
/// How many times its size a file may expand to: logs pack to a fiftieth at best.
const FILE_RATIO_MAX: usize = 256;

/// What a record may still expand to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    bytes_left: usize,
    bytes_max: usize,
    layers_max: usize,
}

// === impl Budget ===

impl Budget {
    /// The whole budget of a record.
    pub(crate) fn new(limits: &Limits) -> Self {
        let bytes_max = limits.expanded_bytes_max;
        Self { bytes_left: bytes_max, bytes_max, layers_max: limits.envelopes_max }
    }

    /// Takes so many bytes.
    fn take(&mut self, n: usize) -> Result<(), Rejection> {
        match self.bytes_left.checked_sub(n) {
            Some(left) => self.bytes_left = left,
            None => return Err(self.exceeded()),
        }
        Ok(())
    }

    fn exceeded(&self) -> Rejection {
        let message = format!("expand a record to more than {} bytes", self.bytes_max);
        rejection(ErrorCode::TooLarge, String::new(), message)
    }
}

/// Peels all layers of bytes; borrowed where there is none.
pub(crate) fn expand<'b>(
    bytes: &'b [u8],
    budget: &mut Budget,
    layers: &mut Vec<&'static str>,
) -> Result<Cow<'b, [u8]>, Rejection> {
    let mut bytes = Cow::Borrowed(bytes);
    for _ in 0..=budget.layers_max {
        let (name, layer) = layer(&bytes, budget)?;
        bytes = match layer {
            Layer::None => return Ok(bytes),
            Layer::Made(made) => Cow::Owned(made),
            Layer::Prefix(n) => match bytes {
                Cow::Borrowed(bytes) => Cow::Borrowed(bytes.get(n..).unwrap_or_default()),
                Cow::Owned(mut bytes) => {
                    bytes.drain(..n.min(bytes.len()));
                    Cow::Owned(bytes)
                }
            },
        };
        layers.push(name);
    }
    let message = format!("accept more than {} envelopes in one another", budget.layers_max);
    Err(rejection(ErrorCode::TooDeep, String::new(), message))
}

/// Decodes base64 with or without padding.
pub(crate) fn base64(text: &str, budget: &mut Budget) -> Result<Vec<u8>, Rejection> {
    budget.take(text.len())?;
    let made = BASE64.decode(text.as_bytes()).or_else(|_| BASE64_NOPAD.decode(text.as_bytes()));
    made.map_err(|_| rejection(ErrorCode::InvalidField, String::new(), "read base64"))
}

enum Layer {
    None,
    Made(Vec<u8>),
    Prefix(usize),
}

/// The outermost layer, and its name.
fn layer(bytes: &[u8], budget: &mut Budget) -> Result<(&'static str, Layer), Rejection> {
    if bytes.starts_with(GZIP) {
        return Ok(("gzip", Layer::Made(unpacked(MultiGzDecoder::new(bytes), "gzip", budget)?)));
    }
    if is_zstd(bytes) {
        return Ok(("zstd", Layer::Made(zstd(bytes, budget)?)));
    }
    match bytes {
        [0, rest @ ..] if REGISTRY_BYTES <= rest.len() => match rest.get(REGISTRY_BYTES - 1) {
            Some(b'{') => Ok(("schema_registry", Layer::Prefix(REGISTRY_BYTES))),
            _ => {
                let message = "read a value that a schema registry encoded, other than json";
                Err(rejection(ErrorCode::SchemaRegistryUnsupported, String::new(), message))
            }
        },
        _ => Ok(("", Layer::None)),
    }
}

/// Whether bytes begin with a frame of zstd, one that holds nothing among them: parallel writers put an index first.
fn is_zstd(bytes: &[u8]) -> bool {
    bytes.starts_with(ZSTD) || skippable(bytes).is_some()
}

/// Unpacks frame by frame: whoever writes with several threads writes several.
fn zstd(mut bytes: &[u8], budget: &mut Budget) -> Result<Vec<u8>, Rejection> {
    let unreadable = || rejection(ErrorCode::InvalidField, String::new(), "read zstd");
    let mut made = Vec::new();
    while !bytes.is_empty() {
        if let Some(frame) = skippable(bytes) {
            bytes = bytes.get(frame..).ok_or_else(unreadable)?;
            continue;
        }
        if !bytes.starts_with(ZSTD) {
            return Err(unreadable());
        }
        if zstd_window(bytes).is_none_or(|window| budget.bytes_max as u64 <= window) {
            return Err(budget.exceeded());
        }
        let decoder = StreamingDecoder::new(&mut bytes).map_err(|_| unreadable())?;
        made.append(&mut unpacked(decoder, "zstd", budget)?);
    }
    Ok(made)
}

/// The length of a frame that holds nothing of the content (RFC 8878, 3.1.2).
fn skippable(bytes: &[u8]) -> Option<usize> {
    let [kind, 0x2a, 0x4d, 0x18, a, b, c, d, ..] = bytes else { return None };
    let length = usize::try_from(u32::from_le_bytes([*a, *b, *c, *d])).ok()?;
    (kind & 0xf0 == 0x50).then(|| length.saturating_add(8))
}

/// Reads to the end, one byte beyond the budget at most.
fn unpacked(reader: impl Read, name: &str, budget: &mut Budget) -> Result<Vec<u8>, Rejection> {
    let mut made = Vec::new();
    let most = u64::try_from(budget.bytes_left).unwrap_or(u64::MAX).saturating_add(1);
    if reader.take(most).read_to_end(&mut made).is_err() {
        return Err(rejection(ErrorCode::InvalidField, String::new(), format!("read {name}")));
    }
    budget.take(made.len())?;
    Ok(made)
}

/// Unpacks a whole file of logs, which may be larger than any record: what it expands to is bounded by its own size.
pub(crate) fn unpack(bytes: Vec<u8>) -> Result<(Vec<u8>, Vec<&'static str>), Rejection> {
    let bytes_max = FILE_BYTES_MIN.max(bytes.len().saturating_mul(FILE_RATIO_MAX));
    let limits = Limits { expanded_bytes_max: bytes_max, ..Limits::default() };
    let mut layers = Vec::new();
    let is_packed = bytes.starts_with(GZIP) || is_zstd(&bytes);
    if !is_packed {
        return Ok((bytes, layers));
    }
    let unpacked = expand(&bytes, &mut Budget::new(&limits), &mut layers)?.into_owned();
    Ok((unpacked, layers))
}

/// The memory that a zstd frame asks for, in bytes (RFC 8878, 3.1.1.1).
fn zstd_window(bytes: &[u8]) -> Option<u64> {
    let descriptor = *bytes.get(4)?;
    let is_single = descriptor & 0x20 != 0;
    if !is_single {
        let window = *bytes.get(5)?;
        let base = 1_u64 << (10 + (window >> 3));
        return Some(base + base / 8 * u64::from(window & 7));
    }
    // A single segment is as large as its content; its size follows the id of the dictionary.
    let skipped = [0, 1, 2, 4].get(usize::from(descriptor & 3))?;
    let size_bytes = [1, 2, 4, 8].get(usize::from(descriptor >> 6))?;
    let size = bytes.get(5 + skipped..5 + skipped + size_bytes)?;
    let size = size.iter().rev().fold(0_u64, |size, byte| size << 8 | u64::from(*byte));
    Some(if *size_bytes == 2 { size + 256 } else { size })
}
