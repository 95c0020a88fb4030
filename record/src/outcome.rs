//! What decoding a record comes to, and the refusals that every format shares. Bad input is a value here, never an
//! error of ours.

use schemas::Activity;
use schemas::reject::{ErrorCode, Rejection};

use crate::limits::Limits;
use crate::pointer::rejection;

/// One outcome of decoding.
#[derive(Clone, Debug, PartialEq)]
pub enum Decoded<'a> {
    /// A valid activity; in a box, for it is handed on often and is two kilobytes.
    Activity(Box<Activity<'a>>),
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

/// Refuses a record beyond its size.
pub fn within_size(bytes: &[u8], limits: &Limits) -> Result<(), Rejection> {
    let max = limits.record_bytes_max;
    if bytes.len() <= max {
        return Ok(());
    }
    let message = format!("accept a record of more than {max} bytes");
    Err(rejection(ErrorCode::TooLarge, String::new(), message))
}

/// The text that some bytes are.
pub fn text_of(bytes: &[u8]) -> Result<&str, Rejection> {
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
pub fn too_deep(limits: &Limits) -> Rejection {
    let message = format!("accept nesting of more than {} levels", limits.depth_max);
    rejection(ErrorCode::TooDeep, String::new(), message)
}

/// The rejection of a text that is no JSON.
pub fn invalid_json(error: &serde_json::Error) -> Rejection {
    // The parser's own words carry no payload: data errors never come here.
    rejection(ErrorCode::InvalidJson, String::new(), format!("parse the record as json: {error}"))
}
