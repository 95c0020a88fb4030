//! Who leaves is decided by the saved records alone.

use super::*;
use proptest::prelude::*;
use schemas::Authority;

/// Room for four known agents and eight young ones.
const LIMITS: Limits = Limits { known_bytes_max: 14_000, young_bytes_max: 3_200 };
const AGENTS: u64 = 24;

/// An activity: its agent, the seconds since the one before, and how many destinations it names.
type Act = (u64, u32, u32);

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let pause = prop_oneof![8 => 0..900_u32, 2 => 900..9_000_u32, 1 => 9_000..2_000_000_u32];
    // Some agents act more often than others.
    let agent = (0..AGENTS, 0..AGENTS).prop_map(|(a, b)| a.min(b));
    proptest::collection::vec((agent, pause, 0..6_u32), 1..400)
}

fn act(store: &mut Store, (agent, _, places): Act, now_s: u32, position: u64) -> Evicted {
    // One tenant has most of them.
    let tenant = if agent % 4 == 3 { "zeta" } else { "acme" };
    let key = format!("{tenant}|agent-{agent}");
    let (mut record, place) = store.check_out(&key);
    let (index, _) = record.enter(Authority::Autonomous);
    let actor = &mut record.actors[index];
    if actor.progress.vote_hour != now_s / 3_600 {
        actor.progress.vote_hour = now_s / 3_600;
        // While learning stands still, hours pass uncounted.
        actor.progress.active_hours += u32::from(places != 0);
    }
    actor.progress.last_s = now_s;
    for tag in 0..places {
        actor.places.add(tag + 1, now_s, 1.0, 1.0);
    }
    store.check_in(&key, record, place, position)
}

fn restored(saved: &BTreeMap<String, Vec<u8>>, is_reversed: bool) -> Store {
    let mut store = Store::new(LIMITS);
    store.track_touched();
    let mut records: Vec<_> = saved.iter().collect();
    if is_reversed {
        records.reverse();
    }
    for (key, bytes) in records {
        store.load(key, bytes).expect("own bytes");
    }
    store
}

proptest! {
    #[test]
    fn a_restored_store_evicts_the_same_agents(
        acts in acts(),
        cut in 0..400_usize,
        every in 1..30_usize,
        is_reversed: bool,
    ) {
        let mut straight = Store::new(LIMITS);
        straight.track_touched();
        let mut other = None;
        let mut saved = BTreeMap::new();
        let mut now_s = 400_000_000;
        for (place, activity) in acts.iter().enumerate() {
            now_s += activity.1;
            let evicted = act(&mut straight, *activity, now_s, place as u64);
            if let Some(other) = &mut other {
                prop_assert_eq!(&evicted, &act(other, *activity, now_s, place as u64));
            }
            if place % every == 0 || place == cut {
                let touched = straight.take_touched();
                if let Some(other) = &mut other {
                    prop_assert_eq!(&touched, &other.take_touched());
                }
                saved.extend(touched);
            }
            if place == cut {
                saved.retain(|_, bytes| !bytes.is_empty());
                other = Some(restored(&saved, is_reversed));
            }
            prop_assert!(straight.known_bytes <= LIMITS.known_bytes_max);
            prop_assert!(straight.young.bytes() <= LIMITS.young_bytes_max);
        }
        if let Some(mut other) = other {
            prop_assert_eq!(straight.take_touched(), other.take_touched());
            prop_assert_eq!(straight.keys(), other.keys());
            prop_assert_eq!(straight.known_bytes, other.known_bytes);
            prop_assert_eq!(straight.order, other.order);
            prop_assert_eq!(straight.young, other.young);
        }
    }
}

fn arrive(store: &mut Store, key: &str, position: u64) -> Evicted {
    let (mut record, place) = store.check_out(key);
    let (index, _) = record.enter(Authority::Autonomous);
    record.actors[index].progress.last_s = 400_000_000;
    store.check_in(key, record, place, position)
}

#[test]
fn who_invents_ids_evicts_newcomers_of_its_own_tenant_only() {
    let limits = Limits { known_bytes_max: 14_000, young_bytes_max: 12_000 };
    let mut store = Store::new(limits);
    // They came first: the oldest would be theirs.
    let quiet: Vec<String> = (0..4).map(|agent| format!("quiet|agent-{agent}")).collect();
    for (position, key) in (0..).zip(&quiet) {
        assert!(arrive(&mut store, key, position).is_empty());
    }
    let mut evicted = Vec::new();
    for position in 4..500 {
        evicted.extend(arrive(&mut store, &format!("loud|{position:06}"), position));
    }
    assert!(evicted.len() > 400, "{} evicted", evicted.len());
    assert!(evicted.iter().all(|key| key.starts_with("loud|")), "{evicted:?}");
    assert!(evicted.is_sorted(), "the oldest first");
    // Another tenant has its share, too, and no more than that.
    for position in 500..900 {
        evicted.extend(arrive(&mut store, &format!("other|{position:06}"), position));
    }
    let of = |tenant: &str| store.keys().iter().filter(|key| key.starts_with(tenant)).count();
    assert_eq!(of("quiet|"), quiet.len());
    assert!(of("loud|").abs_diff(of("other|")) <= 1, "{} and {}", of("loud|"), of("other|"));
    assert!(store.counts().bytes <= limits.young_bytes_max as u64);
    store.young.keys().map(str::to_owned).collect::<Vec<_>>().iter().for_each(|key| {
        store.young.remove(key);
    });
    assert_eq!(store.young, Newcomers::default(), "nothing is left of whoever is gone");
}
