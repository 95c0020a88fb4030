//! The observe fold of one partition, driven as a lane drives it: log time first, then the activity, and what was
//! touched into a compacted log now and then. Its tenant's shared tables are merged at once.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use baseline::Shared;
use detector::{EpochEnd, Observe, Observed, Outcome, Stamp};
use ingest::{Decoded, Limits, Notes, decode};
use schemas::Activity;
use schemas::finding::{Body, Finding};
use schemas::trust::TrustRecord;

/// A compacted topic: the newest value of each key.
pub type Compacted = BTreeMap<String, Vec<u8>>;

/// One partition and what its lane hands in.
pub struct Driven {
    /// The fold.
    pub fold: Observe,
    /// Every record that was saved, in order.
    pub log: Vec<(String, Vec<u8>)>,
    settings: detector::Settings,
    shared: Arc<Shared>,
    log_ms: i64,
}

/// What one line led to.
#[derive(Debug, Default)]
pub struct Said {
    /// The end of an epoch, where the line ended one.
    pub end: Option<EpochEnd>,
    /// What was observed; `None` for a duplicate.
    pub observed: Option<Box<Observed>>,
}

impl Driven {
    /// Begins a partition with a cap in bytes.
    pub fn new(bytes_max: usize) -> Self {
        let settings = detector::Settings {
            partition_bytes_max: bytes_max,
            ..crate::settings().observe.clone()
        };
        let mut fold = Observe::new(Arc::new(settings.clone()));
        fold.track_touched();
        Self { fold, log: Vec::new(), settings, shared: Arc::default(), log_ms: 0 }
    }

    /// Begins again from saved records alone, in the order given; the lane keeps log time, control the shared tables.
    pub fn restored<'a>(&self, records: impl Iterator<Item = (&'a String, &'a Vec<u8>)>) -> Self {
        let mut fold = Observe::new(Arc::new(self.settings.clone()));
        fold.track_touched();
        for (key, value) in records {
            fold.load(key, value).unwrap_or_else(|error| panic!("{key}: {error}"));
        }
        fold.take_up(Arc::clone(&self.shared));
        Self {
            fold,
            log: self.log.clone(),
            settings: self.settings.clone(),
            shared: Arc::clone(&self.shared),
            log_ms: self.log_ms,
        }
    }

    /// Applies the activity of a line.
    pub fn apply(&mut self, offset: u64, line: &[u8]) -> Said {
        let activity = activity(line);
        let end = self.pass(offset, activity.time.millis());
        let observed = match self.fold.apply(&activity, &self.stamp(offset), false) {
            Outcome::Scored(observed) => Some(observed),
            Outcome::Duplicate => None,
        };
        Said { end, observed }
    }

    /// Lets log time pass before the activity at an offset.
    pub fn pass(&mut self, offset: u64, log_ms: i64) -> Option<EpochEnd> {
        self.log_ms = self.log_ms.max(log_ms);
        let end = self.fold.advance(&self.stamp(offset));
        if let Some(end) = &end {
            self.merge(&end.findings);
        }
        end
    }

    /// Log time of the newest activity.
    pub fn log_ms(&self) -> i64 {
        self.log_ms
    }

    fn stamp(&self, offset: u64) -> Stamp<'static> {
        Stamp { topic: "t", partition: 0, offset, ordinal: 0, log_ms: self.log_ms }
    }

    fn merge(&mut self, findings: &[Finding]) {
        for finding in findings {
            if let Body::Epoch(epoch) = &finding.body {
                let number = u32::try_from(epoch.epoch).expect("an epoch before 2100");
                Arc::make_mut(&mut self.shared).merge(number, &epoch.increments);
            }
        }
        self.fold.take_up(Arc::clone(&self.shared));
    }

    /// Saves what was touched; gives it as text too.
    pub fn save(&mut self, into: &mut Compacted) -> String {
        let mut text = String::new();
        let touched = self.fold.touched();
        assert!(touched.is_sorted_by(|a, b| a.0 < b.0), "each record once, in order");
        for (key, value) in touched {
            let _infallible = write!(text, "{key}={value:?} ");
            self.log.push((key.clone(), value.clone()));
            if value.is_empty() {
                into.remove(&key);
            } else {
                into.insert(key, value);
            }
        }
        text
    }
}

impl Said {
    /// Everything that was said, floats by their bits: equal texts are equal results.
    pub fn text(&self) -> String {
        let mut text = String::new();
        if let Some(end) = &self.end {
            text.push_str(&json(&end.findings));
            text.push_str(&json(&end.trust));
        }
        let Some(observed) = &self.observed else { return text + "duplicate" };
        let _infallible = write!(
            text,
            "score {} period {:016x} trust {:016x} {} late {} {} {}",
            observed.assessment.micronats,
            observed.return_period_actor_months.to_bits(),
            observed.trust.to_bits(),
            observed.level.as_str(),
            observed.late,
            json(&observed.findings),
            json(&observed.trust_record),
        );
        for signal in &observed.assessment.signals {
            let _infallible = write!(text, " {}={}", signal.id, signal.evidence_micronats);
        }
        text
    }

    /// The trust records, in order of their making.
    pub fn trust(&self) -> Vec<&TrustRecord> {
        let at_end = self.end.iter().flat_map(|end| &end.trust);
        let of_activity = self.observed.iter().filter_map(|o| o.trust_record.as_deref());
        at_end.chain(of_activity).collect()
    }
}

/// Decodes a line that is one activity.
pub fn activity(line: &[u8]) -> Activity<'_> {
    let mut decoded = Vec::new();
    decode(line, &Limits::default(), &mut Notes::default(), &mut decoded);
    match decoded.pop() {
        Some(Decoded::Activity(activity)) if decoded.is_empty() => *activity,
        other => panic!("no single activity: {other:?}"),
    }
}

fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("findings and records are JSON")
}
