//! Which signals live on which field: where a source never fills one, they are blind there. One table; a test holds it
//! against the list of signals.

use schemas::Activity;
use schemas::activity::Endpoint;
use schemas::choice::{Authority, Outcome};

/// A field, and the signals that need it.
#[derive(Clone, Copy, Debug)]
pub struct Watched {
    /// Its name in the activity.
    pub name: &'static str,
    /// Whether an activity has it.
    pub is_there: fn(&Activity<'_>) -> bool,
    /// Ids of the signals that see nothing without it.
    pub blinds: &'static [&'static str],
}

/// Signals that need nothing but the agent and the time, or what the config knows.
pub const ALWAYS: [&str; 4] = ["rate", "hours", "dormancy", "inventory"];

/// The fields whose absence blinds a signal.
pub const FIELDS: [Watched; 11] = [
    Watched {
        name: "destination",
        is_there: |activity| activity.destination.as_ref().is_some_and(names_place),
        blinds: &["destination", "network", "coordination"],
    },
    Watched {
        name: "source.ip",
        is_there: |activity| activity.source.as_ref().is_some_and(|source| source.ip.is_some()),
        blinds: &["network"],
    },
    Watched {
        name: "resource.id",
        is_there: |activity| {
            activity.resource.as_ref().is_some_and(|resource| resource.id.is_some())
        },
        blinds: &["resource", "fan_out", "coordination"],
    },
    Watched {
        name: "usage",
        is_there: |activity| {
            activity
                .usage
                .is_some_and(|usage| usage.bytes_out.or(usage.bytes_in).or(usage.records).is_some())
        },
        blinds: &["volume", "drift"],
    },
    Watched {
        name: "action.operation",
        is_there: |activity| activity.action.operation.is_some(),
        blinds: &["sequence"],
    },
    Watched {
        name: "session",
        is_there: |activity| activity.session.is_some() || activity.trace.is_some(),
        blinds: &["sequence"],
    },
    Watched {
        name: "delegation.purpose",
        is_there: |activity| activity.purpose().is_some(),
        blinds: &["purpose"],
    },
    Watched {
        name: "outcome.result",
        is_there: |activity| {
            let result = activity.outcome.as_ref().map(|outcome| outcome.result);
            result.is_some_and(|result| result != Outcome::Unknown)
        },
        blinds: &["failure"],
    },
    Watched {
        name: "delegation.mode",
        is_there: |activity| activity.authority() != Authority::Unknown,
        blinds: &["authority"],
    },
    Watched {
        name: "credential.id",
        is_there: |activity| {
            activity.credential.as_ref().is_some_and(|credential| credential.id.is_some())
        },
        blinds: &["credential"],
    },
    Watched {
        name: "agent.version",
        is_there: |activity| activity.agent.version.is_some() || activity.agent.model.is_some(),
        blinds: &["epoch"],
    },
];

fn names_place(end: &Endpoint<'_>) -> bool {
    end.host.is_some() || end.ip.is_some() || end.address.is_some() || end.url.is_some()
}
