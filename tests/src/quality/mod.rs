//! Quality on scenarios: what an engine said of them, and what that is worth.

mod engine;
mod judge;
mod respond;
mod respond_table;
mod table;

pub use engine::{Nearest, Raised, Seen, run};
pub use judge::{Cost, Figures, GRACE_MS, Tally, add, judge};
pub use respond::{Answered, Answers, ask};
pub use respond_table::markdown as answers_markdown;
pub use table::markdown;
