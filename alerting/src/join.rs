//! An actor joins the alert of another one of its blueprint that is about the same: it opens none, its case goes on, and
//! what the policies ask for is asked for it as for any other.

use baseline::hash;
use schemas::cause::{Cause, CauseKind, SharedCause};
use schemas::finding::{Finding, Verdict};
use schemas::trust::Level;
use schemas::{EventTime, Newcomers};
use serde::{Deserialize, Serialize};

use crate::budget;
use crate::cases::OpenAlert;
use crate::kept;
use crate::ocsf::Phase;
use crate::record_id::ActorKey;
use crate::respond::{Applied, Response};
use crate::tenant::Tenant;
use crate::text::clean;

/// What an alert is about and who joined it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Joined {
    /// What kind of thing it is.
    kind: CauseKind,
    /// What it is called.
    pub(crate) name: String,
    /// Its hash.
    key: u64,
    /// The others.
    pub(crate) members: Newcomers,
    /// The worst level of any of them.
    pub(crate) level: Level,
    /// The rarest event of any of them, in actor-months.
    pub(crate) return_period: f64,
}

// === impl Joined ===

impl Joined {
    fn of(cause: &Cause) -> Self {
        Self {
            kind: cause.kind,
            name: kept::event_id(&clean(&cause.name)),
            key: cause.key,
            members: Newcomers::default(),
            level: Level::Trusted,
            return_period: 0.0,
        }
    }

    /// As it stands in an alert.
    pub(crate) fn shared(&self) -> SharedCause {
        SharedCause {
            kind: self.kind,
            name: self.name.clone(),
            key: format!("{:016x}", self.key),
            members: self.members.agents().iter().map(|agent| agent.id.clone()).collect(),
            members_count: self.members.count(),
            members_exact: self.members.is_exact(),
        }
    }

    /// What a sentence adds; none while nobody joined.
    pub(crate) fn sentence(&self) -> Option<String> {
        let (n, kind, name) = (self.members.count(), self.kind.words(), &self.name);
        let about = if self.members.is_exact() { "" } else { "about " };
        let agents = if n == 1 { "other agent" } else { "other agents" };
        (n > 0).then(|| {
            format!("For {about}{n} {agents} of its blueprint the {kind} {name} is new too.")
        })
    }
}

// === impl Tenant ===

impl Tenant {
    /// The alert of another that an alerting verdict joins.
    pub(crate) fn joined(
        &self,
        key: &ActorKey,
        leading: &str,
        verdict: &Verdict,
    ) -> Option<String> {
        let has_own = self.case(key).is_some_and(|case| case.alerts.contains_key(leading));
        if has_own { None } else { self.causes.joined(verdict).map(str::to_owned) }
    }

    /// Lets others join an alert that an actor opened.
    pub(crate) fn share(&mut self, key: &ActorKey, signal: &str, verdict: &Verdict) {
        let Some(alert) = self.case(key).and_then(|case| case.alerts.get(signal)) else { return };
        let (id, opened) = (alert.id.clone(), alert.opened);
        let changed = self.causes.open((key, signal), (&id, opened), verdict);
        let leading = |cause: &&Cause| cause.fresh && cause.signal == verdict.leading_signal();
        if let (false, Some(cause)) = (changed.is_empty(), verdict.causes.iter().find(leading)) {
            self.change(key, signal, |case| {
                if let Some(alert) = case.alerts.get_mut(signal) {
                    alert.joined = Some(Box::new(Joined::of(cause)));
                }
            });
        }
        self.touch_causes(changed);
    }

    /// Adds an event of an actor to the alert that it joins, which opens again where it was closed; gives the alert and
    /// where it stands.
    fn join(
        &mut self,
        (id, key): (&str, &ActorKey),
        finding: &Finding,
        verdict: &Verdict,
        now: EventTime,
    ) -> Option<(OpenAlert, ActorKey, String)> {
        let (actor, slot, closed) = self.causes.change(id, |shared| {
            let closed = shared.closed.take();
            if closed.is_some() {
                // Apart from what its actor opens meanwhile.
                shared.slot = format!("{}/{id}", kept::signal(verdict.leading_signal()));
            }
            (shared.actor.clone(), shared.slot.clone(), closed)
        })?;
        self.touch_causes(vec![id.to_owned()]);
        let joined = self.change(&actor, &slot, |case| {
            if let Some(closed) = closed {
                case.alerts.insert(slot.clone(), OpenAlert { told: None, ..closed });
            }
            let alert = case.alerts.get_mut(&slot).filter(|alert| alert.id == id)?;
            alert.seen(finding, verdict, now);
            if let Some(joined) = alert.joined.as_mut().filter(|_| actor.agent_id != key.agent_id) {
                let member = kept::event_id(&key.agent_id);
                joined.members.insert(hash::text(0, &key.agent_id), &member);
                joined.level = joined.level.min(verdict.level_after);
                let period = budget::finite(verdict.return_period_actor_months);
                joined.return_period = joined.return_period.max(period);
            }
            Some(alert.clone())
        });
        if joined.is_some() {
            self.note_joined();
        }
        joined.map(|alert| (alert, actor, slot))
    }
}

// === impl Applied ===

impl Applied<'_> {
    /// An event of an actor as an alert, of which the policies judge; it has the id of the one that it joins.
    pub(crate) fn joining(
        &self,
        verdict: &Verdict,
        id: &str,
        effective: (f64, Level),
    ) -> OpenAlert {
        let mut own = OpenAlert::new(self.finding, verdict, self.now);
        own.event(self.finding, verdict, self.now);
        id.clone_into(&mut own.id);
        (own.trust_effective, own.level_effective) = effective;
        own
    }

    /// What an alerting event of an actor leads to that joins an alert; none where there is no such alert.
    pub(crate) fn join(
        &mut self,
        verdict: &Verdict,
        (key, id): (&ActorKey, &str),
        effective: (f64, Level),
    ) -> Option<Vec<Response>> {
        let (finding, now) = (self.finding, self.now);
        let (alert, opener, slot) = self.tenant.join((id, key), finding, verdict, now)?;
        let tells = self.tenant.tells((&opener, &slot), self.settings, now);
        self.tenant.change(key, "", |case| {
            case.told(verdict, now);
            case.incident_event(verdict, now);
        });
        let own = self.joining(verdict, id, effective);
        let decided = self.decided(key, "", Some(&own)).unwrap_or_default();
        let activity_id = verdict.activity_id.clone();
        let mut responses = vec![Response::AlertRef {
            activity_id,
            alert_id: alert.id.clone(),
            opened: false,
            joined: true,
        }];
        let uid = finding.source.derive("alert-update");
        responses.extend(tells.then(|| self.alert(uid, Phase::Update, &alert)));
        responses.extend(self.gather_joined(&opener, &alert));
        responses.extend(decided);
        Some(responses)
    }
}
