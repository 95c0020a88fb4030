//! Headers of records on the bus: CloudEvents attributes of what is produced, and the reason and place of
//! what is dead-lettered. Typed both ways; values are UTF-8, numbers are decimal. Headers of others are
//! passed over when reading.

mod origin;

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;
use serde::de::IntoDeserializer;

use crate::reject::{ErrorCode, Stage};
use crate::time::EventTime;

pub use origin::OriginHeaders;

/// Headers as a bus carries them: names and bytes, in order.
pub type RawHeaders = Vec<(String, Vec<u8>)>;

/// Longest `habitus.dlq.error.message` in bytes.
pub const ERROR_MESSAGE_BYTES_MAX: usize = 1024;

const SPEC_VERSION: &str = "1.0";
const TYPE_PREFIX: &str = "org.example.habitus.";
const TYPE_SUFFIX: &str = ".v1";
const MODE: &str = "habitus-mode";

/// Why headers cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// A required header is absent.
    #[error("find header {0}")]
    Missing(&'static str),
    /// A header is not UTF-8.
    #[error("read header {0} as UTF-8")]
    InvalidUtf8(&'static str),
    /// A header has a value that is not one of its kind.
    #[error("understand header {0}")]
    Invalid(&'static str),
}

/// What kind of record is produced: the middle of `ce_type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RecordKind {
    /// An alert.
    Alert,
    /// An incident.
    Incident,
    /// Trust of an actor.
    Trust,
    /// A revocation request.
    Revocation,
    /// A decision for the audit.
    Decision,
    /// A signed security event token.
    Set,
}

/// Headers of a produced record: CloudEvents in binary mode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventHeaders {
    /// Id of the record; unique within the source.
    pub id: String,
    /// Who produced it, as `/habitus/<tenant>`.
    pub source: String,
    /// What kind of record it is.
    pub kind: RecordKind,
    /// Whom it concerns: the agent.
    pub subject: Option<String>,
    /// When it was made.
    pub time: Option<EventTime>,
    /// URI of its schema.
    pub dataschema: Option<String>,
    /// Media type of the value.
    pub content_type: String,
    /// Trace of the activity that caused it.
    pub traceparent: Option<TraceParent>,
    /// Whether it was made in shadow mode.
    pub shadow: bool,
}

/// A W3C `traceparent` of version 00; neither id is zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceParent {
    trace_id: u128,
    parent_id: u64,
    flags: u8,
}

/// Headers that a dead letter gets beside its original ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetterHeaders {
    /// Topic it was read from.
    pub topic: String,
    /// Partition it was read from.
    pub partition: u32,
    /// Offset it was read from.
    pub offset: u64,
    /// Its timestamp in milliseconds.
    pub timestamp_ms: i64,
    /// Ordinal of the refused activity in the record.
    pub index: u32,
    /// The step that refused it.
    pub stage: Stage,
    /// The typed reason.
    pub code: ErrorCode,
    /// A sentence for people; never payload. Cut to 1 KiB when written.
    pub message: String,
    /// JSON pointer to the offending field.
    pub path: String,
    /// The format that was recognised.
    pub format: Option<String>,
    /// How often it was tried.
    pub attempt: u32,
    /// When it was refused.
    pub time: EventTime,
    /// Version of the program.
    pub app_version: String,
    /// Instance of the program.
    pub app_instance: String,
}

// === impl EventHeaders ===

impl EventHeaders {
    /// The headers of a JSON record with the required attributes only.
    pub fn json(id: String, source: String, kind: RecordKind) -> Self {
        Self {
            id,
            source,
            kind,
            subject: None,
            time: None,
            dataschema: None,
            content_type: "application/json".to_owned(),
            traceparent: None,
            shadow: false,
        }
    }

    /// Writes them for the bus.
    pub fn encode(&self) -> RawHeaders {
        let mut to = Vec::with_capacity(10);
        put(&mut to, "ce_specversion", SPEC_VERSION);
        put(&mut to, "ce_id", &self.id);
        put(&mut to, "ce_source", &self.source);
        put(&mut to, "ce_type", &format!("{TYPE_PREFIX}{}{TYPE_SUFFIX}", self.kind.as_str()));
        put_some(&mut to, "ce_subject", self.subject.as_deref());
        put_some(&mut to, "ce_time", self.time.map(EventTime::rfc3339).as_deref());
        put_some(&mut to, "ce_dataschema", self.dataschema.as_deref());
        put(&mut to, "content-type", &self.content_type);
        put_some(&mut to, "traceparent", self.traceparent.map(|t| t.to_string()).as_deref());
        put_some(&mut to, MODE, self.shadow.then_some("shadow"));
        to
    }

    /// Reads them from the bus.
    pub fn decode(from: &[(String, Vec<u8>)]) -> Result<Self, HeaderError> {
        if required(from, "ce_specversion")? != SPEC_VERSION {
            return Err(HeaderError::Invalid("ce_specversion"));
        }
        let kind = required(from, "ce_type")?
            .strip_prefix(TYPE_PREFIX)
            .and_then(|rest| rest.strip_suffix(TYPE_SUFFIX))
            .and_then(RecordKind::from_wire)
            .ok_or(HeaderError::Invalid("ce_type"))?;
        let shadow = match optional(from, MODE)? {
            None => false,
            Some("shadow") => true,
            Some(_) => return Err(HeaderError::Invalid(MODE)),
        };
        Ok(Self {
            id: filled(from, "ce_id")?,
            source: filled(from, "ce_source")?,
            kind,
            subject: owned(from, "ce_subject")?,
            time: optional(from, "ce_time")?.map(|text| time(text, "ce_time")).transpose()?,
            dataschema: owned(from, "ce_dataschema")?,
            content_type: filled(from, "content-type")?,
            traceparent: optional(from, "traceparent")?
                .map(|text| text.parse().map_err(|()| HeaderError::Invalid("traceparent")))
                .transpose()?,
            shadow,
        })
    }
}

// === impl DeadLetterHeaders ===

impl DeadLetterHeaders {
    /// Writes them for the bus, to stand after the record's original headers.
    pub fn encode(&self) -> RawHeaders {
        let mut to = Vec::with_capacity(14);
        put(&mut to, "habitus.dlq.topic", &self.topic);
        put(&mut to, "habitus.dlq.partition", &self.partition.to_string());
        put(&mut to, "habitus.dlq.offset", &self.offset.to_string());
        put(&mut to, "habitus.dlq.timestamp", &self.timestamp_ms.to_string());
        put(&mut to, "habitus.dlq.index", &self.index.to_string());
        put(&mut to, "habitus.dlq.stage", stage_word(self.stage));
        put(&mut to, "habitus.dlq.error.code", self.code.as_str());
        put(&mut to, "habitus.dlq.error.message", cut(&self.message, ERROR_MESSAGE_BYTES_MAX));
        put(&mut to, "habitus.dlq.error.path", &self.path);
        put_some(&mut to, "habitus.dlq.format", self.format.as_deref());
        put(&mut to, "habitus.dlq.attempt", &self.attempt.to_string());
        put(&mut to, "habitus.dlq.time", &self.time.rfc3339());
        put(&mut to, "habitus.dlq.app.version", &self.app_version);
        put(&mut to, "habitus.dlq.app.instance", &self.app_instance);
        to
    }

    /// Reads them from the bus.
    pub fn decode(from: &[(String, Vec<u8>)]) -> Result<Self, HeaderError> {
        Ok(Self {
            topic: filled(from, "habitus.dlq.topic")?,
            partition: number(from, "habitus.dlq.partition")?,
            offset: number(from, "habitus.dlq.offset")?,
            timestamp_ms: number(from, "habitus.dlq.timestamp")?,
            index: number(from, "habitus.dlq.index")?,
            stage: word(from, "habitus.dlq.stage")?,
            code: word(from, "habitus.dlq.error.code")?,
            message: required(from, "habitus.dlq.error.message")?.to_owned(),
            path: required(from, "habitus.dlq.error.path")?.to_owned(),
            format: owned(from, "habitus.dlq.format")?,
            attempt: number(from, "habitus.dlq.attempt")?,
            time: time(required(from, "habitus.dlq.time")?, "habitus.dlq.time")?,
            app_version: required(from, "habitus.dlq.app.version")?.to_owned(),
            app_instance: required(from, "habitus.dlq.app.instance")?.to_owned(),
        })
    }
}

// === impl RecordKind ===

impl RecordKind {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Alert => "alert",
            Self::Incident => "incident",
            Self::Trust => "trust",
            Self::Revocation => "revocation",
            Self::Decision => "decision",
            Self::Set => "set",
        }
    }

    fn from_wire(word: &str) -> Option<Self> {
        [Self::Alert, Self::Incident, Self::Trust, Self::Revocation, Self::Decision, Self::Set]
            .into_iter()
            .find(|kind| kind.as_str() == word)
    }
}

// === impl TraceParent ===

impl TraceParent {
    /// Accepts ids that are not zero.
    pub fn new(trace_id: u128, parent_id: u64, flags: u8) -> Option<Self> {
        (trace_id != 0 && parent_id != 0).then_some(Self { trace_id, parent_id, flags })
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace_id, self.parent_id, self.flags)
    }
}

impl FromStr for TraceParent {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.split('-');
        let mut hex = |length: usize| {
            let part = parts.next().filter(|part| part.len() == length).ok_or(())?;
            let lower = part.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
            if lower { u128::from_str_radix(part, 16).map_err(|_| ()) } else { Err(()) }
        };
        let (version, trace, parent, flags) = (hex(2)?, hex(32)?, hex(16)?, hex(2)?);
        if version != 0 || parts.next().is_some() {
            return Err(());
        }
        let parent = u64::try_from(parent).map_err(|_| ())?;
        Self::new(trace, parent, u8::try_from(flags).map_err(|_| ())?).ok_or(())
    }
}

fn stage_word(stage: Stage) -> &'static str {
    match stage {
        Stage::Decode => "decode",
        Stage::Parse => "parse",
        Stage::Validate => "validate",
        Stage::Normalize => "normalize",
        Stage::Process => "process",
        Stage::Produce => "produce",
    }
}

/// The longest prefix of `text` within `bytes_max` that ends at a character.
fn cut(text: &str, bytes_max: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes_max)).unwrap_or(text)
}

fn put(to: &mut RawHeaders, name: &'static str, value: &str) {
    to.push((name.to_owned(), value.as_bytes().to_vec()));
}

fn put_some(to: &mut RawHeaders, name: &'static str, value: Option<&str>) {
    if let Some(value) = value {
        put(to, name, value);
    }
}

/// The last header of that name: ours stand after those of earlier hops.
fn optional<'h>(
    from: &'h [(String, Vec<u8>)],
    name: &'static str,
) -> Result<Option<&'h str>, HeaderError> {
    let Some((_, value)) = from.iter().rev().find(|(key, _)| key == name) else {
        return Ok(None);
    };
    std::str::from_utf8(value).map(Some).map_err(|_| HeaderError::InvalidUtf8(name))
}

fn required<'h>(from: &'h [(String, Vec<u8>)], name: &'static str) -> Result<&'h str, HeaderError> {
    optional(from, name)?.ok_or(HeaderError::Missing(name))
}

fn filled(from: &[(String, Vec<u8>)], name: &'static str) -> Result<String, HeaderError> {
    match required(from, name)? {
        "" => Err(HeaderError::Invalid(name)),
        text => Ok(text.to_owned()),
    }
}

fn owned(from: &[(String, Vec<u8>)], name: &'static str) -> Result<Option<String>, HeaderError> {
    Ok(optional(from, name)?.map(str::to_owned))
}

fn number<N: FromStr>(from: &[(String, Vec<u8>)], name: &'static str) -> Result<N, HeaderError> {
    required(from, name)?.parse().map_err(|_| HeaderError::Invalid(name))
}

fn time(text: &str, name: &'static str) -> Result<EventTime, HeaderError> {
    EventTime::parse(text).map_err(|_| HeaderError::Invalid(name))
}

fn word<T>(from: &[(String, Vec<u8>)], name: &'static str) -> Result<T, HeaderError>
where
    T: for<'de> Deserialize<'de>,
{
    let text = required(from, name)?;
    let text: serde::de::value::StrDeserializer<'_, serde::de::value::Error> =
        text.into_deserializer();
    T::deserialize(text).map_err(|_| HeaderError::Invalid(name))
}

#[cfg(test)]
mod tests;
