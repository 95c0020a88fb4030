//! Lists of networks as a user has them: files beside the config, what they fill, what is said of a broken one; and the
//! hierarchy of resources, which needs what a whole tenant does.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use habitus::local::{Input, LineOutcome, Role, Run};
use networks::{List, Networks};
use schemas::choice::Anonymizer;
use schemas::time::{DAY_MS, EventTime};
use serde_json::{Value, json};
use tests::{fresh, habitus_in, plain, settings};

const START_MS: i64 = 1_767_600_000_000;

fn folder(name: &str) -> PathBuf {
    fresh(Path::new(env!("CARGO_TARGET_TMPDIR")).join("lists").join(name))
}

/// One activity of its own session.
fn event(number: usize, ms: i64, agent: usize, more: &Value) -> Vec<u8> {
    let mut event = json!({
        "schema": "agent.activity/1", "id": format!("e{number}"),
        "time": EventTime::from_millis(ms).unwrap().rfc3339(),
        "agent": {"id": format!("agent-{agent}")}, "session": {"id": format!("s{number}")},
        "action": {"type": "tool_call", "operation": "read"},
    });
    event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let mut line = event.to_string().into_bytes();
    line.push(b'\n');
    line
}

/// Three agents over these days, three sessions a day; what each says comes from its number.
fn history(days: usize, of: &dyn Fn(usize) -> Value) -> (Vec<u8>, usize) {
    let mut out = Vec::new();
    let mut number = 0;
    for day in 0..days {
        for minute in (0..90).step_by(10) {
            let ms = START_MS + i64::try_from(day).unwrap() * DAY_MS + minute * 60_000;
            out.extend(event(number, ms, number % 3, &of(number)));
            number += 1;
        }
    }
    (out, number)
}

/// What a signal says of the last of these events, in nats.
fn last(bytes: &[u8], networks: Arc<Networks>, signal: &str) -> f64 {
    let mut run = Run::new(&settings(), plain(1));
    run.enrich_by(networks);
    let mut nats = f64::NAN;
    run.feed(&Input { topic: "file:0", role: Role::Scored, bytes }, &mut |line| {
        let LineOutcome::Scored { observed, .. } = &line.outcome else { panic!("not scored") };
        let score = observed.assessment.signals.iter().find(|score| score.id == signal);
        nats = score.map_or(0.0, |score| score.evidence_micronats as f64 / 1e6);
    });
    nats
}

fn resource(id: &str) -> Value {
    json!({"resource": {"id": id, "type": "table", "classification": "internal"}})
}

#[test]
fn a_new_table_in_a_familiar_schema_is_less_strange_than_a_new_schema() {
    // Tables come and go within few schemas; a new one is met about once a day.
    let table = |n: usize| resource(&format!("db/schema{}/table{}", n % 2, n / 12 * 2 + n % 3));
    let (history, count) = history(40, &table);
    let nats = |id: &str| {
        let now = event(count, START_MS + 40 * DAY_MS, 0, &resource(id));
        last(&[history.clone(), now].concat(), Arc::default(), "resource")
    };
    let known = nats(&format!("db/schema{}/table0", 0));
    let [leaf, schema, database] =
        ["db/schema1/new", "db/other/new", "elsewhere/other/new"].map(nats);
    assert!(
        known < leaf && leaf < schema && schema <= database,
        "{known} {leaf} {schema} {database}"
    );
}

fn source(ip: &str) -> Value {
    json!({"source": {"ip": ip}})
}

#[test]
fn lists_make_the_same_address_strange_or_normal() {
    let text: &[u8] = b"203.0.113.0/24 # a VPN\n";
    let (vpn, egress) = ((List::Route(Anonymizer::Vpn), text), (List::Egress, text));
    let (history, count) = history(20, &|_| source("10.0.0.1"));
    let (daily, _) = self::history(20, &|_| source("203.0.113.9"));
    let of = |history: &[u8], lists: &[(List, &[u8])]| {
        let mut networks = Networks::default();
        // Where people sit: told by an own way out, so that there is a habit to depart from.
        networks.add(List::Egress, b"10.0.0.0/8".to_vec()).unwrap();
        for (list, bytes) in lists {
            networks.add(*list, bytes.to_vec()).unwrap();
        }
        let now = event(count, START_MS + 20 * DAY_MS, 0, &source("203.0.113.9"));
        last(&[history, &now].concat(), Arc::new(networks), "network")
    };
    let sudden = of(&history, &[vpn]);
    assert!(sudden > 3.0, "{sudden}");
    let normal = [of(&daily, &[vpn]), of(&history, &[vpn, egress]), of(&history, &[])];
    assert!(normal.iter().all(|nats| *nats < 0.5), "{normal:?}");
}

#[test]
fn a_broken_list_is_reported_at_the_place_that_names_it_and_a_good_one_with_its_age() {
    let folder = folder("validate");
    fs::create_dir(folder.join("lists")).unwrap();
    fs::write(folder.join("lists/vpn.txt"), "203.0.113.0/24\n198.51.100.7\n").unwrap();
    fs::write(folder.join("lists/egress.txt"), "10.0.0.0/8\nten\n").unwrap();
    fs::write(folder.join("cut.mmdb"), "not a database").unwrap();
    fs::write(folder.join("good.toml"), "[networks]\nvpn = [\"lists/vpn.txt\"]\n").unwrap();
    let bad = "[networks]\nvpn = [\"lists/vpn.txt\", \"absent.txt\"]\negress = [\"lists/egress.txt\"]\n\
        databases = [\"cut.mmdb\"]\n";
    fs::write(folder.join("bad.toml"), bad).unwrap();
    fs::write(folder.join("now.ndjson"), event(1, START_MS, 0, &source("203.0.113.9"))).unwrap();

    let good = habitus_in(&folder, &["validate", "good.toml"]);
    let text = String::from_utf8(good.stdout).unwrap();
    assert_eq!(good.status.code(), Some(0), "{text}");
    assert!(text.contains("networks.vpn: lists/vpn.txt, 2 entries, 0 h old"), "{text}");
    let shown = habitus_in(&folder, &["config", "show", "-c", "good.toml"]);
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("# networks.vpn: lists/vpn.txt, 2 entries, 0 h old"), "{shown}");
    assert!(config::parse(&shown).0.is_some(), "still a config");

    for verb in [&["validate", "bad.toml"][..], &["score", "now.ndjson", "-c", "bad.toml"]] {
        let bad = habitus_in(&folder, verb);
        let text = String::from_utf8(bad.stderr).unwrap();
        assert_eq!(bad.status.code(), Some(78), "{text}");
        for part in [
            "bad.toml:2:25",
            "networks.vpn: absent.txt: failed to read it",
            "bad.toml:3:11",
            "networks.egress: lists/egress.txt: failed to read line 2: \"ten\"",
            "bad.toml:4:14",
            "networks.databases: cut.mmdb: failed to read the database",
        ] {
            assert!(text.contains(part), "{part} in:\n{text}");
        }
    }
    // From another folder the paths are those beside the config.
    let elsewhere = folder.join("lists");
    let score = habitus_in(&elsewhere, &["score", "../now.ndjson", "-c", "../good.toml"]);
    assert_eq!(score.status.code(), Some(0), "{}", String::from_utf8_lossy(&score.stderr));
}
