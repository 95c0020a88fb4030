//! The trust of an agent as the trust topic tells it: now, an actor each, and every record that is still there.

use std::collections::BTreeMap;
use std::fmt::Write;

use bus::{Bus, BusError};
use schemas::trust::{TRUST_SCHEMA, TrustReason, TrustRecord};
use stream::Topic;

use crate::log::Console;
use crate::terminal::clean;

// === impl Console ===

impl<B: Bus> Console<B> {
    /// Every trust record of an agent that is still there, also those that mode `shadow` kept back, by actor and sequence.
    /// The topic is compacted: older ones go. With a tenant one partition is read, else all.
    pub fn trust(&self, agent: &str, tenant: Option<&str>) -> Result<Vec<TrustRecord>, BusError> {
        let key = tenant.map(|tenant| format!("{tenant}|{agent}"));
        let mut found: BTreeMap<_, TrustRecord> = BTreeMap::new();
        for topic in [Topic::Trust, Topic::Shadow] {
            self.each(topic, key.as_deref(), |record| {
                // The shadow topic holds more than trust.
                let value = record.value.as_deref().unwrap_or_default();
                let Ok(trust) = serde_json::from_slice::<TrustRecord>(value) else { return };
                let is_asked = trust.schema == TRUST_SCHEMA
                    && trust.agent_id == agent
                    && tenant.is_none_or(|tenant| tenant == trust.tenant_id);
                if is_asked {
                    let actor = (trust.tenant_id.clone(), trust.authority);
                    found.insert((actor, trust.sequence), trust);
                }
            })?;
        }
        Ok(found.into_values().collect())
    }
}

/// The newest of each actor, of records by actor and sequence.
pub(crate) fn newest(records: &[TrustRecord]) -> Vec<&TrustRecord> {
    let of = |record: &TrustRecord| (record.tenant_id.clone(), record.authority);
    let by_actor: BTreeMap<_, _> = records.iter().map(|record| (of(record), record)).collect();
    by_actor.into_values().collect()
}

/// The trust of an actor for people, in a few lines.
pub(crate) fn trust_text(trust: &TrustRecord) -> String {
    let (authority, level) = (trust.authority.as_str(), trust.level.as_str());
    let mut out = format!(
        "{} of {} ({authority})\n  trust  {:.1}, {level}\n  since  {}, because of {}\n",
        clean(&trust.agent_id),
        clean(&trust.tenant_id),
        trust.score,
        trust.time.rfc3339(),
        because(trust),
    );
    if let Some(next) = trust.next_level {
        let (level, from) = (next.level.as_str(), next.not_before.rfc3339());
        let _infallible = writeln!(out, "  next   {level}, not before {from}");
    }
    let recommended = trust.recommended.unwrap_or_default();
    if let Some(seconds) = recommended.max_token_lifetime_seconds {
        let _infallible = writeln!(out, "  tokens at most {seconds} s");
    }
    if recommended.require_human_approval == Some(true) {
        out.push_str("  a person should approve\n");
    }
    if let Some(until) = trust.valid_until {
        let _infallible = writeln!(out, "  valid  until {}", until.rfc3339());
    }
    out
}

/// A trust record of a history, in a line.
pub(crate) fn step_text(trust: &TrustRecord) -> String {
    let from = trust.previous.map_or_else(String::new, |before| format!("{:.1} -> ", before.score));
    format!(
        "{}  {}  {:<10}  {from}{:.1} {}, because of {}\n",
        trust.time.rfc3339(),
        clean(&trust.tenant_id),
        trust.authority.as_str(),
        trust.score,
        trust.level.as_str(),
        because(trust),
    )
}

/// Why a record was written, with the signals and alerts that moved trust.
fn because(trust: &TrustRecord) -> String {
    let reason = match trust.reason {
        TrustReason::Bootstrap => "its first activity",
        TrustReason::Evidence => "evidence",
        TrustReason::Decay => "idle time",
        TrustReason::Recovery => "clean active time",
        TrustReason::Override => "what a person said",
        TrustReason::ConfigChange => "a change of the config",
    };
    let named = trust.contributors.iter().map(|one| match &one.alert_id {
        Some(alert) => format!("{} (alert {})", clean(&one.signal), clean(alert)),
        None => clean(&one.signal),
    });
    let named: Vec<String> = named.collect();
    if named.is_empty() { reason.to_owned() } else { format!("{reason}: {}", named.join(", ")) }
}
