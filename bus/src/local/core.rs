//! The engine behind its lock, with the edge it stands at: a simulated world with faults, or a journal file and a
//! real clock. Every call of a client that reaches the broker is a step.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::engine::Engine;
use super::txn::Claim;
use crate::error::BusError;
use crate::file::Journal;
use crate::memory::{Fault, Faults, Half, Step};

/// The engine and its edge.
pub(crate) struct Core {
    pub(crate) engine: Engine,
    pub(crate) edge: Edge,
}

/// What is around the engine.
pub(crate) enum Edge {
    /// A world that only tests move.
    Simulated(Box<Faults>),
    /// A file that keeps what is committed.
    Journal(Box<Journal>),
}

/// The log as one process sees it.
#[derive(Clone)]
pub(crate) struct Handle {
    shared: Arc<Shared>,
    /// Number of the process.
    pub(crate) process: usize,
}

struct Shared {
    core: Mutex<Core>,
    changed: Condvar,
}

// === impl Handle ===

impl Handle {
    pub(crate) fn new(engine: Engine, edge: Edge) -> Self {
        let core = Mutex::new(Core { engine, edge });
        Self { shared: Arc::new(Shared { core, changed: Condvar::new() }), process: 0 }
    }

    /// The same log for another process.
    pub(crate) fn of_process(&self, process: usize) -> Self {
        Self { shared: self.shared.clone(), process }
    }

    /// The engine for a call of this process, at the time it is now.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Core> {
        let mut core = self.raw();
        core.look_at_the_clock();
        core.wake_up(self.process);
        core
    }

    /// The engine as it was left.
    pub(crate) fn raw(&self) -> MutexGuard<'_, Core> {
        self.shared.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The engine once a condition holds, or after the timeout. A simulated world looks once and does not wait.
    pub(crate) fn wait(
        &self,
        timeout: Duration,
        mut holds: impl FnMut(&mut Core) -> bool,
    ) -> MutexGuard<'_, Core> {
        let mut core = self.lock();
        if matches!(core.edge, Edge::Simulated(_)) {
            holds(&mut core);
            return core;
        }
        let waits = |core: &mut Core| !holds(core);
        let waited = self.shared.changed.wait_timeout_while(core, timeout, waits);
        let (mut core, _) = waited.unwrap_or_else(PoisonError::into_inner);
        core.look_at_the_clock();
        core
    }

    /// Takes a step.
    pub(crate) fn step<T>(
        &self,
        step: Step,
        act: impl FnOnce(&mut Core, Option<Fault>) -> Result<T, BusError>,
    ) -> Result<T, BusError> {
        let result = self.lock().step(self.process, step, act);
        self.wake();
        result
    }

    /// Wakes who waits for a change.
    pub(crate) fn wake(&self) {
        self.shared.changed.notify_all();
    }
}

// === impl Core ===

impl Core {
    /// Takes a step of a process, with what the faults make of it.
    pub(crate) fn step<T>(
        &mut self,
        process: usize,
        step: Step,
        act: impl FnOnce(&mut Self, Option<Fault>) -> Result<T, BusError>,
    ) -> Result<T, BusError> {
        let Edge::Simulated(faults) = &mut self.edge else { return act(self, None) };
        for late in faults.arrived() {
            // Whoever took over the id meanwhile has fenced it.
            self.engine.finish(&late, true, true).ok();
        }
        let fault = faults.enter(process, step, &self.engine)?;
        match fault {
            Some(Fault::KillBefore) => {
                faults.kill(process);
                return Err(BusError::Killed);
            }
            Some(Fault::Unavailable(_)) => return Err(step.unreachable()),
            Some(Fault::Abortable) => return Err(BusError::Abortable("injected".into())),
            _ => {}
        }
        let result = act(self, fault);
        let engine = &mut self.engine;
        let Edge::Simulated(faults) = &mut self.edge else { return result };
        match fault {
            Some(Fault::KillAfter) => {
                faults.kill(process);
                return Err(BusError::Killed);
            }
            Some(Fault::Freeze(ms)) => faults.freeze(process, engine.uptime_ms + ms),
            Some(Fault::Rebalance) => engine.rotate(),
            Some(Fault::Kick) => engine.expel(|of, _, _| of == process),
            Some(Fault::Jump(ms)) => engine.wall_ms = engine.wall_ms.saturating_add(ms),
            _ => {}
        }
        result
    }

    /// Commits; whether a late copy of the request may still be under way.
    pub(crate) fn commit(&mut self, claim: &Claim, fault: Option<Fault>) -> Result<bool, BusError> {
        let doubt = |what: &str| Err(BusError::Doubtful(what.to_owned()));
        let engine = &mut self.engine;
        let faults = match &mut self.edge {
            Edge::Simulated(faults) => faults,
            Edge::Journal(journal) => {
                let batch = engine.batch(claim)?;
                journal.append_batch(&batch)?;
                engine.finish(claim, true, true)?;
                journal.clean_if_grown(engine);
                return Ok(false);
            }
        };
        match fault {
            Some(Fault::LoseRequest) => doubt("the request was lost"),
            Some(Fault::Late(steps)) => {
                faults.delay(claim, steps);
                doubt("the request is late")
            }
            Some(Fault::LoseReply) => {
                engine.finish(claim, true, true)?;
                doubt("the reply was lost")
            }
            Some(Fault::Torn(half)) => {
                engine.finish(claim, half == Half::Records, half == Half::Offsets)?;
                doubt("the commit was torn")
            }
            Some(Fault::Doubled(steps)) => {
                engine.finish(claim, true, true)?;
                faults.delay(claim, steps);
                Ok(true)
            }
            Some(Fault::Unmarked(ms)) => {
                engine.decide(claim, engine.uptime_ms + ms).map(|()| false)
            }
            _ => engine.finish(claim, true, true).map(|()| false),
        }
    }

    /// Whether a process can do anything.
    pub(crate) fn check(&self, process: usize) -> Result<(), BusError> {
        match &self.edge {
            Edge::Simulated(faults) => faults.check(process),
            Edge::Journal(_) => Ok(()),
        }
    }

    /// Whether a poll of a process finds no record, although there is one.
    pub(crate) fn is_slow(&mut self, process: usize) -> bool {
        match &mut self.edge {
            Edge::Simulated(faults) => faults.is_slow(process),
            Edge::Journal(_) => false,
        }
    }

    /// Lets time pass until a process that stands still can make its call.
    fn wake_up(&mut self, process: usize) {
        if let Edge::Simulated(faults) = &self.edge {
            let now_ms = self.engine.uptime_ms;
            let ms = faults.frozen_until_ms(process).saturating_sub(now_ms);
            if 0 < ms {
                self.engine.advance(ms, &faults.silent(now_ms));
            }
        }
    }

    fn look_at_the_clock(&mut self) {
        if let Edge::Journal(journal) = &self.edge {
            self.engine.wall_ms = journal.now_ms();
        }
    }
}
