//! What people say of actors, from the control record to the trust that is told: of an agent that idles, of what was
//! expected, and however often the same tables are taken up.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a fixture that cannot be built is a failed test"
)]

use std::sync::Arc;

use baseline::Shared;
use baseline::shared::{Expected, OutsideEvidence};
use detector::{Observe, Outcome, Settings, Stamp};
use proptest::prelude::*;
use schemas::activity::{Action, Activity, Agent, Delegation, Endpoint};
use schemas::feedback::Scope;
use schemas::finding::{Body, Finding, LevelChange};
use schemas::trust::{Level, TrustReason, TrustRecord};
use schemas::{ActionType, Authority, EventTime};

const HOUR_MS: i64 = 3_600_000;
const START_MS: i64 = 1_767_571_200_000;
/// The week that the agents work before anything is said.
const WEEK: i64 = 7 * 24;

/// One partition, and what it told.
struct Lane {
    fold: Observe,
    shared: Shared,
    offset: u64,
    /// Whether the same tables are taken up again and again.
    polls: Vec<bool>,
    told: Vec<TrustRecord>,
    levels: Vec<LevelChange>,
}

impl Lane {
    fn new(polls: Vec<bool>) -> Self {
        let fold = Observe::new(Arc::new(Settings::default()));
        let (told, levels) = (Vec::new(), Vec::new());
        Self { fold, shared: Shared::default(), offset: 0, polls, told, levels }
    }

    /// A lane in which two agents worked for a week, ten hours a day.
    fn after_a_week(polls: Vec<bool>) -> Self {
        let mut lane = Self::new(polls);
        for hour in (0..WEEK).filter(|hour| (8..18).contains(&(hour % 24))) {
            for minute in [0, 20, 40] {
                let at_ms = hour * HOUR_MS + minute * 60_000;
                lane.call("calm", at_ms, "api.example.org");
                lane.call("other", at_ms + 1_000, "api.example.org");
            }
        }
        lane
    }

    /// Takes up a control record.
    fn hear(&mut self, key: &str, record: &[u8]) {
        assert_eq!(self.shared.take_up(key, record), Ok(true));
        self.fold.take_up(Arc::new(self.shared.clone()));
    }

    fn note(&mut self, findings: Vec<Finding>) {
        for finding in findings {
            match finding.body {
                Body::Level(change) => self.levels.push(change),
                Body::Epoch(epoch) => {
                    let number = u32::try_from(epoch.epoch).expect("an epoch before 2100");
                    self.shared.merge(number, &epoch.increments);
                }
                _ => {}
            }
        }
    }

    /// Lets time pass and takes up the tables, as a lane without records does.
    fn poll(&mut self, at_ms: i64) {
        let log_ms = START_MS + at_ms;
        let stamp = Stamp { topic: "t", partition: 0, offset: self.offset, ordinal: 0, log_ms };
        self.fold.take_up(Arc::new(self.shared.clone()));
        if let Some(end) = self.fold.advance(&stamp) {
            self.told.extend(end.trust);
            self.note(end.findings);
        }
    }

    /// Trust after a call.
    fn call(&mut self, agent: &str, at_ms: i64, host: &str) -> f64 {
        self.offset += 1;
        let log_ms = START_MS + at_ms;
        let stamp = Stamp { topic: "t", partition: 0, offset: self.offset, ordinal: 0, log_ms };
        let at = usize::try_from(self.offset).expect("an offset");
        if self.polls.get(at % self.polls.len().max(1)) == Some(&true) {
            self.fold.take_up(Arc::new(self.shared.clone()));
        }
        if let Some(end) = self.fold.advance(&stamp) {
            self.told.extend(end.trust);
            self.note(end.findings);
            self.fold.take_up(Arc::new(self.shared.clone()));
        }
        let id = format!("e{}", self.offset);
        let time = EventTime::from_millis(log_ms).expect("a time");
        let agent = Agent { id: agent.into(), ..Agent::default() };
        let action = Action { kind: ActionType::ToolCall, ..Action::default() };
        let mut activity = Activity::new(id.as_str().into(), time, agent, action);
        activity.tenant_id = "acme".into();
        activity.delegation =
            Some(Delegation { mode: Some(Authority::Delegated), ..Delegation::default() });
        activity.destination = Some(Endpoint { host: Some(host.into()), ..Endpoint::default() });
        match self.fold.apply(&activity, &stamp, false) {
            Outcome::Scored(observed) => {
                self.told.extend(observed.trust_record.map(|record| *record));
                self.note(observed.findings);
                observed.trust
            }
            Outcome::Duplicate => panic!("no id comes twice"),
        }
    }
}

fn against(hour: i64) -> Vec<u8> {
    OutsideEvidence::record(&[OutsideEvidence {
        sequence: 1,
        authority: Authority::Delegated,
        hour: u32::try_from((START_MS + hour * HOUR_MS) / HOUR_MS).expect("an hour"),
        fast: 0.0,
        slow: 10.0,
        cause: 1,
    }])
}

#[test]
fn a_word_against_an_agent_that_idles_is_told_at_the_end_of_the_epoch() {
    let mut lane = Lane::after_a_week(Vec::new());
    lane.told.clear();
    lane.hear("acme|~outside/calm", &against(WEEK));
    lane.call("other", WEEK * HOUR_MS + 600_000, "api.example.org");
    let of_calm: Vec<&TrustRecord> =
        lane.told.iter().filter(|record| record.agent_id == "calm").collect();
    assert_eq!(of_calm.len(), 1, "{of_calm:#?}");
    assert_eq!((of_calm[0].reason, of_calm[0].level), (TrustReason::Override, Level::Untrusted));
    assert!(of_calm[0].score < 40.0, "{}", of_calm[0].score);
    let change = lane.levels.iter().rfind(|change| change.actor.agent_id == "calm");
    assert_eq!(change.map(|change| change.after), Some(Level::Untrusted), "respond is told");
    let later = lane.call("calm", (WEEK + 24) * HOUR_MS, "api.example.org");
    assert!(later < 42.0, "and it stays so: {later}");
}

#[test]
fn what_was_expected_moves_no_trust_and_only_within_its_scope_and_time() {
    let check = |scope: Scope, until: i64, moves: bool| {
        let mut lane = Lane::after_a_week(Vec::new());
        let expected = Expected { scope, until_ms: START_MS + until * HOUR_MS };
        lane.hear("acme|~expected/fb-1", &expected.record());
        let at_ms = (WEEK + 9) * HOUR_MS;
        let before = lane.call("calm", at_ms, "api.example.org");
        let after = (1..40)
            .map(|n| lane.call("calm", at_ms + n * 1_000, &format!("new-{n}.example.net")))
            .fold(before, f64::min);
        assert_eq!(after < before - 0.5, moves, "{before} {after}");
    };
    let of = |agent: &str| Scope { agent_id: Some(agent.to_owned()), ..Scope::default() };
    check(of("calm"), WEEK + 10, false);
    check(of("calm"), WEEK, true);
    check(of("other"), WEEK + 10, true);
    check(Scope { key: Some("elsewhere.example.net".to_owned()), ..of("calm") }, WEEK + 10, true);
}

/// Row 1 of the table that tells us from others: there, trust depends on how often somebody asks for it.
#[test]
fn an_idle_day_at_three_polling_rates_ends_with_the_same_bits() {
    let after = |every_ms: usize| {
        let mut lane = Lane::after_a_week(Vec::new());
        lane.hear("acme|~outside/calm", &against(WEEK));
        for at_ms in (0..24 * HOUR_MS).step_by(every_ms) {
            lane.poll(WEEK * HOUR_MS + at_ms);
        }
        lane.call("calm", (WEEK + 24) * HOUR_MS, "api.example.org")
    };
    let [second, minute, hour] = [1_000, 60_000, 3_600_000].map(after);
    assert!(second < 42.0, "it was moved, and a day of idleness heals little: {second}");
    assert_eq!(second.to_bits(), minute.to_bits());
    assert_eq!(second.to_bits(), hour.to_bits());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    /// Lanes take tables up between any two batches: how a stream is cut into them changes no bit of trust.
    #[test]
    fn however_a_stream_is_cut_trust_is_the_same_to_the_bit(
        polls in proptest::collection::vec(any::<bool>(), 1..60),
    ) {
        let run = |polls: Vec<bool>| {
            let mut lane = Lane::after_a_week(polls);
            lane.hear("acme|~outside/calm", &against(WEEK));
            lane.hear("acme|~outside/other", &against(WEEK));
            for hour in [WEEK + 1, WEEK + 30, WEEK + 31, WEEK + 90] {
                lane.call("other", hour * HOUR_MS, "new.example.net");
                lane.call("calm", hour * HOUR_MS + 1, "api.example.org");
            }
            let mut newest = std::collections::BTreeMap::new();
            for record in &lane.told {
                let before = newest.insert(record.agent_id.clone(), record.sequence);
                assert!(before < Some(record.sequence), "{record:?}");
            }
            let bits = |record: &TrustRecord| {
                (record.agent_id.clone(), record.time, record.score.to_bits(), record.level)
            };
            lane.told.iter().map(bits).collect::<Vec<_>>()
        };
        prop_assert_eq!(run(polls), run(Vec::new()));
    }
}
