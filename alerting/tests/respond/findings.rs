//! Findings for tests, and the fold over them.

use alerting::ocsf::DetectionFinding;
use alerting::{Mode, Respond, Response, Settings};
use schemas::cause::{Cause, CauseKind};
use schemas::finding::{
    BaselineState, Body, Epoch, Facts, Finding, Increment, LevelChange, Support, Verdict, Versions,
};
use schemas::revocation::RevocationRequest;
use schemas::trust::Level;
use schemas::{ActorRef, Authority, Contribution, EventTime, MicroNats, Source};

/// One minute in milliseconds.
pub(crate) const MINUTE_MS: i64 = 60_000;
/// One hour in milliseconds.
pub(crate) const HOUR_MS: i64 = 60 * MINUTE_MS;
/// When the tests begin.
pub(crate) const START_MS: i64 = 1_795_467_091_412;

/// What a verdict of a test says.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) agent: String,
    pub(crate) authority: Authority,
    pub(crate) at_ms: i64,
    pub(crate) signals: Vec<(String, i64)>,
    pub(crate) return_period: f64,
    pub(crate) counted: Option<f64>,
    pub(crate) keys: Vec<String>,
    pub(crate) hard_indicator: Option<String>,
    pub(crate) causes: Vec<Cause>,
    pub(crate) trust: (f64, f64),
    pub(crate) level: Level,
    pub(crate) facts: Facts,
    pub(crate) newcomer_since_ms: Option<i64>,
    pub(crate) text: String,
}

impl Default for Told {
    fn default() -> Self {
        Self {
            agent: "invoice-bot".to_owned(),
            authority: Authority::Delegated,
            at_ms: 0,
            signals: vec![("destination".to_owned(), 9_000_000), ("volume".to_owned(), 3_000_000)],
            return_period: 50.0,
            counted: None,
            keys: vec!["place".to_owned()],
            hard_indicator: None,
            causes: Vec::new(),
            trust: (71.0, 65.0),
            level: Level::Watch,
            facts: Facts {
                owner: Some("alice@acme.example".to_owned()),
                action: "tool_call".to_owned(),
                ..Facts::default()
            },
            newcomer_since_ms: None,
            text: "first contact with paste-drop.example".to_owned(),
        }
    }
}

/// What a signal is about.
pub(crate) fn cause(signal: &str, key: u64, fresh: bool) -> Cause {
    let (signal, name) = (signal.to_owned(), format!("thing-{key}.example"));
    Cause { signal, kind: CauseKind::Destination, name, key, fresh }
}

/// The time `at_ms` after the start.
pub(crate) fn time(at_ms: i64) -> EventTime {
    EventTime::from_millis(START_MS + at_ms).unwrap_or_else(|error| unreachable!("{error}"))
}

/// A finding around a body.
pub(crate) fn finding(offset: u64, at_ms: i64, body: Body) -> Finding {
    Finding {
        schema: "agent.finding/1".to_owned(),
        tenant_id: "acme".to_owned(),
        log_time: time(at_ms),
        source: Source { topic_id: "file:0".to_owned(), partition: 0, offset, ordinal: 0 },
        versions: Versions { program: "0.1.0".to_owned(), ..Versions::default() },
        signed: false,
        body,
    }
}

fn actor(agent: &str, authority: Authority) -> ActorRef {
    ActorRef { tenant_id: "acme".to_owned(), agent_id: agent.to_owned(), authority }
}

/// A verdict as a finding.
pub(crate) fn verdict(offset: u64, told: &Told) -> Finding {
    let contributions: Vec<Contribution> = told
        .signals
        .iter()
        .map(|(signal, micronats)| Contribution {
            signal: signal.clone(),
            micronats: MicroNats(*micronats),
            evidence_micronats: MicroNats(*micronats),
            observed: told.text.clone(),
            expected: format!("one new destination in 230 events, not {}", told.text),
            support: 182_114,
            peers: "0 of 412 in 30 d".to_owned(),
            normal: "a destination known to the actor or its peers".to_owned(),
        })
        .collect();
    let body = Verdict {
        actor: actor(&told.agent, told.authority),
        activity_id: format!("e-{offset}"),
        time: time(told.at_ms - 1),
        score: MicroNats(contributions.iter().map(|c| c.micronats.0).sum()),
        contributions,
        shadow_contributions: Vec::new(),
        return_period_actor_months: told.return_period,
        return_period_support: Support { actor_hours: 51_200.0, extrapolated: false },
        counted_actor_months: told.counted,
        keys: told.keys.clone(),
        hard_indicator: told.hard_indicator.clone(),
        causes: told.causes.clone(),
        baseline: BaselineState {
            state: "ready".to_owned(),
            events: 182_114,
            active_hours: 1630,
            first_seen: Some(time(-100 * HOUR_MS)),
            newcomer_since: told.newcomer_since_ms.map(time),
        },
        trust_before: told.trust.0,
        trust_after: told.trust.1,
        trust_evidence: evidence(told.trust),
        level_before: Level::Watch,
        level_after: told.level,
        facts: told.facts.clone(),
    };
    finding(offset, told.at_ms, Body::Verdict(Box::new(body)))
}

/// The evidence in nats that makes trust fall like that, of an actor that is well known.
pub(crate) fn evidence((before, after): (f64, f64)) -> f64 {
    (6.87 * (before / after).log10() / std::f64::consts::LOG10_E).max(0.0)
}

/// A level change as a finding.
pub(crate) fn level(offset: u64, at_ms: i64, agent: &str, after: Level, score: f64) -> Finding {
    let actor = actor(agent, Authority::Delegated);
    let change = LevelChange { actor, before: Level::Watch, after, score, time: time(at_ms) };
    finding(offset, at_ms, Body::Level(change))
}

/// An empty epoch as a finding.
pub(crate) fn epoch(offset: u64, at_ms: i64) -> Finding {
    part(offset, at_ms, (0, 1), Vec::new())
}

/// One part of an epoch as a finding; `part` is its number, and of how many.
pub(crate) fn part(
    offset: u64,
    at_ms: i64,
    (part, parts): (u32, u32),
    increments: Vec<Increment>,
) -> Finding {
    let epoch = time(at_ms).millis() / 300_000 - 1;
    finding(
        offset,
        at_ms,
        Body::Epoch(Epoch { epoch, part, parts, increments, ..Epoch::default() }),
    )
}

/// A tenth of a session more of a cell of the counts.
pub(crate) fn increment(scope: u64, cell: u64) -> Increment {
    Increment { table: 1, scope, group: 0, cell, add: 10 }
}

/// A fold in a mode, other settings by default.
pub(crate) fn fold(mode: Mode) -> Respond {
    Respond::new(Settings { mode, ..Settings::default() })
}

/// The alerts among responses.
pub(crate) fn alerts(responses: &[Response]) -> Vec<&DetectionFinding> {
    responses
        .iter()
        .filter_map(|response| match response {
            Response::Alert(alert) => Some(&**alert),
            _ => None,
        })
        .collect()
}

/// The requests among responses.
pub(crate) fn requests(responses: &[Response]) -> Vec<&RevocationRequest> {
    responses
        .iter()
        .filter_map(|response| match response {
            Response::Revocation(request) => Some(&**request),
            _ => None,
        })
        .collect()
}
