//! Zeek's conn, dns, http and ssl as JSON. A network sees no identity: the agent is whom the config or the
//! inventory knows behind the sending address.

use record::tree::Tree;
use schemas::activity::Text;

use crate::event::Event;
use crate::field::Field;
use crate::table::{Row, Spec, Verdict, by, first, nothing, unused, withheld};

pub(crate) const SPEC: Spec = Spec {
    name: "zeek",
    title: "Zeek",
    shape: "`ts` or `uid` beside `id.orig_h` (also `id_orig_h`)",
    recognises,
    caseless: false,
    verdict,
    rows: ROWS,
    finish: nothing,
    remarks: "The stream is `_path` or `@stream`, else told by its members; other streams are skipped by name (`zeek_other_stream`).\n\
        A `uid` stands in several streams: only `conn` has it as its id, `ssl` has `ssl:<uid>`, `dns` and `http` a hash.",
};

const ORIGIN: &[&str] = &["id.orig_h", "id_orig_h", "id/orig_h"];

#[rustfmt::skip]
const ROWS: &[Row] = &[
    first(Field::Time, &["ts"]),
    by(Field::AgentId, ORIGIN, agent, "the address map of the config or the inventory"),
    by(Field::ActionType, &["_path", "@stream"], |e| { Some(Text::Borrowed(match stream(e) { Stream::Dns => "dns_query", Stream::Http => "http_request", _ => "network_connection" })) }, "by the stream"),
    by(Field::Operation, &["proto", "service", "qtype_name", "method"], operation, "conn `proto/service`, dns the type of the query, http the method, ssl `ssl`"),
    by(Field::ResourceId, &["query", "host", "uri"], resource, "dns the query; http the URL without its query"),
    by(Field::ResourceType, &[], |e| match stream(e) { Stream::Dns => Some(Text::Borrowed("domain")), Stream::Http => resource(e).map(|_| Text::Borrowed("url")), _ => None }, "`domain`, `url`"),
    by(Field::DestinationHost, &["server_name", "host"], host, "of ssl the name asked for, of http the host without its port"),
    first(Field::DestinationAddress, &["id.resp_h", "id_resp_h", "id/resp_h"]),
    first(Field::DestinationPort, &["id.resp_p", "id_resp_p", "id/resp_p"]),
    by(Field::DestinationUrl, &["uri"], |e| if stream(e) == Stream::Http { resource(e) } else { None }, "http: the URL without its query"),
    first(Field::DestinationProtocol, &["proto"]),
    first(Field::DestinationInternal, &["local_resp"]),
    first(Field::SourceAddress, ORIGIN),
    first(Field::SourcePort, &["id.orig_p", "id_orig_p", "id/orig_p"]),
    first(Field::SourceUserAgent, &["user_agent"]),
    first(Field::BytesOut, &["orig_bytes", "request_body_len"]),
    first(Field::BytesIn, &["resp_bytes", "response_body_len"]),
    Row { field: Field::DurationMs, from: &["duration"], how: crate::table::How::Seconds },
    by(Field::Result, &["conn_state", "rcode_name", "established", "status_code"], result, "SF and S1; S0, REJ and RST*; else unknown. dns by the answer's code, ssl by `established`, http by the status"),
    first(Field::Code, &["conn_state", "rcode_name", "status_code"]),
    by(Field::Id, &["uid"], id, "by the stream, see below"),
    withheld(&[
        "answers", "username", "password", "referrer", "proxied", "orig_filenames", "resp_filenames",
        "client_header_names",
    ], "credentials and content"),
    unused(&[
        "@system", "@proc", "_system_name", "_write_ts", "local_orig", "missed_bytes", "history", "orig_pkts",
        "orig_ip_bytes", "resp_pkts", "resp_ip_bytes", "orig_l2_addr", "resp_l2_addr", "tunnel_parents", "vlan",
        "inner_vlan", "trans_id", "rtt", "qclass", "qclass_name", "qtype", "rcode", "AA", "TC", "RD", "RA", "Z",
        "TTLs", "rejected", "trans_depth", "version", "status_msg", "info_code", "info_msg", "tags", "origin",
        "orig_fuids", "resp_fuids", "orig_mime_types", "resp_mime_types", "cipher", "curve", "resumed", "last_alert",
        "next_protocol", "ssl_history", "cert_chain_fps", "client_cert_chain_fps", "cert_chain_fuids",
        "client_cert_chain_fuids", "subject", "issuer", "client_subject", "client_issuer", "sni_matches_cert",
        "validation_status", "resp_certificate_sha1", "ja3", "ja3s", "community_id",
    ]),
];

/// A stream that is read, or another.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stream {
    Conn,
    Dns,
    Http,
    Ssl,
    Other,
}

fn stream(event: &Event<'_, '_>) -> Stream {
    let name = event.word("_path");
    let name = if name.is_empty() { event.word("@stream") } else { name };
    if !name.is_empty() {
        return match name {
            "conn" => Stream::Conn,
            "dns" => Stream::Dns,
            "http" => Stream::Http,
            "ssl" => Stream::Ssl,
            _ => Stream::Other,
        };
    }
    let has = |keys: &[&str]| keys.iter().any(|key| event.tree.get(key).is_some());
    if has(&["conn_state"]) {
        Stream::Conn
    } else if has(&["qtype_name", "qtype", "rcode"]) {
        Stream::Dns
    } else if has(&["trans_depth", "method", "status_code"]) {
        Stream::Http
    } else if has(&["cipher", "established", "server_name"]) {
        Stream::Ssl
    } else {
        Stream::Other
    }
}

fn recognises(tree: &Tree<'_>) -> bool {
    let has_origin = || ORIGIN.iter().any(|path| tree.at(path, false).is_some());
    (tree.get("ts").is_some() || tree.get("uid").is_some()) && has_origin()
}

fn verdict(event: &Event<'_, '_>) -> Verdict {
    match stream(event) {
        Stream::Other => Verdict::Skip("zeek_other_stream"),
        _ => Verdict::Map,
    }
}

fn agent<'a>(event: &Event<'_, 'a>) -> Option<Text<'a>> {
    let address = event.first(ORIGIN)?.text()?;
    event.agent_at(address)
}

fn operation<'a>(event: &Event<'_, 'a>) -> Option<Text<'a>> {
    match stream(event) {
        Stream::Conn => {
            let proto = event.text("proto")?;
            Some(match event.word("service") {
                "" => proto,
                service => Text::Owned(format!("{proto}/{service}")),
            })
        }
        Stream::Dns => event.text("qtype_name"),
        Stream::Http => event.text("method"),
        Stream::Ssl => Some(Text::Borrowed("ssl")),
        Stream::Other => None,
    }
}

fn resource<'a>(event: &Event<'_, 'a>) -> Option<Text<'a>> {
    match stream(event) {
        Stream::Dns => event.text("query"),
        Stream::Http => {
            let uri = event.word("uri").split(['?', '#']).next()?;
            let is_path = uri.starts_with('/');
            if !is_path && uri.contains("://") {
                return Some(Text::Owned(uri.to_owned()));
            }
            // What is asked of a proxy, or of the server as a whole, is no path.
            let path = if is_path { uri } else { "" };
            Some(Text::Owned(format!("http://{}{path}", event.text("host")?)))
        }
        _ => None,
    }
}

/// A shipper's own `host` says nothing of a connection.
fn host<'a>(event: &Event<'_, 'a>) -> Option<Text<'a>> {
    match stream(event) {
        Stream::Ssl => event.text("server_name"),
        Stream::Http => record::url::host_of(event.word("host")).map(Text::Owned),
        _ => None,
    }
}

fn result<'a>(event: &Event<'_, 'a>) -> Option<Text<'a>> {
    Some(Text::Borrowed(match stream(event) {
        Stream::Conn => match event.word("conn_state") {
            "SF" | "S1" => "success",
            "S0" | "REJ" => "failure",
            state if state.starts_with("RST") => "failure",
            _ => "unknown",
        },
        Stream::Dns => match event.word("rcode_name") {
            "" => "unknown",
            "NOERROR" => "success",
            _ => "failure",
        },
        Stream::Ssl => match event.flag("established") {
            Some(true) => "success",
            Some(false) => "failure",
            None => "unknown",
        },
        _ => match event.number("status_code") {
            Some(401 | 403) => "denied",
            Some(code) if 400 <= code => "failure",
            Some(_) => "success",
            None => "unknown",
        },
    }))
}

fn id<'a>(event: &Event<'_, 'a>) -> Option<Text<'a>> {
    let uid = event.text("uid")?;
    match stream(event) {
        Stream::Conn => Some(uid),
        Stream::Ssl => Some(Text::Owned(format!("ssl:{uid}"))),
        _ => None,
    }
}
