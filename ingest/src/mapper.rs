//! The one mapper of all table formats: it reads the rows of a format over a record, counts what nobody
//! mapped, and names what is missing. What a row means is the table's.

use record::lexeme::Lexeme;
use record::notes::Notes;
use record::pointer::rejection;
use record::tree::Tree;
use schemas::activity::{Activity, Text};
use schemas::reject::{ErrorCode, Rejection};
use schemas::time::{EventTime, TIME_MS_MIN};
use sha2::{Digest, Sha256};

use crate::carrier::Carrier;
use crate::draft::Draft;
use crate::event::Event;
use crate::field::{Field, Kind};
use crate::plan::Step;
use crate::table::{How, Spec, Verdict};
use crate::trace::Made;
use crate::value::{Misfit, Value};

/// What a record of a format came to.
pub(crate) type Mapped<'a> = Result<Result<Box<Activity<'a>>, &'static str>, Rejection>;

/// Maps one record: an activity, or the rule that skips it. A fault's pointer begins at the record. Who asks what it
/// was `made` of is told what there is of a refused one too.
pub(crate) fn map<'a>(
    spec: &Spec,
    event: &Event<'_, 'a>,
    carrier: &Carrier<'_>,
    notes: &mut Notes,
    mut made: Option<&mut Made>,
) -> Mapped<'a> {
    let mut fault = match (spec.verdict)(event) {
        Verdict::Map => None,
        Verdict::Skip(rule) => return Ok(Err(rule)),
        Verdict::Refuse(code, below, message) => {
            let fault = rejection(code, below.to_owned(), message);
            if made.is_none() {
                return Err(fault);
            }
            Some(fault)
        }
    };
    let mut draft = Draft::default();
    for (step, places) in event.found.steps() {
        if fault.is_some() && made.is_none() {
            break;
        }
        // Of several rows of a field the first that has a value counts.
        if draft.has(step.row.field) {
            continue;
        }
        match read(step, places, event, &mut draft, notes) {
            Ok(None) => {}
            Ok(Some(path)) => {
                if let Some(made) = &mut made {
                    made.origin(name_of(step.row.field), path.map(|path| pointer(event, path)));
                }
                if step.row.field == Field::Time {
                    event.time.set(draft.time());
                }
            }
            Err((code, path, message)) => {
                fault.get_or_insert_with(|| rejection(code, format!("/{path}"), message));
            }
        }
    }
    let missing = |field: Field, code| {
        let row = spec.rows.iter().find(|row| row.field == field);
        let path = row.and_then(|row| row.from.first()).copied().unwrap_or_default();
        rejection(code, format!("/{path}"), "find a required field")
    };
    if fault.is_none() || made.is_some() {
        event.found.unknown.iter().for_each(|kind| notes.count_field(kind));
    }
    if !draft.has(Field::AgentId) {
        fault.get_or_insert_with(|| missing(Field::AgentId, ErrorCode::MissingAgentId));
    }
    let time = draft.time().or(carrier.time);
    if time.is_none() {
        fault.get_or_insert_with(|| missing(Field::Time, ErrorCode::MissingField));
    }
    if let Some(made) = &mut made {
        made.missing = absent(spec, &draft, time.is_some());
    }
    if let Some(fault) = fault {
        if let Some(made) = made {
            // It stands where the time is missing, and is named as missing.
            let any = EventTime::from_millis(TIME_MS_MIN).ok();
            let partial = time.or(any).map(|time| finished(spec, (event, draft), time, notes));
            partial.into_iter().for_each(|partial| made.keep(partial));
        }
        return Err(fault);
    }
    match time {
        Some(time) => Ok(Ok(finished(spec, (event, draft), time, notes))),
        None => Err(missing(Field::Time, ErrorCode::MissingField)),
    }
}

fn finished<'a>(
    spec: &Spec,
    (event, mut draft): (&Event<'_, 'a>, Draft<'a>),
    time: EventTime,
    notes: &mut Notes,
) -> Box<Activity<'a>> {
    if !draft.has(Field::Id) {
        draft.put(Field::Id, Value::Text(Text::Owned(hash(event.tree))));
    }
    let mut activity = draft.activity(spec.name, time, notes);
    (spec.finish)(event, &mut activity);
    activity
}

/// The fields of a format that a record left empty.
fn absent(spec: &Spec, draft: &Draft<'_>, has_time: bool) -> Vec<String> {
    let mut missing: Vec<String> = Vec::new();
    for row in spec.rows {
        let is_field =
            !matches!(row.field.spec().1, Kind::Nothing | Kind::Scalar) && row.field != Field::Id;
        let is_there = draft.has(row.field) || (row.field == Field::Time && has_time);
        let name = name_of(row.field);
        if is_field && !is_there && missing.iter().all(|known| known != name) {
            missing.push(name.to_owned());
        }
    }
    missing
}

fn name_of(field: Field) -> &'static str {
    field.spec().0
}

/// The pointer of what stands at a path of a table.
fn pointer(event: &Event<'_, '_>, path: &str) -> String {
    let (mut pointer, mut tree) = (String::new(), Some(event.tree));
    for step in path.split('/') {
        let last = tree.map_or(0, |tree| tree.items().len()).saturating_sub(1).to_string();
        let step = if step == "-1" { last.as_str() } else { step };
        pointer = format!("{pointer}/{step}");
        tree = tree.and_then(|tree| tree.at(step, event.caseless));
    }
    pointer
}

type Fault = (ErrorCode, &'static str, String);

/// Reads the value of one row; tells the place it came from, where there is one.
fn read<'a>(
    step: &Step,
    found: &[Option<&Tree<'a>>],
    event: &Event<'_, 'a>,
    draft: &mut Draft<'a>,
    notes: &mut Notes,
) -> Result<Option<Option<&'static str>>, Fault> {
    let (row, kind) = (step.row, step.kind);
    let places = || {
        let places = row.from.iter().copied().zip(found);
        places.filter_map(|(path, tree)| tree.map(|tree| (path, tree)))
    };
    if let How::By(rule, _) | How::Of(rule, _) = row.how {
        let Some(text) = rule(event).filter(|text| !text.is_empty()) else { return Ok(None) };
        let path = row.from.first().copied().unwrap_or_default();
        let is_set = put(Value::of_text(kind, text), (draft, row.field), path, notes)?;
        return Ok(is_set.then(|| places().next().map(|(path, _)| path)));
    }
    for (path, tree) in places() {
        let made = match row.how {
            How::Lower => match tree.text() {
                Some(text) if text.bytes().any(|byte| byte.is_ascii_uppercase()) => {
                    let lower = Text::Owned(text.to_ascii_lowercase());
                    Value::of_text(kind, lower)
                }
                _ => Value::of(kind, tree),
            },
            How::Seconds => millis(tree).ok_or(Misfit::Count),
            _ => Value::of(kind, tree),
        };
        if put(made, (draft, row.field), path, notes)? {
            return Ok(Some(Some(path)));
        }
    }
    Ok(None)
}

/// Puts what was made of what stands at a path where it belongs; what does not fit is counted there, or refuses the
/// record. Tells whether there was anything.
fn put<'a>(
    made: Result<Value<'a>, Misfit>,
    (draft, field): (&mut Draft<'a>, Field),
    path: &'static str,
    notes: &mut Notes,
) -> Result<bool, Fault> {
    match made {
        Ok(Value::Nothing) => Ok(false),
        Ok(Value::Cut(text)) => {
            notes.count_value(&format!("/{path}"));
            draft.put(field, Value::Text(text));
            Ok(true)
        }
        Ok(value) => {
            draft.put(field, value);
            Ok(true)
        }
        Err(Misfit::Count) => {
            notes.count_value(&format!("/{path}"));
            Ok(false)
        }
        Err(Misfit::Refuse(code, message)) => Err((code, path, message)),
    }
}

/// A number of seconds in milliseconds.
fn millis<'a>(tree: &Tree<'_>) -> Option<Value<'a>> {
    const END: f64 = 1e15;
    let seconds = match tree {
        Tree::Scalar(Lexeme::Text(text)) => text.parse().ok(),
        Tree::Scalar(lexeme) => lexeme.number(),
        _ => None,
    };
    let ms = seconds.map(|seconds: f64| seconds * 1e3).filter(|ms| (0.0..END).contains(ms));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "bounded above and below; parts of a millisecond are cut"
    )]
    let ms = ms? as u64;
    Some(Value::Number(ms))
}

/// The id of a record that has none of its own: a hash of the record, the same in every envelope.
pub(crate) fn hash(tree: &Tree<'_>) -> String {
    // A tree always serialises.
    let text = serde_json::to_vec(tree).unwrap_or_default();
    let digest = Sha256::digest(&text);
    let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}
