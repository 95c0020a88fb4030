//! Shared fixtures for the integration tests. It holds no test itself, and no other crate sees it.
#![forbid(unsafe_code)]

use std::path::{Path, PathBuf};
use std::process::Command;

/// Returns the folder of the workspace.
pub fn workspace_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests stand in a workspace")
        .to_path_buf()
}

/// Runs cargo in a folder and returns what it printed; panics with all of it where cargo fails.
pub fn cargo(folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let output = command.current_dir(folder).args(arguments).output().expect("cargo starts");
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "failed to run cargo {arguments:?}:\n{stdout}\n{stderr}");
    stdout
}
