//! OCSF 1.x events of six classes. The agent is whom the event calls one, else the application or service that
//! acted, else the person, who is told as a `user`. Queries, bodies and commands are never read.

mod classes;
mod principal;

use record::tree::Tree;
use record::url;
use schemas::activity::Text;
use schemas::reject::ErrorCode;

pub(crate) use self::principal::Principal;
use self::principal::{mode, principal, subject};
use crate::arn;
use crate::event::Event;
use crate::field::Field;
use crate::table::{Row, Spec, Verdict, by, first, nothing, of, unused, withheld};

pub(crate) const SPEC: Spec = Spec {
    name: "ocsf",
    title: "OCSF",
    shape: "`class_uid` beside `metadata`, `activity_id` or `type_uid`",
    recognises,
    caseless: false,
    verdict,
    rows: ROWS,
    finish: nothing,
    remarks: "Classes 3002, 4001, 4002, 6003, 6005 and 6006 are read; others are `unsupported_schema`.\n\
        `time_dt` holds where it stands beside a `time` that differs; `time` may be s, ms, µs or ns.",
};

#[rustfmt::skip]
const ROWS: &[Row] = &[
    first(Field::Time, &["time_dt", "time"]),
    first(Field::Tenant, &["metadata/tenant_uid"]),
    by(Field::AgentId, &["ai_agent/uid", "actor/process/ai_agent/uid", "actor/app_uid", "user/uid", "actor/user/uid", "user/type_id", "actor/user/type_id", "actor/user/type"], |e| principal(e).map(|found| arn::stable(found.id.clone())), "the first agent or application, then a user that is a service, then the person; the address map last"),
    by(Field::AgentType, &[], |e| Some(Text::Borrowed(principal(e)?.kind)), "`ai_agent`, `service` or `user`"),
    first(Field::AgentInstance, &["ai_agent/instance_uid", "src_endpoint/instance_uid", "actor/process/uid"]),
    by(Field::AgentInstance, &[], |e| arn::session(principal(e)?.id.clone()), "else the session of an ARN"),
    first(Field::AgentName, &["ai_agent/name", "actor/app_name"]),
    first(Field::AgentVersion, &["ai_agent/version"]),
    first(Field::ModelProvider, &["ai_agent/ai_model/ai_provider", "ai_model/ai_provider"]),
    first(Field::ModelName, &["ai_agent/ai_model/name", "ai_model/name"]),
    first(Field::ModelVersion, &["ai_agent/ai_model/version", "ai_model/version"]),
    of(Field::SubjectId, &["actor/user/uid"], subject, "`actor.user`, where the agent came from elsewhere and this is no service"),
    by(Field::SubjectType, &[], |e| subject(e).map(|_| Text::Borrowed("user")), "`user`"),
    of(Field::SubjectName, &["actor/user/name"], |e| subject(e).and(e.text("actor/user/name")), "of the subject"),
    by(Field::Mode, &[], mode, "`delegated` with a subject; `autonomous` where an agent is the only principal"),
    first(Field::DelegationId, &["delegation/uid"]),
    first(Field::CredentialId, &["api/token/uid", "actor/session/credential_uid", "actor/user/programmatic_credentials/0/uid", "session/credential_uid"]),
    first(Field::CredentialIssuer, &["session/issuer", "actor/session/issuer", "actor/idp/issuer"]),
    first(Field::CredentialExpires, &["api/token/expiration_time", "actor/session/expiration_time", "session/expiration_time"]),
    first(Field::TaskId, &["metadata/correlation_uid", "actor/session/uid"]),
    first(Field::ConversationId, &["message_context/uid"]),
    by(Field::ActionType, &["class_uid", "activity_id"], classes::action_type, "by class and activity; `tools/call` is a tool_call"),
    by(Field::Operation, &["api/operation", "http_request/http_method", "activity_name"], operation, "the operation, the method, else the caption of the activity"),
    of(Field::ToolName, &["api/operation"], tool, "of a tool_call, what follows `tools/call:`"),
    of(Field::ToolServer, &["api/service/uid", "api/service/name"], |e| tool(e).and(e.first_text(&["api/service/uid", "api/service/name"])), "of a tool_call"),
    by(Field::ToolKind, &[], |e| tool(e).map(|_| Text::Borrowed("mcp")), "`mcp`, of a tool_call"),
    of(Field::ResourceId, &["resources", "file/path", "file/uid", "database/name", "table/name", "databucket/name", "http_request/url/url_string"], resource, "the target of `resources`, a file, `database.table`, a bucket, a URL without its query"),
    by(Field::ResourceType, &[], resource_type, "its type, or what it is"),
    by(Field::ResourceName, &["file/name"], |e| target(e).and_then(|item| item.get("name")?.text().cloned()).or_else(|| e.text("file/name")), "its name"),
    of(Field::Classification, &["resources", "file/confidentiality_id", "file/data_classifications/0/confidentiality_id", "database/data_classifications/0/confidentiality_id", "databucket/data_classifications/0/confidentiality_id"], classes::classification, "1 public, 2 confidential, 3, 4, 6 restricted"),
    first(Field::DestinationHost, &["dst_endpoint/hostname", "dst_endpoint/domain", "tls/sni", "http_request/url/hostname", "url/hostname"]),
    of(Field::DestinationHost, &["dst_endpoint/svc_name", "api/service/uid", "api/service/name"], remote_service, "where no endpoint is named: the service"),
    first(Field::DestinationAddress, &["dst_endpoint/ip"]),
    first(Field::DestinationPort, &["dst_endpoint/port"]),
    of(Field::DestinationUrl, &["http_request/url/url_string"], |e| url::bare(e.text("http_request/url/url_string")?), "without its query"),
    first(Field::DestinationProtocol, &["connection_info/protocol_name"]),
    first(Field::DestinationAsn, &["dst_endpoint/autonomous_system/number"]),
    first(Field::DestinationCountry, &["dst_endpoint/location/country"]),
    of(Field::DestinationAnonymizer, &["proxy_endpoint", "dst_endpoint/proxy_endpoint"], |e| e.first(&["proxy_endpoint", "dst_endpoint/proxy_endpoint"]).map(|_| Text::Borrowed("proxy")), "`proxy` behind one"),
    first(Field::SourceHost, &["src_endpoint/hostname", "src_endpoint/domain", "src_endpoint/svc_name"]),
    first(Field::SourceAddress, &["src_endpoint/ip"]),
    first(Field::SourcePort, &["src_endpoint/port"]),
    first(Field::SourceUserAgent, &["http_request/user_agent"]),
    first(Field::SourceAsn, &["src_endpoint/autonomous_system/number"]),
    first(Field::SourceAsOrg, &["src_endpoint/autonomous_system/name"]),
    first(Field::SourceCountry, &["src_endpoint/location/country"]),
    first(Field::SourceCity, &["src_endpoint/location/city"]),
    first(Field::SourceLat, &["src_endpoint/location/lat"]),
    first(Field::SourceLon, &["src_endpoint/location/long"]),
    of(Field::SourceAnonymizer, &["session/is_vpn", "actor/session/is_vpn"], vpn, "`vpn` where a session says so"),
    first(Field::BytesOut, &["traffic/bytes_out", "http_request/body_length", "http_request/length"]),
    of(Field::BytesOut, &["file/size"], |e| classes::moved(e, classes::UPLOADS), "of an upload"),
    first(Field::BytesIn, &["traffic/bytes_in", "http_response/body_length", "http_response/length", "query_info/bytes"]),
    of(Field::BytesIn, &["file/size"], |e| classes::moved(e, classes::DOWNLOADS), "of a download"),
    first(Field::DurationMs, &["duration"]),
    first(Field::TokensIn, &["message_context/prompt_tokens"]),
    first(Field::TokensOut, &["message_context/completion_tokens"]),
    by(Field::Result, &["disposition_id", "action_id", "status_id", "http_response/code", "api/response/code", "api/response/error"], classes::result, "a block or a refusal is denied, then `status_id`, then codes"),
    first(Field::Code, &["http_response/code", "api/response/code", "api/response/error", "status_code"]),
    first(Field::TraceId, &["trace/uid"]),
    first(Field::SpanId, &["trace/span/uid"]),
    first(Field::ParentSpanId, &["trace/span/parent_uid"]),
    first(Field::ProducerName, &["metadata/product/name"]),
    first(Field::ProducerVersion, &["metadata/product/version"]),
    first(Field::Id, &["metadata/uid", "metadata/original_event_uid"]),
    withheld(&[
        "query_info", "api/request", "api/response", "http_request/args", "http_request/http_headers",
        "http_response", "raw_data", "unmapped", "enrichments", "message", "status_detail", "actor/process",
        "actor/invoked_by", "message_context",
    ], "queries, arguments, bodies, commands, prompts"),
    unused(&[
        "category_uid", "category_name", "class_name", "type_uid", "type_name", "type_id", "severity", "severity_id",
        "status", "metadata", "observables", "cloud", "start_time", "end_time", "timezone_offset", "user", "actor",
        "session", "service", "auth_protocol", "auth_protocol_id", "logon_type", "logon_type_id", "is_remote",
        "is_mfa", "is_cleartext", "api", "http_request", "connection_info", "traffic", "src_endpoint", "dst_endpoint",
        "proxy_endpoint", "database", "table", "databucket", "file", "trace", "ai_model", "tls", "url", "time",
        "activity_name", "action", "disposition",
    ]),
];

fn recognises(tree: &Tree<'_>) -> bool {
    let has = |key| tree.get(key).is_some();
    has("class_uid") && (has("metadata") || has("activity_id") || has("type_uid"))
}

fn verdict(event: &Event<'_, '_>) -> Verdict {
    let refuse =
        |code, path| Verdict::Refuse(code, path, "accept a class or version that is not ours");
    match event.text("metadata/version") {
        Some(version) if !version.starts_with("1.") => {
            refuse(ErrorCode::UnsupportedSchema, "/metadata/version")
        }
        _ if !classes::KNOWN.contains(&event.number("class_uid").unwrap_or_default()) => {
            refuse(ErrorCode::UnsupportedSchema, "/class_uid")
        }
        _ => Verdict::Map,
    }
}

fn operation<'a>(event: &Event<'_, 'a>) -> Option<Text<'a>> {
    let named = event.first_text(&["api/operation", "http_request/http_method"]);
    let caption = || classes::caption(event).map(Text::Borrowed);
    named.or_else(caption).or_else(|| event.text("activity_name"))
}

fn tool<'a>(event: &Event<'_, 'a>) -> Option<Text<'a>> {
    let name =
        event.word("api/operation").strip_prefix("tools/call")?.trim_start_matches([':', ' ', '/']);
    (!name.is_empty()).then(|| Text::Owned(name.to_owned()))
}

/// The resource that is the target, else the first.
fn target<'t, 'a>(event: &Event<'t, 'a>) -> Option<&'t Tree<'a>> {
    let items = event.at("resources").map_or(&[][..], Tree::items);
    let is_target = |item: &&Tree<'_>| item.get("role_id").and_then(Tree::unsigned) == Some(1);
    items.iter().find(is_target).or(items.first())
}

fn resource<'a>(event: &Event<'_, 'a>) -> Option<Text<'a>> {
    if let Some(id) = target(event).and_then(|item| item.get("uid").or(item.get("name"))) {
        return id.text().cloned();
    }
    if let Some(file) = event.first_text(&["file/path", "file/uid"]) {
        return Some(file);
    }
    let named = match (event.text("database/name"), event.text("table/name")) {
        (Some(database), Some(table)) => Some(Text::Owned(format!("{database}.{table}"))),
        (database, table) => database.or(table),
    };
    let url = || url::bare(event.text("http_request/url/url_string")?);
    named.or_else(|| event.text("databucket/name")).or_else(url)
}

fn resource_type<'a>(event: &Event<'_, 'a>) -> Option<Text<'a>> {
    if let Some(item) = target(event) {
        return item.get("type").and_then(Tree::text).cloned();
    }
    let kinds = [
        ("file", "file"),
        ("table", "table"),
        ("database", "database"),
        ("databucket", "bucket"),
        ("http_request/url", "url"),
    ];
    kinds.iter().find(|(path, _)| event.has(path)).map(|(_, kind)| Text::Borrowed(*kind))
}

/// The service that is called, where nothing says where it stands.
fn remote_service<'a>(event: &Event<'_, 'a>) -> Option<Text<'a>> {
    if event.has("dst_endpoint/ip") {
        return None;
    }
    if let Some(name) = event.text("dst_endpoint/svc_name") {
        return Some(name);
    }
    // A name for people is no host.
    let is_host = |name: &Text<'_>| name.contains('.') && !name.contains(char::is_whitespace);
    let named = || event.text("api/service/name").filter(is_host);
    let service = event.text("api/service/uid").or_else(named)?;
    match url::host(&service) {
        Some(host) => Some(Text::Owned(host.to_owned())),
        None => Some(service),
    }
}

fn vpn<'a>(event: &Event<'_, 'a>) -> Option<Text<'a>> {
    let says = |path| event.flag(path) == Some(true);
    (says("session/is_vpn") || says("actor/session/is_vpn")).then_some(Text::Borrowed("vpn"))
}
