//! `demo`: synthetic agents through the real folds. Everything printed comes from the engine.

use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use alerting::ocsf::DetectionFinding;
use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};

use super::cli::{DemoArgs, OK, threads};
use super::score::summary;
use crate::local::{Input, Options, Report, Role, Run};
use crate::render;
use config::Config;
use schemas::EventTime;

/// Alerts shown in full.
const FULL_ALERTS: usize = 8;
/// Lines fed between two moves of the progress bar.
const STEP_LINES: usize = 2_000;

/// Runs `demo`.
pub(super) fn run(config: &Config, args: &DemoArgs, verbose: bool) -> anyhow::Result<u8> {
    let events = match args.until {
        Some(until) => scenario::generate_until(args.seed, until),
        None => scenario::generate(args.seed),
    };
    let mut run = Run::new(
        &config.settings(),
        Options { lanes: threads(config.lanes()), freeze: false, explain: false },
    );
    feed(&mut run, &events)?;
    let report = run.finish();
    // First the files: a reader of the text may go away before its end.
    if let Some(folder) = &args.output {
        leave(folder, config, &events, &report)?;
    }
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{} synthetic agents. {}.\n",
        report.store.known + report.store.young,
        summary(&report.counts)
    )?;
    print_alerts(&mut out, &report)?;
    writeln!(out, "Revocation requests ({} in all):", report.revocations.len())?;
    for request in &report.revocations {
        writeln!(out, "  {}", render::revocation(request))?;
    }
    writeln!(out)?;
    writeln!(out, "{}", render::trust(&report.actors))?;
    if verbose {
        report.timings.lines().iter().try_for_each(|line| writeln!(io::stderr(), "{line}"))?;
    }
    next_steps(&mut out, args.output.as_deref(), &report)?;
    Ok(OK)
}

/// Reads a moment: `now`, or RFC 3339.
#[expect(clippy::disallowed_methods, reason = "only here does `now` get a time")]
pub(super) fn moment(text: &str) -> Result<EventTime, String> {
    let time = if text == "now" {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        EventTime::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    } else {
        EventTime::parse(text)
    };
    time.map_err(|error| format!("failed to {error}"))
}

/// The alerts that cost most trust in full, the others in a line each: none hidden.
fn print_alerts(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    let mut order: Vec<_> = report.alerts.iter().collect();
    let fall = |alert: &DetectionFinding| {
        (alert.unmapped.habitus.trust_score, -alert.unmapped.habitus.score_micronats.0)
    };
    order.sort_by(|a, b| fall(a).0.total_cmp(&fall(b).0).then(fall(a).1.cmp(&fall(b).1)));
    let most = order.len().min(FULL_ALERTS);
    let (full, short) = order.split_at_mut(most);
    full.sort_by_key(|alert| alert.finding_info.first_seen_time);
    short.sort_by_key(|alert| alert.finding_info.first_seen_time);
    for alert in full.iter() {
        writeln!(out, "{}", render::alert(alert))?;
    }
    if !short.is_empty() {
        writeln!(out, "{} less strange alerts:", short.len())?;
        for alert in short.iter() {
            writeln!(out, "  {}", render::alert_line(alert))?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn feed(run: &mut Run, events: &[u8]) -> anyhow::Result<()> {
    let lines: Vec<&[u8]> = events.split_inclusive(|byte| *byte == b'\n').collect();
    let bar = if io::stderr().is_terminal() {
        ProgressBar::new(lines.len() as u64)
    } else {
        ProgressBar::hidden()
    };
    bar.set_style(ProgressStyle::with_template("{prefix} {wide_bar} {pos}/{len} events")?);
    let mut start = 0;
    for chunk in lines.chunks(STEP_LINES) {
        let length: usize = chunk.iter().map(|line| line.len()).sum();
        let bytes = events.get(start..start + length).unwrap_or_default();
        // Each chunk is an input of its own, so that ids of findings stay apart.
        let topic = format!("demo:{start}");
        run.feed(&Input { topic: &topic, role: Role::Scored, bytes }, &mut |_| {});
        start += length;
        bar.inc(chunk.len() as u64);
        if let Some(time) = run.log_time() {
            bar.set_prefix(time.rfc3339().chars().take(10).collect::<String>());
        }
    }
    bar.finish_and_clear();
    Ok(())
}

fn leave(folder: &Path, config: &Config, events: &[u8], report: &Report) -> anyhow::Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
    let mut alerts = Vec::new();
    for alert in &report.alerts {
        serde_json::to_writer(&mut alerts, alert)?;
        alerts.push(b'\n');
    }
    for (name, bytes) in [
        ("habitus.toml", config.to_toml().as_bytes()),
        ("events.ndjson", events),
        ("alerts.ndjson", &alerts),
    ] {
        let path = folder.join(name);
        fs::write(&path, bytes).with_context(|| format!("write {}", path.display()))?;
    }
    Ok(())
}

fn next_steps(out: &mut dyn Write, folder: Option<&Path>, report: &Report) -> io::Result<()> {
    let Some(folder) = folder.map(|folder| folder.display().to_string()) else {
        writeln!(
            out,
            "Next: habitus demo -o demo-out      leaves config, events and alerts there"
        )?;
        return writeln!(out, "      habitus score YOUR.ndjson     scores your own events");
    };
    writeln!(out, "Next:")?;
    writeln!(
        out,
        "  habitus score --config {folder}/habitus.toml --contributions {folder}/events.ndjson -o scores.ndjson"
    )?;
    // The gravest alert is the one to look at first.
    let gravest = report
        .alerts
        .iter()
        .max_by_key(|alert| (alert.severity_id, alert.unmapped.habitus.score_micronats));
    if let Some(event) = gravest.and_then(|alert| alert.finding_info.related_events.first()) {
        let event = render::clean(&event.uid);
        writeln!(
            out,
            "  habitus explain --config {folder}/habitus.toml {folder}/events.ndjson --id {event}"
        )?;
    }
    writeln!(out, "  habitus explain - < {folder}/alerts.ndjson")
}
