//! The binary as users run it: exit codes, what stands on stdout, and that no text of an event reaches a
//! terminal raw. What the engine finds is tested elsewhere.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use serde_json::{Value, json};
use tests::{binary, demo_prefix, fresh, lines_of};

fn habitus(arguments: &[&str], input: &[u8]) -> Output {
    let mut command = Command::new(binary());
    command.args(arguments).env_remove("HABITUS_CONFIG").env_remove("RUST_LOG");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary starts");
    let mut stdin = child.stdin.take().unwrap();
    let bytes = input.to_vec();
    // A verb that reads nothing closes its end: that is no failure.
    let writer = std::thread::scope(|scope| {
        scope.spawn(move || {
            let _closed = stdin.write_all(&bytes);
        });
        child.wait_with_output()
    });
    writer.expect("the binary ends")
}

fn code(output: &Output) -> i32 {
    let stderr = String::from_utf8_lossy(&output.stderr);
    output.status.code().unwrap_or_else(|| panic!("ended by a signal: {stderr}"))
}

fn stdout(output: &Output) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(code(output), 0, "{stderr}");
    String::from_utf8(output.stdout.clone()).expect("stdout is UTF-8")
}

fn folder(name: &str) -> PathBuf {
    fresh(Path::new(env!("CARGO_TARGET_TMPDIR")).join("cli").join(name))
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> String {
    let path = folder.join(name);
    fs::write(&path, bytes).unwrap();
    path.to_str().unwrap().to_owned()
}

fn json_lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect()
}

#[test]
fn validate_names_every_mistake_with_its_place() {
    let folder = folder("validate");
    let text = b"version = 1\nmode = \"loud\"\n\n[engine]\nlanes = \"many\"\nlan = 2\n";
    let path = write(&folder, "bad.toml", text);
    for arguments in [vec!["validate", &path], vec!["validate", "-c", &path]] {
        let output = habitus(&arguments, b"");
        assert_eq!(code(&output), 78);
        let stderr = String::from_utf8_lossy(&output.stderr);
        for place in ["bad.toml:2:8", "bad.toml:5:9", "bad.toml:6:1"] {
            assert!(stderr.contains(place), "{place} is not named:\n{stderr}");
        }
        assert!(output.stdout.is_empty());
    }
    let output = habitus(&["score", "-c", &path, "-"], b"");
    assert_eq!(code(&output), 78, "no verb runs on a bad config");
}

#[test]
fn misuse_has_its_own_exit_code() {
    for arguments in [
        &["score", "--no-such-flag", "-"] as &[&str],
        &["no-such-verb"],
        &["score"],
        &["validate", "--deny"],
    ] {
        let output = habitus(arguments, b"");
        assert_eq!(code(&output), 2, "{arguments:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
}

#[test]
fn score_prints_a_line_for_each_record_good_or_bad() {
    let folder = folder("score");
    let demo = demo_prefix(200);
    let mut lines = lines_of(&demo);
    lines.insert(3, b"{\"broken\":");
    lines.insert(50, b"\xff\xfe");
    lines.insert(120, b"[]");
    lines.push(lines[0]);
    let bytes = lines.join(&b'\n');
    let path = write(&folder, "events.ndjson", &bytes);

    let from_file = stdout(&habitus(&["score", "--contributions", &path], b""));
    let scored = json_lines(&from_file);
    assert_eq!(scored.len(), lines.len());
    for (number, line) in scored.iter().enumerate() {
        assert_eq!(line["line"], number + 1);
        let outcome = match number {
            3 | 50 | 120 => "rejected",
            203 => "duplicate",
            _ => "scored",
        };
        assert_eq!(line["outcome"], outcome, "{line}");
        assert_eq!(line["code"].is_string(), outcome == "rejected", "{line}");
        assert_eq!(line["score"].is_number(), outcome == "scored", "{line}");
    }
    assert_eq!(from_file, stdout(&habitus(&["score", "--contributions", "-"], &bytes)));
    let out = folder.join("scores.ndjson");
    let arguments = ["score", "--contributions", &path, "-o", out.to_str().unwrap()];
    assert_eq!(stdout(&habitus(&arguments, b"")), "");
    assert_eq!(fs::read_to_string(out).unwrap(), from_file);
    let missing = habitus(&["score", "no-such-file.ndjson"], b"");
    assert!(!missing.status.success() && !missing.stderr.is_empty());
}

#[test]
fn explain_says_the_score_of_the_scored_line() {
    let folder = folder("explain");
    let path = write(&folder, "events.ndjson", &demo_prefix(1_500));
    let scored = json_lines(&stdout(&habitus(&["score", "--contributions", &path], b"")));
    let score = |line: &Value| line["score"].as_f64().unwrap();
    let highest = scored.iter().max_by(|a, b| score(a).total_cmp(&score(b))).unwrap();
    for line in [highest, &scored[700], &scored[1_499]] {
        let id = line["id"].as_str().unwrap();
        let text = stdout(&habitus(&["explain", &path, "--id", id], b""));
        let printed = text.lines().find_map(|line| line.trim().strip_prefix("score"));
        let printed = printed.and_then(|rest| rest.trim().strip_suffix(" nats")).unwrap();
        assert_eq!(printed.parse::<f64>().unwrap(), score(line), "{text}");
        assert!(text.contains(id) && text.contains(line["actor"]["agent_id"].as_str().unwrap()));
    }
    let unknown = habitus(&["explain", &path, "--id", "no-such-event"], b"");
    assert!(!unknown.status.success());
    assert!(unknown.stdout.is_empty());
}

#[test]
fn the_demo_leaves_what_the_next_commands_read() {
    let folder = demo_folder();
    let alerts = fs::read(folder.join("alerts.ndjson")).unwrap();
    let all = json_lines(std::str::from_utf8(&alerts).unwrap());
    assert!(!all.is_empty());
    for alert in [&all[0], &all[all.len() - 1]] {
        let text = stdout(&habitus(&["explain", "-"], alert.to_string().as_bytes()));
        let agent = alert["unmapped"]["habitus"]["agent_id"].as_str().unwrap();
        assert!(text.contains(agent), "{text}");
    }
    let each = |alert: &Value| stdout(&habitus(&["explain", "-"], alert.to_string().as_bytes()));
    let one_by_one: Vec<String> = all.iter().take(3).map(each).collect();
    let told = stdout(&habitus(&["explain", "-"], &alerts));
    assert!(told.starts_with(&one_by_one.join("\n")), "every alert is told, in order");
    let agents = |text: &str| text.lines().filter(|line| line.starts_with("  who  ")).count();
    assert_eq!(agents(&told), all.len());
    let config = folder.join("habitus.toml");
    stdout(&habitus(&["validate", config.to_str().unwrap()], b""));
}

#[test]
fn the_shown_config_is_valid_and_shows_itself() {
    let folder = folder("config");
    let shown = stdout(&habitus(&["config", "show"], b""));
    let path = write(&folder, "shown.toml", shown.as_bytes());
    stdout(&habitus(&["validate", "--deny-warnings", &path], b""));
    assert_eq!(shown, stdout(&habitus(&["config", "show", "-c", &path], b"")));
    let schema = stdout(&habitus(&["config", "schema"], b""));
    assert!(serde_json::from_str::<Value>(&schema).unwrap().is_object());
}

#[test]
fn hostile_text_never_reaches_the_terminal_raw() {
    let folder = folder("hostile");
    let hostile = "\u{1b}[2J\u{1b}]0;owned\u{7}\u{202e}\r\u{9b}31m\u{85}\u{2066}\u{200f}\u{2028}\u{7f}\u{61c}";
    let event = json!({
        "schema": "agent.activity/1",
        "id": "evil",
        "time": "2026-01-05T10:00:00Z",
        "tenant_id": "acme",
        "agent": {
            "id": format!("agent{hostile}"),
            "version": format!("1{hostile}"),
            "blueprint": format!("blue{hostile}"),
            "name": format!("name{hostile}"),
        },
        "delegation": {
            "mode": "delegated",
            "purpose": format!("purpose{hostile}"),
            "subject": {"id": format!("user{hostile}"), "type": "user", "name": hostile},
        },
        "session": {"id": hostile},
        "action": {
            "type": "tool_call",
            "operation": format!("op{hostile}"),
            "tool": {"name": format!("tool{hostile}")},
        },
        "resource": {"id": format!("res{hostile}"), "type": "object", "name": hostile},
        "destination": {"host": format!("host{hostile}"), "address": format!("a{hostile}")},
        "outcome": {"result": "denied", "reason": hostile, "code": hostile},
    });
    let path = write(&folder, "events.ndjson", event.to_string().as_bytes());
    let score = stdout(&habitus(&["score", &path], b""));
    assert_eq!(json_lines(&score)[0]["outcome"], "scored", "{score}");
    let explained = stdout(&habitus(&["explain", "--color", "always", &path, "--id", "evil"], b""));
    assert!(explained.contains("\\u{1b}"), "{explained}");
    assert_clean(&explained);
    assert_clean(&score);
    let actor = &json_lines(&score)[0]["actor"]["agent_id"];
    assert_eq!(*actor, format!("agent{hostile}"), "an escape means the same character");

    // An alert with hostile text in every member is data too.
    let demo = fs::read(demo_folder().join("alerts.ndjson")).unwrap();
    let alert: Value = serde_json::from_slice(lines_of(&demo)[0]).unwrap();
    let shown = stdout(&habitus(&["explain", "-"], poison(alert, hostile).to_string().as_bytes()));
    assert!(shown.contains("\\u{1b}"), "{shown}");
    assert_clean(&shown);
}

/// What one demo left.
fn demo_folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = folder("demo");
        let shown = stdout(&habitus(&["demo", "-o", folder.to_str().unwrap()], b""));
        assert!(shown.contains("synthetic agents"), "{shown}");
        folder
    })
}

/// Adds hostile text to every free text of an alert: those that are no word of a fixed set.
fn poison(alert: Value, hostile: &str) -> Value {
    const FREE: [&str; 14] = [
        "message",
        "title",
        "desc",
        "agent_id",
        "agent_version",
        "blueprint",
        "owner",
        "purpose",
        "observed",
        "expected",
        "peers",
        "normal",
        "uid",
        "name",
    ];
    match alert {
        Value::Object(members) => {
            let poisoned = members.into_iter().map(|(key, value)| match value {
                Value::String(text) if FREE.contains(&key.as_str()) => {
                    (key, Value::String(format!("{text}{hostile}")))
                }
                value => (key, poison(value, hostile)),
            });
            Value::Object(poisoned.collect())
        }
        Value::Array(items) => items.into_iter().map(|item| poison(item, hostile)).collect(),
        value => value,
    }
}

#[test]
fn text_that_is_harmless_is_printed_as_it_is() {
    let id = "Zoë-日本-👩\u{200d}💻-\u{e000}";
    let event = json!({
        "schema": "agent.activity/1", "id": id, "time": "2026-01-05T10:00:00Z",
        "agent": {"id": id}, "action": {"type": "api_call"},
    });
    let score = stdout(&habitus(&["score", "-"], event.to_string().as_bytes()));
    assert_eq!(json_lines(&score)[0]["id"], id);
    assert_eq!(score.matches(id).count(), 2, "{score}");
}

fn assert_clean(text: &str) {
    let raw = text.chars().find(|c| {
        (c.is_control() && *c != '\n')
            || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    });
    assert!(raw.is_none(), "{raw:?} is on stdout raw:\n{}", text.escape_debug());
}
