//! The tasks of the workspace: generated files, tidiness, the test suite, the instruction count.
//! Plain `std` and at most 600 lines: what needs more belongs into a test or a tool of its own.
#![forbid(unsafe_code)]

mod codegen;
mod instructions;
mod test;
mod tidy;

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};

use anyhow::{Context, Result, ensure};

const USAGE: &str = "\
usage: cargo xtask <task>

  codegen [--check] [--signals]   write the generated files; --check only compares (--tls: build with it)
  tidy                            check what rustfmt and clippy do not: headers, sizes, names
  test [ARGS...]                  run every test and end in one line `N passed, M failed`
  servers up|stop|kill|down       Apache Kafka for tests, on loopback (--port N, --dir D, --otel)
  instructions [--write]          instructions an activity against benches/instructions.txt
  quality [--response] [--seeds N] [--agents N] [--data DIR] [--baseline BIN]  see tests/src/bin/quality.rs";

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let outcome = match args.as_slice() {
        ["codegen", flags @ ..] => codegen::run(flags),
        ["tidy"] => tidy::run(),
        ["test", extra @ ..] => test::run(extra),
        ["servers", args @ ..] => root()
            .and_then(|root| servers::run(&servers::folder(&root), args))
            .map(|()| ExitCode::SUCCESS),
        ["instructions"] | ["instructions", "--write"] => instructions::run(args.len() > 1),
        ["quality", args @ ..] => quality(args),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

/// Measures on the scenarios, in release.
fn quality(args: &[&str]) -> Result<ExitCode> {
    let run = ["run", "-q", "--release", "-p", "tests", "--bin", "quality", "--"];
    let success = cargo(&root()?).args(run).args(args).status()?.success();
    Ok(if success { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Returns the folder of the workspace: the parent of this package's.
fn root() -> Result<PathBuf> {
    let package = env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    Ok(package.parent().context("failed to find the workspace above xtask")?.to_path_buf())
}

/// Returns the folder that cargo builds into.
fn target(root: &Path) -> PathBuf {
    root.join(env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()))
}

/// Prepares a call of the cargo that runs us, in the workspace's folder.
fn cargo(root: &Path) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root);
    command
}

/// Runs a command, letting its errors through to the terminal, and returns what it wrote.
fn output(command: &mut Command) -> Result<String> {
    let Output { status, stdout, .. } = command
        .stderr(std::process::Stdio::inherit())
        .output()
        .with_context(|| format!("failed to start {command:?}"))?;
    ensure!(status.success(), "{command:?} ended with {status}");
    String::from_utf8(stdout).with_context(|| format!("failed to read the output of {command:?}"))
}
