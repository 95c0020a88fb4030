//! Lists of tables such as `[[receiver]]`: what reading each of them has in common, every mistake with its place.

use std::ops::Range;

use toml_edit::{Item, TableLike, Value};

use super::client::Mistake;
use super::problem::did_you_mean;

/// Longest text, in bytes.
pub(super) const BYTES_MAX: usize = 2_048;
/// Texts of a list at most.
const TEXTS_MAX: usize = 1_000;

/// What a text must be, in words and as a rule.
pub(super) type Wanted<'w> = (&'w str, &'w dyn Fn(&str) -> bool);

/// What the path of a file is.
pub(super) const FILE: &str = "the path of a file";
/// What a list of tenants holds.
pub(super) const TENANTS: Wanted<'static> = ("a list of tenants", &|text: &str| !text.is_empty());

/// One table of a list.
pub(super) struct Row<'t> {
    table: &'t dyn TableLike,
    span: Range<usize>,
}

/// A list of tables being read.
pub(super) struct Rows {
    section: &'static str,
    known: &'static [&'static str],
    needed: &'static [&'static str],
    pub(super) mistakes: Vec<Mistake>,
}

// === impl Rows ===

impl Rows {
    /// A section that may hold these settings and needs some of them.
    pub(super) fn new(
        section: &'static str,
        known: &'static [&'static str],
        needed: &'static [&'static str],
    ) -> Self {
        Self { section, known, needed, mistakes: Vec::new() }
    }

    fn mistake(&mut self, span: Range<usize>, message: String, help: Option<String>) {
        self.mistakes.push((span, message, help));
    }

    /// Reads all tables of an item, each with its name; without those that hold a mistake.
    pub(super) fn all<T>(
        &mut self,
        item: &Item,
        outer: &Range<usize>,
        most: usize,
        read: impl Fn(&mut Self, &Row<'_>) -> (String, T),
    ) -> Vec<T> {
        let section = self.section;
        let inline = item.as_array().into_iter().flatten().map(|value| {
            (value.as_inline_table().map(|table| table as &dyn TableLike), value.span())
        });
        let tables = item.as_array_of_tables().into_iter().flat_map(|tables| tables.iter());
        let tables = tables.map(|table| (Some(table as &dyn TableLike), table.span()));
        let (mut names, mut all): (Vec<String>, Vec<T>) = (Vec::new(), Vec::new());
        for (table, span) in inline.chain(tables) {
            let span = span.unwrap_or_else(|| outer.clone());
            let Some(table) = table else {
                self.mistake(span, format!("`{section}` must hold tables"), None);
                continue;
            };
            let before = self.mistakes.len();
            let row = Row { table, span };
            self.check(&row);
            let (name, one) = read(self, &row);
            if self.mistakes.len() > before {
                continue;
            }
            if names.contains(&name) {
                let message = format!("{section} `{name}` stands here a second time");
                self.mistake(row.span, message, None);
            } else if all.len() == most {
                self.mistake(row.span, format!("more than {most} {section}s"), None);
            } else {
                names.push(name);
                all.push(one);
            }
        }
        if !item.is_array_of_tables() && !item.is_array() {
            let help = Some(format!("begin each {section} with `[[{section}]]`"));
            self.mistake(outer.clone(), format!("`{section}` is a list of tables"), help);
        }
        all
    }

    fn check(&mut self, row: &Row<'_>) {
        let (section, known) = (self.section, self.known);
        for (key, _) in row.table.iter().filter(|(key, _)| !known.contains(key)) {
            let at = row.table.key(key).and_then(toml_edit::Key::span);
            let help = did_you_mean(key, known.iter().copied(), 0.7);
            let message = format!("unknown setting `{section}.{key}`");
            self.mistake(at.unwrap_or_else(|| row.span.clone()), message, help);
        }
        for key in self.needed.iter().filter(|key| row.table.get(key).is_none()) {
            self.mistake(row.span.clone(), format!("each `{section}` needs `{key}`"), None);
        }
    }

    /// A text of a table, where it is set.
    pub(super) fn text(
        &mut self,
        row: &Row<'_>,
        key: &str,
        (wanted, fits): Wanted<'_>,
    ) -> Option<String> {
        let item = row.table.get(key)?;
        let text = item.as_str().filter(|text| (1..=BYTES_MAX).contains(&text.len()) && fits(text));
        if text.is_none() {
            self.refuse(row, (key, item), wanted);
        }
        text.map(str::to_owned)
    }

    /// A list of texts of a table, where it is set.
    pub(super) fn texts(
        &mut self,
        row: &Row<'_>,
        key: &str,
        (wanted, fits): Wanted<'_>,
    ) -> Option<Vec<String>> {
        let item = row.table.get(key)?;
        let texts = item.as_array().filter(|list| (1..=TEXTS_MAX).contains(&list.len()));
        let texts: Option<Vec<String>> = texts.and_then(|list| {
            list.iter().map(|v| v.as_str().filter(|text| fits(text)).map(str::to_owned)).collect()
        });
        if texts.is_none() {
            self.refuse(row, (key, item), wanted);
        }
        texts
    }

    fn refuse(&mut self, row: &Row<'_>, (key, item): (&str, &Item), wanted: &str) {
        let span = item.span().unwrap_or_else(|| row.span.clone());
        self.mistake(span, format!("`{}.{key}` must be {wanted}", self.section), None);
    }
}

/// Whether a text is the path of a file.
pub(super) fn is_file(text: &str) -> bool {
    !text.contains(char::is_control)
}

/// Words to choose from, for people.
pub(super) fn one_of(words: &[&str]) -> String {
    format!("one of `{}`", words.join("`, `"))
}

/// A list of texts as TOML.
pub(super) fn list<'t>(texts: impl Iterator<Item = &'t str>) -> String {
    format!("[{}]", texts.map(|text| Value::from(text).to_string()).collect::<Vec<_>>().join(", "))
}
