//! What is read and how: `[[source]]` names the format or mapping of a topic or of files, `[mapping.NAME]` is a mapping,
//! `[identity]` says who is what. Every mistake in them is found when the config loads, with its place.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::ops::Range;
use std::sync::Arc;

use ingest::{Class, Format, Identity, Pattern, Principals, Tenure};
use mapping::{Mapping, Member, Reading, Setting, SettingValue};
use schemas::EventTime;
use toml_edit::{Item, TableLike, Value};

use super::loaded::Config;
use super::problem::{Problem, Severity, did_you_mean};

/// The word of a format that is told by each record's shape.
pub(super) const AUTO: &str = "auto";
/// Keys of a source.
const KEYS: [&str; 4] = ["topic", "path", "format", "mapping"];

/// How a topic or some files are read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceConfig {
    /// The topic it is about.
    pub topic: Option<String>,
    /// Or the files, as a pattern of their paths.
    pub path: Option<String>,
    /// Their format; `None` is by shape.
    pub format: Option<Format>,
    /// Or their mapping, by name.
    pub mapping: Option<String>,
}

/// All sources and mappings of a config.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Sources {
    list: Vec<SourceConfig>,
    mappings: BTreeMap<String, Known>,
}

/// A mapping, and its text in one form: configs that say the same are the same.
#[derive(Clone, Debug)]
struct Known {
    text: String,
    mapping: Arc<Mapping>,
}

impl PartialEq for Known {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

/// The words of a source's format.
pub fn formats() -> Vec<&'static str> {
    std::iter::once(AUTO).chain(Format::ALL.into_iter().map(Format::as_str)).collect()
}

fn wrong(span: Range<usize>, message: String, help: Option<String>) -> Problem {
    Problem { severity: Severity::Error, message, span, help }
}

fn nearest(word: &str, known: &[&str]) -> Option<String> {
    did_you_mean(word, known.iter().copied(), 0.8)
}

// === impl Sources ===

impl Sources {
    /// Reads `[mapping]`: tables by name; `keyed` says whether hashes have a key.
    pub(super) fn mappings(
        &mut self,
        item: &Item,
        span: Range<usize>,
        keyed: bool,
    ) -> Vec<Problem> {
        let Some(table) = item.as_table_like() else {
            return vec![wrong(span, "`mapping` is a section, not a value".to_owned(), None)];
        };
        let mut problems = Vec::new();
        for (name, item) in table.iter() {
            let place = table.key(name).and_then(toml_edit::Key::span);
            let place = place.unwrap_or_else(|| span.clone());
            let setting = setting_of(item, &place);
            match Mapping::parse(name, &setting, keyed.then_some(b"")) {
                Ok(mapping) => {
                    let known = Known { text: text_of(&setting), mapping: Arc::new(mapping) };
                    self.mappings.insert(name.to_owned(), known);
                }
                Err(found) => problems.extend(found.into_iter().map(|problem| {
                    // A mapping in parts has no place of its own.
                    let span = if problem.span.is_empty() { place.clone() } else { problem.span };
                    wrong(span, format!("`mapping.{name}`: {}", problem.message), problem.help)
                })),
            }
        }
        problems
    }

    /// Reads `[[source]]`, once the mappings are known; `only` is the topic that is read where there is but one.
    pub(super) fn sources(
        &mut self,
        item: &Item,
        span: Range<usize>,
        (only, mappings): (Option<&str>, &[&str]),
    ) -> Vec<Problem> {
        let tables: Option<Vec<&dyn TableLike>> = match (item.as_array_of_tables(), item.as_array())
        {
            (Some(tables), _) => Some(tables.iter().map(|table| table as _).collect()),
            (None, Some(items)) => {
                items.iter().map(|item| item.as_inline_table().map(|table| table as _)).collect()
            }
            (None, None) => None,
        };
        let Some(tables) = tables else {
            let help = Some("begin each with `[[source]]`".to_owned());
            return vec![wrong(span, "`source` must be a list of tables".to_owned(), help)];
        };
        let mut problems = Vec::new();
        for table in tables {
            match self.source(table, &span, (only, mappings)) {
                Ok(source) => self.list.push(source),
                Err(found) => problems.extend(found),
            }
        }
        problems
    }

    fn source(
        &self,
        table: &dyn TableLike,
        outer: &Range<usize>,
        (only, mappings): (Option<&str>, &[&str]),
    ) -> Result<SourceConfig, Vec<Problem>> {
        let (mut source, mut problems) = (SourceConfig::default(), Vec::new());
        let mut first = outer.clone();
        for (key, item) in table.iter() {
            let place = table.key(key).and_then(toml_edit::Key::span).unwrap_or(outer.clone());
            if first == *outer {
                first = place.clone();
            }
            let at = item.span().unwrap_or(place.clone());
            let Some(word) = item.as_str().filter(|_| KEYS.contains(&key)) else {
                problems.push(match KEYS.contains(&key) {
                    true => wrong(at, format!("`source.{key}` must be a text"), None),
                    false => {
                        wrong(place, format!("unknown setting `source.{key}`"), nearest(key, &KEYS))
                    }
                });
                continue;
            };
            match key {
                "topic" => match only.filter(|topic| *topic != word) {
                    Some(topic) => {
                        let message =
                            format!("`source.topic` must be the topic that is read, `{topic}`");
                        let help = "name another one as `input.topic`; several are read with `input.key = \"any\"`";
                        problems.push(wrong(at, message, Some(help.to_owned())));
                    }
                    None => source.topic = Some(word.to_owned()),
                },
                "path" => source.path = Some(word.to_owned()),
                "format" if word == AUTO => {}
                "format" => match Format::from_name(word) {
                    Some(format) => source.format = Some(format),
                    None => {
                        let message = format!("`source.format` has no format `{word}`");
                        let help = nearest(word, &formats());
                        let all = || Some(format!("one of {}", formats().join(", ")));
                        problems.push(wrong(at, message, help.or_else(all)));
                    }
                },
                _ if !mappings.contains(&word) => {
                    let message = format!("`source.mapping` names no mapping: `{word}`");
                    problems.push(wrong(at, message, nearest(word, mappings)));
                }
                _ => source.mapping = Some(word.to_owned()),
            }
        }
        if problems.is_empty() && source.topic.is_some() == source.path.is_some() {
            let message = "a source needs either `topic` or `path`".to_owned();
            problems.push(wrong(first.clone(), message, None));
        }
        if source.format.is_some() && source.mapping.is_some() {
            let message = "`source.format` and `source.mapping` exclude each other".to_owned();
            let help = "a mapping on top of a format says `extends`".to_owned();
            problems.push(wrong(first, message, Some(help)));
        }
        if problems.is_empty() { Ok(source) } else { Err(problems) }
    }

    /// Gives all mappings the key that hashes are made with.
    pub(super) fn set_key(&mut self, key: &[u8]) {
        for known in self.mappings.values_mut() {
            Arc::make_mut(&mut known.mapping).set_key(key);
        }
    }

    /// All of it as TOML, in one form.
    pub(super) fn to_toml(&self) -> String {
        let mut out = String::new();
        for source in &self.list {
            out.push_str("\n[[source]]\n");
            let format = source.format.map_or(AUTO, Format::as_str).to_owned();
            let format = source.mapping.is_none().then_some(format);
            let lines = [&source.topic, &source.path, &format, &source.mapping];
            for (key, word) in KEYS.into_iter().zip(lines) {
                if let Some(word) = word {
                    let _infallible = writeln!(out, "{key} = {}", Value::from(word.as_str()));
                }
            }
        }
        for (name, known) in &self.mappings {
            let _infallible =
                writeln!(out, "\n[mapping.{}]\n{}", key_of(name), known.text.trim_end());
        }
        out
    }
}

// === impl Config: how things are read ===

impl Config {
    /// The sources, in their order.
    pub fn sources(&self) -> &[SourceConfig] {
        &self.sources.list
    }

    /// The mappings by name.
    pub fn mappings(&self) -> impl Iterator<Item = &str> {
        self.sources.mappings.keys().map(String::as_str)
    }

    /// The topics that sources name, each once; `topic` as well where it is `named` or no source names one.
    pub(super) fn source_topics(&self, topic: &str, named: bool) -> Vec<String> {
        let of_sources = self.sources.list.iter().filter_map(|source| source.topic.as_deref());
        let mut topics: Vec<String> = Vec::new();
        for name in of_sources.chain(named.then_some(topic)) {
            if topics.iter().all(|known| known != name) {
                topics.push(name.to_owned());
            }
        }
        if topics.is_empty() {
            topics.push(topic.to_owned());
        }
        topics
    }

    /// How records of a topic are read; by shape where no source says more.
    pub fn reading_of_topic(&self, topic: &str) -> Reading {
        let own = self.sources.list.iter().find(|source| source.topic.as_deref() == Some(topic));
        self.reading(own.and_then(|own| own.format), own.and_then(|own| own.mapping.as_deref()))
    }

    /// How a file is read: by the first source whose pattern its path, or its end, matches.
    pub fn reading_of_path(&self, path: &str) -> Reading {
        let is_meant = |pattern: &str| {
            Pattern::new(pattern).matches(path)
                || Pattern::new(&format!("*/{pattern}")).matches(path)
        };
        let mut sources = self.sources.list.iter();
        let own = sources.find(|source| source.path.as_deref().is_some_and(is_meant));
        self.reading(own.and_then(|own| own.format), own.and_then(|own| own.mapping.as_deref()))
    }

    /// How records of a format, or of a mapping, are read; by shape where both are `None`.
    pub fn reading(&self, format: Option<Format>, mapping: Option<&str>) -> Reading {
        let known = mapping.and_then(|name| self.sources.mappings.get(name));
        let reading = Reading::new(format, known.map(|known| Arc::clone(&known.mapping)));
        reading
            .known_by(Arc::new(self.identity()), Arc::new(self.principals()))
            .holding(self.hold())
    }

    /// Who is behind what a network log sees.
    pub fn identity(&self) -> Identity {
        let mut by_address = BTreeMap::<_, Vec<Tenure>>::new();
        for (at, tenure) in self.texts("identity.addresses").iter().filter_map(|text| address(text))
        {
            by_address.entry(at).or_default().push(tenure);
        }
        Identity { by_address, by_endpoint: self.flag("identity.endpoints") }
    }

    /// Who is what, and who is scored.
    pub fn principals(&self) -> Principals {
        let named = |path: &str, class: Class| {
            self.texts(path).iter().map(move |text| (Pattern::new(text), class)).collect::<Vec<_>>()
        };
        let by_id = [Class::AiAgent, Class::Human, Class::Service]
            .map(|class| named(&format!("identity.{}", class.as_str()), class));
        let is_scored =
            |class: &Class| self.texts("identity.scored").iter().any(|word| word == class.as_str());
        Principals {
            by_id: by_id.concat(),
            by_blueprint: named("identity.ai_agent_blueprints", Class::AiAgent),
            scored: Class::ALL.into_iter().filter(is_scored).collect(),
        }
    }
}

/// An address, who sends from it, and when: `10.0.0.7=agent from 2026-01-01T00:00:00Z until 2026-02-01T00:00:00Z`.
pub(super) fn address(text: &str) -> Option<(std::net::IpAddr, Tenure)> {
    let (address, mut id) = text.split_once('=')?;
    let mut bounds = [None, None];
    for (word, bound) in [" until ", " from "].into_iter().zip(&mut bounds) {
        if let Some((before, time)) = id.rsplit_once(word) {
            *bound = Some(EventTime::parse(time.trim()).ok()?);
            id = before;
        }
    }
    let ([until, from], id) = (bounds, id.trim());
    let is_period = from.zip(until).is_none_or(|(from, until)| from < until);
    let tenure = Tenure { id: id.to_owned(), from, until };
    Some((address.trim().parse().ok()?, (is_period && !id.is_empty()).then_some(tenure)?))
}

/// A value of TOML as mappings take it.
fn setting_of(item: &Item, place: &Range<usize>) -> Setting {
    let span = item.span().unwrap_or_else(|| place.clone());
    let value = match (item.as_value(), item.as_table_like()) {
        (Some(value), _) if !value.is_inline_table() => plain(value),
        (_, Some(table)) => SettingValue::Table(members(table)),
        (_, None) => SettingValue::List(Vec::new()),
    };
    Setting { span, value }
}

fn members(table: &dyn TableLike) -> Vec<Member> {
    let member = |(key, item): (&str, &Item)| {
        let span = table.key(key).and_then(toml_edit::Key::span).unwrap_or_default();
        Member { key: key.to_owned(), setting: setting_of(item, &span), span }
    };
    table.iter().map(member).collect()
}

fn plain(value: &Value) -> SettingValue {
    let item = |inner: &Value| {
        let span = inner.span().unwrap_or_default();
        Setting { span, value: plain(inner) }
    };
    match value {
        Value::String(text) => SettingValue::Text(text.value().clone()),
        Value::Integer(number) => SettingValue::Integer(*number.value()),
        Value::Float(number) => SettingValue::Number(*number.value()),
        Value::Boolean(truth) => SettingValue::Flag(*truth.value()),
        Value::Datetime(time) => SettingValue::Text(time.value().to_string()),
        Value::Array(items) => SettingValue::List(items.iter().map(item).collect()),
        Value::InlineTable(inner) => SettingValue::Table(members(inner)),
    }
}

/// The lines of a table, in the order of their keys.
fn text_of(setting: &Setting) -> String {
    let SettingValue::Table(members) = &setting.value else { return inline(&setting.value) };
    let mut lines: Vec<String> = members.iter().map(line).collect();
    lines.sort();
    lines.join("\n")
}

fn line(member: &Member) -> String {
    format!("{} = {}", key_of(&member.key), inline(&member.setting.value))
}

fn inline(value: &SettingValue) -> String {
    match value {
        SettingValue::Text(text) => Value::from(text.as_str()).to_string(),
        SettingValue::Integer(number) => number.to_string(),
        SettingValue::Number(number) => Value::from(*number).to_string(),
        SettingValue::Flag(truth) => truth.to_string(),
        SettingValue::List(items) => {
            let items: Vec<String> = items.iter().map(|item| inline(&item.value)).collect();
            format!("[{}]", items.join(", "))
        }
        SettingValue::Table(members) => {
            let mut lines: Vec<String> = members.iter().map(line).collect();
            lines.sort();
            format!("{{ {} }}", lines.join(", "))
        }
    }
}

fn key_of(name: &str) -> String {
    toml_edit::Key::new(name).to_string()
}

#[cfg(test)]
mod tests;
