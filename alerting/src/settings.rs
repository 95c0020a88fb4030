//! Settings of the respond fold: plain data. They are validated where config is read, not here.

use crate::budget;
use crate::policy::{self, Fail, Mode, Policy, PolicySet};
use crate::set::SetSettings;

/// How many agents of a tenant may be revoked automatically within an hour: the larger of both.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BreakerSettings {
    /// Agents per hour of log time.
    pub agents_per_hour: u32,
    /// Share of the tenant's seen agents per hour of log time.
    pub share_per_hour: f64,
}

/// Settings of the respond fold.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// What leaves, and how binding it is.
    pub mode: Mode,
    /// Budget of alert openings; an event alerts from a return period of 1 / budget on.
    pub alerts_per_actor_month: f64,
    /// Budget of automatic revocations; counted in return periods like alerts.
    pub revocations_per_actor_month: f64,
    /// Budget of alerts about many agents at once, per tenant and month.
    pub fleet_alerts_per_month: f64,
    /// Whether the signal `coordination` alerts; else it only learns.
    pub coordination: bool,
    /// Version of the program.
    pub program: String,
    /// Name of the product in alerts.
    pub product: String,
    /// Name of the vendor in alerts.
    pub vendor: String,
    /// Agents that are never revoked automatically, by id.
    pub protected: Vec<String>,
    /// Policies in order, the built-in ladder last.
    pub policies: Vec<Policy>,
    /// What holds at the decision point where trust is too old and no policy says otherwise.
    pub fail: Fail,
    /// Limit on automatic revocations of a tenant.
    pub breaker: BreakerSettings,
    /// An alert that stays open and says nothing new is told again at most once in that time, in milliseconds; 0 is with
    /// every event.
    pub repeat_ms: i64,
    /// Whether changed tables are published as control records; not needed where the folds of one process take a
    /// snapshot.
    pub publish_tables: bool,
    /// Whether what shadow mode keeps back goes to the shadow topic, marked.
    pub shadow_output: bool,
    /// Who is told by signed tokens.
    pub sets: SetSettings,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self { agents_per_hour: 3, share_per_hour: 0.005 }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            mode: Mode::default(),
            alerts_per_actor_month: 1.0,
            revocations_per_actor_month: 0.001,
            fleet_alerts_per_month: 1.0,
            coordination: true,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            product: "habitus".to_owned(),
            vendor: "Habitus".to_owned(),
            protected: Vec::new(),
            policies: policy::ladder(),
            fail: Fail::default(),
            breaker: BreakerSettings::default(),
            repeat_ms: 0,
            publish_tables: true,
            shadow_output: false,
            sets: SetSettings::default(),
        }
    }
}

impl Settings {
    /// The policies in force.
    pub fn policy_set(&self) -> PolicySet<'_> {
        PolicySet {
            mode: self.mode,
            revocation_return_period: budget::return_period(self.revocations_per_actor_month),
            fail: self.fail,
            policies: &self.policies,
        }
    }
}
