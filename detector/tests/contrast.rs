//! Pairs that must differ: the same fleet, then one agent that does as usual and one that does not. What a habit made
//! of clumsy statistics would miss or cry out at (a perfect rhythm, a quiet neighbour, a long history, invented company)
//! stands in each. They use no labelled data.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a fixture that cannot be built is a failed test"
)]

use std::borrow::Cow;
use std::sync::Arc;

use baseline::Shared;
use detector::{Observe, Observed, Outcome, Settings, Stamp};
use schemas::activity::{Action, Activity, Agent, Delegation, Endpoint, Geo, Principal, Tool};
use schemas::choice::Authority;
use schemas::finding::Body;
use schemas::time::EventTime;

const HOUR_S: i64 = 3_600;
const DAY_S: i64 = 86_400;
/// A Monday, 00:00 UTC.
const START_S: i64 = 1_767_571_200;
/// Evidence that is one of the two keys.
const KEY: i64 = 4_600_000;

/// A fleet of one blueprint in one partition.
struct Fleet {
    fold: Observe,
    shared: Arc<Shared>,
    offset: u64,
    log_ms: i64,
}

/// One call: who, when, which tool, where.
#[derive(Clone, Copy)]
struct Call<'a> {
    agent: &'a str,
    at_s: i64,
    tool: &'a str,
    host: &'a str,
    user: &'a str,
    network: (u32, &'a str),
}

impl<'a> Call<'a> {
    fn of(agent: &'a str, at_s: i64) -> Self {
        let network = (64_500, "DE");
        Self { agent, at_s, tool: "search", host: "api.example.org", user: "ann", network }
    }
}

impl Fleet {
    /// Twelve agents that work by day for a week: search, read, write, six times an hour.
    fn new() -> Self {
        let mut fleet = Self {
            fold: Observe::new(Arc::new(Settings::default())),
            shared: Arc::default(),
            offset: 0,
            log_ms: 0,
        };
        let agents: Vec<String> = (0..12).map(|index| format!("peer-{index}")).collect();
        for hour in (0..7 * 24).filter(|hour| (8..18).contains(&(hour % 24))) {
            for step in 0..6 {
                for (agent, minute) in agents.iter().zip(0..) {
                    let at_s = START_S + hour * HOUR_S + step * 540 + minute * 7;
                    fleet.work(agent, at_s, step);
                }
            }
        }
        fleet
    }

    fn work(&mut self, agent: &str, at_s: i64, step: i64) -> Box<Observed> {
        let (tool, host) = [
            ("search", "api.example.org"),
            ("read", "files.example.net"),
            ("write", "mail.example.com"),
        ][usize::try_from(step % 3).expect("a step")];
        self.call(Call { tool, host, ..Call::of(agent, at_s) })
    }

    fn call(&mut self, call: Call<'_>) -> Box<Observed> {
        self.offset += 1;
        self.log_ms = self.log_ms.max(call.at_s * 1_000);
        let stamp = Stamp {
            topic: "t",
            partition: 0,
            offset: self.offset,
            ordinal: 0,
            log_ms: self.log_ms,
        };
        if let Some(end) = self.fold.advance(&stamp) {
            for finding in &end.findings {
                if let Body::Epoch(epoch) = &finding.body {
                    let number = u32::try_from(epoch.epoch).expect("an epoch before 2100");
                    Arc::make_mut(&mut self.shared).merge(number, &epoch.increments);
                }
            }
            self.fold.take_up(Arc::clone(&self.shared));
        }
        let id = format!("e{}", self.offset);
        match self.fold.apply(&activity(&call, &id), &stamp, false) {
            Outcome::Scored(observed) => observed,
            Outcome::Duplicate => panic!("no id comes twice"),
        }
    }
}

fn activity<'a>(call: &Call<'a>, id: &'a str) -> Activity<'a> {
    let text = |text: &'a str| Some(Cow::Borrowed(text));
    let time = EventTime::from_millis(call.at_s * 1_000).expect("a time");
    let agent = Agent { id: call.agent.into(), blueprint: text("worker"), ..Agent::default() };
    let tool = Some(Tool { name: text(call.tool), ..Tool::default() });
    let user = Principal { id: call.user.into(), ..Principal::default() };
    let (asn, country) = call.network;
    let geo = Some(Geo { country: text(country), ..Geo::default() });
    Activity {
        delegation: Some(Delegation {
            mode: Some(Authority::Delegated),
            subject: Some(user),
            ..Delegation::default()
        }),
        destination: Some(Endpoint { host: text(call.host), ..Endpoint::default() }),
        source: Some(Endpoint { asn: Some(asn), geo, ..Endpoint::default() }),
        ..Activity::new(id.into(), time, agent, Action { tool, ..Action::default() })
    }
}

fn evidence(observed: &Observed, signal: &str) -> i64 {
    let score = observed.assessment.signals.iter().find(|score| score.id == signal);
    score.map_or(0, |score| score.evidence_micronats)
}

/// The morning after the fleet's week.
const NOW_S: i64 = START_S + 7 * DAY_S + 9 * HOUR_S;

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
