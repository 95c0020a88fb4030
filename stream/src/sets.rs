//! Security event tokens of a deployment: the keys that its config names, the signature of what respond states, and a
//! delivery for each receiver that has an address. What is stated, and to whom, is decided in the fold.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use alerting::{Outgoing, RECEIVER_HEADER};
use config::{Config, ReceiverConfig};
use sinks::{Algorithm, Delivery, Endpoint, Notice, Pusher, Route, Signing};
use telemetry::{Metrics, Push};

use super::setup::Setup;

/// Reads the keys that a config names, beside its file, and checks that each receiver's tokens can be signed and sent;
/// else gives the setting and the place in it, and what is wrong.
pub(super) fn signing(
    config: &Config,
    folder: &Path,
) -> Result<Signing, (&'static str, usize, String)> {
    let files: Vec<_> = config.signing_keys().iter().map(|file| folder.join(file)).collect();
    let signing = Signing::load(&files).map_err(|(at, error)| {
        let file = config.signing_keys().get(at).map_or("", String::as_str);
        ("sets.keys", at, format!("sets.keys: {file}: failed to {error}"))
    })?;
    for (at, receiver) in config.receivers().iter().enumerate() {
        let (id, algorithm) = (&receiver.set.id, algorithm(receiver));
        if signing.key(algorithm).is_none() {
            let wanted = algorithm.map_or("", Algorithm::as_str);
            return Err((
                "receiver",
                at,
                format!("receiver `{id}`: sets.keys has no key for {wanted}"),
            ));
        }
        if let Err(error) = endpoint(receiver).map(Pusher::new).transpose() {
            return Err(("receiver", at, format!("receiver `{id}`: failed to {error}")));
        }
    }
    Ok(signing)
}

fn algorithm(receiver: &ReceiverConfig) -> Option<Algorithm> {
    receiver.algorithm.as_deref().and_then(Algorithm::from_name)
}

fn endpoint(receiver: &ReceiverConfig) -> Option<Endpoint> {
    let authorization_file = receiver.authorization_file.as_ref().map(Into::into);
    Some(Endpoint { url: receiver.url.clone()?, authorization_file })
}

/// How tokens for each receiver are signed.
pub(super) fn algorithms(config: &Config) -> BTreeMap<String, Option<Algorithm>> {
    let receivers = config.receivers().iter();
    receivers.map(|receiver| (receiver.set.id.clone(), algorithm(receiver))).collect()
}

/// The token of the claims that a record holds; one that cannot be made is counted.
pub(super) fn sign(setup: &Setup, record: &Outgoing) -> Option<Vec<u8>> {
    let named = record.headers.iter().find(|(name, _)| name == RECEIVER_HEADER);
    let receiver = named.and_then(|(_, id)| std::str::from_utf8(id).ok()).unwrap_or_default();
    let algorithm = setup.algorithms.get(receiver);
    let key = algorithm.and_then(|algorithm| setup.lists.signing.key(*algorithm));
    let claims = record.value.as_deref().unwrap_or_default();
    let why = match key.map(|key| key.sign(claims)) {
        Some(Ok(token)) => return Some(token.into_bytes()),
        Some(Err(error)) => error.to_string(),
        None => "find its key".to_owned(),
    };
    tracing::error!("a token for {receiver} is left out: failed to {why}");
    setup.tell(|metrics| metrics.set_unmade(receiver));
    None
}

/// A delivery for each receiver that has an address.
pub(super) fn deliveries(
    config: &Config,
    setup: &Setup,
    metrics: &Arc<Metrics>,
    clock: fn() -> i64,
) -> Vec<Delivery> {
    let partitions = setup.layout.partitions.get(&setup.names.dead_letters).copied();
    let delivery = |receiver: &ReceiverConfig| {
        let id = receiver.set.id.clone();
        let group = format!("{}-set-{id}", setup.group);
        let metrics = Arc::clone(metrics);
        Some(Delivery {
            pusher: Pusher::new(endpoint(receiver)?).ok()?,
            route: Route {
                receiver: id.clone(),
                header: RECEIVER_HEADER,
                id: format!("{group}-{}", config.instance()),
                group,
                topic: Arc::clone(&setup.names.sets),
                dead_letters: (Arc::clone(&setup.names.dead_letters), partitions.unwrap_or(1)),
            },
            clock,
            tell: Box::new(move |notice| match notice {
                Notice::Accepted => metrics.pushed(&id, Push::Accepted),
                Notice::Refused(code) => metrics.pushed(&id, Push::Refused(code)),
                Notice::Retried => metrics.pushed(&id, Push::Retried),
                Notice::Lag(ms) => metrics.push_lag(&id, ms),
            }),
        })
    };
    config.receivers().iter().filter_map(delivery).collect()
}
