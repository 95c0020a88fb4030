//! The inventory in force: who is registered, under which names, and what that says of an activity. It is given, not
//! learned: no agent's record holds any of it. Where nothing is listed, it says nothing.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use baseline::hash;
use schemas::activity::{Activity, Principal};
use schemas::choice::PrincipalType;
use schemas::inventory::{AgentState, AnnouncedChange, InventoryEntry, Owner};

/// How far clocks may differ, in milliseconds.
const SKEW_MS: i64 = 300_000;

/// A name that another agent has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameTaken {
    /// The name.
    pub name: String,
    /// Id of the agent that has it; the same where an agent is listed twice.
    pub by: String,
}

/// The agents of all tenants, by any of their names.
#[derive(Clone, Debug, Default)]
pub struct Inventory {
    agents: Vec<InventoryEntry>,
    /// Names by their hash; those that collide stand side by side.
    names: BTreeMap<u64, Vec<Name>>,
    /// Tenants whose agents are all listed.
    complete: BTreeSet<String>,
    hash: String,
}

#[derive(Clone, Debug)]
struct Name {
    text: String,
    place: usize,
}

/// What an inventory says against an activity, the gravest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fact {
    /// The agent is out of use.
    Retired,
    /// No agent of this name is listed, and all are.
    Unknown,
    /// The agent's time is over.
    Expired,
    /// The agent's time has not begun.
    Early,
    /// Its purposes are declared, and this is none of them.
    OffPurpose,
    /// Nobody is accountable for it.
    Ownerless,
}

/// What the inventory says of an activity.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Standing<'a> {
    pub(crate) entry: Option<&'a InventoryEntry>,
    pub(crate) fact: Option<Fact>,
}

fn key(tenant_id: &str, name: &str) -> u64 {
    hash::pair(hash::text(0, tenant_id), hash::text(0, name))
}

// === impl Inventory ===

impl Inventory {
    /// Lists an agent, whole or not at all.
    pub fn add(&mut self, entry: InventoryEntry) -> Result<(), NameTaken> {
        let names: Vec<String> =
            std::iter::once(&entry.agent_id).chain(&entry.aliases).cloned().collect();
        for (number, name) in names.iter().enumerate() {
            let by = match self.find(&entry.tenant_id, name) {
                Some(other) => other.agent_id.clone(),
                None if names.iter().take(number).any(|earlier| earlier == name) => {
                    entry.agent_id.clone()
                }
                None => continue,
            };
            return Err(NameTaken { name: name.clone(), by });
        }
        for text in names {
            let name = Name { place: self.agents.len(), text };
            self.names.entry(key(&entry.tenant_id, &name.text)).or_default().push(name);
        }
        self.agents.push(entry);
        Ok(())
    }

    /// Takes the claim that all agents of a tenant are listed.
    pub fn claim_complete(&mut self, tenant_id: String) {
        self.complete.insert(tenant_id);
    }

    /// Names what it was read from.
    pub fn set_hash(&mut self, hash: String) {
        self.hash = hash;
    }

    /// Hash of what it was read from; empty where there is none.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// Every agent listed, in order.
    pub fn agents(&self) -> &[InventoryEntry] {
        &self.agents
    }

    /// Tenants whose agents are all listed.
    pub fn complete(&self) -> &BTreeSet<String> {
        &self.complete
    }

    /// The agent of a name.
    pub fn find(&self, tenant_id: &str, name: &str) -> Option<&InventoryEntry> {
        let mut named =
            self.names.get(&key(tenant_id, name))?.iter().filter(|known| known.text == name);
        named.find_map(|known| {
            self.agents.get(known.place).filter(|agent| agent.tenant_id == tenant_id)
        })
    }

    /// Gives an activity the id, blueprint and owner that its agent is registered with, and so the links of its chain.
    /// Whether its id was an alias.
    pub fn enrich(&self, activity: &mut Activity<'_>) -> bool {
        if self.agents.is_empty() {
            return false;
        }
        let tenant_id = &activity.tenant_id;
        let links = activity.delegation.iter_mut().flat_map(|delegation| &mut delegation.chain);
        for link in links.filter(|link| link.kind == Some(PrincipalType::AiAgent)) {
            if let Some(entry) = self.find(tenant_id, &link.id).filter(|e| e.agent_id != link.id) {
                link.id = Cow::Owned(entry.agent_id.clone());
            }
        }
        let Some(entry) = self.find(tenant_id, &activity.agent.id) else { return false };
        let agent = &mut activity.agent;
        if let Some(blueprint) = &entry.blueprint {
            agent.blueprint = Some(Cow::Owned(blueprint.clone()));
        }
        if let Some(owner) = &entry.owner {
            agent.owner = Some(principal(owner));
        }
        let is_alias = agent.id != entry.agent_id;
        if is_alias {
            agent.id = Cow::Owned(entry.agent_id.clone());
        }
        is_alias
    }

    /// What is said of an activity.
    pub(crate) fn standing(&self, activity: &Activity<'_>) -> Standing<'_> {
        if self.agents.is_empty() && self.complete.is_empty() {
            return Standing::default();
        }
        let tenant_id = &*activity.tenant_id;
        let entry = self.find(tenant_id, &activity.agent.id);
        let fact = match entry {
            Some(entry) => against(entry, activity),
            None => self.complete.contains(tenant_id).then_some(Fact::Unknown),
        };
        Standing { entry, fact }
    }
}

fn principal(owner: &Owner) -> Principal<'static> {
    let text = |text: &Option<String>| text.clone().map(Cow::Owned);
    Principal {
        id: Cow::Owned(owner.id.clone()),
        issuer: text(&owner.issuer),
        kind: owner.kind,
        name: text(&owner.name),
    }
}

/// The gravest that an entry has against an activity.
fn against(entry: &InventoryEntry, activity: &Activity<'_>) -> Option<Fact> {
    let ms = activity.time.millis();
    let is_over = entry.valid_until.is_some_and(|until| until.millis() + SKEW_MS < ms);
    let is_early = entry.valid_from.is_some_and(|from| ms < from.millis() - SKEW_MS);
    let is_declared = |purpose: &str| entry.purposes.iter().any(|declared| declared == purpose);
    match entry.state {
        AgentState::Retired if is_over || entry.valid_until.is_none() => Some(Fact::Retired),
        _ if is_over => Some(Fact::Expired),
        _ if is_early => Some(Fact::Early),
        _ if !entry.purposes.is_empty() && activity.purpose().is_some_and(|p| !is_declared(p)) => {
            Some(Fact::OffPurpose)
        }
        _ => (activity.agent.owner.is_none() && entry.owner.is_none()).then_some(Fact::Ownerless),
    }
}

// === impl Standing ===

impl<'a> Standing<'a> {
    /// The announced change that an activity runs, whenever it is.
    pub(crate) fn change(&self, activity: &Activity<'_>) -> Option<&'a AnnouncedChange> {
        let change = self.entry?.announced_change.as_ref();
        change.filter(|change| activity.agent.version.as_deref() == Some(&*change.version))
    }

    /// Whether what begins with this activity was announced: within the times of a change, or as the version that the
    /// agent is registered with.
    pub(crate) fn announces(&self, activity: &Activity<'_>) -> bool {
        let ms = activity.time.millis();
        let within = |c: &AnnouncedChange| (c.from.millis()..=c.until.millis()).contains(&ms);
        self.change(activity).is_some_and(within)
    }

    /// Whether a version is the one that the agent is registered with.
    pub(crate) fn is_registered_version(&self, version: Option<&str>) -> bool {
        let registered = self.entry.and_then(|entry| entry.version.as_deref());
        registered.is_some() && registered == version
    }
}

#[cfg(test)]
mod tests;
