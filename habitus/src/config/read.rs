//! Reads a config: walks the document once against the table of settings and reports every mistake.

use std::collections::BTreeMap;
use std::ops::Range;

use toml_edit::{Document, Item, TableLike};

use super::fields::{FIELDS, Field, Kind, SIGNAL_DEFAULT, SIGNAL_MODES, signal_ids};
use super::loaded::{Config, Value};
use super::problem::{Problem, Severity};

/// Reads a config; gives it where there is no error, and every problem. What is not set has its default.
pub fn parse(text: &str) -> (Option<Config>, Vec<Problem>) {
    let (values, problems) = read_values(text);
    let failed = problems.iter().any(|problem| problem.severity == Severity::Error);
    let config = (!failed).then(|| {
        let mut all = default_values();
        all.extend(values);
        Config::from_values(all)
    });
    (config, problems)
}

/// Every setting at its default: defaults are written in TOML and read like a file.
pub(super) fn default_values() -> BTreeMap<String, Value> {
    let fields = FIELDS.iter().map(|field| format!("{} = {}\n", field.path, field.default));
    let signals =
        signal_ids().into_iter().map(|id| format!("signal.{id}.mode = {SIGNAL_DEFAULT}\n"));
    read_values(&fields.chain(signals).collect::<String>()).0
}

/// The values that a text sets, and every problem.
fn read_values(text: &str) -> (BTreeMap<String, Value>, Vec<Problem>) {
    let document = match Document::parse(text) {
        Ok(document) => document,
        Err(error) => {
            let span = error.span().unwrap_or(0..0);
            let message =
                format!("not TOML: {}", error.message().lines().next().unwrap_or("syntax error"));
            return (
                BTreeMap::new(),
                vec![Problem { severity: Severity::Error, message, span, help: None }],
            );
        }
    };
    let mut reader =
        Reader { values: BTreeMap::new(), spans: BTreeMap::new(), problems: Vec::new() };
    reader.table("", document.as_table(), 0..0);
    reader.cross_checks();
    reader.problems.sort_by_key(|problem| (problem.span.start, problem.span.end));
    (reader.values, reader.problems)
}

struct Reader {
    values: BTreeMap<String, Value>,
    spans: BTreeMap<String, Range<usize>>,
    problems: Vec<Problem>,
}

impl Reader {
    fn error(&mut self, span: Range<usize>, message: String, help: Option<String>) {
        self.problems.push(Problem { severity: Severity::Error, message, span, help });
    }

    fn table(&mut self, prefix: &str, table: &dyn TableLike, outer: Range<usize>) {
        for (key, item) in table.iter() {
            let path = if prefix.is_empty() { key.to_owned() } else { format!("{prefix}.{key}") };
            let key_span =
                table.key(key).and_then(toml_edit::Key::span).unwrap_or_else(|| outer.clone());
            if let Some(field) = field_of(&path) {
                let span = item.span().unwrap_or_else(|| key_span.clone());
                self.value(&path, &field, item, span);
            } else if is_section(&path) {
                match item.as_table_like() {
                    Some(inner) => self.table(&path, inner, key_span),
                    None => {
                        self.error(key_span, format!("`{path}` is a section, not a value"), None)
                    }
                }
            } else {
                let help = nearest(&path).map(|near| format!("did you mean `{near}`?"));
                self.error(key_span, format!("unknown setting `{path}`"), help);
            }
        }
    }

    fn value(&mut self, path: &str, field: &Field, item: &Item, span: Range<usize>) {
        match read(&field.kind, item) {
            Ok(value) => {
                self.values.insert(path.to_owned(), value);
                self.spans.insert(path.to_owned(), span);
            }
            Err((message, help)) => self.error(span, format!("`{path}` {message}"), help),
        }
    }

    /// What no single setting can tell.
    fn cross_checks(&mut self) {
        let number = |values: &BTreeMap<String, Value>, path: &str| match values.get(path) {
            Some(Value::Number(number)) => *number,
            _ => FIELDS
                .iter()
                .find(|f| f.path == path)
                .and_then(|f| f.default.parse().ok())
                .unwrap_or(0.0),
        };
        for (lower, higher) in
            [("trust.restricted", "trust.watch"), ("trust.watch", "trust.trusted")]
        {
            if number(&self.values, lower) >= number(&self.values, higher) {
                let span = self
                    .spans
                    .get(lower)
                    .or_else(|| self.spans.get(higher))
                    .cloned()
                    .unwrap_or(0..0);
                self.error(
                    span,
                    format!("`{lower}` must be lower than `{higher}`"),
                    Some("levels descend from trusted to restricted".into()),
                );
            }
        }
        let (alerts, revocations) = (
            number(&self.values, "budget.alerts_per_actor_month"),
            number(&self.values, "budget.revocations_per_actor_month"),
        );
        if revocations > alerts {
            let path = "budget.revocations_per_actor_month";
            let span =
                self.spans.get(path).or_else(|| self.spans.get("budget.alerts_per_actor_month"));
            let span = span.cloned().unwrap_or(0..0);
            self.error(
                span,
                format!("`{path}` must not exceed the budget of alerts"),
                Some("a revocation needs an alert".into()),
            );
        }
        if let (Some(Value::Word(mode)), Some(span)) =
            (self.values.get("mode"), self.spans.get("mode"))
            && mode == "enforce"
        {
            let (span, message) =
                (span.clone(), "mode `enforce` lets revocations leave as binding".to_owned());
            let help = Some("run in `shadow` and `alert` first".to_owned());
            self.problems.push(Problem { severity: Severity::Warning, message, span, help });
        }
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
    for id in signal_ids() {
        known.push(format!("signal.{id}"));
        known.push(format!("signal.{id}.mode"));
    }
    let score = |candidate: &String| strsim::jaro_winkler(path, candidate);
    let best = known.into_iter().max_by(|a, b| score(a).total_cmp(&score(b)))?;
    (score(&best) > 0.85).then_some(best)
}

type Refusal = (String, Option<String>);

fn read(kind: &Kind, item: &Item) -> Result<Value, Refusal> {
    let found = item.type_name();
    let wrong = |wanted: &str| (format!("must be {wanted}, found {found}"), None);
    match kind {
        Kind::Integer(low, high) => {
            let number = item.as_integer().ok_or_else(|| wrong("a whole number"))?;
            if (*low..=*high).contains(&number) {
                Ok(Value::Integer(number))
            } else {
                Err((format!("must lie between {low} and {high}"), None))
            }
        }
        Kind::Number(low, high) => {
            #[expect(clippy::cast_precision_loss, reason = "bounds are small")]
            let whole = item.as_integer().map(|number| number as f64);
            let number = item.as_float().or(whole).ok_or_else(|| wrong("a number"))?;
            if number >= *low && number <= *high {
                Ok(Value::Number(number))
            } else {
                Err((format!("must lie between {low} and {high}"), None))
            }
        }
        Kind::Word(words) => {
            let list = words.join("`, `");
            let word = item.as_str().ok_or_else(|| wrong(&format!("one of `{list}`")))?;
            if words.contains(&word) {
                return Ok(Value::Word(word.to_owned()));
            }
            let near = words.iter().max_by(|a, b| {
                strsim::jaro_winkler(word, a).total_cmp(&strsim::jaro_winkler(word, b))
            });
            Err((
                format!("must be one of `{list}`"),
                near.map(|near| format!("did you mean `{near}`?")),
            ))
        }
        Kind::Size(least) => {
            let text = item.as_str().ok_or_else(|| wrong("a size such as \"512MiB\""))?;
            let bytes = size(text).ok_or_else(|| {
                (
                    "is no size".to_owned(),
                    Some("a whole number and B, KiB, MiB or GiB, such as \"512MiB\"".to_owned()),
                )
            })?;
            if bytes < *least {
                return Err((format!("must be at least {} MiB", least >> 20), None));
            }
            Ok(Value::Size(bytes))
        }
        Kind::Texts(most) => {
            let array = item.as_array().ok_or_else(|| wrong("a list of texts"))?;
            let texts: Option<Vec<String>> =
                array.iter().map(|value| value.as_str().map(str::to_owned)).collect();
            let texts = texts.ok_or_else(|| ("must hold texts only".to_owned(), None))?;
            if texts.len() > *most {
                return Err((format!("must hold at most {most} texts"), None));
            }
            Ok(Value::Texts(texts))
        }
    }
}

/// Bytes of a size with unit.
fn size(text: &str) -> Option<u64> {
    let split = text.find(|c: char| !c.is_ascii_digit())?;
    let (digits, unit) = text.split_at_checked(split)?;
    let shift = match unit.trim() {
        "B" => 0,
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(1 << shift)
}

#[cfg(test)]
mod tests;
