//! The synthetic fleet: blueprints with their tools, purposes and rhythms, and an hour of an agent's work.

use super::random::Random;
use super::write::{Call, Network, Sink};

/// When agents of a blueprint work.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Rhythm {
    /// Weekdays, 08:00 to 17:00 UTC.
    Office,
    /// Every night at 02:00 UTC.
    Nightly,
    /// Around the clock.
    Always,
}

/// A tool: name, host, prefix of its resources, how many there are, usual bytes out and in.
pub(super) type Tool = (&'static str, &'static str, &'static str, u64, u64, u64);

/// A template of agents.
pub(super) struct Blueprint {
    pub(super) name: &'static str,
    pub(super) agents: usize,
    pub(super) owner: &'static str,
    pub(super) delegated: bool,
    pub(super) rhythm: Rhythm,
    pub(super) tools: &'static [Tool],
    /// Purposes: name and the tools of a session, by place.
    pub(super) purposes: &'static [(&'static str, &'static [usize])],
}

/// One synthetic agent.
pub(super) struct SyntheticAgent {
    pub(super) id: String,
    pub(super) blueprint: &'static Blueprint,
    pub(super) users: [String; 3],
}

/// The usual network of the fleet.
pub(super) const HOME: Network<'static> =
    Network { asn: 64_512, country: "DE", anonymizer: "none" };

pub(super) const FLEET: &[Blueprint] = &[
    Blueprint {
        name: "invoice-agents",
        agents: 8,
        owner: "finance-platform",
        delegated: true,
        rhythm: Rhythm::Office,
        tools: &[
            ("list_invoices", "erp.acme.example", "erp/invoices", 60, 300, 8_000),
            ("read_invoice", "erp.acme.example", "erp/invoices", 60, 250, 40_000),
            ("read_vendor", "erp.acme.example", "erp/vendors", 30, 220, 6_000),
            ("schedule_payment", "bank-gateway.example", "erp/payments", 30, 1_200, 900),
            ("send_email", "mail.acme.example", "mail/outbox", 20, 4_000, 300),
        ],
        purposes: &[
            ("pay-invoice", &[0, 1, 2, 3]),
            ("query-invoice", &[0, 1, 1]),
            ("remind-vendor", &[1, 2, 4]),
        ],
    },
    Blueprint {
        name: "support-triage",
        agents: 8,
        owner: "customer-care",
        delegated: true,
        rhythm: Rhythm::Office,
        tools: &[
            ("search_tickets", "tickets.acme.example", "tickets/open", 200, 200, 20_000),
            ("read_ticket", "tickets.acme.example", "tickets/open", 200, 150, 9_000),
            ("read_customer", "crm.acme.example", "crm/customers", 100, 180, 5_000),
            ("reply", "mail.acme.example", "mail/outbox", 20, 3_000, 200),
        ],
        purposes: &[("triage", &[0, 1, 2]), ("answer", &[1, 2, 3])],
    },
    Blueprint {
        name: "data-sync",
        agents: 6,
        owner: "data-platform",
        delegated: false,
        rhythm: Rhythm::Nightly,
        tools: &[
            ("read_table", "warehouse.acme.example", "warehouse/sales", 12, 400, 2_000_000),
            ("write_table", "lake.acme.example", "lake/sales", 12, 2_000_000, 500),
            ("read_schema", "warehouse.acme.example", "warehouse/schema", 6, 200, 12_000),
        ],
        purposes: &[("nightly-copy", &[2, 0, 1, 0, 1]), ("verify", &[2, 0])],
    },
    Blueprint {
        name: "code-review",
        agents: 7,
        owner: "developer-tools",
        delegated: true,
        rhythm: Rhythm::Office,
        tools: &[
            ("read_diff", "git.acme.example", "git/web", 80, 300, 30_000),
            ("read_file", "git.acme.example", "git/web", 80, 250, 12_000),
            ("comment", "git.acme.example", "git/web", 80, 1_500, 400),
            ("run_tests", "ci.acme.example", "ci/jobs", 20, 600, 3_000),
        ],
        purposes: &[("review", &[0, 1, 1, 2]), ("check", &[0, 3, 2])],
    },
    Blueprint {
        name: "scheduler",
        agents: 5,
        owner: "workplace",
        delegated: true,
        rhythm: Rhythm::Office,
        tools: &[
            ("read_calendar", "calendar.acme.example", "calendar/team", 40, 200, 4_000),
            ("create_event", "calendar.acme.example", "calendar/team", 40, 800, 300),
            ("send_invite", "mail.acme.example", "mail/outbox", 20, 1_200, 200),
        ],
        purposes: &[("plan-meeting", &[0, 0, 1, 2]), ("lookup", &[0])],
    },
    Blueprint {
        name: "monitor",
        agents: 6,
        owner: "reliability",
        delegated: false,
        rhythm: Rhythm::Always,
        tools: &[
            ("query_metrics", "metrics.acme.example", "metrics/services", 30, 300, 10_000),
            ("read_logs", "logs.acme.example", "logs/services", 30, 300, 60_000),
            ("open_ticket", "tickets.acme.example", "tickets/ops", 10, 2_000, 300),
        ],
        purposes: &[("watch", &[0, 0, 1]), ("report", &[0, 1, 2])],
    },
];

/// All synthetic agents.
pub(super) fn agents() -> impl Iterator<Item = SyntheticAgent> {
    FLEET.iter().flat_map(|blueprint| {
        (1..=blueprint.agents).map(move |number| SyntheticAgent {
            id: format!("{}-{number}", blueprint.name),
            blueprint,
            users: [1, 2, 3].map(|user| format!("user-{}", (number * 3 + user) % 20)),
        })
    })
}

/// Who owns the agents of a blueprint.
pub(super) fn owner_of(blueprint: &str) -> &'static str {
    FLEET.iter().find(|known| known.name == blueprint).map_or("", |known| known.owner)
}

/// Sessions of an agent in an hour since the start.
fn sessions(rhythm: Rhythm, hour: i64, random: &mut Random) -> u64 {
    let (day, hour) = (hour / 24 % 7, hour % 24);
    match rhythm {
        Rhythm::Office if day < 5 && (8..17).contains(&hour) => random.below(4),
        Rhythm::Nightly if hour == 2 => 4 + random.below(3),
        Rhythm::Always => random.below(2),
        _ => 0,
    }
}

/// One hour of an agent's usual work.
pub(super) fn work_an_hour(
    agent: &SyntheticAgent,
    start_ms: i64,
    hour: i64,
    random: &mut Random,
    sink: &mut Sink,
) {
    let blueprint = agent.blueprint;
    for session in 0..sessions(blueprint.rhythm, hour, random) {
        let Some((purpose, tools)) = random.pick(blueprint.purposes) else { continue };
        let id = format!("{}-{hour}-{session}", agent.id);
        let user = random.pick(&agent.users).map(String::as_str).filter(|_| blueprint.delegated);
        let mut ms =
            start_ms + hour * 3_600_000 + i64::try_from(random.below(3_000_000)).unwrap_or(0);
        for place in *tools {
            // Now and then a step is left out or taken from elsewhere in the blueprint's work.
            let place = if random.percent(3) {
                usize::try_from(random.below(9)).unwrap_or(0)
            } else {
                *place
            };
            let Some((tool, host, prefix, count, out, back)) = blueprint.tools.get(place).copied()
            else {
                continue;
            };
            let wobble = |bytes: u64, random: &mut Random| bytes * (70 + random.below(80)) / 100;
            sink.push(&Call {
                agent: &agent.id,
                blueprint: blueprint.name,
                owner: blueprint.owner,
                user,
                purpose,
                session: &id,
                tool,
                host,
                resource: format!("{prefix}/{}", random.below(count)),
                classification: "internal",
                bytes_out: wobble(out, random),
                bytes_in: wobble(back, random),
                network: HOME,
                ms,
            });
            ms += 2_000 + i64::try_from(random.below(20_000)).unwrap_or(0);
        }
    }
}
