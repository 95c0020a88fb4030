//! `produce`: a file's records onto the input topic, each under the key that `[input] key = "agent"` asks for. What has
//! no such key stays behind and is named; nothing else of a record is changed or judged.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::Context;
use bus::Bus;
use detector::Inventory;
use ingest::{Carrier, Decoded, Limits, Notes, file_records};
use mapping::Reading;
use operator::Sending;

use super::cli::{OK, ProduceArgs};
use super::lists::Lists;
use crate::local;
use crate::render;
use config::Config;
use stream::connect;

/// How long a broker may take to answer the first call.
const PATIENCE: Duration = Duration::from_secs(30);
/// Refused records that are named; all are counted.
const NAMED: u64 = 10;

/// Reads a header, `NAME=VALUE`.
pub(super) fn header(text: &str) -> Result<(String, Vec<u8>), String> {
    let parts = text.split_once('=').filter(|(name, _)| !name.is_empty());
    let (name, value) = parts.ok_or("failed to find NAME=VALUE")?;
    Ok((name.to_owned(), value.as_bytes().to_vec()))
}

/// Runs `produce`.
pub(super) fn run(config: &Config, lists: &Lists, args: &ProduceArgs) -> anyhow::Result<u8> {
    // No signal is caught: what is open then, the broker aborts.
    let Some(connected) =
        connect(config, true, &AtomicBool::new(false), None, lists.lists.clone())?
    else {
        return Ok(OK);
    };
    let Some(topic) = connected.setup.names().sources.first() else { return Ok(OK) };
    let id = format!("{}-produce-{}", config.kafka().group, std::process::id());
    let partitions = connected.setup.layout().partitions_of(topic).collect();
    let producer = connected.kafka.producer(&id, PATIENCE)?;
    let mut sending = Sending::new(producer, partitions, &args.header);
    let reading = connected.setup.reading_of(topic);
    let any_key = !config.input().sources.is_empty();
    let (mut refused, mut agents) = (0, BTreeSet::new());
    let mut paths = Vec::new();
    for path in &args.events {
        paths.extend(local::files(path)?);
    }
    for path in &paths {
        let file = local::open(path)?;
        for (number, line) in file_records(file.bytes()).map(|(at, line)| (at + 1, line)) {
            match key_of(line, (&reading, &lists.lists.inventory), any_key) {
                Ok(key) => {
                    let sent = sending.sent();
                    let more = || format!("write more than {sent} records");
                    sending.send(&key, line).with_context(more)?;
                    agents.insert(key);
                }
                Err(why) => {
                    refused += 1;
                    if refused <= NAMED {
                        let (path, why) = (render::clean(path), render::clean(&why));
                        tracing::warn!("{path}:{number} is not sent: {why}");
                    }
                }
            }
        }
    }
    let sent = sending.sent();
    sending.commit().with_context(|| format!("write more than {sent} records"))?;
    let (sent, agents) = (sending.sent(), agents.len());
    let mut out = io::stdout().lock();
    writeln!(out, "{sent} records of {agents} agents are in {topic}; {refused} were refused")?;
    Ok(OK)
}

/// The one key of all activities of a record, aliases resolved; the first of several where any key will do.
fn key_of(
    record: &[u8],
    (reading, inventory): (&Reading, &Inventory),
    any_key: bool,
) -> Result<String, String> {
    let (mut notes, mut decoded) = (Notes::default(), Vec::new());
    let beside = (&Limits::default(), &Carrier::default());
    reading.decode(record, beside, &mut notes, &mut decoded);
    let mut keys = BTreeSet::new();
    for item in decoded {
        match item {
            Decoded::Activity(mut activity) => {
                inventory.enrich(&mut activity);
                keys.insert(activity.partition_key());
            }
            Decoded::Skipped(_) => {}
            Decoded::Rejected(rejection) => {
                return Err(format!(
                    "{} at {:?}: {}",
                    rejection.code.as_str(),
                    rejection.path,
                    rejection.message
                ));
            }
        }
    }
    let many = keys.len();
    match keys.pop_first() {
        Some(key) if many == 1 || any_key => Ok(key),
        Some(_) => Err(format!("it tells of {many} agents, and a record has one key")),
        None => Err("it names no agent".to_owned()),
    }
}
