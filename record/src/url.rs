//! Parts of a URL, cut without parsing it whole. What may hold secrets is cut off: user and password, query,
//! fragment.

use schemas::activity::Text;

/// The URL without user, query and fragment.
pub fn bare(url: Text<'_>) -> Option<Text<'_>> {
    let end = url.find(['?', '#']).unwrap_or(url.len());
    let whole = url.get(..end)?;
    let start = whole.find("://").map_or(0, |at| at + 3);
    let authority = whole.get(start..)?.split('/').next()?;
    if let Some(at) = authority.rfind('@') {
        let (scheme, rest) = (whole.get(..start)?, whole.get(start + at + 1..)?);
        return Some(Text::Owned(format!("{scheme}{rest}")));
    }
    Some(match url {
        Text::Borrowed(url) => Text::Borrowed(url.get(..end)?),
        Text::Owned(mut url) => {
            url.truncate(end);
            Text::Owned(url)
        }
    })
}

/// The text; of a URL, what [`bare`] leaves of it.
pub fn plain(text: Text<'_>) -> Option<Text<'_>> {
    if text.contains("://") { bare(text) } else { Some(text) }
}

/// A text whose URLs have neither user nor query nor fragment; the rest stands as it was.
pub fn without_secrets(text: Text<'_>) -> Text<'_> {
    if !text.contains("://") {
        return text;
    }
    let (mut made, mut rest) = (String::with_capacity(text.len()), text.as_ref());
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        let ends = |character: char| {
            character.is_whitespace()
                || matches!(character, '"' | '\'' | '<' | '>' | ')' | ';' | ',')
        };
        let (place, next) = after.split_at(after.find(ends).unwrap_or(after.len()));
        let place = place.split(['?', '#']).next().unwrap_or_default();
        let authority = place.split('/').next().unwrap_or_default();
        made.push_str(before);
        let user = authority.rfind('@').map_or(0, |at| at + 1);
        made.push_str(place.get(user..).unwrap_or_default());
        rest = next;
    }
    made.push_str(rest);
    Text::Owned(made)
}

/// The host of a URL that has a scheme.
pub fn host(url: &str) -> Option<&str> {
    let rest = url.split_once("://")?.1;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    let host = if host.starts_with('[') { host } else { host.split(':').next()? };
    (!host.is_empty()).then_some(host)
}

/// The host of a URL or of `host[:port]`, in lower case and without brackets.
pub fn host_of(text: &str) -> Option<String> {
    let authority = text.split_once("://").map_or(text, |(_, rest)| rest);
    let authority = authority.split(['/', '?', '#']).next()?;
    let place = authority.rsplit('@').next()?;
    let host = match place.strip_prefix('[') {
        Some(bracketed) => bracketed.split_once(']')?.0,
        // More than one colon is an address of IPv6 without brackets.
        None if place.matches(':').count() == 1 => place.split_once(':')?.0,
        None => place,
    };
    let is_host = !host.is_empty() && host.len() <= 255 && !host.contains(char::is_whitespace);
    is_host.then(|| host.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_hold_secrets_is_cut_off() {
        for (url, expected) in [
            ("https://h.example/a/b?token=1#x", "https://h.example/a/b"),
            ("https://u:p@h.example:8443/a", "https://h.example:8443/a"),
            ("https://h.example/a@b", "https://h.example/a@b"),
            ("/only/path?q", "/only/path"),
        ] {
            assert_eq!(bare(url.into()).unwrap(), expected);
            assert_eq!(bare(url.to_owned().into()).unwrap(), expected);
        }
        for (text, expected) in [
            ("agent/1 (+https://h.example/about)", "agent/1 (+https://h.example/about)"),
            (
                "agent/1 (+https://u:p@h.example/a?t=1); x/2 a?b@c",
                "agent/1 (+https://h.example/a); x/2 a?b@c",
            ),
            ("https://h.example/a@b https://u@h#f, y", "https://h.example/a@b https://h, y"),
            ("http://", "http://"),
            ("what? me@home", "what? me@home"),
        ] {
            assert_eq!(without_secrets(text.into()), expected);
        }
        assert_eq!(host("https://u:p@h.example:8443/a"), Some("h.example"));
        assert_eq!(host("h.example/a"), None);
        for (text, expected) in [
            ("https://Files.Example/u?x=1", Some("files.example")),
            ("https://u:p@h.example:8443/", Some("h.example")),
            ("http://[2001:db8::1]:80/x", Some("2001:db8::1")),
            ("2001:db8::1", Some("2001:db8::1")),
            ("h.example:443", Some("h.example")),
            ("h.example", Some("h.example")),
            ("https:///x", None),
            ("two words", None),
        ] {
            assert_eq!(host_of(text).as_deref(), expected, "{text}");
        }
    }
}
