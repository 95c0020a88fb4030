//! The inventory in force: who is registered, under which names, and what that says of an activity. It is given, not
//! learned: no agent's record holds any of it. Where nothing is listed, it says nothing. What it holds of a set of agents
//! does not depend on the order in which they were listed.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use baseline::hash;
use schemas::activity::{Activity, Principal};
use schemas::choice::PrincipalType;
use schemas::inventory::{AgentState, AnnouncedChange, InventoryEntry, Owner};

/// How far clocks may differ, in milliseconds.
const SKEW_MS: i64 = 300_000;

/// Most agents and claims of an inventory that changes while it is in use.
pub const INVENTORY_AGENTS_MAX: usize = 250_000;
/// Most bytes of one.
pub const INVENTORY_BYTES_MAX: usize = 128 << 20;
/// What an agent takes beside its texts, and what a name or a purpose does, about.
const ENTRY_BYTES: usize = 512;
const TEXT_BYTES: usize = 64;

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
    /// By `<tenant>|<agent>`.
    agents: BTreeMap<Box<str>, Arc<InventoryEntry>>,
    /// Names by their hash; those that collide stand side by side.
    names: BTreeMap<u64, Vec<Name>>,
    /// Tenants whose agents are all listed.
    complete: BTreeSet<String>,
    hash: String,
    bytes: usize,
}

#[derive(Clone, Debug)]
struct Name {
    /// Which of its agent's: the id, then the aliases.
    number: usize,
    agent: Arc<InventoryEntry>,
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

fn agent_key(tenant_id: &str, agent_id: &str) -> Box<str> {
    format!("{tenant_id}|{agent_id}").into_boxed_str()
}

/// All names of an agent, its id first.
fn names(entry: &InventoryEntry) -> impl Iterator<Item = &str> {
    std::iter::once(&entry.agent_id).chain(&entry.aliases).map(String::as_str)
}

/// The same on every machine: what is refused depends on it.
fn bytes_of(entry: &InventoryEntry) -> usize {
    let InventoryEntry { schema, tenant_id, blueprint, purposes, owner, version, .. } = entry;
    let owner = owner.iter().flat_map(|owner| {
        [Some(&owner.id), owner.issuer.as_ref(), owner.name.as_ref()].into_iter().flatten()
    });
    let change = entry.announced_change.as_ref().map(|change| &change.version);
    // The tenant and the id stand in the key of the agent, too.
    let single = [schema, tenant_id, tenant_id, &entry.agent_id].into_iter();
    let texts = single.chain(blueprint).chain(version).chain(change).chain(owner).chain(purposes);
    let texts = texts.map(String::as_str).chain(names(entry));
    ENTRY_BYTES + texts.map(|text| TEXT_BYTES + text.len()).sum::<usize>()
}

// === impl Name ===

impl Name {
    fn text(&self) -> &str {
        names(&self.agent).nth(self.number).unwrap_or_default()
    }
}

// === impl Inventory ===

impl Inventory {
    /// Lists an agent, whole or not at all.
    pub fn add(&mut self, entry: InventoryEntry) -> Result<(), NameTaken> {
        let listed = self.agents.contains_key(&*agent_key(&entry.tenant_id, &entry.agent_id));
        if listed {
            return Err(NameTaken { name: entry.agent_id.clone(), by: entry.agent_id });
        }
        self.put(entry)
    }

    /// Lists an agent in place of what was listed of it before, whole or not at all.
    pub fn put(&mut self, entry: InventoryEntry) -> Result<(), NameTaken> {
        for (number, name) in names(&entry).enumerate() {
            let other = self.find(&entry.tenant_id, name).map(|other| &other.agent_id);
            let is_twice = names(&entry).take(number).any(|earlier| earlier == name);
            if let Some(by) = other.filter(|other| **other != entry.agent_id) {
                return Err(NameTaken { name: name.to_owned(), by: by.clone() });
            }
            if is_twice {
                return Err(NameTaken { name: name.to_owned(), by: entry.agent_id.clone() });
            }
        }
        self.remove(&entry.tenant_id, &entry.agent_id);
        self.bytes += bytes_of(&entry);
        let entry = Arc::new(entry);
        for (number, name) in names(&entry).enumerate() {
            let named = Name { number, agent: Arc::clone(&entry) };
            self.names.entry(key(&entry.tenant_id, name)).or_default().push(named);
        }
        self.agents.insert(agent_key(&entry.tenant_id, &entry.agent_id), entry);
        Ok(())
    }

    /// Lists an agent no longer; whether it was listed.
    pub fn remove(&mut self, tenant_id: &str, agent_id: &str) -> bool {
        let Some(entry) = self.agents.remove(&*agent_key(tenant_id, agent_id)) else {
            return false;
        };
        self.bytes -= bytes_of(&entry);
        for name in names(&entry) {
            let hash = key(tenant_id, name);
            let Some(named) = self.names.get_mut(&hash) else { continue };
            named.retain(|known| !Arc::ptr_eq(&known.agent, &entry));
            if named.is_empty() {
                self.names.remove(&hash);
            }
        }
        true
    }

    /// Takes the claim that all agents of a tenant are listed.
    pub fn claim_complete(&mut self, tenant_id: String) {
        let bytes = TEXT_BYTES + tenant_id.len();
        self.bytes += if self.complete.insert(tenant_id) { bytes } else { 0 };
    }

    /// Takes it back; whether it was claimed.
    pub fn unclaim(&mut self, tenant_id: &str) -> bool {
        let was_claimed = self.complete.remove(tenant_id);
        self.bytes -= if was_claimed { TEXT_BYTES + tenant_id.len() } else { 0 };
        was_claimed
    }

    /// About how many bytes of memory it takes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether it holds no more than one may that changes while it is in use.
    pub fn is_within_bounds(&self) -> bool {
        self.agents.len() + self.complete.len() <= INVENTORY_AGENTS_MAX
            && self.bytes <= INVENTORY_BYTES_MAX
    }

    /// Names what it was read from.
    pub fn set_hash(&mut self, hash: String) {
        self.hash = hash;
    }

    /// Hash of what it was read from; empty where there is none.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// Every agent listed, by tenant and id.
    pub fn agents(&self) -> impl ExactSizeIterator<Item = &InventoryEntry> {
        self.agents.values().map(|agent| &**agent)
    }

    /// An agent by its own id.
    pub fn agent(&self, tenant_id: &str, agent_id: &str) -> Option<&InventoryEntry> {
        self.agents.get(&*agent_key(tenant_id, agent_id)).map(|agent| &**agent)
    }

    /// Tenants whose agents are all listed.
    pub fn complete(&self) -> &BTreeSet<String> {
        &self.complete
    }

    /// The agent of a name.
    pub fn find(&self, tenant_id: &str, name: &str) -> Option<&InventoryEntry> {
        let mut named = self.names.get(&key(tenant_id, name))?.iter();
        let found = named.find(|known| known.text() == name && known.agent.tenant_id == tenant_id);
        found.map(|known| &*known.agent)
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
