//! The simulator and the journal keep the contract of the log.

use std::path::PathBuf;
use std::thread;

use bus::contract;
use bus::file::{FileLog, FileSettings};
use bus::memory::Memory;

#[test]
fn the_simulator_keeps_the_contract() {
    for (name, check) in contract::checks::<Memory>() {
        println!("{name}");
        check(&Memory::new(0), name);
    }
}

/// One log for all checks: what one leaves behind disturbs no other.
#[test]
fn the_simulator_keeps_the_contract_at_once() {
    contract::all(&Memory::new(0), "all");
}

/// One log for all checks, each on a thread of its own: the journal waits in real time.
#[test]
fn the_journal_keeps_the_contract() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("contract");
    std::fs::remove_dir_all(&folder).ok();
    let log = FileLog::open(&folder, FileSettings { clock, sync: false }).unwrap();
    thread::scope(|scope| {
        for (name, check) in contract::checks::<FileLog>() {
            let log = log.clone();
            scope.spawn(move || check(&log, name));
        }
    });
}

fn clock() -> i64 {
    let since = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
