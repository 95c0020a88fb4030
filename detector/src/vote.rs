//! The vote of an actor-hour: its highest score, cast at the first activity and moved as it rises. No hour needs to
//! end for it, so it is exact and order-free; moves into the rare range are rationed per actor.
//!
//! Hours within 12 h of each other are a run, as they are one alert: at a level that its run has reached already, an
//! hour counts as an hour only. So the share of hours that reach a level is the rate at which alerts *open* there
//! (runs declustering; the extremal index of Leadbetter 1983), which is what a budget is about.

use baseline::Actor;
use baseline::shared::{BINS, Deltas, Shared, Table, stratum};

use crate::keys::Keys;

/// Share of actor-hours below which a vote is rationed.
const RARE_SHARE: f64 = 1.0 / 500.0;

/// Where an actor-hour votes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ballot {
    pub(crate) tenant: u64,
    pub(crate) group: u64,
    /// Active hours of the agent, this one included: a new actor has its siblings' habits and their maturity.
    pub(crate) active_hours: u32,
}

/// Casts the vote of an actor-hour that begins: an hour at no level yet.
pub(crate) fn open(deltas: &mut Deltas, ballot: Ballot) {
    ballot.add(deltas, 0, 1_000);
}

/// Moves the open hour's vote up to `now`; a move into the rare range is rationed.
pub(crate) fn raise(
    deltas: &mut Deltas,
    shared: &Shared,
    actor: &mut Actor,
    ballot: Ballot,
    now: u8,
) {
    let progress = &mut actor.progress;
    if now < progress.vote_bin {
        return;
    }
    progress.run_hours = 0;
    if now == progress.vote_bin {
        return;
    }
    let is_rare = |bin: u8| {
        let nats = baseline::shared::edge(bin);
        shared.strata(ballot.tenant).is_some_and(|strata| strata.share(nats).0 < RARE_SHARE)
    };
    if !is_rare(progress.vote_bin) && is_rare(now) {
        if progress.rare_votes < 100 {
            return;
        }
        progress.rare_votes -= 100;
    }
    ballot.add(deltas, progress.vote_bin, -1_000);
    ballot.add(deltas, now, 1_000);
    progress.vote_bin = now;
}

impl Ballot {
    pub(crate) fn of(keys: &Keys, active_hours: u32) -> Self {
        Self { tenant: keys.tenant, group: keys.group, active_hours }
    }

    fn add(self, deltas: &mut Deltas, bin: u8, votes: i64) {
        let row = stratum(self.active_hours.saturating_sub(1));
        let cell = (row * BINS) as u64 + u64::from(bin);
        let n_scopes = if self.group == self.tenant { 1 } else { 2 };
        for scope in [self.tenant, self.group].into_iter().take(n_scopes) {
            deltas.add(Table::Hours, scope, cell, votes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use schemas::finding::Increment;

    /// Votes that reach a bin after activities at these hours with scores in these bins.
    fn reached(activities: &[(u32, u8)], level: u8) -> i64 {
        let (mut deltas, mut actor) = (Deltas::default(), Actor::default());
        deltas.begin(1);
        deltas.enter("t");
        let ballot = Ballot { tenant: 1, group: 1, active_hours: 1_000 };
        for (hour, bin) in activities {
            if actor.progress.vote_hour != *hour {
                actor.progress.open_hour(*hour);
                open(&mut deltas, ballot);
            }
            raise(&mut deltas, &Shared::default(), &mut actor, ballot, *bin);
        }
        let increments = deltas.begin(2).into_iter().flat_map(|(_, increments)| increments);
        let counted = increments.filter(|i| i.cell % BINS as u64 >= u64::from(level));
        counted.map(|increment| increment.add).sum::<i64>() / 1_000
    }

    proptest! {
        #[test]
        fn votes_are_the_alerts_that_would_open(
            steps in proptest::collection::vec((0_u32..16, 0_u8..100), 1..60), level in 1_u8..100,
        ) {
            let mut hour = 100;
            let mut hours = std::collections::BTreeSet::new();
            let (mut openings, mut newest, mut exceeding) = (0, None, std::collections::BTreeSet::new());
            let mut activities = Vec::new();
            for (gap, bin) in steps {
                hour += gap;
                hours.insert(hour);
                activities.push((hour, bin));
                if level <= bin {
                    openings += i64::from(newest.is_none_or(|newest| newest + 12 < hour));
                    newest = Some(hour);
                    exceeding.insert(hour);
                }
            }
            let votes = reached(&activities, level);
            prop_assert!(openings <= votes && votes <= exceeding.len() as i64,
                "{openings} alerts, {votes} votes, {} hours", exceeding.len());
            prop_assert_eq!(reached(&activities, 0), hours.len() as i64);
        }
    }

    #[test]
    fn rare_votes_are_rationed() {
        let votes = |bin: u64, add: i64| Increment {
            table: Table::Hours.number(),
            scope: 1,
            group: 0,
            cell: bin,
            add: add * 1_000,
        };
        let mut shared = Shared::default();
        shared.merge(1, &[votes(5, 9_000)]);
        let cast = |bin: u8| {
            let (mut deltas, mut actor) = (Deltas::default(), Actor::default());
            deltas.begin(1);
            deltas.enter("t");
            actor.progress.rare_votes = 300;
            for day in 0..40 {
                actor.progress.open_hour(1_000 + day * 24);
                let ballot = Ballot { tenant: 1, group: 1, active_hours: 1_000 };
                open(&mut deltas, ballot);
                raise(&mut deltas, &shared, &mut actor, ballot, bin);
            }
            let increments = deltas.begin(2).into_iter().flat_map(|(_, increments)| increments);
            let there = increments.filter(|i| i.cell % BINS as u64 == u64::from(bin));
            there.map(|increment| increment.add).sum::<i64>() / 1_000
        };
        assert_eq!((cast(5), cast(100)), (40, 3), "usual and rare hours of forty");
    }

    #[test]
    fn a_run_is_counted_once_and_anew_after_half_a_day() {
        assert_eq!(reached(&[(100, 50), (101, 50), (112, 60), (124, 55)], 50), 1);
        assert_eq!(reached(&[(100, 50), (113, 50)], 50), 2);
        assert_eq!(reached(&[(100, 50), (101, 70)], 60), 1);
        // What is active all the time does not stay in its run for ever.
        let always: Vec<(u32, u8)> =
            (100..130).map(|hour| (hour, if hour % 20 == 0 { 50 } else { 1 })).collect();
        assert_eq!(reached(&always, 50), 2);
    }
}
