//! Whoever wants to be usual: one test for each rule that keeps a patient or a busy attacker from teaching what is normal.

use baseline::part::drift::Drift;

use crate::fleet::{Call, DAY_S, Fleet, HOUR_S, KEY, NOW_S, evidence};

/// The morning after what is known of it.
const LATER_S: i64 = NOW_S + DAY_S;

fn drop<'a>(agent: &'a str, at_s: i64, session: &'a str) -> Call<'a> {
    Call { host: "drop.example", purpose: "tickets", session, ..Call::of(agent, at_s) }
}

/// A fleet that knows its work for a purpose.
fn fleet() -> Fleet {
    let mut fleet = Fleet::new();
    for session in 0..40_i64 {
        let (agent, name) = (format!("peer-{}", session % 12), format!("ticket-{session}"));
        let at_s = NOW_S + session * 600;
        let usual = Call { purpose: "tickets", session: &name, ..Call::of(&agent, at_s) };
        fleet.call(usual);
    }
    fleet
}

#[test]
fn score_before_learning() {
    let (mut learning, mut frozen) = (fleet(), fleet());
    frozen.fold.freeze(true);
    let first = learning.call(drop("peer-1", LATER_S, "a"));
    assert!(evidence(&first, "destination") >= KEY, "{first:?}");
    // What an activity teaches it does not know of itself, however late in its session it comes.
    assert_eq!(first.score(), frozen.call(drop("peer-1", LATER_S, "a")).score());
    let again = learning.call(drop("peer-1", LATER_S + 600, "a"));
    assert!(evidence(&again, "destination") >= KEY, "{again:?}");
}

#[test]
fn fractional_learning() {
    let strange = |sessions: i64| {
        let mut fleet = fleet();
        for session in 0..sessions {
            let name = format!("attack-{session}");
            fleet.call(drop("peer-1", LATER_S + session * 400, &name));
        }
        evidence(&fleet.call(drop("peer-2", LATER_S + 30_000, "b")), "destination")
    };
    let (never, few, many) = (strange(0), strange(8), strange(60));
    println!("never {never}, after 8 sessions {few}, after 60 {many}");
    // One session of whole weight would have made it known.
    assert!(never >= KEY && few >= KEY, "never {never}, after 8 sessions {few}");
    assert!(many < few, "what goes on for long may become usual: {many}");
}

/// The evidence of a destination that is new to all, the day after one agent had so many sessions with such.
fn after_flood(sessions: i64) -> i64 {
    let mut fleet = fleet();
    // Two weeks until the days of each agent are known.
    for hour in (24..16 * 24).filter(|hour| (8..18).contains(&(hour % 24))) {
        for step in 0..3 {
            for peer in 0..12 {
                let at_s = NOW_S - 9 * HOUR_S + hour * HOUR_S + step * 1_100 + peer * 7;
                fleet.work(&format!("peer-{peer}"), at_s, step);
            }
        }
    }
    let day = NOW_S + 16 * DAY_S;
    for session in 0..sessions {
        let (name, host) = (format!("flood-{session}"), format!("x{session}.example"));
        let call = Call::of("peer-1", day + session * 10);
        fleet.call(Call { host: &host, session: &name, ..call });
    }
    let call = Call { host: "fresh.example", ..Call::of("peer-7", day + DAY_S) };
    evidence(&fleet.call(call), "destination")
}

#[test]
fn rationed_sessions_and_a_capped_share_of_one_agent() {
    // Four times its usual day of ten sessions.
    let [none, ration, flood] = [0, 40, 3_000].map(after_flood);
    println!("none {none}, its ration {ration}, 3,000 sessions {flood}");
    assert!(none >= KEY && ration < none, "none {none}, its ration {ration}");
    // In quarantine one session an hour still votes.
    assert!(2 * flood >= ration && flood >= KEY, "beyond its ration: {flood} of {ration}");
}

#[test]
fn a_slow_anchor_with_a_speed_limit() {
    let mut drift = Drift::default();
    let mut work = |day: u16, sessions: u16| {
        (0..sessions).for_each(|_| drift.see(day, true, std::iter::empty()));
        let (today, usual) = drift.sessions(day);
        (drift.news(day, day + 1).map_or(0.0, |news| news.nats), usual, today)
    };
    let mut before = 0.0;
    for day in 1..=40 {
        (_, before, _) = work(day, 20 + day % 3);
    }
    let mut told = 0.0_f64;
    // Ten days of 8 % more each.
    for (day, sessions) in (41..=50).zip([22, 24, 26, 28, 30, 33, 35, 38, 41, 45]) {
        let (nats, usual, today) = work(day, sessions);
        told = told.max(nats);
        println!("day {day}: {today} sessions, usual {usual:.1}, {nats:.1} nats");
        assert!(usual <= before * 1.08, "5 % a week: {usual} after {before}");
    }
    assert!(told * 1e6 >= 4.6e6, "told before it has doubled: {told}");
}
