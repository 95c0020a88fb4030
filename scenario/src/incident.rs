//! What goes wrong: a few agents, each compromised in its own way. The labels are for whoever judges an engine.

use super::fleet::{HOME, owner_of};
use super::generate::START_MS;
use super::write::{Call, Network, Sink};

/// What kind of compromise it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IncidentKind {
    /// Data leaves for a destination nobody uses.
    NewDestination,
    /// Usual work over an anonymiser from another country.
    Route,
    /// Restricted data that the agent never reads, in bulk.
    Data,
    /// A delegated agent acts on its own at night, with tools of others.
    OnItsOwn,
    /// Hundreds of calls within minutes.
    Burst,
}

/// One compromise.
#[derive(Clone, Copy, Debug)]
pub struct Incident {
    /// Who.
    pub agent: &'static str,
    /// Its blueprint.
    pub blueprint: &'static str,
    /// How.
    pub kind: IncidentKind,
    /// Hour since the start of the simulation.
    pub hour: i64,
}

/// The incidents, in order of time.
pub fn incidents() -> [Incident; 6] {
    let incident = |agent, blueprint, kind, day: i64, hour: i64| Incident {
        agent,
        blueprint,
        kind,
        hour: day * 24 + hour,
    };
    [
        incident("invoice-agents-3", "invoice-agents", IncidentKind::NewDestination, 21, 10),
        incident("support-triage-5", "support-triage", IncidentKind::Route, 22, 11),
        incident("invoice-agents-3", "invoice-agents", IncidentKind::Data, 23, 14),
        incident("code-review-2", "code-review", IncidentKind::OnItsOwn, 24, 3),
        incident("monitor-4", "monitor", IncidentKind::Burst, 25, 9),
        incident("data-sync-1", "data-sync", IncidentKind::Data, 26, 2),
    ]
}

impl Incident {
    /// When its first event happens, twenty minutes past its hour, in milliseconds since 1970.
    pub fn begin_ms(&self) -> i64 {
        START_MS + self.hour * 3_600_000 + 1_200_000
    }

    /// Plays the incident.
    pub(super) fn play(&self, sink: &mut Sink) {
        let begin = self.begin_ms();
        let session = format!("{}-{}-x", self.agent, self.hour);
        let base = Call {
            agent: self.agent,
            blueprint: self.blueprint,
            owner: owner_of(self.blueprint),
            user: Some("user-7"),
            purpose: "query-invoice",
            session: &session,
            tool: "read_invoice",
            host: "erp.acme.example",
            resource: "erp/invoices/3".to_owned(),
            classification: "internal",
            bytes_out: 300,
            bytes_in: 30_000,
            network: HOME,
            ms: begin,
        };
        for (step, mut call) in (0_i64..self.steps()).map(|step| (step, base.clone())) {
            call.ms = begin + step * self.pace_ms();
            self.shape(step, &mut call);
            sink.push(&call);
        }
    }

    fn steps(&self) -> i64 {
        match self.kind {
            IncidentKind::Burst => 400,
            IncidentKind::Data => 12,
            _ => 6,
        }
    }

    fn pace_ms(&self) -> i64 {
        if self.kind == IncidentKind::Burst { 400 } else { 15_000 }
    }

    fn shape(&self, step: i64, call: &mut Call<'_>) {
        match self.kind {
            IncidentKind::NewDestination => {
                call.tool = if step % 2 == 0 { "read_invoice" } else { "http_post" };
                if step % 2 == 1 {
                    call.host = "files.paste-drop.example";
                    call.bytes_out = 7_654_321;
                }
            }
            IncidentKind::Route => {
                call.purpose = "triage";
                call.tool = "read_ticket";
                call.host = "tickets.acme.example";
                call.resource = format!("tickets/open/{step}");
                call.network = Network { asn: 64_666, country: "SC", anonymizer: "tor" };
            }
            IncidentKind::Data => {
                call.purpose =
                    if self.blueprint == "data-sync" { "nightly-copy" } else { "query-invoice" };
                call.user = call.user.filter(|_| self.blueprint != "data-sync");
                call.tool = "read_table";
                call.host = "warehouse.acme.example";
                call.resource = format!("payroll/salaries/{step}");
                call.classification = "restricted";
                call.bytes_in = 400_000_000;
            }
            IncidentKind::OnItsOwn => {
                call.user = None;
                call.purpose = "review";
                call.tool = if step % 2 == 0 { "rotate_key" } else { "export_repository" };
                call.host = "git.acme.example";
                call.resource = format!("git/secrets/{step}");
            }
            IncidentKind::Burst => {
                call.user = None;
                call.purpose = "watch";
                call.tool = "read_logs";
                call.host = "logs.acme.example";
                call.resource = format!("logs/customers/{step}");
            }
        }
    }
}
