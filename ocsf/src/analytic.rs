//! Signals as OCSF analytics, as data. A signal that is not listed is named by its id: a new one needs no
//! line here.

use crate::finding::Analytic;

/// What is known of a signal beside its id.
struct Known {
    id: &'static str,
    family: &'static str,
    name: &'static str,
    /// 2 behavioural, 3 statistical.
    type_id: u8,
    title: &'static str,
}

const fn known(
    id: &'static str,
    family: &'static str,
    name: &'static str,
    type_id: u8,
    title: &'static str,
) -> Known {
    Known { id, family, name, type_id, title }
}

#[rustfmt::skip]
const KNOWN: &[Known] = &[
    known("destination", "place", "New destination", 2, "Contact of an AI agent with an unusual destination"),
    known("network", "place", "Network route", 2, "Unusual network route of an AI agent"),
    known("resource", "data", "New resource", 2, "Access of an AI agent to an unusual resource"),
    known("volume", "data", "Volume", 3, "Unusual data volume of an AI agent"),
    known("sequence", "work", "Action sequence", 2, "Unusual sequence of actions of an AI agent"),
    known("purpose", "work", "Purpose", 2, "Action of an AI agent that does not fit its purpose"),
    known("rate", "tempo", "Rate", 3, "Unusual activity rate of an AI agent"),
    known("fan_out", "tempo", "Fan-out", 3, "An AI agent reaches unusually many new places"),
    known("hours", "tempo", "Hours", 3, "Activity of an AI agent at an unusual time"),
    known("dormancy", "tempo", "Dormancy", 3, "An AI agent acts after a long silence"),
    known("failure", "outcome", "Failures", 3, "Unusual failures of an AI agent"),
    known("authority", "identity", "Authority", 2, "An AI agent acts with unusual authority"),
    known("credential", "identity", "Credential", 2, "Unusual credential of an AI agent"),
    known("inventory", "identity", "Inventory", 1, "An AI agent does not match the inventory"),
    known("epoch", "identity", "Version or tool set", 2, "An AI agent changed its version or tools"),
    known("coordination", "fleet", "Coordination", 3, "AI agents act together in an unusual way"),
    known("drift", "drift", "Drift", 3, "An AI agent drifts away from its habits"),
];

fn find(signal: &str) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.id == signal)
}

/// The title of an alert that this signal leads.
pub fn title(signal: &str) -> &'static str {
    find(signal).map_or("Unusual behaviour of an AI agent", |known| known.title)
}

/// What kind of analysis a signal is, in words.
pub fn kind(signal: &str) -> &'static str {
    match find(signal).map_or(2, |known| known.type_id) {
        1 => "Rule",
        3 => "Statistical",
        _ => "Behavioral",
    }
}

/// A signal as an analytic of this version of the program; what is only watched in shadow is experimental.
pub fn analytic(signal: &str, program: &str, is_shadow: bool) -> Analytic {
    let known = find(signal);
    let (state_id, state) = if is_shadow { (3, "Experimental") } else { (1, "Active") };
    Analytic {
        uid: signal.to_owned(),
        name: known.map_or_else(|| signal.to_owned(), |known| known.name.to_owned()),
        type_id: known.map_or(2, |known| known.type_id),
        kind: kind(signal).to_owned(),
        version: Some(program.to_owned()),
        category: known.map(|known| known.family.to_owned()),
        state_id: Some(state_id),
        state: Some(state.to_owned()),
    }
}
