//! The seam of the signals: a new one touches its own file, one line in the list and what is generated
//! from both. It works on a copy of the workspace, never on the workspace.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tests::{cargo, workspace_root};

const LIST: &str = "detector/src/signal/mod.rs";
const PROBE: &str = "sample_probe";

/// The files of a tree by their paths in it.
type Tree = BTreeMap<PathBuf, Vec<u8>>;

#[test]
fn a_new_signal_touches_its_file_one_line_and_generated_text() {
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR")).join("new-signal");
    let copy = scratch.join("tree");
    let before = tracked(&workspace_root());
    sync(&copy, &before);

    add_signal(&copy);
    build(&scratch, &["run", "-q", "-p", "xtask", "--", "codegen", "--signals"]);
    let after = read(&copy);

    let changed: Vec<&str> = after
        .iter()
        .filter(|(path, bytes)| before.get(*path) != Some(*bytes))
        .filter_map(|(path, _)| path.to_str())
        .collect();
    let probe = format!("detector/src/signal/{PROBE}.rs");
    assert_eq!(changed, ["detector/src/signal/list.rs", LIST, &probe, "docs/signals.md"]);
    assert_eq!(after.len(), before.len() + 1, "no file is removed");
    let lines = |tree: &Tree| tree[Path::new(LIST)].iter().filter(|byte| **byte == b'\n').count();
    assert_eq!(lines(&after), lines(&before) + 1);

    build(&scratch, &["check", "-q", "-p", "detector"]);
}

/// Adds a copy of the smallest signal under a new id, and its line.
fn add_signal(root: &Path) {
    let folder = root.join("detector/src/signal");
    let list = fs::read_to_string(root.join(LIST)).unwrap();
    let ids = || list.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    let text = |id: &str| fs::read_to_string(folder.join(id).with_extension("rs")).unwrap();
    let model = ids().min_by_key(|id| text(id).len()).expect("some signal stands in the list");
    let probe = text(model)
        .replacen(&format!("//! # {model}"), &format!("//! # {PROBE}"), 1)
        .replacen(&format!("id: \"{model}\""), &format!("id: \"{PROBE}\""), 1);
    fs::write(folder.join(PROBE).with_extension("rs"), probe).unwrap();

    let line = format!("pub mod {PROBE};\n");
    let longer = match ids().find(|id| *id > PROBE) {
        Some(next) => {
            list.replacen(&format!("pub mod {next};"), &format!("{line}pub mod {next};"), 1)
        }
        None => {
            let last = format!("pub mod {};\n", ids().next_back().unwrap());
            list.replacen(&last, &format!("{last}{line}"), 1)
        }
    };
    fs::write(root.join(LIST), longer).unwrap();
}

/// Runs cargo in the copy, with a build folder of its own that later runs find again.
fn build(scratch: &Path, arguments: &[&str]) {
    let target = scratch.join("target");
    let target = target.to_str().expect("a path in UTF-8");
    let (verb, rest) = arguments.split_first().unwrap();
    let mut all = vec![*verb, "--target-dir", target];
    all.extend(rest);
    cargo(&scratch.join("tree"), &all);
}

/// Reads what git tracks or would track.
fn tracked(root: &Path) -> Tree {
    let mut git = Command::new("git");
    git.current_dir(root).args(["ls-files", "-z", "-co", "--exclude-standard"]);
    let listed = String::from_utf8(git.output().expect("git starts").stdout).unwrap();
    let paths = listed.split_terminator('\0').map(PathBuf::from);
    paths.filter_map(|path| Some((path.clone(), fs::read(root.join(path)).ok()?))).collect()
}

/// Reads every file of a folder.
fn read(root: &Path) -> Tree {
    let mut tree = Tree::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let bytes = fs::read(&path).unwrap();
                tree.insert(path.strip_prefix(root).unwrap().to_path_buf(), bytes);
            }
        }
    }
    tree
}

/// Makes a folder hold exactly these files; what is the same stays, with its date.
fn sync(root: &Path, wanted: &Tree) {
    let present = read(root);
    for path in present.keys().filter(|path| !wanted.contains_key(*path)) {
        fs::remove_file(root.join(path)).unwrap();
    }
    for (path, bytes) in wanted.iter().filter(|(path, bytes)| present.get(*path) != Some(*bytes)) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}
