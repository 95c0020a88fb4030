//! A fleet of one blueprint in one partition, and calls of its agents.

use std::borrow::Cow;
use std::sync::Arc;

use baseline::Shared;
use baseline::shared::Table;
use detector::{Observe, Observed, Outcome as Ended, Settings, Stamp};
use schemas::activity::{
    Action, Activity, Agent, Credential, Delegation, Endpoint, Geo, Principal, Resource, Result,
    Session, Tool, Usage,
};
use schemas::choice::{ActionType, Authority, CredentialType, Outcome};
use schemas::finding::{Body, Verdict};
use schemas::time::EventTime;

pub(crate) const HOUR_S: i64 = 3_600;
pub(crate) const DAY_S: i64 = 86_400;
/// A Monday, 00:00 UTC.
pub(crate) const START_S: i64 = 1_767_571_200;
/// Evidence that is one of the two keys.
pub(crate) const KEY: i64 = 4_600_000;

/// A fleet of one blueprint in one partition.
pub(crate) struct Fleet {
    pub(crate) fold: Observe,
    pub(crate) shared: Arc<Shared>,
    /// Sessions that the tables of the blueprint count.
    pub(crate) votes: i64,
    offset: u64,
    log_ms: i64,
}

/// One call: who, when, which tool, where.
#[derive(Clone, Copy)]
pub(crate) struct Call<'a> {
    pub(crate) agent: &'a str,
    pub(crate) at_s: i64,
    /// What it does where no tool is named.
    pub(crate) kind: ActionType,
    /// None is no tool.
    pub(crate) tool: &'a str,
    /// None is no destination.
    pub(crate) host: &'a str,
    pub(crate) user: &'a str,
    pub(crate) network: (u32, &'a str),
    /// Session; none is the hour's.
    pub(crate) session: &'a str,
    /// Bytes sent; 0 is not told.
    pub(crate) bytes: u64,
    pub(crate) scopes: &'a str,
    pub(crate) failed: bool,
    pub(crate) resource: &'a str,
    pub(crate) purpose: &'a str,
}

impl<'a> Call<'a> {
    pub(crate) fn of(agent: &'a str, at_s: i64) -> Self {
        let network = (64_500, "DE");
        let (tool, host, user) = ("search", "api.example.org", "ann");
        let (session, bytes, scopes, failed) = ("", 0, "", false);
        let (resource, purpose, kind) = ("", "", ActionType::ToolCall);
        Self {
            agent,
            at_s,
            kind,
            tool,
            host,
            user,
            network,
            session,
            bytes,
            scopes,
            failed,
            resource,
            purpose,
        }
    }
}

impl Fleet {
    /// Twelve agents that work by day for a week: search, read, write, six times an hour.
    pub(crate) fn new() -> Self {
        let mut fleet = Self {
            fold: Observe::new(Arc::new(Settings::default())),
            shared: Arc::default(),
            votes: 0,
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

    pub(crate) fn work(&mut self, agent: &str, at_s: i64, step: i64) -> Box<Observed> {
        let (tool, host) = [
            ("search", "api.example.org"),
            ("read", "files.example.net"),
            ("write", "mail.example.com"),
        ][usize::try_from(step % 3).expect("a step")];
        self.call(Call { tool, host, ..Call::of(agent, at_s) })
    }

    pub(crate) fn call(&mut self, call: Call<'_>) -> Box<Observed> {
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
                    // Each votes once on the first channel, in the tables of tenant and blueprint.
                    let votes = epoch.increments.iter().filter(|increment| {
                        increment.table == Table::Maxima.number() && increment.cell < 256
                    });
                    self.votes += votes.map(|increment| increment.add).sum::<i64>() / 2_000;
                }
            }
            self.fold.take_up(Arc::clone(&self.shared));
        }
        let id = format!("e{}", self.offset);
        match self.fold.apply(&activity(&call, &id), &stamp, true) {
            Ended::Scored(observed) => observed,
            Ended::Duplicate => panic!("no id comes twice"),
        }
    }
}

fn activity<'a>(call: &Call<'a>, id: &'a str) -> Activity<'a> {
    let text = |text: &'a str| Some(Cow::Borrowed(text));
    let time = EventTime::from_millis(call.at_s * 1_000).expect("a time");
    let agent = Agent { id: call.agent.into(), blueprint: text("worker"), ..Agent::default() };
    let tool = (!call.tool.is_empty()).then(|| Tool { name: text(call.tool), ..Tool::default() });
    let action = Action { kind: call.kind, tool, ..Action::default() };
    let user = Principal { id: call.user.into(), ..Principal::default() };
    let (asn, country) = call.network;
    let geo = Some(Geo { country: text(country), ..Geo::default() });
    Activity {
        delegation: Some(Delegation {
            mode: Some(Authority::Delegated),
            purpose: (!call.purpose.is_empty()).then(|| call.purpose.into()),
            subject: Some(user),
            ..Delegation::default()
        }),
        destination: (!call.host.is_empty())
            .then(|| Endpoint { host: text(call.host), ..Endpoint::default() }),
        source: Some(Endpoint { asn: Some(asn), geo, ..Endpoint::default() }),
        resource: (!call.resource.is_empty())
            .then(|| Resource { id: text(call.resource), ..Resource::default() }),
        session: (!call.session.is_empty())
            .then(|| Session { id: text(call.session), ..Session::default() }),
        usage: (call.bytes > 0).then(|| Usage { bytes_out: Some(call.bytes), ..Usage::default() }),
        credential: (!call.scopes.is_empty()).then(|| Credential {
            kind: Some(CredentialType::ApiKey),
            scopes: call.scopes.split(' ').map(Cow::Borrowed).collect(),
            ..Credential::default()
        }),
        outcome: call.failed.then(|| Result { result: Outcome::Failure, ..Result::default() }),
        ..Activity::new(id.into(), time, agent, action)
    }
}

pub(crate) fn evidence(observed: &Observed, signal: &str) -> i64 {
    let score = observed.assessment.signals.iter().find(|score| score.id == signal);
    score.map_or(0, |score| score.evidence_micronats)
}

/// The verdict on a call.
pub(crate) fn verdict(observed: &Observed) -> &Verdict {
    let mut bodies = observed.findings.iter().map(|finding| &finding.body);
    let verdict = bodies.find_map(|body| match body {
        Body::Verdict(verdict) => Some(verdict),
        _ => None,
    });
    verdict.expect("it was asked to explain itself")
}

/// The morning after the fleet's week.
pub(crate) const NOW_S: i64 = START_S + 7 * DAY_S + 9 * HOUR_S;
