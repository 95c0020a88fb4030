//! The whole test suite in one command. It decides nothing: cargo runs the tests, this adds up their
//! results, so that the last line says how many there were. One Kafka serves them all and ends with them.

use std::env;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use servers::watch;

/// After so long without a line, or an end, of anything, the run is killed.
const SILENCE: Duration = Duration::from_secs(15 * 60);

pub(crate) fn run(extra: &[&str]) -> Result<ExitCode> {
    let root = crate::root()?;
    let mut command = crate::cargo(&root);
    let kafka = servers::lend(&servers::folder(&root))?;
    command.envs(kafka.as_ref().map(|kafka| (servers::KAFKA, kafka.address())));
    command.args(["test", "--workspace", "--no-fail-fast"]);
    command.args(env::var_os("CI").map(|_| "--locked"));
    let (mut passed, mut failed, mut started, mut ended, mut skipped) = (0, 0, 0, 0, 0);
    let run = watch::run(command.args(extra), SILENCE, |line, is_err| {
        skipped += u64::from(is_err && line.starts_with("skipped: "));
        started += u64::from(!is_err && starts(line));
        if let Some(counts) = counts(line).filter(|_| !is_err) {
            ended += 1;
            passed += counts.0;
            failed += counts.1;
        }
    })?;
    let lost = u64::saturating_sub(started, ended).max(u64::from(!run.success && failed == 0));
    if let Some(running) = run.hung {
        println!("killed after {} minutes of silence: {running}", SILENCE.as_secs() / 60);
    }
    if lost > 0 {
        println!("{lost} test binaries did not build or ended without a result: each is a failure");
    }
    let told = if skipped > 0 { format!(", {skipped} skipped") } else { String::new() };
    println!("{} passed, {} failed{told}", u64::saturating_sub(passed, skipped), failed + lost);
    Ok(if run.success { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Whether a test binary begins: `running 5 tests`.
fn starts(line: &str) -> bool {
    let count = line.strip_prefix("running ").and_then(|rest| rest.split_once(" test"));
    count.is_some_and(|(count, rest)| count.parse::<u64>().is_ok() && ["", "s"].contains(&rest))
}

/// Reads `test result: ok. 5 passed; 1 failed; ..`.
fn counts(line: &str) -> Option<(u64, u64)> {
    let (_, rest) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let mut parts = rest.split("; ");
    let passed = parts.next()?.strip_suffix(" passed")?.parse().ok()?;
    let failed = parts.next()?.strip_suffix(" failed")?.parse().ok()?;
    Some((passed, failed))
}

#[cfg(test)]
mod tests {
    use super::{counts, starts};

    #[test]
    fn reads_the_result_line_of_a_test_binary() {
        let line = "test result: FAILED. 5 passed; 1 failed; 0 ignored; finished in 0.00s";
        assert_eq!(counts(line), Some((5, 1)));
        assert_eq!(counts("test a::b ... ok"), None);
        assert!(starts("running 1 test") && starts("running 0 tests") && !starts("running late"));
    }
}
