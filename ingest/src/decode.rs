//! From the bytes of one record to what it holds. The format is told by the shape; every fault of the input
//! is a rejection with code and place, and nothing here can fail.

use record::limits::Limits;
use record::notes::Notes;
use record::outcome::Decoded;

use crate::carrier::{Carrier, Identity};
use crate::formats::Format;
use crate::pass::Pass;
use crate::trace::{About, Trace};
use crate::way::Way;

/// Decodes a record whose format is told by its shape: pushes one outcome per activity, at least one in all.
pub fn decode<'a>(bytes: &'a [u8], limits: &Limits, notes: &mut Notes, out: &mut Vec<Decoded<'a>>) {
    pass(None, bytes, limits, (notes, out));
}

/// Decodes a record of a known format.
pub fn decode_as<'a>(
    format: Format,
    bytes: &'a [u8],
    limits: &Limits,
    notes: &mut Notes,
    out: &mut Vec<Decoded<'a>>,
) {
    pass(Some(format), bytes, limits, (notes, out));
}

/// Decodes a record the way that is asked for, through all that a shipper may have put around it.
pub fn decode_with<'a>(
    way: &Way<'_>,
    bytes: &'a [u8],
    (limits, carrier): (&Limits, &Carrier<'_>),
    notes: &mut Notes,
    out: &mut Vec<Decoded<'a>>,
) {
    Pass::new(*way, carrier, limits, notes).record(bytes, out);
}

/// The same, with what is told of each outcome.
pub fn explain<'a>(
    way: &Way<'_>,
    bytes: &'a [u8],
    (limits, carrier): (&Limits, &Carrier<'_>),
    notes: &mut Notes,
) -> Vec<(Decoded<'a>, About)> {
    let mut out = Vec::new();
    let mut pass = Pass::new(*way, carrier, limits, notes);
    pass.trace = Some(Trace::default());
    pass.record(bytes, &mut out);
    let seen = pass.trace.map(|trace| trace.seen).unwrap_or_default();
    debug_assert_eq!(seen.len(), out.len(), "each outcome is told of");
    out.into_iter().zip(seen).collect()
}

/// Tells the format of the first record in some bytes; `None` where none has a shape that is known.
pub fn detect(bytes: &[u8]) -> Option<Format> {
    pass(None, bytes, &Limits::default(), (&mut Notes::default(), &mut Vec::new()))
}

fn pass<'a>(
    format: Option<Format>,
    bytes: &'a [u8],
    limits: &Limits,
    (notes, out): (&mut Notes, &mut Vec<Decoded<'a>>),
) -> Option<Format> {
    let (identity, carrier) = (Identity::default(), Carrier::default());
    let mut pass = Pass::new(Way::of(format, &identity), &carrier, limits, notes);
    pass.record(bytes, out);
    pass.told
}

#[cfg(test)]
pub(crate) mod tests;
