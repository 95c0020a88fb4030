//! From a record's bytes to activities that a fold takes: decoded, under the id that the inventory gives, within time, and
//! enriched; each of them taken, skipped by a named rule or dead-lettered. One way for both folds that read activities.

use bus::Record;
use ingest::{Carrier, Decoded, Limits, Notes};
use lane::{Applied, Counts};
use mapping::Reading;
use schemas::reject::{ErrorCode, Stage};
use schemas::time::DAY_MS;
use schemas::{Activity, EventTime, Rejection};

use super::dead_letter::{Place, dead_letter};
use super::setup::Setup;

/// How far an event may lie ahead of log time.
pub const AHEAD_MS_MAX: i64 = 5 * 60_000;
/// How far it may lie behind.
pub const BEHIND_MS_MAX: i64 = 7 * DAY_MS;

/// What is asked of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gate {
    /// It comes from outside and must stand under its agent's key.
    Keyed,
    /// It comes from outside, under any key.
    Any,
    /// It comes from intake: all but its key was seen to there.
    Rekeyed,
}

/// How a record is read, and what is asked of it.
pub(super) struct Admission<'a> {
    pub(super) setup: &'a Setup,
    pub(super) reading: &'a Reading,
    pub(super) gate: Gate,
}

// === impl Admission ===

impl Admission<'_> {
    /// Hands each activity of a record to `take`, with its ordinal; what is refused, also by `take`, is dead-lettered.
    pub(super) fn admit(
        &self,
        (record, log_ms): (&Record, i64),
        mut take: impl FnMut(&mut Applied, &Activity<'_>, u32) -> Result<(), Rejection>,
    ) -> Applied {
        let setup = self.setup;
        let counts = Counts { records: 1, ..Counts::default() };
        let mut applied = Applied { counts, ..Applied::default() };
        for (index, item) in (0..).zip(self.decode(record)) {
            applied.counts.activities += 1;
            let taken = match item {
                Decoded::Activity(mut activity) => self
                    .check(&mut activity, (record, log_ms))
                    .and_then(|()| take(&mut applied, &activity, index)),
                Decoded::Skipped(skip) => {
                    applied.counts.skipped += 1;
                    setup.tell(|metrics| metrics.skipped(skip.rule));
                    continue;
                }
                Decoded::Rejected(rejection) => Err(rejection),
            };
            if let Err(rejection) = taken {
                applied.counts.dead_lettered += 1;
                setup.tell(|metrics| {
                    metrics.invalid(rejection.code);
                    metrics.dead_letter(rejection.code);
                });
                let place = Place { record, index, log_ms };
                applied.emits.push(dead_letter(setup, place, rejection));
            }
        }
        applied
    }

    fn decode<'r>(&'r self, record: &'r Record) -> Vec<Decoded<'r>> {
        let value = record.value.as_deref().unwrap_or_default();
        let (mut notes, mut decoded) = (Notes::default(), Vec::new());
        let headers: Vec<(&str, &[u8])> =
            record.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
        let time = EventTime::from_millis(record.timestamp_ms).ok();
        let carrier = Carrier { headers: &headers, time };
        self.setup.timed(telemetry::Stage::Decode, || {
            self.reading.decode(value, (&Limits::default(), &carrier), &mut notes, &mut decoded);
        });
        self.setup.tell(|metrics| metrics.unknown_fields(notes.unknown_fields.values().sum()));
        decoded
    }

    /// Gives an activity what the inventory and the lists know of it, and checks what only the log can tell: its key and
    /// its time.
    fn check(
        &self,
        activity: &mut Activity<'_>,
        (record, log_ms): (&Record, i64),
    ) -> Result<(), Rejection> {
        let from_outside = self.gate != Gate::Rekeyed;
        if from_outside {
            // An agent has one partition: a record under an alias's key lies in another one.
            self.setup.lists.inventory.enrich(activity);
        }
        if self.gate != Gate::Any
            && record.key.as_deref() != Some(activity.partition_key().as_bytes())
        {
            let message =
                "find the key `<tenant>|<agent.id>` on the record, the id as the inventory has it";
            return Err(refusal(ErrorCode::Miskeyed, "/agent/id", message));
        }
        if from_outside {
            within_time(activity, log_ms)?;
            self.setup.lists.networks.enrich(activity);
        }
        Ok(())
    }
}

fn within_time(activity: &Activity<'_>, log_ms: i64) -> Result<(), Rejection> {
    let behind = log_ms - activity.time.millis();
    if behind < -AHEAD_MS_MAX {
        let message = "accept a time more than 5 minutes ahead of the log";
        return Err(refusal(ErrorCode::TimeOutOfRange, "/time", message));
    }
    if behind > BEHIND_MS_MAX {
        let message = "accept a time more than 7 days behind the log";
        return Err(refusal(ErrorCode::TimeOutOfRange, "/time", message));
    }
    Ok(())
}

/// A refusal of an activity that is well-formed by itself.
pub(super) fn refusal(code: ErrorCode, path: &str, message: &str) -> Rejection {
    let (path, message) = (path.to_owned(), message.to_owned());
    Rejection { code, stage: Stage::Validate, path, message }
}
