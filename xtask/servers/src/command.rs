//! The command line of the servers.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::kafka::Kafka;

/// What it understands.
pub const USAGE: &str = "\
usage: cargo xtask servers up [--port N] [--dir D] | stop | kill | down [--dir D]

  up      starts Apache Kafka (or finds it running) and prints its address; data of a former run is kept
  stop    ends it in peace, kill at once; both keep its data
  down    ends it and removes its data; without --dir: every server below the build folder
  --port  its port, 19092 if not given before; its controller takes the next one
  --dir   another broker, with data of its own";

/// Runs `servers ARGS` for the servers in a folder.
pub fn run(servers: &Path, args: &[&str]) -> Result<()> {
    let Some((verb, mut flags)) = args.split_first() else { bail!("{USAGE}") };
    let (mut port, mut dir) = (None, None);
    while let [flag, value, rest @ ..] = flags {
        match (*flag, value.parse()) {
            ("--port", Ok(number)) if *verb == "up" => port = Some(number),
            ("--dir", _) => dir = Some(PathBuf::from(value)),
            _ => bail!("{USAGE}"),
        }
        flags = rest;
    }
    let kafka = match &dir {
        Some(dir) => Kafka::new(servers, dir)?,
        None => Kafka::default(servers)?,
    };
    match (*verb, flags) {
        ("up", []) => {
            let (port, started) = match (port, &dir) {
                (None, Some(_)) => kafka.up_on_free_port()?,
                _ => kafka.up(port)?,
            };
            println!("kafka 127.0.0.1:{port}");
            println!("HABITUS_TEST_KAFKA=127.0.0.1:{port}");
            if !started {
                println!("it was answering already: nothing was started");
            }
        }
        ("stop", []) => kafka.stop()?,
        ("kill", []) => kafka.kill()?,
        ("down", []) if dir.is_some() => kafka.down()?,
        ("down", []) => {
            for entry in fs::read_dir(servers).into_iter().flatten().flatten() {
                if entry.path().join("server.properties").exists() {
                    Kafka::new(servers, &entry.path())?.down()?;
                }
            }
        }
        _ => bail!("{USAGE}"),
    }
    Ok(())
}
