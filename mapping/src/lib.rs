//! A company's own JSON: a table of fields and where they stand in a record, checked against the schema of an
//! activity when the config loads and compiled to one pass over the bytes. It is data, not a language: it can be
//! diffed, linted and shown field by field.
#![forbid(unsafe_code)]
#![cfg_attr(not(test), warn(clippy::indexing_slicing))]

mod compile;
mod condition;
mod field;
mod hash;
mod in_order;
mod pass;
mod paths;
mod propose;
mod put;
mod reading;
mod setting;
mod source;
mod spec;

use ingest::{About, ByRecord, Carrier, Identity, Made, Overlay, Way, decode_with, explain};
use record::depth;
use record::limits::Limits;
use record::notes::Notes;
use record::outcome::{Decoded, Skip, invalid_json, text_of, too_deep, within_size};
use record::pointer::rejection;
use record::tree::Tree;
use schemas::Activity;
use schemas::reject::{ErrorCode, Rejection};
use schemas::time::EventTime;

use self::condition::Condition;
use self::field::{FIELDS, Field, Kind};
use self::hash::Secret;
use self::pass::Pass;
use self::paths::{Paths, Slots, Step, Steps};
use self::source::Source;

pub use ingest::Origin;

pub use self::in_order::{FileOutcome, InOrder};
pub use self::propose::{Proposal, ProposedLine, propose};
pub use self::reading::Reading;
pub use self::setting::{Member, Problem, Setting, SettingValue};

/// The rule by which a record is skipped that a mapping's `when` leaves out.
const WHEN: &str = "mapping_when";
/// The rule by which a record is skipped whose list of `each` is empty or absent.
const WITHOUT_ITEMS: &str = "mapping_without_items";

/// A mapping, ready to decode records.
#[derive(Clone, Debug)]
pub struct Mapping {
    name: String,
    extends: Option<String>,
    when: Option<Condition>,
    each: Option<(String, Steps)>,
    rules: Vec<Rule>,
    paths: Paths,
    secret: Secret,
}

/// What fills one field.
#[derive(Clone, Debug)]
struct Rule {
    target: Target,
    kind: Kind,
    sources: Vec<Source>,
    /// The place that its only source reads, where that does nothing else.
    plain: Option<usize>,
}

#[derive(Clone, Debug)]
enum Target {
    Field(&'static Field),
    Attribute(String),
}

// === impl Mapping ===

impl Mapping {
    /// Reads a mapping of that name; `secret` is the key of hashes. Without one hashes are refused; an empty one comes
    /// later ([`Self::set_key`]), and until then nothing is hashed. Fails with every mistake, in the order of their places.
    pub fn parse(
        name: &str,
        setting: &Setting,
        secret: Option<&[u8]>,
    ) -> Result<Self, Vec<Problem>> {
        compile::compile(name, setting, secret)
    }

    /// Sets the key that hashes are made with.
    pub fn set_key(&mut self, key: &[u8]) {
        self.secret = Secret(Some(key.to_vec()));
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The built-in format that it adds to, if any: decode with that and this as its overlay.
    pub fn extends(&self) -> Option<&str> {
        self.extends.as_deref()
    }

    /// Decodes a record: pushes one outcome per activity, at least one in all.
    pub fn decode<'a>(
        &'a self,
        bytes: &'a [u8],
        limits: &Limits,
        notes: &mut Notes,
        out: &mut Vec<Decoded<'a>>,
    ) {
        self.decode_at(bytes, (limits, &Carrier::default()), notes, out);
    }

    /// The same for a record whose place on the log is known: its time is that of activities without one.
    pub fn decode_at<'a>(
        &'a self,
        bytes: &'a [u8],
        (limits, carrier): (&Limits, &Carrier<'_>),
        notes: &mut Notes,
        out: &mut Vec<Decoded<'a>>,
    ) {
        let start = out.len();
        self.decode_bare(bytes, (limits, carrier.time), notes, out);
        let Some(Decoded::Rejected(bare)) = out.get(start) else { return };
        if !is_maybe_wrapped(bare.code) || limits.record_bytes_max < bytes.len() {
            return;
        }
        // Envelopes are looked for only where the record is none by itself.
        let (mut peeled, identity) = (Vec::new(), Identity::default());
        let way = Way { decoder: Some(self), ..Way::of(None, &identity) };
        decode_with(&way, bytes, (limits, carrier), notes, &mut peeled);
        let is_same = matches!(peeled.as_slice(), [Decoded::Rejected(found)] if *found == *bare);
        if !is_same {
            out.truncate(start);
            out.append(&mut peeled);
        }
    }

    /// The same, with what is told of each outcome.
    pub fn explain_at<'a>(
        &'a self,
        bytes: &'a [u8],
        (limits, carrier): (&Limits, &Carrier<'_>),
        notes: &mut Notes,
    ) -> Vec<(Decoded<'a>, About)> {
        let (mut out, mut own) = (Vec::new(), Notes::default());
        let all = self.explain_bare(bytes, (limits, carrier.time), &mut own, &mut out);
        let bare = match out.first() {
            Some(Decoded::Rejected(bare)) if is_maybe_wrapped(bare.code) => Some(bare.clone()),
            _ => None,
        };
        if let Some(bare) = bare.filter(|_| bytes.len() <= limits.record_bytes_max) {
            let identity = Identity::default();
            let way = Way { decoder: Some(self), ..Way::of(None, &identity) };
            let peeled = explain(&way, bytes, (limits, carrier), notes);
            if !matches!(peeled.as_slice(), [(Decoded::Rejected(found), _)] if *found == bare) {
                return peeled;
            }
        }
        notes.merge(&own);
        let mut unmapped: Vec<String> = own.unknown_fields.into_keys().collect();
        let about = |mut made: Made| {
            made.unmapped = std::mem::take(&mut unmapped);
            About { format: None, envelopes: Vec::new(), place: String::new(), made }
        };
        out.into_iter().zip(all.into_iter().map(about)).collect()
    }

    /// Which fields a record of one activity fills, and from where.
    pub fn origins(&self, bytes: &[u8], limits: &Limits) -> Result<Vec<Origin>, Rejection> {
        let (mut notes, mut out) = (Notes::default(), Vec::new());
        let all = self.explain_bare(bytes, (limits, None), &mut notes, &mut out);
        match (out.pop(), all.into_iter().next_back()) {
            (Some(Decoded::Rejected(rejection)), _) => Err(rejection),
            (_, made) => Ok(made.unwrap_or_default().origins),
        }
    }

    fn empty(name: &str, secret: Option<&[u8]>) -> Self {
        Self {
            name: name.to_owned(),
            extends: None,
            when: None,
            each: None,
            rules: Vec::new(),
            paths: Paths::default(),
            secret: Secret(secret.map(<[u8]>::to_vec)),
        }
    }

    fn decode_record<'a>(
        &'a self,
        bytes: &'a [u8],
        (limits, time): (&Limits, Option<EventTime>),
        notes: &mut Notes,
        into: &mut Sink<'_, 'a>,
    ) -> Result<(), Rejection> {
        within_size(bytes, limits)?;
        let text = text_of(bytes)?;
        let Some((pointer, each)) = &self.each else {
            let slots = self.slots(text, limits, notes)?;
            self.one((&slots, &[]), (bytes, time), notes, into);
            return Ok(());
        };
        let record = tree_of(text, limits)?;
        self.paths.count_unknown(&record, notes);
        let mut all = Vec::new();
        items_of(&record, each, &mut Vec::new(), &mut all);
        if limits.spans_max < all.len() {
            let message = format!("accept more than {} items in one record", limits.spans_max);
            return Err(rejection(ErrorCode::TooLarge, pointer.clone(), message));
        }
        if all.is_empty() {
            into.push(Decoded::Skipped(Skip { rule: WITHOUT_ITEMS }), Made::default());
        }
        for items in &all {
            let slot = |(_, steps): &(_, Steps)| paths::find(&record, steps, items).cloned();
            let slots = self.paths.pointers.iter().map(slot).collect();
            self.one((&slots, items), (bytes, time), notes, into);
        }
        Ok(())
    }

    /// The slots of a record that is one activity.
    fn slots<'a>(
        &self,
        text: &'a str,
        limits: &Limits,
        notes: &mut Notes,
    ) -> Result<Slots<'a>, Rejection> {
        let mut slots = vec![None; self.paths.pointers.len()];
        let captured = self.paths.capture(text, &mut slots, notes);
        match captured {
            Ok(captured) if captured.has_unwalked && depth::exceeds(text, limits.depth_max) => {
                Err(too_deep(limits))
            }
            Ok(captured) if captured.is_object => Ok(slots),
            Ok(_) => Err(not_an_object()),
            Err(error) => Err(unreadable(&error, text, limits)),
        }
    }

    fn one<'a>(
        &'a self,
        (slots, items): (&Slots<'a>, &[usize]),
        (bytes, time): (&[u8], Option<EventTime>),
        notes: &mut Notes,
        into: &mut Sink<'_, 'a>,
    ) {
        if self.when.as_ref().is_some_and(|when| !when.holds(slots)) {
            return into.push(Decoded::Skipped(Skip { rule: WHEN }), Made::default());
        }
        let mut origins = Vec::new();
        let wanted = into.all.is_some().then_some(&mut origins);
        let mut pass = Pass { mapping: self, slots, items, time, notes, origins: wanted };
        let (activity, fault) = pass.activity(bytes);
        let mut made = Made::default();
        if into.all.is_some() {
            let is_empty = |path: &String| origins.iter().all(|origin| origin.field != *path);
            made.missing = self.rules.iter().map(Rule::path).filter(is_empty).collect();
            if time.is_some() {
                made.missing.retain(|path| path != "time");
            }
            made.origins = origins;
        }
        match (activity, fault) {
            (Some(activity), None) => into.push(Decoded::Activity(Box::new(activity)), made),
            (activity, fault) => {
                if let Some(activity) = activity.filter(|_| into.all.is_some()) {
                    made.keep(Box::new(activity));
                }
                let fault = fault.unwrap_or_else(|| {
                    rejection(ErrorCode::Internal, String::new(), "make an activity")
                });
                into.push(Decoded::Rejected(fault), made);
            }
        }
    }
}

/// Where outcomes go, and what each was made of where somebody asks.
struct Sink<'o, 'a> {
    out: &'o mut Vec<Decoded<'a>>,
    all: Option<&'o mut Vec<Made>>,
}

// === impl Sink ===

impl<'a> Sink<'_, 'a> {
    fn push(&mut self, decoded: Decoded<'a>, made: Made) {
        self.out.push(decoded);
        if let Some(all) = &mut self.all {
            all.push(made);
        }
    }
}

// === impl ByRecord ===

impl ByRecord for Mapping {
    fn decode_bare<'a>(
        &'a self,
        bytes: &'a [u8],
        (limits, time): (&Limits, Option<EventTime>),
        notes: &mut Notes,
        out: &mut Vec<Decoded<'a>>,
    ) {
        let mut into = Sink { out, all: None };
        if let Err(rejection) = self.decode_record(bytes, (limits, time), notes, &mut into) {
            into.push(Decoded::Rejected(rejection), Made::default());
        }
    }

    fn explain_bare<'a>(
        &'a self,
        bytes: &'a [u8],
        (limits, time): (&Limits, Option<EventTime>),
        notes: &mut Notes,
        out: &mut Vec<Decoded<'a>>,
    ) -> Vec<Made> {
        let mut all = Vec::new();
        let mut into = Sink { out, all: Some(&mut all) };
        if let Err(rejection) = self.decode_record(bytes, (limits, time), notes, &mut into) {
            into.push(Decoded::Rejected(rejection), Made::default());
        }
        all
    }
}

// === impl Overlay ===

impl Overlay for Mapping {
    fn overlay<'a>(
        &'a self,
        record: &'a [u8],
        (limits, origins): (&Limits, Option<&mut Vec<Origin>>),
        notes: &mut Notes,
        activity: &mut Activity<'a>,
    ) -> Result<(), Rejection> {
        // What the built-in format reads is unknown here: nothing is counted.
        let slots = self.slots(text_of(record)?, limits, &mut Notes::default())?;
        if self.when.as_ref().is_some_and(|when| !when.holds(&slots)) {
            return Ok(());
        }
        let mut pass =
            Pass { mapping: self, slots: &slots, items: &[], time: None, notes, origins };
        self.rules.iter().try_for_each(|rule| pass.fill(rule, activity).map(|_| ()))
    }
}

/// Whether a record may be refused only for what is around it.
fn is_maybe_wrapped(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::InvalidUtf8
            | ErrorCode::InvalidJson
            | ErrorCode::UnsupportedFormat
            | ErrorCode::MissingField
            | ErrorCode::MissingAgentId
    )
}

fn not_an_object() -> Rejection {
    let message = "recognise a record that is no json object";
    rejection(ErrorCode::UnsupportedFormat, String::new(), message)
}

fn unreadable(error: &serde_json::Error, text: &str, limits: &Limits) -> Rejection {
    if depth::exceeds(text, limits.depth_max) {
        too_deep(limits)
    } else if error.to_string().starts_with("number out of range") {
        let (line, column) = (error.line(), error.column());
        let message = format!("read a number that is not finite at line {line} column {column}");
        rejection(ErrorCode::InvalidField, String::new(), message)
    } else {
        invalid_json(error)
    }
}

fn tree_of<'a>(text: &'a str, limits: &Limits) -> Result<Tree<'a>, Rejection> {
    if depth::exceeds(text, limits.depth_max) {
        return Err(too_deep(limits));
    }
    match serde_json::from_str(text) {
        Ok(record @ Tree::Object(_)) => Ok(record),
        Ok(_) => Err(not_an_object()),
        Err(error) => Err(unreadable(&error, text, limits)),
    }
}

/// The indices of all items of a list that may stand in lists itself.
fn items_of(tree: &Tree<'_>, steps: &[Step], chosen: &mut Vec<usize>, all: &mut Vec<Vec<usize>>) {
    let split = steps.iter().position(|step| *step == Step::Each).unwrap_or(steps.len());
    let (before, after) = steps.split_at(split);
    let Some(Tree::List(items)) = paths::find(tree, before, &[]) else { return };
    for (index, item) in items.iter().enumerate() {
        chosen.push(index);
        match after.split_first() {
            None => all.push(chosen.clone()),
            Some((_, rest)) => items_of(item, rest, chosen, all),
        }
        chosen.pop();
    }
}

// === impl Rule ===

impl Rule {
    /// Its place in the order of the schema; attributes come last, in their own order.
    fn rank(&self) -> usize {
        let of = |field: &Field| FIELDS.iter().position(|known| known.path == field.path);
        match &self.target {
            Target::Field(field) => of(field).unwrap_or(FIELDS.len()),
            Target::Attribute(_) => FIELDS.len(),
        }
    }

    fn path(&self) -> String {
        match &self.target {
            Target::Field(field) => field.path.to_owned(),
            Target::Attribute(name) => format!("attributes.{name}"),
        }
    }

    fn is(&self, path: &str) -> bool {
        matches!(&self.target, Target::Field(field) if field.path == path)
    }
}

#[cfg(test)]
pub(crate) mod tests;
