//! The respond fold. It only dispatches: an entry goes to the cases or the shared tables of its tenant, what changed
//! there goes out as responses. Its state is saved record by record as they are touched.

use std::collections::{BTreeMap, BTreeSet};

use baseline::Shared;
use schemas::decision::DecisionRecord;
use schemas::finding::{Finding, LevelChange, Verdict};
use schemas::revocation::RevocationRequest;
use schemas::{Authority, EventTime, MicroNats};

use crate::budget;
use crate::cases::{Case, Change, OpenAlert, leading, percent};
use crate::coordination::Raised;
use crate::counts::RespondCounts;
use crate::entry::Entry;
use crate::ocsf::{self, Moment, Phase};
use crate::policy::chain;
use crate::policy::{Action, Decision, Facts, Hold, Inventory, Trust, VerdictFacts, decide};
use crate::record::RecordError;
use crate::record_id::{ActorKey, RecordId};
use crate::set::{self, RiskChange};
use crate::settings::Settings;
use crate::tenant::Tenant;
use crate::{audit, revocation};

/// What the fold gives out.
#[derive(Clone, Debug, PartialEq)]
pub enum Response {
    /// An alert was opened, updated or closed.
    Alert(Box<ocsf::DetectionFinding>),
    /// An incident was opened, updated or closed.
    Incident(Box<ocsf::IncidentFinding>),
    /// A policy asks for an action.
    Revocation(Box<RevocationRequest>),
    /// A policy decided otherwise than before, for the audit.
    Decision(Box<DecisionRecord>),
    /// The risk of an actor is another one; only where somebody is told of it.
    Risk(Box<RiskChange>),
    /// An activity opened or updated an alert.
    AlertRef {
        /// The activity.
        activity_id: String,
        /// The alert: its `finding_info.uid`.
        alert_id: String,
        /// Whether it opened it.
        opened: bool,
        /// Whether it joined the alert of another actor.
        joined: bool,
    },
    /// A shared table changed, for every lane to take up.
    Control {
        /// The tenant.
        tenant_id: String,
        /// Key of the control record; the same as in the saved state.
        key: String,
        /// Its bytes; none where the table left.
        value: Vec<u8>,
    },
}

/// The respond fold.
#[derive(Clone, Debug)]
pub struct Respond {
    settings: Settings,
    tenants: BTreeMap<String, Tenant>,
    touched: BTreeSet<String>,
}

// === impl Respond ===

impl Respond {
    /// A fold without cases.
    pub fn new(settings: Settings) -> Self {
        Self { settings, tenants: BTreeMap::new(), touched: BTreeSet::new() }
    }

    /// Takes up one finding, in log order. First come the alerts of the tenant that fell due before it, last the
    /// tables to publish. It takes anything; what no finding says is counted and passed over.
    pub fn apply(&mut self, finding: &Finding) -> Vec<Response> {
        let Self { settings, tenants, touched } = self;
        touched.insert(finding.tenant_id.clone());
        let tenant = tenants
            .entry(finding.tenant_id.clone())
            .or_insert_with(|| Tenant::new(&finding.tenant_id));
        let now = tenant.advance(finding.log_time);
        let raised = fleet(settings, &finding.tenant_id, tenant, Some(finding));
        let mut at = Applied { settings, finding, tenant, now };
        let mut responses = at.close_due();
        responses.extend(raised);
        responses.extend(at.life_due());
        match Entry::of(finding) {
            Entry::Verdict(verdict) => responses.extend(at.verdict(verdict)),
            Entry::Level(change) => responses.extend(at.level(change)),
            Entry::Epoch(epoch) => at.tenant.take_epoch(finding, epoch, settings),
            Entry::Acknowledgement(ack) => responses.extend(at.acknowledged(ack)),
            Entry::Command(command) => responses.extend(at.commanded(command)),
            Entry::Feedback(said) => responses.extend(at.judged(said)),
            Entry::Tick => {}
        }
        responses.extend(at.close_evicted());
        if settings.publish_tables {
            let tenant_id = &finding.tenant_id;
            let control = |(id, value): (RecordId, Vec<u8>)| Response::Control {
                tenant_id: tenant_id.clone(),
                key: id.key(tenant_id),
                value,
            };
            responses.extend(at.tenant.publish(now).into_iter().map(control));
        }
        responses
    }

    /// Judges what still waits for the findings of other partitions, where none will come.
    pub fn settle(&mut self) -> Vec<Response> {
        let Self { settings, tenants, touched } = self;
        touched.extend(tenants.keys().cloned());
        let settle = |(id, tenant): (&String, &mut Tenant)| fleet(settings, id, tenant, None);
        tenants.iter_mut().flat_map(settle).collect()
    }

    /// The shared tables of all tenants as they are now, for folds of the same process. Nothing is copied; while the
    /// snapshot is held, merging copies what it touches.
    pub fn snapshot(&self) -> Shared {
        let mut all = Shared::default();
        self.tenants.values().for_each(|tenant| all.include(tenant.tables.shared()));
        all
    }

    /// The records that changed since the last call, as key and bytes, in order of their keys. No bytes: the record is
    /// gone.
    pub fn touched(&mut self) -> Vec<(String, Vec<u8>)> {
        let mut records = Vec::new();
        for tenant_id in std::mem::take(&mut self.touched) {
            let Some(tenant) = self.tenants.get_mut(&tenant_id) else { continue };
            let touched = tenant.touched().into_iter();
            records.extend(touched.map(|(id, record)| (id.key(&tenant_id), record)));
        }
        records.sort();
        records
    }

    /// Takes back a saved record, in any order, before the first finding. One without bytes says nothing.
    pub fn load(&mut self, key: &str, bytes: &[u8]) -> Result<(), RecordError> {
        if bytes.is_empty() {
            return Ok(());
        }
        if RecordId::is_alert(key) {
            let (tenant_id, _) = key.split_once('|').ok_or(RecordError::Key)?;
            return self.tenant(tenant_id).load_alert(bytes);
        }
        let (tenant_id, id) = RecordId::of_key(key).ok_or(RecordError::Key)?;
        self.tenant(tenant_id).load(id, bytes)
    }

    fn tenant(&mut self, id: &str) -> &mut Tenant {
        self.tenants.entry(id.to_owned()).or_insert_with(|| Tenant::new(id))
    }

    /// The tenant and log time at which something falls due next. Where nothing else comes by then, whoever owns the
    /// log appends `intake::tick`; what is due is done at any later finding of the tenant as well.
    pub fn next_deadline(&self) -> Option<(&str, EventTime)> {
        let due = self.tenants.iter().filter_map(|(id, tenant)| Some((tenant.next_due_ms()?, id)));
        let (due_ms, id) = due.min()?;
        Some((id, EventTime::from_millis(due_ms).ok()?))
    }

    /// Newest log time of all tenants.
    pub fn log_time(&self) -> Option<EventTime> {
        self.tenants.values().filter_map(Tenant::log_time).max()
    }

    /// What the fold holds and did.
    pub fn counts(&self) -> RespondCounts {
        let mut all = RespondCounts { tenants: self.tenants.len() as u64, ..Default::default() };
        for tenant in self.tenants.values() {
            tenant.count(&mut all);
        }
        all
    }
}

/// The records of alerts about many agents that are due at a finding, or without one all that wait.
fn fleet(
    settings: &Settings,
    tenant_id: &str,
    tenant: &mut Tenant,
    finding: Option<&Finding>,
) -> Vec<Response> {
    let raised = tenant.judge_things(settings, finding.is_none());
    raised.iter().map(|raised| tell(settings, (tenant_id, tenant), finding, raised)).collect()
}

/// The record of an alert about many agents.
pub(crate) fn tell(
    settings: &Settings,
    (tenant_id, tenant): (&str, &Tenant),
    finding: Option<&Finding>,
    raised: &Raised,
) -> Response {
    let Raised { phase, alert, .. } = raised;
    let close = || finding.map(|f| f.source.derive(&format!("alert-close/{}", alert.id)));
    let moment = Moment {
        tenant_id,
        now: tenant.log_time().unwrap_or(alert.last),
        uid: raised.uid.clone().or_else(close).unwrap_or_else(|| format!("{}-end", alert.id)),
        phase: *phase,
    };
    let members = alert.members.agents().iter().map(|agent| &*agent.id);
    let trust = tenant.least_trusted(members);
    Response::Alert(Box::new(ocsf::compose_fleet(settings, &moment, raised, trust)))
}

/// A finding on its way through its tenant.
pub(crate) struct Applied<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) finding: &'a Finding,
    pub(crate) tenant: &'a mut Tenant,
    pub(crate) now: EventTime,
}

// === impl Applied ===

impl Applied<'_> {
    fn close_due(&mut self) -> Vec<Response> {
        let mut responses = Vec::new();
        for alert in self.tenant.close_due(self.now) {
            let uid = self.finding.source.derive(&format!("alert-close/{}", alert.id));
            responses.push(self.alert(uid, Phase::Close, &alert));
            responses.extend(self.ungather(&alert.id));
        }
        responses
    }

    pub(crate) fn alert(&self, uid: String, phase: Phase, alert: &OpenAlert) -> Response {
        let tenant_id = &self.finding.tenant_id;
        let moment = Moment { tenant_id, now: self.now, uid, phase };
        Response::Alert(Box::new(ocsf::compose(self.settings, &moment, alert)))
    }

    fn level(&mut self, change: &LevelChange) -> Option<Response> {
        let key = key(&change.actor.agent_id, change.actor.authority);
        let now = self.now;
        self.tenant.change(&key, "", |case| {
            case.level = change.after;
            case.trust = percent(change.score);
            case.heard(now);
        });
        let told = !self.settings.sets.receivers.is_empty();
        let alerts = self.tenant.case(&key).map(|case| case.alerts.values());
        let newest = alerts.into_iter().flatten().max_by_key(|alert| (alert.last, &alert.id));
        let risk = told.then(|| set::risk(self.finding, change, newest)).flatten()?;
        Some(Response::Risk(Box::new(risk)))
    }

    fn verdict(&mut self, verdict: &Verdict) -> Vec<Response> {
        let key = key(&verdict.actor.agent_id, verdict.actor.authority);
        let threshold = budget::return_period(self.settings.alerts_per_actor_month);
        let alerting = threshold <= budget::finite(verdict.return_period_actor_months);
        let own = percent(verdict.trust_after);
        let of = |link: &str| self.tenant.least_trusted(std::iter::once(link));
        let effective = chain::effective(&verdict.facts.chain, (own, verdict.level_after), of);
        let (finding, now) = (self.finding, self.now);
        self.tenant.note_chain(verdict, now);
        let alerting = alerting && !self.tenant.is_silent(verdict, now);
        let signal = if alerting { leading(verdict) } else { String::new() };
        if alerting
            && let Some(id) = self.tenant.joined(&key, &signal, verdict)
            && let Some(responses) = self.join(verdict, (&key, &id), effective)
        {
            return responses;
        }
        if alerting && let Some(responses) = self.join_flood(verdict, (&key, &signal), effective) {
            return responses;
        }
        let change = self.tenant.change(&key, &signal, |case| {
            case.told(verdict, now);
            let change = alerting.then(|| case.alerting(finding, verdict, now))?;
            if let Some(alert) = case.alerts.get_mut(&change.signal) {
                (alert.trust_effective, alert.level_effective) = effective;
            }
            Some(change)
        });
        if let Some(change) = &change {
            self.tenant.note_past(&key, &change.signal, verdict, now);
        }
        change.map(|change| self.respond(verdict, &key, &change)).unwrap_or_default()
    }

    /// What an alerting event leads to: reference, alert and, where a policy asks, a request.
    fn respond(&mut self, verdict: &Verdict, key: &ActorKey, change: &Change) -> Vec<Response> {
        if change.opened {
            self.tenant.share(key, &change.signal, verdict);
        }
        let decided = self.decided(key, &change.signal, None).unwrap_or_default();
        let tells = self.tenant.tells((key, &change.signal), self.settings, self.now);
        let case = self.tenant.case(key);
        let Some(alert) = case.and_then(|case| case.alerts.get(&change.signal)) else {
            return Vec::new();
        };
        let (uid, phase) = if change.opened {
            (alert.id.clone(), Phase::Open)
        } else {
            (self.finding.source.derive("alert-update"), Phase::Update)
        };
        let mut responses = vec![Response::AlertRef {
            activity_id: verdict.activity_id.clone(),
            alert_id: alert.id.clone(),
            opened: change.opened,
            joined: false,
        }];
        responses.extend(tells.then(|| self.alert(uid, phase, alert)));
        if change.opened {
            responses.extend(self.gather(verdict, key, &change.signal));
        }
        responses.extend(decided);
        responses
    }

    /// What the policies decide: a request, once per actor, action and incident, and a record where they decide
    /// otherwise than before. What they hold back waits for a person.
    pub(crate) fn decided(
        &mut self,
        key: &ActorKey,
        signal: &str,
        joining: Option<&OpenAlert>,
    ) -> Option<Vec<Response>> {
        let (finding, now) = (self.finding, self.now);
        let case = self.tenant.case(key)?;
        let (incident, alert) = (case.incident.as_ref()?, joining.or(case.alerts.get(signal))?);
        let decision = self.decide(key, case, alert)?;
        let made =
            decision.action.and_then(|action| incident.requests.get(action.as_str()).cloned());
        let wanted = decision.action.filter(|_| made.is_none());
        let cools =
            wanted.is_some_and(|action| self.tenant.requests().is_cooling(key, action, now));
        let request = wanted
            .filter(|_| !cools)
            .map(|action| revocation::compose(finding, now, alert, action, &decision));
        let withheld = revocation::withheld(finding, now, alert, &decision);
        let rarity = incident.return_period();
        let request_id = request.as_ref().map(|request| request.request_id.clone()).or(made);
        let short = audit::short(&decision, cools);
        let is_new = incident.decided.as_ref() != Some(&short);
        let mut record =
            is_new.then(|| audit::compose(finding, now, alert, &decision, &request_id));
        if let Some(record) = record.as_mut().filter(|_| cools) {
            record.held = Some("cool_down".to_owned());
        }
        self.tenant.note_errors(decision.errors.len());
        self.tenant.change(key, signal, |case| {
            if let Some(incident) = case.incident.as_mut() {
                incident.decided = Some(short);
                if let (Some(action), Some(id)) = (decision.action, &request_id) {
                    incident.requests.insert(action.as_str().to_owned(), id.clone());
                }
            }
            if let Some(alert) = case.alerts.get_mut(signal)
                && request_id.is_some()
            {
                alert.request_id = request_id;
            }
        });
        let asked = request.map(|request| self.asked_of_all(key, signal, request, rarity));
        let record = record.map(|record| Response::Decision(Box::new(record)));
        let wave = withheld.and_then(|request| {
            self.withhold(key, signal, request, decision.held == Some(Hold::Breaker))
        });
        Some(asked.into_iter().flatten().chain(record).chain(wave).collect())
    }

    pub(crate) fn decide(
        &self,
        key: &ActorKey,
        case: &Case,
        alert: &OpenAlert,
    ) -> Option<Decision> {
        let (settings, worst) = (self.settings, &alert.worst);
        let (incident, n_agents) = (case.incident.as_ref()?, self.tenant.n_agents());
        let (breaker, of) = (self.tenant.breaker(), &worst.facts);
        let keys: Vec<String> = incident.keys.iter().cloned().collect();
        let facts = Facts {
            tenant_id: &self.finding.tenant_id,
            agent_id: &key.agent_id,
            authority: key.authority,
            blueprint: of.blueprint.as_deref(),
            owner: of.owner.as_deref(),
            version: of.agent_version.as_deref(),
            purpose: of.purpose.as_deref(),
            chain: &of.chain,
            trust: Some(Trust {
                score: case.trust,
                level: case.level,
                effective: alert.trust_effective,
                effective_level: alert.level_effective,
            }),
            verdict: Some(VerdictFacts {
                score: nats(worst.score),
                return_period: worst.return_period_actor_months,
                signal: worst.leading_signal(),
            }),
            keys: &keys,
            n_incidents: case.n_incidents,
            hard_indicator: incident.hard_indicator,
            return_period_actor_months: incident.return_period(),
            inventory: of.criticality.map(|of| Inventory { state: None, criticality: of.as_str() }),
            protected: settings.protected.contains(&key.agent_id),
            breaker_open: breaker.is_open(&key.agent_id, self.now, n_agents, &settings.breaker),
            stale: false,
        };
        let action = Action {
            name: Some(of.operation.as_deref().unwrap_or(&of.action)),
            resource_id: of.resource.as_deref(),
            classification: of.classification.as_deref(),
            subject_id: Some(&key.agent_id),
            ..Action::default()
        };
        Some(decide(&settings.policy_set(), &facts, &action))
    }
}

fn nats(score: MicroNats) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "micro-nats below 2^52")]
    let micro = score.0 as f64;
    micro / 1e6
}

fn key(agent_id: &str, authority: Authority) -> ActorKey {
    ActorKey { agent_id: agent_id.to_owned(), authority }
}
