//! Generated files: JSON Schemas, the pages of the input formats, the list and the documentation of the signals, the
//! references of the config and the metrics. Each has one hand-written source; `--check` writes nothing.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, ensure};

/// The sections that the header of each signal has, in this order.
const SECTIONS: [&str; 4] = ["Detects", "Why", "Wrong when", "Example"];
const SIGNALS: &str = "detector/src/signal";
/// Folders that an example writes, how it is run, and whether it writes all that stands there.
const WRITTEN: [(&str, &str, bool); 2] = [
    ("schemas/json", "run -q -p schemas --features json-schema --example codegen --", true),
    ("docs/inputs", "run -q -p ingest --example inputs --", false),
];

/// One generated file: its path in the workspace and its text; no text where it must not exist.
struct Generated {
    path: PathBuf,
    text: Option<String>,
}

pub(crate) fn run(flags: &[&str]) -> Result<ExitCode> {
    let known = |flag: &&str| ["--check", "--signals", "--tls"].contains(flag);
    ensure!(flags.iter().all(known), "codegen takes --check, --signals and --tls");
    let check = flags.contains(&"--check");
    let root = crate::root()?;
    // The signals first: without their list the other crates do not build.
    let mut stale = settle(&root, signals(&root)?, check)?;
    if !flags.contains(&"--signals") {
        for what in WRITTEN {
            stale.extend(settle(&root, written(&root, what)?, check)?);
        }
        stale.extend(settle(&root, config(&root, flags.contains(&"--tls"))?, check)?);
    }
    for path in &stale {
        println!("{} {}", if check { "stale:" } else { "wrote" }, path.display());
    }
    ensure!(!check || stale.is_empty(), "generated files are stale: run `cargo xtask codegen`");
    Ok(ExitCode::SUCCESS)
}

/// Compares each file with the tree, writes what differs unless `check`, and returns what differed.
fn settle(root: &Path, files: Vec<Generated>, check: bool) -> Result<Vec<PathBuf>> {
    let mut stale = Vec::new();
    for Generated { path, text } in files {
        let full = root.join(&path);
        if fs::read_to_string(&full).ok() == text {
            continue;
        }
        if !check {
            match text {
                Some(text) => {
                    fs::create_dir_all(full.parent().unwrap_or(root))?;
                    fs::write(&full, text)
                }
                None => fs::remove_file(&full),
            }
            .with_context(|| format!("failed to write {}", path.display()))?;
        }
        stale.push(path);
    }
    Ok(stale)
}

// === The signals ===

/// What the documentation says of one signal.
struct SignalPage {
    id: String,
    family: String,
    text: String,
}

fn signals(root: &Path) -> Result<Vec<Generated>> {
    let listed = root.join(SIGNALS).join("mod.rs");
    let listed = fs::read_to_string(&listed)
        .with_context(|| format!("failed to read the list of signals {}", listed.display()))?;
    let mut pages = Vec::new();
    for line in listed.lines() {
        let Some(id) = line.strip_prefix("pub mod ").and_then(|rest| rest.strip_suffix(';')) else {
            continue;
        };
        let path = root.join(SIGNALS).join(id).with_extension("rs");
        let text = fs::read_to_string(&path)
            .with_context(|| format!("failed to read the signal {}", path.display()))?;
        let page = signal_page(id, &text);
        pages
            .push(page.with_context(|| format!("failed to read the header of {SIGNALS}/{id}.rs"))?);
    }
    Ok(vec![
        Generated {
            path: Path::new(SIGNALS).join("list.rs"),
            text: Some(rustfmt(root, &signal_list(&pages))?),
        },
        Generated { path: "docs/signals.md".into(), text: Some(signal_docs(&pages)) },
    ])
}

fn signal_page(id: &str, file: &str) -> Result<SignalPage> {
    let header: Vec<&str> = file
        .lines()
        .map_while(|line| line.strip_prefix("//!"))
        .map(|line| line.strip_prefix(' ').unwrap_or(line))
        .collect();
    let (title, body) = header.split_first().context("no `//!` header")?;
    ensure!(*title == format!("# {id}"), "its first line is not `//! # {id}`");
    let mut last = 0;
    for section in SECTIONS {
        let mark = format!("**{section}.**");
        let line = body.iter().position(|line| line.starts_with(&mark));
        let line = line.with_context(|| format!("no paragraph that starts with `{mark}`"))?;
        ensure!(line >= last, "`{mark}` is out of order: {}", SECTIONS.join(", "));
        last = line;
    }
    let (_, signal) = file.split_once("const SIGNAL: ").context("no `const SIGNAL`")?;
    let stated = quoted_after(signal, "id: \"").context("no `id: \"...\"` in SIGNAL")?;
    ensure!(stated == id, "SIGNAL says id \"{stated}\"");
    let family = quoted_after(signal, "family: \"").context("no `family: \"...\"` in SIGNAL")?;
    let text = body.join("\n").trim().to_owned();
    Ok(SignalPage { id: id.to_owned(), family: family.to_owned(), text })
}

fn quoted_after<'a>(text: &'a str, mark: &str) -> Option<&'a str> {
    Some(text.split_once(mark)?.1.split_once('"')?.0)
}

fn signal_list(pages: &[SignalPage]) -> String {
    let modules: String = pages.iter().map(|page| format!(", {}", page.id)).collect();
    let entries: String = pages.iter().map(|page| format!("&{}::SIGNAL, ", page.id)).collect();
    format!(
        "//! Generated by cargo xtask codegen: every signal, in the order of mod.rs. Do not edit.\n\n\
         use super::{{Signal{modules}}};\n\n\
         pub(super) const ALL: &[&Signal] = &[{entries}];\n"
    )
}

fn signal_docs(pages: &[SignalPage]) -> String {
    let mut docs = String::from(
        "# Signals\n\n\
         <!-- Generated by `cargo xtask codegen` from the headers in detector/src/signal. Do not edit. -->\n\n\
         A signal is one kind of strangeness: it gives evidence in nats, with its reason. Its id is its name in\n\
         alerts, metrics, config and files.\n\n\
         | signal | family |\n|---|---|\n",
    );
    for SignalPage { id, family, .. } in pages {
        docs += &format!("| [`{id}`](#{id}) | {family} |\n");
    }
    for SignalPage { id, family, text } in pages {
        docs += &format!("\n## {id}\n\nFamily: {family}.\n\n{text}\n");
    }
    docs
}

fn rustfmt(root: &Path, text: &str) -> Result<String> {
    let mut child = Command::new("rustfmt")
        .args(["--edition", "2024", "--emit", "stdout"])
        .current_dir(root)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("failed to start rustfmt")?;
    child.stdin.take().context("failed to reach rustfmt")?.write_all(text.as_bytes())?;
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "rustfmt ended with {}", output.status);
    Ok(String::from_utf8(output.stdout)?)
}

// === Schemas and config ===

/// The files that an example of a crate writes into a folder given to it.
fn written(root: &Path, what: (&str, &str, bool)) -> Result<Vec<Generated>> {
    let (folder, arguments, is_whole) = what;
    let made = crate::target(root).join("codegen").join(folder);
    let _ = fs::remove_dir_all(&made);
    fs::create_dir_all(&made)?;
    crate::output(crate::cargo(root).args(arguments.split(' ')).arg(&made))?;
    let mut files = Vec::new();
    for from in fs::read_dir(&made)? {
        let from = from?.path();
        let path = Path::new(folder).join(from.file_name().unwrap_or_default());
        files.push(Generated { path, text: Some(fs::read_to_string(from)?) });
    }
    ensure!(!files.is_empty(), "`cargo {arguments}` wrote nothing");
    for entry in fs::read_dir(root.join(folder)).into_iter().flatten() {
        let path = Path::new(folder).join(entry?.file_name());
        if is_whole && !files.iter().any(|file| file.path == path) {
            files.push(Generated { path, text: None });
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn config(root: &Path, tls: bool) -> Result<Vec<Generated>> {
    let package = if tls { "habitus --features tls" } else { "habitus" };
    crate::output(crate::cargo(root).args(["build", "-q", "-p"]).args(package.split(' ')))?;
    let made = |(what, path): (&str, &str)| {
        let binary = crate::target(root).join("debug/habitus");
        let text = crate::output(Command::new(binary).args(["config", what]))?;
        Ok(Generated { path: path.into(), text: Some(text) })
    };
    let (schema, reference) = ("docs/habitus.schema.json", "docs/config.md");
    let pages = [("schema", schema), ("reference", reference), ("metrics", "docs/metrics.md")];
    pages.into_iter().map(made).collect()
}
