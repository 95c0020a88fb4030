//! # hours
//!
//! **Detects.** Activity far from the hours of the day, or on other days of the week, than the actor works: as far as
//! actors of its experience, its peers first, hardly ever stray.
//!
//! **Why.** Stolen credentials are used when their owner sleeps; a cron job has its hours.
//!
//! **Wrong when.** Its people travel or take up other hours: the first day is strange. Around the clock no hour is.
//!
//! **Example.** Active at 03:00 UTC, five hours from any of its hours; one in 5,000 active hours of peers is as odd.

use baseline::math::ln;
use baseline::part::hours::hour_of_week;

use super::kind::count;
use super::{Evidence, Explanation, Signal};
use crate::cells;
use crate::context::Context;

pub(super) const SIGNAL: Signal = Signal {
    id: "hours",
    family: "tempo",
    channels: 1,
    full_on_failure: false,
    handicap_nats: 0.5,
    evaluate,
    over_session: None,
    explain,
    causes: Signal::NO_CAUSES,
};

/// Active hours before the actor's rhythm speaks, and how long they must span, in seconds: the first to the last day of
/// a week.
const HOURS_MIN: u32 = 24;
const WATCHED_S: u32 = 6 * 86_400;
/// Active hours from which an hour of the day seen but once is no habit yet.
const SETTLED_HOURS: u32 = 48;
/// Weight of the tenant behind the group, and of each kind of hour before any was seen, in active hours.
const TENANT_HOURS: f64 = 50.0;
const PRIOR_HOURS: f64 = 0.5;
/// Hours of a week, and its days.
const WEEK: usize = 168;
const DAYS: [&str; 7] =
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
/// Kinds of hours: six distances from the habit, on days of the week with work and on others.
const DISTANCES: usize = 6;
const KINDS: usize = 2 * DISTANCES;

/// What an hour is to an actor: the cell that counts such hours of actors as experienced, and how far off it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    maturity: usize,
    kind: usize,
    distance: usize,
}

impl Place {
    /// The place of the activity's hour, where it is the first of it and the actor has a rhythm.
    pub(crate) fn of(ctx: &Context<'_>) -> Option<Self> {
        let progress = &ctx.actor.progress;
        let hours = progress.active_hours;
        let watched_s = progress.learned_s.saturating_sub(progress.first_s);
        let has_rhythm = hours >= HOURS_MIN && watched_s >= WATCHED_S;
        if ctx.late || progress.vote_hour == ctx.keys.hour || !has_rhythm {
            return None;
        }
        let here = hour_of_week(ctx.keys.hour);
        let is_near = |by: &usize| is_usual(ctx, here + by) || is_usual(ctx, here + 24 - by);
        let distance = (0..=12).find(is_near).unwrap_or(12);
        let works = works_on(ctx, here);
        let class = [1, 2, 3, 5, 8].iter().filter(|from| distance >= **from).count();
        Some(Self {
            maturity: [72, 200].iter().filter(|from| hours >= **from).count(),
            kind: class + if works { 0 } else { DISTANCES },
            distance,
        })
    }

    /// The cell that counts such hours.
    pub(crate) fn cell(self) -> u64 {
        cells::hour(self.maturity, self.kind)
    }

    /// The share of hours that are as rare for actors as experienced, and the hours behind it.
    fn share(self, ctx: &Context<'_>) -> (f64, f64) {
        let mut shares = [0.0; KINDS];
        let (mut of_peers, mut of_all) = ([0.0; KINDS], [0.0; KINDS]);
        for kind in 0..KINDS {
            let cell = cells::hour(self.maturity, kind);
            if let (Some(peers), Some(all)) = (of_peers.get_mut(kind), of_all.get_mut(kind)) {
                (*peers, *all) = (ctx.peers(cell), ctx.everyone(cell));
            }
        }
        let (peers, all): (f64, f64) = (of_peers.iter().sum(), of_all.iter().sum());
        #[expect(clippy::cast_precision_loss, reason = "twelve")]
        let all = all + PRIOR_HOURS * KINDS as f64;
        for (share, (of_peers, of_all)) in shares.iter_mut().zip(of_peers.iter().zip(of_all)) {
            let wide = (of_all + PRIOR_HOURS) / all;
            *share = (of_peers + TENANT_HOURS * wide) / (peers + TENANT_HOURS);
        }
        let at = shares.get(self.kind).copied().unwrap_or(1.0);
        (shares.iter().filter(|share| **share <= at).sum(), peers)
    }
}

/// Whether an hour of the day is one of the actor's.
fn is_usual(ctx: &Context<'_>, hour: usize) -> bool {
    let least = if ctx.actor.progress.active_hours < SETTLED_HOURS { 1 } else { 2 };
    let seen = (0..7).map(|day| u32::from(ctx.actor.hours.count(day * 24 + hour % 24)));
    seen.sum::<u32>() >= least
}

/// Whether the actor works on the day of an hour of the week.
fn works_on(ctx: &Context<'_>, hour: usize) -> bool {
    let day = hour / 24 * 24;
    (day..day + 24).any(|hour| ctx.actor.hours.count(hour) > 0)
}

/// The nearest hour of the week that would have said nothing, and how far off it is.
fn nearest(ctx: &Context<'_>) -> Option<(usize, usize)> {
    let here = hour_of_week(ctx.keys.hour);
    let silent = |hour: &usize| is_usual(ctx, *hour) && works_on(ctx, *hour);
    (1..=WEEK / 2).find_map(|by| {
        let mut both = [here + by, here + WEEK - by].into_iter().map(|hour| hour % WEEK);
        both.find(silent).map(|hour| (hour, by))
    })
}

fn evaluate(ctx: &Context<'_>) -> Option<Evidence> {
    // An hour of its own says nothing: not even what rounding leaves of it.
    let place = Place::of(ctx).filter(|place| place.kind > 0)?;
    let (p, peers) = place.share(ctx);
    #[expect(clippy::cast_precision_loss, reason = "at most 12")]
    let distance = place.distance as f64;
    let hours = f64::from(ctx.actor.progress.active_hours);
    Evidence::of(-ln(p.min(1.0)), u8::from(place.kind >= DISTANCES), [distance, p, hours, peers])
}

fn explain(ctx: &Context<'_>, evidence: &Evidence) -> Explanation {
    let [distance, p, hours, peers] = evidence.numbers;
    let here = hour_of_week(ctx.keys.hour);
    let name = |hour: usize| DAYS.get(hour / 24).copied().unwrap_or("");
    let works = if evidence.fact == 0 { "" } else { ", a day on which it does not work" };
    Explanation {
        observed: format!(
            "active on {} at {:02}:00 UTC, {} h from its hours{works}",
            name(here),
            here % 24,
            count(distance)
        ),
        expected: format!("its own hours; {:.2} % of active hours are as odd", p * 100.0),
        support: count(hours),
        peers: format!("{} active hours of peers as experienced", count(peers)),
        normal: nearest(ctx).map_or_else(
            || "an hour of the day in which it is usually active".to_owned(),
            |(hour, by)| {
                format!("the same on {} at {:02}:00 UTC, {by} h off", name(hour), hour % 24)
            },
        ),
    }
}
