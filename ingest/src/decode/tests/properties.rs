//! Decoding never panics, always has an outcome, and undoes serialising.

use proptest::prelude::*;

use super::dice::{Dice, mutate};
use super::*;

const NATIVE: &str = include_str!("../../../fixtures/event.native.json");
const OTLP: &str = include_str!("../../../fixtures/in.otlp-span.json");

fn check_any(bytes: &[u8]) {
    let mut out = Vec::new();
    decode(bytes, &Limits::default(), &mut Notes::default(), &mut out);
    assert!(!out.is_empty());
    for format in [Format::Native, Format::Otlp] {
        out.clear();
        decode_as(format, bytes, &Limits::default(), &mut Notes::default(), &mut out);
        assert!(!out.is_empty());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_have_an_outcome(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        check_any(&bytes);
    }

    #[test]
    fn mutated_records_have_an_outcome(seed in any::<u64>()) {
        check_any(&mutate(NATIVE.as_bytes().to_vec(), seed));
        check_any(&mutate(OTLP.as_bytes().to_vec(), seed));
        check_any(&mutate(MINIMAL.as_bytes().to_vec(), seed));
    }

    #[test]
    fn decoding_undoes_serialising(seed in any::<u64>()) {
        let activity = Dice(seed).activity();
        let text = serde_json::to_string(&activity).unwrap();
        let mut notes = Notes::default();
        match only(text.as_bytes(), &mut notes) {
            Decoded::Activity(back) => prop_assert_eq!(*back, activity),
            other => prop_assert!(false, "{:?}\n{}", other, text),
        }
        prop_assert_eq!(notes, Notes::default());
    }
}
