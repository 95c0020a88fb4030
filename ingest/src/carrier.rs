//! What stands beside a record's bytes: its headers and its time on the log, and who is behind an address.
//! It is given by the caller; nothing here looks anything up.

use std::collections::BTreeMap;
use std::net::IpAddr;

use schemas::EventTime;

/// What the log says of a record besides its bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Carrier<'r> {
    /// Headers by name, in their order.
    pub headers: &'r [(&'r str, &'r [u8])],
    /// The record's timestamp: the time of an activity that names none.
    pub time: Option<EventTime>,
}

/// Who is behind what a network log sees.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// Ids of agents by the address they send from.
    pub by_address: BTreeMap<IpAddr, String>,
    /// Whether OCSF's `src_endpoint.uid` and `instance_uid` may name the agent.
    pub by_endpoint: bool,
}

// === impl Carrier ===

impl Carrier<'_> {
    /// The text of a header; names match in any case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(value).ok()
    }
}

// === impl Identity ===

impl Identity {
    /// The agent that sends from an address.
    pub(crate) fn agent_at(&self, address: &str) -> Option<&str> {
        self.by_address.get(&address.parse().ok()?).map(String::as_str)
    }
}
