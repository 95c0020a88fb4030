//! The vote of an actor-hour: its highest score, cast at the first activity and moved as it rises. No hour needs to
//! end for it, so it is exact and order-free; moves into the rare range are rationed per actor.

use baseline::Actor;
use baseline::shared::{BINS, Deltas, Shared, Table, stratum};

use crate::keys::Keys;

/// Share of actor-hours below which a vote is rationed.
const RARE_SHARE: f64 = 1.0 / 500.0;

/// Casts the actor-hour's vote at `now`, or moves it there; a move into the rare range is rationed.
pub(crate) fn vote(deltas: &mut Deltas, shared: &Shared, actor: &mut Actor, keys: &Keys, now: u8) {
    let progress = &mut actor.progress;
    if progress.vote_cast && now <= progress.vote_bin {
        return;
    }
    let nats = baseline::shared::edge(now);
    let share = |nats: f64| shared.strata(keys.tenant).map_or(1.0, |strata| strata.share(nats).0);
    let was_rare =
        progress.vote_cast && share(baseline::shared::edge(progress.vote_bin)) < RARE_SHARE;
    if !was_rare && share(nats) < RARE_SHARE {
        if progress.rare_votes < 100 {
            return;
        }
        progress.rare_votes -= 100;
    }
    let row = stratum(progress.active_hours.saturating_sub(1));
    let cell = |bin: u8| (row * BINS) as u64 + u64::from(bin);
    for scope in
        [keys.tenant, keys.group].into_iter().take(if keys.group == keys.tenant { 1 } else { 2 })
    {
        if progress.vote_cast {
            deltas.add(Table::Hours, scope, cell(progress.vote_bin), -1_000);
        }
        deltas.add(Table::Hours, scope, cell(now), 1_000);
    }
    progress.vote_bin = now;
    progress.vote_cast = true;
}
