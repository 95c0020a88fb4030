//! The whole stream: every agent's usual weeks, then the incidents, in order of time.

use schemas::EventTime;
use schemas::time::DAY_MS;

use super::fleet::{self, FLEET};
use super::incident::incidents;
use super::random::Random;
use super::write::Sink;

/// 2026-01-05T00:00:00Z, a Monday, in milliseconds.
pub(super) const START_MS: i64 = 1_767_571_200_000;
/// Simulated days.
const DAYS: i64 = 28;

/// Days of `generate_until`: a live log takes nothing that is older than seven.
const LIVE_DAYS: i64 = 6;

/// The fleet's events as NDJSON in order of time: the same bytes for the same seed.
pub fn generate(seed: u64) -> Vec<u8> {
    tell(seed, Sink::new(0, i64::MIN..i64::MAX, "demo".to_owned()))
}

/// The last six days of the same story up to a moment. They are moved by whole days, so that each hour's work keeps its
/// hour and the story's last day is that of the moment. Ids begin with the day: those of two days differ.
pub fn generate_until(seed: u64, until: EventTime) -> Vec<u8> {
    let end_ms = until.millis();
    let shift_ms = (end_ms - START_MS).div_euclid(DAY_MS) * DAY_MS - (DAYS - 1) * DAY_MS;
    let day: String = until.rfc3339().chars().take(10).filter(|c| *c != '-').collect();
    tell(seed, Sink::new(shift_ms, end_ms - LIVE_DAYS * DAY_MS..end_ms + 1, format!("demo-{day}")))
}

fn tell(seed: u64, mut sink: Sink) -> Vec<u8> {
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
    fn days_that_end_at_a_moment_are_the_last_of_the_story_and_lie_within_six() {
        let mut ids = std::collections::BTreeSet::new();
        for text in ["2026-02-01T23:59:59.999Z", "2026-11-26T13:07:00Z", "1999-12-31T00:00:00Z"] {
            let until = EventTime::parse(text).expect("a time");
            let bytes = generate_until(7, until);
            assert_eq!(bytes, generate_until(7, until));
            let mut last = 0;
            for line in bytes.split(|b| *b == b'\n').filter(|l| !l.is_empty()) {
                let event: Value = serde_json::from_slice(line).expect("JSON");
                let time = EventTime::parse(event["time"].as_str().expect("a time"));
                let ms = time.expect("a time").millis();
                assert!(last <= ms && (0..=6 * DAY_MS).contains(&(until.millis() - ms)), "{event}");
                assert!(ids.insert(event["id"].as_str().expect("an id").to_owned()));
                last = ms;
            }
            assert!(until.millis() - last < DAY_MS, "they end at the moment");
            // A night's work stays at night, and the night before the last has an incident.
            let text = String::from_utf8(bytes).expect("UTF-8");
            let nightly = text.lines().filter(|line| line.contains("\"data-sync-2\""));
            assert!(nightly.clone().count() > 20);
            assert!(nightly.clone().all(|line| line.contains("T02:") || line.contains("T03:")));
            assert_eq!(text.matches("payroll/salaries").count() % 12, 0);
            assert!(text.contains("payroll/salaries"));
        }
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
