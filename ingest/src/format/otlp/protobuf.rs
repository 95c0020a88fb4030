//! OTLP protobuf, as the collector's Kafka exporter writes it: the same record as OTLP/JSON in another encoding.
//! Only what is read is declared, by field number of opentelemetry-proto 1.x; the rest is stepped over.

use std::ops::Range;

use record::limits::Limits;
use record::pointer::rejection;
use schemas::activity::Text;
use schemas::reject::{ErrorCode, Rejection};

use super::attributes::{Attribute, Place, Signal, Value};
use super::batch::{Batch, Emitter, Item, Read, Scope, Side, Span, Status};
use super::key::Key;
use super::wire::{Broken, Field, Message};

/// Why reading ends.
enum Stop {
    Broken,
    Refused(Rejection),
}

/// Whether a record is a list of resources in protobuf. JSON that begins with a line feed would have to frame two
/// levels of messages by chance.
pub(crate) fn is_protobuf(bytes: &[u8]) -> bool {
    let framed = |bytes: &[u8], numbers: Range<u64>| {
        let mut message = Message::new(bytes);
        loop {
            match message.next() {
                Ok(None) => return true,
                Ok(Some((number, Field::Bytes(_)))) if numbers.contains(&number) => {}
                _ => return false,
            }
        }
    };
    let mut groups = Message::new(bytes);
    let first = match groups.next() {
        Ok(Some((1, Field::Bytes(group)))) => group,
        _ => return false,
    };
    // A group has a resource, scopes and a schema; 1000 was a deprecated list.
    framed(bytes, 1..2) && framed(first, 1..1_001)
}

/// Reads what a record holds.
pub(super) fn read<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Batch<'a>, Rejection> {
    let broken = || {
        let message = "parse the record as protobuf of otlp";
        rejection(ErrorCode::InvalidProtobuf, String::new(), message)
    };
    let mut batch = Batch::default();
    // Attributes that are read are about as long as what is kept of them.
    batch.attributes.reserve(bytes.len() / 64);
    let signal = signal_of(bytes).map_err(|Broken| broken())?;
    match read_groups(bytes, signal, limits, &mut batch) {
        Ok(()) => Ok(batch),
        Err(Stop::Broken) => Err(broken()),
        Err(Stop::Refused(rejection)) => Err(rejection),
    }
}

/// What the items are: a span begins with the bytes of its ids, a log record with numbers.
fn signal_of(bytes: &[u8]) -> Result<Signal, Broken> {
    let mut groups = Message::new(bytes);
    while let Some((_, group)) = groups.next()? {
        let mut scopes = sub(group);
        while let Some((number, scope)) = scopes.next()? {
            let mut items = if number == 2 { sub(scope) } else { continue };
            while let Some((number, item)) = items.next()? {
                let mut fields = if number == 2 { sub(item) } else { continue };
                while let Some(field) = fields.next()? {
                    match field {
                        (1 | 2 | 4 | 11 | 13, Field::Bytes(_)) => return Ok(Signal::Traces),
                        (6 | 10 | 12, Field::Varint(_)) => return Ok(Signal::Traces),
                        (7 | 8, Field::Fixed64(_)) => return Ok(Signal::Traces),
                        (1 | 11, Field::Fixed64(_)) => return Ok(Signal::Logs),
                        (2 | 7, Field::Varint(_)) => return Ok(Signal::Logs),
                        (6 | 10 | 12, Field::Bytes(_)) => return Ok(Signal::Logs),
                        (8, Field::Fixed32(_)) => return Ok(Signal::Logs),
                        _ => {}
                    }
                }
            }
        }
    }
    Ok(Signal::Traces)
}

fn sub(field: Field<'_>) -> Message<'_> {
    match field {
        Field::Bytes(bytes) => Message::new(bytes),
        _ => Message::new(&[]),
    }
}

fn read_groups<'a>(
    bytes: &'a [u8],
    signal: Signal,
    limits: &Limits,
    batch: &mut Batch<'a>,
) -> Result<(), Stop> {
    let (mut groups, mut i) = (Message::new(bytes), 0);
    while let Some((number, group)) = groups.next()? {
        if number != 1 {
            continue;
        }
        let start = batch.attributes.len();
        // The resource may stand behind its scopes.
        let mut fields = sub(group);
        while let Some((number, resource)) = fields.next()? {
            if number == 1 {
                read_attributes(sub(resource), 1, &mut batch.attributes)?;
            }
        }
        let attributes = batch.held_since(start);
        batch.emitters.push(Emitter { attributes, place: Place::Resource(signal, i) });
        let (mut fields, mut j) = (sub(group), 0);
        while let Some((number, scope)) = fields.next()? {
            if number == 2 {
                read_scope(sub(scope), (signal, i, j), limits, batch)?;
                j += 1;
            }
        }
        i += 1;
    }
    Ok(())
}

fn read_scope<'a>(
    message: Message<'a>,
    (signal, i, j): (Signal, usize, usize),
    limits: &Limits,
    batch: &mut Batch<'a>,
) -> Result<(), Stop> {
    batch.scopes.push(Scope::default());
    let (mut fields, mut k) = (message, 0);
    while let Some((number, field)) = fields.next()? {
        match number {
            1 => {
                let mut scope = sub(field);
                while let Some((number, field)) = scope.next()? {
                    if let (Some(last), Some(text)) = (batch.scopes.last_mut(), text(field)) {
                        match number {
                            1 => last.name = text,
                            2 => last.version = text,
                            _ => {}
                        }
                    }
                }
            }
            2 => {
                let place = Place::Item(signal, i, j, k);
                let mut span = Span::new(place, batch.emitters.len() - 1, batch.scopes.len() - 1);
                match signal {
                    Signal::Traces => read_span(sub(field), &mut span, batch)?,
                    Signal::Logs => read_log(sub(field), &mut span, batch)?,
                }
                batch.keep(Item::Span(span), signal, limits)?;
                k += 1;
            }
            _ => {}
        }
    }
    Ok(())
}

fn read_span<'a>(
    mut fields: Message<'a>,
    span: &mut Span<'a>,
    batch: &mut Batch<'a>,
) -> Result<(), Broken> {
    let (start, mut index) = (batch.attributes.len(), 0);
    while let Some((number, field)) = fields.next()? {
        match (number, field) {
            (1, Field::Bytes(bytes)) => span.trace = id(bytes),
            (2, Field::Bytes(bytes)) => span.span = short_id(bytes),
            (4, Field::Bytes(bytes)) => span.parent = short_id(bytes),
            (5, field) => span.name = text(field).unwrap_or_default(),
            (6, Field::Varint(kind)) => span.side = Side::of(kind),
            (7, Field::Fixed64(ns)) => span.start_ns = Read::of_time(ns).good().unwrap_or_default(),
            (8, Field::Fixed64(ns)) => span.end_ns = Read::of_time(ns),
            (9, Field::Bytes(bytes)) => {
                read_attribute(Message::new(bytes), index, &mut batch.attributes)?;
                index += 1;
            }
            (15, Field::Bytes(bytes)) => {
                let mut status = Message::new(bytes);
                while let Some(field) = status.next()? {
                    if let (3, Field::Varint(code)) = field {
                        span.status = Status::of(code);
                    }
                }
            }
            _ => {}
        }
    }
    span.attributes = batch.held_since(start);
    Ok(())
}

fn read_log<'a>(
    mut fields: Message<'a>,
    span: &mut Span<'a>,
    batch: &mut Batch<'a>,
) -> Result<(), Broken> {
    let (start, mut index, mut observed) = (batch.attributes.len(), 0, Read::Absent);
    while let Some((number, field)) = fields.next()? {
        match (number, field) {
            (1, Field::Fixed64(ns)) => span.end_ns = Read::of_time(ns),
            (6, Field::Bytes(bytes)) => {
                read_attribute(Message::new(bytes), index, &mut batch.attributes)?;
                index += 1;
            }
            (9, Field::Bytes(bytes)) => span.trace = id(bytes),
            (10, Field::Bytes(bytes)) => span.span = short_id(bytes),
            (11, Field::Fixed64(ns)) => observed = Read::of_time(ns),
            (12, field) => span.name = text(field).unwrap_or_default(),
            _ => {}
        }
    }
    if span.end_ns == Read::Absent {
        span.end_ns = observed;
    }
    span.attributes = batch.held_since(start);
    Ok(())
}

/// An id of 16 bytes; no bytes are none, zeros are no id.
fn id(bytes: &[u8]) -> Read<u128> {
    match <[u8; 16]>::try_from(bytes).map(u128::from_be_bytes) {
        _ if bytes.is_empty() => Read::Absent,
        Ok(id) if id != 0 => Read::Is(id),
        _ => Read::Bad,
    }
}

/// An id of 8 bytes.
fn short_id(bytes: &[u8]) -> Read<u64> {
    match <[u8; 8]>::try_from(bytes).map(u64::from_be_bytes) {
        _ if bytes.is_empty() => Read::Absent,
        Ok(id) if id != 0 => Read::Is(id),
        _ => Read::Bad,
    }
}

fn text(field: Field<'_>) -> Option<Text<'_>> {
    let Field::Bytes(bytes) = field else { return None };
    std::str::from_utf8(bytes).ok().map(Text::Borrowed)
}

/// Appends those attributes of a message that are read; they stand under one number.
fn read_attributes<'a>(
    mut fields: Message<'a>,
    of: u64,
    into: &mut Vec<Attribute<'a>>,
) -> Result<(), Broken> {
    let mut index = 0;
    while let Some((number, field)) = fields.next()? {
        if number == of {
            read_attribute(sub(field), index, into)?;
            index += 1;
        }
    }
    Ok(())
}

fn read_attribute<'a>(
    mut fields: Message<'a>,
    index: usize,
    into: &mut Vec<Attribute<'a>>,
) -> Result<(), Broken> {
    let (mut key, mut value) = (None, None);
    while let Some((number, field)) = fields.next()? {
        match (number, field) {
            (1, Field::Bytes(name)) => {
                key = Key::of(name);
                // Most attributes are not read; their values need no look.
                if key.is_none() {
                    return Ok(());
                }
            }
            (2, Field::Bytes(any)) => value = read_value(Message::new(any))?,
            _ => {}
        }
    }
    if let (Some(key), Some(value)) = (key, value) {
        into.push(Attribute { key, index, value });
    }
    Ok(())
}

/// The value of an `AnyValue`; an empty one is none.
fn read_value(mut fields: Message<'_>) -> Result<Option<Value<'_>>, Broken> {
    let mut value = None;
    while let Some((number, field)) = fields.next()? {
        value = match (number, field) {
            (1, field) => Some(text(field).map_or(Value::Garbled, Value::Text)),
            (3, Field::Varint(number)) => Some(Value::Integer(number.cast_signed())),
            (4, Field::Fixed64(bits)) => Some(Value::Number(f64::from_bits(bits))),
            (2 | 5 | 6 | 7, _) => Some(Value::Other),
            _ => value,
        };
    }
    Ok(value)
}

// === impl Stop ===

impl From<Broken> for Stop {
    fn from(_: Broken) -> Self {
        Self::Broken
    }
}

impl From<Rejection> for Stop {
    fn from(rejection: Rejection) -> Self {
        Self::Refused(rejection)
    }
}
