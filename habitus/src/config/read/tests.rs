//! Each mistake has its message, its place and, where there is one, its remedy.

use super::super::render;
use super::*;

fn messages(text: &str) -> Vec<(String, usize)> {
    let (config, problems) = parse(text);
    assert!(config.is_none(), "must not load: {text}");
    let line = |problem: &Problem| text[..problem.span.start].matches('\n').count() + 1;
    problems.iter().map(|problem| (problem.message.clone(), line(problem))).collect()
}

#[test]
fn seven_mistakes_are_seven_messages_with_their_places() {
    let text = "version = 1\nmode = \"shaddow\"\nthreshhold = 3\n\n[budget]\nalerts_per_actor_month = \"one\"\n\n[memory]\ncap = \"1MiB\"\n\n[trust]\nwatch = 90\n\n[signal.rate]\nmode = \"off\"\n\n[signal.moon]\nmode = \"alert\"\n";
    let found = messages(text);
    let expected = [
        ("`mode` must be one of `shadow`, `alert`, `enforce`", 2),
        ("unknown setting `threshhold`", 3),
        ("`budget.alerts_per_actor_month` must be a number, found string", 6),
        ("`memory.cap` must be at least 8 MiB", 9),
        ("`trust.watch` must be lower than `trust.trusted`", 12),
        ("`signal.rate.mode` must be one of `shadow`, `alert`", 15),
        ("unknown setting `signal.moon`", 17),
    ];
    let expected: Vec<(String, usize)> =
        expected.iter().map(|(text, line)| ((*text).to_owned(), *line)).collect();
    assert_eq!(found, expected);
}

#[test]
fn a_message_shows_file_line_column_caret_and_help() {
    let text = "version = 1\nmode = \"shaddow\"\n";
    let (_, problems) = parse(text);
    let shown = render(&problems[0], text, "habitus.toml");
    for part in ["habitus.toml:2:8", "mode = \"shaddow\"", "^^^^", "did you mean `shadow`?"] {
        assert!(shown.contains(part), "{part} in:\n{shown}");
    }
}

#[test]
fn each_mistake_has_its_message() {
    for (text, expected) in [
        ("version = 2", "`version` must lie between 1 and 1"),
        ("mode = 3", "`mode` must be one of `shadow`, `alert`, `enforce`, found integer"),
        ("budget = 3", "`budget` is a section, not a value"),
        ("[engine]\nseed = -1", "`engine.seed` must lie between 0 and 9223372036854775807"),
        ("[engine]\nlanes = 1.5", "`engine.lanes` must be a whole number, found float"),
        ("[memory]\ncap = \"many\"", "`memory.cap` is no size"),
        ("[memory]\ncap = 7", "`memory.cap` must be a size such as \"512MiB\", found integer"),
        ("[response]\nprotected = [1]", "`response.protected` must hold texts only"),
        (
            "[response]\nbreaker_share_per_hour = 2.0",
            "`response.breaker_share_per_hour` must lie between 0 and 1",
        ),
        (
            "[budget]\nrevocations_per_actor_month = 2",
            "`budget.revocations_per_actor_month` must not exceed the budget of alerts",
        ),
    ] {
        assert_eq!(messages(text), [(expected.to_owned(), messages(text)[0].1)], "{text}");
    }
    assert!(messages("mode = ")[0].0.starts_with("not TOML"));
}

#[test]
fn what_is_shown_loads_and_is_the_same() {
    let (config, problems) =
        parse("[budget]\nalerts_per_actor_month = 0.5\n[response]\nprotected = [\"a\\\"b\"]\n");
    assert!(problems.is_empty());
    let config = config.expect("valid");
    let (again, _) = parse(&config.to_toml());
    let again = again.expect("what is shown is valid");
    assert_eq!(again.to_toml(), config.to_toml());
    assert_eq!(again.hash(), config.hash());
    assert_ne!(Config::default().hash(), config.hash());
}

#[test]
fn a_setting_left_out_has_its_default() {
    let shown = Config::default().to_toml();
    for text in
        ["", "version = 1\n", "mode = \"shadow\"\n", "[budget]\nalerts_per_actor_month = 1\n"]
    {
        let (config, problems) = parse(text);
        assert!(problems.is_empty(), "{text}");
        assert_eq!(config.expect("valid").to_toml(), shown, "{text}");
    }
    for id in signal_ids() {
        assert!(shown.contains(&format!("[signal.{id}]\nmode = \"alert\"\n")), "{id}");
    }
    assert_eq!(default_values().len(), FIELDS.len() + signal_ids().len());
}

#[test]
fn equal_configs_hash_the_same_however_they_are_written() {
    let hash = |text: &str| parse(text).0.expect("valid").hash();
    let same = [
        "[memory]\ncap = \"1GiB\"\n[trust]\nwatch = 60\n",
        "trust = { watch = 60.0 }\nmemory.cap = \"1024 MiB\"\n",
        "",
    ];
    for text in same {
        assert_eq!(hash(text), Config::default().hash(), "{text}");
    }
    assert_ne!(hash("memory.cap = \"1025MiB\""), Config::default().hash());
    assert_ne!(hash("[signal.hours]\nmode = \"shadow\""), Config::default().hash());
}
