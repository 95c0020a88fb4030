//! Synthetic agents for `demo`: some dozens over four weeks, several compromised in the last one. It makes events and
//! nothing else: what the demo shows comes from the engine.

mod fleet;
mod generate;
mod incident;
mod random;
mod write;

pub use generate::{agent_count, generate};
pub use incident::{Incident, IncidentKind, incidents};
