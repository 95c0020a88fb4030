//! Synthetic events as `agent.activity/1`, sorted by time.

use std::ops::Range;

use schemas::EventTime;
use serde_json::{Value, json};

/// One call of a synthetic agent.
#[derive(Clone, Debug)]
pub(super) struct Call<'a> {
    pub(super) agent: &'a str,
    pub(super) blueprint: &'a str,
    pub(super) owner: &'a str,
    /// The delegating person; `None` acts on its own.
    pub(super) user: Option<&'a str>,
    pub(super) purpose: &'a str,
    pub(super) session: &'a str,
    pub(super) tool: &'a str,
    pub(super) host: &'a str,
    pub(super) resource: String,
    pub(super) classification: &'a str,
    pub(super) bytes_out: u64,
    pub(super) bytes_in: u64,
    pub(super) network: Network<'a>,
    pub(super) ms: i64,
}

/// Whence a call came.
#[derive(Clone, Copy, Debug)]
pub(super) struct Network<'a> {
    pub(super) asn: u32,
    pub(super) country: &'a str,
    pub(super) anonymizer: &'a str,
}

/// Collects events.
pub(super) struct Sink {
    events: Vec<(i64, usize, Value)>,
    /// Milliseconds that every event is moved by.
    shift_ms: i64,
    /// What is kept, once moved.
    kept: Range<i64>,
    /// What ids begin with.
    stem: String,
}

impl Sink {
    pub(super) fn new(shift_ms: i64, kept: Range<i64>, stem: String) -> Self {
        Self { events: Vec::new(), shift_ms, kept, stem }
    }

    pub(super) fn push(&mut self, call: &Call<'_>) {
        let ms = call.ms + self.shift_ms;
        let Ok(time) = EventTime::from_millis(ms) else { return };
        if !self.kept.contains(&ms) {
            return;
        }
        let mut delegation = json!({"mode": "autonomous", "purpose": call.purpose});
        if let Some(user) = call.user {
            delegation = json!({
                "mode": "delegated",
                "purpose": call.purpose,
                "subject": {"id": user, "type": "user", "name": format!("{user}@acme.example")},
                "chain": [{"id": user, "type": "user"}, {"id": call.agent, "type": "ai_agent"}],
            });
        }
        let event = json!({
            "schema": "agent.activity/1",
            "time": time.rfc3339(),
            "tenant_id": "acme",
            "agent": {
                "id": call.agent, "blueprint": call.blueprint, "version": "1.4.2",
                "owner": {"id": call.owner, "type": "user"},
            },
            "delegation": delegation,
            "session": {"id": call.session},
            "action": {"type": "tool_call", "operation": call.tool, "tool": {"name": call.tool}},
            "resource": {"id": call.resource, "type": "object", "classification": call.classification},
            "destination": {"host": call.host, "port": 443},
            "source": {
                "ip": "10.20.30.40", "asn": call.network.asn, "geo": {"country": call.network.country},
                "anonymizer": call.network.anonymizer,
            },
            "usage": {"bytes_out": call.bytes_out, "bytes_in": call.bytes_in},
            "outcome": {"result": "success"},
        });
        self.events.push((ms, self.events.len(), event));
    }

    /// NDJSON in order of time; ids are the places in that order.
    pub(super) fn into_bytes(mut self) -> Vec<u8> {
        self.events.sort_by_key(|(ms, order, _)| (*ms, *order));
        let mut out = Vec::new();
        for (place, (_, _, mut event)) in self.events.into_iter().enumerate() {
            if let Some(object) = event.as_object_mut() {
                object.insert("id".to_owned(), format!("{}-{place:06}", self.stem).into());
            }
            out.extend_from_slice(event.to_string().as_bytes());
            out.push(b'\n');
        }
        out
    }
}
