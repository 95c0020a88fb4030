//! A flood of invented ids through a genuine broker, beside known agents: memory stays below the cap, no known agent is
//! forgotten, one alert tells of it and takes in what invented ids do. `HABITUS_FLOOD_BROKER_IDS` raises it, as in
//! `HABITUS_FLOOD_BROKER_IDS=1000000 cargo test -p tests --test kafka_flood -- --nocapture`.

#![expect(clippy::disallowed_methods, reason = "a test of a broker waits in real time")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use schemas::EventTime;
use serde_json::{Value, json};
use tests::broker::Broker;
use tests::deployment::{Deployment, Source};
use tests::running::Running;

const CAP_BYTES: u64 = 16 << 20;
const PARTITIONS: u32 = 8;
/// Alerts of invented ids that may open before the flood is recognised.
const BESIDE_MAX: usize = 2_000;
/// How far partitions get from each other: a broker that keeps up is not an hour behind.
const APART_MS: i64 = 600_000;
const KNOWN: u64 = 1_000;
/// Hours in which known agents are alone, and those of the flood; known agents act in every third.
const QUIET_HOURS: u64 = 30;
const FLOOD_HOURS: u64 = 6;

/// The log as its producers fill it, an hour at a time.
struct Log {
    /// When it begins: so that it ends now, for what is due by the clock is done where nothing more comes.
    start_ms: i64,
    source: Source,
    running: Running,
    sent: u64,
    newest: BTreeMap<u64, (String, String, i64)>,
    most_bytes: u64,
}

impl Log {
    fn send(&mut self, agent: &str, at_ms: i64, variety: u64) -> (String, String, i64) {
        self.sent += 1;
        let time = EventTime::from_millis(at_ms).expect("a time").rfc3339();
        let event = json!({
            "schema": "agent.activity/1", "id": format!("e-{}", self.sent), "time": time, "tenant_id": "acme",
            "agent": {"id": agent, "blueprint": "worker"}, "session": {"id": format!("{agent}-{time}")},
            "action": {"type": "tool_call", "tool": {"name": format!("tool-{}", variety % 3)}},
            "destination": {"host": format!("api-{}.example", variety % 7), "port": 443},
        });
        let (key, event) = (format!("acme|{agent}"), event.to_string());
        self.source.send(&key, event.as_bytes(), Some(at_ms));
        (key, event, at_ms)
    }

    /// Waits until all is read that was sent, so that partitions stay near each other.
    fn await_read(&mut self) -> BTreeMap<String, tests::Family> {
        self.source.flush();
        let since = Instant::now();
        loop {
            let families = self.running.metrics();
            let sum = |name: &str| -> f64 {
                families[name].samples.iter().map(|(.., value)| value).sum()
            };
            self.most_bytes = self.most_bytes.max(sum("habitus_state_bytes") as u64);
            if sum("habitus_events_processed_total") as u64 == self.sent {
                return families;
            }
            assert!(since.elapsed() < Duration::from_secs(600), "not read");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until respond, which reads what was found, knows of so many agents.
    fn await_newcomers(&self, least: u64) {
        let since = Instant::now();
        let told = || self.running.metrics()["habitus_newcomers_total"].value(&[]).unwrap_or(0.0);
        while (told() as u64) < least {
            assert!(since.elapsed() < Duration::from_secs(120), "{} of {least} newcomers", told());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn hour(&mut self, hour: u64, invented: &[(u64, u64)]) {
        let start_ms = self.start_ms;
        let at = |of: u64, n: u64| start_ms + ((hour * 3_600_000) + of * 3_600_000 / n) as i64;
        // In the order of their times, as they come where producers do not wait.
        let known = (0..KNOWN).filter(|agent| (agent + hour).is_multiple_of(3));
        let mut sent: Vec<(i64, Option<u64>, u64)> =
            known.map(|agent| (at(agent, KNOWN), Some(agent), agent + hour)).collect();
        for (first, end) in invented {
            sent.extend((*first..*end).map(|id| (at(id - first, end - first), None, id)));
        }
        sent.sort_unstable();
        let mut read_ms = start_ms;
        for (at_ms, known, variety) in sent {
            if read_ms + APART_MS < at_ms {
                self.await_read();
                read_ms = at_ms;
            }
            let Some(agent) = known else {
                self.send(&format!("invented-{variety:07}"), at_ms, variety);
                continue;
            };
            let sent = self.send(&format!("known-{agent}"), at_ms, variety);
            self.newest.insert(agent, sent);
        }
        self.await_read();
    }
}

#[test]
fn a_flood_on_a_broker_is_one_alert_and_evicts_no_known_agent() {
    let Some(broker) = Broker::shared() else { return };
    let ids = std::env::var("HABITUS_FLOOD_BROKER_IDS").ok();
    let ids: u64 = ids.map_or(20_000, |ids| ids.parse().expect("a number of ids"));
    let config =
        "[input]\nstart = \"earliest\"\naccept_create_time = true\n[memory]\ncap = \"16MiB\"\n";
    let deployment = Deployment::new("flood", broker.address(), PARTITIONS, config).with_http();
    deployment.make_input_with_create_time();
    let running = Running::start(&deployment, "run.log");
    running.await_ready();
    let source = deployment.source();
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let hours = since.expect("a clock").as_secs() / 3_600 - (QUIET_HOURS + FLOOD_HOURS + 1);
    let start_ms = (hours * 3_600_000) as i64;
    let mut log =
        Log { start_ms, source, running, sent: 0, newest: BTreeMap::new(), most_bytes: 0 };
    (0..QUIET_HOURS).for_each(|hour| log.hour(hour, &[]));
    tell_growth(&deployment, "before");

    // Each id acts in two hours, which makes it a candidate for the table of known agents.
    let wave = ids.div_ceil(FLOOD_HOURS);
    let of = |n: u64| ((n * wave).min(ids), ((n + 1) * wave).min(ids));
    for n in 0..=FLOOD_HOURS {
        let waves: Vec<_> = [Some(n), n.checked_sub(1)].into_iter().flatten().map(of).collect();
        log.hour(QUIET_HOURS + n, &waves);
    }
    let known = std::mem::take(&mut log.newest);
    for (key, event, at_ms) in known.values() {
        log.source.send(key, event.as_bytes(), Some(*at_ms));
        log.sent += 1;
    }
    let families = log.await_read();
    let value =
        |name: &str, labels: &[(&str, &str)]| families[name].value(labels).unwrap_or(0.0) as u64;
    let evicted =
        ["known", "young"].map(|ring| value("habitus_agents_evicted_total", &[("ring", ring)]));
    println!(
        "{ids} invented ids, {} activities: {} of {CAP_BYTES} bytes at most; evicted, known and young: {evicted:?}",
        log.sent, log.most_bytes
    );
    assert!(log.most_bytes <= CAP_BYTES, "{} bytes", log.most_bytes);
    assert!(evicted.iter().sum::<u64>() > 0, "the flood did not press");
    let remembered = value("habitus_events_processed_total", &[("outcome", "duplicate")]);
    assert_eq!(remembered, KNOWN, "known agents were forgotten");
    log.await_newcomers(KNOWN + ids);
    log.running.end();
    tell_growth(&deployment, "after");

    one_alert_tells_of_it(&deployment);
    if ids <= 100_000 {
        assert!(deployment.audit().is_clean());
    }
}

/// Prints what stands in the topics of state, with what the broker has not compacted yet.
fn tell_growth(deployment: &Deployment, when: &str) {
    let connected = deployment.connected();
    for topic in ["state.v1", "cases.v1"] {
        let records = deployment.read(&connected, topic);
        let bytes = |record: &bus::Record| {
            [&record.key, &record.value].into_iter().flatten().map(Vec::len).sum::<usize>()
        };
        let all: usize = records.iter().map(bytes).sum();
        let newest: BTreeMap<_, usize> = records
            .iter()
            .map(|record| (record.key.clone(), record.value.as_ref().map_or(0, |_| bytes(record))))
            .collect();
        let left = newest.values().filter(|bytes| **bytes > 0).count();
        println!(
            "{when}: {topic} {} records, {} KiB; newest of each key: {left} records, {} KiB",
            records.len(),
            all >> 10,
            newest.values().sum::<usize>() >> 10
        );
    }
}

fn one_alert_tells_of_it(deployment: &Deployment) {
    let shadow = deployment.read(&deployment.connected(), "shadow.v1");
    let read =
        |record: &bus::Record| serde_json::from_slice::<Value>(record.value.as_deref()?).ok();
    let floods: Vec<Value> = shadow
        .iter()
        .filter_map(read)
        .filter(|alert| alert["unmapped"]["habitus"]["fleet"]["kind"] == "tenant")
        .collect();
    let uids: BTreeSet<&str> =
        floods.iter().filter_map(|alert| alert["finding_info"]["uid"].as_str()).collect();
    assert_eq!(uids.len(), 1, "{floods:#?}");
    println!("{} records of one alert; {}", floods.len(), floods[floods.len() - 1]["message"]);
    let joined = &floods[floods.len() - 1]["unmapped"]["habitus"]["fleet"]["joined"];
    let invented = |alert: &&Value| {
        let agent = alert["unmapped"]["habitus"]["agent_id"].as_str().unwrap_or_default();
        alert["activity_id"] == 1 && agent.starts_with("invented-")
    };
    let alerts: Vec<Value> = shadow.iter().filter_map(read).collect();
    let beside = alerts.iter().filter(invented).count();
    println!(
        "opened beside it: {beside} of invented ids; joined: {} events of {} agents",
        joined["events"], joined["agents_count"]
    );
    assert!(beside < BESIDE_MAX, "{beside} alerts of invented ids beside the flood's");
    assert!(joined["events"].as_u64() > Some(0), "{joined}");
}
