//! `tap`: what leaves, as it leaves, or what becomes of what comes in. It reads outside any group, so it takes nothing from anybody.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bus::{Bus, Isolation, Reader, Record};
use clap::{Args, ValueEnum};
use ingest::{Carrier, Limits, Notes};
use mapping::Reading;
use signal_hook::consts::{SIGINT, SIGTERM};

use super::cli::OK;
use super::map::tell;
use crate::render;
use config::Config;
use schemas::EventTime;
use schemas::header::{EventHeaders, RecordKind};
use stream::{Connected, connect};

const WAIT: Duration = Duration::from_millis(20);

/// Arguments of `tap`.
#[derive(Debug, Args)]
pub(super) struct TapArgs {
    /// What to show.
    #[arg(value_enum, default_value_t = TapWhat::Alerts)]
    what: TapWhat,
    /// Starts at the oldest record instead of after the newest.
    #[arg(long)]
    from_start: bool,
    /// Ends at the newest record.
    #[arg(long)]
    to_end: bool,
    /// Instead of what leaves, what becomes of each record that comes in, field by field, as `map` shows it.
    #[arg(long)]
    explain: bool,
    /// Ends after so many.
    #[arg(short = 'n', long)]
    count: Option<u64>,
    /// A JSON line each.
    #[arg(long)]
    json: bool,
}

/// What `tap` shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum TapWhat {
    /// Alerts.
    Alerts,
    /// Incidents.
    Incidents,
    /// Trust of actors.
    Trust,
    /// Revocation requests.
    Revocations,
    /// Decisions of the policies.
    Decisions,
    /// Refused records.
    DeadLetters,
    /// What observe hands to respond.
    Findings,
}

/// Runs `tap`.
pub(super) fn run(config: &Config, args: &TapArgs) -> anyhow::Result<u8> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGTERM, SIGINT] {
        signal_hook::flag::register(signal, Arc::clone(&stop))?;
    }
    let Some(connected) = connect(config, false, &stop, None, stream::Lists::default())? else {
        return Ok(OK);
    };
    let mut readers = Vec::new();
    let mut admin = connected.kafka.admin()?;
    let wanted = match args.explain {
        true => connected.setup.names().sources.clone(),
        false => topics(&connected, args.what),
    };
    for topic in wanted {
        for at in connected.setup.layout().partitions_of(&topic) {
            let (first, end) = admin.bounds(&at, Isolation::ReadCommitted)?;
            let from = if args.from_start { first } else { end };
            readers.push(connected.kafka.reader(&at, from, Isolation::ReadCommitted)?);
        }
    }
    drop(admin);
    let mut out = io::stdout().lock();
    let mut left = args.count.unwrap_or(u64::MAX);
    while left > 0 && !stop.load(Ordering::Relaxed) {
        let mut ended = true;
        for reader in &mut readers {
            while left > 0
                && let Some(record) = reader.next(WAIT)?
            {
                if args.explain {
                    let reading = connected.setup.reading_of(&record.at.topic);
                    explain(&mut out, &record, args, &reading)?;
                } else if is_wanted(&record, args.what) {
                    print(&mut out, &record, args)?;
                } else {
                    continue;
                }
                left -= 1;
            }
            ended &= reader.at_end();
        }
        out.flush()?;
        if ended && args.to_end {
            break;
        }
    }
    Ok(OK)
}

/// The topics of what was asked for; what shadow mode keeps back stands in the shadow topic.
fn topics(connected: &Connected, what: TapWhat) -> Vec<Arc<str>> {
    let names = connected.setup.names();
    let own = match what {
        TapWhat::Alerts => &names.alerts,
        TapWhat::Incidents => &names.incidents,
        TapWhat::Trust => &names.trust,
        TapWhat::Revocations => &names.revocations,
        TapWhat::Decisions => &names.decisions,
        TapWhat::DeadLetters => &names.dead_letters,
        TapWhat::Findings => &names.findings,
    };
    let is_kept = !matches!(what, TapWhat::DeadLetters | TapWhat::Findings);
    let shadow = names.shadow.clone().filter(|_| is_kept);
    std::iter::once(Arc::clone(own)).chain(shadow).collect()
}

/// Whether a record is of the kind asked for: the shadow topic holds several.
fn is_wanted(record: &Record, what: TapWhat) -> bool {
    let kind = EventHeaders::decode(&record.headers).map(|headers| headers.kind);
    match what {
        TapWhat::Alerts => kind == Ok(RecordKind::Alert),
        TapWhat::Incidents => kind == Ok(RecordKind::Incident),
        TapWhat::Trust => kind == Ok(RecordKind::Trust),
        TapWhat::Revocations => kind == Ok(RecordKind::Revocation),
        TapWhat::Decisions => kind == Ok(RecordKind::Decision),
        TapWhat::DeadLetters | TapWhat::Findings => true,
    }
}

/// What becomes of a record of the input; its number is its offset.
fn explain(
    out: &mut dyn Write,
    record: &Record,
    args: &TapArgs,
    reading: &Reading,
) -> anyhow::Result<()> {
    let headers: Vec<(&str, &[u8])> =
        record.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
    let time = EventTime::from_millis(record.timestamp_ms).ok();
    let carrier = Carrier { headers: &headers, time };
    let value = record.value.as_deref().unwrap_or_default();
    let all = reading.explain(value, (&Limits::default(), &carrier), &mut Notes::default());
    let number = record.offset;
    all.iter()
        .try_for_each(|(decoded, about)| tell(out, (number, args.json), (decoded, about), reading))
}

fn print(out: &mut dyn Write, record: &Record, args: &TapArgs) -> anyhow::Result<()> {
    let value = record.value.as_deref().unwrap_or_default();
    if !args.json
        && args.what == TapWhat::Alerts
        && let Ok(alert) = serde_json::from_slice(value)
    {
        out.write_all(render::alert(&alert).as_bytes())?;
        return Ok(writeln!(out)?);
    }
    // Bytes of dead letters may be anything: a terminal gets nothing that could move it.
    let line = match serde_json::from_slice::<serde_json::Value>(value) {
        Ok(value) if args.json => render::plain(&value.to_string()).into_owned(),
        _ => render::line(&String::from_utf8_lossy(value)),
    };
    Ok(writeln!(out, "{line}")?)
}
