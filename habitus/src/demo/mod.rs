//! Synthetic agents for `demo`: some dozens over four weeks, several compromised in the last one. It makes events and
//! nothing else: what the demo shows comes from the engine.

mod fleet;
mod incident;
mod random;
mod write;

pub use incident::{Incident, incidents};

use fleet::FLEET;
use random::Random;
use write::Sink;

/// 2026-01-05T00:00:00Z, a Monday, in milliseconds.
const START_MS: i64 = 1_767_571_200_000;
/// Simulated days.
const DAYS: i64 = 28;

/// The demo's events as NDJSON in order of time: the same bytes for the same seed.
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
        incident.play(START_MS, &mut sink);
    }
    sink.into_bytes()
}

/// How many agents the demo has.
pub fn agent_count() -> usize {
    FLEET.iter().map(|blueprint| blueprint.agents).sum()
}

#[cfg(test)]
mod tests {
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
        for incident in incidents() {
            assert!(
                lines.iter().any(|line| line["agent"]["id"] == incident.agent),
                "{}",
                incident.agent
            );
        }
    }
}
