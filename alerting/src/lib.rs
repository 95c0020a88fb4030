//! The respond fold: findings in; alerts, revocation requests and the references between activities and
//! alerts out. It never reads activity, knows no clock and does no I/O: the same findings give the same bytes.
#![forbid(unsafe_code)]

pub mod access;
mod audit;
mod breaker;
mod budget;
mod cases;
mod chain;
mod coordination;
mod entry;
mod epochs;
pub mod intake;
mod kept;
mod life;
pub mod ocsf;
mod outgoing;
pub mod policy;
mod record;
mod record_id;
mod requests;
mod respond;
mod revocation;
mod settings;
mod silence;
mod swarm;
mod tables;
mod tenant;
mod text;
mod usual;
mod wave;

pub use coordination::CoordinationCounts;
pub use entry::{Entry, EntryError, read};
pub use epochs::EpochCounts;
pub use outgoing::{Outgoing, TopicKind, outgoing};
pub use record::RecordError;
pub use respond::{Respond, RespondCounts, Response};
pub use settings::{BreakerSettings, Mode, Settings};
