//! Lines that cannot be scored, of every kind, each with the codes that may say so.

use schemas::reject::ErrorCode;
use serde_json::{Value, json};

use crate::Noise;

/// Kinds of mangling.
pub const KINDS: usize = 25;

/// A line that cannot be scored, and the codes that may say so.
pub struct Bad {
    /// The line.
    pub bytes: Vec<u8>,
    /// The codes.
    pub codes: &'static [ErrorCode],
}

/// Mangles a good line, each number in a way of its own.
pub fn mangle(number: usize, line: &[u8], noise: &mut Noise) -> Bad {
    let event: Value = serde_json::from_slice(line).unwrap();
    match number % KINDS {
        kind @ 0..=8 => mangle_bytes(number, kind, line, noise),
        kind => mangle_fields(kind, event),
    }
}

fn mangle_bytes(number: usize, kind: usize, line: &[u8], noise: &mut Noise) -> Bad {
    use ErrorCode::*;
    let bad = |bytes: Vec<u8>, codes| Bad { bytes, codes };
    let text = std::str::from_utf8(line).unwrap();
    match kind {
        0 => {
            let end = 1 + noise.below(line.len() as u64 - 2) as usize;
            bad(line[..end].to_vec(), &[InvalidJson])
        }
        1 => {
            let mut bytes = line.to_vec();
            let place = noise.below(bytes.len() as u64) as usize;
            bytes[place] = 0xff;
            bad(bytes, &[InvalidUtf8])
        }
        2 => {
            let size = 20 + noise.below(400);
            let random = (0..size).map(|_| (noise.draw() & 0xff) as u8);
            let mut bytes: Vec<u8> = random.map(|b| if b == b'\n' { 0 } else { b }).collect();
            bytes.insert(0, 0x80);
            bad(bytes, &[InvalidUtf8])
        }
        3 => bad(
            vec![0; 1 + number % 7],
            &[InvalidJson, UnsupportedFormat, SchemaRegistryUnsupported],
        ),
        4 => {
            let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
            bad(format!("{{\"extra\":{deep},{}", &text[1..]).into_bytes(), &[TooDeep])
        }
        5 => {
            let deep = format!("{}1{}", "{\"a\":".repeat(200), "}".repeat(200));
            bad(deep.into_bytes(), &[TooDeep, UnsupportedSchema, MissingField])
        }
        6 => {
            let scalars = ["null", "42", "\"text\"", "[1, 2]", "true", "[]"];
            bad(scalars[number / KINDS % 6].into(), &[UnsupportedFormat])
        }
        7 => bad(format!("{text} {{").into_bytes(), &[InvalidJson]),
        _ if number < KINDS => {
            let long = format!("{{\"extra\":\"{}\",{}", "x".repeat(2 << 20), &text[1..]);
            bad(long.into_bytes(), &[TooLarge])
        }
        _ => bad(text.replace(':', ";").into_bytes(), &[InvalidJson]),
    }
}

fn mangle_fields(kind: usize, mut event: Value) -> Bad {
    use ErrorCode::*;
    let long = "x".repeat(100_000);
    let mut set = |pointer: &str, value: Value| {
        let (parent, member) = pointer.rsplit_once('/').unwrap();
        event.pointer_mut(parent).unwrap()[member] = value;
    };
    let codes: &'static [ErrorCode] = match kind {
        9 => (set("/time", json!(5)), &[InvalidField]).1,
        10 => (set("/agent", json!([])), &[InvalidField]).1,
        11 => (set("/action/tool/name", json!(long)), &[TooLarge]).1,
        12 => (set("/agent/id", json!(long)), &[TooLarge]).1,
        13 => (set("/time", json!("0001-01-01T00:00:00Z")), &[TimeOutOfRange]).1,
        14 => (set("/time", json!("9999-12-31T23:59:59Z")), &[TimeOutOfRange]).1,
        15 => (set("/time", json!("2099-01-01T00:00:00Z")), &[TimeOutOfRange]).1,
        16 => (set("/agent", json!({"blueprint": "monitor"})), &[MissingAgentId]).1,
        17 => (set("/agent/id", json!("")), &[MissingAgentId, InvalidField]).1,
        18 => (set("/schema", json!("agent.activity/9")), &[UnsupportedSchema]).1,
        19 => (set("/time", json!("2026-01-05T00:00:00")), &[InvalidField]).1,
        20 => (set("/tenant_id", json!("acme|evil")), &[InvalidField]).1,
        21 => (set("/action", json!({})), &[MissingField]).1,
        22 => (set("/id", json!("x".repeat(129))), &[TooLarge, InvalidField]).1,
        23 => (set("/usage", json!({"bytes_in": -5})), &[InvalidField]).1,
        _ => (set("/id", Value::Null), &[MissingField, InvalidField]).1,
    };
    Bad { bytes: serde_json::to_vec(&event).unwrap(), codes }
}
