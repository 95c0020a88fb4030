//! A deterministic fleet of agents with labelled incidents, as events: some dozens over four weeks, several
//! compromised in the last one. It makes events and nothing else: what is found in them comes from the engine.
#![forbid(unsafe_code)]

mod fleet;
mod generate;
mod incident;
mod random;
mod write;

pub use generate::{agent_count, generate, generate_until};
pub use incident::{Incident, IncidentKind, incidents};
