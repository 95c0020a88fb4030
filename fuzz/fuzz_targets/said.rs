//! Any bytes as what is said from outside: acknowledgements, verdicts, commands. What is accepted is a finding that respond
//! reads; a refusal has a pointer and is short.
#![no_main]

use std::sync::LazyLock;

use alerting::intake::{Arrival, Authors, acknowledgement, feedback_or_command};
use schemas::finding::Versions;
use schemas::{EventTime, Source};

static SOURCE: LazyLock<Source> =
    LazyLock::new(|| Source { topic_id: "t".to_owned(), partition: 0, offset: 1, ordinal: 0 });
static VERSIONS: LazyLock<Versions> = LazyLock::new(Versions::default);
static AUTHORS: LazyLock<Authors> = LazyLock::new(Authors::default);

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let log_time = EventTime::from_millis(1_795_467_091_412).expect("a time");
    let arrival =
        Arrival { source: &SOURCE, log_time, versions: &VERSIONS, authors: &AUTHORS, signature: None };
    for said in [acknowledgement(bytes, &arrival), feedback_or_command(bytes, &arrival)] {
        match said {
            Ok(finding) => {
                let text = serde_json::to_vec(&finding).expect("a finding serialises");
                assert_eq!(alerting::read(&text).expect("respond reads it"), finding);
            }
            Err(rejection) => {
                assert!(rejection.path.is_empty() || rejection.path.starts_with('/'));
                assert!(rejection.path.len() <= 1_024 && rejection.message.len() <= 1_024);
            }
        }
    }
});
