//! What a pass tells, where it is asked, of each outcome: the format and the envelopes it came in, which place filled
//! which field, which fields stayed empty, which members nobody read, and what there was of a refused activity. For
//! people and checks; no outcome depends on it.

use record::limits::Limits;
use record::native;
use record::notes::Notes;
use record::outcome::Decoded;
use schemas::Activity;
use schemas::activity::ACTIVITY_SCHEMA;
use schemas::time::TIME_MS_MIN;

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

/// Members of a refused native record that are left out to see the rest.
const FAULTS_MAX: usize = 64;
/// What a native record needs, the field that is missing then, and what stands in for it.
const REQUIRED: [(&str, &str, &str); 5] = [
    ("/schema", "", ACTIVITY_SCHEMA),
    ("/id", "id", "?"),
    ("/time", "time", "1990-01-01T00:00:00Z"),
    ("/agent/id", "agent.id", "?"),
    ("/action/type", "action.type", "other"),
];

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

/// Puts a word where one is required; false where nothing can stand there.
fn stand_in(record: &mut serde_json::Value, path: &str, word: &str) -> bool {
    let Some((place, key)) = path.rsplit_once('/') else { return false };
    let Some(members) = record.as_object_mut() else { return false };
    let members = match place.strip_prefix('/') {
        None => Some(members),
        Some(place) => {
            let parent = members.entry(place).or_insert(serde_json::Value::Null);
            if !parent.is_object() {
                *parent = serde_json::json!({});
            }
            parent.as_object_mut()
        }
    };
    members.is_some_and(|members| {
        members.insert(key.to_owned(), word.into());
        true
    })
}

/// Takes away what stands at a pointer, or what it should stand in; false where there is neither.
fn leave_out(record: &mut serde_json::Value, path: &str) -> bool {
    let Some((place, key)) = path.rsplit_once('/') else { return false };
    let key = key.replace("~1", "/").replace("~0", "~");
    let is_gone = match record.pointer_mut(place) {
        Some(serde_json::Value::Object(members)) => members.remove(&key).is_some(),
        Some(serde_json::Value::Array(items)) => {
            let index = key.parse().ok().filter(|index| *index < items.len());
            index.map(|index| items.remove(index)).is_some()
        }
        _ => false,
    };
    is_gone || leave_out(record, place)
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
    pub fn keep(&mut self, activity: Box<Activity<'_>>) {
        if let Decoded::Activity(kept) = Decoded::Activity(activity).into_owned() {
            self.partial = Some(kept);
        }
    }

    /// Keeps what there is of a native record that was refused: the member at fault is left out, or something stands
    /// in for one that is required, which is named as missing, until the rest decodes.
    pub(crate) fn keep_native(&mut self, text: &str, limits: &Limits) {
        let Ok(mut record) = serde_json::from_str::<serde_json::Value>(text) else { return };
        for _ in 0..FAULTS_MAX {
            let attempt = record.to_string();
            let path = match native::decode(&attempt, limits, &mut Notes::default()) {
                Decoded::Activity(activity) => return self.keep(activity),
                Decoded::Skipped(_) => return,
                Decoded::Rejected(found) if found.path == "/action" => "/action/type".to_owned(),
                Decoded::Rejected(found) => found.path,
            };
            let required = REQUIRED.iter().find(|(known, ..)| *known == path);
            let is_done = match required {
                Some((_, field, word)) => {
                    self.missing.extend((!field.is_empty()).then(|| (*field).to_owned()));
                    stand_in(&mut record, &path, word)
                }
                None => leave_out(&mut record, &path),
            };
            if !is_done {
                return;
            }
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

    /// Says what there is of a native record that is refused.
    pub(crate) fn made_of_native(&mut self, decoded: &Decoded<'_>, text: &str) {
        if let (Some(trace), Decoded::Rejected(_)) = (&mut self.trace, decoded) {
            trace.made.keep_native(text, self.limits);
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
                let lacks_time = activity.time.millis() == TIME_MS_MIN;
                let lacks = [
                    (activity.id.is_empty(), "id"),
                    (lacks_time, "time"),
                    (activity.agent.id.is_empty(), "agent.id"),
                ];
                let lacks = lacks.iter().filter(|(lacks, _)| *lacks);
                trace.made.missing.extend(lacks.map(|(_, name)| (*name).to_owned()));
                trace.made.keep(Box::new(activity));
            }
            trace.note(place);
        }
    }
}
