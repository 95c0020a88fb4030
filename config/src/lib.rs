//! Config: one TOML text in, checked settings out, or every mistake with its place. One table of settings gives the
//! checks, the defaults, the schema and the reference, so they cannot differ. It opens no file and reads no secret.
#![forbid(unsafe_code)]

mod access;
mod author;
mod client;
mod fields;
mod form;
mod inventory;
mod kind;
mod loaded;
mod local;
mod policy;
mod problem;
mod read;
mod receiver;
mod rows;
mod schema;
mod security;
mod sources;
mod stream;
mod unit;

pub use access::AccessConfig;
pub use author::AuthorConfig;
pub use inventory::{Listed, Mistake, read_inventory, read_listed};
pub use loaded::{Config, Mode, Settings};
pub use problem::{Problem, Severity, render};
pub use read::{parse, place_of};
pub use receiver::ReceiverConfig;
pub use schema::{reference, schema};
pub use security::{HttpConfig, IdentityFiles, SaslConfig, SecurityConfig};
pub use sources::{SourceConfig, formats};
pub use stream::{BatchConfig, InputConfig, KafkaConfig, Start};

#[cfg(test)]
mod tests;
