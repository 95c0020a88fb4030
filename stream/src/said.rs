//! Intake of what is said from outside: acknowledgements of requests, verdicts of analysts, commands of operators. What
//! checks goes to the findings of its tenant, everything else to the dead letters. It wires, and decides nothing.

use std::sync::Arc;

use alerting::intake::{Arrival, acknowledgement, feedback_or_command};
use bus::Record;
use lane::{Applied, Counts};
use schemas::{EventTime, Source};

use super::authors::signature;
use super::dead_letter::{quarantined, refused};
use super::setup::Setup;

/// The fold of one partition of a topic of what is said.
pub struct SaidStream {
    setup: Arc<Setup>,
    /// Of acknowledgements; else of verdicts and commands.
    acknowledges: bool,
    topic_id: String,
    log_ms: i64,
}

impl SaidStream {
    /// A partition of a topic that has seen nothing.
    pub fn new(setup: Arc<Setup>, topic: &Arc<str>) -> Self {
        let acknowledges = *topic == setup.names.acknowledgements;
        let topic_id = setup.ids.get(topic).cloned().unwrap_or_default();
        Self { setup, acknowledges, topic_id, log_ms: 0 }
    }

    /// Newest log time.
    pub(super) fn log_ms(&self) -> i64 {
        self.log_ms
    }

    /// Sets the newest log time at a restore.
    pub(super) fn resume(&mut self, log_ms: i64) {
        self.log_ms = log_ms;
    }

    /// Refuses a record that killed the process.
    pub(super) fn quarantine(&mut self, record: &Record) -> Applied {
        self.log_ms = self.log_ms.max(record.timestamp_ms);
        quarantined(&self.setup, record, self.log_ms)
    }

    /// Takes in one record.
    pub(super) fn apply(&mut self, record: &Record) -> Applied {
        self.log_ms = self.log_ms.max(record.timestamp_ms);
        let source = Source {
            topic_id: self.topic_id.clone(),
            partition: record.at.partition,
            offset: record.offset,
            ordinal: 0,
        };
        let arrival = Arrival {
            source: &source,
            log_time: EventTime::from_millis(self.log_ms).unwrap_or(self.setup.epoch),
            versions: &self.setup.observe.versions,
            authors: &self.setup.authors,
            signature: signature(record),
        };
        let bytes = record.value.as_deref().unwrap_or_default();
        let checked = match self.acknowledges {
            true => acknowledgement(bytes, &arrival),
            false => feedback_or_command(bytes, &arrival),
        };
        match checked {
            Ok(finding) => {
                let counts = Counts { records: 1, activities: 1, scored: 1, ..Counts::default() };
                Applied { counts, emits: vec![self.setup.finding(&finding, 0)] }
            }
            Err(rejection) => refused(&self.setup, record, self.log_ms, rejection),
        }
    }
}
