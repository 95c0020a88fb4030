//! Merging in any order, saving and taking up anywhere: the same tables to the byte.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

const TENANT: u64 = 1;

fn increment(table: Table, scope: u64, cell: u64, add: i64) -> Increment {
    Increment { table: table.number(), scope, group: 0, cell, add }
}

/// All records of the tables, the numbers of merges left out: they tell the order of merges.
fn content(shared: &Shared) -> Vec<(TableKey, Vec<u8>)> {
    let keys = shared.changed_since(0).into_iter();
    keys.map(|key| (key, [&shared.record(key)[..2], &content_of(shared, key)].concat())).collect()
}

fn content_of(shared: &Shared, key: TableKey) -> Vec<u8> {
    let record = shared.record(key);
    record[10..record.len() - 8].to_vec()
}

fn records(shared: &Shared) -> Vec<(String, Vec<u8>)> {
    let keys = shared.changed_since(0).into_iter();
    keys.map(|key| (format!("acme|{key}"), shared.record(key))).collect()
}

fn restored(records: &[(String, Vec<u8>)]) -> Shared {
    let mut shared = Shared::default();
    for (key, value) in records.iter().rev() {
        assert_eq!(shared.take_up(key, value), Ok(true), "{key}");
    }
    shared
}

/// What readers see, floats by their bits.
fn seen(shared: &Shared) -> Vec<u64> {
    let mut seen = Vec::new();
    for scope in 0..4 {
        for x in [0.05, 0.7, 3.3, 11.9, 12.0, 14.2, 40.0, 90.0] {
            for channel in [0, 1, 7, 15, 16, 99] {
                let read = shared.calibration(scope).map(|table| {
                    let (z, votes) = table.evidence(channel, x);
                    [z, votes, table.refine(channel, x, 2.0)].map(f64::to_bits)
                });
                seen.extend(read.unwrap_or_default());
            }
            if let Some(strata) = shared.strata(scope) {
                let ((share, beyond), (up, total)) = (strata.share(x), strata.votes(3, x));
                seen.extend([share, up, total].map(f64::to_bits));
                seen.push(u64::from(beyond));
            }
        }
    }
    seen
}

fn any_increment() -> impl Strategy<Value = Increment> {
    let add = prop_oneof![Just(1_000), Just(-1_000), -50_000..200_000_i64, any::<i64>()];
    let dense = (2_u8..4, 0_u64..3, 0_u64..5_000, add.clone());
    let counts = (Just(1), 0_u64..3, any::<u64>().prop_map(|cell| cell | 1), add);
    prop_oneof![4 => dense, 4 => counts, 1 => any::<(u8, u64, u64, i64)>()]
        .prop_map(|(table, scope, cell, add)| Increment { table, scope, group: 0, cell, add })
}

/// Epochs of up to three hundred days, none of which begins new weights.
fn any_epochs() -> impl Strategy<Value = Vec<(u32, Vec<Increment>)>> {
    let first = 77 * 256 * 288;
    vec((first..first + 255 * 288_u32, vec(any_increment(), 0..30)), 1..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn the_order_of_merges_changes_nothing(
        epochs in any_epochs().prop_map(|mut epochs| {
            // Where a balance or a count would leave its range, the order matters.
            let tame = |at: &mut Increment| at.add = at.add.clamp(-200_000, 200_000);
            epochs.iter_mut().flat_map(|(_, increments)| increments).for_each(tame);
            epochs
        }),
        seed in any::<u64>(),
    ) {
        let mut in_order = Shared::default();
        epochs.iter().for_each(|(epoch, increments)| drop(in_order.merge(*epoch, increments)));
        let mut shuffled: Vec<(u64, u32, Increment)> = epochs
            .iter()
            .flat_map(|(epoch, increments)| increments.iter().map(move |at| (*epoch, *at)))
            .zip(1..)
            .map(|((epoch, at), n)| (crate::hash::pair(seed, n), epoch, at))
            .collect();
        shuffled.sort_unstable();
        let mut one_by_one = Shared::default();
        shuffled.iter().for_each(|(_, epoch, at)| drop(one_by_one.merge(*epoch, &[*at])));
        prop_assert_eq!(content(&in_order), content(&one_by_one));
        prop_assert_eq!(seen(&in_order), seen(&one_by_one));
        prop_assert_eq!(in_order.counts().cells, one_by_one.counts().cells);
    }

    #[test]
    fn a_restart_changes_no_byte(epochs in any_epochs(), cut in 0_usize..12) {
        let cut = cut.min(epochs.len());
        let mut whole = Shared::default();
        epochs[..cut].iter().for_each(|(epoch, increments)| drop(whole.merge(*epoch, increments)));
        let mut again = restored(&records(&whole));
        again.resume(whole.merges());
        prop_assert_eq!(again.counts(), whole.counts());
        for (epoch, increments) in &epochs[cut..] {
            prop_assert_eq!(whole.merge(*epoch, increments), again.merge(*epoch, increments));
        }
        prop_assert_eq!(records(&whole), records(&again));
        prop_assert_eq!(seen(&whole), seen(&again));
    }

    #[test]
    fn damaged_records_are_refused_and_change_nothing(
        epochs in any_epochs(),
        (at, bit) in (any::<prop::sample::Index>(), 0..8_u32),
    ) {
        let mut whole = Shared::default();
        epochs.iter().for_each(|(epoch, increments)| drop(whole.merge(*epoch, increments)));
        let good = records(&whole);
        for (key, record) in &good {
            let mut bad = record.clone();
            bad[at.index(record.len())] ^= 1_u8 << bit;
            prop_assert!(whole.take_up(key, &bad).is_err(), "{}", key);
            prop_assert!(whole.take_up(key, &record[..at.index(record.len()).max(1)]).is_err());
        }
        prop_assert_eq!(records(&whole), good);
    }
}

#[test]
fn only_what_changed_is_written_again_and_a_record_is_small() {
    let (mut shared, mut again) = (Shared::default(), Shared::default());
    let mut random = 7;
    let mut next = || {
        random = crate::hash::pair(random, 3);
        random
    };
    // More cells than fit: every chunk is full and has let cells go.
    for epoch in 0..40 {
        let counts = (0..2_500).map(|_| increment(Table::Counts, TENANT, next(), i64::MAX));
        let maxima = (0..4_096).map(|cell| increment(Table::Maxima, TENANT, cell, i64::MAX));
        let hours = (0..4_096).map(|cell| increment(Table::Hours, TENANT, cell, i64::MAX));
        let increments: Vec<_> = counts.chain(maxima).chain(hours).collect();
        shared.merge(5_760_000 + epoch, &increments);
        again.merge(5_760_000 + epoch, &increments);
        // What leaves is the same after a restart.
        again = restored(&records(&again));
    }
    let all = records(&shared);
    assert!(all == records(&again));
    assert_eq!(all.len(), 66);
    let largest = all.iter().map(|(_, record)| record.len()).max().unwrap_or(0);
    assert!(largest < 64 << 10, "{largest}");
    let counts = shared.counts();
    assert!(counts.cells <= 65_536 && counts.cells_evicted + counts.cells == 100_000, "{counts:?}");
    assert!(counts.bytes < 4 << 20, "{counts:?}");
    let before = shared.merges();
    shared.merge(5_760_050, &[increment(Table::Counts, TENANT, 0x8400_0000_0000_0001, 1)]);
    let changed = shared.changed_since(before);
    assert_eq!(changed, [TableKey { table: Table::Counts, scope: TENANT, chunk: 33 }]);
}

#[test]
fn it_is_known_since_when_a_tenant_is_watched_in_any_order_and_after_a_restart() {
    let votes = |epoch| (epoch, increment(Table::Hours, TENANT, 7, 1_000));
    let mut shared = Shared::default();
    let since = |shared: &Shared| shared.scope(TENANT).and_then(Scope::known_since);
    assert_eq!(since(&shared), None);
    for (epoch, vote) in [votes(5_760_009), votes(5_760_003), votes(5_760_020)] {
        shared.merge(epoch, &[vote]);
    }
    assert_eq!(since(&shared), Some(5_760_003));
    assert_eq!(since(&restored(&records(&shared))), Some(5_760_003));
}

#[test]
fn the_least_recent_scopes_leave_with_all_their_tables() {
    let mut shared = Shared::default();
    let all = |scope, epoch| {
        let of = |table, cell| increment(table, scope, cell, 1_000);
        (epoch, [of(Table::Counts, 5), of(Table::Maxima, 5), of(Table::Hours, 5)])
    };
    // The last one is the least recent.
    for scope in 1..=1_024 {
        let (epoch, increments) = all(scope, 5_762_000 - u32::try_from(scope).unwrap_or(0));
        assert_eq!(shared.merge(epoch, &increments), []);
    }
    let (epoch, increments) = all(9_999, 5_770_000);
    let key = |table| TableKey { table, scope: 1_024, chunk: 0 };
    let gone = [key(Table::Counts), key(Table::Maxima), key(Table::Hours)];
    let mut again = restored(&records(&shared));
    assert_eq!(again.merge(epoch, &increments), gone, "after a restart");
    assert_eq!(shared.merge(epoch, &increments), gone);
    assert_eq!(records(&again), records(&shared));
    assert!(shared.scope(1_024).is_none() && shared.calibration(1_024).is_none());
    assert!(gone.iter().all(|key| shared.record(*key).is_empty()));
    assert_eq!((shared.counts().scopes, shared.counts().scopes_evicted), (1_024, 1));
    // A lane hears of it by tombstones.
    let mut lane = Shared::default();
    let (epoch, increments) = all(1_024, 5_760_001);
    lane.merge(epoch, &increments);
    for key in gone {
        assert_eq!(lane.take_up(&format!("acme|{key}"), &[]), Ok(true));
    }
    assert_eq!((lane.counts().scopes, lane.counts().cells), (0, 0));
    assert_eq!(lane.take_up("acme|~tenant", &[1]), Ok(false));
}

#[test]
fn a_snapshot_holds_the_tables_of_all_tenants_and_does_not_move() {
    let (mut one, mut two) = (Shared::default(), Shared::default());
    one.merge(5_760_000, &[increment(Table::Counts, 1, 5, 100)]);
    two.merge(5_760_000, &[increment(Table::Counts, 2, 5, 100)]);
    let mut all = one.clone();
    all.include(&two);
    one.merge(5_760_001, &[increment(Table::Counts, 1, 5, 900)]);
    let count = |shared: &Shared, scope| shared.scope(scope).map(|scope| scope.counts.get(5));
    assert_eq!(
        (count(&all, 1), count(&all, 2), count(&one, 1)),
        (Some(100), Some(100), Some(1_000))
    );
    assert_eq!(all.counts().cells, 2);
    all.include(&one);
    assert_eq!((count(&all, 1), all.counts().cells), (Some(1_000), 2));
}
