//! What lanes tell, as metrics and as lines for people. Nothing here decides anything.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use bus::{Bus, BusError, Isolation, TopicPartition};
use lane::{Clock, Lane, Meter, Notice, Positions, Transaction, Turned};
use telemetry::{Hop, Metrics};

use super::fold::StreamFold;
use super::setup::{Names, Setup};

/// Milliseconds between two looks at a lane's folds.
const LOOK_MS: i64 = 1_000;
/// Between two looks at the ends of partitions.
const LAG_EVERY: Duration = Duration::from_secs(2);

/// What the lanes of a process share.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) metrics: Arc<Metrics>,
    pub(super) positions: Positions,
    /// Newest log time of each owned partition of the input.
    logs: Arc<Mutex<BTreeMap<TopicPartition, i64>>>,
    /// Lanes for which the log is away.
    away: Arc<AtomicUsize>,
    /// Lanes whose breaker is broken.
    broken: Arc<AtomicUsize>,
    names: Names,
    clock: Clock,
}

impl Shared {
    pub(super) fn new(metrics: Arc<Metrics>, setup: &Setup, clock: Clock) -> Self {
        let (positions, names) = (Positions::default(), setup.names().clone());
        Self {
            metrics,
            positions,
            logs: Arc::default(),
            away: Arc::default(),
            broken: Arc::default(),
            names,
            clock,
        }
    }

    /// Lanes that read nothing because they refuse too much.
    pub(super) fn n_broken(&self) -> usize {
        self.broken.load(Ordering::Relaxed)
    }

    fn breaker(&self, turned: Turned) {
        match turned {
            Turned::Broke { wait_ms, activities, refused, again } => {
                if !again {
                    self.broken.fetch_add(1, Ordering::Relaxed);
                }
                tracing::error!(
                    "{refused} of {activities} activities went to the dead letters: nothing is read for {} s; look at \
                     what was deployed last, here or at the producers (`input.dead_letter_percent_max`)",
                    wait_ms / 1_000
                );
            }
            Turned::Mended => {
                self.broken.fetch_sub(1, Ordering::Relaxed);
                tracing::info!("few enough activities are refused: reading goes on");
            }
        }
        self.metrics.breaker(self.n_broken());
    }

    fn committed(&self, transaction: &Transaction, taken_ms: i64) {
        self.positions.note(transaction);
        let now_ms = (self.clock)();
        let mut state_bytes = 0;
        for part in &transaction.parts {
            let state = part.records.iter().filter(|record| record.to.topic == part.state.topic);
            state_bytes += state.map(|record| record.bytes() as u64).sum::<u64>();
            self.metrics.received(&part.at.topic, part.counts.records);
            self.metrics.kept(&part.counts);
            if part.at.topic == self.names.activity {
                self.metrics.processed(&part.counts);
            } else if self.names.sources.contains(&part.at.topic) {
                self.metrics.taken_in(&part.counts);
            }
            for cause in &part.causes {
                let (first, entry) = (since(now_ms, cause.first_ms), since(now_ms, cause.entry_ms));
                if cause.topic == self.names.activity {
                    self.metrics.hop(Hop::EventToActivity, first);
                } else if cause.topic == self.names.findings {
                    self.metrics.hop(Hop::EventToFinding, first);
                    self.metrics.hop(Hop::ActivityToFinding, entry);
                } else {
                    self.metrics.hop(Hop::EventToAlert, first);
                    self.metrics.hop(Hop::FindingToAlert, entry);
                }
            }
        }
        self.metrics.committed(since(taken_ms, 0), state_bytes);
    }

    /// Follows the ends of owned partitions until told to stop.
    pub(super) fn follow_lag<B: Bus>(&self, bus: &B, stop: &AtomicBool) {
        let mut waited = LAG_EVERY;
        while !stop.load(Ordering::Relaxed) {
            if waited < LAG_EVERY {
                thread::sleep(LAG_EVERY / 20);
                waited += LAG_EVERY / 20;
                continue;
            }
            waited = Duration::ZERO;
            let logs = self.logs.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let Ok(mut admin) = bus.admin() else { continue };
            for (at, log_ms) in logs {
                let Some(position) = self.positions.of(&at) else { continue };
                let Ok((_, end)) = admin.bounds(&at, Isolation::ReadCommitted) else { break };
                self.metrics.progress(&at, end.saturating_sub(position), log_ms);
            }
        }
    }
}

fn since(now_ms: i64, then_ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(now_ms - then_ms).unwrap_or(0))
}

impl Meter for Shared {
    fn note(&self, notice: &Notice<'_>) {
        match notice {
            Notice::Committed(transaction, taken_ms) => self.committed(transaction, *taken_ms),
            Notice::Aborted(reason) => {
                self.metrics.commit_failed(&BusError::Abortable(String::new()));
                tracing::debug!("a transaction is sent again: {reason}");
            }
            Notice::Doubt(reason) => {
                self.metrics.commit_failed(&BusError::Doubtful(String::new()));
                tracing::info!("the outcome of a transaction is read from the log: {reason}");
            }
            Notice::Torn(partitions) => {
                let partitions: Vec<String> = partitions.iter().map(ToString::to_string).collect();
                tracing::error!("only part of a transaction stood: {}", partitions.join(", "));
            }
            Notice::Restored(at, records, taken_ms) => {
                self.metrics.restored(since(*taken_ms, 0));
                tracing::debug!(records, taken_ms, "{at} is restored");
            }
            Notice::Released(at) => {
                self.metrics.release(at);
                self.logs.lock().unwrap_or_else(PoisonError::into_inner).remove(at);
            }
            Notice::Lost(at, from, to) => {
                self.metrics.entries_lost(to.saturating_sub(*from));
                tracing::error!(
                    "entries of {at} from offset {from} up to {to} were gone before they were read: going on by leave"
                );
            }
            Notice::Breaker(turned) => self.breaker(*turned),
            Notice::Away(reason) => {
                if self.away.fetch_add(1, Ordering::Relaxed) == 0 {
                    tracing::warn!("Kafka is away, waiting for it: {reason}");
                }
            }
            Notice::Back(away_ms) => {
                if self.away.fetch_sub(1, Ordering::Relaxed) == 1 {
                    tracing::info!(
                        "Kafka is back after {} s: going on where it was left",
                        away_ms / 1_000
                    );
                }
            }
        }
    }
}

/// Looks at a lane's folds now and then.
pub(super) struct Gauges {
    shared: Shared,
    next_ms: i64,
}

impl Gauges {
    pub(super) fn new(shared: Shared) -> Self {
        Self { shared, next_ms: 0 }
    }

    pub(super) fn look(&mut self, lane: &Lane<StreamFold>) {
        let now_ms = (self.shared.clock)();
        if now_ms < self.next_ms {
            return;
        }
        self.next_ms = now_ms + LOOK_MS;
        for (at, fold) in lane.folds() {
            let log_ms = match fold {
                StreamFold::Intake(intake) => {
                    self.shared.metrics.held(at, intake.n_waiting() as u64);
                    intake.log_ms()
                }
                StreamFold::Observe(observe) => {
                    self.shared.metrics.store(at, observe.fold().counts());
                    observe.log_ms()
                }
                StreamFold::Respond(respond) => {
                    self.shared.metrics.respond(at, respond.counts());
                    continue;
                }
                StreamFold::Said(_) | StreamFold::Register(_) => continue,
            };
            let mut logs = self.shared.logs.lock().unwrap_or_else(PoisonError::into_inner);
            logs.insert(at.clone(), log_ms);
        }
    }
}
