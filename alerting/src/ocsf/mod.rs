//! Alerts as OCSF 1.8.0 Detection Findings, incidents as Incident Findings: what is composed from a case. The types that
//! read and write stand in the crate `ocsf`.

mod compose;
mod fleet;
mod incident;
mod notice;
pub(crate) mod wording;

pub use ::ocsf::{
    Actor, AnalysisTarget, Analytic, Anomaly, AnomalyAnalysis, Api, AssigneeGroup, Attack,
    DetectionFinding, Evidence, FindingInfo, IncidentAlert, IncidentFinding, IncidentUnmapped,
    KeyValue, Metadata, Named, NetworkEndpoint, Observable, Observation, Product, RelatedEvent,
    Remediation, ResourceDetails, Service, Session, Severity, Trait, Unmapped, Url, User,
};
pub(crate) use compose::{Moment, Phase, compose, severity};
pub(crate) use fleet::compose_fleet;
pub(crate) use incident::compose_incident;
pub(crate) use notice::{Notice, compose_notice};
