//! From a record's bytes to activities that a fold takes: decoded, under the id that the inventory gives, within time, and
//! enriched; each of them taken, skipped by a named rule or dead-lettered. One way for both folds that read activities.

use bus::Record;
use detector::Inventory;
use ingest::{Ancestors, Carrier, Decoded, Limits, Notes, Traced};
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
    /// Who is registered.
    pub(super) inventory: &'a Inventory,
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
        let mut applied = read_one();
        for (index, item) in (0..).zip(self.decode(record, None).0) {
            applied.counts.activities += 1;
            let at = Place { record, index, log_ms };
            self.end(&mut applied, item, at, |applied, activity| take(applied, activity, index));
        }
        applied
    }

    /// Brings an outcome to its end: an activity to `take`, what is refused to the dead letters.
    pub(super) fn end(
        &self,
        applied: &mut Applied,
        item: Decoded<'_>,
        at: Place<'_>,
        take: impl FnOnce(&mut Applied, &Activity<'_>) -> Result<(), Rejection>,
    ) {
        let setup = self.setup;
        let taken = match item {
            Decoded::Activity(mut activity) => {
                self.check(&mut activity, at).and_then(|()| take(applied, &activity))
            }
            Decoded::Skipped(skip) => {
                applied.counts.skipped += 1;
                return setup.tell(|metrics| metrics.skipped(skip.rule));
            }
            Decoded::Rejected(rejection) => Err(rejection),
        };
        if let Err(rejection) = taken {
            applied.counts.dead_lettered += 1;
            setup.tell(|metrics| {
                metrics.invalid(rejection.code);
                metrics.dead_letter(rejection.code);
            });
            applied.emits.push(dead_letter(setup, at, rejection));
        }
    }

    /// What a record holds, with the spans of earlier ones above its own where there are any.
    pub(super) fn decode<'r>(
        &'r self,
        record: &'r Record,
        ancestors: Option<&Ancestors>,
    ) -> (Vec<Decoded<'r>>, Traced) {
        let value = record.value.as_deref().unwrap_or_default();
        let (mut notes, mut decoded) = (Notes::default(), Vec::new());
        let headers: Vec<(&str, &[u8])> =
            record.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
        let time = EventTime::from_millis(record.timestamp_ms).ok();
        let carrier = Carrier { headers: &headers, time };
        let (limits, reading) = (Limits::default(), self.reading);
        let beside = (&limits, &carrier);
        let traced = self.setup.timed(telemetry::Stage::Decode, || match ancestors {
            Some(ancestors) => {
                reading.decode_among(value, beside, ancestors, (&mut notes, &mut decoded))
            }
            None => {
                reading.decode(value, beside, &mut notes, &mut decoded);
                Traced::default()
            }
        });
        self.setup.tell(|metrics| metrics.unknown_fields(notes.unknown_fields.values().sum()));
        (decoded, traced)
    }

    /// Gives an activity what the inventory and the lists know of it, and checks what only the log can tell: its key and
    /// its time.
    fn check(
        &self,
        activity: &mut Activity<'_>,
        Place { record, log_ms, .. }: Place<'_>,
    ) -> Result<(), Rejection> {
        let from_outside = self.gate != Gate::Rekeyed;
        if from_outside {
            // An agent has one partition: a record under an alias's key lies in another one.
            self.inventory.enrich(activity);
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

/// A record that was read.
pub(super) fn read_one() -> Applied {
    Applied { counts: Counts { records: 1, ..Counts::default() }, ..Applied::default() }
}

/// Refuses an activity that is too far from log time.
pub(super) fn within_time(activity: &Activity<'_>, log_ms: i64) -> Result<(), Rejection> {
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
