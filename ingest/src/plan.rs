//! The paths of a format's rows as one tree of names. One walk over a record finds what stands at each path, and names
//! the members that no row knows. What it finds is what [`Tree::at`] finds path by path; of members of one name in
//! any case, where case is no matter, the last one counts that is not absent.

use record::pointer::{Segment, kind_into};
use record::tree::Tree;
use schemas::activity::Text;

use crate::table::Row;

/// Members that shippers add beside a record and that say nothing of it.
const SHIPPED: [&str; 3] = ["@version", "@timestamp", "type"];

/// How to walk the records of a format.
pub(crate) struct Plan {
    root: Node,
    /// Where the paths of each row begin among all paths.
    starts: Vec<usize>,
    n_paths: usize,
    caseless: bool,
}

/// What the rows know below one place.
#[derive(Default)]
struct Node {
    /// By name, shorter ones first.
    below: Vec<(String, Node)>,
    /// Where the names of each length begin among them, and where all end.
    lengths: Vec<usize>,
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
    /// The kinds of place of members that no row knows, each at the highest place where none does.
    pub(crate) unknown: Vec<String>,
}

// === impl Plan ===

impl Plan {
    /// The plan of these rows; `caseless`: names of members may come in any case.
    pub(crate) fn of(rows: &[Row], caseless: bool) -> Self {
        let mut plan = Self { root: Node::default(), starts: Vec::new(), n_paths: 0, caseless };
        for row in rows {
            plan.starts.push(plan.n_paths);
            for path in row.from {
                plan.root.insert(path, plan.n_paths, caseless);
                plan.n_paths += 1;
            }
        }
        plan.root.sort();
        plan
    }

    /// Walks over a record.
    pub(crate) fn walk<'p, 't, 'a>(&'p self, tree: &'t Tree<'a>) -> Found<'p, 't, 'a> {
        let values = vec![None; self.n_paths];
        let found = Found { plan: self, values, unknown: Vec::new() };
        let mut walk = Walk { found, path: Vec::new() };
        walk.visit(&self.root, tree, true);
        walk.found
    }
}

// === impl Found ===

impl<'t, 'a> Found<'_, 't, 'a> {
    /// What stands at the paths of a row, in their order; `None` also where it is null or empty.
    pub(crate) fn of_row(&self, row: usize) -> &[Option<&'t Tree<'a>>] {
        let start = self.plan.starts.get(row).copied().unwrap_or_default();
        let end = self.plan.starts.get(row + 1).copied().unwrap_or(self.plan.n_paths);
        self.values.get(start..end).unwrap_or_default()
    }
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
        self.below.iter_mut().for_each(|(_, node)| node.sort());
    }

    /// The place of a name among those below, and what is known there.
    fn find(&self, key: &str, caseless: bool) -> Option<(usize, &Self)> {
        let (start, end) = (*self.lengths.get(key.len())?, *self.lengths.get(key.len() + 1)?);
        let is = |name: &str| name == key || (caseless && name.eq_ignore_ascii_case(key));
        let mut among = self.below.get(start..end)?.iter().zip(start..);
        among.find(|((name, _), _)| is(name)).map(|((_, node), place)| (place, node))
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

    fn members(&mut self, node: &Node, members: &'t [(Text<'a>, Tree<'a>)], counts: bool) {
        let mut seen = 0_u128;
        for (key, value) in members {
            let counts = counts
                && !(self.path.is_empty() && SHIPPED.contains(&key.as_ref()))
                && !node.knows_end_of(key);
            let Some((place, below)) = node.find(key, self.found.plan.caseless) else {
                if counts && !value.is_absent() {
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
            let counts = counts && below.paths.is_empty();
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
        }
    }

    fn clear(&mut self, node: &Node) {
        self.set(node, None);
        node.below.iter().for_each(|(_, below)| self.clear(below));
    }
}

#[cfg(test)]
mod tests;
