//! Writers: transactional ids, their epochs and open transactions.

use std::collections::{BTreeMap, BTreeSet};

use crate::record::TopicPartition;

/// What the log knows of a transactional id.
#[derive(Debug)]
pub(crate) struct Writer {
    /// Its number in the partitions.
    pub(crate) number: u64,
    /// Rises with every takeover and timeout; older producers are fenced.
    pub(crate) epoch: u64,
    /// The process that holds it.
    pub(crate) process: usize,
    pub(crate) open: Option<Open>,
    /// A commit that is decided and told, and whose markers are not written yet; and when they will be.
    pub(crate) decided: Option<(Open, u64)>,
}

/// An open transaction, as the coordinator knows it.
#[derive(Debug)]
pub(crate) struct Open {
    pub(crate) since_ms: u64,
    /// Where its marker will be written.
    pub(crate) places: BTreeSet<TopicPartition>,
    /// Offsets that its commit will bring, by group.
    pub(crate) offsets: BTreeMap<String, BTreeMap<TopicPartition, u64>>,
    /// Where those stand in the log of offsets, among all: the newest counts, whichever marker comes first.
    pub(crate) offsets_at: u64,
}

/// A producer's claim to a transactional id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) id: String,
    pub(crate) epoch: u64,
}

impl Writer {
    pub(crate) fn new(number: u64, process: usize) -> Self {
        Self { number, epoch: 0, process, open: None, decided: None }
    }

    /// The open transaction; opens one where there is none.
    pub(crate) fn open(&mut self, now_ms: u64) -> &mut Open {
        self.open.get_or_insert_with(|| Open {
            since_ms: now_ms,
            places: BTreeSet::new(),
            offsets: BTreeMap::new(),
            offsets_at: 0,
        })
    }

    /// What the coordinator has of it: open, or decided and not marked.
    pub(crate) fn unmarked(&self) -> impl Iterator<Item = &Open> {
        self.open.iter().chain(self.decided.iter().map(|(open, _)| open))
    }
}
