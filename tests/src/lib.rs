//! Shared fixtures for the integration tests, and for the bench that runs on a broker. It holds no test itself.
#![forbid(unsafe_code)]

pub mod authority;
pub mod broker;
pub mod deployment;
mod driven;
mod exposition;
mod findings;
mod http;
pub mod kafka;
pub mod mangle;
pub mod proxy;
pub mod quality;
pub mod receiver;
pub mod running;
pub mod scenario;
mod simulated;
mod streams;

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use config::Config;
use habitus::local::{Input, Line, LineOutcome, Options, Report, Role, Run, Settings};

pub use driven::{Compacted, Driven, Said, activity};
pub use exposition::{Family, Labels, exposition};
pub use findings::{FindingsLog, findings_log};
pub use http::{ask, post};
pub use simulated::Simulated;
pub use streams::{Noise, adversarial, demo_prefix, dense, lines_of};

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

/// Makes a folder for one test, fresh: what an earlier run left there is gone.
pub fn fresh(folder: PathBuf) -> PathBuf {
    let _absent = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder below target/tmp");
    folder
}

/// Runs the binary in a folder, with nothing of the surroundings' settings, and waits for its end.
pub fn habitus_in(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(binary());
    command.args(arguments).current_dir(folder).env_remove("HABITUS_CONFIG").env_remove("RUST_LOG");
    command.output().expect("the binary starts")
}

/// Builds the binary once, in the profile and folder of this test, and returns its path.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let this = std::env::current_exe().expect("a test runs from a file");
        let profile = this.parent().and_then(Path::parent).expect("target/profile/deps");
        let target = profile.parent().and_then(Path::to_str).expect("a path in UTF-8");
        let mut arguments = vec!["build", "-q", "-p", "habitus", "--target-dir", target];
        if cfg!(feature = "tls") {
            arguments.extend(["--features", "tls"]);
        }
        if profile.ends_with("release") {
            arguments.push("--release");
        }
        cargo(&workspace_root(), &arguments);
        profile.join("habitus")
    })
}

/// Returns the settings of the default config.
pub fn settings() -> Settings {
    Config::default().settings()
}

/// Returns options that change nothing: no freeze, no explanations.
pub fn plain(lanes: usize) -> Options {
    Options { lanes, freeze: false, explain: false }
}

/// Feeds one scored input of its own topic and adds every line, rendered.
pub fn feed(run: &mut Run, topic: &str, bytes: &[u8], lines: &mut Vec<String>) {
    let input = Input { topic, role: Role::Scored, bytes };
    run.feed(&input, &mut |line| lines.push(rendered(line)));
}

/// Runs one scored input from its start to its end.
pub fn score(settings: &Settings, options: Options, bytes: &[u8]) -> (Vec<String>, Report) {
    let mut run = Run::new(settings, options);
    let mut lines = Vec::new();
    feed(&mut run, "file:0", bytes, &mut lines);
    (lines, run.finish())
}

/// Renders all that a line says, floats by their bits: equal texts are equal results.
pub fn rendered(line: &Line<'_>) -> String {
    let mut text = format!("{}.{} ", line.number, line.ordinal);
    match &line.outcome {
        LineOutcome::Scored { activity, observed, alert_id } => {
            let _infallible = write!(
                text,
                "{} score {} period {:016x} trust {:016x} {} late {} alert {alert_id:?}",
                activity.id,
                observed.assessment.micronats,
                observed.return_period_actor_months.to_bits(),
                observed.trust.to_bits(),
                observed.level.as_str(),
                observed.late,
            );
            for signal in &observed.assessment.signals {
                let _infallible = write!(
                    text,
                    " {}={}/{}/{}",
                    signal.id, signal.micronats, signal.evidence_micronats, signal.shadow
                );
            }
            let _infallible = write!(text, " {:?}", observed.findings);
        }
        LineOutcome::Duplicate(activity) => {
            let _infallible = write!(text, "{} duplicate", activity.id);
        }
        LineOutcome::Skipped(rule) => {
            let _infallible = write!(text, "skipped {rule}");
        }
        LineOutcome::Rejected(rejection) => {
            let _infallible = write!(text, "rejected {rejection:?}");
        }
    }
    text
}

/// Panics at the first line that differs, with both texts.
pub fn assert_same_lines(what: &str, expected: &[String], found: &[String]) {
    assert_eq!(expected.len(), found.len(), "{what}: number of lines");
    for (place, (expected, found)) in expected.iter().zip(found).enumerate() {
        assert!(
            expected == found,
            "{what}: line {place}\n  expected {expected}\n  found    {found}"
        );
    }
}

/// Panics where two runs count the memory of agents differently: they would evict differently.
pub fn assert_same_stores(what: &str, expected: &Report, found: &Report) {
    assert_eq!(expected.store, found.store, "{what}: store");
    assert_eq!(expected.agent_bytes, found.agent_bytes, "{what}: bytes of agents");
}

/// Panics where two runs raised other alerts, asked for other revocations or counted otherwise.
pub fn assert_same_reports(what: &str, expected: &Report, found: &Report) {
    assert_eq!(expected.counts, found.counts, "{what}: counts");
    assert_eq!(expected.actors, found.actors, "{what}: trust");
    let json = |report: &Report| {
        let alerts = report.alerts.iter().map(serde_json::to_string);
        let requests = report.revocations.iter().map(serde_json::to_string);
        alerts.chain(requests).collect::<Result<Vec<_>, _>>().expect("alerts are JSON")
    };
    assert_same_lines(&format!("{what}: alerts and requests"), &json(expected), &json(found));
}
