//! OTLP/JSON: `resourceSpans` or `resourceLogs`, each a list of scopes, each a list of items. Names of members are
//! lower camel case, ids hex of either case, 64-bit numbers texts or numbers, enums numbers or names.

use record::lexeme::Lexeme;
use record::limits::Limits;
use record::pointer::rejection;
use record::tree::Tree;
use schemas::activity::Text;
use schemas::reject::{ErrorCode, Rejection};

use super::attributes::{Attribute, Place, Signal, Value};
use super::batch::{Batch, Emitter, Item, Read, Scope, Side, Span, Status};
use super::key::Key;

/// Reads what a record holds; spans come before log records.
pub(super) fn read<'a>(record: &Tree<'a>, limits: &Limits) -> Result<Batch<'a>, Rejection> {
    let mut batch = Batch::default();
    for signal in [Signal::Traces, Signal::Logs] {
        read_signal(record, signal, limits, &mut batch)?;
    }
    Ok(batch)
}

fn read_signal<'a>(
    record: &Tree<'a>,
    signal: Signal,
    limits: &Limits,
    batch: &mut Batch<'a>,
) -> Result<(), Rejection> {
    let [groups, scopes, items] = signal.lists();
    for (i, group) in members(record, groups, "")?.iter().enumerate() {
        let path = format!("/{groups}/{i}");
        let scopes_of_group = match members(group, scopes, &path) {
            Ok(scopes) => scopes,
            Err(rejection) => {
                batch.keep(Item::Bad(rejection), signal, limits)?;
                continue;
            }
        };
        let start = batch.attributes.len();
        let resource = group.get("resource").and_then(|resource| resource.get("attributes"));
        attributes(resource, &mut batch.attributes);
        let attributes = batch.held_since(start);
        batch.emitters.push(Emitter { attributes, place: Place::Resource(signal, i) });
        for (j, scope) in scopes_of_group.iter().enumerate() {
            let path = format!("{path}/{scopes}/{j}");
            let found = match members(scope, items, &path) {
                Ok(found) => found,
                Err(rejection) => {
                    batch.keep(Item::Bad(rejection), signal, limits)?;
                    continue;
                }
            };
            batch.scopes.push(scope_of(scope.get("scope")));
            for (k, tree) in found.iter().enumerate() {
                let item = match tree {
                    Tree::Object(_) => Item::Span(span(tree, Place::Item(signal, i, j, k), batch)),
                    _ => Item::Bad(not_an_object(format!("{path}/{items}/{k}"))),
                };
                batch.keep(item, signal, limits)?;
            }
        }
    }
    Ok(())
}

/// The name and version of an instrumentation library.
pub(crate) fn scope_of<'a>(scope: Option<&Tree<'a>>) -> Scope<'a> {
    let text = |key| scope.and_then(|scope| scope.get(key)).and_then(Tree::text).cloned();
    Scope { name: text("name").unwrap_or_default(), version: text("version").unwrap_or_default() }
}

fn span<'a>(tree: &Tree<'a>, place: Place, batch: &mut Batch<'a>) -> Span<'a> {
    let mut span = Span::new(place, batch.emitters.len() - 1, batch.scopes.len() - 1);
    span.trace = id(tree.get("traceId"));
    span.span = short_id(tree.get("spanId"));
    span.parent = short_id(tree.get("parentSpanId"));
    let start = batch.attributes.len();
    attributes(tree.get("attributes"), &mut batch.attributes);
    span.attributes = batch.held_since(start);
    let name = match place {
        Place::Item(Signal::Logs, ..) => "eventName",
        _ => "name",
    };
    span.name = tree.get(name).and_then(Tree::text).cloned().unwrap_or_default();
    if let Place::Item(Signal::Logs, ..) = place {
        let time = nanoseconds(tree.get("timeUnixNano"));
        let observed = || nanoseconds(tree.get("observedTimeUnixNano"));
        span.end_ns = if time == Read::Absent { observed() } else { time };
        return span;
    }
    span.start_ns = nanoseconds(tree.get("startTimeUnixNano")).good().unwrap_or_default();
    span.end_ns = nanoseconds(tree.get("endTimeUnixNano"));
    let kinds = [("SPAN_KIND_SERVER", 2), ("SPAN_KIND_CLIENT", 3)];
    span.side = Side::of(number(tree.get("kind"), &kinds));
    let codes = [("STATUS_CODE_OK", 1), ("STATUS_CODE_ERROR", 2)];
    let code = tree.get("status").and_then(|status| status.get("code"));
    span.status = Status::of(number(code, &codes));
    span
}

/// The number of an enum, given as number or as name; 0 where it is neither.
fn number(tree: Option<&Tree<'_>>, names: &[(&str, u64)]) -> u64 {
    let named = |text: &Text<'_>| names.iter().find(|(name, _)| name == text).map(|named| named.1);
    tree.and_then(|tree| tree.text().and_then(named).or_else(|| tree.unsigned())).unwrap_or(0)
}

/// A time since 1970.
fn nanoseconds(tree: Option<&Tree<'_>>) -> Read<u64> {
    let Some(tree) = tree else { return Read::Absent };
    tree.unsigned().map_or(Read::Bad, Read::of_time)
}

/// An id of 32 hex digits; the empty text is none.
pub(crate) fn id(tree: Option<&Tree<'_>>) -> Read<u128> {
    hex(tree, 32)
}

/// An id of 16 hex digits; the empty text is none.
pub(crate) fn short_id(tree: Option<&Tree<'_>>) -> Read<u64> {
    match hex(tree, 16) {
        Read::Is(id) => u64::try_from(id).map_or(Read::Bad, Read::Is),
        Read::Absent => Read::Absent,
        Read::Bad => Read::Bad,
    }
}

/// The number that so many hex digits of either case write; zero is no id.
fn hex(tree: Option<&Tree<'_>>, digits: usize) -> Read<u128> {
    let Some(tree) = tree else { return Read::Absent };
    let Some(text) = tree.text() else { return Read::Bad };
    if text.is_empty() {
        return Read::Absent;
    }
    let is_hex = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let number = is_hex.then(|| u128::from_str_radix(text, 16).ok()).flatten();
    number.filter(|number| *number != 0).map_or(Read::Bad, Read::Is)
}

/// Appends those of a list of attributes that are read.
fn attributes<'a>(list: Option<&Tree<'a>>, into: &mut Vec<Attribute<'a>>) {
    let Some(Tree::List(items)) = list else { return };
    for (index, item) in items.iter().enumerate() {
        let key = item.get("key").and_then(Tree::text).and_then(|key| Key::of(key.as_bytes()));
        if let Some(key) = key
            && let Some(value) = item.get("value").and_then(value)
        {
            into.push(Attribute { key, index, value });
        }
    }
}

/// A value in its envelope; an empty envelope is none.
fn value<'a>(tree: &Tree<'a>) -> Option<Value<'a>> {
    if matches!(tree, Tree::Object(members) if members.is_empty()) {
        return None;
    }
    let scalar = |key| match tree.get(key) {
        Some(Tree::Scalar(lexeme)) => Some(lexeme),
        _ => None,
    };
    Some(match (scalar("stringValue"), scalar("intValue"), scalar("doubleValue")) {
        (Some(Lexeme::Text(text)), ..) => Value::Text(text.clone()),
        (None, Some(lexeme), _) => integer(lexeme).map_or(Value::Other, Value::Integer),
        (None, None, Some(lexeme)) => lexeme.number().map_or(Value::Other, Value::Number),
        _ => Value::Other,
    })
}

/// A 64-bit integer as a number or as decimal text.
fn integer(lexeme: &Lexeme<'_>) -> Option<i64> {
    match lexeme {
        Lexeme::Text(text) => text.parse().ok(),
        Lexeme::Negative(number) => Some(*number),
        other => other.unsigned().and_then(|number| i64::try_from(number).ok()),
    }
}

/// The items of a list within an object; none where it is absent.
pub(crate) fn members<'t, 'a>(
    object: &'t Tree<'a>,
    key: &str,
    path: &str,
) -> Result<&'t [Tree<'a>], Rejection> {
    if !matches!(object, Tree::Object(_)) {
        return Err(not_an_object(path.to_owned()));
    }
    match object.get(key) {
        None => Ok(&[]),
        Some(Tree::List(items)) => Ok(items),
        Some(_) => Err(rejection(ErrorCode::InvalidField, format!("{path}/{key}"), "read a list")),
    }
}

/// The rejection of what should be an object.
pub(crate) fn not_an_object(path: String) -> Rejection {
    rejection(ErrorCode::InvalidField, path, "read an object")
}
