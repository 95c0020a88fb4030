//! Times as logs write them: with or without an offset, with a blank for the `T`, or as a number. Without
//! an offset it is UTC; a number is s, ms, µs or ns by its magnitude, whatever a standard says.

use schemas::time::{EventTime, TimeError};

use crate::lexeme::Lexeme;
use crate::rfc3339;
use crate::tree::Tree;

/// Numbers below count seconds, then milliseconds, then microseconds, then nanoseconds. The bounds lie far
/// outside 1990 to 2100 in each unit.
const SECONDS_END: f64 = 1e11;
const MILLIS_END: f64 = 1e14;
const MICROS_END: f64 = 1e17;

/// Reads a time in any of these forms.
pub fn read(tree: &Tree<'_>) -> Result<EventTime, TimeError> {
    match tree {
        Tree::Scalar(Lexeme::Text(text)) => read_text(text),
        Tree::Scalar(lexeme) => epoch(lexeme.number().ok_or(TimeError::Malformed)?),
        _ => Err(TimeError::Malformed),
    }
}

/// Reads a time in text.
pub fn read_text(text: &str) -> Result<EventTime, TimeError> {
    match rfc3339::parse(text) {
        Err(TimeError::Malformed) if text.len() < 40 => {}
        other => return other,
    }
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    match text.parse() {
        Ok(number) if is_number => epoch(number),
        _ => match without_colon(text) {
            Some(text) => rfc3339::parse(&text),
            None => rfc3339::parse(&format!("{text}Z")),
        },
    }
}

/// A time whose offset is written `+0100`, with the colon put in.
fn without_colon(text: &str) -> Option<String> {
    let (time, offset) = text.split_at_checked(text.len().checked_sub(5)?)?;
    let is_offset =
        offset.starts_with(['+', '-']) && offset.bytes().skip(1).all(|byte| byte.is_ascii_digit());
    // A date ends alike.
    let (hours, minutes) = offset.split_at_checked(3)?;
    (is_offset && time.contains(':')).then(|| format!("{time}{hours}:{minutes}"))
}

/// The time that a number tells. Below a microsecond digits are rounded, so that a float's noise moves no
/// millisecond.
fn epoch(number: f64) -> Result<EventTime, TimeError> {
    let micros = match number {
        _ if number < 0.0 => return Err(TimeError::OutOfRange),
        _ if number < SECONDS_END => number * 1e6,
        _ if number < MILLIS_END => number * 1e3,
        _ if number < MICROS_END => number,
        _ => number / 1e3,
    };
    #[expect(
        clippy::cast_possible_truncation,
        reason = "it saturates, and saturated is out of range"
    )]
    let micros = micros.round() as i64;
    EventTime::from_millis(micros / 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(json: &str) -> Result<i64, TimeError> {
        read(&serde_json::from_str(json).unwrap()).map(EventTime::millis)
    }

    #[test]
    fn times_are_read_in_every_form_that_logs_write() {
        for json in [
            "1795467091.412",
            "1795467091412",
            "1795467091412000",
            "1795467091412000000",
            "\"1795467091.412\"",
            "\"1795467091412\"",
            "\"2026-11-23T20:51:31.412Z\"",
            "\"2026-11-23 20:51:31.412\"",
            "\"2026-11-23 20:51:31.412000000\"",
            "\"2026-11-23T20:51:31.4120000Z\"",
            "\"2026-11-23T22:51:31.412+02:00\"",
            "\"2026-11-23T18:51:31.412-0200\"",
        ] {
            assert_eq!(ms(json), Ok(1_795_467_091_412), "{json}");
        }
        assert_eq!(ms("1588205198.89971"), Ok(1_588_205_198_899));
        assert_eq!(ms("1702857600"), Ok(1_702_857_600_000));
        for json in [
            "\"redacted\"",
            "\"2024-12-17 00:00:00000000\"",
            "true",
            "{}",
            "\"\"",
            "\"1e9\"",
            "\"2026-11-23-0200\"",
        ] {
            assert_eq!(ms(json), Err(TimeError::Malformed), "{json}");
        }
        for json in ["0", "-5", "1e300", "\"0001-01-01T00:00:00Z\"", "4102444800"] {
            assert_eq!(ms(json), Err(TimeError::OutOfRange), "{json}");
        }
    }
}
