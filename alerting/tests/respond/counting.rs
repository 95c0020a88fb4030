//! The counting rule: what opens, updates and closes an alert.

use alerting::{Mode, Respond, Response, Settings};
use schemas::Authority;
use schemas::finding::Finding;
use schemas::trust::Level;

use crate::findings::{HOUR_MS, MINUTE_MS, Told, alerts, epoch, fold, level, verdict};

/// `+` opened, `=` updated, `x` closed, in order of the responses; alerts by the order of their opening.
fn story(findings: &[Finding]) -> String {
    let mut respond = fold(Mode::Alert);
    let mut known: Vec<String> = Vec::new();
    let mut words = Vec::new();
    for finding in findings {
        let mut word = String::new();
        for alert in alerts(&respond.apply(finding)) {
            let uid = alert.finding_info.uid.clone();
            let sign = match alert.activity_id {
                1 => '+',
                2 => '=',
                _ => 'x',
            };
            let at = known.iter().position(|id| *id == uid).unwrap_or_else(|| {
                known.push(uid);
                known.len() - 1
            });
            word.push_str(&format!("{sign}{at}"));
        }
        words.push(if word.is_empty() { "-".to_owned() } else { word });
    }
    words.join(" ")
}

fn led_by(signal: &str, at_ms: i64) -> Told {
    Told { signals: vec![(signal.to_owned(), 5_000_000)], at_ms, ..Told::default() }
}

#[test]
fn the_counting_rule() {
    let check = |told: &[Told], expected: &str| {
        let findings: Vec<Finding> =
            (0u64..).zip(told).map(|(offset, told)| verdict(offset, told)).collect();
        assert_eq!(story(&findings), expected, "{told:#?}");
    };
    let rp = |return_period: f64| Told { return_period, ..Told::default() };
    check(&[rp(0.99), rp(1.0), rp(0.5), rp(2.0)], "- +0 - =0");
    check(&[rp(f64::NAN), rp(f64::INFINITY)], "- +0");
    check(&[led_by("destination", 0), led_by("volume", 1), led_by("destination", 2)], "+0 +1 =0");
    let other =
        |agent: &str, authority| Told { agent: agent.to_owned(), authority, ..Told::default() };
    check(
        &[
            other("a", Authority::Delegated),
            other("a", Authority::Autonomous),
            other("b", Authority::Delegated),
            other("a", Authority::Delegated),
        ],
        "+0 +1 +2 =0",
    );
    // 12 h of log time without an event close it; an update starts the 12 h anew.
    check(&[led_by("rate", 0), led_by("rate", 12 * HOUR_MS - 1)], "+0 =0");
    check(&[led_by("rate", 0), led_by("rate", 12 * HOUR_MS)], "+0 x0+1");
    check(
        &[led_by("rate", 0), led_by("rate", 11 * HOUR_MS), led_by("rate", 22 * HOUR_MS)],
        "+0 =0 =0",
    );
    // Log time does not run backwards.
    check(
        &[led_by("rate", 5 * HOUR_MS), led_by("rate", 0), led_by("rate", 16 * HOUR_MS)],
        "+0 =0 =0",
    );
}

#[test]
fn any_later_entry_of_the_tenant_closes_in_order_of_time() {
    let late = |agent: &str, at_ms| {
        let told = Told { agent: agent.to_owned(), ..led_by("rate", at_ms) };
        verdict(u64::try_from(at_ms).unwrap(), &told)
    };
    let first = [late("b", 0), late("a", 1), late("c", 2)];
    let story_with = |last: Finding| {
        let mut findings = first.to_vec();
        findings.push(last);
        story(&findings)
    };
    assert_eq!(story_with(epoch(9, 13 * HOUR_MS)), "+0 +1 +2 x0x1x2");
    let changed = level(9, 13 * HOUR_MS, "z", Level::Watch, 70.0);
    assert_eq!(story_with(changed), "+0 +1 +2 x0x1x2");
    assert_eq!(story_with(epoch(9, 12 * HOUR_MS + 1)), "+0 +1 +2 x0x1");
    // Another tenant's time is not ours.
    let mut elsewhere = epoch(9, 13 * HOUR_MS);
    elsewhere.tenant_id = "other".to_owned();
    assert_eq!(story_with(elsewhere), "+0 +1 +2 -");
}

#[test]
fn an_alert_keeps_its_id_and_its_worst_event() {
    let mut respond = fold(Mode::Alert);
    let told = |at_ms: i64, strength: i64, trust| Told {
        at_ms,
        signals: vec![("destination".to_owned(), strength)],
        trust,
        ..Told::default()
    };
    let mut last = respond.apply(&verdict(0, &told(0, 5_000_000, (90.0, 80.0))));
    let opened = alerts(&last)[0].clone();
    assert_eq!(opened.metadata.uid, opened.finding_info.uid);
    let strengths = [9_000_000, 4_000_000, 6_000_000];
    for (n, strength) in (1u8..).zip(strengths) {
        let offset = u64::from(n);
        let trust = (80.0, 70.0 - f64::from(n));
        last = respond.apply(&verdict(offset, &told(i64::from(n) * MINUTE_MS, strength, trust)));
        let expected = Response::AlertRef {
            activity_id: format!("e-{n}"),
            alert_id: opened.finding_info.uid.clone(),
            opened: false,
            joined: false,
        };
        assert_eq!(last[0], expected);
    }
    let alert = alerts(&last)[0];
    assert_eq!(alert.finding_info.uid, opened.finding_info.uid);
    assert_ne!(alert.metadata.uid, opened.metadata.uid);
    assert_eq!((alert.activity_id, alert.count), (2, Some(4)));
    let habitus = &alert.unmapped.habitus;
    assert_eq!(habitus.score_micronats.0, 9_000_000);
    assert_eq!(habitus.contributions.iter().map(|c| c.micronats.0).sum::<i64>(), 9_000_000);
    let trust = (habitus.trust_score_previous, habitus.trust_score);
    assert_eq!(format!("{trust:?}"), "(90.0, 67.0)");
    let events: Vec<&str> =
        alert.finding_info.related_events.iter().map(|event| event.uid.as_str()).collect();
    assert_eq!(events, ["e-0", "e-1", "e-2", "e-3"]);
}

#[test]
fn related_events_are_bounded() {
    let mut respond = fold(Mode::Alert);
    let mut last = Vec::new();
    for offset in 0..100 {
        last = respond.apply(&verdict(offset, &Told::default()));
    }
    let info = &alerts(&last)[0].finding_info;
    assert_eq!((info.related_events.len(), info.related_events_count), (32, 100));
    assert_eq!(info.related_events[31].uid, "e-99");
}

#[test]
fn a_chain_is_as_trusted_as_its_weakest_link() {
    let mut respond: Respond = fold(Mode::Alert);
    respond.apply(&level(0, 0, "orchestrator", Level::Restricted, 50.0));
    let mut told = Told::default();
    let chain = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
    let mut effective = |offset: u64, ids: &[&str]| {
        told.facts.chain = chain(ids);
        let responses = respond.apply(&verdict(offset, &told));
        format!("{:.3}", alerts(&responses)[0].unmapped.habitus.trust_effective)
    };
    assert_eq!(effective(1, &[]), "65.000");
    assert_eq!(effective(2, &["bob", "invoice-bot"]), "65.000");
    assert_eq!(effective(3, &["bob", "orchestrator", "invoice-bot"]), "50.000");
    assert_eq!(effective(4, &["bob", "x", "orchestrator", "invoice-bot"]), "47.500");
}

#[test]
fn the_longest_idle_actors_leave_when_there_are_too_many() {
    const CASES_MAX: u64 = 1 << 18;
    let mut respond = fold(Mode::Alert);
    // The first one has an open alert: it stays.
    let alerted = Told { agent: "agent-0".to_owned(), ..Told::default() };
    respond.apply(&verdict(0, &alerted));
    for n in 1..CASES_MAX {
        let at_ms = i64::try_from(n).expect("a few thousand") / 100;
        respond.apply(&level(n, at_ms, &format!("agent-{n}"), Level::Watch, 70.0));
    }
    respond.touched();
    assert_eq!((respond.counts().cases, respond.counts().cases_evicted), (CASES_MAX, 0));
    respond.apply(&level(CASES_MAX, MINUTE_MS, "one too many", Level::Watch, 70.0));
    let left = CASES_MAX / 16;
    let counts = respond.counts();
    assert_eq!((counts.cases, counts.cases_evicted), (CASES_MAX + 1 - left, left));
    let gone = respond.touched().into_iter().filter(|(_, record)| record.is_empty());
    let mut gone: Vec<u64> = gone
        .map(|(key, _)| {
            key.trim_start_matches("acme|delegated|agent-")
                .parse()
                .expect("a key ends in the number given above")
        })
        .collect();
    gone.sort_unstable();
    // Those of the oldest hundredths of a second; within the last of them, by name.
    assert_eq!(gone.len() as u64, left);
    assert!(gone.iter().take(left as usize - 100).copied().eq(1..=left - 100), "{:?}", &gone[..9]);
}

#[test]
fn an_open_alert_is_told_again_once_an_interval_or_when_what_people_act_on_changes() {
    let settings = Settings { mode: Mode::Alert, repeat_ms: HOUR_MS, ..Settings::default() };
    let mut respond = Respond::new(settings);
    let (mut told, mut refs) = (Vec::new(), 0);
    let mut tell = |respond: &mut Respond, finding: &Finding| {
        let responses = respond.apply(finding);
        let is_ref = |response: &&Response| matches!(response, Response::AlertRef { .. });
        refs += responses.iter().filter(is_ref).count();
        let counts = |alert: &&alerting::ocsf::DetectionFinding| (alert.activity_id, alert.count);
        told.extend(alerts(&responses).iter().map(counts));
    };
    for n in 0..=12_u32 {
        let at_ms = i64::from(n) * 10 * MINUTE_MS;
        tell(&mut respond, &verdict(n.into(), &Told { at_ms, ..Told::default() }));
    }
    let worse = Told { at_ms: 121 * MINUTE_MS, level: Level::Restricted, ..Told::default() };
    tell(&mut respond, &verdict(13, &worse));
    assert_eq!(respond.counts().updates_withheld, 10);
    tell(&mut respond, &epoch(14, 15 * HOUR_MS));
    let expected = [(1, 1), (2, 7), (2, 13), (2, 14), (3, 14)];
    assert_eq!(told, expected.map(|(phase, count)| (phase, Some(count))));
    assert_eq!(refs, 14, "which alert an activity belongs to is told each time");
}
