//! One step of a running mean and mean square deviation, winsorised: what lies further off than 2.5 deviations counts as
//! just that far, so that one huge value cannot widen what is normal.

/// Deviations beyond which a value is pulled in.
const DEVIATIONS_MAX: f32 = 2.5;
/// Least mean square deviation that a value is measured by.
const VARIANCE_MIN: f32 = 0.04;

/// Moves mean and mean square deviation towards `x` by `gain`, a share of its weight in all.
pub(crate) fn step((mean, variance): (f32, f32), x: f32, gain: f32) -> (f32, f32) {
    let spread = variance.max(VARIANCE_MIN).sqrt();
    let x = x.clamp(mean - DEVIATIONS_MAX * spread, mean + DEVIATIONS_MAX * spread);
    let delta = x - mean;
    (mean + gain * delta, variance + gain * (delta * delta * (1.0 - gain) - variance))
}
