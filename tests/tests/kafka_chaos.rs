//! Three processes of one group on a genuine broker, under load, and everything that can happen to them, round after round:
//! the auditor must find each entry applied once. `HABITUS_CHAOS_ROUNDS` makes it long; what it prints is a row of
//! `docs/reliability.md`.

#![expect(clippy::disallowed_methods, reason = "a test of a broker waits in real time")]

use std::collections::BTreeMap;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tests::broker::Broker;
use tests::deployment::{Deployment, finished};
use tests::proxy::{END_TXN, Fault, Proxy};
use tests::{Noise, demo_prefix};

/// Members that die are missed soon; a record may wait as long as a broker takes to come back.
const QUICK: &str = "[input.client]\n\"session.timeout.ms\" = 3000\n\"heartbeat.interval.ms\" = 500\n[input]\nstart = \"earliest\"\n";
/// Longer than a session: whoever stands still for it is a zombie afterwards.
const ZOMBIE: Duration = Duration::from_secs(6);
const PROCESSES: usize = 3;

fn signal(pid: u32, name: &str) {
    let sent = Command::new("kill").args([format!("-{name}"), pid.to_string()]).status();
    assert!(sent.expect("kill").success(), "{name} to {pid}");
}

/// Waits for the end of a process, at most so long.
fn ended(child: &mut Child, patience: Duration) -> Option<std::process::ExitStatus> {
    let since = Instant::now();
    while since.elapsed() < patience {
        if let Some(status) = child.try_wait().expect("a process") {
            return Some(status);
        }
        sleep(Duration::from_millis(20));
    }
    None
}

/// Ends the source, also where the test fails.
struct Source<'a>(&'a AtomicBool);

impl Drop for Source<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Lets a process leave in peace, which must work.
fn leaves(deployment: &Deployment, child: &mut Child, name: &str) {
    signal(child.id(), "TERM");
    let status = ended(child, Duration::from_secs(40)).expect("it ends in time");
    assert_eq!(status.code(), Some(0), "{name}: {}", deployment.log(&format!("{name}.log")));
}

/// Starts a process again that the broker's end or a fence ended, as a supervisor would; whether it had ended.
fn supervise(deployment: &Deployment, child: &mut Child, name: &str) -> bool {
    let Some(status) = child.try_wait().expect("a process") else { return false };
    assert_eq!(status.code(), Some(69), "{name}: {}", deployment.log(&format!("{name}.log")));
    *child = deployment.spawn_as(name);
    true
}

/// One thing that happens; its name.
fn happen(
    kind: u64,
    (broker, proxy, deployment): (&Broker, &Proxy, &Deployment),
    (child, name): (&mut Child, &str),
) -> &'static str {
    match kind {
        0 | 1 => {
            child.kill().expect("kill -9");
            child.wait().expect("it ends");
            *child = deployment.spawn_as(name);
            "kill -9"
        }
        2 => {
            // One that had ended by itself is judged with the others, after the round.
            if child.try_wait().expect("a process").is_none() {
                leaves(deployment, child, name);
                sleep(Duration::from_secs(1));
                *child = deployment.spawn_as(name);
            }
            "leave and join"
        }
        3 => {
            signal(child.id(), "STOP");
            sleep(ZOMBIE);
            signal(child.id(), "CONT");
            "zombie"
        }
        4 => {
            proxy.spoil(END_TXN, Fault::Late(Duration::from_secs(5)));
            "late EndTxn"
        }
        5 => {
            proxy.spoil(END_TXN, Fault::LoseReply);
            "cut EndTxn"
        }
        6 => {
            broker.fill_disk();
            broker.start();
            "no room to write"
        }
        _ => {
            broker.kill9();
            sleep(Duration::from_secs(2));
            broker.start();
            "broker kill -9"
        }
    }
}

#[test]
fn chaos_loses_and_doubles_nothing() {
    let rounds = std::env::var("HABITUS_CHAOS_ROUNDS").map_or(8, |n| n.parse().expect("a number"));
    let proxy = Proxy::new();
    let Some(broker) = Broker::own_behind("chaos", &proxy) else { return };
    let deployment = Deployment::new("chaos", broker.address(), 12, QUICK);
    deployment.connected();
    let (events, stop) = (demo_prefix(4_000), AtomicBool::new(false));
    let names: Vec<String> = (0..PROCESSES).map(|index| format!("process-{index}")).collect();
    let mut noise = Noise(9);
    let mut met: BTreeMap<&str, u64> = BTreeMap::new();
    let since = Instant::now();
    let (sent, mut restarts) = std::thread::scope(|scope| {
        let (source, ends) = (scope.spawn(|| deployment.load(&events, 300, &stop)), Source(&stop));
        let mut children: Vec<Child> = names.iter().map(|name| deployment.spawn_as(name)).collect();
        let mut restarts = 0_u64;
        sleep(Duration::from_secs(6));
        for round in 0..rounds {
            let victim = noise.below(PROCESSES as u64) as usize;
            let at = (&mut children[victim], names[victim].as_str());
            *met.entry(happen(round % 8, (&broker, &proxy, &deployment), at)).or_default() += 1;
            sleep(Duration::from_millis(500 + noise.below(3_000)));
            for (child, name) in children.iter_mut().zip(&names) {
                restarts += u64::from(supervise(&deployment, child, name));
            }
        }
        drop(ends);
        let sent = source.join().expect("the source ends");
        for (child, name) in children.iter_mut().zip(&names) {
            restarts += u64::from(supervise(&deployment, child, name));
            leaves(&deployment, child, name);
        }
        (sent, restarts)
    });
    // A transaction of a dead process may hold readers back for its time.
    let mut last = finished(deployment.command(&["run", "--once"]));
    for _ in 0..2 {
        if last.status.success() {
            break;
        }
        assert_eq!(last.status.code(), Some(69), "{}", String::from_utf8_lossy(&last.stderr));
        restarts += 1;
        last = finished(deployment.command(&["run", "--once"]));
    }
    assert!(last.status.success(), "{}", String::from_utf8_lossy(&last.stderr));
    let audit = deployment.audit();
    assert!(audit.is_clean(), "{audit:#?}");
    let connected = deployment.connected();
    let findings = deployment.read(&connected, "findings.v1").len() as u64;
    assert_eq!(audit.totals.activities, sent + findings, "everything sent is read");
    assert!(met.len() == 7 || rounds < 8, "{met:?}");
    println!(
        "| {rounds} | {} | {sent} | {met:?} | {restarts} | {} | {} | {} | clean |",
        since.elapsed().as_secs(),
        audit.takeovers,
        audit.ranges,
        audit.outputs,
    );
}

/// A broker that stands still answers nothing and closes nothing: whatever call the process is in, it ends in time.
#[test]
fn a_process_whose_broker_stands_still_ends_in_time() {
    let Some(broker) = Broker::own("still") else { return };
    let deployment = Deployment::new("still", broker.address(), 4, QUICK);
    deployment.connected();
    let (events, stop) = (demo_prefix(2_000), AtomicBool::new(false));
    let status = std::thread::scope(|scope| {
        let source = scope.spawn(|| deployment.load(&events, 500, &stop));
        let mut child = deployment.spawn_as("still");
        sleep(Duration::from_secs(8));
        signal(broker.pid(), "STOP");
        sleep(Duration::from_secs(1));
        signal(child.id(), "TERM");
        let since = Instant::now();
        let status = ended(&mut child, Duration::from_secs(35));
        println!("it ends {:?} after SIGTERM: {status:?}", since.elapsed());
        signal(broker.pid(), "CONT");
        if status.is_none() {
            child.kill().expect("kill -9");
        }
        child.wait().expect("it ends");
        stop.store(true, Ordering::Relaxed);
        source.join().expect("the source ends");
        status
    });
    let status = status.unwrap_or_else(|| panic!("it hangs: {}", deployment.log("still.log")));
    assert_eq!(status.code(), Some(69), "{}", deployment.log("still.log"));
    deployment.output(&["run", "--once"]);
    let audit = deployment.audit();
    assert!(audit.is_clean(), "{audit:#?}");
}
