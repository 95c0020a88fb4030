//! What must hold of every outcome of decoding, whatever the bytes. The targets only choose the decoder.
#![forbid(unsafe_code)]

use ingest::{Decoded, Format, Limits, Notes};

/// Checks the outcomes of one record.
pub fn check(bytes: &[u8], notes: &Notes, out: &[Decoded<'_>]) {
    assert!(!out.is_empty(), "a record without an outcome");
    assert!(notes.unknown_fields.len() <= ingest::KINDS_MAX + 1);
    assert!(notes.unknown_values.len() <= ingest::KINDS_MAX + 1);
    for outcome in out {
        match outcome {
            Decoded::Activity(activity) => {
                let text = serde_json::to_string(activity).expect("an activity serialises");
                let (mut again, mut quiet) = (Vec::new(), Notes::default());
                let limits = Limits { record_bytes_max: usize::MAX, ..Limits::default() };
                ingest::decode_as(Format::Native, text.as_bytes(), &limits, &mut quiet, &mut again);
                assert_eq!(again.as_slice(), [Decoded::Activity(activity.clone())], "{text}");
                assert_eq!(quiet, Notes::default(), "{text}");
            }
            Decoded::Rejected(rejection) => {
                assert!(rejection.path.is_empty() || rejection.path.starts_with('/'));
                assert!(rejection.path.len() <= 1_024 && rejection.message.len() <= 1_024);
                // Below a pointer or under a layer of bytes the JSON is another text.
                let text = std::str::from_utf8(bytes).ok().filter(|_| rejection.path.is_empty());
                if let Some(text) = text.filter(|_| rejection.code.as_str() == "invalid_json") {
                    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
                    assert!(serde_json::from_str::<serde_json::Value>(text).is_err());
                }
            }
            Decoded::Skipped(skip) => assert!(!skip.rule.is_empty()),
        }
    }
}

/// Decodes as one format and checks.
pub fn check_format(format: Format, bytes: &[u8]) {
    let (mut notes, mut out) = (Notes::default(), Vec::new());
    ingest::decode_as(format, bytes, &Limits::default(), &mut notes, &mut out);
    check(bytes, &notes, &out);
}
