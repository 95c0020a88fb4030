//! Sources, mappings and identity as they are configured: what they mean, and where each mistake stands.

use ingest::{Carrier, Decoded, Limits, Notes};

use crate::*;

const MAPPING: &str = "[mapping.gateway]\nwhen = 'kind != \"CHECKPOINT\"'\ntime = \"/t\"\nagent.id = \"/who\"\n\
    action.type = { const = \"tool_call\" }\naction.operation = [\"/tool\", \"/name\"]\n\
    outcome.result = { from = \"/d\", map = { ok = \"success\" }, else = \"unknown\" }\n";

fn valid(text: &str) -> Config {
    let (config, problems) = parse(text);
    config.unwrap_or_else(|| panic!("{problems:#?}"))
}

/// What is wrong, each with its line and help.
fn mistakes(text: &str) -> Vec<(usize, String, String)> {
    let (config, problems) = parse(text);
    assert!(config.is_none(), "must not load: {text}");
    let line = |problem: &Problem| text[..problem.span.start].matches('\n').count() + 1;
    let told = |problem: &Problem| {
        (line(problem), problem.message.clone(), problem.help.clone().unwrap_or_default())
    };
    problems.iter().map(told).collect()
}

fn decoded<'r>(reading: &'r mapping::Reading, record: &'r str) -> Vec<Decoded<'r>> {
    let (mut notes, mut out) = (Notes::default(), Vec::new());
    reading.decode(
        record.as_bytes(),
        (&Limits::default(), &Carrier::default()),
        &mut notes,
        &mut out,
    );
    out
}

fn agents(reading: &mapping::Reading, record: &str) -> Vec<String> {
    let told = |decoded: &Decoded<'_>| match decoded {
        Decoded::Activity(activity) => activity.agent.id.to_string(),
        Decoded::Skipped(skip) => format!("- {}", skip.rule),
        Decoded::Rejected(rejection) => format!("! {}", rejection.code.as_str()),
    };
    decoded(reading, record).iter().map(told).collect()
}

const RECORD: &str = r#"{"kind":"CALL","t":"2026-11-23T20:51:31Z","who":"a","tool":"x","d":"ok"}"#;
const OKTA: &str = r#"{"uuid":"u","published":"2026-11-23T20:51:31Z","eventType":"user.session.start","version":"0","actor":{"id":"p","type":"User","alternateId":"x","displayName":"y"},"outcome":{"result":"SUCCESS"}}"#;

#[test]
fn a_source_says_how_its_topic_or_files_are_read() {
    let text = format!(
        "input.topic = \"mine\"\n[[source]]\ntopic = \"mine\"\nmapping = \"gateway\"\n\
         [[source]]\npath = \"logs/*.json\"\nmapping = \"gateway\"\n\
         [[source]]\npath = \"*.gz\"\nformat = \"okta\"\n{MAPPING}"
    );
    let config = valid(&text);
    assert_eq!(agents(&config.reading_of_topic("mine"), RECORD), ["a"]);
    assert_eq!(agents(&config.reading_of_topic("other"), RECORD), ["! unsupported_format"]);
    for (path, expected) in [
        ("logs/a.json", "a"),
        ("/var/logs/b.json", "a"),
        ("logs.json", "! unsupported_format"),
        ("x/y.gz", "! unsupported_format"),
    ] {
        assert_eq!(agents(&config.reading_of_path(path), RECORD), [expected], "{path}");
    }
    assert_eq!(agents(&config.reading_of_path("a.json"), OKTA), ["- identity_human"]);
    assert_eq!(config.mappings().collect::<Vec<_>>(), ["gateway"]);
    assert_eq!(config.sources().len(), 3);
}

#[test]
fn what_is_shown_loads_and_is_the_same_however_it_was_written() {
    let text = format!("[[source]]\npath = \"a\\\"b\"\nmapping = \"gateway\"\n{MAPPING}");
    let config = valid(&text);
    let again = valid(&config.to_toml());
    assert_eq!((again.to_toml(), again.hash()), (config.to_toml(), config.hash()));
    assert_eq!(again, config);
    assert_ne!(config.hash(), Config::default().hash());
    let other = "source = [{ mapping = \"gateway\", path = 'a\"b' }]\n[mapping]\n\
        gateway = { agent = { id = \"/who\" }, when = 'kind != \"CHECKPOINT\"', time = \"/t\", \
        action = { operation = [\"/tool\", \"/name\"], type = { const = \"tool_call\" } }, \
        outcome.result = { else = \"unknown\", from = \"/d\", map = { ok = \"success\" } } }\n";
    assert_eq!(valid(other).hash(), config.hash());
    let changed = text.replace("\"/who\"", "\"/whom\"");
    assert_ne!(valid(&changed).hash(), config.hash());
}

#[test]
fn each_mistake_has_its_place_and_what_was_probably_meant() {
    for (text, line, message, help) in [
        (
            "[[source]]\npath = \"a\"\nformat = \"cloudtrial\"",
            3,
            "`source.format` has no format `cloudtrial`",
            "did you mean `cloudtrail`?",
        ),
        (
            "[[source]]\npath = \"a\"\nfromat = \"okta\"",
            3,
            "unknown setting `source.fromat`",
            "did you mean `format`?",
        ),
        ("[[source]]\nformat = \"okta\"", 2, "a source needs either `topic` or `path`", ""),
        ("[[source]]\npath = 3", 2, "`source.path` must be a text", ""),
        ("source = 3", 1, "`source` must be a list of tables", "begin each with `[[source]]`"),
        ("mapping = 3", 1, "`mapping` is a section, not a value", ""),
        ("[mapings.x]\na = 1", 1, "unknown setting `mapings`", "did you mean `mapping`?"),
        (
            "[identity]\nscored = [\"robots\"]",
            2,
            "`identity.scored` must hold `ai_agent`, `service` or `human`, found \"robots\"",
            "",
        ),
        (
            "[identity]\naddresses = [\"10.0.0.300=a\"]",
            2,
            "`identity.addresses` must hold addresses and ids such as \"10.0.0.7=etl\", found \"10.0.0.300=a\"",
            "",
        ),
    ] {
        let found = mistakes(text);
        assert_eq!(found, [(line, message.to_owned(), help.to_owned())], "{text}");
    }
    let text = format!("[[source]]\npath = \"a\"\nmapping = \"gatewaz\"\n{MAPPING}");
    let found = mistakes(&text);
    assert_eq!(
        found,
        [(
            3,
            "`source.mapping` names no mapping: `gatewaz`".to_owned(),
            "did you mean `gateway`?".to_owned()
        )]
    );
    let found = mistakes("[[source]]\ntopic = \"another\"");
    assert_eq!((found.len(), found[0].0), (1, 2), "{found:?}");
    assert!(found[0].1.contains("`habitus.activity.v1`"), "{found:?}");
    let help = "several are read with `input.key = \"any\"`";
    assert!(found[0].2.contains(help), "{found:?}");
    // All mistakes of a mapping at once, each at its own line.
    let text = MAPPING.replace("agent.id", "agent.ib").replace("\"/t\"", "\"t\"");
    let found = mistakes(&text);
    let lines: Vec<usize> = found.iter().map(|(line, ..)| *line).collect();
    assert!(lines.contains(&3) && lines.contains(&4), "{found:?}");
    assert!(
        found.iter().any(|(_, _, help)| help.contains("did you mean `agent.id`?")),
        "{found:?}"
    );
    assert!(
        found.iter().all(|(_, message, _)| message.starts_with("`mapping.gateway`: ")),
        "{found:?}"
    );
    let found = mistakes("[mapping.x]\nextends = \"cloudtrial\"\nagent.blueprint = \"/x\"");
    assert_eq!((found[0].0, found[0].2.as_str()), (2, "did you mean `cloudtrail`?"), "{found:?}");
}

#[test]
fn hashes_need_a_key_that_is_one() {
    let mapping = "[mapping.x]\ntime = \"/t\"\nagent.id = \"/a\"\naction.type = { const = \"tool_call\" }\n\
                   session.id = { from = \"/s\", as = \"hash\" }\n";
    let found = mistakes(mapping);
    assert_eq!((found.len(), found[0].0), (1, 5), "{found:?}");
    assert_eq!(found[0].1, "`mapping.x`: a hash needs a key");
    assert_eq!(found[0].2, "name its file as `identity.hash_key_file`");
    let mut config = valid(&format!("[identity]\nhash_key_file = \"k\"\n{mapping}"));
    assert_eq!(config.hash_key_file(), Some("k"));
    assert!(config.set_hash_key(b" too short \n").is_err());
    let keyless = config.hash();
    config.set_hash_key(b"0123456789abcdef\n").expect("a key");
    let (one, mut other) = (config.hash(), config.clone());
    other.set_hash_key(b"0123456789abcdeg").expect("another key");
    assert!(one != keyless && one != other.hash(), "ids differ by the key, and so does the hash");
    let (record, reading) =
        (r#"{"t": 1795467091, "a": "b", "s": "x"}"#, config.reading(None, Some("x")));
    let out = decoded(&reading, record);
    let [Decoded::Activity(activity)] = out.as_slice() else { panic!("{out:?}") };
    let id = activity.session.as_ref().and_then(|session| session.id.as_deref()).expect("a hash");
    assert!(id.starts_with("hmac-sha256:"), "{id}");
}

#[test]
fn identity_says_who_is_scored() {
    for (text, expected) in [
        ("", "- identity_human"),
        ("[identity]\nai_agent = [\"p*\"]", "p"),
        ("[identity]\nai_agent = [\"q*\"]", "- identity_human"),
        ("[identity]\nservice = [\"p\"]", "p"),
        ("[identity]\nservice = [\"p\"]\nscored = [\"ai_agent\"]", "- identity_service"),
        ("[identity]\nscored = [\"human\"]", "p"),
    ] {
        let config = valid(text);
        assert_eq!(agents(&config.reading(None, None), OKTA), [expected], "{text}");
        assert_eq!(agents(&config.reading_of_topic("t"), OKTA), [expected], "{text}");
    }
    let conn = r#"{"ts":1700000000.5,"uid":"C1","id.orig_h":"10.0.0.7","id.orig_p":1,"id.resp_h":"1.2.3.4","id.resp_p":443,"proto":"tcp","conn_state":"SF"}"#;
    let named = valid("[identity]\naddresses = [\"10.0.0.7 = etl\"]");
    assert_eq!(agents(&named.reading(None, None), conn), ["etl"]);
    assert_eq!(agents(&Config::default().reading(None, None), conn), ["! missing_agent_id"]);
}

#[test]
fn intake_reads_the_topics_of_all_sources_and_the_one_that_is_named() {
    let sources = |text: &str| parse(text).0.expect("a config").input().sources;
    let two = "[[source]]\ntopic = \"a\"\n[[source]]\ntopic = \"b\"\nformat = \"okta\"\n\
               [[source]]\ntopic = \"a\"\n[[source]]\npath = \"c\"\n";
    let any = "input.key = \"any\"\n";
    assert_eq!(sources(&format!("{any}{two}")), ["a", "b"]);
    assert_eq!(sources(&format!("input.topic = \"c\"\n{any}{two}")), ["a", "b", "c"]);
    assert_eq!(sources(&format!("kafka.prefix = \"x.\"\n{any}")), ["x.activity.v1"]);
    assert!(sources("").is_empty(), "records that stand under their agents' keys need no intake");
}
