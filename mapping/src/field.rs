//! The fields that a mapping may fill: name, form and place in an activity. This table is the schema that a mapping
//! is checked against; the limits are those of `agent.activity/1`, as the native decoder keeps them.

use schemas::activity::{Activity, Credential, Delegation, Endpoint, Geo, Principal, Tool};
use schemas::choice::{
    ActionType, Anonymizer, Authority, Classification, CredentialType, Decision, Outcome,
    PrincipalType,
};

use super::put::Put;

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    /// A text of at most so many characters.
    Text(usize),
    /// A URL of at most so many characters; user, query and fragment are cut off.
    Url(usize),
    /// One of these words.
    Word(&'static [&'static str]),
    Time,
    /// A time beside that of the activity: absent where it is out of range.
    SideTime,
    /// A whole number up to this one.
    Whole(u64),
    /// A number between these.
    Number(f64, f64),
    Flag,
    /// An IP address, or a host where it is none.
    Address,
    /// Two upper-case letters.
    Country,
    Tenant,
    /// `hmac-sha256:` and hex.
    KeyedHash,
    /// So many lower-case hex digits.
    Hex(usize),
    /// At most so many texts of at most so many characters.
    Texts(usize, usize),
    /// Ids, or objects with `id`, `issuer`, `type`, `name`.
    Principals,
    /// The arguments of a call, hashed one by one.
    Arguments,
    /// A text, number or truth value.
    Scalar,
}

/// Puts a value where it belongs.
pub(super) type Setter = for<'a> fn(&mut Activity<'a>, Put<'a>);

/// A field of an activity.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    pub(super) path: &'static str,
    pub(super) kind: Kind,
    pub(super) put: Setter,
}

const fn field(path: &'static str, kind: Kind, put: Setter) -> Field {
    Field { path, kind, put }
}

pub(super) const ACTION_TYPES: &[&str] = &[
    "tool_call",
    "api_call",
    "http_request",
    "network_connection",
    "dns_query",
    "data_read",
    "data_write",
    "data_delete",
    "data_list",
    "data_share",
    "code_execution",
    "agent_invoke",
    "agent_spawn",
    "model_call",
    "authentication",
    "token_issue",
    "token_exchange",
    "permission_change",
    "message_send",
    "other",
];
const PRINCIPAL_TYPES: &[&str] = &["user", "ai_agent", "service", "device", "group", "unknown"];
const AUTHORITIES: &[&str] = &["delegated", "autonomous", "unknown"];
const CREDENTIAL_TYPES: &[&str] = &[
    "oauth_access_token",
    "oauth_refresh_token",
    "jwt_svid",
    "x509_svid",
    "x509",
    "transaction_token",
    "aauth_token",
    "api_key",
    "session_cookie",
    "cloud_role_session",
    "password",
    "unknown",
];
const CLASSIFICATIONS: &[&str] = &["public", "internal", "confidential", "restricted", "unknown"];
const ANONYMIZERS: &[&str] = &["none", "proxy", "vpn", "tor", "relay", "hosting", "unknown"];
const OUTCOMES: &[&str] = &["success", "failure", "denied", "unknown"];
const DECISIONS: &[&str] = &["allow", "deny", "ask", "none"];

/// The fields, as the schema orders them.
pub(super) const FIELDS: &[Field] = &[
    field("id", Kind::Text(128), |a, v| a.id = v.text().unwrap_or_default()),
    field("time", Kind::Time, |a, v| a.time = v.time().unwrap_or(a.time)),
    field("observed_time", Kind::SideTime, |a, v| a.observed_time = v.time()),
    field("tenant_id", Kind::Tenant, |a, v| a.tenant_id = v.text().unwrap_or_default()),
    field("agent.id", Kind::Text(2_048), |a, v| a.agent.id = v.text().unwrap_or_default()),
    field("agent.issuer", Kind::Text(2_048), |a, v| a.agent.issuer = v.text()),
    field("agent.instance_id", Kind::Text(256), |a, v| a.agent.instance_id = v.text()),
    field("agent.name", Kind::Text(256), |a, v| a.agent.name = v.text()),
    field("agent.version", Kind::Text(64), |a, v| a.agent.version = v.text()),
    field("agent.framework", Kind::Text(64), |a, v| a.agent.framework = v.text()),
    field("agent.parent_id", Kind::Text(2_048), |a, v| a.agent.parent_id = v.text()),
    field("agent.blueprint", Kind::Text(256), |a, v| a.agent.blueprint = v.text()),
    field("agent.owner.id", Kind::Text(2_048), |a, v| owner(a).id = v.text().unwrap_or_default()),
    field("agent.owner.issuer", Kind::Text(2_048), |a, v| owner(a).issuer = v.text()),
    field("agent.owner.type", Kind::Word(PRINCIPAL_TYPES), |a, v| {
        owner(a).kind = v.word(PrincipalType::from_wire);
    }),
    field("agent.owner.name", Kind::Text(256), |a, v| owner(a).name = v.text()),
    field("agent.model.provider", Kind::Text(256), |a, v| {
        a.agent.model.get_or_insert_default().provider = v.text();
    }),
    field("agent.model.name", Kind::Text(256), |a, v| {
        a.agent.model.get_or_insert_default().name = v.text();
    }),
    field("agent.model.version", Kind::Text(256), |a, v| {
        a.agent.model.get_or_insert_default().version = v.text();
    }),
    field("delegation.mode", Kind::Word(AUTHORITIES), |a, v| {
        delegation(a).mode = v.word(Authority::from_wire);
    }),
    field("delegation.id", Kind::Text(256), |a, v| delegation(a).id = v.text()),
    field("delegation.parent_id", Kind::Text(256), |a, v| delegation(a).parent_id = v.text()),
    field("delegation.subject.id", Kind::Text(2_048), |a, v| {
        subject(a).id = v.text().unwrap_or_default();
    }),
    field("delegation.subject.issuer", Kind::Text(2_048), |a, v| subject(a).issuer = v.text()),
    field("delegation.subject.type", Kind::Word(PRINCIPAL_TYPES), |a, v| {
        subject(a).kind = v.word(PrincipalType::from_wire);
    }),
    field("delegation.subject.name", Kind::Text(256), |a, v| subject(a).name = v.text()),
    field("delegation.chain", Kind::Principals, |a, v| delegation(a).chain = v.principals()),
    field("delegation.purpose", Kind::Text(256), |a, v| delegation(a).purpose = v.text()),
    field("credential.id", Kind::Text(256), |a, v| credential(a).id = v.text()),
    field("credential.type", Kind::Word(CREDENTIAL_TYPES), |a, v| {
        credential(a).kind = v.word(CredentialType::from_wire);
    }),
    field("credential.issuer", Kind::Text(2_048), |a, v| credential(a).issuer = v.text()),
    field("credential.issued_at", Kind::SideTime, |a, v| credential(a).issued_at = v.time()),
    field("credential.expires_at", Kind::SideTime, |a, v| credential(a).expires_at = v.time()),
    field("credential.scopes", Kind::Texts(256, 256), |a, v| credential(a).scopes = v.texts()),
    field("credential.audience", Kind::Texts(32, 2_048), |a, v| {
        credential(a).audience = v.texts();
    }),
    field("credential.cnf_jkt", Kind::Text(128), |a, v| credential(a).cnf_jkt = v.text()),
    field("session.id", Kind::Text(256), |a, v| {
        a.session.get_or_insert_default().id = v.text();
    }),
    field("session.task_id", Kind::Text(256), |a, v| {
        a.session.get_or_insert_default().task_id = v.text();
    }),
    field("session.conversation_id", Kind::Text(256), |a, v| {
        a.session.get_or_insert_default().conversation_id = v.text();
    }),
    field("session.mission_id", Kind::Text(256), |a, v| {
        a.session.get_or_insert_default().mission_id = v.text();
    }),
    field("action.type", Kind::Word(ACTION_TYPES), |a, v| {
        a.action.kind = v.word(ActionType::from_wire).unwrap_or_default();
    }),
    field("action.operation", Kind::Text(256), |a, v| a.action.operation = v.text()),
    field("action.tool.name", Kind::Text(256), |a, v| tool(a).name = v.text()),
    field("action.tool.call_id", Kind::Text(256), |a, v| tool(a).call_id = v.text()),
    field("action.tool.server", Kind::Text(2_048), |a, v| tool(a).server = v.text()),
    field("action.tool.kind", Kind::Text(64), |a, v| tool(a).kind = v.text()),
    field("action.parameters_hash", Kind::KeyedHash, |a, v| a.action.parameters_hash = v.text()),
    field("action.arguments", Kind::Arguments, |a, v| a.action.arguments = v.arguments()),
    field("action.result_hash", Kind::KeyedHash, |a, v| a.action.result_hash = v.text()),
    field("resource.id", Kind::Text(2_048), |a, v| {
        a.resource.get_or_insert_default().id = v.text();
    }),
    field("resource.type", Kind::Text(128), |a, v| {
        a.resource.get_or_insert_default().kind = v.text();
    }),
    field("resource.name", Kind::Text(256), |a, v| {
        a.resource.get_or_insert_default().name = v.text();
    }),
    field("resource.classification", Kind::Word(CLASSIFICATIONS), |a, v| {
        a.resource.get_or_insert_default().classification = v.word(Classification::from_wire);
    }),
    field("resource.service", Kind::Text(256), |a, v| {
        a.resource.get_or_insert_default().service = v.text();
    }),
    field("resource.region", Kind::Text(64), |a, v| {
        a.resource.get_or_insert_default().region = v.text();
    }),
    field("destination.host", Kind::Text(255), |a, v| to(a).host = v.text()),
    field("destination.address", Kind::Text(512), |a, v| to(a).address = v.text()),
    field("destination.ip", Kind::Address, |a, v| v.address(to(a))),
    field("destination.port", Kind::Whole(65_535), |a, v| to(a).port = v.whole()),
    field("destination.url", Kind::Url(2_048), |a, v| to(a).url = v.text()),
    field("destination.protocol", Kind::Text(32), |a, v| to(a).protocol = v.text()),
    field("destination.asn", Kind::Whole(u32::MAX as u64), |a, v| to(a).asn = v.whole()),
    field("destination.as_org", Kind::Text(256), |a, v| to(a).as_org = v.text()),
    field("destination.geo.country", Kind::Country, |a, v| geo(to(a)).country = v.text()),
    field("destination.geo.city", Kind::Text(usize::MAX), |a, v| geo(to(a)).city = v.text()),
    field("destination.geo.lat", Kind::Number(-90.0, 90.0), |a, v| geo(to(a)).lat = v.number()),
    field("destination.geo.lon", Kind::Number(-180.0, 180.0), |a, v| geo(to(a)).lon = v.number()),
    field("destination.internal", Kind::Flag, |a, v| to(a).internal = v.flag()),
    field("destination.anonymizer", Kind::Word(ANONYMIZERS), |a, v| {
        to(a).anonymizer = v.word(Anonymizer::from_wire);
    }),
    field("source.host", Kind::Text(255), |a, v| from(a).host = v.text()),
    field("source.ip", Kind::Address, |a, v| v.address(from(a))),
    field("source.port", Kind::Whole(65_535), |a, v| from(a).port = v.whole()),
    field("source.asn", Kind::Whole(u32::MAX as u64), |a, v| from(a).asn = v.whole()),
    field("source.as_org", Kind::Text(256), |a, v| from(a).as_org = v.text()),
    field("source.geo.country", Kind::Country, |a, v| geo(from(a)).country = v.text()),
    field("source.geo.city", Kind::Text(usize::MAX), |a, v| geo(from(a)).city = v.text()),
    field("source.geo.lat", Kind::Number(-90.0, 90.0), |a, v| geo(from(a)).lat = v.number()),
    field("source.geo.lon", Kind::Number(-180.0, 180.0), |a, v| geo(from(a)).lon = v.number()),
    field("source.user_agent", Kind::Text(2_048), |a, v| from(a).user_agent = v.text()),
    field("source.anonymizer", Kind::Word(ANONYMIZERS), |a, v| {
        from(a).anonymizer = v.word(Anonymizer::from_wire);
    }),
    field("usage.bytes_out", Kind::Whole(u64::MAX), |a, v| {
        a.usage.get_or_insert_default().bytes_out = v.whole();
    }),
    field("usage.bytes_in", Kind::Whole(u64::MAX), |a, v| {
        a.usage.get_or_insert_default().bytes_in = v.whole();
    }),
    field("usage.records", Kind::Whole(u64::MAX), |a, v| {
        a.usage.get_or_insert_default().records = v.whole();
    }),
    field("usage.duration_ms", Kind::Whole(u64::MAX), |a, v| {
        a.usage.get_or_insert_default().duration_ms = v.whole();
    }),
    field("usage.tokens_in", Kind::Whole(u64::MAX), |a, v| {
        a.usage.get_or_insert_default().tokens_in = v.whole();
    }),
    field("usage.tokens_out", Kind::Whole(u64::MAX), |a, v| {
        a.usage.get_or_insert_default().tokens_out = v.whole();
    }),
    field("usage.cost_usd", Kind::Number(0.0, f64::MAX), |a, v| {
        a.usage.get_or_insert_default().cost_usd = v.number();
    }),
    field("outcome.result", Kind::Word(OUTCOMES), |a, v| {
        let result = v.word(Outcome::from_wire).unwrap_or_default();
        a.outcome.get_or_insert_default().result = result;
    }),
    field("outcome.code", Kind::Text(64), |a, v| {
        a.outcome.get_or_insert_default().code = v.text();
    }),
    field("outcome.reason", Kind::Text(256), |a, v| {
        a.outcome.get_or_insert_default().reason = v.text();
    }),
    field("outcome.decision", Kind::Word(DECISIONS), |a, v| {
        a.outcome.get_or_insert_default().decision = v.word(Decision::from_wire);
    }),
    field("outcome.policy_id", Kind::Text(256), |a, v| {
        a.outcome.get_or_insert_default().policy_id = v.text();
    }),
    field("trace.trace_id", Kind::Hex(32), |a, v| {
        a.trace.get_or_insert_default().trace_id = v.text();
    }),
    field("trace.span_id", Kind::Hex(16), |a, v| {
        a.trace.get_or_insert_default().span_id = v.text();
    }),
    field("trace.parent_span_id", Kind::Hex(16), |a, v| {
        a.trace.get_or_insert_default().parent_span_id = v.text();
    }),
    field("producer.name", Kind::Text(256), |a, v| {
        a.producer.get_or_insert_default().name = v.text();
    }),
    field("producer.version", Kind::Text(64), |a, v| {
        a.producer.get_or_insert_default().version = v.text();
    }),
    field("producer.event_id", Kind::Text(256), |a, v| {
        a.producer.get_or_insert_default().event_id = v.text();
    }),
];

/// The field of a path.
pub(super) fn named(path: &str) -> Option<&'static Field> {
    FIELDS.iter().find(|field| field.path == path)
}

/// Whether fields stand below a path.
pub(super) fn is_section(path: &str) -> bool {
    let below = |field: &Field| field.path.strip_prefix(path).is_some_and(|r| r.starts_with('.'));
    FIELDS.iter().any(below)
}

fn owner<'v, 'a>(activity: &'v mut Activity<'a>) -> &'v mut Principal<'a> {
    activity.agent.owner.get_or_insert_default()
}

fn delegation<'v, 'a>(activity: &'v mut Activity<'a>) -> &'v mut Delegation<'a> {
    activity.delegation.get_or_insert_default()
}

fn subject<'v, 'a>(activity: &'v mut Activity<'a>) -> &'v mut Principal<'a> {
    delegation(activity).subject.get_or_insert_default()
}

fn credential<'v, 'a>(activity: &'v mut Activity<'a>) -> &'v mut Credential<'a> {
    activity.credential.get_or_insert_default()
}

fn tool<'v, 'a>(activity: &'v mut Activity<'a>) -> &'v mut Tool<'a> {
    activity.action.tool.get_or_insert_default()
}

fn to<'v, 'a>(activity: &'v mut Activity<'a>) -> &'v mut Endpoint<'a> {
    activity.destination.get_or_insert_default()
}

fn from<'v, 'a>(activity: &'v mut Activity<'a>) -> &'v mut Endpoint<'a> {
    activity.source.get_or_insert_default()
}

fn geo<'v, 'a>(endpoint: &'v mut Endpoint<'a>) -> &'v mut Geo<'a> {
    endpoint.geo.get_or_insert_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_those_of_the_schema() {
        type Known = fn(&str) -> bool;
        let lists: [(&[&str], Known); 8] = [
            (ACTION_TYPES, |word| ActionType::from_wire(word).is_some()),
            (PRINCIPAL_TYPES, |word| PrincipalType::from_wire(word).is_some()),
            (AUTHORITIES, |word| Authority::from_wire(word).is_some()),
            (CREDENTIAL_TYPES, |word| CredentialType::from_wire(word).is_some()),
            (CLASSIFICATIONS, |word| Classification::from_wire(word).is_some()),
            (ANONYMIZERS, |word| Anonymizer::from_wire(word).is_some()),
            (OUTCOMES, |word| Outcome::from_wire(word).is_some()),
            (DECISIONS, |word| Decision::from_wire(word).is_some()),
        ];
        let schema = include_str!("../../ingest/fixtures/agent.activity-1.schema.json");
        for (words, is_known) in lists {
            for word in words {
                assert!(is_known(word) && schema.contains(&format!("\"{word}\"")), "{word}");
            }
        }
    }

    #[test]
    fn every_leaf_of_the_schema_is_a_field() {
        let record = include_str!("../../ingest/fixtures/event.native.json");
        let record: serde_json::Value = serde_json::from_str(record).unwrap();
        let mut leaves = Vec::new();
        leaves_of("", &record, &mut leaves);
        let others = ["schema", "producer.format", "attributes.env"];
        for leaf in leaves.iter().filter(|leaf| !others.contains(&leaf.as_str())) {
            assert!(named(leaf).is_some(), "{leaf}");
        }
    }

    fn leaves_of(path: &str, value: &serde_json::Value, leaves: &mut Vec<String>) {
        match value.as_object() {
            None => leaves.push(path.trim_start_matches('.').to_owned()),
            Some(members) => {
                members
                    .iter()
                    .for_each(|(key, value)| leaves_of(&format!("{path}.{key}"), value, leaves));
            }
        }
    }
}
