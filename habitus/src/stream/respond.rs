//! The respond fold over the findings log: bytes to findings, findings to alerts, requests and control records. It wires;
//! what leads to an alert is decided in the fold.

use std::sync::Arc;

use alerting::{Respond, Response};
use bus::Record;
use lane::{Applied, Counts, Emit};
use schemas::finding::Finding;
use schemas::header::{EventHeaders, RecordKind};

use super::setup::Setup;

/// The respond fold of one partition of the findings.
pub struct RespondStream {
    respond: Respond,
    setup: Arc<Setup>,
    log_ms: i64,
}

impl RespondStream {
    /// A partition that has seen nothing.
    pub fn new(setup: Arc<Setup>) -> Self {
        Self { respond: Respond::new(setup.respond.clone()), setup, log_ms: 0 }
    }

    /// The fold, to restore and to save.
    pub(super) fn fold_mut(&mut self) -> &mut Respond {
        &mut self.respond
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
        let mut applied = Applied {
            counts: Counts { records: 1, activities: 1, ..Counts::default() },
            ..Applied::default()
        };
        let finding: Finding =
            match serde_json::from_slice(record.value.as_deref().unwrap_or_default()) {
                Ok(finding) => finding,
                Err(_) => {
                    applied.counts.dead_lettered = 1;
                    return applied;
                }
            };
        self.log_ms = self.log_ms.max(finding.log_time.millis());
        applied.counts.scored = 1;
        for response in self.respond.apply(&finding) {
            if let Response::Alert(alert) = response
                && let Some((topic, shadow)) = self.setup.route(&self.setup.names.alerts)
            {
                let own = &alert.unmapped.habitus;
                let key = format!("{}|{}", own.tenant_id, own.agent_id).into_bytes();
                let mut headers = EventHeaders::json(
                    alert.metadata.uid.clone(),
                    format!("/habitus/{}", own.tenant_id),
                    RecordKind::Alert,
                );
                headers.shadow = shadow;
                applied.emits.push(Emit {
                    topic,
                    by: key.clone(),
                    key: Some(key),
                    value: serde_json::to_vec(&alert).ok(),
                    headers: headers.encode(),
                    cause_ms: finding.log_time.millis(),
                });
            }
        }
        applied
    }
}
