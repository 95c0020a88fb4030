//! The entry that tells the format by itself, on any bytes; it checks nothing that `fuzz::check` does not.
#![no_main]

use ingest::{Limits, Notes};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let (mut notes, mut out) = (Notes::default(), Vec::new());
    ingest::decode(bytes, &Limits::default(), &mut notes, &mut out);
    fuzz::check(bytes, &notes, &out);
});
