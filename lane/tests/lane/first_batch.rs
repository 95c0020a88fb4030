//! A partition's first transactions, torn and followed by a death: nothing before them tells where it stands.

use std::sync::Arc;
use std::time::Duration;

use bus::memory::{Fault, FaultPlan, Half, Memory, Step};
use bus::{Bus, Consumer, Outgoing, Producer, TopicPartition};
use lane::{
    Committer, Counts, Meter, Notice, OWNER_KEY, Outcome, Owner, PROGRESS_KEY, Part, Progress,
    Proof, Transaction, read_all,
};

use crate::core::layout;
use crate::sim::new_run;
use crate::toy::{FINDINGS, INPUT};

/// Runs with each of the first transactions torn so, and those of `also`, and a death at each of the first takeovers of
/// the producer; how many runs met both.
fn torn_and_killed(half: Half, also: &[u64]) -> u64 {
    let mut met = 0;
    for commit in 0..6 {
        for takeover in 1..6 {
            let mut run = new_run(1, 40);
            let torn = |plan: FaultPlan, nth| plan.at_nth(Step::Commit, nth, Fault::Torn(half));
            let plan = also.iter().copied().chain([commit]).fold(FaultPlan::none(), torn);
            run.memory.plan(plan.at_nth(Step::Init, takeover, Fault::KillBefore).only("lane"));
            let what =
                format!("{half:?} of transactions {also:?} and {commit}, killed at {takeover}");
            let ended = run.finish(1, &|memory: &Memory| memory.clone());
            assert!(ended.is_ok(), "{what}: {ended:?}");
            let audit = run.audit();
            assert!(audit.is_clean(), "{what}: {audit:#?}");
            // What was written, not what the ranges say: a range may begin anywhere.
            let inputs = layout(3).partitions_of(INPUT);
            let entries: usize = inputs.map(|at| read_all(&run.memory, &at).unwrap().len()).sum();
            assert_eq!(audit.inputs[INPUT].records, entries as u64, "{what}");
            let faults: Vec<String> =
                run.memory.visited().keys().filter_map(|visit| visit.fault.clone()).collect();
            let both = ["Torn", "KillBefore"].map(String::from);
            met += u64::from(both.iter().all(|fault| faults.contains(fault)));
        }
    }
    met
}

#[test]
fn offsets_without_the_records_of_a_first_batch_skip_nothing() {
    assert!(torn_and_killed(Half::Offsets, &[]) >= 6);
}

#[test]
fn a_claim_and_a_first_batch_without_offsets_do_not_end_every_start() {
    assert!(torn_and_killed(Half::Records, &[]) >= 6);
    assert!(torn_and_killed(Half::Records, &[0]) >= 6);
    assert!(torn_and_killed(Half::Records, &[0, 1]) >= 6);
}

#[test]
fn the_auditor_sees_entries_passed_over_before_a_first_range_and_records_that_nobody_read() {
    let run = new_run(1, 40);
    let owner = Owner { nonce: "1".to_owned(), start: Some(0), ..Owner::default() };
    let written = [(FINDINGS.to_owned(), 3)].into();
    let progress = Progress { from: 1, to: 1, range: 1, written, ..Progress::default() };
    let mut producer = run.memory.producer("lane", Duration::ZERO).unwrap();
    producer.begin().unwrap();
    for (key, value) in [(OWNER_KEY, owner.encode()), (PROGRESS_KEY, progress.encode())] {
        let to = TopicPartition::new("state", 0);
        let (key, value) = (Some(key.to_vec()), Some(value));
        producer.send(&Outgoing { to, key, value, headers: Vec::new() }).unwrap();
    }
    producer.commit().unwrap();
    let audit = run.audit();
    let told = |text: &str| audit.findings.iter().any(|finding| finding.0.contains(text));
    assert!(told("range 1 from 1 to 1 does not follow") && told("began at Some(0)"), "{audit:#?}");
    assert!(told("findings: 3 records were written, 0 read"), "{audit:#?}");
}

struct Silent;

impl Meter for Silent {
    fn note(&self, _: &Notice<'_>) {}
}

/// What is ours lies behind the transaction of somebody else, and nothing of it shows until that one ends.
#[test]
fn a_commit_in_doubt_behind_an_open_transaction_is_not_taken_for_absent() {
    let run = new_run(1, 40);
    let memory = run.memory.process("lane");
    let state = TopicPartition::new("state", 0);
    let record = |key: &[u8], value: Vec<u8>| Outgoing {
        to: state.clone(),
        key: Some(key.to_vec()),
        value: Some(value),
        headers: Vec::new(),
    };
    let mut other = run.memory.producer("other", Duration::ZERO).unwrap();
    other.begin().unwrap();
    other.send(&record(b"other", b"open".to_vec())).unwrap();
    let mut consumer = memory.consumer("group", &[INPUT]).unwrap();
    while !consumer.has_joined() {
        consumer.poll(Duration::from_secs(1)).unwrap();
    }
    let progress = Progress { range: 2, ..Progress::default() };
    let part = Part {
        at: TopicPartition::new(INPUT, 0),
        state: state.clone(),
        tenure: 1,
        next: 0,
        proof: Proof::Progress(2),
        records: vec![record(PROGRESS_KEY, progress.encode())],
        causes: Vec::new(),
        counts: Counts::default(),
    };
    let transaction = Transaction { parts: vec![part] };
    memory.plan(FaultPlan::none().at_nth(Step::Commit, 0, Fault::LoseReply).only("lane"));
    let mut committer = Committer::new(memory.clone(), "lane".to_owned(), Arc::new(Silent));
    let group = consumer.group().unwrap();
    assert_eq!(committer.commit(&transaction, &group).unwrap(), None, "nobody can know yet");
    other.abort().unwrap();
    assert_eq!(committer.commit(&transaction, &group).unwrap(), Some(Outcome::Committed));
}
