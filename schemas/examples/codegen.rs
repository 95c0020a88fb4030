//! Writes the JSON Schemas of the wire forms into a folder: `codegen <dir>`. It decides nothing about
//! their content, and removes nothing that it did not write.

use std::io;
use std::path::PathBuf;

fn main() -> io::Result<()> {
    let dir = std::env::args_os().nth(1).map(PathBuf::from).ok_or_else(|| {
        io::Error::new(io::ErrorKind::InvalidInput, "find the folder: give it as first argument")
    })?;
    for (file, text) in schemas::wire_schemas() {
        std::fs::write(dir.join(file), text)?;
    }
    Ok(())
}
