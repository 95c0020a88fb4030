//! Records that were refused: the bytes as they came, with the typed reason in headers.

use std::sync::Arc;

use bus::{Header, Record};
use lane::{Applied, Counts, Emit};
use schemas::header::DeadLetterHeaders;
use schemas::reject::{ErrorCode, Stage};
use schemas::{EventTime, Rejection};

use super::setup::Setup;
use super::topics::DEAD_LETTER_BYTES_MAX;

/// Room for headers and key beside the value of a dead letter.
const HEADERS_BYTES: usize = 1 << 20;

/// What was refused: the activity of this ordinal in a record, at this log time.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) record: &'a Record,
    pub(super) index: u32,
    pub(super) log_ms: i64,
}

/// The record as it came, with the reason why it was refused.
pub(super) fn dead_letter(setup: &Setup, place: Place<'_>, rejection: Rejection) -> Emit {
    let Place { record, index, log_ms } = place;
    let Rejection { code, stage, path, message } = rejection;
    let value = record.value.as_deref().unwrap_or_default();
    let reason = DeadLetterHeaders {
        topic: record.at.topic.to_string(),
        partition: record.at.partition,
        offset: record.offset,
        timestamp_ms: record.timestamp_ms,
        index,
        stage,
        code,
        message: format!("failed to {message}"),
        path,
        format: ingest::detect(value).map(|format| format.as_str().to_owned()),
        attempt: attempt(&record.headers),
        time: EventTime::from_millis(log_ms).unwrap_or(setup.epoch),
        app_version: env!("CARGO_PKG_VERSION").to_owned(),
        app_instance: setup.group.clone(),
    };
    let is_theirs = |header: &&Header| !header.0.starts_with("habitus.dlq.");
    let mut headers: Vec<Header> = record.headers.iter().filter(is_theirs).cloned().collect();
    headers.extend(reason.encode());
    // What the topic would refuse must not stop the stream: it is cut, and says so.
    let value_max = usize::try_from(DEAD_LETTER_BYTES_MAX).unwrap_or(usize::MAX) - HEADERS_BYTES;
    if value.len() > value_max {
        headers.push(("habitus.dlq.truncated".to_owned(), value.len().to_string().into_bytes()));
    }
    let kept = record.value.as_ref().map(|value| value.iter().take(value_max).copied().collect());
    Emit {
        topic: Arc::clone(&setup.names.dead_letters),
        by: record.key.clone().unwrap_or_default(),
        key: record.key.clone(),
        value: kept,
        headers,
        cause_ms: 0,
    }
}

/// A record that killed the process, as a dead letter: nobody looked into it again.
pub(super) fn quarantined(setup: &Setup, record: &Record, log_ms: i64) -> Applied {
    let rejection = Rejection {
        code: ErrorCode::Quarantined,
        stage: Stage::Process,
        path: String::new(),
        message: "apply a record at which the process died again and again".to_owned(),
    };
    refused(setup, record, log_ms, rejection)
}

/// A record that is one thing, as a dead letter.
pub(super) fn refused(
    setup: &Setup,
    record: &Record,
    log_ms: i64,
    rejection: Rejection,
) -> Applied {
    setup.tell(|metrics| metrics.dead_letter(rejection.code));
    let counts = Counts { records: 1, activities: 1, dead_lettered: 1, ..Counts::default() };
    Applied {
        counts,
        emits: vec![dead_letter(setup, Place { record, index: 0, log_ms }, rejection)],
    }
}

/// How often a record was tried, this time included: a replayed dead letter says how often before.
fn attempt(headers: &[Header]) -> u32 {
    let before = headers.iter().rev().find(|(name, _)| name == "habitus.dlq.attempt");
    let before = before.and_then(|(_, value)| std::str::from_utf8(value).ok()?.parse::<u32>().ok());
    before.unwrap_or(0).saturating_add(1)
}
