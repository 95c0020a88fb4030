//! A transactional producer. Its outcome is only as certain as its connection: whatever makes a late EndTxn
//! possible (librdkafka repeats one silently after a lost connection) makes the producer doubtful.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rdkafka::ClientContext;
use rdkafka::config::{FromClientConfigAndContext, RDKafkaLogLevel};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{
    BaseRecord, DeliveryResult, Producer as _, ProducerContext, ThreadedProducer,
};

use crate::error::BusError;
use crate::kafka::consume::Member;
use crate::kafka::failure::{self, Failure};
use crate::kafka::raw;
use crate::kafka::read::{checked, list};
use crate::kafka::settings::{Kafka, Kind};
use crate::kafka::voice::{Voice, now};
use crate::record::{Outgoing, TopicPartition};
use crate::traits::Producer;

/// A commit that takes longer may have been sent twice.
const COMMIT_SLOW: Duration = Duration::from_secs(1);
/// How long a transactional call may take. librdkafka is known to exceed it where the group's coordinator is gone
/// for good: a watchdog of the caller has to end the process then.
const CALL: Duration = Duration::from_secs(15);
const FULL_WAIT: Duration = Duration::from_millis(1);

/// A transactional producer; a thread of its own serves its events.
pub struct KafkaProducer {
    client: ThreadedProducer<Watch>,
    transaction_timeout: Duration,
    begun: Instant,
    was_slow: bool,
}

/// What the producer's thread saw.
struct Watch {
    voice: Voice,
    /// A connection that had been up was lost. librdkafka tells of further losses only now and then, so this
    /// stays for the producer's life.
    was_cut: AtomicBool,
    had_errors: AtomicBool,
    /// The first record of the transaction that was not written, and why.
    unwritten: Mutex<Option<(Code, String)>>,
}

impl ClientContext for Watch {
    fn log(&self, level: RDKafkaLogLevel, topic: &str, text: &str) {
        // No event tells of a lost connection, only this line does.
        if topic == "FAIL"
            && !text.contains("in state CONNECT")
            && !text.contains("in state TRY_CONNECT")
        {
            self.was_cut.store(true, Ordering::Release);
        }
        self.voice.say(level, topic, text);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.had_errors.store(true, Ordering::Release);
        self.voice.say(RDKafkaLogLevel::Debug, "ERROR", &format!("{error}: {reason}"));
    }

    fn stats_raw(&self, _statistics: &[u8]) {}
}

impl ProducerContext for Watch {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        use rdkafka::message::Message;
        let Err((error, message)) = result else { return };
        let code = error.rdkafka_error_code().unwrap_or(Code::Unknown);
        let text = format!("{error} ({}/{})", message.topic(), message.partition());
        let mut first = self.unwritten.lock().unwrap_or_else(PoisonError::into_inner);
        first.get_or_insert((code, text));
    }
}

impl KafkaProducer {
    pub(super) fn take_over(
        kafka: &Kafka,
        transactional_id: &str,
        timeout: Duration,
    ) -> Result<Self, BusError> {
        let mut config = kafka.config(Kind::Producer);
        config.set("transactional.id", transactional_id);
        let transaction_timeout =
            config.get("transaction.timeout.ms").and_then(|ms| ms.parse().ok());
        let watch = Watch {
            voice: Voice::new("producer"),
            was_cut: AtomicBool::new(false),
            had_errors: AtomicBool::new(false),
            unwritten: Mutex::new(None),
        };
        let client = ThreadedProducer::from_config_and_context(&config, watch)
            .map_err(|error| failure::of(&error))?;
        client.init_transactions(timeout).map_err(|error| failure::of(&error))?;
        Ok(Self {
            client,
            transaction_timeout: Duration::from_millis(transaction_timeout.unwrap_or(0)),
            begun: now(),
            was_slow: false,
        })
    }

    fn watch(&self) -> &Watch {
        self.client.client().context()
    }

    /// Sorts the outcome of a transactional call.
    fn outcome(&self, result: Result<(), KafkaError>) -> Result<(), BusError> {
        match result {
            Ok(()) => Ok(()),
            Err(KafkaError::Transaction(error)) => Err(self.failed(Failure::from(&error))),
            Err(error) => Err(BusError::Doubtful(error.to_string())),
        }
    }

    fn failed(&self, Failure { code, text, fatal, abort }: Failure) -> BusError {
        let fenced =
            matches!(code, Code::Fenced | Code::ProducerFenced | Code::InvalidProducerEpoch);
        if fenced && self.begun.elapsed() < self.transaction_timeout {
            return BusError::Fenced(text);
        }
        // Brokers fence a producer, too, whose transaction they timed out: that is nobody's takeover.
        if fenced {
            return BusError::Doubtful(text);
        }
        if failure::is_final(code) && code != Code::Fatal {
            return BusError::Refused(text);
        }
        if !abort || fatal {
            return BusError::Doubtful(text);
        }
        let unwritten = self.watch().unwritten.lock().unwrap_or_else(PoisonError::into_inner);
        match &*unwritten {
            Some((code, text)) if failure::is_final(*code) => BusError::Refused(text.clone()),
            Some((_, record)) => BusError::Abortable(format!("{text}: {record}")),
            None => BusError::Abortable(text),
        }
    }

    /// Sorts the refusal of a record.
    fn unsent(&self, error: &KafkaError) -> BusError {
        if let Some((code, text)) = self.client.client().fatal_error() {
            return self.failed(Failure { code, text, fatal: true, abort: false });
        }
        match error.rdkafka_error_code() {
            Some(code) if failure::is_final(code) => BusError::Refused(error.to_string()),
            // The transaction failed already, as a delivery will have told.
            Some(code) => {
                self.failed(Failure { code, text: error.to_string(), fatal: false, abort: true })
            }
            None => BusError::Refused(error.to_string()),
        }
    }
}

impl Producer for KafkaProducer {
    type Group = Member;

    fn begin(&mut self) -> Result<(), BusError> {
        self.watch().had_errors.store(false, Ordering::Release);
        *self.watch().unwritten.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.begun = now();
        self.was_slow = false;
        self.outcome(self.client.begin_transaction())
    }

    fn send(&mut self, record: &Outgoing) -> Result<(), BusError> {
        let mut outgoing: BaseRecord<'_, [u8], [u8]> = BaseRecord::to(checked(&record.to.topic)?);
        outgoing.partition = Some(
            i32::try_from(record.to.partition)
                .map_err(|_| BusError::Refused(format!("{} has no such partition", record.to)))?,
        );
        outgoing.key = record.key.as_deref();
        outgoing.payload = record.value.as_deref();
        if !record.headers.is_empty() {
            let headers = OwnedHeaders::new_with_capacity(record.headers.len());
            let add = |headers: OwnedHeaders, (key, value): &(String, Vec<u8>)| {
                headers.insert(Header { key, value: Some(value) })
            };
            outgoing.headers = Some(record.headers.iter().fold(headers, add));
        }
        loop {
            match self.client.send(outgoing) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(Code::QueueFull), unsent)) => {
                    outgoing = unsent;
                    // It ends: what waits longer than the transaction may last fails, and makes room.
                    sleep(FULL_WAIT);
                }
                Err((error, _)) => return Err(self.unsent(&error)),
            }
        }
    }

    fn offsets(
        &mut self,
        offsets: &[(TopicPartition, u64)],
        group: &Member,
    ) -> Result<(), BusError> {
        let offsets = list(offsets.iter().map(|(at, next)| (at, Some(*next))))?;
        self.outcome(self.client.send_offsets_to_transaction(&offsets, &group.0, CALL))
    }

    fn commit(&mut self) -> Result<(), BusError> {
        let begun = now();
        let outcome = raw::commit(self.client.client(), CALL);
        self.was_slow = begun.elapsed() > COMMIT_SLOW;
        outcome.map_err(|failure| self.failed(failure))
    }

    fn abort(&mut self) -> Result<(), BusError> {
        match self.outcome(self.client.abort_transaction(CALL)) {
            Err(BusError::Abortable(text)) => Err(BusError::Doubtful(text)),
            outcome => outcome,
        }
    }

    fn is_doubtful(&self) -> bool {
        let watch = self.watch();
        self.was_slow
            || watch.was_cut.load(Ordering::Acquire)
            || watch.had_errors.load(Ordering::Acquire)
    }
}
