//! `quality [--seeds N] [--explain] [--data DIR]`: detection, alert budgets and the cost of benign changes on the
//! scenarios, as Markdown; and with a folder of labelled traces the figures of its scorer. Run it by
//! `cargo xtask quality`. It exits 0 whatever it finds.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;

use tests::quality::{Figures, Seen, add, judge, markdown, run};
use tests::scenario::{Scenario, Size, With};

const BUDGETS: [f64; 3] = [0.1, 1.0, 10.0];
const ALL: With = With { incidents: true, changes: true };
const UNCHANGED: With = With { incidents: true, changes: false };

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let value = |flag: &str| {
        args.iter().position(|arg| arg == flag).and_then(|place| args.get(place + 1))
    };
    let seeds: u64 = value("--seeds").map_or(3, |n| n.parse().expect("--seeds takes a number"));
    let explain = args.iter().any(|arg| arg == "--explain");
    let figures = scenarios(seeds, explain);
    println!("{}", markdown(&figures, seeds));
    for missed in figures.missed.iter().filter(|_| explain) {
        println!("missed: {missed}");
    }
    if let Some(folder) = value("--data") {
        traces(Path::new(folder));
    }
}

/// Runs every seed at every budget, and at 1 without changes, on as many threads as there are cores.
fn scenarios(seeds: u64, explain: bool) -> Figures {
    let mut jobs: Vec<(u64, usize)> = Vec::new();
    jobs.extend((1..=seeds).flat_map(|seed| (0..=BUDGETS.len()).map(move |job| (seed, job))));
    jobs.reverse();
    let (jobs, done) = (Mutex::new(jobs), Mutex::new(BTreeMap::new()));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let Some((seed, job)) = jobs.lock().expect("no thread panicked").pop() else {
                        return;
                    };
                    let scenario = Scenario::new(seed, Size::FULL);
                    let (with, budget) = match BUDGETS.get(job) {
                        Some(budget) => (ALL, *budget),
                        None => (UNCHANGED, 1.0),
                    };
                    let seen = run(&scenario, with, budget, explain && job == 1);
                    eprintln!("seed {seed}, budget {budget}: {} events", seen.n_scored);
                    done.lock().expect("no thread panicked").insert((seed, job), seen);
                }
            });
        }
    });
    let done = done.into_inner().expect("no thread panicked");
    let mut sum = Figures::default();
    for seed in 1..=seeds {
        let seen = |job: usize| -> &Seen { &done[&(seed, job)] };
        let runs: Vec<(f64, &Seen)> =
            BUDGETS.iter().enumerate().map(|(job, budget)| (*budget, seen(job))).collect();
        add(&mut sum, judge(&Scenario::new(seed, Size::FULL), &runs, seen(BUDGETS.len())));
    }
    sum
}

/// The commands of `docs/quality.md` on a folder with `score.py` and its data.
fn traces(folder: &Path) {
    let here = std::env::current_exe().expect("a program runs from a file");
    let habitus = here.with_file_name("habitus");
    let out = std::env::temp_dir().join(format!("habitus-quality-{}", std::process::id()));
    std::fs::create_dir_all(&out).expect("a folder for scores");
    let file = |name: &str| folder.join(name).display().to_string();
    let left = |name: &str| out.join(name).display().to_string();
    let score = |args: &[String]| {
        let status = Command::new(&habitus).arg("score").args(args).status();
        assert!(status.expect("habitus starts").success(), "failed to score {args:?}");
    };
    let warmup = ["--warmup".to_owned(), file("agents/warmup.ndjson")];
    let frozen = |events: &str, to: &str| {
        let rest = ["--freeze".to_owned(), file(events), "-o".to_owned(), left(to)];
        score(&[&warmup[..], &rest[..]].concat());
    };
    let learning = [file("agents/test.ndjson"), "-o".to_owned(), left("learning.ndjson")];
    score(&[&warmup[..], &learning[..]].concat());
    frozen("agents/test.ndjson", "frozen-test.ndjson");
    frozen("agents/extra.ndjson", "frozen-extra.ndjson");
    score(&[file("network/events.ndjson"), "-o".to_owned(), left("network.ndjson")]);
    let scorer = |args: &[String]| {
        let status = Command::new(folder.join("score.py")).args(args).status();
        assert!(status.expect("score.py starts").success(), "failed to judge {args:?}");
    };
    println!("Agents:\n");
    let scores = ["learning.ndjson", "frozen-test.ndjson", "frozen-extra.ndjson"].map(left);
    let [learning, frozen_test, frozen_extra] = scores;
    let labels = file("agents/labels.csv");
    let learning = ["--learning".to_owned(), learning, "--frozen".to_owned()];
    let agents = ["agents".to_owned(), labels];
    scorer(&[&agents[..], &learning[..], &[frozen_test, frozen_extra][..]].concat());
    println!("\nNetwork:\n");
    scorer(&["network".to_owned(), file("network/labels.csv"), left("network.ndjson")]);
    std::fs::remove_dir_all(&out).expect("the folder for scores goes");
}
