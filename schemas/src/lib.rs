//! The vocabulary of Habitus: domain types and wire forms. It computes nothing about behaviour, knows
//! no clock and no I/O; every other crate speaks in these types.
#![forbid(unsafe_code)]

pub mod acknowledgement;
pub mod activity;
pub mod alert;
pub mod cause;
pub mod choice;
pub mod command;
pub mod decision;
pub mod feedback;
pub mod finding;
pub mod header;
pub mod id;
pub mod incident;
pub mod inventory;
pub mod newcomers;
pub mod reject;
pub mod revocation;
pub mod rule;
pub mod score;
pub mod set;
pub mod time;
pub mod trust;
#[cfg(feature = "json-schema")]
pub mod wire;

pub use activity::{Activity, Text};
pub use choice::{ActionType, Authority};
pub use id::{ActorRef, Source};
pub use newcomers::{Newcomer, Newcomers};
pub use reject::{ErrorCode, Rejection};
pub use score::{Contribution, MicroNats};
pub use time::EventTime;
#[cfg(feature = "json-schema")]
pub use wire::wire_schemas;
