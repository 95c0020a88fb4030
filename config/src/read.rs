//! Reads a config: walks the document once against the table of settings and reports every mistake.

use std::collections::BTreeMap;
use std::ops::Range;

use toml_edit::{Document, Item, TableLike};

use super::author;
use super::client::{self, Mistake};
use super::fields::{FIELDS, Field, SIGNAL_DEFAULT, SIGNAL_MODES, signal_ids};
use super::kind::{Kind, Value};
use super::loaded::Config;
use super::policy;
use super::problem::{Problem, Severity, did_you_mean};
use super::receiver;
use super::security;
use super::sources::{Sources, address};
use ingest::Class;

/// The setting that names the key of hashes.
pub(super) const HASH_KEY_FILE: &str = "identity.hash_key_file";
/// Sections that are read by themselves: tables of any name, and lists of tables.
const OWN_SECTIONS: [&str; 2] = ["mapping", "source"];

/// Reads a config; gives it where there is no error, and every problem. What is not set has its default.
pub fn parse(text: &str) -> (Option<Config>, Vec<Problem>) {
    let (values, sources, problems) = read_values(text);
    let failed = problems.iter().any(|problem| problem.severity == Severity::Error);
    let config = (!failed).then(|| {
        let mut all = default_values();
        all.extend(values);
        Config::from_values(all, sources)
    });
    (config, problems)
}

/// Where an item of a list stands in a config that parses, in bytes; at its begin where it does not stand there.
pub fn place_of(text: &str, path: &str, index: usize) -> Range<usize> {
    let place = || {
        let document = Document::parse(text).ok()?;
        let mut item = document.as_item();
        for key in path.split('.') {
            item = item.get(key)?;
        }
        let part = item.as_array().and_then(|array| array.get(index)).and_then(|part| part.span());
        let tables = item.as_array_of_tables().and_then(|tables| tables.get(index));
        part.or_else(|| tables?.span()).or_else(|| item.span())
    };
    place().unwrap_or(0..0)
}

/// Every setting that has a default, at it: defaults are written in TOML and read like a file.
pub(super) fn default_values() -> BTreeMap<String, Value> {
    let set = FIELDS.iter().filter(|field| !field.default.is_empty());
    let fields = set.map(|field| format!("{} = {}\n", field.path, field.default));
    let signals =
        signal_ids().into_iter().map(|id| format!("signal.{id}.mode = {SIGNAL_DEFAULT}\n"));
    read_values(&fields.chain(signals).collect::<String>()).0
}

/// The values that a text sets, and every problem.
fn read_values(text: &str) -> (BTreeMap<String, Value>, Sources, Vec<Problem>) {
    let document = match Document::parse(text) {
        Ok(document) => document,
        Err(error) => {
            let span = error.span().unwrap_or(0..0);
            let message =
                format!("not TOML: {}", error.message().lines().next().unwrap_or("syntax error"));
            return (
                BTreeMap::new(),
                Sources::default(),
                vec![Problem { severity: Severity::Error, message, span, help: None }],
            );
        }
    };
    let mut reader = Reader { text, ..Reader::default() };
    reader.table("", document.as_table(), 0..0);
    reader.sources(document.as_table());
    reader.cross_checks();
    reader.problems.sort_by_key(|problem| (problem.span.start, problem.span.end));
    (reader.values, reader.sources, reader.problems)
}

#[derive(Default)]
struct Reader<'t> {
    text: &'t str,
    values: BTreeMap<String, Value>,
    sources: Sources,
    spans: BTreeMap<String, Range<usize>>,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn error(&mut self, span: Range<usize>, message: String, help: Option<String>) {
        self.problems.push(Problem { severity: Severity::Error, message, span, help });
    }

    /// What was read, its mistakes apart.
    fn found<T>(&mut self, (read, mistakes): (T, Vec<Mistake>)) -> T {
        for (span, message, help) in mistakes {
            self.error(span, message, help);
        }
        read
    }

    fn table(&mut self, prefix: &str, table: &dyn TableLike, outer: Range<usize>) {
        for (key, item) in table.iter() {
            let path = if prefix.is_empty() { key.to_owned() } else { format!("{prefix}.{key}") };
            let key_span =
                table.key(key).and_then(toml_edit::Key::span).unwrap_or_else(|| outer.clone());
            if OWN_SECTIONS.contains(&path.as_str()) {
                continue;
            }
            if let Some(field) = field_of(&path) {
                self.value(path, &field, item, key_span);
            } else if is_section(&path) {
                match item.as_table_like() {
                    Some(inner) => self.table(&path, inner, key_span),
                    None => {
                        self.error(key_span, format!("`{path}` is a section, not a value"), None)
                    }
                }
            } else {
                let help = nearest(&path);
                self.error(key_span, format!("unknown setting `{path}`"), help);
            }
        }
    }

    fn value(&mut self, path: String, field: &Field, item: &Item, key_span: Range<usize>) {
        let span = item.span().unwrap_or_else(|| key_span.clone());
        let value = match (field.kind, item.as_table_like()) {
            (Kind::Client, Some(table)) => {
                Ok(Value::Client(self.found(client::read(table, &key_span))))
            }
            (Kind::Policies, _) => {
                Ok(Value::Policies(self.found(policy::read(self.text, item, &key_span))))
            }
            (Kind::Receivers, _) => {
                Ok(Value::Receivers(self.found(receiver::read(item, &key_span))))
            }
            (Kind::Authors, _) => Ok(Value::Authors(self.found(author::read(item, &key_span)))),
            (kind, _) => kind.read(item),
        };
        match value {
            Ok(value) => {
                self.spans.insert(path.clone(), span);
                self.values.insert(path, value);
            }
            Err((message, help)) => self.error(span, format!("`{path}` {message}"), help),
        }
    }

    /// What is read and how; sources name mappings, so those come first.
    fn sources(&mut self, table: &dyn TableLike) {
        let place = |key: &str| table.key(key).and_then(toml_edit::Key::span).unwrap_or(0..0);
        let mappings = table.get("mapping");
        if let Some(item) = mappings {
            let keyed = self.values.contains_key(HASH_KEY_FILE);
            self.problems.extend(self.sources.mappings(item, place("mapping"), keyed));
        }
        let names: Vec<&str> = mappings
            .and_then(Item::as_table_like)
            .into_iter()
            .flat_map(TableLike::iter)
            .map(|(name, _)| name)
            .collect();
        let text = |path: &str| match self.values.get(path) {
            Some(Value::Text(text)) => Some(text.clone()),
            _ => None,
        };
        let prefix = text("kafka.prefix").unwrap_or_else(|| "habitus.".to_owned());
        let topic = text("input.topic").unwrap_or_else(|| format!("{prefix}activity.v1"));
        // Intake reads the topics of all sources.
        let only = (!self.says("input.key", "any")).then_some(topic.as_str());
        if let Some(item) = table.get("source") {
            let found = self.sources.sources(item, place("source"), (only, &names));
            self.problems.extend(found);
        }
    }

    /// Texts that must be of a form: words, or pairs.
    fn check_texts(&mut self, path: &str, wanted: &str, fits: impl Fn(&str) -> bool) {
        let Some(Value::Texts(texts)) = self.values.get(path) else { return };
        let Some(wrong) = texts.iter().find(|text| !fits(text)) else { return };
        let message = format!("`{path}` must hold {wanted}, found \"{wrong}\"");
        self.error(self.span_of([path; 2]), message, None);
    }

    /// What no single setting can tell.
    fn cross_checks(&mut self) {
        for (lower, higher) in
            [("trust.restricted", "trust.watch"), ("trust.watch", "trust.trusted")]
        {
            if self.number(lower) >= self.number(higher) {
                let message = format!("`{lower}` must be lower than `{higher}`");
                let help = Some("levels descend from trusted to restricted".to_owned());
                self.error(self.span_of([lower, higher]), message, help);
            }
        }
        let [alerts, revocations] =
            ["budget.alerts_per_actor_month", "budget.revocations_per_actor_month"];
        if self.number(revocations) > self.number(alerts) {
            let message = format!("`{revocations}` must not exceed the budget of alerts");
            let help = Some("a revocation needs an alert".to_owned());
            self.error(self.span_of([revocations, alerts]), message, help);
        }
        let [file, topic] = ["inventory.path", "inventory.topic"];
        if self.values.contains_key(file) && self.values.get(topic) == Some(&Value::Flag(true)) {
            let message = format!("`{topic}` and `{file}` say the same of different agents");
            let help = Some("register agents in one place: leave out one of them".to_owned());
            self.error(self.span_of([topic, file]), message, help);
        }
        self.check_texts("identity.scored", "`ai_agent`, `service` or `human`", |word| {
            Class::ALL.iter().any(|class| class.as_str() == word)
        });
        let wanted = "addresses and ids such as \"10.0.0.7=etl\"";
        self.check_texts("identity.addresses", wanted, |text| address(text).is_some());
        security::cross_check(&self.values, &mut |path, message, help| {
            let span = self.spans.get(path).cloned().unwrap_or(0..0);
            let severity = Severity::Error;
            self.problems.push(Problem { severity, message, span, help: Some(help) });
        });
        if matches!(self.values.get("receiver"), Some(Value::Receivers(all)) if !all.is_empty()) {
            for path in ["sets.issuer", "sets.keys"] {
                if !self.values.contains_key(path)
                    || self.values.get(path) == Some(&Value::Texts(Vec::new()))
                {
                    let message = format!("a `receiver` needs `{path}`");
                    self.error(self.span_of(["receiver"; 2]), message, None);
                }
            }
        }
        if self.says("mode", "enforce") {
            let message = "mode `enforce` lets revocations leave as binding".to_owned();
            let help = Some("run in `shadow` and `alert` first".to_owned());
            let span = self.span_of(["mode"; 2]);
            self.problems.push(Problem { severity: Severity::Warning, message, span, help });
        }
    }

    /// A number as set, or its default.
    fn number(&self, path: &str) -> f64 {
        match self.values.get(path) {
            Some(Value::Number(number)) => *number,
            _ => field_of(path).and_then(|field| field.default.parse().ok()).unwrap_or(0.0),
        }
    }

    fn says(&self, path: &str, word: &str) -> bool {
        matches!(self.values.get(path), Some(Value::Text(text)) if text == word)
    }

    /// Where the first of these that is set stands.
    fn span_of(&self, paths: [&str; 2]) -> Range<usize> {
        paths.into_iter().find_map(|path| self.spans.get(path)).cloned().unwrap_or(0..0)
    }
}

/// The setting of a path; a signal's mode exists for every signal.
fn field_of(path: &str) -> Option<Field> {
    let signal = path.strip_prefix("signal.").and_then(|rest| rest.strip_suffix(".mode"));
    if signal.is_some_and(|id| signal_ids().contains(&id)) {
        return Some(Field {
            path: "signal",
            kind: Kind::Word(SIGNAL_MODES),
            default: SIGNAL_DEFAULT,
            doc: "",
        });
    }
    FIELDS.iter().find(|field| field.path == path).copied()
}

fn is_section(path: &str) -> bool {
    let prefix = format!("{path}.");
    path == "signal"
        || path.strip_prefix("signal.").is_some_and(|id| signal_ids().contains(&id))
        || FIELDS.iter().any(|field| field.path.starts_with(&prefix))
}

/// The known path most like an unknown one.
fn nearest(path: &str) -> Option<String> {
    let mut known: Vec<String> = FIELDS.iter().map(|field| field.path.to_owned()).collect();
    let sections = FIELDS
        .iter()
        .filter_map(|field| field.path.split_once('.'))
        .map(|(section, _)| section.to_owned());
    known.extend(sections);
    known.extend(OWN_SECTIONS.map(str::to_owned));
    for id in signal_ids() {
        known.push(format!("signal.{id}"));
        known.push(format!("signal.{id}.mode"));
    }
    did_you_mean(path, known.iter().map(String::as_str), 0.85)
}
