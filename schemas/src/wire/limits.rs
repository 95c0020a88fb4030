//! Lengths, patterns and ranges of published fields, as data: what the types cannot say. Merged into the
//! generated schemas (RFC 7396); decoders have their own limits.

use serde_json::Value;

/// A piece of schema for one property of one definition.
#[derive(Debug)]
pub(super) struct Limit {
    /// Name in `$defs`; empty for the root.
    of: &'static str,
    /// Name of the property; empty for the definition itself.
    property: &'static str,
    /// What is merged into it.
    patch: &'static str,
}

const fn limit(of: &'static str, property: &'static str, patch: &'static str) -> Limit {
    Limit { of, property, patch }
}

const ID_2048: &str = r#"{"minLength":1,"maxLength":2048}"#;
const ID_128: &str = r#"{"minLength":1,"maxLength":128}"#;
const ID_256: &str = r#"{"minLength":1,"maxLength":256}"#;
const ID_1024: &str = r#"{"minLength":1,"maxLength":1024}"#;
const TENANT: &str = r#"{"pattern":"^[A-Za-z0-9._-]{1,64}$"}"#;
const L32: &str = r#"{"maxLength":32}"#;
const L32_ITEMS: &str = r#"{"maxItems":32}"#;
const L64: &str = r#"{"maxLength":64}"#;
const L128: &str = r#"{"maxLength":128}"#;
const L256: &str = r#"{"maxLength":256}"#;
const L1024: &str = r#"{"maxLength":1024}"#;
const L2048: &str = r#"{"maxLength":2048}"#;
const PERCENT: &str = r#"{"minimum":0,"maximum":100}"#;

pub(super) const ACTIVITY: &[Limit] = &[
    limit("", "", r#"{"required":["schema","id","time","agent","action"]}"#),
    limit("", "id", ID_128),
    limit("", "tenant_id", TENANT),
    limit("", "attributes", r#"{"maxProperties":64}"#),
    limit("Agent", "id", ID_2048),
    limit("Agent", "issuer", L2048),
    limit("Agent", "instance_id", L256),
    limit("Agent", "name", L256),
    limit("Agent", "version", L64),
    limit("Agent", "framework", L64),
    limit("Agent", "parent_id", L2048),
    limit("Agent", "blueprint", L256),
    limit("Principal", "id", ID_2048),
    limit("Principal", "issuer", L2048),
    limit("Principal", "name", L256),
    limit("Model", "provider", L256),
    limit("Model", "name", L256),
    limit("Model", "version", L256),
    limit("Delegation", "id", L256),
    limit("Delegation", "parent_id", L256),
    limit("Delegation", "chain", r#"{"maxItems":32}"#),
    limit("Delegation", "purpose", L256),
    limit("Credential", "id", L256),
    limit("Credential", "issuer", L2048),
    limit("Credential", "scopes", r#"{"maxItems":256,"items":{"maxLength":256}}"#),
    limit("Credential", "audience", r#"{"maxItems":32,"items":{"maxLength":2048}}"#),
    limit("Credential", "cnf_jkt", L128),
    limit("Session", "id", L256),
    limit("Session", "task_id", L256),
    limit("Session", "conversation_id", L256),
    limit("Session", "mission_id", L256),
    limit("Action", "operation", L256),
    limit("Action", "parameters_hash", r#"{"maxLength":160}"#),
    limit("Action", "arguments", r#"{"maxItems":32}"#),
    limit("Action", "result_hash", r#"{"pattern":"^hmac-sha256:[0-9a-f]{32,64}$"}"#),
    limit("Tool", "name", L256),
    limit("Tool", "call_id", L256),
    limit("Tool", "server", L2048),
    limit("Tool", "kind", L64),
    limit("Argument", "name", L128),
    limit("Argument", "hash", L128),
    limit("Argument", "origin_call_id", L256),
    limit("Argument", "origin_tool", L256),
    limit("Resource", "id", L2048),
    limit("Resource", "type", L128),
    limit("Resource", "name", L256),
    limit("Resource", "service", L256),
    limit("Resource", "region", L64),
    limit("Endpoint", "host", r#"{"maxLength":255}"#),
    limit("Endpoint", "address", r#"{"maxLength":512}"#),
    // What is no address becomes an opaque host and is counted: it is not refused.
    limit("Endpoint", "ip", r#"{"maxLength":45,"format":null}"#),
    limit("Endpoint", "url", L2048),
    limit("Endpoint", "protocol", L32),
    limit("Endpoint", "as_org", L256),
    limit("Endpoint", "user_agent", L2048),
    limit("Geo", "country", r#"{"pattern":"^[A-Z]{2}$"}"#),
    limit("Geo", "lat", r#"{"minimum":-90,"maximum":90}"#),
    limit("Geo", "lon", r#"{"minimum":-180,"maximum":180}"#),
    limit("Usage", "cost_usd", r#"{"minimum":0}"#),
    limit("Result", "code", L64),
    limit("Result", "reason", L256),
    limit("Result", "policy_id", L256),
    limit("Trace", "trace_id", r#"{"pattern":"^[0-9a-f]{32}$"}"#),
    limit("Trace", "span_id", r#"{"pattern":"^[0-9a-f]{16}$"}"#),
    limit("Trace", "parent_span_id", r#"{"pattern":"^[0-9a-f]{16}$"}"#),
    limit("Producer", "name", L256),
    limit("Producer", "version", L64),
    limit("Producer", "format", r#"{"minLength":1,"maxLength":64}"#),
    limit("Producer", "event_id", L256),
];

pub(super) const ACKNOWLEDGEMENT: &[Limit] = &[
    limit("", "request_id", ID_128),
    limit("", "tenant_id", TENANT),
    limit("", "author", L256),
    limit("", "detail", L1024),
];

pub(super) const FEEDBACK: &[Limit] = &[
    limit("", "id", ID_128),
    limit("", "tenant_id", TENANT),
    limit("", "alert_id", L128),
    limit("", "author", ID_256),
    limit("", "comment", ID_1024),
    limit("Scope", "", r#"{"minProperties":1}"#),
    limit("Scope", "agent_id", ID_2048),
    limit("Scope", "blueprint", L256),
    limit("Scope", "signal", L64),
    limit("Scope", "key", L2048),
];

pub(super) const COMMAND: &[Limit] = &[
    limit("", "id", ID_128),
    limit("", "tenant_id", TENANT),
    limit("", "target", ID_128),
    limit("", "author", ID_256),
    limit("", "comment", ID_1024),
    limit("Scope", "", r#"{"minProperties":1}"#),
    limit("Scope", "agent_id", ID_2048),
    limit("Scope", "blueprint", L256),
    limit("Scope", "signal", L64),
    limit("Scope", "key", L2048),
];

pub(super) const ALERT: &[Limit] = &[
    limit("", "tenant_id", TENANT),
    limit("", "agent_id", ID_2048),
    limit("", "chain", r#"{"maxItems":32}"#),
    limit("", "trust_score", PERCENT),
    limit("", "trust_score_previous", PERCENT),
    limit("", "trust_effective", PERCENT),
    limit("", "return_period_actor_months", r#"{"minimum":0}"#),
    limit("Contribution", "signal", L64),
];

pub(super) const INCIDENT: &[Limit] = &[
    limit("", "tenant_id", TENANT),
    limit("", "members", L32_ITEMS),
    limit("", "trust_score", PERCENT),
];

pub(super) const FINDING: &[Limit] = &[
    limit("", "tenant_id", TENANT),
    limit("ActorRef", "tenant_id", TENANT),
    limit("ActorRef", "agent_id", ID_2048),
    limit("Contribution", "signal", L64),
    limit("Verdict", "activity_id", ID_128),
    limit("Verdict", "trust_before", PERCENT),
    limit("Verdict", "trust_after", PERCENT),
    limit("Verdict", "trust_evidence", r#"{"minimum":0}"#),
    limit("Verdict", "return_period_actor_months", r#"{"minimum":0}"#),
    limit("Verdict", "counted_actor_months", r#"{"minimum":0}"#),
    limit("LevelChange", "score", PERCENT),
];

pub(super) const DECISION: &[Limit] = &[
    limit("", "id", ID_128),
    limit("", "tenant_id", TENANT),
    limit("ActorRef", "tenant_id", TENANT),
    limit("ActorRef", "agent_id", L2048),
    limit("PolicyRef", "id", L256),
    limit("PolicyRef", "version", L256),
    limit("DecisionTrust", "score", PERCENT),
    limit("DecisionTrust", "effective", PERCENT),
];

pub(super) const INVENTORY: &[Limit] = &[
    limit("", "tenant_id", TENANT),
    limit("", "agent_id", ID_2048),
    limit(
        "",
        "aliases",
        r#"{"maxItems":64,"uniqueItems":true,"items":{"minLength":1,"maxLength":2048}}"#,
    ),
    limit("", "blueprint", L256),
    limit("", "purposes", r#"{"maxItems":64,"items":{"minLength":1,"maxLength":256}}"#),
    limit("", "version", L64),
    limit("Owner", "id", ID_2048),
    limit("Owner", "issuer", L2048),
    limit("Owner", "name", L256),
    limit("AnnouncedChange", "version", L64),
];

pub(super) const INVENTORY_COMPLETE: &[Limit] = &[limit("", "tenant_id", TENANT)];

pub(super) const REVOCATION: &[Limit] = &[
    limit("", "request_id", ID_128),
    limit("", "tenant_id", TENANT),
    limit("", "supersedes", L256),
    limit("RevocationSubject", "agent_id", L2048),
    limit("RevocationSubject", "agent_issuer", L2048),
    limit("RevocationSubject", "instance_id", L256),
    limit("RevocationTargets", "credentials", r#"{"maxItems":64}"#),
    limit("RevocationTargets", "sessions", r#"{"maxItems":64,"items":{"maxLength":256}}"#),
    limit("RevocationTargets", "scopes_remove", r#"{"items":{"maxLength":256}}"#),
    limit("RevocationTargets", "scopes_keep", r#"{"items":{"maxLength":256}}"#),
    limit("RevocationTargets", "delegation_id", L256),
    limit("CredentialTarget", "id", L256),
    limit("CredentialTarget", "type", L256),
    limit("CredentialTarget", "issuer", L2048),
    limit("RevocationCause", "txn", L256),
    limit("RevocationCause", "alert_id", L256),
    limit("RevocationCause", "finding_uid", L256),
    limit("RevocationCause", "signals", r#"{"maxItems":16,"items":{"maxLength":64}}"#),
    limit("RevocationCause", "reason_admin", r#"{"minProperties":1}"#),
    limit("PolicyRef", "id", L256),
    limit("PolicyRef", "version", L256),
];

pub(super) const TRUST: &[Limit] = &[
    limit("", "tenant_id", TENANT),
    limit("", "agent_id", L2048),
    limit("", "agent_issuer", L2048),
    limit("", "score", PERCENT),
    limit("", "risk_score", PERCENT),
    limit("", "contributors", r#"{"maxItems":16}"#),
    limit("TrustContributor", "signal", L64),
    limit("TrustContributor", "alert_id", L256),
    limit("TrustContributor", "event_ids", r#"{"maxItems":16,"items":{"maxLength":256}}"#),
    limit("PolicyRef", "id", L256),
    limit("PolicyRef", "version", L256),
];

// === impl Limit ===

impl Limit {
    /// Merges the patch into its place; `false` where there is none.
    pub(super) fn apply(&self, document: &mut Value) -> bool {
        let Ok(patch) = serde_json::from_str(self.patch) else { return false };
        let definition = if self.of.is_empty() {
            Some(document)
        } else {
            document.get_mut("$defs").and_then(|defs| defs.get_mut(self.of))
        };
        let place = if self.property.is_empty() {
            definition
        } else {
            definition
                .and_then(|definition| definition.get_mut("properties"))
                .and_then(|properties| properties.get_mut(self.property))
        };
        place.map(|place| merge(place, patch)).is_some()
    }
}

fn merge(into: &mut Value, patch: Value) {
    match (into, patch) {
        (Value::Object(into), Value::Object(patch)) => {
            for (key, change) in patch {
                if change.is_null() {
                    into.remove(&key);
                } else {
                    merge(into.entry(key).or_insert(Value::Null), change);
                }
            }
        }
        (into, patch) => *into = patch,
    }
}
