//! The doctor on logs whose faults are known: the simulator, and the genuine broker with topics that others made.

use std::collections::BTreeSet;

use bus::memory::Memory;
use bus::{Bus, Cleanup, Outgoing, Producer, TopicPartition, TopicSpec};
use doctor::{ALWAYS, FIELDS, Finding, Level, Report, Survey};
use ingest::{Carrier, Limits};
use stream::{Topic, Topics};
use tests::broker::Broker;
use tests::kafka::{PATIENCE, kafka, unique};

const TIME_MS: i64 = 1_767_571_200_000;

fn config(text: &str) -> config::Config {
    let (config, problems) = config::parse(text);
    config.unwrap_or_else(|| panic!("{problems:?}"))
}

fn topics(config: &config::Config) -> Topics {
    Topics::new(config)
}

/// A record of an agent, with more members.
fn record(agent: &str, more: &str) -> String {
    format!(
        r#"{{"schema":"agent.activity/1","id":"e","time":"2026-01-05T00:00:00Z","agent":{{"id":"{agent}"}},"action":{{"type":"api_call","operation":"o"}}{more}}}"#
    )
}

fn send<B: Bus>(bus: &B, topic: &str, records: &[(Option<&str>, String)]) {
    let mut producer = bus.producer(&unique("doctor"), PATIENCE).expect("a producer");
    producer.begin().expect("a transaction");
    for (key, value) in records {
        let outgoing = Outgoing {
            to: TopicPartition::new(topic, 0),
            key: key.map(|key| key.as_bytes().to_vec()),
            value: Some(value.as_bytes().to_vec()),
            headers: Vec::new(),
        };
        producer.send(&outgoing).expect("a record is sent");
    }
    producer.commit().expect("a commit");
}

fn texts(found: &[Finding], level: Level) -> Vec<String> {
    let at = found.iter().filter(|one| one.level == level);
    at.map(|one| format!("{}: {}", one.about, one.text)).collect()
}

#[test]
fn every_signal_depends_on_a_field_or_on_none() {
    let watched = FIELDS.iter().flat_map(|field| field.blinds.iter().copied());
    let told: BTreeSet<&str> = watched.chain(ALWAYS).collect();
    let signals: BTreeSet<&str> = detector::signal::signal_ids().into_iter().collect();
    assert_eq!(told, signals);
    let twice = FIELDS.iter().flat_map(|field| field.blinds).filter(|id| ALWAYS.contains(id));
    assert_eq!(twice.count(), 0, "what needs a field does not need none");
}

#[test]
fn a_sample_tells_formats_ends_keys_clocks_and_what_is_blind() {
    let config = config("");
    let bus = Memory::new(1);
    bus.set_time(TIME_MS);
    let wanted = topics(&config);
    let mut report = Report::default();
    assert_eq!(report.bus(&bus, wanted.clone(), &config), Ok(()));
    let warnings = texts(&report.findings, Level::Warning).len();
    assert_eq!((warnings, report.surveys.len()), (wanted.all().count(), 0), "no topic exists yet");
    for (_, spec) in wanted.all() {
        bus.admin().and_then(|mut admin| admin.create(spec)).expect("a topic");
    }
    let input = wanted.get(Topic::Activity).expect("the input").name.clone();
    let ended = r#","outcome":{"result":"success"}"#;
    let person = r#","attributes":{"agent.type":"user"}"#;
    let late = record("d", "").replace("2026-01-05", "2025-12-25");
    send(
        &bus,
        &input,
        &[
            (Some("default|a"), record("a", ended)),
            (Some("default|b"), record("a", r#","more":{"deep":1}"#)),
            (None, record("c", person)),
            (Some("default|d"), late),
            (Some("x"), "no json".to_owned()),
        ],
    );
    let mut report = Report::default();
    assert_eq!(report.bus(&bus, wanted, &config), Ok(()));
    assert_eq!(texts(&report.findings, Level::Fault), [""; 0]);
    let survey = &report.surveys[0];
    assert_eq!((survey.records, survey.activities, survey.mapped), (5, 5, 3));
    assert_eq!(survey.skipped, [("identity_human", 1)].into());
    assert_eq!(survey.rejected, [("invalid_json", 1)].into());
    assert_eq!(survey.keys, [("agent", 2), ("none", 1), ("other", 2)].into());
    assert_eq!(survey.unmapped.keys().collect::<Vec<_>>(), ["/more"]);
    assert_eq!(survey.behind_ms_max / 86_400_000, 11);
    let said = texts(&report.findings, Level::Warning).join("\n");
    for part in [
        "1 of 5 are refused: invalid_json 1",
        "3 of 5 records do not stand under `<tenant>|<agent.id>`: 1 have no key, 2 another one",
        "events lie up to 950400 s behind the log: beyond 604800 s they are refused",
        "no destination in 100 %: `destination`, `network` and `coordination` are blind here",
        "no credential.id in 100 %: `credential` is blind here",
    ] {
        assert!(said.contains(part), "{part}\n{said}");
    }
    // Two of three say how they ended not, which is not yet nearly none.
    assert!(!said.contains("outcome.result"), "{said}");
    let shown = report.text();
    assert!(shown.contains("5 records, 5 activities, 3 mapped (60 %)"), "{shown}");
    let json = report.json();
    assert_eq!(json["sources"][0]["coverage"]["outcome.result"]["percent"], 33);
    assert_eq!(json["findings"].as_array().map(Vec::len), Some(report.findings.len()));
    assert_eq!(report.worst(), Level::Warning);
}

fn reported(survey: Survey) -> Vec<Finding> {
    let mut report = Report::default();
    report.add(survey);
    report.findings
}

#[test]
fn most_of_a_stream_skipped_is_a_warning_and_all_of_it_refused_a_fault() {
    let config = config("");
    let (reading, limits, carrier) =
        (config.reading_of_topic("x"), Limits::default(), Carrier::default());
    let mut people = Survey::new("people");
    let mut noise = Survey::new("noise");
    for _ in 0..3 {
        let person = record("p", r#","attributes":{"agent.type":"user"}"#);
        people.look(person.as_bytes(), None, (&reading, &limits, &carrier));
        noise.look(b"noise", None, (&reading, &limits, &carrier));
    }
    let said = texts(&reported(people), Level::Warning);
    assert_eq!(said, ["people: most of it is skipped, 3 of 3: identity_human 3"]);
    let said = texts(&reported(noise), Level::Fault);
    assert_eq!(said, ["noise: 3 of 3 are refused: invalid_json 3"]);
    let said = texts(&reported(Survey::new("empty")), Level::Warning);
    assert_eq!(said, ["empty: holds no records"]);
}

#[test]
fn a_genuine_broker_tells_settings_rights_and_what_others_made_wrong() {
    let Some(broker) = Broker::shared() else { return };
    let bus = kafka(broker.address(), &[]);
    let prefix = unique("doctor");
    let config = config(&format!(
        "[input]\ntopic = \"{prefix}-in\"\n[kafka]\nprefix = \"{prefix}.\"\npartitions = 2\nfindings_partitions = 1"
    ));
    let wanted = topics(&config);
    for (topic, spec) in wanted.all() {
        let mut spec: TopicSpec = spec.clone();
        match topic {
            // Producers' clocks, and deletion where habits are kept.
            Topic::Activity => spec.settings.clear(),
            Topic::State => spec.cleanup = Cleanup::Delete(3_600_000),
            Topic::Cases => spec.settings.retain(|(name, _)| name != "segment.bytes"),
            _ => {}
        }
        spec.settings.extend(
            (topic == Topic::Alerts).then(|| ("min.insync.replicas".to_owned(), "2".to_owned())),
        );
        bus.admin().and_then(|mut admin| admin.create(&spec)).expect("a topic");
    }
    send(&bus, &format!("{prefix}-in"), &[(Some("default|a"), record("a", ""))]);
    let mut report = Report::default();
    report.bus(&bus, wanted, &config).expect("an answer");
    assert_eq!(report.surveys[0].keys, [("agent", 1)].into());
    let found = report.findings;
    let faults = texts(&found, Level::Fault).join("\n");
    for part in [
        format!("{prefix}-in: {prefix}-in carries its producers' timestamps"),
        format!("{prefix}.state.v1: {prefix}.state.v1 would lose what was learned"),
        format!(
            "{prefix}.alerts.v1: has 1 replicas and `min.insync.replicas` 2: no write can succeed"
        ),
    ] {
        assert!(faults.contains(&part), "{part}\n{faults}");
    }
    assert!(!faults.contains("ACLs"), "a broker without them lets all do all: {faults}");
    let warnings = texts(&found, Level::Warning).join("\n");
    assert!(warnings.contains(&format!("{prefix}.cases.v1: `segment.bytes` is ")), "{warnings}");
    let input = format!("{prefix}-in");
    let details = bus.admin().and_then(|mut admin| admin.details(&input)).expect("details");
    assert_eq!((details.may_read, details.may_write), (Some(true), Some(true)));
    assert_eq!(details.replicas, Some(1));
}
