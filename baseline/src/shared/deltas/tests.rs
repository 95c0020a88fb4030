//! Sums are those of a plain map, wherever chunks end and whenever they are saved and restored.

use super::*;
use proptest::prelude::*;

type Adds = Vec<(usize, u8, u64, u64, i64)>;

fn adds() -> impl Strategy<Value = Vec<Adds>> {
    let add = (0..3_usize, 1..4_u8, 0..3_u64, 0..200_u64, -2_000..2_000_i64);
    proptest::collection::vec(proptest::collection::vec(add, 0..40), 1..60)
}

/// Adds of one activity: its tenant is that of the first.
fn apply(deltas: &mut Deltas, activity: &Adds) {
    let Some((tenant, ..)) = activity.first() else { return };
    deltas.enter(["acme", "b", "globex"][*tenant]);
    for (_, table, scope, cell, add) in activity {
        let table = Table::from_number(*table).unwrap();
        // Hashed cells are spread over all numbers.
        let cell = if table == Table::Counts { cell.wrapping_mul(u64::MAX / 199) } else { *cell };
        deltas.add(table, *scope, cell, *add);
    }
}

fn plain_sums(activities: &[Adds]) -> BTreeMap<(usize, u8, u64, u64), i64> {
    let mut sums = BTreeMap::new();
    for activity in activities {
        let Some((tenant, ..)) = activity.first() else { continue };
        for (_, table, scope, cell, add) in activity {
            let cell = if *table == 1 { cell.wrapping_mul(u64::MAX / 199) } else { *cell };
            *sums.entry((*tenant, *table, *scope, cell)).or_insert(0) += add;
        }
    }
    sums.retain(|_, sum| *sum != 0);
    sums
}

fn flat(tenants: Vec<(Box<str>, Vec<Increment>)>) -> Vec<((usize, u8, u64, u64), i64)> {
    let names = ["acme", "b", "globex"];
    let place = |tenant: &str| names.iter().position(|name| *name == tenant).unwrap();
    let all = tenants.into_iter().flat_map(|(tenant, increments)| {
        increments.into_iter().map(move |i| ((place(&tenant), i.table, i.scope, i.cell), i.add))
    });
    all.collect()
}

fn restored(saved: &BTreeMap<u32, Vec<u8>>, is_reversed: bool) -> Deltas {
    let mut deltas = Deltas::default();
    deltas.track_touched();
    let mut records: Vec<_> = saved.iter().collect();
    if is_reversed {
        records.reverse();
    }
    for (number, bytes) in records {
        deltas.load(*number, bytes).unwrap();
    }
    deltas
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn sums_and_chunks_are_the_same_from_any_restore_point(
        earlier in adds(),
        activities in adds(),
        cut in 0..60_usize,
        every in 1..9_usize,
        is_reversed: bool,
    ) {
        let mut straight = Deltas::default();
        straight.track_touched();
        straight.begin(6);
        let mut saved = BTreeMap::new();
        earlier.iter().for_each(|activity| apply(&mut straight, activity));
        saved.extend(straight.take_touched());
        prop_assert_eq!(
            flat(straight.begin(7)),
            plain_sums(&earlier).into_iter().collect::<Vec<_>>()
        );
        saved.extend(straight.take_touched());
        let cut = cut.min(activities.len());
        for (place, activity) in activities[..cut].iter().enumerate() {
            apply(&mut straight, activity);
            if place % every == 0 {
                saved.extend(straight.take_touched());
            }
        }
        saved.extend(straight.take_touched());
        let mut other = restored(&saved, is_reversed);
        prop_assert_eq!(other.epoch(), 7);
        for (place, activity) in activities[cut..].iter().enumerate() {
            apply(&mut straight, activity);
            apply(&mut other, activity);
            if place % every == 0 {
                prop_assert_eq!(straight.take_touched(), other.take_touched());
            }
        }
        prop_assert_eq!(straight.take_touched(), other.take_touched());
        let sums = flat(straight.begin(8));
        prop_assert_eq!(&sums, &flat(other.begin(8)));
        prop_assert_eq!(sums, plain_sums(&activities).into_iter().collect::<Vec<_>>());
        prop_assert_eq!(straight.take_touched(), other.take_touched());
    }

    #[test]
    fn the_counted_bytes_are_those_of_the_encoding(activities in adds()) {
        let mut deltas = Deltas::default();
        for activity in &activities {
            apply(&mut deltas, activity);
            let bytes = encode(deltas.epoch, &deltas.open).len();
            prop_assert_eq!(bytes, HEADER_BYTES + deltas.bytes);
            // An activity may go past the limit, but the next one finds a new chunk.
            prop_assert!(bytes <= CHUNK_BYTES_MAX + 40 * 30);
        }
    }

    #[test]
    fn damage_is_refused_or_read(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut bytes = bytes;
        if let Some(version) = bytes.first_mut() {
            *version = VERSION;
        }
        let mut deltas = Deltas::default();
        if deltas.load(0, &bytes).is_ok() {
            deltas.begin(u32::MAX);
        }
    }
}
