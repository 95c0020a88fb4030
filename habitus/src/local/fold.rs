//! The observe fold as a lane drives it: an entry is a decoded activity with its stamp.

use std::time::Instant;

use detector::{Observe, Outcome, Stamp};
use lane::{Fold, LoadError, Record};
use schemas::Activity;

/// One activity on its way through a lane.
pub(super) struct Entry<'a> {
    pub(super) activity: Activity<'a>,
    pub(super) stamp: Stamp<'a>,
    pub(super) explain: bool,
}

/// What became of it, and how long it took in nanoseconds.
pub(super) struct Output {
    pub(super) outcome: Outcome,
    pub(super) nanos: u64,
}

/// The observe fold of one partition.
pub(super) struct ObserveFold(pub(super) Observe);

impl ObserveFold {
    #[expect(clippy::disallowed_methods, reason = "the edge measures; no result depends on it")]
    fn timed(&mut self, entry: &Entry<'_>) -> Output {
        let start = Instant::now();
        let outcome = self.0.apply(&entry.activity, &entry.stamp, entry.explain);
        let nanos = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        Output { outcome, nanos }
    }
}

impl Fold for ObserveFold {
    type Entry<'a> = &'a Entry<'a>;
    type Output = Output;

    fn apply(&mut self, entry: &Entry<'_>) -> Output {
        self.timed(entry)
    }

    fn touched(&mut self) -> Vec<Record> {
        let records = self.0.touched().into_iter();
        records.map(|(key, value)| Record { key: key.into_bytes(), value }).collect()
    }

    fn load(&mut self, record: &Record) -> Result<(), LoadError> {
        let key = std::str::from_utf8(&record.key).map_err(|error| LoadError(error.to_string()))?;
        self.0.load(key, &record.value).map_err(|error| LoadError(error.to_string()))
    }
}
