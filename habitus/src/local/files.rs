//! What a path on the command line means: a file, `-`, a folder with all that is in it, or a pattern. The order is that
//! of the names, so that the same files give the same result.

use std::fs;
use std::path::{MAIN_SEPARATOR, Path};

use anyhow::Context;
use ingest::Pattern;

/// The files that a path names, in order; a path that exists is itself, whatever characters it has.
pub fn files(path: &str) -> anyhow::Result<Vec<String>> {
    let is_pattern = path.contains(['*', '?']) && fs::symlink_metadata(path).is_err();
    let mut found = Vec::new();
    if is_pattern {
        let begin = path.find(['*', '?']).and_then(|at| path.get(..at)).unwrap_or_default();
        let folder = begin.rfind(MAIN_SEPARATOR).and_then(|at| begin.get(..=at)).unwrap_or("");
        let pattern = Pattern::new(path);
        walk(folder, &mut |file| {
            if pattern.matches(&file) {
                found.push(file);
            }
        })?;
        anyhow::ensure!(
            !found.is_empty(),
            crate::commands::misuse(format!("find a file like {path}"))
        );
    } else if path != "-" && fs::metadata(path).is_ok_and(|data| data.is_dir()) {
        let folder = format!("{}{MAIN_SEPARATOR}", path.trim_end_matches(MAIN_SEPARATOR));
        walk(&folder, &mut |file| found.push(file))?;
    } else {
        found.push(path.to_owned());
    }
    found.sort();
    Ok(found)
}

/// Every file below a folder; hidden ones, and links to folders, are left alone.
fn walk(folder: &str, on: &mut dyn FnMut(String)) -> anyhow::Result<()> {
    let at = if folder.is_empty() { Path::new(".") } else { Path::new(folder) };
    for entry in fs::read_dir(at).with_context(|| format!("read the folder {}", at.display()))? {
        let entry = entry?;
        let name = entry.file_name().into_string();
        let name = name.map_err(|name| {
            crate::commands::misuse(format!("read the name of {}", name.display()))
        })?;
        if name.starts_with('.') {
            continue;
        }
        let path = format!("{folder}{name}");
        if entry.file_type()?.is_dir() {
            walk(&format!("{path}{MAIN_SEPARATOR}"), on)?;
        } else if fs::metadata(&path).is_ok_and(|data| data.is_file()) {
            on(path);
        }
    }
    Ok(())
}
