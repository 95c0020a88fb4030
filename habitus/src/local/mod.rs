//! The folds in one process, over files or bytes: decode, stamp, observe over virtual partitions, respond at once,
//! merge at each epoch's end. Any number of lanes gives the same bytes. It wires; it decides nothing.

mod explain;
mod files;
mod fold;
mod input;
mod report;
mod run;
mod timings;

pub use explain::{Explained, explain};
pub use files::files;
pub use input::{Input, Role, open, unpack};
pub use report::{ActorTrust, Counts, Line, LineOutcome, Options, Report, Settings};
pub use run::Run;
pub use timings::Timings;
