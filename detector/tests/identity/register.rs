//! What an inventory says of a seasoned fleet: each fact once and in words, and an announced change.

use std::sync::Arc;

use detector::{Inventory, Observed, Settings};
use schemas::EventTime;
use schemas::activity::Activity;
use schemas::inventory::{
    AgentState, AnnouncedChange, Criticality, INVENTORY_SCHEMA, InventoryEntry, Owner,
};

use crate::fleet::{DAY_MS, Fleet, HOUR_MS, START_MS, said, usual, verdict};

/// Ten in the morning of the tenth day.
const NOW_MS: i64 = START_MS + 10 * DAY_MS + 10 * HOUR_MS;

fn time(ms: i64) -> EventTime {
    EventTime::from_millis(ms).expect("a time of this century")
}

fn entry(agent: usize) -> InventoryEntry {
    InventoryEntry {
        schema: INVENTORY_SCHEMA.to_owned(),
        tenant_id: usual(0, NOW_MS).tenant_id.into_owned(),
        agent_id: format!("agent-{agent}"),
        state: AgentState::Active,
        aliases: vec![format!("arn:{agent}")],
        owner: Some(Owner { id: "finance".to_owned(), ..Owner::default() }),
        blueprint: None,
        purposes: Vec::new(),
        criticality: Criticality::High,
        valid_from: None,
        valid_until: None,
        version: None,
        announced_change: None,
    }
}

/// Agents 0 to 7, of which one entry is changed; all there are.
fn listed(agent: usize, change: impl FnOnce(&mut InventoryEntry)) -> Arc<Inventory> {
    let mut entries: Vec<InventoryEntry> = (0..8).map(entry).collect();
    change(&mut entries[agent]);
    let mut inventory = Inventory::default();
    inventory.claim_complete(entries[0].tenant_id.clone());
    for entry in entries {
        inventory.add(entry).expect("names are unique");
    }
    Arc::new(inventory)
}

/// A fleet of ten days under an inventory.
fn seasoned(inventory: &Arc<Inventory>) -> Fleet {
    let settings = Settings { inventory: Arc::clone(inventory), ..Settings::default() };
    Fleet::seasoned(settings, 8, 10)
}

/// An activity as it comes in: enriched first.
fn enriched(inventory: &Inventory, agent: usize, ms: i64) -> Activity<'static> {
    let mut activity = usual(agent, ms);
    inventory.enrich(&mut activity);
    activity
}

fn nats(observed: &Observed) -> f64 {
    let own = observed.assessment.signals.iter().find(|score| score.id == "inventory");
    own.map_or(0.0, |score| score.evidence_micronats as f64 / 1e6)
}

#[test]
fn each_fact_is_said_in_words_with_its_evidence() {
    let check =
        |agent: usize, change: &dyn Fn(&mut InventoryEntry), expected: Option<(&str, f64)>| {
            let inventory = listed(3, change);
            let observed = seasoned(&inventory).see(&enriched(&inventory, agent, NOW_MS));
            let found = said(&observed, "inventory");
            assert_eq!(found.map(|found| found.observed.as_str()), expected.map(|(text, _)| text));
            if let (Some(found), Some((text, least))) = (found, expected) {
                assert!((nats(&observed) - least).abs() < 1e-5, "{text}: {}", nats(&observed));
                assert!(!found.expected.is_empty() && !found.normal.is_empty(), "{found:?}");
                let hard = text.contains("retired").then_some("retired_agent_active");
                assert_eq!(verdict(&observed).hard_indicator.as_deref(), hard);
            }
        };
    let over = Some(time(NOW_MS - HOUR_MS));
    check(3, &|_| (), None);
    check(9, &|_| (), Some(("an agent that the inventory does not list", 10.0)));
    check(
        3,
        &|e| e.valid_until = over,
        Some(("an agent at work 60 min after its time was over", 9.0)),
    );
    let retired = "an agent at work that was retired 60 min ago";
    check(3, &|e| (e.state, e.valid_until) = (AgentState::Retired, over), Some((retired, 12.0)));
}

#[test]
fn owner_and_criticality_reach_the_verdict() {
    let inventory = listed(3, |_| ());
    let observed = seasoned(&inventory).see(&enriched(&inventory, 3, NOW_MS));
    let facts = &verdict(&observed).facts;
    assert_eq!(facts.owner.as_deref(), Some("finance"));
    assert_eq!(facts.criticality, Some(Criticality::High));
    let stray = seasoned(&inventory).see(&enriched(&inventory, 9, NOW_MS));
    assert_eq!((&verdict(&stray).facts.owner, verdict(&stray).facts.criticality), (&None, None));
}

#[test]
fn a_state_that_lasts_weighs_less_with_each_session_and_another_one_all() {
    let inventory = listed(3, |entry| entry.purposes = vec!["read".to_owned()]);
    let mut fleet = seasoned(&inventory);
    let mut see = |hour: i64, purpose: &'static str| {
        let mut activity = enriched(&inventory, 3, NOW_MS + hour * HOUR_MS);
        activity.delegation.get_or_insert_default().purpose = Some(purpose.into());
        nats(&fleet.see(&activity))
    };
    assert!(see(0, "read") <= 0.0, "declared");
    let told: Vec<f64> = (1..=10).map(|hour| see(hour, "errand")).collect();
    assert!((told[0] - 8.0).abs() < 1e-5, "{told:?}");
    assert!(told.is_sorted_by(|a, b| a > b), "{told:?}");
    assert!(told[9] < 2.0, "{told:?}");
    assert!((see(11, "other") - 8.0).abs() < 1e-5, "another purpose is another act");
    assert!((see(12, "errand") - told[9]).abs() < 1.0, "still told");
}

/// What `epoch` says of an upgrade at a time, and what the habit of a new destination is worth after it was met in so
/// many sessions of the upgraded agent: none says that it is as strange as at first.
fn upgraded(inventory: &Arc<Inventory>, begin_ms: i64) -> (bool, Vec<f64>) {
    let mut fleet = seasoned(inventory);
    let mut epoch = false;
    let scores = (0..6).map(|hour| {
        let mut activity = enriched(inventory, 3, begin_ms + hour * HOUR_MS);
        activity.agent.version = Some("2.0".into());
        let host = Some("new.example".into());
        activity.destination = Some(schemas::activity::Endpoint { host, ..Default::default() });
        let observed = fleet.see(&activity);
        epoch |= said(&observed, "epoch").is_some();
        observed.assessment.micronats as f64 / 1e6
    });
    let scores = scores.collect();
    (epoch, scores)
}

#[test]
fn an_announced_change_is_silent_and_learned_freely_and_another_is_not() {
    let announce = |version: &str, from: i64, until: i64| {
        let change =
            AnnouncedChange { version: version.to_owned(), from: time(from), until: time(until) };
        listed(3, |entry| entry.announced_change = Some(change))
    };
    let announced = announce("2.0", NOW_MS - HOUR_MS, NOW_MS + HOUR_MS);
    let (epoch, free) = upgraded(&announced, NOW_MS);
    assert!(!epoch, "announced");
    for (inventory, why) in [
        (listed(3, |_| ()), "not announced"),
        (announce("2.1", NOW_MS - HOUR_MS, NOW_MS + HOUR_MS), "another version"),
        (announce("2.0", NOW_MS - DAY_MS, NOW_MS - HOUR_MS), "too late"),
    ] {
        let (epoch, slow) = upgraded(&inventory, NOW_MS);
        assert!(epoch, "{why}");
        let sum = |scores: &[f64]| scores.iter().skip(1).sum::<f64>();
        assert!(sum(&free) <= sum(&slow), "{why}: {free:?} {slow:?}");
    }
}

#[test]
fn a_version_that_is_registered_raises_no_epoch() {
    let inventory = listed(3, |entry| entry.version = Some("2.0".to_owned()));
    assert!(!upgraded(&inventory, NOW_MS).0);
}
