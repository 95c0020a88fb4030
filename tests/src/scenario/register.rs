//! The inventory of a fleet: every agent as its owner registered it, and the claim that these are all. Who leaves is
//! forgotten in it, as it happens: only its silence tells. What incidents contradict is written here, before any engine.

use schemas::EventTime;
use serde_json::{Value, json};

use super::change::{Change, ChangeKind};
use super::incident::{Contradiction, Incident};
use super::population::{Agent, Fleet};
use super::stream::{DAY_MS, START_MS};
use super::work::version_after;

/// How far clocks may differ: a time that is over ends that long before the incident.
const SKEW_MS: i64 = 300_000;

/// A record a line.
pub(super) fn write(fleet: &Fleet, incidents: &[Incident], changes: &[Change]) -> String {
    let claim = json!({"schema": "agent.inventory-complete/1", "tenant_id": "corp"});
    let entries = fleet.agents.iter().map(|agent| entry(agent, incidents, changes));
    std::iter::once(claim).chain(entries).map(|record| format!("{record}\n")).collect()
}

fn entry(agent: &Agent, incidents: &[Incident], changes: &[Change]) -> Value {
    let purposes: Vec<&str> = agent.purposes.iter().map(|purpose| &*purpose.name).collect();
    let mut entry = json!({
        "schema": "agent.inventory/1", "tenant_id": "corp", "agent_id": agent.id, "state": "active",
        "owner": {"id": agent.owner(), "type": "group"}, "blueprint": agent.blueprint.name,
        "purposes": purposes,
        "criticality": if agent.keeps_its_key() { "high" } else { "normal" },
    });
    if agent.since > 0 {
        entry["valid_from"] = time(START_MS + agent.since * DAY_MS);
    }
    let own = incidents.iter().find(|incident| incident.members.contains(&agent.number));
    let over = own.and_then(|incident| Some((incident.contradiction()?, incident.begin_ms)));
    if let Some((contradiction @ (Contradiction::Expired | Contradiction::Retired), begin_ms)) =
        over
    {
        entry["valid_until"] = time(begin_ms - SKEW_MS);
        if contradiction == Contradiction::Retired {
            entry["state"] = "retired".into();
        }
    }
    let announced = changes.iter().find(|change| {
        change.kind == ChangeKind::AnnouncedDeployment && change.members.contains(&agent.number)
    });
    if let Some(change) = announced {
        let deployed = |other: &&Change| {
            let kinds = [ChangeKind::Deployment, ChangeKind::AnnouncedDeployment];
            kinds.contains(&other.kind)
                && other.members.contains(&agent.number)
                && other.day <= change.day
        };
        let deployments = changes.iter().filter(deployed).count();
        let (from, until) = (START_MS + change.day * DAY_MS, START_MS + (change.day + 7) * DAY_MS);
        entry["announced_change"] = json!({
            "version": version_after(agent, from, deployments), "from": time(from), "until": time(until),
        });
    }
    entry
}

fn time(ms: i64) -> Value {
    EventTime::from_millis(ms).expect("scenarios lie in this century").rfc3339().into()
}
