//! `score`: one JSON line for each activity, in input order. A rejected or repeated one keeps its line.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::sync::Arc;

use anyhow::Context;
use serde_json::{Map, Value, json};

use super::cli::{OK, ScoreArgs, threads};
use super::lists::Lists;
use crate::local::{Counts, Input, Line, LineOutcome, Options, Role, Run, files, open};
use crate::render::plain;
use config::Config;
use schemas::activity::Activity;

/// Runs `score`.
pub(super) fn run(
    config: &Config,
    lists: &Lists,
    args: &ScoreArgs,
    verbose: bool,
) -> anyhow::Result<u8> {
    let mut out: Box<dyn Write> = match &args.output {
        Some(path) => Box::new(BufWriter::new(
            File::create(path).with_context(|| format!("create {}", path.display()))?,
        )),
        None => Box::new(BufWriter::new(io::stdout().lock())),
    };
    let lanes = threads(args.lanes.filter(|lanes| *lanes > 0).unwrap_or(config.lanes()));
    let mut run =
        Run::new(&lists.settings(config), Options { lanes, freeze: args.freeze, explain: false });
    run.enrich_by(Arc::clone(&lists.lists.networks));
    lists.log();
    let mut failure = None;
    let paths = args.warmup.iter().map(|path| (path, Role::Warmup));
    let paths = paths.chain(args.events.iter().map(|path| (path, Role::Scored)));
    let mut all = Vec::new();
    for (path, role) in paths {
        all.extend(files(path)?.into_iter().map(|file| (file, role)));
    }
    for (index, (path, role)) in all.iter().enumerate() {
        let (file, topic) = (open(path)?, format!("file:{index}"));
        run.read_by(args.reading.of(config, path)?);
        run.feed(&Input { topic: &topic, role: *role, bytes: file.bytes() }, &mut |line| {
            if failure.is_none() {
                failure = write_line(&mut out, line, args.contributions).err();
            }
        });
        if let Some(error) = failure.take() {
            return Err(error.into());
        }
    }
    out.flush()?;
    let report = run.finish();
    let counts = report.counts;
    tracing::info!("{}", summary(&counts));
    for (rule, n) in &report.skipped {
        tracing::info!("{n} skipped by the rule {rule}");
    }
    if counts.skipped * 2 > counts.read {
        tracing::warn!("most of what was read is skipped: {} of {}", counts.skipped, counts.read);
    }
    if counts.rejected > 0 {
        tracing::warn!(
            "{} of {} activities were rejected: see their lines",
            counts.rejected,
            counts.read
        );
    }
    if verbose {
        print_measures(&report)?;
    }
    Ok(OK)
}

fn print_measures(report: &crate::local::Report) -> io::Result<()> {
    let mut err = io::stderr().lock();
    for line in report.timings.lines() {
        writeln!(err, "{line}")?;
    }
    let each = &report.agent_bytes;
    let median = each.get(each.len() / 2).copied().unwrap_or(0);
    let store = report.store;
    writeln!(
        err,
        "agents   {} known ({median} bytes each in the median, {} at most), {} young, {} bytes in all; evicted {} known, {} young",
        store.known,
        each.last().copied().unwrap_or(0),
        store.young,
        store.bytes,
        store.known_evicted,
        store.young_evicted,
    )
}

/// What became of a run's activities, in words.
pub(super) fn summary(counts: &Counts) -> String {
    format!(
        "{} read: {} scored ({} late), {} duplicate, {} skipped, {} rejected; {} alerts",
        counts.read,
        counts.scored,
        counts.late,
        counts.duplicate,
        counts.skipped,
        counts.rejected,
        counts.alerts
    )
}

fn write_line(out: &mut dyn Write, line: &Line<'_>, contributions: bool) -> io::Result<()> {
    let mut object = Map::new();
    match &line.outcome {
        LineOutcome::Scored { activity, observed, alert_id } => {
            identity(&mut object, activity);
            object.insert("outcome".into(), "scored".into());
            // The score is printed as a number with six decimals: exactly its micro-nats.
            object.insert("score".into(), number(&observed.score().to_string()));
            let period = format!("{:.6e}", observed.return_period_actor_months);
            object.insert("return_period_actor_months".into(), number(&period));
            object.insert("trust".into(), number(&format!("{:.3}", observed.trust)));
            object.insert("level".into(), observed.level.as_str().into());
            object.insert("alert".into(), alert_id.is_some().into());
            object.insert("alert_id".into(), alert_id.map_or(Value::Null, Into::into));
            object.insert("late".into(), observed.late.into());
            if contributions {
                let counted = observed.assessment.signals.iter().filter(|signal| !signal.shadow);
                let shares = counted.map(|signal| (signal.id.to_owned(), signal.micronats.into()));
                object.insert("contributions".into(), Value::Object(shares.collect()));
            }
        }
        LineOutcome::Duplicate(activity) => {
            identity(&mut object, activity);
            unscored(&mut object, "duplicate");
        }
        LineOutcome::Skipped(rule) => {
            object.insert("id".into(), Value::Null);
            unscored(&mut object, "skipped");
            object.insert("rule".into(), (*rule).into());
        }
        LineOutcome::Rejected(rejection) => {
            object.insert("id".into(), claimed_id(line.bytes));
            unscored(&mut object, "rejected");
            object.insert("code".into(), rejection.code.as_str().into());
            object.insert("path".into(), rejection.path.as_str().into());
            object.insert("message".into(), rejection.message.as_str().into());
        }
    }
    object.insert("line".into(), (line.number + 1).into());
    if line.ordinal > 0 {
        object.insert("ordinal".into(), line.ordinal.into());
    }
    writeln!(out, "{}", plain(&serde_json::to_string(&object)?))
}

fn identity(object: &mut Map<String, Value>, activity: &Activity<'_>) {
    object.insert("id".into(), activity.id.as_ref().into());
    let actor = json!({
        "tenant_id": activity.tenant_id,
        "agent_id": activity.agent.id,
        "authority": activity.authority().as_str(),
    });
    object.insert("actor".into(), actor);
    object.insert("time".into(), activity.time.rfc3339().into());
}

fn unscored(object: &mut Map<String, Value>, outcome: &str) {
    object.insert("outcome".into(), outcome.into());
    object.insert("score".into(), Value::Null);
    object.insert("alert".into(), false.into());
    object.insert("alert_id".into(), Value::Null);
}

/// A number as it was printed: nothing is rounded a second time.
fn number(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or(Value::Null)
}

/// The id that a refused record claims, where it can be read at all.
fn claimed_id(bytes: &[u8]) -> Value {
    let value: Option<Value> = serde_json::from_slice(bytes).ok();
    match value.as_ref().and_then(|value| value.get("id")) {
        Some(Value::String(id)) if id.len() <= 128 => Value::String(id.clone()),
        _ => Value::Null,
    }
}
