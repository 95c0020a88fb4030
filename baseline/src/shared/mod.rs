//! What the fleet knows: counts per blueprint and tenant, maxima of sessions per channel, maxima of actor-hours
//! per stratum. Read-only within an epoch; integer increments make it independent of their order.

mod calibration;
mod deltas;
mod slots;
mod strata;
mod tables;

pub use calibration::{BINS, Calibration, bin, edge};
pub use deltas::{Deltas, Table};
pub use slots::SlotMap;
pub use strata::{STRATA, Strata, stratum};
pub use tables::{Scope, Shared};
