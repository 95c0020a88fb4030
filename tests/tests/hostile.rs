//! Text from events is data wherever it lands: what would clear a terminal, turn its text, begin a line or end a field
//! stands in every string of an activity that takes it, and in no output of the program.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use ingest::{Carrier, Decoded, Limits, Notes};
use mapping::Reading;
use serde_json::{Value, json};
use tests::broker::Broker;
use tests::deployment::{Deployment, finished, key_of};
use tests::{binary, workspace_root};

/// A new line, a forged line, a return, a cleared screen in two ways, a colour, text that runs backwards, text that nobody
/// sees, a letter for machines only, a field of CEF, a tag of HTML, a bell.
const EVIL: &str = "\n{\"forged\":1}\r\u{1b}[2J\u{9b}2J\u{1b}]0;x\u{7}\u{202e}\u{2066}\u{200b}\u{feff}\u{e0041}|CEF:0|a=b|<b>\u{85}\u{7f}";
const START_MS: i64 = 1_767_571_200_000;
const QUIET: usize = 400;

/// Places of all texts of a value.
fn texts(value: &Value, at: String, into: &mut Vec<String>) {
    match value {
        Value::String(_) => into.push(at),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(n, item)| texts(item, format!("{at}/{n}"), into));
        }
        Value::Object(members) => {
            members.iter().for_each(|(key, item)| texts(item, format!("{at}/{key}"), into));
        }
        _ => {}
    }
}

fn is_taken(event: &Value) -> bool {
    let bytes = event.to_string();
    let beside = (&Limits::default(), &Carrier::default());
    let (reading, mut notes) = (Reading::default(), Notes::default());
    let told = reading.explain(bytes.as_bytes(), beside, &mut notes);
    told.iter().all(|(decoded, _)| matches!(decoded, Decoded::Activity(_)))
}

/// An activity with evil in each text that may hold it.
fn planted() -> Value {
    let file = workspace_root().join("ingest/fixtures/event.native.json");
    let mut event: Value =
        serde_json::from_slice(&fs::read(file).expect("a record")).expect("JSON");
    assert!(is_taken(&event));
    let mut places = Vec::new();
    texts(&event, String::new(), &mut places);
    let mut count = 0;
    for place in &places {
        let mut tried = event.clone();
        let text = tried.pointer_mut(place).expect("a text");
        *text = format!("{}{EVIL}", text.as_str().expect("a text")).into();
        if is_taken(&tried) {
            event = tried;
            count += 1;
        }
    }
    // A word that nobody knows is taken as unknown; what shall raise an alert must be known.
    (event["outcome"]["result"], event["delegation"]["mode"]) =
        ("success".into(), "delegated".into());
    event["action"]["type"] = "tool_call".into();
    event["attributes"][EVIL] = EVIL.into();
    event["unknown"] = json!({EVIL: EVIL});
    assert!(is_taken(&event));
    println!("{count} of {} texts take it", places.len());
    assert!(count > 30, "only {count}");
    event
}

/// Days of the same, then a credential that had expired; all evil.
fn events() -> Vec<Value> {
    let event = planted();
    let numbered = |number: usize| {
        let mut event = event.clone();
        let ms = START_MS + i64::try_from(number).expect("small") * 600_000;
        let time = schemas::EventTime::from_millis(ms).expect("a time").rfc3339();
        event["id"] = format!("{number}{EVIL}").into();
        (event["time"], event["observed_time"]) = (time.clone().into(), time.into());
        let expires = if number < QUIET { "2027-01-01T00:00:00Z" } else { "2025-01-01T00:00:00Z" };
        event["credential"]["issued_at"] = "2024-01-01T00:00:00Z".into();
        event["credential"]["expires_at"] = expires.into();
        event
    };
    let events: Vec<Value> = (0..QUIET + 3).map(numbered).collect();
    assert!(events.iter().all(is_taken));
    events
}

/// Records that are refused, and why is told.
fn refused(event: &Value) -> Vec<String> {
    let with = |place: &str| {
        let mut event = event.clone();
        *event.pointer_mut(place).expect("a place") = EVIL.into();
        event.to_string()
    };
    let places = ["/schema", "/time", "/action/type", "/usage/bytes_in", "/destination/ip"];
    let mut all: Vec<String> = places.into_iter().map(with).collect();
    all.push(format!("x{}", EVIL.replace('\n', " ")));
    all.push(format!("{{\"{}", EVIL.replace('\n', " ")));
    all
}

fn is_evil(c: char) -> bool {
    c.is_control() && c != '\n'
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

fn check_text(what: &str, bytes: &[u8]) {
    let text = std::str::from_utf8(bytes).unwrap_or_else(|error| panic!("{what}: {error}"));
    if let Some((at, c)) = text.char_indices().find(|(_, c)| is_evil(*c)) {
        let line = text[..at].rsplit('\n').next().unwrap_or_default();
        panic!("{what}: {c:?} after {line:?}");
    }
    assert!(!text.lines().any(|line| line.trim_start().starts_with("{\"forged\"")), "{what}");
}

fn check(what: &str, output: &Output, is_json: bool) {
    assert!(!output.stdout.is_empty(), "{what}: {}", String::from_utf8_lossy(&output.stderr));
    check_all(what, output, is_json);
}

fn check_all(what: &str, output: &Output, is_json: bool) {
    check_text(what, &output.stderr);
    check_text(what, &output.stdout);
    if is_json {
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            serde_json::from_str::<Value>(line).unwrap_or_else(|e| panic!("{what}: {e}: {line}"));
        }
    }
}

fn habitus(arguments: &[&str]) -> Output {
    let mut command = Command::new(binary());
    command.args(arguments).stdin(Stdio::null());
    command.env_remove("HABITUS_CONFIG").env_remove("HABITUS_LOG");
    command.output().expect("the binary starts")
}

fn written(folder: &Path, events: &[Value]) -> String {
    let lines = events.iter().map(Value::to_string).chain(refused(&events[0]));
    let file = folder.join("events.ndjson");
    fs::write(&file, lines.map(|line| line + "\n").collect::<String>()).expect("a file");
    file.display().to_string()
}

#[test]
fn no_verb_over_files_lets_it_through() {
    let folder = std::env::temp_dir().join(tests::kafka::unique("habitus-hostile"));
    fs::create_dir_all(&folder).expect("a folder");
    let events = events();
    let file = written(&folder, &events);
    let id = events[QUIET]["id"].as_str().expect("an id");
    for (arguments, is_json) in [
        (&["score", "--contributions", &file][..], true),
        (&["map", "--input", &file], false),
        (&["map", "--json", "--input", &file], true),
        (&["map", "--init", &file], false),
        (&["explain", &file, "--id", id], false),
        (&["doctor", "--input", &file], false),
        (&["doctor", "--json", "--input", &file], true),
    ] {
        check(&arguments.join(" "), &habitus(arguments), is_json);
    }
    // What is asked for comes back in an error.
    let output = habitus(&["explain", &file, "--id", EVIL]);
    assert_eq!(output.status.code(), Some(2));
    check_text("explain", &output.stderr);
    fs::remove_dir_all(folder).expect("the folder goes");
}

#[test]
fn nothing_that_leaves_by_a_log_brings_it_to_a_terminal() {
    let Some(broker) = Broker::shared() else { return };
    let more = "[input]\nstart = \"earliest\"\naccept_create_time = true\n[[policy]]\nid = \"drill\"\nthen = \"revoke_sessions\"\n";
    let deployment = Deployment::new("hostile", broker.address(), 1, more);
    let text = fs::read_to_string(deployment.config_path()).expect("a config file");
    let text = text.replacen("version = 1", "version = 1\nmode = \"alert\"", 1);
    fs::write(deployment.config_path(), text).expect("a config file");
    deployment.make_input_with_create_time();
    let (events, source) = (events(), deployment.source());
    for event in &events {
        source.send_event(event.to_string().as_bytes(), true);
    }
    for line in refused(&events[0]) {
        source.send(&key_of(&events[0]), line.as_bytes(), Some(START_MS + 1));
    }
    source.flush();
    check_text("run", &deployment.output(&["run", "--once"]).stderr);
    let agent = events[0]["agent"]["id"].as_str().expect("an id");
    let tenant = events[0]["tenant_id"].as_str().expect("a tenant");
    let silence = [
        "silence",
        "add",
        "--key",
        EVIL,
        "--until",
        "8h",
        "--author",
        EVIL,
        "--comment",
        EVIL,
        "--tenant",
        tenant,
    ];
    check("silence add", &deployment.output(&silence), false);
    check_text("run", &deployment.output(&["run", "--once"]).stderr);
    for what in ["alerts", "trust", "decisions", "dead-letters", "findings"] {
        let tap = ["tap", what, "--from-start", "--to-end"];
        check(&tap.join(" "), &deployment.output(&tap), false);
        let output = deployment.output(&[&tap[..], &["--json"]].concat());
        check(&tap.join(" "), &output, what != "dead-letters");
    }
    for arguments in [
        &["tap", "--explain", "--from-start", "--to-end"][..],
        &["trust", "show", agent],
        &["trust", "history", agent],
        &["silence", "list"],
        &["state", "info"],
        &["state", "verify"],
        &["doctor"],
    ] {
        let output = finished(deployment.command(arguments));
        check(&arguments.join(" "), &output, false);
    }
    check("trust show --json", &deployment.output(&["trust", "show", agent, "--json"]), true);
    // By the clock of today what was asked for then has run out, and the first tick may have let it go.
    let list = ["revoke", "list", "--all", "--json"];
    check_all("revoke list", &deployment.output(&list), true);
    let alerts = deployment.output(&["tap", "alerts", "--from-start", "--to-end", "--json"]).stdout;
    let mut explain = Command::new(binary());
    explain.args(["explain", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = explain.stderr(Stdio::piped()).spawn().expect("the binary starts");
    std::io::Write::write_all(&mut child.stdin.take().expect("a pipe"), &alerts).expect("alerts");
    check("explain -", &child.wait_with_output().expect("an end"), false);
}
