//! Whoever wants to be usual: one test for each rule that keeps a patient or a busy attacker from teaching what is normal.
//!
//! | rule | test |
//! |---|---|
//! | score before learning | `score_before_learning` |
//! | fractional learning | `fractional_learning` |
//! | winsorised moments | `winsorised_moments` |
//! | long exposure of rates | `a_new_heavy_load_is_told_day_after_day` |
//! | quarantine | `quarantine` |
//! | anchor with a speed limit | `a_slow_anchor_with_a_speed_limit` |
//! | vote rationing | `rare_votes_are_rationed`, in `src/vote.rs` |
//! | capped peer contribution | `a_capped_share_of_one_agent_in_its_group` |
//! | session rationing | `rationed_sessions`, `invented_agents_do_not_make_floods_usual` in `habits.rs` |

use baseline::part::drift::Drift;
use schemas::trust::Level;

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
fn rationed_sessions() {
    // Four times its usual day of ten sessions.
    let [none, ration, flood] = [0, 40, 3_000].map(after_flood);
    println!("none {none}, its ration {ration}, 3,000 sessions {flood}");
    assert!(none >= KEY && ration < none, "none {none}, its ration {ration}");
    // In quarantine one session an hour still votes.
    assert!(2 * flood >= ration && flood >= KEY, "beyond its ration: {flood} of {ration}");
}

/// Sessions of a day that the shared tables count, of twelve agents that have ten and one that has so many, on its first
/// days and when its own days are long known.
fn counted(loud: i64) -> [i64; 2] {
    let mut fleet = Fleet::new();
    let mut votes = Vec::new();
    for day in 7..27 {
        for hour in (0..24).filter(|hour| (8..18).contains(hour)) {
            let at_s = NOW_S + (day - 7) * DAY_S + (hour - 9) * HOUR_S;
            for peer in 0..12 {
                fleet.work(&format!("peer-{peer}"), at_s + peer * 7, 0);
            }
            for session in 0..loud / 10 {
                let name = format!("{day}-{hour}-{session}");
                let call = Call::of("loud", at_s + 100 + session * 30_000 / loud);
                fleet.call(Call { session: &name, ..call });
            }
        }
        votes.push(fleet.votes);
    }
    // The last epoch of a day ends with the next.
    [votes[4] - votes[3], votes[19] - votes[18]]
}

#[test]
fn a_capped_share_of_one_agent_in_its_group() {
    let [alone, usual, loud] = [0, 10, 600].map(counted);
    println!("alone {alone:?}, one more {usual:?}, one as loud as sixty {loud:?}");
    for (((alone, usual), loud), when) in
        alone.into_iter().zip(usual).zip(loud).zip(["soon", "later"])
    {
        assert!(alone < usual && usual < loud, "{when}: it counts");
        assert!(13 * (loud - alone) <= 3 * loud, "{when}: 3 of 13 at most: {loud} beside {alone}");
    }
}

#[test]
fn winsorised_moments() {
    // Whoever sends a huge load now and then to widen what is usual.
    let after = |huge: u64| {
        let mut fleet = fleet();
        for session in 0..60_i64 {
            let name = format!("load-{session}");
            let bytes = if session % 6 == 5 { huge } else { 1_000 + session.unsigned_abs() * 17 };
            let at_s = LATER_S + session * 500;
            fleet.call(Call { bytes, session: &name, ..Call::of("peer-1", at_s) });
        }
        let load = Call { bytes: 1 << 30, session: "now", ..Call::of("peer-1", LATER_S + DAY_S) };
        evidence(&fleet.call(load), "volume")
    };
    let (before, poisoned) = (after(1_500), after(1 << 30));
    println!("before {before}, after ten such loads {poisoned}");
    assert!(before >= KEY && poisoned >= KEY, "before {before}, after ten such loads {poisoned}");
}

#[test]
fn a_new_heavy_load_is_told_day_after_day() {
    // What comes each day is usual in the end, as a change of work must be; one day of it changes nothing.
    let mut fleet = fleet();
    let told = [0, 1].map(|day| {
        let at_s = LATER_S + day * DAY_S;
        let calls =
            (0..60).map(|call| evidence(&fleet.call(Call::of("peer-1", at_s + call)), "rate"));
        calls.max().unwrap_or(0)
    });
    println!("{told:?}");
    assert!(told[0] >= 2 * KEY && told[1] >= told[0] - 1_000_000, "day by day {told:?}");
}

/// When an agent last learned.
fn learned_s(fleet: &Fleet, agent: &str) -> u32 {
    let agent = fleet.fold.store().agent(&format!("default|{agent}")).expect("it is known");
    agent.actors.iter().map(|actor| actor.progress.learned_s).max().unwrap_or(0)
}

#[test]
fn quarantine() {
    let mut fleet = fleet();
    let (mut held, mut free) = (0, 0);
    for session in 0..60 {
        let name = format!("attack-{session}");
        // Every third call is the agent's own work.
        let at_s = LATER_S + session * 600;
        let call =
            if session % 3 == 0 { Call::of("peer-1", at_s) } else { drop("peer-1", at_s, &name) };
        let before = learned_s(&fleet, "peer-1");
        let observed = fleet.call(call);
        let learns = before < learned_s(&fleet, "peer-1");
        let restricted = observed.level <= Level::Restricted;
        let alerts = observed.return_period_actor_months >= 1.0;
        assert_eq!(learns, !(restricted && alerts), "{session}: {observed:?}");
        held += usize::from(!learns);
        free += usize::from(learns && restricted);
    }
    println!("{held} taught nothing, {free} of the restricted agent did");
    assert!(held > 0 && free > 0, "{held} taught nothing, {free} of the restricted agent did");
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
