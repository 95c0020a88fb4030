//! The respond fold over the findings log: bytes to findings, findings to alerts, requests and control records. It wires;
//! what leads to an alert is decided in the fold.

use std::sync::Arc;

use alerting::intake::tick;
use alerting::ocsf::Severity;
use alerting::{Outgoing, Respond, RespondCounts, Response, TopicKind, outgoing};
use bus::Record;
use lane::{Applied, Counts, Emit};
use schemas::Rejection;
use schemas::reject::{ErrorCode, Stage};

use super::dead_letter::{quarantined, refused};
use super::sets;
use super::setup::Setup;

/// The respond fold of one partition of the findings.
pub struct RespondStream {
    respond: Respond,
    setup: Arc<Setup>,
    partition: u32,
    log_ms: i64,
}

impl RespondStream {
    /// A partition that has seen nothing.
    pub fn new(setup: Arc<Setup>, partition: u32) -> Self {
        Self { respond: Respond::new(setup.respond.clone()), setup, partition, log_ms: 0 }
    }

    /// The fold, to restore and to save.
    pub(super) fn fold_mut(&mut self) -> &mut Respond {
        &mut self.respond
    }

    /// What it holds and did.
    pub(super) fn counts(&self) -> RespondCounts {
        self.respond.counts()
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
        let finding = match alerting::read(record.value.as_deref().unwrap_or_default()) {
            Ok(finding) => finding,
            Err(error) => {
                // Only Habitus writes here: whoever else does must see it.
                let rejection = Rejection {
                    code: ErrorCode::InvalidField,
                    stage: Stage::Parse,
                    path: String::new(),
                    message: error.to_string(),
                };
                return refused(&self.setup, record, self.log_ms, rejection);
            }
        };
        self.log_ms = self.log_ms.max(finding.log_time.millis());
        let responses =
            self.setup.timed(telemetry::Stage::Respond, || self.respond.apply(&finding));
        self.tell(&responses);
        let records = outgoing(&self.setup.respond, finding.log_time, &responses);
        let sums = telemetry::sums(Default::default(), n_opened(&responses), 0);
        let counts = Counts { records: 1, activities: 1, scored: 1, sums, ..Counts::default() };
        Applied {
            counts,
            emits: records.into_iter().filter_map(|record| self.emit(record)).collect(),
        }
    }

    /// Refuses a finding that killed the process.
    pub(super) fn quarantine(&self, record: &Record) -> Applied {
        quarantined(&self.setup, record, self.log_ms)
    }

    /// The tick of the tenant whose deadline comes first, and when it is due.
    pub(super) fn due(&self) -> Option<(i64, Emit)> {
        let (tenant, due) = self.respond.next_deadline()?;
        let tick = tick(tenant, due, self.partition, &self.setup.observe.versions);
        Some((due.millis(), self.setup.finding(&tick, 0)))
    }

    fn emit(&self, mut record: Outgoing) -> Option<Emit> {
        let names = &self.setup.names;
        let (topic, measured) = match record.kind {
            TopicKind::Alerts => (Arc::clone(&names.alerts), true),
            TopicKind::Incidents => (Arc::clone(&names.incidents), false),
            TopicKind::Revocations => (Arc::clone(&names.revocations), false),
            TopicKind::Decisions => (Arc::clone(&names.decisions), false),
            TopicKind::Shadow => (names.shadow.clone()?, true),
            TopicKind::Control => (Arc::clone(&names.control), false),
            TopicKind::Sets => (Arc::clone(&names.sets), false),
        };
        if record.kind == TopicKind::Sets {
            record.value = Some(sets::sign(&self.setup, &record)?);
        }
        Some(Emit {
            topic,
            by: record.key.clone(),
            key: Some(record.key),
            value: record.value,
            headers: record.headers,
            cause_ms: if measured { record.cause.millis() } else { 0 },
        })
    }

    fn tell(&self, responses: &[Response]) {
        for response in responses {
            match response {
                Response::Alert(alert) if alert.activity_id == 1 => self.setup.tell(|metrics| {
                    let own = &alert.unmapped.habitus;
                    let signal =
                        own.contributions.first().map_or("", |share| share.signal.as_str());
                    let learning = own.baseline.state == "learning";
                    metrics.alert(
                        signal,
                        Severity::from_id(alert.severity_id),
                        self.setup.mode,
                        learning,
                    );
                }),
                Response::Revocation(request) => {
                    self.setup.tell(|metrics| metrics.revocation(request.mode));
                }
                Response::AlertRef { joined: true, .. } => {
                    self.setup.tell(telemetry::Metrics::alert_join);
                }
                Response::Alert(_)
                | Response::Incident(_)
                | Response::Decision(_)
                | Response::Risk(_)
                | Response::AlertRef { .. }
                | Response::Control { .. } => {}
            }
        }
    }
}

/// Alerts opened about one actor each: those that the budget of alerts is about.
fn n_opened(responses: &[Response]) -> u64 {
    let is_opened = |response: &&Response| match response {
        Response::Alert(alert) => {
            let own = &alert.unmapped.habitus;
            alert.activity_id == 1 && own.fleet.is_none() && own.response.is_none()
        }
        _ => false,
    };
    responses.iter().filter(is_opened).count() as u64
}
