//! What is wrong with a deployment, and what its sources leave the signals blind to: topics against what is wanted of
//! them, and samples of what comes in. It looks; it changes nothing and takes nothing from anybody.
#![forbid(unsafe_code)]

mod field;
mod report;
mod sample;
mod topics;

pub use field::{ALWAYS, FIELDS, Watched};
pub use report::{Finding, Level, Report};
pub use sample::Survey;
