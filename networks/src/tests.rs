//! Lists of every kind, and damage that must be refused. The databases are written here, node by node.

use std::net::Ipv4Addr;

use proptest::prelude::*;
use schemas::activity::{Action, Agent};
use schemas::choice::ActionType;
use schemas::time::EventTime;

use super::*;

/// A value of a database.
enum Field<'a> {
    Text(&'a str),
    Number(u32),
    True,
    Map(Vec<(&'a str, Field<'a>)>),
}

impl Field<'_> {
    fn encode(&self, out: &mut Vec<u8>) {
        let short = |text: &str| u8::try_from(text.len()).ok().filter(|len| *len < 29).unwrap();
        match self {
            Self::Text(text) => {
                out.push(2 << 5 | short(text));
                out.extend(text.bytes());
            }
            Self::Number(number) => {
                out.push(6 << 5 | 4);
                out.extend(number.to_be_bytes());
            }
            Self::True => out.extend([1, 14 - 7]),
            Self::Map(fields) => {
                out.push(7 << 5 | u8::try_from(fields.len()).unwrap());
                for (name, field) in fields {
                    Field::Text(name).encode(out);
                    field.encode(out);
                }
            }
        }
    }
}

/// Writes a database of IPv4 prefixes that do not overlap.
fn database(kind: &str, rows: &[(&str, u8, Field<'_>)]) -> Vec<u8> {
    enum To {
        Nothing,
        Node(usize),
        Data(usize),
    }
    let mut data = Vec::new();
    let mut nodes = vec![[To::Nothing, To::Nothing]];
    for (ip, length, row) in rows {
        let bits = ip.parse::<Ipv4Addr>().unwrap().to_bits();
        let mut at = 0;
        for depth in 0..*length {
            let side = usize::from(bits >> (31 - depth) & 1 == 1);
            if depth + 1 == *length {
                nodes[at][side] = To::Data(data.len());
            } else if let To::Node(next) = nodes[at][side] {
                at = next;
            } else {
                let next = nodes.len();
                nodes.push([To::Nothing, To::Nothing]);
                nodes[at][side] = To::Node(next);
                at = next;
            }
        }
        row.encode(&mut data);
    }
    let count = nodes.len();
    let mut out = Vec::new();
    for to in nodes.iter().flatten() {
        let record = match to {
            To::Nothing => count,
            To::Node(node) => *node,
            To::Data(offset) => count + 16 + offset,
        };
        out.extend(&u32::try_from(record).unwrap().to_be_bytes()[1..]);
    }
    out.extend([0; 16]);
    out.extend(data);
    out.extend(b"\xAB\xCD\xEFMaxMind.com");
    out.push(7 << 5 | 9);
    let number = |out: &mut Vec<u8>, name: &str, head: &[u8], value: &[u8]| {
        Field::Text(name).encode(out);
        out.extend(head);
        out.extend(value);
    };
    let short: fn(u16) -> [u8; 2] = u16::to_be_bytes;
    number(&mut out, "binary_format_major_version", &[5 << 5 | 2], &short(2));
    number(&mut out, "binary_format_minor_version", &[5 << 5 | 2], &short(0));
    number(&mut out, "build_epoch", &[8, 9 - 7], &1_790_000_000_u64.to_be_bytes());
    number(&mut out, "ip_version", &[5 << 5 | 2], &short(4));
    number(&mut out, "record_size", &[5 << 5 | 2], &short(24));
    number(&mut out, "node_count", &[6 << 5 | 4], &u32::try_from(count).unwrap().to_be_bytes());
    number(&mut out, "languages", &[0, 11 - 7], &[]);
    Field::Text("database_type").encode(&mut out);
    Field::Text(kind).encode(&mut out);
    Field::Text("description").encode(&mut out);
    Field::Map(vec![("en", Field::Text("made by a test"))]).encode(&mut out);
    out
}

fn systems() -> Vec<u8> {
    let row = |n| Field::Map(vec![("autonomous_system_number", Field::Number(n))]);
    database("Test-ASN", &[("192.0.2.0", 24, row(64_500)), ("198.51.100.0", 25, row(64_501))])
}

fn countries() -> Vec<u8> {
    let nested = Field::Map(vec![("iso_code", Field::Text("DE"))]);
    let nested = Field::Map(vec![("country", nested)]);
    let flat = [("country", "Brazil"), ("country_code", "BR"), ("asn", "AS64502")];
    let flat = Field::Map(flat.map(|(name, text)| (name, Field::Text(text))).into());
    database("Test-Country", &[("192.0.2.0", 24, nested), ("203.0.113.0", 24, flat)])
}

fn routes() -> Vec<u8> {
    let both = [("is_hosting_provider", Field::True), ("is_tor_exit_node", Field::True)];
    database("Test-Anonymous", &[("203.0.113.0", 24, Field::Map(both.into()))])
}

fn networks(lists: &[(List, &[u8])]) -> Networks {
    let mut networks = Networks::default();
    for (list, bytes) in lists {
        networks.add(*list, bytes.to_vec()).unwrap();
    }
    networks
}

fn all() -> Networks {
    networks(&[
        (List::Database, &systems()),
        (List::Database, &countries()),
        (List::Database, &routes()),
        (List::Route(Anonymizer::Vpn), b"# ours\n192.0.2.128/25 # half\n2001:db8::/32\nAS64501\n"),
        (List::Egress, b"198.51.100.7\r\n"),
    ])
}

/// What becomes of a source and a destination that are alike.
fn enriched(networks: &Networks, endpoint: Endpoint<'static>) -> Endpoint<'static> {
    let time = EventTime::parse("2026-01-05T10:00:00Z").unwrap();
    let action = Action { kind: ActionType::ToolCall, ..Action::default() };
    let mut activity = Activity::new("e".into(), time, Agent::default(), action);
    activity.source = Some(endpoint.clone());
    activity.destination = Some(endpoint);
    networks.enrich(&mut activity);
    assert_eq!(activity.source, activity.destination);
    activity.source.unwrap()
}

fn at(ip: &str) -> Endpoint<'static> {
    Endpoint { ip: Some(ip.parse().unwrap()), ..Endpoint::default() }
}

fn told(
    endpoint: &Endpoint<'_>,
) -> (Option<u32>, Option<String>, Option<Anonymizer>, Option<bool>) {
    let country = endpoint.geo.as_ref().and_then(|geo| geo.country.as_deref());
    (endpoint.asn, country.map(str::to_owned), endpoint.anonymizer, endpoint.internal)
}

#[test]
fn lists_tell_system_country_route_and_way_out() {
    let networks = all();
    let of = |ip| told(&enriched(&networks, at(ip)));
    let de = || Some("DE".to_owned());
    assert_eq!(of("192.0.2.1"), (Some(64_500), de(), None, None));
    assert_eq!(of("192.0.2.200"), (Some(64_500), de(), Some(Anonymizer::Vpn), None));
    assert_eq!(of("::ffff:192.0.2.200"), of("192.0.2.200"));
    let vpn = Some(Anonymizer::Vpn);
    assert_eq!(of("198.51.100.6"), (Some(64_501), None, vpn, None), "by its system");
    assert_eq!(of("198.51.100.7"), (Some(64_501), None, vpn, Some(true)));
    let tor = Some(Anonymizer::Tor);
    assert_eq!(of("203.0.113.9"), (Some(64_502), Some("BR".to_owned()), tor, None));
    assert_eq!(of("2001:db8::1"), (None, None, vpn, None));
    assert_eq!(of("10.0.0.1"), (None, None, None, None));
    let host = Endpoint { host: Some("192.0.2.200".into()), ..Endpoint::default() };
    assert_eq!(told(&enriched(&networks, host)), of("192.0.2.200"));
}

#[test]
fn what_an_event_says_stands() {
    let said = Endpoint {
        asn: Some(1),
        geo: Some(Geo { country: Some("FR".into()), ..Geo::default() }),
        anonymizer: Some(Anonymizer::None),
        internal: Some(false),
        ..at("198.51.100.7")
    };
    assert_eq!(enriched(&all(), said.clone()), said);
    let city = Geo { city: Some("Bonn".into()), ..Geo::default() };
    let partly = Endpoint { geo: Some(city), ..at("192.0.2.1") };
    let geo = enriched(&all(), partly).geo.unwrap();
    assert_eq!((geo.country.as_deref(), geo.city.as_deref()), (Some("DE"), Some("Bonn")));
    let plain = at("192.0.2.200");
    assert_eq!(enriched(&Networks::default(), plain.clone()), plain);
}

#[test]
fn a_broken_list_is_refused_with_its_place_and_changes_nothing() {
    let mut networks = all();
    let before = networks.hash();
    let mut refuse = |list, bytes: &[u8]| networks.add(list, bytes.to_vec()).unwrap_err();
    let line = |line, text: &str| BrokenList::Line { line, text: text.to_owned() };
    assert_eq!(refuse(List::Egress, b"10.0.0.0/8\n\nten\n"), line(3, "ten"));
    for bad in
        ["10.0.0.0/33", "10.0.0.0/+8", "10.0.0.0/", "::/129", "AS-1", "10.0.0", "1.2.3.4/8/9"]
    {
        assert_eq!(refuse(List::Route(Anonymizer::Tor), bad.as_bytes()), line(1, bad));
    }
    assert_eq!(refuse(List::Egress, b"# nothing\n"), BrokenList::Empty);
    assert_eq!(refuse(List::Egress, b"10.0.0.0/8 \xff"), BrokenList::Text(11));
    assert_eq!(refuse(List::Route(Anonymizer::None), b"::/0"), BrokenList::Route("none"));
    let whole = systems();
    for cut in [0, 10, whole.len() / 2, whole.len() - 1] {
        assert!(matches!(refuse(List::Database, &whole[..cut]), BrokenList::Database(_)), "{cut}");
    }
    assert_eq!(networks.hash(), before);
    assert_eq!(told(&enriched(&networks, at("10.0.0.1"))), (None, None, None, None));
}

#[test]
fn the_hash_is_of_bytes_and_of_what_they_are_taken_as() {
    let text: &[u8] = b"10.0.0.0/8\n";
    let hash = |lists: &[(List, &[u8])]| networks(lists).hash();
    let (tor, vpn) = (List::Route(Anonymizer::Tor), List::Route(Anonymizer::Vpn));
    let hashes = [
        hash(&[]),
        hash(&[(tor, text)]),
        hash(&[(vpn, text)]),
        hash(&[(List::Egress, text)]),
        hash(&[(tor, text), (tor, text)]),
        hash(&[(tor, b"10.0.0.0/8\n10.0.0.0/8\n")]),
        hash(&[(tor, b"10.0.0.0/9\n")]),
    ];
    let distinct: std::collections::BTreeSet<&String> = hashes.iter().collect();
    assert_eq!(distinct.len(), hashes.len(), "{hashes:?}");
    assert_eq!(hashes[0], "");
    assert_eq!(hash(&[(tor, text)]), hashes[1]);
    let mut one = Networks::default();
    let taken = one.add(List::Database, systems()).unwrap();
    let expected = Taken { what: "Test-ASN".into(), built_s: Some(1_790_000_000) };
    assert_eq!(taken, expected);
}

proptest! {
    #[test]
    fn a_prefix_list_holds_what_any_of_its_lines_holds(
        lines in prop::collection::vec((any::<u32>(), 0_u32..=32), 1..12),
        near in any::<prop::sample::Index>(), far in any::<u32>(),
    ) {
        let text: String = lines.iter().map(|(ip, n)| format!("{}/{n}\n", Ipv4Addr::from(*ip))).collect();
        let networks = networks(&[(List::Egress, text.as_bytes())]);
        let (ip, length) = lines[near.index(lines.len())];
        let low = u32::MAX.checked_shr(length).unwrap_or(0);
        for probe in [ip & !low, ip | low, (ip | low).wrapping_add(1), (ip & !low).wrapping_sub(1), far] {
            let expected = lines.iter().any(|(ip, n)| {
                let mask = u32::MAX.checked_shl(32 - n).unwrap_or(0);
                ip & mask == probe & mask
            });
            let held = networks.egress.hold(Some(IpAddr::V4(probe.into())), None);
            prop_assert_eq!(held, expected, "{}", Ipv4Addr::from(probe));
        }
    }

    #[test]
    fn no_bytes_are_a_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..400), at in any::<prop::sample::Index>()) {
        let mut networks = Networks::default();
        let _any = networks.add(List::Egress, bytes.clone());
        let _any = networks.add(List::Database, bytes.clone());
        let mut damaged = countries();
        let from = at.index(damaged.len());
        bytes.truncate(damaged.len() - from);
        damaged[from..from + bytes.len()].copy_from_slice(&bytes);
        let _any = networks.add(List::Database, damaged);
        let _any = enriched(&networks, self::at("203.0.113.9"));
    }
}
