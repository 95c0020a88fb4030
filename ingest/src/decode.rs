//! From the bytes of one record to what it holds. The format is told by the first key; every fault of the
//! input is a [`Rejection`] with code and place, and nothing here can fail.

use schemas::Activity;
use schemas::reject::{ErrorCode, Rejection};
use serde::de::IgnoredAny;

use crate::depth;
use crate::format::{langfuse, native, otlp};
use crate::limits::Limits;
use crate::notes::Notes;
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

/// A format that records are read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `agent.activity/1` as JSON.
    Native,
    /// OpenTelemetry traces and logs, JSON or protobuf.
    Otlp,
    /// A trace as Langfuse exports it.
    Langfuse,
}

// === impl Format ===

impl Format {
    /// The word of `producer.format` and of the dead-letter header.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Otlp => "otlp",
            Self::Langfuse => "langfuse",
        }
    }
}

/// Decodes a record of either format: pushes one outcome per activity, at least one in all.
pub fn decode<'a>(bytes: &'a [u8], limits: &Limits, notes: &mut Notes, out: &mut Vec<Decoded<'a>>) {
    if otlp::is_protobuf(bytes) {
        return decode_otlp(bytes, limits, notes, out);
    }
    match text_of(bytes, limits) {
        Err(rejection) => out.push(Decoded::Rejected(rejection)),
        Ok(text) => match format_of(text) {
            Some(format) => dispatch(format, text, limits, (notes, out)),
            None => out.push(Decoded::Rejected(not_an_object(text, limits))),
        },
    }
}

/// Decodes a record of a known format, whatever its first key.
pub fn decode_as<'a>(
    format: Format,
    bytes: &'a [u8],
    limits: &Limits,
    notes: &mut Notes,
    out: &mut Vec<Decoded<'a>>,
) {
    if format == Format::Otlp && otlp::is_protobuf(bytes) {
        return decode_otlp(bytes, limits, notes, out);
    }
    match text_of(bytes, limits) {
        Err(rejection) => out.push(Decoded::Rejected(rejection)),
        Ok(text) if format_of(text).is_none() => {
            out.push(Decoded::Rejected(not_an_object(text, limits)));
        }
        Ok(text) => dispatch(format, text, limits, (notes, out)),
    }
}

/// Tells the format of a record by its first key; `None` where it is no JSON object.
pub fn detect(bytes: &[u8]) -> Option<Format> {
    if otlp::is_protobuf(bytes) {
        return Some(Format::Otlp);
    }
    // The key stands near the start; what follows may be anything.
    format_of(std::str::from_utf8(bytes).ok()?)
}

fn dispatch<'a>(
    format: Format,
    text: &'a str,
    limits: &Limits,
    (notes, out): (&mut Notes, &mut Vec<Decoded<'a>>),
) {
    match format {
        Format::Native => out.push(native::decode(text, limits, notes)),
        Format::Otlp => decode_otlp(text.as_bytes(), limits, notes, out),
        Format::Langfuse => langfuse::decode(text, limits, notes, out),
    }
}

fn decode_otlp<'a>(
    bytes: &'a [u8],
    limits: &Limits,
    notes: &mut Notes,
    out: &mut Vec<Decoded<'a>>,
) {
    let mut sink = otlp::Sink { notes, out, orphans: &mut Vec::new() };
    otlp::decode(bytes, limits, None, &mut sink);
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

/// The record as text, within its size.
pub(crate) fn text_of<'a>(bytes: &'a [u8], limits: &Limits) -> Result<&'a str, Rejection> {
    let whole = |code, message: String| Err(rejection(code, String::new(), message));
    within_size(bytes, limits)?;
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

fn format_of(text: &str) -> Option<Format> {
    let is_space = |character| matches!(character, ' ' | '\t' | '\r' | '\n');
    let members = text.trim_start_matches('\u{feff}').trim_start_matches(is_space);
    let members = members.strip_prefix('{')?.trim_start_matches(is_space);
    let begins_with = |keys: &[&str]| keys.iter().any(|key| members.starts_with(key));
    Some(if begins_with(&["\"resourceSpans\"", "\"resourceLogs\""]) {
        Format::Otlp
    } else if begins_with(&["\"trace\"", "\"observations\""]) && text.contains("\"observations\"") {
        Format::Langfuse
    } else {
        Format::Native
    })
}

/// Why a text that does not begin as an object is refused.
fn not_an_object(text: &str, limits: &Limits) -> Rejection {
    match serde_json::from_str::<IgnoredAny>(text) {
        _ if depth::exceeds(text, limits.depth_max) => too_deep(limits),
        Err(error) => invalid_json(&error),
        Ok(_) => rejection(
            ErrorCode::UnsupportedFormat,
            String::new(),
            "recognise a record that is no json object",
        ),
    }
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
