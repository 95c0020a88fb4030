//! Readers of what leaves, which count from the moment an event was sent until they see what came of it. The id of an
//! event says when it was sent.
#![expect(clippy::disallowed_methods, reason = "a bench measures time")]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};
use schemas::EventTime;
use schemas::revocation::REVOCATION_SCHEMA;
use serde_json::Value;

/// Microseconds since 1970.
pub(crate) fn now_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
    u64::try_from(since.as_micros()).expect("a time")
}

/// The id of an event that is sent now.
pub(crate) fn id_now() -> String {
    format!("live-{}", now_us())
}

/// Microseconds from an event until what came of it was first seen.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Its finding, by event.
    pub(crate) findings: BTreeMap<String, u64>,
    /// An alert that it opened or joined, by event.
    pub(crate) alerts: BTreeMap<String, u64>,
    /// The request that it led to, by request: it names its event by time, to the millisecond.
    pub(crate) requests: BTreeMap<String, u64>,
}

/// Begins to read at the ends of topics; gives what reads on until told to stop. Requests count whose event was sent
/// from a time on.
pub(crate) fn watch(
    address: &str,
    isolation: &str,
    (findings, alerts): (&str, &str),
    from_us: u64,
    stop: &AtomicBool,
) -> impl FnOnce() -> Seen {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", address).set("isolation.level", isolation);
    config.set("group.id", format!("{alerts}-{isolation}")).set("enable.auto.commit", "false");
    let consumer: BaseConsumer = config.create().expect("a consumer");
    let mut list = TopicPartitionList::new();
    for topic in [findings, alerts] {
        let metadata = consumer.fetch_metadata(Some(topic), Duration::from_secs(10));
        for partition in metadata.expect("a topic").topics()[0].partitions() {
            let at = (topic, partition.id());
            let end =
                consumer.fetch_watermarks(at.0, at.1, Duration::from_secs(10)).expect("an end").1;
            list.add_partition_offset(at.0, at.1, Offset::Offset(end)).expect("an offset");
        }
    }
    consumer.assign(&list).expect("partitions");
    move || {
        let mut seen = Seen::default();
        while !stop.load(Ordering::Relaxed) {
            // An error is a broker that is slow to answer: the client tries again.
            let Some(Ok(message)) = consumer.poll(Duration::from_millis(100)) else { continue };
            let now_us = now_us();
            let value: Value =
                serde_json::from_slice(message.payload().unwrap_or_default()).expect("JSON");
            if value["schema"] == REVOCATION_SCHEMA {
                let sent_us = sent_us(&value["cause"]["event_time"]);
                let id = value["request_id"].as_str().expect("an id").to_owned();
                if from_us <= sent_us {
                    seen.requests.entry(id).or_insert(now_us.saturating_sub(sent_us));
                }
                continue;
            }
            let (event, times) = match message.topic() == findings {
                true => (&value["body"]["activity_id"], &mut seen.findings),
                // The newest comes last.
                false => {
                    let related = value["finding_info"]["related_events"].as_array();
                    (
                        related.and_then(|all| all.last()).map_or(&Value::Null, |e| &e["uid"]),
                        &mut seen.alerts,
                    )
                }
            };
            let sent = event.as_str().and_then(|id| id.strip_prefix("live-")?.parse::<u64>().ok());
            if let (Some(id), Some(sent)) = (event.as_str(), sent) {
                times.entry(id.to_owned()).or_insert(now_us.saturating_sub(sent));
            }
        }
        seen
    }
}

fn sent_us(time: &Value) -> u64 {
    let time = EventTime::parse(time.as_str().expect("a time")).expect("a time");
    u64::try_from(time.millis()).expect("a time after 1970") * 1_000
}

/// A quantile in milliseconds; of 1, the maximum.
pub(crate) fn quantile_ms(times: &BTreeMap<String, u64>, quantile: f64) -> f64 {
    let mut sorted: Vec<u64> = times.values().copied().collect();
    sorted.sort_unstable();
    assert!(!sorted.is_empty(), "nothing was seen: no quantile");
    let place = (quantile * (sorted.len() - 1) as f64).round() as usize;
    sorted[place] as f64 / 1_000.0
}
