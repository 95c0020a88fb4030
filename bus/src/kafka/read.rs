//! Reads one partition, outside any group, and turns messages into records.

use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::{Offset, TopicPartitionList};

use crate::error::BusError;
use crate::kafka::settings::{Kafka, Kind};
use crate::kafka::voice::{Speaker, Voice, now};
use crate::kafka::{failure, raw};
use crate::record::{Isolation, Record, TopicPartition};
use crate::traits::Reader;

/// How long a question to the brokers may take.
pub(super) const ASK: Duration = Duration::from_secs(10);

/// Reads one partition.
pub struct KafkaReader {
    client: BaseConsumer<Speaker>,
    at: TopicPartition,
    next: u64,
    at_end: bool,
}

impl KafkaReader {
    pub(super) fn open(
        kafka: &Kafka,
        at: &TopicPartition,
        from: u64,
        isolation: Isolation,
    ) -> Result<Self, BusError> {
        let speaker = Speaker(Voice::new("reader"));
        let client: BaseConsumer<Speaker> = kafka
            .config(Kind::Reader(isolation))
            .create_with_context(speaker)
            .map_err(|error| failure::of(&error))?;
        let (start, _) = bounds(&client, at)?;
        let next = from.max(start);
        let list = list([(at, Some(next))])?;
        client.assign(&list).map_err(|error| failure::of(&error))?;
        Ok(Self { client, at: at.clone(), next, at_end: false })
    }
}

impl Reader for KafkaReader {
    fn next(&mut self, timeout: Duration) -> Result<Option<Record>, BusError> {
        let begun = now();
        loop {
            match self.client.poll(timeout.saturating_sub(begun.elapsed())) {
                Some(Ok(message)) => {
                    let record = record(&message, self.at.clone());
                    self.next = record.offset + 1;
                    self.at_end = false;
                    return Ok(Some(record));
                }
                Some(Err(KafkaError::PartitionEOF(_))) => {
                    // Told once each time the end is reached: there is nothing to wait for.
                    self.at_end = true;
                    return Ok(None);
                }
                Some(Err(error)) if is_out_of_range(&error) => {
                    let (start, _) = bounds(&self.client, &self.at)?;
                    let (partition, offset) = (self.at.clone(), self.next);
                    return Err(BusError::OutOfRange { partition, offset, start });
                }
                Some(Err(error)) => return Err(self.client.context().0.sort(&error)),
                None => {}
            }
            if begun.elapsed() >= timeout {
                return Ok(None);
            }
        }
    }

    fn at_end(&self) -> bool {
        self.at_end
    }
}

/// First and next offset of a partition, the next one as the client's isolation sees it.
pub(super) fn bounds<C: rdkafka::consumer::ConsumerContext>(
    client: &BaseConsumer<C>,
    at: &TopicPartition,
) -> Result<(u64, u64), BusError> {
    let partition = number(at)?;
    let found = client.fetch_watermarks(&at.topic, partition, ASK);
    let (start, next) = found.map_err(|error| failure::of(&error))?;
    Ok((unsigned(start), unsigned(next)))
}

/// Whether a partition was to be read from an offset that does not exist.
pub(super) fn is_out_of_range(error: &KafkaError) -> bool {
    let code = error.rdkafka_error_code();
    matches!(code, Some(Code::AutoOffsetReset | Code::OffsetOutOfRange))
}

/// A record out of a message; an absent timestamp is -1.
pub(super) fn record(message: &BorrowedMessage<'_>, at: TopicPartition) -> Record {
    Record {
        at,
        offset: unsigned(message.offset()),
        timestamp_ms: message.timestamp().to_millis().unwrap_or(-1),
        key: message.key().map(<[u8]>::to_vec),
        value: message.payload().map(<[u8]>::to_vec),
        headers: raw::headers(message),
    }
}

/// Partitions as librdkafka lists them, with offsets or without.
pub(super) fn list<'a>(
    partitions: impl IntoIterator<Item = (&'a TopicPartition, Option<u64>)>,
) -> Result<TopicPartitionList, BusError> {
    let mut list = TopicPartitionList::new();
    for (at, offset) in partitions {
        let partition = number(at)?;
        let offset = match offset {
            Some(offset) => Offset::Offset(i64::try_from(offset).unwrap_or(i64::MAX)),
            None => Offset::Invalid,
        };
        let added = list.add_partition_offset(&at.topic, partition, offset);
        added.map_err(|error| failure::of(&error))?;
    }
    Ok(list)
}

/// Refuses a name that C cannot hold: rdkafka would panic at it.
pub(super) fn checked(topic: &str) -> Result<&str, BusError> {
    match topic.contains('\0') {
        true => Err(BusError::Refused(format!("{topic:?} cannot be the name of a topic"))),
        false => Ok(topic),
    }
}

fn number(at: &TopicPartition) -> Result<i32, BusError> {
    checked(&at.topic)?;
    i32::try_from(at.partition)
        .map_err(|_| BusError::Refused(format!("{at} has no such partition")))
}

/// Offsets of the log are not negative; librdkafka's negative ones are marks, which are handled before.
pub(super) fn unsigned(offset: i64) -> u64 {
    u64::try_from(offset).unwrap_or(0)
}
