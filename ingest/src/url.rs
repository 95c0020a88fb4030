//! Parts of a URL, cut without parsing it whole. What may hold secrets is cut off: user and password, query,
//! fragment.

use schemas::activity::Text;

/// The URL without user, query and fragment.
pub(crate) fn bare(url: Text<'_>) -> Option<Text<'_>> {
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

/// The host of a URL that has a scheme.
pub(crate) fn host(url: &str) -> Option<&str> {
    let rest = url.split_once("://")?.1;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    let host = if host.starts_with('[') { host } else { host.split(':').next()? };
    (!host.is_empty()).then_some(host)
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
        assert_eq!(host("https://u:p@h.example:8443/a"), Some("h.example"));
        assert_eq!(host("h.example/a"), None);
    }
}
