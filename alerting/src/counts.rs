//! What the respond fold counts, for metrics. Nothing is decided by it.

use baseline::shared::SharedCounts;

use crate::coordination::CoordinationCounts;
use crate::epochs::EpochCounts;

/// What the fold holds and did since its start, for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RespondCounts {
    /// Tenants.
    pub tenants: u64,
    /// Actors with findings.
    pub cases: u64,
    /// Alerts that are not closed.
    pub open_alerts: u64,
    /// Incidents that are not closed.
    pub open_incidents: u64,
    /// Events that joined the alert of another actor.
    pub joined: u64,
    /// Alerts that others of their blueprint may join.
    pub joinable: u64,
    /// Cases of idle actors that left.
    pub cases_evicted: u64,
    /// Requests that were made or wait.
    pub requests: u64,
    /// Requests that wait for a person.
    pub requests_waiting: u64,
    /// Requests that left for lack of room.
    pub requests_evicted: u64,
    /// Updates of open alerts that were not told, within the interval.
    pub updates_withheld: u64,
    /// Links between delegators and delegates that left for lack of room.
    pub links_evicted: u64,
    /// Silences in force.
    pub silences: u64,
    /// Events that would have alerted, and were silent.
    pub silenced: u64,
    /// Policies whose condition needed what was not known, at each decision.
    pub policy_errors: u64,
    /// What agents met for the first time.
    pub coordination: CoordinationCounts,
    /// Epochs on their way into the tables.
    pub epochs: EpochCounts,
    /// The shared tables of all tenants.
    pub tables: SharedCounts,
}
