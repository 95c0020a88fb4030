//! What a run is told, what it says of each line, and what it leaves. Plain data.

use std::collections::BTreeMap;

use alerting::ocsf::DetectionFinding;
use baseline::StoreCounts;
use detector::Observed;
use ingest::Notes;
use schemas::Rejection;
use schemas::activity::Activity;
use schemas::revocation::RevocationRequest;
use schemas::trust::Level;

use super::timings::Timings;

pub use config::Settings;

/// How a run goes.
#[derive(Clone, Debug)]
pub struct Options {
    /// Threads; no result depends on them.
    pub lanes: usize,
    /// Habits, shared tables and calibrators stop once scoring begins.
    pub freeze: bool,
    /// Every verdict is made in full, for explanations.
    pub explain: bool,
}

/// What became of the activities of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Activities, skips and rejections read.
    pub read: u64,
    /// Scored, warm-up included.
    pub scored: u64,
    /// Seen before.
    pub duplicate: u64,
    /// Left out by a named rule.
    pub skipped: u64,
    /// Refused with a typed reason.
    pub rejected: u64,
    /// Scored late.
    pub late: u64,
    /// Alerts opened.
    pub alerts: u64,
}

/// One line of a scored input.
pub struct Line<'a> {
    /// Line in the input, from 0.
    pub number: u64,
    /// Ordinal of the activity in the line.
    pub ordinal: u32,
    /// The record's bytes.
    pub bytes: &'a [u8],
    /// What became of it.
    pub outcome: LineOutcome<'a>,
}

/// What became of one activity.
pub enum LineOutcome<'a> {
    /// Scored, with the alert it opened or updated.
    Scored {
        /// The activity.
        activity: &'a Activity<'a>,
        /// Its score, trust and findings.
        observed: &'a Observed,
        /// The alert's id.
        alert_id: Option<&'a str>,
    },
    /// Its id was seen before.
    Duplicate(&'a Activity<'a>),
    /// Left out by a rule.
    Skipped(&'static str),
    /// Refused.
    Rejected(&'a Rejection),
}

/// The trust of one actor around a run's findings.
#[derive(Clone, Debug, PartialEq)]
pub struct ActorTrust {
    /// Trust before the actor's first finding.
    pub first: f64,
    /// Lowest trust.
    pub lowest: f64,
    /// Level at the lowest.
    pub lowest_level: Level,
    /// Trust after its newest finding.
    pub last: f64,
}

/// What a run leaves.
pub struct Report {
    /// Every alert in its newest form, in order of opening.
    pub alerts: Vec<DetectionFinding>,
    /// Every revocation request.
    pub revocations: Vec<RevocationRequest>,
    /// Trust of the actors with findings, by tenant, agent and authority.
    pub actors: BTreeMap<schemas::ActorRef, ActorTrust>,
    /// What became of the activities.
    pub counts: Counts,
    /// What was skipped, by rule.
    pub skipped: BTreeMap<&'static str, u64>,
    /// What the agents' store held and did.
    pub store: StoreCounts,
    /// Bytes of each known agent, id included.
    pub agent_bytes: Vec<usize>,
    /// Unknown fields and values.
    pub notes: Notes,
    /// How long the stages took.
    pub timings: Timings,
}
