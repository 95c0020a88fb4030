//! What the fleet knows: counts per blueprint and tenant, maxima of sessions per channel, maxima of actor-hours
//! per stratum. Read-only within an epoch; integer increments make it independent of their order.

mod calibration;
mod counts;
mod deltas;
mod meetings;
mod outside;
mod record;
mod slots;
mod strata;
mod tables;
mod votes;

pub use calibration::Calibration;
pub use counts::Counts;
pub use deltas::{Deltas, Table};
pub use meetings::{Meetings, THINGS_MAX, Thing};
pub use outside::{EVIDENCE_MAX, Expected, Outside, OutsideEvidence, evidence_of_bytes};
pub use record::TableKey;
pub use slots::SlotMap;
pub use strata::{STRATA, Strata, stratum};
pub use tables::{Scope, Shared, SharedCounts};
pub use votes::{BINS, bin, edge};
