//! The meters of calibration: they count every actor-hour once, at any number of lanes, and tell a calibrator that keeps
//! its word from one that does not.

use std::collections::BTreeMap;
use std::sync::Arc;

use baseline::Shared;
use baseline::shared::Table;
use detector::{Observe, Outcome, P_AT_MOST, Settings, Stamp, Tally};
use habitus::local::{Input, LineOutcome, Role, Run};
use schemas::finding::{Body, Increment};
use serde_json::json;
use tests::{Noise, activity, demo_prefix, plain, settings};

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// A Monday, 00:00 UTC.
const START_MS: i64 = 1_767_571_200_000;

/// Sums over the demo, and actor-hours and milliseconds watched as the lines tell them.
fn demo(lanes: usize) -> (Tally, u64, i64) {
    let bytes = demo_prefix(6_000);
    let mut run = Run::new(&settings(), plain(lanes));
    let mut tally = Tally::default();
    let mut actors: BTreeMap<(String, String), (i64, i64, u64)> = BTreeMap::new();
    run.feed(&Input { topic: "file:0", role: Role::Scored, bytes: &bytes }, &mut |line| {
        if let LineOutcome::Scored { activity, observed, .. } = &line.outcome {
            tally.add(&observed.tally);
            let actor = (activity.agent.id.to_string(), activity.authority().as_str().to_owned());
            let s = activity.time.millis() / 1_000;
            let (_, newest_s, hours) = actors.entry(actor).or_insert((s, s, 1));
            *hours += u64::from(*newest_s / 3_600 < s / 3_600);
            *newest_s = s.max(*newest_s);
        }
    });
    let hours = actors.values().map(|(.., hours)| hours).sum();
    (tally, hours, actors.values().map(|(first_s, newest_s, _)| newest_s - first_s).sum())
}

#[test]
fn every_actor_hour_of_the_demo_is_counted_once_and_what_is_rarer_is_not_more() {
    let (tally, hours, watched_s) = demo(1);
    assert_eq!(demo(3).0, tally, "in any order");
    assert_eq!(tally.hours[0], hours);
    assert!(tally.hours.is_sorted_by(|more, fewer| more >= fewer), "{tally:?}");
    assert!(tally.hours[1] > 0, "{tally:?}");
    let allowed = watched_s as f64 / 2_629_746.0 * 1e6;
    assert!((tally.allowed_micro as f64 / allowed - 1.0).abs() < 1e-3, "{tally:?} of {allowed}");
}

/// So many more empty votes for each: what is left of p.
fn distort(increments: &[Increment], times: i64) -> Vec<Increment> {
    let mut rows: BTreeMap<(u64, u64), i64> = BTreeMap::new();
    let hours = increments.iter().filter(|i| Table::from_number(i.table) == Some(Table::Hours));
    for Increment { scope, cell, add, .. } in hours {
        *rows.entry((*scope, cell / 256)).or_default() += add;
    }
    let more = rows.into_iter().map(|((scope, row), votes)| Increment {
        table: Table::Hours.number(),
        scope,
        group: 0,
        cell: row * 256,
        add: votes * (times - 1),
    });
    increments.iter().cloned().chain(more).collect()
}

/// Forty agents that all draw their hours from one distribution for eight weeks; the shares of the last four.
fn shares(times: i64) -> [f64; P_AT_MOST.len()] {
    let mut noise = Noise(11);
    let mut fold = Observe::new(Arc::new(Settings::default()));
    let mut shared = Arc::<Shared>::default();
    let mut tally = Tally::default();
    let mut offset = 0;
    for hour in 0..8 * 7 * 24 {
        for agent in 0..40 {
            // Runs of work would be one vote: hours lie days apart.
            if noise.below(36) > 0 {
                continue;
            }
            offset += 1;
            let ms = START_MS + hour * HOUR_MS + agent * 60_000;
            // Few of these hosts are met often and many hardly ever.
            let rank = (1_u64 << noise.below(10)) + noise.below(1 << 9) % (1 << noise.below(10));
            let time = schemas::EventTime::from_millis(ms).unwrap().rfc3339();
            let line = json!({
                "schema": "agent.activity/1",
                "id": format!("e{offset}"),
                "time": time,
                "agent": {"id": format!("agent-{agent}"), "blueprint": "one"},
                "action": {"type": "tool_call", "tool": {"name": noise.pick(&["read", "read", "write"])}},
                "destination": {"host": format!("host-{rank}.example")},
                "usage": {"bytes_out": 1_000 + noise.below(9_000) * noise.below(9_000) / 1_000},
            });
            let line = line.to_string();
            let stamp = Stamp { topic: "t", partition: 0, offset, ordinal: 0, log_ms: ms };
            for finding in fold.advance(&stamp).into_iter().flat_map(|end| end.findings) {
                if let Body::Epoch(epoch) = finding.body {
                    let number = u32::try_from(epoch.epoch).unwrap();
                    let increments = distort(&epoch.increments, times);
                    Arc::make_mut(&mut shared).merge(number, &increments);
                }
            }
            fold.take_up(Arc::clone(&shared));
            let Outcome::Scored(observed) = fold.apply(&activity(line.as_bytes()), &stamp, false)
            else {
                panic!("no id comes twice")
            };
            if ms >= START_MS + 28 * DAY_MS {
                tally.add(&observed.tally);
            }
        }
    }
    let all = tally.hours[0] as f64;
    println!("{times} times the hours: {tally:?}");
    tally.hours.map(|hours| hours as f64 / all)
}

/// Whether the shares are those of a calibrated fleet: at a tenth and a hundredth within three fifths and five thirds, and
/// at a half, where scores come in steps, not above.
fn is_calibrated([_, half, tenth, hundredth, ..]: [f64; P_AT_MOST.len()]) -> bool {
    let within = |share: f64, bound: f64| (0.6..1.67).contains(&(share / bound));
    within(tenth, 0.1) && within(hundredth, 0.01) && half < 0.55
}

#[test]
fn hours_of_one_distribution_are_as_rare_as_they_are_called_and_a_broken_calibrator_shows() {
    let found = shares(1);
    assert!(is_calibrated(found), "{found:?}");
    // A calibrator that calls everything ten times as rare as it is.
    let broken = shares(10);
    assert!(!is_calibrated(broken), "{broken:?}");
}
