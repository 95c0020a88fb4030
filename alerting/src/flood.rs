//! The flood: many agents that are new to the tenant itself within an hour. What is usual is the most that an hour
//! brought, halved each week, so that growth makes the next usual. What a flood brought teaches little, however much.
//! While it goes on, what its agents do that would alert is counted in its alert; what is asked of the bus stays the
//! same. Whom a policy would revoke where nothing holds that back, whoever has a hard indicator, is known, listed or
//! protected alerts by itself.

use std::cmp::Ordering;

use baseline::hash;
use schemas::alert::{FloodJoined, FloodMember};
use schemas::finding::{Finding, Verdict};
use schemas::time::HOUR_MS;
use schemas::trust::Level;
use schemas::{EventTime, Newcomers};
use serde::{Deserialize, Serialize};

use crate::budget;
use crate::kept;
use crate::policy::may_revoke;
use crate::record_id::ActorKey;
use crate::respond::{Applied, Response, tell};
use crate::swarm::Peak;

/// Fewer agents within an hour are a roll-out, never a flood.
pub(crate) const AGENTS_MIN: u64 = 100;
/// Evidence in nats as long as which goes on an alert does, and from which on an hour teaches little.
pub(crate) const STRANGE_NATS: f64 = 4.0;
/// Half-life of the most that an hour brought, in months.
pub(crate) const MEMORY_MONTHS: f64 = 7.0 / 30.0;
/// Hours of a tenant that are its start: nothing of them is judged, and of their busiest hour a fifth is usual. A tenant
/// that goes on as it began does not alert, and one that began at once does not hide a flood for weeks.
pub(crate) const START_HOURS: f64 = 24.0;
const START_SHARE: f64 = 0.2;
/// New agents of an hour that are always expected; no share of the tenant's, whose number a flood could raise.
const PRIOR_AGENTS: f64 = 10.0;
/// More than this many is no tenant's usual hour only because it began with it.
const START_MAX: f64 = 1_000.0;
/// An episode that is not strange raises what is usual by no more than that: nobody ramps up within a day or two.
const CALM_GROWTH_MAX: f64 = 1.2;
/// A strange episode raises what is usual by no more than that, and counts as a twentieth of one: several floods of a
/// month alert.
const GROWTH_MAX: f64 = 2.0;
const STRANGE_WEIGHT: f64 = 0.05;
/// A flood is over where no such window ended within that time: its alert stays open for longer.
const GOES_ON_MS: i64 = HOUR_MS;
/// Agents that its alert names for what they did.
const RAREST_MAX: usize = 16;

/// A flood that is recognised.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Flood {
    /// Id of its alert.
    pub(crate) id: String,
    /// When its first agents came.
    onset: EventTime,
    /// Log time at which it was last seen to go on.
    last: EventTime,
    /// Agents of which an event joined.
    agents: Newcomers,
    /// Events that joined.
    events: u64,
    /// The agents with the rarest of them, the rarest first, each once.
    rarest: Vec<FloodMember>,
    /// How many events its alert told of, and how rare the rarest of them was.
    told: (u64, f64),
}

/// The most new agents of an hour that are expected, where the usual is `most`.
pub(crate) fn expected(most: f64) -> f64 {
    most.max(PRIOR_AGENTS)
}

/// What is usual after an episode that had such a peak, in which `agents` came within an hour; and what it counts.
pub(crate) fn learn(most: f64, (peak, agents): (Peak, f64), starts: bool) -> (f64, f64) {
    let (agents, counts) = if starts {
        ((agents * START_SHARE).min(START_MAX), 1.0)
    } else if peak.nats < STRANGE_NATS {
        (agents.min(expected(most) * CALM_GROWTH_MAX), 1.0)
    } else {
        (agents.min(expected(most) * GROWTH_MAX), STRANGE_WEIGHT)
    };
    (most.max(agents), counts)
}

/// The order of members, the rarest first.
fn by_rareness(one: &FloodMember, other: &FloodMember) -> Ordering {
    let period = |member: &FloodMember| member.return_period_actor_months;
    let by_name = || (&one.agent_id, &one.activity_id).cmp(&(&other.agent_id, &other.activity_id));
    period(other).total_cmp(&period(one)).then_with(by_name)
}

// === impl Flood ===

impl Flood {
    /// One whose first agents came then.
    pub(crate) fn new(id: String, onset: EventTime) -> Self {
        let (agents, rarest) = (Newcomers::default(), Vec::new());
        Self { id, onset, last: onset, agents, events: 0, rarest, told: (0, 0.0) }
    }

    /// Notes that it goes on.
    pub(crate) fn goes_on(&mut self, now: EventTime) {
        self.last = self.last.max(now);
    }

    /// Whether a verdict is of an agent that came with it, while it goes on where that agent acts. Of whom findings told
    /// before is known here, though a flood may have made others forget.
    pub(crate) fn takes_in(
        &self,
        (finding, verdict): (&Finding, &Verdict),
        told_first: Option<EventTime>,
    ) -> bool {
        let since = verdict.baseline.newcomer_since;
        let is_listed = verdict.facts.criticality.is_some();
        let ends_ms = self.last.millis().saturating_add(GOES_ON_MS);
        since.is_some_and(|since| self.onset <= since)
            && told_first.is_none_or(|told| self.onset <= told)
            && finding.log_time.millis() <= ends_ms
            && !is_listed
            && verdict.hard_indicator.is_none()
    }

    /// Counts an event, whatever their order; gives whether its alert is to be told again: where their number has doubled,
    /// or one is twice as rare as all that were told.
    pub(crate) fn join(&mut self, verdict: &Verdict) -> bool {
        let agent_id = kept::event_id(&verdict.actor.agent_id);
        self.agents.insert(hash::text(0, &verdict.actor.agent_id), &agent_id);
        self.events = self.events.saturating_add(1);
        let member = FloodMember {
            agent_id,
            activity_id: kept::event_id(&verdict.activity_id),
            signal: kept::signal(verdict.leading_signal()),
            return_period_actor_months: budget::finite(verdict.return_period_actor_months),
        };
        match self.rarest.iter_mut().find(|known| known.agent_id == member.agent_id) {
            Some(known) if by_rareness(&member, known).is_lt() => *known = member,
            Some(_) => {}
            None => self.rarest.push(member),
        }
        self.rarest.sort_by(by_rareness);
        self.rarest.truncate(RAREST_MAX);
        let (events, period) = self.told;
        2 * events <= self.events || 2.0 * period <= self.rarest_period()
    }

    fn rarest_period(&self) -> f64 {
        self.rarest.first().map_or(0.0, |member| member.return_period_actor_months)
    }

    /// Whether more joined than its alert told.
    pub(crate) fn has_untold(&self) -> bool {
        self.told.0 < self.events
    }

    /// Notes that its alert tells all that joined.
    pub(crate) fn tells(&mut self) {
        self.told = (self.events, self.rarest_period());
    }

    /// What joined, as its alert tells it; none where nothing did.
    pub(crate) fn joined(&self) -> Option<FloodJoined> {
        (self.events > 0).then(|| FloodJoined {
            agents_count: self.agents.count(),
            agents_exact: self.agents.is_exact(),
            events: self.events,
            rarest: self.rarest.clone(),
        })
    }
}

// === impl Applied ===

impl Applied<'_> {
    /// What an alerting event leads to that joins the alert of a flood; none where it does not.
    pub(crate) fn join_flood(
        &mut self,
        verdict: &Verdict,
        (key, signal): (&ActorKey, &str),
        effective: (f64, Level),
    ) -> Option<Vec<Response>> {
        let (finding, now) = (self.finding, self.now);
        let (thing, id) = self.tenant.flood_of(finding, verdict)?;
        let mut case = self.tenant.case(key).cloned().unwrap_or_default();
        if case.alerts.contains_key(signal) || self.settings.protected.contains(&key.agent_id) {
            return None;
        }
        let own = self.joining(verdict, id, effective);
        case.told(verdict, now);
        case.incident_event(verdict, now);
        let has_fact = case.incident.as_ref().is_some_and(|incident| incident.hard_indicator);
        // A flood must not hide who is cut off. What is held back waits for a person inside of a flood as outside of it.
        if has_fact || self.decide(key, &case, &own)?.action.is_some_and(may_revoke) {
            return None;
        }
        self.tenant.change(key, "", |known| *known = case);
        let decided = self.decided(key, "", Some(&own)).unwrap_or_default();
        let raised = self.tenant.join_flood(thing, (finding, verdict));
        let tenant = (&*finding.tenant_id, &*self.tenant);
        let told = raised.map(|raised| tell(self.settings, tenant, Some(finding), &raised));
        let joined = Response::AlertRef {
            activity_id: verdict.activity_id.clone(),
            alert_id: own.id,
            opened: false,
            joined: true,
        };
        Some(std::iter::once(joined).chain(told).chain(decided).collect())
    }
}
