//! # dormancy
//!
//! **Detects.** An actor that acts again after a week or more of silence, longer than it and its peers usually pause.
//!
//! **Why.** Forgotten agents keep their permissions, and nobody looks at what they do.
//!
//! **Wrong when.** Work is seasonal (a yearly close) and the season is seen for the first time, or the source of the
//! records was silent rather than the agent: then all its agents wake at once.
//!
//! **Example.** A migration agent acts after 74 days; it never paused longer than a weekend.

use baseline::math::ln;
use baseline::part::gaps::{CLASSES, class};
use baseline::part::progress::Progress;

use super::kind::{count, span};
use super::{Evidence, Explanation, Signal};
use crate::cells;
use crate::context::Context;

pub(super) const SIGNAL: Signal = Signal {
    id: "dormancy",
    family: "tempo",
    channels: 1,
    full_on_failure: true,
    handicap_nats: 0.5,
    evaluate,
    over_session: None,
    explain,
    causes: Signal::NO_CAUSES,
};

/// Silence from which an actor was dormant, and how long it was known before, in seconds.
const DORMANT_S: u32 = 7 * 86_400;
/// Active hours before the actor's pauses speak.
const HOURS_MIN: u32 = 8;
/// Weight of the peers' pauses behind the actor's, and of the prior behind theirs.
const PEER_PAUSES: f64 = 8.0;
const PRIOR_PAUSES: f64 = 10.0;
/// Share of pauses that are this long before any was seen.
const PRIOR: f64 = 0.02;
/// A pause is never rarer than this.
const P_MIN: f64 = 1e-5;

/// The class of the pause that an activity ends, where it ends one.
pub(crate) fn pause(progress: &Progress, now_s: u32) -> Option<usize> {
    let is_known = progress.events > 0;
    is_known.then(|| class(now_s.saturating_sub(progress.last_s))).flatten()
}

fn evaluate(ctx: &Context<'_>) -> Option<Evidence> {
    let progress = &ctx.actor.progress;
    let silent_s = ctx.keys.now_s.saturating_sub(progress.last_s);
    // Who was watched for less than a week may pause for one each month.
    let watched_s = progress.last_s.saturating_sub(progress.first_s);
    let is_known = watched_s >= DORMANT_S && progress.active_hours >= HOURS_MIN;
    if silent_s < DORMANT_S || !is_known {
        return None;
    }
    let class = pause(progress, ctx.keys.now_s)?;
    let of_peers = |from: usize| (from..CLASSES).map(|class| ctx.peers(cells::pause(class))).sum();
    let (peers_reached, peers): (f64, f64) = (of_peers(class), of_peers(0));
    let share = (peers_reached + PRIOR_PAUSES * PRIOR) / (peers + PRIOR_PAUSES);
    let (reached, pauses) = ctx.actor.gaps.reached(class);
    let (reached, pauses) = (f64::from(reached), f64::from(pauses));
    let p = (reached + PEER_PAUSES * share) / (pauses + PEER_PAUSES);
    Evidence::of(-ln(p.clamp(P_MIN, 1.0)), 0, [f64::from(silent_s), reached, pauses, peers_reached])
}

fn explain(_: &Context<'_>, evidence: &Evidence) -> Explanation {
    let [silent_s, reached, pauses, peers] = evidence.numbers;
    Explanation {
        observed: format!("active after {} of silence", span(silent_s)),
        expected: format!(
            "{} of its {} pauses of an hour or more were as long",
            count(reached),
            count(pauses)
        ),
        support: count(pauses),
        peers: format!("{} pauses of peers were as long", count(peers)),
        normal: format!("a pause of less than {}", span(f64::from(DORMANT_S))),
    }
}
