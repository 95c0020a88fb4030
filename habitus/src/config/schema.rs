//! JSON Schema and reference of the config, made of the same table that checks it.

use std::fmt::Write;

use serde_json::{Map, Value, json};

use super::fields::{FIELDS, Field, Kind, SIGNAL_DOC, SIGNAL_MODES, signal_ids};

/// The JSON Schema of config files.
pub fn schema() -> Value {
    let mut properties = Map::new();
    for field in FIELDS {
        let place = match field.path.split_once('.') {
            None => (&mut properties, field.path),
            Some((section, key)) => {
                let section = properties.entry(section).or_insert_with(
                    || json!({"type": "object", "additionalProperties": false, "properties": {}}),
                );
                match section.get_mut("properties").and_then(Value::as_object_mut) {
                    Some(inner) => (inner, key),
                    None => continue,
                }
            }
        };
        place.0.insert(place.1.to_owned(), property(field));
    }
    let mode = json!({"enum": SIGNAL_MODES, "default": "alert", "description": SIGNAL_DOC});
    let signal =
        json!({"type": "object", "additionalProperties": false, "properties": {"mode": mode}});
    let signals: Map<String, Value> =
        signal_ids().into_iter().map(|id| (id.to_owned(), signal.clone())).collect();
    properties.insert(
        "signal".to_owned(),
        json!({"type": "object", "additionalProperties": false, "properties": signals}),
    );
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Habitus config",
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
    })
}

fn property(field: &Field) -> Value {
    let mut value = match field.kind {
        Kind::Integer(low, high) => json!({"type": "integer", "minimum": low, "maximum": high}),
        Kind::Number(low, high) => json!({"type": "number", "minimum": low, "maximum": high}),
        Kind::Word(words) => json!({"enum": words}),
        Kind::Size(_) => json!({"type": "string", "pattern": "^[0-9]+ *(B|KiB|MiB|GiB)$"}),
        Kind::Texts(most) => {
            json!({"type": "array", "items": {"type": "string"}, "maxItems": most})
        }
    };
    let default = serde_json::from_str(field.default).unwrap_or(Value::Null);
    if let Some(object) = value.as_object_mut() {
        object.insert("default".to_owned(), default);
        object.insert("description".to_owned(), field.doc.into());
    }
    value
}

/// The reference of all settings, in Markdown.
pub fn reference() -> String {
    let mut out = String::from(
        "# Config\n\nOne TOML file, named with `--config` or `HABITUS_CONFIG`; without one the defaults hold. `habitus validate` reports\nevery mistake with its place; `habitus config show` prints what holds; `docs/habitus.schema.json` serves editors.\nThis page is generated from the table that the program checks against.\n\n| setting | default | what it may be | when to change it |\n|---|---|---|---|\n",
    );
    for field in FIELDS {
        let kind = match field.kind {
            Kind::Integer(low, high) if high == i64::MAX => format!("whole number from {low}"),
            Kind::Integer(low, high) => format!("whole number, {low} to {high}"),
            Kind::Number(low, high) => format!("number, {low} to {high}"),
            Kind::Word(words) => format!("`{}`", words.join("`, `")),
            Kind::Size(least) => format!("size with unit, at least {} MiB", least >> 20),
            Kind::Texts(most) => format!("list of at most {most} texts"),
        };
        let _infallible =
            writeln!(out, "| `{}` | `{}` | {kind} | {} |", field.path, field.default, field.doc);
    }
    let ids = signal_ids().join("`, `");
    let _infallible = writeln!(
        out,
        "| `signal.<id>.mode` | `\"alert\"` | `shadow`, `alert` | {SIGNAL_DOC} |\n\nSignal ids: `{ids}`."
    );
    out
}
