//! What the config says of who is who at its edges: TLS and SASL towards the brokers, TLS and tokens of those who ask
//! over HTTP. Secrets stand in files of their own; here are only their paths.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;

use super::kind::Value;

/// Settings that name a file beside the config's.
const FILES: [&str; 8] = [
    "access.token_file",
    "http.certificate_file",
    "http.key_file",
    "http.token_file",
    "kafka.ca_file",
    "kafka.certificate_file",
    "kafka.key_file",
    "kafka.password_file",
];
/// Settings that mean something with TLS to the brokers only.
const OF_TLS: [&str; 3] = ["kafka.ca_file", "kafka.certificate_file", "kafka.key_file"];
/// Settings that mean something with SASL only; it needs them.
const OF_SASL: [&str; 2] = ["kafka.user", "kafka.password_file"];

/// A certificate and its key, files in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityFiles {
    /// The certificate, then those between it and an authority.
    pub certificate: String,
    /// Its private key.
    pub key: String,
}

/// TLS to the brokers, and who we are to them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecurityConfig {
    /// Authorities that vouch for the brokers; without it those of the system.
    pub ca_file: Option<String>,
    /// Our own certificate, where brokers ask for one.
    pub identity: Option<IdentityFiles>,
    /// Our user, where brokers ask for one.
    pub sasl: Option<SaslConfig>,
}

/// A user of the brokers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaslConfig {
    /// As Kafka names it.
    pub mechanism: String,
    /// Its name.
    pub user: String,
    /// File of its password.
    pub password_file: String,
}

/// Where metrics and health are served, and to whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpConfig {
    /// Where it listens; `None` is nowhere.
    pub listen: Option<SocketAddr>,
    /// TLS of everything that is served.
    pub identity: Option<IdentityFiles>,
    /// File of the tokens of readers.
    pub token_file: Option<String>,
}

pub(super) fn text<'v>(values: &'v BTreeMap<String, Value>, path: &str) -> Option<&'v str> {
    match values.get(path) {
        Some(Value::Text(text)) if !text.is_empty() => Some(text),
        _ => None,
    }
}

fn identity(values: &BTreeMap<String, Value>, section: &str) -> Option<IdentityFiles> {
    let file = |name: &str| text(values, &format!("{section}.{name}")).map(str::to_owned);
    Some(IdentityFiles { certificate: file("certificate_file")?, key: file("key_file")? })
}

// === impl SecurityConfig ===

impl SecurityConfig {
    /// Of the values of a config; `None` where brokers are spoken to in the clear.
    pub(super) fn of(values: &BTreeMap<String, Value>) -> Option<Self> {
        let own = |path: &str| text(values, path).map(str::to_owned);
        let sasl = || {
            Some(SaslConfig {
                mechanism: own("kafka.sasl_mechanism")?,
                user: own("kafka.user")?,
                password_file: own("kafka.password_file")?,
            })
        };
        let security = text(values, "kafka.security").filter(|word| *word != "plaintext")?;
        Some(Self {
            ca_file: own("kafka.ca_file"),
            identity: identity(values, "kafka"),
            sasl: if security == "sasl_ssl" { sasl() } else { None },
        })
    }
}

// === impl HttpConfig ===

impl HttpConfig {
    /// Of the values of a config.
    pub(super) fn of(values: &BTreeMap<String, Value>) -> Self {
        Self {
            listen: text(values, "http.listen").and_then(|text| text.parse().ok()),
            identity: identity(values, "http"),
            token_file: text(values, "http.token_file").map(str::to_owned),
        }
    }
}

/// Turns paths that are relative into ones below a folder.
pub(super) fn beside(values: &mut BTreeMap<String, Value>, folder: &Path) {
    for path in FILES {
        if let Some(Value::Text(file)) = values.get_mut(path) {
            *file = folder.join(&*file).to_string_lossy().into_owned();
        }
    }
}

/// What no single setting can tell: path, message, help.
pub(super) fn cross_check(
    values: &BTreeMap<String, Value>,
    tell: &mut impl FnMut(&str, String, String),
) {
    let is_set = |path: &str| text(values, path).is_some();
    let security = text(values, "kafka.security").unwrap_or("plaintext");
    for path in OF_TLS.into_iter().filter(|path| security == "plaintext" && is_set(path)) {
        let message = format!("`{path}` means nothing without TLS");
        tell(path, message, "set `kafka.security` to `ssl` or `sasl_ssl`".to_owned());
    }
    for path in OF_SASL {
        let message = match (security == "sasl_ssl", is_set(path)) {
            (true, false) => format!("`kafka.security = \"sasl_ssl\"` needs `{path}`"),
            (false, true) => format!("`{path}` means nothing without SASL"),
            _ => continue,
        };
        let help = "`sasl_ssl` goes with `kafka.user` and `kafka.password_file`".to_owned();
        tell(if is_set(path) { path } else { "kafka.security" }, message, help);
    }
    for section in ["kafka", "http"] {
        let [certificate, key] = ["certificate_file", "key_file"].map(|n| format!("{section}.{n}"));
        for (path, other) in [(&certificate, &key), (&key, &certificate)] {
            if is_set(path) && !is_set(other) {
                tell(path, format!("`{path}` needs `{other}`"), "name both".to_owned());
            }
        }
    }
    for (listen, tokens) in
        [("http.listen", "http.token_file"), ("access.listen", "access.token_file")]
    {
        let address = text(values, listen).and_then(|text| text.parse::<SocketAddr>().ok());
        let Some(address) = address else { continue };
        let away = !address.ip().is_loopback();
        let (certificate, key) = ("http.certificate_file", "http.key_file");
        let needs_token = away || listen == "access.listen";
        for (needed, path) in [(away, certificate), (away, key), (needs_token, tokens)] {
            if needed && !is_set(path) {
                let beyond = if away { " is beyond loopback and" } else { "" };
                let message = format!("`{listen}`{beyond} needs `{path}`");
                let help = "beyond loopback whoever asks is met with TLS and bears a token; the \
                            decision point wants a token everywhere";
                tell(listen, message, help.to_owned());
            }
        }
    }
}
