//! Manages topics and looks at them. It connects at first use, and is meant to be dropped after use.

use std::ffi::CString;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread, sleep};
use std::time::Duration;

use rdkafka::Offset;
use rdkafka::admin::{
    AdminClient, AdminOptions, ConfigResource, NewTopic, ResourceSpecifier, TopicReplication,
};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::RDKafkaErrorCode as Code;

use crate::error::BusError;
use crate::kafka::read::{ASK, bounds, checked, list, unsigned};
use crate::kafka::settings::{Kafka, Kind};
use crate::kafka::voice::{Speaker, Voice, now};
use crate::kafka::{failure, raw, refusal};
use crate::record::{Isolation, TopicPartition};
use crate::traits::{Admin, Cleanup, TopicDetails, TopicInfo, TopicSpec};

/// Manages topics.
pub struct KafkaAdmin {
    kafka: Kafka,
    client: AdminClient<Speaker>,
    committed: BaseConsumer<Speaker>,
    uncommitted: BaseConsumer<Speaker>,
}

impl KafkaAdmin {
    pub(super) fn open(kafka: &Kafka) -> Result<Self, BusError> {
        let looker = |isolation| {
            let speaker = Speaker(Voice::new("looker"));
            let config = kafka.config(Kind::Looker(isolation));
            config.create_with_context(speaker).map_err(|error| failure::of(&error))
        };
        let admin = kafka.config(Kind::Admin);
        let admin = admin.create_with_context(Speaker(Voice::new("admin")));
        Ok(Self {
            kafka: kafka.clone(),
            client: admin.map_err(|error| failure::of(&error))?,
            committed: looker(Isolation::ReadCommitted)?,
            uncommitted: looker(Isolation::ReadUncommitted)?,
        })
    }

    fn looker(&self, isolation: Isolation) -> &BaseConsumer<Speaker> {
        let looker = match isolation {
            Isolation::ReadCommitted => &self.committed,
            Isolation::ReadUncommitted => &self.uncommitted,
        };
        // Its lines wait in a queue that only a poll empties.
        let _nothing = looker.poll(Duration::ZERO);
        looker
    }

    fn described(
        &self,
        names: &[&str],
    ) -> Result<std::collections::BTreeMap<String, raw::Described>, BusError> {
        let mut names: Vec<&str> = names.to_vec();
        names.sort_unstable();
        names.dedup();
        let named = |name: &&str| {
            CString::new(*name)
                .map_err(|_| BusError::Refused(format!("{name:?} cannot be a topic")))
        };
        let names: Vec<CString> = names.iter().map(named).collect::<Result<_, _>>()?;
        if names.is_empty() {
            return Ok(Default::default());
        }
        raw::describe_topics(self.client.inner(), &names, ASK).map_err(|(code, text)| {
            match failure::of_code(code, text) {
                away @ BusError::Unavailable(_) => refusal::heard(&self.kafka).unwrap_or(away),
                error => error,
            }
        })
    }

    /// Waits until a topic that was just made can be used.
    fn settle(&self, spec: &TopicSpec) -> Result<(), BusError> {
        let begun = now();
        while begun.elapsed() < ASK {
            let found = self.described(&[&spec.name])?;
            if found.get(&spec.name).is_some_and(|topic| topic.n_led == spec.partitions) {
                return Ok(());
            }
            sleep(Duration::from_millis(20));
        }
        Err(BusError::Unavailable(format!("{} was made, but has no leaders yet", spec.name)))
    }
}

impl Admin for KafkaAdmin {
    fn describe(&mut self, names: &[&str]) -> Result<Vec<Option<TopicInfo>>, BusError> {
        let found = self.described(names)?;
        let topics: Vec<_> = found.keys().map(|name| ResourceSpecifier::Topic(name)).collect();
        if topics.is_empty() {
            return Ok(names.iter().map(|_| None).collect());
        }
        let configs = wait(self.client.describe_configs(&topics, &options()));
        let configs = configs.map_err(|error| failure::of(&error))?;
        let mut infos = Vec::new();
        for ((name, topic), config) in found.iter().zip(configs) {
            let config =
                config.map_err(|code| failure::of_code(code, format!("{name}: {code}")))?;
            infos.push(TopicInfo {
                name: name.clone(),
                id: match topic.id {
                    0 => name.clone(),
                    id => format!("{id:032x}"),
                },
                partitions: topic.n_partitions,
                log_append_time: setting(&config, "message.timestamp.type") == "LogAppendTime",
                compacted: setting(&config, "cleanup.policy").contains("compact"),
            });
        }
        let of = |name: &&str| infos.iter().find(|info| info.name == *name).cloned();
        Ok(names.iter().map(of).collect())
    }

    fn details(&mut self, name: &str) -> Result<TopicDetails, BusError> {
        const READ: i32 = 3;
        const WRITE: i32 = 4;
        let found = self.described(&[name])?;
        let Some(topic) = found.get(name) else { return Ok(TopicDetails::default()) };
        let topics = [ResourceSpecifier::Topic(name)];
        let configs = wait(self.client.describe_configs(&topics, &options()));
        let configs = configs.map_err(|error| failure::of(&error))?;
        let entries = configs.into_iter().filter_map(Result::ok).flat_map(|config| config.entries);
        let may =
            |operation| (!topic.allowed.is_empty()).then(|| topic.allowed.contains(&operation));
        Ok(TopicDetails {
            settings: entries.filter_map(|entry| Some((entry.name, entry.value?))).collect(),
            replicas: Some(topic.n_replicas),
            may_read: may(READ),
            may_write: may(WRITE),
        })
    }

    fn create(&mut self, spec: &TopicSpec) -> Result<(), BusError> {
        checked(&spec.name)?;
        let partitions = i32::try_from(spec.partitions).unwrap_or(i32::MAX);
        // -1 is how the protocol asks for the broker's default.
        let replicas = match spec.replicas {
            0 => -1,
            replicas => i32::try_from(replicas).unwrap_or(i32::MAX),
        };
        let mut topic = NewTopic::new(&spec.name, partitions, TopicReplication::Fixed(replicas));
        let retention;
        topic = match spec.cleanup {
            Cleanup::Compact => topic.set("cleanup.policy", "compact"),
            Cleanup::Delete(ms) => {
                retention = ms.to_string();
                topic.set("cleanup.policy", "delete").set("retention.ms", &retention)
            }
        };
        for (name, value) in &spec.settings {
            topic = topic.set(name, value);
        }
        let made = wait(self.client.create_topics([&topic], &options()));
        let made = made.map_err(|error| failure::of(&error))?;
        for outcome in made {
            match outcome {
                Ok(_) => self.settle(spec)?,
                Err((_, Code::TopicAlreadyExists)) => {}
                Err((name, code)) => {
                    return Err(failure::of_code(code, format!("cannot make {name}: {code}")));
                }
            }
        }
        Ok(())
    }

    fn bounds(
        &mut self,
        at: &TopicPartition,
        isolation: Isolation,
    ) -> Result<(u64, u64), BusError> {
        bounds(self.looker(isolation), at)
    }

    fn offset_at(&mut self, at: &TopicPartition, time_ms: i64) -> Result<u64, BusError> {
        let asked = list([(at, Some(unsigned(time_ms)))])?;
        let looker = self.looker(Isolation::ReadUncommitted);
        let found = looker.offsets_for_times(asked, ASK).map_err(|error| failure::of(&error))?;
        let elements = found.elements();
        let element = elements.first();
        match element.map(|element| (element.error(), element.offset())) {
            Some((Err(error), _)) => Err(failure::of(&error)),
            Some((Ok(()), Offset::Offset(offset))) => Ok(unsigned(offset)),
            _ => Ok(bounds(looker, at)?.1),
        }
    }
}

fn setting<'a>(config: &'a ConfigResource, name: &str) -> &'a str {
    config.get(name).and_then(|entry| entry.value.as_deref()).unwrap_or_default()
}

fn options() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(ASK)).operation_timeout(Some(ASK))
}

/// Waits for a future on this thread: the admin client has a thread of its own that wakes us.
fn wait<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        thread::park();
    }
}
