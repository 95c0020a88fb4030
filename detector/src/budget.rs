//! What a score is worth: the return period, "once in X actor-months in this peer group". The share of
//! actor-hours that reach the score shrinks from (group, stratum) to (tenant, stratum) to tenant to prior. What gathers in
//! the tenant's tail beyond chance does not count as chance: alerts about it come besides the budget. Trust falls by all
//! that was counted, read in the hours of the agent, as nobody looks before it does.

use baseline::math::exp;
use baseline::part::progress::Progress;
use baseline::shared::{Shared, stratum};
use schemas::finding::Support;

use crate::keys::Keys;

/// Weight of a tenant's whole behind its stratum, in actor-hours.
const TENANT_HOURS: f64 = 300.0;
/// Weight of a tenant's stratum behind the group's, in actor-hours.
const GROUP_HOURS: f64 = 3_000.0;
/// The least of either weight where fewer votes came than expected, in votes that are expected at the score: that none
/// came where hardly any was expected says nothing. Weighed in hours alone, what nobody had reached yet came a hundred
/// times too rare in a stratum of many.
const EXPECTED_VOTES: f64 = 3.0;
/// Seconds of a mean month.
const MONTH_S: f64 = 2_629_746.0;

/// A score's return period.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ReturnPeriod {
    /// In actor-months.
    pub(crate) actor_months: f64,
    /// The same where all that was counted is chance, in the hours of the agent: what trust falls by.
    pub(crate) counted_months: f64,
    /// The share of actor-hours that reach the score: its p.
    pub(crate) share: f64,
    /// Active hours a month that trust reads it by: those of the agent.
    pub(crate) hours_per_month: f64,
    /// How well supported it is.
    pub(crate) support: Support,
}

/// How much there is of an actor and its agent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// Active hours of the agent: a new actor is judged by the habits that it inherited.
    pub(crate) active_hours: u32,
    /// Active hours a month of the actor: a budget allows alerts to each actor, and who acts for people now and then has
    /// its own hours to open them in.
    own: f64,
    /// Active hours a month of the agent's busiest actor since its first activity.
    agent: f64,
}

impl Pace {
    /// Of an actor's progress within its agent's.
    pub(crate) fn of(own: &Progress, (active_hours, first_s): (u32, u32), now_s: u32) -> Self {
        let per_month =
            |hours, since: u32| hours_per_month(hours, now_s.saturating_sub(since).into());
        let (own, agent) =
            (per_month(own.active_hours, own.first_s), per_month(active_hours, first_s));
        Self { active_hours, own, agent }
    }
}

/// Active hours a month, between 30 and 730: what was seen, behind it three days at 150 hours a month, as of
/// one that works by day. A prior that works around the clock kept those who do not quiet for weeks.
fn hours_per_month(active_hours: u32, age_s: f64) -> f64 {
    ((f64::from(active_hours) + 15.0) / (age_s.max(0.0) / MONTH_S + 0.1)).clamp(30.0, 730.0)
}

/// Millionths of the alerts that a budget a month allows in so many seconds.
pub(crate) fn allowed_micro(alerts_per_month: f64, seconds: u32) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a count below 2^53"
    )]
    let micro = (alerts_per_month * 1e6 * f64::from(seconds) / MONTH_S) as u64;
    micro
}

/// The share of a part's votes that reach a score, shrunk towards that of the whole.
fn shrink((reached, total): (f64, f64), hours: f64, whole: f64) -> f64 {
    let is_rarer = reached < whole * total;
    let weight = if is_rarer { hours.max(EXPECTED_VOTES / whole.max(1e-12)) } else { hours };
    (reached + weight * whole) / (total + weight)
}

/// The return period of a score of `m` nats.
pub(crate) fn return_period(shared: &Shared, keys: &Keys, pace: &Pace, m: f64) -> ReturnPeriod {
    let row = stratum(pace.active_hours);
    let tenant = shared.strata(keys.tenant);
    let (mut share, extrapolated) = tenant.map_or((exp(-m / 1.2), true), |strata| strata.share(m));
    let mut hours = tenant.map_or(0.0, baseline::shared::Strata::total);
    if let Some(strata) = tenant {
        share = shrink(strata.votes(row, m), TENANT_HOURS, share);
    }
    if keys.group != keys.tenant
        && let Some(strata) = shared.strata(keys.group)
    {
        share = shrink(strata.votes(row, m), GROUP_HOURS, share);
        hours = hours.max(strata.total());
    }
    let share = share.clamp(1e-12, 1.0);
    ReturnPeriod {
        actor_months: tenant.map_or(1.0, |strata| strata.excess(m)) / (share * pace.own),
        counted_months: 1.0 / (share * pace.agent),
        share,
        hours_per_month: pace.agent,
        support: Support { actor_hours: hours, extrapolated },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_part_without_votes_is_no_evidence_of_rarity_and_many_votes_speak_for_themselves(
            (nats, total) in (0.0..25.0_f64, 1.0..1e6_f64), times in 1.0..50.0_f64,
        ) {
            let whole = exp(-nats);
            let expected = whole * total;
            let none = shrink((0.0, total), TENANT_HOURS, whole) / whole;
            prop_assert!(none <= 1.0 + 1e-9);
            prop_assert!(EXPECTED_VOTES / (EXPECTED_VOTES + expected) - 1e-9 <= none);
            let many = (times * expected).min(total);
            let part = shrink((many, total), TENANT_HOURS, whole);
            let (low, high) = (whole.min(many / total), whole.max(many / total));
            prop_assert!(low * 0.999_999 <= part && part <= high * 1.000_001, "between both");
            if 20.0 * TENANT_HOURS <= total && whole * total <= many {
                prop_assert!(0.9 * many / total <= part, "{part} of {many} in {total}");
            }
        }

        #[test]
        fn an_actor_is_allowed_the_budget_however_seldom_it_works(
            every_h in 1_u32..=24, months in 3.0..12.0_f64,
        ) {
            let mut progress = Progress::default();
            let (mut now_s, mut allowed) = (0, 0.0);
            while f64::from(now_s) < months * MONTH_S {
                // At a budget of one a month, an hour is as likely to open an alert.
                allowed += 1.0 / Pace::of(&progress, (9_999, 0), now_s).own;
                progress.active_hours += 1;
                now_s += every_h * 3_600;
            }
            prop_assert!((0.7..1.3).contains(&(allowed / months)), "{allowed} in {months} months");
        }
    }
}
