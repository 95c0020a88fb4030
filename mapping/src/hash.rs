//! Keyed hashes of what may not leave the decoder itself: HMAC-SHA256 (RFC 2104) over a text as it stands or over a
//! value as compact JSON with its members in order. The same value has the same hash under the same key only.

use std::fmt;

use data_encoding::HEXLOWER;
use record::lexeme::Lexeme;
use record::tree::Tree;
use schemas::activity::{Argument, Text};
use schemas::choice::{ArgumentKind, Origin};
use sha2::{Digest, Sha256};

/// Most arguments of a call; 32, as the schema has it.
const ARGUMENTS_MAX: usize = 32;
/// Longest name of an argument in characters.
const NAME_CHARS_MAX: usize = 128;
/// Bytes of a block of SHA-256.
const BLOCK: usize = 64;

/// The key of hashes, where there is one; it shows itself to nobody. An empty one was not read yet: nothing is hashed.
#[derive(Clone, Default)]
pub(super) struct Secret(pub(super) Option<Vec<u8>>);

// === impl Secret ===

impl Secret {
    /// The key; empty where there is none.
    pub(super) fn key(&self) -> &[u8] {
        self.0.as_deref().unwrap_or_default()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("..")
    }
}

/// `hmac-sha256:` and 64 hex digits.
pub(super) fn keyed(secret: &[u8], value: &Tree<'_>) -> String {
    let mut bytes = Vec::new();
    match value {
        Tree::Scalar(Lexeme::Text(text)) => bytes.extend(text.as_bytes()),
        other => canonical(other, &mut bytes),
    }
    let mut text = "hmac-sha256:".to_owned();
    HEXLOWER.encode_append(&hmac(secret, &bytes), &mut text);
    text
}

/// The arguments in an object, each leaf by itself; names of nested ones are joined by dots, indices dropped.
pub(super) fn arguments<'a>(secret: &[u8], value: &Tree<'a>) -> Vec<Argument<'a>> {
    let mut arguments = Vec::new();
    if !secret.is_empty() {
        leaves(secret, String::new(), value, &mut arguments);
    }
    arguments
}

fn leaves<'a>(secret: &[u8], name: String, value: &Tree<'a>, into: &mut Vec<Argument<'a>>) {
    match value {
        Tree::Object(members) => members.iter().for_each(|(key, value)| {
            let name = if name.is_empty() { key.to_string() } else { format!("{name}.{key}") };
            leaves(secret, name, value, into);
        }),
        Tree::List(items) => {
            items.iter().for_each(|item| leaves(secret, name.clone(), item, into));
        }
        Tree::Scalar(Lexeme::Null) => {}
        Tree::Scalar(_) if into.len() < ARGUMENTS_MAX => into.push(Argument {
            name: Text::Owned(name.chars().take(NAME_CHARS_MAX).collect()),
            kind: Some(ArgumentKind::Value),
            hash: Some(Text::Owned(keyed(secret, value))),
            origin: Origin::Unknown,
            ..Argument::default()
        }),
        Tree::Scalar(_) => {}
    }
}

fn canonical(value: &Tree<'_>, into: &mut Vec<u8>) {
    let quoted = |text: &str, into: &mut Vec<u8>| {
        into.extend(serde_json::to_vec(text).unwrap_or_default());
    };
    let join = |into: &mut Vec<u8>, n: usize| {
        if 0 < n {
            into.push(b',');
        }
    };
    match value {
        Tree::Scalar(Lexeme::Null) => into.extend(b"null"),
        Tree::Scalar(Lexeme::Bool(truth)) => into.extend(truth.to_string().as_bytes()),
        Tree::Scalar(Lexeme::Unsigned(number)) => into.extend(number.to_string().as_bytes()),
        Tree::Scalar(Lexeme::Negative(number)) => into.extend(number.to_string().as_bytes()),
        Tree::Scalar(Lexeme::Float(number)) => into.extend(number.to_string().as_bytes()),
        Tree::Scalar(Lexeme::Text(text)) => quoted(text, into),
        Tree::List(items) => {
            into.push(b'[');
            for (n, item) in items.iter().enumerate() {
                join(into, n);
                canonical(item, into);
            }
            into.push(b']');
        }
        Tree::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by(|(a, _), (b, _)| a.cmp(b));
            into.push(b'{');
            for (n, (key, value)) in members.into_iter().enumerate() {
                join(into, n);
                quoted(key, into);
                into.push(b':');
                canonical(value, into);
            }
            into.push(b'}');
        }
    }
}

fn hmac(secret: &[u8], message: &[u8]) -> [u8; 32] {
    let mut key = [0_u8; BLOCK];
    let digest;
    let short: &[u8] = if secret.len() <= BLOCK {
        secret
    } else {
        digest = Sha256::digest(secret);
        &digest
    };
    key.iter_mut().zip(short).for_each(|(key, byte)| *key = *byte);
    let inner = Sha256::new().chain_update(key.map(|byte| byte ^ 0x36)).chain_update(message);
    let outer = Sha256::new().chain_update(key.map(|byte| byte ^ 0x5c));
    outer.chain_update(inner.finalize()).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(json: &str) -> Tree<'_> {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn hashes_are_those_of_rfc_4231() {
        let of = |secret: &[u8], text: &str| {
            keyed(secret, &Tree::Scalar(Lexeme::Text(Text::Borrowed(text))))
        };
        assert_eq!(
            of(b"Jefe", "what do ya want for nothing?"),
            "hmac-sha256:5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        assert_eq!(
            of(&[0xaa; 131], "Test Using Larger Than Block-Size Key - Hash Key First"),
            "hmac-sha256:60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        );
    }

    #[test]
    fn order_and_spaces_change_no_hash() {
        let one = keyed(b"k", &tree(r#"{"b": [1, {"y": null, "x": "é"}], "a": true}"#));
        assert_eq!(
            one,
            keyed(b"k", &tree("{\"a\":true,\n\"b\":[1,{\"x\":\"\\u00e9\",\"y\":null}]}"))
        );
        assert_ne!(one, keyed(b"l", &tree(r#"{"a":true,"b":[1,{"x":"é","y":null}]}"#)));
    }

    #[test]
    fn arguments_are_names_and_hashes() {
        let call = tree(r#"{"to": "x@y", "body": {"lines": ["secret", 7]}, "none": null}"#);
        let found = arguments(b"k", &call);
        let names: Vec<&str> = found.iter().map(|argument| argument.name.as_ref()).collect();
        assert_eq!(names, ["to", "body.lines", "body.lines"]);
        assert!(!format!("{found:?}").contains("secret"));
        let wide = format!("[{}0]", "0,".repeat(99));
        assert_eq!(arguments(b"k", &tree(&wide)).len(), 32);
    }
}
