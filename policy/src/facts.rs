//! What is known when a policy decides, and the names by which conditions speak of it: one table, with types.

use schemas::Authority;
use schemas::trust::Level;
use serde_json::{Map, Value as Json};

use super::condition::{Place, Type, Value};
use super::decide::Action;

/// Trust of an actor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trust {
    /// From 0 to 100.
    pub score: f64,
    /// The actor's own level.
    pub level: Level,
    /// Trust of the least trusted link of the chain.
    pub effective: f64,
    /// Level of the least trusted link of the chain.
    pub effective_level: Level,
}

/// What an alerting activity was like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VerdictFacts<'a> {
    /// Evidence of all signals, in nats.
    pub score: f64,
    /// Once in that many actor-months.
    pub return_period: f64,
    /// The signal with the largest share.
    pub signal: &'a str,
}

/// What the inventory says of an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inventory<'a> {
    /// `active` or `retired`, where it is told.
    pub state: Option<&'a str>,
    /// `low`, `normal` or `high`.
    pub criticality: &'a str,
}

/// What is known of an actor. What is not known is absent, and a condition that needs it does not hold.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Facts<'a> {
    /// The tenant.
    pub tenant_id: &'a str,
    /// The agent.
    pub agent_id: &'a str,
    /// The authority of the actor.
    pub authority: Authority,
    /// The template that the agent was made from.
    pub blueprint: Option<&'a str>,
    /// Who is accountable for it.
    pub owner: Option<&'a str>,
    /// Its version.
    pub version: Option<&'a str>,
    /// What the delegation is for.
    pub purpose: Option<&'a str>,
    /// Ids from the root subject to the agent.
    pub chain: &'a [String],
    /// Trust; none where no record of the actor is known.
    pub trust: Option<Trust>,
    /// The activity that led here; none at the decision point.
    pub verdict: Option<VerdictFacts<'a>>,
    /// Signal families whose own evidence reached the mark within the incident.
    pub keys: &'a [String],
    /// Incidents of the actor, this one included, with less than 30 days between them.
    pub n_incidents: u32,
    /// Whether a fact was seen that is a key pair by itself.
    pub hard_indicator: bool,
    /// Return period of the incident, and of one just before it, in actor-months.
    pub return_period_actor_months: f64,
    /// What the inventory says.
    pub inventory: Option<Inventory<'a>>,
    /// Whether the agent is never to be revoked automatically.
    pub protected: bool,
    /// Whether too many agents were revoked within the hour.
    pub breaker_open: bool,
    /// Whether what is known of trust is older than it may be.
    pub stale: bool,
}

/// What the caller sent, by the root of its names.
pub(super) const OPEN: [&str; 4] =
    ["context", "action.properties", "resource.properties", "subject.properties"];

const NAMES: [(&str, Type); 30] = [
    ("action.name", Type::Text),
    ("actor.authority", Type::Text),
    ("actor.blueprint", Type::Text),
    ("actor.id", Type::Text),
    ("actor.owner", Type::Text),
    ("actor.purpose", Type::Text),
    ("actor.tenant", Type::Text),
    ("actor.version", Type::Text),
    ("chain.length", Type::Number),
    ("chain.links", Type::Texts),
    ("incident.count", Type::Number),
    ("incident.hard_indicator", Type::Flag),
    ("incident.keys", Type::Texts),
    ("incident.return_period", Type::Number),
    ("incident.two_keys", Type::Flag),
    ("inventory.criticality", Type::Text),
    ("inventory.state", Type::Text),
    ("resource.classification", Type::Text),
    ("resource.id", Type::Text),
    ("resource.type", Type::Text),
    ("subject.id", Type::Text),
    ("subject.type", Type::Text),
    ("trust.effective", Type::Number),
    ("trust.effective_level", Type::Text),
    ("trust.known", Type::Flag),
    ("trust.level", Type::Text),
    ("trust.score", Type::Number),
    ("verdict.return_period", Type::Number),
    ("verdict.score", Type::Number),
    ("verdict.signal", Type::Text),
];

/// The names that conditions may use, without members of what the caller sent.
pub fn names() -> impl Iterator<Item = &'static str> {
    NAMES.iter().map(|(name, _)| *name)
}

/// A name of the table with its type.
pub(super) fn known(written: &str) -> Option<(&'static str, Type)> {
    NAMES.into_iter().find(|(name, _)| *name == written)
}

/// All that a condition looks at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a> {
    pub(crate) facts: &'a Facts<'a>,
    pub(crate) action: &'a Action<'a>,
}

// === impl View ===

impl<'a> View<'a> {
    /// The value of a place; none where it is not known.
    pub(super) fn get(&self, place: &Place) -> Option<Value<'a>> {
        let Self { facts, action } = *self;
        if let Some((first, more)) = place.members.split_first() {
            let open: Option<&'a Map<String, Json>> = match place.name {
                "context" => action.context,
                "action.properties" => action.properties,
                "resource.properties" => action.resource_properties,
                "subject.properties" => action.subject_properties,
                _ => None,
            };
            let value = more.iter().try_fold(open?.get(first)?, |json, member| json.get(member))?;
            return Value::of(value);
        }
        let text = |text: Option<&'a str>| text.map(Value::Text);
        match place.name {
            "action.name" => text(action.name),
            "actor.authority" => Some(Value::Text(facts.authority.as_str())),
            "actor.blueprint" => text(facts.blueprint),
            "actor.id" => Some(Value::Text(facts.agent_id)),
            "actor.owner" => text(facts.owner),
            "actor.purpose" => text(facts.purpose),
            "actor.tenant" => Some(Value::Text(facts.tenant_id)),
            "actor.version" => text(facts.version),
            "chain.length" => {
                Some(Value::Number(f64::from(u32::try_from(facts.chain.len()).unwrap_or(u32::MAX))))
            }
            "chain.links" => Some(Value::Texts(facts.chain)),
            "inventory.criticality" => facts.inventory.map(|known| Value::Text(known.criticality)),
            "inventory.state" => facts.inventory.and_then(|known| known.state).map(Value::Text),
            "resource.classification" => text(action.classification),
            "resource.id" => text(action.resource_id),
            "resource.type" => text(action.resource_type),
            "subject.id" => text(action.subject_id),
            "subject.type" => text(action.subject_type),
            name => self.judged(name),
        }
    }

    /// What was judged of the actor.
    fn judged(&self, name: &str) -> Option<Value<'a>> {
        let Self { facts, .. } = *self;
        let trust = facts.trust;
        match name {
            "incident.count" => Some(Value::Number(f64::from(facts.n_incidents))),
            "incident.hard_indicator" => Some(Value::Flag(facts.hard_indicator)),
            "incident.keys" => Some(Value::Texts(facts.keys)),
            "incident.return_period" => Some(Value::Number(facts.return_period_actor_months)),
            "incident.two_keys" => Some(Value::Flag(facts.has_two_keys())),
            "trust.effective" => trust.map(|trust| Value::Number(trust.effective)),
            "trust.effective_level" => {
                trust.map(|trust| Value::Text(trust.effective_level.as_str()))
            }
            "trust.known" => Some(Value::Flag(trust.is_some())),
            "trust.level" => trust.map(|trust| Value::Text(trust.level.as_str())),
            "trust.score" => trust.map(|trust| Value::Number(trust.score)),
            "verdict.return_period" => {
                facts.verdict.map(|known| Value::Number(known.return_period))
            }
            "verdict.score" => facts.verdict.map(|known| Value::Number(known.score)),
            "verdict.signal" => facts.verdict.map(|known| Value::Text(known.signal)),
            _ => None,
        }
    }
}

// === impl Facts ===

impl Facts<'_> {
    /// Two families, two incidents, or one indicator that is a pair by itself.
    pub(super) fn has_two_keys(&self) -> bool {
        2 <= self.keys.len() || 2 <= self.n_incidents || self.hard_indicator
    }

    /// All names with a value of their type, to try a condition on.
    pub(super) fn sample(keys: &[String]) -> Facts<'_> {
        Facts {
            tenant_id: "default",
            agent_id: "agent",
            authority: Authority::Delegated,
            blueprint: Some("blueprint"),
            owner: Some("owner"),
            version: Some("1"),
            purpose: Some("purpose"),
            chain: keys,
            trust: Some(Trust {
                score: 100.0,
                level: Level::Trusted,
                effective: 100.0,
                effective_level: Level::Trusted,
            }),
            verdict: Some(VerdictFacts { score: 10.0, return_period: 1.0, signal: "destination" }),
            keys,
            n_incidents: 1,
            return_period_actor_months: 1.0,
            inventory: Some(Inventory { state: Some("active"), criticality: "normal" }),
            ..Facts::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_a_value_of_its_type_in_the_sample() {
        let keys = ["place".to_owned()];
        let (facts, action) = (Facts::sample(&keys), Action::sample());
        let view = View { facts: &facts, action: &action };
        for (name, kind) in NAMES {
            let got = match view.get(&Place { name, members: Vec::new() }) {
                Some(Value::Flag(_)) => Type::Flag,
                Some(Value::Number(_)) => Type::Number,
                Some(Value::Text(_)) => Type::Text,
                Some(Value::Texts(_)) => Type::Texts,
                other => panic!("{name}: {other:?}"),
            };
            assert_eq!(got, kind, "{name}");
        }
        assert!(NAMES.is_sorted_by_key(|(name, _)| *name));
    }
}
