//! Envelopes are peeled before formats are told, in any order and combination, within one budget.

mod bytes;
mod json;

pub(crate) use bytes::{Budget, base64, expand, unpack};
pub(crate) use json::{Opened, layer_of, open, open_last};
