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
    /// Who sends from an address; of several the first that held it then counts.
    pub by_address: BTreeMap<IpAddr, Vec<Tenure>>,
    /// Whether OCSF's `src_endpoint.uid` and `instance_uid` may name the agent.
    pub by_endpoint: bool,
}

/// One agent behind an address, and when.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tenure {
    /// Its id.
    pub id: String,
    /// The first moment; `None` is always before.
    pub from: Option<EventTime>,
    /// The first moment after it; `None` is still.
    pub until: Option<EventTime>,
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
    /// The agent that sent from an address at a time; without a time, who always does.
    pub(crate) fn agent_at(&self, address: &str, time: Option<EventTime>) -> Option<&str> {
        let all = self.by_address.get(&address.parse().ok()?)?;
        let holds = |tenure: &&Tenure| match time {
            Some(time) => {
                tenure.from.is_none_or(|from| from <= time)
                    && tenure.until.is_none_or(|until| time < until)
            }
            None => tenure.from.is_none() && tenure.until.is_none(),
        };
        all.iter().find(holds).map(|tenure| tenure.id.as_str())
    }
}

// === impl Tenure ===

impl From<&str> for Tenure {
    fn from(id: &str) -> Self {
        Self { id: id.to_owned(), ..Self::default() }
    }
}
