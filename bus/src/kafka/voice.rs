//! What librdkafka says about itself, as lines of `tracing` under the target `kafka`. A broker that is away must
//! not fill a disk: each client says a limited number of lines a window, then how many it kept.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::KafkaError;
use tracing::Level;

use crate::error::BusError;
use crate::kafka::failure;

const WINDOW: Duration = Duration::from_secs(10);
const LINES_MAX: u32 = 20;

/// The time, for timeouts and log lines: nothing in a record depends on it.
#[expect(clippy::disallowed_methods, reason = "an edge measures its own calls")]
pub(super) fn now() -> Instant {
    Instant::now()
}

/// What librdkafka shall tell us. `Info` at least: the loss of a connection is told there. A client whose lines
/// nobody fetches must stay silent, they would pile up.
pub(super) fn level(silent: bool) -> RDKafkaLogLevel {
    if silent {
        RDKafkaLogLevel::Emerg
    } else if tracing::enabled!(target: "kafka", Level::DEBUG) {
        RDKafkaLogLevel::Debug
    } else {
        RDKafkaLogLevel::Info
    }
}

/// The voice of one client.
#[derive(Debug)]
pub(super) struct Voice {
    client: &'static str,
    window: Mutex<(Instant, u32)>,
    /// What the newest error was about: the error itself is a code.
    reason: Mutex<String>,
}

impl Voice {
    pub(super) fn new(client: &'static str) -> Self {
        Self { client, window: Mutex::new((now(), 0)), reason: Mutex::default() }
    }

    pub(super) fn say(&self, level: RDKafkaLogLevel, topic: &str, text: &str) {
        use RDKafkaLogLevel::{Alert, Critical, Debug, Emerg, Error, Info, Notice, Warning};
        let client = self.client;
        // Properties go to every kind of client; that one does not concern this kind is no news. Nor is what
        // ends a producer, which its calls return.
        let void = topic == "CONFWARN" && text.contains("will be ignored by this")
            || ["TXNERR", "FATAL"].contains(&topic);
        let level = if void { Debug } else { level };
        if matches!(level, Debug) {
            tracing::debug!(target: "kafka", client, topic, "{text}");
            return;
        }
        if !self.may_speak() {
            return;
        }
        match level {
            Emerg | Alert | Critical => tracing::error!(target: "kafka", client, topic, "{text}"),
            Error | Warning => tracing::warn!(target: "kafka", client, topic, "{text}"),
            Notice | Info | Debug => tracing::info!(target: "kafka", client, topic, "{text}"),
        }
    }

    /// Takes note of an error that is told and then returned.
    pub(super) fn note(&self, error: &KafkaError, reason: &str) {
        reason.clone_into(&mut self.reason.lock().unwrap_or_else(PoisonError::into_inner));
        self.say(RDKafkaLogLevel::Debug, "ERROR", &format!("{error}: {reason}"));
    }

    /// Sorts an error that a poll returned, with what was told of it.
    pub(super) fn sort(&self, error: &KafkaError) -> BusError {
        let reason =
            std::mem::take(&mut *self.reason.lock().unwrap_or_else(PoisonError::into_inner));
        match error.rdkafka_error_code() {
            Some(code) if !reason.is_empty() => failure::of_code(code, reason),
            _ => failure::of(error),
        }
    }

    fn may_speak(&self) -> bool {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        if window.0.elapsed() > WINDOW {
            if let kept @ 1.. = window.1.saturating_sub(LINES_MAX) {
                tracing::warn!(target: "kafka", client = self.client, "{kept} more lines were not shown");
            }
            *window = (now(), 0);
        }
        window.1 = window.1.saturating_add(1);
        window.1 <= LINES_MAX
    }
}

/// A client that only speaks.
#[derive(Debug)]
pub(super) struct Speaker(pub(super) Voice);

impl ClientContext for Speaker {
    fn log(&self, level: RDKafkaLogLevel, topic: &str, text: &str) {
        self.0.say(level, topic, text);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.0.note(&error, reason);
    }

    fn stats_raw(&self, _statistics: &[u8]) {}
}

impl ConsumerContext for Speaker {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_complains_without_end_is_cut_short() {
        let voice = Voice::new("consumer");
        let spoken = (0..1_000).filter(|_| voice.may_speak()).count();
        assert_eq!(spoken, LINES_MAX as usize);
        if let Some(past) = now().checked_sub(WINDOW * 2) {
            voice.window.lock().unwrap().0 = past;
            assert!(voice.may_speak(), "the next window has lines of its own");
        }
    }
}
