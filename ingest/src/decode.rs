//! From the bytes of one record to what it holds. The format is told by the shape; every fault of the input
//! is a [`Rejection`] with code and place, and nothing here can fail.

use schemas::Activity;
use schemas::reject::{ErrorCode, Rejection};

use crate::carrier::{Carrier, Identity};
use crate::formats::Format;
use crate::limits::Limits;
use crate::notes::Notes;
use crate::pass::Pass;
use crate::pointer::rejection;

/// One outcome of decoding.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "activities are the rule; a box would cost each one")]
pub enum Decoded<'a> {
    /// A valid activity.
    Activity(Activity<'a>),
    /// Something that is no activity, by a named rule.
    Skipped(Skip),
    /// Something that should be an activity and is not.
    Rejected(Rejection),
}

/// Why something well-formed is no activity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Skip {
    /// Name of the rule, as in `otlp_span_not_an_activity`.
    pub rule: &'static str,
}

/// Decodes a record whose format is told by its shape: pushes one outcome per activity, at least one in all.
pub fn decode<'a>(bytes: &'a [u8], limits: &Limits, notes: &mut Notes, out: &mut Vec<Decoded<'a>>) {
    pass(None, bytes, limits, (notes, out));
}

/// Decodes a record of a known format.
pub fn decode_as<'a>(
    format: Format,
    bytes: &'a [u8],
    limits: &Limits,
    notes: &mut Notes,
    out: &mut Vec<Decoded<'a>>,
) {
    pass(Some(format), bytes, limits, (notes, out));
}

/// Tells the format of the first record in some bytes; `None` where none has a shape that is known.
pub fn detect(bytes: &[u8]) -> Option<Format> {
    pass(None, bytes, &Limits::default(), (&mut Notes::default(), &mut Vec::new()))
}

fn pass<'a>(
    format: Option<Format>,
    bytes: &'a [u8],
    limits: &Limits,
    (notes, out): (&mut Notes, &mut Vec<Decoded<'a>>),
) -> Option<Format> {
    let beside = (&Identity::default(), &Carrier::default());
    let mut pass = Pass::new(format, beside, limits, notes);
    pass.record(bytes, out);
    pass.told
}

/// Refuses a record beyond its size.
pub(crate) fn within_size(bytes: &[u8], limits: &Limits) -> Result<(), Rejection> {
    let max = limits.record_bytes_max;
    if bytes.len() <= max {
        return Ok(());
    }
    let message = format!("accept a record of more than {max} bytes");
    Err(rejection(ErrorCode::TooLarge, String::new(), message))
}

/// The text that some bytes are.
pub(crate) fn text_of(bytes: &[u8]) -> Result<&str, Rejection> {
    let whole = |code, message: String| Err(rejection(code, String::new(), message));
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let at = error.valid_up_to();
            return whole(ErrorCode::InvalidUtf8, format!("read byte {at} of the record as utf-8"));
        }
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.bytes().all(|byte| byte.is_ascii_whitespace()) {
        return whole(ErrorCode::EmptyValue, "find anything in the record".to_owned());
    }
    Ok(text)
}

/// The rejection of a text that nests too deep.
pub(crate) fn too_deep(limits: &Limits) -> Rejection {
    let message = format!("accept nesting of more than {} levels", limits.depth_max);
    rejection(ErrorCode::TooDeep, String::new(), message)
}

/// The rejection of a text that is no JSON.
pub(crate) fn invalid_json(error: &serde_json::Error) -> Rejection {
    // The parser's own words carry no payload: data errors never come here.
    rejection(ErrorCode::InvalidJson, String::new(), format!("parse the record as json: {error}"))
}

#[cfg(test)]
pub(crate) mod tests;
