//! Composes an Incident Finding (class 2005) from alerts with one cause. It decides nothing.

use ::ocsf::{AssigneeGroup, IncidentAlert, IncidentFinding, IncidentUnmapped, Metadata, Severity};
use schemas::incident::{HabitusIncident, INCIDENT_SCHEMA, IncidentKind};
use schemas::trust::Level;

use super::compose::{Moment, OCSF_VERSION, Phase, count, product};
use crate::incidents::Gathering;
use crate::policy::Mode;
use crate::settings::Settings;
use crate::text::clean;

const CLASS_UID: u16 = 2005;

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
        assignee_group: AssigneeGroup { name: "unassigned".to_owned() },
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
        title: ::ocsf::title(signal).to_owned(),
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
