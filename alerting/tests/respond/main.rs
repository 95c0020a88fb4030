//! The respond fold from outside: findings in, responses out. Nothing here looks into its state.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests: a failure here is a failure of the test"
)]

mod cascade;
mod causes;
mod coordination;
mod counting;
mod determinism;
mod findings;
mod flood;
mod incidents;
mod ladder;
mod life;
mod ocsf;
mod outgoing;
mod tables;
mod verdicts;
