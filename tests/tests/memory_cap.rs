//! A flood of invented ids beside known agents, against a hard cap: the store stays below it and no known agent is
//! forgotten, nor a newcomer of another tenant; one alert tells of the flood, and what invented ids do joins it; what is
//! saved grows by no more than what is held. Whether an agent is remembered is asked by sending its last activity again:
//! who is remembered makes it a duplicate. `HABITUS_FLOOD_IDS` raises the flood, as in
//! `HABITUS_FLOOD_IDS=10000000 cargo test -p tests --test memory_cap -- --nocapture`.

use std::collections::BTreeMap;
use std::sync::Arc;

use alerting::ocsf::DetectionFinding;
use alerting::{Respond, Response};
use baseline::StoreCounts;
use detector::{Observe, Outcome, Stamp};
use schemas::EventTime;
use schemas::finding::{Finding, MetKind};
use tests::{activity, settings};

const CAP_BYTES: usize = 80 << 20;
const PARTITIONS: u32 = 64;
const EPOCH_MS: i64 = 300_000;
const KNOWN: u64 = 10_000;
/// Newcomers of a tenant that invents none, seen once before the flood.
const NEWCOMERS: u64 = 600;
/// Hours in which known agents are alone; in the first ones all of them act, later a quarter.
const QUIET_HOURS: u64 = 30;
const BUSY_HOURS: u64 = 6;
/// Hours of the flood at most, and its ids of an hour at least.
const FLOOD_HOURS: u64 = 30;
const IDS_PER_HOUR_MIN: u64 = 20_000;
/// Hours after which an invented id acts again; of more than a million, some do.
const AGAIN_AFTER_HOURS: [u64; 3] = [1, 2, 3];
const AGAIN_IDS_MAX: u64 = 1_000_000;
/// Alerts of invented ids that may open before the flood is recognised.
const BESIDE_MAX: usize = 1_000;
/// Activities whose state is saved at once.
const BATCH: u64 = 4_096;
const START_MS: u64 = 1_767_571_200_000;

/// A compacted topic, without its values: what was written, and what is left.
#[derive(Default)]
struct Topic {
    written: (u64, u64),
    left: BTreeMap<String, usize>,
}

impl Topic {
    fn write(&mut self, records: Vec<(String, Vec<u8>)>) {
        for (key, value) in records {
            self.written.0 += 1;
            self.written.1 += (key.len() + value.len()) as u64;
            if value.is_empty() {
                self.left.remove(&key);
            } else {
                self.left.insert(key, value.len());
            }
        }
    }

    fn left_bytes(&self) -> u64 {
        self.left.iter().map(|(key, bytes)| (key.len() + bytes) as u64).sum()
    }

    fn told(&self) -> String {
        let (records, bytes) = self.written;
        let left = (self.left.len(), self.left_bytes() >> 10);
        format!("{records} records, {} KiB; left: {} records, {} KiB", bytes >> 10, left.0, left.1)
    }
}

/// The folds over one log, whose state is saved as a lane saves it.
struct Folds {
    observe: Vec<Observe>,
    respond: Respond,
    offset: u64,
    log_ms: i64,
    /// Whether what respond learns does not come back to observe, as while a broker is slow.
    lags: bool,
    state: Topic,
    cases: Topic,
    /// Every alert, in its newest form.
    alerts: BTreeMap<String, DetectionFinding>,
    most_bytes: u64,
}

impl Folds {
    fn new(partitions: u32) -> Self {
        let settings = settings();
        let bytes_max = CAP_BYTES / partitions as usize;
        let observe = Arc::new(detector::Settings {
            partition_bytes_max: bytes_max,
            ..settings.observe.clone()
        });
        let observe = |_| {
            let mut fold = Observe::new(Arc::clone(&observe));
            fold.track_touched();
            fold
        };
        let respond = alerting::Settings { publish_tables: false, ..settings.respond };
        Self {
            observe: (0..partitions).map(observe).collect(),
            respond: Respond::new(respond),
            offset: 0,
            log_ms: 0,
            lags: false,
            state: Topic::default(),
            cases: Topic::default(),
            alerts: BTreeMap::new(),
            most_bytes: 0,
        }
    }

    fn partitions(&self) -> u32 {
        self.observe.len() as u32
    }

    /// Applies an activity; whether it was one of before.
    fn apply(&mut self, line: &str) -> bool {
        let activity = activity(line.as_bytes());
        let log_ms = self.log_ms.max(activity.time.millis());
        let ends = log_ms / EPOCH_MS > self.log_ms / EPOCH_MS;
        self.log_ms = log_ms;
        self.offset += 1;
        if ends {
            self.end_epoch();
        }
        let partition = bus::partition(activity.partition_key().as_bytes(), self.partitions());
        let stamp = stamp(partition, self.offset, log_ms);
        let fold = &mut self.observe[partition as usize];
        let findings = match fold.apply(&activity, &stamp, false) {
            Outcome::Scored(observed) => Some(observed.findings),
            Outcome::Duplicate => None,
        };
        findings.iter().flatten().for_each(|finding| self.respond_to(finding));
        if self.offset.is_multiple_of(BATCH) {
            self.save();
        }
        findings.is_none()
    }

    fn end_epoch(&mut self) {
        for partition in 0..self.partitions() {
            let stamp = stamp(partition, self.offset, self.log_ms);
            let end = self.observe[partition as usize].advance(&stamp).unwrap_or_default();
            if !self.lags {
                // Nobody holds the old snapshot, so that merging copies nothing.
                self.observe[partition as usize].take_up(Arc::default());
            }
            end.findings.iter().for_each(|finding| self.respond_to(finding));
        }
        if self.lags {
            return;
        }
        let shared = Arc::new(self.respond.snapshot());
        self.observe.iter_mut().for_each(|fold| fold.take_up(Arc::clone(&shared)));
    }

    fn respond_to(&mut self, finding: &Finding) {
        for response in self.respond.apply(finding) {
            if let Response::Alert(alert) = response {
                self.alerts.insert(alert.finding_info.uid.clone(), *alert);
            }
        }
    }

    fn save(&mut self) {
        for fold in &mut self.observe {
            self.state.write(fold.touched());
        }
        self.cases.write(self.respond.touched());
        self.most_bytes = self.most_bytes.max(self.counts().bytes);
    }

    fn counts(&self) -> StoreCounts {
        let mut sum = StoreCounts::default();
        self.observe.iter().for_each(|fold| sum.add(&fold.counts()));
        sum
    }
}

fn stamp(partition: u32, offset: u64, log_ms: i64) -> Stamp<'static> {
    Stamp { topic: "flood", partition, offset, ordinal: 0, log_ms }
}

/// Traffic by the hour, with ids that repeat only where known agents say their last word again.
struct Traffic {
    folds: Folds,
    events: u64,
    /// The newest line of each known agent.
    newest: BTreeMap<u64, String>,
    asked: u64,
    remembered: u64,
}

impl Traffic {
    fn line(&mut self, agent: &str, hour: u64, offset_ms: u64, variety: u64) -> String {
        let tenant = if agent.starts_with("newcomer-") { "zeta" } else { "acme" };
        let time = START_MS + hour * 3_600_000 + offset_ms % 3_600_000;
        let time = EventTime::from_millis(time as i64).unwrap().rfc3339();
        let (variety, tool, place) = (variety % 21, variety % 3, variety % 7);
        self.events += 1;
        format!(
            r#"{{"schema":"agent.activity/1","id":"e-{}","time":"{time}","tenant_id":"{tenant}","agent":{{"id":"{agent}","blueprint":"worker"}},"delegation":{{"mode":"autonomous","purpose":"p-{tool}"}},"session":{{"id":"{agent}-{hour}"}},"action":{{"type":"tool_call","tool":{{"name":"tool-{tool}"}}}},"resource":{{"id":"store/{place}/{variety}","type":"object"}},"destination":{{"host":"api-{place}.example","port":443}},"usage":{{"bytes_out":{},"bytes_in":4000}}}}"#,
            self.events,
            300 + variety,
        )
    }

    /// Known agents' activities of one hour, each after the one before it again.
    fn known(&mut self, hour: u64, every: u64) {
        for agent in (0..KNOWN).filter(|agent| (agent + hour).is_multiple_of(every)) {
            if let Some(again) = self.newest.remove(&agent) {
                self.asked += 1;
                self.remembered += u64::from(self.folds.apply(&again));
            }
            let line = self.line(&format!("known-{agent}"), hour, agent * 360, agent);
            assert!(!self.folds.apply(&line), "{line} repeats");
            self.newest.insert(agent, line);
        }
    }

    /// Every so many of some invented ids, each in its turn within the hour.
    fn invented(&mut self, hour: u64, (first, end): (u64, u64), every: u64) {
        for id in (first..end).filter(|id| id.is_multiple_of(every)) {
            let offset_ms = (id - first) * 3_600_000 / (end - first);
            let line = self.line(&format!("invented-{id:08}"), hour, offset_ms, id);
            assert!(!self.folds.apply(&line), "{line} repeats");
        }
    }
}

#[test]
fn invented_ids_evict_no_known_agent_and_stay_below_the_cap() {
    let ids = std::env::var("HABITUS_FLOOD_IDS").ok();
    let ids: u64 = ids.map_or(60_000, |ids| ids.parse().expect("a number of ids"));
    let per_hour = ids.div_ceil(FLOOD_HOURS).max(IDS_PER_HOUR_MIN);
    let folds = Folds::new(PARTITIONS);
    let mut traffic =
        Traffic { folds, events: 0, newest: BTreeMap::new(), asked: 0, remembered: 0 };
    let mut newcomers = Vec::new();
    let flood_hours = ids.div_ceil(per_hour) + AGAIN_AFTER_HOURS[2];
    for hour in 0..=QUIET_HOURS + flood_hours {
        let wave = hour.checked_sub(QUIET_HOURS).filter(|wave| *wave < flood_hours);
        if wave == Some(0) {
            traffic.folds.save();
            println!("before: state {}", traffic.folds.state.told());
            println!("before: cases {}", traffic.folds.cases.told());
            assert!(traffic.folds.alerts.values().all(|a| a.unmapped.habitus.fleet.is_none()));
        }
        // Who comes again comes first, while the ring still holds it.
        let waves = AGAIN_AFTER_HOURS.into_iter().chain([0]);
        for (after, from) in waves.filter_map(|after| Some((after, wave?.checked_sub(after)?))) {
            let first = (from * per_hour).min(ids);
            let every = if after == 0 { 1 } else { ids.div_ceil(AGAIN_IDS_MAX) };
            traffic.invented(hour, (first, (first + per_hour).min(ids)), every);
        }
        // All of them at the start and after the flood, a quarter in each of its hours.
        traffic.known(
            hour,
            if hour < BUSY_HOURS || hour == QUIET_HOURS + flood_hours { 1 } else { 4 },
        );
        if hour + 1 == QUIET_HOURS {
            for agent in 0..NEWCOMERS {
                let line = traffic.line(&format!("newcomer-{agent}"), hour, agent * 5_000, agent);
                traffic.folds.apply(&line);
                newcomers.push(line);
            }
        }
    }
    let kept = newcomers.iter().filter(|line| traffic.folds.apply(line)).count();
    assert_eq!(kept, newcomers.len(), "newcomers of another tenant were forgotten");
    // So what was evicted was invented: every known agent remembered what it did last, each time it was asked.
    assert_eq!(traffic.remembered, traffic.asked, "known agents were forgotten");

    let Traffic { mut folds, events, .. } = traffic;
    folds.save();
    let store = folds.counts();
    println!(
        "{ids} invented ids, {events} activities: {} of {CAP_BYTES} bytes at most; {store:?}",
        folds.most_bytes
    );
    println!("state {}", folds.state.told());
    println!("cases {}; {:?}", folds.cases.told(), folds.respond.counts());
    println!("resident memory of this process at most: {}", resident_most());
    assert!(folds.most_bytes <= CAP_BYTES as u64, "{} bytes", folds.most_bytes);
    assert!(store.known_evicted + store.candidates_refused > 0, "the flood did not press");
    assert!(folds.state.left_bytes() < CAP_BYTES as u64, "saved state outgrows what is held");
    one_alert_tells_of_it(&folds, ids);
}

fn one_alert_tells_of_it(folds: &Folds, ids: u64) {
    let (floods, others): (Vec<_>, Vec<_>) =
        folds.alerts.values().partition(|alert| alert.unmapped.habitus.fleet.is_some());
    let [flood] = floods[..] else { panic!("{} alerts of floods", floods.len()) };
    let fleet = flood.unmapped.habitus.fleet.as_ref().unwrap();
    println!("{}", flood.finding_info.desc);
    assert_eq!((fleet.kind, fleet.name.as_str()), (MetKind::Tenant, "acme"));
    assert!((ids / 2..ids * 2).contains(&fleet.members_count), "{}", fleet.members_count);
    let of = |what: &str| {
        let starts = |alert: &&&DetectionFinding| alert.message.contains(what);
        others.iter().filter(starts).count()
    };
    let (beside, known) = (of("Agent invented-"), of("Agent known-"));
    println!("other alerts: {beside} of invented ids, {known} of known agents");
    assert!(beside < BESIDE_MAX, "{beside} alerts of invented ids beside the flood's");
}

/// The traffic of `kafka_flood`: each session is one activity, and each invented id acts in two hours.
#[test]
fn what_invented_ids_do_that_alerts_joins_the_alert_of_their_flood() {
    const IDS: u64 = 20_000;
    const HOURS: u64 = 6;
    let mut folds = Folds::new(8);
    let mut n_sent = 0;
    let mut send = |folds: &mut Folds, agent: &str, at_ms: u64, variety: u64| {
        let time = EventTime::from_millis((START_MS + at_ms) as i64).unwrap().rfc3339();
        n_sent += 1;
        let (tool, place) = (variety % 3, variety % 7);
        let line = format!(
            r#"{{"schema":"agent.activity/1","id":"e-{n_sent}","time":"{time}","tenant_id":"acme","agent":{{"id":"{agent}","blueprint":"worker"}},"session":{{"id":"{agent}-{time}"}},"action":{{"type":"tool_call","tool":{{"name":"tool-{tool}"}}}},"destination":{{"host":"api-{place}.example","port":443}}}}"#,
        );
        assert!(!folds.apply(&line), "{line} repeats");
    };
    let wave = IDS.div_ceil(HOURS);
    for hour in 0..=QUIET_HOURS + HOURS {
        folds.lags = hour >= QUIET_HOURS;
        let at = |of: u64, n: u64| hour * 3_600_000 + of * 3_600_000 / n;
        let mut sent: Vec<(u64, String, u64)> = (0..1_000)
            .filter(|agent| (agent + hour).is_multiple_of(3))
            .map(|agent| (at(agent, 1_000), format!("known-{agent}"), agent + hour))
            .collect();
        for n in [hour.checked_sub(QUIET_HOURS), hour.checked_sub(QUIET_HOURS + 1)] {
            let first = (n.unwrap_or(HOURS) * wave).min(IDS);
            let ids = first..(first + wave).min(IDS);
            sent.extend(ids.map(|id| (at(id - first, wave), format!("invented-{id:07}"), id)));
        }
        sent.sort();
        sent.iter().for_each(|(at_ms, agent, variety)| send(&mut folds, agent, *at_ms, *variety));
    }
    let is_flood = |alert: &&DetectionFinding| alert.unmapped.habitus.fleet.is_some();
    let floods: Vec<_> = folds.alerts.values().filter(is_flood).collect();
    let [flood] = floods[..] else { panic!("{} alerts of floods", floods.len()) };
    let joined = flood.unmapped.habitus.fleet.as_ref().unwrap().joined.as_ref().unwrap();
    let of = |alert: &&DetectionFinding| alert.message.contains("Agent invented-");
    let beside = folds.alerts.values().filter(of).count();
    println!("{}", flood.finding_info.desc);
    println!(
        "{beside} alerts of invented ids beside it; {} events of {} agents joined",
        joined.events, joined.agents_count
    );
    assert!(beside < BESIDE_MAX, "{beside} alerts of invented ids beside the flood's");
    assert!(joined.rarest.iter().all(|member| member.agent_id.starts_with("invented-")));
    assert!(IDS / 2 < joined.events, "{joined:?}");
}

fn resident_most() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    line.map_or_else(|| "unknown".to_owned(), |line| line["VmHWM:".len()..].trim().to_owned())
}
