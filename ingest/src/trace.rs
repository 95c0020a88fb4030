//! What a pass tells, where it is asked, of each outcome: the format and the envelopes it came in, which place filled
//! which field, which fields stayed empty, which members nobody read, and what there was of a refused activity. For
//! people and checks; no outcome depends on it.

use record::notes::Notes;
use record::outcome::Decoded;
use schemas::Activity;

use crate::formats::Format;
use crate::pass::Pass;

/// Where a field's value was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The field of the activity, as in `action.type`.
    pub field: String,
    /// The JSON pointer of the record that it came from; `None` for a constant.
    pub pointer: Option<String>,
}

/// What one outcome was made of.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Made {
    /// Where its fields came from, as far as that is one place.
    pub origins: Vec<Origin>,
    /// Fields that could have been filled and were not.
    pub missing: Vec<String>,
    /// Members that nobody read, by path; of a record of many spans beside the first outcome.
    pub unmapped: Vec<String>,
    /// What there was of a refused activity; what `missing` names in it is no value.
    pub partial: Option<Box<Activity<'static>>>,
}

/// What is told beside one outcome.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct About {
    /// The format of its record; `None` where none was told, or a mapping read it.
    pub format: Option<Format>,
    /// The envelopes around it, from the outside.
    pub envelopes: Vec<&'static str>,
    /// The pointer of its record below the envelopes.
    pub place: String,
    /// What it was made of.
    pub made: Made,
}

/// What a pass has noted so far.
#[derive(Default)]
pub(crate) struct Trace {
    /// The envelopes around what is read now.
    pub(crate) layers: Vec<&'static str>,
    /// The format of what is read now.
    pub(crate) format: Option<Format>,
    /// What the next outcome was made of.
    pub(crate) made: Made,
    /// What is told of each outcome so far.
    pub(crate) seen: Vec<About>,
}

// === impl Trace ===

impl Trace {
    /// Notes an outcome at a place.
    pub(crate) fn note(&mut self, place: &str) {
        let mut made = std::mem::take(&mut self.made);
        let pointers = made.origins.iter_mut().filter_map(|origin| origin.pointer.as_mut());
        pointers.for_each(|pointer| pointer.insert_str(0, place));
        self.seen.push(About {
            format: self.format,
            envelopes: self.layers.clone(),
            place: place.to_owned(),
            made,
        });
    }
}

// === impl Made ===

impl Made {
    /// Keeps what there was of a refused activity.
    pub fn keep(&mut self, activity: Activity<'_>) {
        if let Decoded::Activity(kept) = Decoded::Activity(activity).into_owned() {
            self.partial = Some(Box::new(kept));
        }
    }

    /// Takes what a mapping set on top.
    pub(crate) fn overlaid(&mut self, origins: Vec<Origin>) {
        self.origins.retain(|known| origins.iter().all(|own| own.field != known.field));
        self.missing.retain(|known| origins.iter().all(|own| own.field != *known));
        self.origins.extend(origins);
    }

    /// Takes where a field came from; of several places the first counts.
    pub fn origin(&mut self, field: &str, pointer: Option<String>) {
        if self.origins.iter().all(|known| known.field != field) {
            self.origins.push(Origin { field: field.to_owned(), pointer });
        }
    }
}

// === impl Pass ===

impl Pass<'_> {
    /// Reads what stands within these envelopes.
    pub(crate) fn within<R>(
        &mut self,
        layers: &[&'static str],
        read: impl FnOnce(&mut Self) -> R,
    ) -> R {
        let Some(trace) = &mut self.trace else { return read(self) };
        let outside = trace.layers.len();
        trace.layers.extend(layers);
        let result = read(self);
        if let Some(trace) = &mut self.trace {
            trace.layers.truncate(outside);
        }
        result
    }

    /// Reads one record of a format; whoever asks is told what nobody reads in it.
    pub(crate) fn told_of(&mut self, format: Option<Format>, read: impl FnOnce(&mut Self)) {
        let Some(trace) = &mut self.trace else { return read(self) };
        let start = trace.seen.len();
        trace.format = format;
        let before = std::mem::take(self.notes);
        read(self);
        let own: Notes = std::mem::replace(self.notes, before);
        self.notes.merge(&own);
        let Some(trace) = &mut self.trace else { return };
        trace.format = None;
        if let Some(first) = trace.seen.get_mut(start) {
            first.made.unmapped = own.unknown_fields.into_keys().collect();
        }
    }

    /// Says what the next outcome was made of.
    pub(crate) fn make(&mut self, made: Option<Made>) {
        if let (Some(trace), Some(made)) = (&mut self.trace, made) {
            trace.made = made;
        }
    }

    /// Notes so many outcomes of spans, with what there was of those that were refused.
    pub(crate) fn tell_spans(
        &mut self,
        n: usize,
        kept: Vec<(usize, Activity<'_>)>,
        start: usize,
        place: &str,
    ) {
        let Some(trace) = &mut self.trace else { return };
        let mut kept = kept.into_iter().peekable();
        for ordinal in start..start + n {
            if let Some((_, activity)) = kept.next_if(|(at, _)| *at == ordinal) {
                trace.made.keep(activity);
                trace.made.missing.push("agent.id".to_owned());
            }
            trace.note(place);
        }
    }
}
