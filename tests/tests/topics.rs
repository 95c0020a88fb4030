//! The topics as the wire formats tell them, and which topics of others are refused. No broker is asked here.

use bus::{Cleanup, TopicDetails, TopicInfo, TopicSpec};
use stream::{Topic, Topics};

const DAY_MS: u64 = 86_400_000;

fn topics(text: &str) -> Topics {
    let (config, problems) = config::parse(text);
    let config = config.unwrap_or_else(|| panic!("{problems:?}"));
    Topics::new(&config)
}

fn spec(topics: &Topics, topic: Topic) -> TopicSpec {
    topics.get(topic).cloned().expect("a topic")
}

/// A topic that was made as wanted.
fn made(spec: &TopicSpec) -> TopicInfo {
    TopicInfo {
        name: spec.name.clone(),
        id: spec.name.clone(),
        partitions: spec.partitions,
        log_append_time: setting(spec, "message.timestamp.type") == Some("LogAppendTime"),
        compacted: spec.cleanup == Cleanup::Compact,
    }
}

fn setting<'a>(spec: &'a TopicSpec, name: &str) -> Option<&'a str> {
    spec.settings.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

#[test]
fn topics_have_the_names_partitions_and_retention_of_the_wire_formats() {
    let days = |days: u64| Cleanup::Delete(days * DAY_MS);
    let sets =
        "sets = { issuer = \"i\", keys = [\"k\"] }\nreceiver = [{ id = \"r\", audience = \"a\" }]";
    let all = topics(&format!("output.shadow = true\n{sets}"));
    let found: Vec<_> =
        all.all().map(|(_, spec)| (spec.name.as_str(), spec.partitions, spec.cleanup)).collect();
    let expected = [
        ("habitus.activity.v1", 64, days(7)),
        ("habitus.findings.v1", 8, days(7)),
        ("habitus.control.v1", 1, Cleanup::Compact),
        ("habitus.state.v1", 64, Cleanup::Compact),
        ("habitus.cases.v1", 8, Cleanup::Compact),
        ("habitus.alerts.v1", 8, days(30)),
        ("habitus.incidents.v1", 8, days(30)),
        ("habitus.trust.v1", 64, Cleanup::Compact),
        ("habitus.revocations.v1", 8, days(7)),
        ("habitus.revocations.set.v1", 8, days(7)),
        ("habitus.decisions.v1", 8, days(365)),
        ("habitus.activity.dlq.v1", 8, days(14)),
        ("habitus.shadow.v1", 8, days(7)),
        ("habitus.revocations.ack.v1", 8, days(30)),
        ("habitus.feedback.v1", 8, days(30)),
        ("habitus.intake.revocations.ack.v1", 8, Cleanup::Compact),
        ("habitus.intake.feedback.v1", 8, Cleanup::Compact),
    ];
    assert_eq!(found, expected);
    let listed = topics("inventory.topic = true");
    let (topic, progress) = listed.inventory().expect("a topic says who is registered");
    for (topic, name) in
        [(topic, "habitus.inventory.v1"), (progress, "habitus.intake.inventory.v1")]
    {
        let wanted = spec(&listed, topic);
        assert_eq!((&*wanted.name, wanted.partitions, wanted.cleanup), (name, 1, Cleanup::Compact));
        let more = TopicInfo { partitions: 2, ..made(&wanted) };
        assert!(listed.check(topic, &more).is_err(), "one order of all registrations");
    }
    let deleted = TopicInfo { compacted: false, ..made(&spec(&listed, topic)) };
    assert!(listed.check(topic, &deleted).is_err(), "retention would forget agents");
    for topic in [Topic::Shadow, Topic::Sets, topic, progress] {
        assert!(topics("").get(topic).is_none(), "{topic:?} is made only where it is asked for");
    }
}

#[test]
fn names_and_numbers_follow_the_config() {
    let all = topics(
        "kafka = { prefix = \"a-\", partitions = 5, findings_partitions = 3, replicas = 3 }\ninput.topic = \"mine\"",
    );
    assert_eq!(spec(&all, Topic::Activity).name, "mine");
    assert_eq!(spec(&all, Topic::DeadLetters).name, "a-activity.dlq.v1");
    assert_eq!(spec(&all, Topic::State).partitions, 5);
    assert_eq!(spec(&all, Topic::Cases).partitions, 3);
    for (topic, spec) in all.all() {
        assert_eq!(spec.replicas, 3);
        assert_eq!(setting(spec, "min.insync.replicas"), Some("2"), "{topic:?}");
    }
    for replicas in [0, 1] {
        let all = topics(&format!("kafka.replicas = {replicas}"));
        let asks = |spec: &TopicSpec| setting(spec, "min.insync.replicas").is_some();
        assert!(!all.all().any(|(_, spec)| asks(spec)), "one replica cannot be two");
    }
}

#[test]
fn settings_of_a_topic_do_not_contradict_each_other() {
    for (topic, spec) in topics("output.shadow = true\ninventory.topic = true").all() {
        let number = |name: &str| setting(spec, name).map(|value| value.parse::<u64>().unwrap());
        if let (Some(least), Some(most)) =
            (number("min.compaction.lag.ms"), number("max.compaction.lag.ms"))
        {
            assert!(least < most, "{topic:?}: a broker refuses it");
        }
        let mut names: Vec<&str> = spec.settings.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), spec.settings.len(), "{topic:?} sets something twice");
    }
}

#[test]
fn what_was_made_as_wanted_is_accepted() {
    for text in
        ["", "output.shadow = true", "inventory.topic = true", "input.accept_create_time = true"]
    {
        let all = topics(text);
        for (topic, spec) in all.all() {
            assert_eq!(all.check(topic, &made(spec)), Ok(()), "{topic:?}");
        }
    }
}

#[test]
fn state_follows_an_input_that_others_made() {
    let mut all = topics("");
    let input = TopicInfo { partitions: 12, ..made(&spec(&all, Topic::Activity)) };
    let findings = TopicInfo { partitions: 4, ..made(&spec(&all, Topic::Findings)) };
    let state = made(&spec(&all, Topic::State));
    let error = |all: &Topics, topic, info: &TopicInfo| all.check(topic, info).unwrap_err();
    assert_eq!(all.check(Topic::State, &state), Ok(()));
    all.found(Topic::Activity, &input);
    all.found(Topic::Findings, &findings);
    for (topic, partitions) in
        [(Topic::Activity, 12), (Topic::State, 12), (Topic::Trust, 12), (Topic::Cases, 4)]
    {
        assert_eq!(spec(&all, topic).partitions, partitions, "{topic:?}");
    }
    let told = error(&all, Topic::State, &state);
    for part in ["habitus.state.v1 has 64", "needs 12", "as many as habitus.activity.v1"] {
        assert!(told.contains(part), "{part} in: {told}");
    }
    // What is found of a bound topic changes nothing: it must fit.
    let control = TopicInfo { partitions: 2, ..made(&spec(&all, Topic::Control)) };
    all.found(Topic::Control, &control);
    assert!(error(&all, Topic::Control, &control).contains("has 2 partitions and needs 1"));
    // Outputs may have any number.
    let alerts = TopicInfo { partitions: 1, ..made(&spec(&all, Topic::Alerts)) };
    assert_eq!(all.check(Topic::Alerts, &alerts), Ok(()));
}

#[test]
fn a_topic_that_would_lose_records_is_refused() {
    let all = topics("output.shadow = true");
    for (topic, spec) in all.all() {
        let info = made(spec);
        let other = TopicInfo { compacted: !info.compacted, ..info };
        let told = all.check(topic, &other).unwrap_err();
        assert!(told.contains("cleanup.policy") && told.contains(&spec.name), "{told}");
    }
}

#[test]
fn producers_timestamps_are_refused_unless_accepted() {
    let all = topics("");
    let input = TopicInfo { log_append_time: false, ..made(&spec(&all, Topic::Activity)) };
    let told = all.check(Topic::Activity, &input).unwrap_err();
    assert!(told.contains("LogAppendTime") && told.contains("input.accept_create_time"), "{told}");
    assert_eq!(topics("input.accept_create_time = true").check(Topic::Activity, &input), Ok(()));
}

#[test]
fn intake_has_a_topic_of_its_own_for_each_source_and_one_for_what_it_hands_on() {
    let text = "input.key = \"any\"\n[[source]]\ntopic = \"a\"\n[[source]]\ntopic = \"b\"";
    let mut all = topics(text);
    let day = Cleanup::Delete(DAY_MS);
    let found: Vec<_> =
        all.all().map(|(_, s)| (s.name.as_str(), s.partitions, s.cleanup)).collect();
    for expected in [
        ("habitus.activity.by-agent.v1", 64, day),
        ("a", 64, Cleanup::Delete(7 * DAY_MS)),
        ("habitus.intake.a", 64, Cleanup::Compact),
        ("habitus.intake.b", 64, Cleanup::Compact),
    ] {
        assert!(found.contains(&expected), "{expected:?} in {found:?}");
    }
    assert!(!found.iter().any(|(name, ..)| *name == "habitus.activity.v1"), "nobody reads it");
    assert_eq!(all.twice(), None);
    for (topic, spec) in all.all() {
        assert_eq!(all.check(topic, &made(spec)), Ok(()), "{topic:?}");
    }
    // Progress has the partitions of its source, state those of what is handed on.
    let pairs: Vec<_> = all.sources().collect();
    let (source, progress) = pairs[1];
    let info = TopicInfo { partitions: 12, ..made(&spec(&all, source)) };
    all.found(source, &info);
    assert_eq!((spec(&all, progress).partitions, spec(&all, Topic::State).partitions), (12, 64));
    // The clock of what is handed on is the log's, whatever the sources' are.
    let unlogged = |topic| TopicInfo { log_append_time: false, ..made(&spec(&all, topic)) };
    let lax = topics(&format!("input.accept_create_time = true\n{text}"));
    assert!(all.check(source, &unlogged(source)).is_err());
    assert_eq!(lax.check(source, &TopicInfo { partitions: 64, ..unlogged(source) }), Ok(()));
    assert!(lax.check(Topic::Activity, &unlogged(Topic::Activity)).is_err());
    let own = "input.key = \"any\"\n[[source]]\ntopic = \"habitus.findings.v1\"";
    assert_eq!(topics(own).twice(), Some("habitus.findings.v1"));
}

#[test]
fn only_the_rights_that_a_topic_needs_are_missed() {
    let nothing =
        TopicDetails { may_read: Some(false), may_write: Some(false), ..TopicDetails::default() };
    let missed = |text: &str, topic| -> Vec<&str> {
        let missing = topics(text).missing_rights(topic, &nothing).collect();
        assert_eq!(
            topics(text).missing_rights(topic, &TopicDetails::default()).count(),
            0,
            "untold"
        );
        missing
    };
    let (any, alert) = ("input.key = \"any\"", "mode = \"alert\"");
    let access = "mode = \"alert\"\naccess.listen = \"[::1]:1\"\naccess.token_file = \"t\"";
    for (text, topic, rights) in [
        ("", Topic::Activity, &["read"][..]),
        (any, Topic::Activity, &["read", "write to"]),
        (any, Topic::Source(0), &["read"]),
        (any, Topic::Intake(0), &["read", "write to"]),
        ("", Topic::DeadLetters, &["write to"]),
        ("", Topic::Alerts, &[]),
        (alert, Topic::Alerts, &["write to"]),
        (alert, Topic::Trust, &["write to"]),
        (access, Topic::Trust, &["read", "write to"]),
    ] {
        assert_eq!(missed(text, topic), rights, "{text} {topic:?}");
    }
}
