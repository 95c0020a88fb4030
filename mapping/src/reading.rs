//! How one topic or file is read: by shape, by a format, by a mapping, or by a mapping on top of a format; then who
//! acts is looked at, and who is not scored is skipped by name. One way for files, topics and whoever explains them.

use std::sync::Arc;

use ingest::{
    About, Ancestors, Carrier, Decoded, Format, HoldLimits, Identity, Limits, Notes, Principals,
    Skip, Traced, Way, decode_among, decode_with, explain,
};

use super::Mapping;

/// How the records of one topic or file are read.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    format: Option<Format>,
    mapping: Option<Arc<Mapping>>,
    identity: Arc<Identity>,
    principals: Arc<Principals>,
    hold: HoldLimits,
}

// === impl Reading ===

impl Reading {
    /// By a format, by shape where it is `None`; or by a mapping, which brings its own format along.
    pub fn new(format: Option<Format>, mapping: Option<Arc<Mapping>>) -> Self {
        let extended = mapping.as_ref().and_then(|mapping| mapping.extends());
        let format = extended.and_then(Format::from_name).or(format);
        Self { format, mapping, ..Self::default() }
    }

    /// Says who is behind an address, and who is scored.
    pub fn known_by(mut self, identity: Arc<Identity>, principals: Arc<Principals>) -> Self {
        (self.identity, self.principals) = (identity, principals);
        self
    }

    /// Says how long what lacks only its agent may wait for it.
    pub fn holding(self, hold: HoldLimits) -> Self {
        Self { hold, ..self }
    }

    /// How long and how much may wait.
    pub fn hold(&self) -> HoldLimits {
        self.hold
    }

    /// Who is what, and who is scored.
    pub fn principals(&self) -> &Principals {
        &self.principals
    }

    /// Decodes a record: pushes one outcome per activity, at least one in all.
    pub fn decode<'a>(
        &'a self,
        bytes: &'a [u8],
        (limits, carrier): (&Limits, &Carrier<'_>),
        notes: &mut Notes,
        out: &mut Vec<Decoded<'a>>,
    ) {
        let start = out.len();
        match self.alone() {
            Some(mapping) => mapping.decode_at(bytes, (limits, carrier), notes, out),
            None => decode_with(&self.way(), bytes, (limits, carrier), notes, out),
        }
        out.iter_mut().skip(start).for_each(|decoded| self.judge(decoded));
    }

    /// The same, with the spans of earlier records above its own; says what it tells of its spans.
    pub fn decode_among<'a>(
        &'a self,
        bytes: &'a [u8],
        beside: (&Limits, &Carrier<'_>),
        ancestors: &Ancestors,
        (notes, out): (&mut Notes, &mut Vec<Decoded<'a>>),
    ) -> Traced {
        if self.alone().is_some() {
            self.decode(bytes, beside, notes, out);
            return Traced::default();
        }
        let start = out.len();
        let traced = decode_among(&self.way(), bytes, beside, ancestors, (notes, out));
        out.iter_mut().skip(start).for_each(|decoded| self.judge(decoded));
        traced
    }

    /// Skips an activity of somebody who is not scored.
    pub fn judge(&self, decoded: &mut Decoded<'_>) {
        if let Decoded::Activity(activity) = decoded
            && let Some(rule) = self.principals.skips(activity)
        {
            *decoded = Decoded::Skipped(Skip { rule });
        }
    }

    /// Decodes a record, with what is told of each outcome; nobody is skipped for who acts.
    pub fn explain<'a>(
        &'a self,
        bytes: &'a [u8],
        beside: (&Limits, &Carrier<'_>),
        notes: &mut Notes,
    ) -> Vec<(Decoded<'a>, About)> {
        match self.alone() {
            Some(mapping) => mapping.explain_at(bytes, beside, notes),
            None => explain(&self.way(), bytes, beside, notes),
        }
    }

    /// The mapping, where it adds to no format.
    fn alone(&self) -> Option<&Mapping> {
        self.mapping.as_deref().filter(|mapping| mapping.extends().is_none())
    }

    fn way(&self) -> Way<'_> {
        let overlay = self.mapping.as_deref().map(|mapping| mapping as _);
        Way { overlay, ..Way::of(self.format, &self.identity) }
    }
}
