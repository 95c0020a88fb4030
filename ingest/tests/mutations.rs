//! Samples with something replaced, removed or moved: whatever comes of it, nothing panics, each record has an
//! outcome, and an activity is within the published schema: written as native JSON and read again it is the same.
#![expect(clippy::unwrap_used, reason = "a test fails by its panic")]

use std::path::PathBuf;

use ingest::{Carrier, Decoded, Format, Identity, Limits, Notes, Reader, decode_as};
use schemas::time::EventTime;
use serde_json::{Value, json};

const FILES: [&str; 16] = [
    "azure-activity/event.ndjson",
    "bedrock-invocation/event.ndjson",
    "claude-compliance/event.ndjson",
    "cloudtrail/bedrock.ndjson",
    "cloudtrail/eventbridge.ndjson",
    "entra/diagnostic.ndjson",
    "gcp-audit/event.ndjson",
    "github-audit/event.ndjson",
    "in.cloudtrail.json",
    "in.k8s-audit.json",
    "in.okta.json",
    "k8s-audit/eks.ndjson",
    "ocsf/in.ocsf-6003.json",
    "openai-audit/event.ndjson",
    "teleport/event.ndjson",
    "zeek/mixed-streams.ndjson",
];

/// SplitMix64.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % u64::try_from(end).unwrap()).unwrap()
    }
}

fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Array(items) => {
            items
                .iter()
                .enumerate()
                .for_each(|(n, item)| pointers(item, &format!("{at}/{n}"), found));
        }
        Value::Object(members) => {
            for (key, item) in members {
                let key = key.replace('~', "~0").replace('/', "~1");
                pointers(item, &format!("{at}/{key}"), found);
            }
        }
        _ => {}
    }
}

/// A value that nobody expects there.
fn odd(dice: &mut Dice, record: &Value, places: &[String]) -> Value {
    let texts = [
        "",
        " ",
        "unknown",
        "null",
        "::",
        "0.0.0.0",
        "1.2.3.4:5",
        "[::1]:7",
        ":443",
        "é漢😀",
        "{\"a\":1}",
        "{",
        "arn:aws:sts::1:assumed-role/R/",
        "/",
        ":",
        "user@",
        "-1",
        "1e999",
    ];
    match dice.below(12) {
        0 => Value::Null,
        1 => json!(dice.below(2) == 0),
        2 => json!(dice.below(2_000)),
        3 => json!(-7),
        4 => json!(1.5e300),
        5 => json!(u64::MAX),
        6 => json!([]),
        7 => json!({}),
        8 => json!("é".repeat(dice.below(3_000))),
        9 => json!([[{"id": {}}], "x"]),
        10 => record.pointer(&places[dice.below(places.len())]).unwrap().clone(),
        _ => json!(texts[dice.below(texts.len())]),
    }
}

fn check(text: &str, named: Option<Format>) -> Option<Format> {
    let identity = Identity {
        by_address: [("10.0.1.4".parse().unwrap(), vec!["a".into()])].into(),
        by_endpoint: true,
    };
    let carrier = Carrier { headers: &[], time: EventTime::from_millis(1_700_000_000_000).ok() };
    let (mut notes, mut out) = (Notes::default(), Vec::new());
    let mut reader = Reader::new(named, identity, Limits::default());
    reader.decode(text.as_bytes(), &carrier, &mut notes, &mut out);
    assert!(!out.is_empty(), "{text}");
    for outcome in &out {
        match outcome {
            Decoded::Activity(activity) => {
                let written = serde_json::to_string(activity).unwrap();
                let (mut quiet, mut again) = (Notes::default(), Vec::new());
                decode_as(
                    Format::Native,
                    written.as_bytes(),
                    &Limits::default(),
                    &mut quiet,
                    &mut again,
                );
                let same = [Decoded::Activity(activity.clone())];
                assert_eq!(again.as_slice(), same, "{text}");
                assert_eq!(quiet, Notes::default(), "{written}");
            }
            Decoded::Rejected(found) => {
                assert!(found.path.is_empty() || found.path.starts_with('/'), "{found:?}");
                assert!(found.path.len() <= 1_024 && found.message.len() <= 1_024);
            }
            Decoded::Skipped(skip) => assert!(!skip.rule.is_empty()),
        }
    }
    reader.last()
}

#[test]
fn whatever_a_record_holds_it_has_an_outcome_within_the_schema() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut dice = Dice(20);
    for file in FILES {
        let text = std::fs::read_to_string(root.join(file)).unwrap();
        let records = serde_json::Deserializer::from_str(&text).into_iter();
        let records: Vec<Value> = records.map(Result::unwrap).collect();
        for _ in 0..600 {
            let mut record = records[dice.below(records.len())].clone();
            let Some(told) = check(&record.to_string(), None) else { panic!("{record}") };
            for _ in 0..=dice.below(4) {
                let mut places = Vec::new();
                pointers(&record, "", &mut places);
                let place = places[1 + dice.below(places.len() - 1)].clone();
                let value = odd(&mut dice, &record, &places);
                *record.pointer_mut(&place).unwrap() = value;
            }
            check(&record.to_string(), None);
            check(&record.to_string(), Some(told));
        }
    }
}
