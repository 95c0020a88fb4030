//! `quality [--seeds N] [--explain] [--data DIR]`: detection, alert budgets and the cost of benign changes on the
//! scenarios, as Markdown; and with a folder of labelled traces the figures of its scorer. Run it by
//! `cargo xtask quality`. It exits 0 whatever it finds. `--events SEED` writes the events of a seed instead, for
//! `habitus explain`, `--inventory SEED` who is registered, and `--incidents SEED` what is wrong in them.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use tests::quality::{Figures, Seen, add, judge, markdown, run};
use tests::scenario::{Scenario, Size, With};

const BUDGETS: [f64; 3] = [0.1, 1.0, 10.0];
const ALL: With = With { incidents: true, changes: true };
const UNCHANGED: With = With { incidents: true, changes: false };

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let value =
        |flag: &str| args.iter().position(|arg| arg == flag).and_then(|place| args.get(place + 1));
    let seeds: u64 = value("--seeds").map_or(3, |n| n.parse().expect("--seeds takes a number"));
    if let Some(seed) = value("--inventory") {
        let scenario = Scenario::new(seed.parse().expect("a seed is a number"), Size::FULL);
        return print!("{}", scenario.inventory());
    }
    if let Some(seed) = value("--events").or(value("--incidents")) {
        let scenario = Scenario::new(seed.parse().expect("a seed is a number"), Size::FULL);
        return show(&scenario, value("--events").is_some()).expect("standard output takes it");
    }
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

/// Writes the events of a scenario, or a line for each incident.
fn show(scenario: &Scenario, events: bool) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    let mut line = Vec::new();
    for call in scenario.stream(ALL).flatten().filter(|_| events) {
        line.clear();
        call.write(&mut line);
        out.write_all(&line)?;
    }
    for incident in scenario.incidents().iter().filter(|_| !events) {
        writeln!(out, "{incident:?}")?;
    }
    out.flush()
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

/// A folder with `score.py` and its data, and one for what is made of it.
struct Traces<'a> {
    folder: &'a Path,
    made: PathBuf,
}

impl Traces<'_> {
    /// A file of the data; where only its `.zst` is there, it is unpacked first.
    fn file(&self, name: &str) -> String {
        let (plain, packed) = (self.folder.join(name), self.folder.join(format!("{name}.zst")));
        if plain.exists() || !packed.exists() {
            return plain.display().to_string();
        }
        let unpacked = self.made(&name.replace('/', "-"));
        if !Path::new(&unpacked).exists() {
            done(Command::new("zstd").args(["-dq", "-o", &unpacked]).arg(packed));
        }
        unpacked
    }

    fn made(&self, name: &str) -> String {
        self.made.join(name).display().to_string()
    }

    fn score(&self, args: &[&str]) {
        let here = std::env::current_exe().expect("a program runs from a file");
        done(Command::new(here.with_file_name("habitus")).arg("score").args(args));
    }

    fn judge(&self, args: &[&str]) {
        done(Command::new(self.folder.join("score.py")).args(args));
        println!();
    }
}

fn done(command: &mut Command) {
    let status = command.status().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(status.success(), "failed to run {command:?}: {status}");
}

/// The commands of `docs/quality.md`.
fn traces(folder: &Path) {
    tests::cargo(&tests::workspace_root(), &["build", "-q", "--release", "-p", "habitus"]);
    let made = std::env::temp_dir().join(format!("habitus-quality-{}", std::process::id()));
    std::fs::create_dir_all(&made).expect("a folder for scores");
    let traces = Traces { folder, made };
    let [warmup, test, extra] =
        ["warmup", "test", "extra"].map(|name| traces.file(&format!("agents/{name}.ndjson")));
    let [learning, frozen, other] =
        ["learning", "frozen-test", "frozen-extra"].map(|name| traces.made(name));
    traces.score(&["--warmup", &warmup, &test, "-o", &learning]);
    traces.score(&["--warmup", &warmup, "--freeze", &test, "-o", &frozen]);
    traces.score(&["--warmup", &warmup, "--freeze", &extra, "-o", &other]);
    println!("Agents:\n");
    let labels = traces.file("agents/labels.csv");
    traces.judge(&["agents", &labels, "--learning", &learning, "--frozen", &frozen, &other]);
    let (events, scores) = (traces.file("network/events.ndjson"), traces.made("network-scores"));
    traces.score(&[&events, "-o", &scores]);
    println!("Network:\n");
    traces.judge(&["network", &traces.file("network/labels.csv"), &scores]);
    std::fs::remove_dir_all(&traces.made).expect("the folder for scores goes");
}
