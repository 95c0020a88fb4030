//! What a text must be to stand in a field of the vocabulary. Every reader asks the same rules.

/// A tenant: 1 to 64 of `A-Z a-z 0-9 . _ -`, so that it can stand before the `|` of a key.
pub fn is_tenant(text: &str) -> bool {
    let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    (1..=64).contains(&text.len()) && text.bytes().all(is_legal)
}

/// A country: two upper-case letters, as in ISO 3166-1.
pub fn is_country(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// A keyed hash, and not the value itself: `hmac-sha256:` and 32 to 64 lower-case hex digits.
pub fn is_keyed_hash(text: &str) -> bool {
    let hash = text.strip_prefix("hmac-sha256:");
    hash.is_some_and(|hash| (32..=64).contains(&hash.len()) && hash.bytes().all(is_lower_hex))
}

/// An id of a trace or span: so many lower-case hex digits, not all zero.
pub fn is_trace_id(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(is_lower_hex) && text.bytes().any(|byte| byte != b'0')
}

fn is_lower_hex(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_hold_at_their_edges() {
        assert!(is_tenant("A.z_9-") && is_tenant(&"x".repeat(64)));
        assert!(!is_tenant("") && !is_tenant(&"x".repeat(65)) && !is_tenant("a|b"));
        assert!(is_country("DE") && !is_country("de") && !is_country("DEU"));
        let hash = |digits: usize| format!("hmac-sha256:{}", "a".repeat(digits));
        assert!(is_keyed_hash(&hash(32)) && is_keyed_hash(&hash(64)));
        assert!(!is_keyed_hash(&hash(31)) && !is_keyed_hash(&hash(65)) && !is_keyed_hash("a"));
        assert!(is_trace_id("000000000000000a", 16) && !is_trace_id("000000000000000A", 16));
        assert!(!is_trace_id(&"0".repeat(32), 32) && !is_trace_id(&"1".repeat(16), 32));
    }
}
