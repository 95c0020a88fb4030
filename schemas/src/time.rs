//! Event time: milliseconds since the Unix epoch, bounded to 1990-01-01 .. 2100-01-01 (UTC).
//! It is always an argument: nothing here reads a clock.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// 1990-01-01T00:00:00Z in milliseconds.
pub const TIME_MS_MIN: i64 = 631_152_000_000;
/// 2100-01-01T00:00:00Z in milliseconds; the first instant that is refused.
pub const TIME_MS_MAX: i64 = 4_102_444_800_000;
/// Milliseconds of an hour.
pub const HOUR_MS: i64 = 3_600_000;
/// Milliseconds of a day.
pub const DAY_MS: i64 = 86_400_000;

/// A moment within the bounds that Habitus accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventTime(i64);

/// Why a text or number is no event time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// Not RFC 3339 with an offset.
    #[error("parse a time as RFC 3339 with offset")]
    Malformed,
    /// Well-formed, but outside 1990-01-01 .. 2100-01-01.
    #[error("accept a time outside 1990-01-01 to 2100-01-01")]
    OutOfRange,
}

impl EventTime {
    /// Accepts milliseconds since the Unix epoch within the absolute bounds.
    pub fn from_millis(ms: i64) -> Result<Self, TimeError> {
        if (TIME_MS_MIN..TIME_MS_MAX).contains(&ms) {
            Ok(Self(ms))
        } else {
            Err(TimeError::OutOfRange)
        }
    }

    /// Parses RFC 3339 with an offset; sub-millisecond digits are cut off.
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        // jiff also accepts RFC 9557 annotations and calendar dates; RFC 3339 needs neither.
        if text.len() > 40 || text.contains('[') {
            return Err(TimeError::Malformed);
        }
        let stamp: Timestamp = text.parse().map_err(|_| TimeError::Malformed)?;
        Self::from_millis(stamp.as_millisecond())
    }

    /// Milliseconds since the Unix epoch.
    pub fn millis(self) -> i64 {
        self.0
    }

    /// RFC 3339 in UTC with milliseconds.
    pub fn rfc3339(self) -> String {
        Timestamp::from_millisecond(self.0).map(|t| format!("{t:.3}")).unwrap_or_default()
    }
}

impl Serialize for EventTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.rfc3339())
    }
}

impl<'de> Deserialize<'de> for EventTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(feature = "json-schema")]
impl schemars::JsonSchema for EventTime {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "EventTime".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "format": "date-time"})
    }
    fn inline_schema() -> bool {
        true
    }
}
