//! `demo`: synthetic agents through the real folds. Everything printed comes from the engine.

use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::Path;

use alerting::ocsf::DetectionFinding;
use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};

use super::cli::{DemoArgs, OK};
use super::score::summary;
use crate::config::Config;
use crate::local::{Input, Options, Report, Role, Run};
use crate::{demo, render};

/// Alerts shown in full.
const FULL_ALERTS: usize = 8;
/// Lines fed between two moves of the progress bar.
const STEP_LINES: usize = 2_000;

/// Runs `demo`.
pub(super) fn run(config: &Config, args: &DemoArgs, verbose: bool) -> anyhow::Result<u8> {
    let events = demo::generate(args.seed);
    let mut run = Run::new(
        &config.settings(),
        Options { lanes: config.lanes(), freeze: false, explain: false },
    );
    feed(&mut run, &events)?;
    let report = run.finish();
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{} synthetic agents. {}.\n",
        report.store.known + report.store.young,
        summary(&report.counts)
    )?;
    print_alerts(&mut out, &report)?;
    writeln!(out, "Requests, none of them sent in shadow mode:")?;
    for request in &report.revocations {
        writeln!(out, "  {}", render::revocation(request))?;
    }
    writeln!(out)?;
    writeln!(out, "{}", render::trust(&report.actors))?;
    if verbose {
        report.timings.lines().iter().try_for_each(|line| writeln!(io::stderr(), "{line}"))?;
    }
    if let Some(folder) = &args.output {
        leave(folder, config, &events, &report)?;
    }
    next_steps(&mut out, args.output.as_deref(), &report)?;
    Ok(OK)
}

/// The strangest alerts in full, the others in a line each: all within the budget, none hidden.
fn print_alerts(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    let mut order: Vec<_> = report.alerts.iter().collect();
    order.sort_by_key(|alert| std::cmp::Reverse(alert.unmapped.habitus.score_micronats));
    let (full, short) = order.split_at(order.len().min(FULL_ALERTS));
    let by_time = |alerts: &[&DetectionFinding]| {
        let mut alerts = alerts.to_vec();
        alerts.sort_by_key(|alert| alert.finding_info.first_seen_time);
        alerts
    };
    for alert in by_time(full) {
        writeln!(out, "{}", render::alert(alert))?;
    }
    if !short.is_empty() {
        writeln!(
            out,
            "{} less strange alerts, within the budget of one an actor and month:",
            short.len()
        )?;
        for alert in by_time(short) {
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
