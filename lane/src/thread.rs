//! Lanes as threads: a committer beside each, a watchdog over its calls, and an end that commits what is open.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use bus::Bus;

use crate::commit::{Committer, Pulse};
use crate::error::LaneError;
use crate::fold::LogFold;
use crate::lane::{Lane, Outcome};
use crate::worker::{Hands, Job, Worker};

/// How long a lane waits for records before it looks around.
const WAIT: Duration = Duration::from_millis(5);
/// Between two tries to reach a log that is away.
const RETRY: Duration = Duration::from_millis(200);

/// Milliseconds since the Unix epoch: for ages and latencies, never for results.
pub type Clock = fn() -> i64;

/// How a lane lives and ends.
pub struct Life<'a, F: LogFold> {
    /// Set from outside: commit what is open and end.
    pub stop: &'a AtomicBool,
    /// The clock.
    pub clock: Clock,
    /// Milliseconds that the end may take.
    pub drain_ms: i64,
    /// Milliseconds after which a call on the log counts as hung.
    pub hang_ms: u64,
    /// Called after each step.
    pub on_step: &'a mut dyn FnMut(&Lane<F>, bool),
}

/// Puts a committer on a thread of its own: it commits a batch while the lane fills the next.
pub fn spawn_committer<B: Bus>(mut committer: Committer<B>, clock: Clock) -> io::Result<Hands<B>>
where
    B::Producer: 'static,
{
    let (jobs, inbox): (SyncSender<Job<B>>, Receiver<Job<B>>) = sync_channel(1);
    let (outbox, outcomes) = sync_channel(1);
    thread::Builder::new().name("committer".to_owned()).spawn(move || {
        for (transaction, group) in inbox {
            let outcome = settle(&mut committer, &transaction, &group, clock);
            if outbox.send(outcome).is_err() {
                return;
            }
        }
    })?;
    Ok(Hands::Thread(jobs, outcomes))
}

fn settle<B: Bus>(
    committer: &mut Committer<B>,
    transaction: &crate::batch::Transaction,
    group: &B::Group,
    clock: Clock,
) -> Result<Outcome, LaneError> {
    let pulse = committer.pulse();
    loop {
        pulse.begin(clock().unsigned_abs());
        let outcome = committer.commit(transaction, group);
        pulse.end();
        match outcome {
            Ok(Some(outcome)) => return Ok(outcome),
            Ok(None) => thread::sleep(RETRY),
            Err(error) => return Err(error),
        }
    }
}

/// Drives a worker until it is told to stop or cannot go on.
pub fn live<B: Bus, F: LogFold>(
    worker: &mut Worker<B, F>,
    pulse: &Pulse,
    life: &mut Life<'_, F>,
) -> Result<(), LaneError> {
    while !life.stop.load(Ordering::Relaxed) {
        worker.step((life.clock)(), WAIT)?;
        (life.on_step)(worker.lane(), worker.is_settled());
        check_pulse(pulse, life)?;
    }
    let since_ms = (life.clock)();
    while !worker.drain((life.clock)(), WAIT)? {
        check_pulse(pulse, life)?;
        if (life.clock)() - since_ms > life.drain_ms {
            return Err(LaneError::DrainTimeout);
        }
    }
    Ok(())
}

fn check_pulse<F: LogFold>(pulse: &Pulse, life: &Life<'_, F>) -> Result<(), LaneError> {
    if pulse.busy_ms((life.clock)().unsigned_abs()) > life.hang_ms {
        return Err(LaneError::Hung { millis: life.hang_ms });
    }
    Ok(())
}
