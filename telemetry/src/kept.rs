//! Whether calibration and budget are kept: actor-hours by how rare they were, and alerts beside those that the budget
//! allows. Folds sum it up; it is told of what they committed, so that nothing counts twice.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use lane::{Counts, SUMS};
use prometheus_client::encoding::{EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use super::metrics::add;

/// Bounds of p that actor-hours are counted by.
const P_AT_MOST: [&str; 6] = ["1", "0.5", "0.1", "0.01", "0.001", "0.0001"];

/// What a fold adds to the sums of its counts: actor-hours by bound of p, alerts opened, millionths of alerts allowed.
pub fn sums(hours: [u64; P_AT_MOST.len()], alerts: u64, allowed_micro: u64) -> [u64; SUMS] {
    let [all, half, tenth, hundredth, thousandth, least] = hours;
    [all, half, tenth, hundredth, thousandth, least, alerts, allowed_micro]
}

/// The meters.
#[derive(Debug)]
pub(super) struct Kept {
    hours: Family<[(&'static str, &'static str); 1], Counter>,
    alerts: Counter,
    allowed: Millionths,
}

/// A counter of whole millionths: its sum depends on no order.
#[derive(Clone, Debug, Default)]
struct Millionths(Arc<AtomicU64>);

impl EncodeMetric for Millionths {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        #[expect(clippy::cast_precision_loss, reason = "for monitoring")]
        let value = self.0.load(Ordering::Relaxed) as f64 / 1e6;
        encoder.encode_counter::<NoLabelSet, _, u64>(&value, None)
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Counter
    }
}

// === impl Kept ===

impl Kept {
    /// All at zero.
    pub(super) fn new(registry: &mut Registry) -> Self {
        let kept = Self {
            hours: add(registry, "actor_hours_total", Family::default()),
            alerts: add(registry, "actor_alerts_total", Counter::default()),
            allowed: add(registry, "alerts_allowed_total", Millionths::default()),
        };
        kept.add(&Counts::default());
        kept
    }

    /// Takes in what was committed.
    pub(super) fn add(&self, counts: &Counts) {
        let [hours @ .., alerts, allowed_micro] = counts.sums;
        for (label, hours) in P_AT_MOST.into_iter().zip(hours) {
            self.hours.get_or_create(&[("p_at_most", label)]).inc_by(hours);
        }
        self.alerts.inc_by(alerts);
        self.allowed.0.fetch_add(allowed_micro, Ordering::Relaxed);
    }
}
