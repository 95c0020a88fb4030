//! The smallest native record and what is made of it, for tests; those of `ingest` include this file.

use serde_json::{Value, json};

pub(crate) const MINIMAL: &str =
    include_str!("../../../../ingest/fixtures/event.native.minimal.json");

/// The minimal record with a value set at a pointer; missing objects are made.
pub(crate) fn minimal_with(pointer: &str, value: Value) -> Value {
    let mut record: Value = serde_json::from_str(MINIMAL).unwrap();
    let mut place = &mut record;
    for key in pointer.split('/').skip(1) {
        place = match key.parse::<usize>() {
            Ok(index) => place.get_mut(index).unwrap(),
            Err(_) => place.as_object_mut().unwrap().entry(key).or_insert_with(|| json!({})),
        };
    }
    *place = value;
    record
}
