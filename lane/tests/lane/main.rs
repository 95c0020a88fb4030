//! Tests of the lane: its core without any log, and the whole of it on the simulator.
#![expect(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::print_stdout,
    reason = "tests: a failure here is a failure of the test"
)]

mod breaker;
mod careful;
mod core;
mod first_batch;
mod harness;
mod mutant;
mod sim;
mod toy;
