//! What each owned partition says of itself, summed up when somebody looks. A partition that is released is forgotten.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use alerting::RespondCounts;
use baseline::StoreCounts;
use bus::TopicPartition;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;

use super::table::help;

/// The owned partitions.
#[derive(Debug, Default)]
pub(super) struct Partitions(Mutex<BTreeMap<TopicPartition, Partition>>);

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Partition {
    pub(super) lag_records: u64,
    pub(super) log_ms: i64,
    pub(super) store: StoreCounts,
    pub(super) respond: RespondCounts,
    pub(super) held: u64,
}

impl Partitions {
    fn all(&self) -> MutexGuard<'_, BTreeMap<TopicPartition, Partition>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what a partition says; gives what it said before.
    pub(super) fn change(
        &self,
        at: &TopicPartition,
        change: impl FnOnce(&mut Partition),
    ) -> Partition {
        let mut all = self.all();
        let partition = all.entry(at.clone()).or_default();
        let before = *partition;
        change(partition);
        before
    }

    pub(super) fn release(&self, at: &TopicPartition) {
        self.all().remove(at);
    }
}

impl Collector for Partitions {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let all = self.all();
        let lag = "consumer_lag_records";
        let mut family = encoder.encode_descriptor(lag, &help(lag), None, MetricType::Gauge)?;
        for (at, partition) in all.iter() {
            let number = at.partition.to_string();
            let labels = [("topic", at.topic.as_ref()), ("partition", number.as_str())];
            let gauge = ConstGauge::new(partition.lag_records);
            gauge.encode(family.encode_family(&labels)?)?;
        }
        let sum = |of: fn(&StoreCounts) -> u64| all.values().map(|p| of(&p.store)).sum::<u64>();
        let mut family =
            encoder.encode_descriptor("agents", &help("agents"), None, MetricType::Gauge)?;
        for (ring, agents) in [("known", sum(|c| c.known)), ("young", sum(|c| c.young))] {
            ConstGauge::new(agents).encode(family.encode_family(&[("ring", ring)])?)?;
        }
        let sum_of =
            |of: fn(&RespondCounts) -> u64| all.values().map(|p| of(&p.respond)).sum::<u64>();
        for (name, value) in [
            ("cases", sum_of(|c| c.cases)),
            ("open_alerts", sum_of(|c| c.open_alerts)),
            ("open_incidents", sum_of(|c| c.open_incidents)),
            ("requests", sum_of(|c| c.requests)),
            ("requests_waiting", sum_of(|c| c.requests_waiting)),
            ("silences", sum_of(|c| c.silences)),
            ("coordination_things", sum_of(|c| c.coordination.things)),
        ] {
            let encoder = encoder.encode_descriptor(name, &help(name), None, MetricType::Gauge)?;
            ConstGauge::new(value).encode(encoder)?;
        }
        let now_ms = now_ms();
        let behind = all.values().filter(|p| p.lag_records > 0 && p.log_ms > 0);
        let behind_ms = behind.map(|p| now_ms.saturating_sub(p.log_ms)).max().unwrap_or(0).max(0);
        let oldest_ms = all.values().map(|p| p.log_ms).filter(|ms| *ms > 0).min().unwrap_or(0);
        let mut gauge = |name: &str, value: f64| {
            let encoder = encoder.encode_descriptor(name, &help(name), None, MetricType::Gauge)?;
            ConstGauge::new(value).encode(encoder)
        };
        #[expect(clippy::cast_precision_loss, reason = "seconds and bytes for monitoring")]
        let number = |value: i64| value as f64;
        gauge("consumer_lag_seconds", number(behind_ms) / 1e3)?;
        gauge("watermark_seconds", number(oldest_ms) / 1e3)?;
        let held = all.values().map(|p| p.held).sum::<u64>();
        gauge("held_activities", number(held.cast_signed()))?;
        gauge("state_bytes", number(sum(|c| c.bytes).cast_signed()))
    }
}

#[expect(clippy::disallowed_methods, reason = "age is told at the edge; no result depends on it")]
fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
