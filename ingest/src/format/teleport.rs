//! Teleport audit events. Of a command the program's path is the resource; its arguments are never read.

use record::tree::Tree;
use schemas::activity::Text;

use crate::event::Event;
use crate::field::Field;
use crate::table::{Row, Spec, always, by, first, nothing, unused, withheld};

pub(crate) const SPEC: Spec = Spec {
    name: "teleport",
    title: "Teleport audit",
    shape: "texts `event` and `code` beside `uid`, `ei`, `sid`, `cluster_name` or `identity`",
    recognises,
    caseless: false,
    verdict: always,
    rows: ROWS,
    finish: nothing,
    remarks: "",
};

const REMOTE: &[&str] = &["addr.remote", "addr_remote", "addr/remote"];
/// Connectors of an identity provider, by the first word of their events.
const CONNECTORS: [&str; 5] = ["role", "saml", "oidc", "github", "connector"];

#[rustfmt::skip]
const ROWS: &[Row] = &[
    first(Field::Time, &["time"]),
    first(Field::AgentId, &["user", "identity/user", "user_name"]),
    by(Field::AgentType, &["user_kind", "bot_name", "identity/bot_name"], agent_type, "a bot is a `service`, else `user`"),
    first(Field::SubjectId, &["impersonator", "identity/impersonator"]),
    by(Field::SubjectType, &[], |e| e.first(&["impersonator", "identity/impersonator"]).map(|_| Text::Borrowed("user")), "`user`"),
    by(Field::Mode, &[], |e| e.first(&["impersonator", "identity/impersonator"]).map(|_| Text::Borrowed("delegated")), "`delegated` where there is a subject"),
    first(Field::SessionId, &["sid"]),
    by(Field::ActionType, &["event"], action_type, "logins authentication, certificates token_issue, commands code_execution, roles and connectors permission_change, else api_call"),
    first(Field::Operation, &["event"]),
    first(Field::ResourceId, &["path"]),
    by(Field::ResourceType, &[], |e| e.has("path").then_some(Text::Borrowed("file")), "`file`"),
    first(Field::DestinationHost, &["server_hostname"]),
    by(Field::SourceAddress, REMOTE, |e| remote(e).map(|(address, _)| address), "without the port"),
    by(Field::SourcePort, REMOTE, |e| remote(e)?.1, "the port"),
    first(Field::SourceUserAgent, &["user_agent"]),
    by(Field::Result, &["success", "code"], result, "`success`, else the last letter of the code: I is success, W and E failure"),
    first(Field::Code, &["code"]),
    first(Field::Id, &["uid"]),
    withheld(&[
        "argv", "command", "initial_command", "error", "message", "db_query", "db_query_parameters", "identity",
    ], "arguments, commands, queries"),
    unused(&[
        "cgroup_id", "ei", "login", "namespace", "pid", "ppid", "program", "return_code", "flags", "server_id",
        "server_addr", "server_labels", "cluster_name", "expires", "name", "target", "updated_by", "proto",
        "session_recording", "size", "method",
    ]),
];

fn recognises(tree: &Tree<'_>) -> bool {
    let is_text = |key| tree.get(key).is_some_and(|value| value.text().is_some());
    let own = ["uid", "ei", "sid", "cluster_name", "identity"];
    is_text("event") && is_text("code") && own.iter().any(|key| tree.get(key).is_some())
}

fn agent_type<'a>(event: &Event<'_, 'a>) -> Option<Text<'a>> {
    let names_bot = event.first(&["bot_name", "identity/bot_name"]).is_some();
    let is_bot = event.number("user_kind") == Some(2) || names_bot;
    Some(Text::Borrowed(if is_bot { "service" } else { "user" }))
}

fn action_type<'a>(event: &Event<'_, 'a>) -> Option<Text<'a>> {
    let name = event.word("event");
    let (first, last) = name.split_once('.').unwrap_or((name, ""));
    Some(Text::Borrowed(match name {
        "user.login" | "auth" => "authentication",
        "cert.create" => "token_issue",
        "session.command" | "exec" => "code_execution",
        _ if CONNECTORS.contains(&first) && last != "login" => "permission_change",
        _ => "api_call",
    }))
}

/// The address and the port of the far end.
fn remote<'a>(event: &Event<'_, 'a>) -> Option<(Text<'a>, Option<Text<'a>>)> {
    let text = event.first(REMOTE)?.text()?.clone();
    let Some((address, port)) = text.rsplit_once(':') else { return Some((text, None)) };
    let is_port = port.parse::<u16>().is_ok() && (!address.contains(':') || address.ends_with(']'));
    if !is_port {
        return Some((text, None));
    }
    let address = address.trim_start_matches('[').trim_end_matches(']').to_owned();
    Some((Text::Owned(address), Some(Text::Owned(port.to_owned()))))
}

fn result<'a>(event: &Event<'_, 'a>) -> Option<Text<'a>> {
    let last = event.word("code").bytes().last().map(|byte| byte.to_ascii_uppercase());
    Some(Text::Borrowed(match (event.flag("success"), last) {
        (Some(false), _) | (_, Some(b'W' | b'E')) => "failure",
        (Some(true), _) | (_, Some(b'I')) => "success",
        _ => "unknown",
    }))
}
