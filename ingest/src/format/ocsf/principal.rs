//! Who acts in an OCSF event and for whom: what is called an agent, else an application or service, else the
//! person.

use schemas::activity::Text;

use super::classes::AUTHENTICATION;
use crate::event::Event;

/// Where an agent is named, best first, with what it then is; the last two only for a service.
const AGENTS: [(&str, &str); 3] = [
    ("ai_agent/uid", "ai_agent"),
    ("actor/process/ai_agent/uid", "ai_agent"),
    ("actor/app_uid", "service"),
];
/// `user.type_id` of a service.
const SERVICE: u64 = 4;

/// The acting principal as an event names it.
pub(crate) struct Principal<'a> {
    pub(super) id: Text<'a>,
    pub(super) kind: &'static str,
    /// Whether it is what `actor.user` names.
    is_actor_user: bool,
    /// Whether the event itself names it.
    is_named: bool,
}

pub(super) fn principal<'e, 'a>(event: &'e Event<'_, 'a>) -> Option<&'e Principal<'a>> {
    event.principal.get_or_init(|| told(event)).as_ref()
}

fn told<'a>(event: &Event<'_, 'a>) -> Option<Principal<'a>> {
    let named = |path: &str, kind, is_actor_user| {
        event.text(path).map(|id| Principal { id, kind, is_actor_user, is_named: true })
    };
    if let Some(found) = AGENTS.iter().find_map(|(path, kind)| named(path, kind, false)) {
        return Some(found);
    }
    let signs_in = event.number("class_uid") == Some(AUTHENTICATION);
    let is_service = |path| event.number(path) == Some(SERVICE);
    if is_service("actor/user/type_id")
        && let Some(found) = named("actor/user/uid", "service", true)
    {
        return Some(found);
    }
    if signs_in
        && is_service("user/type_id")
        && let Some(found) = named("user/uid", "service", false)
    {
        return Some(found);
    }
    let person = if signs_in { named("user/uid", "user", false) } else { None };
    let roles = ["AssumedRole", "AWSService", "System", "Service"];
    let actor = || {
        let found = named("actor/user/uid", "user", true)?;
        let is_role = roles.contains(&event.word("actor/user/type"))
            || event.number("actor/user/type_id") == Some(3);
        Some(Principal { kind: if is_role { "service" } else { "user" }, ..found })
    };
    person.or_else(actor).or_else(|| by_endpoint(event))
}

/// Whom the config knows behind the sending end.
fn by_endpoint<'a>(event: &Event<'_, 'a>) -> Option<Principal<'a>> {
    let configured = event.identity.by_endpoint;
    let endpoint = || event.first_text(&["src_endpoint/uid", "src_endpoint/instance_uid"]);
    let address = || event.agent_at(event.word("src_endpoint/ip"));
    let id = configured.then(endpoint).flatten();
    let id = id.or_else(address)?;
    Some(Principal { id, kind: "unknown", is_actor_user: false, is_named: false })
}

pub(super) fn subject<'a>(event: &Event<'_, 'a>) -> Option<Text<'a>> {
    let agent = principal(event)?;
    let user = event.text("actor/user/uid")?;
    let is_other = !agent.is_actor_user && agent.is_named && agent.id != user;
    (is_other && event.number("actor/user/type_id") != Some(SERVICE)).then_some(user)
}

pub(super) fn mode<'a>(event: &Event<'_, 'a>) -> Option<Text<'a>> {
    if subject(event).is_some() {
        return Some(Text::Borrowed("delegated"));
    }
    let agent = principal(event)?;
    let is_alone = agent.is_named && (agent.is_actor_user || !event.has("actor/user/uid"));
    (is_alone && agent.kind != "user").then_some(Text::Borrowed("autonomous"))
}
