//! One pass over one record: layers of bytes, texts, envelopes, formats. All of it shares one budget; what a
//! record holds comes out in its order, at least one outcome in all.

use std::borrow::Cow;

use memchr::memmem;
use record::depth;
use record::limits::Limits;
use record::native;
use record::notes::Notes;
use record::outcome::{Decoded, Skip, invalid_json, text_of, too_deep, within_size};
use record::path::is_json_object;
use record::pointer::rejection;
use record::tree::Tree;
use schemas::reject::{ErrorCode, Rejection};

use crate::carrier::{Carrier, Identity};
use crate::decode::ByRecord;
use crate::envelope::{self, Budget, Opened, expand, open, open_last};
use crate::event::Event;
use crate::format::{langfuse, otlp};
use crate::formats::Format;
use crate::mapper;
use crate::table::Spec;

/// What native records hold and others do not.
const NATIVE: &str = "\"agent.activity/1\"";

/// What a pass knows and counts.
pub(crate) struct Pass<'p> {
    /// The format that the config names; `None`: by shape.
    pub(crate) format: Option<Format>,
    /// What reads each record in place of a format.
    pub(crate) decoder: Option<&'p dyn ByRecord>,
    pub(crate) identity: &'p Identity,
    pub(crate) carrier: &'p Carrier<'p>,
    pub(crate) limits: &'p Limits,
    pub(crate) notes: &'p mut Notes,
    budget: Budget,
    n_activities: usize,
    /// The format of the first record that had one.
    pub(crate) told: Option<Format>,
}

/// Where a value stands: its pointer, and how many envelopes are around it.
#[derive(Clone, Copy)]
struct Spot<'s> {
    place: &'s str,
    layer: usize,
}

// === impl Pass ===

impl<'p> Pass<'p> {
    /// A pass that begins.
    pub(crate) fn new(
        format: Option<Format>,
        (identity, carrier): (&'p Identity, &'p Carrier<'p>),
        limits: &'p Limits,
        notes: &'p mut Notes,
    ) -> Self {
        let budget = Budget::new(limits);
        Self {
            format,
            decoder: None,
            identity,
            carrier,
            limits,
            notes,
            budget,
            n_activities: 0,
            told: None,
        }
    }

    /// Decodes a record.
    pub(crate) fn record<'a>(&mut self, bytes: &'a [u8], out: &mut Vec<Decoded<'a>>) {
        if let Err(rejection) = within_size(bytes, self.limits) {
            return refuse(rejection, "", out);
        }
        let is_avro = |name| self.carrier.header(name).is_some_and(|word| word.contains("avro"));
        if is_avro("content-type") || is_avro("ce_datacontenttype") {
            let message = "read a value in avro";
            let code = ErrorCode::SchemaRegistryUnsupported;
            return refuse(rejection(code, String::new(), message), "", out);
        }
        self.bytes(bytes, Spot { place: "", layer: 0 }, out);
    }

    fn bytes<'a>(&mut self, bytes: &'a [u8], spot: Spot<'_>, out: &mut Vec<Decoded<'a>>) {
        match expand(bytes, &mut self.budget) {
            Err(rejection) => refuse(rejection, spot.place, out),
            Ok(Cow::Borrowed(bytes)) => self.text(bytes, spot, out),
            Ok(Cow::Owned(made)) => {
                let mut inner = Vec::new();
                self.text(&made, spot, &mut inner);
                out.extend(inner.into_iter().map(Decoded::into_owned));
            }
        }
    }

    fn text<'a>(&mut self, bytes: &'a [u8], spot: Spot<'_>, out: &mut Vec<Decoded<'a>>) {
        let may_be = |format| self.decoder.is_none() && self.format.is_none_or(|own| own == format);
        if may_be(Format::Otlp) && otlp::is_protobuf(bytes) {
            self.told.get_or_insert(Format::Otlp);
            return self.spans(spot, out, |sink, limits| otlp::decode(bytes, limits, None, sink));
        }
        let text = match text_of(bytes) {
            Ok(text) => text,
            Err(rejection) => return refuse(rejection, spot.place, out),
        };
        if self.decoder.is_none() && self.as_native(text, spot, out) {
            return;
        }
        if depth::exceeds(text, self.limits.depth_max) {
            return refuse(too_deep(self.limits), spot.place, out);
        }
        if self.limits.values_max < depth::values_at_most(text) {
            let message = format!("accept more than {} values", self.limits.values_max);
            return refuse(rejection(ErrorCode::TooLarge, String::new(), message), spot.place, out);
        }
        match documents(text) {
            Ok(documents) => match documents.as_slice() {
                [(tree, text)] => self.tree(tree, Some(text), spot, out),
                many => {
                    for (index, (tree, text)) in many.iter().enumerate() {
                        let place = format!("{}/{index}", spot.place);
                        self.tree(tree, Some(text), Spot { place: &place, ..spot }, out);
                    }
                }
            },
            Err(_) if is_lines(text) => self.lines(text, spot, out),
            // Its own decoder skips what it does not know, and tells what is wrong by field.
            Err(_)
                if self.decoder.is_none()
                    && (self.format == Some(Format::Native) || text.contains(NATIVE)) =>
            {
                self.whole(Format::Native, text, spot, out);
            }
            Err(error) => refuse(invalid_json(&error), spot.place, out),
        }
    }

    /// Takes a native record without reading it twice: one that begins with its schema, as is the custom, or
    /// that holds ours and decodes. Nothing else is judged here.
    fn as_native<'a>(&mut self, text: &'a str, spot: Spot<'_>, out: &mut Vec<Decoded<'a>>) -> bool {
        let is_asked = self.format.is_none_or(|format| format == Format::Native);
        // What was unpacked may be longer than any record: its values are counted first.
        if !is_asked || self.limits.record_bytes_max < text.len() {
            return false;
        }
        let begins = first_key(text) == Some("schema");
        if !begins && memmem::find(text.as_bytes(), NATIVE.as_bytes()).is_none() {
            return false;
        }
        let mut notes = Notes::default();
        let decoded = native::decode(text, self.limits, &mut notes);
        let is_taken = match &decoded {
            // What does not parse may be several records.
            Decoded::Rejected(found) => begins && found.code != ErrorCode::InvalidJson,
            _ => true,
        };
        if is_taken {
            self.notes.merge(&notes);
            self.told.get_or_insert(Format::Native);
            self.push(decoded, spot.place, out);
        }
        is_taken
    }

    /// Lines of which some are broken: each is a record, and a broken one costs itself.
    fn lines<'a>(&mut self, text: &'a str, spot: Spot<'_>, out: &mut Vec<Decoded<'a>>) {
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        for (index, line) in lines.enumerate() {
            let place = format!("{}/{index}", spot.place);
            match serde_json::from_str::<Tree<'a>>(line) {
                Ok(tree) => self.tree(&tree, Some(line), Spot { place: &place, ..spot }, out),
                Err(error) => refuse(invalid_json(&error), &place, out),
            }
        }
    }

    fn tree<'a>(
        &mut self,
        tree: &Tree<'a>,
        text: Option<&'a str>,
        spot: Spot<'_>,
        out: &mut Vec<Decoded<'a>>,
    ) {
        if self.limits.envelopes_max < spot.layer {
            let message =
                format!("accept more than {} envelopes in one another", self.limits.envelopes_max);
            return refuse(rejection(ErrorCode::TooDeep, String::new(), message), spot.place, out);
        }
        if tree.get("schema").is_none() {
            match open(tree) {
                Opened::Leaf => {}
                opened => return self.opened(opened, spot, out),
            }
        }
        if let Some(decoder) = self.decoder {
            return self.by_decoder(decoder, tree, (text, spot), out);
        }
        match self.format_of(tree) {
            Some(format) => self.leaf(format, tree, (text, spot), out),
            None => match open_last(tree) {
                Opened::Leaf => {
                    let message = "recognise the shape of the record";
                    let found = rejection(ErrorCode::UnsupportedFormat, String::new(), message);
                    refuse(found, spot.place, out);
                }
                opened => self.opened(opened, spot, out),
            },
        }
    }

    /// Decodes by what reads in place of a format; what lacks its fields may be what a shipper wrapped.
    fn by_decoder<'a>(
        &mut self,
        decoder: &dyn ByRecord,
        tree: &Tree<'a>,
        (text, spot): (Option<&'a str>, Spot<'_>),
        out: &mut Vec<Decoded<'a>>,
    ) {
        // A tree always serialises.
        let text = text
            .map_or_else(|| serde_json::to_string(tree).unwrap_or_default().into(), Cow::Borrowed);
        let mut found = Vec::new();
        decoder.decode_bare(
            text.as_bytes(),
            (self.limits, self.carrier.time),
            self.notes,
            &mut found,
        );
        if let [Decoded::Rejected(lacking)] = found.as_slice()
            && matches!(lacking.code, ErrorCode::MissingField | ErrorCode::MissingAgentId)
        {
            match open_last(tree) {
                Opened::Leaf => {}
                opened => return self.opened(opened, spot, out),
            }
        }
        for decoded in found {
            self.push(decoded.into_owned(), spot.place, out);
        }
    }

    /// The format of a value: the named one where it fits.
    fn format_of(&self, tree: &Tree<'_>) -> Option<Format> {
        match self.format {
            None => Format::of(tree),
            Some(Format::Native) => tree.is_object().then_some(Format::Native),
            Some(format) => format.recognises(tree).then_some(format),
        }
    }

    fn opened<'a>(&mut self, opened: Opened<'_, 'a>, spot: Spot<'_>, out: &mut Vec<Decoded<'a>>) {
        let layer = spot.layer + 1;
        match opened {
            Opened::Leaf => {}
            Opened::Nothing(rule) => out.push(Decoded::Skipped(Skip { rule })),
            Opened::Trees(trees) => {
                for (tree, below) in trees {
                    let place = format!("{}{below}", spot.place);
                    self.tree(tree, None, Spot { place: &place, layer }, out);
                }
            }
            Opened::Texts(texts) => {
                for (text, below) in texts {
                    let place = format!("{}{below}", spot.place);
                    self.kept(text.as_bytes(), Spot { place: &place, layer }, out);
                }
            }
            Opened::Base64(text, below) => {
                let place = format!("{}{below}", spot.place);
                match envelope::base64(text, &mut self.budget) {
                    Err(rejection) => refuse(rejection, &place, out),
                    Ok(made) => self.kept(&made, Spot { place: &place, layer }, out),
                }
            }
        }
    }

    /// Decodes what does not outlive this pass.
    fn kept<'a>(&mut self, bytes: &[u8], spot: Spot<'_>, out: &mut Vec<Decoded<'a>>) {
        if self.limits.envelopes_max < spot.layer {
            return refuse(too_deep(self.limits), spot.place, out);
        }
        let mut inner = Vec::new();
        self.bytes(bytes, spot, &mut inner);
        out.extend(inner.into_iter().map(Decoded::into_owned));
    }

    fn leaf<'a>(
        &mut self,
        format: Format,
        tree: &Tree<'a>,
        (text, spot): (Option<&'a str>, Spot<'_>),
        out: &mut Vec<Decoded<'a>>,
    ) {
        self.told.get_or_insert(format);
        if let Some(spec) = format.spec() {
            let decoded = self.mapped(spec, tree);
            return self.push(decoded, spot.place, out);
        }
        if format == Format::Otlp {
            return self.spans(spot, out, |sink, limits| otlp::decode_tree(tree, limits, sink));
        }
        if format == Format::Langfuse {
            return self.spans(spot, out, |sink, limits| langfuse::decode(tree, limits, sink));
        }
        let Some(text) = text else {
            // A tree always serialises.
            let text = serde_json::to_string(tree).unwrap_or_default();
            let mut inner = Vec::new();
            self.whole(format, &text, spot, &mut inner);
            return out.extend(inner.into_iter().map(Decoded::into_owned));
        };
        self.whole(format, text, spot, out);
    }

    /// Decodes by a format that reads text.
    fn whole<'a>(
        &mut self,
        format: Format,
        text: &'a str,
        spot: Spot<'_>,
        out: &mut Vec<Decoded<'a>>,
    ) {
        debug_assert!(format == Format::Native, "other formats read trees");
        let decoded = native::decode(text, self.limits, self.notes);
        self.push(decoded, spot.place, out);
    }

    /// Decodes a record of many spans.
    fn spans<'a>(
        &mut self,
        spot: Spot<'_>,
        out: &mut Vec<Decoded<'a>>,
        decode: impl FnOnce(&mut otlp::Sink<'_, 'a>, &Limits),
    ) {
        let start = out.len();
        let (notes, orphans) = (&mut *self.notes, &mut Vec::new());
        decode(&mut otlp::Sink { notes, out, orphans }, self.limits);
        // In place: an outcome is large, and spans are many.
        for decoded in out.iter_mut().skip(start) {
            if let Decoded::Rejected(rejection) = decoded {
                rejection.path.insert_str(0, spot.place);
            }
        }
        let max = self.limits.activities_max;
        self.n_activities += out.len() - start;
        if max < self.n_activities {
            out.truncate(out.len().saturating_sub(self.n_activities - max).max(start));
            let message = format!("accept more than {max} activities in one record");
            refuse(rejection(ErrorCode::TooLarge, String::new(), message), spot.place, out);
        }
    }

    fn mapped<'a>(&mut self, spec: &Spec, tree: &Tree<'a>) -> Decoded<'a> {
        let unfolded = if spec.caseless { unfold(tree) } else { None };
        let tree = unfolded.as_ref().unwrap_or(tree);
        let event = Event { tree, caseless: spec.caseless, identity: self.identity };
        match mapper::map(spec, &event, self.carrier, self.notes) {
            Ok(Ok(activity)) => Decoded::Activity(activity),
            Ok(Err(rule)) => Decoded::Skipped(Skip { rule }),
            Err(rejection) => Decoded::Rejected(rejection),
        }
    }

    /// Takes an outcome that stands at a place, within the number that a record may have.
    fn push<'a>(&mut self, decoded: Decoded<'a>, place: &str, out: &mut Vec<Decoded<'a>>) {
        self.n_activities += 1;
        let max = self.limits.activities_max;
        match self.n_activities {
            n if n <= max => match decoded {
                Decoded::Rejected(rejection) => refuse(rejection, place, out),
                decoded => out.push(decoded),
            },
            n if n == max + 1 => {
                let message = format!("accept more than {max} activities in one record");
                refuse(rejection(ErrorCode::TooLarge, String::new(), message), place, out);
            }
            _ => {}
        }
    }
}

/// Refuses at a place: the pointer of the fault stands below it.
fn refuse(mut found: Rejection, place: &str, out: &mut Vec<Decoded<'_>>) {
    found.path.insert_str(0, place);
    out.push(Decoded::Rejected(found));
}

/// The first key of a text that begins as an object.
fn first_key(text: &str) -> Option<&str> {
    let is_space = |character| matches!(character, ' ' | '\t' | '\r' | '\n');
    let members = text.trim_start_matches(is_space).strip_prefix('{')?;
    let key = members.trim_start_matches(is_space).strip_prefix('"')?;
    key.split('"').next()
}

/// The values of a text, one after the other, each with its own text.
fn documents(text: &str) -> Result<Vec<(Tree<'_>, &str)>, serde_json::Error> {
    let mut stream = serde_json::Deserializer::from_str(text).into_iter::<Tree<'_>>();
    let mut found = Vec::new();
    let mut start = 0;
    while let Some(next) = stream.next() {
        let tree = next?;
        let end = stream.byte_offset();
        found.push((tree, text.get(start..end).unwrap_or_default()));
        start = end;
    }
    Ok(found)
}

/// Whether a text that does not parse is made of lines: more than one, and the first is an object.
fn is_lines(text: &str) -> bool {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let is_object = |line: &str| {
        is_json_object(line) && serde_json::from_str::<serde::de::IgnoredAny>(line).is_ok()
    };
    lines.next().is_some_and(is_object) && lines.next().is_some()
}

/// The same record with the members read that hold JSON as text, as Log Analytics writes its columns; `None`
/// where there are none.
fn unfold<'a>(tree: &Tree<'a>) -> Option<Tree<'a>> {
    let parsed = |value: &Tree<'_>| {
        let text = value.text().filter(|text| text.starts_with(['{', '[']))?;
        let fits = text.len() <= 1 << 16 && !depth::exceeds(text, 32);
        fits.then(|| serde_json::from_str::<Tree<'_>>(text).ok().map(Tree::into_owned)).flatten()
    };
    let mut changed = false;
    let mut members = Vec::with_capacity(tree.members().len());
    for (key, value) in tree.members() {
        let value = match parsed(value) {
            Some(inner) => {
                changed = true;
                inner
            }
            None => value.clone(),
        };
        members.push((key.clone(), value));
    }
    changed.then_some(Tree::Object(members))
}
