//! One span: what kind of activity it is, when, whose and in which trace. What its attributes say of the
//! activity is read in `mapping`.

use schemas::activity::{Activity, Text};
use schemas::choice::ActionType;
use schemas::reject::{ErrorCode, Rejection};
use schemas::time::{EventTime, TimeError};

use super::ancestry::{Ancestry, Naming};
use super::attributes::{Attributes, Place};
use crate::notes::Notes;
use crate::pointer::rejection;
use crate::tree::Tree;

/// Nanoseconds of a millisecond.
pub(super) const NS_PER_MS: u64 = 1_000_000;

/// What a resource says of all its spans.
#[derive(Clone)]
pub(super) struct Emitter<'a> {
    naming: Result<Option<Naming<'a>>, Rejection>,
    pub(super) instance_id: Result<Option<Text<'a>>, Rejection>,
}

/// A span where it stands.
pub(super) struct Span<'t, 'a> {
    pub(super) tree: &'t Tree<'a>,
    pub(super) scope: Option<&'t Tree<'a>>,
    pub(super) emitter: Emitter<'a>,
    pub(super) attributes: Attributes<'t, 'a>,
    pub(super) place: Place,
}

// === impl Emitter ===

impl<'a> Emitter<'a> {
    /// Reads a resource once for all its spans.
    pub(super) fn new(attributes: Attributes<'_, 'a>) -> Self {
        Self {
            naming: naming_of(&attributes),
            instance_id: attributes.text(&["service.instance.id"], 256),
        }
    }
}

fn naming_of<'a>(attributes: &Attributes<'_, 'a>) -> Result<Option<Naming<'a>>, Rejection> {
    let Some(id) = attributes.text(&["gen_ai.agent.id"], 2_048)? else { return Ok(None) };
    Ok(Some(Naming {
        id,
        name: attributes.text(&["gen_ai.agent.name"], 256)?,
        version: attributes.text(&["gen_ai.agent.version"], 64)?,
        conversation_id: attributes.text(&["gen_ai.conversation.id"], 256)?,
    }))
}

// === impl Span ===

impl<'t, 'a> Span<'t, 'a> {
    /// A span within its scope and resource.
    pub(super) fn new(
        tree: &'t Tree<'a>,
        scope: Option<&'t Tree<'a>>,
        emitter: Emitter<'a>,
        place: Place,
    ) -> Self {
        let attributes = Attributes::new(tree.get("attributes"), place);
        Self { tree, scope, emitter, attributes, place }
    }

    /// Its trace, where the id is valid.
    pub(super) fn trace_id(&self) -> Option<u128> {
        hex_id::<32>(self.tree.get("traceId")?.text()?)
    }

    /// Its own id, where it is valid.
    pub(super) fn span_id(&self) -> Option<u64> {
        hex_id::<16>(self.tree.get("spanId")?.text()?)?.try_into().ok()
    }

    /// The id of its parent, where it is valid.
    pub(super) fn parent_id(&self) -> Option<u64> {
        hex_id::<16>(self.tree.get("parentSpanId")?.text()?)?.try_into().ok()
    }

    /// What it says of its agent, itself or by its resource.
    pub(super) fn naming(&self) -> Result<Option<Naming<'a>>, Rejection> {
        match naming_of(&self.attributes)? {
            Some(own) => Ok(Some(own)),
            None => self.emitter.naming.clone(),
        }
    }

    /// The activity it is; `None` where it is another kind of span.
    pub(super) fn activity(
        &self,
        ancestry: &Ancestry<'a>,
        notes: &mut Notes,
    ) -> Option<Result<Activity<'a>, Rejection>> {
        let kind = self.action_type()?;
        Some(self.activity_of(kind, ancestry, notes))
    }

    fn activity_of(
        &self,
        kind: ActionType,
        ancestry: &Ancestry<'a>,
        notes: &mut Notes,
    ) -> Result<Activity<'a>, Rejection> {
        let trace =
            self.required("traceId", self.trace_id(), "read 32 hex digits, not all zero")?;
        let span = self.required("spanId", self.span_id(), "read 16 hex digits, not all zero")?;
        let time = self.time()?;
        let naming = match self.naming()? {
            Some(naming) => naming,
            None => ancestry.naming(trace, self.parent_id()).cloned().ok_or_else(|| {
                let message = "find an agent on the span, its resource or an ancestor";
                rejection(ErrorCode::MissingAgentId, self.place.to_string(), message)
            })?,
        };
        let id = Text::Owned(format!("{trace:032x}:{span:016x}"));
        let conversation_id = naming.conversation_id.clone();
        let agent = self.agent(naming)?;
        let mut activity = Activity::new(id, time, agent, self.action(kind)?);
        activity.delegation = self.delegation()?;
        activity.session = self.session(conversation_id)?;
        activity.resource = self.resource()?;
        activity.destination = self.destination(notes)?;
        activity.usage = self.usage()?;
        activity.outcome = Some(self.outcome()?);
        activity.trace = Some(self.trace(trace, span, notes));
        activity.producer = Some(self.producer()?);
        Ok(activity)
    }

    fn action_type(&self) -> Option<ActionType> {
        let of_operation = |operation: &str| match operation {
            "execute_tool" => Some(ActionType::ToolCall),
            "invoke_agent" => Some(ActionType::AgentInvoke),
            _ => None,
        };
        // A name of another type names nothing.
        if let Ok(Some(operation)) = self.attributes.text(&["gen_ai.operation.name"], usize::MAX) {
            return of_operation(&operation);
        }
        if let Ok(Some(method)) = self.attributes.text(&["mcp.method.name"], usize::MAX) {
            return (method == "tools/call").then_some(ActionType::ToolCall);
        }
        let (first, _) = self.name_parts();
        if first == "tools/call" { Some(ActionType::ToolCall) } else { of_operation(first) }
    }

    /// The name of the span at its first space: `execute_tool http_post`.
    pub(super) fn name_parts(&self) -> (&str, &str) {
        let name = self.tree.get("name").and_then(Tree::text).map_or("", AsRef::as_ref);
        name.split_once(' ').unwrap_or((name, ""))
    }

    fn time(&self) -> Result<EventTime, Rejection> {
        let end_ns = self.tree.get("endTimeUnixNano").and_then(Tree::unsigned);
        let end_ns = self.required("endTimeUnixNano", end_ns, "read nanoseconds since 1970")?;
        let ms = i64::try_from(end_ns / NS_PER_MS).map_err(|_| TimeError::OutOfRange);
        ms.and_then(EventTime::from_millis).map_err(|error| {
            let path = format!("{}/endTimeUnixNano", self.place);
            rejection(ErrorCode::TimeOutOfRange, path, error.to_string())
        })
    }

    fn required<T>(&self, key: &str, value: Option<T>, message: &str) -> Result<T, Rejection> {
        value.ok_or_else(|| {
            let path = format!("{}/{key}", self.place);
            match self.tree.get(key) {
                None => rejection(ErrorCode::MissingField, path, "find a required field"),
                Some(_) => rejection(ErrorCode::InvalidField, path, message),
            }
        })
    }
}

/// The number that `N` hex digits of either case write; zero is no id.
fn hex_id<const N: usize>(text: &str) -> Option<u128> {
    let is_hex = text.len() == N && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let number = is_hex.then(|| u128::from_str_radix(text, 16).ok()).flatten()?;
    (number != 0).then_some(number)
}
