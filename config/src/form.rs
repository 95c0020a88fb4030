//! Texts of a form: what they must look like, for the check and for editors.

use std::net::SocketAddr;

use schemas::EventTime;

/// The form of a text.
#[derive(Clone, Copy, Debug)]
pub(super) enum Form {
    /// Letters, digits, `.`, `_` and `-`, at most this many.
    Name(usize),
    /// Printable ASCII without blanks, at most this many.
    Printable(usize),
    /// `host:port`, several with commas between them.
    Brokers,
    /// Where a new group starts to read.
    Start,
    /// Where a server listens, or `off`.
    Address,
    /// A file.
    Path,
}

impl Form {
    /// What it must be, to complete "must be".
    pub(super) fn wanted(self) -> String {
        match self {
            Self::Name(most) => format!("1 to {most} letters, digits, `.`, `_` or `-`"),
            Self::Printable(most) => format!("1 to {most} printable characters without blanks"),
            Self::Brokers => "`host:port`, several with commas between them".to_owned(),
            Self::Start => "`earliest`, `latest` or a time as RFC 3339 with offset".to_owned(),
            Self::Path => "the path of a file".to_owned(),
            Self::Address => "an address and port such as `127.0.0.1:9464`, or `off`".to_owned(),
        }
    }

    /// The same as a regular expression.
    pub(super) fn pattern(self) -> String {
        match self {
            Self::Name(most) => format!("^[A-Za-z0-9._-]{{1,{most}}}$"),
            Self::Printable(most) => format!("^[!-~]{{1,{most}}}$"),
            Self::Brokers => r"^[^\s,]+:[0-9]{1,5}(,\s*[^\s,]+:[0-9]{1,5})*$".to_owned(),
            Self::Start => r"^(earliest|latest|\d{4}-\d\d-\d\d[Tt ].+)$".to_owned(),
            Self::Path => "^[^\\u0000-\\u001f]{1,4096}$".to_owned(),
            Self::Address => r"^(off|.+:[0-9]{1,5})$".to_owned(),
        }
    }

    /// Whether a text has the form; else what is wrong beyond it, where there is more to say.
    pub(super) fn check(self, text: &str) -> Result<(), Option<String>> {
        let right = match self {
            Self::Name(most) => {
                sized(text, most, |b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
            }
            Self::Printable(most) => sized(text, most, |b| b.is_ascii_graphic()),
            Self::Brokers => text.split(',').all(|broker| is_broker(broker.trim())),
            Self::Start => ["earliest", "latest"].contains(&text) || EventTime::parse(text).is_ok(),
            Self::Path => (1..=4_096).contains(&text.len()) && !text.contains(char::is_control),
            Self::Address => text == "off" || text.parse::<SocketAddr>().is_ok(),
        };
        if right { Ok(()) } else { Err(None) }
    }
}

fn sized(text: &str, most: usize, may: impl Fn(u8) -> bool) -> bool {
    (1..=most).contains(&text.len()) && text.bytes().all(may)
}

fn is_broker(text: &str) -> bool {
    text.rsplit_once(':').is_some_and(|(host, port)| {
        sized(host, 255, |b| b.is_ascii_graphic()) && port.parse::<u16>().is_ok_and(|port| port > 0)
    })
}
