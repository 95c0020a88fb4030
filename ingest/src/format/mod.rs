//! One file per input format; what they share stands beside this folder, never in it.

pub(crate) mod langfuse;
pub(crate) mod native;
pub(crate) mod otlp;
