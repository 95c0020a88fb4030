//! All cases of one tenant, in order, and the deadlines at which alerts close. Which cases exist and when
//! they are due stands here; what happens in them does not.

use std::collections::{BTreeMap, BTreeSet};

use schemas::{Authority, EventTime};
use serde::{Deserialize, Serialize};

use crate::breaker::Breaker;
use crate::cases::{Case, OpenAlert};

/// An actor within its tenant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct ActorKey {
    /// The agent.
    pub(crate) agent_id: String,
    /// Its authority.
    pub(crate) authority: Authority,
}

/// What a tenant's own record holds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct TenantRecord {
    /// Newest log time.
    pub(crate) log_time: Option<EventTime>,
    /// Automatic revocations of the last hour.
    pub(crate) breaker: Breaker,
}

/// When an alert closes: due time, actor, leading signal.
type Deadline = (i64, ActorKey, String);

/// All cases of one tenant.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tenant {
    /// Its own record.
    pub(crate) record: TenantRecord,
    cases: BTreeMap<ActorKey, Case>,
    deadlines: BTreeSet<Deadline>,
    n_agents: u32,
}

// === impl Tenant ===

impl Tenant {
    /// Moves log time forward, never back, and returns it.
    pub(crate) fn advance(&mut self, log_time: EventTime) -> EventTime {
        let now = self.record.log_time.map_or(log_time, |newest| newest.max(log_time));
        self.record.log_time = Some(now);
        now
    }

    /// Takes the alerts that are due out of their cases, in order of time, actor and signal.
    pub(crate) fn close_due(&mut self, now: EventTime) -> Vec<(ActorKey, OpenAlert)> {
        let mut closed = Vec::new();
        while let Some((due_ms, _, _)) = self.deadlines.first()
            && *due_ms <= now.millis()
        {
            let Some((_, key, signal)) = self.deadlines.pop_first() else { break };
            let alert = self.cases.get_mut(&key).and_then(|case| case.alerts.remove(&signal));
            closed.extend(alert.map(|alert| (key, alert)));
        }
        closed
    }

    /// Changes a case, which is made if there is none, and keeps its deadlines true.
    pub(crate) fn change<T>(&mut self, key: &ActorKey, change: impl FnOnce(&mut Case) -> T) -> T {
        if !self.cases.contains_key(key) && self.actors_of(&key.agent_id).next().is_none() {
            self.n_agents = self.n_agents.saturating_add(1);
        }
        let case = self.cases.entry(key.clone()).or_default();
        for deadline in deadlines(key, case) {
            self.deadlines.remove(&deadline);
        }
        let result = change(case);
        self.deadlines.extend(deadlines(key, case));
        result
    }

    /// The case of an actor.
    pub(crate) fn case(&self, key: &ActorKey) -> Option<&Case> {
        self.cases.get(key)
    }

    /// Agents that findings told of.
    pub(crate) fn n_agents(&self) -> u32 {
        self.n_agents
    }

    /// The lowest trust of the actors of an agent.
    pub(crate) fn trust_of(&self, agent_id: &str) -> Option<f64> {
        self.actors_of(agent_id).map(|case| case.trust).reduce(f64::min)
    }

    fn actors_of(&self, agent_id: &str) -> impl Iterator<Item = &Case> {
        [Authority::Delegated, Authority::Autonomous, Authority::Unknown]
            .map(|authority| ActorKey { agent_id: agent_id.to_owned(), authority })
            .into_iter()
            .filter_map(|key| self.cases.get(&key))
    }
}

fn deadlines(key: &ActorKey, case: &Case) -> Vec<Deadline> {
    case.alerts
        .iter()
        .map(|(signal, alert)| (alert.closes_at_ms(), key.clone(), signal.clone()))
        .collect()
}
