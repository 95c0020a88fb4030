//! How much of one actor's day counts for others. Whoever opens sessions at will would else decide alone what is usual in
//! its group: what is known, and on which scale evidence is read. Sessions beyond the ration are scored like any other
//! and teach the actor itself; the shared tables do not count them.
//!
//! Two bounds hold: what is usual for the actor, and three times what a day of an actor of the group has on average. As
//! what is beyond counts in no average either, a group of n takes at most 3 / n of its sessions from one of them, or 32
//! a day where that is more.

use baseline::Actor;
use baseline::shared::{Scope, Shared};

use crate::cells;
use crate::context::whole;
use crate::keys::Keys;
use crate::learn::Lesson;

/// Sessions of a day that count of an actor whose days are not known yet, and of any other; the latter always do.
const SESSIONS_UNKNOWN: f64 = 128.0;
const SESSIONS_KNOWN: f64 = 32.0;
/// Of an actor whose days are known, so many times a usual one.
const TIMES_USUAL: f64 = 4.0;
/// So many times a mean day of the group.
const TIMES_MEAN: f64 = 3.0;
/// Days of actors before a group has a mean day.
const ACTOR_DAYS_MIN: f64 = 30.0;

impl Lesson {
    /// Finds whether the activity counts for others. Of an actor in quarantine, whose sessions are not counted, one an
    /// hour does.
    pub(crate) fn ration(
        &mut self,
        actor: &Actor,
        (shared, keys): (&Shared, &Keys),
        quarantined: bool,
    ) {
        let goes_on = quarantined && actor.progress.vote_hour == keys.hour;
        self.spent = goes_on || is_spent(actor, shared, keys);
    }
}

/// Whether the actor's sessions of that day are more than count for others.
fn is_spent(actor: &Actor, shared: &Shared, keys: &Keys) -> bool {
    let (today, usual) = actor.drift.sessions(keys.day);
    if today < SESSIONS_KNOWN {
        return false;
    }
    let least = if usual > 0.0 { SESSIONS_KNOWN } else { SESSIONS_UNKNOWN };
    today >= least.max(TIMES_USUAL * usual)
        || shared.scope(keys.group).is_some_and(|group| exceeds(today, group))
}

/// Whether so many sessions of a day are more than the group takes of one actor.
fn exceeds(today: f64, group: &Scope) -> bool {
    let count = |cell| whole(group.counts.get(cell));
    let days = count(cells::actor_days());
    days >= ACTOR_DAYS_MIN && today * days >= TIMES_MEAN * count(cells::sessions(0))
}

/// Whether an activity that opens a session begins a day of its actor.
pub(crate) fn begins_day(actor: &Actor, day: u16) -> bool {
    actor.drift.sessions(day).0 <= 0.0
}
