//! One span or log record: what kind of activity it is, when, whose and in which trace. What its attributes say of
//! the activity is read in `conventions`.

use data_encoding::HEXLOWER;
use record::notes::Notes;
use record::pointer::rejection;
use schemas::activity::{Activity, Agent, Text};
use schemas::choice::ActionType;
use schemas::reject::{ErrorCode, Rejection};
use schemas::time::{EventTime, TIME_MS_MIN, TimeError};
use sha2::{Digest, Sha256};

use super::ancestry::Naming;
use super::attributes::{Attributes, Place, Signal, Value};
use super::batch::{Batch, Read, Side, Span};
use super::key::Key;

/// Nanoseconds of a millisecond.
pub(crate) const NS_PER_MS: u64 = 1_000_000;
/// The event that repeats its span, which it may replace but not double.
const EVENT_OF_A_SPAN: &str = "gen_ai.client.inference.operation.details";

/// A span with its attributes and those of its resource.
pub(crate) struct View<'b, 'a> {
    pub(super) batch: &'b Batch<'a>,
    pub(crate) span: &'b Span<'a>,
    pub(super) own: Attributes<'b, 'a>,
    pub(super) resource: Attributes<'b, 'a>,
}

/// What a span is, as an activity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Deed<'b> {
    pub(super) kind: ActionType,
    /// The word that says so; of tool calls it is the tool that counts.
    pub(super) operation: &'b str,
}

// === impl View ===

impl<'b, 'a> View<'b, 'a> {
    /// A span of a batch.
    pub(crate) fn new(batch: &'b Batch<'a>, span: &'b Span<'a>) -> Self {
        Self { batch, span, own: batch.own(span), resource: batch.resource(span) }
    }

    /// Where it stands.
    pub(crate) fn batch(&self) -> &'b Batch<'a> {
        self.batch
    }

    /// The activity it is.
    pub(crate) fn activity(
        &self,
        deed: Deed<'_>,
        naming: Naming<'a>,
        notes: &mut Notes,
    ) -> Result<Box<Activity<'a>>, Rejection> {
        let time = self.time()?;
        let id = self.id()?;
        let conversation_id = naming.conversation_id.clone();
        let agent = self.agent(naming)?;
        let mut activity = Box::new(Activity::new(id, time, agent, self.action(deed)?));
        activity.delegation = self.delegation()?;
        activity.session = self.session(conversation_id)?;
        activity.resource = self.resource(deed)?;
        activity.destination = self.destination(notes)?;
        activity.source = self.source(notes)?;
        activity.usage = self.usage()?;
        activity.outcome = Some(self.outcome()?);
        activity.trace = self.trace(notes);
        activity.producer = Some(self.producer()?);
        Ok(activity)
    }

    /// What there is of the activity, each part as far as it can be read; without a time it has the earliest.
    pub(crate) fn partial(&self, deed: Deed<'_>, naming: Naming<'a>) -> Option<Activity<'a>> {
        let notes = &mut Notes::default();
        let time = self.time().ok().or_else(|| EventTime::from_millis(TIME_MS_MIN).ok())?;
        let mut action = self.action(deed).unwrap_or_default();
        action.kind = deed.kind;
        action.operation = action.operation.filter(|operation| !operation.is_empty());
        let agent = Agent { id: naming.id.clone(), name: naming.name.clone(), ..Agent::default() };
        let conversation_id = naming.conversation_id.clone();
        let agent = self.agent(naming).unwrap_or(agent);
        let mut activity = Activity::new(self.id().unwrap_or_default(), time, agent, action);
        activity.delegation = self.delegation().ok().flatten();
        activity.session = self.session(conversation_id).ok().flatten();
        activity.resource = self.resource(deed).ok().flatten();
        activity.destination = self.destination(notes).ok().flatten();
        activity.source = self.source(notes).ok().flatten();
        activity.usage = self.usage().ok().flatten();
        activity.outcome = self.outcome().ok();
        activity.trace = self.trace(notes);
        activity.producer = self.producer().ok();
        Some(activity)
    }

    /// What it is; `None` where it is no activity.
    pub(crate) fn deed(&self) -> Option<Deed<'b>> {
        let deed = |kind, operation| Some(Deed { kind, operation });
        let is_observation = matches!(self.span.place, Place::Observation(_));
        // Who says an operation of another kind says that this is none of ours; an export types each observation too.
        if let Some(operation) = self.own.word(&[Key::OperationName]) {
            let known = genai(operation);
            if known.is_some() || !is_observation {
                return known;
            }
        }
        if let Some(method) = self.own.word(&[Key::McpMethod]) {
            return match method {
                "tools/call" => genai("execute_tool"),
                "resources/read" => deed(ActionType::DataRead, method),
                _ => None,
            };
        }
        if self.own.has(&[Key::ToolName]) {
            return genai("execute_tool");
        }
        if let Some(kind) = self.own.word(&[Key::OpenInferenceKind]) {
            return open_inference(kind);
        }
        match self.name_parts().0 {
            // The type of an observation says what it is, and a plain one is structure whatever its name.
            _ if is_observation => {}
            "tools/call" => return genai("execute_tool"),
            first @ ("execute_tool" | "invoke_agent") => return genai(first),
            // Older instrumentations name a model and say the operation in the name only.
            first if self.own.has(&[Key::System, Key::ProviderName, Key::RequestModel]) => {
                if let Some(deed) = genai(first) {
                    return Some(deed);
                }
            }
            _ => {}
        }
        if let Some("message/send" | "message/stream" | "SendMessage" | "SendStreamingMessage") =
            self.own.word(&[Key::A2aMethod])
        {
            return genai("invoke_agent");
        }
        // The served side of a request is another's deed.
        if self.span.side == Side::Server {
            return None;
        }
        if let Some(operation) = self.own.word(&[Key::DbOperation, Key::DbOperationOld]) {
            return deed(database(operation), operation);
        }
        deed(ActionType::HttpRequest, self.own.word(&[Key::HttpMethod, Key::HttpMethodOld])?)
    }

    /// The name of the span at its first space: `execute_tool http_post`.
    pub(super) fn name_parts(&self) -> (&'b str, &'b str) {
        self.span.name.split_once(' ').unwrap_or((&self.span.name, ""))
    }

    fn time(&self) -> Result<EventTime, Rejection> {
        let name = match self.span.place {
            Place::Item(Signal::Logs, ..) => "timeUnixNano",
            Place::Observation(_) => "endTime",
            _ => "endTimeUnixNano",
        };
        let end_ns = self.required(name, self.span.end_ns, "read nanoseconds since 1970")?;
        let ms = i64::try_from(end_ns / NS_PER_MS).map_err(|_| TimeError::OutOfRange);
        ms.and_then(EventTime::from_millis).map_err(|error| {
            let path = format!("{}/{name}", self.span.place);
            rejection(ErrorCode::TimeOutOfRange, path, error.to_string())
        })
    }

    /// A span is known by trace and span; a log record by its own id, else by what it says.
    fn id(&self) -> Result<Text<'a>, Rejection> {
        let is_log = matches!(self.span.place, Place::Item(Signal::Logs, ..));
        if !is_log || self.span.name == EVENT_OF_A_SPAN {
            let names = match self.span.place {
                Place::Observation(_) => ["traceId", "id"],
                _ => ["traceId", "spanId"],
            };
            let digits = "read hex digits, not all zero";
            let trace = self.required(names[0], self.span.trace, digits)?;
            let span = self.required(names[1], self.span.span, digits)?;
            let mut id = String::with_capacity(49);
            push_hex(&mut id, &trace.to_be_bytes());
            id.push(':');
            push_hex(&mut id, &span.to_be_bytes());
            return Ok(Text::Owned(id));
        }
        match self.own.text(&[Key::LogUid], 128)? {
            Some(uid) => Ok(uid),
            None => Ok(Text::Owned(self.fingerprint())),
        }
    }

    /// A hash of a log record's time, place in a trace, event and attributes that are read: the same for both
    /// encodings and every delivery.
    fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(self.span.end_ns.good().unwrap_or_default().to_le_bytes());
        hash.update(self.span.trace.good().unwrap_or_default().to_le_bytes());
        hash.update(self.span.span.good().unwrap_or_default().to_le_bytes());
        let mut text = |text: &str| {
            hash.update(text.len().to_le_bytes());
            hash.update(text.as_bytes());
        };
        text(&self.span.name);
        for attribute in self.batch.held(&self.span.attributes) {
            text(attribute.key.name());
            match &attribute.value {
                Value::Text(value) => text(value),
                Value::Integer(value) => text(&value.to_string()),
                Value::Number(value) => text(&value.to_bits().to_string()),
                Value::Other | Value::Garbled => {}
            }
        }
        let mut id = "sha256:".to_owned();
        push_hex(&mut id, hash.finalize().get(..16).unwrap_or_default());
        id
    }

    fn required<T: Copy>(&self, key: &str, value: Read<T>, message: &str) -> Result<T, Rejection> {
        let path = || format!("{}/{key}", self.span.place);
        match value {
            Read::Is(value) => Ok(value),
            Read::Bad => Err(rejection(ErrorCode::InvalidField, path(), message)),
            Read::Absent => {
                Err(rejection(ErrorCode::MissingField, path(), "find a required field"))
            }
        }
    }
}

/// What an operation of the GenAI conventions is.
pub(super) fn genai(operation: &str) -> Option<Deed<'_>> {
    let kind = match operation {
        "execute_tool" => ActionType::ToolCall,
        "invoke_agent" => ActionType::AgentInvoke,
        "create_agent" => ActionType::AgentSpawn,
        "chat" | "generate_content" | "text_completion" | "embeddings" => ActionType::ModelCall,
        "retrieval" => ActionType::DataRead,
        _ => return None,
    };
    Some(Deed { kind, operation })
}

/// What a kind of span of OpenInference is.
fn open_inference(kind: &str) -> Option<Deed<'static>> {
    genai(match kind {
        "TOOL" => "execute_tool",
        "AGENT" => "invoke_agent",
        "LLM" => "chat",
        "EMBEDDING" => "embeddings",
        "RETRIEVER" => "retrieval",
        _ => return None,
    })
}

/// What is asked of databases that changes what they hold.
#[rustfmt::skip]
const WRITES: [&str; 16] = [
    "insert", "update", "upsert", "merge", "replace", "create", "alter", "put", "set", "write", "insertMany", "updateMany",
    "findAndModify", "bulkWrite", "index", "bulk",
];

/// What a database is asked to do.
fn database(operation: &str) -> ActionType {
    let is_one_of = |words: &[&str]| words.iter().any(|word| operation.eq_ignore_ascii_case(word));
    if is_one_of(&["delete", "drop", "truncate", "remove", "del", "deleteMany", "deleteOne"]) {
        ActionType::DataDelete
    } else if is_one_of(&WRITES) {
        ActionType::DataWrite
    } else {
        ActionType::DataRead
    }
}

/// Appends bytes as lower-case hex.
pub(crate) fn push_hex(text: &mut String, bytes: &[u8]) {
    HEXLOWER.encode_append(bytes, text);
}
