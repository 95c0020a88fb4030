//! Requests and trust for people.

use std::collections::BTreeMap;
use std::fmt::Write;

use schemas::ActorRef;
use schemas::revocation::{RevocationMode, RevocationRequest};

use super::clean;
use crate::local::ActorTrust;

/// Renders a revocation request: what would have been, or is, asked for.
pub fn revocation(request: &RevocationRequest) -> String {
    let verb = match request.mode {
        RevocationMode::DryRun => "would have asked",
        RevocationMode::Recommend => "recommends",
        RevocationMode::Enforce => "asks",
    };
    let authority = request.subject.authority.map_or("any", |authority| authority.as_str());
    let reason = request
        .cause
        .reason_admin
        .get("en")
        .map_or_else(String::new, |reason| format!(": {}", clean(reason)));
    format!(
        "{} {verb} to {} for {} ({authority}){reason}",
        request.time.rfc3339(),
        request.action.as_str(),
        clean(&request.subject.agent_id),
    )
}

/// Renders the trust of actors that fell, lowest first.
pub fn trust(actors: &BTreeMap<ActorRef, ActorTrust>) -> String {
    let mut order: Vec<(&ActorRef, &ActorTrust)> =
        actors.iter().filter(|(_, trust)| trust.lowest < trust.first - 1.0).collect();
    order.sort_by(|a, b| a.1.lowest.total_cmp(&b.1.lowest).then(a.0.cmp(b.0)));
    let mut out = String::from("Trust, lowest first:\n");
    for (actor, trust) in order.into_iter().take(12) {
        let _infallible = writeln!(
            out,
            "  {:<28} {:<11} {:>5.1} -> {:>5.1} ({}), now {:.1}",
            clean(&actor.agent_id),
            actor.authority.as_str(),
            trust.first,
            trust.lowest,
            trust.lowest_level.as_str(),
            trust.last,
        );
    }
    out
}
