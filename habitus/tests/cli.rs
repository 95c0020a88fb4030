//! What a user of the binary relies on: exit codes, what goes to stdout and what to stderr, and that the commands the
//! demo prints run. Nothing here judges what is detected.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const BINARY: &str = env!("CARGO_BIN_EXE_habitus");

/// A folder of its own for one test.
fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    drop(fs::remove_dir_all(&folder));
    fs::create_dir_all(&folder).unwrap_or_else(|error| unreachable!("{error}"));
    folder
}

/// Runs the binary in a folder, feeding it a text.
fn habitus(folder: &Path, arguments: &[&str], input: &str) -> (i32, String, String) {
    let run = || -> std::io::Result<Output> {
        let mut child = Command::new(BINARY)
            .args(arguments)
            .current_dir(folder)
            .env_remove("HABITUS_CONFIG")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            // A program that does not read its input may be gone by now.
            drop(stdin.write_all(input.as_bytes()));
        }
        child.wait_with_output()
    };
    let output = run().unwrap_or_else(|error| unreachable!("{error}"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

fn fixture() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../alerting/fixtures/alert.ocsf-1.8.0.json");
    fs::read_to_string(path).unwrap_or_default()
}

#[test]
fn exit_codes_are_those_of_the_table() {
    let folder = scratch("exit-codes");
    fs::write(folder.join("part.toml"), "[budget]\nalerts_per_actor_month = 0.5\n").unwrap();
    fs::write(folder.join("enforce.toml"), "mode = \"enforce\"\n").unwrap();
    fs::write(folder.join("bad.toml"), "mode = \"of\"\n").unwrap();
    fs::write(folder.join("mangled.ndjson"), "not json\n{\"id\": 3}\n\u{1b}\n").unwrap();
    for (arguments, expected) in [
        ("config show", 0),
        ("config schema", 0),
        ("config reference", 0),
        ("config show -c part.toml", 0),
        ("validate part.toml", 0),
        ("validate part.toml --deny-warnings", 0),
        ("validate enforce.toml", 0),
        ("validate enforce.toml --deny-warnings", 1),
        ("validate -c bad.toml", 78),
        ("validate bad.toml --deny-warnings", 78),
        ("config show -c bad.toml", 78),
        ("score -c bad.toml mangled.ndjson", 78),
        ("score -c missing.toml mangled.ndjson", 78),
        ("score mangled.ndjson", 0),
        ("score", 2),
        ("score missing.ndjson", 2),
        ("validate", 2),
        ("explain mangled.ndjson", 2),
        ("explain mangled.ndjson --id none", 2),
        ("explain -", 2),
        ("frobnicate", 2),
        ("--version", 0),
    ] {
        let arguments: Vec<&str> = arguments.split(' ').collect();
        let (code, out, err) = habitus(&folder, &arguments, "");
        assert_eq!(code, expected, "{arguments:?}\n{out}\n{err}");
        assert_eq!(out.is_empty(), code > 1, "{arguments:?} writes data when it has some: {out}");
        assert!(code < 2 || !err.is_empty(), "{arguments:?} says why");
    }
}

#[test]
fn every_mistake_of_a_config_is_shown_with_its_place() {
    let folder = scratch("mistakes");
    let text = "version = 1\nmode = \"shaddow\"\nthreshhold = 3\n\n[budget]\nalerts_per_actor_month = \"one\"\n\n\
                [memory]\ncap = \"1MiB\"\n\n[trust]\nwatch = 90\n\n[signal.rate]\nmode = \"off\"\n\n[signal.moon]\nmode = \"alert\"\n";
    fs::write(folder.join("seven.toml"), text).unwrap();
    let (code, out, err) = habitus(&folder, &["validate", "seven.toml"], "");
    assert_eq!((code, out.as_str()), (78, ""));
    assert_eq!(err.matches("error: ").count(), 7, "{err}");
    let places = ["2:8", "3:1", "6:26", "9:7", "12:9", "15:8", "17:9"];
    for place in places {
        assert!(err.contains(&format!("seven.toml:{place}")), "{place} in:\n{err}");
    }
    assert!(
        err.contains("did you mean `shadow`?") && err.contains("did you mean `signal."),
        "{err}"
    );
}

#[test]
fn the_example_is_valid_and_holds_every_default() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../habitus.example.toml");
    let text = fs::read_to_string(path).unwrap();
    let (config, problems) = config::parse(&text);
    assert!(problems.is_empty(), "{problems:?}");
    assert_eq!(config, Some(config::Config::default()));
    let folder = scratch("example");
    let (_, shown, _) = habitus(&folder, &["config", "show"], "");
    let set = |text: &str| {
        text.lines().filter(|line| line.split('#').next().unwrap_or("").contains('=')).count()
    };
    assert_eq!(set(&text), set(&shown), "the example sets what `config show` shows");
}

#[test]
fn an_alert_from_standard_input_is_told_in_full() {
    let (code, out, err) = habitus(&scratch("alert"), &["explain", "-"], &fixture());
    assert_eq!((code, err.as_str()), (0, ""));
    for part in [
        "HIGH 2026-11-23T20:50:31.412Z",
        "spiffe://acme.example/agent/invoice-bot version 1.4.2, blueprint invoice-agents, owner alice@acme.example",
        "delegated, for bob@acme.example, chain 00u1b2c3d4 > spiffe://acme.example/agent/orchestrator > ",
        "purpose pay-invoice",
        "12.113000 nats  destination first contact with paste-drop.example",
        " 7.299000 nats  volume",
        "expected median 18 KB, p99 120 KB (182114 observations; p99 of 412 peers 340 KB)",
        "normal would have been below 180 KB in 1 min",
        "once in 4100.0 actor-months",
        "baseline ready after 182114 activities in 1630 active hours",
        "trust     71.0 -> 18.0 (untrusted)",
        "T1567, AML.T0086",
        "3 in all: 01KAVW2YQ0A1B2C3D4E5F6G7H8",
    ] {
        assert!(out.contains(part), "{part} in:\n{out}");
    }
}

#[test]
fn every_alert_of_standard_input_is_told_and_a_broken_one_is_named() {
    let folder = scratch("several");
    let one = fixture();
    let (_, told, _) = habitus(&folder, &["explain", "-"], &one);
    let line = serde_json::from_str::<serde_json::Value>(&one).unwrap().to_string();
    let (code, out, _) = habitus(&folder, &["explain", "-"], &format!("{line}\n{line}\n\n{line}"));
    assert_eq!((code, out), (0, [told.as_str(); 3].join("\n")));
    let (code, out, err) = habitus(&folder, &["explain", "-"], &format!("{line}\n{{\"broken"));
    assert_eq!((code, out), (2, told), "what came before is told");
    assert!(err.contains("line 2"), "{err}");
}

#[test]
fn small_shares_of_an_alert_stand_in_one_line_with_their_sum() {
    let small = fixture()
        .replace("7299000", "61234")
        .replace("\"micronats\": 12113000", "\"micronats\": 12113001");
    let (_, out, _) = habitus(&scratch("small"), &["explain", "-"], &small);
    assert!(out.contains("12.113001 nats  destination"), "{out}");
    assert!(out.contains("  0.061234 nats  together: volume\n"), "{out}");
}

#[test]
fn no_text_of_an_alert_reaches_the_terminal_as_control() {
    // Every text of the alert gets a clear-screen, a right-to-left mark and a bell.
    let hostile: String = fixture()
        .lines()
        .map(|line| match line.rsplit_once("\",").or_else(|| line.rsplit_once('"')) {
            Some((start, ""))
                if line.contains("\": \"")
                    && !line.contains("\"authority\"")
                    && !line.contains("_level\"") =>
            {
                let comma = if line.ends_with(',') { "," } else { "" };
                format!("{start}\\u001b[2J\\u202e\\u0007\\u009b\\r\"{comma}\n")
            }
            _ => format!("{line}\n"),
        })
        .collect();
    let (code, out, err) = habitus(&scratch("hostile"), &["explain", "-"], &hostile);
    assert_eq!(code, 0, "{err}");
    let bad = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
    assert!(!out.contains(bad), "{out:?}");
    assert!(out.matches("\\u{1b}[2J\\u{202e}\\u{7}").count() > 8, "{out}");
    // Words that are not ours are told back, as data too.
    let foreign =
        fixture().replace("\"authority\": \"delegated\"", "\"authority\": \"\\u001b[2J\"");
    let (code, out, err) = habitus(&scratch("foreign"), &["explain", "-"], &foreign);
    assert!(!out.contains(bad) && !err.contains(bad), "{out:?} {err:?}");
    assert!(code == 0 || (code == 2 && err.contains("\\u{1b}[2J")), "{code} {err}");
}

#[test]
fn the_commands_that_the_demo_prints_run_on_what_it_leaves() {
    let folder = scratch("demo");
    let (code, out, err) = habitus(&folder, &["demo", "-o", "left"], "");
    assert_eq!((code, err.as_str()), (0, ""), "no progress bar away from a terminal");
    let alerts = fs::read_to_string(folder.join("left/alerts.ndjson")).unwrap();
    assert!(alerts.lines().count() > 0);
    let mut in_full = 0;
    for line in alerts.lines() {
        let alert: alerting::ocsf::DetectionFinding = serde_json::from_str(line).unwrap();
        let told = habitus::render::alert(&alert);
        in_full += usize::from(out.contains(&told));
        let short = habitus::render::alert_line(&alert);
        assert!(out.contains(&told) || out.contains(&short), "an alert is left out: {short}");
    }
    assert!(in_full > 0, "{out}");
    let next: Vec<&str> = out.lines().filter_map(|line| line.strip_prefix("  habitus ")).collect();
    assert_eq!(next.len(), 3, "{out}");
    for arguments in next {
        let mut shell = Command::new("sh");
        shell.current_dir(&folder).args(["-c", &format!("'{BINARY}' {arguments}")]);
        let output = shell.output().unwrap();
        assert!(
            output.status.success(),
            "{arguments}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        assert_eq!(output.stdout.is_empty(), arguments.starts_with("score"), "{arguments}");
    }
    let events = fs::read_to_string(folder.join("left/events.ndjson")).unwrap();
    let scores = fs::read_to_string(folder.join("scores.ndjson")).unwrap();
    assert_eq!(scores.lines().count(), events.lines().count());
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let mut child = Command::new(BINARY)
        .args(["config", "reference"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Gone before anything is written, or soon after: both end well.
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty());
}

#[test]
fn the_demo_leaves_its_files_even_if_nobody_reads_its_text() {
    let folder = scratch("unread");
    let mut demo = Command::new(BINARY);
    demo.args(["demo", "-o", "left"]).current_dir(&folder);
    let mut child = demo.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    for name in ["habitus.toml", "events.ndjson", "alerts.ndjson"] {
        let size = fs::metadata(folder.join("left").join(name)).map_or(0, |file| file.len());
        assert!(size > 0, "{name} is missing or empty");
    }
}

/// Three records of Okta, the last without an actor, in a list.
fn okta() -> String {
    let record = |actor: &str| {
        format!(
            r#"{{"uuid":"u","published":"2026-11-23T20:51:31Z","eventType":"user.session.start","version":"0",{actor}"outcome":{{"result":"SUCCESS"}},"debugContext":{{"debugData":{{"x":"Canary"}}}},"odd":"Canary"}}"#
        )
    };
    let person = record(r#""actor":{"id":"p","type":"User"},"#);
    let app = record(r#""actor":{"id":"app","type":"PublicClientApp"},"#);
    format!("[{person},{app},{}]", record(r#""actor":{"alternateId":"Canary"},"#))
}

#[test]
fn map_prints_a_line_for_each_record_of_a_file() {
    let folder = scratch("map");
    fs::create_dir_all(folder.join("logs/deep")).unwrap();
    fs::write(folder.join("logs/deep/okta.json"), okta()).unwrap();
    let ways: [&[&str]; 4] = [
        &["map", "--json", "--input", "logs/deep/okta.json"],
        &["map", "--json", "--input", "logs"],
        &["map", "--json", "--input", "l*ta.json", "--format", "okta"],
        &["map", "--json", "--input", "-", "--format", "auto"],
    ];
    let mut first = None;
    for arguments in ways {
        let (code, out, err) = habitus(&folder, arguments, &okta());
        assert_eq!((code, err.as_str()), (0, ""), "{arguments:?}");
        assert_eq!(first.get_or_insert_with(|| out.clone()), &out, "{arguments:?}");
    }
    let out = first.unwrap();
    assert!(!out.contains("Canary"), "{out}");
    let lines: Vec<serde_json::Value> =
        out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for (number, outcome) in ["mapped", "mapped", "rejected"].iter().enumerate() {
        let line = &lines[number];
        let keys: Vec<&String> = line.as_object().unwrap().keys().collect();
        let expected = [
            "activity",
            "code",
            "envelopes",
            "format",
            "missing",
            "outcome",
            "path",
            "record",
            "unmapped",
        ];
        assert_eq!(keys, expected);
        assert_eq!(line["record"], number);
        assert_eq!(line["outcome"], *outcome, "{line}");
        assert_eq!(
            (&line["format"], &line["envelopes"][0]),
            (&"okta".into(), &"json_array".into())
        );
        assert_eq!(line["activity"]["action"]["operation"], "user.session.start");
        assert_eq!(line["unmapped"][0], "/odd", "{line}");
    }
    assert_eq!(lines[0]["activity"]["agent"]["id"], "p");
    assert_eq!(
        (&lines[2]["code"], &lines[2]["activity"]["agent"]),
        (&"missing_agent_id".into(), &serde_json::Value::Null)
    );
    assert_eq!(lines[2]["activity"]["time"], lines[1]["activity"]["time"]);
    assert!(lines[2]["missing"].as_array().unwrap().contains(&"agent.id".into()));

    let (_, one, _) = habitus(&folder, &["map", "--input", "logs", "--record", "1"], "");
    for part in [
        "record 1: mapped; okta; in json_array",
        "/1/actor/id",
        "agent.id",
        "app",
        "unmapped: /odd",
    ] {
        assert!(one.contains(part), "{part} in:\n{one}");
    }
    assert!(!one.contains("record 0") && !one.contains("Canary"), "{one}");
    for (arguments, expected) in [
        (&["map", "--input", "logs", "--format", "octa"][..], "okta"),
        (&["map", "--input", "logs", "--mapping", "own"][..], "find the mapping own"),
        (&["map", "--input", "nothing*"][..], "find a file like nothing*"),
        (&["map"][..], "--input"),
    ] {
        let (code, out, err) = habitus(&folder, arguments, "");
        assert!(code == 2 && out.is_empty() && err.contains(expected), "{arguments:?}: {err}");
    }
}

#[test]
fn a_strangers_json_is_mapped_checked_and_scored() {
    let folder = scratch("stranger");
    let line = |n: usize| {
        format!(
            r#"{{"timestamp":"2026-11-23T20:{:02}:31","agent_id":"bot-{}","tool":"search","decision":"allowed","api_key":"Canary","note":"Canary"}}{}"#,
            n % 60,
            n % 3,
            "\n"
        )
    };
    fs::write(folder.join("own.ndjson"), (0..90).map(line).collect::<String>()).unwrap();
    let (code, proposal, err) =
        habitus(&folder, &["map", "--init", "own.ndjson", "--mapping", "own"], "");
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(
        proposal.starts_with("# Proposed from 90 records") && proposal.contains("[mapping.own]")
    );
    let config = format!("[[source]]\npath = \"own*.ndjson\"\nmapping = \"own\"\n\n{proposal}");
    fs::write(folder.join("habitus.toml"), config).unwrap();
    let (code, _, err) = habitus(&folder, &["validate", "habitus.toml"], "");
    assert_eq!(code, 0, "{err}");
    let ways: [&[&str]; 2] = [
        &["score", "-c", "habitus.toml", "own.ndjson"],
        &["map", "--json", "-c", "habitus.toml", "--input", "own.ndjson"],
    ];
    for arguments in ways {
        let (code, out, err) = habitus(&folder, arguments, "");
        assert_eq!((code, out.lines().count()), (0, 90), "{err}");
        assert!(
            out.contains("bot-2") && !out.contains("Canary") && !out.contains("rejected"),
            "{out}"
        );
    }
    // Without its mapping nobody knows it.
    let (_, out, _) = habitus(&folder, &["score", "own.ndjson"], "");
    assert_eq!(out.matches("unsupported_format").count(), 90);
}

#[test]
fn who_is_left_out_is_skipped_by_name() {
    let folder = scratch("identity");
    fs::write(
        folder.join("all.toml"),
        "[identity]\nscored = [\"ai_agent\", \"service\", \"human\"]\n",
    )
    .unwrap();
    fs::write(folder.join("okta.json"), okta()).unwrap();
    let outcomes = |arguments: &[&str]| -> Vec<(String, String)> {
        let (code, out, err) = habitus(&folder, arguments, "");
        assert_eq!(code, 0, "{err}");
        let line = |line: &str| {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
            (text("outcome"), text("rule"))
        };
        out.lines().map(line).collect()
    };
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    let by_default = outcomes(&["score", "okta.json"]);
    assert_eq!(by_default[0], pair("skipped", "identity_human"));
    assert_eq!((by_default[1].0.as_str(), by_default[2].0.as_str()), ("scored", "rejected"));
    let all = outcomes(&["score", "-c", "all.toml", "okta.json"]);
    // Both carry one id: the second is the first again, for another agent.
    assert_eq!(all[0].0, "scored");
}
