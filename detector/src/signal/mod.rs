//! Signals: one kind of strangeness a file. The `pub mod` lines are the one hand-written list; `list.rs` and
//! `docs/signals.md` are generated from it.

pub mod authority;
pub mod coordination;
pub mod credential;
pub mod destination;
pub mod dormancy;
pub mod drift;
pub mod epoch;
pub mod failure;
pub mod fan_out;
pub mod hours;
pub mod inventory;
mod kind;
mod list;
pub mod network;
pub mod purpose;
pub mod rate;
pub mod resource;
pub mod sequence;
pub mod volume;

pub(crate) use baseline::math::deviance;
pub use kind::{Evidence, Explanation, Signal, family_of, signal_ids};
pub(crate) use kind::{MICRO, Thing, channel_count, signals, tempo_channels};
