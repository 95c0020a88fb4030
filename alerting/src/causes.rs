//! Alerts about something new to a whole blueprint: for seven days other actors of it that meet the same join them
//! instead of opening their own. An actor joins only where the same things explain all that is a key of its verdict:
//! whatever else it does opens an alert of its own. What joining leads to stands elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use schemas::EventTime;
use schemas::finding::Verdict;
use schemas::score::KEY_MICRONATS;
use schemas::time::DAY_MS;
use serde::{Deserialize, Serialize};

use crate::cases::OpenAlert;
use crate::record::{self, RecordError};
use crate::record_id::ActorKey;

/// For how long an alert is joined, from its opening on.
const JOINED_MS: i64 = 7 * DAY_MS;
/// Alerts kept to be joined. Beyond, the oldest are no longer joined.
const SHARED_MAX: usize = 1 << 10;

/// An alert that others may join.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Shared {
    /// Who opened it.
    pub(crate) actor: ActorKey,
    /// Where it stands among the open alerts of its actor.
    pub(crate) slot: String,
    /// Log time of its opening.
    opened: EventTime,
    /// What was new to the blueprint.
    things: BTreeSet<u64>,
    /// The alert, while it is closed.
    pub(crate) closed: Option<OpenAlert>,
}

/// The alerts of a tenant that others may join, by id.
#[derive(Clone, Debug, Default)]
pub(crate) struct Causes {
    shared: BTreeMap<String, Shared>,
    /// Who is joined for a thing: the oldest first, then by id.
    by_thing: BTreeSet<(u64, i64, String)>,
    oldest: BTreeSet<(EventTime, String)>,
}

// === impl Shared ===

impl Shared {
    fn new(actor: &ActorKey, slot: &str, opened: EventTime, things: BTreeSet<u64>) -> Self {
        Self { actor: actor.clone(), slot: slot.to_owned(), opened, things, closed: None }
    }

    /// Whether its things are what all keys of a verdict are about.
    fn explains(&self, verdict: &Verdict) -> bool {
        let about = |signal: &str| {
            let mut causes = verdict.causes.iter().filter(|cause| cause.signal == signal);
            causes.any(|cause| self.things.contains(&cause.key))
        };
        let keys = verdict.contributions.iter().filter(|c| KEY_MICRONATS <= c.evidence_micronats);
        verdict.hard_indicator.is_none() && keys.map(|c| &*c.signal).all(about)
    }
}

// === impl Causes ===

impl Causes {
    /// The id of the alert that a verdict joins: one about what its leading signal is about.
    pub(crate) fn joined(&self, verdict: &Verdict) -> Option<&str> {
        let leading = verdict.leading_signal();
        let causes = verdict.causes.iter().filter(|cause| cause.signal == leading);
        let first = |key: u64| {
            let (same, _, id) = self.by_thing.range((key, i64::MIN, String::new())..).next()?;
            (*same == key).then_some(&**id)
        };
        let mut alerts = causes.filter_map(|cause| first(cause.key));
        alerts.find(|id| self.shared.get(*id).is_some_and(|shared| shared.explains(verdict)))
    }

    /// Lets an alert be joined that opens, where what leads it is new to the blueprint. Gives the ids that changed.
    pub(crate) fn open(
        &mut self,
        (actor, slot): (&ActorKey, &str),
        (id, opened): (&str, EventTime),
        verdict: &Verdict,
    ) -> Vec<String> {
        let mut fresh = verdict.causes.iter().filter(|cause| cause.fresh);
        let things = fresh.clone().map(|cause| cause.key).collect();
        if !fresh.any(|cause| cause.signal == verdict.leading_signal()) {
            return Vec::new();
        }
        self.enter(id, Shared::new(actor, slot, opened, things));
        let mut changed = vec![id.to_owned()];
        while self.shared.len() > SHARED_MAX
            && let Some((_, oldest)) = self.oldest.first().cloned()
        {
            self.leave(&oldest);
            changed.push(oldest);
        }
        changed
    }

    fn enter(&mut self, id: &str, shared: Shared) {
        self.leave(id);
        self.oldest.insert((shared.opened, id.to_owned()));
        self.by_thing.extend(
            shared.things.iter().map(|thing| (*thing, shared.opened.millis(), id.to_owned())),
        );
        self.shared.insert(id.to_owned(), shared);
    }

    /// Lets nobody join an alert any more; whether somebody could.
    pub(crate) fn leave(&mut self, id: &str) -> bool {
        let Some(shared) = self.shared.remove(id) else { return false };
        self.oldest.remove(&(shared.opened, id.to_owned()));
        for thing in shared.things {
            self.by_thing.remove(&(thing, shared.opened.millis(), id.to_owned()));
        }
        true
    }

    /// Lets those go that are no longer joined; gives their ids.
    pub(crate) fn pass(&mut self, now: EventTime) -> Vec<String> {
        let mut gone = Vec::new();
        while let Some((opened, id)) = self.oldest.first().cloned()
            && opened.millis().saturating_add(JOINED_MS) <= now.millis()
        {
            self.leave(&id);
            gone.push(id);
        }
        gone
    }

    /// Changes one; `None` where the alert is not joined.
    pub(crate) fn change<T>(
        &mut self,
        id: &str,
        change: impl FnOnce(&mut Shared) -> T,
    ) -> Option<T> {
        self.shared.get_mut(id).map(change)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.shared.len()
    }

    /// The record of one; empty where it left.
    pub(crate) fn record(&self, id: &str) -> Vec<u8> {
        self.shared.get(id).map(record::encode).unwrap_or_default()
    }

    /// Takes back the record of one.
    pub(crate) fn load(&mut self, id: &str, bytes: &[u8]) -> Result<(), RecordError> {
        let shared = record::decode(bytes)?;
        self.enter(id, shared);
        Ok(())
    }
}
