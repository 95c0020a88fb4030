//! A mapping in TOML as the neutral tree: what the config layer does.

use toml_edit::{Document, Item, TableLike, Value};

use crate::{Mapping, Member, Problem, Setting, SettingValue};

/// The setting of a text that is one mapping.
pub(crate) fn setting(text: &str) -> Setting {
    let document = Document::parse(text).unwrap();
    Setting { span: 0..text.len(), value: table(document.as_table()) }
}

fn table(table: &dyn TableLike) -> SettingValue {
    let member = |(key, item): (&str, &Item)| {
        let span = table.key(key).and_then(toml_edit::Key::span).unwrap_or_default();
        let value = match item.as_value() {
            Some(inner) => value(inner),
            None => self::table(item.as_table_like().unwrap()),
        };
        let setting = Setting { span: item.span().unwrap_or(span.clone()), value };
        Member { key: key.to_owned(), span, setting }
    };
    SettingValue::Table(table.iter().map(member).collect())
}

fn value(value: &Value) -> SettingValue {
    let item = |inner: &Value| Setting {
        span: inner.span().unwrap_or_default(),
        value: self::value(inner),
    };
    match value {
        Value::String(text) => SettingValue::Text(text.value().clone()),
        Value::Integer(number) => SettingValue::Integer(*number.value()),
        Value::Float(number) => SettingValue::Number(*number.value()),
        Value::Boolean(truth) => SettingValue::Flag(*truth.value()),
        Value::Datetime(time) => SettingValue::Text(time.value().to_string()),
        Value::Array(items) => SettingValue::List(items.iter().map(item).collect()),
        Value::InlineTable(inner) => table(inner),
    }
}

/// The mapping of a text, with a key for hashes.
pub(crate) fn mapping(text: &str) -> Result<Mapping, Vec<Problem>> {
    Mapping::parse("test", &setting(text), Some(b"key"))
}

/// The mapping of a text without a mistake.
pub(crate) fn valid(text: &str) -> Mapping {
    mapping(text).unwrap_or_else(|problems| panic!("{problems:#?}\n{text}"))
}
