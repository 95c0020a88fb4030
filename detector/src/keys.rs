//! Value keys: what an activity's texts stand for in habits. Destination = registrable domain of the host, else
//! address, else IP, else host of the URL. Resource = type and id, split at `/ . :` to depths 1, 2 and all.

use std::borrow::Cow;

use baseline::hash;
use baseline::part::makeup::Component;
use baseline::part::routes::Region;
use schemas::activity::{Activity, Endpoint};
use schemas::choice::{Anonymizer, Classification, CredentialType};
use schemas::time::{DAY_MS, HOUR_MS, TIME_MS_MIN};

/// The hashed identity of everything an activity names.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    pub(crate) event: u64,
    pub(crate) tenant: u64,
    /// Peer group: the blueprint within the tenant, or the tenant.
    pub(crate) group: u64,
    /// Purpose; 0 for none.
    pub(crate) purpose: u64,
    pub(crate) tool: u64,
    /// Destination; 0 for none.
    pub(crate) destination: u64,
    /// Resource by depth, shallowest first; 0 where a depth is the same as the one before.
    pub(crate) resource: [u64; 3],
    /// Class of the resource, the lowest 0; `None` where it is unknown.
    pub(crate) class: Option<usize>,
    /// Network and route of source and destination; 0 for none.
    pub(crate) networks: [u64; 4],
    /// Where the source stands; unknown where it is a known way out.
    pub(crate) region: Region,
    pub(crate) delegator: u64,
    /// The agent by itself, within its tenant.
    pub(crate) agent: u64,
    /// Credential, and its kind: type, issuer and scopes; 0 for none.
    pub(crate) credential: u64,
    pub(crate) credential_kind: u64,
    /// Version, model and tool server; 0 for none.
    pub(crate) makeup: [(Component, u64); 3],
    pub(crate) session: u64,
    /// The call within the session; 0 for none.
    pub(crate) call: u64,
    /// Bucket of the result's size, an eighth of an octave; `None` where it is unknown.
    pub(crate) size: Option<u64>,
    pub(crate) now_s: u32,
    pub(crate) hour: u32,
    pub(crate) day: u16,
}

/// Seconds since 1990 of an event time in milliseconds.
fn second(ms: i64) -> u32 {
    u32::try_from((ms - TIME_MS_MIN) / 1_000).unwrap_or(0)
}

/// Hours since 1970.
fn hour(ms: i64) -> u32 {
    u32::try_from(ms / HOUR_MS).unwrap_or(0)
}

impl Keys {
    pub(crate) fn of(activity: &Activity<'_>, seed: u64) -> Self {
        let text = |value: &str| hash::text(seed, value);
        let optional = |value: Option<&str>| value.map_or(0, |value| hash::text(seed, value));
        let tenant = text(&activity.tenant_id);
        let group =
            activity.agent.blueprint.as_deref().map_or(tenant, |b| hash::pair(tenant, text(b)));
        let ms = activity.time.millis();
        let hour = hour(ms);
        let tool = activity.action.tool.as_ref();
        let session = activity.session.as_ref().and_then(|s| {
            [&s.id, &s.task_id, &s.conversation_id, &s.mission_id]
                .into_iter()
                .find_map(|id| id.as_deref())
        });
        Self {
            event: text(&activity.id),
            tenant,
            group,
            purpose: optional(activity.purpose()),
            tool: text(tool_label(activity)),
            destination: activity
                .destination
                .as_ref()
                .and_then(destination_label)
                .map_or(0, |d| text(&d)),
            resource: resource_keys(activity, seed),
            class: class(activity),
            networks: networks(activity, seed),
            region: region(activity.source.as_ref(), seed),
            delegator: optional(
                activity
                    .delegation
                    .as_ref()
                    .and_then(|d| d.subject.as_ref())
                    .map(|subject| &*subject.id),
            ),
            agent: text(&activity.agent.id),
            credential: credential_key(activity, seed),
            credential_kind: credential_kind(activity, seed),
            makeup: makeup(activity, seed),
            session: session
                .map_or_else(|| hash::pair(u64::from(hour), 7), |id| hash::text(seed, id)),
            call: optional(tool.and_then(|t| t.call_id.as_deref())),
            size: activity.usage.as_ref().and_then(|u| u.bytes_in).map(size_bucket),
            now_s: second(ms),
            hour,
            day: u16::try_from(ms / DAY_MS).unwrap_or(0),
        }
    }
}

/// Tool name, else operation, else kind of action.
pub(crate) fn tool_label<'a>(activity: &'a Activity<'_>) -> &'a str {
    let tool = activity.action.tool.as_ref().and_then(|tool| tool.name.as_deref());
    tool.or(activity.action.operation.as_deref()).unwrap_or(activity.action.kind.as_str())
}

/// What a destination is known by.
pub(crate) fn destination_label<'a>(endpoint: &'a Endpoint<'_>) -> Option<Cow<'a, str>> {
    if let Some(host) = endpoint.host.as_deref() {
        return Some(registrable(host));
    }
    if let Some(address) = endpoint.address.as_deref() {
        return Some(Cow::Borrowed(address));
    }
    if let Some(ip) = endpoint.ip {
        return Some(Cow::Owned(ip.to_string()));
    }
    endpoint.url.as_deref().and_then(url_host).map(registrable)
}

/// The registrable domain of a host in lower case; the host itself where it has none.
fn registrable(host: &str) -> Cow<'_, str> {
    let lower: Cow<'_, str> = if host.bytes().any(|b| b.is_ascii_uppercase()) {
        Cow::Owned(host.to_ascii_lowercase())
    } else {
        Cow::Borrowed(host)
    };
    let digits = lower.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b':');
    if digits {
        return lower;
    }
    match lower {
        Cow::Borrowed(host) => psl::domain_str(host).map_or(Cow::Borrowed(host), Cow::Borrowed),
        Cow::Owned(host) => {
            Cow::Owned(psl::domain_str(&host).map_or_else(|| host.clone(), str::to_owned))
        }
    }
}

fn url_host(url: &str) -> Option<&str> {
    let rest = url.split_once("://")?.1;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    let host = if host.starts_with('[') { host } else { host.split(':').next()? };
    (!host.is_empty()).then_some(host)
}

fn resource_keys(activity: &Activity<'_>, seed: u64) -> [u64; 3] {
    let Some(resource) = activity.resource.as_ref() else { return [0; 3] };
    let Some(id) = resource.id.as_deref().or(resource.name.as_deref()) else { return [0; 3] };
    let kind = hash::text(seed, resource.kind.as_deref().unwrap_or(""));
    let prefix = |depth: usize| -> Option<&str> {
        let separators = |c: char| matches!(c, '/' | '.' | ':');
        let mut seen = 0;
        let mut inside = false;
        for (at, c) in id.char_indices() {
            if separators(c) {
                if inside {
                    seen += 1;
                    if seen == depth {
                        return id.get(..at);
                    }
                }
                inside = false;
            } else {
                inside = true;
            }
        }
        None
    };
    let key = |text: &str| hash::pair(kind, hash::text(seed, text));
    [prefix(1).map_or(0, key), prefix(2).map_or(0, key), key(id)]
}

fn networks(activity: &Activity<'_>, seed: u64) -> [u64; 4] {
    let mut out = [0; 4];
    for (side, endpoint) in
        [(0_usize, activity.source.as_ref()), (1, activity.destination.as_ref())]
    {
        let Some(endpoint) = endpoint else { continue };
        let mark = |kind: u64, value: u64| hash::pair(hash::pair(kind, side as u64), value);
        if is_own(endpoint) {
            // To come from within is a habit that a network outside departs from; to go there says nothing.
            if side == 0 {
                out[1] = mark(3, 1);
            }
            continue;
        }
        let asn = endpoint.asn.map_or(0, |asn| mark(1, u64::from(asn)));
        let country = endpoint.geo.as_ref().and_then(|geo| geo.country.as_deref());
        let route = endpoint.anonymizer.unwrap_or_default();
        let hidden = !matches!(route, Anonymizer::None | Anonymizer::Unknown);
        let place = if country.is_some() || hidden {
            let country = country.map_or(0, |country| hash::text(seed, country));
            mark(
                2,
                hash::pair(country, hash::text(seed, if hidden { route.as_str() } else { "none" })),
            )
        } else {
            0
        };
        if let Some(slot) = out.get_mut(2 * side) {
            *slot = asn;
        }
        if let Some(slot) = out.get_mut(2 * side + 1) {
            *slot = place;
        }
    }
    out
}

fn optional(seed: u64, value: Option<&str>) -> u64 {
    value.map_or(0, |value| hash::text(seed, value))
}

/// The credential within its issuer.
fn credential_key(activity: &Activity<'_>, seed: u64) -> u64 {
    let Some(credential) = activity.credential.as_ref() else { return 0 };
    let Some(id) = credential.id.as_deref() else { return 0 };
    hash::pair(optional(seed, credential.issuer.as_deref()), hash::text(seed, id))
}

/// Type, issuer and the set of scopes, in any order.
fn credential_kind(activity: &Activity<'_>, seed: u64) -> u64 {
    let Some(credential) = activity.credential.as_ref() else { return 0 };
    let kind = credential.kind.unwrap_or_default();
    if kind == CredentialType::Unknown && credential.scopes.is_empty() {
        return 0;
    }
    let scopes =
        credential.scopes.iter().fold(0_u64, |sum, s| sum.wrapping_add(hash::text(seed, s)));
    let issuer = optional(seed, credential.issuer.as_deref());
    hash::pair(hash::pair(hash::text(seed, kind.as_str()), issuer), scopes)
}

fn makeup(activity: &Activity<'_>, seed: u64) -> [(Component, u64); 3] {
    let version = optional(seed, activity.agent.version.as_deref());
    let model = activity.agent.model.as_ref().map_or(0, |model| {
        let parts = [&model.provider, &model.name, &model.version];
        parts.into_iter().fold(1, |hash, part| hash::pair(hash, optional(seed, part.as_deref())))
    });
    let server = activity.action.tool.as_ref().and_then(|tool| tool.server.as_deref());
    [
        (Component::Version, version),
        (Component::Model, model),
        (Component::ToolServer, optional(seed, server)),
    ]
}

/// Whether an endpoint is the own network or a known way out of it.
pub(crate) fn is_own(endpoint: &Endpoint<'_>) -> bool {
    endpoint.internal == Some(true)
}

fn region(source: Option<&Endpoint<'_>>, seed: u64) -> Region {
    let Some(source) = source.filter(|source| !is_own(source)) else { return Region::default() };
    let tag = |text: &str| hash::tag(hash::text(seed, text)).max(1);
    let country = source.geo.as_ref().and_then(|geo| geo.country.as_deref()).map_or(0, tag);
    let system = source.asn.map_or(0, |asn| hash::tag(hash::pair(seed, u64::from(asn))).max(1));
    Region { country, system }
}

fn class(activity: &Activity<'_>) -> Option<usize> {
    match activity.resource.as_ref()?.classification? {
        Classification::Public => Some(0),
        Classification::Internal => Some(1),
        Classification::Confidential => Some(2),
        Classification::Restricted => Some(3),
        Classification::Unknown => None,
    }
}

fn size_bucket(bytes: u64) -> u64 {
    #[expect(clippy::cast_precision_loss, reason = "a bucket is an eighth of an octave")]
    let octaves = baseline::math::ln(1.0 + bytes as f64) / std::f64::consts::LN_2;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 512")]
    let bucket = (octaves * 8.0) as u64;
    bucket
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_destination_is_known_by_its_registrable_domain() {
        let host = |host: &'static str| Endpoint { host: Some(host.into()), ..Endpoint::default() };
        let check = |endpoint: &Endpoint<'_>, expected: &str| {
            assert_eq!(destination_label(endpoint).as_deref(), Some(expected));
        };
        check(&host("a.b.Example.co.uk"), "example.co.uk");
        check(&host("localhost"), "localhost");
        check(&host("10.0.0.1"), "10.0.0.1");
        let url = Endpoint {
            url: Some("https://u:p@x.example.org:8443/a?b".into()),
            ..Endpoint::default()
        };
        check(&url, "example.org");
        let both = Endpoint {
            host: Some("mail.example.org".into()),
            address: Some("a@example.org".into()),
            ..Endpoint::default()
        };
        check(&both, "example.org");
    }
}
