//! A run of tests that cannot hang: a group of processes of its own, both of its outputs passed on line by line, and an
//! end by force once nothing was said for too long.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write, stderr, stdout};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

/// How long what was killed may take to close its outputs.
const GRACE: Duration = Duration::from_secs(10);

/// How a run ended.
pub struct Ended {
    /// Whether it ended by itself and well.
    pub success: bool,
    /// Where it was killed for its silence: what was running.
    pub hung: Option<String>,
}

/// Runs a command to its end, or until it and all that it started say nothing for that long; `told` hears each line and
/// whether it came on stderr.
pub fn run(
    command: &mut Command,
    silence: Duration,
    mut told: impl FnMut(&str, bool),
) -> Result<Ended> {
    let mut child =
        command.process_group(0).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let (say, heard) = channel();
    let out = child.stdout.take().context("failed to read what the tests print")?;
    let err = child.stderr.take().context("failed to read what cargo prints")?;
    pass_on(out, false, say.clone())?;
    pass_on(err, true, say)?;
    let (mut running, mut hung) = (Running::default(), None);
    loop {
        match heard.recv_timeout(if hung.is_some() { GRACE } else { silence }) {
            Ok((is_err, line)) => {
                running.hear(&line);
                if is_err {
                    writeln!(stderr(), "{line}")?;
                } else {
                    writeln!(stdout(), "{line}")?;
                }
                told(&line, is_err);
            }
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) if hung.is_some() => break,
            Err(RecvTimeoutError::Timeout) => {
                hung = Some(running.to_string());
                let group = format!("kill -KILL -{}", child.id());
                Command::new("sh").args(["-c", &group]).status()?;
            }
        }
    }
    let success = child.wait()?.success() && hung.is_none();
    Ok(Ended { success, hung })
}

fn pass_on(
    from: impl Read + Send + 'static,
    is_err: bool,
    say: Sender<(bool, String)>,
) -> Result<()> {
    let lines = BufReader::new(from).split(b'\n').map_while(Result::ok);
    let mut said = lines.map(|line| String::from_utf8_lossy(&line).into_owned());
    let all = move || drop(said.try_for_each(|line| say.send((is_err, line))));
    thread::Builder::new().spawn(all).context("failed to start a thread")?;
    Ok(())
}

/// What runs, as cargo and the test binaries tell it.
#[derive(Default)]
struct Running {
    binary: String,
    slow: BTreeSet<String>,
}

impl Running {
    fn hear(&mut self, line: &str) {
        let line = line.trim_start();
        if line.starts_with("Running ") || line.starts_with("Doc-tests ") {
            (self.binary, self.slow) = (line.to_owned(), BTreeSet::new());
        } else if let Some(rest) = line.strip_prefix("test ") {
            let test = rest.split(' ').next().unwrap_or_default();
            if rest.contains(" has been running for over ") {
                self.slow.insert(test.to_owned());
            } else {
                self.slow.remove(test);
            }
        }
    }
}

impl std::fmt::Display for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let slow: Vec<&str> = self.slow.iter().map(String::as_str).collect();
        write!(f, "{}: {}", self.binary, slow.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str, silence: Duration) -> (Ended, Vec<String>) {
        let mut lines = Vec::new();
        let mut command = Command::new("sh");
        let ended = run(command.args(["-c", script]), silence, |line, is_err| {
            lines.extend((!is_err).then(|| line.to_owned()));
        });
        (ended.unwrap(), lines)
    }

    #[test]
    fn a_silent_run_is_killed_with_all_that_it_started_and_says_what_was_running() {
        let script =
            "echo '     Running tests/a.rs (deps/a-0)' >&2; echo 'three tests begin'; sleep 0.2
            for t in one two; do echo \"test $t has been running for over 60 seconds\"; done
            echo 'test two ... ok'; sleep 600 & echo \"pid $!\"; exec sleep 600";
        let (ended, lines) = sh(script, Duration::from_secs(2));
        assert!(!ended.success);
        assert_eq!(ended.hung.as_deref(), Some("Running tests/a.rs (deps/a-0): one"));
        assert_eq!(lines.len(), 5, "{lines:?}");
        let pid = lines[4].strip_prefix("pid ").unwrap();
        // Gone, or dead and not yet buried by whoever inherited it: each look may find the one or the other.
        let gone = format!(
            "for i in $(seq 50); do kill -0 {pid} || exit 0; ps -o stat= -p {pid} | grep -q Z && exit 0; sleep 0.2; done; exit 1"
        );
        assert!(Command::new("sh").args(["-c", &gone]).status().unwrap().success());
    }

    #[test]
    fn whoever_goes_on_speaking_may_take_longer_than_the_silence() {
        let script = "for i in 1 2 3 4 5 6 7 8; do sleep 0.3; echo $i; done; exit 3";
        let (ended, lines) = sh(script, Duration::from_secs(2));
        assert!(!ended.success && ended.hung.is_none());
        assert_eq!(lines.len(), 8);
        assert!(sh("true", Duration::from_secs(2)).0.success);
    }
}
