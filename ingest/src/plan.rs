//! The paths of a format's rows as one tree of names. One walk over a record finds what stands at each path, and names
//! the members that no row knows. What it finds is what [`Tree::at`] finds path by path; of members of one name in
//! any case, where case is no matter, the last one counts that is not absent.

use record::pointer::{Segment, kind_into};
use record::tree::Tree;
use schemas::activity::Text;

use crate::field::Kind;
use crate::table::{How, Row};

/// Members that shippers add beside a record and that say nothing of it.
const SHIPPED: [&str; 3] = ["@version", "@timestamp", "type"];

/// How to walk the records of a format.
pub(crate) struct Plan {
    root: Node,
    /// Where the paths of each row begin among all paths.
    starts: Vec<usize>,
    n_paths: usize,
    caseless: bool,
    /// The rows that are read, in their order; a row's bit is its place among them.
    steps: Vec<Step>,
    /// The rows that are asked wherever nothing stands.
    always: u128,
    /// Of each path, the row that reads it.
    readers: Vec<u128>,
    /// Each path with its number, by its hash.
    numbers: Vec<Vec<(&'static str, usize)>>,
}

/// A row that is read.
pub(crate) struct Step {
    pub(crate) row: &'static Row,
    /// What its field takes.
    pub(crate) kind: Kind,
    index: usize,
}

/// Lists that paths are spread over, one for each value of a byte; some formats have 200 paths.
const HASHES: usize = 256;

/// What the rows know below one place.
#[derive(Default)]
struct Node {
    /// By name, shorter ones first.
    below: Vec<(String, Node)>,
    /// Where the names of each length begin among them, and where all end.
    lengths: Vec<usize>,
    /// The last bytes of each name.
    ends_in: Vec<u64>,
    /// Names that end so are known, whole.
    ends: Vec<&'static str>,
    /// The paths that end here, among all.
    paths: Vec<usize>,
}

/// What a walk found.
pub(crate) struct Found<'p, 't, 'a> {
    plan: &'p Plan,
    /// What stands at each path of the rows.
    values: Vec<Option<&'t Tree<'a>>>,
    /// The rows at whose paths anything was seen.
    seen: u128,
    /// The kinds of place of members that no row knows, each at the highest place where none does.
    pub(crate) unknown: Vec<String>,
}

// === impl Plan ===

impl Plan {
    /// The plan of these rows; `caseless`: names of members may come in any case.
    pub(crate) fn of(rows: &'static [Row], caseless: bool) -> Self {
        let (steps, numbers) = (Vec::new(), vec![Vec::new(); HASHES]);
        let (root, starts, readers) = (Node::default(), Vec::new(), Vec::new());
        let mut plan =
            Self { root, starts, n_paths: 0, caseless, steps, always: 0, readers, numbers };
        for (index, row) in rows.iter().enumerate() {
            let mut reader = 0;
            if !matches!(row.how, How::Not(_)) {
                // No format has more rows than there are bits: tested.
                reader = 1_u128.checked_shl(plan.n_steps()).unwrap_or_default();
                if matches!(row.how, How::By(..)) {
                    plan.always |= reader;
                }
                plan.steps.push(Step { row, kind: row.field.spec().1, index });
            }
            plan.starts.push(plan.n_paths);
            for path in row.from {
                let is_one = !path.split('/').any(|step| step.starts_with('*'));
                if let Some(list) = plan.numbers.get_mut(hash(path)).filter(|_| is_one) {
                    list.push((path, plan.n_paths));
                }
                plan.root.insert(path, plan.n_paths, caseless);
                plan.readers.push(reader);
                plan.n_paths += 1;
            }
        }
        plan.root.sort();
        plan
    }

    /// How many rows are read.
    pub(crate) fn n_steps(&self) -> u32 {
        u32::try_from(self.steps.len()).unwrap_or(u32::MAX)
    }

    /// Walks over a record.
    pub(crate) fn walk<'p, 't, 'a>(&'p self, tree: &'t Tree<'a>) -> Found<'p, 't, 'a> {
        let values = vec![None; self.n_paths];
        let found = Found { plan: self, values, seen: 0, unknown: Vec::new() };
        let mut walk = Walk { found, path: Vec::new() };
        walk.visit(&self.root, tree, true);
        walk.found
    }
}

// === impl Found ===

impl<'t, 'a> Found<'_, 't, 'a> {
    /// The rows that may have a value, each with what stands at its paths.
    pub(crate) fn steps(&self) -> impl Iterator<Item = (&Step, &[Option<&'t Tree<'a>>])> {
        let mut left = self.seen | self.plan.always;
        let places = std::iter::from_fn(move || {
            let place = (left != 0).then_some(left.trailing_zeros())?;
            left &= left - 1;
            Some(place)
        });
        let steps = places.filter_map(|place| self.plan.steps.get(place as usize));
        steps.map(|step| (step, self.of_row(step.index)))
    }

    /// What stands at a path; `None` where no row names that path.
    pub(crate) fn at(&self, path: &str) -> Option<Option<&'t Tree<'a>>> {
        let known = self.plan.numbers.get(hash(path))?;
        let (_, number) =
            known.iter().find(|(known, _)| std::ptr::eq(*known, path) || *known == path)?;
        self.values.get(*number).copied()
    }

    /// What stands at the paths of a row, in their order; `None` also where it is null or empty.
    pub(crate) fn of_row(&self, row: usize) -> &[Option<&'t Tree<'a>>] {
        let start = self.plan.starts.get(row).copied().unwrap_or_default();
        let end = self.plan.starts.get(row + 1).copied().unwrap_or(self.plan.n_paths);
        self.values.get(start..end).unwrap_or_default()
    }
}

/// Bytes of a name's end.
const END: usize = 8;

/// The last bytes of a name, or all, some of them twice: most names of one length differ in them.
#[inline]
fn end_of(name: &str) -> u64 {
    let add = |word: u64, byte: &u8| word << 8 | u64::from(*byte);
    let bytes = name.as_bytes();
    match (bytes.last_chunk::<END>(), bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        (Some(end), _, _) => u64::from_be_bytes(*end),
        (None, Some(begin), Some(end)) => {
            u64::from(u32::from_be_bytes(*begin)) << 32 | u64::from(u32::from_be_bytes(*end))
        }
        _ => bytes.iter().fold(0, add),
    }
}

fn hash(path: &str) -> usize {
    const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
    let mixed = (end_of(path) ^ path.len() as u64).wrapping_mul(SPREAD);
    (mixed >> 56) as usize
}

// === impl Node ===

impl Node {
    fn insert(&mut self, path: &'static str, number: usize, caseless: bool) {
        let (step, rest) = path.split_once('/').unwrap_or((path, ""));
        if let Some(end) = step.strip_prefix('*') {
            return self.ends.push(end);
        }
        let mut name = step.replace("~1", "/").replace("~0", "~");
        if caseless {
            name.make_ascii_lowercase();
        }
        let place = self.below.iter().position(|(known, _)| *known == name).unwrap_or_else(|| {
            self.below.push((name, Self::default()));
            self.below.len() - 1
        });
        let Some((_, node)) = self.below.get_mut(place) else { return };
        if rest.is_empty() {
            node.paths.push(number);
        } else {
            node.insert(rest, number, caseless);
        }
    }

    fn sort(&mut self) {
        self.below.sort_by_key(|(name, _)| name.len());
        let longest = self.below.last().map_or(0, |(name, _)| name.len());
        let upto = |length| self.below.partition_point(|(name, _)| name.len() < length);
        self.lengths = (0..longest + 2).map(upto).collect();
        self.ends_in = self.below.iter().map(|(name, _)| end_of(name)).collect();
        self.below.iter_mut().for_each(|(_, node)| node.sort());
    }

    /// The place of a name among those below, and what is known there.
    fn find(&self, key: &str, caseless: bool) -> Option<(usize, &Self)> {
        let (start, end) = (*self.lengths.get(key.len())?, *self.lengths.get(key.len() + 1)?);
        let own = end_of(key);
        let mut places = start..end;
        places.find_map(|place| {
            let is_likely = caseless || self.ends_in.get(place) == Some(&own);
            let (name, node) = self.below.get(place).filter(|_| is_likely)?;
            // Of one length and with one end, names that are all end are one.
            let is_same = (key.len() <= END && !caseless) || name == key;
            let is = is_same || (caseless && name.eq_ignore_ascii_case(key));
            is.then_some((place, node))
        })
    }

    fn knows_end_of(&self, key: &str) -> bool {
        self.ends.iter().any(|end| key.ends_with(end))
    }
}

/// A walk over a record.
struct Walk<'p, 't, 'a> {
    found: Found<'p, 't, 'a>,
    /// Where it is, as far as it counts.
    path: Vec<Segment<'a>>,
}

// === impl Walk ===

impl<'t, 'a> Walk<'_, 't, 'a> {
    fn visit(&mut self, node: &Node, tree: &'t Tree<'a>, counts: bool) {
        self.set(node, (!tree.is_absent()).then_some(tree));
        match tree {
            Tree::Object(members) => self.members(node, members, counts),
            Tree::List(items) => {
                for (name, below) in &node.below {
                    let item = match name.as_str() {
                        "-1" => items.last(),
                        name => name.parse().ok().and_then(|index: usize| items.get(index)),
                    };
                    if let Some(item) = item {
                        self.visit(below, item, false);
                    }
                }
            }
            Tree::Scalar(_) => {}
        }
    }

    fn members(&mut self, node: &Node, members: &'t [(Text<'a>, Tree<'a>)], all_count: bool) {
        let mut seen = 0_u128;
        for (key, value) in members {
            let is_root = self.path.is_empty();
            let counts = |counts: bool| {
                counts && !(is_root && SHIPPED.contains(&key.as_ref())) && !node.knows_end_of(key)
            };
            let Some((place, below)) = node.find(key, self.found.plan.caseless) else {
                if !value.is_absent() && counts(all_count) {
                    self.path.push(Segment::Key(key.clone()));
                    let mut kind = String::new();
                    kind_into(&mut kind, &self.path);
                    self.found.unknown.push(kind);
                    self.path.pop();
                }
                continue;
            };
            let bit = 1_u128.checked_shl(u32::try_from(place).unwrap_or(u32::MAX)).unwrap_or(0);
            if seen & bit != 0 {
                if self.found.plan.caseless && value.is_absent() {
                    continue;
                }
                // Of members of one name the last one counts, with all that is not in it.
                self.clear(below);
            }
            seen |= bit;
            let counts = counts(all_count && below.paths.is_empty());
            if counts {
                self.path.push(Segment::Key(key.clone()));
            }
            self.visit(below, value, counts);
            if counts {
                self.path.pop();
            }
        }
    }

    fn set(&mut self, node: &Node, value: Option<&'t Tree<'a>>) {
        for number in &node.paths {
            if let Some(place) = self.found.values.get_mut(*number) {
                *place = value;
            }
            if value.is_some() {
                let readers = &self.found.plan.readers;
                self.found.seen |= readers.get(*number).copied().unwrap_or_default();
            }
        }
    }

    fn clear(&mut self, node: &Node) {
        self.set(node, None);
        node.below.iter().for_each(|(_, below)| self.clear(below));
    }
}

#[cfg(test)]
mod tests;
