//! What lists say of an address: autonomous system, country, hidden route, known way out. It fills what an activity
//! leaves open and changes nothing that stands there. Same lists, same answers.

#![forbid(unsafe_code)]

mod prefixes;

use std::borrow::Cow;
use std::net::IpAddr;

use maxminddb::{LookupResult, PathElement, Reader};
use schemas::activity::{Activity, Endpoint, Geo};
use schemas::choice::Anonymizer;
use sha2::{Digest, Sha256};
use thiserror::Error;

use prefixes::Prefixes;

/// Routes that lists name, the one that hides most first: it counts where several hold.
const ROUTES: [Anonymizer; 5] =
    [Anonymizer::Tor, Anonymizer::Proxy, Anonymizer::Vpn, Anonymizer::Relay, Anonymizer::Hosting];
/// What databases of anonymisers call them.
const FLAGS: [(&str, Anonymizer); 6] = [
    ("is_tor_exit_node", Anonymizer::Tor),
    ("is_public_proxy", Anonymizer::Proxy),
    ("is_residential_proxy", Anonymizer::Proxy),
    ("is_anonymous_vpn", Anonymizer::Vpn),
    ("is_relay", Anonymizer::Relay),
    ("is_hosting_provider", Anonymizer::Hosting),
];

/// What a list is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    /// A database in MaxMind's format: it gives what it holds of system, country and route.
    Database,
    /// A text of prefixes that lead over this route.
    Route(Anonymizer),
    /// A text of prefixes by which the own network is left.
    Egress,
}

/// What was taken from a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The database's type, or how many entries a text has.
    pub what: String,
    /// When it was built, in seconds since 1970, where it says so.
    pub built_s: Option<u64>,
}

/// A list that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BrokenList {
    /// Not a database, or a damaged one.
    #[error("read the database: {0}")]
    Database(String),
    /// Not UTF-8.
    #[error("read it as text: byte {0} is not UTF-8")]
    Text(usize),
    /// A line that is no entry.
    #[error("read line {line}: {text:?} is no prefix such as 192.0.2.0/24, address or AS64500")]
    Line {
        /// Its number, from 1.
        line: usize,
        /// What stands there, at most 60 characters.
        text: String,
    },
    /// No entry at all.
    #[error("find an entry: it holds none")]
    Empty,
    /// A route that no list can be of.
    #[error("take a list of `{0}`")]
    Route(&'static str),
}

/// Lists of networks.
#[derive(Debug, Default)]
pub struct Networks {
    databases: Vec<Reader<Vec<u8>>>,
    routes: [Prefixes; ROUTES.len()],
    egress: Prefixes,
    /// Of everything taken, in order.
    digest: Option<Sha256>,
}

// === impl Networks ===

impl Networks {
    /// Takes a list, whole or not at all.
    pub fn add(&mut self, list: List, bytes: Vec<u8>) -> Result<Taken, BrokenList> {
        let mut digest = self.digest.clone().unwrap_or_default();
        let length = bytes.len() as u64;
        let (number, taken) = match list {
            List::Database => {
                digest.update(&bytes);
                let broken =
                    |error: maxminddb::MaxMindDbError| BrokenList::Database(error.to_string());
                let reader = Reader::from_source(bytes).map_err(broken)?;
                reader.verify().map_err(broken)?;
                let metadata = reader.metadata();
                let what = metadata.database_type.clone();
                let taken = Taken { what, built_s: Some(metadata.build_epoch) };
                self.databases.push(reader);
                (0, taken)
            }
            List::Route(_) | List::Egress => {
                digest.update(&bytes);
                let (number, into) = self.prefixes(list)?;
                let entries = into.add(&bytes)?;
                (number, Taken { what: format!("{entries} entries"), built_s: None })
            }
        };
        // Behind its bytes, what they are taken as: two lists never hash like one.
        digest.update([number]);
        digest.update(length.to_le_bytes());
        self.digest = Some(digest);
        Ok(taken)
    }

    /// The texts of a kind, with its number.
    fn prefixes(&mut self, list: List) -> Result<(u8, &mut Prefixes), BrokenList> {
        let List::Route(route) = list else { return Ok((1, &mut self.egress)) };
        let mut routes = (2..).zip(ROUTES).zip(&mut self.routes);
        let found = routes.find(|((_, known), _)| *known == route);
        found.map(|((number, _), into)| (number, into)).ok_or(BrokenList::Route(route.as_str()))
    }

    /// Hash of all lists; empty where there is none.
    pub fn hash(&self) -> String {
        let Some(digest) = self.digest.clone() else { return String::new() };
        let hex: String =
            digest.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        format!("sha256:{hex}")
    }

    /// Fills what the activity leaves open of its source and destination.
    pub fn enrich(&self, activity: &mut Activity<'_>) {
        if self.digest.is_none() {
            return;
        }
        for endpoint in [&mut activity.source, &mut activity.destination].into_iter().flatten() {
            self.complete(endpoint);
        }
    }

    fn complete(&self, endpoint: &mut Endpoint<'_>) {
        let named = endpoint.host.as_deref().and_then(|host| host.parse().ok());
        let ip = endpoint.ip.or(named).map(|ip: IpAddr| ip.to_canonical());
        let rows = || {
            let readers = self.databases.iter();
            readers.filter_map(move |reader| reader.lookup(ip?).ok().filter(|row| row.has_data()))
        };
        if endpoint.asn.is_none() {
            endpoint.asn = rows().find_map(|row| system(&row));
        }
        if endpoint.geo.as_ref().is_none_or(|geo| geo.country.is_none())
            && let Some(country) = rows().find_map(|row| country(&row))
        {
            endpoint.geo.get_or_insert_with(Geo::default).country = Some(Cow::Owned(country));
        }
        let asn = endpoint.asn;
        if matches!(endpoint.anonymizer, None | Some(Anonymizer::Unknown)) {
            let listed = ROUTES.into_iter().zip(&self.routes);
            let listed = listed.filter(|(_, prefixes)| prefixes.hold(ip, asn));
            let route = listed.map(|(route, _)| route).next();
            endpoint.anonymizer =
                route.or_else(|| rows().find_map(|row| flagged(&row))).or(endpoint.anonymizer);
        }
        if endpoint.internal.is_none() && self.egress.hold(ip, asn) {
            endpoint.internal = Some(true);
        }
    }
}

type Row<'a> = LookupResult<'a, Vec<u8>>;

fn system(row: &Row<'_>) -> Option<u32> {
    let key = |name| row.decode_path::<u32>(&[PathElement::Key(name)]).ok().flatten();
    let text = || row.decode_path::<&str>(&[PathElement::Key("asn")]).ok().flatten();
    key("autonomous_system_number")
        .or_else(|| text()?.strip_prefix("AS")?.parse().ok())
        .filter(|asn| *asn != 0)
}

/// A country by two capital letters, as nested or flat databases have it.
fn country(row: &Row<'_>) -> Option<String> {
    let paths: [&[PathElement<'_>]; 2] = [
        &[PathElement::Key("country"), PathElement::Key("iso_code")],
        &[PathElement::Key("country_code")],
    ];
    let text = |path: &[PathElement<'_>]| row.decode_path::<&str>(path).ok().flatten();
    let code = paths.into_iter().find_map(text)?;
    let right = code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase());
    right.then(|| code.to_owned())
}

fn flagged(row: &Row<'_>) -> Option<Anonymizer> {
    let set = |name| row.decode_path::<bool>(&[PathElement::Key(name)]).ok().flatten();
    FLAGS.into_iter().find(|(name, _)| set(name) == Some(true)).map(|(_, route)| route)
}

#[cfg(test)]
mod tests;
