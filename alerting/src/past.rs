//! Alerts by what they did to trust, open and closed, for verdicts of analysts: how much evidence each added, and to
//! whom. What a verdict takes back is decided elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use baseline::math::decay;
use schemas::EventTime;
use schemas::finding::Verdict;
use schemas::time::{DAY_MS, HOUR_MS};
use serde::{Deserialize, Serialize};

use crate::budget;
use crate::record::{self, RecordError};
use crate::record_id::{ActorKey, RecordId};

/// By which shares and half-lives trust forgets evidence, as observe counts it.
const FAST_SHARE: f64 = 0.8;
const FAST_HALF_LIFE_H: f64 = 24.0;
const SLOW_HALF_LIFE_H: f64 = 336.0;
/// Idle hours count a quarter.
const IDLE: f64 = 0.25;
/// No event adds more.
const RISE_MAX: f64 = 20.0;
/// An alert is remembered that long after its newest event.
const KEEP_MS: i64 = 30 * DAY_MS;
/// Alerts remembered of a tenant; beyond, those that are soonest forgotten leave.
const ALERTS_MAX: usize = 1 << 13;

/// What an alert's events added to the evidence against its actor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct PastAlert {
    /// The actor.
    pub(crate) actor: ActorKey,
    /// Fast evidence in nats that is left of it at `at`, if the actor idled.
    pub(crate) fast: f64,
    /// Slow evidence in nats.
    pub(crate) slow: f64,
    /// Log time of its newest event.
    pub(crate) at: EventTime,
}

/// The alerts of a tenant, by id.
#[derive(Clone, Debug, Default)]
pub(crate) struct Past {
    all: BTreeMap<String, PastAlert>,
    due: BTreeSet<(i64, String)>,
}

// === impl PastAlert ===

impl PastAlert {
    /// Lets time pass: never less than what observe has left, for there active hours count whole.
    fn age(&mut self, now: EventTime) {
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of 110 years")]
        let hours = now.millis().saturating_sub(self.at.millis()) as f64 / HOUR_MS as f64;
        self.fast *= decay(IDLE * hours, FAST_HALF_LIFE_H);
        self.slow *= decay(IDLE * hours, SLOW_HALF_LIFE_H);
        self.at = self.at.max(now);
    }
}

// === impl Past ===

impl Past {
    /// Notes an event of an alert, by what it did to trust.
    pub(crate) fn note(
        &mut self,
        alert_id: &str,
        (actor, verdict): (&ActorKey, &Verdict),
        now: EventTime,
        touched: &mut BTreeSet<RecordId>,
    ) {
        let rise = budget::finite(verdict.trust_evidence).min(RISE_MAX);
        let (_, mut alert) = self.remove(alert_id).unwrap_or_else(|| {
            let actor = actor.clone();
            (String::new(), PastAlert { actor, fast: 0.0, slow: 0.0, at: now })
        });
        alert.age(now);
        alert.fast += FAST_SHARE * rise;
        alert.slow += (1.0 - FAST_SHARE) * rise;
        touched.insert(RecordId::Past(alert_id.to_owned()));
        self.insert(alert_id.to_owned(), alert);
        while self.all.len() > ALERTS_MAX
            && let Some((_, id)) = self.due.first().cloned()
        {
            self.forget(&id, touched);
        }
    }

    fn insert(&mut self, id: String, alert: PastAlert) {
        self.due.insert((alert.at.millis().saturating_add(KEEP_MS), id.clone()));
        self.all.insert(id, alert);
    }

    fn remove(&mut self, id: &str) -> Option<(String, PastAlert)> {
        let (id, alert) = self.all.remove_entry(id)?;
        self.due.remove(&(alert.at.millis().saturating_add(KEEP_MS), id.clone()));
        Some((id, alert))
    }

    fn forget(&mut self, id: &str, touched: &mut BTreeSet<RecordId>) {
        self.remove(id);
        touched.insert(RecordId::Past(id.to_owned()));
    }

    /// Forgets what is old.
    pub(crate) fn pass(&mut self, now: EventTime, touched: &mut BTreeSet<RecordId>) {
        while let Some((due_ms, id)) = self.due.first().cloned()
            && due_ms <= now.millis()
        {
            self.forget(&id, touched);
        }
    }

    /// Whose an alert is.
    pub(crate) fn actor(&self, alert_id: &str) -> Option<&ActorKey> {
        self.all.get(alert_id).map(|alert| &alert.actor)
    }

    /// Takes back what an alert added: its actor, and the evidence that may be left. A second time there is none.
    pub(crate) fn take_back(
        &mut self,
        alert_id: &str,
        now: EventTime,
        touched: &mut BTreeSet<RecordId>,
    ) -> Option<PastAlert> {
        let alert = self.all.get_mut(alert_id)?;
        let mut taken = alert.clone();
        (alert.fast, alert.slow) = (0.0, 0.0);
        taken.age(now);
        touched.insert(RecordId::Past(alert_id.to_owned()));
        Some(taken)
    }

    /// The record of an alert; empty where it is forgotten.
    pub(crate) fn record(&self, id: &str) -> Vec<u8> {
        self.all.get(id).map(record::encode).unwrap_or_default()
    }

    /// Takes back the record of an alert.
    pub(crate) fn load(&mut self, id: String, bytes: &[u8]) -> Result<(), RecordError> {
        let alert = record::decode(bytes)?;
        self.insert(id, alert);
        Ok(())
    }
}
