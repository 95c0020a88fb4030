//! Many agents new to one thing: a wave is one alert with its members, a roll-out is none, and nothing that agents do
//! makes the table grow.

use alerting::ocsf::DetectionFinding;
use alerting::{Mode, Respond, Response, Settings};
use proptest::prelude::*;
use schemas::Newcomers;
use schemas::finding::{Body, Finding, Meeting, MetKind};

use crate::findings::{HOUR_MS, MINUTE_MS, alerts, fold, part, requests};
use crate::ocsf::complaints;

pub(crate) const DAY_MS: i64 = 24 * HOUR_MS;

/// A keyed hash of an agent.
fn hash(agent: u64) -> u64 {
    agent.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Agents by number.
pub(crate) fn agents(numbers: impl IntoIterator<Item = u64>) -> Newcomers {
    let mut all = Newcomers::default();
    for agent in numbers {
        all.insert(hash(agent), &format!("agent-{agent}"));
    }
    all
}

fn destination(key: u64, by: Newcomers) -> Meeting {
    Meeting { kind: MetKind::Destination, key, name: format!("site-{key}.example"), by }
}

/// An epoch of a partition that ended at `at_ms`.
pub(crate) fn met(offset: u64, at_ms: i64, partition: u32, met: Vec<Meeting>) -> Finding {
    let mut finding = part(offset, at_ms, (0, 1), Vec::new());
    finding.source.partition = partition;
    if let Body::Epoch(epoch) = &mut finding.body {
        epoch.met = met;
    }
    finding
}

/// A log that is written finding by finding.
pub(crate) struct Log {
    pub(crate) respond: Respond,
    offset: u64,
    pub(crate) records: Vec<DetectionFinding>,
    pub(crate) requests: usize,
}

impl Log {
    pub(crate) fn new() -> Self {
        Self { respond: fold(Mode::Enforce), offset: 0, records: Vec::new(), requests: 0 }
    }

    pub(crate) fn say(&mut self, at_ms: i64, meetings: Vec<Meeting>) {
        self.offset += 1;
        let responses = self.respond.apply(&met(self.offset, at_ms, 0, meetings));
        self.take(&responses);
    }

    pub(crate) fn apply(&mut self, finding: &Finding) -> Vec<Response> {
        let responses = self.respond.apply(finding);
        self.take(&responses);
        responses
    }

    pub(crate) fn take(&mut self, responses: &[Response]) {
        self.requests += requests(responses).len();
        self.records.extend(alerts(responses).into_iter().cloned());
    }

    pub(crate) fn opened(&self) -> usize {
        self.records.iter().filter(|alert| alert.activity_id == 1).count()
    }

    /// Days as they are: now and then an agent meets something, mostly alone.
    fn usual(&mut self, days: std::ops::Range<i64>) {
        for step in days.start * 48..days.end * 48 {
            let n = step.unsigned_abs();
            let by = agents([n % 40, (n * 7) % 40].into_iter().take(1 + usize::from(n % 5 == 0)));
            self.say(step * HOUR_MS / 2, vec![destination(1_000 + n, by)]);
        }
    }
}

#[test]
fn a_wave_is_one_alert_with_its_members() {
    let mut log = Log::new();
    log.usual(0..7);
    assert_eq!(log.opened(), 0, "{:#?}", log.records);
    let start = 7 * DAY_MS;
    for wave in 0..8_u64 {
        let at_ms = start + i64::try_from(wave).unwrap() * 5 * MINUTE_MS;
        log.say(at_ms, vec![destination(7, agents(wave * 5..wave * 5 + 5))]);
    }
    log.say(start + HOUR_MS, Vec::new());
    log.say(start + 14 * HOUR_MS, Vec::new());
    assert_eq!((log.opened(), log.requests), (1, 0));
    let phases: Vec<u8> = log.records.iter().map(|alert| alert.activity_id).collect();
    assert!(phases.starts_with(&[1, 2]) && phases.ends_with(&[2, 3]), "{phases:?}");
    for record in &log.records {
        assert_eq!(complaints(record), Vec::<String>::new(), "{record:#?}");
        assert_eq!(record.finding_info.uid, log.records[0].finding_info.uid);
        let text = serde_json::to_string(record).unwrap();
        assert_eq!(&serde_json::from_str::<DetectionFinding>(&text).unwrap(), record);
        let value = serde_json::to_value(record).unwrap();
        for observable in &record.observables {
            let path = observable.name.replace(['.', '['], "/").replace(']', "");
            let found = value.pointer(&format!("/{path}")).and_then(serde_json::Value::as_str);
            assert_eq!(found, Some(observable.value.as_str()), "{path}");
        }
    }
    let closed = log.records.last().unwrap();
    let fleet = closed.unmapped.habitus.fleet.as_ref().unwrap();
    assert_eq!((fleet.name.as_str(), fleet.members.len()), ("site-7.example", 32));
    assert!((25..=60).contains(&fleet.members_count) && !fleet.members_exact, "{fleet:?}");
    assert!(fleet.window_expected < 3.0 && fleet.window_seconds == 7_200, "{fleet:?}");
    assert!(closed.message.contains("site-7.example"), "{}", closed.message);
    assert_eq!(log.respond.counts().open_alerts, 0);
}

#[test]
fn a_roll_out_over_days_stays_within_the_budget() {
    let mut log = Log::new();
    log.usual(0..14);
    // 90 agents take up one service over five working days of eight hours.
    for agent in 0..90_u64 {
        let (day, hour) = (i64::try_from(agent / 18).unwrap(), i64::try_from(agent % 18).unwrap());
        let at_ms = (14 + day) * DAY_MS + 8 * HOUR_MS + hour * 26 * MINUTE_MS;
        log.say(at_ms, vec![destination(7, agents([100 + agent]))]);
    }
    log.say(20 * DAY_MS, Vec::new());
    assert_eq!(log.opened(), 0, "{:#?}", log.records.first());
}

#[test]
fn inventing_things_or_agents_does_not_grow_the_table() {
    let mut log = Log::new();
    for n in 0..60_u64 {
        let things = (0..500).map(|thing| destination(n * 500 + thing, agents([thing])));
        log.say(i64::try_from(n).unwrap() * MINUTE_MS, things.collect());
        log.say(i64::try_from(n).unwrap() * MINUTE_MS, vec![destination(1, agents(0..n * 100))]);
    }
    let counts = log.respond.counts().coordination;
    assert!(counts.things <= 1 << 14, "{counts:?}");
    assert!(counts.evicted > 10_000, "{counts:?}");
    let largest = log.respond.touched().iter().map(|(_, record)| record.len()).max();
    assert!(largest.unwrap_or(0) < 64 << 10, "{largest:?}");
    // What nobody meets again is forgotten.
    for day in 1..400 {
        log.say(day * DAY_MS, Vec::new());
    }
    assert_eq!(log.respond.counts().coordination.things, 0);
}

#[test]
fn the_end_of_the_log_waits_for_nobody() {
    let mut log = Log::new();
    log.usual(0..3);
    log.say(3 * DAY_MS, vec![destination(7, agents(0..25))]);
    assert_eq!(log.opened(), 0, "other partitions may still tell");
    let settled = log.respond.settle();
    log.take(&settled);
    assert_eq!(log.opened(), 1);
    assert_eq!(log.respond.settle(), []);
}

#[test]
fn a_signal_in_shadow_and_a_budget_of_nothing_open_no_alert() {
    for settings in [
        Settings { coordination: false, ..Settings::default() },
        Settings { fleet_alerts_per_month: 0.0, ..Settings::default() },
    ] {
        let mut log = Log { respond: Respond::new(settings), ..Log::new() };
        log.usual(0..3);
        log.say(3 * DAY_MS, vec![destination(7, agents(0..25))]);
        log.say(3 * DAY_MS + HOUR_MS, Vec::new());
        assert_eq!(log.opened(), 0);
    }
}

/// What a run leaves: what went out, and the newest records.
pub(crate) type Left = (Vec<String>, std::collections::BTreeMap<String, Vec<u8>>);

/// Applies findings; saves after each, and goes on from the records alone where `restarts`.
pub(crate) fn run(findings: &[Finding], restarts: bool) -> Left {
    let mut respond = fold(Mode::Alert);
    let mut newest = std::collections::BTreeMap::new();
    let mut said = Vec::new();
    for finding in findings {
        let responses = respond.apply(finding);
        said.extend(alerts(&responses).iter().map(|a| serde_json::to_string(a).unwrap()));
        newest.extend(respond.touched());
        newest.retain(|_, record: &mut Vec<u8>| !record.is_empty());
        if restarts {
            respond = fold(Mode::Alert);
            for (key, record) in newest.iter().rev() {
                respond.load(key, record).unwrap();
            }
        }
    }
    (said, newest)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn neither_partitions_nor_their_order_nor_a_restart_change_a_byte(
        waves in prop::collection::vec((0..40 * MINUTE_MS, 0_u64..3, 0_u64..60, 1_u64..45), 1..12),
        partitions in 1_u32..6,
        turned in any::<bool>(),
    ) {
        let log = |partitions: u32| {
            let (mut at_ms, mut findings) = (0, Vec::new());
            for (offset, (step, key, first, n)) in (0..).zip(&waves) {
                at_ms += step;
                let mut of_epoch: Vec<Finding> = (0..partitions)
                    .map(|partition| {
                        let own = |agent: &u64| agent % u64::from(partitions) == u64::from(partition);
                        let by = agents((*first..first + n).filter(own));
                        met(offset, at_ms, partition, vec![destination(*key, by)])
                    })
                    .collect();
                if turned && partitions > 1 {
                    of_epoch.reverse();
                }
                findings.extend(of_epoch);
                findings.push(met(offset, at_ms + MINUTE_MS, 99, Vec::new()));
                at_ms += MINUTE_MS;
            }
            findings.push(met(1_000, at_ms + 13 * HOUR_MS, 99, Vec::new()));
            findings
        };
        let findings = log(partitions);
        let straight = run(&findings, false);
        prop_assert_eq!(&run(&findings, true), &straight);
        // Ids name the cause's partition; all else is the same as of one partition.
        let alone = run(&log(1), false);
        let told = |said: &[String]| -> Vec<schemas::alert::FleetAlert> {
            let read = |text: &String| serde_json::from_str::<DetectionFinding>(text).unwrap();
            said.iter().filter_map(|text| read(text).unmapped.habitus.fleet).collect()
        };
        prop_assert_eq!(told(&straight.0), told(&alone.0));
    }
}
