//! The way to the brokers as a config has it: in the clear, or with TLS and as a user whose password stands in a file. What
//! this build cannot do, and files that cannot be read, are told before anything is connected.

use std::fs;

use bus::BusError;
use bus::kafka::{Kafka, KafkaSettings};
use config::{Config, SecurityConfig};

/// Longest password, in bytes.
const PASSWORD_BYTES_MAX: usize = 4_096;

/// Settings that ask for what this build or this machine does not have: each with why.
pub fn lacking(config: &Config) -> Vec<(&'static str, String)> {
    lacking_in(config, cfg!(feature = "tls"))
}

fn lacking_in(config: &Config, has_tls: bool) -> Vec<(&'static str, String)> {
    let (kafka, http) = (config.kafka().security, config.http());
    let mut lacking = Vec::new();
    let asked =
        [("kafka.security", kafka.is_some()), ("http.certificate_file", http.identity.is_some())];
    for (path, _) in asked.into_iter().filter(|(_, asked)| *asked && !has_tls) {
        let why = "asks for TLS, and this program is built without the feature `tls`";
        lacking.push((path, why.to_owned()));
    }
    let sasl = kafka.as_ref().and_then(|security| security.sasl.as_ref());
    let of_kafka = kafka.as_ref().and_then(|security| security.identity.as_ref());
    let (of_http, access) = (http.identity.as_ref(), config.access());
    let files = [
        ("kafka.ca_file", kafka.as_ref().and_then(|security| security.ca_file.as_ref())),
        ("kafka.certificate_file", of_kafka.map(|files| &files.certificate)),
        ("kafka.key_file", of_kafka.map(|files| &files.key)),
        ("kafka.password_file", sasl.map(|sasl| &sasl.password_file)),
        ("http.certificate_file", of_http.map(|files| &files.certificate)),
        ("http.key_file", of_http.map(|files| &files.key)),
        ("http.token_file", http.token_file.as_ref()),
        ("access.token_file", access.as_ref().map(|access| &access.token_file)),
    ];
    for (path, file) in files {
        if let Some(Err(error)) = file.map(fs::read) {
            lacking.push((path, format!("names a file that cannot be read: {error}")));
        }
    }
    lacking
}

/// The log that a config names; nothing is connected yet.
pub fn link(config: &Config) -> Result<Kafka, BusError> {
    let (cluster, input) = (config.kafka(), config.input());
    let mut client: Vec<(String, String)> = input.client.into_iter().collect();
    if let Some(security) = &cluster.security {
        if !cfg!(feature = "tls") {
            let why = "`kafka.security` asks for TLS, and this program is built without the feature `tls`";
            return Err(BusError::Refused(why.to_owned()));
        }
        client.extend(properties(security)?);
    }
    Kafka::new(KafkaSettings {
        brokers: cluster.brokers,
        client,
        // Readers take it for the begin of their group's name, and ACLs go by such begins.
        instance: format!("{}-{}", cluster.group, config.instance()),
    })
}

/// The same in the words of librdkafka.
fn properties(security: &SecurityConfig) -> Result<Vec<(String, String)>, BusError> {
    let mut all = vec![("security.protocol", "ssl".to_owned())];
    all.extend(security.ca_file.clone().map(|file| ("ssl.ca.location", file)));
    if let Some(identity) = &security.identity {
        all.push(("ssl.certificate.location", identity.certificate.clone()));
        all.push(("ssl.key.location", identity.key.clone()));
    }
    if let Some(sasl) = &security.sasl {
        all.extend([
            ("security.protocol", "sasl_ssl".to_owned()),
            ("sasl.mechanism", sasl.mechanism.clone()),
            ("sasl.username", sasl.user.clone()),
            ("sasl.password", password(&sasl.password_file)?),
        ]);
    }
    Ok(all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

fn password(file: &str) -> Result<String, BusError> {
    let refused = |why: &str| BusError::Refused(format!("{file} holds no password: {why}"));
    let text = fs::read_to_string(file).map_err(|error| refused(&error.to_string()))?;
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() || PASSWORD_BYTES_MAX < text.len() || text.contains('\0') {
        return Err(refused("it must be one line of text"));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_without_tls_says_so_and_files_that_are_not_there_are_named() {
        let text = "kafka.security = \"sasl_ssl\"\nkafka.user = \"u\"\nkafka.password_file = \"/no/file\"\n\
                    http.certificate_file = \"/no/file\"\nhttp.key_file = \"/no/file\"";
        let config = config::parse(text).0.unwrap();
        let said = |has_tls| -> Vec<&str> {
            lacking_in(&config, has_tls).into_iter().map(|(path, _)| path).collect()
        };
        let files = ["kafka.password_file", "http.certificate_file", "http.key_file"];
        assert_eq!(said(true), files);
        assert_eq!(
            said(false),
            [&["kafka.security", "http.certificate_file"], &files[..]].concat()
        );
        assert!(matches!(link(&config), Err(BusError::Refused(_))));
        assert_eq!(lacking_in(&Config::default(), false), []);
    }
}
