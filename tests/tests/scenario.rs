//! The scenarios and their accounting: events are valid and the same each time, incidents and changes do what they
//! say and nothing else, and figures fail for engines that alert on everything or never. No engine runs here.

use std::collections::{BTreeMap, BTreeSet};

use config::read_inventory;
use detector::Inventory;
use tests::quality::{Figures, GRACE_MS, Raised, Seen, judge};
use tests::scenario::{Call, ChangeKind, IncidentKind, Scenario, Size, With};

const SMALL: Size = Size { days: 60, share: 0.2 };
const USUAL: With = With { incidents: false, changes: false };
const ALL: With = With { incidents: true, changes: true };

fn calls(scenario: &Scenario, with: With) -> Vec<Call> {
    scenario.stream(with).flatten().collect()
}

/// What a stream has that another has not, by id.
fn beyond<'a>(more: &'a [Call], than: &[Call]) -> Vec<&'a Call> {
    let known: BTreeMap<&str, &Call> = than.iter().map(|call| (call.id.as_str(), call)).collect();
    more.iter().filter(|call| known.get(call.id.as_str()) != Some(call)).collect()
}

#[test]
fn every_event_keeps_the_schema_and_its_place_in_time() {
    let schema = tests::workspace_root().join("schemas/json/agent.activity-1.schema.json");
    let schema = std::fs::read(schema).expect("the schema is committed");
    let schema = serde_json::from_slice(&schema).expect("JSON");
    let schema = jsonschema::validator_for(&schema).expect("a schema");
    let scenario = Scenario::new(3, SMALL);
    let calls = calls(&scenario, ALL);
    assert!(calls.len() > 50_000, "{}", calls.len());
    assert!(calls.is_sorted_by_key(|call| call.ms));
    let ids: BTreeSet<&str> = calls.iter().map(|call| call.id.as_str()).collect();
    assert_eq!(ids.len(), calls.len(), "an id twice");
    // Every call in the open, and each hundredth of the rest.
    let mut line = Vec::new();
    for call in calls
        .iter()
        .enumerate()
        .filter(|(place, call)| place.is_multiple_of(100) || call.id.contains('r'))
    {
        let value = call.1.value();
        assert!(schema.is_valid(&value), "{value}");
        line.clear();
        call.1.write(&mut line);
        assert_eq!(tests::activity(line.trim_ascii_end()).id, call.1.id);
    }
}

#[test]
fn a_seed_gives_the_same_stream_and_another_seed_another() {
    let stream = |seed| calls(&Scenario::new(seed, SMALL), ALL);
    assert_eq!(stream(1), stream(1));
    assert_ne!(stream(1), stream(2));
}

#[test]
fn incidents_change_only_their_agents_within_their_windows() {
    let scenario = Scenario::new(3, SMALL);
    let (usual, hurt) =
        (calls(&scenario, USUAL), calls(&scenario, With { incidents: true, ..USUAL }));
    let drifting = |call: &Call| {
        let drifts = scenario.incidents().iter().filter(|i| i.kind == IncidentKind::Drift);
        drifts.into_iter().any(|i| i.agents.contains(&call.agent) && call.ms >= i.begin_ms)
    };
    for call in beyond(&hurt, &usual).into_iter().filter(|call| !drifting(call)) {
        let within = |i: &&tests::scenario::Incident| {
            i.agents.contains(&call.agent) && (i.begin_ms..=i.end_ms).contains(&call.ms)
        };
        assert!(scenario.incidents().iter().any(|i| within(&i)), "{call:?}");
    }
    for call in beyond(&usual, &hurt) {
        assert!(drifting(call), "{call:?} is gone");
    }
}

/// Whether a call is of nobody who is listed, after its agent's time, or for a purpose that is not declared.
fn contradicts(inventory: &Inventory, call: &Call) -> bool {
    let Some(entry) = inventory.find("corp", &call.agent) else { return true };
    entry.valid_until.is_some_and(|until| until.millis() < call.ms)
        || entry.valid_from.is_some_and(|from| call.ms < from.millis())
        || !entry.purposes.contains(&call.purpose)
}

#[test]
fn each_kind_of_incident_shows_in_its_calls() {
    let scenario = Scenario::new(3, SMALL);
    let (usual, hurt) =
        (calls(&scenario, USUAL), calls(&scenario, With { incidents: true, ..USUAL }));
    let added = beyond(&hurt, &usual);
    let inventory = read_inventory(&scenario.inventory()).unwrap();
    for call in &usual {
        let about = scenario.incidents().iter().find(|i| i.agents.contains(&call.agent));
        let goes_on =
            about.is_some_and(|i| i.kind == IncidentKind::Inventory && i.begin_ms <= call.ms);
        assert!(goes_on || !contradicts(&inventory, call), "{call:?}");
    }
    let usual_hosts: BTreeSet<&str> = usual.iter().map(|call| call.host.as_str()).collect();
    let hours = |agent: &str| -> BTreeSet<i64> {
        let own = usual.iter().filter(|call| call.agent == agent);
        own.map(|call| call.ms / 3_600_000 % 168).collect()
    };
    for incident in scenario.incidents() {
        let own: Vec<&&Call> =
            added.iter().filter(|call| incident.agents.contains(&call.agent)).collect();
        assert!(!own.is_empty(), "{incident:?} has no calls");
        let some = |is: &dyn Fn(&Call) -> bool| own.iter().any(|call| is(call));
        let shows = match incident.kind {
            IncidentKind::Destination | IncidentKind::Coordination => {
                some(&|call| !usual_hosts.contains(call.host.as_str()))
            }
            IncidentKind::Network => some(&|call| call.source.anonymizer != "none"),
            IncidentKind::Resource => some(&|call| call.classification == "restricted"),
            IncidentKind::Volume => some(&|call| call.bytes_in.max(call.bytes_out) > 20_000),
            IncidentKind::Sequence | IncidentKind::Purpose => own.len() >= 3,
            IncidentKind::Rate => own.len() == 300,
            IncidentKind::FanOut => {
                own.iter().filter(|c| c.resource.contains("/2000")).count() == 60
            }
            IncidentKind::Hours => {
                let known = hours(&incident.agents[0]);
                incident.undetectable.is_some()
                    || some(&|call| !known.contains(&(call.ms / 3_600_000 % 168)))
            }
            IncidentKind::Dormancy => {
                let before = usual.iter().filter(|call| call.agent == incident.agents[0]);
                before.map(|call| call.ms).max() < Some(incident.begin_ms - 14 * 86_400_000)
            }
            IncidentKind::Failure => own.iter().filter(|c| c.result == "denied").count() >= 25,
            IncidentKind::Authority => {
                some(&|call| call.user.is_none() || call.user.as_deref() == Some("board-member-1"))
            }
            IncidentKind::Credential => {
                let known: BTreeSet<_> = usual
                    .iter()
                    .filter(|call| call.agent == incident.agents[0])
                    .map(|call| &call.credential)
                    .collect();
                some(&|call| !known.contains(&call.credential))
            }
            IncidentKind::Inventory => some(&|call| contradicts(&inventory, call)),
            IncidentKind::Epoch => some(&|call| call.version == "0.0.1-dev"),
            IncidentKind::Drift => own.len() > 5,
        };
        assert!(shows, "{incident:?}");
    }
    let kinds: BTreeSet<_> = scenario.incidents().iter().map(|incident| incident.kind).collect();
    assert_eq!(kinds.len(), IncidentKind::ALL.len());
}

#[test]
fn changes_concern_only_their_groups_from_their_day_on() {
    let scenario = Scenario::new(3, SMALL);
    let (usual, changed) =
        (calls(&scenario, USUAL), calls(&scenario, With { changes: true, ..USUAL }));
    let kinds: BTreeSet<_> = scenario.changes().iter().map(|change| change.kind).collect();
    assert!(kinds.len() >= 9, "{kinds:?}");
    for call in beyond(&changed, &usual).into_iter().chain(beyond(&usual, &changed)) {
        let concerned = scenario.changes().iter().any(|change| {
            change.groups.iter().any(|(_, agents)| agents.contains(&call.agent))
                && change.window_ms().0 <= call.ms
        });
        assert!(concerned, "{call:?}");
    }
    let storm = scenario.changes().iter().find(|change| change.kind == ChangeKind::RetryStorm);
    let (from, to) = storm.expect("a retry storm").window_ms();
    let failures = |calls: &[Call]| {
        let within = calls.iter().filter(|call| (from..to).contains(&call.ms));
        within.filter(|call| call.result == "failure").count()
    };
    assert!(failures(&changed) > failures(&usual) + 10);
}

/// An engine that alerts on these calls, each alert of a day.
fn engine(scenario: &Scenario, calls: &[Call], alerts_on: impl Fn(&Call) -> Vec<i64>) -> Seen {
    let mut seen = Seen { n_scored: calls.len() as u64, ..Seen::default() };
    for call in calls {
        let mode = if call.user.is_some() { "delegated" } else { "autonomous" };
        seen.actors.entry((call.agent.clone(), mode.to_owned())).or_insert(call.ms);
        let times_ms = alerts_on(call);
        if let Some(opened_ms) = times_ms.first().copied() {
            let signal = "drift".to_owned();
            seen.alerts.push(Raised {
                agent: call.agent.clone(),
                signal,
                opened_ms,
                times_ms: [(call.agent.clone(), times_ms)].into(),
            });
        }
    }
    assert!(scenario.end_ms() > 0);
    seen
}

fn figures(scenario: &Scenario, seen: &Seen) -> Figures {
    judge(scenario, &[(0.1, seen), (1.0, seen), (10.0, seen)], seen)
}

#[test]
fn alerting_on_everything_never_and_without_end_all_fail() {
    let scenario = Scenario::new(3, SMALL);
    let calls = calls(&scenario, ALL);
    let everything = figures(&scenario, &engine(&scenario, &calls, |call| vec![call.ms]));
    assert!(everything.share_found() > 0.99, "{}", everything.share_found());
    let enough = |figures: &Figures, start: &str| {
        let criteria = figures.criteria();
        criteria.into_iter().find(|(what, ..)| what.starts_with(start)).expect(start).2
    };
    for budget in ["0.1", "1", "10"] {
        assert!(everything.ratio(budget)[0] > 1.3, "{budget}: {:?}", everything.ratio(budget));
        assert!(!enough(&everything, &format!("realised / budget at {budget},")));
    }
    let tallies = everything.detection.values();
    let (quiet, all) =
        tallies.fold((0, 0), |(found, all), t| (found + t.quiet_found, all + t.quiet));
    assert!(quiet * 2 > all, "quiet windows give it away: {quiet} of {all}");

    let never = figures(&scenario, &engine(&scenario, &calls, |_| Vec::new()));
    assert!(!enough(&never, "detectable") && !enough(&never, "drifts"));
    assert!(
        ["0.1", "1", "10"].iter().all(|b| !enough(&never, &format!("realised / budget at {b},")))
    );

    // One alert of each agent that opens with its first event and never closes.
    let mut begun = BTreeMap::new();
    for call in &calls {
        begun.entry(call.agent.as_str()).or_insert_with(Vec::new).push(call.ms);
    }
    let endless = engine(&scenario, &calls, |call| {
        let times = &begun[call.agent.as_str()];
        if times[0] == call.ms { times.clone() } else { Vec::new() }
    });
    let endless = figures(&scenario, &endless);
    assert!(endless.share_found() < 0.1, "{}", endless.share_found());
}

#[test]
fn an_engine_that_knows_the_labels_finds_all_and_raises_nothing_else() {
    let scenario = Scenario::new(3, SMALL);
    let calls = calls(&scenario, ALL);
    let knows = |call: &Call| {
        let within = scenario.incidents().iter().any(|incident| {
            incident.agents.contains(&call.agent)
                && (incident.begin_ms..=incident.end_ms + GRACE_MS).contains(&call.ms)
        });
        if within { vec![call.ms] } else { Vec::new() }
    };
    let figures = figures(&scenario, &engine(&scenario, &calls, knows));
    assert!(figures.share_found() > 0.999 && figures.share_of_drifts() > 0.999);
    assert_eq!(figures.ratio("1"), [0.0, 0.0]);
    assert_eq!(figures.detection.values().map(|tally| tally.quiet_found).sum::<usize>(), 0);
    assert!(figures.missed.is_empty());
}
