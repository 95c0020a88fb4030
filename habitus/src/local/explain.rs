//! Explains one activity of a file: the folds run up to it, and its verdict is made in full by the engine itself.

use std::sync::Arc;

use ingest::LogFile;
use mapping::Reading;
use networks::Networks;
use schemas::finding::{Body, Finding, Verdict};

use super::input::{Input, Role};
use super::report::{LineOutcome, Options, Settings};
use super::run::Run;

/// One activity, explained.
pub struct Explained {
    /// The verdict in full.
    pub verdict: Verdict,
    /// Whether it opened or updated an alert.
    pub alert_id: Option<String>,
    /// Whether it was scored late.
    pub late: bool,
}

/// Runs warm-up and events up to the activity with this id; `None` where it is not among the scored ones.
pub fn explain(
    (settings, networks): (&Settings, Arc<Networks>),
    warmups: &[(LogFile, Reading)],
    events: &[(LogFile, Reading)],
    id: &str,
) -> Option<Explained> {
    let mut run = Run::new(settings, Options { lanes: 1, freeze: false, explain: true });
    run.enrich_by(networks);
    for (index, (file, reading)) in warmups.iter().enumerate() {
        let topic = format!("file:{index}");
        run.read_by(reading.clone());
        run.feed(&Input { topic: &topic, role: Role::Warmup, bytes: file.bytes() }, &mut |_| {});
    }
    let mut found = None;
    for (index, (file, reading)) in (warmups.len()..).zip(events) {
        run.read_by(reading.clone());
        let (topic, bytes) = (format!("file:{index}"), up_to(file.bytes(), id));
        run.feed(&Input { topic: &topic, role: Role::Scored, bytes }, &mut |line| {
            if let LineOutcome::Scored { activity, observed, alert_id } = &line.outcome
                && activity.id == id
                && found.is_none()
            {
                found = verdict_of(&observed.findings).map(|verdict| Explained {
                    verdict: verdict.clone(),
                    alert_id: alert_id.map(str::to_owned),
                    late: observed.late,
                });
            }
        });
        if found.is_some() {
            break;
        }
    }
    found
}

fn verdict_of(findings: &[Finding]) -> Option<&Verdict> {
    findings.iter().find_map(|finding| match &finding.body {
        Body::Verdict(verdict) => Some(verdict.as_ref()),
        _ => None,
    })
}

/// The events up to the last line that names the id: what follows cannot matter.
fn up_to<'a>(events: &'a [u8], id: &str) -> &'a [u8] {
    let at = events.windows(id.len().max(1)).rposition(|window| window == id.as_bytes());
    let Some(at) = at else { return events };
    let rest = events.get(at..).unwrap_or_default();
    let end = rest.iter().position(|byte| *byte == b'\n').map_or(events.len(), |line| at + line);
    let before = events.get(..end).unwrap_or(events);
    // Not every record ends with its line.
    let line = before.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    if serde_json::from_slice::<serde_json::Value>(line).is_ok() { before } else { events }
}
