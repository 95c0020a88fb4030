//! Config: one TOML file. One table of settings gives the checks, the defaults, the schema and the reference, so
//! they cannot differ.

mod fields;
mod loaded;
mod problem;
mod read;
mod schema;

pub use loaded::{Config, Mode};
pub use problem::{Problem, Severity, render};
pub use read::parse;
pub use schema::{reference, schema};
