//! The ladder, what holds it back, and how policies of a config stand before it.

use schemas::Authority;
use schemas::revocation::RevocationAction::{self, SuspendAgent};
use schemas::trust::Level;

use super::*;
use crate::facts::{Inventory, Trust, VerdictFacts};
use crate::rule::{Fail, PolicySpec, ladder};

fn keys(n: usize) -> Vec<String> {
    ["place", "data"].iter().take(n).map(|key| (*key).to_owned()).collect()
}

fn trust(level: Level) -> Option<Trust> {
    Some(Trust { score: 50.0, level, effective: 50.0, effective_level: level })
}

/// An owned, untrusted actor with these keys, rare enough for the budget.
fn untrusted(keys: &[String]) -> Facts<'_> {
    Facts {
        owner: Some("alice"),
        trust: trust(Level::Untrusted),
        keys,
        n_incidents: 1,
        return_period_actor_months: 5000.0,
        ..Facts::default()
    }
}

fn decided(mode: Mode, policies: &[Policy], facts: &Facts<'_>) -> Decision {
    let set = PolicySet { mode, revocation_return_period: 1000.0, fail: Fail::Open, policies };
    decide(&set, facts, &Action::default())
}

fn check(mode: Mode, facts: &Facts<'_>, expected: (Option<&str>, &str, Option<Hold>)) {
    let decision = decided(mode, &ladder(), facts);
    let got =
        (decision.action.map(RevocationAction::as_str), decision.mode.as_str(), decision.held);
    assert_eq!(got, expected, "{mode:?} {facts:?}");
    assert!(decision.errors.is_empty(), "{decision:?}");
    let expected = decision.action.is_some().then_some(("default", env!("CARGO_PKG_VERSION")));
    let policy = decision.policy.as_ref();
    let got = policy.map(|policy| {
        (policy.id.as_str(), policy.version.as_deref().expect("each policy has a version"))
    });
    assert_eq!(got, expected);
}

#[test]
fn levels_climb_the_ladder() {
    let at = |level, owner| Facts { trust: trust(level), owner, ..Facts::default() };
    let (owned, nobody) = (Some("alice"), None);
    check(Mode::Enforce, &Facts::default(), (None, "enforce", None));
    check(Mode::Enforce, &at(Level::Trusted, owned), (None, "enforce", None));
    check(Mode::Enforce, &at(Level::Unknown, owned), (None, "enforce", None));
    let shorter = Some("shorten_token_lifetime");
    check(Mode::Enforce, &at(Level::Watch, owned), (shorter, "recommend", None));
    check(Mode::Shadow, &at(Level::Watch, owned), (shorter, "dry_run", None));
    let approval = Some("require_human_approval");
    check(Mode::Enforce, &at(Level::Restricted, owned), (approval, "enforce", None));
    check(Mode::Alert, &at(Level::Restricted, owned), (approval, "recommend", None));
    let again = Some("require_reauthentication");
    check(Mode::Shadow, &at(Level::Restricted, nobody), (again, "dry_run", None));
    let two = keys(2);
    check(Mode::Enforce, &untrusted(&two), (Some("revoke_sessions"), "enforce", None));
    let high = Inventory { state: Some("active"), criticality: "high" };
    let critical = Facts { inventory: Some(high), ..untrusted(&two) };
    check(Mode::Enforce, &critical, (Some("revoke_credentials"), "enforce", None));
    let one = keys(1);
    let critical = Facts { inventory: Some(high), ..untrusted(&one) };
    check(Mode::Enforce, &critical, (approval, "enforce", Some(Hold::OneKey)));
}

#[test]
fn a_restricted_link_restricts_its_delegates_and_revokes_nobody() {
    let two = keys(2);
    let fallen = Trust {
        score: 95.0,
        level: Level::Trusted,
        effective: 10.0,
        effective_level: Level::Untrusted,
    };
    let facts = Facts { trust: Some(fallen), ..untrusted(&two) };
    check(Mode::Enforce, &facts, (Some("require_human_approval"), "enforce", None));
}

#[test]
fn revocation_needs_two_keys() {
    let (none, one) = (keys(0), keys(1));
    let approval = Some("require_human_approval");
    check(Mode::Enforce, &untrusted(&one), (approval, "enforce", Some(Hold::OneKey)));
    let revoke = (Some("revoke_sessions"), "enforce", None);
    check(Mode::Enforce, &Facts { n_incidents: 2, ..untrusted(&one) }, revoke);
    check(Mode::Enforce, &Facts { hard_indicator: true, ..untrusted(&none) }, revoke);
    let again = (Some("require_reauthentication"), "enforce", Some(Hold::OneKey));
    check(Mode::Enforce, &Facts { owner: None, ..untrusted(&none) }, again);
}

#[test]
fn revocation_is_held_back() {
    let two = keys(2);
    let approval = Some("require_human_approval");
    let protected = Facts { protected: true, ..untrusted(&two) };
    check(Mode::Enforce, &protected, (approval, "recommend", Some(Hold::Protected)));
    let common = Facts { return_period_actor_months: 999.0, ..untrusted(&two) };
    check(Mode::Enforce, &common, (approval, "enforce", Some(Hold::Budget)));
    let many = Facts { breaker_open: true, ..untrusted(&two) };
    check(Mode::Enforce, &many, (approval, "enforce", Some(Hold::Breaker)));
}

#[test]
fn nothing_that_a_config_says_revokes_past_the_holds() {
    let spec = |then| PolicySpec::new("own", then);
    for then in [Then::Act(SuspendAgent), Then::Act(RevocationAction::RevokeCredentials)] {
        let policies = [Policy::new(spec(then)).expect("a policy that can be read")];
        let one = keys(1);
        let decision = decided(Mode::Enforce, &policies, &untrusted(&one));
        assert_eq!((decision.action, decision.held), (None, Some(Hold::OneKey)));
        let two = keys(2);
        let Then::Act(action) = then else { continue };
        assert_eq!(decided(Mode::Enforce, &policies, &untrusted(&two)).action, Some(action));
    }
}

#[test]
fn a_refusal_answers_a_question_and_hides_no_rung_where_nobody_asks() {
    let mut spec = PolicySpec::new("closed", Then::Deny);
    spec.when = Some("trust.known && trust.level == 'untrusted'".to_owned());
    let mut policies = vec![Policy::new(spec).expect("a policy that can be read")];
    policies.extend(ladder());
    let two = keys(2);
    let verdict = VerdictFacts { score: 20.0, return_period: 5_000.0, signal: "rate" };
    let asked = untrusted(&two);
    let acted = Facts { verdict: Some(verdict), ..asked };
    assert!(!decided(Mode::Enforce, &policies, &asked).permit);
    let decision = decided(Mode::Enforce, &policies, &acted);
    assert_eq!(decision.action, Some(RevocationAction::RevokeSessions));
}

#[test]
fn the_first_policy_that_holds_decides_and_its_mode_only_weakens() {
    let mut spec = PolicySpec::new("payments", Then::Act(RevocationAction::ReduceScopes));
    spec.authorities = vec![Authority::Autonomous];
    spec.blueprints = vec!["payer".to_owned()];
    spec.classification = vec!["restricted".to_owned()];
    spec.when = Some("trust.score < 60.0".to_owned());
    spec.scopes_remove = vec!["payments:write".to_owned()];
    spec.mode = Some(Mode::Alert);
    let mut policies = vec![Policy::new(spec.clone()).expect("a policy that can be read")];
    policies.extend(ladder());
    let facts = Facts {
        authority: Authority::Autonomous,
        blueprint: Some("payer"),
        trust: trust(Level::Restricted),
        ..Facts::default()
    };
    let set = |mode, policies| PolicySet {
        mode,
        revocation_return_period: 1000.0,
        fail: Fail::Open,
        policies,
    };
    let action = Action { classification: Some("restricted"), ..Action::default() };
    let decision = decide(&set(Mode::Enforce, &policies), &facts, &action);
    let policy = decision.policy.clone().expect("a policy decided");
    assert_eq!(policy.id, "payments");
    assert_eq!(decision.mode, RevocationMode::Recommend);
    assert_eq!(decision.obligations.scopes_remove, ["payments:write"]);
    assert!(decision.permit);
    assert_eq!(decide(&set(Mode::Shadow, &policies), &facts, &action).mode, RevocationMode::DryRun);
    for other in
        [Facts { authority: Authority::Delegated, ..facts }, Facts { blueprint: None, ..facts }]
    {
        let decision = decide(&set(Mode::Enforce, &policies), &other, &action);
        assert_eq!(decision.policy.expect("a policy decided").id, "default", "{other:?}");
    }
    let decision = decide(&set(Mode::Enforce, &policies), &facts, &Action::default());
    assert_eq!(decision.policy.expect("a policy decided").id, "default");
    // Its version is what it says.
    assert_eq!(
        Policy::new(spec.clone()).expect("a policy that can be read").version(),
        policy.version.as_deref().expect("each policy has a version")
    );
    spec.when = Some("trust.score < 61.0".to_owned());
    assert_ne!(
        Policy::new(spec).expect("a policy that can be read").version(),
        policy.version.as_deref().expect("each policy has a version")
    );
}

#[test]
fn a_condition_that_cannot_be_told_is_counted_and_passed_over() {
    let mut spec = PolicySpec::new("owner", Then::Deny);
    spec.when = Some("actor.owner == 'alice'".to_owned());
    let policies = [Policy::new(spec).expect("a policy that can be read")];
    let decision = decided(Mode::Enforce, &policies, &Facts::default());
    assert!(decision.permit && decision.policy.is_none());
    assert_eq!(decision.errors.len(), 1);
    let known = Facts { owner: Some("alice"), ..Facts::default() };
    let decision = decided(Mode::Enforce, &policies, &known);
    assert!(!decision.permit && decision.errors.is_empty());
}

#[test]
fn stale_trust_fails_as_the_first_policy_says_that_concerns_the_actor() {
    let mut spec = PolicySpec::new("autonomous", Then::Allow);
    spec.authorities = vec![Authority::Autonomous];
    spec.fail = Some(Fail::Closed);
    let mut policies = vec![Policy::new(spec).expect("a policy that can be read")];
    policies.extend(ladder());
    let two = keys(2);
    let delegated = Facts { stale: true, authority: Authority::Delegated, ..untrusted(&two) };
    let decision = decided(Mode::Enforce, &policies, &delegated);
    assert!(decision.permit && decision.stale && decision.action.is_none());
    let alone = Facts { authority: Authority::Autonomous, ..delegated };
    let decision = decided(Mode::Enforce, &policies, &alone);
    assert!(!decision.permit && decision.action.is_none());
    assert_eq!(decision.policy.expect("a policy decided").id, "autonomous");
}

#[test]
fn every_rung_is_checked() {
    assert_eq!(ladder().len(), 5);
}
