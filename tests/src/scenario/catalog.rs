//! What agents work with: services, their tools, and the blueprints. Plain tables.

use super::schedule::Rhythm;

/// A service that tools reach.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) name: &'static str,
    pub(super) parts: &'static [&'static str],
    /// Whether each call names a place outside instead of the service's own host.
    pub(super) outward: bool,
    pub(super) classification: &'static str,
}

const fn service(
    name: &'static str,
    parts: &'static [&'static str],
    outward: bool,
    classification: &'static str,
) -> Service {
    Service { name, parts, outward, classification }
}

pub(super) const SERVICES: &[Service] = &[
    service("erp", &["invoices", "vendors", "payments"], false, "confidential"),
    service("crm", &["accounts", "contacts", "deals"], false, "confidential"),
    service("tickets", &["open", "kb"], false, "internal"),
    service("git", &["web", "core", "infra"], false, "internal"),
    service("ci", &["jobs", "artifacts"], false, "internal"),
    service("warehouse", &["sales", "events", "stock"], false, "confidential"),
    service("lake", &["raw", "curated"], false, "internal"),
    service("mail", &["outbox", "threads"], false, "internal"),
    service("calendar", &["team", "rooms"], false, "internal"),
    service("docs", &["wiki", "contracts"], false, "internal"),
    service("metrics", &["services", "hosts"], false, "internal"),
    service("logs", &["app", "audit"], false, "internal"),
    service("web", &["pages"], true, "public"),
    service("partners", &["feeds", "orders"], true, "internal"),
    service("cloud", &["machines", "buckets"], false, "internal"),
    service("hr", &["people", "leave"], false, "confidential"),
    service("signing", &["envelopes"], false, "confidential"),
    service("notebook", &["runs"], false, "internal"),
];

/// A tool: usual bytes out and back.
#[derive(Debug, PartialEq)]
pub(super) struct Tool {
    pub(super) name: &'static str,
    pub(super) service: &'static str,
    pub(super) part: usize,
    pub(super) action: &'static str,
    pub(super) out: f64,
    pub(super) back: f64,
}

const fn tool(
    name: &'static str,
    (service, part): (&'static str, usize),
    action: &'static str,
    out: f64,
    back: f64,
) -> Tool {
    Tool { name, service, part, action, out, back }
}

pub(super) const TOOLS: &[Tool] = &[
    tool("list_invoices", ("erp", 0), "data_list", 300.0, 8e3),
    tool("read_invoice", ("erp", 0), "data_read", 250.0, 4e4),
    tool("read_vendor", ("erp", 1), "data_read", 220.0, 6e3),
    tool("schedule_payment", ("erp", 2), "data_write", 1_200.0, 900.0),
    tool("search_accounts", ("crm", 0), "data_list", 260.0, 2e4),
    tool("read_contact", ("crm", 1), "data_read", 180.0, 5e3),
    tool("update_deal", ("crm", 2), "data_write", 900.0, 600.0),
    tool("search_tickets", ("tickets", 0), "data_list", 200.0, 2e4),
    tool("read_ticket", ("tickets", 0), "data_read", 150.0, 9e3),
    tool("update_ticket", ("tickets", 0), "data_write", 1_800.0, 300.0),
    tool("read_article", ("tickets", 1), "data_read", 160.0, 1.4e4),
    tool("read_diff", ("git", 0), "data_read", 300.0, 3e4),
    tool("read_file", ("git", 1), "data_read", 250.0, 1.2e4),
    tool("comment", ("git", 0), "data_write", 1_500.0, 400.0),
    tool("open_change", ("git", 2), "data_write", 6_000.0, 500.0),
    tool("run_tests", ("ci", 0), "code_execution", 600.0, 3e3),
    tool("fetch_artifact", ("ci", 1), "data_read", 250.0, 4e6),
    tool("query_table", ("warehouse", 0), "data_read", 700.0, 2e6),
    tool("query_events", ("warehouse", 1), "data_read", 700.0, 5e6),
    tool("read_stock", ("warehouse", 2), "data_read", 400.0, 3e5),
    tool("write_table", ("lake", 0), "data_write", 2e6, 500.0),
    tool("read_partition", ("lake", 1), "data_read", 400.0, 8e6),
    tool("send_email", ("mail", 0), "message_send", 4_000.0, 300.0),
    tool("read_thread", ("mail", 1), "data_read", 200.0, 1.5e4),
    tool("read_calendar", ("calendar", 0), "data_read", 200.0, 4e3),
    tool("create_event", ("calendar", 0), "data_write", 800.0, 300.0),
    tool("book_room", ("calendar", 1), "data_write", 500.0, 300.0),
    tool("search_docs", ("docs", 0), "data_list", 240.0, 2.5e4),
    tool("read_contract", ("docs", 1), "data_read", 200.0, 2e5),
    tool("write_page", ("docs", 0), "data_write", 9_000.0, 300.0),
    tool("query_metrics", ("metrics", 0), "data_read", 300.0, 1e4),
    tool("read_host", ("metrics", 1), "data_read", 250.0, 6e3),
    tool("read_logs", ("logs", 0), "data_read", 300.0, 6e4),
    tool("read_audit", ("logs", 1), "data_read", 300.0, 3e4),
    tool("fetch_page", ("web", 0), "http_request", 500.0, 9e4),
    tool("post_form", ("web", 0), "http_request", 2_500.0, 4e3),
    tool("pull_feed", ("partners", 0), "http_request", 400.0, 5e5),
    tool("push_order", ("partners", 1), "http_request", 9_000.0, 800.0),
    tool("list_machines", ("cloud", 0), "api_call", 300.0, 2e4),
    tool("restart_machine", ("cloud", 0), "api_call", 500.0, 400.0),
    tool("read_bucket", ("cloud", 1), "data_read", 300.0, 1e6),
    tool("read_person", ("hr", 0), "data_read", 200.0, 3e3),
    tool("approve_leave", ("hr", 1), "data_write", 500.0, 300.0),
];

/// What a deployment adds, and what a new service offers.
pub(super) const DEPLOYED: Tool =
    tool("run_notebook", ("notebook", 0), "code_execution", 4_000.0, 2e4);
pub(super) const SUBSCRIBED: Tool =
    tool("request_signature", ("signing", 0), "api_call", 2e5, 2_000.0);

/// Whom an agent of a blueprint acts for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Acts {
    /// For a few people, always.
    ForPeople,
    /// For whoever asks in the company.
    ForAnyone,
    /// On its own.
    Alone,
    /// Both.
    Either,
}

/// What agents authenticate with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Secret {
    /// A key that stays until somebody rotates it.
    Key,
    /// A workload certificate, a new one each day.
    Workload,
    /// A token for each session.
    Token,
}

/// A template of agents.
#[derive(Debug)]
pub(super) struct Blueprint {
    pub(super) name: &'static str,
    pub(super) agents: usize,
    pub(super) rhythm: Rhythm,
    pub(super) acts: Acts,
    pub(super) secret: Secret,
    pub(super) tools: &'static [&'static str],
    /// Sessions on a working day.
    pub(super) sessions: f64,
    /// How the logarithm of sizes spreads.
    pub(super) spread: f64,
    /// How much of its work is new: the discount of its habits.
    pub(super) novelty: f64,
    /// Whether its work has no order.
    pub(super) explores: bool,
    /// Whether it runs where its owner is, not in a data centre.
    pub(super) roams: bool,
    /// Whether it is released every week.
    pub(super) ships_often: bool,
}

const BASE: Blueprint = Blueprint {
    name: "",
    agents: 0,
    rhythm: Rhythm::Office,
    acts: Acts::ForPeople,
    secret: Secret::Token,
    tools: &[],
    sessions: 5.0,
    spread: 0.5,
    novelty: 0.2,
    explores: false,
    roams: false,
    ships_often: false,
};

pub(super) const BLUEPRINTS: &[Blueprint] = &[
    Blueprint {
        name: "support-triage",
        agents: 44,
        tools: &["search_tickets", "read_ticket", "read_article", "update_ticket", "read_contact"],
        ..BASE
    },
    Blueprint {
        name: "invoice-clerk",
        agents: 36,
        secret: Secret::Key,
        tools: &["list_invoices", "read_invoice", "read_vendor", "schedule_payment", "send_email"],
        ..BASE
    },
    Blueprint {
        name: "code-reviewer",
        agents: 32,
        tools: &["read_diff", "read_file", "comment", "run_tests", "fetch_artifact"],
        novelty: 0.4,
        ships_often: true,
        ..BASE
    },
    Blueprint {
        name: "personal-assistant",
        agents: 30,
        tools: &["read_calendar", "create_event", "book_room", "send_email", "read_thread"],
        sessions: 4.0,
        roams: true,
        ..BASE
    },
    Blueprint {
        name: "pipeline",
        agents: 28,
        rhythm: Rhythm::Nightly,
        acts: Acts::Alone,
        secret: Secret::Workload,
        tools: &["query_table", "query_events", "write_table", "read_partition"],
        sessions: 3.0,
        novelty: 0.1,
        ..BASE
    },
    Blueprint {
        name: "watcher",
        agents: 24,
        rhythm: Rhythm::Always,
        acts: Acts::Alone,
        secret: Secret::Workload,
        tools: &["query_metrics", "read_host", "read_logs", "update_ticket"],
        sessions: 9.0,
        novelty: 0.05,
        ..BASE
    },
    Blueprint {
        name: "sales-helper",
        agents: 24,
        secret: Secret::Key,
        tools: &["search_accounts", "read_contact", "update_deal", "send_email", "search_docs"],
        ..BASE
    },
    Blueprint {
        name: "researcher",
        agents: 20,
        acts: Acts::ForAnyone,
        tools: &["fetch_page", "search_docs", "write_page", "post_form"],
        spread: 1.6,
        novelty: 0.7,
        explores: true,
        roams: true,
        ..BASE
    },
    Blueprint {
        name: "sync",
        agents: 18,
        rhythm: Rhythm::Periodic,
        acts: Acts::Alone,
        secret: Secret::Key,
        tools: &["pull_feed", "write_table", "read_stock", "push_order"],
        sessions: 6.0,
        novelty: 0.02,
        ..BASE
    },
    Blueprint {
        name: "analyst",
        agents: 16,
        acts: Acts::Either,
        tools: &["query_table", "query_events", "read_partition", "write_page"],
        spread: 1.8,
        novelty: 0.5,
        explores: true,
        ..BASE
    },
    Blueprint {
        name: "operator",
        agents: 14,
        rhythm: Rhythm::Always,
        acts: Acts::Either,
        secret: Secret::Key,
        tools: &["list_machines", "read_logs", "restart_machine", "query_metrics", "read_audit"],
        sessions: 6.0,
        ..BASE
    },
    Blueprint {
        name: "legal-reader",
        agents: 10,
        secret: Secret::Key,
        tools: &["search_docs", "read_contract", "send_email", "read_thread"],
        sessions: 4.0,
        ..BASE
    },
    Blueprint {
        name: "weekly-report",
        agents: 10,
        rhythm: Rhythm::Weekly,
        acts: Acts::Alone,
        secret: Secret::Workload,
        tools: &["query_table", "read_stock", "write_page", "send_email"],
        sessions: 4.0,
        novelty: 0.1,
        ..BASE
    },
    Blueprint {
        name: "people-desk",
        agents: 7,
        tools: &["read_person", "approve_leave", "read_calendar", "send_email"],
        ..BASE
    },
    Blueprint {
        name: "procurement",
        agents: 5,
        secret: Secret::Key,
        tools: &["read_vendor", "push_order", "read_contract", "list_invoices"],
        ..BASE
    },
    Blueprint {
        name: "release-bot",
        agents: 2,
        acts: Acts::Alone,
        secret: Secret::Key,
        tools: &["open_change", "run_tests", "fetch_artifact", "comment"],
        ..BASE
    },
];
