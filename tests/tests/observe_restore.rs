//! A partition restored from its saved records goes on as one that never stopped: the same outputs, findings, trust
//! records and, from there on, the same saved records, to the byte. At any point, also while agents are evicted.

use std::cell::Cell;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use tests::{Compacted, Driven, adversarial, demo_prefix, dense, lines_of};

/// Room for about ten known agents and ten young ones.
const TIGHT_BYTES: usize = 40_000;
/// Room for all.
const WIDE_BYTES: usize = 4 << 20;
/// Room for half of the tight one, for it, and for all.
const CAPS: [usize; 3] = [TIGHT_BYTES / 2, TIGHT_BYTES, WIDE_BYTES];
/// Events of one random case.
const EVENTS: usize = 700;

/// Streams that are quick and slow, hostile and tame.
fn streams() -> Vec<Vec<u8>> {
    let hostile = |seed| adversarial(seed, 4 * EVENTS as u64);
    let demo = demo_prefix(4 * EVENTS);
    vec![dense(&hostile(21), 1_500), hostile(22), hostile(23), dense(&demo, 20_000), demo]
}

#[test]
fn a_partition_goes_on_from_any_restore_point() {
    let streams = streams();
    // The cases are the same in each run: a failure can be repeated.
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[29; 32]);
    let config =
        Config { cases: 40, max_shrink_iters: 8, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, rng);
    let cut = 1..EVENTS - 1;
    let start = 0..3 * EVENTS;
    let case = (0..streams.len(), start, cut, 1..40_usize, (0..CAPS.len(), 0..3));
    let (evicted, steps, chunks) = (Cell::new(0), Cell::new(0), Cell::new(0));
    let outcome = runner.run(&case, |(stream, start, cut, every, (cap, order))| {
        let lines = &lines_of(&streams[stream])[start..start + EVENTS];
        let mut straight = Driven::new(CAPS[cap]);
        let mut saved = Compacted::new();
        for (offset, line) in (0..).zip(&lines[..cut]) {
            straight.apply(offset, line);
            if offset % every as u64 == 0 {
                straight.save(&mut saved);
            }
        }
        straight.save(&mut saved);
        let mut other = match order {
            0 => straight.restored(saved.iter()),
            1 => straight.restored(saved.iter().rev()),
            // As it was written, with what is void by now.
            _ => straight.restored(straight.log.iter().map(|(key, value)| (key, value))),
        };
        let mut saved_again = saved.clone();
        for (offset, line) in (cut as u64..).zip(&lines[cut..]) {
            let said = straight.apply(offset, line);
            prop_assert_eq!(said.text(), other.apply(offset, line).text(), "line {}", offset);
            steps.set(steps.get() + said.end.map_or(0, |end| end.trust.len()));
            if offset % every as u64 == 0 {
                let touched = straight.save(&mut saved);
                prop_assert_eq!(touched, other.save(&mut saved_again), "line {}", offset);
            }
        }
        prop_assert_eq!(straight.save(&mut saved), other.save(&mut saved_again));
        prop_assert_eq!(&saved, &saved_again);
        let counts = straight.fold.counts();
        evicted.set(evicted.get() + counts.known_evicted.min(counts.young_evicted));
        chunks.set(chunks.get() + usize::from(saved.contains_key("__deltas/2")));
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
    let (evicted, steps, chunks) = (evicted.get(), steps.get(), chunks.get());
    println!("{evicted} evicted, {steps} steps up at the end of an epoch, {chunks} with chunks");
    assert!(evicted > 0 && steps > 0 && chunks > 0, "the streams do not press");
}

#[test]
fn a_crash_after_any_activity_loses_nothing() {
    let bytes = dense(&adversarial(5, 160), 6_000);
    let lines = lines_of(&bytes);
    let mut straight = Driven::new(TIGHT_BYTES);
    let mut saved = Compacted::new();
    let mut before: Vec<(Driven, Compacted)> = vec![(Driven::new(TIGHT_BYTES), Compacted::new())];
    for (offset, line) in (0..).zip(&lines) {
        let said = straight.apply(offset, line).text();
        let touched = straight.save(&mut saved);
        // Every process that was restored earlier is still there.
        for (started, (other, saved)) in before.iter_mut().enumerate() {
            assert_eq!(said, other.apply(offset, line).text(), "line {offset}, from {started}");
            assert_eq!(touched, other.save(saved), "line {offset}, from {started}");
        }
        before.push((straight.restored(saved.iter()), saved.clone()));
    }
    assert!(before.iter().all(|(_, other)| *other == saved));
    assert!(straight.fold.counts().young_evicted > 0, "nothing was evicted");
}

#[test]
fn an_unchanged_record_is_not_written() {
    let bytes = dense(&adversarial(8, 60), 1_000);
    let lines = lines_of(&bytes);
    let mut driven = Driven::new(WIDE_BYTES);
    let mut saved = Compacted::new();
    for (offset, line) in (0..).zip(&lines) {
        driven.apply(offset, line);
    }
    driven.save(&mut saved);
    // The same activities again are duplicates: of the newest of each agent nothing changes.
    let last = lines[lines.len() - 1];
    assert!(driven.apply(60, last).observed.is_none());
    assert_eq!(driven.save(&mut saved), "");
}

#[test]
fn a_foreign_key_or_damaged_record_is_refused() {
    let mut driven = Driven::new(WIDE_BYTES);
    let mut saved = Compacted::new();
    for (offset, line) in (0..).zip(lines_of(&adversarial(3, 300))) {
        driven.apply(offset, line);
    }
    driven.save(&mut saved);
    for key in ["__owner", "__crowd/256", "__crowd/x", "__deltas/-1", "acme"] {
        assert!(driven.fold.load(key, &[1; 25]).is_err(), "{key}");
    }
    for (key, value) in &saved {
        assert!(driven.fold.load(key, &value[..value.len() - 1]).is_err(), "{key}, cut");
        let mut foreign = value.clone();
        foreign[0] = 0x7f;
        assert!(driven.fold.load(key, &foreign).is_err(), "{key}, of another version");
    }
}
