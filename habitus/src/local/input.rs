//! Where events come from: files, packed or not, standard input, or bytes in memory.

use std::fs::File;
use std::io::{self, Read};

use anyhow::Context;
use ingest::LogFile;
use schemas::Rejection;

use crate::commands::misuse;

/// What an input is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Teaches; no lines.
    Warmup,
    /// Is scored, a line each.
    Scored,
}

/// One input: a topic id, its role and its bytes.
pub struct Input<'a> {
    /// `file:k` for the k-th file.
    pub topic: &'a str,
    /// What it is for.
    pub role: Role,
    /// What it holds.
    pub bytes: &'a [u8],
}

/// Reads a file, or standard input for `-`, and unpacks it; what cannot be unpacked is refused with its reason.
pub fn unpack(path: &str) -> anyhow::Result<Result<LogFile, Rejection>> {
    let mut bytes = Vec::new();
    if path == "-" {
        io::stdin().lock().read_to_end(&mut bytes).context("read standard input")?;
    } else {
        let mut file = File::open(path).with_context(|| format!("open {path}"))?;
        file.read_to_end(&mut bytes).with_context(|| format!("read {path}"))?;
    }
    Ok(LogFile::open(bytes))
}

/// The same for whoever needs the file.
pub fn open(path: &str) -> anyhow::Result<LogFile> {
    unpack(path)?.map_err(|refused| {
        let (code, why) = (refused.code.as_str(), refused.message);
        misuse(format!("read {path}: {code}: failed to {why}"))
    })
}
