//! The fixed input that benches and the instruction count share, and one pass over it. It measures nothing.
#![forbid(unsafe_code)]

use std::sync::Arc;

use baseline::Shared;
use detector::{Observe, Outcome, Settings, Stamp};
use ingest::{Decoded, Limits, Notes, decode};
use schemas::finding::{Body, Increment};

/// Activities of an epoch. The demo has ten in five minutes: by the clock, half of the cost would be that of closing
/// epochs, which busy traffic spreads over thousands.
const EPOCH_ACTIVITIES: u64 = 1_000;
/// Milliseconds of an epoch in log time, by which epochs are numbered.
const EPOCH_MS: i64 = 300_000;
/// Memory of the one partition: enough that nothing is evicted.
const PARTITION_BYTES: usize = 64 << 20;

/// Events of the demo, a line each.
pub struct Fixture {
    bytes: Vec<u8>,
    lines: Vec<(usize, usize)>,
}

impl Fixture {
    /// Takes the first events of the demo, at most `count`.
    pub fn new(count: usize) -> Self {
        let bytes = scenario::generate(7);
        let mut lines = Vec::new();
        let mut start = 0;
        for line in bytes.split_inclusive(|byte| *byte == b'\n').take(count) {
            lines.push((start, start + line.trim_ascii_end().len()));
            start += line.len();
        }
        Self { bytes, lines }
    }

    /// How many activities one pass has.
    pub fn activities(&self) -> usize {
        self.lines.len()
    }

    /// Bytes of all lines.
    pub fn line_bytes(&self) -> usize {
        self.lines.iter().map(|(start, end)| end - start).sum()
    }

    /// Decodes every line; gives the number of activities.
    pub fn decode(&self) -> usize {
        let mut activities = 0;
        self.each(|_, _| activities += 1);
        activities
    }

    /// Decodes and observes every line with a fold that has seen nothing; gives the sum of the scores.
    pub fn observe(&self) -> i64 {
        let settings = Settings { partition_bytes_max: PARTITION_BYTES, ..Settings::default() };
        let mut fold = Observe::new(Arc::new(settings));
        let mut shared = Arc::new(Shared::default());
        let (mut log_ms, mut sum) = (0, 0);
        self.each(|offset, activity| {
            log_ms = activity.time.millis().max(log_ms);
            let stamp = Stamp { topic: "bench", partition: 0, offset, ordinal: 0, log_ms };
            if offset % EPOCH_ACTIVITIES == 0 {
                close_epoch(&mut fold, &mut shared, &stamp);
            }
            if let Outcome::Scored(observed) = fold.apply(&activity, &stamp, false) {
                sum += observed.score().0;
            }
        });
        sum
    }

    fn each<'a>(&'a self, mut on: impl FnMut(u64, schemas::Activity<'a>)) {
        let (limits, mut notes) = (Limits::default(), Notes::default());
        let mut decoded = Vec::new();
        for (offset, (start, end)) in (0_u64..).zip(&self.lines) {
            decode(&self.bytes[*start..*end], &limits, &mut notes, &mut decoded);
            for item in decoded.drain(..) {
                match item {
                    Decoded::Activity(activity) => on(offset, *activity),
                    other => panic!("the demo's line {offset} is no activity: {other:?}"),
                }
            }
        }
    }
}

/// Merges what the epoch taught, as a run does.
fn close_epoch(fold: &mut Observe, shared: &mut Arc<Shared>, stamp: &Stamp<'_>) {
    let findings = fold.close_epoch(stamp).findings.into_iter();
    let increments: Vec<Increment> = findings
        .filter_map(|finding| match finding.body {
            Body::Epoch(epoch) => Some(epoch.increments),
            _ => None,
        })
        .flatten()
        .collect();
    // The fold lets go of the old snapshot, so that merging copies nothing.
    fold.take_up(Arc::default());
    let epoch = u32::try_from(stamp.log_ms / EPOCH_MS).expect("an epoch before 2100");
    Arc::make_mut(shared).merge(epoch, &increments);
    fold.take_up(Arc::clone(shared));
}
