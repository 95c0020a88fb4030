//! OpenTelemetry traces and logs, JSON and protobuf: spans of tool calls, agents, models, retrievals, requests and
//! queries are activities, other spans are skipped by name. One bad span costs itself only. An agent is read, from
//! the span or what stands above it, and never guessed from a service name.

mod ancestry;
mod attributes;
mod batch;
mod conventions;
mod json;
mod key;
mod protobuf;
mod span;
mod wire;

use record::depth;
use record::limits::Limits;
use record::notes::Notes;
use record::outcome::{Decoded, Skip, invalid_json, too_deep};
use record::pointer::rejection;
use record::tree::Tree;
use schemas::activity::{Activity, Text};
use schemas::choice::ActionType;
use schemas::reject::{ErrorCode, Rejection};

use self::span::Deed;
use crate::ancestors::{Ancestors, Orphan, Traced};

pub(crate) use self::ancestry::{Ancestry, Climb, Naming, after_prefix, naming_of, part};
pub(crate) use self::attributes::{Attribute, Place, Signal, Value};
pub(crate) use self::batch::{Batch, Emitter, Item, Read, Span, Status};
pub(crate) use self::conventions::for_user;
pub(crate) use self::json::{id, members, not_an_object, scope_of, short_id};
pub(crate) use self::key::Key;
pub(crate) use self::protobuf::is_protobuf;
pub(crate) use self::span::{NS_PER_MS, View};

/// The rule by which a span of another kind is skipped.
pub(crate) const SPAN_NOT_AN_ACTIVITY: &str = "otlp_span_not_an_activity";
/// The rule by which a record without any span is skipped.
const RECORD_WITHOUT_SPANS: &str = "otlp_record_without_spans";

/// What stands in for the id of an agent that is not known yet.
const UNNAMED: &str = "?";

/// Where outcomes go: counters, outcomes, and what is told of one another, where somebody asks.
pub(crate) struct Sink<'s, 'a> {
    pub(crate) notes: &'s mut Notes,
    pub(crate) out: &'s mut Vec<Decoded<'a>>,
    pub(crate) traced: Option<&'s mut Traced>,
    /// What there is of activities without an agent, where somebody asks; beside each its ordinal.
    pub(crate) partials: Option<&'s mut Vec<(usize, Activity<'a>)>>,
}

/// Decodes one record of either encoding: one outcome per item, in their order.
pub(crate) fn decode<'a>(
    bytes: &'a [u8],
    limits: &Limits,
    before: Option<&Ancestors>,
    sink: &mut Sink<'_, 'a>,
) {
    let batch = record::outcome::within_size(bytes, limits).and_then(|()| read(bytes, limits));
    finish(batch, limits, before, sink);
}

/// Decodes one record of JSON that was read.
pub(crate) fn decode_tree<'a>(
    tree: &Tree<'a>,
    limits: &Limits,
    before: Option<&Ancestors>,
    sink: &mut Sink<'_, 'a>,
) {
    finish(json::read(tree, limits), limits, before, sink);
}

fn finish<'a>(
    batch: Result<Batch<'a>, Rejection>,
    limits: &Limits,
    before: Option<&Ancestors>,
    sink: &mut Sink<'_, 'a>,
) {
    match batch {
        Err(rejection) => sink.out.push(Decoded::Rejected(rejection)),
        Ok(batch) if batch.items.is_empty() => {
            sink.out.push(Decoded::Skipped(Skip { rule: RECORD_WITHOUT_SPANS }));
        }
        Ok(batch) => decode_batch(&batch, limits, before, sink),
    }
}

fn read<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Batch<'a>, Rejection> {
    if is_protobuf(bytes) {
        return protobuf::read(bytes, limits);
    }
    let text = record::outcome::text_of(bytes)?;
    if depth::exceeds(text, limits.depth_max) {
        return Err(too_deep(limits));
    }
    let record: Tree<'a> = serde_json::from_str(text).map_err(|error| invalid_json(&error))?;
    json::read(&record, limits)
}

fn decode_batch<'a>(
    batch: &Batch<'a>,
    limits: &Limits,
    before: Option<&Ancestors>,
    sink: &mut Sink<'_, 'a>,
) {
    let ancestry = Ancestry::of(batch, before, limits.ancestors_max);
    let names_any = batch.spans().any(|span| matches!(naming_of(batch, span), Ok(Some(_))));
    for item in &batch.items {
        let outcome = match item {
            Item::Bad(rejection) => Decoded::Rejected(rejection.clone()),
            Item::Span(span) => {
                let view = View::new(batch, span);
                match view.deed() {
                    None if names_any || is_of_agents(&ancestry, before, span) => {
                        Decoded::Skipped(Skip { rule: SPAN_NOT_AN_ACTIVITY })
                    }
                    // Where nobody names an agent, the source is not about agents: that is no skip.
                    None => {
                        if let (Some(traced), Some(trace)) = (&mut sink.traced, span.trace.good()) {
                            traced.orphans.push(Orphan::of_structure(sink.out.len(), trace));
                        }
                        if let Some(partials) = &mut sink.partials {
                            let deed = Deed { kind: ActionType::Other, operation: "" };
                            let partial = view.partial(deed, Naming::default());
                            partials.extend(partial.map(|partial| (sink.out.len(), partial)));
                        }
                        Decoded::Rejected(nobody(span.place.to_string()))
                    }
                    Some(deed) => match activity(&view, deed, &ancestry, sink) {
                        Ok(activity) => Decoded::Activity(activity),
                        Err(rejection) => {
                            if let Some(partials) = &mut sink.partials {
                                let naming = naming_of(batch, span).ok().flatten();
                                let naming = naming.or_else(|| above(&ancestry, span));
                                let partial = view.partial(deed, naming.unwrap_or_default());
                                partials.extend(partial.map(|partial| (sink.out.len(), partial)));
                            }
                            Decoded::Rejected(rejection)
                        }
                    },
                }
            }
        };
        sink.out.push(outcome);
    }
    if let Some(traced) = &mut sink.traced {
        traced.note(batch);
    }
}

fn activity<'a>(
    view: &View<'_, 'a>,
    deed: Deed<'_>,
    ancestry: &Ancestry<'_, 'a>,
    sink: &mut Sink<'_, 'a>,
) -> Result<Box<Activity<'a>>, Rejection> {
    let span = view.span;
    let climb = match (naming_of(view.batch(), span)?, span.trace.good()) {
        (Some(naming), _) => Climb::Named(naming),
        (None, Some(trace)) => ancestry.climb(trace, span.parent.good()),
        (None, None) => Climb::Nobody,
    };
    let above = match climb {
        Climb::Named(naming) => return view.activity(deed, naming, sink.notes),
        Climb::Missing(above, left) => Some((above, left)),
        Climb::Nobody => None,
    };
    // Whatever else is wrong with it is wrong with any agent.
    let unnamed = Naming { id: Text::Borrowed(UNNAMED), ..Naming::default() };
    let activity = view.activity(deed, unnamed, &mut Notes::default())?;
    if let (Some(traced), Some(trace), Some(above)) = (&mut sink.traced, span.trace.good(), above) {
        traced.orphans.push(Orphan::new(sink.out.len(), (trace, above), activity));
    }
    Err(nobody(span.place.to_string()))
}

/// Gives an activity that has no agent yet what the nearest ancestor says of it.
pub(crate) fn give_agent(activity: &mut Activity<'_>, naming: &Naming<'static>) {
    let Naming { id, name, version, conversation_id } = naming.clone();
    let agent = &mut activity.agent;
    agent.id = id;
    agent.name = agent.name.take().or(name);
    agent.version = agent.version.take().or(version);
    if let Some(inherited) = conversation_id {
        let session = activity.session.get_or_insert_default();
        session.conversation_id.get_or_insert(inherited);
    }
}

fn above<'a>(ancestry: &Ancestry<'_, 'a>, span: &Span<'a>) -> Option<Naming<'a>> {
    ancestry.naming(span.trace.good()?, span.parent.good())
}

/// Whether its trace is that of an agent.
fn is_of_agents<'a>(
    ancestry: &Ancestry<'_, 'a>,
    before: Option<&Ancestors>,
    span: &Span<'a>,
) -> bool {
    let named = |trace| before.is_some_and(|before| before.names(trace));
    above(ancestry, span).is_some() || span.trace.good().is_some_and(named)
}

/// The refusal of what stands at this place and names no agent.
pub(crate) fn nobody(place: String) -> Rejection {
    let message = "find an agent on the span, its resource or an ancestor";
    rejection(ErrorCode::MissingAgentId, place, message)
}

#[cfg(test)]
mod tests;
