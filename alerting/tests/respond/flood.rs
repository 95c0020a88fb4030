//! Agents that are new to their tenant: a flood of invented ids is one alert for as long as it lasts, and neither the start
//! of a tenant, nor its growth, nor a roll-out is one.

use std::ops::Range;

use alerting::{Mode, Respond, Response, Settings};
use proptest::prelude::*;
use schemas::alert::FleetAlert;
use schemas::finding::{Facts, Finding, Meeting, MetKind};
use schemas::inventory::Criticality;
use schemas::trust::Level;
use schemas::{Authority, Newcomers};

use crate::coordination::{DAY_MS, Log, agents, met, run};
use crate::findings::{HOUR_MS, MINUTE_MS, Told, alerts, time, verdict};
use crate::ocsf::complaints;

fn arrivals(by: Newcomers) -> Meeting {
    Meeting { kind: MetKind::Tenant, key: 9, name: "acme".to_owned(), by }
}

/// A tenant whose agents are numbered as they come.
struct Tenant {
    log: Log,
    n_agents: u64,
}

impl Tenant {
    fn new() -> Self {
        Self { log: Log::new(), n_agents: 0 }
    }

    /// One that protects an agent.
    fn protecting(agent: &str) -> Self {
        let mut tenant = Self::new();
        let protected = vec![agent.to_owned()];
        let settings = Settings { mode: Mode::Enforce, protected, ..Settings::default() };
        tenant.log.respond = Respond::new(settings);
        tenant
    }

    /// So many agents that are new, within an hour.
    fn hour(&mut self, hour: i64, n_new: u64) {
        for epoch in 0..12 {
            let at_ms = hour * HOUR_MS + i64::try_from(epoch).unwrap() * 5 * MINUTE_MS;
            let before = self.n_agents;
            self.n_agents += n_new * (epoch + 1) / 12 - n_new * epoch / 12;
            let new = agents(before..self.n_agents);
            let met = if new.count() == 0 { Vec::new() } else { vec![arrivals(new)] };
            self.log.say(at_ms, met);
        }
    }

    /// Hours of days, of each of which it is said how many agents are new.
    fn days(&mut self, days: Range<i64>, n_new: impl Fn(i64, i64) -> u64) {
        for hour in days.start * 24..days.end * 24 {
            self.hour(hour, n_new(hour / 24, hour % 24));
        }
    }

    /// A week of a tenant that began with 2,000 agents within two hours and gets some at each day's begin.
    fn settled() -> Self {
        Self::new().settle()
    }

    fn settle(mut self) -> Self {
        self.days(0..7, calm);
        assert_eq!(self.log.records, []);
        self
    }

    /// The second hour of a flood; what was said is forgotten.
    fn flood(mut self) -> Self {
        self.hour(7 * 24, 3_000);
        self.log.say(FLOOD_MS + HOUR_MS, Vec::new());
        assert_eq!(self.log.opened(), 1);
        self
    }

    /// The fold after a restart.
    fn restart(&mut self) {
        let records = self.log.respond.touched();
        self.log.respond = Log::new().respond;
        for (key, record) in &records {
            self.log.respond.load(key, record).unwrap();
        }
    }
}

fn calm(day: i64, hour: i64) -> u64 {
    match (day, hour) {
        (0, 0 | 1) => 1_000,
        (_, 8) => 12,
        (_, 14) => 1,
        _ => 0,
    }
}

#[test]
fn a_flood_is_one_alert_that_explains_itself_and_asks_for_nothing() {
    let mut tenant = Tenant::settled();
    for hour in 0..48 {
        tenant.hour(7 * 24 + hour, if hour < 30 { 40_000 } else { 0 });
    }
    tenant.days(9..11, calm);
    let log = &tenant.log;
    assert_eq!((log.opened(), log.requests), (1, 0));
    let phases: Vec<u8> = log.records.iter().map(|alert| alert.activity_id).collect();
    assert!(phases.starts_with(&[1, 2]) && phases.ends_with(&[2, 3]), "{phases:?}");
    assert!(phases.len() < 200, "{} records of one alert", phases.len());
    for record in &log.records {
        assert_eq!(complaints(record), Vec::<String>::new(), "{record:#?}");
        assert_eq!(record.finding_info.uid, log.records[0].finding_info.uid);
        assert!(record.actor.is_none() && record.severity_id <= 3, "{record:#?}");
    }
    let (opened, closed) = (&log.records[0], log.records.last().unwrap());
    // Within minutes, and it goes on as long as the flood does: 30 hours, and 12 quiet ones.
    let start = time(7 * DAY_MS).millis();
    assert!((start..start + HOUR_MS).contains(&opened.time), "{}", opened.time - start);
    let closed_at = start + (30 + 12) * HOUR_MS;
    assert!((closed_at - HOUR_MS..closed_at + HOUR_MS).contains(&closed.time), "{}", closed.time);
    let fleet = closed.unmapped.habitus.fleet.as_ref().unwrap();
    assert_eq!(
        (fleet.kind, fleet.name.as_str(), fleet.window_seconds),
        (MetKind::Tenant, "acme", 3_600)
    );
    assert_eq!((fleet.members.len(), fleet.members_exact), (32, false));
    assert!((600_000..2_400_000).contains(&fleet.members_count), "{fleet:?}");
    assert!((20_000..80_000).contains(&fleet.window_agents), "{fleet:?}");
    assert!((10.0..2_000.0).contains(&fleet.window_expected), "{fleet:?}");
    for word in ["acme", "within an hour", "expected: at most", "Members: agent-"] {
        assert!(closed.finding_info.desc.contains(word), "{}", closed.finding_info.desc);
    }
    assert_eq!(tenant.log.respond.counts().open_alerts, 0);
}

#[test]
fn one_flood_does_not_hide_the_next() {
    let mut tenant = Tenant::settled();
    for week in 1..4 {
        tenant.days(week * 7..week * 7 + 1, |_, hour| if hour < 5 { 30_000 } else { 0 });
        tenant.days(week * 7 + 1..week * 7 + 7, calm);
    }
    assert_eq!(tenant.log.opened(), 3);
}

#[test]
fn nobody_ramps_a_flood_up_within_two_days() {
    let mut tenant = Tenant::settled();
    // Each seventh hour has three and a half times the agents of the one before: just not strange, were all of it learned.
    for hour in 0..48 {
        let step = u32::try_from(hour / 7).unwrap();
        let n_new = 48 * 7_u64.pow(step) / 2_u64.pow(step);
        tenant.hour(7 * 24 + hour, if hour % 7 == 0 { n_new.min(60_000) } else { 0 });
    }
    assert!(tenant.log.opened() > 0);
}

#[test]
fn neither_a_start_nor_growth_nor_a_roll_out_is_a_flood() {
    let none = |what: &str, days: i64, n_new: &dyn Fn(i64, i64) -> u64| {
        let mut tenant = Tenant::new();
        tenant.days(0..days, n_new);
        assert_eq!(tenant.log.records, [], "{what}");
    };
    none("a start", 2, &|day, hour| if day == 0 { 5_000 / (1 + hour.unsigned_abs()) } else { 3 });
    none("a start by steps", 3, &|day, hour| match (day, hour) {
        (0, 2) => 3,
        (0, 9) => 800,
        (0, 15) => 3_000,
        _ => 0,
    });
    none("an id for each session", 40, &|_, hour| if (8..18).contains(&hour) { 600 } else { 40 });
    none("growth by 4 % a day", 90, &|day, hour| {
        let hundredths = (0..day).fold(4_000, |n, _| n * 26 / 25);
        if hour == 9 { hundredths / 100 } else { 2 }
    });
    none("weekly roll-outs", 60, &|day, hour| match (day % 7, hour) {
        (1, 10) => 60,
        (_, 10) => 4,
        _ => 0,
    });
}

#[test]
fn a_large_roll_out_is_one_calm_alert_at_most_and_soon_usual() {
    let mut tenant = Tenant::settled();
    // Ten weeks on, the start is forgotten.
    tenant.days(7..80, calm);
    tenant.days(80..90, |day, hour| if (day, hour) == (80, 9) { 600 } else { calm(day, hour) });
    assert_eq!(tenant.log.opened(), 1);
    let severity = tenant.log.records.iter().map(|alert| alert.severity_id).max();
    assert!(severity <= Some(3), "{severity:?}");
    // Where it comes each day it is what the tenant does, not a flood a day.
    tenant.days(90..100, |_, hour| if hour == 9 { 600 } else { 0 });
    let soon = tenant.log.opened();
    tenant.days(100..130, |_, hour| if hour == 9 { 600 } else { 0 });
    assert!(soon <= 6 && tenant.log.opened() == soon, "{soon} and {}", tenant.log.opened());
}

#[test]
fn many_tenants_and_many_ids_take_a_bounded_record_each() {
    let mut tenant = Tenant::settled();
    for hour in 7 * 24..9 * 24 {
        tenant.hour(hour, 100_000);
    }
    let records = tenant.log.respond.touched();
    let met = records.iter().filter(|(key, _)| key.contains("~met/tenant/"));
    let bytes: Vec<usize> = met.map(|(_, record)| record.len()).collect();
    assert!(bytes.len() == 1 && bytes[0] < 32 << 10, "{bytes:?}");
}

/// When the flood of these tests begins, after a settled week.
const FLOOD_MS: i64 = 7 * DAY_MS;

/// An agent that came with a flood and alerts for what all of them do. Its trust begins low, so that the first strange
/// event already restricts it.
fn newcomer(agent: u64, at_ms: i64) -> Told {
    Told {
        agent: format!("agent-{agent}"),
        authority: Authority::Autonomous,
        at_ms,
        signals: vec![("rate".to_owned(), 6_000_000)],
        newcomer_since_ms: Some(at_ms),
        level: Level::Restricted,
        trust: (67.0, 56.0),
        facts: Facts { action: "tool_call".to_owned(), ..Facts::default() },
        ..Told::default()
    }
}

/// A newcomer whose trust is gone.
fn untrusted(agent: u64, at_ms: i64, keys: &[&str]) -> Told {
    Told {
        level: Level::Untrusted,
        trust: (56.0, 18.0),
        keys: keys.iter().map(|key| (*key).to_owned()).collect(),
        return_period: 5_000.0,
        ..newcomer(agent, at_ms)
    }
}

fn flooded() -> Tenant {
    Tenant::settled().flood()
}

/// The last that was said of a flood.
fn fleet(log: &Log) -> FleetAlert {
    let mut fleets = log.records.iter().filter_map(|a| a.unmapped.habitus.fleet.clone());
    fleets.rfind(|fleet| fleet.kind == MetKind::Tenant).unwrap()
}

/// How many alerts about one agent a finding opened.
fn opened(responses: &[Response]) -> usize {
    let alerts = alerts(responses).into_iter();
    alerts.filter(|alert| alert.activity_id == 1 && alert.actor.is_some()).count()
}

#[test]
fn agents_of_a_flood_join_its_alert() {
    let mut tenant = flooded();
    let log = &mut tenant.log;
    let flood = log.records[0].finding_info.uid.clone();
    for agent in 0..500_u64 {
        let at_ms = FLOOD_MS + HOUR_MS + i64::try_from(agent).unwrap() * 1_000;
        let return_period = 2.0 + f64::from(u32::try_from(agent % 251).unwrap());
        let told = Told { return_period, ..newcomer(agent, at_ms) };
        let responses = log.apply(&verdict(10_000 + agent, &told));
        let refers = responses.iter().any(|response| {
            matches!(response, Response::AlertRef { alert_id, opened: false, joined: true, .. }
                if *alert_id == flood)
        });
        assert!(refers, "{agent}: {responses:#?}");
    }
    // One opening; updates only as their number doubles.
    assert_eq!(log.opened(), 1);
    assert!(log.records.len() < 40, "{}", log.records.len());
    log.say(FLOOD_MS + 20 * HOUR_MS, Vec::new());
    // Beside it stands only that nobody acknowledged what was asked for.
    let of_flood = |record: &&alerting::ocsf::DetectionFinding| record.finding_info.uid == flood;
    let records: Vec<_> = log.records.iter().filter(of_flood).collect();
    for record in &records {
        assert_eq!(complaints(record), Vec::<String>::new(), "{record:#?}");
    }
    let fleets = log.records.iter().filter(|record| record.unmapped.habitus.fleet.is_some());
    assert_eq!(records.len(), fleets.count());
    let closed = records.last().unwrap();
    assert_eq!(closed.activity_id, 3);
    let joined = fleet(log).joined.unwrap();
    assert_eq!((joined.events, joined.agents_exact, joined.rarest.len()), (500, false, 16));
    assert!((250..1_000).contains(&joined.agents_count), "{joined:?}");
    let rarest = &joined.rarest[0];
    assert_eq!((rarest.agent_id.as_str(), rarest.signal.as_str()), ("agent-250", "rate"));
    assert!(joined.rarest.is_sorted_by_key(|m| -m.return_period_actor_months), "{joined:?}");
    let desc = &closed.finding_info.desc;
    assert!(desc.contains("500 events of about") && desc.contains("agent-250 (rate"), "{desc}");
}

#[test]
fn what_joined_is_told_where_one_is_rarer_and_at_the_end_of_a_file() {
    let mut tenant = flooded();
    let log = &mut tenant.log;
    let told =
        |log: &Log| fleet(log).joined.map(|joined| (joined.events, joined.rarest[0].clone()));
    let join = |log: &mut Log, agent: u64, return_period: f64| {
        let at_ms = FLOOD_MS + HOUR_MS + i64::try_from(agent).unwrap() * 1_000;
        let of_it = Told { return_period, ..newcomer(agent, at_ms) };
        log.apply(&verdict(10_000 + agent, &of_it));
    };
    (0..20).for_each(|agent| join(log, agent, 50.0));
    assert_eq!(told(log).unwrap().0, 16, "told as their number doubles");
    join(log, 20, 99.0);
    assert_eq!(told(log).unwrap().0, 16, "not twice as rare");
    join(log, 21, 200.0);
    let (events, rarest) = told(log).unwrap();
    assert_eq!((events, rarest.agent_id.as_str()), (22, "agent-21"), "one of twice the rareness");
    join(log, 22, 50.0);
    assert_eq!(told(log).unwrap().0, 22);
    let responses = log.respond.settle();
    let last = alerts(&responses).into_iter().next_back().unwrap();
    let joined = last.unmapped.habitus.fleet.as_ref().unwrap().joined.as_ref().unwrap();
    assert_eq!((last.activity_id, joined.events), (2, 23), "a file has no more to come");
    assert_eq!(complaints(last), Vec::<String>::new());
    assert!(log.respond.settle().is_empty(), "once");
}

#[test]
fn what_a_flood_must_not_hide_alerts_by_itself() {
    let at_ms = FLOOD_MS + HOUR_MS + MINUTE_MS;
    let one = || newcomer(1, at_ms);
    let listed = Facts { criticality: Some(Criticality::Low), ..one().facts };
    let two_keys = untrusted(1, at_ms, &["rate", "authority"]);
    let cases = [
        ("a newcomer", one(), true),
        ("one still trusted", Told { level: Level::Watch, trust: (75.0, 74.0), ..one() }, true),
        ("an untrusted one with one key", untrusted(1, at_ms, &["rate"]), true),
        ("two keys, not rare", Told { return_period: 50.0, ..two_keys.clone() }, true),
        ("who would be revoked", two_keys, false),
        ("a known agent", Told { newcomer_since_ms: None, ..one() }, false),
        ("one of before", Told { newcomer_since_ms: Some(FLOOD_MS - 2 * HOUR_MS), ..one() }, false),
        ("a listed agent", Told { facts: listed, ..one() }, false),
        ("a protected agent", Told { agent: "agent-2".to_owned(), ..one() }, false),
        ("a fact", Told { hard_indicator: Some("canary".to_owned()), ..one() }, false),
        ("who goes on after it", Told { at_ms: at_ms + 2 * HOUR_MS, ..one() }, false),
        ("who comes after it", newcomer(1, at_ms + 2 * HOUR_MS), false),
    ];
    let flooded = Tenant::protecting("agent-2").settle().flood().log.respond;
    for (what, told, joins) in cases {
        let mut respond = flooded.clone();
        let responses = respond.apply(&verdict(10_000, &told));
        assert_eq!(opened(&responses), usize::from(!joins), "{what}: {responses:#?}");
        assert_eq!(respond.counts().joined, u64::from(joins), "{what}");
    }
}

#[test]
fn no_flood_hides_a_known_agent_though_it_was_forgotten() {
    for restarts in [false, true] {
        let mut tenant = Tenant::new();
        tenant.days(0..6, calm);
        // Findings told of it by another authority, and of nothing that alerts.
        let before = Told {
            at_ms: 6 * DAY_MS,
            authority: Authority::Delegated,
            return_period: 0.1,
            ..newcomer(1, 6 * DAY_MS)
        };
        assert_eq!(opened(&tenant.log.apply(&verdict(9_000, &before))), 0);
        tenant.days(6..7, calm);
        let mut tenant = tenant.flood();
        if restarts {
            tenant.restart();
        }
        // The flood evicted it, so that it seems to come with it; time and again, for whatever it does.
        for (minute, signal) in (1..).zip(["rate", "destination", "volume", "rate"]) {
            let at_ms = FLOOD_MS + HOUR_MS + minute * MINUTE_MS;
            let signals = vec![(signal.to_owned(), 6_000_000)];
            let told = Told { signals, ..newcomer(1, at_ms) };
            let responses = tenant.log.apply(&verdict(10_000 + minute.unsigned_abs(), &told));
            let again = minute == 4;
            assert_eq!(opened(&responses), usize::from(!again), "{signal}: {responses:#?}");
        }
        let told = newcomer(2, FLOOD_MS + HOUR_MS + 9 * MINUTE_MS);
        tenant.log.apply(&verdict(10_009, &told));
        assert_eq!(tenant.log.respond.counts().joined, 1, "one that did come with it");
    }
}

#[test]
fn a_fact_stays_with_whoever_has_it() {
    let mut tenant = flooded();
    let at_ms = FLOOD_MS + HOUR_MS + MINUTE_MS;
    let fact = Told { hard_indicator: Some("canary".to_owned()), ..newcomer(1, at_ms) };
    let signals = vec![("destination".to_owned(), 6_000_000)];
    let next = Told { signals, ..newcomer(1, at_ms + MINUTE_MS) };
    for (offset, told) in (10_000..).zip([fact, next]) {
        assert_eq!(opened(&tenant.log.apply(&verdict(offset, &told))), 1);
    }
}

/// Requests and decisions as they leave, but for the alert that they name.
fn asked(responses: &[Response]) -> Vec<serde_json::Value> {
    let value = |response: &Response| match response {
        Response::Revocation(request) => {
            let mut request = request.clone();
            let cause = &mut request.cause;
            (cause.txn, cause.alert_id, cause.finding_uid) = (String::new(), None, None);
            Some(serde_json::to_value(request).unwrap())
        }
        Response::Decision(record) => {
            let mut record = record.clone();
            record.alert_id = None;
            Some(serde_json::to_value(record).unwrap())
        }
        _ => None,
    };
    responses.iter().filter_map(value).collect()
}

#[test]
fn a_flood_changes_alerts_and_nothing_that_is_asked_for() {
    let mut at_ms = FLOOD_MS + HOUR_MS;
    let (mut tolds, one_key, two_keys) = (Vec::new(), ["rate"], ["rate", "authority"]);
    for agent in 0..8 {
        let calm =
            |at_ms| Told { level: Level::Watch, trust: (75.0, 72.0), ..newcomer(agent, at_ms) };
        let steps: [&dyn Fn(i64) -> Told; 5] = [
            &calm,
            &|at_ms| newcomer(agent, at_ms),
            &|at_ms| untrusted(agent, at_ms, &one_key),
            // With three of them the breaker opens, and holds the others back.
            &|at_ms| untrusted(agent, at_ms, &two_keys),
            &|at_ms| untrusted(agent, at_ms, &one_key),
        ];
        for step in steps {
            at_ms += 10_000;
            tolds.push(step(at_ms));
        }
    }
    let flooded = flooded().log.respond;
    let run = |within: bool| {
        let mut respond = flooded.clone();
        let mut said = Vec::new();
        let mut n_opened = 0;
        for (offset, told) in (10_000..).zip(&tolds) {
            let newcomer_since_ms = told.newcomer_since_ms.filter(|_| within);
            let told = Told { newcomer_since_ms, ..told.clone() };
            let responses = respond.apply(&verdict(offset, &told));
            said.extend(asked(&responses));
            n_opened += opened(&responses);
        }
        // What waits for a person lapses, what nobody acknowledges is sent again: all that follows is the same.
        let end = verdict(20_000, &newcomer(99, FLOOD_MS + 30 * HOUR_MS));
        said.extend(asked(&respond.apply(&end)));
        let counts = respond.counts();
        (said, (counts.requests, counts.requests_waiting), n_opened, counts.joined)
    };
    let (inside, outside) = (run(true), run(false));
    assert_eq!(inside.0, outside.0);
    assert_eq!(inside.1, outside.1);
    let revoked = inside.0.iter().filter(|asked| asked["action"] == "revoke_sessions").count();
    assert!(inside.0.len() > 30 && revoked > 3, "{:#?}", inside.0);
    // Three are cut off, which alert; a wave tells of those whom the breaker protects from that.
    assert_eq!((inside.2, outside.2), (3, 8));
    assert!(inside.3 > 25 && outside.3 == 0, "{} and {}", inside.3, outside.3);
}

#[test]
fn whom_the_breaker_protects_is_told_by_its_alert_beside_that_of_the_flood() {
    let mut tenant = flooded();
    for agent in 0..20 {
        let at_ms = FLOOD_MS + HOUR_MS + i64::try_from(agent).unwrap() * 1_000;
        let told = untrusted(agent, at_ms, &["rate", "authority"]);
        tenant.log.apply(&verdict(10_000 + agent, &told));
    }
    // The flood's, those of three who are cut off, and the breaker's.
    assert_eq!(tenant.log.opened(), 5, "{:#?}", tenant.log.records);
    assert_eq!(tenant.log.respond.counts().requests_waiting, 17);
    assert_eq!(tenant.log.respond.counts().joined, 17);
}

#[test]
fn who_joined_is_judged_alone_again_once_the_flood_is_over() {
    let mut tenant = flooded();
    let log = &mut tenant.log;
    // Of whom nothing is asked that somebody would have to acknowledge.
    let told = newcomer(1, FLOOD_MS + HOUR_MS + MINUTE_MS);
    let told = Told { level: Level::Unknown, trust: (75.0, 74.0), ..told };
    log.apply(&verdict(10_000, &told));
    assert_eq!(log.opened(), 1);
    // Its alert is open for hours yet.
    log.apply(&verdict(10_001, &Told { at_ms: told.at_ms + 3 * HOUR_MS, ..told }));
    assert_eq!(log.opened(), 2);
    log.say(FLOOD_MS + 30 * HOUR_MS, Vec::new());
    assert_eq!(log.opened(), 2);
    assert_eq!(fleet(log).joined.unwrap().events, 1);
}

#[test]
fn a_flood_is_recognised_though_log_time_stands_still() {
    let mut tenant = Tenant::settled();
    // One partition, of whose few newcomers nothing follows, is an hour ahead of the others.
    tenant.log.apply(&met(9_000, FLOOD_MS + HOUR_MS, 1, Vec::new()));
    let partition = |partition: u32, agents_from: u64| {
        let by = agents(agents_from..agents_from + 300);
        met(9_000, FLOOD_MS + 5 * MINUTE_MS, partition, vec![arrivals(by)])
    };
    tenant.log.apply(&partition(2, 100_000));
    tenant.log.apply(&partition(3, 200_000));
    assert_eq!(tenant.log.opened(), 0, "it is told once other partitions had their time");
    let at_ms = FLOOD_MS + 6 * MINUTE_MS;
    let responses = tenant.log.apply(&verdict(10_000, &newcomer(100_001, at_ms)));
    let [Response::AlertRef { alert_id, joined: true, .. }, ..] = &responses[..] else {
        panic!("{responses:#?}")
    };
    tenant.log.say(FLOOD_MS + HOUR_MS + 2 * MINUTE_MS, Vec::new());
    let [opened] = &tenant.log.records[..] else { panic!("{:#?}", tenant.log.records) };
    assert_eq!(&opened.finding_info.uid, alert_id);
    assert_eq!(fleet(&tenant.log).joined.unwrap().events, 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn neither_partitions_nor_a_restart_change_what_is_said(
        hours in prop::collection::vec((0_u64..3, 1_u64..400), 4..16),
        partitions in 1_u32..5,
    ) {
        let log = |partitions: u32| {
            let (mut first, mut findings): (u64, Vec<Finding>) = (0, Vec::new());
            for (offset, (wave, n)) in (0_u64..).zip(&hours) {
                // A calm day and a half, then waves among hours in which nobody comes.
                let at_ms = i64::try_from(offset).unwrap() * 7 * HOUR_MS;
                let n = if *wave == 2 && offset > 6 { n * 50 } else { n / 50 };
                for partition in 0..partitions {
                    let own = |agent: &u64| agent % u64::from(partitions) == u64::from(partition);
                    let by = agents((first..first + n).filter(own));
                    findings.push(met(offset, at_ms, partition, vec![arrivals(by)]));
                }
                first += n;
                findings.push(met(offset, at_ms + 2 * MINUTE_MS, 99, Vec::new()));
            }
            findings.push(met(1_000, 20 * 7 * HOUR_MS, 99, Vec::new()));
            findings
        };
        let findings = log(partitions);
        let straight = run(&findings, false);
        prop_assert_eq!(&run(&findings, true), &straight);
        let told = |said: &[String]| -> Vec<FleetAlert> {
            let read = |text: &String| {
                serde_json::from_str::<alerting::ocsf::DetectionFinding>(text).unwrap()
            };
            said.iter().filter_map(|text| read(text).unmapped.habitus.fleet).collect()
        };
        prop_assert_eq!(told(&straight.0), told(&run(&log(1), false).0));
    }

    #[test]
    fn neither_the_order_of_partitions_nor_a_restart_change_what_joins(
        events in prop::collection::vec((0_u64..400, 1_u32..60, 0_i64..50), 1..40),
        turned in any::<bool>(),
    ) {
        let mut findings: Vec<Finding> = (0..7 * 24)
            .map(|hour| met(hour, i64::try_from(hour).unwrap() * HOUR_MS, 0, Vec::new()))
            .collect();
        findings.push(met(200, HOUR_MS, 9, vec![arrivals(agents(1_000_000..1_000_100))]));
        findings.sort_by_key(|finding| (finding.log_time, finding.source.partition));
        findings.push(met(300, FLOOD_MS + 5 * MINUTE_MS, 1, vec![arrivals(agents(0..400))]));
        let n_before = findings.len();
        for (offset, (agent, months, minute)) in (10_000..).zip(&events) {
            let at_ms = FLOOD_MS + minute * MINUTE_MS;
            let told = Told { return_period: f64::from(*months), ..newcomer(*agent, at_ms) };
            findings.push(verdict(offset, &told));
        }
        let last = met(20_000, FLOOD_MS + 20 * HOUR_MS, 0, Vec::new());
        findings.push(last);
        let straight = run(&findings, false);
        prop_assert_eq!(&run(&findings, true), &straight);
        let joined = |said: &[String]| {
            let read = |text: &String| {
                serde_json::from_str::<alerting::ocsf::DetectionFinding>(text).unwrap()
            };
            said.iter().filter_map(|text| read(text).unmapped.habitus.fleet?.joined).next_back()
        };
        prop_assert_eq!(joined(&straight.0).map(|joined| joined.events), Some(events.len() as u64));
        if turned {
            let end = findings.len() - 1;
            findings[n_before..end].reverse();
            prop_assert_eq!(joined(&run(&findings, false).0), joined(&straight.0));
        }
    }
}
