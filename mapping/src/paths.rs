//! The places of a record that a mapping reads, as one tree of names, so that one pass over the bytes finds them
//! all. What no path leads to is counted by its place and stepped over.

use std::fmt;

use record::notes::Notes;
use record::pointer::{self, Segment};
use record::tree::{Key, Tree};
use schemas::activity::Text;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Most places that a mapping reads; 512.
pub(super) const SLOTS_MAX: usize = 512;

/// Longest pointer, so that it can stand in a dead-letter header; 512.
const POINTER_BYTES_MAX: usize = 512;

/// One step of a pointer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A member, or an item where it is a number.
    Name(String),
    /// Each item of a list in turn: `*`.
    Each,
}

/// A pointer: RFC 6901, and `*` for each item of the list that a record is split by.
pub(super) type Steps = Vec<Step>;

/// All places of a mapping.
#[derive(Clone, Debug)]
pub(super) struct Paths {
    root: Node,
    next_bit: u64,
    /// The pointer of each slot.
    pub(super) pointers: Vec<(String, Steps)>,
}

/// What stands at the places of a record.
pub(super) type Slots<'a> = Vec<Option<Tree<'a>>>;

#[derive(Clone, Debug, Default)]
struct Node {
    members: Vec<(String, Node)>,
    each: Option<Box<Node>>,
    slot: Option<usize>,
    /// Its bit among the first 64 places that hold others; none of further ones.
    bit: u64,
}

/// Reads a pointer; fails with what is wrong.
pub(super) fn parse(pointer: &str) -> Result<Steps, &'static str> {
    let Some(rest) = pointer.strip_prefix('/') else { return Err("a pointer begins with `/`") };
    if POINTER_BYTES_MAX < pointer.len() {
        return Err("a pointer has at most 512 bytes");
    }
    let step = |name: &str| match name {
        "*" => Step::Each,
        name => Step::Name(name.replace("~1", "/").replace("~0", "~")),
    };
    Ok(rest.split('/').map(step).collect())
}

/// What stands at a path, with the items of `*` chosen.
pub(super) fn find<'t, 'a>(
    mut tree: &'t Tree<'a>,
    steps: &[Step],
    items: &[usize],
) -> Option<&'t Tree<'a>> {
    let mut items = items.iter();
    for step in steps {
        tree = match (step, tree) {
            (Step::Name(name), Tree::List(list)) => list.get(name.parse::<usize>().ok()?)?,
            (Step::Name(name), _) => tree.get(name)?,
            (Step::Each, Tree::List(list)) => list.get(*items.next()?)?,
            (Step::Each, _) => return None,
        };
    }
    Some(tree)
}

// === impl Paths ===

impl Default for Paths {
    fn default() -> Self {
        Self { root: Node::default(), next_bit: 1, pointers: Vec::new() }
    }
}

impl Paths {
    /// The slot of a pointer; `None` where there are too many.
    pub(super) fn slot(&mut self, pointer: &str, steps: &Steps) -> Option<usize> {
        let known = self.pointers.iter().position(|(_, known)| known == steps);
        if known.is_some() || SLOTS_MAX <= self.pointers.len() {
            return known;
        }
        let slot = self.pointers.len();
        self.pointers.push((pointer.to_owned(), steps.clone()));
        let mut node = &mut self.root;
        for step in steps {
            if node.bit == 0 {
                node.bit = self.next_bit;
                self.next_bit <<= 1;
            }
            node = match step {
                Step::Each => node.each.get_or_insert_default(),
                Step::Name(name) => node.member(name),
            };
        }
        node.slot = Some(slot);
        Some(slot)
    }

    /// Reads a record into slots; gives `false` where it is no object.
    pub(super) fn capture<'a>(
        &self,
        text: &'a str,
        slots: &mut Slots<'a>,
        notes: &mut Notes,
    ) -> Result<Captured, serde_json::Error> {
        let mut capture = Capture {
            slots,
            notes,
            path: Vec::new(),
            found: Captured::default(),
            kind: String::new(),
            visited: 0,
        };
        let mut parser = serde_json::Deserializer::from_str(text);
        let seed = NodeSeed { node: &self.root, capture: &mut capture };
        let is_object = seed.deserialize(&mut parser)?;
        parser.end()?;
        let mut found = capture.found;
        found.is_object = is_object;
        Ok(found)
    }

    /// Counts what no path leads to in a value that was read as a whole.
    pub(super) fn count_unknown(&self, record: &Tree<'_>, notes: &mut Notes) {
        count_unknown(&self.root, record, &mut Vec::new(), notes);
    }
}

/// What a pass over a record saw.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Captured {
    pub(super) is_object: bool,
    /// Whether something was not walked or nests as deep as it likes.
    pub(super) has_unwalked: bool,
}

fn count_unknown<'t>(
    node: &Node,
    tree: &'t Tree<'_>,
    path: &mut Vec<Segment<'t>>,
    notes: &mut Notes,
) {
    match tree {
        Tree::Object(members) if node.slot.is_none() => {
            for (key, value) in members {
                path.push(Segment::Key(Text::Borrowed(key)));
                match node.members.iter().find(|(name, _)| name == key) {
                    Some((_, below)) => count_unknown(below, value, path, notes),
                    None => {
                        let mut kind = String::new();
                        pointer::kind_into(&mut kind, path);
                        notes.count_field(&kind);
                    }
                }
                path.pop();
            }
        }
        Tree::List(items) if node.slot.is_none() => {
            for (index, item) in items.iter().enumerate() {
                if let Some(below) = node.item(index) {
                    path.push(Segment::Index(index));
                    count_unknown(below, item, path, notes);
                    path.pop();
                }
            }
        }
        _ => {}
    }
}

// === impl Node ===

impl Node {
    fn member(&mut self, name: &str) -> &mut Self {
        let known = self.members.iter().position(|(known, _)| known == name);
        let last = self.members.len();
        if known.is_none() {
            self.members.push((name.to_owned(), Self::default()));
        }
        #[expect(clippy::indexing_slicing, reason = "found, or pushed just now")]
        let (_, node) = &mut self.members[known.unwrap_or(last)];
        node
    }

    fn item(&self, index: usize) -> Option<&Self> {
        let named = self.members.iter().find(|(name, _)| name.parse() == Ok(index));
        named.map(|(_, node)| node).or(self.each.as_deref())
    }

    fn is_leaf(&self) -> bool {
        self.members.is_empty() && self.each.is_none()
    }

    /// Fills the slots of this place and those below it.
    fn fill<'a>(&self, tree: Tree<'a>, slots: &mut Slots<'a>) {
        for (name, node) in &self.members {
            if let Some(below) = find(&tree, &[Step::Name(name.clone())], &[]) {
                node.fill(below.clone(), slots);
            }
        }
        if let Some(slot) = self.slot.and_then(|slot| slots.get_mut(slot)) {
            *slot = Some(tree);
        }
    }

    /// Of a member that stands twice the last counts, all of it.
    fn clear(&self, slots: &mut Slots<'_>) {
        if let Some(slot) = self.slot.and_then(|slot| slots.get_mut(slot)) {
            *slot = None;
        }
        self.members.iter().for_each(|(_, node)| node.clear(slots));
    }
}

struct Capture<'c, 'a> {
    slots: &'c mut Slots<'a>,
    notes: &'c mut Notes,
    path: Vec<Segment<'a>>,
    found: Captured,
    kind: String,
    /// The places that were entered.
    visited: u64,
}

struct NodeSeed<'n, 'c, 's, 'a> {
    node: &'n Node,
    capture: &'c mut Capture<'s, 'a>,
}

// === impl NodeSeed ===

impl<'a> NodeSeed<'_, '_, '_, 'a> {
    fn whole<E>(self, tree: Tree<'a>) -> Result<(), E> {
        self.capture.found.has_unwalked |= !matches!(tree, Tree::Scalar(_));
        self.node.fill(tree, self.capture.slots);
        Ok(())
    }
}

/// Tells whether there was an object.
impl<'de> DeserializeSeed<'de> for NodeSeed<'_, '_, '_, 'de> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for NodeSeed<'_, '_, '_, 'de> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<bool, A::Error> {
        let mut index = 0;
        loop {
            let more = match self.node.item(index) {
                Some(node) => {
                    self.capture.path.push(Segment::Index(index));
                    let place = Place(NodeSeed { node, capture: self.capture });
                    let more = seq.next_element_seed(place)?;
                    self.capture.path.pop();
                    more.is_some()
                }
                None => {
                    self.capture.found.has_unwalked = true;
                    seq.next_element::<IgnoredAny>()?.is_some()
                }
            };
            if !more {
                return Ok(false);
            }
            index += 1;
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        while let Some(Key(key)) = map.next_key()? {
            let known = self.node.members.iter().find(|(name, _)| *name == key);
            match known {
                Some((_, node)) if node.is_leaf() => {
                    let tree: Tree<'de> = map.next_value()?;
                    self.capture.found.has_unwalked |= !matches!(tree, Tree::Scalar(_));
                    let slot = node.slot.and_then(|slot| self.capture.slots.get_mut(slot));
                    if let Some(slot) = slot {
                        *slot = Some(tree);
                    }
                }
                Some((_, node)) => {
                    if node.bit == 0 || self.capture.visited & node.bit != 0 {
                        node.clear(self.capture.slots);
                    }
                    self.capture.visited |= node.bit;
                    self.capture.path.push(Segment::Key(key));
                    map.next_value_seed(Place(NodeSeed { node, capture: self.capture }))?;
                    self.capture.path.pop();
                }
                None => {
                    self.capture.found.has_unwalked = true;
                    self.capture.path.push(Segment::Key(key));
                    pointer::kind_into(&mut self.capture.kind, &self.capture.path);
                    self.capture.notes.count_field(&self.capture.kind);
                    self.capture.path.pop();
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(true)
    }
}

/// A place below the record: read as a whole where it is read itself, else only what is read below it.
struct Place<'n, 'c, 's, 'a>(NodeSeed<'n, 'c, 's, 'a>);

impl<'de> DeserializeSeed<'de> for Place<'_, '_, '_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.0.node.slot.is_some() {
            let tree = <Tree<'de> as serde::Deserialize<'de>>::deserialize(deserializer)?;
            return self.0.whole(tree);
        }
        self.0.deserialize(deserializer).map(|_| ())
    }
}
