//! Traces and logs of OpenTelemetry in protobuf, one record after the other: what waits for its agent is bounded, and
//! saved and loaded it is the same.
#![no_main]

use ingest::{Arrival, Carrier, Hold, HoldLimits, Identity, Limits, Notes, Way};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    fuzz::check_format(ingest::Format::Otlp, bytes);
    let (identity, limits, carrier) = (Identity::default(), Limits::default(), Carrier::default());
    let way = Way::of(None, &identity);
    let bounds = HoldLimits { hold_ms: 60_000, bytes_max: 1 << 12 };
    let mut hold = Hold::new(bounds);
    let (mut held, mut ended) = (0, 0);
    for (ticket, bytes) in (0_u64..).zip(bytes.split(|byte| *byte == 0xff)) {
        let (mut notes, mut out) = (Notes::default(), Vec::new());
        let among = (&mut notes, &mut out);
        let traced = ingest::decode_among(&way, bytes, (&limits, &carrier), hold.ancestors(), among);
        fuzz::check(bytes, &notes, &out);
        held += traced.orphans.len();
        let arrival = Arrival { ticket, until_ms: i64::MAX, bytes: bytes.len() };
        ended += hold.take(arrival, traced, || vec![1]).len();
        let mut restored = Hold::new(bounds);
        for (key, value) in hold.touched() {
            if !value.is_empty() {
                restored.load(&key, &value).expect("what was saved loads");
            }
        }
    }
    assert_eq!(held, ended + hold.n_waiting(), "each ends once");
    assert_eq!(hold.n_waiting(), hold.end().len());
});
