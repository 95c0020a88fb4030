//! An inventory as a user has it: a file beside the config, its aliases, what it says of a stray agent, and what is said
//! of a broken one.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use config::read_inventory;
use habitus::local::Settings;
use schemas::time::{DAY_MS, EventTime};
use serde_json::{Value, json};
use tests::{assert_same_lines, assert_same_reports, fresh, habitus_in, plain, score, settings};

const START_MS: i64 = 1_767_600_000_000;

const INVENTORY: &str = r#"{"schema": "agent.inventory-complete/1", "tenant_id": "acme"}
{"schema": "agent.inventory/1", "tenant_id": "acme", "agent_id": "bot", "state": "active", "aliases": ["arn:bot", "sa:bot"], "owner": {"id": "finance", "name": "Finance"}, "criticality": "high"}
{"schema": "agent.inventory/1", "tenant_id": "acme", "agent_id": "clerk", "state": "active", "owner": {"id": "sales"}}
"#;

fn folder(name: &str) -> PathBuf {
    fresh(Path::new(env!("CARGO_TARGET_TMPDIR")).join("inventory").join(name))
}

fn under(inventory: &str) -> Settings {
    let mut settings = settings();
    settings.observe.inventory = Arc::new(read_inventory(inventory).unwrap());
    settings
}

/// Days of hourly sessions, each of the agent that its number says.
fn events(days: i64, agent: &dyn Fn(i64) -> &'static str) -> Vec<u8> {
    let mut out = Vec::new();
    for number in 0..days * 12 {
        let ms = START_MS + number / 12 * DAY_MS + number % 12 * 3_600_000;
        let event = json!({
            "schema": "agent.activity/1", "id": format!("e{number}"), "tenant_id": "acme",
            "time": EventTime::from_millis(ms).unwrap().rfc3339(),
            "agent": {"id": agent(number), "blueprint": "clerks"},
            "session": {"id": format!("s{number}")},
            "action": {"type": "tool_call", "operation": "read"},
            "resource": {"id": format!("table/{}", number % 5)},
        });
        out.extend(event.to_string().into_bytes());
        out.push(b'\n');
    }
    out
}

#[test]
fn many_ids_of_an_agent_are_one_agent() {
    let names = ["arn:bot", "bot", "clerk", "sa:bot"];
    let many = events(20, &|number| names[usize::try_from(number % 4).unwrap()]);
    let one = events(20, &|number| if number % 4 == 2 { "clerk" } else { "bot" });
    let settings = under(INVENTORY);
    let (expected, report) = score(&settings, plain(1), &one);
    let (found, aliased) = score(&settings, plain(2), &many);
    assert_same_lines("aliases", &expected, &found);
    assert_same_reports("aliases", &report, &aliased);
    assert_eq!(aliased.store.known + aliased.store.young, 2, "bot and clerk");
    let (apart, _) = score(&tests::settings(), plain(1), &many);
    assert_ne!(apart, expected, "without an inventory they are four");
}

#[test]
fn an_agent_that_nobody_registered_is_one_alert_and_not_one_a_session() {
    // From the twentieth day on every second session is of an agent that is not listed.
    let stray = |number: i64| match number {
        n if n >= 240 && n % 2 == 1 => "stray",
        n if n % 3 == 0 => "clerk",
        _ => "bot",
    };
    let (_, report) = score(&under(INVENTORY), plain(1), &events(40, &stray));
    let own = |alert: &&alerting::ocsf::DetectionFinding| {
        alert.unmapped.habitus.agent_id == "stray" && alert.finding_info.analytic.uid == "inventory"
    };
    let alerts: Vec<_> = report.alerts.iter().filter(own).collect();
    assert!((1..=2).contains(&alerts.len()), "{} alerts in 120 sessions", alerts.len());
    let opened = alerts[0].finding_info.first_seen_time;
    assert!(opened < START_MS + 21 * DAY_MS, "on its first day");
    let (_, calm) = score(&settings(), plain(1), &events(40, &stray));
    assert!(calm.alerts.iter().all(|alert| alert.finding_info.analytic.uid != "inventory"));
}

#[test]
fn an_inventory_is_shown_with_its_age_and_hash_and_named_in_what_it_led_to() {
    let folder = folder("good");
    fs::write(folder.join("agents.ndjson"), INVENTORY).unwrap();
    fs::write(folder.join("good.toml"), "[inventory]\npath = \"agents.ndjson\"\n").unwrap();
    let stray = events(3, &|number| if number == 35 { "stray" } else { "arn:bot" });
    fs::write(folder.join("now.ndjson"), stray).unwrap();
    let hash = read_inventory(INVENTORY).unwrap().hash().to_owned();
    let line =
        format!("inventory.path: agents.ndjson, 2 agents, complete for acme, {hash}, 0 h old");
    for verb in [&["validate", "good.toml"][..], &["config", "show", "-c", "good.toml"]] {
        let shown = habitus_in(&folder, verb);
        let text = String::from_utf8(shown.stdout).unwrap();
        assert_eq!(shown.status.code(), Some(0), "{text}");
        assert!(text.contains(&line), "{line} in:\n{text}");
    }
    let scored =
        habitus_in(&folder, &["score", "-c", "good.toml", "--contributions", "now.ndjson"]);
    let lines: Vec<Value> = String::from_utf8(scored.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines[0]["actor"]["agent_id"], "bot");
    assert!(lines[35]["contributions"]["inventory"].as_i64() > Some(1_000_000), "{}", lines[35]);
    let told = habitus_in(&folder, &["explain", "-c", "good.toml", "now.ndjson", "--id", "e35"]);
    let told = String::from_utf8(told.stdout).unwrap();
    assert!(told.contains("an agent that the inventory does not list"), "{told}");
    let told = habitus_in(&folder, &["explain", "-c", "good.toml", "now.ndjson", "--id", "e34"]);
    let told = String::from_utf8(told.stdout).unwrap();
    assert!(
        told.contains("who       bot") && told.contains("owner Finance, criticality high"),
        "{told}"
    );
}

#[test]
fn a_broken_inventory_is_told_line_by_line_and_at_the_place_that_names_it() {
    let folder = folder("bad");
    let broken = INVENTORY.replace("\"clerk\"", "\"sa:bot\"").replace("criticality", "critcality");
    fs::write(folder.join("agents.ndjson"), broken).unwrap();
    fs::write(folder.join("bad.toml"), "[inventory]\npath = \"agents.ndjson\"\n").unwrap();
    fs::write(folder.join("gone.toml"), "[inventory]\npath = \"absent.ndjson\"\n").unwrap();
    fs::write(folder.join("now.ndjson"), events(1, &|_| "bot")).unwrap();
    for verb in [&["validate", "bad.toml"][..], &["score", "now.ndjson", "-c", "bad.toml"]] {
        let bad = habitus_in(&folder, verb);
        let text = String::from_utf8(bad.stderr).unwrap();
        assert_eq!(bad.status.code(), Some(78), "{text}");
        for part in [
            "agents.ndjson:2:",
            "unknown field `critcality`",
            "did you mean `criticality`?",
            "bad.toml:2:8",
            "inventory.path: agents.ndjson: failed to read it: 1 mistakes, see above",
        ] {
            assert!(text.contains(part), "{part} in:\n{text}");
        }
    }
    let gone = habitus_in(&folder, &["validate", "gone.toml"]);
    let text = String::from_utf8(gone.stderr).unwrap();
    assert_eq!(gone.status.code(), Some(78), "{text}");
    assert!(text.contains("absent.ndjson: failed to read it"), "{text}");
}
