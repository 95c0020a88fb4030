//! A flood of invented ids against a hard cap: the store stays below it and no known agent is forgotten, nor a newcomer of
//! another tenant. Whether an
//! agent is remembered is asked by sending its last activity again: who is remembered makes it a duplicate.
//! `HABITUS_FLOOD_IDS` raises the flood, as in `HABITUS_FLOOD_IDS=1000000 cargo test --release`.

use std::collections::BTreeMap;

use habitus::local::{Input, LineOutcome, Options, Role, Run};
use schemas::EventTime;
use tests::settings;

const CAP_BYTES: usize = 40 << 20;
const KNOWN: u64 = 1_000;
/// Newcomers of a tenant that invents none, seen once before the flood.
const NEWCOMERS: u64 = 600;
/// Hours in which known agents are alone.
const QUIET_HOURS: u64 = 8;
/// Invented ids that are new in one hour of the flood.
const IDS_PER_HOUR: u64 = 2_000;
/// Hours after which an invented id acts again.
const AGAIN_AFTER_HOURS: [u64; 3] = [1, 2, 3];
const START_MS: u64 = 1_767_571_200_000;

/// Writes hours of traffic, with ids that repeat only where known agents say their last word again.
struct Traffic {
    text: String,
    events: u64,
    /// The newest line of each known agent.
    newest: BTreeMap<u64, String>,
}

impl Traffic {
    fn line(&mut self, agent: &str, hour: u64, offset_ms: u64, variety: u64) -> String {
        let tenant = if agent.starts_with("newcomer-") { "zeta" } else { "acme" };
        let time = START_MS + hour * 3_600_000 + offset_ms % 3_600_000;
        let time = EventTime::from_millis(time as i64).unwrap().rfc3339();
        let (tool, place) = (variety % 3, variety % 7);
        self.events += 1;
        format!(
            r#"{{"schema":"agent.activity/1","id":"e-{}","time":"{time}","tenant_id":"{tenant}","agent":{{"id":"{agent}","blueprint":"worker"}},"delegation":{{"mode":"autonomous","purpose":"p-{tool}"}},"session":{{"id":"{agent}-{hour}"}},"action":{{"type":"tool_call","tool":{{"name":"tool-{tool}"}}}},"resource":{{"id":"store/{place}/{variety}","type":"object"}},"destination":{{"host":"api-{place}.example","port":443}},"usage":{{"bytes_out":{},"bytes_in":4000}}}}"#,
            self.events,
            300 + variety,
        )
    }

    fn push(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// Known agents' activities of one hour, each after the one before it again.
    fn known(&mut self, hour: u64, every: u64) {
        for agent in (0..KNOWN).filter(|agent| (agent + hour).is_multiple_of(every)) {
            if let Some(again) = self.newest.remove(&agent) {
                self.push(&again);
            }
            let line = self.line(&format!("known-{agent}"), hour, agent * 3_000, agent + hour);
            self.push(&line);
            self.newest.insert(agent, line);
        }
    }
}

/// Feeds an hour; gives how many activities were scored and how many were remembered.
fn feed(run: &mut Run, traffic: &mut Traffic) -> (u64, u64) {
    let (mut scored, mut remembered) = (0, 0);
    let input = Input { topic: "flood", role: Role::Scored, bytes: traffic.text.as_bytes() };
    run.feed(&input, &mut |line| match &line.outcome {
        LineOutcome::Scored { .. } => scored += 1,
        LineOutcome::Duplicate(activity) => {
            assert!(!activity.agent.id.starts_with("invented-"), "{} repeats", activity.agent.id);
            remembered += 1;
        }
        LineOutcome::Skipped(_) | LineOutcome::Rejected(_) => {
            panic!("line {} was not scored", line.number)
        }
    });
    traffic.text.clear();
    (scored, remembered)
}

#[test]
fn invented_ids_evict_no_known_agent_and_stay_below_the_cap() {
    let ids = std::env::var("HABITUS_FLOOD_IDS").ok();
    let ids: u64 = ids.map_or(60_000, |ids| ids.parse().expect("a number of ids"));
    let mut settings = settings();
    settings.memory_bytes_max = CAP_BYTES;
    let options = Options { lanes: 2, freeze: false, explain: false };
    let mut run = Run::new(&settings, options);
    let mut traffic = Traffic { text: String::new(), events: 0, newest: BTreeMap::new() };
    let (mut repeats, mut scored, mut remembered) = (0, 0, 0);

    let mut newcomers = Vec::new();
    let flood_hours = ids.div_ceil(IDS_PER_HOUR) + AGAIN_AFTER_HOURS[2];
    for hour in 0..=QUIET_HOURS + flood_hours {
        let wave = hour.checked_sub(QUIET_HOURS).filter(|wave| *wave < flood_hours);
        let waves = [0].into_iter().chain(AGAIN_AFTER_HOURS);
        for from in waves.filter_map(|after| wave?.checked_sub(after)) {
            let first = from * IDS_PER_HOUR;
            for id in first..(first + IDS_PER_HOUR).min(ids) {
                let line = traffic.line(&format!("invented-{id:08}"), hour, id * 1_800, id);
                traffic.push(&line);
            }
        }
        // All of them before the flood and after it, a quarter in each of its hours.
        let before = traffic.events;
        traffic.known(hour, if wave.is_some() { 4 } else { 1 });
        repeats += if hour == 0 { 0 } else { traffic.events - before };
        if hour + 1 == QUIET_HOURS {
            newcomers = (0..NEWCOMERS)
                .map(|agent| traffic.line(&format!("newcomer-{agent}"), hour, agent * 5_000, agent))
                .collect();
            newcomers.iter().for_each(|line| traffic.push(line));
        }
        let counts = feed(&mut run, &mut traffic);
        scored += counts.0;
        remembered += counts.1;
    }

    newcomers.iter().for_each(|line| traffic.push(line));
    let (again, newcomers_kept) = feed(&mut run, &mut traffic);
    let report = run.finish();
    let (store, each) = (report.store, &report.agent_bytes);
    println!(
        "{ids} invented ids, {} activities: {} of {CAP_BYTES} bytes, {} known, {} young; evicted {} known, {} young; {} candidates refused; {} bytes an agent in the median, {} at most",
        traffic.events,
        store.bytes,
        store.known,
        store.young,
        store.known_evicted,
        store.young_evicted,
        store.candidates_refused,
        each[each.len() / 2],
        each[each.len() - 1],
    );
    assert!(store.bytes <= CAP_BYTES as u64, "{} bytes", store.bytes);
    assert!(store.known_evicted + store.candidates_refused > 0, "the flood did not press");
    assert_eq!(scored, traffic.events);
    assert_eq!(
        (again, newcomers_kept),
        (0, NEWCOMERS),
        "newcomers of another tenant were forgotten"
    );
    // So what was evicted was invented: every known agent remembered what it did last, each time it was asked.
    assert_eq!(remembered, repeats, "known agents were forgotten");
}
