//! What librdkafka reports, sorted by what the caller can do about it.

use rdkafka::error::{KafkaError, RDKafkaError, RDKafkaErrorCode as Code};

use crate::error::BusError;

/// An error of a transactional call.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) code: Code,
    pub(super) text: String,
    pub(super) fatal: bool,
    pub(super) abort: bool,
}

impl From<&RDKafkaError> for Failure {
    fn from(error: &RDKafkaError) -> Self {
        Self {
            code: error.code(),
            text: error.string(),
            fatal: error.is_fatal(),
            abort: error.txn_requires_abort(),
        }
    }
}

/// Sorts an error outside transactions.
pub(super) fn of(error: &KafkaError) -> BusError {
    match error {
        // Without the value: it may be a secret.
        KafkaError::ClientConfig(_, text, name, _) => {
            BusError::Refused(format!("{text} (property {name})"))
        }
        KafkaError::AdminOp(code) => of_code(*code, error.to_string()),
        KafkaError::Canceled => BusError::Unavailable(error.to_string()),
        _ => match error.rdkafka_error_code() {
            Some(code) => of_code(code, error.to_string()),
            None => BusError::Refused(error.to_string()),
        },
    }
}

/// Sorts the code of an error outside transactions. What is not known to be final is tried again.
pub(super) fn of_code(code: Code, text: String) -> BusError {
    // The code does not say whose grant is missing, and brokers do not either.
    let text = match code {
        Code::GroupAuthorizationFailed => {
            format!("{text}: we need Read on groups that begin with the name of ours")
        }
        Code::TransactionalIdAuthorizationFailed => {
            format!("{text}: we need Write on transactional ids that begin with the group's name")
        }
        _ => text,
    };
    match code {
        Code::Fenced | Code::ProducerFenced | Code::FencedInstanceId => BusError::Fenced(text),
        code if is_final(code) => BusError::Refused(text),
        _ => BusError::Unavailable(text),
    }
}

/// Whether it fails again however often it is tried.
pub(super) fn is_final(code: Code) -> bool {
    matches!(
        code,
        Code::UnknownTopic
            | Code::UnknownPartition
            | Code::UnknownTopicOrPartition
            | Code::InvalidTopic
            | Code::MessageSizeTooLarge
            | Code::MessageBatchTooLarge
            | Code::InvalidRecord
            | Code::InvalidTimestamp
            | Code::InvalidArgument
            | Code::InvalidConfig
            | Code::InvalidPartitions
            | Code::InvalidReplicationFactor
            | Code::InvalidGroupId
            | Code::InvalidSessionTimeout
            | Code::InvalidTransactionTimeout
            | Code::InvalidRequest
            | Code::InconsistentGroupProtocol
            | Code::PolicyViolation
            | Code::UnsupportedVersion
            | Code::UnsupportedFeature
            | Code::UnsupportedForMessageFormat
            | Code::UnsupportedSASLMechanism
            | Code::SaslAuthenticationFailed
            | Code::Authentication
            | Code::TopicAuthorizationFailed
            | Code::GroupAuthorizationFailed
            | Code::ClusterAuthorizationFailed
            | Code::TransactionalIdAuthorizationFailed
            | Code::Fatal
    )
}
