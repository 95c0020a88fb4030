//! The signal `coordination`: many agents new to one destination, resource or delegator, or to their tenant. A bounded
//! table of things, each judged once its newcomers have come from all partitions; one alert a thing, and no revocation
//! follows from it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use schemas::EventTime;
use schemas::alert::FloodJoined;
use schemas::finding::{Finding, Meeting, MetKind, Verdict};

use crate::budget;
use crate::flood::{self, Flood};
use crate::kept;
use crate::ocsf::Phase;
use crate::record::{self, RecordError};
use crate::record_id::RecordId;
use crate::settings::Settings;
use crate::swarm::{Judged, Pending, Swarm, SwarmAlert, ThingKey, bucket_of_epoch, is_late};
use crate::usual::{Usual, number};

/// The things that are tenants.
const TENANTS: RangeInclusive<ThingKey> = (MetKind::Tenant, u64::MIN)..=(MetKind::Tenant, u64::MAX);
/// Fewer agents are never many.
const AGENTS_MIN: u64 = 5;
/// Newcomers wait that long for those of other partitions.
const WAIT_MS: i64 = 60_000;
/// What the table holds: things count four, an agent of one as one. Beyond, the least worth leave, so many at a time.
const WEIGHT_MAX: usize = 1 << 16;
const WEIGHT_KEPT: usize = WEIGHT_MAX - WEIGHT_MAX / 16;

/// What the table holds and did since the start, for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CoordinationCounts {
    /// Things that agents met.
    pub things: u64,
    /// Open alerts.
    pub open_alerts: u64,
    /// Things that left for others.
    pub evicted: u64,
    /// First meetings that partitions cut.
    pub cut: u64,
    /// Things told of too late.
    pub late: u64,
}

/// A record of an alert, to be composed.
#[derive(Clone, Debug)]
pub(crate) struct Raised {
    /// The thing.
    pub(crate) key: ThingKey,
    /// Its name.
    pub(crate) name: String,
    /// Where in its life the alert is.
    pub(crate) phase: Phase,
    /// Id of the record; none where the finding at hand gives it.
    pub(crate) uid: Option<String>,
    /// The alert.
    pub(crate) alert: SwarmAlert,
    /// What joined it.
    pub(crate) joined: Option<FloodJoined>,
}

// === impl Raised ===

impl Raised {
    /// The alert of a thing, where it has one.
    fn of(key: ThingKey, swarm: &mut Swarm, phase: Phase, uid: Option<String>) -> Option<Self> {
        let (name, alert) = (swarm.name.clone(), swarm.alert.clone()?);
        let joined = swarm.flood.as_mut().and_then(|flood| {
            flood.tells();
            flood.joined()
        });
        Some(Self { key, name, phase, uid, alert, joined })
    }
}

/// The things that a tenant's agents meet.
#[derive(Clone, Debug, Default)]
pub(crate) struct Coordination {
    swarms: BTreeMap<ThingKey, Swarm>,
    usual: Usual,
    index: Index,
    counts: CoordinationCounts,
}

/// What is derived from the things.
#[derive(Clone, Debug, Default)]
struct Index {
    /// When a thing is to be judged.
    waiting: BTreeSet<(i64, ThingKey)>,
    /// When an alert closes.
    deadlines: BTreeSet<(i64, ThingKey)>,
    weight: usize,
}

// === impl Index ===

impl Index {
    fn enter(&mut self, key: ThingKey, swarm: &Swarm) {
        self.weight += swarm.weight();
        self.waiting.extend(waits_until(swarm).map(|due_ms| (due_ms, key)));
        self.deadlines.extend(swarm.alert.as_ref().map(|alert| (alert.closes_at_ms(), key)));
    }

    fn leave(&mut self, key: ThingKey, swarm: &Swarm) {
        self.weight = self.weight.saturating_sub(swarm.weight());
        if let Some(due_ms) = waits_until(swarm) {
            self.waiting.remove(&(due_ms, key));
        }
        if let Some(alert) = &swarm.alert {
            self.deadlines.remove(&(alert.closes_at_ms(), key));
        }
    }
}

fn waits_until(swarm: &Swarm) -> Option<i64> {
    swarm.pending.as_ref().map(|pending| pending.at.millis().saturating_add(WAIT_MS))
}

// === impl Coordination ===

impl Coordination {
    /// Takes what agents met in an epoch of a partition. A flood is recognised here, told later.
    pub(crate) fn take(
        &mut self,
        (finding, settings): (&Finding, &Settings),
        (epoch, now): (i64, EventTime),
        (met, cut): (&[Meeting], u64),
        touched: &mut BTreeSet<RecordId>,
    ) {
        self.counts.cut += cut;
        let bucket = bucket_of_epoch(epoch);
        for meeting in met {
            if is_late(bucket, now) {
                self.counts.late += 1;
                continue;
            }
            if self.usual.begin(now) {
                touched.insert(RecordId::Usual);
            }
            let key = (meeting.kind, meeting.key);
            self.change(key, touched, |swarm, usual| {
                if swarm.name.is_empty() {
                    swarm.name = kept::event_id(&meeting.name);
                }
                if !swarm.take(bucket, &meeting.by) {
                    return;
                }
                if swarm.pending.is_none() {
                    let (source, versions) = (finding.source.clone(), finding.versions.clone());
                    swarm.pending = Some(Pending { at: now, source, versions });
                }
                if key.0 == MetKind::Tenant {
                    recognise(swarm, key, usual, (settings, now));
                }
            });
        }
        self.make_room(touched);
    }

    /// When something is to be judged or closed next.
    pub(crate) fn next_due_ms(&self) -> Option<i64> {
        let first = |due: &BTreeSet<(i64, ThingKey)>| due.first().map(|(due_ms, _)| *due_ms);
        first(&self.index.waiting).into_iter().chain(first(&self.index.deadlines)).min()
    }

    /// Changes a thing, which is made if there is none; keeps what is derived true.
    fn change<T>(
        &mut self,
        key: ThingKey,
        touched: &mut BTreeSet<RecordId>,
        change: impl FnOnce(&mut Swarm, &Usual) -> T,
    ) -> T {
        touched.insert(RecordId::Thing(key));
        let swarm = self.swarms.entry(key).or_insert_with(|| {
            let swarm = Swarm::default();
            self.index.enter(key, &swarm);
            swarm
        });
        self.index.leave(key, swarm);
        let result = change(swarm, &self.usual);
        self.index.enter(key, swarm);
        result
    }

    fn remove(&mut self, key: ThingKey, touched: &mut BTreeSet<RecordId>) {
        if let Some(swarm) = self.swarms.remove(&key) {
            self.index.leave(key, &swarm);
            touched.insert(RecordId::Thing(key));
        }
    }

    fn make_room(&mut self, touched: &mut BTreeSet<RecordId>) {
        if self.index.weight <= WEIGHT_MAX {
            return;
        }
        let things = self.swarms.iter().filter(|(key, _)| key.0 != MetKind::Tenant);
        let mut all: Vec<_> = things.map(|(key, swarm)| (swarm.worth(), *key)).collect();
        all.sort_unstable();
        for (_, key) in all {
            if self.index.weight <= WEIGHT_KEPT {
                break;
            }
            self.remove(key, touched);
            self.counts.evicted += 1;
        }
    }

    /// Judges what waited long enough, or all where `all`, and closes the alerts that are due.
    pub(crate) fn judge(
        &mut self,
        (now, all): (EventTime, bool),
        (settings, n_agents): (&Settings, u32),
        touched: &mut BTreeSet<RecordId>,
    ) -> Vec<Raised> {
        let mut raised = Vec::new();
        while let Some((due_ms, key)) = self.index.waiting.first().copied()
            && (all || due_ms <= now.millis())
        {
            let judge =
                |swarm: &mut Swarm, usual: &Usual| judge(swarm, key, usual, (settings, n_agents));
            raised.extend(self.change(key, touched, judge));
        }
        while let Some((due_ms, key)) = self.index.deadlines.first().copied()
            && due_ms <= now.millis()
        {
            let closed = self.change(key, touched, |swarm, _| {
                let raised = Raised::of(key, swarm, Phase::Close, None);
                (swarm.alert, swarm.flood) = (None, None);
                raised
            });
            raised.extend(closed);
        }
        if all {
            raised.extend(self.untold(touched));
        }
        raised
    }

    /// The alerts of floods that more joined than was told; no log will go on to tell it.
    fn untold(&mut self, touched: &mut BTreeSet<RecordId>) -> Vec<Raised> {
        let has_untold = |swarm: &Swarm| swarm.flood.as_ref().is_some_and(|f| f.has_untold());
        let floods = self.swarms.range(TENANTS).filter(|(_, swarm)| has_untold(swarm));
        let keys: Vec<ThingKey> = floods.map(|(key, _)| *key).collect();
        let tell =
            |key| self.change(key, touched, |swarm, _| Raised::of(key, swarm, Phase::Update, None));
        keys.into_iter().filter_map(tell).collect()
    }

    /// The flood that a verdict is of, of whose agent findings told first then: its thing, and the id of its alert.
    pub(crate) fn flood_of(
        &self,
        of: (&Finding, &Verdict),
        told_first: Option<EventTime>,
    ) -> Option<(ThingKey, &str)> {
        let mut floods = self.swarms.range(TENANTS);
        floods.find_map(|(key, swarm)| {
            let flood = swarm.flood.as_ref()?;
            flood.takes_in(of, told_first).then_some((*key, &*flood.id))
        })
    }

    /// Counts an event of an agent of a flood in its alert, which is told again now and then.
    pub(crate) fn join_flood(
        &mut self,
        key: ThingKey,
        (finding, verdict): (&Finding, &Verdict),
        touched: &mut BTreeSet<RecordId>,
    ) -> Option<Raised> {
        self.change(key, touched, |swarm, _| {
            let tells = swarm.flood.as_mut()?.join(verdict);
            let uid = tells.then(|| finding.source.derive("flood-update"))?;
            Raised::of(key, swarm, Phase::Update, Some(uid))
        })
    }

    /// Lets log time pass: buckets that are too old go, and ended episodes are learned.
    pub(crate) fn pass(&mut self, now: EventTime, touched: &mut BTreeSet<RecordId>) {
        if !self.usual.pass(now) {
            return;
        }
        touched.insert(RecordId::Usual);
        let due = self.swarms.iter().filter(|(_, s)| s.is_due(now) || s.is_forgotten(now));
        let due: Vec<ThingKey> = due.map(|(key, _)| *key).collect();
        for key in due {
            let ended = self.change(key, touched, |swarm, _| swarm.pass(now));
            if let Some(peak) = ended {
                let weight = self.usual.learn(key.0, peak);
                let agents = number(peak.agents);
                self.change(key, touched, |swarm, _| swarm.learn(agents, weight, now));
            }
            if self.swarms.get(&key).is_some_and(|swarm| swarm.is_forgotten(now)) {
                self.remove(key, touched);
            }
        }
    }

    /// What it holds and did.
    pub(crate) fn counts(&self) -> CoordinationCounts {
        let (things, open_alerts) = (self.swarms.len() as u64, self.index.deadlines.len() as u64);
        CoordinationCounts { things, open_alerts, ..self.counts }
    }

    /// The record of what is usual.
    pub(crate) fn usual(&self) -> Vec<u8> {
        record::encode(&self.usual)
    }

    /// The record of a thing; empty where it left.
    pub(crate) fn thing(&self, key: ThingKey) -> Vec<u8> {
        self.swarms.get(&key).map(record::encode).unwrap_or_default()
    }

    /// Takes back the record of what is usual.
    pub(crate) fn load_usual(&mut self, bytes: &[u8]) -> Result<(), RecordError> {
        self.usual = record::decode(bytes)?;
        Ok(())
    }

    /// Takes back the record of a thing.
    pub(crate) fn load_thing(&mut self, key: ThingKey, bytes: &[u8]) -> Result<(), RecordError> {
        let swarm: Swarm = record::decode(bytes)?;
        self.index.enter(key, &swarm);
        if let Some(before) = self.swarms.insert(key, swarm) {
            self.index.leave(key, &before);
        }
        Ok(())
    }
}

/// The rule that makes an id of a thing.
fn rule(what: &str, key: ThingKey) -> String {
    format!("{what}/{}/{:016x}", key.0.as_str(), key.1)
}

/// What is judged of a thing's newest window, and whether that alerts.
fn judged(
    swarm: &Swarm,
    kind: MetKind,
    usual: &Usual,
    (settings, n_agents): (&Settings, u32),
) -> (Judged, bool) {
    let judged = usual.judge(kind, swarm, n_agents);
    let arrives = kind == MetKind::Tenant;
    let stands = arrives && (swarm.alert.is_some() || swarm.flood.is_some());
    let goes_on = stands && flood::STRANGE_NATS <= judged.nats;
    let alerting = settings.coordination
        && if arrives { flood::AGENTS_MIN } else { AGENTS_MIN } <= judged.agents
        && (goes_on || threshold(settings) <= judged.return_period);
    (judged, alerting)
}

/// Recognises a flood, or that it goes on, as soon as the newcomers are there: log time may have run ahead with another
/// partition and stand still, while those of this one act.
fn recognise(
    swarm: &mut Swarm,
    key: ThingKey,
    usual: &Usual,
    (settings, now): (&Settings, EventTime),
) {
    let (_, true) = judged(swarm, key.0, usual, (settings, 0)) else { return };
    let (id, onset) = match (&swarm.alert, &swarm.pending) {
        (Some(alert), _) => (alert.id.clone(), alert.seen.0),
        // The alert is going to have this id.
        (None, Some(pending)) => {
            (pending.source.derive(&rule("fleet-alert", key)), swarm.seen(key.0, now).0)
        }
        (None, None) => return,
    };
    swarm.flood.get_or_insert_with(|| Box::new(Flood::new(id, onset))).goes_on(now);
}

/// Judges the newcomers of a thing: opens an alert, or adds members to the one that is open.
fn judge(
    swarm: &mut Swarm,
    key: ThingKey,
    usual: &Usual,
    (settings, n_agents): (&Settings, u32),
) -> Option<Raised> {
    let Pending { at, source, versions } = swarm.pending.take()?;
    let (judged, alerting) = judged(swarm, key.0, usual, (settings, n_agents));
    swarm.peak.agents = swarm.peak.agents.max(judged.agents);
    swarm.peak.nats = swarm.peak.nats.max(judged.nats);
    let (window, seen) = (swarm.window(key.0), swarm.seen(key.0, at));
    if let Some(alert) = &mut swarm.alert {
        let grown = alert.members.join(&window);
        if alerting {
            alert.last = alert.last.max(at);
        }
        if alerting && alert.worst.nats < judged.nats {
            (alert.worst, alert.versions) = (judged, versions);
        }
        alert.seen.1 = alert.seen.1.max(seen.1);
        let uid = Some(source.derive(&rule("fleet-update", key)));
        return grown.then(|| Raised::of(key, swarm, Phase::Update, uid)).flatten();
    }
    // A flood that was recognised has taken in events: it is told, whatever was learned since.
    if !alerting && swarm.flood.is_none() {
        return None;
    }
    let id = source.derive(&rule("fleet-alert", key));
    let alert = SwarmAlert {
        id: id.clone(),
        opened: at,
        last: at,
        seen,
        members: window,
        worst: judged,
        versions,
        topic_id: kept::event_id(&source.topic_id),
    };
    swarm.alert = Some(alert);
    Raised::of(key, swarm, Phase::Open, Some(id))
}

/// The return period in months of the tenant from which on one kind of thing alerts: kinds share the budget.
pub(crate) fn threshold(settings: &Settings) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a few kinds")]
    let kinds = MetKind::ALL.len() as f64;
    budget::return_period(settings.fleet_alerts_per_month / kinds)
}
