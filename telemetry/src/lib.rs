//! What Habitus says of itself: metrics, whether it is alive, whether it is ready, over HTTP, where the decision point
//! answers as well. It tells and takes no orders; no label ever holds an agent, a user, a tool or an address.
#![forbid(unsafe_code)]

mod access;
mod guard;
mod kept;
mod latency;
mod metrics;
mod partitions;
mod ready;
mod server;
mod stage;
mod table;
mod tls;

pub use access::{AccessPoint, AccessSettings, serve_access};
pub use guard::{Guard, Role, Tokens};
pub use kept::sums;
pub use latency::{Latency, Quantiles};
pub use metrics::{Facts, Metrics};
pub use ready::{NotReady, Readiness};
pub use server::{Server, serve};
pub use stage::{Hop, Push, Stage};
pub use table::{Shape, Spec, TABLE, reference};
pub use tls::Tls;
