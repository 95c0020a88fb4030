//! A policy: whom it concerns, when it holds, what it calls for. The built-in ladder is the same kind of thing.

use schemas::Authority;
use schemas::revocation::RevocationAction;
use xxhash_rust::xxh3::xxh3_64;

use super::condition::{Condition, Mistake};
use super::decide::Action;
use super::facts::{Facts, View};
use super::parse;
use crate::mode::Mode;

/// Longest life of a token that the ladder asks for, in seconds.
const TOKEN_LIFETIME_SECONDS: u32 = 1_800;
/// Id of the built-in ladder.
const LADDER: &str = "default";

/// The ladder. A rung that takes something away is passed over while it is held back: see `decide`.
const RUNGS: [(&str, Then); 5] = [
    (
        "trust.known && trust.level == 'untrusted' && has(inventory.criticality) && inventory.criticality == 'high'",
        Then::Act(RevocationAction::RevokeCredentials),
    ),
    ("trust.known && trust.level == 'untrusted'", Then::Act(RevocationAction::RevokeSessions)),
    (
        "trust.known && trust.effective_level in ['restricted', 'untrusted'] && has(actor.owner)",
        Then::Act(RevocationAction::RequireHumanApproval),
    ),
    (
        "trust.known && trust.effective_level in ['restricted', 'untrusted']",
        Then::Act(RevocationAction::RequireReauthentication),
    ),
    (
        "trust.known && trust.effective_level == 'watch'",
        Then::Act(RevocationAction::ShortenTokenLifetime),
    ),
];

/// What a policy calls for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// Nothing: the actor may go on.
    Allow,
    /// Access is refused; nothing else is asked for.
    Deny,
    /// An action on the agent, and what it means for access.
    Act(RevocationAction),
}

/// What holds where trust is not known freshly enough.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fail {
    /// Access is permitted.
    #[default]
    Open,
    /// Access is refused.
    Closed,
}

/// A policy as written. A list that is empty chooses all.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicySpec {
    /// Its id.
    pub id: String,
    /// Its version; without it, a hash of what it says.
    pub version: Option<String>,
    /// Authorities that it concerns.
    pub authorities: Vec<Authority>,
    /// Blueprints that it concerns.
    pub blueprints: Vec<String>,
    /// Criticalities that it concerns, as the inventory names them; unlisted agents are `normal`.
    pub criticality: Vec<String>,
    /// Classifications of the resource that it concerns; what is not told is `unknown`.
    pub classification: Vec<String>,
    /// When it holds; without it, always.
    pub when: Option<String>,
    /// What it calls for.
    pub then: Then,
    /// How binding it is; at most as binding as everything else.
    pub mode: Option<Mode>,
    /// Longest life of a token while it holds.
    pub max_token_lifetime_seconds: Option<u32>,
    /// Scopes to take away while it holds.
    pub scopes_remove: Vec<String>,
    /// What holds where trust is too old.
    pub fail: Option<Fail>,
}

/// A policy that was checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    spec: PolicySpec,
    condition: Option<Condition>,
    version: String,
}

/// How a policy stands to what is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Match {
    Holds,
    Passes,
    /// Its condition needs what is not known.
    Fails,
}

/// The built-in ladder, lowest trust first. It stands after the policies of the config.
pub fn ladder() -> Vec<Policy> {
    let rung = |(when, then): (&str, Then)| {
        let shorter = then == Then::Act(RevocationAction::ShortenTokenLifetime);
        let spec = PolicySpec {
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            when: Some(when.to_owned()),
            max_token_lifetime_seconds: shorter.then_some(TOKEN_LIFETIME_SECONDS),
            ..PolicySpec::new(LADDER, then)
        };
        Policy::new(spec).ok()
    };
    RUNGS.into_iter().filter_map(rung).collect()
}

// === impl PolicySpec ===

impl PolicySpec {
    /// A policy of that id that always holds and calls for this.
    pub fn new(id: &str, then: Then) -> Self {
        Self {
            id: id.to_owned(),
            version: None,
            authorities: Vec::new(),
            blueprints: Vec::new(),
            criticality: Vec::new(),
            classification: Vec::new(),
            when: None,
            then,
            mode: None,
            max_token_lifetime_seconds: None,
            scopes_remove: Vec::new(),
            fail: None,
        }
    }
}

// === impl Policy ===

impl Policy {
    /// Checks a policy: its condition is read, and tried on a sample of everything that can be known.
    pub fn new(spec: PolicySpec) -> Result<Self, Mistake> {
        let condition = spec.when.as_deref().map(parse::parse).transpose()?;
        if let (Some(condition), Some(when)) = (&condition, &spec.when) {
            let keys = ["place".to_owned()];
            let (facts, action) = (Facts::sample(&keys), Action::sample());
            let view = View { facts: &facts, action: &action };
            // What the caller sends has no type before it is there.
            if condition.holds(&view).is_err() && !condition.is_open() {
                let message = "it cannot be evaluated".to_owned();
                return Err(Mistake { at: 0..when.len(), message, unknown: None });
            }
        }
        let version = spec.version.clone().unwrap_or_else(|| {
            let hash = xxh3_64(format!("{spec:?}").as_bytes());
            format!("{hash:016x}")
        });
        Ok(Self { spec, condition, version })
    }

    /// As it was written.
    pub fn spec(&self) -> &PolicySpec {
        &self.spec
    }

    /// Its version.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Whether it concerns the actor and the action at all.
    pub(super) fn concerns(&self, view: &View<'_>) -> bool {
        let View { facts, action } = *view;
        let spec = &self.spec;
        let lists = |list: &[String], word: Option<&str>| {
            list.is_empty() || word.is_some_and(|word| list.iter().any(|one| one == word))
        };
        let criticality = facts.inventory.map_or("normal", |known| known.criticality);
        (spec.authorities.is_empty() || spec.authorities.contains(&facts.authority))
            && lists(&spec.blueprints, facts.blueprint)
            && lists(&spec.criticality, Some(criticality))
            && lists(&spec.classification, Some(action.classification.unwrap_or("unknown")))
    }

    /// Whether it holds.
    pub(super) fn matches(&self, view: &View<'_>) -> Match {
        if !self.concerns(view) {
            return Match::Passes;
        }
        match self.condition.as_ref().map(|condition| condition.holds(view)) {
            None | Some(Ok(true)) => Match::Holds,
            Some(Ok(false)) => Match::Passes,
            Some(Err(_)) => Match::Fails,
        }
    }
}
