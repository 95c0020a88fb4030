//! The page that leads from a stranger's JSON to scores: its commands are run as they stand, on the log and with the
//! mapping that the page shows, and must say what it shows. `HABITUS_WRITE_PAGES=1` writes what they say instead.

use std::env;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use tests::{fresh, habitus_in, workspace_root};

const FENCE: &str = "```";

/// The page with the outputs that its commands have now.
fn made(page: &str, folder: &Path) -> String {
    let mut out = String::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let _infallible = writeln!(out, "{line}");
        if line != "```console" {
            continue;
        }
        for command in lines.by_ref().take_while(|line| *line != FENCE) {
            let Some(command) = command.strip_prefix("$ habitus ") else { continue };
            let arguments: Vec<&str> = command.split(' ').collect();
            let output = habitus_in(folder, &arguments);
            let said = [output.stdout, output.stderr].concat();
            let said = String::from_utf8(said).expect("a text");
            let _infallible = writeln!(out, "$ habitus {command}\n{}", said.trim_end());
            assert!(output.status.success(), "{command} ended with {}: {said}", output.status);
        }
        let _infallible = writeln!(out, "{FENCE}");
    }
    out
}

#[test]
fn the_page_shows_what_its_commands_say() {
    let path: PathBuf = workspace_root().join("docs/own-json.md");
    let page = fs::read_to_string(&path).expect("the page");
    let (_, rest) = page.split_once("```toml\n").expect("a mapping");
    let (mapping, _) = rest.split_once(FENCE).expect("its end");
    let folder = fresh(Path::new(env!("CARGO_TARGET_TMPDIR")).join("own-json"));
    fs::write(folder.join("habitus.toml"), mapping).expect("a config");
    fs::copy(path.with_extension("ndjson"), folder.join("gateway.ndjson")).expect("a log");
    let made = made(&page, &folder);
    if env::var_os("HABITUS_WRITE_PAGES").is_some() {
        return fs::write(path, made).expect("the page is written");
    }
    assert!(made == page, "the page differs; with HABITUS_WRITE_PAGES=1 it becomes\n{made}");
}
