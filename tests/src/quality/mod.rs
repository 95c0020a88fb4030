//! Quality on scenarios: what an engine said of them, and what that is worth.

mod engine;
mod judge;
mod table;

pub use engine::{Nearest, Raised, Seen, run};
pub use judge::{Cost, Figures, GRACE_MS, Tally, add, judge};
pub use table::markdown;
