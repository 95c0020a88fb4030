//! The folds on a log: bytes to activities and findings, lanes in threads, the control topic, the way to the broker. It
//! wires; it decides nothing.
#![forbid(unsafe_code)]

mod admit;
mod authors;
mod connect;
mod control;
mod dead_letter;
mod fold;
mod intake;
mod link;
mod meter;
mod observe;
mod process;
mod register;
mod respond;
mod said;
mod sets;
mod setup;
mod topics;
mod trust;

pub use admit::{AHEAD_MS_MAX, BEHIND_MS_MAX};
pub use authors::secrets;
pub use connect::{Connected, Unusable, connect};
pub use control::snapshots;
pub use fold::{StreamFold, Switches};
pub use link::{lacking, link};
pub use process::{Orders, clock, run as run_process, watch_end};
pub use setup::{Lists, Names, Setup};
pub use topics::{Topic, Topics};
pub use trust::TrustFollower;
