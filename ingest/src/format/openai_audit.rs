//! OpenAI's audit log of an organisation.

use record::tree::Tree;
use schemas::activity::Text;

use crate::event::Event;
use crate::field::Field;
use crate::table::{Row, Spec, always, by, first, nothing, unused};

pub(crate) const SPEC: Spec = Spec {
    name: "openai_audit",
    title: "OpenAI audit log",
    shape: "`type` beside an `actor` with `api_key` or `session`, or beside `effective_at` and an `actor`, `object` or `id`",
    recognises,
    caseless: false,
    verdict: always,
    rows: ROWS,
    finish: nothing,
    remarks: "Details stand in a member of the event's own name, with `.` or `_`; of them only the id is read.",
};

#[rustfmt::skip]
const ROWS: &[Row] = &[
    first(Field::Time, &["effective_at"]),
    first(Field::AgentId, &["actor/api_key/service_account/id", "actor/api_key/user/id", "actor/session/user/id"]),
    by(Field::AgentType, &[], |e| { Some(Text::Borrowed(if e.has("actor/api_key/service_account/id") { "service" } else { "user" })) }, "a service account is a `service`"),
    first(Field::CredentialId, &["actor/api_key/id"]),
    by(Field::CredentialType, &[], |e| e.has("actor/api_key/id").then_some(Text::Borrowed("api_key")), "`api_key`"),
    by(Field::ActionType, &["type"], action_type, "`api_key.created` token_issue, logins authentication, roles permission_change, else api_call"),
    first(Field::Operation, &["type"]),
    by(Field::ResourceId, &["type"], resource, "the id in the member named as the type"),
    by(Field::ResourceType, &[], |e| resource(e).and(e.word("type").rsplit_once('.').map(|(kind, _)| Text::Owned(kind.to_owned()))), "the type without its last word"),
    first(Field::SourceAddress, &["actor/session/ip_address", "actor/api_key/ip_address"]),
    first(Field::SourceUserAgent, &["actor/session/user_agent", "actor/api_key/user_agent"]),
    first(Field::SourceCountry, &["actor/session/ip_address_details/country"]),
    first(Field::SourceCity, &["actor/session/ip_address_details/city"]),
    by(Field::Result, &["type"], |e| { Some(Text::Borrowed(if e.word("type").ends_with(".failed") { "failure" } else { "success" })) }, "`*.failed` is failure"),
    first(Field::Id, &["id"]),
    unused(&[
        "object", "actor", "project",
    ]),
];

fn recognises(tree: &Tree<'_>) -> bool {
    let there = |tree: &Tree<'_>, key| tree.at(key, false).is_some();
    let has = |key| there(tree, key);
    let names = |actor: &Tree<'_>| there(actor, "api_key") || there(actor, "session");
    let names_actor = || tree.at("actor", false).is_some_and(names);
    has("type")
        && (names_actor()
            || (has("effective_at") && ["actor", "object", "id"].into_iter().any(has)))
}

fn action_type<'a>(event: &Event<'_, 'a>) -> Option<Text<'a>> {
    Some(Text::Borrowed(match event.word("type") {
        "api_key.created" => "token_issue",
        name if name.starts_with("login.") || name.starts_with("logout.") => "authentication",
        name if name.starts_with("role.") => "permission_change",
        _ => "api_call",
    }))
}

fn resource<'a>(event: &Event<'_, 'a>) -> Option<Text<'a>> {
    // Some dots of the type, or all, are underscores in the member's name: `checkpoint_permission.created`.
    let name = event.word("type").replace('.', "_");
    let mut members = event.tree.members().iter();
    let (_, details) =
        members.find(|(key, _)| key.contains(['.', '_']) && key.replace('.', "_") == name)?;
    details.get("id")?.text().filter(|id| !id.is_empty()).cloned()
}
