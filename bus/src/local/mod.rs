//! The log in one process: what the simulator and the journal share, and the clients of both.

mod admin;
mod consumer;
mod core;
mod engine;
mod group;
mod log;
mod producer;
mod reader;
mod txn;

pub(crate) use admin::LocalAdmin;
pub use consumer::LocalConsumer;
pub(crate) use core::{Edge, Handle};
pub(crate) use engine::{Batch, Engine, Kept, Topic};
pub use group::LocalGroup;
pub(crate) use log::Body;
pub use producer::LocalProducer;
pub use reader::LocalReader;
pub(crate) use txn::Claim;
