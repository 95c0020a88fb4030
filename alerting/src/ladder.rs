//! The response ladder: which action a case calls for, and what holds it back. Pure; it does not know
//! how a request is written or whether it was made before.
//!
//! watch: shorter token lifetime · restricted: approval by a person (owned agents) or re-authentication ·
//! untrusted with two keys: revoke sessions, of an agent of high criticality credentials · untrusted with one key: as restricted.

use schemas::revocation::{RevocationAction, RevocationMode};
use schemas::trust::Level;

use crate::settings::Mode;

/// What is the same for every case.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Policy {
    /// How binding requests are.
    pub mode: Mode,
    /// Return period in actor-months from which on the budget allows automatic revocation.
    pub revocation_return_period: f64,
}

/// What is known of a case.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PolicyFacts {
    /// Level of the actor.
    pub level: Level,
    /// Whether somebody is accountable for the agent.
    pub owned: bool,
    /// Whether much depends on the agent.
    pub critical: bool,
    /// Signal families whose own evidence reached the mark within the incident.
    pub n_keys: usize,
    /// Incidents of the actor so far, this one included.
    pub n_incidents: u32,
    /// Whether a fact was seen that is a key pair by itself.
    pub hard_indicator: bool,
    /// Return period of the incident, and of one just before it, in actor-months.
    pub return_period_actor_months: f64,
    /// Whether the agent is never to be revoked automatically.
    pub protected: bool,
    /// Whether too many agents were revoked within the hour.
    pub breaker_open: bool,
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

/// What a case calls for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The action to ask for; none while trust is enough.
    pub action: Option<RevocationAction>,
    /// How binding the request is.
    pub mode: RevocationMode,
    /// What held revocation back.
    pub held: Option<Hold>,
}

/// Decides what a case calls for.
pub fn decide(policy: &Policy, facts: &PolicyFacts) -> Decision {
    let held = match facts.level {
        Level::Untrusted => hold(policy, facts),
        _ => None,
    };
    let action = match facts.level {
        Level::Trusted | Level::Unknown => None,
        Level::Watch => Some(RevocationAction::ShortenTokenLifetime),
        Level::Untrusted if held.is_none() && facts.critical => {
            Some(RevocationAction::RevokeCredentials)
        }
        Level::Untrusted if held.is_none() => Some(RevocationAction::RevokeSessions),
        Level::Restricted | Level::Untrusted if facts.owned => {
            Some(RevocationAction::RequireHumanApproval)
        }
        Level::Restricted | Level::Untrusted => Some(RevocationAction::RequireReauthentication),
    };
    let only_recommended = facts.level == Level::Watch || facts.protected;
    let mode = match policy.mode {
        Mode::Shadow => RevocationMode::DryRun,
        Mode::Alert => RevocationMode::Recommend,
        Mode::Enforce if only_recommended => RevocationMode::Recommend,
        Mode::Enforce => RevocationMode::Enforce,
    };
    Decision { action, mode, held }
}

fn hold(policy: &Policy, facts: &PolicyFacts) -> Option<Hold> {
    let two_keys = 2 <= facts.n_keys || 2 <= facts.n_incidents || facts.hard_indicator;
    if !two_keys {
        Some(Hold::OneKey)
    } else if facts.protected {
        Some(Hold::Protected)
    } else if facts.return_period_actor_months < policy.revocation_return_period {
        Some(Hold::Budget)
    } else if facts.breaker_open {
        Some(Hold::Breaker)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNTRUSTED: PolicyFacts = PolicyFacts {
        level: Level::Untrusted,
        owned: true,
        critical: false,
        n_keys: 2,
        n_incidents: 1,
        hard_indicator: false,
        return_period_actor_months: 5000.0,
        protected: false,
        breaker_open: false,
    };

    fn check(mode: Mode, facts: PolicyFacts, expected: (Option<&str>, &str, Option<Hold>)) {
        let policy = Policy { mode, revocation_return_period: 1000.0 };
        let decision = decide(&policy, &facts);
        let got = (decision.action.map(|a| a.as_str()), decision.mode.as_str(), decision.held);
        assert_eq!(got, expected, "{mode:?} {facts:?}");
    }

    #[test]
    fn levels_climb_the_ladder() {
        let at = |level, owned| PolicyFacts { level, owned, ..PolicyFacts::default() };
        check(Mode::Enforce, at(Level::Trusted, true), (None, "enforce", None));
        check(Mode::Enforce, at(Level::Unknown, true), (None, "enforce", None));
        let shorter = Some("shorten_token_lifetime");
        check(Mode::Enforce, at(Level::Watch, true), (shorter, "recommend", None));
        check(Mode::Shadow, at(Level::Watch, true), (shorter, "dry_run", None));
        let approval = Some("require_human_approval");
        check(Mode::Enforce, at(Level::Restricted, true), (approval, "enforce", None));
        check(Mode::Alert, at(Level::Restricted, true), (approval, "recommend", None));
        let again = Some("require_reauthentication");
        check(Mode::Shadow, at(Level::Restricted, false), (again, "dry_run", None));
        check(Mode::Enforce, UNTRUSTED, (Some("revoke_sessions"), "enforce", None));
    }

    #[test]
    fn revocation_needs_two_keys() {
        let one = PolicyFacts { n_keys: 1, ..UNTRUSTED };
        let approval = Some("require_human_approval");
        check(Mode::Enforce, one, (approval, "enforce", Some(Hold::OneKey)));
        let revoke = (Some("revoke_sessions"), "enforce", None);
        check(Mode::Enforce, PolicyFacts { n_incidents: 2, ..one }, revoke);
        check(Mode::Enforce, PolicyFacts { hard_indicator: true, n_keys: 0, ..one }, revoke);
        let critical = PolicyFacts { critical: true, ..UNTRUSTED };
        check(Mode::Enforce, critical, (Some("revoke_credentials"), "enforce", None));
        let one = PolicyFacts { critical: true, ..one };
        check(Mode::Enforce, one, (approval, "enforce", Some(Hold::OneKey)));
        let none = PolicyFacts { n_keys: 0, owned: false, ..UNTRUSTED };
        let again = Some("require_reauthentication");
        check(Mode::Enforce, none, (again, "enforce", Some(Hold::OneKey)));
    }

    #[test]
    fn revocation_is_held_back() {
        let approval = Some("require_human_approval");
        let protected = PolicyFacts { protected: true, ..UNTRUSTED };
        check(Mode::Enforce, protected, (approval, "recommend", Some(Hold::Protected)));
        let common = PolicyFacts { return_period_actor_months: 999.0, ..UNTRUSTED };
        check(Mode::Enforce, common, (approval, "enforce", Some(Hold::Budget)));
        let many = PolicyFacts { breaker_open: true, ..UNTRUSTED };
        check(Mode::Enforce, many, (approval, "enforce", Some(Hold::Breaker)));
    }
}
