//! A pattern of ids or paths: `*` is any text, `?` any character, the rest is itself. Matching takes time in proportion
//! to the product of both lengths at worst.

/// A pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(String);

// === impl Pattern ===

impl Pattern {
    /// A pattern as it is written.
    pub fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Whether a text is one of those meant.
    pub fn matches(&self, text: &str) -> bool {
        let (pattern, text) = (self.0.as_bytes(), text.as_bytes());
        let (mut p, mut t) = (0, 0);
        // Where the newest `*` stands, and how far it reaches.
        let mut star: Option<(usize, usize)> = None;
        while let Some(byte) = text.get(t) {
            match pattern.get(p) {
                Some(b'*') => {
                    star = Some((p, t));
                    p += 1;
                }
                Some(b'?') => {
                    p += 1;
                    t += 1;
                    // One character may be several bytes.
                    while text.get(t).is_some_and(|byte| byte & 0xc0 == 0x80) {
                        t += 1;
                    }
                }
                Some(own) if own == byte => {
                    p += 1;
                    t += 1;
                }
                _ => match &mut star {
                    Some((at, reach)) => {
                        *reach += 1;
                        (p, t) = (*at + 1, *reach);
                    }
                    None => return false,
                },
            }
        }
        pattern.get(p..).is_some_and(|rest| rest.iter().all(|byte| *byte == b'*'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_means_what_it_says() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a*c", "abcd", false),
            ("*bot", "a-bot-bot", true),
            ("*a*b*", "xxaxxbxx", true),
            ("*a*b*", "xxbxxaxx", false),
            ("a?c", "aéc", true),
            ("a?c", "ac", false),
            ("arn:aws:iam::*:role/agent-*", "arn:aws:iam::1:role/agent-x", true),
            ("[a-z]", "b", false),
        ] {
            assert_eq!(Pattern::new(pattern).matches(text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn a_pattern_made_of_a_text_matches_it() {
        proptest::proptest!(|(text in "[a-c*?é]{0,12}", stars in "[*]{0,3}")| {
            // Each `*` and `?` of the text stands for itself at least.
            assert!(Pattern::new(&text).matches(&text));
            assert!(Pattern::new(&format!("{stars}{text}*")).matches(&text));
        });
    }
}
