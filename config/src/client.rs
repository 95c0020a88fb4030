//! Properties passed through to the Kafka client: which are refused, because delivery rests on them, and why.

use std::collections::BTreeMap;
use std::ops::Range;

use toml_edit::{Item, Key, TableLike};

/// Properties that may be set, at most.
const PROPERTIES_MAX: usize = 200;

/// What the program sets itself, and why it must.
const REFUSED: &[(&str, &str)] = &[
    ("acks", "a transaction needs every replica's word"),
    (
        "allow.auto.create.topics",
        "a topic must have the right number of partitions: set `kafka.create_topics`",
    ),
    (
        "auto.offset.reset",
        "a missing offset is an error, not a reason to lose or repeat events: set `input.start`",
    ),
    ("bootstrap.servers", "set `kafka.brokers`"),
    ("enable.auto.commit", "offsets are committed with what came of their records"),
    ("enable.auto.offset.store", "offsets are committed with what came of their records"),
    ("enable.idempotence", "transactions need it"),
    ("enable.ssl.certificate.verification", "whoever answered would be believed"),
    ("group.id", "set `kafka.group`"),
    ("isolation.level", "what is aborted must not be read"),
    ("metadata.broker.list", "set `kafka.brokers`"),
    ("partition.assignment.strategy", "state moves by cooperative-sticky rebalances"),
    ("request.required.acks", "a transaction needs every replica's word"),
    ("sasl.mechanism", "set `kafka.sasl_mechanism`"),
    ("sasl.mechanisms", "set `kafka.sasl_mechanism`"),
    ("sasl.username", "set `kafka.user`"),
    ("security.protocol", "set `kafka.security`"),
    ("ssl.ca.location", "set `kafka.ca_file`"),
    ("ssl.certificate.location", "set `kafka.certificate_file`"),
    ("ssl.endpoint.identification.algorithm", "any certificate would do for any broker"),
    ("ssl.key.location", "set `kafka.key_file`"),
    ("transactional.id", "set `engine.instance`"),
];

/// Names of the properties that are refused.
pub(super) fn refused() -> impl Iterator<Item = &'static str> {
    REFUSED.iter().map(|(name, _)| *name)
}

/// Why no property that holds a secret may be set.
const SECRET: &str =
    "a secret does not stand in a config: set `kafka.password_file`, `kafka.key_file`";

/// Whether a property's value is a secret.
fn is_secret(name: &str) -> bool {
    ["password", "passphrase", "secret", "key.pem", "oauthbearer.config"]
        .iter()
        .any(|part| name.contains(part))
}

/// Why a property may not be set, where it may not.
fn reason(name: &str) -> Option<&'static str> {
    let refused = REFUSED.iter().find(|(refused, _)| *refused == name);
    refused.map(|(_, reason)| *reason).or_else(|| is_secret(name).then_some(SECRET))
}

/// A mistake: where, what, and what to do.
pub(super) type Mistake = (Range<usize>, String, Option<String>);

/// Reads the properties of a table, `a.b = 1` and `"a.b" = 1` alike; every mistake is told.
pub(super) fn read(
    table: &dyn TableLike,
    outer: &Range<usize>,
) -> (BTreeMap<String, String>, Vec<Mistake>) {
    let (mut properties, mut mistakes) = (BTreeMap::new(), Vec::new());
    walk("", table, outer, &mut |name, item, span| {
        let value = match item {
            _ if reason(&name).is_some() => Err("may not be set"),
            _ if properties.len() >= PROPERTIES_MAX => Err("is one property too many"),
            item => text_of(item).ok_or("must be a text, a number, true or false"),
        };
        match value {
            Ok(value) => {
                properties.insert(name, value);
            }
            Err(why) => {
                let message = format!("`input.client` property `{name}` {why}");
                mistakes.push((span, message, reason(&name).map(str::to_owned)));
            }
        }
    });
    (properties, mistakes)
}

fn walk(
    prefix: &str,
    table: &dyn TableLike,
    outer: &Range<usize>,
    on: &mut dyn FnMut(String, &Item, Range<usize>),
) {
    for (key, item) in table.iter() {
        let name = if prefix.is_empty() { key.to_owned() } else { format!("{prefix}.{key}") };
        let span = table.key(key).and_then(Key::span).unwrap_or_else(|| outer.clone());
        match item.as_table_like() {
            Some(inner) => walk(&name, inner, &span, on),
            None => on(name, item, span),
        }
    }
}

fn text_of(item: &Item) -> Option<String> {
    let number = item.as_integer().map(|number| number.to_string());
    let number = number.or_else(|| item.as_float().map(|number| number.to_string()));
    let flag = || item.as_bool().map(|flag| flag.to_string());
    item.as_str().map(str::to_owned).or(number).or_else(flag)
}
