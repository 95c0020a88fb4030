//! Microsoft Entra: sign-ins and directory audits, as diagnostic settings or Log Analytics write them. Where an
//! agent signs in for a user, the agent acts and the user is whom it acts for.

use record::tree::Tree;
use schemas::activity::Text;

use crate::event::{Event, text_of};
use crate::field::Field;
use crate::table::{Row, Spec, Verdict, by, first, nothing, unused, withheld};
use crate::texts::inner;

pub(crate) const SPEC: Spec = Spec {
    name: "entra",
    title: "Microsoft Entra",
    shape: "`properties` of a sign-in or an audit beside `category`; in Log Analytics the same as columns beside `TimeGenerated`",
    recognises,
    caseless: true,
    verdict,
    rows: ROWS,
    finish: nothing,
    remarks: "Other categories than sign-ins and audits are skipped by name (`entra_other_category`).\n\
        Names of members match in any case; columns that hold JSON as text are read.\n\
        Log Analytics' `TenantId` is its workspace, `AADTenantId` the tenant; its `ResourceId` is no resource of a sign-in.",
};

const SUBJECT: [&str; 2] = ["properties/userId", "userId"];
#[rustfmt::skip]
const APP: [&str; 4] = [
    "properties/initiatedBy/app/servicePrincipalId", "initiatedBy/app/servicePrincipalId",
    "properties/initiatedBy/app/appId", "initiatedBy/app/appId",
];
#[rustfmt::skip]
const CREATED: [&str; 6] = [
    "properties/createdDateTime", "createdDateTime", "properties/activityDateTime", "activityDateTime", "time",
    "TimeGenerated",
];
const RESULT: [&str; 4] =
    ["properties/status/errorCode", "status/errorCode", "resultType", "properties/resultType"];

#[rustfmt::skip]
const ROWS: &[Row] = &[
    first(Field::Time, &CREATED),
    by(Field::AgentId, &["properties/userId", "properties/servicePrincipalId", "properties/appId", "properties/agent", "properties/initiatedBy", "userId", "servicePrincipalId", "appId", "agent", "initiatedBy", "category"], agent, "the agent identity, else the service principal of such sign-ins, else the user; of an audit the application, else the user"),
    by(Field::AgentType, &[], |e| Some(Text::Borrowed(kind_of(e)?)), "`ai_agent`, `service`, `user`"),
    first(Field::AgentIssuer, &["AADTenantId", "tenantId", "properties/tenantId"]),
    by(Field::SubjectId, &SUBJECT, |e| is_agentic(e).then(|| e.first_text(&SUBJECT)).flatten(), "the user an agent signs in for"),
    by(Field::SubjectType, &[], |e| (is_agentic(e) && e.first(&SUBJECT).is_some()).then_some(Text::Borrowed("user")), "`user`"),
    by(Field::Mode, &[], |e| (is_agentic(e) && e.first(&SUBJECT).is_some()).then_some(Text::Borrowed("delegated")), "`delegated` where there is a subject"),
    first(Field::CredentialId, &["properties/servicePrincipalCredentialKeyId", "servicePrincipalCredentialKeyId"]),
    first(Field::SessionId, &["properties/sessionId", "sessionId"]),
    by(Field::ActionType, &["operationName", "category", "properties/activityDisplayName", "activityDisplayName"], action_type, "a sign-in is authentication; role, policy, consent, credential and federation changes permission_change; else api_call"),
    first(Field::Operation, &["operationName", "properties/activityDisplayName", "activityDisplayName"]),
    by(Field::ResourceId, &["properties/resourceId", "resourceIdentity", "properties/targetResources", "targetResources"], resource, "of a sign-in its resource, of an audit the first target; in lower case"),
    by(Field::ResourceType, &[], |e| target(e)?.get_caseless("type")?.text().cloned(), "the target's"),
    first(Field::ResourceName, &["properties/resourceDisplayName", "resourceDisplayName", "properties/targetResources/0/displayName", "targetResources/0/displayName"]),
    first(Field::SourceAddress, &["properties/ipAddress", "ipAddress", "properties/initiatedBy/user/ipAddress", "initiatedBy/user/ipAddress", "callerIpAddress"]),
    by(Field::SourceUserAgent, &["properties/userAgent", "userAgent", "properties/additionalDetails", "additionalDetails"], user_agent, "of a sign-in; of an audit the detail `User-Agent`"),
    first(Field::SourceCountry, &["properties/location/countryOrRegion", "locationDetails/countryOrRegion", "location"]),
    by(Field::SourceCity, &["properties/location/city", "locationDetails/city"], |e| e.first_text(&["properties/location/city", "locationDetails/city"]).filter(|city| city != "Unknown"), "unless `Unknown`"),
    first(Field::SourceAsn, &["properties/autonomousSystemNumber", "autonomousSystemNumber"]),
    by(Field::SourceAnonymizer, &["properties/riskEventTypes", "properties/riskEventTypes_v2", "riskEventTypes", "riskEventTypes_v2"], anonymizer, "`proxy` for the risk `anonymizedIPAddress`"),
    by(Field::Result, &["properties/result", "result", RESULT[0], RESULT[1], RESULT[2], RESULT[3]], result, "0 is success, 530xx, 50005 and 50131 (conditional access) denied, else failure; of an audit its word"),
    by(Field::Code, &RESULT, |e| if is_audit(e) { None } else { e.first_text(&RESULT).filter(|code| is_number(code)) }, "the error code of a sign-in"),
    by(Field::AttributeAppId, &[], |e| if is_audit(e) { None } else { e.first_text(&["properties/appId", "appId"]) }, "the client of a sign-in"),
    by(Field::Id, &["properties/id", "id", "correlationId"], id, "the record's own, else correlation, time and operation"),
    withheld(&[
        "properties/additionalDetails", "additionalDetails", "properties/status", "status", "properties/resultReason",
        "resultReason", "resultDescription",
    ], "values of settings, messages"),
    unused(UNUSED),
];

#[rustfmt::skip]
const UNUSED: &[&str] = &[
    "resourceId", "operationVersion", "resultSignature", "durationMs", "Level", "identity", "location",
    "locationDetails", "properties/operationName", "properties/operationType", "properties/loggedByService",
    "properties/category", "properties/correlationId", "properties/location", "properties/userPrincipalName",
    "properties/userDisplayName", "properties/appDisplayName", "properties/isInteractive",
    "properties/signInEventTypes", "properties/authenticationProtocol", "properties/authenticationRequirement",
    "properties/conditionalAccessStatus", "properties/tenantGeo", "properties/identity",
    "properties/resultDescription", "properties/deviceDetail", "properties/servicePrincipalName",
    "properties/clientAppUsed", "userPrincipalName", "userDisplayName", "appDisplayName", "isInteractive",
    "conditionalAccessStatus", "deviceDetail", "loggedByService", "operationType", "SourceSystem", "Type",
    "_ResourceId", "AADOperationType",
];

/// Members that only sign-ins and audits have.
#[rustfmt::skip]
const OWN: [&str; 8] = [
    "initiatedBy", "activityDateTime", "activityDisplayName", "userId", "servicePrincipalId",
    "createdDateTime", "conditionalAccessStatus", "appId",
];

pub(super) fn recognises(tree: &Tree<'_>) -> bool {
    let properties = || tree.get_caseless("properties");
    let has_own = |tree: &Tree<'_>| tree.has_caseless(&OWN);
    let of_properties =
        || properties().is_some_and(|own| has_own(own) || inner(own).as_ref().is_some_and(has_own));
    let columns = [
        "initiatedBy",
        "activityDateTime",
        "conditionalAccessStatus",
        "servicePrincipalId",
        "userPrincipalName",
    ];
    (tree.has_caseless(&["category"]) && of_properties())
        || (tree.has_caseless(&["TimeGenerated"]) && tree.has_caseless(&columns))
}

/// Risks, provisioning and calls of Graph come the same way and are neither sign-ins nor audits.
fn verdict(event: &Event<'_, '_>) -> Verdict {
    match is_audit(event) || event.first(&LOG).is_none() || is_log_of(event, "signin") {
        true => Verdict::Map,
        false => Verdict::Skip("entra_other_category"),
    }
}

/// The category, and the table.
const LOG: [&str; 2] = ["category", "Type"];

/// Whether the category or the table is named so, in any case.
fn is_log_of(event: &Event<'_, '_>, kind: &str) -> bool {
    let is_it = |part: &[u8]| part.eq_ignore_ascii_case(kind.as_bytes());
    LOG.iter().any(|path| event.word(path).as_bytes().windows(kind.len()).any(is_it))
}

fn is_audit(event: &Event<'_, '_>) -> bool {
    #[rustfmt::skip]
    const PATHS: [&str; 6] = [
        "initiatedBy", "activityDateTime", "activityDisplayName", "properties/initiatedBy",
        "properties/activityDateTime", "properties/activityDisplayName",
    ];
    event.first(&PATHS).is_some()
}

fn is_agentic(event: &Event<'_, '_>) -> bool {
    let kind = event.first(&["properties/agent/agentType", "agent/agentType"]).and_then(Tree::text);
    kind.is_some_and(|kind| !kind.eq_ignore_ascii_case("notAgentic"))
}

/// Whether the sign-in is of a service principal or a managed identity.
fn is_principal(event: &Event<'_, '_>) -> bool {
    is_log_of(event, "serviceprincipal") || is_log_of(event, "managedidentity")
}

fn kind_of(event: &Event<'_, '_>) -> Option<&'static str> {
    Some(if is_audit(event) {
        if event.first(&APP).is_some() { "service" } else { "user" }
    } else if is_agentic(event) {
        "ai_agent"
    } else if is_principal(event) {
        "service"
    } else {
        "user"
    })
}

fn agent<'a>(event: &Event<'_, 'a>) -> Option<Text<'a>> {
    let principal = ["properties/servicePrincipalId", "servicePrincipalId"];
    if is_audit(event) {
        let user = || event.first_text(&["properties/initiatedBy/user/id", "initiatedBy/user/id"]);
        return event.first_text(&APP).or_else(user);
    }
    if is_agentic(event) {
        return event.first_text(&[principal[0], principal[1], "properties/appId", "appId"]);
    }
    if is_principal(event) {
        return event.first_text(&principal);
    }
    event.first_text(&SUBJECT)
}

fn action_type<'a>(event: &Event<'_, 'a>) -> Option<Text<'a>> {
    if !is_audit(event) {
        return Some(Text::Borrowed("authentication"));
    }
    let said = ["operationName", "properties/activityDisplayName", "activityDisplayName"];
    let said: String =
        said.iter().map(|path| event.word(path).to_ascii_lowercase() + "\n").collect();
    let words = [
        "role",
        "policy",
        "consent",
        "credential",
        "certificates and secrets",
        "federation",
        "domain authentication",
        "permission grant",
    ];
    let changes = words.iter().any(|word| said.contains(word));
    Some(Text::Borrowed(if changes { "permission_change" } else { "api_call" }))
}

fn target<'t, 'a>(event: &Event<'t, 'a>) -> Option<&'t Tree<'a>> {
    event.first(&["properties/targetResources/0", "targetResources/0"])
}

fn resource<'a>(event: &Event<'_, 'a>) -> Option<Text<'a>> {
    let id = match is_audit(event) {
        true => text_of(target(event)?.get_caseless("id")?).filter(|id| !id.is_empty()),
        false => event.first_text(&["properties/resourceId", "resourceIdentity"]),
    };
    id.map(|id| {
        if id.bytes().any(|byte| byte.is_ascii_uppercase()) {
            Text::Owned(id.to_ascii_lowercase())
        } else {
            id
        }
    })
}

fn user_agent<'a>(event: &Event<'_, 'a>) -> Option<Text<'a>> {
    if let Some(found) = event.first_text(&["properties/userAgent", "userAgent"]) {
        return Some(found);
    }
    let details = event.first(&["properties/additionalDetails", "additionalDetails"])?;
    let is_agent = |item: &&Tree<'_>| {
        item.word("key").is_some_and(|key| key.eq_ignore_ascii_case("User-Agent"))
    };
    details.items().iter().find(is_agent)?.get("value")?.text().cloned()
}

fn anonymizer<'a>(event: &Event<'_, 'a>) -> Option<Text<'a>> {
    let paths = [
        "properties/riskEventTypes",
        "properties/riskEventTypes_v2",
        "riskEventTypes",
        "riskEventTypes_v2",
    ];
    let hides = |list: &Tree<'_>| {
        list.items().iter().any(|item| {
            item.text().is_some_and(|word| word.eq_ignore_ascii_case("anonymizedIPAddress"))
        })
    };
    let found = paths.iter().filter_map(|path| event.at(path)).any(hides);
    found.then_some(Text::Borrowed("proxy"))
}

fn result<'a>(event: &Event<'_, 'a>) -> Option<Text<'a>> {
    let by_word = |word: &str| match word.to_ascii_lowercase().as_str() {
        "success" => "success",
        "failure" | "timeout" => "failure",
        _ => "unknown",
    };
    if is_audit(event) {
        let word = event.first_text(&["properties/result", "result"]).unwrap_or_default();
        return Some(Text::Borrowed(by_word(&word)));
    }
    let Some(code) = event.first_text(&RESULT) else { return Some(Text::Borrowed("unknown")) };
    Some(Text::Borrowed(match code.as_ref() {
        "0" => "success",
        // Device policy, and conditional access that failed, stand apart from the rest of it.
        "50005" | "50131" => "denied",
        code if is_number(code) && code.starts_with("530") && matches!(code.len(), 5 | 6) => {
            "denied"
        }
        code if is_number(code) => "failure",
        word => by_word(word),
    }))
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

fn id<'a>(event: &Event<'_, 'a>) -> Option<Text<'a>> {
    if let Some(id) = event.first_text(&["properties/id", "id"]) {
        return Some(id);
    }
    let parts =
        [event.text("correlationId")?, event.first_text(&CREATED)?, event.text("operationName")?];
    let joined = parts.join(":");
    (joined.len() <= 128).then_some(Text::Owned(joined))
}
