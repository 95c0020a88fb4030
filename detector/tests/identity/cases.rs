//! A case for each fact: a seasoned fleet, one activity that departs from it, and what is said.

use detector::Settings;
use schemas::EventTime;
use schemas::activity::{Activity, Result};
use schemas::choice::{Authority, CredentialType, Outcome};

use crate::fleet::{DAY_MS, Fleet, HOUR_MS, START_MS, said, usual, verdict};

/// Ten in the morning of the tenth day.
const NOW_MS: i64 = START_MS + 10 * DAY_MS + 10 * HOUR_MS;

fn seasoned() -> Fleet {
    Fleet::seasoned(Settings::default(), 8, 10)
}

/// What a signal observes in a usual activity of agent 3 with a change; `None` where it is silent.
fn check(signal: &str, change: impl FnOnce(&mut Activity<'static>), expected: Option<&str>) {
    let mut activity = usual(3, NOW_MS);
    change(&mut activity);
    let observed = seasoned().see(&activity);
    let found = said(&observed, signal);
    assert_eq!(found.map(|found| found.observed.as_str()), expected, "{signal}");
    if let Some(found) = found {
        assert!(found.micronats.0 > 3_000_000, "{found:?}");
        assert!(!found.expected.is_empty() && !found.peers.is_empty() && !found.normal.is_empty());
        assert!(verdict(&observed).keys.iter().any(|key| key == detector::family_of(signal)));
    }
}

fn credential<'a>(
    activity: &'a mut Activity<'static>,
) -> &'a mut schemas::activity::Credential<'static> {
    activity.credential.get_or_insert_default()
}

fn time(ms: i64) -> Option<EventTime> {
    EventTime::from_millis(ms).ok()
}

#[test]
fn what_is_usual_is_silent() {
    for signal in ["credential", "dormancy", "epoch"] {
        check(signal, |_| (), None);
    }
}

#[test]
fn each_fact_of_a_credential_is_said() {
    let scopes = |activity: &mut Activity<'static>| {
        credential(activity).scopes = vec!["list".into(), "read".into()];
    };
    check("credential", scopes, None);
    let more = |activity: &mut Activity<'static>| credential(activity).scopes.push("delete".into());
    let kind = "a credential of type api_key with scopes it never used together";
    check("credential", more, Some(kind));
    let password = |activity: &mut Activity<'static>| {
        credential(activity).kind = Some(CredentialType::Password)
    };
    check("credential", password, Some(&kind.replace("api_key", "password")));
    let old = |activity: &mut Activity<'static>| {
        credential(activity).issued_at = time(NOW_MS - 300 * DAY_MS);
    };
    check("credential", old, Some("credential key-3 is 300 days old"));
    let expired = |activity: &mut Activity<'static>| {
        credential(activity).expires_at = time(NOW_MS - 3 * HOUR_MS);
    };
    check("credential", expired, Some("credential key-3 used 3 h after it expired"));
    let skewed = |activity: &mut Activity<'static>| {
        credential(activity).expires_at = time(NOW_MS - 60_000);
    };
    check("credential", skewed, None);
}

#[test]
fn only_an_expired_credential_that_was_accepted_is_a_hard_indicator() {
    for (result, expected) in [
        (Outcome::Success, Some("expired_credential_accepted")),
        (Outcome::Denied, None),
        (Outcome::Failure, None),
        (Outcome::Unknown, None),
    ] {
        let mut activity = usual(3, NOW_MS);
        credential(&mut activity).expires_at = time(NOW_MS - HOUR_MS);
        activity.outcome = Some(Result { result, ..Result::default() });
        let observed = seasoned().see(&activity);
        assert_eq!(verdict(&observed).hard_indicator.as_deref(), expected, "{result:?}");
    }
}

#[test]
fn a_credential_at_two_agents_is_found_across_partitions() {
    let mut fleet = seasoned();
    let mut stolen = usual(2, NOW_MS);
    credential(&mut stolen).id = Some("key-3".into());
    let observed = fleet.see(&stolen);
    let found = said(&observed, "credential").expect("another agent's");
    assert_eq!(found.observed, "credential key-3 is used by another agent too");
    assert!(found.peers.starts_with("0 of "), "{}", found.peers);
    // Its owner, who used it for ten days, is not suspected.
    let owner = fleet.see(&usual(3, NOW_MS + HOUR_MS));
    assert!(said(&owner, "credential").is_none());
}

#[test]
fn where_agents_share_a_key_one_more_is_no_news() {
    let mut fleet = Fleet::new(Settings::default());
    fleet.work(8, 0..10, |activity| credential(activity).id = Some("team-key".into()));
    let mut newcomer = usual(9, NOW_MS);
    credential(&mut newcomer).id = Some("team-key".into());
    assert!(said(&fleet.see(&newcomer), "credential").is_none());
}

#[test]
fn a_credential_that_lay_idle_while_its_agent_worked_is_found() {
    let mut fleet = seasoned();
    fleet.work(8, 10..40, |activity| {
        credential(activity).id = Some(format!("new-{}", activity.agent.id).into())
    });
    let observed = fleet.see(&usual(3, START_MS + 40 * DAY_MS + 10 * HOUR_MS));
    let found = said(&observed, "credential").expect("it lay idle");
    assert_eq!(found.observed, "credential key-3 used after 31 days");
}

#[test]
fn an_actor_that_wakes_is_found_and_a_weekend_is_not() {
    let at = |days: i64| {
        let mut fleet = seasoned();
        fleet.work(7, 10..10 + days, |_| ());
        let observed = fleet.see(&usual(7, NOW_MS + days * DAY_MS));
        said(&observed, "dormancy")
            .map(|found| (found.observed.clone(), found.evidence_micronats.0))
    };
    assert_eq!(at(3), None);
    let mut young = Fleet::seasoned(Settings::default(), 8, 5);
    let observed = young.see(&usual(7, NOW_MS + 5 * DAY_MS));
    assert!(said(&observed, "dormancy").is_none(), "known for five days only");
    let (observed, evidence) = at(40).expect("silent for weeks");
    assert_eq!(observed, "active after 41 days of silence");
    assert!(evidence > 4_600_000, "{evidence}");
}

#[test]
fn each_part_of_an_agent_that_changes_begins_an_epoch_once() {
    let version = |activity: &mut Activity<'static>| activity.agent.version = Some("2.0".into());
    check("epoch", version, Some("version 2.0, which it never had"));
    let model = |activity: &mut Activity<'static>| {
        activity.agent.model.as_mut().expect("usual").name = Some("m-2".into());
    };
    check("epoch", model, Some("model m-2, which it never had"));
    let server = |activity: &mut Activity<'static>| {
        activity.action.tool.as_mut().expect("usual").server = Some("mirror".into());
    };
    check("epoch", server, Some("tool server mirror, which it never had"));
    // Where nothing is told, nothing changed.
    check("epoch", |activity| activity.agent.version = None, None);

    let mut fleet = seasoned();
    let after = |hours: i64, agent| {
        let mut activity = usual(agent, NOW_MS + hours * HOUR_MS);
        version(&mut activity);
        activity
    };
    assert!(said(&fleet.see(&after(0, 3)), "epoch").is_some());
    assert!(said(&fleet.see(&after(1, 3)), "epoch").is_none(), "an epoch begins once");
}

#[test]
fn an_upgrade_that_peers_took_is_less_and_less_news() {
    let mut fleet = Fleet::seasoned(Settings::default(), 30, 10);
    let found = (0..30).map(|agent| {
        let mut activity = usual(agent, NOW_MS + agent as i64 * HOUR_MS / 4);
        activity.agent.version = Some("2.0".into());
        said(&fleet.see(&activity), "epoch").map_or(0, |found| found.evidence_micronats.0)
    });
    let found: Vec<i64> = found.collect();
    assert!(found[0] > 4_600_000, "{found:?}");
    assert!(found.iter().filter(|evidence| **evidence > 0).count() <= 6, "{found:?}");
    assert!(found[8..].iter().all(|evidence| *evidence == 0), "{found:?}");
}

/// What one agent of a seasoned fleet suddenly does for a person is as rare as if its other actor had done it: the
/// new actor has no hours of its own, but it is judged by habits that have.
#[test]
fn a_new_actor_of_a_known_agent_has_the_maturity_of_its_habits() {
    let mut flipped = usual(3, NOW_MS);
    flipped.delegation.get_or_insert_default().mode = Some(Authority::Delegated);
    let flip = seasoned().see(&flipped);
    assert!(said(&flip, "authority").is_some(), "{:?}", verdict(&flip));
    let mut newcomer = usual(93, NOW_MS);
    newcomer.delegation = flipped.delegation.clone();
    let newcomer = seasoned().see(&newcomer);
    let since = |of: &detector::Observed| verdict(of).baseline.newcomer_since;
    assert_eq!((since(&flip), since(&newcomer)), (None, time(NOW_MS)));
    assert!(
        1.0 < flip.return_period_actor_months
            && 10.0 * newcomer.return_period_actor_months < flip.return_period_actor_months,
        "{} and, of a newcomer, {} actor-months",
        flip.return_period_actor_months,
        newcomer.return_period_actor_months
    );
}
