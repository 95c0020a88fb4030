//! What a record of spans or log records holds once it is read, whatever its encoding: the readers of OTLP/JSON,
//! OTLP protobuf and exported traces fill it, and one place makes activities of it.

use std::ops::Range;

use record::limits::Limits;
use record::pointer::rejection;
use schemas::activity::Text;
use schemas::reject::{ErrorCode, Rejection};

use super::attributes::{Attribute, Attributes, Place, Signal};

/// The spans or log records of one record, in their order.
#[derive(Default)]
pub(crate) struct Batch<'a> {
    /// All attributes that are read; spans and resources hold ranges of it.
    pub(crate) attributes: Vec<Attribute<'a>>,
    pub(crate) emitters: Vec<Emitter>,
    pub(crate) scopes: Vec<Scope<'a>>,
    pub(crate) items: Vec<Item<'a>>,
}

/// What stands where a span or log record is expected.
pub(crate) enum Item<'a> {
    Span(Span<'a>),
    Bad(Rejection),
}

/// The attributes of one place, among those of the batch.
#[derive(Clone, Debug, Default)]
pub(crate) struct Held {
    range: Range<usize>,
    /// Which keys are among them.
    keys: u64,
}

/// A resource.
pub(crate) struct Emitter {
    pub(crate) attributes: Held,
    pub(crate) place: Place,
}

/// An instrumentation library.
#[derive(Default)]
pub(crate) struct Scope<'a> {
    pub(crate) name: Text<'a>,
    pub(crate) version: Text<'a>,
}

/// A value that may be absent or of another form than it should be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Read<T> {
    #[default]
    Absent,
    Bad,
    Is(T),
}

/// Which side of a call a span is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Side {
    #[default]
    Unknown,
    Server,
    Client,
}

/// How a span says it ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Status {
    #[default]
    Unset,
    Ok,
    Error,
}

/// A span or a log record.
pub(crate) struct Span<'a> {
    pub(crate) place: Place,
    pub(crate) emitter: usize,
    pub(crate) scope: usize,
    pub(crate) attributes: Held,
    pub(crate) trace: Read<u128>,
    pub(crate) span: Read<u64>,
    pub(crate) parent: Read<u64>,
    /// Name of the span, or of the event that a log record is.
    pub(crate) name: Text<'a>,
    pub(crate) side: Side,
    pub(crate) start_ns: u64,
    /// End of a span, time of a log record.
    pub(crate) end_ns: Read<u64>,
    pub(crate) status: Status,
}

// === impl Batch ===

impl<'a> Batch<'a> {
    /// Keeps an item; fails where there are more than the limit.
    pub(super) fn keep(
        &mut self,
        item: Item<'a>,
        signal: Signal,
        limits: &Limits,
    ) -> Result<(), Rejection> {
        if limits.spans_max <= self.items.len() {
            let message = format!("accept more than {} spans in one record", limits.spans_max);
            let path = format!("/{}", signal.lists()[0]);
            return Err(rejection(ErrorCode::TooLarge, path, message));
        }
        self.items.push(item);
        Ok(())
    }

    /// The attributes of a span itself.
    pub(super) fn own(&self, span: &Span<'a>) -> Attributes<'_, 'a> {
        self.list(&span.attributes, span.place)
    }

    /// The attributes of a span's resource.
    pub(super) fn resource(&self, span: &Span<'a>) -> Attributes<'_, 'a> {
        match self.emitters.get(span.emitter) {
            Some(emitter) => self.list(&emitter.attributes, emitter.place),
            None => Attributes::new(&[], 0, span.place),
        }
    }

    /// The spans among the items.
    pub(crate) fn spans(&self) -> impl Iterator<Item = &Span<'a>> {
        self.items.iter().filter_map(|item| match item {
            Item::Span(span) => Some(span),
            Item::Bad(_) => None,
        })
    }

    /// The attributes that were read since there were so many.
    pub(crate) fn held_since(&self, start: usize) -> Held {
        let range = start..self.attributes.len();
        let held = self.attributes.get(range.clone()).unwrap_or_default();
        Held { keys: held.iter().fold(0, |keys, one| keys | one.key.bit()), range }
    }

    /// The attributes of a place, in their order.
    pub(super) fn held(&self, held: &Held) -> &[Attribute<'a>] {
        self.attributes.get(held.range.clone()).unwrap_or_default()
    }

    fn list(&self, held: &Held, place: Place) -> Attributes<'_, 'a> {
        Attributes::new(self.held(held), held.keys, place)
    }
}

// === impl Span ===

impl<'a> Span<'a> {
    /// A span of which nothing is known yet.
    pub(crate) fn new(place: Place, emitter: usize, scope: usize) -> Self {
        Self {
            place,
            emitter,
            scope,
            attributes: Held::default(),
            trace: Read::Absent,
            span: Read::Absent,
            parent: Read::Absent,
            name: Text::Borrowed(""),
            side: Side::Unknown,
            start_ns: 0,
            end_ns: Read::Absent,
            status: Status::Unset,
        }
    }
}

// === impl Read ===

impl Read<u64> {
    /// A time in nanoseconds since 1970, zero being none; a number too small for one of this century counts seconds, or
    /// milli- or microseconds of it.
    pub(super) fn of_time(number: u64) -> Self {
        match number {
            0 => Self::Absent,
            1..100_000_000_000 => Self::Is(number.saturating_mul(1_000_000_000)),
            100_000_000_000..100_000_000_000_000 => Self::Is(number * 1_000_000),
            100_000_000_000_000..100_000_000_000_000_000 => Self::Is(number * 1_000),
            _ => Self::Is(number),
        }
    }
}

impl<T: Copy> Read<T> {
    /// The value, where there is a good one.
    pub(crate) fn good(self) -> Option<T> {
        match self {
            Self::Is(value) => Some(value),
            Self::Absent | Self::Bad => None,
        }
    }
}

// === impl Side ===

impl Side {
    /// The side that a kind of span is, by its number.
    pub(super) fn of(kind: u64) -> Self {
        match kind {
            2 => Self::Server,
            3 => Self::Client,
            _ => Self::Unknown,
        }
    }
}

// === impl Status ===

impl Status {
    /// The status of a code, by its number.
    pub(super) fn of(code: u64) -> Self {
        match code {
            1 => Self::Ok,
            2 => Self::Error,
            _ => Self::Unset,
        }
    }
}
