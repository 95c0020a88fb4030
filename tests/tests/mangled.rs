//! Bad lines among good ones: each bad one is refused with a typed code, each good one is scored as if the bad
//! ones were not there.

use habitus::local::{Input, LineOutcome, Role, Run};
use schemas::reject::ErrorCode;
use serde_json::{Value, json};
use tests::{Noise, demo_prefix, lines_of, plain, settings};

const GOOD: usize = 10_000;
const BAD: usize = 1_000;
const KINDS: usize = 25;

/// A line that cannot be scored, and the codes that may say so.
struct Bad {
    bytes: Vec<u8>,
    codes: &'static [ErrorCode],
}

#[test]
fn good_lines_are_scored_and_bad_ones_are_refused_with_a_code() {
    let demo = demo_prefix(GOOD);
    let good = lines_of(&demo);
    let mut noise = Noise(41);
    let mut bad = Vec::new();
    let mut mixed = Vec::new();
    let mut expected = Vec::new();
    for (place, line) in good.iter().enumerate() {
        if place % (GOOD / BAD) == 3 {
            bad.push(mangle(bad.len(), line, &mut noise));
            mixed.extend_from_slice(&bad[bad.len() - 1].bytes);
            mixed.push(b'\n');
            expected.push(Some(bad.len() - 1));
        }
        mixed.extend_from_slice(line);
        mixed.push(b'\n');
        expected.push(None);
    }
    assert_eq!(bad.len(), BAD);

    let mut run = Run::new(&settings(), plain(2));
    let mut scores = Vec::new();
    let mut problems = Vec::new();
    let mut seen = 0;
    run.feed(&Input { topic: "file:0", role: Role::Scored, bytes: &mixed }, &mut |line| {
        assert_eq!(line.number, seen, "a line each, in order");
        let wanted = expected[seen as usize];
        seen += 1;
        match (&line.outcome, wanted) {
            (LineOutcome::Scored { activity, observed, .. }, None) => {
                scores.push((activity.id.to_string(), observed.score(), observed.trust.to_bits()));
            }
            (LineOutcome::Rejected(rejection), Some(index)) => {
                let kind = index % KINDS;
                if !bad[index].codes.contains(&rejection.code) {
                    problems.push(format!("kind {kind}: {rejection:?}"));
                }
                if rejection.message.len() > 1_024 {
                    problems.push(format!("kind {kind}: a message of {}", rejection.message.len()));
                }
            }
            (_, None) => problems.push(format!("line {} is good and was not scored", line.number)),
            (_, Some(index)) => problems.push(format!("kind {} was accepted", index % KINDS)),
        }
    });
    problems.sort();
    problems.dedup();
    assert!(problems.is_empty(), "{problems:#?}");
    let counts = run.finish().counts;
    assert_eq!(counts.read, (GOOD + BAD) as u64);
    assert_eq!((counts.scored, counts.rejected), (GOOD as u64, BAD as u64));
    assert_eq!(counts.read, counts.scored + counts.duplicate + counts.skipped + counts.rejected);
    assert_eq!(scores, scores_of(&demo), "bad lines change no score");
}

fn scores_of(bytes: &[u8]) -> Vec<(String, schemas::MicroNats, u64)> {
    let mut run = Run::new(&settings(), plain(2));
    let mut scores = Vec::new();
    run.feed(&Input { topic: "file:0", role: Role::Scored, bytes }, &mut |line| {
        if let LineOutcome::Scored { activity, observed, .. } = &line.outcome {
            scores.push((activity.id.to_string(), observed.score(), observed.trust.to_bits()));
        }
    });
    scores
}

/// Makes the n-th bad line out of a good one.
fn mangle(number: usize, line: &[u8], noise: &mut Noise) -> Bad {
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
