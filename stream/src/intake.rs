//! The intake fold over records under any key: each activity goes on under its agent's key, as it will be observed. It
//! keeps nothing but log time; it wires, and decides nothing.

use std::sync::Arc;

use bus::Record;
use ingest::Limits;
use lane::{Applied, Emit};
use mapping::Reading;
use schemas::header::OriginHeaders;
use schemas::reject::ErrorCode;
use schemas::{Activity, Rejection};

use super::admit::{Admission, Gate, refusal};
use super::dead_letter::quarantined;
use super::setup::Setup;

/// The intake fold of one partition of a source.
pub struct IntakeStream {
    setup: Arc<Setup>,
    reading: Reading,
    log_ms: i64,
}

impl IntakeStream {
    /// A partition of a topic that has seen nothing.
    pub fn new(setup: Arc<Setup>, topic: &str) -> Self {
        Self { reading: setup.reading_of(topic), setup, log_ms: 0 }
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
        self.log_ms = self.log_ms.max(record.timestamp_ms);
        let (setup, log_ms) = (&self.setup, self.log_ms);
        let admission = Admission { setup, reading: &self.reading, gate: Gate::Any };
        admission.admit((record, log_ms), |applied, activity, index| {
            applied.emits.push(rekeyed(setup, (record, log_ms), (activity, index))?);
            applied.counts.scored += 1;
            Ok(())
        })
    }

    /// Refuses a record that killed the process.
    pub(super) fn quarantine(&mut self, record: &Record) -> Applied {
        self.log_ms = self.log_ms.max(record.timestamp_ms);
        quarantined(&self.setup, record, self.log_ms)
    }
}

/// An activity under its agent's key.
fn rekeyed(
    setup: &Setup,
    (record, log_ms): (&Record, i64),
    (activity, index): (&Activity<'_>, u32),
) -> Result<Emit, Rejection> {
    let value = serde_json::to_vec(activity).unwrap_or_default();
    // Observe would refuse it, where its record is no longer at hand.
    if value.len() > Limits::default().record_bytes_max {
        let message = "write the activity as a record of at most 1 MiB";
        return Err(refusal(ErrorCode::TooLarge, "", message));
    }
    let versions = &setup.observe.versions;
    let origin = OriginHeaders {
        topic: record.at.topic.to_string(),
        partition: record.at.partition,
        offset: record.offset,
        index,
        timestamp_ms: record.timestamp_ms,
        log_ms,
        config: versions.config.clone(),
        lists: versions.lists.clone(),
        program: versions.program.clone(),
    };
    let key = activity.partition_key().into_bytes();
    Ok(Emit {
        topic: Arc::clone(&setup.names.activity),
        by: key.clone(),
        key: Some(key),
        value: Some(value),
        headers: origin.encode(),
        cause_ms: record.timestamp_ms,
    })
}
