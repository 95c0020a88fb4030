//! Events of many synthetic fleets at work at the same time, and of many agents that did a little each.

use std::collections::BTreeMap;

use schemas::EventTime;
use serde_json::Value;

/// The events of the scenario, which are those of one fleet.
pub(crate) struct Fleet {
    lines: Vec<Value>,
}

/// One event to be sent.
pub(crate) struct Event {
    /// Key of its record.
    pub(crate) key: String,
    /// Its JSON.
    pub(crate) value: Vec<u8>,
}

impl Fleet {
    pub(crate) fn new() -> Self {
        let bytes = scenario::generate(7);
        let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        Self { lines: lines.map(|line| serde_json::from_slice(line).expect("JSON")).collect() }
    }

    /// Its events but those of the last week, in which incidents are.
    fn quiet(&self) -> usize {
        self.lines.len() * 3 / 4
    }

    /// How many fleets must work at the same time for that many events before the last week.
    pub(crate) fn fleets_for(&self, events: u64) -> u64 {
        events.div_ceil(self.quiet() as u64)
    }

    /// Event `place` of `fleets` that work side by side; past the end, the last week comes again.
    pub(crate) fn event(&self, place: u64, fleets: u64, id: String, ms: i64) -> Event {
        let line = usize::try_from(place / fleets).expect("a place");
        let (quiet, all) = (self.quiet(), self.lines.len());
        let line = if line < all { line } else { quiet + (line - all) % (all - quiet) };
        event(&self.lines[line], place % fleets, id, ms)
    }

    /// `each` event of every agent in turn, an hour between two, the last of them at `until_ms`.
    pub(crate) fn agents(
        &self,
        agents: u64,
        each: usize,
        until_ms: i64,
    ) -> impl Iterator<Item = Event> {
        let mut by_agent: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
        for line in &self.lines {
            by_agent.entry(line["agent"]["id"].as_str().expect("an id")).or_default().push(line);
        }
        let kinds: Vec<Vec<&Value>> = by_agent.into_values().collect();
        (0..agents).flat_map(move |agent| {
            let number = usize::try_from(agent).expect("a number");
            let (lines, fleet) = (kinds[number % kinds.len()].clone(), agent / kinds.len() as u64);
            (0..each).map(move |step| {
                let hours = i64::try_from(each - 1 - step).expect("a number");
                let id = format!("agent-{agent}-{step}");
                event(lines[step % lines.len()], fleet, id, until_ms - hours * 3_600_000)
            })
        })
    }
}

fn event(line: &Value, fleet: u64, id: String, ms: i64) -> Event {
    let mut event = line.clone();
    event["id"] = id.into();
    event["time"] = EventTime::from_millis(ms).expect("a time").rfc3339().into();
    for part in ["agent", "session"] {
        event[part]["id"] =
            format!("{}-{fleet}", event[part]["id"].as_str().expect("an id")).into();
    }
    Event {
        key: tests::deployment::key_of(&event),
        value: serde_json::to_vec(&event).expect("JSON"),
    }
}
