//! What an operator asks of a deployment and says to it: requests, trust, silences, verdicts. It reads topics outside any
//! group, and writes only what any operator may write; what follows from it is decided in the folds.
#![forbid(unsafe_code)]

mod health;
mod log;
mod requests;
mod said;
mod terminal;
mod trust;
mod verbs;

pub use health::ask_ready;
pub use log::{Console, ConsoleError, Sending};
pub use requests::Request;
pub use said::{By, Written};
pub use terminal::{clean, line, log as log_line, plain};
pub use verbs::{FeedbackArgs, Revoke, Silence, Trust, Verb, run};
