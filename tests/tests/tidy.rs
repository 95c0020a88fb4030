//! Tidiness as a test: the rules are those of `cargo xtask tidy`, this only runs them, so that nothing is
//! known to CI alone.

use tests::{cargo, workspace_root};

#[test]
fn the_workspace_is_tidy() {
    cargo(&workspace_root(), &["run", "-q", "-p", "xtask", "--", "tidy"]);
}

#[test]
fn generated_files_are_current() {
    cargo(&workspace_root(), &["run", "-q", "-p", "xtask", "--", "codegen", "--check"]);
}
