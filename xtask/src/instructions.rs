//! Instructions an activity, counted by callgrind. A count, not a time: the same on a busy machine, so
//! that a gate of 5 % holds.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, ensure};

/// Committed figure: `observe_instructions_per_activity N`.
const COMMITTED: &str = "benches/instructions.txt";
const KEY: &str = "observe_instructions_per_activity";
const TOLERANCE_PERCENT: u64 = 5;

/// `observe_once PASSES` of the package `benches` reads its fixture `PASSES` times and prints the number
/// of activities in one pass.
pub(crate) fn run(write: bool) -> Result<ExitCode> {
    let root = crate::root()?;
    let build = ["build", "-q", "--release", "-p", "benches", "--bin", "observe_once"];
    crate::output(crate::cargo(&root).args(build))?;
    let binary = crate::target(&root).join("release/observe_once");
    let (one, activities) = count(&binary, 1)?;
    let (three, _) = count(&binary, 3)?;
    ensure!(activities > 0 && three > one, "observe_once saw no activity");
    let measured = (three - one) / (2 * activities);
    println!("{KEY} {measured} (over {activities} activities)");
    let path = root.join(COMMITTED);
    if write {
        fs::write(&path, format!("{KEY} {measured}\n"))?;
        return Ok(ExitCode::SUCCESS);
    }
    let committed = fs::read_to_string(&path).with_context(|| {
        format!("failed to read {COMMITTED}: run `cargo xtask instructions --write`")
    })?;
    let committed: u64 = committed.trim().trim_start_matches(KEY).trim().parse()?;
    let limit = committed + committed * TOLERANCE_PERCENT / 100;
    println!("committed {committed}, limit {limit}");
    ensure!(measured <= limit, "{measured} instructions an activity exceed the limit {limit}");
    Ok(ExitCode::SUCCESS)
}

/// Returns the instructions of a run and the number of activities that it names.
fn count(binary: &Path, passes: u8) -> Result<(u64, u64)> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(binary)
        .arg(passes.to_string())
        .stdin(Stdio::null())
        .output()
        .context("failed to start valgrind")?;
    let log = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "observe_once ended with {}: {log}", output.status);
    let collected = log.lines().find_map(|line| line.split_once("Collected :"));
    let collected = collected.context("failed to find the count in callgrind's output")?.1;
    let printed = String::from_utf8(output.stdout)?;
    let activities = printed.lines().next().unwrap_or_default().trim().parse();
    let activities = activities.context("observe_once must print its activities a pass first")?;
    Ok((collected.trim().parse()?, activities))
}
