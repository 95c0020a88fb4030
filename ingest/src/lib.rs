//! The one way in: bytes of a record become activities, skips or rejections.
//! It knows no bus, no clock and no behaviour; bad input is a value here, never an error of ours.
#![forbid(unsafe_code)]
#![cfg_attr(not(test), warn(clippy::indexing_slicing))]

mod ancestors;
mod decode;
mod depth;
mod format;
mod lexeme;
mod limits;
mod mapping;
mod moment;
mod notes;
mod pointer;
mod rfc3339;
mod tree;
mod web;

pub use ancestors::{Ancestors, HoldLimits, Orphan, Released, decode_among};
pub use decode::{Decoded, Format, Skip, decode, decode_as, detect};
pub use limits::Limits;
pub use mapping::{Mapping, Member, Origin, Problem, Setting, SettingValue};
pub use notes::{KINDS_MAX, Notes, OTHER};
