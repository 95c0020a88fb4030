//! One walk against the plain way: each path by itself, and each member against all paths.

use record::lexeme::Lexeme;

use super::*;
use crate::decode::tests::dice::Dice;
use crate::formats::Format;

impl Dice {
    /// A value below a place of which the rows know these steps; names may come twice, in another case too.
    fn tree(&mut self, known: &[&'static str], caseless: bool, depth: usize) -> Tree<'static> {
        match self.below(if depth == 0 { 3 } else { 9 }) {
            0 => Tree::Scalar(Lexeme::Null),
            1 => Tree::Scalar(Lexeme::Text(Text::Borrowed(""))),
            2 => Tree::Scalar(Lexeme::Unsigned(7)),
            3 => {
                let n = self.below(3);
                Tree::List((0..n).map(|_| self.tree(known, caseless, depth - 1)).collect())
            }
            _ => self.object(known, caseless, depth),
        }
    }

    fn object(&mut self, known: &[&'static str], caseless: bool, depth: usize) -> Tree<'static> {
        let mut members: Vec<(Text<'static>, Tree<'static>)> = Vec::new();
        for _ in 0..self.below(8) {
            let path = if known.is_empty() { "else" } else { self.pick(known) };
            let step = path.split('/').next().unwrap().replace('*', "own").replace("~1", "/");
            let name = match self.below(6) {
                0 => "unknown".to_owned(),
                1 if caseless => step.to_ascii_uppercase(),
                2 => self.pick(&SHIPPED).to_owned(),
                _ => step,
            };
            let below = below(known, &name, caseless);
            members.push((Text::Owned(name), self.tree(&below, caseless, depth - 1)));
        }
        Tree::Object(members)
    }
}

fn is_step(step: &str, key: &str, caseless: bool) -> bool {
    match step.strip_prefix('*') {
        Some(end) => key.ends_with(end),
        None if step.contains('~') => step.replace("~1", "/").replace("~0", "~") == key,
        None => step == key || (caseless && step.eq_ignore_ascii_case(key)),
    }
}

/// What the paths know below a member; an empty path where one ends there.
fn below(known: &[&'static str], key: &str, caseless: bool) -> Vec<&'static str> {
    let split = known.iter().map(|path| path.split_once('/').unwrap_or((path, "")));
    split.filter(|(step, _)| is_step(step, key, caseless)).map(|(_, rest)| rest).collect()
}

fn unknown(
    members: &[(Text<'_>, Tree<'_>)],
    known: &[&'static str],
    (caseless, place): (bool, &str),
    found: &mut Vec<String>,
) {
    for (key, value) in members {
        if place.is_empty() && SHIPPED.contains(&key.as_ref()) {
            continue;
        }
        let place = format!("{place}/{}", key.replace('/', "~1"));
        let below = below(known, key, caseless);
        if below.is_empty() && !value.is_absent() {
            found.push(place);
        } else if !below.iter().any(|rest| rest.is_empty()) {
            unknown(value.members(), &below, (caseless, &place), found);
        }
    }
}

#[test]
fn one_walk_finds_what_the_paths_find_one_by_one() {
    let (mut n_found, mut n_unknown) = (0, 0);
    for (spec, plan) in Format::ALL.into_iter().filter_map(|f| f.spec().zip(f.plan())) {
        let known: Vec<&str> = spec.rows.iter().flat_map(|row| row.from.iter().copied()).collect();
        let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
        for _ in 0..400 {
            let tree = dice.object(&known, spec.caseless, 5);
            let found = plan.walk(&tree);
            for (index, row) in spec.rows.iter().enumerate() {
                for (path, walked) in row.from.iter().zip(found.of_row(index)) {
                    let alone = tree.at(path, spec.caseless);
                    let same = match (alone, walked) {
                        (Some(alone), Some(walked)) => std::ptr::eq(alone, *walked),
                        (alone, walked) => alone.is_none() && walked.is_none(),
                    };
                    assert!(same, "{} {path}: {alone:?} is not {walked:?} in {tree:?}", spec.name);
                    n_found += usize::from(alone.is_some());
                }
            }
            let mut expected = Vec::new();
            unknown(tree.members(), &known, (spec.caseless, ""), &mut expected);
            assert_eq!(found.unknown, expected, "{} {tree:?}", spec.name);
            n_unknown += expected.len();
        }
    }
    assert!(10_000 < n_found && 1_000 < n_unknown, "{n_found} found, {n_unknown} unknown");
}

#[test]
fn no_place_has_more_names_than_a_walk_tells_apart() {
    fn widest(node: &Node) -> usize {
        let below = node.below.iter().map(|(_, node)| widest(node));
        below.max().unwrap_or_default().max(node.below.len())
    }
    let mut rows = Format::ALL.into_iter().filter_map(Format::spec).flat_map(|spec| spec.rows);
    let of_any = |path: &&str| path.split_once('/').is_some_and(|(step, _)| step.starts_with('*'));
    assert!(!rows.any(|row| row.from.iter().any(of_any)), "a walk ends there");
    let plans = Format::ALL.into_iter().filter_map(Format::plan);
    let widest = plans.map(|plan| widest(&plan.root)).max();
    assert!(widest.is_some_and(|n| (1..=128).contains(&n)), "{widest:?}");
}

#[test]
fn every_row_of_every_format_has_a_bit() {
    for plan in Format::ALL.into_iter().filter_map(Format::plan) {
        assert!(plan.n_steps() <= u128::BITS, "{} rows", plan.n_steps());
    }
}
