//! OTLP/JSON traces: spans of tool calls and agent invocations are activities, other spans are skipped by
//! name. One bad span costs itself only. An agent is read, from the span or what stands above it, and never
//! guessed from a service name.

mod ancestry;
mod attributes;
mod mapping;
mod span;

use schemas::reject::{ErrorCode, Rejection};

use self::ancestry::Ancestry;
use self::attributes::{Attributes, Place};
use self::span::{Emitter, Span};
use crate::decode::{Decoded, Skip, invalid_json, too_deep};
use crate::depth;
use crate::limits::Limits;
use crate::notes::Notes;
use crate::pointer::rejection;
use crate::tree::Tree;

/// The rule by which a span of another kind is skipped.
const SPAN_NOT_AN_ACTIVITY: &str = "otlp_span_not_an_activity";
/// The rule by which a record without any span is skipped.
const RECORD_WITHOUT_SPANS: &str = "otlp_record_without_spans";

/// What stands where a span is expected.
enum Item<'t, 'a> {
    Span(Span<'t, 'a>),
    Bad(Rejection),
}

/// Decodes one record: one outcome per span, in their order.
pub(crate) fn decode<'a>(
    text: &'a str,
    limits: &Limits,
    notes: &mut Notes,
    out: &mut Vec<Decoded<'a>>,
) {
    if depth::exceeds(text, limits.depth_max) {
        return out.push(Decoded::Rejected(too_deep(limits)));
    }
    let record: Tree<'a> = match serde_json::from_str(text) {
        Ok(record) => record,
        Err(error) => return out.push(Decoded::Rejected(invalid_json(&error))),
    };
    let mut items = Vec::new();
    if let Err(rejection) = walk(&record, limits, &mut items) {
        return out.push(Decoded::Rejected(rejection));
    }
    if items.is_empty() {
        return out.push(Decoded::Skipped(Skip { rule: RECORD_WITHOUT_SPANS }));
    }
    let spans = items.iter().filter_map(|item| match item {
        Item::Span(span) => Some(span),
        Item::Bad(_) => None,
    });
    let ancestry = Ancestry::of(spans, limits.ancestors_max);
    out.extend(items.into_iter().map(|item| match item {
        Item::Bad(rejection) => Decoded::Rejected(rejection),
        Item::Span(span) => match span.activity(&ancestry, notes) {
            None => Decoded::Skipped(Skip { rule: SPAN_NOT_AN_ACTIVITY }),
            Some(Ok(activity)) => Decoded::Activity(activity),
            Some(Err(rejection)) => Decoded::Rejected(rejection),
        },
    }));
}

/// Lists what stands where spans are expected; fails where there is more than the limit.
fn walk<'t, 'a>(
    record: &'t Tree<'a>,
    limits: &Limits,
    items: &mut Vec<Item<'t, 'a>>,
) -> Result<(), Rejection> {
    let keep = |items: &mut Vec<Item<'t, 'a>>, item| {
        if limits.spans_max <= items.len() {
            let message = format!("accept more than {} spans in one record", limits.spans_max);
            return Err(rejection(ErrorCode::TooLarge, "/resourceSpans".to_owned(), message));
        }
        items.push(item);
        Ok(())
    };
    let bad = |path| Item::Bad(rejection(ErrorCode::InvalidField, path, "read an object"));
    for (i, group) in members(record, "resourceSpans", "")?.iter().enumerate() {
        let path = format!("/resourceSpans/{i}");
        let scopes = match members(group, "scopeSpans", &path) {
            Ok(scopes) => scopes,
            Err(rejection) => {
                keep(items, Item::Bad(rejection))?;
                continue;
            }
        };
        let resource = group.get("resource").and_then(|resource| resource.get("attributes"));
        let emitter = Emitter::new(Attributes::new(resource, Place::Resource(i)));
        for (j, scope) in scopes.iter().enumerate() {
            let path = format!("{path}/scopeSpans/{j}");
            let spans = match members(scope, "spans", &path) {
                Ok(spans) => spans,
                Err(rejection) => {
                    keep(items, Item::Bad(rejection))?;
                    continue;
                }
            };
            for (k, tree) in spans.iter().enumerate() {
                let item = match tree {
                    Tree::Object(_) => {
                        let place = Place::Span(i, j, k);
                        Item::Span(Span::new(tree, scope.get("scope"), emitter.clone(), place))
                    }
                    _ => bad(format!("{path}/spans/{k}")),
                };
                keep(items, item)?;
            }
        }
    }
    Ok(())
}

/// The items of a list within an object; none where it is absent.
fn members<'t, 'a>(
    object: &'t Tree<'a>,
    key: &str,
    path: &str,
) -> Result<&'t [Tree<'a>], Rejection> {
    if !matches!(object, Tree::Object(_)) {
        return Err(rejection(ErrorCode::InvalidField, path.to_owned(), "read an object"));
    }
    match object.get(key) {
        None => Ok(&[]),
        Some(Tree::List(items)) => Ok(items),
        Some(_) => Err(rejection(ErrorCode::InvalidField, format!("{path}/{key}"), "read a list")),
    }
}

#[cfg(test)]
mod tests;
