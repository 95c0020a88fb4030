//! The architecture as tests: who may see whom, what a pure crate may reach, which places stand. It asks
//! cargo, so that renamed, target-specific and transitive dependencies count.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tests::{cargo, workspace_root};

const PURE: [&str; 13] = [
    "schemas", "record", "ingest", "networks", "mapping", "baseline", "detector", "policy", "ocsf",
    "said", "alerting", "config", "scenario",
];

/// What each crate of the workspace sees of it, directly. A new edge is a change of the architecture.
const EDGES: [(&str, &[&str]); 23] = [
    ("schemas", &[]),
    ("record", &["schemas"]),
    ("ingest", &["record", "schemas"]),
    ("networks", &["schemas"]),
    ("mapping", &["ingest", "record", "schemas"]),
    ("baseline", &["schemas"]),
    ("detector", &["baseline", "schemas"]),
    ("policy", &["schemas"]),
    ("ocsf", &["schemas"]),
    ("said", &["schemas"]),
    ("alerting", &["baseline", "ocsf", "policy", "said", "schemas"]),
    ("config", &["alerting", "detector", "ingest", "mapping", "schemas"]),
    ("bus", &[]),
    ("lane", &["bus"]),
    ("sinks", &["bus", "schemas"]),
    ("telemetry", &["alerting", "baseline", "bus", "lane", "schemas"]),
    (
        "stream",
        &[
            "alerting",
            "baseline",
            "bus",
            "config",
            "detector",
            "ingest",
            "lane",
            "mapping",
            "networks",
            "schemas",
            "sinks",
            "telemetry",
        ],
    ),
    ("operator", &["alerting", "bus", "config", "lane", "schemas", "stream"]),
    ("doctor", &["bus", "config", "ingest", "mapping", "schemas", "stream"]),
    ("scenario", &["schemas"]),
    (
        "habitus",
        &[
            "alerting",
            "baseline",
            "bus",
            "config",
            "detector",
            "doctor",
            "ingest",
            "lane",
            "mapping",
            "networks",
            "operator",
            "scenario",
            "schemas",
            "stream",
            "telemetry",
        ],
    ),
    ("servers", &[]),
    ("xtask", &["servers"]),
];
/// Packages that may see every crate of the product: nothing sees them.
const OBSERVERS: [&str; 2] = ["tests", "benches"];

/// Crates that bring an effect: a runtime, a socket, a clock, randomness, a logger, threads, a terminal.
const EFFECTS: &[&str] = &[
    "anyhow",
    "async-std",
    "chrono",
    "clap",
    "clap_builder",
    "clickhouse",
    "console",
    "crossbeam-channel",
    "env_logger",
    "fastrand",
    "futures",
    "getrandom",
    "hyper",
    "indicatif",
    "instant",
    "log",
    "mio",
    "notify",
    "num_cpus",
    "parking_lot",
    "rand",
    "rand_chacha",
    "rand_core",
    "rayon",
    "rdkafka",
    "rdkafka-sys",
    "reqwest",
    "rustls",
    "signal-hook",
    "smol",
    "socket2",
    "tempfile",
    "time",
    "tokio",
    "tracing",
    "tracing-core",
    "tracing-subscriber",
    "ureq",
    "uuid",
    "web-time",
];

#[test]
fn dependencies_point_inward() {
    let metadata = cargo(&workspace_root(), &["metadata", "--no-deps", "--format-version", "1"]);
    let metadata: Value = serde_json::from_str(&metadata).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let names: BTreeSet<&str> = packages.iter().filter_map(|p| p["name"].as_str()).collect();
    let allowed: BTreeMap<&str, &[&str]> = EDGES.into_iter().collect();
    for package in packages {
        let name = package["name"].as_str().unwrap();
        let edges = |dev: bool| -> BTreeSet<&str> {
            let all = package["dependencies"].as_array().unwrap().iter();
            all.filter(|edge| (edge["kind"].as_str() == Some("dev")) == dev)
                .filter_map(|edge| edge["name"].as_str())
                .filter(|edge| names.contains(edge))
                .collect()
        };
        if OBSERVERS.contains(&name) {
            let seen: BTreeSet<&str> = edges(false).union(&edges(true)).copied().collect();
            let mut product: BTreeSet<&str> =
                allowed.keys().copied().filter(|n| *n != "xtask").collect();
            // Benches of a broker share the fixtures of its tests.
            if name == "benches" {
                product.insert("tests");
            }
            assert!(seen.is_subset(&product), "{name} sees {seen:?}");
            continue;
        }
        let expected = allowed.get(name).unwrap_or_else(|| panic!("{name} has no line in EDGES"));
        let expected: BTreeSet<&str> = expected.iter().copied().collect();
        assert_eq!(edges(false), expected, "what {name} sees");
        // A crate's tests may see the crate itself, to turn a feature on.
        let mut seen = edges(true);
        seen.remove(name);
        assert!(seen.is_subset(&expected), "the tests of {name} see {seen:?}");
    }
}

#[test]
fn pure_crates_reach_no_effects() {
    for name in PURE {
        let features: [&[&str]; 2] = [&[], &["--all-features"]];
        for features in features {
            let mut arguments = vec!["tree", "-p", name, "-e", "normal", "--prefix", "none"];
            arguments.extend(features);
            let tree = cargo(&workspace_root(), &arguments);
            let reached = effects(&tree);
            assert!(reached.is_empty(), "{name} {features:?} reaches {reached:?}");
        }
    }
}

#[test]
fn an_effect_in_a_tree_is_found() {
    assert_eq!(effects("schemas v0.1.0 (/a)\ntokio v1.54.1\n"), BTreeSet::from(["tokio"]));
    assert_eq!(effects("logos v0.1.0\nrandom v0.1.0\n"), BTreeSet::new());
}

fn effects(tree: &str) -> BTreeSet<&str> {
    let names = tree.lines().filter_map(|line| line.split(' ').next());
    names.filter(|name| EFFECTS.contains(name)).collect()
}

#[test]
fn pure_crates_share_the_bans_of_clippy() {
    for name in PURE {
        let link = workspace_root().join(name).join("clippy.toml");
        let aim =
            fs::read_link(&link).unwrap_or_else(|error| panic!("{}: {error}", link.display()));
        assert_eq!(aim, Path::new("../clippy.toml"), "{name}");
    }
}

/// Crates that hold unsafe code, each in one file: there the lint is denied, not forbidden, so that the file may
/// lift it.
const UNSAFE: [(&str, &str); 1] = [("bus", "bus/src/kafka/raw.rs")];

#[test]
fn unsafe_code_is_forbidden_in_every_crate() {
    let manifest = fs::read_to_string(workspace_root().join("Cargo.toml")).unwrap();
    let members = manifest.split_once("members = [").unwrap().1.split_once(']').unwrap().0;
    let mut roots = 0;
    for name in members.split(',').map(|name| name.trim().trim_matches('"')) {
        let may = UNSAFE.iter().any(|(crate_name, _)| *crate_name == name);
        let lint = if may { "#![deny(unsafe_code)]" } else { "#![forbid(unsafe_code)]" };
        for root in ["src/lib.rs", "src/main.rs"] {
            let path = workspace_root().join(name).join(root);
            let Ok(text) = fs::read_to_string(&path) else { continue };
            roots += 1;
            assert!(text.lines().any(|line| line == lint), "{name}/{root} has no {lint}");
        }
    }
    assert!(roots >= EDGES.len(), "only {roots} crate roots found");
}

#[test]
fn unsafe_code_stands_in_its_files_and_says_why() {
    let is_word = |line: &str| {
        let code = line.split("//").next().unwrap_or_default();
        code.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "unsafe")
    };
    for (name, file) in UNSAFE {
        for path in sources(&workspace_root().join(name).join("src")) {
            let text = fs::read_to_string(&path).unwrap();
            let has = text.lines().any(is_word);
            let here = path == workspace_root().join(file);
            assert_eq!(has, here, "unsafe code in {}", path.display());
            let blocks = text.lines().filter(|line| line.contains("unsafe {")).count();
            let reasons = text.lines().filter(|line| line.contains("// SAFETY: ")).count();
            assert!(reasons >= blocks, "{blocks} blocks, {reasons} reasons in {}", path.display());
        }
    }
}

/// The Rust files below a folder.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let files = files.into_iter().filter(|path| path.extension().is_some_and(|ext| ext == "rs"));
    files.chain(folders.iter().flat_map(|folder| sources(folder))).collect()
}

#[test]
fn places_that_want_to_become_large_are_folders() {
    for folder in [
        "detector/src/signal",
        "baseline/src/part",
        "alerting/src/ocsf",
        "ingest/src/format",
        "habitus/src/commands",
        "docs/design",
        "changelog.d",
    ] {
        let files = fs::read_dir(workspace_root().join(folder)).into_iter().flatten().count();
        assert!(files > 0, "{folder} is missing or empty");
    }
}

#[test]
fn paths_in_architecture_md_exist() {
    let text = fs::read_to_string(workspace_root().join("ARCHITECTURE.md")).unwrap();
    let paths = named_paths(&text);
    assert!(paths.len() > 20, "only {} paths found", paths.len());
    let missing: Vec<_> =
        paths.iter().filter(|path| !workspace_root().join(path).exists()).collect();
    assert!(missing.is_empty(), "ARCHITECTURE.md names what does not exist: {missing:#?}");
}

#[test]
fn paths_are_read_out_of_code_spans() {
    let text =
        "see `a/b.rs`, `cargo x --y`, `c/d/<id>.rs` and `Fold`\n```\ne/f.rs\n```\n`README.md`";
    assert_eq!(named_paths(text), ["a/b.rs", "c/d/", "README.md"]);
}

/// Returns the paths in code spans; of one with a placeholder, the folder before it.
fn named_paths(text: &str) -> Vec<&str> {
    let outside_blocks = text.split("```").step_by(2);
    let spans = outside_blocks.flat_map(|part| part.split('`').skip(1).step_by(2));
    spans
        .filter(|span| !span.contains(' ') && !span.contains("::"))
        .filter(|span| span.contains('/') || span.ends_with(".md") || span.ends_with(".toml"))
        .map(|span| span.find(['<', '*']).map_or(span, |end| &span[..end]))
        .collect()
}
