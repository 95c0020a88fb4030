//! Kubernetes audit events, also as AKS and EKS ship them. Of a request's stages the first answer counts; the
//! same `auditID` makes the later one a duplicate. Objects of requests and answers are never read.

use record::tree::Tree;
use schemas::activity::Text;
use schemas::reject::ErrorCode;

use crate::event::Event;
use crate::field::Field;
use crate::table::{Row, Spec, Verdict, by, first, nothing, unused, withheld};

pub(crate) const SPEC: Spec = Spec {
    name: "k8s_audit",
    title: "Kubernetes audit",
    shape: "`auditID` or a `user` with `username` beside `verb`, `objectRef` or `requestURI`",
    recognises,
    caseless: false,
    verdict,
    rows: ROWS,
    finish: nothing,
    remarks: "`EventList`, AKS (`properties.log`) and EKS (CloudWatch or bare) are read; GKE writes entries of Google Cloud.\n\
        Keys of `extra` and of annotations may be escaped, as in `authentication_kubernetes_io_slash_pod-name`.",
};

const POD: &[&str] = &[
    "user/extra/authentication.kubernetes.io~1pod-name/0",
    "user/extra/authentication_kubernetes_io_slash_pod-name/0",
    "user/extra/sessionName/0",
    "user/extra/authentication.kubernetes.io~1pod-name",
    "user/extra/authentication_kubernetes_io_slash_pod-name",
    "user/extra/sessionName",
];
const CREDENTIAL: &[&str] = &[
    "user/extra/authentication.kubernetes.io~1credential-id/0",
    "user/extra/authentication_kubernetes_io_slash_credential-id/0",
    "user/extra/accessKeyId/0",
    "user/extra/authentication.kubernetes.io~1credential-id",
    "user/extra/authentication_kubernetes_io_slash_credential-id",
    "user/extra/accessKeyId",
];
const DECISION: [&str; 2] = [
    "annotations/authorization.k8s.io~1decision",
    "annotations/authorization_k8s_io_slash_decision",
];

#[rustfmt::skip]
const ROWS: &[Row] = &[
    first(Field::Time, &["requestReceivedTimestamp", "stageTimestamp", "timestamp"]),
    first(Field::AgentId, &["user/username"]),
    by(Field::AgentType, &["user/username"], |e| principal_type(e.word("user/username")), "service accounts, nodes and components are `service`"),
    first(Field::AgentInstance, POD),
    first(Field::SubjectId, &["impersonatedUser/username"]),
    by(Field::SubjectType, &["impersonatedUser/username"], |e| principal_type(e.word("impersonatedUser/username")), "as the agent's"),
    by(Field::Mode, &["impersonatedUser/username"], |e| e.has("impersonatedUser/username").then_some(Text::Borrowed("delegated")), "`delegated` where somebody is impersonated"),
    first(Field::CredentialId, CREDENTIAL),
    by(Field::ActionType, &["verb", "objectRef"], action_type, "exec, attach, portforward are code_execution; writes of rbac permission_change; tokens and certificate requests token_issue; else by the verb"),
    by(Field::Operation, &["verb", "objectRef"], operation, "`verb [group/]resource[/subresource]`"),
    by(Field::ResourceId, &["objectRef", "requestURI"], resource, "`[namespace/]resource[/name]`, else the path asked for"),
    by(Field::ResourceType, &["objectRef/resource"], |e| e.text("objectRef/resource"), ""),
    first(Field::SourceAddress, &["sourceIPs/-1"]),
    first(Field::SourceUserAgent, &["userAgent"]),
    by(Field::Result, &["responseStatus/code", DECISION[0]], result, "401, 403 or a decision to forbid are denied; other codes from 400 failure"),
    first(Field::Code, &["responseStatus/code"]),
    by(Field::Decision, &DECISION, decision, "allow, or forbid"),
    first(Field::Id, &["auditID"]),
    withheld(&[
        "requestObject", "responseObject", "responseStatus",
    ], "objects and messages"),
    unused(&[
        "kind", "apiVersion", "level", "stage", "metadata", "user/uid", "user/groups", "user/extra",
        "impersonatedUser", "annotations", "sourceIPs", "authenticationMetadata",
    ]),
];

fn recognises(tree: &Tree<'_>) -> bool {
    let has = |key| tree.get(key).is_some();
    let names_user = tree.get("user").is_some_and(|user| user.get("username").is_some());
    let asks = has("verb") || has("objectRef") || has("requestURI");
    (names_user && (asks || has("auditID"))) || (has("auditID") && (asks || has("stage")))
}

fn verdict(event: &Event<'_, '_>) -> Verdict {
    let kind = event.tree.get("kind");
    if kind.is_some_and(|kind| kind.text().is_none()) {
        return Verdict::Refuse(ErrorCode::InvalidField, "/kind", "read a text");
    }
    match event.word("stage") {
        "RequestReceived" => Verdict::Skip("k8s_audit_request_received"),
        _ => Verdict::Map,
    }
}

fn principal_type<'a>(name: &str) -> Option<Text<'a>> {
    match name {
        "" | "system:anonymous" => None,
        name if name.starts_with("system:") => Some(Text::Borrowed("service")),
        _ => Some(Text::Borrowed("user")),
    }
}

/// The API group; in old and odd records it stands before the version.
fn group<'t>(event: &Event<'t, '_>) -> &'t str {
    match event.word("objectRef/apiGroup") {
        "" => event.word("objectRef/apiVersion").split_once('/').map_or("", |(group, _)| group),
        group => group,
    }
}

fn operation<'a>(event: &Event<'_, 'a>) -> Option<Text<'a>> {
    let verb = event.text("verb")?;
    let mut text = verb.into_owned();
    for (before, part) in [
        (' ', group(event)),
        (if group(event).is_empty() { ' ' } else { '/' }, event.word("objectRef/resource")),
        ('/', event.word("objectRef/subresource")),
    ] {
        if !part.is_empty() {
            text.push(before);
            text.push_str(part);
        }
    }
    if !event.has("objectRef")
        && let Some(path) = path_asked(event)
    {
        text.push(' ');
        text.push_str(path);
    }
    Some(Text::Owned(text))
}

/// The path of the request, without what was asked of it.
fn path_asked<'t>(event: &Event<'t, '_>) -> Option<&'t str> {
    event.word("requestURI").split('?').next().filter(|path| path.starts_with('/'))
}

fn resource<'a>(event: &Event<'_, 'a>) -> Option<Text<'a>> {
    let (resource, name) = (event.word("objectRef/resource"), event.word("objectRef/name"));
    if resource.is_empty() {
        return path_asked(event).map(|path| Text::Owned(path.to_owned()));
    }
    let parts = [event.word("objectRef/namespace"), resource, name];
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    Some(Text::Owned(parts.join("/")))
}

/// Kinds of roles, for records that do not name their group.
const RBAC: [&str; 4] = ["roles", "rolebindings", "clusterroles", "clusterrolebindings"];

fn action_type<'a>(event: &Event<'_, 'a>) -> Option<Text<'a>> {
    let resource = event.word("objectRef/resource");
    let (verb, subresource) = (event.word("verb"), event.word("objectRef/subresource"));
    let reads = matches!(verb, "get" | "list" | "watch" | "");
    let issues = resource == "certificatesigningrequests"
        || (resource == "serviceaccounts" && subresource == "token");
    Some(Text::Borrowed(match verb {
        _ if matches!(subresource, "exec" | "attach" | "portforward") => "code_execution",
        _ if !reads
            && (group(event) == "rbac.authorization.k8s.io" || RBAC.contains(&resource)) =>
        {
            "permission_change"
        }
        _ if !reads && issues => "token_issue",
        "get" | "head" => "data_read",
        "list" | "watch" => "data_list",
        "delete" | "deletecollection" => "data_delete",
        "" => "api_call",
        _ => "data_write",
    }))
}

fn result<'a>(event: &Event<'_, 'a>) -> Option<Text<'a>> {
    let forbids = event.first(&DECISION).and_then(Tree::text).is_some_and(|word| word == "forbid");
    Some(Text::Borrowed(match event.number("responseStatus/code") {
        Some(401 | 403) => "denied",
        _ if forbids => "denied",
        Some(code) if 400 <= code => "failure",
        Some(_) => "success",
        None => "unknown",
    }))
}

fn decision<'a>(event: &Event<'_, 'a>) -> Option<Text<'a>> {
    match event.first(&DECISION)?.text()?.as_ref() {
        "allow" => Some(Text::Borrowed("allow")),
        "forbid" => Some(Text::Borrowed("deny")),
        _ => None,
    }
}
