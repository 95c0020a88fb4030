//! Processes that outlive us, by the pid written in their folder. The pid alone is not trusted: it may have
//! been given anew, so the command line must name the folder too.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Result, bail, ensure};

const POLL: Duration = Duration::from_millis(20);

/// Returns the process of a folder, if it lives.
pub(crate) fn living(folder: &Path) -> Option<u32> {
    let pid = fs::read_to_string(folder.join("pid")).ok()?.trim().parse().ok()?;
    command_line(pid).contains(&*folder.to_string_lossy()).then_some(pid)
}

/// Sends a signal to the process of a folder and waits until it is gone and has `closed` what it held; nothing
/// where none lives.
pub(crate) fn end(folder: &Path, signal: &str, closed: impl Fn() -> bool) -> Result<()> {
    let Some(pid) = living(folder) else { return Ok(()) };
    let sent = Command::new("sh").args(["-c", &format!("kill -{signal} {pid}")]).status()?;
    ensure!(sent.success() || living(folder).is_none(), "failed to send {signal} to process {pid}");
    for _ in 0..3_000 {
        if living(folder).is_none() && closed() {
            return Ok(());
        }
        sleep(POLL);
    }
    bail!("process {pid} did not end within a minute of {signal}")
}

/// Waits until `ready`, at most a minute and while `alive`; the error shows the log of the folder.
pub(crate) fn wait(
    folder: &Path,
    mut alive: impl FnMut() -> bool,
    mut ready: impl FnMut() -> bool,
) -> Result<()> {
    for _ in 0..3_000 {
        if ready() {
            return Ok(());
        }
        ensure!(alive(), "it ended:\n{}", log_end(folder));
        sleep(POLL);
    }
    bail!("no answer within a minute:\n{}", log_end(folder))
}

/// Returns the last lines of the log in a folder.
pub(crate) fn log_end(folder: &Path) -> String {
    let log = fs::read(folder.join("log")).unwrap_or_default();
    let log = String::from_utf8_lossy(&log).into_owned();
    let lines: Vec<&str> = log.lines().collect();
    lines.get(lines.len().saturating_sub(30)..).unwrap_or_default().join("\n")
}

/// Empty for a process that is gone, or dead and not yet waited for.
fn command_line(pid: u32) -> String {
    let bytes = if Path::new("/proc/self").exists() {
        fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default()
    } else {
        let ps = Command::new("ps").args(["-ww", "-o", "args=", "-p", &pid.to_string()]).output();
        ps.map(|output| output.stdout).unwrap_or_default()
    };
    String::from_utf8_lossy(&bytes).into_owned()
}
