//! Events of many synthetic fleets at work at the same time, of many agents that did a little each, and of many that
//! keep to what they always do.

use std::collections::BTreeMap;

use schemas::EventTime;
use serde_json::{Value, json};

/// The events of the scenario, which are those of one fleet.
pub(crate) struct Fleet {
    lines: Vec<Value>,
    /// Where those of each agent stand.
    kinds: Vec<Vec<usize>>,
}

/// Different things that an agent does which keeps to its habits.
const HABITS: usize = 3;

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
        let lines: Vec<Value> =
            lines.map(|line| serde_json::from_slice(line).expect("JSON")).collect();
        let mut kinds: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (place, line) in lines.iter().enumerate() {
            kinds.entry(line["agent"]["id"].as_str().expect("an id")).or_default().push(place);
        }
        let kinds = kinds.into_values().collect();
        Self { lines, kinds }
    }

    /// Its events but those of the last week, in which incidents are.
    fn quiet(&self) -> usize {
        self.lines.len() * 3 / 4
    }

    /// How many fleets must work at the same time for that many events before the last week.
    pub(crate) fn fleets_for(&self, events: u64) -> u64 {
        events.div_ceil(self.quiet() as u64)
    }

    /// Event `place` of `fleets` that work side by side, before the last week.
    pub(crate) fn event(&self, place: u64, fleets: u64, id: String, ms: i64) -> Event {
        let line = usize::try_from(place / fleets).expect("a place");
        event(&self.lines[line], place % fleets, id, ms)
    }

    /// Event `place` of so many agents, each of which does the same few things in turn. An odd one destroys
    /// what nobody ever touched, on a host that nobody ever called.
    pub(crate) fn usual(
        &self,
        place: u64,
        agents: u64,
        (id, ms): (String, i64),
        odd: bool,
    ) -> Event {
        let number = usize::try_from(place % agents).expect("a number");
        let kind = &self.kinds[number % self.kinds.len()];
        let line = kind[usize::try_from(place / agents).expect("a place") % kind.len().min(HABITS)];
        let fleet = (number / self.kinds.len()) as u64;
        if !odd {
            return event(&self.lines[line], fleet, id, ms);
        }
        let mut line = self.lines[line].clone();
        line["destination"] = json!({ "host": format!("{id}.invalid"), "anonymizer": "tor" });
        line["action"] = json!({ "type": "data_delete", "operation": id });
        line["resource"] = json!({ "id": id, "type": "vault", "classification": "restricted" });
        event(&line, fleet, id, ms)
    }

    /// `each` event of every agent in turn, an hour between two, the last of them at `until_ms`.
    pub(crate) fn agents(
        &self,
        agents: u64,
        each: usize,
        until_ms: i64,
    ) -> impl Iterator<Item = Event> {
        (0..agents).flat_map(move |agent| {
            let number = usize::try_from(agent).expect("a number");
            let kind = &self.kinds[number % self.kinds.len()];
            let fleet = agent / self.kinds.len() as u64;
            (0..each).map(move |step| {
                let hours = i64::try_from(each - 1 - step).expect("a number");
                let line = &self.lines[kind[step % kind.len()]];
                event(line, fleet, format!("agent-{agent}-{step}"), until_ms - hours * 3_600_000)
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
