//! The wire form of a Detection Finding (class 2004, OCSF 1.8.0) as far as Habitus writes it. Fields of
//! others are passed over when reading; nothing here computes.

use schemas::alert::HabitusAlert;
use serde::{Deserialize, Serialize};

use crate::evidence::{Actor, Evidence, ResourceDetails};
use crate::observable::Observable;

/// An alert.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DetectionFinding {
    /// 1 create, 2 update, 3 close.
    pub activity_id: u8,
    /// The activity in words.
    pub activity_name: String,
    /// Always 2.
    pub category_uid: u8,
    /// Always `Findings`.
    pub category_name: String,
    /// Always 2004.
    pub class_uid: u16,
    /// Always `Detection Finding`.
    pub class_name: String,
    /// Class and activity.
    pub type_uid: u32,
    /// Class and activity in words.
    pub type_name: String,
    /// Log time of the record in milliseconds.
    pub time: i64,
    /// When the agent first acted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_time: Option<i64>,
    /// When the agent last acted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_time: Option<i64>,
    /// Events so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// 1 to 5.
    pub severity_id: u8,
    /// The severity in words.
    pub severity: String,
    /// 1 new, 2 in progress, 4 resolved, 99 other.
    pub status_id: u8,
    /// The status in words.
    pub status: String,
    /// More of the status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_detail: Option<String>,
    /// Whether somebody should look.
    #[serde(default)]
    pub is_alert: bool,
    /// 1 low, 2 medium, 3 high.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence_id: Option<u8>,
    /// The confidence in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<String>,
    /// 0 to 100, by thirds as the confidence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence_score: Option<u8>,
    /// 0 to 4.
    pub risk_level_id: u8,
    /// The risk level in words.
    pub risk_level: String,
    /// 100 minus trust.
    pub risk_score: u8,
    /// How trust changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk_details: Option<String>,
    /// One sentence for people.
    pub message: String,
    /// About the record.
    pub metadata: Metadata,
    /// About the finding.
    pub finding_info: FindingInfo,
    /// Who acted, for whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<Actor>,
    /// What was touched.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<ResourceDetails>,
    /// What was seen against what was expected.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub anomaly_analyses: Vec<AnomalyAnalysis>,
    /// The event with the largest score.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidences: Vec<Evidence>,
    /// Values to search for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub observables: Vec<Observable>,
    /// What to do next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remediation: Option<Remediation>,
    /// What OCSF has no place for.
    pub unmapped: Unmapped,
}

/// What OCSF has no place for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Unmapped {
    /// `agent.alert/1`.
    pub habitus: HabitusAlert,
}

/// About a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// Version of OCSF.
    pub version: String,
    /// Id of the record.
    pub uid: String,
    /// Profiles in use.
    #[serde(default)]
    pub profiles: Vec<String>,
    /// What made it.
    pub product: Product,
    /// The tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_uid: Option<String>,
    /// Log time in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logged_time: Option<i64>,
    /// The same: log time is the only time that respond knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processed_time: Option<i64>,
    /// Session or task of the worst event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation_uid: Option<String>,
    /// Whether texts of the event had to be cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_truncated: Option<bool>,
}

/// A product.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Product {
    /// Its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// Its name.
    pub name: String,
    /// Its vendor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor_name: Option<String>,
    /// Its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// About a finding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FindingInfo {
    /// Id of the alert; the same in all its records.
    pub uid: String,
    /// What kind of thing happened.
    pub title: String,
    /// What differed from what.
    pub desc: String,
    /// Signal ids, strongest first.
    #[serde(default)]
    pub types: Vec<String>,
    /// Log time of the opening in milliseconds.
    pub created_time: i64,
    /// Log time of the change in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified_time: Option<i64>,
    /// When the agent first acted.
    pub first_seen_time: i64,
    /// When the agent last acted.
    pub last_seen_time: i64,
    /// Topics or files it was read from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub data_sources: Vec<String>,
    /// The leading signal.
    pub analytic: Analytic,
    /// The other signals.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub related_analytics: Vec<Analytic>,
    /// Techniques that fit the signals.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attacks: Vec<Attack>,
    /// Activities of the alert; the newest 32.
    #[serde(default)]
    pub related_events: Vec<RelatedEvent>,
    /// Activities of the alert, all of them.
    #[serde(default)]
    pub related_events_count: u32,
    /// Further classifications.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<KeyValue>,
    /// What counts as one of the two keys.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub traits: Vec<Trait>,
}

/// A signal as OCSF names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Analytic {
    /// Signal id.
    pub uid: String,
    /// Its name.
    pub name: String,
    /// 2 behavioural, 3 statistical.
    pub type_id: u8,
    /// The type in words.
    #[serde(rename = "type")]
    pub kind: String,
    /// Version of the program that computes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Signal family.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// 1 active, 3 experimental (shadow mode).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state_id: Option<u8>,
    /// The state in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
}

/// A technique of ATT&CK or ATLAS.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Attack {
    /// Version of the catalogue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The tactic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tactic: Option<Named>,
    /// The technique.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub technique: Option<Named>,
    /// The sub-technique.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub_technique: Option<Named>,
}

/// An id with its name.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Named {
    /// The id.
    pub uid: String,
    /// The name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// An activity of an alert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RelatedEvent {
    /// Its id.
    pub uid: String,
    /// Its type: `agent.activity.v1`.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
}

/// A tag.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyValue {
    /// Its name.
    pub name: String,
    /// Its value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Its values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
}

/// A trait of a finding.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trait {
    /// Its id.
    #[serde(default)]
    pub uid: String,
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// How it bears on the finding.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Its values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
}

/// What was seen against what was expected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnomalyAnalysis {
    /// Whose behaviour it is.
    pub analysis_targets: Vec<AnalysisTarget>,
    /// What was seen, by signal.
    pub anomalies: Vec<Anomaly>,
    /// What was expected, by signal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub baselines: Vec<Anomaly>,
}

/// Whose behaviour was analysed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnalysisTarget {
    /// Its id.
    pub name: String,
    /// What it is.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
}

/// What was seen, or expected, of one signal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anomaly {
    /// Signal id.
    pub observation_parameter: String,
    /// What kind of analysis it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observation_type: Option<String>,
    /// The values.
    pub observations: Vec<Observation>,
}

/// A value that was seen or expected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// The value in words.
    pub value: String,
    /// How many observations it rests on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remediation {
    /// In a sentence.
    pub desc: String,
}
