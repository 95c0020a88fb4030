//! `quality [--seeds N] [--first SEED] [--explain] [--data DIR]`: detection, alert budgets and the cost of benign changes on the
//! scenarios, as Markdown; and with a folder of labelled traces the figures of its scorer. Run it by
//! `cargo xtask quality`. It exits 0 whatever it finds. `--response [--agents N]` tells instead what automatic response
//! does, at three sizes of the fleet or one; `--data DIR --baseline BIN` how fast `score` is beside that of another
//! build. `--events SEED` writes the events of a seed, for `habitus explain`, `--inventory SEED` who is registered, and
//! `--incidents SEED` what is wrong in them.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::Instant;

use tests::quality::{Answers, Figures, Seen, add, answers_markdown, ask, judge, markdown, run};
use tests::scenario::{Scenario, Size, With};

const BUDGETS: [f64; 3] = [0.1, 1.0, 10.0];
/// Sizes of the fleet on which response is measured.
const FLEETS: [u32; 3] = [100, 320, 1_000];
/// Times that each of two programs is timed.
const ROUNDS: usize = 5;
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
    if args.iter().any(|arg| arg == "--response") {
        let agents = value("--agents").map(|n| n.parse().expect("--agents takes a number"));
        return println!("{}", answers_markdown(&answers(seeds, agents), seeds));
    }
    if let (Some(folder), Some(baseline)) = (value("--data"), value("--baseline")) {
        return traces(Path::new(folder), Some(Path::new(baseline)));
    }
    let explain = args.iter().any(|arg| arg == "--explain");
    let first: u64 = value("--first").map_or(1, |n| n.parse().expect("--first takes a seed"));
    let figures = scenarios(first..first + seeds, explain);
    println!("{}", markdown(&figures, seeds));
    for missed in figures.missed.iter().filter(|_| explain) {
        println!("missed: {missed}");
    }
    if let Some(folder) = value("--data") {
        traces(Path::new(folder), None);
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

/// Does jobs on as many threads as there are cores, the last ones first; gives what they made in order of the jobs.
fn on_threads<J: Ord + Copy + Send, R: Send>(
    jobs: Vec<J>,
    work: impl Fn(J) -> R + Sync,
) -> BTreeMap<J, R> {
    let (jobs, done) = (Mutex::new(jobs), Mutex::new(BTreeMap::new()));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let Some(job) = jobs.lock().expect("no thread panicked").pop() else { return };
                    let made = work(job);
                    done.lock().expect("no thread panicked").insert(job, made);
                }
            });
        }
    });
    done.into_inner().expect("no thread panicked")
}

/// Runs every seed at every budget, and at 1 without changes.
fn scenarios(seeds: Range<u64>, explain: bool) -> Figures {
    let mut jobs: Vec<(u64, usize)> = Vec::new();
    jobs.extend(seeds.clone().flat_map(|seed| (0..=BUDGETS.len()).map(move |job| (seed, job))));
    jobs.reverse();
    let done = on_threads(jobs, |(seed, job)| {
        let (with, budget) = match BUDGETS.get(job) {
            Some(budget) => (ALL, *budget),
            None => (UNCHANGED, 1.0),
        };
        let seen = run(&Scenario::new(seed, Size::FULL), with, budget, explain && job == 1);
        eprintln!("seed {seed}, budget {budget}: {} events", seen.n_scored);
        seen
    });
    let mut sum = Figures::default();
    for seed in seeds {
        let seen = |job: usize| -> &Seen { &done[&(seed, job)] };
        let runs: Vec<(f64, &Seen)> =
            BUDGETS.iter().enumerate().map(|(job, budget)| (*budget, seen(job))).collect();
        add(&mut sum, judge(&Scenario::new(seed, Size::FULL), &runs, seen(BUDGETS.len())));
    }
    sum
}

/// Runs every seed at every size, or one, with automatic response; the largest first.
fn answers(seeds: u64, agents: Option<u32>) -> BTreeMap<u32, Answers> {
    let sizes = agents.map_or_else(|| FLEETS.to_vec(), |agents| vec![agents]);
    let jobs = sizes.iter().flat_map(|size| (1..=seeds).map(move |seed| (*size, seed))).collect();
    let done = on_threads(jobs, |(size, seed)| {
        let answers = ask(&Scenario::new(seed, Size::of_agents(size)));
        eprintln!("seed {seed}, {size} agents: {} events", answers.events);
        answers
    });
    let mut sums: BTreeMap<u32, Answers> = BTreeMap::new();
    for ((size, _), answers) in &done {
        sums.entry(*size).or_default().add(answers);
    }
    sums
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
        done(Command::new(scorer()).arg("score").args(args));
    }

    /// Times `score` of this build and of another in turns, and prints how much faster this one is.
    fn compare(&self, baseline: &Path) {
        let [warmup, test, network] =
            ["agents/warmup.ndjson", "agents/test.ndjson", "network/events.ndjson"]
                .map(|name| self.file(name));
        println!("| `score` on | events/s | baseline | ratio of medians |\n|---|---|---|---|");
        let sets = [("agents", vec!["--warmup", &*warmup, &*test]), ("network", vec![&*network])];
        for (name, args) in sets {
            let scores = self.made("timed");
            let binaries = [scorer(), baseline.to_owned()];
            let mut taken = [Vec::new(), Vec::new()];
            for round in 0..ROUNDS {
                for turn in 0..2 {
                    // Who goes first alternates, so that neither always has the warmer machine.
                    let which = (turn + round) % 2;
                    let mut command = Command::new(&binaries[which]);
                    let begin = now();
                    done(command.arg("score").args(&args).args(["-o", &scores]));
                    taken[which].push(begin.elapsed().as_secs_f64());
                }
            }
            let lines = std::fs::read(&scores).expect("scores were written");
            let events = lines.iter().filter(|byte| **byte == b'\n').count() as f64;
            let [own, other] = taken.map(median);
            let (faster, own, other) = (other / own, events / own, events / other);
            println!("| {name} | {own:.0} | {other:.0} | {faster:.2} |");
        }
    }

    fn judge(&self, args: &[&str]) {
        done(Command::new(self.folder.join("score.py")).args(args));
        println!();
    }

    fn judge_all(&self) {
        let [warmup, test, extra] =
            ["warmup", "test", "extra"].map(|name| self.file(&format!("agents/{name}.ndjson")));
        let [learning, frozen, other] =
            ["learning", "frozen-test", "frozen-extra"].map(|name| self.made(name));
        self.score(&["--warmup", &warmup, &test, "-o", &learning]);
        self.score(&["--warmup", &warmup, "--freeze", &test, "-o", &frozen]);
        self.score(&["--warmup", &warmup, "--freeze", &extra, "-o", &other]);
        println!("Agents:\n");
        let labels = self.file("agents/labels.csv");
        self.judge(&["agents", &labels, "--learning", &learning, "--frozen", &frozen, &other]);
        let (events, scores) = (self.file("network/events.ndjson"), self.made("network-scores"));
        self.score(&[&events, "-o", &scores]);
        println!("Network:\n");
        self.judge(&["network", &self.file("network/labels.csv"), &scores]);
    }
}

/// The program of this build.
fn scorer() -> PathBuf {
    let here = std::env::current_exe().expect("a program runs from a file");
    here.with_file_name("habitus")
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

#[expect(clippy::disallowed_methods, reason = "it measures; no figure of quality depends on it")]
fn now() -> Instant {
    Instant::now()
}

fn done(command: &mut Command) {
    let status = command.status().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(status.success(), "failed to run {command:?}: {status}");
}

/// The commands of `docs/quality.md`, or the throughput beside that of another build.
fn traces(folder: &Path, baseline: Option<&Path>) {
    tests::cargo(&tests::workspace_root(), &["build", "-q", "--release", "-p", "habitus"]);
    let made = std::env::temp_dir().join(format!("habitus-quality-{}", std::process::id()));
    std::fs::create_dir_all(&made).expect("a folder for scores");
    let traces = Traces { folder, made };
    match baseline {
        Some(baseline) => traces.compare(baseline),
        None => traces.judge_all(),
    }
    std::fs::remove_dir_all(&traces.made).expect("the folder for scores goes");
}
