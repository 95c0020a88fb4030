//! Azure's activity log. Who acted stands in the claims of the token; an address is never taken for it.

use record::tree::Tree;
use schemas::activity::Text;

use crate::event::{Event, text_of};
use crate::field::Field;
use crate::table::{How, Row, Spec, always, by, first, nothing, unused, withheld};

pub(crate) const SPEC: Spec = Spec {
    name: "azure_activity",
    title: "Azure activity log",
    shape: "`operationName` and `resourceId` beside `resultType`, `callerIpAddress`, `identity` or `caller`",
    recognises,
    caseless: true,
    verdict: always,
    rows: ROWS,
    finish: nothing,
    remarks: "Names of members match in any case. A started operation logs again: both entries share `action.tool.call_id`.",
};

/// Where the claims stand.
const CLAIMS: [&str; 4] = ["identity/claims", "claims", "claims_d", "properties/claims"];
const RESULT: [&str; 3] = ["resultType", "activityStatusValue", "status/value"];
const OPERATION: [&str; 3] = ["operationNameValue", "operationName", "operationName/value"];

#[rustfmt::skip]
const ROWS: &[Row] = &[
    first(Field::Time, &["time", "eventTimestamp", "TimeGenerated"]),
    by(Field::AgentId, &["identity/claims", "claims", "claims_d", "properties/claims", "caller"], agent, "the claims `objectidentifier`, `appid`, then `caller`, then the claim `emailaddress`"),
    by(Field::AgentType, &["identity/claims"], agent_type, "a token without a user is a `service`"),
    first(Field::AgentIssuer, &["tenantId"]),
    by(Field::ActionType, &["operationName", "operationNameValue"], action_type, "role assignments permission_change, listed keys token_issue, else by the last word"),
    Row { field: Field::Operation, from: &OPERATION, how: How::Lower },
    by(Field::ToolCall, &["correlationId"], call, "`correlationId/operation`"),
    Row { field: Field::ResourceId, from: &["resourceId", "_ResourceId", "resourceUri"], how: How::Lower },
    first(Field::ResourceRegion, &["location"]),
    first(Field::SourceAddress, &["callerIpAddress", "httpRequest/clientIpAddress"]),
    by(Field::Result, &["resultType", "activityStatusValue", "status/value", "resultSignature", "activitySubstatusValue", "properties/statusCode"], result, "Success, Succeeded, Accept, Accepted, Start; Forbidden is denied, other failures failure"),
    by(Field::Code, &["resultSignature", "activitySubstatusValue"], |e| e.first_text(&["resultSignature", "activitySubstatusValue"]), ""),
    first(Field::Id, &["eventDataId", "properties/eventDataId"]),
    withheld(&[
        "properties", "authorization", "httpRequest", "resultDescription",
    ], "bodies and messages"),
    unused(&[
        "category", "operationVersion", "level", "durationMs", "identity", "resourceGroup", "subscriptionId",
        "resourceProvider", "Type", "SourceSystem",
    ]),
];

fn recognises(tree: &Tree<'_>) -> bool {
    has_shape(tree) && !super::entra::recognises(tree)
}

/// Whether a record that is none of Entra's has its shape.
pub(crate) fn has_shape(tree: &Tree<'_>) -> bool {
    let asked = ["resultType", "activityStatusValue", "callerIpAddress", "identity", "caller"];
    tree.has_caseless(&["operationName", "operationNameValue"])
        && tree.has_caseless(&["resourceId", "_ResourceId", "resourceUri"])
        && tree.has_caseless(&asked)
}

/// The claim of that name; as a URI, its last part.
fn claim<'a>(event: &Event<'_, 'a>, name: &str) -> Option<Text<'a>> {
    let claims = event.first(&CLAIMS)?;
    let is_it = |key: &str| {
        let last = key.rsplit('/').next().unwrap_or(key);
        last.eq_ignore_ascii_case(name)
    };
    let (_, value) = claims.members().iter().find(|(key, _)| is_it(key))?;
    text_of(value).filter(|text| !text.is_empty())
}

fn agent<'a>(event: &Event<'_, 'a>) -> Option<Text<'a>> {
    claim(event, "objectidentifier")
        .or_else(|| claim(event, "appid"))
        .or_else(|| event.text("caller"))
        .or_else(|| claim(event, "emailaddress"))
}

fn agent_type<'a>(event: &Event<'_, 'a>) -> Option<Text<'a>> {
    let names_user =
        ["emailaddress", "upn", "name"].iter().any(|name| claim(event, name).is_some())
            || event.word("caller").contains('@');
    let is_app = claim(event, "idtyp").is_some_and(|kind| kind == "app");
    agent(event).map(|_| Text::Borrowed(if names_user && !is_app { "user" } else { "service" }))
}

fn operation(event: &Event<'_, '_>) -> Option<String> {
    let name = event.first_text(&OPERATION)?;
    Some(name.to_ascii_lowercase())
}

fn action_type<'a>(event: &Event<'_, 'a>) -> Option<Text<'a>> {
    let name = operation(event)?;
    let last = name.rsplit('/').next().unwrap_or_default();
    let permits = name.contains("/roleassignments/") || name.contains("/roledefinitions/");
    Some(Text::Borrowed(match last {
        "write" | "delete" if permits => "permission_change",
        "action" if name.contains("/listkeys") => "token_issue",
        "listkeys" => "token_issue",
        "delete" => "data_delete",
        "write" => "data_write",
        "read" => "data_read",
        _ => "api_call",
    }))
}

fn call<'a>(event: &Event<'_, 'a>) -> Option<Text<'a>> {
    let correlation = event.text("correlationId")?;
    Some(Text::Owned(format!("{correlation}/{}", operation(event)?)))
}

fn result<'a>(event: &Event<'_, 'a>) -> Option<Text<'a>> {
    let said = [
        "resultSignature",
        "activitySubstatusValue",
        "properties/statusCode",
        "properties/subStatus",
        "subStatus",
        "subStatus/value",
    ];
    let refused = said.iter().any(|path| {
        let word = event.text(path).unwrap_or_default().to_ascii_lowercase();
        word.contains("forbidden") || word == "403"
    });
    let word = event.first_text(&RESULT).unwrap_or_default().to_ascii_lowercase();
    Some(Text::Borrowed(match word.as_str() {
        "success" | "succeeded" | "accept" | "accepted" | "start" | "started" => "success",
        "" => "unknown",
        _ if refused => "denied",
        "failure" | "failed" => "failure",
        _ => "unknown",
    }))
}
