//! The respond fold. It only dispatches: an entry goes to the cases of its tenant, what changed there
//! goes out as responses. Its state is cases alone, saved record by record as they are touched.

use std::collections::{BTreeMap, BTreeSet};

use schemas::finding::{Body, Epoch, Finding, LevelChange, Verdict};
use schemas::revocation::RevocationRequest;
use schemas::{Authority, EventTime};

use crate::cases::{Change, percent};
use crate::ladder::{Policy, PolicyFacts, decide};
use crate::ocsf::{self, Moment, Phase};
use crate::record::{self, RecordError};
use crate::revocation;
use crate::settings::Settings;
use crate::tenant::{ActorKey, Tenant, TenantRecord};
use crate::{budget, chain};

/// Case id of a tenant's own record; no authority begins like it.
const TENANT_CASE: &str = "~tenant";

/// What the fold takes in; closed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Entry<'a> {
    /// An activity past the finding floor.
    Verdict(&'a Verdict),
    /// A change of trust level.
    Level(&'a LevelChange),
    /// Increments of the shared tables; they move log time and are merged elsewhere.
    Epoch(&'a Epoch),
}

/// What the fold gives out.
#[derive(Clone, Debug, PartialEq)]
pub enum Response {
    /// An alert was opened, updated or closed.
    Alert(Box<ocsf::DetectionFinding>),
    /// The ladder asks for an action.
    Revocation(Box<RevocationRequest>),
    /// An activity opened or updated an alert.
    AlertRef {
        /// The activity.
        activity_id: String,
        /// The alert: its `finding_info.uid`.
        alert_id: String,
        /// Whether it opened it.
        opened: bool,
    },
}

/// The respond fold.
#[derive(Clone, Debug)]
pub struct Respond {
    settings: Settings,
    tenants: BTreeMap<String, Tenant>,
    touched: BTreeSet<(String, Option<ActorKey>)>,
}

// === impl Entry ===

impl<'a> Entry<'a> {
    /// The entry that a finding is.
    pub fn of(finding: &'a Finding) -> Self {
        match &finding.body {
            Body::Verdict(verdict) => Self::Verdict(verdict),
            Body::Level(change) => Self::Level(change),
            Body::Epoch(epoch) => Self::Epoch(epoch),
        }
    }
}

// === impl Respond ===

impl Respond {
    /// A fold without cases.
    pub fn new(settings: Settings) -> Self {
        Self { settings, tenants: BTreeMap::new(), touched: BTreeSet::new() }
    }

    /// Takes up one finding, in log order. First come the alerts of the tenant that fell due before it.
    pub fn apply(&mut self, finding: &Finding) -> Vec<Response> {
        let tenant = self.tenants.entry(finding.tenant_id.clone()).or_default();
        let now = tenant.advance(finding.log_time);
        self.touched.insert((finding.tenant_id.clone(), None));
        let mut responses = self.close_due(finding, now);
        match Entry::of(finding) {
            Entry::Verdict(verdict) => responses.extend(self.verdict(finding, verdict, now)),
            Entry::Level(change) => {
                let key = key(&change.actor.agent_id, change.actor.authority);
                self.change(&finding.tenant_id, &key, |tenant| {
                    tenant.change(&key, |case| {
                        case.level = change.after;
                        case.trust = percent(change.score);
                    });
                });
            }
            Entry::Epoch(_) => {}
        }
        responses
    }

    /// The records that changed since the last call, as key and bytes, in order of their keys.
    pub fn touched(&mut self) -> Vec<(String, Vec<u8>)> {
        let touched = std::mem::take(&mut self.touched);
        let mut records: Vec<(String, Vec<u8>)> = touched
            .into_iter()
            .filter_map(|(tenant_id, actor)| {
                let tenant = self.tenants.get(&tenant_id)?;
                let bytes = match &actor {
                    None => record::encode(&tenant.record),
                    Some(key) => record::encode(tenant.case(key)?),
                };
                Some((record_key(&tenant_id, actor.as_ref()), bytes))
            })
            .collect();
        records.sort();
        records
    }

    /// Takes back a saved record, in any order, before the first finding.
    pub fn load(&mut self, key: &str, bytes: &[u8]) -> Result<(), RecordError> {
        let (tenant_id, case_id) = key.split_once('|').ok_or(RecordError::Key)?;
        if case_id == TENANT_CASE {
            let loaded: TenantRecord = record::decode(bytes)?;
            self.tenants.entry(tenant_id.to_owned()).or_default().record = loaded;
            return Ok(());
        }
        let (authority, agent_id) = case_id.split_once('|').ok_or(RecordError::Key)?;
        let authority = Authority::from_wire(authority).ok_or(RecordError::Key)?;
        let loaded = record::decode(bytes)?;
        let tenant = self.tenants.entry(tenant_id.to_owned()).or_default();
        tenant.change(&self::key(agent_id, authority), |case| *case = loaded);
        Ok(())
    }

    fn close_due(&mut self, finding: &Finding, now: EventTime) -> Vec<Response> {
        let Some(tenant) = self.tenants.get_mut(&finding.tenant_id) else { return Vec::new() };
        let closed = tenant.close_due(now);
        let mut responses = Vec::with_capacity(closed.len());
        for (key, alert) in closed {
            let uid = finding.source.derive(&format!("alert-close/{}", alert.id));
            let moment = Moment { finding, now, uid, phase: Phase::Close };
            let alert = ocsf::compose(&self.settings, &moment, &alert);
            responses.push(Response::Alert(Box::new(alert)));
            self.touched.insert((finding.tenant_id.clone(), Some(key)));
        }
        responses
    }

    fn verdict(&mut self, finding: &Finding, verdict: &Verdict, now: EventTime) -> Vec<Response> {
        let key = key(&verdict.actor.agent_id, verdict.actor.authority);
        let threshold = budget::return_period(self.settings.alerts_per_actor_month);
        let alerting = threshold <= budget::finite(verdict.return_period_actor_months);
        let change = self.change(&finding.tenant_id, &key, |tenant| {
            let own = percent(verdict.trust_after);
            let effective = chain::trust_effective(tenant, &verdict.facts.chain, own);
            tenant.change(&key, |case| {
                case.level = verdict.level_after;
                case.trust = own;
                let fresh_id = finding.source.derive("alert");
                let change = alerting.then(|| case.alerting(verdict, now, fresh_id))?;
                if let Some(alert) = case.alerts.get_mut(&change.signal) {
                    alert.trust_effective = effective;
                }
                Some(change)
            })
        });
        change.map(|change| self.respond(finding, &key, now, &change)).unwrap_or_default()
    }

    /// What an alerting event leads to: reference, alert and, where the ladder asks, a request.
    fn respond(
        &mut self,
        finding: &Finding,
        key: &ActorKey,
        now: EventTime,
        change: &Change,
    ) -> Vec<Response> {
        let request = self.request(finding, key, now, change);
        let tenant = self.tenants.get(&finding.tenant_id);
        let alert = tenant.and_then(|tenant| tenant.case(key)?.alerts.get(&change.signal));
        let (Some(alert), Entry::Verdict(verdict)) = (alert, Entry::of(finding)) else {
            return Vec::new();
        };
        let (uid, phase) = if change.opened {
            (alert.id.clone(), Phase::Open)
        } else {
            (finding.source.derive("alert-update"), Phase::Update)
        };
        let moment = Moment { finding, now, uid, phase };
        let mut responses = vec![
            Response::AlertRef {
                activity_id: verdict.activity_id.clone(),
                alert_id: alert.id.clone(),
                opened: change.opened,
            },
            Response::Alert(Box::new(ocsf::compose(&self.settings, &moment, alert))),
        ];
        responses.extend(request.map(|request| Response::Revocation(Box::new(request))));
        responses
    }

    /// The request that the ladder asks for, once per actor, action and incident.
    fn request(
        &mut self,
        finding: &Finding,
        key: &ActorKey,
        now: EventTime,
        change: &Change,
    ) -> Option<RevocationRequest> {
        let settings = &self.settings;
        let tenant = self.tenants.get_mut(&finding.tenant_id)?;
        let n_agents = tenant.n_agents();
        let breaker = &tenant.record.breaker;
        let breaker_open = breaker.is_open(&key.agent_id, now, n_agents, &settings.breaker);
        let case = tenant.case(key)?;
        let (incident, alert) = (case.incident.as_ref()?, case.alerts.get(&change.signal)?);
        let policy = Policy {
            mode: settings.mode,
            revocation_return_period: budget::return_period(settings.revocations_per_actor_month),
        };
        let decision = decide(
            &policy,
            &PolicyFacts {
                level: case.level,
                owned: alert.worst.facts.owner.is_some(),
                n_keys: incident.keys.len(),
                n_incidents: case.n_incidents,
                hard_indicator: incident.hard_indicator,
                return_period_actor_months: incident.return_period(),
                protected: settings.protected.contains(&key.agent_id),
                breaker_open,
            },
        );
        let action = decision.action?;
        let word = action.as_str();
        let made = incident.requests.get(word).cloned();
        let request = made
            .is_none()
            .then(|| revocation::compose(settings, finding, now, alert, (action, decision.mode)));
        let request_id = request.as_ref().map(|r| r.request_id.clone()).or(made);
        let automatic = request.as_ref().is_some_and(revocation::is_automatic);
        tenant.change(key, |case| {
            if let (Some(incident), Some(id)) = (case.incident.as_mut(), &request_id) {
                incident.requests.insert(word.to_owned(), id.clone());
            }
            if let Some(alert) = case.alerts.get_mut(&change.signal) {
                alert.request_id = request_id;
            }
        });
        if automatic {
            tenant.record.breaker.note(&key.agent_id, now);
        }
        request
    }

    /// Changes something of an actor and notes that its record is touched.
    fn change<T>(
        &mut self,
        tenant_id: &str,
        key: &ActorKey,
        change: impl FnOnce(&mut Tenant) -> T,
    ) -> T {
        self.touched.insert((tenant_id.to_owned(), Some(key.clone())));
        change(self.tenants.entry(tenant_id.to_owned()).or_default())
    }
}

fn key(agent_id: &str, authority: Authority) -> ActorKey {
    ActorKey { agent_id: agent_id.to_owned(), authority }
}

fn record_key(tenant_id: &str, actor: Option<&ActorKey>) -> String {
    match actor {
        None => format!("{tenant_id}|{TENANT_CASE}"),
        Some(key) => format!("{tenant_id}|{}|{}", key.authority.as_str(), key.agent_id),
    }
}
