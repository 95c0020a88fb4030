//! A tenant in two partitions whose epochs are merged as respond would, and agents that do the same every hour.

use std::borrow::Cow;
use std::sync::Arc;

use baseline::Shared;
use detector::{Observe, Observed, Outcome, Settings, Stamp};
use schemas::activity::{
    Action, Activity, Agent, Credential, Delegation, Model, Result, Session, Tool,
};
use schemas::choice::{ActionType, Authority, CredentialType};
use schemas::finding::{Body, Verdict};
use schemas::{Contribution, EventTime};

/// 2026-03-02, a Monday.
pub(crate) const START_MS: i64 = 1_772_409_600_000;
pub(crate) const HOUR_MS: i64 = 3_600_000;
pub(crate) const DAY_MS: i64 = 24 * HOUR_MS;

/// What an agent does as a rule; cases change a field.
pub(crate) fn usual(agent: usize, ms: i64) -> Activity<'static> {
    let time = EventTime::from_millis(ms).unwrap_or_else(|error| panic!("{error}"));
    let text = |text: String| Cow::<'static, str>::Owned(text);
    let who = Agent {
        id: text(format!("agent-{agent}")),
        blueprint: Some("reader".into()),
        version: Some("1.4".into()),
        model: Some(Model { name: Some("m-1".into()), ..Model::default() }),
        ..Agent::default()
    };
    let tool = Tool { name: Some("read".into()), server: Some("files".into()), ..Tool::default() };
    let action = Action { kind: ActionType::ToolCall, tool: Some(tool), ..Action::default() };
    let mut activity = Activity::new(text(format!("{agent}/{ms}")), time, who, action);
    activity.session = Some(Session {
        id: Some(text(format!("s-{agent}-{}", ms / HOUR_MS))),
        ..Session::default()
    });
    activity.delegation =
        Some(Delegation { mode: Some(Authority::Autonomous), ..Delegation::default() });
    activity.credential = Some(Credential {
        id: Some(text(format!("key-{agent}"))),
        kind: Some(CredentialType::ApiKey),
        issued_at: EventTime::from_millis(ms - 20 * 60_000).ok(),
        expires_at: EventTime::from_millis(ms + HOUR_MS).ok(),
        scopes: vec!["read".into(), "list".into()],
        ..Credential::default()
    });
    activity.outcome = Some(Result::default());
    activity
}

pub(crate) struct Fleet {
    folds: [Observe; 2],
    shared: Shared,
    epoch: i64,
    offset: u64,
}

impl Fleet {
    pub(crate) fn new(settings: Settings) -> Self {
        let settings = Arc::new(settings);
        let fold = || Observe::new(Arc::clone(&settings));
        Self { folds: [fold(), fold()], shared: Shared::default(), epoch: 0, offset: 0 }
    }

    /// Agents that work eight hours a day for a number of days.
    pub(crate) fn seasoned(settings: Settings, agents: usize, days: i64) -> Self {
        let mut fleet = Self::new(settings);
        fleet.work(agents, 0..days, |_| ());
        fleet
    }

    /// Lets agents work through days, each activity changed.
    pub(crate) fn work(
        &mut self,
        agents: usize,
        days: std::ops::Range<i64>,
        change: impl Fn(&mut Activity<'static>),
    ) {
        for hour in days.flat_map(|day| (9..17).map(move |hour| day * 24 + hour)) {
            for agent in 0..agents {
                let mut activity = usual(agent, START_MS + hour * HOUR_MS + agent as i64 * 1_000);
                change(&mut activity);
                self.see(&activity);
            }
        }
    }

    /// Applies an activity in its agent's partition; epochs end in both.
    pub(crate) fn see(&mut self, activity: &Activity<'_>) -> Observed {
        self.offset += 1;
        let log_ms = activity.time.millis();
        let partition =
            usize::from(activity.agent.id.as_bytes().last().is_some_and(|b| b % 2 == 1));
        let stamp = |partition: usize| Stamp {
            topic: "t",
            partition: u32::from(partition == 1),
            offset: self.offset,
            ordinal: 0,
            log_ms,
        };
        if log_ms / 300_000 > self.epoch {
            self.epoch = log_ms / 300_000;
            for (place, fold) in self.folds.iter_mut().enumerate() {
                for finding in fold.close_epoch(&stamp(place)).findings {
                    if let Body::Epoch(epoch) = finding.body {
                        let number = u32::try_from(epoch.epoch).unwrap_or(0);
                        self.shared.merge(number, &epoch.increments);
                    }
                }
            }
            let shared = Arc::new(self.shared.clone());
            self.folds.iter_mut().for_each(|fold| fold.take_up(Arc::clone(&shared)));
        }
        match self.folds[partition].apply(activity, &stamp(partition), true) {
            Outcome::Scored(observed) => *observed,
            Outcome::Duplicate => panic!("{} comes twice", activity.id),
        }
    }
}

pub(crate) fn verdict(observed: &Observed) -> &Verdict {
    let bodies = observed.findings.iter().map(|finding| &finding.body);
    let mut verdicts = bodies.filter_map(|body| match body {
        Body::Verdict(verdict) => Some(verdict.as_ref()),
        _ => None,
    });
    verdicts.next().unwrap_or_else(|| panic!("not explained"))
}

/// What a signal says of an activity.
pub(crate) fn said<'a>(observed: &'a Observed, signal: &str) -> Option<&'a Contribution> {
    verdict(observed).contributions.iter().find(|contribution| contribution.signal == signal)
}
