//! `explain`: every signal of one activity of a file, by the engine's own code; or an alert as given.

use std::io::{self, Read, Write};

use alerting::ocsf::DetectionFinding;
use anyhow::Context;

use super::cli::{ExplainArgs, Misuse, OK};
use crate::local::{explain, open};
use crate::render;
use config::Config;

/// Runs `explain`.
pub(super) fn run(config: &Config, args: &ExplainArgs) -> anyhow::Result<u8> {
    let mut out = io::stdout().lock();
    let Some(id) = &args.id else {
        if args.file != "-" {
            return Err(Misuse("explain an activity without --id ID".to_owned()).into());
        }
        let mut text = String::new();
        io::stdin()
            .lock()
            .read_to_string(&mut text)
            .context("read an alert from standard input")?;
        // The first record only: an alert topic read to a file holds one a line.
        let first =
            serde_json::Deserializer::from_str(&text).into_iter::<DetectionFinding>().next();
        let no_alert = |why: String| Misuse(format!("read an alert from standard input: {why}"));
        let alert = first.ok_or_else(|| no_alert("it is empty".to_owned()))?;
        let alert = alert.map_err(|error| no_alert(render::clean(&error.to_string())))?;
        write!(out, "{}", render::alert(&alert))?;
        return Ok(OK);
    };
    let warmups = args.warmup.iter().map(|path| open(path)).collect::<anyhow::Result<Vec<_>>>()?;
    let events = open(&args.file)?;
    let explained = explain(&config.settings(), &warmups, &events, id)
        .ok_or_else(|| Misuse(format!("find a scored activity with id {id} in {}", args.file)))?;
    write!(out, "{}", render::verdict(&explained))?;
    Ok(OK)
}
