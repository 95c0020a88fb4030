//! The decision point without its transport: what is known of trust, requests of the OpenID AuthZEN Authorization API 1.0
//! in, answers out. What is decided stands in `policy`, the same as for respond.

mod answer;
mod request;
mod table;

pub use answer::{Point, evaluation, evaluations};
pub use request::Malformed;
pub use table::{TableError, TrustTable};
