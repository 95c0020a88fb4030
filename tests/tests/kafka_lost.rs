//! What a group finds after it stood still for too long: its offsets gone, or entries gone before it read them. Nothing of
//! it is passed over in silence, and an operator's leave is the one way on.

use std::process::Output;

use lane::{PROGRESS_KEY, Progress, read_all};
use tests::broker::Broker;
use tests::deployment::{Deployment, finished};
use tests::{demo_prefix, lines_of};

const CONFIG: &str = "[input]\nstart = \"earliest\"\naccept_create_time = true\n";
const EVENTS: usize = 3_000;

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A deployment that has consumed half of its events, with the other half still to be read.
fn half_read(name: &str, address: &str) -> Deployment {
    let deployment = Deployment::new(name, address, 4, CONFIG);
    deployment.make_input_with_create_time();
    let (events, source) = (demo_prefix(EVENTS), deployment.source());
    let lines = lines_of(&events);
    let (first, second) = lines.split_at(EVENTS / 2);
    first.iter().for_each(|line| source.send_event(line, true));
    source.flush();
    deployment.output(&["run", "--once"]);
    second.iter().for_each(|line| source.send_event(line, true));
    source.flush();
    deployment
}

/// Runs a verb that must refuse, and says why.
fn refused(deployment: &Deployment) -> String {
    let output = finished(deployment.command(&["run", "--once"]));
    assert_eq!(output.status.code(), Some(78), "{}", stderr(&output));
    stderr(&output)
}

/// Every progress of the input, by partition.
fn progress(deployment: &Deployment) -> Vec<Vec<Progress>> {
    let connected = deployment.connected();
    let states = connected.setup.layout().partitions_of(&deployment.topic("state.v1"));
    let of = |at| {
        let records = read_all(&connected.kafka, &at).expect("a state partition");
        let progress = records.iter().filter(|record| record.key.as_deref() == Some(PROGRESS_KEY));
        progress
            .map(|r| Progress::decode(r.value.as_deref().unwrap_or_default()).expect("progress"))
            .collect()
    };
    states.map(of).collect()
}

#[test]
fn where_the_offsets_of_the_group_are_gone_the_progress_in_the_log_is_believed() {
    let Some(broker) = Broker::shared() else { return };
    let deployment = half_read("offsets", broker.address());
    deployment.delete_offsets();
    let why = refused(&deployment);
    assert!(why.contains("whose state is at") && why.contains("--accept-state-loss"), "{why}");
    let went = deployment.output(&["run", "--once", "--accept-state-loss"]);
    assert!(!stderr(&went).contains("were gone"), "nothing is lost: {}", stderr(&went));
    // From then on the group has offsets again. A tick that a run appends as it ends is for the next one to read.
    let audits = (0..3).map(|_| {
        deployment.output(&["run", "--once"]);
        deployment.audit()
    });
    let audit = audits.into_iter().find(lane::Audit::is_clean).expect("a clean audit");
    let findings = deployment.read(&deployment.connected(), "findings.v1").len() as u64;
    assert_eq!(audit.totals.activities, EVENTS as u64 + findings);
    assert!(progress(&deployment).iter().flatten().all(|range| !range.after_loss));
}

#[test]
fn entries_that_were_gone_before_they_were_read_are_named_counted_and_found() {
    let Some(broker) = Broker::shared() else { return };
    let deployment = half_read("overrun", broker.address());
    let read: Vec<u64> =
        progress(&deployment).iter().map(|p| p.last().map_or(0, |p| p.to)).collect();
    // What retention does: the log begins later than where the group stands.
    const GONE: u64 = 25;
    let starts: Vec<u64> = read.iter().map(|to| to + GONE).collect();
    deployment.delete_entries_before(&starts);
    let why = refused(&deployment);
    let named = read
        .iter()
        .any(|to| why.contains(&format!("from offset {to}: the log begins at {}", to + GONE)));
    assert!(named && why.contains("activity.v1") && why.contains("--accept-state-loss"), "{why}");
    let went = stderr(&deployment.output(&["run", "--once", "--accept-state-loss"]));
    deployment.output(&["run", "--once"]);
    for (partition, (ranges, to)) in progress(&deployment).iter().zip(&read).enumerate() {
        let told = format!("from offset {to} up to {} were gone", to + GONE);
        assert!(went.contains(&told), "{partition}: {told} is not in {went}");
        let lossy: Vec<usize> = (0..ranges.len()).filter(|n| ranges[*n].after_loss).collect();
        let [place] = lossy[..] else { panic!("partition {partition}: {lossy:?}") };
        assert_eq!((ranges[place - 1].to, ranges[place].from), (*to, to + GONE));
        let rest = ranges.windows(2).filter(|pair| !pair[1].after_loss);
        rest.for_each(|pair| assert_eq!(pair[0].to, pair[1].from));
    }
    let counted: u64 =
        progress(&deployment).iter().flatten().map(|range| range.counts.records).sum();
    assert_eq!(counted, EVENTS as u64 - GONE * read.len() as u64, "all others are read once");
}
