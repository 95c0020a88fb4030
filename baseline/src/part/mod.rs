//! Parts of an actor's or agent's record, one file each: bytes, decay, learning, encoding.

pub mod credentials;
pub mod drift;
pub mod gaps;
pub mod hours;
pub mod makeup;
pub mod novelty;
pub mod peaks;
pub mod places;
pub mod progress;
pub mod rates;
pub mod reach;
pub mod ring;
pub mod routes;
pub mod sessions;
pub mod slots;
pub mod tools;
pub mod trust;
pub mod volume;
pub(crate) mod winsor;
