//! Realistic activity of a fleet of agents over some months, with labelled incidents and benign changes: what the
//! acceptance of detection is measured on. It knows the public format and nothing of the engine.

mod call;
mod catalog;
mod change;
mod habit;
mod incident;
mod play;
mod population;
mod random;
mod register;
mod schedule;
mod stream;
mod work;

pub use call::{Call, Network};
pub use change::{Change, ChangeKind};
pub use incident::{Contradiction, Incident, IncidentKind};
pub use stream::{DAY_MS, HOUR_MS, START_MS, Scenario, Size, Stream, With};
