//! Shared fixtures of the benchmarks. It measures nothing itself, and no other crate sees it.
#![forbid(unsafe_code)]
