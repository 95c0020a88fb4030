//! The tasks of the workspace: generated files, tidiness, the test suite, the instruction count.
//! Plain `std` and at most 600 lines: what needs more belongs into a test or a tool of its own.
#![forbid(unsafe_code)]

mod codegen;
mod instructions;
mod test;
mod tidy;
mod watch;

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};

use anyhow::{Context, Result, bail};

const USAGE: &str = "\
usage: cargo xtask <task>

  codegen [--check] [--signals]   write the generated files; --check only compares
  tidy                            check what rustfmt and clippy do not: headers, sizes, names
  test [ARGS...]                  run every test and end in one line `N passed, M failed`
  servers up|stop|kill|down       Apache Kafka for tests, on loopback (--port N, --dir D)
  instructions [--write]          instructions an activity against benches/instructions.txt
  quality [--seeds N] [--explain] [--data DIR]
                                  detection, budgets and costs on the scenarios, as Markdown";

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let outcome = match args.as_slice() {
        ["codegen", flags @ ..] => codegen::run(flags),
        ["tidy"] => tidy::run(),
        ["test", extra @ ..] => test::run(extra),
        ["servers", args @ ..] => servers(args),
        ["instructions"] => instructions::run(false),
        ["instructions", "--write"] => instructions::run(true),
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

fn servers(args: &[&str]) -> Result<ExitCode> {
    servers::run(&servers::folder(&root()?), args)?;
    Ok(ExitCode::SUCCESS)
}

/// Builds the two programs that it takes in release, then measures.
fn quality(args: &[&str]) -> Result<ExitCode> {
    let root = root()?;
    let bins = ["--bin", "habitus", "--bin", "quality"];
    let build = ["build", "-q", "--release", "-p", "habitus", "-p", "tests"];
    output(cargo(&root).args(build).args(bins))?;
    let binary = target(&root).join("release/quality");
    let status = Command::new(&binary).args(args).status();
    let status = status.with_context(|| format!("failed to start {}", binary.display()))?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
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
    if !status.success() {
        bail!("{command:?} ended with {status}");
    }
    String::from_utf8(stdout).with_context(|| format!("failed to read the output of {command:?}"))
}
