//! The few calls of librdkafka that rdkafka does not offer, or offers with a fault: the only unsafe code here.
//! Commit: its own flushes first in steps of 100 ms. Headers: its own panics at a name that is no UTF-8, and
//! producers choose names. Topics: it does not tell their ids.
#![expect(unsafe_code, reason = "calls of a C library")]

use std::collections::BTreeMap;
use std::ffi::{CStr, CString, c_char, c_void};
use std::ptr;
use std::time::Duration;

use rdkafka::client::{Client, ClientContext};
use rdkafka::error::RDKafkaErrorCode as Code;
use rdkafka::message::BorrowedMessage;
use rdkafka_sys as sys;

use crate::kafka::failure::Failure;
use crate::record::Header;

/// A topic as the brokers describe it.
#[derive(Debug)]
pub(super) struct Described {
    /// Its id; 0 where the brokers give none.
    pub(super) id: u128,
    pub(super) n_partitions: u32,
    /// Partitions that have a leader: a new topic gets them a moment later.
    pub(super) n_led: u32,
    /// Replicas of the partition that has the fewest.
    pub(super) n_replicas: u32,
    /// The numbers of what we may do, where the brokers tell.
    pub(super) allowed: Vec<i32>,
}

/// A native object and what frees it.
struct Owned<T>(*mut T, unsafe extern "C" fn(*mut T));

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        if !self.0.is_null() {
            // SAFETY: the pointer came from the constructor that belongs to this destructor, and only we hold it.
            unsafe { (self.1)(self.0) };
        }
    }
}

/// Commits the open transaction; another thread must serve the events of the producer meanwhile.
pub(super) fn commit<C: ClientContext>(
    client: &Client<C>,
    timeout: Duration,
) -> Result<(), Failure> {
    // SAFETY: the client lives as long as its borrow; the error, if any, is ours to free.
    let error = unsafe { sys::rd_kafka_commit_transaction(client.native_ptr(), millis(timeout)) };
    if error.is_null() {
        return Ok(());
    }
    let error = Owned(error, sys::rd_kafka_error_destroy);
    // SAFETY: the error lives until the end of this function, and its text is copied.
    unsafe {
        Err(Failure {
            code: sys::rd_kafka_error_code(error.0).into(),
            text: text(sys::rd_kafka_error_string(error.0)),
            fatal: sys::rd_kafka_error_is_fatal(error.0) != 0,
            abort: sys::rd_kafka_error_txn_requires_abort(error.0) != 0,
        })
    }
}

/// The headers of a record, in order. What is no UTF-8 in a name is replaced; a value that is null becomes empty.
pub(super) fn headers(message: &BorrowedMessage<'_>) -> Vec<Header> {
    let mut all = ptr::null_mut();
    // SAFETY: the message lives as long as its borrow, and it keeps the headers.
    let found = unsafe { sys::rd_kafka_message_headers(message.ptr(), &mut all) };
    if found != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
        return Vec::new();
    }
    let mut headers = Vec::new();
    let (mut name, mut value, mut size): (*const c_char, *const c_void, usize) =
        (ptr::null(), ptr::null(), 0);
    loop {
        // SAFETY: the places to write to are ours; an index behind the last header is answered with an error.
        let got = unsafe {
            sys::rd_kafka_header_get_all(all, headers.len(), &mut name, &mut value, &mut size)
        };
        if got != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
            return headers;
        }
        // SAFETY: librdkafka ends names with a zero, and a value that is not null has `size` bytes; both are copied.
        headers.push(unsafe {
            let bytes = match value.is_null() {
                true => &[],
                false => std::slice::from_raw_parts(value.cast::<u8>(), size),
            };
            (text(name), bytes.to_vec())
        });
    }
}

/// Describes those of the topics that exist, by name; each is asked for once. It makes none.
pub(super) fn describe_topics<C: ClientContext>(
    client: &Client<C>,
    names: &[CString],
    timeout: Duration,
) -> Result<BTreeMap<String, Described>, (Code, String)> {
    let mut pointers: Vec<*const c_char> = names.iter().map(|name| name.as_ptr()).collect();
    // SAFETY: the client lives as long as its borrow, the names as long as theirs; the collection copies them.
    let (topics, queue) = unsafe {
        (
            Owned(
                sys::rd_kafka_TopicCollection_of_topic_names(pointers.as_mut_ptr(), pointers.len()),
                sys::rd_kafka_TopicCollection_destroy,
            ),
            Owned(sys::rd_kafka_queue_new(client.native_ptr()), sys::rd_kafka_queue_destroy),
        )
    };
    // SAFETY: the client lives as long as its borrow; an error, if any, is ours to free.
    let options = unsafe {
        let operation = sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS;
        let options = Owned(
            sys::rd_kafka_AdminOptions_new(client.native_ptr(), operation),
            sys::rd_kafka_AdminOptions_destroy,
        );
        let _freed = Owned(
            sys::rd_kafka_AdminOptions_set_include_authorized_operations(options.0, 1),
            sys::rd_kafka_error_destroy,
        );
        options
    };
    // SAFETY: all of them live until the end of this function. The event is ours, and what the result points to
    // lives as long as the event.
    unsafe {
        sys::rd_kafka_DescribeTopics(client.native_ptr(), topics.0, options.0, queue.0);
        let event =
            Owned(sys::rd_kafka_queue_poll(queue.0, millis(timeout)), sys::rd_kafka_event_destroy);
        if event.0.is_null() {
            return Err((Code::OperationTimedOut, "no answer about the topics".to_owned()));
        }
        let code = Code::from(sys::rd_kafka_event_error(event.0));
        let result = sys::rd_kafka_event_DescribeTopics_result(event.0);
        if code != Code::NoError || result.is_null() {
            return Err((code, text(sys::rd_kafka_event_error_string(event.0))));
        }
        let mut count = 0;
        let first = sys::rd_kafka_DescribeTopics_result_topics(result, &mut count);
        (0..count).filter_map(|index| describe(*first.add(index)).transpose()).collect()
    }
}

/// Reads one description.
///
/// # Safety
///
/// `topic` is a description whose event still lives.
unsafe fn describe(
    topic: *const sys::rd_kafka_TopicDescription_t,
) -> Result<Option<(String, Described)>, (Code, String)> {
    // SAFETY: the caller keeps the event; all that is read here belongs to it, and is copied.
    unsafe {
        let error = sys::rd_kafka_TopicDescription_error(topic);
        match Code::from(sys::rd_kafka_error_code(error)) {
            Code::NoError => {}
            Code::UnknownTopicOrPartition => return Ok(None),
            code => {
                let name = text(sys::rd_kafka_TopicDescription_name(topic));
                return Err((code, format!("{name}: {}", text(sys::rd_kafka_error_string(error)))));
            }
        }
        let mut count = 0;
        let first = sys::rd_kafka_TopicDescription_partitions(topic, &mut count);
        let led =
            |index: &usize| !sys::rd_kafka_TopicPartitionInfo_leader(*first.add(*index)).is_null();
        let replicas = |index: usize| {
            let mut count = 0;
            sys::rd_kafka_TopicPartitionInfo_replicas(*first.add(index), &mut count);
            u32::try_from(count).unwrap_or(u32::MAX)
        };
        let mut n_allowed = 0;
        let allowed = sys::rd_kafka_TopicDescription_authorized_operations(topic, &mut n_allowed);
        // Read as numbers: a newer library may know more of them than the enum.
        let allowed = |index| *allowed.add(index).cast::<i32>();
        let id = sys::rd_kafka_TopicDescription_topic_id(topic);
        let high = sys::rd_kafka_Uuid_most_significant_bits(id).cast_unsigned();
        let low = sys::rd_kafka_Uuid_least_significant_bits(id).cast_unsigned();
        let described = Described {
            id: u128::from(high) << 64 | u128::from(low),
            n_partitions: u32::try_from(count).unwrap_or(u32::MAX),
            n_led: u32::try_from((0..count).filter(led).count()).unwrap_or(u32::MAX),
            n_replicas: (0..count).map(replicas).min().unwrap_or(0),
            allowed: (0..n_allowed).map(allowed).collect(),
        };
        Ok(Some((text(sys::rd_kafka_TopicDescription_name(topic)), described)))
    }
}

/// Copies a text of librdkafka.
///
/// # Safety
///
/// `pointer` is null or a text that ends with a zero.
unsafe fn text(pointer: *const c_char) -> String {
    if pointer.is_null() {
        return String::new();
    }
    // SAFETY: as the caller promises.
    unsafe { CStr::from_ptr(pointer) }.to_string_lossy().into_owned()
}

fn millis(timeout: Duration) -> i32 {
    i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rdkafka::ClientConfig;
    use rdkafka::message::OwnedHeaders;
    use rdkafka::mocking::MockCluster;
    use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

    use crate::kafka::{Kafka, KafkaSettings};
    use crate::record::{Isolation, TopicPartition};
    use crate::traits::{Bus, Reader};

    /// Any producer may send such a name: it must not end the process that reads it.
    #[test]
    fn a_header_whose_name_is_no_text_is_read() {
        let cluster = MockCluster::new(1).unwrap();
        cluster.create_topic("in", 1, 1).unwrap();
        let brokers = cluster.bootstrap_servers();
        let headers = OwnedHeaders::new();
        let name = [b'a', 0xff, 0xfe];
        // SAFETY: the headers are ours alone; name and value have the sizes given, and are copied.
        let added = unsafe {
            sys::rd_kafka_header_add(
                ptr::from_ref(headers.as_borrowed()).cast_mut().cast(),
                name.as_ptr().cast(),
                3,
                ptr::null(),
                0,
            )
        };
        assert_eq!(added, sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR);
        let producer: BaseProducer =
            ClientConfig::new().set("bootstrap.servers", &brokers).create().unwrap();
        let record: BaseRecord<'_, (), str> =
            BaseRecord::to("in").payload("value").headers(headers);
        producer.send(record).map_err(|(error, _)| error).unwrap();
        producer.flush(Duration::from_secs(10)).unwrap();
        let settings = KafkaSettings { brokers, client: Vec::new(), instance: "mock".to_owned() };
        let bus = Kafka::new(settings).unwrap();
        let at = TopicPartition::new("in", 0);
        let mut reader = bus.reader(&at, 0, Isolation::ReadUncommitted).unwrap();
        let record = reader.next(Duration::from_secs(10)).unwrap().unwrap();
        assert_eq!(record.headers, [("a\u{fffd}\u{fffd}".to_owned(), Vec::new())]);
    }
}
