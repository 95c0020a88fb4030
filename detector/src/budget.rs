//! What a score is worth: the return period, "once in X actor-months in this peer group". The share of
//! actor-hours that reach the score shrinks from (group, stratum) to (tenant, stratum) to tenant to prior.

use baseline::math::exp;
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
    /// The share of actor-hours that reach the score: its p.
    pub(crate) share: f64,
    /// Active hours a month of this actor.
    pub(crate) hours_per_month: f64,
    /// How well supported it is.
    pub(crate) support: Support,
}

/// Active hours a month of an actor, between 30 and 730: what was seen, behind it three days at 150 hours a month, as of
/// one that works by day. A prior that works around the clock kept those who do not quiet for weeks.
pub(crate) fn hours_per_month(active_hours: u32, age_s: f64) -> f64 {
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
pub(crate) fn return_period(
    shared: &Shared,
    keys: &Keys,
    active_hours: u32,
    age_s: f64,
    m: f64,
) -> ReturnPeriod {
    let row = stratum(active_hours);
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
    let hours_per_month = hours_per_month(active_hours, age_s);
    let share = share.clamp(1e-12, 1.0);
    ReturnPeriod {
        actor_months: 1.0 / (share * hours_per_month),
        share,
        hours_per_month,
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
    }
}
