//! `map`: what becomes of each record of a file, and why: the activity field by field with the place it came from, what
//! is missing, what nobody reads. Nothing is scored, and nothing of a record is shown but what an activity holds.

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};

use ingest::{About, Carrier, Decoded, Format, Notes, file_limits, file_records};
use serde_json::{Value, json};

use super::cli::{MapArgs, Misuse, OK};
use crate::local::{files, unpack};
use crate::render::{self, plain};
use config::Config;
use mapping::Reading;
use schemas::Rejection;

/// Records that a proposal looks at.
const SAMPLES: usize = 10_000;

/// Runs `map`.
pub(super) fn run(config: &Config, args: &MapArgs) -> anyhow::Result<u8> {
    let mut out = BufWriter::new(io::stdout().lock());
    if let Some(path) = &args.init {
        return init(&mut out, path, args.reading.mapping.as_deref());
    }
    let Some(input) = &args.input else {
        return Err(Misuse("map without --input FILE or --init FILE".to_owned()).into());
    };
    for path in files(input)? {
        let reading = args.reading.of(config, &path)?;
        let mut number = 0;
        match unpack(&path)? {
            Err(rejection) => {
                let told = (&Decoded::Rejected(rejection), &About::default());
                tell(&mut out, (number, args.json), told, &reading)?;
            }
            Ok(file) => {
                for (_, record) in file_records(file.bytes()) {
                    let limits = file_limits(file.bytes(), record);
                    let beside = (&limits, &Carrier::default());
                    for (decoded, mut about) in
                        reading.explain(record, beside, &mut Notes::default())
                    {
                        about.envelopes.splice(0..0, file.layers().iter().copied());
                        if args.record.is_none_or(|wanted| wanted == number) {
                            tell(&mut out, (number, args.json), (&decoded, &about), &reading)?;
                        }
                        number += 1;
                    }
                }
            }
        }
    }
    out.flush()?;
    Ok(OK)
}

/// Proposes a mapping for the records of a file.
fn init(out: &mut dyn Write, path: &str, name: Option<&str>) -> anyhow::Result<u8> {
    let refused = |rejection: Rejection| Misuse(format!("read {path}: {}", rejection.message));
    let file = unpack(path)?.map_err(refused)?;
    let records: Vec<&[u8]> =
        file_records(file.bytes()).map(|(_, record)| record).take(SAMPLES).collect();
    let proposal = mapping::propose(name.unwrap_or("own"), &records);
    write!(out, "{}", plain(&proposal.text))?;
    out.flush()?;
    for field in &proposal.missing {
        tracing::warn!("nothing looks like {field}, and each activity needs it");
    }
    Ok(OK)
}

/// Tells one outcome: as a line of JSON, or the activity beside the places of its record.
pub(super) fn tell(
    out: &mut dyn Write,
    (number, json): (u64, bool),
    (decoded, about): (&Decoded<'_>, &About),
    reading: &Reading,
) -> anyhow::Result<()> {
    let outcome = match decoded {
        Decoded::Activity(_) => "mapped",
        Decoded::Skipped(_) => "skipped",
        Decoded::Rejected(_) => "rejected",
    };
    let activity = activity_of(decoded, about)?;
    let format = match (about.format, activity.pointer("/producer/format")) {
        (Some(format), _) => Some(format.as_str()),
        (None, told) => told.and_then(Value::as_str),
    };
    let (code, path) = match decoded {
        Decoded::Rejected(rejection) => {
            (Some(rejection.code.as_str()), Some(rejection.path.as_str()))
        }
        Decoded::Skipped(skip) => (Some(skip.rule), None),
        Decoded::Activity(_) => (None, None),
    };
    let made = &about.made;
    if json {
        let line = json!({
            "record": number, "outcome": outcome, "code": code, "path": path, "format": format,
            "envelopes": about.envelopes, "activity": activity, "missing": made.missing, "unmapped": made.unmapped,
        });
        return Ok(writeln!(out, "{}", plain(&line.to_string()))?);
    }
    let mut head =
        vec![format!("record {number}: {outcome}"), format.unwrap_or("no format").to_owned()];
    if !about.envelopes.is_empty() {
        head.push(format!("in {}", about.envelopes.join(", ")));
    }
    if let Decoded::Activity(activity) = decoded
        && let Some(rule) = reading.principals().skips(activity)
    {
        head.push(format!("not scored: {rule}"));
    }
    head.extend(
        code.map(|code| format!("{code} {}", path.unwrap_or_default()).trim_end().to_owned()),
    );
    if let Decoded::Rejected(rejection) = decoded {
        head.push(format!("failed to {}", rejection.message));
    }
    writeln!(out, "{}", render::clean(&head.join("; ")))?;
    beside(out, &activity, about)
}

/// The activity, each field beside the place it came from; then what is missing, and what nobody reads.
fn beside(out: &mut dyn Write, activity: &Value, about: &About) -> anyhow::Result<()> {
    let made = &about.made;
    let is_native = about.format == Some(Format::Native);
    let origins: BTreeMap<&str, &str> = made
        .origins
        .iter()
        .map(|origin| (origin.field.as_str(), origin.pointer.as_deref().unwrap_or("(by rule)")))
        .collect();
    let mut rows = Vec::new();
    leaves(activity, String::new(), &mut rows);
    for (field, value) in rows {
        let own = format!("{}/{}", about.place, field.replace('.', "/"));
        let from =
            origins.get(field.as_str()).copied().unwrap_or(if is_native { &own } else { "" });
        let (from, field) = (render::clean(from), render::clean(&field));
        writeln!(out, "  {from:<44} {field:<28} {}", render::clean(&value))?;
    }
    for (name, fields) in [("missing", &made.missing), ("unmapped", &made.unmapped)] {
        if !fields.is_empty() {
            writeln!(out, "  {name}: {}", render::clean(&fields.join(", ")))?;
        }
    }
    Ok(writeln!(out)?)
}

/// The activity, or what there is of it, as JSON.
fn activity_of(decoded: &Decoded<'_>, about: &About) -> anyhow::Result<Value> {
    if let Decoded::Activity(activity) = decoded {
        return Ok(serde_json::to_value(activity)?);
    }
    let Some(partial) = &about.made.partial else { return Ok(json!({})) };
    let mut value = serde_json::to_value(partial)?;
    for field in &about.made.missing {
        let (place, key) = match field.as_str() {
            "id" | "time" => ("", field.as_str()),
            "agent.id" => ("/agent", "id"),
            "action.type" => ("/action", "type"),
            _ => continue,
        };
        if let Some(object) = value.pointer_mut(place).and_then(Value::as_object_mut) {
            object.remove(key);
        }
    }
    if let Some(object) = value.as_object_mut() {
        object.retain(|_, part| *part != json!({}));
    }
    Ok(value)
}

/// Each field of an activity by its name, with its value.
fn leaves(value: &Value, name: String, into: &mut Vec<(String, String)>) {
    match value {
        Value::Object(members) => members.iter().for_each(|(key, value)| {
            leaves(
                value,
                if name.is_empty() { key.clone() } else { format!("{name}.{key}") },
                into,
            );
        }),
        Value::Array(items) => items.iter().enumerate().for_each(|(index, item)| {
            leaves(item, format!("{name}.{index}"), into);
        }),
        Value::String(text) => into.push((name, text.clone())),
        other => into.push((name, other.to_string())),
    }
}
