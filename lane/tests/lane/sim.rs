//! The whole lane on the simulator: killed at every step of a run, and under random faults of every kind with several
//! processes. The auditor must find every entry applied once, and it must find what broken lanes do.

use std::sync::Arc;
use std::time::Duration;

use bus::memory::{Fault, FaultPlan, Memory, Step};
use bus::{Bus, Cleanup, Isolation, Outgoing, Producer, TopicPartition, TopicSpec};
use lane::{InForce, Layout};

use crate::core::{Noise, layout};
use crate::harness::{Hung, Run, Scenario, all_faults, kill_at_every_step, random_faults};
use crate::mutant::{Mutant, Shared, Wrong};
use crate::toy::{FATAL, INPUT, Toy};

/// Partitions of the input.
const PARTITIONS: u32 = 3;

/// The toy folds.
pub(crate) struct Toys {
    layout: Layout,
    /// Whether some entries kill the process that applies them.
    fatal: bool,
}

impl Scenario for Toys {
    type Fold = Toy;

    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn source(&self) -> &str {
        INPUT
    }

    fn make(&self, process: &Memory, at: &TopicPartition) -> Toy {
        let mut toy = Toy::new(&at.topic);
        toy.dies_in = self.fatal.then(|| process.clone());
        toy
    }

    fn newest(&self, _memory: &Memory, look: u32) -> Hung<Self> {
        let factor = u64::from(look) + 1;
        (factor, InForce { control_offset: factor, ..InForce::default() })
    }

    fn named(&self, _memory: &Memory) -> Box<dyn Fn(&InForce) -> u64> {
        Box::new(|in_force| in_force.control_offset)
    }
}

/// Makes the topics and writes the input.
fn prepare(memory: &Memory, seed: u64, entries: u64, fatal: bool) {
    let mut admin = memory.admin().unwrap();
    for (name, partitions) in layout(PARTITIONS).partitions {
        let spec = TopicSpec {
            name: name.to_string(),
            partitions,
            replicas: 0,
            cleanup: Cleanup::Delete(u64::MAX),
            settings: Vec::new(),
        };
        admin.create(&spec).unwrap();
    }
    let mut noise = Noise(seed);
    let mut producer = memory.producer("source", Duration::ZERO).unwrap();
    for start in (0..entries).step_by(7) {
        producer.begin().unwrap();
        for entry in start..entries.min(start + 7) {
            let text = match noise.below(12) {
                0 => "bad".to_owned(),
                _ if fatal && entry % 41 == seed % 41 => FATAL.to_owned(),
                _ => format!("{}{} {}", noise.below(3), noise.below(6), noise.below(50)),
            };
            let to = TopicPartition::new(INPUT, u32::try_from(noise.below(3)).unwrap());
            let record =
                Outgoing { to, key: None, value: Some(text.into_bytes()), headers: Vec::new() };
            producer.send(&record).unwrap();
        }
        // The source reads nothing: some batches are given up, as any producer's may be.
        if noise.below(8) == 0 {
            producer.abort().unwrap()
        } else {
            producer.commit().unwrap()
        }
        memory.advance(3);
    }
}

pub(crate) fn new_run(seed: u64, entries: u64) -> Run<Toys> {
    let memory = Memory::new(seed);
    prepare(&memory, seed, entries, false);
    Run::new(memory, &Arc::new(Toys { layout: layout(PARTITIONS), fatal: false }))
}

/// A run whose input has entries that kill.
fn fatal_run(seed: u64, entries: u64) -> Run<Toys> {
    let memory = Memory::new(seed);
    prepare(&memory, seed, entries, true);
    Run::new(memory, &Arc::new(Toys { layout: layout(PARTITIONS), fatal: true }))
}

/// How many entries that kill stand in the input.
fn fatal_entries(memory: &Memory) -> u64 {
    let inputs = (0..PARTITIONS).map(|partition| TopicPartition::new(INPUT, partition));
    let records = inputs.flat_map(|at| lane::read_all(memory, &at).unwrap());
    records.filter(|record| record.value.as_deref() == Some(FATAL.as_bytes())).count() as u64
}

#[test]
fn an_entry_that_kills_the_process_is_quarantined_and_no_other() {
    let plain = |memory: &Memory| memory.clone();
    let (mut fatal, mut restarts) = (0, 0);
    for seed in 0..60 {
        let mut run = fatal_run(seed, 42);
        run.memory.plan(FaultPlan::none().only("lane"));
        let ended = run.finish(1 + (seed % 3) as usize, &plain);
        assert!(ended.is_ok(), "seed {seed}: {ended:?}");
        let audit = run.audit();
        assert!(audit.is_clean(), "seed {seed}: {audit:#?}");
        assert_eq!(audit.quarantined, fatal_entries(&run.memory), "seed {seed}");
        (fatal, restarts) = (fatal + audit.quarantined, restarts + run.restarts);
    }
    println!("{fatal} entries that kill, {restarts} deaths until they were quarantined");
    assert!(fatal > 40 && restarts >= fatal * 3);
    // Among faults, and where several kill, others may be taken for deadly; yet nothing is lost, and none kills on.
    let tally = random_faults(0..60, |seed| fatal_run(seed, 120));
    tally.print("entries that kill, random faults");
}

#[test]
fn a_member_that_is_thrown_out_while_it_drains_ends() {
    for nth in 0..60 {
        let mut run = new_run(3, 120);
        run.leaves = true;
        run.memory.plan(FaultPlan::none().at_nth(Step::Offsets, nth, Fault::Kick).only("lane"));
        let rounds = run.finish(2, &|memory: &Memory| memory.clone()).unwrap();
        assert!(rounds < 2_000, "thrown out at transaction {nth}: {rounds} rounds");
        assert!(run.audit().is_clean());
    }
}

#[test]
fn a_kill_at_every_step_of_a_run_loses_and_doubles_nothing() {
    kill_at_every_step(|| new_run(1, 40), 1).print("a kill at every step");
}

#[test]
fn random_faults_over_1000_seeds_lose_and_double_nothing() {
    let tally = random_faults(0..1_000, |seed| new_run(seed, 120));
    tally.print("1,000 seeds");
    tally.expect_every_fault();
    // Whoever is killed at each try of an entry cannot be told from one that dies of it.
    assert!(tally.quarantined < 5, "{} innocent entries are quarantined", tally.quarantined);
    assert!(tally.restarts > tally.runs, "{} restarts", tally.restarts);
}

#[test]
fn broken_lanes_are_caught() {
    for wrong in [
        Wrong::OffsetsOutside,
        Wrong::StateOutside,
        Wrong::NoMarker,
        Wrong::NoFencing,
        Wrong::ResendAfterDoubt,
    ] {
        let caught = (0..100).find(|seed| {
            let mut run = new_run(*seed, 120);
            (run.renames, run.freezes) = (true, 3);
            run.memory.plan(all_faults());
            let shared = Shared::default();
            let ended =
                run.finish(3, &|memory: &Memory| Mutant::new(memory.clone(), wrong, &shared));
            ended.is_err() || !run.audit().is_clean()
        });
        println!("{wrong:?} is caught by seed {caught:?}");
        assert!(caught.is_some(), "{wrong:?} passes 100 seeds");
    }
}

#[test]
fn the_same_seed_gives_the_same_log() {
    let dump = || {
        let mut run = new_run(5, 120);
        run.memory.plan(all_faults());
        run.finish(2, &|memory: &Memory| memory.clone()).unwrap();
        let bounds = run
            .memory
            .admin()
            .unwrap()
            .bounds(&TopicPartition::new("alerts", 0), Isolation::ReadCommitted);
        (bounds, run.restarts)
    };
    assert_eq!(dump(), dump());
}
