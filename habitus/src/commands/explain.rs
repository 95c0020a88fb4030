//! `explain`: every signal of one activity of a file, by the engine's own code; or an alert as given.

use std::io::{self, Read, Write};
use std::sync::Arc;

use alerting::ocsf::DetectionFinding;
use anyhow::Context;

use super::cli::{ExplainArgs, Misuse, OK};
use super::lists::Lists;
use crate::local::{explain, files, open};
use crate::render;
use config::Config;

/// Runs `explain`.
pub(super) fn run(config: &Config, lists: &Lists, args: &ExplainArgs) -> anyhow::Result<u8> {
    let mut out = io::stdout().lock();
    let Some(id) = &args.id else {
        if args.file != "-" {
            return Err(Misuse("explain an activity without --id ID".to_owned()).into());
        }
        return alerts(&mut out);
    };
    let read = |path: &str| -> anyhow::Result<Vec<_>> {
        let all = files(path)?.into_iter();
        all.map(|file| Ok((open(&file)?, args.reading.of(config, &file)?))).collect()
    };
    let mut warmups = Vec::new();
    for path in &args.warmup {
        warmups.extend(read(path)?);
    }
    let events = read(&args.file)?;
    let (settings, networks) = (lists.settings(config), Arc::clone(&lists.lists.networks));
    let explained = explain((&settings, networks), &warmups, &events, id)
        .ok_or_else(|| Misuse(format!("find a scored activity with id {id} in {}", args.file)))?;
    write!(out, "{}", render::verdict(&explained))?;
    Ok(OK)
}

/// Renders every alert of standard input: an alert topic read to a file holds one a line.
fn alerts(out: &mut dyn Write) -> anyhow::Result<u8> {
    let failed = |why: String| Misuse(format!("read an alert from standard input: {why}"));
    let mut text = String::new();
    io::stdin().lock().read_to_string(&mut text).context("read alerts from standard input")?;
    let mut alerts = serde_json::Deserializer::from_str(&text).into_iter().peekable();
    if alerts.peek().is_none() {
        return Err(failed("it is empty".to_owned()).into());
    }
    for (number, alert) in alerts.enumerate() {
        let alert: DetectionFinding =
            alert.map_err(|error| failed(render::clean(&error.to_string())))?;
        let gap = if number > 0 { "\n" } else { "" };
        write!(out, "{gap}{}", render::alert(&alert))?;
    }
    Ok(OK)
}
