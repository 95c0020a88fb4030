//! What an alert shows for itself: actor, endpoints and resources of its worst event. An address stands in
//! an address field only if it parses strictly.

use std::net::IpAddr;

use schemas::finding::Verdict;
use serde::{Deserialize, Serialize};

/// Who acted, for whom.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// The agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_uid: Option<String>,
    /// Display name of the agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_name: Option<String>,
    /// The delegating principal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<User>,
    /// Session and credential.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<Session>,
}

/// A principal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// Its display name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its mail address, where its id or name is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email_addr: Option<String>,
}

/// Session and credential.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Session or task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// Credential id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential_uid: Option<String>,
}

/// What an event was about.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Kind of action.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Id of the activity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// Who acted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<Actor>,
    /// The operation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api: Option<Api>,
    /// Towards where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dst_endpoint: Option<NetworkEndpoint>,
    /// From where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub src_endpoint: Option<NetworkEndpoint>,
    /// The resource, where it is a web address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<Url>,
    /// What OCSF has no field for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<serde_json::Value>,
}

/// An operation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Api {
    /// Operation or tool.
    pub operation: String,
    /// Who offers it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<Service>,
}

/// A service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
}

/// A place on the network; at least one field is there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkEndpoint {
    /// Host name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// IP address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// What is neither: a mail address, account, queue or service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub svc_name: Option<String>,
    /// Run, pod or session instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_uid: Option<String>,
}

/// A web address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Url {
    /// All of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url_string: Option<String>,
    /// `http` or `https`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheme: Option<String>,
    /// Host name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// Path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

/// What was touched.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceDetails {
    /// Its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it is.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// 1 target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_id: Option<u8>,
    /// The role in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Host name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// IP address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
}

/// What of the delegation and the amounts OCSF has no field for.
#[derive(Serialize)]
struct Data<'v> {
    agent: DataAgent<'v>,
    delegation: DataDelegation<'v>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<&'v str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes_out: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes_in: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'v str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<&'v str>,
}

#[derive(Serialize)]
struct DataAgent<'v> {
    id: &'v str,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance_id: Option<&'v str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'v str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<&'v str>,
}

#[derive(Serialize)]
struct DataDelegation<'v> {
    mode: &'v str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'v str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    purpose: Option<&'v str>,
    chain: &'v [String],
}

// === impl NetworkEndpoint ===

impl NetworkEndpoint {
    /// The endpoint that a place and an address name; `None` where neither says anything.
    fn of(place: Option<&str>, address: Option<&str>) -> Option<Self> {
        let mut endpoint = Self { ip: address.and_then(ip), ..Self::default() };
        if let Some(place) = place.filter(|place| !place.is_empty()) {
            if let Some(ip) = ip(place) {
                endpoint.ip.get_or_insert(ip);
            } else if is_hostname(place) {
                endpoint.hostname = Some(place.to_owned());
            } else {
                endpoint.svc_name = Some(place.to_owned());
            }
        }
        (endpoint != Self::default()).then_some(endpoint)
    }
}

/// Who acted in a verdict.
pub fn actor(verdict: &Verdict) -> Actor {
    let facts = &verdict.facts;
    let names = [&facts.subject_name, &facts.subject];
    let email_addr = names.into_iter().flatten().find(|name| is_email(name)).cloned();
    let user = User { uid: facts.subject.clone(), name: facts.subject_name.clone(), email_addr };
    let session =
        Session { uid: facts.session.clone(), credential_uid: facts.credential_id.clone() };
    Actor {
        app_uid: Some(verdict.actor.agent_id.clone()),
        app_name: facts.agent_name.clone(),
        user: (user != User::default()).then_some(user),
        session: (session != Session::default()).then_some(session),
    }
}

/// What a verdict shows.
pub fn evidence(verdict: &Verdict) -> Evidence {
    let facts = &verdict.facts;
    let mut origin = NetworkEndpoint::of(facts.source.as_deref(), None);
    if let Some(instance) = &facts.agent_instance_id {
        origin.get_or_insert_default().instance_uid = Some(instance.clone());
    }
    let service =
        facts.tool_server.as_ref().map(|server| Service { name: Some(server.clone()), uid: None });
    Evidence {
        name: Some(facts.action.clone()),
        uid: Some(verdict.activity_id.clone()),
        actor: Some(Actor { user: None, session: None, ..actor(verdict) }),
        api: facts.operation.clone().map(|operation| Api { operation, service }),
        dst_endpoint: NetworkEndpoint::of(
            facts.destination.as_deref(),
            facts.destination_ip.as_deref(),
        ),
        src_endpoint: origin,
        url: facts.resource.as_deref().and_then(url),
        data: serde_json::to_value(data(verdict)).ok(),
    }
}

/// What a verdict's activity touched: resource and destination.
pub fn resources(verdict: &Verdict, evidence: &Evidence) -> Vec<ResourceDetails> {
    let target = |uid: String, kind: &str| ResourceDetails {
        uid: Some(uid.clone()),
        name: Some(uid),
        kind: Some(kind.to_owned()),
        role_id: Some(1),
        role: Some("Target".to_owned()),
        ..ResourceDetails::default()
    };
    let destination = evidence.dst_endpoint.as_ref().and_then(|endpoint| {
        let uid =
            endpoint.hostname.clone().or(endpoint.svc_name.clone()).or(endpoint.ip.clone())?;
        Some(ResourceDetails {
            hostname: endpoint.hostname.clone(),
            ip: endpoint.ip.clone(),
            ..target(uid, "Network Destination")
        })
    });
    let resource = verdict.facts.resource.clone().map(|uid| target(uid, "Resource"));
    resource.into_iter().chain(destination).collect()
}

fn data(verdict: &Verdict) -> Data<'_> {
    let facts = &verdict.facts;
    Data {
        agent: DataAgent {
            id: &verdict.actor.agent_id,
            instance_id: facts.agent_instance_id.as_deref(),
            version: facts.agent_version.as_deref(),
            owner: facts.owner.as_deref(),
        },
        delegation: DataDelegation {
            mode: verdict.actor.authority.as_str(),
            id: facts.delegation_id.as_deref(),
            purpose: facts.purpose.as_deref(),
            chain: &facts.chain,
        },
        resource: facts.resource.as_deref(),
        bytes_out: facts.bytes_out,
        bytes_in: facts.bytes_in,
        outcome: facts.outcome.as_deref(),
        trace_id: facts.trace_id.as_deref(),
    }
}

fn ip(text: &str) -> Option<String> {
    text.parse::<IpAddr>().ok().map(|address| address.to_string())
}

/// A web address in its parts; `None` where the text is none.
fn url(text: &str) -> Option<Url> {
    let (scheme, rest) = text.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let host = authority.rsplit('@').next()?.split(':').next()?;
    let is_web = ["http", "https"].contains(&scheme.as_str()) && !host.is_empty();
    let path = path.split(['?', '#']).next().filter(|path| !path.is_empty());
    (is_web && is_hostname(host)).then(|| Url {
        url_string: Some(text.to_owned()),
        scheme: Some(scheme),
        hostname: Some(host.to_owned()),
        path: path.map(str::to_owned),
    })
}

/// Whether a text is a mail address, more strictly than any standard.
fn is_email(text: &str) -> bool {
    let word = |part: &str, more: &[u8]| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || more.contains(&b))
    };
    text.split_once('@').is_some_and(|(local, domain)| {
        let labels = || domain.split('.');
        word(local, b"._+-") && labels().count() > 1 && labels().all(|label| word(label, b"-"))
    })
}

fn is_hostname(text: &str) -> bool {
    text.len() <= 253 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b))
}
