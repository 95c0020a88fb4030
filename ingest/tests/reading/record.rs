//! One record in, fields of its activity out, for tests that change one thing at a time.

use ingest::{Carrier, Decoded, Identity, Limits, Notes, Reader};
use serde_json::{Value, json};

/// The only outcome of a record.
pub(crate) fn outcome(record: &Value) -> Decoded<'static> {
    let by_address = [("10.1.1.1".parse().unwrap(), vec!["mapped-agent".into()])].into();
    let identity = Identity { by_address, by_endpoint: false };
    let mut out = Vec::new();
    let text = record.to_string();
    Reader::new(None, identity, Limits::default()).decode(
        text.as_bytes(),
        &Carrier::default(),
        &mut Notes::default(),
        &mut out,
    );
    assert_eq!(out.len(), 1, "{out:?}");
    out.remove(0).into_owned()
}

/// A record with members set at pointers; null removes.
pub(crate) fn with(record: &Value, changes: &[(&str, Value)]) -> Value {
    let mut record = record.clone();
    for (pointer, value) in changes {
        let mut place = &mut record;
        for key in pointer.split('/').skip(1) {
            if place.is_null() {
                *place = json!({});
            }
            place = match key.parse::<usize>() {
                Ok(index) if place.is_array() => place.get_mut(index).unwrap(),
                _ => place
                    .as_object_mut()
                    .unwrap()
                    .entry(key.replace("~1", "/"))
                    .or_insert(Value::Null),
            };
        }
        *place = value.clone();
    }
    record
}

/// Checks fields of the activity; null is absent.
pub(crate) fn check(base: &Value, changes: &[(&str, Value)], fields: &[(&str, Value)]) {
    let record = with(base, changes);
    let Decoded::Activity(activity) = outcome(&record) else {
        panic!("{record}: {:?}", outcome(&record));
    };
    let activity = serde_json::to_value(&activity).unwrap();
    for (pointer, value) in fields {
        let found = activity.pointer(pointer).cloned().unwrap_or(Value::Null);
        assert_eq!(found, *value, "{pointer} of {record}\n{activity}");
    }
}

/// Checks that a record is refused or skipped: `code pointer`, or the rule.
pub(crate) fn check_not(base: &Value, changes: &[(&str, Value)], said: &str) {
    let record = with(base, changes);
    let found = match outcome(&record) {
        Decoded::Rejected(found) => format!("{} {}", found.code.as_str(), found.path),
        Decoded::Skipped(skip) => skip.rule.to_owned(),
        Decoded::Activity(activity) => panic!("{record}: {activity:?}"),
    };
    assert_eq!(found, said, "{record}");
}

/// The first record of a file.
pub(crate) fn sample(text: &str) -> Value {
    serde_json::from_str(text.lines().next().unwrap())
        .or_else(|_| serde_json::from_str(text))
        .unwrap()
}

/// Pointer of the action's type.
pub(crate) const TYPE: &str = "/action/type";
/// Pointer of the outcome's result.
pub(crate) const RESULT: &str = "/outcome/result";
