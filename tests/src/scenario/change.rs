//! Benign changes: what happens in every company and is nobody's fault. Each names the groups it concerns and the
//! days in which alerts of these groups are its cost.

use super::call::Network;
use super::catalog::{Acts, BLUEPRINTS, Blueprint, DEPLOYED, SUBSCRIBED, Tool};
use super::population::{Agent, Fleet};
use super::random::Random;
use super::schedule::Rhythm;
use super::stream::{DAY_MS, HOUR_MS, START_MS};

/// What kind of change it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChangeKind {
    /// A new version with a new tool, within a day.
    Deployment,
    /// The same, announced in the inventory.
    AnnouncedDeployment,
    /// Several groups take up one new service.
    NewSaas,
    /// Somebody new whom the group serves.
    NewUser,
    /// Books are closed: more sessions, larger results, two days a month.
    MonthEnd,
    /// A public holiday on a weekday.
    Holiday,
    /// The workload moves to another region of another provider.
    RegionMove,
    /// A service is down for an hour, and everybody tries again.
    RetryStorm,
    /// All keys of a group are replaced.
    KeyRotation,
    /// An owner works from abroad for a week.
    TravellingOwner,
    /// Old data is processed again over a night.
    BackFill,
}

/// One change.
#[derive(Clone, Debug)]
pub struct Change {
    /// What kind it is.
    pub kind: ChangeKind,
    /// The groups, each with the ids of its agents.
    pub groups: Vec<(&'static str, Vec<String>)>,
    /// Its first day since the start.
    pub day: i64,
    /// Days in which an alert of its groups may be its cost.
    pub days: i64,
    pub(super) members: Vec<usize>,
    outage: Option<(&'static str, i64)>,
}

/// What the changes in force do to an agent's day.
#[derive(Clone, Debug)]
pub(super) struct Effect {
    pub(super) load: f64,
    pub(super) size: f64,
    pub(super) rests: bool,
    pub(super) backfills: bool,
    pub(super) shift_hours: i64,
    pub(super) release: i64,
    pub(super) key: &'static str,
    pub(super) network: Option<Network>,
    pub(super) guest: Option<String>,
    pub(super) extra: Option<&'static Tool>,
    outage: Option<(&'static str, i64)>,
}

impl Default for Effect {
    fn default() -> Self {
        Self {
            load: 1.0,
            size: 1.0,
            rests: false,
            backfills: false,
            shift_hours: 0,
            release: 2,
            key: "",
            network: None,
            guest: None,
            extra: None,
            outage: None,
        }
    }
}

impl Effect {
    /// Whether a service is down at that time.
    pub(super) fn is_out(&self, service: &str, ms: i64) -> bool {
        self.outage
            .is_some_and(|(down, begin)| down == service && (begin..begin + HOUR_MS).contains(&ms))
    }
}

// === impl ChangeKind ===

impl ChangeKind {
    /// What is planned; every second deployment is announced.
    pub(super) const ALL: [Self; 10] = [
        Self::Deployment,
        Self::NewSaas,
        Self::NewUser,
        Self::MonthEnd,
        Self::Holiday,
        Self::RegionMove,
        Self::RetryStorm,
        Self::KeyRotation,
        Self::TravellingOwner,
        Self::BackFill,
    ];

    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Deployment => "deployment",
            Self::AnnouncedDeployment => "announced deployment",
            Self::NewSaas => "new SaaS",
            Self::NewUser => "new user",
            Self::MonthEnd => "month end",
            Self::Holiday => "holiday",
            Self::RegionMove => "region move",
            Self::RetryStorm => "retry storm",
            Self::KeyRotation => "key rotation",
            Self::TravellingOwner => "travelling owner",
            Self::BackFill => "back-fill",
        }
    }

    /// How long it is in force, and how long its alerts are counted, in days.
    fn days(self) -> (i64, i64) {
        match self {
            Self::Deployment
            | Self::AnnouncedDeployment
            | Self::RegionMove
            | Self::NewUser
            | Self::NewSaas => (i64::MAX, 7),
            Self::KeyRotation => (i64::MAX, 4),
            Self::MonthEnd => (2, 3),
            Self::TravellingOwner => (7, 8),
            Self::Holiday | Self::RetryStorm | Self::BackFill => (1, 3),
        }
    }

    fn concerns(self, blueprint: &Blueprint) -> bool {
        match self {
            Self::MonthEnd => ["invoice-clerk", "procurement"].contains(&blueprint.name),
            Self::Holiday => blueprint.rhythm == Rhythm::Office,
            Self::KeyRotation => blueprint.secret == super::catalog::Secret::Key,
            Self::TravellingOwner | Self::NewUser => blueprint.acts == Acts::ForPeople,
            Self::RegionMove => !blueprint.roams,
            Self::BackFill => ["pipeline", "sync", "analyst"].contains(&blueprint.name),
            _ => blueprint.agents >= 5,
        }
    }
}

/// All changes of a fleet: two of a kind, month ends as the calendar has them.
pub(super) fn plan(fleet: &Fleet) -> Vec<Change> {
    let mut random = Random::of(&[fleet.seed, 3]);
    let mut changes: Vec<Change> = Vec::new();
    for kind in ChangeKind::ALL {
        // Day 0 is 5 January: the last two working days of January, February and March.
        let month_ends = [24, 52, 84].into_iter().filter(|day| *day < fleet.days - 3);
        let wanted: Vec<Option<i64>> = match kind {
            ChangeKind::MonthEnd => month_ends.map(Some).collect(),
            _ => vec![None, None],
        };
        for day in wanted {
            let proposals = (0..200).map(|_| propose(fleet, kind, day, &mut random));
            let fits = |change: &Change| changes.iter().all(|other| !change.collides(other));
            if let Some(change) = proposals.into_iter().find(fits) {
                changes.push(change);
            }
        }
    }
    let deployments = changes.iter_mut().filter(|change| change.kind == ChangeKind::Deployment);
    if let Some(change) = deployments.skip(1).step_by(2).next() {
        change.kind = ChangeKind::AnnouncedDeployment;
    }
    changes
}

fn propose(fleet: &Fleet, kind: ChangeKind, day: Option<i64>, random: &mut Random) -> Change {
    let suits: Vec<&Blueprint> = BLUEPRINTS.iter().filter(|b| kind.concerns(b)).collect();
    let mut names = match kind {
        ChangeKind::MonthEnd => suits.iter().map(|b| b.name).collect(),
        ChangeKind::NewSaas | ChangeKind::Holiday => {
            let mut names: Vec<&'static str> = suits.iter().map(|b| b.name).collect();
            random.shuffle(&mut names);
            names.truncate(3);
            names
        }
        _ => vec![random.pick(&suits).name],
    };
    names.sort_unstable();
    let week = fleet.days / 28 + random.below((fleet.days as usize * 5 / 7) / 7) as i64;
    let day = day.unwrap_or_else(|| (week * 7 + random.below(5) as i64).min(fleet.days - 8));
    let mut members: Vec<usize> = fleet
        .agents
        .iter()
        .filter(|agent| names.contains(&agent.blueprint.name) && agent.works_on(day))
        .map(|agent| agent.number)
        .collect();
    if kind == ChangeKind::TravellingOwner {
        random.shuffle(&mut members);
        members.truncate(2);
    }
    let ids = |name: &'static str| {
        let agents = members.iter().map(|number| &fleet.agents[*number]);
        (name, agents.filter(|a| a.blueprint.name == name).map(|a| a.id.clone()).collect())
    };
    let groups = names.iter().map(|name| ids(name)).collect();
    let outage = members.first().filter(|_| kind == ChangeKind::RetryStorm).map(|number| {
        let agent = &fleet.agents[*number];
        let hour = agent.schedule.next_active(day * 24 + 3);
        (agent.purposes[0].steps[0].tool.service, START_MS + hour * HOUR_MS)
    });
    Change { kind, groups, day, days: kind.days().1, members, outage }
}

// === impl Change ===

impl Change {
    /// When an alert of its groups may be its cost, in milliseconds since 1970.
    pub fn window_ms(&self) -> (i64, i64) {
        let begin = START_MS + self.day * DAY_MS;
        (begin, begin + self.days * DAY_MS)
    }

    /// Whether the costs of two changes could not be told apart.
    fn collides(&self, other: &Self) -> bool {
        self.members.is_empty()
            || (self.day < other.day + other.days + 2
                && other.day < self.day + self.days + 2
                && self.members.iter().any(|member| other.members.contains(member)))
    }

    /// Adds what this change does to an agent's day.
    pub(super) fn apply(&self, agent: &Agent, day: i64, effect: &mut Effect) {
        let (lasts, _) = self.kind.days();
        let since = day - self.day;
        if !self.members.contains(&agent.number) || !(0..lasts).contains(&since) {
            return;
        }
        match self.kind {
            ChangeKind::Deployment | ChangeKind::AnnouncedDeployment => {
                effect.release += 1;
                effect.extra = Some(&DEPLOYED);
            }
            ChangeKind::NewSaas => effect.extra = Some(&SUBSCRIBED),
            ChangeKind::NewUser => {
                effect.guest = Some(format!("{}-hired-{}", agent.blueprint.name, self.day));
            }
            ChangeKind::MonthEnd => (effect.load, effect.size) = (2.5, 1.5),
            ChangeKind::Holiday => effect.rests |= agent.schedule.sleeps_on_holidays(),
            ChangeKind::RegionMove => {
                effect.network = Some(Network {
                    ip: format!("100.70.0.{}", agent.number % 250),
                    asn: 64_530,
                    country: "NL",
                    anonymizer: "none",
                });
            }
            ChangeKind::RetryStorm => effect.outage = self.outage,
            ChangeKind::KeyRotation => effect.key = "-b",
            ChangeKind::TravellingOwner => {
                effect.shift_hours = -3;
                effect.network = Some(Network {
                    ip: format!("100.80.0.{}", agent.number % 250),
                    asn: 64_800,
                    country: "PT",
                    anonymizer: "none",
                });
            }
            ChangeKind::BackFill => {
                effect.load *= 6.0;
                effect.backfills = true;
            }
        }
    }
}
