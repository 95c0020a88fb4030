//! What is to be done about an actor, or said to whoever asks for it: pure, the same for both. The first policy that
//! holds decides; what takes something away that only a person can give back must pass the holds as well.

use schemas::decision::DecisionObligations;
use schemas::revocation::{RevocationAction, RevocationMode};
use schemas::trust::PolicyRef;
use serde_json::{Map, Value as Json};

use super::facts::{Facts, View};
use super::rule::{Fail, Match, Policy, Then};
use crate::mode::Mode;

/// The policies in force.
#[derive(Clone, Copy, Debug)]
pub struct PolicySet<'a> {
    /// How binding decisions are, at most.
    pub mode: Mode,
    /// Return period in actor-months from which on the budget allows automatic revocation.
    pub revocation_return_period: f64,
    /// What holds where trust is too old and no policy says otherwise.
    pub fail: Fail,
    /// In order; the first that holds decides.
    pub policies: &'a [Policy],
}

/// What the actor does or asks for. What is not known is absent.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Action<'a> {
    /// Operation, tool or kind of action.
    pub name: Option<&'a str>,
    /// The resource.
    pub resource_id: Option<&'a str>,
    /// Its type.
    pub resource_type: Option<&'a str>,
    /// Its classification.
    pub classification: Option<&'a str>,
    /// Whom the caller asks about.
    pub subject_id: Option<&'a str>,
    /// What kind of subject that is.
    pub subject_type: Option<&'a str>,
    /// What the caller says of the subject.
    pub subject_properties: Option<&'a Map<String, Json>>,
    /// What the caller says of the action.
    pub properties: Option<&'a Map<String, Json>>,
    /// What the caller says of the resource.
    pub resource_properties: Option<&'a Map<String, Json>>,
    /// What the caller says of the circumstances.
    pub context: Option<&'a Map<String, Json>>,
}

/// Why automatic revocation was held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// One key of the two is missing.
    OneKey,
    /// The agent is protected.
    Protected,
    /// The event is not rare enough for the budget.
    Budget,
    /// Too many agents within the hour.
    Breaker,
}

/// What whoever lets the actor go on is to keep to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Obligations {
    /// Longest life of a token, in seconds.
    pub max_token_lifetime_seconds: Option<u32>,
    /// A person must approve.
    pub approval: bool,
    /// The actor must authenticate again.
    pub reauthentication: bool,
    /// Scopes to take away.
    pub scopes_remove: Vec<String>,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// The policy that decided; none where no policy holds.
    pub policy: Option<PolicyRef>,
    /// Whether access is permitted, apart from the mode.
    pub permit: bool,
    /// The action to ask for.
    pub action: Option<RevocationAction>,
    /// How binding it is.
    pub mode: RevocationMode,
    /// What must be kept to.
    pub obligations: Obligations,
    /// What held revocation back.
    pub held: Option<Hold>,
    /// What was held back, for a person to decide: the action and the policy that called for it.
    pub withheld: Option<(RevocationAction, PolicyRef)>,
    /// Whether trust was too old to be judged by.
    pub stale: bool,
    /// Policies whose condition needed what is not known.
    pub errors: Vec<PolicyRef>,
}

/// Decides what is to be done.
pub fn decide(set: &PolicySet<'_>, facts: &Facts<'_>, action: &Action<'_>) -> Decision {
    let view = View { facts, action };
    let mut decision = Decision {
        policy: None,
        permit: true,
        action: None,
        mode: binding(set.mode, false),
        obligations: Obligations::default(),
        held: None,
        withheld: None,
        stale: facts.stale,
        errors: Vec::new(),
    };
    if facts.stale {
        let of = |policy: &&Policy| policy.spec().fail.is_some() && policy.concerns(&view);
        let policy = set.policies.iter().find(of);
        decision.policy = policy.map(reference);
        decision.mode = binding(set.mode.min(policy_mode(policy)), false);
        let fail = policy.and_then(|policy| policy.spec().fail).unwrap_or(set.fail);
        decision.permit = fail == Fail::Open;
        return decision;
    }
    for policy in set.policies {
        // A refusal answers a question; where nobody asks, it must not hide the policies behind it.
        if policy.spec().then == Then::Deny && facts.verdict.is_some() {
            continue;
        }
        match policy.matches(&view) {
            Match::Passes => continue,
            Match::Fails => {
                decision.errors.push(reference(policy));
                continue;
            }
            Match::Holds => {}
        }
        let hold = may_revoke_by(policy).then(|| hold(set, facts)).flatten();
        if hold.is_some() {
            if let (None, Then::Act(action)) = (decision.held, policy.spec().then) {
                decision.withheld = Some((action, reference(policy)));
            }
            decision.held = decision.held.or(hold);
            continue;
        }
        apply(set, policy, facts, &mut decision);
        break;
    }
    decision
}

/// Whether an action takes something away that only a person can give back.
pub fn may_revoke(action: RevocationAction) -> bool {
    use RevocationAction::{RevokeCredentials, RevokeSessions, SuspendAgent};
    matches!(action, RevokeSessions | RevokeCredentials | SuspendAgent)
}

fn may_revoke_by(policy: &Policy) -> bool {
    matches!(policy.spec().then, Then::Act(action) if may_revoke(action))
}

fn policy_mode(policy: Option<&Policy>) -> Mode {
    policy.and_then(|policy| policy.spec().mode).unwrap_or(Mode::Enforce)
}

fn reference(policy: &Policy) -> PolicyRef {
    PolicyRef { id: policy.spec().id.clone(), version: Some(policy.version().to_owned()) }
}

/// Takes over what a policy that holds calls for.
fn apply(set: &PolicySet<'_>, policy: &Policy, facts: &Facts<'_>, decision: &mut Decision) {
    use RevocationAction::{
        ReduceScopes, RequireHumanApproval, RequireReauthentication, ShortenTokenLifetime,
    };
    let spec = policy.spec();
    let action = match spec.then {
        Then::Act(action) => Some(action),
        Then::Allow | Then::Deny => None,
    };
    decision.policy = Some(reference(policy));
    decision.action = action;
    decision.permit = matches!(
        spec.then,
        Then::Allow | Then::Act(ShortenTokenLifetime | ReduceScopes | RevocationAction::Restore)
    );
    decision.obligations = Obligations {
        max_token_lifetime_seconds: spec.max_token_lifetime_seconds,
        approval: action == Some(RequireHumanApproval),
        reauthentication: action == Some(RequireReauthentication),
        scopes_remove: spec.scopes_remove.clone(),
    };
    let only_recommended =
        action == Some(ShortenTokenLifetime) || (action.is_some() && facts.protected);
    decision.mode = binding(set.mode.min(policy_mode(Some(policy))), only_recommended);
}

fn binding(mode: Mode, only_recommended: bool) -> RevocationMode {
    match mode {
        Mode::Shadow => RevocationMode::DryRun,
        Mode::Alert => RevocationMode::Recommend,
        Mode::Enforce if only_recommended => RevocationMode::Recommend,
        Mode::Enforce => RevocationMode::Enforce,
    }
}

fn hold(set: &PolicySet<'_>, facts: &Facts<'_>) -> Option<Hold> {
    if !facts.has_two_keys() {
        return Some(Hold::OneKey);
    }
    let is_rare = set.revocation_return_period <= facts.return_period_actor_months;
    beyond_keys(facts.protected, is_rare, facts.breaker_open)
}

/// What holds back a revocation whose keys are there.
pub fn beyond_keys(protected: bool, is_rare: bool, breaker_open: bool) -> Option<Hold> {
    if protected {
        Some(Hold::Protected)
    } else if !is_rare {
        Some(Hold::Budget)
    } else if breaker_open {
        Some(Hold::Breaker)
    } else {
        None
    }
}

// === impl Obligations ===

impl Obligations {
    /// As they stand on the wire; none where nothing must be kept to.
    pub fn wire(&self) -> Option<DecisionObligations> {
        (*self != Self::default()).then(|| DecisionObligations {
            max_token_lifetime_seconds: self.max_token_lifetime_seconds,
            require_human_approval: self.approval,
            require_reauthentication: self.reauthentication,
            scopes_remove: self.scopes_remove.clone(),
        })
    }
}

// === impl Hold ===

impl Hold {
    /// Its word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OneKey => "one_key",
            Self::Protected => "protected",
            Self::Budget => "budget",
            Self::Breaker => "breaker",
        }
    }
}

// === impl Action ===

impl Action<'_> {
    /// All that can be known, to try a condition on.
    pub(super) fn sample() -> Self {
        Self {
            name: Some("read"),
            resource_id: Some("resource"),
            resource_type: Some("table"),
            classification: Some("internal"),
            subject_id: Some("agent"),
            subject_type: Some("ai_agent"),
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests;
