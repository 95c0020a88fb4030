//! Each mistake has its message, its line and column, and where there is one its remedy.

use super::*;

const BOT: &str =
    r#"{"schema": "agent.inventory/1", "tenant_id": "acme", "agent_id": "bot", "state": "active"}"#;

/// The bot with more fields.
fn bot(more: &str) -> String {
    BOT.replace('}', &format!(", {more}}}"))
}

/// Line, column, message and help of each mistake.
fn mistakes(text: &str) -> Vec<(usize, usize, String, Option<String>)> {
    let problems = read_inventory(text).map(|read| format!("{read:?}")).unwrap_err();
    let place = |problem: &Problem| {
        let before = &text[..problem.span.start];
        let line = before.matches('\n').count() + 1;
        (line, before.len() - before.rfind('\n').map_or(0, |at| at + 1) + 1)
    };
    let told = problems.into_iter().map(|problem| {
        let (line, column) = place(&problem);
        (line, column, problem.message, problem.help)
    });
    told.collect()
}

#[test]
fn what_is_published_as_an_example_is_read() {
    let example = include_str!("../../../schemas/fixtures/inventory.json");
    let value: Value = serde_json::from_str(example).unwrap();
    let claim = r#"{"schema": "agent.inventory-complete/1", "tenant_id": "acme"}"#;
    let read = read_inventory(&format!("\n{value}\n  {claim}\r\n")).unwrap();
    let expected: InventoryEntry = serde_json::from_value(value).unwrap();
    assert!(read.agents().eq([&expected]));
    assert!(read.complete().contains("acme"));
    assert!(read.find("acme", "system:serviceaccount:agents:invoice-bot").is_some());
    assert!(read.hash().starts_with("sha256:"));
    assert_ne!(read.hash(), read_inventory(BOT).unwrap().hash());
    assert_eq!(read_inventory("").unwrap().agents().len(), 0, "nothing says nothing");
}

#[test]
fn each_mistake_is_told_with_its_place() {
    let check = |text: &str, column: usize, message: &str, help: Option<&str>| {
        let found = mistakes(&format!("\n{text}"));
        let expected = (2, column, message.to_owned(), help.map(str::to_owned));
        assert_eq!(found, [expected], "{text}");
    };
    let more = |field: &str, message: &str, help: Option<&str>| {
        check(&bot(field), BOT.len() + 2, message, help);
    };
    more(r#""ownr": {"id": "x"}"#, "unknown field `ownr`", Some("did you mean `owner`?"));
    more(r#""zzz": 1"#, "unknown field `zzz`", None);
    let words = "`criticality` must be one of `low`, `normal`, `high`";
    more(r#""criticality": "hihg""#, words, Some("did you mean `high`?"));
    more(r#""criticality": 3"#, words, None);
    more(
        r#""aliases": ["a", 1]"#,
        "`aliases` must be a list of at most 64 texts of 1 to 2048 characters",
        None,
    );
    more(r#""blueprint": """#, "`blueprint` must be a text of 1 to 256 characters", None);
    more(r#""owner": "me""#, "`owner` must be an object", None);
    let time = "`valid_until` must be a time as RFC 3339 with offset, from 1990 to 2099";
    more(r#""valid_until": "2026-13-01""#, time, None);
    let times = r#""valid_from": "2026-02-01T00:00:00Z", "valid_until": "2026-01-01T00:00:00Z""#;
    check(&bot(times), BOT.len() + 40, "`valid_until` must be after `valid_from`", None);
    check(&bot(r#""owner": {}"#), 1, "`owner.id` is missing", None);
    let change = r#""announced_change": {"version": "2", "from": "2026-02-01T00:00:00Z", "until": "2026-02-01T00:00:00Z"}"#;
    let found = mistakes(&bot(change));
    assert_eq!(found[0].2, "`until` must be after `from`");
    check(
        &BOT.replace("acme", "a|b"),
        33,
        "`tenant_id` must be 1 to 64 letters, digits, `.`, `_` or `-`",
        None,
    );
    check(
        &BOT.replace("\"state\": \"active\"", "\"version\": \"1\""),
        1,
        "`state` is missing",
        None,
    );
    assert!(mistakes("[1]")[0].2.starts_with("not a JSON object"));
    let claim = r#"{"schema": "agent.inventory-complete/1", "tenant_id": "acme", "agent_id": "x"}"#;
    assert_eq!(mistakes(claim)[0].2, "unknown field `agent_id`");
}

#[test]
fn a_name_belongs_to_one_agent_of_its_tenant() {
    let other = BOT.replace("bot", "other");
    let alias =
        |record: &str, alias: &str| record.replace('}', &format!(r#", "aliases": ["{alias}"]}}"#));
    let second = |first: &str, second: &str| {
        let found = mistakes(&format!("{first}\n{second}\n"));
        assert_eq!((found.len(), found[0].0), (1, 2), "{found:?}");
        found[0].2.clone()
    };
    assert_eq!(second(BOT, BOT), "agent `bot` is listed twice");
    assert_eq!(second(BOT, &alias(&other, "bot")), "`bot` is a name of agent `bot` already");
    assert_eq!(second(&alias(BOT, "other"), &other), "`other` is a name of agent `bot` already");
    assert_eq!(
        second(&alias(BOT, "x"), &alias(&other, "x")),
        "`x` is a name of agent `bot` already"
    );
    let elsewhere = BOT.replace("acme", "b");
    assert_eq!(read_inventory(&format!("{BOT}\n{elsewhere}\n")).unwrap().agents().len(), 2);
}

#[test]
fn all_mistakes_are_told_at_once_up_to_a_hundred() {
    let lines: String =
        (0..7).map(|n| format!("{}\n", bot(&format!(r#""x{n}": 1, "y": 2"#)))).collect();
    assert_eq!(mistakes(&lines).len(), 14);
    let many: String = (0..500).map(|_| "{\n").collect();
    assert_eq!(mistakes(&many).len(), MISTAKES_MAX);
}
