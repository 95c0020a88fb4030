//! A latency: recorded in an HDR histogram, told as quantiles or as a Prometheus histogram with fixed buckets.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hdrhistogram::Histogram;
use prometheus_client::encoding::{EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::{MetricType, TypedMetric};

/// Bounds of the buckets of stages, in seconds: what one activity costs, up to a commit.
pub(super) const STAGE_BUCKETS: &[f64] =
    &[1e-6, 3e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 0.01, 0.03, 0.1, 0.3, 1.0];
/// Bounds of the buckets of hops, commits and restores, in seconds.
pub(super) const HOP_BUCKETS: &[f64] =
    &[0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 15.0, 60.0, 300.0];

/// An hour: what takes longer counts as that.
const NANOS_MAX: u64 = 3_600_000_000_000;

/// A latency, shared by those who record and those who look.
#[derive(Clone)]
pub struct Latency {
    recorded: Arc<Mutex<Recorded>>,
    buckets: &'static [f64],
}

struct Recorded {
    /// Three significant digits; what cannot be made is not measured.
    histogram: Option<Histogram<u64>>,
    sum_nanos: u64,
}

/// What a latency was so far, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quantiles {
    /// How often.
    pub count: u64,
    /// Median.
    pub p50: u64,
    /// 99th percentile.
    pub p99: u64,
    /// Maximum.
    pub max: u64,
}

// === impl Latency ===

impl Latency {
    /// One that nothing was recorded in, with the bounds of its buckets in seconds.
    pub(super) fn new(buckets: &'static [f64]) -> Self {
        let histogram = Histogram::new_with_bounds(1, NANOS_MAX, 3).ok();
        Self { recorded: Arc::new(Mutex::new(Recorded { histogram, sum_nanos: 0 })), buckets }
    }

    fn recorded(&self) -> MutexGuard<'_, Recorded> {
        self.recorded.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records one.
    pub fn record(&self, taken: Duration) {
        self.record_nanos(u64::try_from(taken.as_nanos()).unwrap_or(NANOS_MAX));
    }

    /// Records one in nanoseconds.
    pub fn record_nanos(&self, nanos: u64) {
        let nanos = nanos.clamp(1, NANOS_MAX);
        let mut recorded = self.recorded();
        recorded.sum_nanos = recorded.sum_nanos.saturating_add(nanos);
        if let Some(histogram) = &mut recorded.histogram {
            histogram.saturating_record(nanos);
        }
    }

    /// What it was so far; `None` where nothing was recorded.
    pub fn quantiles(&self) -> Option<Quantiles> {
        let recorded = self.recorded();
        let histogram = recorded.histogram.as_ref().filter(|histogram| !histogram.is_empty())?;
        Some(Quantiles {
            count: histogram.len(),
            p50: histogram.value_at_quantile(0.5),
            p99: histogram.value_at_quantile(0.99),
            max: histogram.max(),
        })
    }

    /// The number recorded in each bucket, and beyond all of them.
    fn counts(&self, histogram: &Histogram<u64>) -> Vec<(f64, u64)> {
        let bounds = self.buckets.iter().copied().chain([f64::INFINITY]);
        let mut counts: Vec<(f64, u64)> = bounds.map(|bound| (bound, 0)).collect();
        for step in histogram.iter_recorded() {
            let value = seconds(histogram.lowest_equivalent(step.value_iterated_to()));
            if let Some((_, count)) = counts.iter_mut().find(|(bound, _)| value <= *bound) {
                *count += step.count_at_value();
            }
        }
        counts
    }
}

impl Default for Latency {
    fn default() -> Self {
        Self::new(STAGE_BUCKETS)
    }
}

#[expect(clippy::cast_precision_loss, reason = "for people and monitoring")]
fn seconds(nanos: u64) -> f64 {
    nanos as f64 / 1e9
}

impl fmt::Debug for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Latency").field("quantiles", &self.quantiles()).finish()
    }
}

impl TypedMetric for Latency {
    const TYPE: MetricType = MetricType::Histogram;
}

impl EncodeMetric for Latency {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        let recorded = self.recorded();
        let Some(histogram) = &recorded.histogram else { return Ok(()) };
        let buckets = self.counts(histogram);
        let sum = seconds(recorded.sum_nanos);
        encoder.encode_histogram::<NoLabelSet>(sum, histogram.len(), &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        Self::TYPE
    }
}
