//! The wire form of an Incident Finding (class 2005, OCSF 1.8.0) as far as Habitus writes it. Nothing here computes.

use schemas::incident::HabitusIncident;
use serde::{Deserialize, Serialize};

use crate::finding::Metadata;

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
    /// Whose it is: OCSF wants one.
    pub assignee_group: AssigneeGroup,
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

/// Who sees to an incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssigneeGroup {
    /// Its name; `unassigned` until somebody takes it up elsewhere.
    pub name: String,
}

/// What OCSF has no place for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IncidentUnmapped {
    /// `agent.incident/1`.
    pub habitus: HabitusIncident,
}
