//! The README's way for a user of Kafka, run as it is written: an empty broker, a config, a file of events, an alert. The
//! commands come from the README itself; all that differs is the port, as a broker of another may hold its own.

use std::env;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tests::broker::Broker;
use tests::{binary, workspace_root};

/// The broker that the README starts, and its first and last command, which `Broker` does here.
const ADDRESS: &str = "127.0.0.1:19092";
const UP: &str = "cargo xtask servers up";
const DOWN: &str = "cargo xtask servers down";
/// Seconds that any one of the others may take.
const SECONDS_MAX: u32 = 120;

/// The commands of a section's first `console` block.
fn block(section: &str) -> Vec<String> {
    let text = fs::read_to_string(workspace_root().join("README.md")).expect("a README");
    let (_, rest) = text.split_once(&format!("\n## {section}\n")).expect("the section");
    let (_, rest) = rest.split_once("```console\n").expect("a block");
    let (block, _) = rest.split_once("```").expect("its end");
    block
        .lines()
        .map(|line| line.split("  #").next().unwrap_or_default().trim().to_owned())
        .collect()
}

fn sh(script: &str, folder: &Path) -> Output {
    let path = env::join_paths(
        std::iter::once(binary().parent().expect("a folder").to_path_buf())
            .chain(env::split_paths(&env::var_os("PATH").unwrap_or_default())),
    );
    let mut sh = Command::new("timeout");
    // It ends the whole group, `run` with it, which would hold the output open.
    sh.args(["-k", "10", SECONDS_MAX.to_string().as_str(), "sh", "-ec", script])
        .current_dir(folder);
    sh.env("PATH", path.expect("a path")).env("NO_COLOR", "1");
    sh.env_remove("HABITUS_CONFIG").env_remove("RUST_LOG").stdin(Stdio::null());
    sh.output().expect("a shell")
}

#[test]
fn the_readme_leads_from_an_empty_broker_to_an_alert() {
    let Some(broker) = Broker::own("readme") else { return };
    let commands = block("Run on Kafka");
    let [up, commands @ .., down] = commands.as_slice() else { panic!("{commands:?}") };
    assert_eq!((up.as_str(), down.as_str()), (UP, DOWN));
    // Each command is shown before its output; `run` in the background ends with the shell's wait.
    let script = commands.join("\n").replace(ADDRESS, broker.address());
    assert!(script.contains(broker.address()), "the config names the broker: {script}");
    let script = format!("exec 2>&1; set -x\n{script}\nwait $!");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("readme");
    let _absent = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder");

    let output = sh(&script, &folder);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "ended with {}:\n{said}", output.status);
    let (before, alert) = said.split_once("+ habitus tap").expect("a tap");
    assert!(before.contains("; 0 were refused"), "{before}");
    assert!(alert.contains("  who  "), "an alert is told: {said}");
    assert!(alert.contains("everything read is committed"), "`run` ends in peace: {alert}");
    println!("{}", alert.lines().take(12).collect::<Vec<_>>().join("\n"));
}
