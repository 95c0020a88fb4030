//! Traces as Langfuse exports them.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::check_format(ingest::Format::Langfuse, bytes));
