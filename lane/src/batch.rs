//! What one transaction holds: for each partition its outputs, touched state, progress and offset. Parts of
//! different partitions can be taken apart, since a partition may be lost before its part is committed.

use std::collections::BTreeMap;
use std::sync::Arc;

use bus::{Outgoing, TopicPartition};
use xxhash_rust::xxh3::Xxh3Default;

use crate::fold::{Applied, Counts, LogFold};
use crate::frame::frame;
use crate::lane::Slot;
use crate::layout::Layout;
use crate::progress::{InForce, PROGRESS_KEY, Progress};

/// What proves in the state partition that a part was committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// A progress record of this range: its end would not tell an empty one.
    Progress(u64),
    /// None: a claim whose commit is in doubt is made again, since the offset beside its marker may be missing, and with
    /// it the next start.
    Owner,
}

/// What an output's latency is counted from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// Topic of the output.
    pub topic: Arc<str>,
    /// Timestamp of the record that began it.
    pub first_ms: i64,
    /// Timestamp of the entry that it came from.
    pub entry_ms: i64,
}

/// One partition's share of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The input's partition.
    pub at: TopicPartition,
    /// Its state partition.
    pub state: TopicPartition,
    /// Which stay of the partition at this lane made it: a part of an earlier stay is never sent again.
    pub tenure: u64,
    /// Next offset to be read, committed with it.
    pub next: u64,
    /// What proves its commit.
    pub proof: Proof,
    /// What it writes, in order.
    pub records: Vec<Outgoing>,
    /// For each output with a cause: where latencies are counted from.
    pub causes: Vec<Cause>,
    /// What became of its entries' activities.
    pub counts: Counts,
}

/// What is committed together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transaction {
    /// The parts, in order of their partitions.
    pub parts: Vec<Part>,
}

/// A partition's share of the batch that is being filled.
#[derive(Default)]
pub(crate) struct OpenPart {
    pub(crate) records: Vec<Outgoing>,
    pub(crate) causes: Vec<Cause>,
    pub(crate) counts: Counts,
    pub(crate) written: BTreeMap<String, u64>,
    pub(crate) hash: Xxh3Default,
}

impl OpenPart {
    /// Takes in what an entry of this timestamp led to; gives the bytes added.
    pub(crate) fn add(&mut self, applied: Applied, entry_ms: i64, layout: &Layout) -> usize {
        let mut bytes = 0;
        self.counts.add(&applied.counts);
        for emit in applied.emits {
            let to = layout.partition_by(&emit.topic, &emit.by);
            let record = Outgoing { to, key: emit.key, value: emit.value, headers: emit.headers };
            bytes += record.bytes();
            self.hash.update(record.value.as_deref().unwrap_or_default());
            *self.written.entry(emit.topic.to_string()).or_default() += 1;
            if emit.cause_ms > 0 {
                self.causes.push(Cause { topic: emit.topic, first_ms: emit.cause_ms, entry_ms });
            }
            self.records.push(record);
        }
        bytes
    }
}

/// Closes what is open of a partition: its outputs, the state they touched and its progress become a part.
pub(crate) fn close_part<F: LogFold>(
    at: TopicPartition,
    slot: &mut Slot<F>,
    open: OpenPart,
    in_force: &InForce,
) -> Part {
    if let Some(careful) = &mut slot.careful {
        careful.on_close(slot.last.range + 1);
    }
    slot.silent = false;
    let OpenPart { mut records, causes, counts, mut written, mut hash } = open;
    let last_offset = slot.next.saturating_sub(1);
    for touched in slot.fold.touched() {
        let value = (!touched.value.is_empty()).then(|| frame(last_offset, &touched.value));
        hash.update(&touched.value);
        *written.entry(slot.state.topic.to_string()).or_default() += 1;
        records.push(Outgoing {
            to: slot.state.clone(),
            key: Some(touched.key),
            value,
            headers: Vec::new(),
        });
    }
    let mut totals = slot.last.totals;
    totals.add(&counts);
    let progress = Progress {
        from: slot.last.to,
        to: slot.next,
        range: slot.last.range + 1,
        stream_time_ms: slot.fold.stream_time_ms(),
        counts,
        totals,
        written,
        hash: format!("{:016x}", hash.digest()),
        in_force: in_force.clone(),
        after_loss: std::mem::take(&mut slot.after_loss),
        attempt: None,
        quarantined: std::mem::take(&mut slot.quarantined),
    };
    records.push(Outgoing {
        to: slot.state.clone(),
        key: Some(PROGRESS_KEY.to_vec()),
        value: Some(progress.encode()),
        headers: Vec::new(),
    });
    slot.last = progress;
    Part {
        at,
        state: slot.state.clone(),
        tenure: slot.tenure,
        next: slot.next,
        proof: Proof::Progress(slot.last.range),
        records,
        causes,
        counts,
    }
}
