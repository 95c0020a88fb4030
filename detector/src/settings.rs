//! What an operator may set. Everything else is a constant beside the formula that uses it.

use std::collections::BTreeMap;
use std::sync::Arc;

use baseline::part::sessions::ORIGINS;
use schemas::finding::Versions;

use crate::inventory::Inventory;

/// Whether a signal counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SignalMode {
    /// Computed and shown, in no score.
    Shadow,
    /// Counts.
    #[default]
    Active,
}

/// Settings of the observe fold.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Seed of all hashes in state.
    pub seed: u64,
    /// Accepted alerts per actor and month.
    pub alerts_per_actor_month: f64,
    /// Lowest score of `trusted`, `watch` and `restricted`.
    pub trust_levels: [f64; 3],
    /// Handicaps of origins in nats, as a prior about injection: inside the text of a tool's result, a whole field of
    /// one, the model, the user's request. A rogue agent or a stolen credential has the last two.
    pub origin_handicaps: [f64; ORIGINS],
    /// Memory of the agents of one partition, in bytes.
    pub partition_bytes_max: usize,
    /// Signals that are not active.
    pub signal_modes: BTreeMap<String, SignalMode>,
    /// Who is registered; its hash belongs into the lists of `versions`.
    pub inventory: Arc<Inventory>,
    /// What is in force.
    pub versions: Versions,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            seed: 0,
            alerts_per_actor_month: 1.0,
            trust_levels: [80.0, 60.0, 40.0],
            origin_handicaps: [0.0, 1.0, 0.5, 2.0],
            partition_bytes_max: 16 << 20,
            signal_modes: BTreeMap::new(),
            inventory: Arc::default(),
            versions: Versions { program: env!("CARGO_PKG_VERSION").into(), ..Versions::default() },
        }
    }
}
