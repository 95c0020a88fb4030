//! The world around the simulated broker: its processes, the faults that are due, the requests under way, and
//! which points of the protocol were visited.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};

use xxhash_rust::xxh3::Xxh3Default;

use super::plan::{Fault, FaultPlan, Step};
use crate::error::BusError;
use crate::local::{Claim, Engine};

/// A point of the protocol: a step and the situation of the process that took it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Visit {
    /// The step.
    pub step: Step,
    /// The fault that was injected, without its figures.
    pub fault: Option<String>,
    /// Whether the process had a transaction open.
    pub open: bool,
    /// Whether that transaction held offsets.
    pub offsets: bool,
    /// Whether a member of the process was asked for partitions that it had not released.
    pub moving: bool,
    /// Members of the largest group; 3 means 3 or more.
    pub members: usize,
}

/// The world.
pub(crate) struct Faults {
    plan: FaultPlan,
    random: u64,
    n_random: u64,
    processes: Vec<Process>,
    /// Steps that the plan counts, and those of each kind.
    pub(crate) steps: u64,
    steps_of: BTreeMap<Step, u64>,
    /// All steps ever taken.
    taken: u64,
    /// Commits under way, and the step at which they arrive.
    late: Vec<(u64, Claim)>,
    pub(crate) visited: BTreeMap<Visit, u64>,
    /// Hashes of the states in which a step was taken.
    pub(crate) states: BTreeSet<u64>,
}

#[derive(Default)]
struct Process {
    name: String,
    killed: bool,
    frozen_until_ms: u64,
    unreachable_for: u32,
    slow_for: u32,
}

impl Faults {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            plan: FaultPlan::none(),
            random: seed,
            n_random: 0,
            processes: Vec::new(),
            steps: 0,
            steps_of: BTreeMap::new(),
            taken: 0,
            late: Vec::new(),
            visited: BTreeMap::new(),
            states: BTreeSet::new(),
        }
    }

    /// Sets what will go wrong; steps are counted from here.
    pub(crate) fn set(&mut self, plan: FaultPlan) {
        (self.plan, self.steps, self.n_random) = (plan, 0, 0);
        self.steps_of.clear();
    }

    // === processes ===

    pub(crate) fn start(&mut self, name: &str) -> usize {
        self.processes.push(Process { name: name.to_owned(), ..Process::default() });
        self.processes.len() - 1
    }

    pub(crate) fn kill(&mut self, process: usize) {
        self.change(process, |process| process.killed = true);
    }

    pub(crate) fn freeze(&mut self, process: usize, until_ms: u64) {
        self.change(process, |process| process.frozen_until_ms = until_ms);
    }

    pub(crate) fn is_killed(&self, process: usize) -> bool {
        self.processes.get(process).is_some_and(|process| process.killed)
    }

    pub(crate) fn frozen_until_ms(&self, process: usize) -> u64 {
        self.processes.get(process).map_or(0, |process| process.frozen_until_ms)
    }

    /// Of each process, whether it gives no sign of life.
    pub(crate) fn silent(&self, now_ms: u64) -> Vec<bool> {
        let silent = |process: &Process| process.killed || now_ms < process.frozen_until_ms;
        self.processes.iter().map(silent).collect()
    }

    /// Whether a process lives.
    pub(crate) fn check(&self, process: usize) -> Result<(), BusError> {
        if self.is_killed(process) { Err(BusError::Killed) } else { Ok(()) }
    }

    /// Whether a poll of this process finds no record, although there is one.
    pub(crate) fn is_slow(&mut self, process: usize) -> bool {
        let state = self.processes.get_mut(process).filter(|process| process.slow_for > 0);
        state.map(|process| process.slow_for -= 1).is_some()
    }

    fn change(&mut self, process: usize, set: impl FnOnce(&mut Process)) {
        if let Some(state) = self.processes.get_mut(process) {
            set(state);
        }
    }

    // === requests under way ===

    pub(crate) fn delay(&mut self, claim: &Claim, steps: u32) {
        self.late.push((self.taken + u64::from(steps), claim.clone()));
    }

    /// The requests that have arrived by now.
    pub(crate) fn arrived(&mut self) -> Vec<Claim> {
        let now = self.taken;
        self.late.extract_if(.., |(due, _)| *due <= now).map(|(_, claim)| claim).collect()
    }

    // === steps ===

    /// A process takes a step: which fault it meets. The first process belongs to the test: it meets none.
    pub(crate) fn enter(
        &mut self,
        process: usize,
        step: Step,
        engine: &Engine,
    ) -> Result<Option<Fault>, BusError> {
        self.check(process)?;
        if process == 0 {
            return Ok(None);
        }
        self.taken += 1;
        let fault = self.draw(process, step);
        let (open, offsets, moving, members) = engine.situation(process);
        let (name, members) = (fault.map(Fault::name), members.min(3));
        let mut state = Xxh3Default::new();
        (step, &name).hash(&mut state);
        engine.shape(&mut state);
        self.states.insert(state.finish());
        let visit = Visit { step, fault: name, open, offsets, moving, members };
        *self.visited.entry(visit).or_default() += 1;
        if let Some(state) = self.processes.get_mut(process) {
            if let Some(Fault::Unavailable(calls)) = fault {
                state.unreachable_for = calls.saturating_sub(1);
            } else if 0 < state.unreachable_for && !step.is_local() {
                state.unreachable_for -= 1;
                return Err(step.unreachable());
            }
            if let Some(Fault::Slow(polls)) = fault {
                state.slow_for = polls;
            }
        }
        Ok(fault)
    }

    fn draw(&mut self, process: usize, step: Step) -> Option<Fault> {
        let name = self.processes.get(process).map(|process| process.name.as_str());
        if self.plan.only.is_some() && self.plan.only.as_deref() != name {
            return None;
        }
        let of_kind = self.steps_of.entry(step).or_default();
        let (n, nth) = (self.steps, *of_kind);
        self.steps += 1;
        *of_kind += 1;
        let due = |(kind, at, _): &&(Option<Step>, u64, Fault)| match kind {
            None => *at == n,
            Some(kind) => *kind == step && *at == nth,
        };
        let planned = self.plan.planned.iter().filter(due).map(|(_, _, fault)| *fault);
        if let Some(fault) = planned.into_iter().find(|fault| fault.fits(step)) {
            return Some(fault);
        }
        for (per_10_000, fault) in &self.plan.random {
            let spent = self.plan.random_max.is_some_and(|most| self.n_random >= most);
            if !spent
                && fault.fits(step)
                && next(&mut self.random) % 10_000 < u64::from(*per_10_000)
            {
                self.n_random += 1;
                return Some(*fault);
            }
        }
        None
    }
}

/// The next number of a sequence (splitmix64).
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
