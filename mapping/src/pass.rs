//! One activity of a record while it is made: each rule's value in its form and place, what is required, and the id.

use data_encoding::HEXLOWER;
use record::lexeme::Lexeme;
use record::notes::Notes;
use record::pointer::rejection;
use record::tree::Tree;
use schemas::Activity;
use schemas::activity::{Action, Agent, Principal, Producer, Text};
use schemas::reject::{ErrorCode, Rejection};
use schemas::time::EventTime;
use sha2::{Digest, Sha256};

use super::field::Kind;
use super::paths::{Slots, Step};
use super::put::{self, Form, Put};
use super::source::{Given, Source};
use super::{Mapping, Origin, Rule, Target, hash};

/// One activity of a record while it is made.
pub(super) struct Pass<'p, 'a> {
    pub(super) mapping: &'a Mapping,
    pub(super) slots: &'p Slots<'a>,
    /// The items of `each` that it is about.
    pub(super) items: &'p [usize],
    /// Its time where the record has none.
    pub(super) time: Option<EventTime>,
    pub(super) notes: &'p mut Notes,
    pub(super) origins: Option<&'p mut Vec<Origin>>,
}

// === impl Pass ===

impl<'a> Pass<'_, 'a> {
    /// The activity that the slots hold, or what is wrong with it; beside a fault what there is of it, where somebody
    /// asks for its origins.
    pub(super) fn activity(&mut self, bytes: &[u8]) -> (Option<Activity<'a>>, Option<Rejection>) {
        let mapping = self.mapping;
        // Replaced by its rule, which must have a value.
        let Ok(epoch) = EventTime::from_millis(schemas::time::TIME_MS_MIN) else {
            return (None, None);
        };
        let none = Text::Borrowed("");
        let mut activity = Activity::new(none, epoch, Agent::default(), Action::default());
        let producer = Producer { format: Some(Text::Borrowed("mapping")), ..Producer::default() };
        activity.producer = Some(producer);
        let (mut id_slot, mut fault) = (None, None);
        for rule in &mapping.rules {
            let filled = match self.fill(rule, &mut activity) {
                Ok(None) if !rule.is("id") => {
                    self.check_required(rule, &mut activity).map(|()| None)
                }
                filled => filled,
            };
            match filled {
                Ok(slot) if rule.is("id") => id_slot = slot,
                Ok(_) => {}
                Err(found) if self.origins.is_none() => return (None, Some(found)),
                Err(found) => drop(fault.get_or_insert(found)),
            }
        }
        activity.id = self.id(std::mem::take(&mut activity.id), id_slot.flatten(), bytes);
        let is_someone = |principal: &Principal<'_>| !principal.id.is_empty();
        activity.agent.owner = activity.agent.owner.filter(is_someone);
        if let Some(delegation) = &mut activity.delegation {
            delegation.subject = delegation.subject.take().filter(is_someone);
        }
        activity.delegation = activity.delegation.filter(|one| *one != Default::default());
        (Some(activity), fault)
    }

    /// Refuses the absence of what each activity needs; a time may be that of the log.
    fn check_required(&self, rule: &Rule, activity: &mut Activity<'a>) -> Result<(), Rejection> {
        if let (true, Some(time)) = (rule.is("time"), self.time) {
            activity.time = time;
            return Ok(());
        }
        let code = match &rule.target {
            Target::Field(field) if field.path == "agent.id" => ErrorCode::MissingAgentId,
            Target::Field(field) if matches!(field.path, "time" | "action.type") => {
                ErrorCode::MissingField
            }
            _ => return Ok(()),
        };
        let slot = rule.sources.iter().find_map(Source::place);
        Err(rejection(code, self.pointer(slot), "find a required field"))
    }

    /// Fills a field; gives the slot it was filled from, and `None` where it was not.
    pub(super) fn fill(
        &mut self,
        rule: &'a Rule,
        activity: &mut Activity<'a>,
    ) -> Result<Option<Option<usize>>, Rejection> {
        if let Some(slot) = rule.plain
            && self.fill_plain(rule, slot, activity)
        {
            return Ok(Some(Some(slot)));
        }
        for source in &rule.sources {
            let (tree, slot) = match source.value(self.slots, self.mapping.secret.key()) {
                Given::Value(tree, slot) => (tree, slot),
                Given::Nothing => continue,
                Given::Unmapped(slot) => {
                    self.count_value(slot);
                    continue;
                }
            };
            let form = match rule.kind {
                Kind::Arguments => {
                    let arguments = hash::arguments(self.mapping.secret.key(), &tree);
                    Form::Is(Put::Arguments(arguments))
                }
                kind => put::read(kind, tree, source.time),
            };
            match form {
                Form::Absent => {}
                Form::Dropped => self.count_value(slot.unwrap_or(usize::MAX)),
                Form::Fault(code, message) => {
                    return Err(rejection(code, self.pointer(slot), message));
                }
                Form::Is(put) => {
                    self.put(rule, put, slot, activity);
                    return Ok(Some(slot));
                }
            }
        }
        Ok(None)
    }

    /// Fills a field by what most lines are: a text of the record as it stands. Gives `false` where it is not so.
    #[inline]
    fn fill_plain(&self, rule: &Rule, slot: usize, activity: &mut Activity<'a>) -> bool {
        let (Some(Some(Tree::Scalar(Lexeme::Text(Text::Borrowed(text))))), Kind::Text(chars_max)) =
            (self.slots.get(slot), rule.kind)
        else {
            return false;
        };
        let fits = !text.is_empty() && text.len() <= chars_max && self.origins.is_none();
        let (true, Target::Field(field)) = (fits, &rule.target) else { return false };
        (field.put)(activity, Put::Text(Text::Borrowed(text)));
        true
    }

    fn put(
        &mut self,
        rule: &'a Rule,
        put: Put<'a>,
        slot: Option<usize>,
        activity: &mut Activity<'a>,
    ) {
        match (&put, rule.kind) {
            (Put::Text(word), Kind::Word(words)) if !words.contains(&word.as_ref()) => {
                self.count_value(slot.unwrap_or(usize::MAX));
            }
            (Put::Opaque(_), _) => self.notes.count_opaque_address(),
            _ => {}
        }
        let pointer = self.origins.is_some().then(|| self.pointer(slot));
        if let Some(origins) = &mut self.origins {
            origins.push(Origin { field: rule.path(), pointer: pointer.filter(|p| !p.is_empty()) });
        }
        match (&rule.target, put) {
            (Target::Field(field), put) => (field.put)(activity, put),
            (Target::Attribute(name), Put::Scalar(scalar)) => {
                activity.attributes.push((Text::Borrowed(name), scalar));
            }
            (Target::Attribute(_), _) => {}
        }
    }

    /// The source's own id; one for all items is told apart by their indices; else a hash of the record.
    fn id(&self, id: Text<'a>, slot: Option<usize>, bytes: &[u8]) -> Text<'a> {
        let steps =
            slot.and_then(|slot| self.mapping.paths.pointers.get(slot)).map(|(_, steps)| steps);
        let is_of_item = steps.is_some_and(|steps| steps.contains(&Step::Each));
        if !id.is_empty() && (self.items.is_empty() || is_of_item) {
            return id;
        }
        let mut own = if id.is_empty() { fingerprint(bytes) } else { id.into_owned() };
        self.items.iter().for_each(|index| own = format!("{own}-{index}"));
        Text::Owned(if own.len() <= 128 { own } else { fingerprint(own.as_bytes()) })
    }

    /// The pointer of a slot in this record.
    fn pointer(&self, slot: Option<usize>) -> String {
        let written = slot.and_then(|slot| self.mapping.paths.pointers.get(slot));
        let Some((written, _)) = written else { return String::new() };
        let mut items = self.items.iter();
        let step = |step: &str| match (step, items.clone().next()) {
            ("*", Some(_)) => items.next().map_or_else(String::new, |index| format!("/{index}")),
            _ => format!("/{step}"),
        };
        written.split('/').skip(1).map(step).collect()
    }

    fn count_value(&mut self, slot: usize) {
        if let Some((pointer, _)) = self.mapping.paths.pointers.get(slot) {
            self.notes.count_value(pointer);
        }
    }
}

/// The first 128 bits of a hash of a record, as hex.
fn fingerprint(bytes: &[u8]) -> String {
    let mut id = "sha256:".to_owned();
    HEXLOWER.encode_append(Sha256::digest(bytes).get(..16).unwrap_or_default(), &mut id);
    id
}
