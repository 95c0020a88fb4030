//! The wire form of an Incident Finding (class 2005, OCSF 1.8.0) as far as Habitus writes it, and how it is composed from
//! alerts with one cause. It decides nothing.

use schemas::incident::{HabitusIncident, INCIDENT_SCHEMA, IncidentKind};
use schemas::trust::{Level, risk_score};
use serde::{Deserialize, Serialize};

use super::analytic;
use super::compose::{Moment, OCSF_VERSION, Phase, count, product};
use super::finding::Metadata;
use super::severity::Severity;
use crate::incidents::Gathering;
use crate::policy::Mode;
use crate::settings::Settings;
use crate::text::clean;

const CLASS_UID: u16 = 2005;

/// An incident.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IncidentFinding {
    /// 1 create, 2 update, 3 close.
    pub activity_id: u8,
    /// The activity in words.
    pub activity_name: String,
    /// Always 2.
    pub category_uid: u8,
    /// Always `Findings`.
    pub category_name: String,
    /// Always 2005.
    pub class_uid: u16,
    /// Always `Incident Finding`.
    pub class_name: String,
    /// Class and activity.
    pub type_uid: u32,
    /// Class and activity in words.
    pub type_name: String,
    /// Log time of the record in milliseconds.
    pub time: i64,
    /// Log time of its first alert.
    pub start_time: i64,
    /// Log time of its newest alert.
    pub end_time: i64,
    /// Alerts so far.
    pub count: u32,
    /// 1 to 5.
    pub severity_id: u8,
    /// The severity in words.
    pub severity: String,
    /// 1 new, 2 in progress, 5 closed.
    pub status_id: u8,
    /// The status in words.
    pub status: String,
    /// 0 to 4.
    pub risk_level_id: u8,
    /// The risk level in words.
    pub risk_level: String,
    /// 100 minus the trust of the least trusted member.
    pub risk_score: u8,
    /// One sentence for people.
    pub message: String,
    /// Who is in it.
    pub desc: String,
    /// About the record.
    pub metadata: Metadata,
    /// Its alerts, the oldest first; at most 64.
    pub finding_info_list: Vec<IncidentAlert>,
    /// What OCSF has no place for.
    pub unmapped: IncidentUnmapped,
}

/// An alert of an incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentAlert {
    /// Id of the alert.
    pub uid: String,
    /// What kind of thing happened.
    pub title: String,
    /// Its leading signal.
    pub types: Vec<String>,
    /// Log time of its opening in milliseconds.
    pub created_time: i64,
}

/// What OCSF has no place for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IncidentUnmapped {
    /// `agent.incident/1`.
    pub habitus: HabitusIncident,
}

/// The record of an incident at a moment; `trust` is that of its least trusted member. The incident's id is the
/// `correlation_uid` of all its records.
pub(crate) fn compose_incident(
    settings: &Settings,
    moment: &Moment<'_>,
    of: &Gathering,
    trust: Option<(f64, Level)>,
) -> IncidentFinding {
    let (trust, level) = trust.unwrap_or((100.0, Level::Unknown));
    let severity = Severity::from_id(of.severity_id);
    let (activity_id, activity_name, status_id, status) = match moment.phase {
        Phase::Open => (1, "Create", 1, "New"),
        Phase::Update => (2, "Update", 2, "In Progress"),
        Phase::Close | Phase::Resolve(_) => (3, "Close", 5, "Closed"),
    };
    IncidentFinding {
        activity_id,
        activity_name: activity_name.to_owned(),
        category_uid: 2,
        category_name: "Findings".to_owned(),
        class_uid: CLASS_UID,
        class_name: "Incident Finding".to_owned(),
        type_uid: u32::from(CLASS_UID) * 100 + u32::from(activity_id),
        type_name: format!("Incident Finding: {activity_name}"),
        time: moment.now.millis(),
        start_time: of.first.millis(),
        end_time: of.last.millis(),
        count: count(of.n_alerts),
        severity_id: severity.id(),
        severity: severity.as_str().to_owned(),
        status_id,
        status: status.to_owned(),
        risk_level_id: severity.risk_level_id(),
        risk_level: severity.risk_level().to_owned(),
        risk_score: risk_score(trust),
        message: message(of),
        desc: description(of),
        metadata: Metadata {
            version: OCSF_VERSION.to_owned(),
            uid: moment.uid.clone(),
            profiles: Vec::new(),
            product: product(settings),
            tenant_uid: Some(moment.tenant_id.to_owned()),
            logged_time: Some(moment.now.millis()),
            processed_time: Some(moment.now.millis()),
            correlation_uid: of.id.clone(),
            is_truncated: None,
        },
        finding_info_list: of.alerts().map(alert).collect(),
        unmapped: IncidentUnmapped {
            habitus: HabitusIncident {
                schema: INCIDENT_SCHEMA.to_owned(),
                tenant_id: moment.tenant_id.to_owned(),
                kind: of.kind,
                name: of.name.clone(),
                members: of.members.agents().iter().map(|agent| agent.id.clone()).collect(),
                members_count: of.members.count(),
                members_exact: of.members.is_exact(),
                alerts_count: of.n_alerts,
                trust_score: trust,
                trust_level: level,
                versions: of.versions.clone(),
                shadow: settings.mode == Mode::Shadow,
            },
        },
    }
}

fn alert((uid, signal, opened_ms): (&str, &str, i64)) -> IncidentAlert {
    IncidentAlert {
        uid: uid.to_owned(),
        title: analytic::title(signal).to_owned(),
        types: vec![signal.to_owned()],
        created_time: opened_ms,
    }
}

fn message(of: &Gathering) -> String {
    let (n, name) = (of.members.count(), clean(&of.name));
    let about = if of.members.is_exact() { "" } else { "About " };
    let what = match of.kind {
        IncidentKind::Delegation => format!("that act for {name} raise alerts"),
        IncidentKind::Destination => format!("raise alerts about the destination {name}"),
        IncidentKind::Blueprint => format!("of one blueprint meet what is new to it: {name}"),
    };
    format!("{about}{n} agents {what}.")
}

fn description(of: &Gathering) -> String {
    let named: Vec<String> =
        of.members.agents().iter().take(8).map(|agent| clean(&agent.id)).collect();
    let others = of.members.count().saturating_sub(named.len() as u64);
    let others = if others == 0 { String::new() } else { format!(" and {others} others") };
    format!("{} {} alerts so far. Members: {}{others}.", message(of), of.n_alerts, named.join(", "))
}
