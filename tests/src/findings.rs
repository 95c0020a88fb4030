//! The findings log of a stream of events: what observe says of it, partition by partition, with each epoch's
//! increments in numbered parts. It drives observe as a run does, and asks respond nothing.

use std::sync::Arc;

use baseline::Shared;
use bus::partition;
use detector::{Observe, Outcome, Stamp};
use ingest::{Decoded, Limits, Notes, decode};
use schemas::Activity;
use schemas::finding::{Body, Epoch, Finding, Increment};

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
    findings: Vec<Finding>,
}

/// Runs observe over a stream of native events.
pub fn findings_log(bytes: &[u8]) -> FindingsLog {
    let activities = activities(bytes);
    let settings = Arc::new(super::settings().observe);
    let mut run = Observing {
        folds: (0..PARTITIONS).map(|_| Observe::new(Arc::clone(&settings))).collect(),
        shared: Arc::default(),
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
            let stamp = Stamp { topic: "file:0", partition, offset, ordinal: 0, log_ms };
            for finding in fold.close_epoch(&stamp).findings {
                match &finding.body {
                    Body::Epoch(ended) => {
                        all.extend(ended.increments.iter().copied());
                        self.findings.extend(in_parts(&finding, ended));
                    }
                    _ => self.findings.push(finding),
                }
            }
        }
        let number = u32::try_from(epoch).expect("an epoch before 2100");
        Arc::make_mut(&mut self.shared).merge(number, &all);
        self.folds.iter_mut().for_each(|fold| fold.take_up(Arc::clone(&self.shared)));
    }
}

/// An epoch's finding as several.
fn in_parts(finding: &Finding, ended: &Epoch) -> Vec<Finding> {
    let mut chunks: Vec<&[Increment]> = ended.increments.chunks(PART_INCREMENTS).collect();
    chunks.resize(chunks.len().max(1), &[]);
    let parts = u32::try_from(chunks.len()).expect("few parts");
    let part = |(part, chunk): (u32, &[Increment])| {
        let met = if part + 1 == parts { ended.met.clone() } else { Vec::new() };
        let met_cut = if part == 0 { ended.met_cut } else { 0 };
        let increments = chunk.to_vec();
        let epoch = Epoch { epoch: ended.epoch, part, parts, increments, met, met_cut };
        Finding { body: Body::Epoch(epoch), ..finding.clone() }
    };
    (0_u32..).zip(chunks).map(part).collect()
}

fn activities(bytes: &[u8]) -> Vec<Activity<'_>> {
    let (limits, mut notes, mut decoded) = (Limits::default(), Notes::default(), Vec::new());
    for line in super::lines_of(bytes) {
        decode(line, &limits, &mut notes, &mut decoded);
    }
    let read = decoded.into_iter().filter_map(|item| match item {
        Decoded::Activity(activity) => Some(*activity),
        Decoded::Skipped(_) | Decoded::Rejected(_) => None,
    });
    read.collect()
}
