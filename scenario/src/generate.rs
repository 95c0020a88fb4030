//! The whole stream: every agent's usual weeks, then the incidents, in order of time.

use super::fleet::{self, FLEET};
use super::incident::incidents;
use super::random::Random;
use super::write::Sink;

/// 2026-01-05T00:00:00Z, a Monday, in milliseconds.
pub(super) const START_MS: i64 = 1_767_571_200_000;
/// Simulated days.
const DAYS: i64 = 28;

/// The fleet's events as NDJSON in order of time: the same bytes for the same seed.
pub fn generate(seed: u64) -> Vec<u8> {
    let mut sink = Sink::default();
    for (number, agent) in fleet::agents().enumerate() {
        let mut random = Random::new(seed ^ (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        for day in 0..DAYS {
            for hour in 0..24 {
                fleet::work_an_hour(&agent, START_MS, day * 24 + hour, &mut random, &mut sink);
            }
        }
    }
    for incident in incidents() {
        incident.play(&mut sink);
    }
    sink.into_bytes()
}

/// How many agents there are.
pub fn agent_count() -> usize {
    FLEET.iter().map(|blueprint| blueprint.agents).sum()
}

#[cfg(test)]
mod tests {
    use super::super::incident::Incident;
    use super::*;
    use serde_json::Value;

    #[test]
    fn events_are_valid_ordered_and_the_same_each_time() {
        let bytes = generate(7);
        assert_eq!(bytes, generate(7));
        assert_ne!(bytes, generate(8));
        let lines: Vec<Value> = bytes
            .split(|b| *b == b'\n')
            .filter(|l| !l.is_empty())
            .map(|l| serde_json::from_slice(l).expect("JSON"))
            .collect();
        assert!(lines.len() > 20_000, "{}", lines.len());
        let times: Vec<&str> =
            lines.iter().map(|line| line["time"].as_str().expect("a time")).collect();
        assert!(times.windows(2).all(|pair| pair[0] <= pair[1]));
        let mut ids: Vec<&str> =
            lines.iter().map(|line| line["id"].as_str().expect("an id")).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), lines.len());
    }

    #[test]
    fn incidents_are_of_five_kinds_and_one_agent_has_a_second_days_later() {
        let incidents = incidents();
        let mut kinds: Vec<String> = incidents.iter().map(|i| format!("{:?}", i.kind)).collect();
        kinds.sort();
        kinds.dedup();
        assert_eq!(kinds.len(), 5);
        assert!(incidents.iter().all(|i| (20 * 24..DAYS * 24).contains(&i.hour)));
        let again = |a: &Incident, b: &Incident| a.agent == b.agent && a.kind != b.kind;
        let pairs = incidents.iter().flat_map(|a| incidents.iter().map(move |b| (a, b)));
        assert!(pairs.filter(|(a, b)| again(a, b)).any(|(a, b)| b.hour - a.hour >= 36));
    }

    #[test]
    fn an_incident_changes_what_an_agent_does_not_who_it_is() {
        let events = generate(7);
        let mut who = std::collections::BTreeMap::new();
        for line in events.split(|b| *b == b'\n').filter(|l| !l.is_empty()) {
            let event: Value = serde_json::from_slice(line).expect("JSON");
            let id = event["agent"]["id"].as_str().expect("an id").to_owned();
            let first = who.entry(id).or_insert_with(|| event["agent"].clone());
            assert_eq!(*first, event["agent"]);
        }
        assert_eq!(who.len(), agent_count());
        assert!(incidents().iter().all(|incident| who.contains_key(incident.agent)));
    }
}
