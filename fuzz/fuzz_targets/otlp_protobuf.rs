//! Traces and logs of OpenTelemetry in protobuf.
#![no_main]

use ingest::{Ancestors, HoldLimits, Limits, Notes};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    fuzz::check_format(ingest::Format::Otlp, bytes);
    let now = schemas::EventTime::from_millis(1_795_467_091_412).expect("a time");
    let mut ancestors = Ancestors::new(HoldLimits { spans_max: 8, held_max: 8, ..HoldLimits::default() });
    ancestors.learn(bytes, &Limits::default(), now);
    let (mut notes, mut out) = (Notes::default(), Vec::new());
    let among = (&mut notes, &mut out);
    for orphan in ingest::decode_among(bytes, &Limits::default(), &ancestors, among) {
        ancestors.hold(0, &orphan, now);
    }
    fuzz::check(bytes, &notes, &out);
    ancestors.release(now);
    assert!(ancestors.n_held() <= 8);
});
