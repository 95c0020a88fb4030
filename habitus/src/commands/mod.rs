//! The verbs, a file each, and the command line that names them.

mod access;
mod cli;
mod config;
mod demo;
mod doctor;
mod explain;
mod health;
mod lists;
mod logging;
mod map;
mod operate;
mod produce;
mod run;
mod score;
mod state;
mod tap;
mod validate;

pub(crate) use cli::misuse;
pub use cli::{Cli, run};
