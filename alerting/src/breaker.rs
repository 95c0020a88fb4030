//! The breaker: at most so many agents of a tenant are revoked automatically within an hour of log time.
//! More than that is likelier a fault of ours than so many bad agents.

use std::collections::BTreeMap;

use schemas::EventTime;
use schemas::time::HOUR_MS;

use crate::record::{self, RecordError};
use crate::settings::BreakerSettings;

/// The agents revoked within the last hour, with the log time of their newest revocation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Breaker {
    revoked: BTreeMap<String, EventTime>,
}

// === impl Breaker ===

impl Breaker {
    /// Whether one more revocation, of this agent, would be too many.
    pub(crate) fn is_open(
        &self,
        agent_id: &str,
        now: EventTime,
        n_agents: u32,
        settings: &BreakerSettings,
    ) -> bool {
        let others = self
            .revoked
            .iter()
            .filter(|(agent, time)| agent.as_str() != agent_id && recent(**time, now))
            .count();
        let wanted = u32::try_from(others).unwrap_or(u32::MAX).saturating_add(1);
        let within_share = f64::from(wanted) <= settings.share_per_hour * f64::from(n_agents);
        settings.agents_per_hour < wanted && !within_share
    }

    /// Notes a revocation, and forgets those of more than an hour ago; gives the agents whose records change.
    pub(crate) fn note(&mut self, agent_id: &str, now: EventTime) -> Vec<String> {
        self.revoked.insert(agent_id.to_owned(), now);
        let old = self.revoked.extract_if(.., |_, time| !recent(*time, now));
        old.map(|(agent, _)| agent).chain([agent_id.to_owned()]).collect()
    }

    /// The record of an agent; empty where it is forgotten.
    pub(crate) fn record(&self, agent_id: &str) -> Vec<u8> {
        self.revoked.get(agent_id).map(record::encode).unwrap_or_default()
    }

    /// Takes back the record of an agent.
    pub(crate) fn load(&mut self, agent_id: String, bytes: &[u8]) -> Result<(), RecordError> {
        self.revoked.insert(agent_id, record::decode(bytes)?);
        Ok(())
    }
}

fn recent(time: EventTime, now: EventTime) -> bool {
    now.millis().saturating_sub(time.millis()) < HOUR_MS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> EventTime {
        EventTime::from_millis(1_795_467_091_000 + ms).unwrap()
    }

    #[test]
    fn the_larger_of_both_limits_holds_within_an_hour() {
        let settings = BreakerSettings { agents_per_hour: 3, share_per_hour: 0.005 };
        let mut breaker = Breaker::default();
        for (n, agent) in ["a", "b", "c"].into_iter().enumerate() {
            assert!(!breaker.is_open(agent, at(0), 10, &settings), "{n}");
            breaker.note(agent, at(0));
        }
        assert!(breaker.is_open("d", at(HOUR_MS - 1), 10, &settings));
        assert!(breaker.is_open("d", at(0), 799, &settings));
        assert!(!breaker.is_open("d", at(0), 800, &settings), "0.5 % of 800 are 4");
        assert!(!breaker.is_open("a", at(0), 10, &settings), "an agent counts once");
        assert!(!breaker.is_open("d", at(HOUR_MS), 10, &settings));
    }
}
