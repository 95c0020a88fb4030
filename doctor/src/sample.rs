//! What a sample of a source comes to: formats, ends of activities, keys, clocks, and how often each field is filled.

use std::collections::BTreeMap;
use std::time::Duration;

use bus::{Bus, BusError, Isolation, Reader, TopicPartition};
use ingest::{Carrier, Decoded, Limits, Notes};
use mapping::Reading;
use schemas::EventTime;

use super::field::FIELDS;

/// Records of a source that are looked at.
pub(super) const RECORDS_MAX: usize = 1_000;
/// How long one look at a partition waits.
const WAIT: Duration = Duration::from_millis(200);

/// What was seen of a source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// Topic or file.
    pub source: String,
    /// Records looked at.
    pub records: u64,
    /// Activities in them, whatever became of them.
    pub activities: u64,
    /// Activities that would be scored.
    pub mapped: u64,
    /// Formats by activities.
    pub formats: BTreeMap<&'static str, u64>,
    /// Left out, by rule.
    pub skipped: BTreeMap<&'static str, u64>,
    /// Refused, by code.
    pub rejected: BTreeMap<&'static str, u64>,
    /// Records of a log whose key is `agent`'s, another `text`, or `none`.
    pub keys: BTreeMap<&'static str, u64>,
    /// The furthest that an activity lies ahead of its record's time on the log, in milliseconds.
    pub ahead_ms_max: i64,
    /// The furthest behind it.
    pub behind_ms_max: i64,
    /// How many of the mapped ones fill each field, in the order of [`FIELDS`].
    pub filled: [u64; FIELDS.len()],
    /// Members that nobody reads, by path.
    pub unmapped: BTreeMap<String, u64>,
}

// === impl Survey ===

impl Survey {
    /// A survey that has seen nothing.
    pub fn new(source: &str) -> Self {
        Self { source: source.to_owned(), ..Self::default() }
    }

    /// Whether it has seen as much as it wants.
    pub fn is_full(&self) -> bool {
        RECORDS_MAX as u64 <= self.records
    }

    /// Looks at a record; its key is `None` where it stands on no log.
    pub fn look(
        &mut self,
        record: &[u8],
        key: Option<&[u8]>,
        (reading, limits, carrier): (&Reading, &Limits, &Carrier<'_>),
    ) {
        self.records += 1;
        let mut notes = Notes::default();
        let mut agents = Vec::new();
        for (decoded, about) in reading.explain(record, (limits, carrier), &mut notes) {
            self.activities += 1;
            let format = about.format.map_or("none", ingest::Format::as_str);
            let is_own = about.format.is_none() && matches!(decoded, Decoded::Activity(_));
            *self.formats.entry(if is_own { "mapping" } else { format }).or_default() += 1;
            match decoded {
                Decoded::Rejected(found) => {
                    *self.rejected.entry(found.code.as_str()).or_default() += 1;
                }
                Decoded::Skipped(skip) => *self.skipped.entry(skip.rule).or_default() += 1,
                Decoded::Activity(activity) => {
                    agents.push(activity.partition_key());
                    if let Some(rule) = reading.principals().skips(&activity) {
                        *self.skipped.entry(rule).or_default() += 1;
                        continue;
                    }
                    self.mapped += 1;
                    for (field, filled) in FIELDS.iter().zip(&mut self.filled) {
                        *filled += u64::from((field.is_there)(&activity));
                    }
                    if let Some(time) = carrier.time {
                        let ahead_ms = activity.time.millis() - time.millis();
                        self.ahead_ms_max = self.ahead_ms_max.max(ahead_ms);
                        self.behind_ms_max = self.behind_ms_max.max(-ahead_ms);
                    }
                }
            }
        }
        for (path, n) in notes.unknown_fields {
            *self.unmapped.entry(path).or_default() += n;
        }
        if let Some(key) = key {
            let is_agents = !agents.is_empty() && agents.iter().all(|own| own.as_bytes() == key);
            let shape = match key {
                [] => "none",
                _ if is_agents => "agent",
                _ => "other",
            };
            *self.keys.entry(shape).or_default() += 1;
        }
    }
}

/// Looks at the newest records of a topic, as many of each partition.
pub(super) fn sample<B: Bus>(
    bus: &B,
    (topic, partitions): (&str, u32),
    (reading, keyed): (&Reading, bool),
) -> Result<Survey, BusError> {
    let mut survey = Survey::new(topic);
    let each = (RECORDS_MAX as u64).div_ceil(u64::from(partitions.max(1)));
    for number in 0..partitions {
        let at = TopicPartition::new(topic, number);
        let (first, end) = bus.admin()?.bounds(&at, Isolation::ReadCommitted)?;
        if first == end {
            continue;
        }
        let from = end.saturating_sub(each).max(first);
        let mut reader = bus.reader(&at, from, Isolation::ReadCommitted)?;
        let mut left = each;
        while 0 < left && !survey.is_full() {
            let Some(record) = reader.next(WAIT)? else {
                if reader.at_end() {
                    break;
                }
                left -= 1;
                continue;
            };
            left -= 1;
            let headers: Vec<(&str, &[u8])> = record
                .headers
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_slice()))
                .collect();
            let time = EventTime::from_millis(record.timestamp_ms).ok();
            let carrier = Carrier { headers: &headers, time };
            let value = record.value.as_deref().unwrap_or_default();
            let key = record.key.as_deref().unwrap_or_default();
            survey.look(value, keyed.then_some(key), (reading, &Limits::default(), &carrier));
        }
    }
    Ok(survey)
}
