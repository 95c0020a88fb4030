//! The one way in: bytes of a record become activities, skips or rejections.
//! It knows no bus, no clock and no behaviour; bad input is a value here, never an error of ours.
#![forbid(unsafe_code)]
#![cfg_attr(not(test), warn(clippy::indexing_slicing))]

mod ancestors;
mod arn;
mod carrier;
mod decode;
mod depth;
mod draft;
mod envelope;
mod event;
mod field;
mod format;
mod formats;
mod lexeme;
mod limits;
mod mapper;
mod mapping;
mod moment;
mod notes;
mod owned;
mod pass;
mod path;
mod pointer;
mod reader;
mod rfc3339;
mod table;
mod tree;
mod url;
mod value;

pub use ancestors::{Ancestors, HoldLimits, Orphan, Released, decode_among};
pub use carrier::{Carrier, Identity};
pub use decode::{Decoded, Skip, decode, decode_as, detect};
pub use draft::{AGENT_TYPE, principal_type};
pub use formats::{Format, pages};
pub use limits::Limits;
pub use mapping::{
    Mapping, Member, Origin, Problem, Proposal, ProposedLine, Setting, SettingValue, propose,
};
pub use notes::{KINDS_MAX, Notes, OTHER};
pub use reader::Reader;
