//! Alerts as OCSF 1.8.0 Detection Findings, incidents as Incident Findings. Types that read and write, and what is composed from a case.

mod analytic;
mod attack;
mod compose;
mod evidence;
mod finding;
mod fleet;
mod incident;
mod notice;
mod observable;
mod severity;
pub(crate) mod wording;

pub(crate) use compose::{Moment, Phase, compose, severity};
pub use evidence::{
    Actor, Api, Evidence, NetworkEndpoint, ResourceDetails, Service, Session, Url, User,
};
pub use finding::{
    AnalysisTarget, Analytic, Anomaly, AnomalyAnalysis, Attack, DetectionFinding, FindingInfo,
    KeyValue, Metadata, Named, Observation, Product, RelatedEvent, Remediation, Trait, Unmapped,
};
pub(crate) use fleet::compose_fleet;
pub(crate) use incident::compose_incident;
pub use incident::{IncidentAlert, IncidentFinding, IncidentUnmapped};
pub(crate) use notice::{Notice, compose_notice};
pub use observable::Observable;
pub use severity::Severity;
