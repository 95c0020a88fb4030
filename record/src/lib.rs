//! One record in memory: its JSON values and their places, its times, what decoding it comes to within limits, who acts
//! in what came of it, and the format of our own. It tells no format from another; that is `ingest`.
#![forbid(unsafe_code)]
#![cfg_attr(not(test), warn(clippy::indexing_slicing))]

pub mod depth;
pub mod lexeme;
pub mod limits;
pub mod moment;
pub mod native;
pub mod notes;
pub mod outcome;
mod owned;
pub mod parse;
pub mod path;
pub mod pattern;
pub mod pointer;
pub mod principals;
pub mod rfc3339;
pub mod tree;
pub mod url;
