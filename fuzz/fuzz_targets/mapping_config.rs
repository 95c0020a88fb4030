//! Any text as a mapping: it loads or says what is wrong, each with a place in the text.
#![no_main]

use ingest::{Limits, Notes};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match fuzz::mapping(text) {
        Ok(mapping) => {
            let record = br#"{"t":"2026-11-23T20:51:31Z","a":"b","x":{"y":[1,"2"]},"l":[{"m":1}]}"#;
            let (mut notes, mut out) = (Notes::default(), Vec::new());
            mapping.decode(record, &Limits::default(), &mut notes, &mut out);
            fuzz::check(record, &notes, &out);
        }
        Err(problems) => {
            for problem in problems {
                assert!(problem.span.start <= problem.span.end && problem.span.end <= text.len());
                assert!(text.is_char_boundary(problem.span.start), "{problem:?}");
                assert!(!problem.message.is_empty());
            }
        }
    }
});
