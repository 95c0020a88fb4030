//! Whether the process can do its work now: every lane has reached the broker, and what it owns is restored.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The readiness of a process, told by its lanes.
#[derive(Debug)]
pub struct Readiness {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    lanes: Vec<Lane>,
    draining: bool,
    refusing: usize,
}

#[derive(Clone, Copy, Debug, Default)]
struct Lane {
    polled: bool,
    restoring: usize,
}

/// Why a process is not ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotReady {
    /// It is about to end.
    Draining,
    /// So many lanes have not heard from the broker yet.
    Connecting(usize),
    /// The state of so many partitions is not restored yet.
    Restoring(usize),
    /// So many lanes read nothing because they refuse too much.
    Refusing(usize),
}

// === impl Readiness ===

impl Readiness {
    /// Of a process with so many lanes, none of which has polled.
    pub fn new(lanes: usize) -> Self {
        let lanes = vec![Lane::default(); lanes];
        Self { state: Mutex::new(State { lanes, draining: false, refusing: 0 }) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lane(&self, lane: usize, change: impl FnOnce(&mut Lane)) {
        if let Some(lane) = self.state().lanes.get_mut(lane) {
            change(lane);
        }
    }

    /// A lane's poll succeeded.
    pub fn polled(&self, lane: usize) {
        self.lane(lane, |lane| lane.polled = true);
    }

    /// How many of the partitions that a lane owns are not restored yet.
    pub fn restoring(&self, lane: usize, partitions: usize) {
        self.lane(lane, |lane| lane.restoring = partitions);
    }

    /// How many lanes read nothing because they refuse too much.
    pub fn refusing(&self, lanes: usize) {
        self.state().refusing = lanes;
    }

    /// The process is about to end; it never becomes ready again.
    pub fn drain(&self) {
        self.state().draining = true;
    }

    /// Whether it is ready; else why not.
    pub fn check(&self) -> Result<(), NotReady> {
        let state = self.state();
        let connecting = state.lanes.iter().filter(|lane| !lane.polled).count();
        let restoring = state.lanes.iter().map(|lane| lane.restoring).sum();
        match (state.draining, connecting, restoring) {
            (true, _, _) => Err(NotReady::Draining),
            (_, 0, 0) if state.refusing > 0 => Err(NotReady::Refusing(state.refusing)),
            (_, 0, 0) => Ok(()),
            (_, 0, partitions) => Err(NotReady::Restoring(partitions)),
            (_, lanes, _) => Err(NotReady::Connecting(lanes)),
        }
    }
}

impl fmt::Display for NotReady {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Draining => f.write_str("draining: it is about to end"),
            Self::Connecting(lanes) => write!(f, "connecting: lanes without an answer: {lanes}"),
            Self::Restoring(partitions) => write!(f, "restoring: partitions left: {partitions}"),
            Self::Refusing(lanes) => {
                write!(
                    f,
                    "refusing: lanes that wait because too much goes to the dead letters: {lanes}"
                )
            }
        }
    }
}
