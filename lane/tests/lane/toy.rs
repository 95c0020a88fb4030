//! Two small folds with the shape of the real ones: one sums amounts by key and tells a finding of every third; the
//! other counts findings and raises an alert of every fifth. A shared factor is what they take up.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lane::{Applied, Counts, Emit, Fold, LoadError, LogFold, Record};

pub(crate) const INPUT: &str = "activity";
pub(crate) const FINDINGS: &str = "findings";
pub(crate) const ALERTS: &str = "alerts";
pub(crate) const DEAD: &str = "dead";
/// The value of an entry that kills the process that applies it.
pub(crate) const FATAL: &str = "fatal";

/// A fold of either kind: sums by key.
pub(crate) struct Toy {
    is_respond: bool,
    sums: BTreeMap<String, u64>,
    touched: BTreeSet<String>,
    factor: u64,
    time_ms: i64,
    /// The process, where entries may kill it.
    pub(crate) dies_in: Option<bus::memory::Memory>,
}

impl Toy {
    pub(crate) fn new(topic: &str) -> Self {
        Self {
            is_respond: topic == FINDINGS,
            sums: BTreeMap::new(),
            touched: BTreeSet::new(),
            factor: 1,
            time_ms: 0,
            dies_in: None,
        }
    }

    fn emit(&self, topic: &str, key: &str, value: String) -> Emit {
        Emit {
            topic: Arc::from(topic),
            by: key.as_bytes().to_vec(),
            key: Some(key.as_bytes().to_vec()),
            value: Some(value.into_bytes()),
            headers: Vec::new(),
            cause_ms: self.time_ms,
        }
    }
}

impl Fold for Toy {
    type Entry<'a> = &'a bus::Record;
    type Output = Applied;

    fn apply(&mut self, record: &bus::Record) -> Applied {
        self.time_ms = self.time_ms.max(record.timestamp_ms);
        let text =
            String::from_utf8_lossy(record.value.as_deref().unwrap_or_default()).into_owned();
        if let Some(process) = self.dies_in.as_ref().filter(|_| text == FATAL) {
            process.kill();
        }
        let mut applied = Applied {
            counts: Counts { records: 1, activities: 1, ..Counts::default() },
            emits: Vec::new(),
        };
        let Some((key, amount)) =
            text.split_once(' ').and_then(|(k, a)| Some((k, a.parse::<u64>().ok()?)))
        else {
            applied.counts.dead_lettered = 1;
            applied.emits.push(self.emit(DEAD, "bad", text));
            return applied;
        };
        applied.counts.scored = 1;
        let sum = self.sums.entry(key.to_owned()).or_default();
        *sum = sum.wrapping_mul(31).wrapping_add(amount * self.factor);
        let sum = *sum;
        self.touched.insert(key.to_owned());
        let id = format!("{}-{}-{}", record.at.topic, record.at.partition, record.offset);
        if self.is_respond {
            if sum.is_multiple_of(5) {
                applied.emits.push(self.emit(ALERTS, key, format!("{id} alert {key} {sum}")));
            }
        } else if sum.is_multiple_of(3) {
            let tenant = &key[..1];
            applied.emits.push(self.emit(FINDINGS, tenant, format!("{key} {}", sum % 1_000)));
        }
        applied
    }

    fn touched(&mut self) -> Vec<Record> {
        let touched = std::mem::take(&mut self.touched).into_iter();
        let value = |key: &String| self.sums.get(key).map(|sum| sum.to_string().into_bytes());
        touched
            .map(|key| Record { value: value(&key).unwrap_or_default(), key: key.into_bytes() })
            .collect()
    }

    fn load(&mut self, record: &Record) -> Result<(), LoadError> {
        let text =
            |bytes: &[u8]| String::from_utf8(bytes.to_vec()).map_err(|e| LoadError(e.to_string()));
        let sum = text(&record.value)?.parse().map_err(|_| LoadError("a number".to_owned()))?;
        self.sums.insert(text(&record.key)?, sum);
        Ok(())
    }
}

impl LogFold for Toy {
    type Switches = u64;

    fn take_up(&mut self, factor: &u64) {
        self.factor = *factor;
    }

    fn resume(&mut self, stream_time_ms: i64) {
        self.time_ms = stream_time_ms;
    }

    fn quarantine(&mut self, record: &bus::Record) -> Applied {
        let counts = Counts { records: 1, activities: 1, dead_lettered: 1, ..Counts::default() };
        let text = format!("quarantined {}", record.offset);
        Applied { counts, emits: vec![self.emit(DEAD, "bad", text)] }
    }

    fn stream_time_ms(&self) -> i64 {
        self.time_ms
    }
}
