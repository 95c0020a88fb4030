//! The places of some records and what stands there, in figures. Of words a few are kept, of other values none.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use record::lexeme::Lexeme;
use record::tree::Tree;
use record::{moment, pointer};

use crate::put::as_text;

/// Deepest place that is looked at.
const DEPTH_MAX: usize = 6;
/// Most places.
const LEAVES_MAX: usize = 512;
/// Most words of a place that are kept, and how long one may be.
const WORDS_MAX: usize = 16;
const WORD_BYTES_MAX: usize = 32;
/// Most values of a place that are told apart.
const DISTINCT_MAX: usize = 10_000;

/// One place.
#[derive(Clone, Debug, Default)]
pub(super) struct Leaf {
    pub(super) pointer: String,
    /// The names of its last step, and of its last two, in plain letters.
    names: [String; 2],
    /// How many records have a value here.
    pub(super) n: usize,
    pub(super) n_texts: usize,
    pub(super) n_numbers: usize,
    pub(super) n_times: usize,
    /// Times in text.
    pub(super) n_text_times: usize,
    /// Times in text without an offset.
    pub(super) n_local_times: usize,
    pub(super) n_ips: usize,
    pub(super) n_urls: usize,
    pub(super) words: BTreeSet<String>,
    pub(super) has_more_words: bool,
    distinct: BTreeSet<u64>,
}

/// The places of all records.
#[derive(Clone, Debug, Default)]
pub(super) struct Leaves {
    /// The list that the records are split by.
    pub(super) each: Option<String>,
    pub(super) n_records: usize,
    leaves: BTreeMap<String, Leaf>,
    /// Of each record the words of its places, for what never stands together.
    rows: Vec<BTreeMap<String, String>>,
}

// === impl Leaves ===

impl Leaves {
    /// The places of these records.
    pub(super) fn of(records: &[Tree<'_>]) -> Self {
        let each = list_of(records);
        let mut leaves =
            Self { each: each.clone().map(|key| pointer_of("", &key)), ..Self::default() };
        for record in records {
            let items = each.as_deref().and_then(|key| record.get(key));
            match items {
                Some(Tree::List(items)) => {
                    let below = format!("{}/*", leaves.each.clone().unwrap_or_default());
                    for item in items {
                        leaves.record(&[("", record), (&below, item)], each.as_deref());
                    }
                }
                _ => leaves.record(&[("", record)], each.as_deref()),
            }
        }
        leaves
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Leaf> {
        self.leaves.values()
    }

    /// The words of a place that stand only in records without any of the places that are told.
    pub(super) fn words_without(
        &self,
        pointer: &str,
        is_told: &dyn Fn(&str) -> bool,
    ) -> Vec<String> {
        let (mut with, mut without) = (BTreeSet::new(), BTreeSet::new());
        for row in &self.rows {
            let Some(word) = row.get(pointer) else { continue };
            let is_with = row.keys().any(|place| is_told(place));
            if is_with {
                with.insert(word)
            } else {
                without.insert(word)
            };
        }
        without.difference(&with).map(|word| (*word).clone()).collect()
    }

    fn record(&mut self, parts: &[(&str, &Tree<'_>)], each: Option<&str>) {
        self.n_records += 1;
        let mut row = BTreeMap::new();
        for (n, (pointer, tree)) in parts.iter().enumerate() {
            self.walk(pointer, tree, if n == 0 { each } else { None }, &mut row);
        }
        self.rows.push(row);
    }

    fn walk(
        &mut self,
        at: &str,
        tree: &Tree<'_>,
        skipped: Option<&str>,
        row: &mut BTreeMap<String, String>,
    ) {
        match tree {
            Tree::Object(members) if at.matches('/').count() < DEPTH_MAX => {
                for (key, value) in members {
                    if skipped != Some(key.as_ref()) {
                        self.walk(&pointer_of(at, key), value, None, row);
                    }
                }
            }
            Tree::Scalar(lexeme) if !matches!(lexeme, Lexeme::Null) => {
                let is_room = self.leaves.len() < LEAVES_MAX || self.leaves.contains_key(at);
                if !is_room {
                    return;
                }
                let leaf = self.leaves.entry(at.to_owned()).or_insert_with(|| Leaf::at(at));
                leaf.take(tree, lexeme);
                if let Ok(word) = as_text(tree.clone()) {
                    let word = if is_word(&word) { word.into_owned() } else { String::new() };
                    row.insert(at.to_owned(), word);
                }
            }
            _ => {}
        }
    }
}

// === impl Leaf ===

impl Leaf {
    fn at(at: &str) -> Self {
        let plain = |text: &str| -> String {
            text.chars()
                .filter(char::is_ascii_alphanumeric)
                .map(|c| c.to_ascii_lowercase())
                .collect()
        };
        let mut steps = at.rsplit('/');
        let last = plain(steps.next().unwrap_or_default());
        let before = plain(steps.next().unwrap_or_default());
        Self { pointer: at.to_owned(), names: [last.clone(), before + &last], ..Self::default() }
    }

    /// Whether its name, or the last two together, is this one in plain letters.
    pub(super) fn is_called(&self, name: &str) -> bool {
        self.names.iter().any(|own| own == name)
    }

    /// How many steps lead to it.
    pub(super) fn depth(&self) -> usize {
        self.pointer.matches('/').count()
    }

    /// Whether all its values differ.
    pub(super) fn is_unique(&self) -> bool {
        self.distinct.len() == self.n.min(DISTINCT_MAX)
    }

    fn take(&mut self, tree: &Tree<'_>, lexeme: &Lexeme<'_>) {
        self.n += 1;
        let is_time = moment::read(tree).is_ok();
        self.n_times += usize::from(is_time);
        self.n_numbers += usize::from(tree.number().is_some());
        if let Lexeme::Text(text) = lexeme {
            self.n_texts += 1;
            let is_text_time = is_time && tree.number().is_none();
            self.n_text_times += usize::from(is_text_time);
            let is_local = is_text_time
                && text.get(19..).is_some_and(|rest| !rest.contains(['Z', 'z', '+', '-']));
            self.n_local_times += usize::from(is_local);
            self.n_ips += usize::from(text.parse::<IpAddr>().is_ok());
            self.n_urls += usize::from(text.contains("://"));
        }
        let Ok(word) = as_text(tree.clone()) else { return };
        if self.distinct.len() < DISTINCT_MAX {
            self.distinct.insert(hashed(&word));
        }
        if !is_word(&word) || (self.words.len() == WORDS_MAX && !self.words.contains(word.as_ref()))
        {
            self.has_more_words = true;
        } else {
            self.words.insert(word.into_owned());
        }
    }
}

/// A word of a small vocabulary, not a text.
fn is_word(text: &str) -> bool {
    let is_plain = |c: char| c.is_alphanumeric() || "_-. ".contains(c);
    !text.is_empty() && text.len() <= WORD_BYTES_MAX && text.chars().all(is_plain)
}

/// FNV-1a: only to count what differs.
fn hashed(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

fn pointer_of(at: &str, key: &str) -> String {
    let mut pointer = at.to_owned();
    pointer::push_key(&mut pointer, key);
    pointer
}

/// The one list of objects at the top of most records that holds more than what stands beside it.
fn list_of(records: &[Tree<'_>]) -> Option<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for record in records {
        let Tree::Object(members) = record else { continue };
        let lists: Vec<_> = members
            .iter()
            .filter_map(|(key, value)| match value {
                Tree::List(items) if items.iter().all(|item| matches!(item, Tree::Object(_))) => {
                    Some((key, items.len()))
                }
                _ => None,
            })
            .filter(|(_, n)| 0 < *n)
            .collect();
        if let [(key, _)] = lists.as_slice()
            && members.len() <= 8
        {
            *counts.entry(key).or_default() += 1;
        }
    }
    let (key, n) = counts.into_iter().max_by_key(|(_, n)| *n)?;
    (records.len() <= 2 * n).then(|| key.to_owned())
}
