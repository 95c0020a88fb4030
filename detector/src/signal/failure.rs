//! # failure
//!
//! **Detects.** More failed or refused calls than usual, within an hour or half a day.
//!
//! **Why.** Probing for permissions and replaying stolen credentials mostly fails before it succeeds.
//!
//! **Wrong when.** A dependency is down: then every agent that uses it fails.
//!
//! **Example.** 19 refusals in five minutes; usual is one in ten hours.

use baseline::part::rates::WINDOWS_S;
use schemas::choice::Outcome;

use super::kind::count;
use super::rate::{habit_age_s, supported, usual, window_name};
use super::{Evidence, Explanation, Signal, deviance};
use crate::context::Context;

pub(super) const SIGNAL: Signal = Signal {
    id: "failure",
    family: "outcome",
    channels: 1,
    full_on_failure: true,
    handicap_nats: 3.0,
    evaluate,
    over_session: None,
    explain,
    causes: Signal::NO_CAUSES,
};

const FLOOR: [f64; 2] = [1.0, 2.0];
const DISPERSION: f64 = 0.7;

/// Whether the activity failed or was refused.
pub(crate) fn failed(ctx: &Context<'_>) -> bool {
    let outcome = ctx.activity.outcome.as_ref().map(|outcome| outcome.result);
    matches!(outcome, Some(Outcome::Failure | Outcome::Denied))
}

fn evaluate(ctx: &Context<'_>) -> Option<Evidence> {
    if ctx.late || !ctx.first_of_call || !failed(ctx) {
        return None;
    }
    let now_s = ctx.keys.now_s;
    let age_s = habit_age_s(ctx);
    let (recent, _) = ctx.actor.failures.at(now_s);
    let long = f64::from(ctx.actor.failures.long);
    let mut worst = (0.0, [0.0; 4]);
    for ((seen, window_s), floor) in recent.into_iter().zip(WINDOWS_S).skip(1).zip(FLOOR) {
        let mean = usual(long, age_s, window_s) + floor;
        let nats = deviance(seen + 1.0, mean, DISPERSION);
        if nats > worst.0 {
            worst = (nats, [seen + 1.0, mean, window_s, long]);
        }
    }
    Evidence::of(supported(ctx, worst.0), 0, worst.1)
}

fn explain(_: &Context<'_>, evidence: &Evidence) -> Explanation {
    let [seen, mean, window_s, long] = evidence.numbers;
    Explanation {
        observed: format!("{} failed or refused calls in {}", count(seen), window_name(window_s)),
        expected: format!("about {mean:.1} in {}", window_name(window_s)),
        support: count(long),
        peers: "not compared".into(),
        normal: format!(
            "at most {} failed or refused calls in {}",
            mean.floor(),
            window_name(window_s)
        ),
    }
}
