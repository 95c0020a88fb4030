//! The log on a broker of the tests: topics, records, members that answer at once.
#![expect(clippy::disallowed_methods, reason = "a test of a broker waits in real time")]

use std::process;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bus::kafka::{Kafka, KafkaConsumer, KafkaProducer, KafkaSettings};
use bus::{
    Bus, BusError, Cleanup, Consumer, GroupEvent, Isolation, Outgoing, Producer, Reader, Record,
    TopicPartition, TopicSpec,
};
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

/// How long one poll waits.
pub const STEP: Duration = Duration::from_millis(50);
/// How long anything may take that must happen.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Returns a name that no other run has: a shared broker keeps what earlier ones left.
pub fn unique(name: &str) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_micros();
    format!("{name}-{}-{now}", process::id())
}

/// Returns the log on a broker, with these properties.
pub fn kafka(address: &str, client: &[(&str, &str)]) -> Kafka {
    let client = client.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    let settings =
        KafkaSettings { brokers: address.to_owned(), client, instance: "tests".to_owned() };
    Kafka::new(settings).expect("good settings")
}

/// Makes a topic of these settings and returns its partitions.
pub fn topic(
    bus: &Kafka,
    name: &str,
    partitions: u32,
    settings: &[(&str, &str)],
) -> Vec<TopicPartition> {
    let settings = settings.iter().map(|(name, value)| (name.to_string(), value.to_string()));
    let spec = TopicSpec {
        name: name.to_owned(),
        partitions,
        replicas: 0,
        cleanup: Cleanup::Delete(86_400_000),
        settings: settings.collect(),
    };
    bus.admin().and_then(|mut admin| admin.create(&spec)).expect("a topic");
    (0..partitions).map(|number| TopicPartition::new(name, number)).collect()
}

/// Lets these partitions begin at such offsets, as retention does.
pub fn delete_before(address: &str, starts: &[(TopicPartition, u64)]) {
    let mut list = TopicPartitionList::new();
    for (at, start) in starts {
        let offset = Offset::Offset(i64::try_from(*start).expect("an offset"));
        let partition = i32::try_from(at.partition).expect("a partition");
        list.add_partition_offset(&at.topic, partition, offset).expect("a place");
    }
    let deleted = answered(admin(address).delete_records(&list, &AdminOptions::new()));
    let deleted = deleted.expect("an answer");
    assert!(deleted.elements().iter().all(|at| at.error().is_ok()), "{deleted:?}");
}

/// Returns a client for what the log of ours never does.
pub fn admin(address: &str) -> AdminClient<DefaultClientContext> {
    ClientConfig::new().set("bootstrap.servers", address).create().expect("an admin")
}

/// Waits for the answer of an admin client, which has a thread of its own.
pub fn answered<F: Future>(future: F) -> F::Output {
    let (mut future, mut context) = (std::pin::pin!(future), Context::from_waker(Waker::noop()));
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Returns a record with this value.
pub fn text(to: &TopicPartition, value: &str) -> Outgoing {
    let value = Some(value.as_bytes().to_vec());
    Outgoing { to: to.clone(), key: None, value, headers: Vec::new() }
}

/// Takes over a transactional id; panics where that fails.
pub fn producer(bus: &Kafka, id: &str) -> KafkaProducer {
    bus.producer(id, PATIENCE).unwrap_or_else(|error| panic!("producer {id}: {error}"))
}

/// Commits these values in a transaction.
pub fn write(
    producer: &mut KafkaProducer,
    to: &TopicPartition,
    values: &[&str],
) -> Result<(), BusError> {
    producer.begin()?;
    for value in values {
        producer.send(&text(to, value))?;
    }
    producer.commit()
}

/// Returns the values of records.
pub fn values<'a>(records: impl IntoIterator<Item = &'a Record>) -> Vec<String> {
    let value = |record: &Record| record.value.clone().unwrap_or_default();
    records.into_iter().map(|r| String::from_utf8(value(r)).expect("a text")).collect()
}

/// Returns what a partition holds, as it is now.
pub fn read(bus: &Kafka, at: &TopicPartition) -> Vec<String> {
    let mut reader = bus.reader(at, 0, Isolation::ReadCommitted).expect("a reader");
    let mut records = Vec::new();
    let begun = Instant::now();
    while !reader.at_end() {
        records.extend(reader.next(STEP).expect("a record"));
        assert!(begun.elapsed() < PATIENCE, "{at} has no end");
    }
    values(&records)
}

/// Polls until the group gives partitions, and returns them unanswered.
pub fn given(consumer: &mut KafkaConsumer) -> Vec<TopicPartition> {
    let given = until("partitions", || match consumer.poll(STEP) {
        Ok(Some(GroupEvent::Assigned(given))) => Some(given),
        Ok(None) | Err(BusError::Unavailable(_)) => None,
        other => panic!("expected partitions, got {other:?}"),
    });
    assert!(!given.is_empty(), "nothing to answer is no event");
    given
}

/// Joins a group that gives one member everything, from offset 0 on, and lets the records come.
pub fn sole_member(bus: &Kafka, group: &str, topic: &str) -> KafkaConsumer {
    let mut consumer = bus.consumer(group, &[topic]).expect("a member");
    let given = given(&mut consumer);
    let starts: Vec<_> = given.iter().cloned().map(|at| (at, 0)).collect();
    consumer.assign(&starts).expect("an assignment");
    consumer.resume(&given).expect("a start");
    consumer
}

/// Tries until something comes.
pub fn until<T>(what: &str, mut attempt: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        if let Some(value) = attempt() {
            return value;
        }
    }
    panic!("{what} did not come")
}
