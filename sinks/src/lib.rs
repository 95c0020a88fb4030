//! Deliveries: security event tokens are signed here, and pushed to receivers. It decides nothing about what they state
//! or whom they concern.
#![forbid(unsafe_code)]

mod deliver;
mod jwk;
mod key;
mod push;

pub use deliver::{Deliverer, Delivery, Notice, Route, deliver};
pub use key::{Algorithm, Key, KeyError, Signing};
pub use push::{Answer, Endpoint, EndpointError, Pusher};
