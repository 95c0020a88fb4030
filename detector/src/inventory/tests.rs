//! Names lead to one agent each, and the gravest fact is said.

use super::*;
use proptest::prelude::*;
use schemas::EventTime;
use schemas::activity::{Action, Agent, Delegation};
use schemas::inventory::{Criticality, INVENTORY_SCHEMA};

const NOW_MS: i64 = 1_772_409_600_000;
const DAY_MS: i64 = 86_400_000;

fn time(ms: i64) -> Option<EventTime> {
    EventTime::from_millis(ms).ok()
}

fn entry(tenant_id: &str, agent_id: &str, aliases: &[&str]) -> InventoryEntry {
    InventoryEntry {
        schema: INVENTORY_SCHEMA.to_owned(),
        tenant_id: tenant_id.to_owned(),
        agent_id: agent_id.to_owned(),
        state: AgentState::Active,
        aliases: aliases.iter().map(|alias| (*alias).to_owned()).collect(),
        owner: Some(Owner { id: "team".to_owned(), ..Owner::default() }),
        blueprint: Some("clerk".to_owned()),
        purposes: Vec::new(),
        criticality: Criticality::Normal,
        valid_from: None,
        valid_until: None,
        version: None,
        announced_change: None,
    }
}

fn activity(tenant_id: &'static str, agent_id: &'static str) -> Activity<'static> {
    let agent = Agent { id: agent_id.into(), ..Agent::default() };
    let mut activity = Activity::new("e".into(), time(NOW_MS).unwrap(), agent, Action::default());
    activity.tenant_id = tenant_id.into();
    activity
}

#[test]
fn every_name_leads_to_its_agent_in_its_tenant_only() {
    let mut inventory = Inventory::default();
    inventory.add(entry("a", "bot", &["arn:1", "sa:1"])).unwrap();
    inventory.add(entry("b", "other", &["arn:1"])).unwrap();
    for (tenant, name, id) in [
        ("a", "bot", "bot"),
        ("a", "arn:1", "bot"),
        ("a", "sa:1", "bot"),
        ("b", "arn:1", "other"),
        ("b", "sa:1", "sa:1"),
        ("c", "arn:1", "arn:1"),
    ] {
        let mut seen = activity(tenant, name);
        let link = Principal {
            id: name.into(),
            kind: Some(PrincipalType::AiAgent),
            ..Principal::default()
        };
        let person = Principal { kind: Some(PrincipalType::User), ..link.clone() };
        seen.delegation = Some(Delegation { chain: vec![person, link], ..Delegation::default() });
        assert_eq!(inventory.enrich(&mut seen), name != id, "{tenant} {name}");
        assert_eq!(seen.agent.id, id);
        let chain: Vec<&str> =
            seen.delegation.iter().flat_map(|d| &d.chain).map(|p| &*p.id).collect();
        assert_eq!(chain, [name, id], "people keep their ids");
        let listed = inventory.find(tenant, name).is_some();
        assert_eq!(seen.agent.blueprint.as_deref(), listed.then_some("clerk"));
        assert_eq!(seen.agent.owner.is_some(), listed);
    }
}

proptest! {
    #[test]
    fn no_name_ever_has_two_agents(
        entries in proptest::collection::vec((0_u8..3, 0_u8..8, proptest::collection::vec(0_u8..8, 0..4)), 1..12),
    ) {
        let mut inventory = Inventory::default();
        let mut owners: BTreeMap<(u8, u8), u8> = BTreeMap::new();
        for (tenant, id, aliases) in entries {
            let text = |name: u8| format!("n{name}");
            let names: Vec<u8> = std::iter::once(id).chain(aliases.iter().copied()).collect();
            let aliases: Vec<String> = aliases.into_iter().map(text).collect();
            let aliases: Vec<&str> = aliases.iter().map(String::as_str).collect();
            let before = inventory.agents().len();
            let free = names.iter().collect::<BTreeSet<_>>().len() == names.len()
                && names.iter().all(|name| !owners.contains_key(&(tenant, *name)));
            let added = inventory.add(entry(&text(tenant), &text(id), &aliases));
            prop_assert_eq!(added.is_ok(), free, "{:?}", added);
            prop_assert_eq!(inventory.agents().len(), before + usize::from(free));
            if free {
                owners.extend(names.into_iter().map(|name| ((tenant, name), id)));
            }
            for ((tenant, name), id) in &owners {
                let found = inventory.find(&text(*tenant), &text(*name)).map(|e| e.agent_id.clone());
                prop_assert_eq!(found, Some(text(*id)));
            }
        }
    }
}

#[test]
fn the_gravest_fact_is_said() {
    let past = time(NOW_MS - DAY_MS);
    let check = |change: &dyn Fn(&mut InventoryEntry), expected: Option<Fact>| {
        let mut listed = entry("a", "bot", &[]);
        change(&mut listed);
        let mut inventory = Inventory::default();
        inventory.add(listed.clone()).unwrap();
        let mut seen = activity("a", "bot");
        seen.delegation = Some(Delegation { purpose: Some("pay".into()), ..Delegation::default() });
        assert_eq!(inventory.standing(&seen).fact, expected, "{listed:?}");
    };
    check(&|_| (), None);
    check(&|e| e.state = AgentState::Retired, Some(Fact::Retired));
    check(&|e| (e.state, e.valid_until) = (AgentState::Retired, past), Some(Fact::Retired));
    check(&|e| (e.state, e.valid_until) = (AgentState::Retired, time(NOW_MS + DAY_MS)), None);
    check(&|e| e.valid_until = past, Some(Fact::Expired));
    check(&|e| e.valid_until = time(NOW_MS - SKEW_MS), None);
    check(&|e| e.valid_from = time(NOW_MS + DAY_MS), Some(Fact::Early));
    check(&|e| e.purposes = vec!["pay".into()], None);
    check(&|e| e.purposes = vec!["reconcile".into()], Some(Fact::OffPurpose));
    check(&|e| (e.valid_until, e.purposes) = (past, vec!["x".into()]), Some(Fact::Expired));
    check(&|e| e.owner = None, Some(Fact::Ownerless));
}

#[test]
fn absence_says_something_only_where_all_are_listed() {
    let mut inventory = Inventory::default();
    assert_eq!(inventory.standing(&activity("a", "stray")).fact, None);
    inventory.add(entry("a", "bot", &[])).unwrap();
    inventory.claim_complete("b".to_owned());
    for (tenant, expected) in [("a", None), ("b", Some(Fact::Unknown)), ("c", None)] {
        assert_eq!(inventory.standing(&activity(tenant, "stray")).fact, expected, "{tenant}");
    }
}

#[test]
fn a_change_is_announced_for_its_version_within_its_times() {
    let mut listed = entry("a", "bot", &[]);
    listed.version = Some("1".to_owned());
    listed.announced_change = Some(AnnouncedChange {
        version: "2".to_owned(),
        from: time(NOW_MS - DAY_MS).unwrap(),
        until: time(NOW_MS).unwrap(),
    });
    let mut inventory = Inventory::default();
    inventory.add(listed).unwrap();
    for (version, ms, announced) in [
        ("2", NOW_MS, true),
        ("2", NOW_MS + 1, false),
        ("2", NOW_MS - DAY_MS - 1, false),
        ("3", NOW_MS, false),
        ("1", NOW_MS, false),
    ] {
        let mut seen = activity("a", "bot");
        seen.time = time(ms).unwrap();
        seen.agent.version = Some(version.into());
        let standing = inventory.standing(&seen);
        assert_eq!(standing.announces(&seen), announced, "{version} at {ms}");
        assert_eq!(standing.is_registered_version(Some(version)), version == "1");
    }
}

proptest! {
    /// Listing, listing anew and taking out, in any order, come to what is listed in the end, listed at once.
    #[test]
    fn an_inventory_is_what_is_listed_in_the_end(
        steps in proptest::collection::vec((0_u8..2, 0_u8..5, proptest::collection::vec(0_u8..8, 0..3), 0_u8..4), 1..40),
    ) {
        let mut inventory = Inventory::default();
        let mut listed: BTreeMap<(String, String), InventoryEntry> = BTreeMap::new();
        for (tenant, id, aliases, kind) in steps {
            let (tenant, id) = (format!("t{tenant}"), format!("n{id}"));
            let at = (tenant.clone(), id.clone());
            if kind == 0 {
                prop_assert_eq!(inventory.remove(&tenant, &id), listed.remove(&at).is_some());
                continue;
            }
            let aliases: Vec<String> = aliases.iter().map(|name| format!("n{name}")).collect();
            let aliases: Vec<&str> = aliases.iter().map(String::as_str).collect();
            let new = entry(&tenant, &id, &aliases);
            let own: BTreeSet<&str> = names(&new).collect();
            let free = own.len() == aliases.len() + 1
                && listed.iter().all(|(of, known)| *of == at || of.0 != tenant || names(known).all(|n| !own.contains(n)));
            let put = inventory.put(new.clone());
            prop_assert_eq!(put.is_ok(), free, "{:?}", put);
            if free {
                listed.insert(at, new);
            }
        }
        let mut at_once = Inventory::default();
        for entry in listed.values().rev() {
            at_once.add(entry.clone()).unwrap();
        }
        prop_assert!(inventory.agents().eq(listed.values()));
        prop_assert!(at_once.agents().eq(listed.values()));
        prop_assert_eq!(inventory.bytes(), at_once.bytes());
        prop_assert_eq!(inventory.names.len(), at_once.names.len());
        for (tenant, name) in (0..2).flat_map(|t| (0..8).map(move |n| (format!("t{t}"), format!("n{n}")))) {
            prop_assert_eq!(inventory.find(&tenant, &name), at_once.find(&tenant, &name));
        }
    }
}

#[test]
fn what_an_inventory_takes_is_bounded_and_given_back() {
    let mut inventory = Inventory::default();
    let long = "x".repeat(2_000);
    let listed = |number: usize| entry("a", &format!("{long}{number}"), &[]);
    let mut fitted = 0;
    while inventory.is_within_bounds() {
        inventory.put(listed(fitted)).unwrap();
        fitted += 1;
    }
    assert!(fitted < INVENTORY_AGENTS_MAX, "by their bytes, {fitted}");
    inventory.claim_complete("a".to_owned());
    for number in 0..fitted {
        inventory.put(listed(number)).unwrap();
        assert!(inventory.remove("a", &format!("{long}{number}")));
    }
    assert!(inventory.unclaim("a") && !inventory.unclaim("a"));
    assert_eq!((inventory.bytes(), inventory.names.len()), (0, 0));
    for number in 0..=INVENTORY_AGENTS_MAX {
        inventory.put(entry("a", &number.to_string(), &[])).unwrap();
    }
    assert!(!inventory.is_within_bounds(), "by their number");
}
