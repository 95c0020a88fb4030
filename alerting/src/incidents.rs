//! Incidents: open alerts with one cause in common. A root that their agents act for, a destination, or what is new to a
//! whole blueprint. One opens once enough agents are in it and closes with the last of its alerts; each agent counts once.

use std::collections::{BTreeMap, BTreeSet};

use baseline::hash;
use schemas::cause::CauseKind;
use schemas::finding::{Finding, Verdict, Versions};
use schemas::incident::IncidentKind;
use schemas::time::HOUR_MS;
use schemas::{EventTime, Newcomers};
use serde::{Deserialize, Serialize};

use crate::cases::OpenAlert;
use crate::kept;
use crate::ocsf::{self, Moment, Phase};
use crate::record::{self, RecordError};
use crate::record_id::{ActorKey, RecordId};
use crate::respond::{Applied, Response};
use crate::settings::Settings;

/// Alerts that an incident names.
const ALERTS_MAX: usize = 64;

/// What alerts have in common: its kind, and what tells it from others.
pub(crate) type CauseKey = (IncidentKind, String);

/// One alert of an incident.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Member {
    agent_id: String,
    signal: String,
    opened: EventTime,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    closed: bool,
}

/// Alerts with one cause; an incident once it has an id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Gathering {
    /// What they have in common.
    pub(crate) kind: IncidentKind,
    /// Its name.
    pub(crate) name: String,
    /// Id of the incident.
    pub(crate) id: Option<String>,
    /// Log time of its first alert.
    pub(crate) first: EventTime,
    /// Log time of its newest one.
    pub(crate) last: EventTime,
    /// Alerts so far.
    pub(crate) n_alerts: u64,
    /// Their agents.
    pub(crate) members: Newcomers,
    /// The most severe of them.
    pub(crate) severity_id: u8,
    /// What was in force for the first.
    pub(crate) versions: Versions,
    alerts: BTreeMap<String, Member>,
    /// Log time of the newest record.
    told: Option<EventTime>,
}

/// The gatherings of a tenant.
#[derive(Clone, Debug, Default)]
pub(crate) struct Incidents {
    all: BTreeMap<CauseKey, Gathering>,
    of_alert: BTreeSet<(String, CauseKey)>,
    n_withheld: u64,
}

/// An alert that is to be gathered.
pub(crate) struct Gathered<'a> {
    pub(crate) key: CauseKey,
    pub(crate) name: &'a str,
    pub(crate) agent_id: &'a str,
    pub(crate) signal: &'a str,
    pub(crate) alert: &'a OpenAlert,
}

/// How many agents make an incident, and within which time their alerts must open.
fn needed(kind: IncidentKind) -> (u64, i64) {
    match kind {
        IncidentKind::Destination => (5, HOUR_MS),
        IncidentKind::Delegation | IncidentKind::Blueprint => (2, i64::MAX),
    }
}

/// What an alert has in common with others: the root of its chain, and the destination that leads to it.
fn causes(verdict: &Verdict) -> Vec<(CauseKey, String)> {
    let (chain, leading) = (&verdict.facts.chain, verdict.leading_signal());
    let root = chain.first().filter(|_| chain.len() > 1);
    let root = root.map(|root| (IncidentKind::Delegation, root));
    let leads = leading == "destination"
        || verdict
            .causes
            .iter()
            .any(|cause| cause.signal == leading && cause.kind == CauseKind::Destination);
    let place = verdict.facts.destination.as_ref().filter(|_| leads);
    let place = place.map(|place| (IncidentKind::Destination, place));
    let named = root.into_iter().chain(place);
    let named = named.map(|(kind, name)| (kind, kept::event_id(name)));
    named.map(|(kind, name)| ((kind, name.clone()), name)).collect()
}

// === impl Gathering ===

impl Gathering {
    /// Its alerts, the oldest first: id, leading signal, log time of the opening in milliseconds.
    pub(crate) fn alerts(&self) -> impl Iterator<Item = (&str, &str, i64)> {
        let mut alerts: Vec<_> = self.alerts.iter().collect();
        alerts.sort_by_key(|(id, alert)| (alert.opened, *id));
        alerts.into_iter().map(|(id, alert)| (&**id, &*alert.signal, alert.opened.millis()))
    }

    fn insert(&mut self, agent_id: &str) -> bool {
        self.members.insert(hash::text(0, agent_id), &kept::event_id(agent_id))
    }

    /// Where it is full, lets go of the oldest alert that is closed, so that it stays open as long as any of them.
    fn make_room(&mut self) {
        let closed = self.alerts.iter().filter(|(_, alert)| alert.closed);
        let oldest = closed.min_by_key(|(id, alert)| (alert.opened, *id)).map(|(id, _)| id.clone());
        if let Some(oldest) = oldest.filter(|_| ALERTS_MAX <= self.alerts.len()) {
            self.alerts.remove(&oldest);
        }
    }

    /// Lets those go that came too long before to belong together; gives their ids. To be done while it is no incident.
    fn retain(&mut self, now: EventTime) -> Vec<String> {
        let (_, within_ms) = needed(self.kind);
        let age_ms = |opened: EventTime| now.millis().saturating_sub(opened.millis());
        let gone = self.alerts.extract_if(.., |_, alert| within_ms <= age_ms(alert.opened));
        let gone = gone.map(|(id, _)| id).collect();
        self.members = Newcomers::default();
        let agents: Vec<String> =
            self.alerts.values().map(|alert| alert.agent_id.clone()).collect();
        agents.iter().for_each(|agent_id| {
            self.insert(agent_id);
        });
        self.n_alerts = self.alerts.len() as u64;
        self.first = self.alerts.values().map(|alert| alert.opened).min().unwrap_or(now);
        gone
    }
}

// === impl Incidents ===

impl Incidents {
    /// Takes an alert in, and others who joined it; gives the incident, where there is something to tell of it.
    pub(crate) fn gather(
        &mut self,
        of: &Gathered<'_>,
        finding: &Finding,
        (settings, now): (&Settings, EventTime),
        touched: &mut BTreeSet<RecordId>,
    ) -> Option<(Phase, Gathering)> {
        let (key, id) = (&of.key, &of.alert.id);
        let one = self.all.entry(key.clone()).or_insert_with(|| Gathering {
            kind: key.0,
            name: of.name.to_owned(),
            id: None,
            first: of.alert.opened,
            last: now,
            n_alerts: 0,
            members: Newcomers::default(),
            severity_id: 0,
            versions: finding.versions.clone(),
            alerts: BTreeMap::new(),
            told: None,
        });
        touched.insert(RecordId::Incident(key.clone()));
        if one.id.is_none() {
            for gone in one.retain(now) {
                self.of_alert.remove(&(gone, key.clone()));
            }
        }
        let mut grows = false;
        if !one.alerts.contains_key(id) {
            one.n_alerts = one.n_alerts.saturating_add(1);
            grows = true;
            one.make_room();
            if one.alerts.len() < ALERTS_MAX {
                let (agent_id, signal) = (of.agent_id.to_owned(), of.signal.to_owned());
                let alert = Member { agent_id, signal, opened: of.alert.opened, closed: false };
                one.alerts.insert(id.clone(), alert);
                self.of_alert.insert((id.clone(), key.clone()));
            }
        }
        grows |= one.insert(of.agent_id);
        if let Some(joined) = &of.alert.joined
            && key.0 == IncidentKind::Blueprint
        {
            grows |= one.members.join(&joined.members);
        }
        one.last = one.last.max(now);
        one.severity_id = one.severity_id.max(ocsf::severity(settings, of.alert).id());
        let phase = match &one.id {
            Some(_) => Phase::Update,
            None if one.members.count() < needed(key.0).0 => return None,
            None => Phase::Open,
        };
        if phase == Phase::Open {
            let rule = format!("incident/{}/{}", key.0.as_str(), key.1);
            one.id = Some(finding.source.derive(&rule));
        }
        let is_due = one
            .told
            .is_none_or(|told| settings.repeat_ms <= now.millis().saturating_sub(told.millis()));
        if !grows || !is_due {
            self.n_withheld += u64::from(grows);
            return None;
        }
        one.told = Some(now);
        Some((phase, one.clone()))
    }

    /// Notes that an alert closed; gives the incidents that close with it.
    pub(crate) fn close(
        &mut self,
        alert_id: &str,
        touched: &mut BTreeSet<RecordId>,
    ) -> Vec<Gathering> {
        let from = (alert_id.to_owned(), (IncidentKind::ALL[0], String::new()));
        let keys = self.of_alert.range(from..).take_while(|(id, _)| id == alert_id);
        let keys: Vec<CauseKey> = keys.map(|(_, key)| key.clone()).collect();
        let mut closed = Vec::new();
        for key in keys {
            self.of_alert.remove(&(alert_id.to_owned(), key.clone()));
            let Some(one) = self.all.get_mut(&key) else { continue };
            touched.insert(RecordId::Incident(key.clone()));
            if one.id.is_none() {
                one.alerts.remove(alert_id);
            } else if let Some(alert) = one.alerts.get_mut(alert_id) {
                alert.closed = true;
            }
            if one.alerts.values().all(|alert| alert.closed)
                && let Some(one) = self.all.remove(&key)
            {
                closed.extend(one.id.is_some().then_some(one));
            }
        }
        closed
    }

    /// Incidents that are open, and updates that were not told within the interval.
    pub(crate) fn counts(&self) -> (u64, u64) {
        let open = self.all.values().filter(|one| one.id.is_some()).count();
        (open as u64, self.n_withheld)
    }

    /// The record of a gathering; empty where it is over.
    pub(crate) fn record(&self, key: &CauseKey) -> Vec<u8> {
        self.all.get(key).map(record::encode).unwrap_or_default()
    }

    /// Takes back the record of a gathering.
    pub(crate) fn load(&mut self, key: CauseKey, bytes: &[u8]) -> Result<(), RecordError> {
        let one: Gathering = record::decode(bytes)?;
        let open = one.alerts.iter().filter(|(_, alert)| !alert.closed);
        self.of_alert.extend(open.map(|(id, _)| (id.clone(), key.clone())));
        self.all.insert(key, one);
        Ok(())
    }
}

// === impl Applied ===

impl Applied<'_> {
    /// Gathers an alert that opened with those that have a cause in common with it.
    pub(crate) fn gather(
        &mut self,
        verdict: &Verdict,
        key: &ActorKey,
        signal: &str,
    ) -> Vec<Response> {
        let alert = self.tenant.case(key).and_then(|case| case.alerts.get(signal)).cloned();
        let Some(alert) = alert else { return Vec::new() };
        let causes = causes(verdict).into_iter();
        let told = causes.filter_map(|(cause, name)| {
            let (agent_id, alert) = (&*key.agent_id, &alert);
            self.gathered(&Gathered { key: cause, name: &name, agent_id, signal, alert })
        });
        told.collect()
    }

    /// Gathers who joined an alert of another one.
    pub(crate) fn gather_joined(
        &mut self,
        opener: &ActorKey,
        alert: &OpenAlert,
    ) -> Option<Response> {
        let joined = alert.joined.as_ref()?;
        let (key, name) = ((IncidentKind::Blueprint, alert.id.clone()), joined.name.clone());
        let (agent_id, signal) = (&*opener.agent_id, alert.worst.leading_signal());
        self.gathered(&Gathered { key, name: &name, agent_id, signal, alert })
    }

    fn gathered(&mut self, of: &Gathered<'_>) -> Option<Response> {
        let by = (self.settings, self.now);
        let (phase, one) = self.tenant.gather(of, self.finding, by)?;
        Some(self.incident(phase, &one))
    }

    /// Lets an alert go that closed.
    pub(crate) fn ungather(&mut self, alert_id: &str) -> Vec<Response> {
        let closed = self.tenant.ungather(alert_id);
        closed.iter().map(|one| self.incident(Phase::Close, one)).collect()
    }

    fn incident(&self, phase: Phase, of: &Gathering) -> Response {
        let id = of.id.as_deref().unwrap_or_default();
        let word = if phase == Phase::Close { "close" } else { "update" };
        let uid = match phase {
            Phase::Open => id.to_owned(),
            _ => self.finding.source.derive(&format!("incident-{word}/{id}")),
        };
        let members = of.members.agents().iter().map(|agent| &*agent.id);
        let trust = self.tenant.least_trusted(members);
        let moment = Moment { tenant_id: &self.finding.tenant_id, now: self.now, uid, phase };
        let record = ocsf::compose_incident(self.settings, &moment, of, trust);
        Response::Incident(Box::new(record))
    }
}
