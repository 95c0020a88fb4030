//! The respond fold: findings in; alerts, revocation requests and the references between activities and
//! alerts out. It never reads activity, knows no clock and does no I/O: the same findings give the same bytes.
#![forbid(unsafe_code)]

mod audit;
mod breaker;
mod budget;
mod cascade;
mod cases;
mod causes;
mod coordination;
mod counts;
mod entry;
mod epochs;
mod feedback;
mod flood;
mod incidents;
mod join;
mod kept;
mod life;
pub mod ocsf;
mod opinion;
mod outgoing;
mod past;
mod record;
mod record_id;
mod requests;
mod respond;
mod revocation;
mod saved;
pub mod set;
mod settings;
mod silence;
mod swarm;
mod tables;
mod tenant;
mod text;
mod tree;
mod usual;
mod wave;

pub use ::policy;
pub use coordination::CoordinationCounts;
pub use counts::RespondCounts;
pub use entry::{Entry, EntryError, read};
pub use epochs::EpochCounts;
pub use outgoing::{Outgoing, RECEIVER_HEADER, TopicKind, outgoing};
pub use policy::{Mode, access};
pub use record::RecordError;
pub use requests::{Asked, State as RequestState};
pub use respond::{Respond, Response};
pub use said::{self as intake, SIGNATURE_HEADER, Secret, SecretError};
pub use saved::{Saved, saved};
pub use settings::{BreakerSettings, Settings};
pub use silence::Silence;
