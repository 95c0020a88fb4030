//! All that respond knows of one tenant: cases in order, the deadlines at which alerts close, the breaker, what many
//! agents met and the shared tables. Which records exist and which are touched stands here; what happens in a case does not.

mod response;

use std::collections::{BTreeMap, BTreeSet};

use schemas::finding::{Epoch, Finding, Verdict};
use schemas::trust::Level;
use schemas::{Authority, EventTime};
use serde::{Deserialize, Serialize};

use crate::breaker::Breaker;
use crate::cases::{Case, OpenAlert};
use crate::causes::{Causes, Shared};
use crate::coordination::{Coordination, Raised};
use crate::counts::RespondCounts;
use crate::incidents::Incidents;
use crate::opinion::Opinions;
use crate::past::Past;
use crate::record::{self, RecordError};
use crate::record_id::{ActorKey, RecordId};
use crate::requests::{Asked, Requests};
use crate::settings::Settings;
use crate::silence::Silences;
use crate::swarm::ThingKey;
use crate::tables::Tables;
use crate::tree::Tree;
use crate::wave::Breakwater;

/// Cases kept. Beyond, those of the longest idle actors without an open alert leave, so many at a time.
const CASES_MAX: usize = 1 << 18;
const CASES_LEAVE: usize = CASES_MAX / 16;

/// What a tenant's own record holds.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct TenantRecord {
    /// Newest log time.
    log_time: Option<EventTime>,
    /// Epochs merged.
    merges: u64,
}

/// What an alert's record holds.
#[derive(Serialize, Deserialize)]
struct AlertRecord<A> {
    actor: ActorKey,
    signal: String,
    alert: A,
}

/// When an alert closes: due time, actor, leading signal.
type Deadline = (i64, ActorKey, String);

/// One tenant.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tenant {
    /// Its shared tables.
    pub(crate) tables: Tables,
    /// Alerts that others of their blueprint may join.
    pub(crate) causes: Causes,
    n_joined: u64,
    coordination: Coordination,
    log_time: Option<EventTime>,
    breaker: Breaker,
    cases: BTreeMap<ActorKey, Case>,
    deadlines: BTreeSet<Deadline>,
    n_agents: u32,
    cases_evicted: u64,
    policy_errors: u64,
    requests: Requests,
    requests_evicted: u64,
    /// Those whose alerts are to be closed.
    evicted: Vec<Asked>,
    silences: Silences,
    breakwater: Breakwater,
    past: Past,
    opinions: Opinions,
    tree: Tree,
    incidents: Incidents,
    updates_withheld: u64,
    id: String,
    silenced: u64,
    touched: BTreeSet<RecordId>,
}

// === impl Tenant ===

impl Tenant {
    /// A tenant of whom nothing is known.
    pub(crate) fn new(id: &str) -> Self {
        Self { id: id.to_owned(), ..Self::default() }
    }

    /// Moves log time forward, never back, and returns it.
    pub(crate) fn advance(&mut self, log_time: EventTime) -> EventTime {
        let now = self.log_time.map_or(log_time, |newest| newest.max(log_time));
        self.past.pass(now, &mut self.touched);
        self.tree.pass(now, &mut self.touched);
        self.log_time = Some(now);
        self.touched.insert(RecordId::Tenant);
        let gone = self.causes.pass(now);
        self.touch_causes(gone);
        now
    }

    /// Notes that alerts that may be joined changed.
    pub(crate) fn touch_causes(&mut self, ids: Vec<String>) {
        self.touched.extend(ids.into_iter().map(RecordId::Cause));
    }

    /// Counts an event that joined an alert.
    pub(crate) fn note_joined(&mut self) {
        self.n_joined += 1;
    }

    /// Takes the alerts that are due out of their cases, in order of time, actor and signal.
    pub(crate) fn close_due(&mut self, now: EventTime) -> Vec<OpenAlert> {
        let mut closed = Vec::new();
        while let Some((due_ms, _, _)) = self.deadlines.first()
            && *due_ms <= now.millis()
        {
            let Some((_, key, signal)) = self.deadlines.pop_first() else { break };
            let Some(case) = self.cases.get_mut(&key) else { continue };
            if let Some(alert) = case.alerts.remove(&signal) {
                self.touched.insert(RecordId::Alert(key, signal, alert.id.clone()));
                let closes = |shared: &mut Shared| shared.closed = Some(alert.clone());
                if self.causes.change(&alert.id, closes).is_some() {
                    self.touched.insert(RecordId::Cause(alert.id.clone()));
                }
                closed.push(alert);
            }
        }
        closed
    }

    /// Changes a case, which is made if there is none, and its alert of a leading signal; keeps deadlines true.
    pub(crate) fn change<T>(
        &mut self,
        key: &ActorKey,
        signal: &str,
        change: impl FnOnce(&mut Case) -> T,
    ) -> T {
        self.touched.insert(RecordId::Case(key.clone()));
        if !self.cases.contains_key(key) {
            self.make_room();
            if self.actors_of(&key.agent_id).next().is_none() {
                self.n_agents = self.n_agents.saturating_add(1);
            }
        }
        let case = self.cases.entry(key.clone()).or_default();
        let due = |alert: &OpenAlert| (alert.closes_at_ms(), key.clone(), signal.to_owned());
        if let Some(deadline) = case.alerts.get(signal).map(due) {
            self.deadlines.remove(&deadline);
        }
        let result = change(case);
        if let Some(alert) = case.alerts.get(signal) {
            self.deadlines.insert(due(alert));
            let id = RecordId::Alert(key.clone(), signal.to_owned(), alert.id.clone());
            self.touched.insert(id);
        }
        result
    }

    /// Lets idle cases go where one more would be too many.
    fn make_room(&mut self) {
        if self.cases.len() < CASES_MAX {
            return;
        }
        let idle = self.cases.iter().filter(|(_, case)| case.alerts.is_empty());
        let mut idle: Vec<_> = idle.map(|(key, case)| (case.last, key.clone())).collect();
        idle.sort_unstable();
        idle.truncate(CASES_LEAVE);
        for (_, key) in idle {
            self.cases.remove(&key);
            self.cases_evicted += 1;
            if self.actors_of(&key.agent_id).next().is_none() {
                self.n_agents = self.n_agents.saturating_sub(1);
            }
            self.touched.insert(RecordId::Case(key));
        }
    }

    /// The case of an actor.
    pub(crate) fn case(&self, key: &ActorKey) -> Option<&Case> {
        self.cases.get(key)
    }

    /// Newest log time.
    pub(crate) fn log_time(&self) -> Option<EventTime> {
        self.log_time
    }

    /// Adds what it holds and did to the counts of all tenants.
    pub(crate) fn count(&self, all: &mut RespondCounts) {
        all.cases += self.cases.len() as u64;
        let (one, sum) = (self.coordination.counts(), &mut all.coordination);
        all.open_alerts += self.deadlines.len() as u64 + one.open_alerts;
        sum.things += one.things;
        sum.open_alerts += one.open_alerts;
        sum.evicted += one.evicted;
        sum.cut += one.cut;
        sum.late += one.late;
        all.joined += self.n_joined;
        all.joinable += self.causes.len() as u64;
        all.cases_evicted += self.cases_evicted;
        all.policy_errors += self.policy_errors;
        let (requests, waiting) = self.requests.counts();
        all.requests += requests;
        all.requests_waiting += waiting;
        all.requests_evicted += self.requests_evicted;
        let (incidents, withheld) = self.incidents.counts();
        all.open_incidents += incidents;
        all.updates_withheld += self.updates_withheld + withheld;
        all.links_evicted += self.tree.n_evicted();
        all.silences += self.silences.len() as u64;
        all.silenced += self.silenced;
        self.tables.count(&mut all.epochs, &mut all.tables);
    }

    /// Agents that findings told of.
    pub(crate) fn n_agents(&self) -> u32 {
        self.n_agents
    }

    /// Counts policies that needed what was not known.
    pub(crate) fn note_errors(&mut self, n_errors: usize) {
        self.policy_errors += n_errors as u64;
    }

    fn actors_of(&self, agent_id: &str) -> impl Iterator<Item = &Case> {
        [Authority::Delegated, Authority::Autonomous, Authority::Unknown]
            .map(|authority| ActorKey { agent_id: agent_id.to_owned(), authority })
            .into_iter()
            .filter_map(|key| self.cases.get(&key))
    }

    /// The breaker.
    pub(crate) fn breaker(&self) -> &Breaker {
        &self.breaker
    }

    /// Notes that an agent is revoked.
    pub(crate) fn note_revoked(&mut self, agent_id: &str, now: EventTime) {
        let changed = self.breaker.note(agent_id, now);
        self.touched.extend(changed.into_iter().map(RecordId::Breaker));
    }

    /// Takes one finding of an epoch.
    pub(crate) fn take_epoch(&mut self, finding: &Finding, epoch: &Epoch, settings: &Settings) {
        let publishes = settings.publish_tables;
        let Some(whole) = self.tables.take(finding, epoch, publishes, &mut self.touched) else {
            return;
        };
        let (now, met) = (self.log_time.unwrap_or(finding.log_time), (&*whole.met, whole.met_cut));
        let (from, at) = ((finding, settings), (whole.epoch, now));
        self.coordination.take(from, at, met, &mut self.touched);
    }

    /// The flood that a verdict is of: its thing, and the id of its alert.
    pub(crate) fn flood_of(
        &self,
        finding: &Finding,
        verdict: &Verdict,
    ) -> Option<(ThingKey, &str)> {
        let told = self
            .actors_of(&verdict.actor.agent_id)
            .filter_map(|case| case.first.or(case.last))
            .min();
        self.coordination.flood_of((finding, verdict), told)
    }

    /// Counts an event in the alert of a flood; gives that where it is to be told.
    pub(crate) fn join_flood(
        &mut self,
        thing: ThingKey,
        event: (&Finding, &Verdict),
    ) -> Option<Raised> {
        self.note_joined();
        self.coordination.join_flood(thing, event, &mut self.touched)
    }

    /// What log time or, where `all`, the end of the log does to alerts about many agents.
    pub(crate) fn judge_things(&mut self, settings: &Settings, all: bool) -> Vec<Raised> {
        let Some(now) = self.log_time else { return Vec::new() };
        let n_agents = self.n_agents;
        let raised = self.coordination.judge((now, all), (settings, n_agents), &mut self.touched);
        self.coordination.pass(now, &mut self.touched);
        raised
    }

    /// When something falls due next, in milliseconds of log time.
    pub(crate) fn next_due_ms(&self) -> Option<i64> {
        let alerts = self.deadlines.first().map(|(due_ms, _, _)| *due_ms);
        let (things, requests) = (self.coordination.next_due_ms(), self.requests.next_due_ms());
        let others = [self.breakwater.ends_at_ms(), self.silences.next_due_ms()];
        [alerts, things, requests].into_iter().chain(others).flatten().min()
    }

    /// Trust and level of the least trusted of some agents, as far as findings told of them.
    pub(crate) fn least_trusted<'i>(
        &self,
        agent_ids: impl Iterator<Item = &'i str>,
    ) -> Option<(f64, Level)> {
        let cases = agent_ids.flat_map(|agent_id| self.actors_of(agent_id));
        cases.map(|case| (case.trust, case.level)).reduce(|a, b| if b.0 < a.0 { b } else { a })
    }

    /// The tables to publish, if that is due.
    pub(crate) fn publish(&mut self, now: EventTime) -> Vec<(RecordId, Vec<u8>)> {
        let records = self.tables.publish(now, &mut self.touched).into_iter();
        records.map(|(key, record)| (RecordId::Table(key), record)).collect()
    }

    /// The records that changed since the last call; an empty one is gone.
    pub(crate) fn touched(&mut self) -> Vec<(RecordId, Vec<u8>)> {
        let touched = std::mem::take(&mut self.touched);
        let mut records: Vec<_> = touched
            .into_iter()
            .map(|id| {
                let record = self.record(&id);
                (id, record)
            })
            .collect();
        let tables = self.tables.unsaved().into_iter();
        records.extend(tables.map(|(key, record)| (RecordId::Table(key), record)));
        records
    }

    fn record(&mut self, id: &RecordId) -> Vec<u8> {
        match id {
            RecordId::Tenant => {
                let merges = self.tables.shared().merges();
                record::encode(&TenantRecord { log_time: self.log_time, merges })
            }
            RecordId::Breaker(agent_id) => self.breaker.record(agent_id),
            RecordId::Case(key) => self.cases.get(key).map(record::encode).unwrap_or_default(),
            RecordId::Alert(key, signal, id) => {
                let alert = self.cases.get(key).and_then(|case| case.alerts.get(signal));
                let of = |alert| AlertRecord { actor: key.clone(), signal: signal.clone(), alert };
                let alert = alert.filter(|alert| alert.id == *id);
                alert.map(|alert| record::encode(&of(alert))).unwrap_or_default()
            }
            RecordId::Cause(id) => self.causes.record(id),
            RecordId::Usual => self.coordination.usual(),
            RecordId::Thing(key) => self.coordination.thing(*key),
            RecordId::Control => self.tables.control(),
            RecordId::Mark(lane) => self.tables.epochs().mark(lane),
            RecordId::Part(id, number) => self.tables.epochs().part(id, *number),
            RecordId::Table(key) => self.tables.shared().record(*key),
            RecordId::Request(id) => self.requests.record(id),
            RecordId::Wave => self.breakwater.record(),
            RecordId::Silence(id) => self.silences.record(id),
            RecordId::Past(id) => self.past.record(id),
            RecordId::Outside(agent_id) => self.opinions.record(agent_id),
            RecordId::Expected(id) => self.opinions.expected(id),
            RecordId::Link(id) => self.tree.record(*id),
            RecordId::Incident(key) => self.incidents.record(key),
        }
    }

    /// Takes back the record of an alert.
    pub(crate) fn load_alert(&mut self, bytes: &[u8]) -> Result<(), RecordError> {
        let AlertRecord { actor, signal, alert } = record::decode(bytes)?;
        self.load_case(&actor, &signal, |case| {
            case.alerts.insert(signal.clone(), alert);
        });
        Ok(())
    }

    /// Takes back any other record.
    pub(crate) fn load(&mut self, id: RecordId, bytes: &[u8]) -> Result<(), RecordError> {
        match id {
            RecordId::Tenant => {
                let loaded: TenantRecord = record::decode(bytes)?;
                self.log_time = loaded.log_time;
                self.tables.resume(loaded.merges);
                Ok(())
            }
            RecordId::Breaker(agent_id) => self.breaker.load(agent_id, bytes),
            RecordId::Case(key) => {
                let loaded: Case = record::decode(bytes)?;
                self.load_case(&key, "", |case| {
                    let alerts = std::mem::take(&mut case.alerts);
                    *case = Case { alerts, ..loaded };
                });
                Ok(())
            }
            RecordId::Alert(..) => Err(RecordError::Key),
            RecordId::Cause(id) => self.causes.load(&id, bytes),
            RecordId::Usual => self.coordination.load_usual(bytes),
            RecordId::Thing(key) => self.coordination.load_thing(key, bytes),
            RecordId::Control => self.tables.load_control(bytes),
            RecordId::Mark(lane) => self.tables.epochs().load_mark(lane, bytes),
            RecordId::Part(id, number) => self.tables.epochs().load_part(id, number, bytes),
            RecordId::Table(key) => self.tables.load(key, bytes),
            RecordId::Request(id) => self.requests.load(id, bytes),
            RecordId::Wave => self.breakwater.load(bytes),
            RecordId::Silence(_) => self.silences.load(bytes),
            RecordId::Past(id) => self.past.load(id, bytes),
            RecordId::Link(id) => self.tree.load(id, bytes),
            RecordId::Incident(key) => self.incidents.load(key, bytes),
            RecordId::Outside(_) | RecordId::Expected(_) => self.load_said(id, bytes),
        }
    }

    /// Puts something of a case back without touching it.
    fn load_case(&mut self, key: &ActorKey, signal: &str, change: impl FnOnce(&mut Case)) {
        let touched = std::mem::take(&mut self.touched);
        self.change(key, signal, change);
        self.touched = touched;
    }
}
