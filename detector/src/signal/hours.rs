//! # hours
//!
//! **Detects.** Activity in an hour of the week in which the actor, and its peers, are not active.
//!
//! **Why.** Stolen credentials are used when their owner sleeps; a cron job has its hours.
//!
//! **Wrong when.** The actor has no rhythm: around the clock no hour is strange. Holidays and moves shift rhythms.
//!
//! **Example.** Active on Sunday at 03:00 UTC; in no week before.

use baseline::math::ln;
use baseline::part::hours::{WEEK_HOURS, hour_of_week};

use super::kind::count;
use super::{Evidence, Explanation, Signal};
use crate::cells;
use crate::context::Context;

pub(super) const SIGNAL: Signal = Signal {
    id: "hours",
    family: "tempo",
    channels: 1,
    full_on_failure: false,
    handicap_nats: 1.5,
    evaluate,
    explain,
};

/// Weight of the peers' rhythm, in active hours.
const PEER_HOURS: f64 = 8.0;
/// Active hours set aside for what was not seen so far (add-one: the chance of a first time is about 1 / n).
const UNSEEN_HOURS: f64 = 1.0;
/// Active hours before the actor's rhythm speaks.
const HOURS_MIN: u32 = 24;

fn evaluate(ctx: &Context<'_>) -> Option<Evidence> {
    let progress = &ctx.actor.progress;
    // Once per actor-hour, at its first activity.
    if ctx.late || progress.vote_hour == ctx.keys.hour || progress.active_hours < HOURS_MIN {
        return None;
    }
    let here = hour_of_week(ctx.keys.hour);
    let own = |index: usize| f64::from(ctx.actor.hours.count(index % WEEK_HOURS));
    let peers: f64 = (0..WEEK_HOURS).map(|index| ctx.peers(cells::hour(index))).sum();
    let density = |index: usize| {
        let near = own(index) + 0.3 * (own(index + 1) + own(index + WEEK_HOURS - 1));
        let of_peers =
            if peers > 0.0 { ctx.peers(cells::hour(index)) / peers } else { 1.0 / 168.0 };
        near + PEER_HOURS * of_peers
    };
    let at = density(here);
    let (mut total, mut rarer) = (0.0, 0.0);
    for index in 0..WEEK_HOURS {
        let here = density(index);
        total += here;
        if here <= at {
            rarer += here;
        }
    }
    // What n active hours never showed may still be one in n.
    let p = ((rarer + UNSEEN_HOURS) / (total + UNSEEN_HOURS)).min(1.0);
    #[expect(clippy::cast_precision_loss, reason = "below 168")]
    Evidence::of(-ln(p), 0, [here as f64, own(here), p, f64::from(progress.active_hours)])
}

fn explain(ctx: &Context<'_>, evidence: &Evidence) -> Explanation {
    let [_, own, p, hours] = evidence.numbers;
    let here = hour_of_week(ctx.keys.hour);
    let day = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
    let name = day.get(here / 24).copied().unwrap_or("");
    Explanation {
        observed: format!("active on {name} at {:02}:00 UTC", here % 24),
        expected: format!(
            "active in this hour in {} earlier weeks; hours as rare make up {:.2} % of its activity",
            count(own),
            p * 100.0
        ),
        support: count(hours),
        peers: format!(
            "{} active hours of peers in this hour of the week",
            count(ctx.peers(cells::hour(here)))
        ),
        normal: "an hour of the week in which it or its peers are usually active".into(),
    }
}
