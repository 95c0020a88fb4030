//! Values of an alert that an analyst searches for, with the path at which each stands.

use serde::{Deserialize, Serialize};

use crate::evidence::{Actor, Evidence, NetworkEndpoint, ResourceDetails};

/// A value to search for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observable {
    /// Where it stands in the alert.
    pub name: String,
    /// What it is; 99 for what OCSF does not list.
    pub type_id: u8,
    /// What it is, in words.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The value.
    pub value: String,
}

/// The observables of an alert.
pub fn observables(
    actor: &Actor,
    evidence: &Evidence,
    resources: &[ResourceDetails],
) -> Vec<Observable> {
    let mut found = Vec::new();
    let mut add = |name: &str, (type_id, kind): (u8, &str), value: Option<&String>| {
        found.extend(value.map(|value| Observable {
            name: name.to_owned(),
            type_id,
            kind: Some(kind.to_owned()),
            value: value.clone(),
        }));
    };
    let user = actor.user.as_ref();
    let session = actor.session.as_ref();
    add("actor.app_uid", (99, "AI Agent ID"), actor.app_uid.as_ref());
    add("actor.user.name", (4, "User Name"), user.and_then(|u| u.name.as_ref()));
    add("actor.user.email_addr", (5, "Email Address"), user.and_then(|u| u.email_addr.as_ref()));
    add(
        "actor.session.credential_uid",
        (19, "User Credential ID"),
        session.and_then(|s| s.credential_uid.as_ref()),
    );
    let ends = [("dst_endpoint", &evidence.dst_endpoint), ("src_endpoint", &evidence.src_endpoint)];
    for (end, endpoint) in ends {
        let read = |field: fn(&NetworkEndpoint) -> &Option<String>| {
            endpoint.as_ref().and_then(|endpoint| field(endpoint).as_ref())
        };
        let path = |field: &str| format!("evidences[0].{end}.{field}");
        add(&path("hostname"), (1, "Hostname"), read(|e| &e.hostname));
        add(&path("ip"), (2, "IP Address"), read(|e| &e.ip));
        add(&path("svc_name"), (99, "Network Service"), read(|e| &e.svc_name));
    }
    let url = evidence.url.as_ref().and_then(|url| url.url_string.as_ref());
    add("evidences[0].url.url_string", (6, "URL String"), url);
    for (at, resource) in resources.iter().enumerate() {
        if resource.kind.as_deref() == Some("Resource") {
            add(&format!("resources[{at}].uid"), (10, "Resource UID"), resource.uid.as_ref());
        }
    }
    found
}
