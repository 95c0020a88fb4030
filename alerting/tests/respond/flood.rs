//! Agents that are new to their tenant: a flood of invented ids is one alert for as long as it lasts, and neither the start
//! of a tenant, nor its growth, nor a roll-out is one.

use std::ops::Range;

use proptest::prelude::*;
use schemas::Newcomers;
use schemas::finding::{Finding, Meeting, MetKind};

use crate::coordination::{DAY_MS, Log, agents, met, run};
use crate::findings::{HOUR_MS, MINUTE_MS, time};
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
        let mut tenant = Self::new();
        tenant.days(0..7, calm);
        assert_eq!(tenant.log.records, []);
        tenant
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
        let told = |said: &[String]| -> Vec<schemas::alert::FleetAlert> {
            let read = |text: &String| {
                serde_json::from_str::<alerting::ocsf::DetectionFinding>(text).unwrap()
            };
            said.iter().filter_map(|text| read(text).unmapped.habitus.fleet).collect()
        };
        prop_assert_eq!(told(&straight.0), told(&run(&log(1), false).0));
    }
}
