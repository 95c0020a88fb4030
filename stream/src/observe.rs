//! The observe fold over the records of a log: bytes to activities, activities to findings, trust and dead letters. It
//! wires; what is strange is decided in the fold.

use std::sync::Arc;

use bus::Record;
use detector::{Observe, Outcome, Stamp};
use ingest::{Carrier, Decoded, Limits, Notes};
use lane::{Applied, Counts, Emit};
use schemas::finding::{Body, Finding};
use schemas::header::{EventHeaders, RecordKind};
use schemas::reject::{ErrorCode, Stage};
use schemas::time::DAY_MS;
use schemas::trust::TrustRecord;
use schemas::{Activity, EventTime, Rejection};

use super::dead_letter::{Place, dead_letter};
use super::setup::Setup;

/// How far an event may lie ahead of log time.
const AHEAD_MS_MAX: i64 = 5 * 60_000;
/// How far it may lie behind.
const BEHIND_MS_MAX: i64 = 7 * DAY_MS;

/// The observe fold of one partition of the input.
pub struct ObserveStream {
    observe: Observe,
    setup: Arc<Setup>,
    log_ms: i64,
    control_offset: u64,
}

impl ObserveStream {
    /// A partition that has seen nothing.
    pub fn new(setup: Arc<Setup>) -> Self {
        let mut observe = Observe::new(Arc::clone(&setup.observe));
        observe.track_touched();
        Self { observe, setup, log_ms: 0, control_offset: 0 }
    }

    /// The fold.
    pub fn fold(&self) -> &Observe {
        &self.observe
    }

    /// The fold, to restore and to take up tables.
    pub(super) fn fold_mut(&mut self) -> &mut Observe {
        &mut self.observe
    }

    /// Names the control records in force in what follows.
    pub(super) fn set_control_offset(&mut self, offset: u64) {
        self.control_offset = offset;
    }

    /// Newest log time.
    pub(super) fn log_ms(&self) -> i64 {
        self.log_ms
    }

    /// Sets the newest log time at a restore.
    pub(super) fn resume(&mut self, log_ms: i64) {
        self.log_ms = log_ms;
    }

    /// Takes in one record.
    pub(super) fn apply(&mut self, record: &Record) -> Applied {
        // The broker's clock may jump back at a change of leader: log time never does.
        self.log_ms = self.log_ms.max(record.timestamp_ms);
        let mut applied =
            Applied { counts: Counts { records: 1, ..Counts::default() }, ..Applied::default() };
        let value = record.value.as_deref().unwrap_or_default();
        let (mut notes, mut decoded) = (Notes::default(), Vec::new());
        let headers: Vec<(&str, &[u8])> =
            record.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
        let time = EventTime::from_millis(record.timestamp_ms).ok();
        let carrier = Carrier { headers: &headers, time };
        let setup = Arc::clone(&self.setup);
        setup.timed(telemetry::Stage::Decode, || {
            let beside = (&Limits::default(), &carrier);
            setup.reading.decode(value, beside, &mut notes, &mut decoded);
        });
        self.setup.tell(|metrics| metrics.unknown_fields(notes.unknown_fields.values().sum()));
        for (ordinal, item) in (0..).zip(decoded) {
            applied.counts.activities += 1;
            let place = Place { record, index: ordinal, log_ms: self.log_ms };
            let checked = match item {
                Decoded::Activity(mut activity) => {
                    // An agent has one partition: a record under an alias's key lies in another one.
                    self.setup.lists.inventory.enrich(&mut activity);
                    self.check(&activity, record).map(|()| activity)
                }
                Decoded::Skipped(skip) => {
                    applied.counts.skipped += 1;
                    self.setup.tell(|metrics| metrics.skipped(skip.rule));
                    continue;
                }
                Decoded::Rejected(rejection) => Err(rejection),
            };
            match checked {
                Ok(mut activity) => {
                    self.setup.lists.networks.enrich(&mut activity);
                    self.observe(&activity, (record, ordinal), &mut applied);
                }
                Err(rejection) => {
                    applied.counts.dead_lettered += 1;
                    self.setup.tell(|metrics| {
                        metrics.invalid(rejection.code);
                        metrics.dead_letter(rejection.code);
                    });
                    applied.emits.push(dead_letter(&self.setup, place, rejection));
                }
            }
        }
        applied
    }

    /// What only the log can tell of an activity: its key and its time.
    fn check(&self, activity: &Activity<'_>, record: &Record) -> Result<(), Rejection> {
        let refuse = |code, path: &str, message: &str| {
            Err(Rejection {
                code,
                stage: Stage::Validate,
                path: path.to_owned(),
                message: message.to_owned(),
            })
        };
        if record.key.as_deref() != Some(activity.partition_key().as_bytes()) {
            let message =
                "find the key `<tenant>|<agent.id>` on the record, the id as the inventory has it";
            return refuse(ErrorCode::Miskeyed, "/agent/id", message);
        }
        let behind = self.log_ms - activity.time.millis();
        if behind < -AHEAD_MS_MAX {
            let message = "accept a time more than 5 minutes ahead of the log";
            return refuse(ErrorCode::TimeOutOfRange, "/time", message);
        }
        if behind > BEHIND_MS_MAX {
            let message = "accept a time more than 7 days behind the log";
            return refuse(ErrorCode::TimeOutOfRange, "/time", message);
        }
        Ok(())
    }

    fn observe(
        &mut self,
        activity: &Activity<'_>,
        (record, ordinal): (&Record, u32),
        applied: &mut Applied,
    ) {
        let setup = Arc::clone(&self.setup);
        let stamp = Stamp {
            topic: &setup.input_id,
            partition: record.at.partition,
            offset: record.offset,
            ordinal,
            log_ms: self.log_ms,
        };
        if let Some(end) = self.observe.advance(&stamp) {
            self.publish((end.findings, end.trust), record, applied);
        }
        let observed =
            setup.timed(telemetry::Stage::Observe, || self.observe.apply(activity, &stamp, false));
        match observed {
            Outcome::Duplicate => applied.counts.duplicate += 1,
            Outcome::Scored(observed) => {
                applied.counts.scored += 1;
                let late = observed.late;
                setup.tell(|metrics| metrics.late(u64::from(late)));
                let trust = observed.trust_record.map(|trust| *trust).into_iter().collect();
                self.publish((observed.findings, trust), record, applied);
            }
        }
    }

    fn publish(
        &self,
        (findings, trust): (Vec<Finding>, Vec<TrustRecord>),
        record: &Record,
        applied: &mut Applied,
    ) {
        for mut finding in findings {
            finding.versions.control_offset = self.control_offset;
            // Latency is that of what an activity led to, not of an epoch's end.
            let cause_ms =
                if matches!(finding.body, Body::Verdict(_)) { record.timestamp_ms } else { 0 };
            let tenant = finding.tenant_id.clone().into_bytes();
            applied.emits.push(Emit {
                topic: Arc::clone(&self.setup.names.findings),
                by: tenant.clone(),
                key: Some(tenant),
                value: serde_json::to_vec(&finding).ok(),
                headers: Vec::new(),
                cause_ms,
            });
        }
        applied.emits.extend(trust.iter().filter_map(|trust| self.trust(trust)));
    }

    /// The trust of an actor, where the mode lets it leave.
    fn trust(&self, trust: &TrustRecord) -> Option<Emit> {
        let setup = &self.setup;
        let (topic, shadow) = setup.route(&setup.names.trust)?;
        let (tenant, agent, authority) =
            (&trust.tenant_id, &trust.agent_id, trust.authority.as_str());
        let id = format!("{authority}|{agent}:{}", trust.sequence);
        let mut headers = EventHeaders::json(id, format!("/habitus/{tenant}"), RecordKind::Trust);
        headers.subject = Some(agent.clone());
        headers.time = Some(trust.time);
        headers.shadow = shadow;
        Some(Emit {
            topic,
            by: format!("{tenant}|{agent}").into_bytes(),
            key: Some(format!("{tenant}|{authority}|{agent}").into_bytes()),
            value: serde_json::to_vec(trust).ok(),
            headers: headers.encode(),
            cause_ms: 0,
        })
    }
}
