//! How errors of brokers come out of a producer, on librdkafka's mock cluster: its transactions are hollow, but
//! its errors are the real ones.

use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::types::RDKafkaApiKey::{self, AddPartitionsToTxn, EndTxn, Produce, TxnOffsetCommit};
use rdkafka::types::RDKafkaRespErr::{self, *};

use super::*;
use crate::kafka::KafkaSettings;
use crate::traits::{Bus, Consumer};

type Cluster = MockCluster<'static, DefaultProducerContext>;

struct Scene {
    cluster: Cluster,
    bus: Kafka,
    at: TopicPartition,
}

fn scene() -> Scene {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic("in", 1, 1).unwrap();
    cluster.create_topic("out", 1, 1).unwrap();
    let brokers = cluster.bootstrap_servers();
    let settings = KafkaSettings { brokers, client: Vec::new(), instance: "mock".to_owned() };
    Scene { cluster, bus: Kafka::new(settings).unwrap(), at: TopicPartition::new("out", 0) }
}

/// One transaction: a record, offsets, the commit.
fn transact(scene: &Scene, producer: &mut KafkaProducer, group: &Member) -> Result<(), BusError> {
    producer.begin()?;
    let value = Some(b"value".to_vec());
    producer.send(&Outgoing { to: scene.at.clone(), key: None, value, headers: Vec::new() })?;
    producer.offsets(&[(TopicPartition::new("in", 0), 1)], group)?;
    producer.commit()
}

/// Runs a transaction whose requests of this kind fail so, and compares the outcome; `Abortable` must leave the
/// producer usable.
fn check(kind: RDKafkaApiKey, errors: &[RDKafkaRespErr], expected: &str, doubtful: bool) {
    let scene = scene();
    let group = scene.bus.consumer("group", &["out"]).unwrap().group().unwrap();
    let mut producer = scene.bus.producer("id", CALL).unwrap();
    transact(&scene, &mut producer, &group).unwrap();
    assert!(!producer.is_doubtful());
    scene.cluster.request_errors(kind, errors);
    let outcome = transact(&scene, &mut producer, &group);
    let name = match &outcome {
        Ok(()) => "Ok",
        Err(BusError::Abortable(_)) => "Abortable",
        Err(BusError::Doubtful(_)) => "Doubtful",
        Err(BusError::Fenced(_)) => "Fenced",
        Err(BusError::Refused(_)) => "Refused",
        Err(_) => "another",
    };
    assert_eq!(name, expected, "{kind:?} {errors:?}: {outcome:?}");
    if name == "Ok" {
        assert_eq!(producer.is_doubtful(), doubtful, "{kind:?} {errors:?}: doubt");
    }
    if name == "Abortable" {
        producer.abort().unwrap();
        transact(&scene, &mut producer, &group).unwrap();
    }
}

#[test]
fn errors_are_sorted_by_what_can_be_done() {
    for (kind, error, expected) in [
        (AddPartitionsToTxn, RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS, "Ok"),
        (EndTxn, RD_KAFKA_RESP_ERR_NOT_COORDINATOR, "Ok"),
        (EndTxn, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, "Ok"),
        (Produce, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, "Ok"),
        (TxnOffsetCommit, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, "Ok"),
        (TxnOffsetCommit, RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION, "Abortable"),
        (TxnOffsetCommit, RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID, "Abortable"),
        (TxnOffsetCommit, RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS, "Abortable"),
        (TxnOffsetCommit, RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, "Abortable"),
        (TxnOffsetCommit, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, "Refused"),
        (Produce, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, "Refused"),
        (Produce, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, "Refused"),
        (EndTxn, RD_KAFKA_RESP_ERR_INVALID_TXN_STATE, "Doubtful"),
        (Produce, RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, "Doubtful"),
        (EndTxn, RD_KAFKA_RESP_ERR_PRODUCER_FENCED, "Fenced"),
        (EndTxn, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, "Fenced"),
        (EndTxn, RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, "Refused"),
    ] {
        check(kind, &[error], expected, false);
    }
}

/// librdkafka says `Ok`, having sent the request twice.
#[test]
fn a_connection_lost_in_a_commit_is_doubtful() {
    check(EndTxn, &[RD_KAFKA_RESP_ERR__TRANSPORT], "Ok", true);
    check(Produce, &[RD_KAFKA_RESP_ERR__TRANSPORT], "Ok", true);
}

/// A commit that takes longer than a second may have been repeated.
#[test]
fn a_slow_commit_is_doubtful() {
    let scene = scene();
    let group = scene.bus.consumer("group", &["out"]).unwrap().group().unwrap();
    let mut producer = scene.bus.producer("id", CALL).unwrap();
    scene.cluster.broker_round_trip_time(1, COMMIT_SLOW + FULL_WAIT * 100).unwrap();
    transact(&scene, &mut producer, &group).unwrap();
    assert!(producer.is_doubtful());
    scene.cluster.broker_round_trip_time(1, Duration::ZERO).unwrap();
    transact(&scene, &mut producer, &group).unwrap();
    assert!(!producer.is_doubtful(), "slowness is no property of the connection");
}

/// A full buffer is waited for: every record of a transaction larger than it arrives.
#[test]
fn a_full_buffer_is_waited_for() {
    let scene = scene();
    let client = vec![("queue.buffering.max.messages".to_owned(), "10".to_owned())];
    let brokers = scene.cluster.bootstrap_servers();
    let bus = Kafka::new(KafkaSettings { brokers, client, instance: "mock".to_owned() }).unwrap();
    let mut producer = bus.producer("id", CALL).unwrap();
    producer.begin().unwrap();
    for number in 0..1_000_u32 {
        let value = Some(number.to_be_bytes().to_vec());
        let to = scene.at.clone();
        producer.send(&Outgoing { to, key: None, value, headers: Vec::new() }).unwrap();
    }
    producer.commit().unwrap();
    let mut reader = bus.reader(&scene.at, 0, crate::record::Isolation::ReadUncommitted).unwrap();
    for number in 0..1_000_u32 {
        let record = crate::traits::Reader::next(&mut reader, CALL).unwrap().unwrap();
        assert_eq!(record.value, Some(number.to_be_bytes().to_vec()));
    }
}
