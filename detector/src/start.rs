//! How a new actor starts: whose errand it runs, its siblings' evidence, its ration of rare votes.

use baseline::Actor;
use schemas::activity::Activity;
use schemas::choice::{Authority, PrincipalType};

/// Rare votes to start with, in hundredths.
const RARE_START: u16 = 300;

/// Whether an activity is a person's errand.
pub(crate) fn is_for_person(activity: &Activity<'_>) -> bool {
    let subject =
        activity.delegation.as_ref().and_then(|d| d.subject.as_ref()).and_then(|s| s.kind);
    activity.authority() == Authority::Delegated && subject == Some(PrincipalType::User)
}

pub(crate) fn start_actor(actor: &mut Actor, now_s: u32, siblings: Option<f64>) {
    actor.progress.first_s = now_s;
    actor.progress.rare_votes = RARE_START;
    // A new actor starts at the lower of base trust and its siblings': their evidence is its own.
    if let Some(evidence) = siblings {
        #[expect(clippy::cast_possible_truncation, reason = "evidence below 1e4")]
        let evidence = evidence as f32;
        actor.trust.slow = evidence;
    }
}

/// The evidence that stands against the least trusted sibling, in nats.
pub(crate) fn sibling_evidence(agent: &baseline::Agent, index: usize) -> Option<f64> {
    let others = agent.actors.iter().enumerate().filter(|(other, _)| *other != index);
    others
        .map(|(_, actor)| f64::from(actor.trust.fast) + f64::from(actor.trust.slow))
        .max_by(f64::total_cmp)
}
