//! Audit entries of Google Cloud, GKE's among them, bare or as the data of a CloudEvent. A service account
//! that others act through is the agent, and they are its chain.

use record::tree::Tree;
use schemas::activity::{Activity, Delegation, Principal, Text};
use schemas::choice::{Authority, PrincipalType};

use crate::event::Event;
use crate::field::Field;
use crate::mapper::hash;
use crate::table::{Row, Spec, always, by, first, unused, withheld};

pub(crate) const SPEC: Spec = Spec {
    name: "gcp_audit",
    title: "Google Cloud audit logs",
    shape: "an object `protoPayload` with `methodName` or `serviceName`",
    recognises: |tree| {
        let payload = tree.get("protoPayload");
        payload.is_some_and(|payload| {
            payload.get("methodName").is_some() || payload.get("serviceName").is_some()
        })
    },
    caseless: false,
    verdict: always,
    rows: ROWS,
    finish: chain,
    remarks: "An `insertId` is unique only with its log and time, so the id is `<insertId>:<hash of both>`.\n\
        The two entries of a long operation share `action.tool.call_id`.",
};

const DELEGATIONS: &str = "protoPayload/authenticationInfo/serviceAccountDelegationInfo";
const PRINCIPALS: [&str; 2] = [
    "protoPayload/authenticationInfo/principalEmail",
    "protoPayload/authenticationInfo/principalSubject",
];

#[rustfmt::skip]
const ROWS: &[Row] = &[
    first(Field::Time, &["timestamp"]),
    first(Field::AgentId, &PRINCIPALS),
    by(Field::AgentType, &PRINCIPALS, |e| Some(Text::Borrowed(kind_of(&e.first_text(&PRINCIPALS)?, e.word(PRINCIPALS[1])))), "an agent's identity is an `ai_agent`, a service account or workload a `service`"),
    by(Field::CredentialId, &["protoPayload/authenticationInfo/serviceAccountKeyName"], key_id, "the last part"),
    by(Field::ActionType, &["protoPayload/methodName", "protoPayload/authorizationInfo"], action_type, "signed and generated tokens token_issue; policies, invites, keys, roles permission_change; else by the permission's last word, then its type"),
    first(Field::Operation, &["protoPayload/methodName"]),
    first(Field::ToolCall, &["operation/id"]),
    first(Field::ResourceId, &["protoPayload/resourceName"]),
    first(Field::ResourceType, &["resource/type"]),
    first(Field::ResourceRegion, &["protoPayload/resourceLocation/currentLocations/0", "resource/labels/location"]),
    first(Field::DestinationHost, &["protoPayload/serviceName"]),
    first(Field::SourceAddress, &["protoPayload/requestMetadata/callerIp", "protoPayload/requestMetadata/callerIP"]),
    first(Field::SourceUserAgent, &["protoPayload/requestMetadata/callerSuppliedUserAgent"]),
    by(Field::Result, &["protoPayload/status/code", "protoPayload/authorizationInfo"], result, "code 7 or a permission that was not granted is denied, other codes failure, none success"),
    first(Field::Code, &["protoPayload/status/code"]),
    first(Field::AttributeOauthClientId, &["protoPayload/authenticationInfo/oauthInfo/oauthClientId"]),
    by(Field::Id, &["insertId", "logName"], id, "see below"),
    withheld(&[
        "protoPayload/request", "protoPayload/response", "protoPayload/serviceData", "protoPayload/metadata",
        "protoPayload/status/message", "protoPayload/status/details",
    ], "what was asked and answered"),
    unused(&[
        DELEGATIONS, "protoPayload/@type", "protoPayload/at_sign_type",
        "protoPayload/authenticationInfo/authoritySelector", "protoPayload/requestMetadata",
        "protoPayload/resourceLocation", "protoPayload/numResponseItems", "protoPayload/resourceOriginalState",
        "protoPayload/policyViolationInfo", "receiveTimestamp", "severity", "resource", "labels", "operation",
        "trace", "spanId", "traceSampled", "sourceLocation", "httpRequest", "split",
    ]),
];

fn kind_of(id: &str, subject: &str) -> &'static str {
    let is_agent = id.contains("://agents.") && id.contains(".system.id.goog/");
    // GKE names those of Kubernetes; behind a pool of workloads there is no person.
    let is_service = id.ends_with(".gserviceaccount.com")
        || (id.starts_with("system:") && id != "system:anonymous")
        || id.contains("/workloadIdentityPools/")
        || [id, subject].iter().any(|name| name.starts_with("serviceAccount:"));
    match (is_agent, is_service) {
        (true, _) => "ai_agent",
        (_, true) => "service",
        _ => "user",
    }
}

fn key_id<'a>(event: &Event<'_, 'a>) -> Option<Text<'a>> {
    let name = event.text("protoPayload/authenticationInfo/serviceAccountKeyName")?;
    name.rsplit('/').next().filter(|id| !id.is_empty()).map(|id| Text::Owned(id.to_owned()))
}

/// The permissions that were asked for.
fn permissions<'t, 'a>(event: &Event<'t, 'a>) -> &'t [Tree<'a>] {
    event.at("protoPayload/authorizationInfo").map_or(&[][..], Tree::items)
}

fn action_type<'a>(event: &Event<'_, 'a>) -> Option<Text<'a>> {
    let method = event.word("protoPayload/methodName");
    let last = |name: &str| name.rsplit('.').next().unwrap_or_default().to_owned();
    let name = last(method);
    let asked =
        permissions(event).iter().find_map(|item| item.word("permission")).unwrap_or_default();
    let word = match last(asked) {
        word if by_word(&word).is_some() || !word.is_empty() => word,
        _ => name.clone(),
    };
    // Services write one method in several cases: `SetIamPolicy`, `SetIAMPolicy`, `setIamPolicy`.
    let lower = name.to_ascii_lowercase();
    let reads = READS.iter().any(|verb| lower.starts_with(verb));
    // Kubernetes names the kind before the verb.
    let mut tail = method.rsplit('.').map(str::to_ascii_lowercase).take(2);
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    let names_role = tail.any(|part| part.contains("role"));
    Some(Text::Borrowed(
        if ["SignJwt", "SignBlob", "GenerateAccessToken", "GenerateIdToken"]
            .contains(&name.as_str())
        {
            "token_issue"
        } else if !reads
            && (has(&["iampolicy", "iampermissions", "invite", "serviceaccountkey"])
                || (event.word("protoPayload/serviceName").starts_with("apikeys.")
                    && has(&["key"]))
                || names_role)
        {
            "permission_change"
        } else if let Some(kind) = by_word(&word) {
            kind
        } else {
            let kind = permissions(event).iter().find_map(|item| item.word("permissionType"));
            match kind.unwrap_or_default() {
                "DATA_READ" | "ADMIN_READ" => "data_read",
                "DATA_WRITE" | "ADMIN_WRITE" => "data_write",
                _ => "api_call",
            }
        },
    ))
}

/// What begins the name of a method that changes nothing.
const READS: [&str; 8] =
    ["get", "batchget", "list", "query", "test", "search", "analyze", "lookup"];

fn by_word(word: &str) -> Option<&'static str> {
    Some(match word {
        "get" => "data_read",
        "list" | "watch" => "data_list",
        "create" | "update" | "patch" => "data_write",
        "delete" | "deletecollection" => "data_delete",
        _ => return None,
    })
}

fn result<'a>(event: &Event<'_, 'a>) -> Option<Text<'a>> {
    let granted = |item: &Tree<'_>| item.get("granted").and_then(crate::event::flag_of);
    let refused = permissions(event).iter().any(|item| granted(item) == Some(false));
    Some(Text::Borrowed(match event.number("protoPayload/status/code") {
        _ if refused => "denied",
        Some(7) => "denied",
        None | Some(0) => "success",
        Some(_) => "failure",
    }))
}

fn id<'a>(event: &Event<'_, 'a>) -> Option<Text<'a>> {
    let id = event.word("insertId");
    if id.is_empty() || 64 < id.len() {
        return None;
    }
    let beside = ["logName", "timestamp"].map(|path| event.at(path).cloned());
    let beside = hash(&Tree::List(beside.into_iter().flatten().collect()));
    Some(Text::Owned(format!("{id}:{}", beside.get(7..23)?)))
}

/// Who acts through a service account, from the first to the account itself.
fn chain<'a>(event: &Event<'_, 'a>, activity: &mut Activity<'a>) {
    let items = event.at(DELEGATIONS).map_or(&[][..], Tree::items).iter();
    let party = |item: &Tree<'a>| {
        let paths = [
            "firstPartyPrincipal/principalEmail",
            "principalSubject",
            "thirdPartyPrincipal/thirdPartyClaims/sub",
        ];
        let id = paths.iter().find_map(|path| item.at(path, false)?.text())?;
        let short = id.chars().count() <= 2_048;
        let subject = item.word("principalSubject").unwrap_or_default();
        short.then(|| principal(id.clone(), subject))
    };
    let mut chain: Vec<Principal<'a>> = items.filter_map(party).take(31).collect();
    let Some(subject) = chain.first().cloned() else { return };
    chain.push(principal(activity.agent.id.clone(), event.word(PRINCIPALS[1])));
    activity.delegation = Some(Delegation {
        mode: Some(Authority::Delegated),
        subject: Some(subject),
        chain,
        ..Delegation::default()
    });
}

fn principal<'a>(id: Text<'a>, subject: &str) -> Principal<'a> {
    let kind = PrincipalType::from_wire(kind_of(&id, subject));
    Principal { id, kind, ..Principal::default() }
}
