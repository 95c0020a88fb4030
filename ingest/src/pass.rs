//! One pass over one record: layers of bytes, texts, envelopes, formats. All of it shares one budget; what a
//! record holds comes out in its order, at least one outcome in all.

use std::borrow::Cow;
use std::cell::OnceCell;

use record::depth;
use record::limits::Limits;
use record::native;
use record::notes::Notes;
use record::outcome::{Decoded, Skip, invalid_json, text_of, too_deep, within_size};
use record::parse;
use record::pointer::rejection;
use record::tree::Tree;
use schemas::reject::{ErrorCode, Rejection};

use crate::ancestors::{Ancestors, Traced};
use crate::carrier::Carrier;
use crate::envelope::{self, Budget, Opened, expand, layer_of, open, open_last};
use crate::event::Event;
use crate::format::{langfuse, otlp};
use crate::formats::Format;
use crate::mapper;
use crate::plan::Plan;
use crate::table::Spec;
use crate::texts::{documents, first_key, is_lines, is_of_native, names_native, unfold};
use crate::trace::Trace;
use crate::way::{ByRecord, Way};

/// What a pass knows and counts.
pub(crate) struct Pass<'p> {
    pub(crate) way: Way<'p>,
    pub(crate) carrier: &'p Carrier<'p>,
    pub(crate) limits: &'p Limits,
    pub(crate) notes: &'p mut Notes,
    /// What is told of each outcome, where somebody asks.
    pub(crate) trace: Option<Trace>,
    /// The spans of earlier records, and what is told of this one's.
    pub(crate) among: Option<(&'p Ancestors, Traced)>,
    /// Outcomes before those that are being made.
    pub(crate) n_before: usize,
    budget: Budget,
    pub(crate) n_activities: usize,
    /// The format of the first record that had one.
    pub(crate) told: Option<Format>,
}

/// Where a value stands: its pointer, and how many envelopes are around it.
#[derive(Clone, Copy)]
pub(crate) struct Spot<'s> {
    pub(crate) place: &'s str,
    layer: usize,
}

// === impl Pass ===

impl<'p> Pass<'p> {
    /// A pass that begins.
    pub(crate) fn new(
        way: Way<'p>,
        carrier: &'p Carrier<'p>,
        limits: &'p Limits,
        notes: &'p mut Notes,
    ) -> Self {
        let budget = Budget::new(limits);
        Self {
            way,
            carrier,
            limits,
            notes,
            trace: None,
            among: None,
            n_before: 0,
            budget,
            n_activities: 0,
            told: None,
        }
    }

    /// Decodes a record.
    pub(crate) fn record<'a>(&mut self, bytes: &'a [u8], out: &mut Vec<Decoded<'a>>) {
        if let Err(rejection) = within_size(bytes, self.limits) {
            return self.refuse(rejection, "", out);
        }
        let is_avro = |name| self.carrier.header(name).is_some_and(|word| word.contains("avro"));
        if is_avro("content-type") || is_avro("ce_datacontenttype") {
            let message = "read a value in avro";
            let code = ErrorCode::SchemaRegistryUnsupported;
            return self.refuse(rejection(code, String::new(), message), "", out);
        }
        self.bytes(bytes, Spot { place: "", layer: 0 }, out);
    }

    fn bytes<'a>(&mut self, bytes: &'a [u8], spot: Spot<'_>, out: &mut Vec<Decoded<'a>>) {
        let mut layers = Vec::new();
        let expanded = expand(bytes, &mut self.budget, &mut layers);
        self.within(&layers, |pass| match expanded {
            Err(rejection) => pass.refuse(rejection, spot.place, out),
            Ok(Cow::Borrowed(bytes)) => pass.text(bytes, spot, out),
            Ok(Cow::Owned(made)) => {
                let mut inner = Vec::new();
                pass.n_before += out.len();
                pass.text(&made, spot, &mut inner);
                pass.n_before -= out.len();
                out.extend(inner.into_iter().map(Decoded::into_owned));
            }
        });
    }

    fn text<'a>(&mut self, bytes: &'a [u8], spot: Spot<'_>, out: &mut Vec<Decoded<'a>>) {
        if self.way.may_be(Format::Otlp) && otlp::is_protobuf(bytes) {
            self.told.get_or_insert(Format::Otlp);
            return self.told_of(Some(Format::Otlp), |pass| {
                pass.spans(spot, out, |sink, (limits, before)| {
                    otlp::decode(bytes, limits, before, sink);
                });
            });
        }
        let text = match text_of(bytes) {
            Ok(text) => text,
            Err(rejection) => return self.refuse(rejection, spot.place, out),
        };
        let begins = self.way.may_be(Format::Native) && first_key(text).is_some_and(is_of_native);
        if begins && self.as_native(text, spot, out) {
            return;
        }
        // So short a text holds few enough values.
        if text.len() <= self.limits.values_max
            && let Some((tree, text)) = parse::one(text, self.limits.depth_max)
        {
            return self.tree(&tree, Some(text), spot, out);
        }
        if !begins && self.as_native(text, spot, out) {
            return;
        }
        if depth::exceeds(text, self.limits.depth_max) {
            return self.refuse(too_deep(self.limits), spot.place, out);
        }
        if self.limits.values_max < depth::values_at_most(text) {
            let message = format!("accept more than {} values", self.limits.values_max);
            let found = rejection(ErrorCode::TooLarge, String::new(), message);
            return self.refuse(found, spot.place, out);
        }
        match documents(text) {
            Ok(documents) => match documents.as_slice() {
                [(tree, text)] => self.tree(tree, Some(text), spot, out),
                many => self.within(&["concatenated"], |pass| {
                    for (index, (tree, text)) in many.iter().enumerate() {
                        let place = format!("{}/{index}", spot.place);
                        pass.tree(tree, Some(text), Spot { place: &place, ..spot }, out);
                    }
                }),
            },
            Err(_) if is_lines(text) => {
                self.within(&["concatenated"], |pass| pass.lines(text, spot, out));
            }
            // Its own decoder skips what it does not know, and tells what is wrong by field.
            Err(_)
                if self.way.decoder.is_none()
                    && (self.way.format == Some(Format::Native) || names_native(text)) =>
            {
                self.told_of(Some(Format::Native), |pass| pass.whole(text, spot, out));
            }
            Err(error) => self.refuse(invalid_json(&error), spot.place, out),
        }
    }

    /// Takes a native record without reading it twice: one that begins with its schema, as is the custom, or
    /// that holds ours and decodes. Nothing else is judged here.
    fn as_native<'a>(&mut self, text: &'a str, spot: Spot<'_>, out: &mut Vec<Decoded<'a>>) -> bool {
        // What was unpacked may be longer than any record: its values are counted first.
        if !self.way.may_be(Format::Native) || self.limits.record_bytes_max < text.len() {
            return false;
        }
        let begins = first_key(text) == Some("schema");
        if !begins && !names_native(text) {
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
            self.told.get_or_insert(Format::Native);
            self.told_of(Some(Format::Native), |pass| {
                pass.notes.merge(&notes);
                pass.made_of_native(&decoded, text);
                pass.read(decoded, (None, Some(text)), spot, out);
            });
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
                Err(error) => self.refuse(invalid_json(&error), &place, out),
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
            return self.refuse(
                rejection(ErrorCode::TooDeep, String::new(), message),
                spot.place,
                out,
            );
        }
        if tree.get("schema").is_none() {
            match open(tree) {
                Opened::Leaf => {}
                opened => return self.opened(tree, opened, spot, out),
            }
        }
        if let Some(decoder) = self.way.decoder {
            return self.by_decoder(decoder, tree, (text, spot), out);
        }
        match self.format_of(tree) {
            Some(format) => self.leaf(format, tree, (text, spot), out),
            None => match open_last(tree) {
                Opened::Leaf => {
                    let message = "recognise the shape of the record";
                    let found = rejection(ErrorCode::UnsupportedFormat, String::new(), message);
                    self.refuse(found, spot.place, out);
                }
                opened => self.opened(tree, opened, spot, out),
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
        let (mut found, mut all) = (Vec::new(), Vec::new());
        let mut notes = Notes::default();
        let beside = (self.limits, self.carrier.time);
        match self.trace {
            None => decoder.decode_bare(text.as_bytes(), beside, &mut notes, &mut found),
            Some(_) => all = decoder.explain_bare(text.as_bytes(), beside, &mut notes, &mut found),
        }
        if let [Decoded::Rejected(lacking)] = found.as_slice()
            && matches!(lacking.code, ErrorCode::MissingField | ErrorCode::MissingAgentId)
        {
            match open_last(tree) {
                Opened::Leaf => {}
                opened => return self.opened(tree, opened, spot, out),
            }
        }
        self.told_of(None, |pass| {
            pass.notes.merge(&notes);
            let mut all = all.into_iter();
            for decoded in found {
                pass.make(all.next());
                pass.push(decoded.into_owned(), spot.place, out);
            }
        });
    }

    /// The format of a value: the named one where it fits.
    fn format_of(&self, tree: &Tree<'_>) -> Option<Format> {
        match self.way.format {
            None => Format::of(tree),
            Some(Format::Native) => tree.is_object().then_some(Format::Native),
            Some(format) => format.recognises(tree).then_some(format),
        }
    }

    fn opened<'a>(
        &mut self,
        tree: &Tree<'a>,
        opened: Opened<'_, 'a>,
        spot: Spot<'_>,
        out: &mut Vec<Decoded<'a>>,
    ) {
        let name = if self.trace.is_some() { layer_of(tree, &opened) } else { "" };
        self.within(&[name], |pass| pass.below(opened, spot, out));
    }

    fn below<'a>(&mut self, opened: Opened<'_, 'a>, spot: Spot<'_>, out: &mut Vec<Decoded<'a>>) {
        let layer = spot.layer + 1;
        match opened {
            Opened::Leaf => {}
            Opened::Nothing(rule) => {
                self.emit(Decoded::Skipped(Skip { rule }), spot.place, out);
            }
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
                    Err(rejection) => self.refuse(rejection, &place, out),
                    Ok(made) => self.kept(&made, Spot { place: &place, layer }, out),
                }
            }
        }
    }

    /// Decodes what does not outlive this pass.
    fn kept<'a>(&mut self, bytes: &[u8], spot: Spot<'_>, out: &mut Vec<Decoded<'a>>) {
        if self.limits.envelopes_max < spot.layer {
            return self.refuse(too_deep(self.limits), spot.place, out);
        }
        let mut inner = Vec::new();
        self.n_before += out.len();
        self.bytes(bytes, spot, &mut inner);
        self.n_before -= out.len();
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
        self.told_of(Some(format), |pass| match (format.spec().zip(format.plan()), text) {
            (Some(table), _) => {
                let decoded = pass.mapped(table, tree);
                pass.read(decoded, (Some(tree), text), spot, out);
            }
            (None, _) if format == Format::Otlp => {
                pass.spans(spot, out, |sink, (limits, before)| {
                    otlp::decode_tree(tree, limits, before, sink);
                });
            }
            (None, _) if format == Format::Langfuse => {
                pass.spans(spot, out, |sink, (limits, _)| langfuse::decode(tree, limits, sink));
            }
            (None, Some(text)) => pass.whole(text, spot, out),
            (None, None) => {
                // A tree always serialises.
                let text = serde_json::to_string(tree).unwrap_or_default();
                let mut inner = Vec::new();
                pass.whole(&text, spot, &mut inner);
                out.extend(inner.into_iter().map(Decoded::into_owned));
            }
        });
    }

    /// Decodes a native record.
    fn whole<'a>(&mut self, text: &'a str, spot: Spot<'_>, out: &mut Vec<Decoded<'a>>) {
        let decoded = native::decode(text, self.limits, self.notes);
        self.made_of_native(&decoded, text);
        self.read(decoded, (None, Some(text)), spot, out);
    }

    /// Takes what a format made of one record; what a mapping adds to the format is set on it.
    fn read<'a>(
        &mut self,
        decoded: Decoded<'a>,
        (tree, text): (Option<&Tree<'a>>, Option<&'a str>),
        spot: Spot<'_>,
        out: &mut Vec<Decoded<'a>>,
    ) {
        let decoded = self.overlaid(decoded, tree, text);
        self.push(decoded, spot.place, out);
    }

    fn mapped<'a>(&mut self, (spec, plan): (&Spec, &Plan), tree: &Tree<'a>) -> Decoded<'a> {
        let unfolded = if spec.caseless { unfold(tree) } else { None };
        let tree = unfolded.as_ref().unwrap_or(tree);
        let found = plan.walk(tree);
        let event = Event {
            tree,
            found: &found,
            caseless: spec.caseless,
            identity: self.way.identity,
            time: self.carrier.time.into(),
            principal: OnceCell::new(),
        };
        let made = self.trace.as_mut().map(|trace| &mut trace.made);
        match mapper::map(spec, &event, self.carrier, self.notes, made) {
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
                Decoded::Rejected(rejection) => self.refuse(rejection, place, out),
                decoded => self.emit(decoded, place, out),
            },
            n if n == max + 1 => {
                let message = format!("accept more than {max} activities in one record");
                self.refuse(rejection(ErrorCode::TooLarge, String::new(), message), place, out);
            }
            _ => {}
        }
    }

    /// Refuses at a place: the pointer of the fault stands below it.
    pub(crate) fn refuse<'a>(
        &mut self,
        mut found: Rejection,
        place: &str,
        out: &mut Vec<Decoded<'a>>,
    ) {
        found.path.insert_str(0, place);
        self.emit(Decoded::Rejected(found), place, out);
    }

    fn emit<'a>(&mut self, decoded: Decoded<'a>, place: &str, out: &mut Vec<Decoded<'a>>) {
        if let Some(trace) = &mut self.trace {
            trace.note(place);
        }
        out.push(decoded);
    }
}
