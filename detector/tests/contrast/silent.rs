//! Each contribution names the smallest change that would have kept it silent: made so, it says nothing.

use detector::Observed;

use crate::fleet::{Call, DAY_S, Fleet, HOUR_S, NOW_S, START_S, evidence, verdict};

/// The morning after what is known of it.
const LATER_S: i64 = NOW_S + DAY_S;

/// Evidence of a share that is next to all, in micro-nats.
const NOTHING: i64 = 50_000;

/// What would have kept a signal silent, in words.
fn normal(observed: &Observed, signal: &str) -> String {
    let told = &verdict(observed).contributions;
    let told = told.iter().find(|contribution| contribution.signal == signal);
    told.unwrap_or_else(|| panic!("{signal} speaks of {observed:?}")).normal.clone()
}

/// The first number of a text.
fn number(text: &str) -> u64 {
    let digits = text.split(|c: char| !c.is_ascii_digit()).find(|word| !word.is_empty());
    digits.and_then(|word| word.parse().ok()).unwrap_or_else(|| panic!("a number in {text}"))
}

/// A fleet in which `peer-1` sent about a kilobyte twenty times, with a role of its own, on some tickets.
fn fleet() -> Fleet {
    let mut fleet = Fleet::new();
    for call in 0..20_u32 {
        let at_s = NOW_S + i64::from(call) * 1_200;
        let (session, resource) = (format!("s{call}"), format!("tickets/open/{}", call % 3));
        let usual = Call {
            bytes: 1_000 + u64::from(call) * 17,
            scopes: "read",
            session: &session,
            resource: &resource,
            ..Call::of("peer-1", at_s)
        };
        fleet.call(usual);
    }
    fleet
}

#[test]
fn what_is_new_would_have_been_silent_as_what_is_known() {
    let usual = Call { scopes: "read", ..Call::of("peer-1", LATER_S) };
    for (signal, words, strange, changed) in [
        ("destination", "the actor already used", Call { host: "new.example", ..usual }, usual),
        ("network", "used before", Call { network: (64_999, "SC"), ..usual }, usual),
        ("authority", "acted for before", Call { user: "mallory", ..usual }, usual),
        ("credential", "used before", Call { scopes: "read admin", ..usual }, usual),
        (
            "resource",
            "the actor already used",
            Call { resource: "payroll/salaries/1", ..usual },
            Call { resource: "tickets/open/1", ..usual },
        ),
    ] {
        let observed = fleet().call(strange);
        assert!(evidence(&observed, signal) > 1_000_000, "{signal}: {observed:?}");
        let told = normal(&observed, signal);
        assert!(told.contains(words), "{signal}: {told}");
        let silent = evidence(&fleet().call(changed), signal);
        assert!(silent < NOTHING, "{signal}: {silent} after {told}");
    }
}

#[test]
fn a_transfer_of_the_told_size_is_silent_and_twice_of_it_is_not() {
    let of = |bytes| fleet().call(Call { bytes, ..Call::of("peer-1", LATER_S) });
    let most = number(&normal(&of(50_000_000), "volume"));
    assert!((1_000..1_400).contains(&most), "{most}");
    assert_eq!(evidence(&of(most), "volume"), 0);
    assert!(evidence(&of(2 * most), "volume") > 0);
}

/// The evidence of the last of so many calls in a row, and what would have kept it silent.
fn last(
    calls: u64,
    signal: &str,
    call: impl Fn(&mut Fleet, u64) -> Box<Observed>,
) -> (i64, String) {
    let mut fleet = fleet();
    let observed = (0..calls).map(|number| call(&mut fleet, number)).last().expect("some calls");
    let nats = evidence(&observed, signal);
    (nats, if nats > 0 { normal(&observed, signal) } else { String::new() })
}

#[test]
fn as_many_as_told_are_silent_and_one_more_is_not() {
    let at = |number: u64| LATER_S + i64::try_from(number).expect("a small number");
    let failures = |calls: u64| {
        last(calls, "failure", |fleet, number| {
            fleet.call(Call { failed: true, ..Call::of("peer-1", at(number)) })
        })
    };
    let firsts = |calls: u64| {
        last(calls, "fan_out", |fleet, number| {
            let host = format!("h{number}.example");
            fleet.call(Call { host: &host, ..Call::of("peer-1", at(number)) })
        })
    };
    for run in [&failures as &dyn Fn(u64) -> (i64, String), &firsts] {
        let (nats, told) = run(30);
        assert!(nats > 0);
        let most = number(&told);
        assert!((1..10).contains(&most), "{told}");
        assert_eq!(run(most).0, 0, "{told}");
        assert!(run(most + 1).0 > 0, "{told}");
    }
}

#[test]
fn at_the_told_hour_or_after_a_shorter_pause_it_is_silent() {
    let at = |at_s: i64| fleet().call(Call::of("peer-1", at_s));
    let night = START_S + 9 * DAY_S + 2 * HOUR_S;
    let told = normal(&at(night), "hours");
    let days = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
    let day = days.iter().position(|day| told.contains(day)).expect("a day");
    let hour =
        i64::try_from(day * 24).expect("a day") + i64::try_from(number(&told)).expect("an hour");
    let week = START_S + 7 * DAY_S + hour * HOUR_S;
    let near = if (week - night).abs() <= 84 * HOUR_S { week } else { week + 7 * DAY_S };
    assert!((near - night).abs() <= 84 * HOUR_S, "{told}");
    assert_eq!(evidence(&at(near), "hours"), 0, "{told}");
    let long = NOW_S + 12 * DAY_S;
    let told = normal(&at(long), "dormancy");
    let pause = i64::try_from(number(&told)).expect("days") * DAY_S;
    let last = NOW_S + 19 * 1_200;
    assert!(evidence(&at(last + pause), "dormancy") > 0, "{told}");
    assert_eq!(evidence(&at(last + pause - 1), "dormancy"), 0, "{told}");
}
