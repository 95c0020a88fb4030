//! Pairs that must differ: the same fleet, then one agent that does as usual and one that does not. They use no labelled
//! data.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a fixture that cannot be built is a failed test"
)]

mod fleet;
mod habits;
mod poisoning;
mod silent;
