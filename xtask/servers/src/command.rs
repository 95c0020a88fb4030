//! The command line of the servers.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::kafka::Kafka;
use crate::otel::{Collector, missing_go};

/// What it understands.
pub const USAGE: &str = "\
usage: cargo xtask servers up [--port N] [--dir D] [--otel] | stop | kill | down [--dir D]

  up      starts Apache Kafka (or finds it running) and prints its address; data of a former run is kept
  stop    ends it in peace, kill at once; both keep its data
  down    ends it and removes its data; without --dir: every server below the build folder
  --port  its port, 19092 if not given before; its controller takes the next one
  --dir   another broker, with data of its own
  --otel  and an OpenTelemetry collector before it: OTLP over HTTP to the topics otlp_spans and otlp_spans_json";

/// The collector's port, and its topics.
const OTLP_PORT: u16 = 4_318;
const OTLP_TOPICS: [&str; 2] = ["otlp_spans", "otlp_spans_json"];

/// Runs `servers ARGS` for the servers in a folder.
pub fn run(servers: &Path, args: &[&str]) -> Result<()> {
    let Some((verb, mut flags)) = args.split_first() else { bail!("{USAGE}") };
    let (mut port, mut dir) = (None, None);
    let otel = *verb == "up" && flags.contains(&"--otel");
    let others: Vec<&str> =
        flags.iter().copied().filter(|flag| !otel || *flag != "--otel").collect();
    flags = &others;
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
    let collector = Collector::new(servers, &servers.join("otelcol"))?;
    if dir.is_none() && *verb != "up" {
        collector.down()?;
    }
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
            if otel {
                if let Some(missing) = missing_go() {
                    bail!("{missing}");
                }
                let port =
                    collector.up(&format!("127.0.0.1:{port}"), OTLP_TOPICS, Some(OTLP_PORT))?;
                println!("otlp http://127.0.0.1:{port}");
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
