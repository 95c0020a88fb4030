//! From the bytes of one record to what it holds. The format is told by the shape; every fault of the input
//! is a rejection with code and place, and nothing here can fail.

use record::limits::Limits;
use record::notes::Notes;
use record::outcome::Decoded;
use schemas::EventTime;

use crate::carrier::{Carrier, Identity};
use crate::formats::Format;
use crate::pass::Pass;

/// What reads records in place of a format: a company's own mapping.
pub trait ByRecord {
    /// Decodes a record that stands in no envelope; beside it stand the limits and the time of activities without
    /// one. Pushes one outcome per activity, at least one in all.
    fn decode_bare<'a>(
        &'a self,
        bytes: &'a [u8],
        beside: (&Limits, Option<EventTime>),
        notes: &mut Notes,
        out: &mut Vec<Decoded<'a>>,
    );
}

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

/// Decodes a record by what reads in place of a format, through all that a shipper may have put around it.
pub fn decode_by<'a>(
    decoder: &dyn ByRecord,
    bytes: &'a [u8],
    (limits, carrier): (&Limits, &Carrier<'_>),
    notes: &mut Notes,
    out: &mut Vec<Decoded<'a>>,
) {
    let identity = Identity::default();
    let mut pass = Pass::new(None, (&identity, carrier), limits, notes);
    pass.decoder = Some(decoder);
    pass.record(bytes, out);
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
    let beside = (&Identity::default(), &Carrier::default());
    let mut pass = Pass::new(format, beside, limits, notes);
    pass.record(bytes, out);
    pass.told
}

#[cfg(test)]
mod tests;
