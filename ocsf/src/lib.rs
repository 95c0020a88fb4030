//! What Habitus says in the words of OCSF 1.8.0: the wire forms of Detection and Incident Findings, what a verdict shows,
//! severities, techniques. It computes nothing of a case and decides nothing.
#![forbid(unsafe_code)]

mod analytic;
mod attack;
mod evidence;
mod finding;
mod incident;
mod observable;
mod severity;

pub use analytic::{analytic, kind, title};
pub use attack::{attacks, owasp};
pub use evidence::{
    Actor, Api, Evidence, NetworkEndpoint, ResourceDetails, Service, Session, Url, User, actor,
    evidence, resources,
};
pub use finding::{
    AnalysisTarget, Analytic, Anomaly, AnomalyAnalysis, Attack, DetectionFinding, FindingInfo,
    KeyValue, Metadata, Named, Observation, Product, RelatedEvent, Remediation, Trait, Unmapped,
};
pub use incident::{AssigneeGroup, IncidentAlert, IncidentFinding, IncidentUnmapped};
pub use observable::{Observable, observables};
pub use severity::Severity;
