//! Activities of Anthropic's compliance API. What an activity is about stands in a member `<kind>_id` of its
//! own; new kinds need no new code.

use record::tree::Tree;
use schemas::activity::Text;

use crate::arn;
use crate::event::Event;
use crate::field::Field;
use crate::table::{Row, Spec, always, by, first, nothing, unused, withheld};

pub(crate) const SPEC: Spec = Spec {
    name: "claude_compliance",
    title: "Claude compliance activities",
    shape: "`type` and two of `created_at`, `organization_id` and an `actor` that has a type",
    recognises,
    caseless: false,
    verdict: always,
    rows: ROWS,
    finish: nothing,
    remarks: "",
};

/// Members of an actor that is a key.
const KEYS: [&str; 3] = ["actor/api_key_id", "actor/admin_api_key_id", "actor/service_key_id"];
/// Members that name who acts.
#[rustfmt::skip]
const ACTORS: [&str; 7] = [
    "actor/user_id", KEYS[0], KEYS[1], KEYS[2], "actor/service_account_id", "actor/provider/signed_principal",
    "actor/subject",
];
/// Members that end in `_id` and are not what the activity is about.
const NO_RESOURCE: [&str; 2] = ["organization_id", "request_id"];

#[rustfmt::skip]
const ROWS: &[Row] = &[
    first(Field::Time, &["created_at"]),
    by(Field::AgentId, &ACTORS, |e| e.first_text(&ACTORS).map(arn::stable), "the user, the key, the service account, or who is federated; of an ARN its role"),
    first(Field::AgentIssuer, &["actor/issuer", "actor/provider/issuer"]),
    by(Field::AgentInstance, &[], |e| arn::session(e.first_text(&ACTORS)?), "the session of an ARN"),
    by(Field::AgentType, &["actor/type"], |e| Some(Text::Borrowed(if e.has("actor/user_id") { "user" } else { "service" })), "who is no user is a `service`"),
    by(Field::AgentName, &["actor/email_address"], |e| e.text("actor/email_address"), ""),
    first(Field::CredentialId, &KEYS),
    by(Field::CredentialType, &[], |e| e.first(&KEYS).map(|_| Text::Borrowed("api_key")), "`api_key`"),
    by(Field::ActionType, &["type"], action_type, "logins authentication, created keys token_issue, role assignments permission_change, else api_call"),
    first(Field::Operation, &["type"]),
    by(Field::ResourceId, &["*_id"], |e| resource(e)?.1.text().cloned(), "the activity's own `*_id`"),
    by(Field::ResourceType, &[], |e| Some(Text::Owned(resource(e)?.0.to_owned())), "the name of that member without `_id`"),
    first(Field::SourceAddress, &["actor/ip_address"]),
    first(Field::SourceUserAgent, &["actor/user_agent"]),
    by(Field::Result, &["type"], |e| { Some(Text::Borrowed(if e.word("type").ends_with("_failed") { "failure" } else { "success" })) }, "`*_failed` is failure"),
    first(Field::Id, &["id"]),
    withheld(&[
        "updates", "audience",
    ], "content"),
    unused(&[
        "organization_id", "organization_uuid", "actor",
    ]),
];

fn recognises(tree: &Tree<'_>) -> bool {
    let said = ["created_at", "actor/type", "organization_id"];
    let has = |path: &&&str| tree.at(path, false).is_some();
    tree.get("type").is_some() && 2 <= said.iter().filter(has).count()
}

fn action_type<'a>(event: &Event<'_, 'a>) -> Option<Text<'a>> {
    Some(Text::Borrowed(match event.word("type") {
        name if name.contains("login") => "authentication",
        name if name.ends_with("key_created") => "token_issue",
        name if name.starts_with("role_assignment") => "permission_change",
        _ => "api_call",
    }))
}

/// What the activity is about: the member with the longest name that begins the type, else the first.
fn resource<'t, 'a>(event: &Event<'t, 'a>) -> Option<(&'t str, &'t Tree<'a>)> {
    let own = |(key, value): &'t (Text<'a>, Tree<'a>)| {
        let kind = key.strip_suffix("_id")?;
        let names =
            !NO_RESOURCE.contains(&key.as_ref()) && value.text().is_some_and(|id| !id.is_empty());
        names.then_some((kind, value))
    };
    let mut all = event.tree.members().iter().filter_map(own);
    let named = event.tree.members().iter().filter_map(own);
    let named = named.filter(|(kind, _)| event.word("type").starts_with(kind));
    named.max_by_key(|(kind, _)| kind.len()).or_else(|| all.next())
}
