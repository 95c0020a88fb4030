//! What is normal: bounded, decaying habits of agents and actors, the shared tables of peers, and the store
//! that holds agents under a hard memory cap. Pure: time and seed are arguments; nothing here scores.
#![forbid(unsafe_code)]

pub mod agent;
pub mod bytes;
pub mod crowd;
pub mod hash;
pub mod math;
mod newcomers;
pub mod part;
pub mod shared;
pub mod store;
pub mod young;

pub use agent::{Actor, Agent, Head};
pub use shared::{Deltas, Shared};
pub use store::{Limits, Store, StoreCounts};
