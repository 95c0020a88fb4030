//! URLs as far as adapters need them: which host, and without what may be a secret.

use schemas::activity::Text;

/// The host of a URL or of `host[:port]`, in lower case; `None` where there is none.
pub(crate) fn host(url: &str) -> Option<String> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let place = authority.rsplit_once('@').map_or(authority, |(_, place)| place);
    let host = match place.strip_prefix('[') {
        Some(bracketed) => bracketed.split_once(']')?.0,
        // More than one colon is an address of IPv6 without brackets.
        None if place.matches(':').count() == 1 => place.split_once(':')?.0,
        None => place,
    };
    let is_host = !host.is_empty() && host.len() <= 255 && !host.contains(char::is_whitespace);
    is_host.then(|| host.to_ascii_lowercase())
}

/// The URL without user, query and fragment: these hold secrets and arguments.
pub(crate) fn without_secrets(url: Text<'_>) -> Text<'_> {
    let end = url.find(['?', '#']).unwrap_or(url.len());
    let Some((scheme, rest)) = url.get(..end).and_then(|url| url.split_once("://")) else {
        return if end == url.len() { url } else { cut(url, end) };
    };
    let authority = rest.split('/').next().unwrap_or_default();
    match authority.rsplit_once('@') {
        Some((user, _)) => {
            let place = rest.get(user.len() + 1..).unwrap_or_default();
            Text::Owned(format!("{scheme}://{place}"))
        }
        None => cut(url, end),
    }
}

fn cut(url: Text<'_>, end: usize) -> Text<'_> {
    match url {
        Text::Borrowed(url) => Text::Borrowed(url.get(..end).unwrap_or_default()),
        Text::Owned(mut url) => {
            url.truncate(end);
            Text::Owned(url)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_found_and_secrets_are_not() {
        for (url, expected) in [
            ("https://Files.Example/u?x=1", Some("files.example")),
            ("https://u:p@h.example:8443/", Some("h.example")),
            ("http://[2001:db8::1]:80/x", Some("2001:db8::1")),
            ("2001:db8::1", Some("2001:db8::1")),
            ("h.example:443", Some("h.example")),
            ("h.example", Some("h.example")),
            ("https:///x", None),
            ("", None),
            ("two words", None),
        ] {
            assert_eq!(host(url).as_deref(), expected, "{url}");
        }
        for (url, expected) in [
            ("https://h/p", "https://h/p"),
            ("https://h/p?token=x#y", "https://h/p"),
            ("https://u:p@h/p@q?x", "https://h/p@q"),
            ("/p?x=é", "/p"),
            ("mailto:a@b", "mailto:a@b"),
        ] {
            assert_eq!(without_secrets(Text::Borrowed(url)), expected);
            assert_eq!(without_secrets(Text::Owned(url.to_owned())), expected);
        }
    }
}
