//! # drift
//!
//! **Detects.** Work that grows slowly: more sessions a day, or larger transfers, for days of which none is strange.
//!
//! **Why.** Whoever is patient raises a habit step by step, until what is far too much is usual.
//!
//! **Wrong when.** The work really grows, as with a new customer: then it is told a few times, and the anchor follows.
//!
//! **Example.** Transfers 3 % larger each day: told when they are half as large again, before they have doubled.

use super::kind::count;
use super::{Evidence, Explanation, Signal};
use crate::context::Context;

pub(super) const SIGNAL: Signal = Signal {
    id: "drift",
    family: "drift",
    channels: 1,
    full_on_failure: true,
    handicap_nats: 0.0,
    evaluate,
    over_session: None,
    explain,
    causes: Signal::NO_CAUSES,
};

/// Hours of a day.
const DAY_HOURS: u32 = 24;

fn evaluate(ctx: &Context<'_>) -> Option<Evidence> {
    if ctx.late {
        return None;
    }
    let last_day = u16::try_from(ctx.actor.progress.vote_hour / DAY_HOURS).unwrap_or(0);
    let news = ctx.actor.drift.news(last_day, ctx.keys.day)?;
    Evidence::of(news.nats, news.track, [news.usual, news.last, f64::from(news.days), news.nats])
}

fn explain(_: &Context<'_>, evidence: &Evidence) -> Explanation {
    let [usual, last, days, nats] = evidence.numbers;
    let (observed, expected) = if evidence.fact == 0 {
        (
            format!(
                "{} sessions on its last day, and for days more than usual",
                count(last * last)
            ),
            format!("about {:.1} sessions a day", usual * usual),
        )
    } else {
        (
            format!("larger transfers for days, {last:.1} deviations on its last day"),
            "transfers as large as in earlier weeks".into(),
        )
    };
    Explanation {
        observed,
        expected,
        support: count(days),
        peers: "not compared".into(),
        normal: format!("days that add up to less than {:.1} nats", nats / 1.25),
    }
}
