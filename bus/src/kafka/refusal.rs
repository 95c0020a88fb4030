//! Why brokers that are there do not answer: they are not who they should be, or we are not to them. A client tries that
//! for ever and tells it beside its calls, so a client of its own listens for it.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

use crate::error::BusError;
use crate::kafka::settings::{Kafka, Kind};
use crate::kafka::voice::now;

/// How long it listens.
const LISTEN: Duration = Duration::from_secs(3);
const STEP: Duration = Duration::from_millis(200);

/// Keeps the first refusal that it hears.
#[derive(Debug, Default)]
struct Ear(Mutex<Option<String>>);

impl ClientContext for Ear {
    fn log(&self, _: RDKafkaLogLevel, _: &str, _: &str) {}

    fn error(&self, error: KafkaError, reason: &str) {
        let refused = match error.rdkafka_error_code() {
            Some(Code::Authentication | Code::SaslAuthenticationFailed) => true,
            // A handshake that is merely cut is a broker that comes or goes.
            Some(Code::SSL) => reason.contains("certificate"),
            _ => false,
        };
        if refused {
            let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            heard.get_or_insert_with(|| reason.to_owned());
        }
    }

    fn stats_raw(&self, _: &[u8]) {}
}

impl ConsumerContext for Ear {}

/// Listens for a refusal; `None` where none is heard.
pub(super) fn heard(kafka: &Kafka) -> Option<BusError> {
    let client: BaseConsumer<Ear> =
        kafka.config(Kind::Admin).create_with_context(Ear::default()).ok()?;
    let begun = now();
    while begun.elapsed() < LISTEN {
        if client.fetch_metadata(None, STEP).is_ok() {
            return None;
        }
        while client.poll(Duration::ZERO).is_some() {}
        let heard = client.context().0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(reason) = heard {
            return Some(BusError::Refused(reason));
        }
    }
    None
}
