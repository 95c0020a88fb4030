//! Where the newest switches hang: one process writes, every lane takes them up at its next border.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::progress::InForce;

/// The newest switches and their names.
#[derive(Debug)]
pub struct Board<S> {
    newest: Arc<(AtomicU64, Mutex<(S, InForce)>)>,
}

impl<S> Clone for Board<S> {
    fn clone(&self) -> Self {
        Self { newest: Arc::clone(&self.newest) }
    }
}

impl<S: Clone> Board<S> {
    /// A board with its first switches.
    pub fn new(switches: S, in_force: InForce) -> Self {
        Self { newest: Arc::new((AtomicU64::new(1), Mutex::new((switches, in_force)))) }
    }

    /// Hangs up newer switches.
    pub fn post(&self, switches: S, in_force: InForce) {
        *self.newest.1.lock().unwrap_or_else(PoisonError::into_inner) = (switches, in_force);
        self.newest.0.fetch_add(1, Ordering::Release);
    }

    /// What hangs there.
    pub fn newest(&self) -> (S, InForce) {
        self.newest.1.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What hangs there, where it is newer than `seen`.
    pub fn newer(&self, seen: &mut u64) -> Option<(S, InForce)> {
        let version = self.newest.0.load(Ordering::Acquire);
        if *seen == version {
            return None;
        }
        *seen = version;
        Some(self.newest())
    }
}
