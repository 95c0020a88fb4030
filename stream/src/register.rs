//! Intake of the inventory: registrations under their agents' keys, checked as those of a file are, and signed where authors
//! sign. What holds is saved, and told to every lane by control; what does not goes to the dead letters.

use std::collections::BTreeMap;
use std::sync::Arc;

use alerting::intake::may_register;
use bus::Record;
use config::{Listed, Mistake, read_listed};
use detector::{INVENTORY_AGENTS_MAX, INVENTORY_BYTES_MAX, Inventory, NameTaken};
use lane::{Applied, Counts, Emit};
use schemas::Rejection;
use schemas::inventory::InventoryComplete;
use schemas::reject::{ErrorCode, Stage};

use super::authors::signature;
use super::dead_letter::{quarantined, refused};
use super::setup::Setup;

/// Longest record.
const RECORD_BYTES_MAX: usize = 64 << 10;
/// What the key of a record begins with behind its tenant, in control and in saved state.
const MARK: &str = "~inventory/";

/// The fold of the one partition of the inventory: one order for all tenants, so that a name is given once.
pub struct RegisterStream {
    setup: Arc<Setup>,
    inventory: Inventory,
    touched: BTreeMap<String, Vec<u8>>,
    log_ms: i64,
}

// === impl RegisterStream ===

impl RegisterStream {
    /// A partition that has seen nothing.
    pub fn new(setup: Arc<Setup>) -> Self {
        Self { setup, inventory: Inventory::default(), touched: BTreeMap::new(), log_ms: 0 }
    }

    /// Newest log time.
    pub(super) fn log_ms(&self) -> i64 {
        self.log_ms
    }

    /// Sets the newest log time at a restore.
    pub(super) fn resume(&mut self, log_ms: i64) {
        self.log_ms = log_ms;
    }

    /// What changed of what is registered.
    pub(super) fn touched(&mut self) -> Vec<(String, Vec<u8>)> {
        std::mem::take(&mut self.touched).into_iter().collect()
    }

    /// Restores a record of what is registered.
    pub(super) fn load(&mut self, key: &str, value: &[u8]) -> Result<(), String> {
        let (tenant, agent) = named(key).ok_or("find the key of a registration")?;
        take_up(&mut self.inventory, (tenant, agent), value)
    }

    /// Refuses a record that killed the process.
    pub(super) fn quarantine(&mut self, record: &Record) -> Applied {
        self.log_ms = self.log_ms.max(record.timestamp_ms);
        quarantined(&self.setup, record, self.log_ms)
    }

    /// Takes in one record.
    pub(super) fn apply(&mut self, record: &Record) -> Applied {
        self.log_ms = self.log_ms.max(record.timestamp_ms);
        let counts = Counts { records: 1, activities: 1, ..Counts::default() };
        match self.take(record) {
            Ok(Some((key, value))) => {
                let told = Emit {
                    topic: Arc::clone(&self.setup.names.control),
                    by: key.clone().into_bytes(),
                    key: Some(key.clone().into_bytes()),
                    value: (!value.is_empty()).then(|| value.clone()),
                    headers: Vec::new(),
                    cause_ms: 0,
                };
                self.touched.insert(key, value);
                Applied { counts: Counts { scored: 1, ..counts }, emits: vec![told] }
            }
            Ok(None) => Applied { counts: Counts { duplicate: 1, ..counts }, emits: Vec::new() },
            Err(rejection) => refused(&self.setup, record, self.log_ms, rejection),
        }
    }

    /// Takes a registration or the end of one; gives its record, or nothing where it changes nothing.
    fn take(&mut self, record: &Record) -> Result<Option<(String, Vec<u8>)>, Rejection> {
        let miskeyed = || {
            let message =
                "find the key `<tenant>|<agent id>`, of a claim `<tenant>`, on the record";
            refusal(ErrorCode::Miskeyed, "", message)
        };
        let key = record.key.as_deref().and_then(|key| std::str::from_utf8(key).ok());
        let key = key.ok_or_else(miskeyed)?;
        let signature = signature(record);
        let (tenant, agent) = match key.split_once('|') {
            Some((_, "")) => return Err(miskeyed()),
            Some(named) => named,
            None => (key, ""),
        };
        let saved_key = format!("{tenant}|{MARK}{agent}");
        let authors = &self.setup.authors;
        let Some(bytes) = &record.value else {
            // There is no value to sign: its key is, which no value can be.
            may_register(authors, (key.as_bytes(), signature), tenant)?;
            let ended = remove(&mut self.inventory, (tenant, agent));
            return Ok(ended.then(|| (saved_key, Vec::new())));
        };
        let listed = read(bytes)?;
        let own_key = match &listed {
            Listed::Agent(entry) => format!("{}|{}", entry.tenant_id, entry.agent_id),
            Listed::Complete(claim) => claim.tenant_id.clone(),
        };
        if key != own_key {
            return Err(miskeyed());
        }
        may_register(authors, (bytes, signature), tenant)?;
        let value = self.list(listed)?;
        Ok(value.map(|value| (saved_key, value)))
    }

    /// Registers; gives what is to be saved, or nothing where all of it was known.
    fn list(&mut self, listed: Listed) -> Result<Option<Vec<u8>>, Rejection> {
        let inventory = &mut self.inventory;
        let entry = match listed {
            Listed::Agent(entry) => *entry,
            Listed::Complete(claim) => {
                if inventory.complete().contains(&claim.tenant_id) {
                    return Ok(None);
                }
                let value = written(serde_json::to_vec(&claim))?;
                inventory.claim_complete(claim.tenant_id.clone());
                if !inventory.is_within_bounds() {
                    inventory.unclaim(&claim.tenant_id);
                    return Err(full());
                }
                return Ok(Some(value));
            }
        };
        let before = inventory.agent(&entry.tenant_id, &entry.agent_id).cloned();
        if before.as_ref() == Some(&entry) {
            return Ok(None);
        }
        let value = written(serde_json::to_vec(&entry))?;
        let (tenant, agent) = (entry.tenant_id.clone(), entry.agent_id.clone());
        inventory.put(entry).map_err(|NameTaken { name, .. }| {
            let path = if name == agent { "/agent_id" } else { "/aliases" };
            refusal(ErrorCode::InvalidField, path, "give one name to two agents")
        })?;
        if !inventory.is_within_bounds() {
            inventory.remove(&tenant, &agent);
            // What was listed before fits, and so do its names.
            let _known = before.map(|before| inventory.put(before));
            return Err(full());
        }
        Ok(Some(value))
    }
}

fn written(json: serde_json::Result<Vec<u8>>) -> Result<Vec<u8>, Rejection> {
    json.map_err(|_| refusal(ErrorCode::InvalidJson, "", "write the registration as JSON"))
}

/// Tenant and agent of a record of control or of saved state that says who is registered; no agent in a claim.
pub(super) fn named(key: &str) -> Option<(&str, &str)> {
    let (tenant, rest) = key.split_once('|')?;
    Some((tenant, rest.strip_prefix(MARK)?))
}

/// Takes up a record of control or of saved state; an empty one takes away.
pub(super) fn take_up(
    inventory: &mut Inventory,
    named: (&str, &str),
    value: &[u8],
) -> Result<(), String> {
    if value.is_empty() {
        remove(inventory, named);
        return Ok(());
    }
    match read_listed(value).map_err(|_| "read a registration".to_owned())? {
        Listed::Complete(InventoryComplete { tenant_id, .. }) => {
            inventory.claim_complete(tenant_id)
        }
        // The fold gave the name once it was free. Where compaction took away how it became so, the older record gives way.
        Listed::Agent(entry) => {
            while let Err(NameTaken { by, .. }) = inventory.put((*entry).clone()) {
                if !inventory.remove(&entry.tenant_id, &by) {
                    return Err("give one name to two agents".to_owned());
                }
            }
        }
    }
    Ok(())
}

fn remove(inventory: &mut Inventory, (tenant, agent): (&str, &str)) -> bool {
    if agent.is_empty() { inventory.unclaim(tenant) } else { inventory.remove(tenant, agent) }
}

fn read(bytes: &[u8]) -> Result<Listed, Rejection> {
    if bytes.is_empty() {
        return Err(refusal(ErrorCode::EmptyValue, "", "find a value; null ends a registration"));
    }
    if bytes.len() > RECORD_BYTES_MAX {
        return Err(refusal(ErrorCode::TooLarge, "", "accept more than 64 KiB"));
    }
    read_listed(bytes).map_err(|mistakes| {
        let is_text = std::str::from_utf8(bytes).is_ok();
        let first = mistakes.first().map(|(mistake, _)| of_mistake(mistake, is_text));
        first.unwrap_or_else(|| refusal(ErrorCode::InvalidJson, "", "read a registration"))
    })
}

/// A mistake as a refusal. Of what the record holds nothing is told but where it stands.
fn of_mistake(mistake: &Mistake, is_text: bool) -> Rejection {
    let pointer = |field: &str| format!("/{}", field.replace('.', "/"));
    match mistake {
        Mistake::Json(_) if is_text => {
            refusal(ErrorCode::InvalidJson, "", "read it as a JSON object")
        }
        Mistake::Json(_) => refusal(ErrorCode::InvalidUtf8, "", "read it as UTF-8"),
        Mistake::Missing(field) => {
            refusal(ErrorCode::MissingField, &pointer(field), "find a field that is needed")
        }
        Mistake::Invalid { field, wanted } if field == "schema" => {
            let message = format!("understand another schema than {wanted}");
            refusal(ErrorCode::UnsupportedSchema, "/schema", &message)
        }
        Mistake::Invalid { field, wanted } => {
            let message = format!("accept anything but {wanted}");
            refusal(ErrorCode::InvalidField, &pointer(field), &message)
        }
        Mistake::Order { earlier, later } => {
            let message = format!("accept `{later}` before `{earlier}`");
            refusal(ErrorCode::InvalidField, "", &message)
        }
        Mistake::Unknown(_) | Mistake::Twice(_) | Mistake::Taken { .. } => {
            refusal(ErrorCode::InvalidField, "", "know all of its fields")
        }
    }
}

fn full() -> Rejection {
    let mib = INVENTORY_BYTES_MAX >> 20;
    let message = format!("keep more than {INVENTORY_AGENTS_MAX} agents or {mib} MiB of them");
    refusal(ErrorCode::TooLarge, "", &message)
}

fn refusal(code: ErrorCode, path: &str, message: &str) -> Rejection {
    let (path, message) = (path.to_owned(), message.to_owned());
    Rejection { code, stage: Stage::Validate, path, message }
}
