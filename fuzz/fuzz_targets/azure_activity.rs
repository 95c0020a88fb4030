//! The azure_activity decoder on any bytes; it checks nothing that `fuzz::check` does not.
#![no_main]

use ingest::Format;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::check_format(Format::AzureActivity, bytes));
