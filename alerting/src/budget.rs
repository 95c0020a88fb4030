//! Budgets in actor-months: how rare an event has to be. A budget of B a month is a return period of
//! 1 / B actor-months; nothing is counted or muted afterwards.

/// A return period beyond this is written as this: 100 million actor-years.
pub(crate) const RETURN_PERIOD_MAX: f64 = 1e9;

/// The return period from which on a budget of that many a month is met; a budget of 0 is never met.
pub(crate) fn return_period(per_actor_month: f64) -> f64 {
    if 0.0 < per_actor_month { 1.0 / per_actor_month } else { f64::INFINITY }
}

/// A return period that can be written and compared: not a number is 0.
pub(crate) fn finite(return_period: f64) -> f64 {
    if return_period.is_nan() { 0.0 } else { return_period.clamp(0.0, RETURN_PERIOD_MAX) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budgets_are_return_periods() {
        let met = |budget: f64, seen: f64| return_period(budget) <= finite(seen);
        assert!(met(1.0, 1.0));
        assert!(!met(1.0, 0.999));
        assert!(met(0.001, 1000.0));
        assert!(met(0.5, f64::INFINITY));
        assert!(!met(0.0, f64::INFINITY));
        assert!(!met(1.0, f64::NAN));
    }
}
