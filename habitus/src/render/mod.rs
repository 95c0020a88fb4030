//! What people read in a terminal: an alert, a verdict, a request, the trust of actors. Text from events is data:
//! control characters are shown, never sent.

mod alert;
mod trust;

pub use alert::{alert, alert_line, verdict};
pub use operator::{clean, line, plain};
pub use trust::{revocation, trust};
