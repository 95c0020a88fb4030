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
    ("group.id", "set `kafka.group`"),
    ("isolation.level", "what is aborted must not be read"),
    ("metadata.broker.list", "set `kafka.brokers`"),
    ("partition.assignment.strategy", "state moves by cooperative-sticky rebalances"),
    ("request.required.acks", "a transaction needs every replica's word"),
    ("transactional.id", "set `engine.instance`"),
];

/// Names of the properties that are refused.
pub(super) fn refused() -> impl Iterator<Item = &'static str> {
    REFUSED.iter().map(|(name, _)| *name)
}

/// Whether a property's value must not be shown.
pub(super) fn is_secret(name: &str) -> bool {
    ["password", "secret", "key.pem", "oauthbearer.config"].iter().any(|part| name.contains(part))
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
            _ if REFUSED.iter().any(|(refused, _)| *refused == name) => Err("may not be set"),
            _ if properties.len() >= PROPERTIES_MAX => Err("is one property too many"),
            item => text_of(item).ok_or("must be a text, a number, true or false"),
        };
        match value {
            Ok(value) => {
                properties.insert(name, value);
            }
            Err(why) => {
                let reason = REFUSED.iter().find(|(refused, _)| *refused == name);
                let message = format!("`input.client` property `{name}` {why}");
                mistakes.push((span, message, reason.map(|(_, reason)| (*reason).to_owned())));
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
