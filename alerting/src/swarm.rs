//! One thing that agents meet for the first time: its newcomers in a window of two hours (of one, where it is their
//! tenant), what it usually gets, and its open alert. Buckets and agents are joined in any order. What is rare is
//! not known here.

use std::collections::BTreeMap;

use baseline::math::decay;
use schemas::finding::{MetKind, Versions};
use schemas::time::HOUR_MS;
use schemas::{EventTime, Newcomers, Source};
use serde::{Deserialize, Serialize};

use crate::cases::ALERT_QUIET_MS;
use crate::entry::EPOCH_MS;
use crate::flood::Flood;

/// Length of a bucket.
pub(crate) const BUCKET_MS: i64 = HOUR_MS / 2;
/// Buckets of a window: the one at hand and those of the two hours before it, less a bucket.
const WINDOW_BUCKETS: i64 = 4;
/// Length of a window, and the step in which log time passes.
pub(crate) const WINDOW_MS: i64 = WINDOW_BUCKETS * BUCKET_MS;
/// Buckets of the window in which agents are new to their tenant.
const ARRIVAL_BUCKETS: i64 = 2;
/// Buckets kept: partitions may lag by as much as is not in the window.
const KEPT_BUCKETS: i64 = 2 * WINDOW_BUCKETS;
/// An episode without end ends after a day.
const EPISODE_BUCKETS: i64 = 48;
/// Half-life of what a thing usually gets: 30 days in buckets.
const USUAL_BUCKETS: f64 = 30.0 * 48.0;
/// A thing that got no more in all is as good as unknown.
const FORGOTTEN: f64 = 3.0;

/// A thing within its tenant.
pub(crate) type ThingKey = (MetKind, u64);

/// The most that an episode reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Peak {
    /// New agents within a window.
    pub(crate) agents: u64,
    /// Evidence in nats.
    pub(crate) nats: f64,
}

/// Newcomers that were not judged yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Pending {
    /// Log time of the first of them.
    pub(crate) at: EventTime,
    /// Where its cause stands.
    pub(crate) source: Source,
    /// What was in force.
    pub(crate) versions: Versions,
}

/// What was judged of a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Judged {
    /// New agents.
    pub(crate) agents: u64,
    /// New agents expected.
    pub(crate) expected: f64,
    /// Evidence in nats.
    pub(crate) nats: f64,
    /// Once in so many months of the tenant.
    pub(crate) return_period: f64,
    /// Hours of the tenant behind it.
    pub(crate) hours: f64,
    /// Whether nothing as strange was ever seen.
    pub(crate) extrapolated: bool,
    /// Episodes behind it.
    pub(crate) episodes: f64,
}

/// An alert that is not closed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SwarmAlert {
    /// Its id.
    pub(crate) id: String,
    /// Log time of its opening.
    pub(crate) opened: EventTime,
    /// Log time of its newest alerting window.
    pub(crate) last: EventTime,
    /// When its first and its newest window began and ended.
    pub(crate) seen: (EventTime, EventTime),
    /// All agents so far.
    pub(crate) members: Newcomers,
    /// Its strangest window.
    pub(crate) worst: Judged,
    /// What was in force for it.
    pub(crate) versions: Versions,
    /// Topic or file of its cause.
    pub(crate) topic_id: String,
}

/// One thing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Swarm {
    /// What people call it.
    pub(crate) name: String,
    /// Newcomers by bucket.
    buckets: BTreeMap<i64, Newcomers>,
    /// First bucket of the episode.
    since: i64,
    /// The most of the episode.
    pub(crate) peak: Peak,
    /// Agents and episodes before, as of a bucket.
    usual: (f64, f64, i64),
    /// What waits to be judged.
    pub(crate) pending: Option<Pending>,
    /// Its alert.
    pub(crate) alert: Option<SwarmAlert>,
    /// The flood that its alert is about or will be, where it is the tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) flood: Option<Box<Flood>>,
}

/// Buckets of a window of such a thing.
fn buckets(kind: MetKind) -> i64 {
    if kind == MetKind::Tenant { ARRIVAL_BUCKETS } else { WINDOW_BUCKETS }
}

/// Length of a window of such a thing, in hours.
pub(crate) fn window_hours(kind: MetKind) -> u64 {
    (buckets(kind) * BUCKET_MS / HOUR_MS).unsigned_abs()
}

/// The bucket of a log time.
pub(crate) fn bucket_of(log_time: EventTime) -> i64 {
    log_time.millis() / BUCKET_MS
}

/// The bucket of an epoch.
pub(crate) fn bucket_of_epoch(epoch: i64) -> i64 {
    epoch.saturating_mul(EPOCH_MS) / BUCKET_MS
}

/// Whether newcomers of a bucket come too late to be told apart.
pub(crate) fn is_late(bucket: i64, now: EventTime) -> bool {
    bucket <= bucket_of(now) - KEPT_BUCKETS
}

/// A bucket's begin.
fn begin(bucket: i64) -> Option<EventTime> {
    EventTime::from_millis(bucket * BUCKET_MS).ok()
}

// === impl Swarm ===

impl Swarm {
    /// Takes newcomers in; `false` where they are known.
    pub(crate) fn take(&mut self, bucket: i64, newcomers: &Newcomers) -> bool {
        if self.buckets.is_empty() {
            self.since = bucket;
        }
        self.since = self.since.min(bucket);
        self.buckets.entry(bucket).or_default().join(newcomers)
    }

    /// The distinct newcomers of the newest window.
    pub(crate) fn window(&self, kind: MetKind) -> Newcomers {
        let mut all = Newcomers::default();
        let newest = self.newest();
        for (_, newcomers) in self.buckets.range(newest + 1 - buckets(kind)..=newest) {
            all.join(newcomers);
        }
        all
    }

    /// When the newest window's first newcomers came, and the end of its last bucket or, before it, log time.
    pub(crate) fn seen(&self, kind: MetKind, now: EventTime) -> (EventTime, EventTime) {
        let newest = self.newest();
        let mut window = self.buckets.range(newest + 1 - buckets(kind)..);
        let first = window.next().and_then(|(bucket, _)| begin(*bucket)).unwrap_or(now);
        (first.min(now), begin(newest + 1).unwrap_or(now).min(now).max(first))
    }

    /// The newest bucket; the least number where there is none.
    pub(crate) fn newest(&self) -> i64 {
        self.buckets.keys().next_back().copied().unwrap_or(i64::MIN / 2)
    }

    /// Agents and episodes that it usually got, as they weigh at its newest bucket.
    pub(crate) fn usual(&self) -> (f64, f64) {
        self.usual_at(self.newest())
    }

    fn usual_at(&self, bucket: i64) -> (f64, f64) {
        let (agents, episodes, at) = self.usual;
        #[expect(clippy::cast_precision_loss, reason = "buckets of a century fit")]
        let elapsed = bucket.saturating_sub(at).max(0) as f64;
        let left = decay(elapsed, USUAL_BUCKETS);
        (agents * left, episodes * left)
    }

    /// Lets buckets go that are too old; gives the peak of the episode if that ended it.
    pub(crate) fn pass(&mut self, now: EventTime) -> Option<Peak> {
        let now = bucket_of(now);
        self.buckets = self.buckets.split_off(&(now + 1 - KEPT_BUCKETS));
        let ended = self.buckets.is_empty() || now - self.since >= EPISODE_BUCKETS;
        if !ended || self.peak.agents == 0 {
            return None;
        }
        self.since = now;
        Some(std::mem::take(&mut self.peak))
    }

    /// Whether log time changes something of it.
    pub(crate) fn is_due(&self, now: EventTime) -> bool {
        let oldest = self.buckets.keys().next();
        let ends = bucket_of(now) - self.since >= EPISODE_BUCKETS;
        oldest.is_some_and(|oldest| is_late(*oldest, now) || ends)
    }

    /// Learns an episode.
    pub(crate) fn learn(&mut self, agents: f64, weight: f64, now: EventTime) {
        let now = bucket_of(now);
        let (sum, episodes) = self.usual_at(now);
        self.usual = (sum + agents * weight, episodes + weight, now);
    }

    /// Whether it is as good as unknown.
    pub(crate) fn is_forgotten(&self, now: EventTime) -> bool {
        let idle = self.buckets.is_empty() && self.pending.is_none() && self.alert.is_none();
        idle && self.usual_at(bucket_of(now)).0 < FORGOTTEN
    }

    /// What it takes of the table.
    pub(crate) fn weight(&self) -> usize {
        let kept = self.buckets.values().map(|newcomers| newcomers.agents().len());
        let members = self.alert.as_ref().map_or(0, |alert| alert.members.agents().len());
        4 + kept.sum::<usize>() + members
    }

    /// What stays longest where the table is full: alerts, then what several met, then what is new.
    pub(crate) fn worth(&self) -> (bool, bool, i64) {
        (self.alert.is_some(), self.peak.agents > 1, self.newest())
    }
}

// === impl SwarmAlert ===

impl SwarmAlert {
    /// Log time from which on it is closed if no alerting window comes.
    pub(crate) fn closes_at_ms(&self) -> i64 {
        self.last.millis().saturating_add(ALERT_QUIET_MS)
    }
}
