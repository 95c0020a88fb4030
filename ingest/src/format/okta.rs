//! Okta's system log. An OAuth client is the agent where there is one, else the actor; who it is not, it may
//! act for.

use record::tree::Tree;
use schemas::activity::Text;

use crate::event::Event;
use crate::field::Field;
use crate::table::{Row, Spec, always, by, first, nothing, unused, withheld};

pub(crate) const SPEC: Spec = Spec {
    name: "okta",
    title: "Okta system log",
    shape: "`eventType` beside `published`, `uuid` or `legacyEventType`, and an `actor`, `client` or `outcome`",
    recognises,
    caseless: false,
    verdict: always,
    rows: ROWS,
    finish: nothing,
    remarks: "Ids that say `unknown` name nobody. Reasons are kept only where they are codes.",
};

#[rustfmt::skip]
const ROWS: &[Row] = &[
    first(Field::Time, &["published"]),
    by(Field::AgentId, &["actor/id", "client/id"], agent, "the OAuth client, else the actor"),
    by(Field::AgentType, &["actor/type"], agent_type, "`user` for a User, else `service`"),
    by(Field::AgentName, &["actor/displayName"], |e| named(e, "actor/displayName").filter(|_| !acts_for(e)), "of the actor, where it is the agent"),
    by(Field::SubjectId, &[], |e| acts_for(e).then(|| named(e, "actor/id")).flatten(), "the actor, where a client acts for it"),
    by(Field::SubjectType, &[], |e| acts_for(e).then(|| kind_of(e)), "as the actor's"),
    by(Field::Mode, &[], |e| acts_for(e).then_some(Text::Borrowed("delegated")), "`delegated` where there is a subject"),
    by(Field::CredentialId, &["transaction/detail/requestApiTokenId", "target"], credential, "the API token, else a token among the targets"),
    by(Field::CredentialType, &[], credential_type, "by which of them"),
    by(Field::SessionId, &["authenticationContext/externalSessionId"], |e| named(e, "authenticationContext/externalSessionId"), "unless `unknown`"),
    by(Field::ActionType, &["eventType"], action_type, "sign-ins authentication, grants token_issue, privileges and memberships permission_change, else api_call"),
    first(Field::Operation, &["eventType"]),
    by(Field::ResourceId, &["target"], |e| target(e)?.get("id")?.text().cloned(), "the first target that is not the actor"),
    by(Field::ResourceType, &[], |e| target(e)?.get("type")?.text().cloned(), "its type"),
    by(Field::ResourceName, &[], |e| target(e)?.get("displayName")?.text().cloned(), "its name"),
    first(Field::SourceAddress, &["client/ipAddress"]),
    first(Field::SourceUserAgent, &["client/userAgent/rawUserAgent"]),
    by(Field::SourceCountry, &["client/geographicalContext/country"], |e| e.text("client/geographicalContext/country").filter(|name| name.len() == 2), "where it is a code"),
    first(Field::SourceCity, &["client/geographicalContext/city"]),
    first(Field::SourceLat, &["client/geographicalContext/geolocation/lat"]),
    first(Field::SourceLon, &["client/geographicalContext/geolocation/lon"]),
    first(Field::SourceAsn, &["securityContext/asNumber"]),
    first(Field::SourceAsOrg, &["securityContext/asOrg"]),
    by(Field::SourceAnonymizer, &["securityContext/isProxy"], anonymizer, "`proxy`, `none`, or `unknown` where it does not say"),
    by(Field::Result, &["outcome/result"], result, "SUCCESS and ALLOW, FAILURE, DENY; else unknown"),
    by(Field::Code, &["outcome/reason"], |e| e.text("outcome/reason").filter(|reason| is_code(reason)), "where it is a code"),
    first(Field::Id, &["uuid"]),
    withheld(&[
        "debugContext", "outcome", "request",
    ], "request parameters"),
    unused(&[
        "actor/alternateId", "actor/detailEntry", "version", "severity", "legacyEventType", "displayMessage",
        "client/zone", "client/device", "client/userAgent/os", "client/userAgent/browser",
        "client/geographicalContext/state", "client/geographicalContext/postalCode", "authenticationContext",
        "securityContext/isp", "securityContext/domain", "securityContext/userBehaviors", "securityContext/risk",
        "transaction",
    ]),
];

fn recognises(tree: &Tree<'_>) -> bool {
    let has = |key| tree.get(key).is_some();
    has("eventType")
        && (has("published") || has("uuid") || has("legacyEventType"))
        && ["actor", "client", "outcome"]
            .iter()
            .any(|key| tree.get(key).is_some_and(Tree::is_object))
}

/// A text that names somebody.
fn named<'a>(event: &Event<'_, 'a>, path: &str) -> Option<Text<'a>> {
    let nobody = ["unknown", "null"];
    event.text(path).filter(|text| nobody.iter().all(|word| !text.eq_ignore_ascii_case(word)))
}

fn agent<'a>(event: &Event<'_, 'a>) -> Option<Text<'a>> {
    named(event, "client/id").or_else(|| named(event, "actor/id"))
}

/// Whether a client acts that is not the actor.
fn acts_for(event: &Event<'_, '_>) -> bool {
    let (client, actor) = (named(event, "client/id"), named(event, "actor/id"));
    client.is_some_and(|client| actor.is_some_and(|actor| actor != client))
}

fn kind_of<'a>(event: &Event<'_, '_>) -> Text<'a> {
    let kind = event.word("actor/type").to_ascii_lowercase();
    Text::Borrowed(match kind.as_str() {
        "user" => "user",
        kind if kind.contains("agent") => "ai_agent",
        _ => "service",
    })
}

fn agent_type<'a>(event: &Event<'_, 'a>) -> Option<Text<'a>> {
    Some(if acts_for(event) { Text::Borrowed("service") } else { kind_of(event) })
}

fn is_token(item: &Tree<'_>) -> bool {
    item.word("type").is_some_and(|kind| kind.to_ascii_lowercase().contains("token"))
}

fn credential<'a>(event: &Event<'_, 'a>) -> Option<Text<'a>> {
    if let Some(id) = event.text("transaction/detail/requestApiTokenId") {
        return Some(id);
    }
    let token = event.at("target")?.items().iter().find(|item| is_token(item))?;
    token.get("id")?.text().cloned()
}

fn credential_type<'a>(event: &Event<'_, 'a>) -> Option<Text<'a>> {
    if event.has("transaction/detail/requestApiTokenId") {
        return Some(Text::Borrowed("api_key"));
    }
    let token = event.at("target")?.items().iter().find(|item| is_token(item))?;
    match token.word("type")?.to_ascii_lowercase() {
        kind if kind.contains("refresh") => Some(Text::Borrowed("oauth_refresh_token")),
        kind if kind.contains("access") => Some(Text::Borrowed("oauth_access_token")),
        _ => None,
    }
}

fn target<'t, 'a>(event: &Event<'t, 'a>) -> Option<&'t Tree<'a>> {
    let actor = event.word("actor/id");
    event.at("target")?.items().iter().find(|item| item.word("id").is_some_and(|id| id != actor))
}

fn action_type<'a>(event: &Event<'_, 'a>) -> Option<Text<'a>> {
    let name = event.word("eventType");
    Some(Text::Borrowed(match name {
        "user.session.start" => "authentication",
        _ if name.starts_with("user.authentication.") => "authentication",
        _ if name.starts_with("app.oauth2.") && name.contains("grant") => "token_issue",
        _ if name.contains(".privilege.") || name.contains("membership") => "permission_change",
        _ => "api_call",
    }))
}

fn anonymizer<'a>(event: &Event<'_, 'a>) -> Option<Text<'a>> {
    Some(Text::Borrowed(match event.flag("securityContext/isProxy") {
        Some(true) => "proxy",
        Some(false) => "none",
        None => "unknown",
    }))
}

fn result<'a>(event: &Event<'_, 'a>) -> Option<Text<'a>> {
    Some(Text::Borrowed(match event.word("outcome/result") {
        "SUCCESS" | "ALLOW" => "success",
        "FAILURE" => "failure",
        "DENY" => "denied",
        _ => "unknown",
    }))
}

fn is_code(text: &str) -> bool {
    let is_legal = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    text.len() <= 64 && text.bytes().all(is_legal)
}
