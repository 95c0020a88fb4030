//! How much of one actor's day counts for others. Whoever opens sessions at will would else decide alone what is usual in
//! its group: what is known, and on which scale evidence is read. Sessions beyond the ration are scored like any other
//! and teach the actor itself; the shared tables do not count them.

use baseline::Actor;

/// Sessions of a day that count of an actor whose days are not known yet, and of any other.
const SESSIONS_UNKNOWN: f64 = 128.0;
const SESSIONS_KNOWN: f64 = 32.0;
/// Of an actor whose days are known, so many times a usual one.
const TIMES_USUAL: f64 = 4.0;

/// Whether the actor's sessions of that day are more than count for others.
pub(crate) fn is_spent(actor: &Actor, day: u16) -> bool {
    let (today, usual) = actor.drift.sessions(day);
    let least = if usual > 0.0 { SESSIONS_KNOWN } else { SESSIONS_UNKNOWN };
    today >= least.max(TIMES_USUAL * usual)
}
