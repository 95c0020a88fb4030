//! What must hold of every outcome of decoding, whatever the bytes. The targets only choose the decoder.
#![forbid(unsafe_code)]

use ingest::{Decoded, Format, Limits, Notes};
use mapping::{Mapping, Member, Problem, Setting, SettingValue};
use toml_edit::{Document, Item, TableLike};

/// Checks the outcomes of one record.
pub fn check(bytes: &[u8], notes: &Notes, out: &[Decoded<'_>]) {
    assert!(!out.is_empty(), "a record without an outcome");
    assert!(notes.unknown_fields.len() <= ingest::KINDS_MAX + 1);
    assert!(notes.unknown_values.len() <= ingest::KINDS_MAX + 1);
    for outcome in out {
        match outcome {
            Decoded::Activity(activity) => {
                let text = serde_json::to_string(activity).expect("an activity serialises");
                let (mut again, mut quiet) = (Vec::new(), Notes::default());
                let limits = Limits { record_bytes_max: usize::MAX, ..Limits::default() };
                ingest::decode_as(Format::Native, text.as_bytes(), &limits, &mut quiet, &mut again);
                assert_eq!(again.as_slice(), [Decoded::Activity(activity.clone())], "{text}");
                assert_eq!(quiet, Notes::default(), "{text}");
            }
            Decoded::Rejected(rejection) => {
                assert!(rejection.path.is_empty() || rejection.path.starts_with('/'));
                assert!(rejection.path.len() <= 1_024 && rejection.message.len() <= 1_024);
                // Below a pointer or under a layer of bytes the JSON is another text.
                let text = std::str::from_utf8(bytes).ok().filter(|_| rejection.path.is_empty());
                if let Some(text) = text.filter(|_| rejection.code.as_str() == "invalid_json") {
                    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
                    assert!(serde_json::from_str::<serde_json::Value>(text).is_err());
                }
            }
            Decoded::Skipped(skip) => assert!(!skip.rule.is_empty()),
        }
    }
}

/// Decodes as one format and checks.
pub fn check_format(format: Format, bytes: &[u8]) {
    let (mut notes, mut out) = (Notes::default(), Vec::new());
    ingest::decode_as(format, bytes, &Limits::default(), &mut notes, &mut out);
    check(bytes, &notes, &out);
}

/// The mapping of a text, with a key for hashes; a text that is no TOML is no mapping.
pub fn mapping(text: &str) -> Result<Mapping, Vec<Problem>> {
    let value = match Document::parse(text) {
        Ok(document) => table(document.as_table()),
        Err(_) => SettingValue::Flag(false),
    };
    Mapping::parse("fuzz", &Setting { span: 0..text.len(), value }, Some(b"key"))
}

fn table(table: &dyn TableLike) -> SettingValue {
    let member = |(key, item): (&str, &Item)| {
        let span = table.key(key).and_then(toml_edit::Key::span).unwrap_or_default();
        let value = match (item.as_value(), item.as_table_like()) {
            (Some(inner), _) => value(inner),
            (None, Some(inner)) => self::table(inner),
            // A list of tables.
            (None, None) => SettingValue::Flag(false),
        };
        let setting = Setting { span: item.span().unwrap_or(span.clone()), value };
        Member { key: key.to_owned(), span, setting }
    };
    SettingValue::Table(table.iter().map(member).collect())
}

fn value(value: &toml_edit::Value) -> SettingValue {
    use toml_edit::Value;

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
