//! Where events come from: files, standard input or bytes in memory, a line a record.

use std::fs::File;
use std::io::{self, Read};

use anyhow::Context;

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
    /// The lines.
    pub bytes: &'a [u8],
}

/// Reads a file, or standard input for `-`.
pub fn open(path: &str) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if path == "-" {
        io::stdin().lock().read_to_end(&mut bytes).context("read standard input")?;
        return Ok(bytes);
    }
    let mut file = File::open(path).with_context(|| format!("open {path}"))?;
    file.read_to_end(&mut bytes).with_context(|| format!("read {path}"))?;
    Ok(bytes)
}
