//! Epochs into tables, tables into control records: what lanes take up is what respond holds.

use alerting::{EpochCounts, Mode, Respond, Response, Settings};
use baseline::Shared;
use proptest::collection::vec;
use proptest::prelude::*;
use schemas::finding::{Body, Finding, Increment};

use crate::findings::{MINUTE_MS, Told, fold, increment, part, verdict};

fn count(shared: &Shared, scope: u64, cell: u64) -> i64 {
    shared.scope(scope).map_or(0, |scope| scope.counts.get(cell))
}

/// Every table as bytes.
fn content(shared: &Shared) -> Vec<(String, Vec<u8>)> {
    let keys = shared.changed_since(0).into_iter();
    keys.map(|key| (key.to_string(), shared.record(key))).collect()
}

fn control(responses: &[Response]) -> Vec<(&str, &[u8])> {
    let mut records = Vec::new();
    for response in responses {
        if let Response::Control { key, value, .. } = response {
            records.push((key.as_str(), value.as_slice()));
        }
    }
    records
}

fn from_partition(mut finding: Finding, partition: u32) -> Finding {
    finding.source.partition = partition;
    finding
}

#[test]
fn an_epoch_counts_once_and_only_whole() {
    let mut respond = fold(Mode::Alert);
    let seen = |respond: &Respond| count(&respond.snapshot(), 3, 5);
    let third = |number| part(7, 0, (number, 3), vec![increment(3, 5)]);
    for (number, expected) in [(2, 0), (0, 0), (2, 0), (0, 0), (1, 30), (1, 30), (2, 30)] {
        respond.apply(&third(number));
        assert_eq!(seen(&respond), expected, "{number}");
    }
    // Another partition's epoch of the same number, and the same partition's next one, are others.
    let first = from_partition(part(7, 0, (0, 1), vec![increment(3, 5)]), 1);
    for (finding, expected) in [
        (first.clone(), 40),
        (first, 40),
        (part(8, 0, (0, 1), vec![increment(3, 5)]), 50),
        (part(7, 0, (0, 1), vec![increment(3, 5)]), 50),
    ] {
        respond.apply(&finding);
        assert_eq!(seen(&respond), expected, "{finding:?}");
    }
    let expected = EpochCounts { merged: 3, duplicates: 6, ..EpochCounts::default() };
    assert_eq!(respond.counts().epochs, expected);
}

#[test]
fn what_never_becomes_whole_is_dropped() {
    let mut respond = fold(Mode::Alert);
    respond.apply(&part(7, 0, (0, 2), vec![increment(3, 5)]));
    assert_eq!(respond.counts().epochs.waiting, 1);
    respond.touched();
    // A later epoch of the partition is whole: what waits from before it never will be.
    respond.apply(&part(9, 0, (0, 1), vec![increment(3, 5)]));
    respond.apply(&part(7, 0, (1, 2), vec![increment(3, 5)]));
    let epochs = respond.counts().epochs;
    assert_eq!((epochs.waiting, epochs.dropped, epochs.duplicates), (0, 1, 1));
    let gone: Vec<String> = respond
        .touched()
        .into_iter()
        .filter(|(_, record)| record.is_empty())
        .map(|(key, _)| key)
        .collect();
    assert_eq!(
        gone,
        [format!("acme|~part/{}/0/7/0/file:0", epoch_of(&part(7, 0, (0, 1), vec![])))]
    );
    // What waits is bounded: the oldest epoch goes first.
    let large: Vec<Increment> = (0..1_000_000).map(|cell| increment(3, cell)).collect();
    for offset in 10..16 {
        let mut waiting = part(offset, 0, (0, 2), large.clone());
        if let Body::Epoch(epoch) = &mut waiting.body {
            epoch.epoch -= 100 - i64::try_from(offset).unwrap();
        }
        respond.apply(&waiting);
    }
    let epochs = respond.counts().epochs;
    assert_eq!((epochs.waiting, epochs.dropped), (4, 3));
}

fn epoch_of(finding: &Finding) -> i64 {
    match &finding.body {
        Body::Epoch(epoch) => epoch.epoch,
        _ => 0,
    }
}

#[test]
fn numbers_that_cannot_be_are_counted_and_passed_over() {
    let mut respond = fold(Mode::Alert);
    let whole = part(1, 0, (0, 1), vec![increment(3, 5)]);
    let change = |change: fn(&mut schemas::finding::Epoch)| {
        let mut finding = whole.clone();
        if let Body::Epoch(epoch) = &mut finding.body {
            change(epoch);
        }
        finding
    };
    let bad = [
        change(|epoch| epoch.parts = 0),
        change(|epoch| epoch.part = 1),
        change(|epoch| epoch.parts = u32::MAX),
        change(|epoch| epoch.epoch = -1),
        change(|epoch| epoch.epoch += 2),
        change(|epoch| epoch.epoch = i64::MAX),
    ];
    for finding in &bad {
        respond.apply(finding);
        assert!(alerting::read(&serde_json::to_vec(finding).unwrap()).is_err(), "{finding:?}");
    }
    assert_eq!(respond.counts().epochs.malformed, bad.len() as u64);
    // Increments of no table, and sums beyond any count, stop nothing.
    let odd = |table, cell, add| Increment { table, scope: 3, group: 0, cell, add };
    let wild = [
        odd(0, 5, 1),
        odd(9, 5, 1),
        odd(1, 0, 1),
        odd(1, 5, i64::MAX),
        odd(1, 5, i64::MAX),
        odd(2, u64::MAX, i64::MIN),
        odd(3, 0, i64::MIN),
        odd(3, 0, i64::MAX),
    ];
    respond.apply(&part(2, 0, (0, 1), wild.to_vec()));
    assert_eq!(count(&respond.snapshot(), 3, 5), i64::MAX);
}

#[test]
fn tables_are_published_at_most_once_in_five_minutes() {
    let mut respond = fold(Mode::Shadow);
    let mut published = |offset, at_ms, finding: Option<Finding>| {
        let finding = finding.unwrap_or_else(|| part(offset, at_ms, (0, 1), vec![increment(3, 5)]));
        control(&respond.apply(&finding)).len()
    };
    assert_eq!(published(1, 0, None), 1);
    assert_eq!(published(2, MINUTE_MS, None), 0);
    let told = |at_ms| Some(verdict(9, &Told { at_ms, return_period: 0.5, ..Told::default() }));
    assert_eq!(published(0, 0, told(5 * MINUTE_MS - 1)), 0);
    // Any finding of the tenant is an occasion.
    assert_eq!(published(0, 0, told(5 * MINUTE_MS)), 1);
    assert_eq!(published(0, 0, told(20 * MINUTE_MS)), 0, "nothing changed");
    assert_eq!(published(3, 21 * MINUTE_MS, None), 1);
    let quiet = Settings { publish_tables: false, ..Settings::default() };
    let mut respond = Respond::new(quiet);
    assert_eq!(respond.apply(&part(1, 0, (0, 1), vec![increment(3, 5)])), []);
    assert_eq!(count(&respond.snapshot(), 3, 5), 10);
}

#[test]
fn a_snapshot_holds_all_tenants() {
    let mut respond = fold(Mode::Shadow);
    for (tenant, scope) in [("acme", 1), ("globex", 2)] {
        let mut finding = part(1, 0, (0, 1), vec![increment(scope, 5)]);
        finding.tenant_id = tenant.to_owned();
        respond.apply(&finding);
    }
    let all = respond.snapshot();
    assert_eq!((count(&all, 1, 5), count(&all, 2, 5)), (10, 10));
    let counts = respond.counts();
    assert_eq!((counts.tenants, counts.tables.scopes, counts.tables.cells), (2, 2, 2));
}

fn any_epoch() -> impl Strategy<Value = (i64, u32, Vec<Increment>)> {
    let any = (1_u8..4, 0_u64..5, 0_u64..4_000, -500..5_000_i64);
    let any = any.prop_map(|(table, scope, cell, add)| {
        let cell = if table == 1 { (cell + 1).rotate_right(8) } else { cell };
        Increment { table, scope, group: 0, cell, add }
    });
    // Now and then so many scopes at once that others have to leave.
    let many = (0_u64..4).prop_map(|n| (0..400).map(|s| increment(n * 300 + s, 8)).collect());
    let increments = prop_oneof![6 => vec(any, 0..20), 1 => many];
    (0..8 * MINUTE_MS, 0_u32..4, increments)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_lanes_take_up_is_what_respond_holds(epochs in vec(any_epoch(), 1..40)) {
        let mut respond = fold(Mode::Shadow);
        let mut lane = Shared::default();
        let (mut at_ms, mut n_published) = (0, 0);
        for (offset, (step, partition, increments)) in (0_u64..).zip(epochs) {
            at_ms += step;
            let finding = from_partition(part(offset, at_ms, (0, 1), increments), partition);
            let responses = respond.apply(&finding);
            for (key, value) in control(&responses) {
                prop_assert_eq!(lane.take_up(key, value), Ok(true));
                prop_assert!(value.len() < 128 << 10);
            }
            if !control(&responses).is_empty() {
                n_published += 1;
                prop_assert_eq!(content(&lane), content(&respond.snapshot()));
                prop_assert_eq!(lane.counts().cells, respond.counts().tables.cells);
            }
        }
        prop_assert!(n_published <= at_ms / (5 * MINUTE_MS) + 1);
    }
}
