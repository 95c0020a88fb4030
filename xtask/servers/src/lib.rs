//! Real servers for tests, on loopback: started, stopped, killed and removed, here and in `cargo xtask servers`.
//! A server lives in a folder of its own (settings, data, log, pid), so that several stand side by side. It
//! ends only processes that it finds in such a folder. Beside it, a run of tests that cannot hang.
#![forbid(unsafe_code)]

mod command;
mod kafka;
mod otel;
mod process;
pub mod watch;

pub use command::{USAGE, run};
pub use kafka::{KAFKA, Kafka, Lent, Secured, lend, missing};
pub use otel::{Collector, missing_go, python_sdk};

use std::env;
use std::path::{Path, PathBuf};

/// Returns the folder of all servers of a workspace, below the one that cargo builds into.
pub fn folder(workspace: &Path) -> PathBuf {
    workspace
        .join(env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()))
        .join("servers")
}
