//! Incidents: which alerts are gathered, when one opens, grows and closes, and that each record keeps to the schema.

use alerting::ocsf::IncidentFinding;
use alerting::{Mode, Respond, Response, Settings};
use schemas::finding::{Facts, Finding};
use schemas::incident::IncidentKind;

use crate::findings::{HOUR_MS, MINUTE_MS, Told, cause, epoch, fold, verdict};
use crate::ocsf::complaints_of_incident;

/// The incidents among responses, all of which keep to the schema.
fn incidents(responses: &[Response]) -> Vec<&IncidentFinding> {
    let mut found = Vec::new();
    for response in responses {
        if let Response::Incident(incident) = response {
            assert_eq!(complaints_of_incident(incident), Vec::<String>::new(), "{incident:#?}");
            found.push(&**incident);
        }
    }
    found
}

/// What each finding leads to: activity, kind, members, alerts.
fn story(respond: &mut Respond, findings: &[Finding]) -> Vec<(u8, IncidentKind, u64, u64)> {
    let mut story = Vec::new();
    for finding in findings {
        story.extend(incidents(&respond.apply(finding)).iter().map(|incident| {
            let own = &incident.unmapped.habitus;
            assert_eq!(own.members.len() as u64, own.members_count.min(32));
            assert_eq!(incident.finding_info_list.len() as u64, own.alerts_count.min(64));
            (incident.activity_id, own.kind, own.members_count, own.alerts_count)
        }));
    }
    story
}

/// An alert of an agent about a destination.
fn met(offset: u64, at_ms: i64, destination: &str) -> Finding {
    let destination = Some(destination.to_owned());
    let facts = Facts { destination, ..Facts::default() };
    verdict(offset, &Told { agent: format!("bot-{offset}"), at_ms, facts, ..Told::default() })
}

fn delegated(offset: u64, at_ms: i64, chain: &[&str]) -> Finding {
    let chain: Vec<String> = chain.iter().map(|link| (*link).to_owned()).collect();
    let agent = chain.last().expect("an agent").clone();
    let facts = Facts { chain, ..Facts::default() };
    verdict(offset, &Told { agent, at_ms, facts, ..Told::default() })
}

#[test]
fn five_agents_with_alerts_about_one_destination_within_an_hour_are_an_incident_until_the_last_closes()
 {
    use IncidentKind::Destination;
    let mut respond = fold(Mode::Alert);
    let mut findings: Vec<Finding> =
        (0..6).map(|n| met(n, n as i64 * 10 * MINUTE_MS, "drop.example")).collect();
    findings.push(met(6, 51 * MINUTE_MS, "elsewhere.example"));
    // An event that only updates an alert says nothing new of the incident.
    findings.push(met(5, 52 * MINUTE_MS, "drop.example"));
    assert_eq!(story(&mut respond, &findings), [(1, Destination, 5, 5), (2, Destination, 6, 6)]);
    assert_eq!(respond.counts().open_incidents, 1);
    let quiet = [epoch(8, 12 * HOUR_MS + 45 * MINUTE_MS), epoch(9, 13 * HOUR_MS)];
    assert_eq!(story(&mut respond, &quiet), [(3, Destination, 6, 6)]);
    assert_eq!(respond.counts().open_incidents, 0);
    // Four in an hour and another one later are five alerts.
    let mut respond = fold(Mode::Alert);
    let slow: Vec<Finding> =
        (0..9).map(|n| met(n, n as i64 * 15 * MINUTE_MS, "drop.example")).collect();
    assert_eq!(story(&mut respond, &slow), []);
}

#[test]
fn two_agents_that_act_for_one_root_are_an_incident() {
    use IncidentKind::Delegation;
    let mut respond = fold(Mode::Alert);
    let findings = [
        delegated(0, 0, &["alice", "planner"]),
        delegated(1, HOUR_MS, &["bob", "planner-2"]),
        delegated(2, 2 * HOUR_MS, &["alice", "planner", "worker"]),
    ];
    assert_eq!(story(&mut respond, &findings), [(1, Delegation, 2, 2)]);
    let last =
        incidents(&respond.apply(&delegated(3, 2 * HOUR_MS, &["alice", "planner", "helper"])))
            .first()
            .map(|incident| {
                let uids: Vec<String> =
                    incident.finding_info_list.iter().map(|a| a.uid.clone()).collect();
                (incident.message.clone(), incident.metadata.correlation_uid.clone(), uids)
            })
            .expect("it grows");
    assert_eq!(last.0, "3 agents that act for alice raise alerts.");
    let opened = findings[2].source.derive("incident/delegation/alice");
    assert_eq!(last.1, Some(opened));
    assert_eq!(last.2.len(), 3);
    assert_eq!(last.2[0], findings[0].source.derive("alert"));
}

#[test]
fn who_joins_an_alert_of_its_blueprint_is_a_member_of_an_incident() {
    let mut respond = fold(Mode::Alert);
    let fresh = |n: u64| {
        let causes = vec![cause("destination", 7, true)];
        let signals = vec![("destination".to_owned(), 9_000_000)];
        verdict(n, &Told { agent: format!("bot-{n}"), causes, signals, ..Told::default() })
    };
    let findings: Vec<Finding> = (0..40).map(fresh).collect();
    let story = story(&mut respond, &findings);
    assert_eq!(story.first(), Some(&(1, IncidentKind::Blueprint, 2, 1)));
    assert_eq!(story.iter().filter(|told| told.0 == 1).count(), 1, "{story:?}");
    assert!(story.last().is_some_and(|told| told.2 > 32 && told.3 == 1), "{story:?}");
}

#[test]
fn incidents_keep_to_the_interval_and_go_on_after_a_restart() {
    let settings = Settings { mode: Mode::Alert, repeat_ms: HOUR_MS, ..Settings::default() };
    let mut respond = Respond::new(settings.clone());
    let mut findings: Vec<Finding> =
        (0..8).map(|n| met(n, n as i64 * MINUTE_MS, "drop.example")).collect();
    findings.push(met(8, 2 * HOUR_MS, "drop.example"));
    findings.push(epoch(9, 20 * HOUR_MS));
    let mut restored = Respond::new(settings.clone());
    let mut phases = Vec::new();
    for finding in &findings {
        let responses = respond.apply(finding);
        assert_eq!(restored.apply(finding), responses);
        let saved = respond.touched();
        // Every record since the start, as a compacted topic holds them.
        phases.extend(saved);
        let mut newest = std::collections::BTreeMap::new();
        newest.extend(phases.iter().cloned());
        restored = Respond::new(settings.clone());
        for (key, bytes) in &newest {
            restored.load(key, bytes).expect("a record");
        }
    }
    assert_eq!(respond.counts().updates_withheld, 3, "of the sixth to the eighth");
    assert_eq!(restored.counts().open_incidents, 0);
    let left = phases.iter().rfind(|(key, _)| key.contains("|~incident/"));
    assert!(left.is_some_and(|(_, bytes)| bytes.is_empty()), "nothing of it is kept");
}
