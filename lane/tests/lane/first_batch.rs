//! A partition's first transactions, torn and followed by a death: nothing before them tells where it stands.

use bus::memory::{Fault, FaultPlan, Half, Memory, Step};
use lane::read_all;

use crate::core::layout;
use crate::sim::new_run;
use crate::toy::INPUT;

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
            let what = format!("{half:?} of transactions {also:?} and {commit}, killed at {takeover}");
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
