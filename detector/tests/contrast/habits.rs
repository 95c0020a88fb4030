//! What a habit made of clumsy statistics would miss or cry out at: a perfect rhythm, a quiet neighbour, a long
//! history, invented company.

use schemas::choice::ActionType;

use crate::fleet::{Call, DAY_S, Fleet, HOUR_S, KEY, NOW_S, START_S, evidence};

#[test]
fn a_burst_after_a_perfect_rhythm_stands_out_from_it() {
    let mut fleet = Fleet::new();
    let mut calm = 0;
    for call in 0..300 {
        let observed = fleet.call(Call::of("metronome", NOW_S + call * 6));
        calm = calm.max(evidence(&observed, "rate"));
    }
    let mut burst = Vec::new();
    for call in 0..10_000 {
        let observed = fleet.call(Call::of("metronome", NOW_S + 1_800 + call / 200));
        burst.push(evidence(&observed, "rate"));
    }
    // A newcomer that works a hundred times as fast as its peers is strange from the start: what counts is the leap.
    let leap = calm + 2 * KEY;
    let found = burst.iter().position(|nats| *nats > leap);
    println!("calm {calm}, burst {:?}, found at call {found:?}", burst.iter().max());
    assert!(found.is_some_and(|call| call < 1_000), "found within the burst: {found:?}");
}

#[test]
fn a_quiet_agent_after_a_busy_one_is_no_news_but_its_own_burst_is() {
    let mut fleet = Fleet::new();
    for call in 0..5_000 {
        fleet.call(Call { host: "queue.example.io", ..Call::of("busy", NOW_S + call / 4) });
    }
    let mut quiet = 0;
    for step in 0..20 {
        let observed = fleet.work("peer-3", NOW_S + 1_300 + step * 540, step);
        quiet = quiet.max(evidence(&observed, "rate"));
        assert!(observed.return_period_actor_months < 1.0, "{observed:?}");
    }
    let mut loud = 0;
    for call in 0..1_000 {
        let observed = fleet.call(Call::of("peer-4", NOW_S + 13_000 + call / 20));
        loud = loud.max(evidence(&observed, "rate"));
    }
    println!("quiet {quiet}, loud {loud}");
    assert!(quiet < KEY && loud > KEY, "quiet {quiet}, loud {loud}");
}

#[test]
fn one_new_step_is_as_strange_after_a_long_history_as_after_a_short_one() {
    let mut last = 0;
    for history in [10, 20, 40, 1_000] {
        let mut fleet = Fleet::new();
        let mut usual = 0;
        for step in 0..history {
            let observed = fleet.work("peer-5", NOW_S + step * 60, step);
            usual = usual.max(evidence(&observed, "sequence"));
        }
        let at_s = NOW_S + history * 60;
        // Both tools are known, the way from one to the other is not.
        let tool = ["search", "read", "write"][usize::try_from((history + 1) % 3).expect("a step")];
        let observed = fleet.call(Call { tool, ..Call::of("peer-5", at_s) });
        let new = evidence(&observed, "sequence");
        println!("after {history}: usual {usual}, new {new}");
        assert!(new > usual, "after {history}: {new} beside {usual}");
        assert!(new + 500_000 >= last, "a long history hides nothing: {new} after {last}");
        last = last.max(new);
    }
}

#[test]
fn a_session_run_backwards_says_more_than_a_slip_in_it() {
    let steps = |backwards: bool| {
        let mut fleet = Fleet::new();
        let mut found = Vec::new();
        for step in 0..9 {
            let place = if backwards { 8 - step } else { step + i64::from(step > 3) };
            let tool = ["search", "read", "write"][usize::try_from(place % 3).expect("a step")];
            let session = "an-odd-one";
            let observed =
                fleet.call(Call { tool, session, ..Call::of("peer-5", NOW_S + step * 6) });
            found.push(evidence(&observed, "sequence"));
        }
        found
    };
    let (slip, backwards) = (steps(false), steps(true));
    println!("slip {slip:?}, backwards {backwards:?}");
    let most = |found: &[i64]| found.iter().copied().max().unwrap_or(0);
    assert!(most(&slip) > 0, "a slip is told");
    assert!(most(&backwards) > most(&slip) + KEY, "they add up: {backwards:?} beside {slip:?}");
    assert!(backwards.windows(2).skip(2).all(|pair| pair[0] <= pair[1]), "{backwards:?}");
}

#[test]
fn a_new_network_country_or_user_is_told_from_the_usual_one() {
    let usual = Call::of("peer-6", NOW_S);
    for (name, signal, strange) in [
        ("network", "network", Call { network: (64_999, "DE"), ..usual }),
        ("country", "network", Call { network: (64_500, "SC"), ..usual }),
        ("user", "authority", Call { user: "mallory", ..usual }),
    ] {
        let known = evidence(&Fleet::new().call(usual), signal);
        let new = evidence(&Fleet::new().call(strange), signal);
        println!("{name}: usual {known}, new {new}");
        assert!(new > known + 2_000_000, "{name}: {new} beside {known}");
    }
}

/// The highest evidence of a newcomer that makes `calls` calls within a minute.
fn newcomer(fleet: &mut Fleet, at_s: i64, calls: i64) -> i64 {
    (0..calls)
        .map(|call| {
            let observed = fleet.call(Call::of("newcomer", at_s + call * 50 / calls));
            evidence(&observed, "rate")
        })
        .max()
        .unwrap_or(0)
}

#[test]
fn invented_agents_do_not_make_floods_usual() {
    let before = newcomer(&mut Fleet::new(), NOW_S + DAY_S, 200);
    let mut fleet = Fleet::new();
    for index in 0..1_000 {
        let agent = format!("invented-{index}");
        for call in 0..40 {
            fleet.call(Call::of(&agent, NOW_S + index * 20 + call / 4));
        }
    }
    let after = newcomer(&mut fleet, NOW_S + DAY_S, 200);
    let calm = newcomer(&mut Fleet::new(), NOW_S + DAY_S, 2);
    println!("calm {calm}, flood {before}, after 1,000 invented floods {after}");
    assert!(calm < KEY && before >= KEY, "calm {calm}, flood {before}");
    assert!(2 * after >= before, "a thousand invented agents halve no flood: {after} of {before}");
}

#[test]
fn an_hour_far_from_the_habit_is_told_and_one_beside_it_hardly() {
    let at = |hour: i64| {
        let observed = Fleet::new().call(Call::of("peer-7", START_S + 7 * DAY_S + hour * HOUR_S));
        evidence(&observed, "hours")
    };
    let [usual, late, night] = [10, 18, 27].map(at);
    println!("usual {usual}, an hour late {late}, at night {night}");
    assert!(usual < KEY && night > KEY, "usual {usual}, at night {night}");
    assert!(night >= late && late > usual, "an hour late {late}, at night {night}");
}

#[test]
fn a_role_that_was_never_used_is_told_from_the_usual_one() {
    let granted = |scopes: &str| {
        let mut fleet = Fleet::new();
        for call in 0..20 {
            let session = format!("s{call}");
            let usual = Call::of("peer-8", NOW_S + call * 1_200);
            fleet.call(Call { scopes: "read", session: &session, ..usual });
        }
        let call = Call { scopes, session: "now", ..Call::of("peer-8", NOW_S + DAY_S) };
        evidence(&fleet.call(call), "credential")
    };
    let (usual, new) = (granted("read"), granted("read admin"));
    println!("usual {usual}, new {new}");
    assert!(new > usual + 2_000_000, "{new} beside {usual}");
}

#[test]
fn starting_child_agents_is_told_of_whom_never_did_and_not_of_whom_always_does() {
    let started = |habit: bool, children: i64| {
        let mut fleet = Fleet::new();
        let mut work = |session: &str, at_s: i64, children: i64| {
            fleet.call(Call { session, ..Call::of("peer-9", at_s) });
            let starts = (1..=children).map(|child| {
                let resource = format!("agents/helper-{child}");
                let kind = ActionType::AgentSpawn;
                let start = Call { kind, tool: "", host: "", ..Call::of("peer-9", at_s + child) };
                fleet.call(Call { session, resource: &resource, ..start })
            });
            starts.collect::<Vec<_>>()
        };
        for session in 0..60 {
            let at_s = NOW_S + session / 20 * DAY_S + session % 20 * 1_500;
            work(&format!("s{session}"), at_s, i64::from(habit));
        }
        let observed = work("now", NOW_S + 3 * DAY_S, children);
        let most = |signal| observed.iter().map(|o| evidence(o, signal)).max().unwrap_or(0);
        let rarest = observed.iter().map(|o| o.return_period_actor_months).fold(0.0, f64::max);
        (most("purpose"), most("fan_out"), rarest)
    };
    let (usual, usual_many, calm) = started(true, 1);
    let (new, _, told) = started(false, 1);
    let (_, many, _) = started(true, 60);
    println!(
        "usual {usual}, {calm} months; new {new}, {told} months; 60 at once {usual_many}, {many}"
    );
    assert!(usual < KEY && calm < 1.0, "who always does is silent: {usual}, {calm} months");
    assert!(new >= 2 * KEY && told > 100.0, "who never did alerts: {new}, {told} months");
    assert!(usual_many < KEY && many >= KEY, "and who starts sixty: {many} beside {usual_many}");
}

#[test]
fn growth_over_ten_days_is_told_before_the_work_has_doubled() {
    let told = |growth: f64| {
        let mut fleet = Fleet::new();
        let (mut most, mut factor) = (0, 1.0_f64);
        for day in 0..50_i64 {
            factor *= if day < 40 { 1.0 } else { growth };
            let sessions = f64::from(20 + i32::try_from(day % 3).expect("a digit")) * factor;
            #[expect(clippy::cast_possible_truncation, reason = "below a hundred")]
            let sessions = sessions as i64;
            for session in 0..sessions {
                let name = format!("{day}-{session}");
                let at_s = NOW_S + day * DAY_S + session * 36_000 / sessions;
                let call = Call { session: &name, ..Call::of("grower", at_s) };
                most = most.max(evidence(&fleet.call(call), "drift"));
            }
            if factor >= 2.0 {
                break;
            }
        }
        most
    };
    let (steady, poisoned) = (told(1.0), told(1.07));
    println!("steady {steady}, poisoned {poisoned}");
    assert!(steady < KEY && poisoned >= KEY, "steady {steady}, poisoned {poisoned}");
}
