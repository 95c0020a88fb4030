//! Text from events, made safe for a terminal.

use std::borrow::Cow;
use std::fmt::Write;

/// Characters shown of one text.
const CHARS_MAX: usize = 160;

/// Shows control and direction characters as escapes and cuts what is long.
pub fn clean(text: &str) -> String {
    match text.char_indices().nth(CHARS_MAX) {
        Some((end, _)) => line(text.get(..end).unwrap_or_default()) + "...",
        None => line(text),
    }
}

/// Shows control and direction characters as escapes, however long.
pub fn line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let turns = matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
        if c.is_control() || turns {
            let _infallible = write!(out, "\\u{{{:x}}}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out
}

/// The same JSON for terminals too: what controls or turns text stands as an escape. Outside of strings JSON has none
/// of these characters, so every place is one where the escape means the same.
pub fn plain(json: &str) -> Cow<'_, str> {
    if !json.contains(is_unsafe) {
        return Cow::Borrowed(json);
    }
    let escaped = json.chars().fold(String::with_capacity(json.len() + 64), |mut out, c| {
        let _infallible = match is_unsafe(c) {
            true => write!(out, "\\u{:04x}", u32::from(c)),
            false => out.write_char(c),
        };
        out
    });
    Cow::Owned(escaped)
}

/// Whether a terminal or a reader may be led astray: delete, C1 controls, marks of direction, breaks of lines.
fn is_unsafe(c: char) -> bool {
    matches!(c, '\u{7f}'..='\u{9f}' | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_terminal_never_gets_a_control_character() {
        let hostile = "a\u{1b}[2Jb\u{202e}c\r\nd\u{7}";
        let shown = super::clean(hostile);
        assert_eq!(shown, "a\\u{1b}[2Jb\\u{202e}c\\u{d}\\u{a}d\\u{7}");
        assert!(super::clean(&"x".repeat(500)).len() < 200);
    }
}
