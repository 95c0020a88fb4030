//! JSON Schema and reference of the config, made of the same table that checks it.

use std::fmt::Write;

use serde_json::{Map, Value, json};

use super::fields::{FIELDS, Field, SIGNAL_DOC, SIGNAL_MODES, signal_ids};
use super::sources::formats;

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
    let source = json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "topic": {"type": "string", "description": "The topic it is about."},
            "path": {"type": "string", "description": "Or files, as a pattern of their paths."},
            "format": {"enum": formats(), "default": "auto", "description": "Their format."},
            "mapping": {"type": "string", "description": "Or their mapping, by name."},
        },
    });
    properties.insert("source".to_owned(), json!({"type": "array", "items": source}));
    let mapping = json!({"type": "object", "additionalProperties": {"type": "object"}});
    properties.insert("mapping".to_owned(), mapping);
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Habitus config",
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
    })
}

fn property(field: &Field) -> Value {
    let mut value = field.kind.schema();
    if let Some(object) = value.as_object_mut() {
        if let Ok(default) = serde_json::from_str::<Value>(field.default) {
            object.insert("default".to_owned(), default);
        }
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
        let Field { path, kind, default, doc } = field;
        let default = if default.is_empty() { "none" } else { default };
        let _infallible = writeln!(out, "| `{path}` | `{default}` | {kind} | {doc} |");
    }
    let ids = signal_ids().join("`, `");
    let _infallible = writeln!(
        out,
        "| `signal.<id>.mode` | `\"alert\"` | `shadow`, `alert` | {SIGNAL_DOC} |\n\nSignal ids: `{ids}`.\n\n\
         ## What is read, and how\n\n\
         `[[source]]` says how a topic (`topic`, the one that is read) or files (`path`, a pattern of their paths: `*` is any\n\
         text) are read: by a `format` or by a `mapping`. Without a source each record is recognised by its shape (`auto`).\n\
         `[mapping.NAME]` is a mapping: see [inputs/mapping.md](inputs/mapping.md). Formats: `{}`.",
        formats().join("`, `")
    );
    out
}
