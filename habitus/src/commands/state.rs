//! `state info|verify`: what the state topics hold, and whether it keeps its invariants. It owns nothing and changes
//! nothing, so it may run beside a live group.

use std::io::{self, Write};
use std::sync::atomic::AtomicBool;

use lane::{Counts, StateReport, verify};

use super::cli::{FINDINGS, OK, StateArgs, StateWhat};
use config::Config;
use stream::connect;

/// Runs `state`.
pub(super) fn run(config: &Config, args: &StateArgs) -> anyhow::Result<u8> {
    let Some(connected) =
        connect(config, false, &AtomicBool::new(false), None, stream::Lists::default())?
    else {
        return Ok(OK);
    };
    let setup = &connected.setup;
    let reports = verify(&connected.kafka, setup.layout(), &|at| setup.make(at))?;
    let mut out = io::stdout().lock();
    let problems: usize = reports.iter().map(|report| report.problems.len()).sum();
    if args.what == StateWhat::Info {
        print_table(&mut out, &reports)?;
    }
    for report in reports.iter().filter(|report| !report.problems.is_empty()) {
        for problem in &report.problems {
            writeln!(out, "{}: {problem}", report.input)?;
        }
    }
    let partitions = reports.iter().filter(|report| report.progress.is_some()).count();
    let records: u64 = reports.iter().map(|report| report.records).sum();
    writeln!(
        out,
        "{partitions} partitions with progress, {records} state records, {problems} problems"
    )?;
    Ok(if problems > 0 { FINDINGS } else { OK })
}

fn print_table(out: &mut dyn Write, reports: &[StateReport]) -> io::Result<()> {
    writeln!(
        out,
        "{:<32} {:>10} {:>8} {:>12} {:>10} {:>10} {:>10}  OWNER",
        "PARTITION", "NEXT", "RECORDS", "BYTES", "SCORED", "DUPLICATE", "REFUSED"
    )?;
    for report in reports {
        let Some(progress) = &report.progress else { continue };
        let Counts { scored, duplicate, dead_lettered, .. } = progress.totals;
        let owner = report
            .owner
            .as_ref()
            .filter(|owner| !owner.withdrawn)
            .map_or("", |owner| owner.instance.as_str());
        writeln!(
            out,
            "{:<32} {:>10} {:>8} {:>12} {scored:>10} {duplicate:>10} {dead_lettered:>10}  {owner}",
            report.input, progress.to, report.records, report.bytes
        )?;
    }
    Ok(())
}
