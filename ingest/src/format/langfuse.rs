//! A trace as Langfuse exports it: `{"trace": {..}, "observations": [..]}`, each observation a span whose attributes
//! stand in its metadata. It is read into the same spans as OpenTelemetry, so that both give one activity; the
//! order of the file is not that of time. Inputs, outputs and status messages are content and never read.

use record::depth;
use record::lexeme::Lexeme;
use record::limits::Limits;
use record::moment;
use record::notes::Notes;
use record::outcome::{Decoded, Skip};
use record::pointer::rejection;
use record::tree::Tree;
use schemas::activity::{Activity, Model, Session, Text, Usage};
use schemas::reject::{ErrorCode, Rejection};
use schemas::time::TimeError;

use super::otlp::{
    Ancestry, Attribute, Batch, Emitter, Item, Key, NS_PER_MS, Naming, Place, Read, Sink, Span,
    Status, Value, View, after_prefix, for_user, id, members, naming_of, not_an_object, part,
    scope_of, short_id,
};

/// The rule by which an observation of structure is skipped.
const NOT_AN_ACTIVITY: &str = "langfuse_observation_not_an_activity";
/// The rule by which a trace of nothing is skipped.
const WITHOUT_OBSERVATIONS: &str = "langfuse_trace_without_observations";

/// Decodes one exported trace: one outcome per observation, in their order.
pub(crate) fn decode<'a>(record: &Tree<'a>, limits: &Limits, sink: &mut Sink<'_, 'a>) {
    if let Err(rejection) = decode_trace(record, limits, sink) {
        sink.out.push(Decoded::Rejected(rejection));
    }
}

fn decode_trace<'a>(
    record: &Tree<'a>,
    limits: &Limits,
    sink: &mut Sink<'_, 'a>,
) -> Result<(), Rejection> {
    let observations = members(record, "observations", "")?;
    if limits.spans_max < observations.len() {
        let message = format!("accept more than {} observations", limits.spans_max);
        return Err(rejection(ErrorCode::TooLarge, "/observations".to_owned(), message));
    }
    if observations.is_empty() {
        sink.out.push(Decoded::Skipped(Skip { rule: WITHOUT_OBSERVATIONS }));
        return Ok(());
    }
    let trace = record.get("trace");
    let mut batch = Batch::default();
    for (i, observation) in observations.iter().enumerate() {
        let item = match observation {
            Tree::Object(_) => Item::Span(read(observation, trace, i, &mut batch)),
            _ => Item::Bad(not_an_object(format!("/observations/{i}"))),
        };
        batch.items.push(item);
    }
    let ancestry = Ancestry::of(&batch, None, limits.ancestors_max);
    let notes = &mut *sink.notes;
    sink.out.extend(batch.items.iter().zip(observations).map(|(item, observation)| match item {
        Item::Bad(rejection) => Decoded::Rejected(rejection.clone()),
        Item::Span(span) => {
            match activity(&View::new(&batch, span), &ancestry, (trace, observation), notes) {
                None => Decoded::Skipped(Skip { rule: NOT_AN_ACTIVITY }),
                Some(Ok(activity)) => Decoded::Activity(activity),
                Some(Err(rejection)) => Decoded::Rejected(rejection),
            }
        }
    }));
    Ok(())
}

/// Reads one observation as a span.
fn read<'a>(
    observation: &Tree<'a>,
    trace: Option<&Tree<'a>>,
    i: usize,
    batch: &mut Batch<'a>,
) -> Span<'a> {
    let unwrapped = observation.get("metadata").and_then(Tree::text).and_then(unwrap);
    let metadata = unwrapped.as_ref().or_else(|| observation.get("metadata"));
    let (start, within) = (batch.attributes.len(), |key| metadata.and_then(|tree| tree.get(key)));
    attributes(within("resourceAttributes"), batch);
    let of_resource = batch.held_since(start);
    let middle = batch.attributes.len();
    attributes(within("attributes"), batch);
    if let Some(kind) = observation.get("type").and_then(Tree::text).and_then(kind_of_span) {
        let value = Value::Text(Text::Borrowed(kind));
        batch.attributes.push(Attribute { key: Key::OpenInferenceKind, index: 0, value });
    }
    let place = Place::ObservationResource(i);
    batch.emitters.push(Emitter { attributes: of_resource, place });
    batch.scopes.push(scope_of(within("scope")));
    let mut span =
        Span::new(Place::Observation(i), batch.emitters.len() - 1, batch.scopes.len() - 1);
    span.attributes = batch.held_since(middle);
    span.trace = id(observation.get("traceId").or_else(|| trace?.get("id")));
    span.span = short_id(observation.get("id"));
    span.parent = short_id(observation.get("parentObservationId"));
    span.name = observation.get("name").and_then(Tree::text).cloned().unwrap_or_default();
    let started = time(observation.get("startTime"));
    span.start_ns = started.good().unwrap_or_default();
    // What has not ended has begun.
    span.end_ns = match time(observation.get("endTime")) {
        Read::Absent => started,
        ended => ended,
    };
    if observation.get("level").and_then(Tree::text).is_some_and(|level| level == "ERROR") {
        span.status = Status::Error;
    }
    span
}

/// The JSON in a text, kept beyond it; `None` where it is none.
fn unwrap<'a>(text: &Text<'a>) -> Option<Tree<'a>> {
    // The text around it was checked; what it quotes may nest anew.
    if depth::exceeds(text, Limits::default().depth_max) {
        return None;
    }
    serde_json::from_str::<Tree<'_>>(text).ok().map(Tree::into_owned)
}

/// The kind of span, in the words of OpenInference, that a type of observation is.
fn kind_of_span(kind: &Text<'_>) -> Option<&'static str> {
    Some(match kind.as_ref() {
        "TOOL" => "TOOL",
        "GENERATION" => "LLM",
        "AGENT" => "AGENT",
        "EMBEDDING" => "EMBEDDING",
        "RETRIEVER" => "RETRIEVER",
        _ => return None,
    })
}

fn attributes<'a>(object: Option<&Tree<'a>>, batch: &mut Batch<'a>) {
    let Some(Tree::Object(members)) = object else { return };
    for (index, (name, tree)) in members.iter().enumerate() {
        let Some(key) = Key::of(name.as_bytes()) else { continue };
        let value = match tree {
            Tree::Scalar(Lexeme::Null) => continue,
            Tree::Scalar(Lexeme::Text(text)) => Value::Text(text.clone()),
            Tree::Scalar(Lexeme::Unsigned(number)) => {
                i64::try_from(*number).map_or(Value::Other, Value::Integer)
            }
            Tree::Scalar(Lexeme::Negative(number)) => Value::Integer(*number),
            Tree::Scalar(Lexeme::Float(number)) => Value::Number(*number),
            // The list of a run and its call, which was JSON in a text.
            Tree::List(items) if key == Key::ToolCallId => {
                match items.last().and_then(Tree::text) {
                    Some(text) => Value::Text(text.clone()),
                    None => continue,
                }
            }
            _ => Value::Other,
        };
        batch.attributes.push(Attribute { key, index, value });
    }
}

/// A time in nanoseconds since 1970.
fn time(tree: Option<&Tree<'_>>) -> Read<u64> {
    let Some(tree) = tree else { return Read::Absent };
    match moment::read(tree) {
        Ok(time) => u64::try_from(time.millis()).map_or(Read::Bad, |ms| Read::Is(ms * NS_PER_MS)),
        // A nanosecond past 1970 is as far out of range.
        Err(TimeError::OutOfRange) => Read::Is(1),
        Err(TimeError::Malformed) => Read::Bad,
    }
}

fn activity<'a>(
    view: &View<'_, 'a>,
    ancestry: &Ancestry<'_, 'a>,
    (trace, observation): (Option<&Tree<'a>>, &Tree<'a>),
    notes: &mut Notes,
) -> Option<Result<Box<Activity<'a>>, Rejection>> {
    let deed = view.deed()?;
    let span = view.span;
    let naming = match naming_of(view.batch(), span) {
        Err(rejection) => return Some(Err(rejection)),
        Ok(Some(naming)) => Some(naming),
        Ok(None) => span.trace.good().and_then(|trace| ancestry.naming(trace, span.parent.good())),
    };
    let Some(naming) = naming.or_else(|| trace_name(trace?)) else {
        let message = "find an agent on the observation, an ancestor or the trace";
        return Some(Err(rejection(ErrorCode::MissingAgentId, span.place.to_string(), message)));
    };
    let activity = view.activity(deed, naming, notes);
    Some(activity.map(|activity| completed(activity, trace, observation)))
}

/// The name of a trace, where nothing in it names an agent.
fn trace_name<'a>(trace: &Tree<'a>) -> Option<Naming<'a>> {
    let name =
        trace.get("name").and_then(Tree::text).filter(|name| name.chars().count() <= 2_048)?;
    let id = after_prefix(name).map_or_else(|| name.clone(), |range| part(name, range));
    (!id.is_empty()).then(|| Naming { id, ..Naming::default() })
}

/// Adds what stands outside of the attributes: user, session, model, tokens and cost.
fn completed<'a>(
    mut activity: Box<Activity<'a>>,
    trace: Option<&Tree<'a>>,
    observation: &Tree<'a>,
) -> Box<Activity<'a>> {
    let short = |tree: Option<&Tree<'a>>, key: &str, chars_max: usize| {
        let text = tree?.get(key)?.text()?;
        (!text.is_empty() && text.chars().count() <= chars_max).then(|| text.clone())
    };
    if let Some(user) = short(trace, "userId", 2_048) {
        activity.delegation = Some(for_user(user));
    }
    if let Some(id) = short(trace, "sessionId", 256) {
        activity.session.get_or_insert_with(Session::default).id = Some(id);
    }
    if let Some(name) = short(Some(observation), "model", 256) {
        activity.agent.model.get_or_insert_with(Model::default).name.get_or_insert(name);
    }
    let details = observation.get("usageDetails").or_else(|| observation.get("usage"));
    let tokens = |key: &str| details?.get(key)?.unsigned();
    let mut usage = activity.usage.unwrap_or_default();
    usage.tokens_in = usage.tokens_in.or_else(|| tokens("input"));
    usage.tokens_out = usage.tokens_out.or_else(|| tokens("output"));
    let cost = observation.get("costDetails").and_then(|costs| costs.get("total"));
    usage.cost_usd = cost.and_then(Tree::number).filter(|cost| 0.0 <= *cost);
    activity.usage = (usage != Usage::default()).then_some(usage);
    activity
}

#[cfg(test)]
mod tests;
