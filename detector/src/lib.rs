//! The observe fold: signals over an agent's habits, combined into a score, calibrated into a return period,
//! folded into trust. Pure: an activity and a stamp in, a verdict and findings out.
#![forbid(unsafe_code)]

mod budget;
mod cells;
mod combine;
mod context;
mod due;
mod engine;
mod epoch;
mod inventory;
mod keys;
mod learn;
mod meet;
mod observe;
mod origin;
mod outside;
mod publish;
mod ration;
mod report;
mod save;
pub mod settings;
pub mod signal;
mod start;
mod tally;
mod trust;
mod vote;
mod walk;
mod widen;

pub use engine::{Assessment, SignalScore};
pub use epoch::{EpochEnd, INCREMENTS_MAX};
pub use inventory::{INVENTORY_AGENTS_MAX, INVENTORY_BYTES_MAX, Inventory, NameTaken};
pub use observe::{Observe, Observed, Outcome, Stamp};
pub use report::finding_rule;
pub use settings::{Settings, SignalMode};
pub use signal::{family_of, signal_ids};
pub use tally::{P_AT_MOST, Tally};
