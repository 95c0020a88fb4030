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
    escaped(text, |c| c.is_control() || is_unsafe(c))
}

/// The same of what a log writes, a line at a time, with the colours of the log itself: what is told in it has its escape
/// characters shown already.
pub fn log(text: &str) -> String {
    let (text, end) = text.strip_suffix('\n').map_or((text, ""), |text| (text, "\n"));
    escaped(text, |c| c.is_control() && c != '\u{1b}' || is_unsafe(c)) + end
}

fn escaped(text: &str, is_shown: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_shown(c) {
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
    let mut out = String::with_capacity(json.len() + 64);
    for c in json.chars() {
        if is_unsafe(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _infallible = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// Whether a terminal or a reader may be led astray: delete, C1 controls, what has no width (but for the joiners that
/// scripts and emoji are written with), marks of direction, breaks of lines, and letters that only machines see.
fn is_unsafe(c: char) -> bool {
    matches!(c, '\u{7f}'..='\u{9f}' | '\u{61c}' | '\u{200b}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_terminal_never_gets_a_control_character() {
        let hostile = "a\u{1b}[2Jb\u{202e}c\r\nd\u{7}";
        let shown = super::clean(hostile);
        assert_eq!(shown, "a\\u{1b}[2Jb\\u{202e}c\\u{d}\\u{a}d\\u{7}");
        assert!(super::clean(&"x".repeat(500)).len() < 200);
        let logged = super::log("\u{1b}[31mred\u{1b}[0m a\nb\u{9b}\u{202e}\n");
        assert_eq!(logged, "\u{1b}[31mred\u{1b}[0m a\\u{a}b\\u{9b}\\u{202e}\n");
        assert_eq!(super::plain("[\"\u{202e}\u{e0041}\"]"), "[\"\\u202e\\udb40\\udc41\"]");
    }
}
