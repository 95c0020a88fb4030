//! The respond fold: findings in; alerts, revocation requests and the references between activities and
//! alerts out. It never reads activity, knows no clock and does no I/O: the same findings give the same bytes.
#![forbid(unsafe_code)]

mod breaker;
mod budget;
mod cases;
mod chain;
mod ladder;
pub mod ocsf;
mod record;
mod respond;
mod revocation;
mod settings;
mod tenant;
mod text;

pub use ladder::{Decision, Hold, Policy, PolicyFacts, decide};
pub use record::RecordError;
pub use respond::{Entry, Respond, Response};
pub use settings::{BreakerSettings, Mode, Settings};
