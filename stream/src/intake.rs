//! The intake fold over records under any key: each activity goes on under its agent's key, as it will be observed. It
//! keeps log time, and spans that wait for the one that names their agent (`ingest::Hold`); it wires, and decides nothing.

use std::collections::BTreeSet;
use std::sync::Arc;

use bus::{Header, Record, TopicPartition};
use detector::Inventory;
use ingest::{Arrival, Hold, HoldError, Limits, Orphan, SavedHold};
use lane::{Applied, Emit};
use mapping::Reading;
use schemas::header::OriginHeaders;
use schemas::reject::ErrorCode;
use schemas::{Activity, Rejection};

use super::admit::{Admission, Gate, read_one, refusal, within_time};
use super::dead_letter::{Place, quarantined};
use super::setup::Setup;

/// The intake fold of one partition of a source.
pub struct IntakeStream {
    setup: Arc<Setup>,
    reading: Reading,
    inventory: Arc<Inventory>,
    log_ms: i64,
    hold: Hold,
}

/// What is kept beside the value of a record of which something waits: its timestamp, log time as it came, key, headers.
type Beside = (i64, i64, Option<Vec<u8>>, Vec<Header>);

impl IntakeStream {
    /// A partition of a topic that has seen nothing.
    pub fn new(setup: Arc<Setup>, topic: &str) -> Self {
        let reading = setup.reading_of(topic);
        let inventory = Arc::clone(&setup.lists.inventory);
        Self { hold: Hold::new(reading.hold()), reading, inventory, setup, log_ms: 0 }
    }

    /// Newest log time.
    pub(super) fn log_ms(&self) -> i64 {
        self.log_ms
    }

    /// How many activities wait for their agent.
    pub fn n_waiting(&self) -> usize {
        self.hold.n_waiting()
    }

    /// What changed of what waits.
    pub(super) fn touched(&mut self) -> Vec<SavedHold> {
        self.hold.touched()
    }

    /// Restores a record of what waits.
    pub(super) fn load(&mut self, key: &str, value: &[u8]) -> Result<(), HoldError> {
        self.hold.load(key, value)
    }

    /// Sets the newest log time at a restore.
    pub(super) fn resume(&mut self, log_ms: i64) {
        self.log_ms = log_ms;
    }

    /// Takes up who is registered.
    pub(super) fn register(&mut self, inventory: Arc<Inventory>) {
        self.inventory = inventory;
    }

    /// Takes in one record.
    pub(super) fn apply(&mut self, record: &Record) -> Applied {
        self.log_ms = self.log_ms.max(record.timestamp_ms);
        let Self { setup, reading, inventory, log_ms, hold } = self;
        let (setup, reading, log_ms) = (&**setup, &*reading, *log_ms);
        let admission = Admission { setup, reading, inventory, gate: Gate::Any };
        let ancestors = hold.holds().then(|| hold.ancestors());
        let (decoded, mut traced) = admission.decode(record, ancestors);
        let mut applied = read_one();
        let in_time = |orphan: &Orphan| {
            let activity = orphan.activity.as_ref();
            activity.is_none_or(|activity| within_time(activity, log_ms).is_ok())
        };
        traced.orphans.retain(in_time);
        let waits: BTreeSet<u32> = traced.orphans.iter().map(|orphan| orphan.ordinal).collect();
        let value = record.value.as_deref().unwrap_or_default();
        let arrival = Arrival { ticket: record.offset, until_ms: log_ms, bytes: 0 };
        let released = hold.take(arrival, traced, || keep(record, log_ms, value));
        // What waited ended before what freed it.
        for mut one in released {
            applied.counts.released += 1;
            setup.tell(|metrics| metrics.released(one.end.as_str()));
            reading.judge(&mut one.decoded);
            let (original, log_ms) = kept(&record.at, one.ticket, &one.original);
            let place = Place { record: &original, index: one.ordinal, log_ms };
            admission.end(&mut applied, one.decoded, place, |applied, activity| {
                hand_on(setup, place, activity, applied)
            });
        }
        for (index, item) in (0..).zip(decoded) {
            applied.counts.activities += 1;
            if waits.contains(&index) {
                applied.counts.held += 1;
                continue;
            }
            let place = Place { record, index, log_ms };
            admission.end(&mut applied, item, place, |applied, activity| {
                hand_on(setup, place, activity, applied)
            });
        }
        applied
    }

    /// Refuses a record that killed the process.
    pub(super) fn quarantine(&mut self, record: &Record) -> Applied {
        self.log_ms = self.log_ms.max(record.timestamp_ms);
        quarantined(&self.setup, record, self.log_ms)
    }
}

/// A record in one piece: the length of what stands beside its value, that, and the value.
fn keep(record: &Record, log_ms: i64, value: &[u8]) -> Vec<u8> {
    let beside: Beside = (record.timestamp_ms, log_ms, record.key.clone(), record.headers.clone());
    let beside = serde_json::to_vec(&beside).unwrap_or_default();
    let length = u32::try_from(beside.len()).unwrap_or_default().to_le_bytes();
    [&length[..], &beside, value].concat()
}

/// The record that was kept, and log time as it came.
fn kept(at: &TopicPartition, offset: u64, bytes: &[u8]) -> (Record, i64) {
    let (length, rest) = bytes.split_first_chunk::<4>().unwrap_or((&[0; 4], &[]));
    let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or_default();
    let (beside, value) = rest.split_at_checked(length).unwrap_or((&[], rest));
    let beside: Option<Beside> = serde_json::from_slice(beside).ok();
    let (timestamp_ms, log_ms, key, headers) = beside.unwrap_or_default();
    let (at, value) = (at.clone(), Some(value.to_vec()));
    (Record { at, offset, timestamp_ms, key, value, headers }, log_ms)
}

/// Hands an activity on under its agent's key.
fn hand_on(
    setup: &Setup,
    Place { record, index, log_ms }: Place<'_>,
    activity: &Activity<'_>,
    applied: &mut Applied,
) -> Result<(), Rejection> {
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
    applied.counts.scored += 1;
    applied.emits.push(Emit {
        topic: Arc::clone(&setup.names.activity),
        by: key.clone(),
        key: Some(key),
        value: Some(value),
        headers: origin.encode(),
        cause_ms: record.timestamp_ms,
    });
    Ok(())
}
