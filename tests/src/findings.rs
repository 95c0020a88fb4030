//! The findings log of a stream of events: what observe says of it, partition by partition, with each epoch's
//! increments in numbered parts. It drives observe as a run does, and asks respond nothing.

use std::collections::BTreeSet;
use std::sync::Arc;

use baseline::Shared;
use bus::partition;
use detector::{Observe, Outcome, Stamp};
use ingest::{Decoded, Limits, Notes, decode};
use schemas::finding::{Body, Epoch, FINDING_SCHEMA, Finding, Increment, Versions};
use schemas::{Activity, EventTime, Source};

const PARTITIONS: u32 = 4;
const EPOCH_MS: i64 = 300_000;
/// Increments of one part: few, so that epochs have several.
const PART_INCREMENTS: usize = 64;

/// A findings log, and the tables that its epochs add up to.
pub struct FindingsLog {
    /// The findings, in the order of the log.
    pub findings: Vec<Finding>,
    /// All increments, merged epoch by epoch without respond.
    pub merged: Shared,
}

struct Observing {
    folds: Vec<Observe>,
    shared: Arc<Shared>,
    tenants: Vec<String>,
    findings: Vec<Finding>,
}

/// Runs observe over a stream of native events.
pub fn findings_log(bytes: &[u8]) -> FindingsLog {
    let activities = activities(bytes);
    let tenants: BTreeSet<String> = activities.iter().map(|a| a.tenant_id.to_string()).collect();
    let settings = Arc::new(super::settings().observe);
    let mut run = Observing {
        folds: (0..PARTITIONS).map(|_| Observe::new(Arc::clone(&settings))).collect(),
        shared: Arc::default(),
        tenants: tenants.into_iter().collect(),
        findings: Vec::new(),
    };
    let mut log_ms = 0;
    for (offset, activity) in (0_u64..).zip(&activities) {
        let before = log_ms / EPOCH_MS;
        log_ms = log_ms.max(activity.time.millis());
        if log_ms / EPOCH_MS != before {
            run.close_epoch(before, offset, log_ms);
        }
        let partition = partition(activity.partition_key().as_bytes(), PARTITIONS);
        let stamp = Stamp { topic: "file:0", partition, offset, ordinal: 0, log_ms };
        let fold = &mut run.folds[partition as usize];
        if let Outcome::Scored(observed) = fold.apply(activity, &stamp, false) {
            run.findings.extend(observed.findings);
        }
    }
    let end_ms = log_ms + 13 * 3_600_000;
    run.close_epoch(log_ms / EPOCH_MS, activities.len() as u64, end_ms);
    let merged = Arc::unwrap_or_clone(std::mem::take(&mut run.shared));
    FindingsLog { findings: run.findings, merged }
}

impl Observing {
    fn close_epoch(&mut self, epoch: i64, offset: u64, log_ms: i64) {
        let mut all = Vec::new();
        for partition in 0..PARTITIONS {
            let fold = &mut self.folds[partition as usize];
            fold.take_up(Arc::default());
            let increments = fold.close_epoch();
            let source = Source { topic_id: "file:0".to_owned(), partition, offset, ordinal: 0 };
            self.send(epoch, &source, log_ms, &increments);
            all.extend(increments);
        }
        let number = u32::try_from(epoch).expect("an epoch before 2100");
        Arc::make_mut(&mut self.shared).merge(number, &all);
        self.folds.iter_mut().for_each(|fold| fold.take_up(Arc::clone(&self.shared)));
    }

    /// Increments do not say whose they are: for respond it is enough that a scope is always the same tenant's.
    fn send(&mut self, epoch: i64, source: &Source, log_ms: i64, increments: &[Increment]) {
        for (place, tenant_id) in (0_u64..).zip(&self.tenants) {
            let of_tenant = |at: &&Increment| at.scope % self.tenants.len() as u64 == place;
            let increments: Vec<Increment> = increments.iter().filter(of_tenant).copied().collect();
            let chunks: Vec<&[Increment]> = increments.chunks(PART_INCREMENTS).collect();
            for (part, chunk) in (0_u32..).zip(&chunks) {
                let parts = u32::try_from(chunks.len()).expect("few parts");
                let increments = chunk.to_vec();
                self.findings.push(Finding {
                    schema: FINDING_SCHEMA.to_owned(),
                    tenant_id: tenant_id.clone(),
                    log_time: EventTime::from_millis(log_ms).expect("a time within bounds"),
                    source: source.clone(),
                    versions: Versions::default(),
                    body: Body::Epoch(Epoch { epoch, part, parts, increments }),
                });
            }
        }
    }
}

fn activities(bytes: &[u8]) -> Vec<Activity<'_>> {
    let (limits, mut notes, mut decoded) = (Limits::default(), Notes::default(), Vec::new());
    for line in super::lines_of(bytes) {
        decode(line, &limits, &mut notes, &mut decoded);
    }
    let read = decoded.into_iter().filter_map(|item| match item {
        Decoded::Activity(activity) => Some(activity),
        Decoded::Skipped(_) | Decoded::Rejected(_) => None,
    });
    read.collect()
}
