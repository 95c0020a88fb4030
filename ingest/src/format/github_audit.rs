//! GitHub's audit log. An entry is a done action, so it succeeded.

use record::tree::Tree;
use schemas::activity::Text;

use crate::event::Event;
use crate::field::Field;
use crate::table::{Row, Spec, always, by, first, nothing, unused, withheld};

pub(crate) const SPEC: Spec = Spec {
    name: "github_audit",
    title: "GitHub audit log",
    shape: "`action` with `actor`, `org`, `repo` or `business` beside `created_at`, `@timestamp` or `_document_id`",
    recognises,
    caseless: false,
    verdict: always,
    rows: ROWS,
    finish: nothing,
    remarks: "",
};

const RESOURCE: [&str; 4] = ["repo", "org", "org/0", "business"];

#[rustfmt::skip]
const ROWS: &[Row] = &[
    first(Field::Time, &["@timestamp", "at_sign_timestamp", "created_at"]),
    first(Field::AgentId, &["actor"]),
    by(Field::AgentType, &["actor_is_bot", "actor_is_agent"], agent_type, "`ai_agent` or `service` where it says so or ends in `[bot]`, else `user`"),
    first(Field::AgentInstance, &["agent_session_id"]),
    by(Field::SubjectId, &["user"], initiator, "who set an agent to work"),
    by(Field::SubjectType, &[], |e| initiator(e).map(|_| Text::Borrowed("user")), "`user`"),
    by(Field::Mode, &[], |e| initiator(e).map(|_| Text::Borrowed("delegated")), "`delegated` where there is a subject"),
    by(Field::CredentialId, &["token_id"], credential, "unless 0"),
    by(Field::CredentialType, &["programmatic_access_type"], credential_type, "personal access tokens are API keys, other tokens OAuth's"),
    by(Field::ActionType, &[], |_| Some(Text::Borrowed("api_call")), "`api_call`"),
    first(Field::Operation, &["action"]),
    by(Field::ResourceId, &RESOURCE, |e| e.first_text(&RESOURCE), "of several organisations the first"),
    by(Field::ResourceType, &[], |e| ["repo", "org", "business"].into_iter().find(|key| e.has(key)).map(Text::Borrowed), "which of them"),
    first(Field::SourceAddress, &["actor_ip"]),
    first(Field::SourceUserAgent, &["user_agent"]),
    first(Field::SourceCountry, &["actor_location/country_code"]),
    by(Field::Result, &[], |_| Some(Text::Borrowed("success")), "`success`"),
    first(Field::Id, &["_document_id"]),
    withheld(&[
        "data", "config", "query_string", "request_body", "hashed_token",
    ], "content and secrets"),
    unused(&[
        "actor_id", "actor_location", "business_id", "org_id", "repo_id", "repository", "repository_id",
        "user_id", "operation_type", "public_repo", "visibility", "external_identity_nameid",
        "external_identity_username", "request_id",
    ]),
];

fn recognises(tree: &Tree<'_>) -> bool {
    let is_text = |key: &str| tree.get(key).is_some_and(|value| value.text().is_some());
    let has = |key: &&str| tree.get(key).is_some();
    let known = ["created_at", "@timestamp", "at_sign_timestamp", "_document_id"];
    let names = ["actor", "org", "repo", "business"].iter().any(|key| is_text(key));
    is_text("action") && names && known.iter().any(has)
}

fn agent_type<'a>(event: &Event<'_, 'a>) -> Option<Text<'a>> {
    let says = |key| event.flag(key) == Some(true);
    Some(Text::Borrowed(match event.word("actor") {
        _ if says("actor_is_agent") => "ai_agent",
        actor if says("actor_is_bot") || actor.ends_with("[bot]") => "service",
        _ => "user",
    }))
}

/// Of an agent's deed `user` is who began it; of others, whom it is about.
fn initiator<'a>(event: &Event<'_, 'a>) -> Option<Text<'a>> {
    let user = event.text("user").filter(|user| user != event.word("actor"))?;
    (event.flag("actor_is_agent") == Some(true)).then_some(user)
}

fn credential<'a>(event: &Event<'_, 'a>) -> Option<Text<'a>> {
    event.text("token_id").filter(|id| id != "0")
}

fn credential_type<'a>(event: &Event<'_, 'a>) -> Option<Text<'a>> {
    let kind = event.word("programmatic_access_type").to_ascii_lowercase();
    match kind.as_str() {
        kind if kind.contains("personal access token") => Some(Text::Borrowed("api_key")),
        kind if kind.contains("token") => Some(Text::Borrowed("oauth_access_token")),
        "" => None,
        _ => Some(Text::Borrowed("unknown")),
    }
}
