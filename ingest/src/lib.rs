//! The one way in: bytes of a record become activities, skips or rejections.
//! It knows no bus, no clock and no behaviour; bad input is a value here, never an error of ours.
#![forbid(unsafe_code)]
#![cfg_attr(not(test), warn(clippy::indexing_slicing))]

mod ancestors;
mod arn;
mod carrier;
mod decode;
mod draft;
mod envelope;
mod event;
mod field;
mod file;
mod format;
mod formats;
mod hold;
mod mapper;
mod pass;
mod plan;
mod reader;
mod spans;
mod table;
mod texts;
mod trace;
mod value;
mod way;

pub use ancestors::{Ancestors, Orphan, Traced, decode_among};
pub use carrier::{Carrier, Identity, Tenure};
pub use decode::{decode, decode_as, decode_with, detect, explain};
pub use file::{LogFile, file_limits, file_records};
pub use formats::{Format, pages};
pub use hold::{Arrival, End, HELD_BYTES_MAX, Hold, HoldError, HoldLimits, Released, SavedHold};
pub use reader::Reader;
pub use record::limits::Limits;
pub use record::notes::{KINDS_MAX, Notes, OTHER};
pub use record::outcome::{Decoded, Skip};
pub use record::pattern::Pattern;
pub use record::principals::{AGENT_TYPE, Class, Principals, principal_type};
pub use trace::{About, Made, Origin};
pub use way::{ByRecord, Overlay, Way};
