//! One alert for what is new to a whole blueprint: others join it, and whatever it does not explain opens its own.

use alerting::{Mode, Respond, Response};
use schemas::trust::Level;

use crate::findings::{HOUR_MS, MINUTE_MS, Told, alerts, cause, fold, requests, verdict};
use crate::ocsf::complaints;

const DAY_MS: i64 = 24 * HOUR_MS;

/// A verdict of an agent led by a destination that its blueprint does not know, unless told otherwise.
fn new_to_all(agent: u64, at_ms: i64) -> Told {
    Told {
        agent: format!("agent-{agent}"),
        at_ms,
        signals: vec![("destination".to_owned(), 9_000_000)],
        causes: vec![cause("destination", 7, true)],
        ..Told::default()
    }
}

/// What a verdict did: the id of its alert, whether it opened it, and whether it joined that of another.
fn reference(responses: &[Response]) -> (String, bool, bool) {
    let mut refs = responses.iter().filter_map(|response| match response {
        Response::AlertRef { alert_id, opened, joined, .. } => {
            Some((alert_id.clone(), *opened, *joined))
        }
        _ => None,
    });
    refs.next().expect("an alerting verdict has an alert")
}

fn say(respond: &mut Respond, offset: u64, told: &Told) -> Vec<Response> {
    respond.apply(&verdict(offset, told))
}

#[test]
fn others_of_the_blueprint_join_the_first_alert() {
    let mut respond = fold(Mode::Alert);
    let first = say(&mut respond, 0, &new_to_all(0, 0));
    let (id, opened, _) = reference(&first);
    assert!(opened);
    let mut last = first;
    for agent in 1..=40 {
        let at_ms = i64::try_from(agent).unwrap() * 3 * HOUR_MS;
        last = say(&mut respond, agent, &new_to_all(agent, at_ms));
        assert_eq!(reference(&last), (id.clone(), false, true));
        let alert = alerts(&last)[0];
        assert_eq!(complaints(alert), Vec::<String>::new());
        let shared = alert.unmapped.habitus.shared.as_ref().expect("it is about something");
        assert_eq!((shared.members.len() as u64).min(32), agent.min(32));
        assert_eq!(shared.members_exact, agent <= 32, "{shared:?}");
        assert!(shared.members_count >= agent.min(33) && shared.name == "thing-7.example");
        assert_eq!(alert.unmapped.habitus.agent_id, "agent-0");
        assert!(alert.finding_info.desc.contains("thing-7.example"), "{}", alert.finding_info.desc);
    }
    assert_eq!(alerts(&last)[0].count, Some(41));
    let counts = respond.counts();
    assert_eq!((counts.joined, counts.open_alerts, counts.cases), (40, 1, 41));
}

#[test]
fn what_the_cause_does_not_explain_opens_an_alert_of_its_own() {
    let opens = |told: Told| {
        let mut respond = fold(Mode::Alert);
        let (first, ..) = reference(&say(&mut respond, 0, &new_to_all(0, 0)));
        let (id, opened, joined) = reference(&say(&mut respond, 1, &told));
        assert!(opened != joined && opened == (id != first), "{told:?}");
        opened
    };
    let usual = || new_to_all(1, MINUTE_MS);
    let also = |signal: &str, nats: i64| {
        let mut told = usual();
        told.signals.push((signal.to_owned(), nats));
        told
    };
    assert!(!opens(usual()));
    // A second key, be it of the same family or another, unless it is about the same.
    assert!(opens(also("volume", 4_600_000)));
    assert!(opens(also("network", 4_600_000)));
    assert!(!opens(also("volume", 4_599_999)));
    let mut both = also("purpose", 6_000_000);
    both.causes.push(cause("purpose", 8, true));
    assert!(opens(both.clone()), "the first alert was not about that");
    both.causes.push(cause("purpose", 7, false));
    assert!(!opens(both));
    assert!(opens(Told { hard_indicator: Some("canary".to_owned()), ..usual() }));
    assert!(opens(Told { causes: vec![cause("destination", 8, true)], ..usual() }));
    assert!(opens(Told { causes: vec![cause("volume", 7, true)], ..usual() }));
    assert!(opens(Told { causes: Vec::new(), ..usual() }));
}

#[test]
fn only_what_is_new_to_the_blueprint_is_joined_and_for_seven_days() {
    let second = |fresh: bool, at_ms: i64| {
        let mut respond = fold(Mode::Alert);
        let first = Told { causes: vec![cause("destination", 7, fresh)], ..new_to_all(0, 0) };
        let (id, ..) = reference(&say(&mut respond, 0, &first));
        let responses = say(&mut respond, 1, &new_to_all(1, at_ms));
        let (joined, ..) = reference(&responses);
        let phases: Vec<u8> = alerts(&responses).iter().map(|alert| alert.activity_id).collect();
        (joined == id, phases)
    };
    assert_eq!(second(false, MINUTE_MS), (false, vec![1]));
    assert_eq!(second(true, MINUTE_MS), (true, vec![2]));
    // It was closed meanwhile, and goes on under its id.
    assert_eq!(second(true, 7 * DAY_MS - 1), (true, vec![3, 2]));
    assert_eq!(second(true, 7 * DAY_MS), (false, vec![3, 1]));
}

#[test]
fn what_its_actor_opens_meanwhile_stands_beside_an_alert_that_is_joined_again() {
    let mut respond = fold(Mode::Alert);
    let (first, ..) = reference(&say(&mut respond, 0, &new_to_all(0, 0)));
    let other = Told { causes: vec![cause("destination", 8, true)], ..new_to_all(0, DAY_MS) };
    let (second, opened, _) = reference(&say(&mut respond, 1, &other));
    assert!(opened && second != first);
    let joined = say(&mut respond, 2, &new_to_all(1, DAY_MS + 1));
    assert_eq!(reference(&joined), (first.clone(), false, true));
    let own = Told { at_ms: DAY_MS + 2, ..other };
    assert_eq!(reference(&say(&mut respond, 3, &own)), (second, false, false));
    assert_eq!(respond.counts().open_alerts, 2);
    let closed = respond.apply(&crate::findings::epoch(4, 2 * DAY_MS));
    assert_eq!(alerts(&closed).len(), 2);
    // The actor itself goes on with what it is about: nobody else joins by that.
    let again = say(&mut respond, 5, &new_to_all(0, 2 * DAY_MS + 1));
    assert_eq!(reference(&again), (first, false, true));
    let shared = alerts(&again)[0].unmapped.habitus.shared.clone().expect("it is shared");
    assert_eq!(shared.members, ["agent-1"]);
}

#[test]
fn a_member_answers_for_itself() {
    let mut respond = fold(Mode::Enforce);
    say(&mut respond, 0, &new_to_all(0, 0));
    let low =
        |at_ms| Told { trust: (60.0, 45.0), level: Level::Restricted, ..new_to_all(1, at_ms) };
    let responses = say(&mut respond, 1, &low(MINUTE_MS));
    let asked = requests(&responses);
    assert_eq!(asked.len(), 1, "{responses:#?}");
    assert_eq!(asked[0].subject.agent_id, "agent-1");
    let alert = alerts(&responses)[0];
    assert_eq!(asked[0].cause.alert_id.as_ref(), Some(&alert.finding_info.uid));
    assert_eq!(alert.unmapped.habitus.trust_level, Level::Watch, "that of who opened it");
    let calm = say(&mut fold(Mode::Enforce), 0, &new_to_all(0, 0));
    assert!(alert.severity_id > alerts(&calm)[0].severity_id, "as severe as its worst member");
    assert!(requests(&say(&mut respond, 2, &low(2 * MINUTE_MS))).is_empty(), "asked for once");
}

#[test]
fn alerts_that_may_be_joined_are_bounded() {
    const SHARED_MAX: u64 = 1 << 10;
    let mut respond = fold(Mode::Alert);
    for agent in 0..SHARED_MAX + 10 {
        let causes = vec![cause("destination", 1_000 + agent, true)];
        let at_ms = i64::try_from(agent).unwrap();
        say(&mut respond, agent, &Told { causes, ..new_to_all(agent, at_ms) });
    }
    assert_eq!(respond.counts().joinable, SHARED_MAX);
    let joins = |respond: &mut Respond, agent: u64| {
        let causes = vec![cause("destination", 1_000 + agent, true)];
        let told = Told { causes, ..new_to_all(5_000 + agent, HOUR_MS) };
        reference(&say(respond, 5_000 + agent, &told)).2
    };
    assert!(joins(&mut respond, SHARED_MAX + 9) && !joins(&mut respond, 9), "the oldest left");
}
