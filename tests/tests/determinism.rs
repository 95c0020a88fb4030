//! The same log gives the same bytes: twice, on any number of lanes, frozen, and across restarts from saved
//! records. Speed is not measured here.

use std::sync::OnceLock;

use habitus::local::{Input, Options, Report, Role, Run};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use tests::{
    adversarial, assert_same_lines, assert_same_reports, assert_same_stores, demo_prefix, dense,
    feed, lines_of, plain, score, settings,
};

const EVENTS: usize = 8_000;
/// Events of one random restart case.
const RESTART_EVENTS: usize = 2_500;

fn demo() -> &'static [u8] {
    static DEMO: OnceLock<Vec<u8>> = OnceLock::new();
    DEMO.get_or_init(|| demo_prefix(EVENTS))
}

/// The demo with a thousand events an epoch: batches large enough that lanes really share them.
fn quick_demo() -> Vec<u8> {
    dense(demo(), 300)
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    for (name, bytes) in [("demo", demo().to_vec()), ("hostile", adversarial(3, 3_000))] {
        let (first, first_report) = score(&settings(), plain(1), &bytes);
        let (second, second_report) = score(&settings(), plain(1), &bytes);
        assert_same_lines(name, &first, &second);
        assert_same_reports(name, &first_report, &second_report);
        assert_same_stores(name, &first_report, &second_report);
    }
}

#[test]
fn the_number_of_lanes_changes_nothing() {
    for (name, bytes) in [
        ("demo", demo().to_vec()),
        ("quick demo", quick_demo()),
        ("hostile", dense(&adversarial(5, 4_000), 200)),
    ] {
        let (one, one_report) = score(&settings(), plain(1), &bytes);
        let (four, four_report) = score(&settings(), plain(4), &bytes);
        assert_same_lines(name, &one, &four);
        assert_same_reports(name, &one_report, &four_report);
        assert_same_stores(name, &one_report, &four_report);
    }
}

#[test]
fn a_frozen_run_is_the_same_each_time() {
    for (name, bytes) in [("demo", demo().to_vec()), ("quick demo", quick_demo())] {
        let (first, first_report) = frozen(&bytes, 1);
        let (again, again_report) = frozen(&bytes, 1);
        assert_same_lines(name, &first, &again);
        assert_same_reports(name, &first_report, &again_report);
        let (four, four_report) = frozen(&bytes, 4);
        assert_same_lines(name, &first, &four);
        assert_same_reports(name, &first_report, &four_report);
    }
}

/// Warms up with the first half and scores the second one frozen.
fn frozen(bytes: &[u8], lanes: usize) -> Left {
    let lines = lines_of(bytes);
    let (first, second) = lines.split_at(lines.len() / 2);
    let mut run = Run::new(&settings(), Options { lanes, freeze: true, explain: false });
    let warmup = first.join(&b'\n');
    let mut no_lines = 0;
    let input = Input { topic: "file:0", role: Role::Warmup, bytes: &warmup };
    run.feed(&input, &mut |_| no_lines += 1);
    assert_eq!(no_lines, 0, "a warm-up has no lines");
    let mut out = Vec::new();
    feed(&mut run, "file:1", &second.join(&b'\n'), &mut out);
    (out, run.finish())
}

#[test]
fn a_restart_from_saved_records_changes_no_byte() {
    restarts(4, |(expected, expected_report), (found, found_report)| {
        assert_same_lines("restarted", expected, found);
        assert_same_reports("restarted", expected_report, found_report);
    });
}

#[test]
fn a_restart_from_saved_records_changes_no_count_of_bytes() {
    restarts(2, |(_, expected), (_, found)| assert_same_stores("restarted", expected, found));
}

/// What a run leaves: its lines and its report.
type Left = (Vec<String>, Report);

/// Compares random runs with and without restarts in them.
fn restarts(cases: u32, compare: impl Fn(&Left, &Left)) {
    // The cases are the same in each run: a failure can be repeated.
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[11; 32]);
    let config =
        Config { cases, max_shrink_iters: 8, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, rng);
    let hostile = adversarial(9, RESTART_EVENTS as u64);
    let start = 0..EVENTS - RESTART_EVENTS;
    let cuts = proptest::collection::btree_set(1..RESTART_EVENTS, 1..7);
    let outcome = runner.run(&(start, cuts, any::<bool>()), |(start, cuts, is_hostile)| {
        let lines = if is_hostile { lines_of(&hostile) } else { lines_of(demo()) };
        let start = if is_hostile { 0 } else { start };
        let lines = &lines[start..start + RESTART_EVENTS];
        let cuts: Vec<usize> = cuts.into_iter().collect();
        compare(&in_parts(lines, &cuts, false), &in_parts(lines, &cuts, true));
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

/// Feeds lines in parts, with or without a restart from every saved record between them.
fn in_parts(lines: &[&[u8]], cuts: &[usize], restarts: bool) -> Left {
    let mut run = Run::new(&settings(), plain(1));
    let mut out = Vec::new();
    let ends = cuts.iter().copied().chain([lines.len()]);
    let starts = [0].into_iter().chain(cuts.iter().copied());
    for (part, (start, end)) in starts.zip(ends).enumerate() {
        let bytes = lines[start..end].join(&b'\n');
        feed(&mut run, &format!("file:{part}"), &bytes, &mut out);
        if restarts {
            run.reload_all().expect("every record is read back");
        }
    }
    (out, run.finish())
}
