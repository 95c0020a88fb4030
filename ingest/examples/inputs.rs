//! Writes the pages of the input formats into a folder: `inputs <dir>`. It decides nothing about their
//! content, and removes nothing that it did not write.

use std::io;
use std::path::PathBuf;

fn main() -> io::Result<()> {
    let dir = std::env::args_os().nth(1).map(PathBuf::from).ok_or_else(|| {
        io::Error::new(io::ErrorKind::InvalidInput, "find the folder: give it as first argument")
    })?;
    for (file, text) in ingest::pages() {
        std::fs::write(dir.join(file), text)?;
    }
    Ok(())
}
