//! A flood of invented ids against a hard cap: the store stays below it and no known agent is forgotten.
//! `HABITUS_FLOOD_IDS` raises the flood, as in `HABITUS_FLOOD_IDS=1000000 cargo test --release`.

use std::collections::BTreeMap;
use std::fmt::Write;

use habitus::local::{Input, LineOutcome, Options, Role, Run};
use schemas::EventTime;
use schemas::finding::Body;
use tests::settings;

const CAP_BYTES: usize = 40 << 20;
const KNOWN: u64 = 1_000;
/// Hours in which known agents are alone.
const QUIET_HOURS: u64 = 8;
/// Invented ids that are new in one hour of the flood.
const IDS_PER_HOUR: u64 = 2_000;
/// Hours after which an invented id acts again.
const AGAIN_AFTER_HOURS: [u64; 3] = [1, 2, 3];
const START_MS: u64 = 1_767_571_200_000;

/// Writes hours of traffic, with ids that never repeat.
struct Traffic {
    text: String,
    events: u64,
}

impl Traffic {
    fn push(&mut self, agent: &str, hour: u64, offset_ms: u64, variety: u64) {
        let time = START_MS + hour * 3_600_000 + offset_ms % 3_600_000;
        let time = EventTime::from_millis(time as i64).unwrap().rfc3339();
        let (tool, place) = (variety % 3, variety % 7);
        let _infallible = writeln!(
            self.text,
            r#"{{"schema":"agent.activity/1","id":"e-{}","time":"{time}","tenant_id":"acme","agent":{{"id":"{agent}","blueprint":"worker"}},"delegation":{{"mode":"autonomous","purpose":"p-{tool}"}},"session":{{"id":"{agent}-{hour}"}},"action":{{"type":"tool_call","tool":{{"name":"tool-{tool}"}}}},"resource":{{"id":"store/{place}/{variety}","type":"object"}},"destination":{{"host":"api-{place}.example","port":443}},"usage":{{"bytes_out":{},"bytes_in":4000}}}}"#,
            self.events,
            300 + variety,
        );
        self.events += 1;
    }

    /// Known agents' activities of one hour.
    fn known(&mut self, hour: u64, every: u64) {
        for agent in (0..KNOWN).filter(|agent| (agent + hour).is_multiple_of(every)) {
            self.push(&known_id(agent), hour, agent * 3_000, agent + hour);
        }
    }
}

fn known_id(agent: u64) -> String {
    format!("known-{agent}")
}

/// Feeds an hour; counts what each known agent did and what its baseline said.
fn feed(run: &mut Run, traffic: &mut Traffic, known: &mut BTreeMap<String, (u64, u64)>) {
    let input = Input { topic: "flood", role: Role::Scored, bytes: traffic.text.as_bytes() };
    run.feed(&input, &mut |line| {
        let LineOutcome::Scored { activity, observed, .. } = &line.outcome else {
            panic!("line {} was not scored", line.number);
        };
        if !activity.agent.id.starts_with("known-") {
            return;
        }
        let events = observed.findings.iter().find_map(|finding| match &finding.body {
            Body::Verdict(verdict) => Some(verdict.baseline.events),
            Body::Level(_) | Body::Epoch(_) => None,
        });
        let counts = known.entry(activity.agent.id.to_string()).or_default();
        counts.0 += 1;
        counts.1 = events.expect("every line is explained");
    });
    traffic.text.clear();
}

#[test]
fn invented_ids_evict_no_known_agent_and_stay_below_the_cap() {
    let ids = std::env::var("HABITUS_FLOOD_IDS").ok();
    let ids: u64 = ids.map_or(60_000, |ids| ids.parse().expect("a number of ids"));
    let mut settings = settings();
    settings.memory_bytes_max = CAP_BYTES;
    let mut run = Run::new(&settings, Options { lanes: 2, freeze: false, explain: true });
    let mut known = BTreeMap::new();
    let mut traffic = Traffic { text: String::new(), events: 0 };

    for hour in 0..QUIET_HOURS {
        traffic.known(hour, 1);
        feed(&mut run, &mut traffic, &mut known);
    }
    let flood_hours = ids.div_ceil(IDS_PER_HOUR);
    for wave in 0..flood_hours + AGAIN_AFTER_HOURS[2] {
        let hour = QUIET_HOURS + wave;
        let waves = [0].into_iter().chain(AGAIN_AFTER_HOURS);
        for from in waves.filter_map(|after| wave.checked_sub(after)) {
            let first = from * IDS_PER_HOUR;
            for id in first..(first + IDS_PER_HOUR).min(ids) {
                traffic.push(&format!("invented-{id:08}"), hour, id * 1_800, id);
            }
        }
        traffic.known(hour, 4);
        feed(&mut run, &mut traffic, &mut known);
    }
    let before = known.clone();
    traffic.known(QUIET_HOURS + flood_hours + AGAIN_AFTER_HOURS[2], 1);
    feed(&mut run, &mut traffic, &mut known);

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
    assert_eq!(known.len() as u64, KNOWN);
    for (agent, (acted, counted)) in &known {
        // The verdict counts what went before it, or itself too: never less than all but one.
        assert!(counted + 1 >= *acted, "{agent} acted {acted} times, {counted} are known");
        assert!(*counted > before[agent].1, "{agent} was forgotten");
    }
}
