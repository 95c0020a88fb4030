//! Cases: the open alerts and incidents of one actor. It keeps the counting rule: an alert opens when a
//! return period reaches 1 / budget and no alert of the actor with the same leading signal is open; later
//! such events update it; it closes after 12 h of log time without one. Budgets, trust and requests are
//! judged elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use baseline::math::ln;
use schemas::EventTime;
use schemas::finding::{Finding, Verdict, Versions};
use schemas::time::{DAY_MS, HOUR_MS};
use schemas::trust::Level;
use serde::{Deserialize, Serialize};

use crate::budget;
use crate::join::Joined;
use crate::kept::{self, kept};
use crate::ocsf;
use crate::settings::Settings;

/// An alert closes after that much log time without an event.
pub(crate) const ALERT_QUIET_MS: i64 = 12 * HOUR_MS;
/// An incident ends after that much log time without an alerting event.
pub(crate) const INCIDENT_GAP_MS: i64 = 6 * HOUR_MS;
/// The incident before still speaks for the rareness of this one for that long.
const INCIDENT_MEMORY_MS: i64 = 30 * DAY_MS;
/// Most related events that an alert names.
const RELATED_EVENTS_MAX: usize = 32;
/// Most topics or files that an alert names.
const SOURCES_MAX: usize = 8;
/// Most signal families that an incident names as keys.
const KEYS_MAX: usize = 32;

/// What is known of one actor.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Case {
    /// Newest trust level that a finding told.
    pub(crate) level: Level,
    /// Newest trust that a finding told.
    pub(crate) trust: f64,
    /// Log time of the first finding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) first: Option<EventTime>,
    /// Log time of the newest finding.
    pub(crate) last: Option<EventTime>,
    /// Open alerts by leading signal; each is a record of its own.
    #[serde(skip)]
    pub(crate) alerts: BTreeMap<String, OpenAlert>,
    /// The newest incident.
    pub(crate) incident: Option<Incident>,
    /// Incidents with no month of quiet between them, the newest included.
    pub(crate) n_incidents: u32,
}

/// An alert that is not closed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct OpenAlert {
    /// Its id.
    pub(crate) id: String,
    /// Log time of its opening.
    pub(crate) opened: EventTime,
    /// Log time of its newest event.
    pub(crate) last: EventTime,
    /// Earliest time an agent acted in it.
    pub(crate) first_seen: EventTime,
    /// Latest time an agent acted in it.
    pub(crate) last_seen: EventTime,
    /// Its events so far.
    pub(crate) count: u64,
    /// Ids of its newest events.
    pub(crate) related_events: Vec<String>,
    /// Trust before its first event.
    pub(crate) trust_before: f64,
    /// Trust after its newest event.
    pub(crate) trust_after: f64,
    /// Trust of the least trusted link of the chain at its newest event.
    pub(crate) trust_effective: f64,
    /// Level after its newest event.
    pub(crate) level: Level,
    /// Level of the least trusted link of the chain at its newest event.
    #[serde(default)]
    pub(crate) level_effective: Level,
    /// The event with the largest score, in full.
    pub(crate) worst: Verdict,
    /// What was in force for it.
    pub(crate) versions: Versions,
    /// Topics or files that its events were read from.
    pub(crate) sources: BTreeSet<String>,
    /// Whether texts of the event had to be cut.
    pub(crate) truncated: bool,
    /// The newest revocation request of its incident.
    pub(crate) request_id: Option<String>,
    /// What of it is new to the whole blueprint, and who joined it for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) joined: Option<Box<Joined>>,
    /// What its newest record told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) told: Option<Told>,
}

/// What a record of an alert told of what people act on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Told {
    at: EventTime,
    severity_id: u8,
    level: Level,
    request_id: Option<String>,
}

/// Alerting events of one actor without a gap of more than 6 h.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Incident {
    /// Log time of its newest event.
    pub(crate) last: EventTime,
    /// Signal families that are keys.
    pub(crate) keys: BTreeSet<String>,
    /// Whether a hard indicator was seen.
    pub(crate) hard_indicator: bool,
    /// Largest return period in actor-months.
    pub(crate) worst_return_period: f64,
    /// Return period that the incident before adds as a factor; 1 where there is none.
    pub(crate) prior_return_period: f64,
    /// Requests made: action and request id.
    pub(crate) requests: BTreeMap<String, String>,
    /// The newest decision, in short: it is told again where it changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) decided: Option<String>,
}

/// What an alerting event did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    /// Leading signal of the alert.
    pub(crate) signal: String,
    /// Whether it opened it.
    pub(crate) opened: bool,
}

// === impl Case ===

impl Case {
    /// Takes up an alerting event; a fresh alert gets its id from the finding.
    pub(crate) fn alerting(
        &mut self,
        finding: &Finding,
        verdict: &Verdict,
        now: EventTime,
    ) -> Change {
        self.incident_event(verdict, now);
        let signal = leading(verdict);
        let opened = !self.alerts.contains_key(&signal);
        let alert = self
            .alerts
            .entry(signal.clone())
            .or_insert_with(|| OpenAlert::new(finding, verdict, now));
        alert.event(finding, verdict, now);
        Change { signal, opened }
    }

    /// Notes what a verdict says of the actor.
    pub(crate) fn told(&mut self, verdict: &Verdict, now: EventTime) {
        self.level = verdict.level_after;
        self.trust = percent(verdict.trust_after);
        self.heard(now);
    }

    /// Notes when a finding told of the actor.
    pub(crate) fn heard(&mut self, now: EventTime) {
        // A case saved by an older version knows its newest finding only.
        self.first = self.first.or(self.last).or(Some(now));
        self.last = Some(now);
    }

    pub(crate) fn incident_event(&mut self, verdict: &Verdict, now: EventTime) {
        let gap_ms = |incident: &Incident| now.millis().saturating_sub(incident.last.millis());
        let going_on = self.incident.as_ref().is_some_and(|i| gap_ms(i) <= INCIDENT_GAP_MS);
        if !going_on {
            let prior = self.incident.as_ref().filter(|i| gap_ms(i) <= INCIDENT_MEMORY_MS);
            // What was forgotten vouches for nothing: two incidents are two keys within the same month only.
            self.n_incidents = if prior.is_some() { self.n_incidents.saturating_add(1) } else { 1 };
            self.incident = Some(Incident {
                last: now,
                keys: BTreeSet::new(),
                hard_indicator: false,
                worst_return_period: 0.0,
                prior_return_period: prior.map_or(1.0, |i| i.worst_return_period.max(1.0)),
                requests: BTreeMap::new(),
                decided: None,
            });
        }
        if let Some(incident) = self.incident.as_mut() {
            incident.last = incident.last.max(now);
            let keys = verdict.keys.iter().map(|key| kept::signal(key));
            incident.keys.extend(keys.take(KEYS_MAX.saturating_sub(incident.keys.len())));
            incident.hard_indicator |= verdict.hard_indicator.is_some();
            // The budget of revocations reads what was counted: what is left of it as chance makes no incident rarer.
            let counted = verdict.counted_actor_months;
            let months = counted.unwrap_or(verdict.return_period_actor_months);
            incident.worst_return_period = incident.worst_return_period.max(budget::finite(months));
        }
    }
}

// === impl Incident ===

impl Incident {
    /// How rare the incident is, by itself or together with the one before, which is independent.
    pub(crate) fn return_period(&self) -> f64 {
        let both = pair(self.worst_return_period * self.prior_return_period);
        budget::finite(self.worst_return_period.max(both))
    }
}

// === impl OpenAlert ===

impl OpenAlert {
    pub(crate) fn new(finding: &Finding, verdict: &Verdict, now: EventTime) -> Self {
        let (worst, truncated) = kept(verdict);
        Self {
            id: finding.source.derive("alert"),
            opened: now,
            last: now,
            first_seen: verdict.time,
            last_seen: verdict.time,
            count: 0,
            related_events: Vec::new(),
            trust_before: worst.trust_before,
            trust_after: worst.trust_after,
            trust_effective: worst.trust_after,
            level: verdict.level_after,
            level_effective: verdict.level_after,
            worst,
            versions: finding.versions.clone(),
            sources: BTreeSet::new(),
            truncated,
            request_id: None,
            joined: None,
            told: None,
        }
    }

    /// Whether it is to be told again: where what people act on changed, or the interval has passed.
    pub(crate) fn tells(&mut self, settings: &Settings, now: EventTime) -> bool {
        let severity_id = ocsf::severity(settings, self).id();
        let (level, request_id) = (self.level, self.request_id.clone());
        let tells = self.told.as_ref().is_none_or(|told| {
            settings.repeat_ms <= now.millis().saturating_sub(told.at.millis())
                || told.severity_id != severity_id
                || told.level != level
                || told.request_id != request_id
        });
        if tells {
            self.told = Some(Told { at: now, severity_id, level, request_id });
        }
        tells
    }

    /// Takes up an event of its actor.
    pub(crate) fn event(&mut self, finding: &Finding, verdict: &Verdict, now: EventTime) {
        self.seen(finding, verdict, now);
        self.trust_after = percent(verdict.trust_after);
        self.level = verdict.level_after;
        if self.worst.score < verdict.score {
            (self.worst, self.truncated) = kept(verdict);
            self.versions = finding.versions.clone();
        }
    }

    /// Counts an event, whoever's it is.
    pub(crate) fn seen(&mut self, finding: &Finding, verdict: &Verdict, now: EventTime) {
        self.last = self.last.max(now);
        self.first_seen = self.first_seen.min(verdict.time);
        self.last_seen = self.last_seen.max(verdict.time);
        self.count = self.count.saturating_add(1);
        self.related_events.push(kept::event_id(&verdict.activity_id));
        let n_surplus = self.related_events.len().saturating_sub(RELATED_EVENTS_MAX);
        self.related_events.drain(..n_surplus);
        if self.sources.len() < SOURCES_MAX {
            self.sources.insert(kept::event_id(&finding.source.topic_id));
        }
    }

    /// Log time from which on it is closed if no event comes.
    pub(crate) fn closes_at_ms(&self) -> i64 {
        self.last.millis().saturating_add(ALERT_QUIET_MS)
    }
}

/// How rare two independent incidents are whose return periods have that product. Many pairs have the same product, so
/// it comes more often than once in it: of two uniform p, the product is at most q with q (1 - ln q) (Fisher 1925).
fn pair(product: f64) -> f64 {
    if 1.0 < product { product / (1.0 + ln(product)) } else { 1.0 }
}

/// A trust score that can be written: within 0 to 100; not a number is 0.
pub(crate) fn percent(trust: f64) -> f64 {
    if trust.is_nan() { 0.0 } else { trust.clamp(0.0, 100.0) }
}

/// The signal that leads a verdict: what its alert is known by.
pub(crate) fn leading(verdict: &Verdict) -> String {
    kept::signal(verdict.leading_signal())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_comes_as_often_as_its_return_period_says() {
        const STEPS: u32 = 1_000;
        let p = |step: u32| (f64::from(step) + 0.5) / f64::from(STEPS);
        for period in [5.0, 50.0] {
            let reach = |first: u32| {
                (0..STEPS).filter(|second| pair(1.0 / (p(first) * p(*second))) >= period).count()
            };
            let pairs = f64::from(STEPS) * f64::from(STEPS);
            let share = (0..STEPS).map(reach).sum::<usize>() as f64 / pairs;
            assert!((share * period - 1.0).abs() < 0.01, "{period}: {share}");
        }
    }
}
