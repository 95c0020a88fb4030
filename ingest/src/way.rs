//! How a record is read: by the format that is named or by its shape, by what reads in place of a format, with what
//! is set on top, and who is behind an address.

use std::borrow::Cow;

use record::limits::Limits;
use record::notes::Notes;
use record::outcome::Decoded;
use record::tree::Tree;
use schemas::reject::Rejection;
use schemas::{Activity, EventTime};

use crate::carrier::Identity;
use crate::formats::Format;
use crate::pass::Pass;
use crate::trace::{Made, Origin};

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

    /// The same, and for each outcome what it was made of.
    fn explain_bare<'a>(
        &'a self,
        bytes: &'a [u8],
        beside: (&Limits, Option<EventTime>),
        notes: &mut Notes,
        out: &mut Vec<Decoded<'a>>,
    ) -> Vec<Made>;
}

/// What adds fields to those of a format: a mapping that extends it.
pub trait Overlay {
    /// Sets its fields on an activity that the format made of this record; beside it stand the limits and, where
    /// somebody asks, where to tell from which place each field came.
    fn overlay<'a>(
        &'a self,
        record: &'a [u8],
        beside: (&Limits, Option<&mut Vec<Origin>>),
        notes: &mut Notes,
        activity: &mut Activity<'a>,
    ) -> Result<(), Rejection>;
}

/// How a record is read.
#[derive(Clone, Copy)]
pub struct Way<'p> {
    /// The format; `None` is by shape.
    pub format: Option<Format>,
    /// What reads each record in place of a format.
    pub decoder: Option<&'p dyn ByRecord>,
    /// What is set on what a format made of a record that is one activity.
    pub overlay: Option<&'p dyn Overlay>,
    /// Who is behind an address.
    pub identity: &'p Identity,
}

// === impl Way ===

impl<'p> Way<'p> {
    /// Whether a record may be read as of this format.
    pub(crate) fn may_be(&self, format: Format) -> bool {
        self.decoder.is_none() && self.format.is_none_or(|own| own == format)
    }

    /// By a format, or by shape.
    pub fn of(format: Option<Format>, identity: &'p Identity) -> Self {
        Self { format, decoder: None, overlay: None, identity }
    }
}

// === impl Pass ===

impl Pass<'_> {
    /// Sets what a mapping adds on what a format made of a record.
    pub(crate) fn overlaid<'a>(
        &mut self,
        decoded: Decoded<'a>,
        tree: Option<&Tree<'a>>,
        text: Option<&'a str>,
    ) -> Decoded<'a> {
        let (Some(overlay), Decoded::Activity(_)) = (self.way.overlay, &decoded) else {
            return decoded;
        };
        // A tree always serialises.
        let text = text
            .map_or_else(|| serde_json::to_string(&tree).unwrap_or_default().into(), Cow::Borrowed);
        let decoded = decoded.into_owned();
        let Decoded::Activity(mut activity) = decoded else { return decoded.into_owned() };
        let mut origins = Vec::new();
        let wanted = self.trace.is_some().then_some(&mut origins);
        let set =
            overlay.overlay(text.as_bytes(), (self.limits, wanted), self.notes, &mut activity);
        if let Some(trace) = &mut self.trace {
            trace.made.overlaid(origins);
        }
        match set {
            Ok(()) => Decoded::Activity(activity).into_owned(),
            Err(rejection) => Decoded::Rejected(rejection),
        }
    }
}
