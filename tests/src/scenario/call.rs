//! One call of an agent, and how it is written as `agent.activity/1`.

use schemas::EventTime;
use serde_json::{Value, json};

/// Whence a call comes, or where it goes.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// Address.
    pub ip: String,
    /// Number of the autonomous system.
    pub asn: u32,
    /// Country code.
    pub country: &'static str,
    /// `none`, `vpn`, `tor`, ..
    pub anonymizer: &'static str,
}

/// One call.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// When, in milliseconds since 1970.
    pub ms: i64,
    /// Id of the activity.
    pub id: String,
    /// Id of the agent.
    pub agent: String,
    /// Its blueprint and owner; `None` where nobody registered it.
    pub registered: Option<(&'static str, String)>,
    /// Version of the agent.
    pub version: String,
    /// Model that drives it.
    pub model: &'static str,
    /// The person it acts for; `None` acts on its own.
    pub user: Option<String>,
    /// Purpose of the session.
    pub purpose: String,
    /// Id of the session.
    pub session: String,
    /// Id and type of the credential.
    pub credential: (String, &'static str),
    /// Name of the tool.
    pub tool: &'static str,
    /// What kind of action.
    pub action: &'static str,
    /// Service of the tool.
    pub service: &'static str,
    /// Resource.
    pub resource: String,
    /// Its classification.
    pub classification: &'static str,
    /// Host.
    pub host: String,
    /// Whether the host is the company's.
    pub internal: bool,
    /// Network the call comes from.
    pub source: Network,
    /// Bytes sent.
    pub bytes_out: u64,
    /// Bytes received.
    pub bytes_in: u64,
    /// `success`, `failure` or `denied`.
    pub result: &'static str,
}

impl Call {
    /// The event as one line of NDJSON.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.value().to_string().as_bytes());
        out.push(b'\n');
    }

    /// The event.
    pub fn value(&self) -> Value {
        let time = EventTime::from_millis(self.ms).expect("scenarios lie in this century");
        let mut agent = json!({
            "id": self.agent, "version": self.version,
            "model": {"provider": "models.example", "name": self.model},
        });
        if let Some((blueprint, owner)) = &self.registered {
            agent["blueprint"] = (*blueprint).into();
            agent["owner"] = json!({"id": owner, "type": "group"});
        }
        let mut delegation = json!({"mode": "autonomous", "purpose": self.purpose});
        if let Some(user) = &self.user {
            delegation = json!({
                "mode": "delegated", "purpose": self.purpose,
                "subject": {"id": user, "type": "user"},
                "chain": [{"id": user, "type": "user"}, {"id": self.agent, "type": "ai_agent"}],
            });
        }
        let decision = if self.result == "denied" { "deny" } else { "allow" };
        json!({
            "schema": "agent.activity/1",
            "id": self.id,
            "time": time.rfc3339(),
            "tenant_id": "corp",
            "agent": agent,
            "delegation": delegation,
            "credential": {"id": self.credential.0, "type": self.credential.1},
            "session": {"id": self.session},
            "action": {
                "type": self.action, "operation": self.tool,
                "tool": {"name": self.tool, "server": self.service},
            },
            "resource": {
                "id": self.resource, "type": self.service, "classification": self.classification,
            },
            "destination": {"host": self.host, "port": 443, "internal": self.internal},
            "source": {
                "ip": self.source.ip, "asn": self.source.asn,
                "geo": {"country": self.source.country}, "anonymizer": self.source.anonymizer,
            },
            "usage": {"bytes_out": self.bytes_out, "bytes_in": self.bytes_in},
            "outcome": {"result": self.result, "decision": decision},
        })
    }
}
