//! What the acting principal of an activity is, and whether it is scored: by patterns of ids and blueprints first, then
//! by the type that its format told. What is left out is skipped by a rule of that name, never refused.

use schemas::Activity;
use schemas::activity::Scalar;
use schemas::choice::PrincipalType;

use crate::pattern::Pattern;

/// The attribute that says what the acting principal is; whether it is scored is decided after the adapter.
pub const AGENT_TYPE: &str = "agent.type";

/// What the acting principal is, where an adapter said so.
pub fn principal_type(activity: &Activity<'_>) -> Option<PrincipalType> {
    let (_, value) = activity.attributes.iter().find(|(name, _)| name == AGENT_TYPE)?;
    match value {
        Scalar::Text(word) => PrincipalType::from_wire(word),
        _ => None,
    }
}

/// What a principal is to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// An AI agent.
    AiAgent,
    /// Another program, a device or a group of them.
    Service,
    /// A person.
    Human,
}

/// Who is what, and who is scored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principals {
    /// Ids of principals by what they are; the first that matches counts.
    pub by_id: Vec<(Pattern, Class)>,
    /// The same by blueprint.
    pub by_blueprint: Vec<(Pattern, Class)>,
    /// Classes whose activities are scored.
    pub scored: Vec<Class>,
}

// === impl Principals ===

impl Default for Principals {
    fn default() -> Self {
        let scored = vec![Class::AiAgent, Class::Service];
        Self { by_id: Vec::new(), by_blueprint: Vec::new(), scored }
    }
}

impl Principals {
    /// What the acting principal is. Who is typed by nobody is an AI agent: such formats tell of them only.
    pub fn class(&self, activity: &Activity<'_>) -> Class {
        let named = |all: &[(Pattern, Class)], text: &str| {
            all.iter().find(|(pattern, _)| pattern.matches(text)).map(|(_, class)| *class)
        };
        let blueprint = activity.agent.blueprint.as_deref();
        named(&self.by_id, &activity.agent.id)
            .or_else(|| named(&self.by_blueprint, blueprint?))
            .unwrap_or_else(|| match principal_type(activity) {
                Some(PrincipalType::User) => Class::Human,
                Some(PrincipalType::Service | PrincipalType::Device | PrincipalType::Group) => {
                    Class::Service
                }
                Some(PrincipalType::AiAgent | PrincipalType::Unknown) | None => Class::AiAgent,
            })
    }

    /// The rule by which an activity is skipped; `None` where it is scored.
    pub fn skips(&self, activity: &Activity<'_>) -> Option<&'static str> {
        let class = self.class(activity);
        (!self.scored.contains(&class)).then_some(match class {
            Class::AiAgent => "identity_ai_agent",
            Class::Service => "identity_service",
            Class::Human => "identity_human",
        })
    }
}

// === impl Class ===

impl Class {
    /// Every class.
    pub const ALL: [Self; 3] = [Self::AiAgent, Self::Service, Self::Human];

    /// The word of the config.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AiAgent => "ai_agent",
            Self::Service => "service",
            Self::Human => "human",
        }
    }
}

#[cfg(test)]
mod tests {
    use schemas::EventTime;
    use schemas::activity::{Action, Agent, Text};

    use super::*;

    fn activity(id: &'static str, kind: Option<&'static str>) -> Activity<'static> {
        let agent = Agent { id: Text::Borrowed(id), ..Agent::default() };
        let time = EventTime::parse("2026-11-23T20:51:31Z").unwrap();
        let mut activity = Activity::new(Text::Borrowed("e"), time, agent, Action::default());
        let typed =
            kind.map(|kind| (Text::Borrowed(AGENT_TYPE), Scalar::Text(Text::Borrowed(kind))));
        activity.attributes.extend(typed);
        activity
    }

    #[test]
    fn patterns_come_before_types_and_people_are_left_out() {
        let named = Principals {
            by_id: vec![
                (Pattern::new("*-bot"), Class::AiAgent),
                (Pattern::new("ops-*"), Class::Human),
            ],
            by_blueprint: vec![(Pattern::new("batch"), Class::Service)],
            scored: vec![Class::AiAgent],
        };
        let plain = Principals::default();
        for (id, kind, expected, by_default) in [
            ("a", None, None, None),
            ("a", Some("ai_agent"), None, None),
            ("a", Some("user"), Some("identity_human"), Some("identity_human")),
            ("a-bot", Some("user"), None, Some("identity_human")),
            ("ops-1", Some("ai_agent"), Some("identity_human"), None),
            ("a", Some("device"), Some("identity_service"), None),
            ("ops-bot", Some("service"), None, None),
        ] {
            assert_eq!(named.skips(&activity(id, kind)), expected, "{id} {kind:?}");
            assert_eq!(plain.skips(&activity(id, kind)), by_default, "{id} {kind:?}");
        }
        let mut batch = activity("a", Some("ai_agent"));
        batch.agent.blueprint = Some(Text::Borrowed("batch"));
        assert_eq!(named.skips(&batch), Some("identity_service"));
    }
}
