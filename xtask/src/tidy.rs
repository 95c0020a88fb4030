//! Tidiness that neither rustfmt nor clippy sees: headers, sizes, names, words, paths. It reads only what
//! git tracks or would track, and reports every finding at once.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

/// Lines of a file without its tests; `RATCHET` lists older offenders, which may only shrink.
const FILE_LINES_MAX: usize = 450;
const RATCHET: &str = ".config/file-size.txt";
const CRATE_LINES_MAX: usize = 8_000;
/// Other limits: the binary only wires, tasks stay plain, each format is a file.
const CRATE_MAX_OF: [(&str, usize); 3] = [("habitus", 3_000), ("ingest", 9_000), ("xtask", 600)];

const FORBIDDEN_NAMES: [&str; 5] = ["utils", "common", "helpers", "misc", "manager"];
const FORBIDDEN_ATTRIBUTES: [(&str, &str); 4] = [
    ("#[allow(", "use #[expect(lint, reason = \"..\")]"),
    ("#![allow(", "use #![expect(lint, reason = \"..\")]"),
    ("#[ignore", "a test runs or does not exist"),
    ("#[should_panic", "assert the error instead"),
];
/// Places of one machine; split, so that this file does not name them.
const FORBIDDEN_PATHS: [&str; 3] =
    [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("../sha", "red")];
const PURE: &str =
    "schemas record ingest mapping baseline detector policy ocsf said alerting config scenario";
/// A second net under clippy's bans: effects that no pure crate names outside its tests.
const EFFECTS: &str = "HashMap HashSet RandomState SystemTime Instant Zoned::now Timestamp::now \
    TcpStream UdpSocket std::fs std::env std::process std::thread std::io::stdin std::io::stdout";

pub(crate) fn run() -> Result<ExitCode> {
    let root = crate::root()?;
    let mut problems = Vec::new();
    let mut sizes = BTreeMap::new();
    for path in files(&root)? {
        let Ok(bytes) = fs::read(root.join(&path)) else { continue };
        let text = String::from_utf8_lossy(&bytes);
        check_paths(&path, &text, &mut problems);
        if path.ends_with(".rs") {
            check_source(&path, &text, &mut problems);
            if !is_test(&path) {
                sizes.insert(path, without_tests(&text).len());
            }
        }
    }
    let ratchet = fs::read_to_string(root.join(RATCHET)).unwrap_or_default();
    check_sizes(&sizes, &ratchet, &mut problems);
    for problem in &problems {
        println!("{problem}");
    }
    if problems.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    println!("tidy: {} findings", problems.len());
    Ok(ExitCode::FAILURE)
}

/// Lists what git tracks or would track.
fn files(root: &Path) -> Result<Vec<String>> {
    let mut git = Command::new("git");
    git.current_dir(root).args(["ls-files", "-z", "-co", "--exclude-standard"]);
    let listed = crate::output(&mut git).context("failed to list the files of the workspace")?;
    let mut files: Vec<String> = listed.split_terminator('\0').map(str::to_owned).collect();
    files.sort();
    files.dedup();
    Ok(files)
}

fn is_test(path: &str) -> bool {
    path.split('/').any(|part| part == "tests" || part == "tests.rs")
}

/// Returns the lines of a file without the items under `#[cfg(test)]`, as rustfmt lays them out.
fn without_tests(text: &str) -> Vec<(usize, &str)> {
    let mut kept = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let item = line.trim_start();
        if !item.starts_with("#[cfg(test)]") {
            kept.push((number + 1, line));
            continue;
        }
        let indent = line.len() - item.len();
        lines.by_ref().map(|(_, line)| line).find(|line| {
            let item = line.trim_start();
            line.len() - item.len() == indent && (item.ends_with(';') || item.ends_with('}'))
        });
    }
    kept
}

fn check_source(path: &str, text: &str, problems: &mut Vec<String>) {
    let stem = path.rsplit('/').next().unwrap_or(path).trim_end_matches(".rs");
    if path.trim_end_matches(".rs").split('/').any(|part| FORBIDDEN_NAMES.contains(&part)) {
        problems.push(format!("{path}: name it after what it holds, not {FORBIDDEN_NAMES:?}"));
    }
    if !text.starts_with("//!") {
        problems.push(format!("{path}:1: a file opens with `//!`: what it is for, and not for"));
    }
    for (number, line) in (1..).zip(text.lines()) {
        for (attribute, instead) in FORBIDDEN_ATTRIBUTES {
            if line.trim_start().starts_with(attribute) {
                problems.push(format!("{path}:{number}: {attribute} is banned: {instead}"));
            }
        }
        if stem == "mod" && !is_declaration(line) {
            problems.push(format!("{path}:{number}: mod.rs only declares and re-exports"));
        }
    }
    let in_src = |name| path.strip_prefix(name).is_some_and(|p| p.starts_with("/src/"));
    let pure = PURE.split(' ').any(in_src);
    if !pure || is_test(path) {
        return;
    }
    for (number, line) in without_tests(text) {
        let code = line.split("//").next().unwrap_or_default();
        for effect in EFFECTS.split(' ').filter(|effect| has_word(code, effect)) {
            problems.push(format!("{path}:{number}: {effect} in a pure crate"));
        }
    }
}

/// Whether a line may stand in `mod.rs`: no item that has a body or a value.
fn is_declaration(line: &str) -> bool {
    let mut words = line.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '/' && c != '#');
    let first = words.find(|word| !["", "pub", "crate", "super", "in"].contains(word));
    let items = "fn struct enum union impl trait const static type macro_rules unsafe async extern";
    !first.is_some_and(|first| items.split(' ').any(|item| item == first))
}

fn has_word(code: &str, word: &str) -> bool {
    let inside = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).any(|(start, _)| {
        !code[..start].ends_with(inside) && !code[start + word.len()..].starts_with(inside)
    })
}

fn check_paths(path: &str, text: &str, problems: &mut Vec<String>) {
    if path.starts_with(".ci/") || path == "Cargo.lock" {
        return;
    }
    for (number, line) in (1..).zip(text.lines()) {
        for place in FORBIDDEN_PATHS {
            let named = |(start, _): (usize, &str)| {
                !line[..start].ends_with(|c: char| c.is_alphanumeric() || "_-./~}".contains(c))
            };
            if line.match_indices(place).any(named) {
                problems.push(format!("{path}:{number}: names {place}, a place of one machine"));
            }
        }
    }
}

fn check_sizes(sizes: &BTreeMap<String, usize>, ratchet: &str, problems: &mut Vec<String>) {
    let listed: BTreeMap<&str, usize> = ratchet
        .lines()
        .filter_map(|line| line.trim().split_once(' '))
        .filter_map(|(path, lines)| Some((path, lines.parse().ok()?)))
        .collect();
    let mut crates: BTreeMap<&str, usize> = BTreeMap::new();
    for (path, &lines) in sizes {
        let limit =
            listed.get(path.as_str()).map_or(FILE_LINES_MAX, |&old| old.max(FILE_LINES_MAX));
        if lines > limit {
            problems.push(format!("{path}: {lines} lines without tests, limit {limit}: split it"));
        }
        if let Some((name, _)) = path.split_once("/src/") {
            *crates.entry(name).or_default() += lines;
        }
    }
    for (path, old) in listed {
        let lines = sizes.get(path).copied().unwrap_or(0);
        if lines <= FILE_LINES_MAX {
            problems.push(format!("{RATCHET}: {path} is within the limit: remove its line"));
        } else if lines < old {
            problems.push(format!("{RATCHET}: {path} has shrunk: lower {old} to {lines}"));
        }
    }
    for (name, lines) in crates {
        let special = CRATE_MAX_OF.iter().find(|(special, _)| *special == name);
        let limit = special.map_or(CRATE_LINES_MAX, |special| special.1);
        if lines > limit {
            problems.push(format!("{name}: {lines} lines without tests, limit {limit}: split it"));
        }
    }
}

#[cfg(test)]
#[path = "tidy/tests.rs"]
mod tests;
