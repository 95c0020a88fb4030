//! `explain`: every signal of one activity of a file, by the engine's own code; or an alert as given.

use std::io::{self, Read, Write};

use alerting::ocsf::DetectionFinding;
use anyhow::Context;

use super::cli::{ExplainArgs, OK};
use crate::config::Config;
use crate::local::{explain, open};
use crate::render;

/// Runs `explain`.
pub(super) fn run(config: &Config, args: &ExplainArgs) -> anyhow::Result<u8> {
    let mut out = io::stdout().lock();
    let Some(id) = &args.id else {
        anyhow::ensure!(args.file == "-", "explain an activity without --id ID");
        let mut text = String::new();
        io::stdin()
            .lock()
            .read_to_string(&mut text)
            .context("read an alert from standard input")?;
        // The first record only: an alert topic read to a file holds one a line.
        let first =
            serde_json::Deserializer::from_str(&text).into_iter::<DetectionFinding>().next();
        let alert = first.context("read an alert from standard input: it is empty")?;
        write!(
            out,
            "{}",
            render::alert(&alert.context("read an OCSF Detection Finding of Habitus")?)
        )?;
        return Ok(OK);
    };
    let warmups = args.warmup.iter().map(|path| open(path)).collect::<anyhow::Result<Vec<_>>>()?;
    let events = open(&args.file)?;
    let explained = explain(&config.settings(), &warmups, &events, id)
        .with_context(|| format!("find a scored activity with id {id} in {}", args.file))?;
    write!(out, "{}", render::verdict(&explained))?;
    Ok(OK)
}
