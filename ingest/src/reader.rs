//! How one topic or file is read: its format as the config names it, or by shape; who is behind an address;
//! the limits. It remembers the last format only to count when it changes: what a record is never depends
//! on the records before it.

use record::limits::Limits;
use record::notes::Notes;
use record::outcome::Decoded;

use crate::carrier::{Carrier, Identity};
use crate::formats::Format;
use crate::pass::Pass;
use crate::way::Way;

/// Reads the records of one topic.
#[derive(Clone, Debug, Default)]
pub struct Reader {
    format: Option<Format>,
    identity: Identity,
    limits: Limits,
    last: Option<Format>,
}

// === impl Reader ===

impl Reader {
    /// A reader of a format, or by shape where it is `None`.
    pub fn new(format: Option<Format>, identity: Identity, limits: Limits) -> Self {
        Self { format, identity, limits, last: format }
    }

    /// The format of the newest record that had one.
    pub fn last(&self) -> Option<Format> {
        self.last
    }

    /// Decodes a record: pushes one outcome per activity, at least one in all.
    pub fn decode<'a>(
        &mut self,
        bytes: &'a [u8],
        carrier: &Carrier<'_>,
        notes: &mut Notes,
        out: &mut Vec<Decoded<'a>>,
    ) {
        let mut pass =
            Pass::new(Way::of(self.format, &self.identity), carrier, &self.limits, notes);
        pass.record(bytes, out);
        let Some(told) = pass.told else { return };
        if self.last.is_some_and(|last| last != told) {
            notes.format_changes = notes.format_changes.saturating_add(1);
        }
        self.last = Some(told);
    }
}
