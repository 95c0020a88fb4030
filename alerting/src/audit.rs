//! Decisions as records for the audit. It decides nothing.

use schemas::EventTime;
use schemas::decision::{
    DECISION_SCHEMA, DecisionKind, DecisionObligations, DecisionRecord, DecisionTrust,
};
use schemas::finding::Finding;
use schemas::trust::PolicyRef;

use crate::cases::OpenAlert;
use crate::policy::{Decision, Hold, Obligations};

/// The decision in short: two that say the same are the same.
pub(crate) fn short(decision: &Decision) -> String {
    let policy = |policy: &PolicyRef| {
        format!("{}@{}", policy.id, policy.version.as_deref().unwrap_or_default())
    };
    let policy = decision.policy.as_ref().map(policy).unwrap_or_default();
    let action = decision.action.map_or("none", |action| action.as_str());
    let held = decision.held.map_or("free", Hold::as_str);
    format!("{policy} {action} {} {} {held}", decision.mode.as_str(), decision.permit)
}

/// The record of a decision about the actor of an alert.
pub(crate) fn compose(
    finding: &Finding,
    now: EventTime,
    alert: &OpenAlert,
    decision: &Decision,
    request_id: &Option<String>,
) -> DecisionRecord {
    DecisionRecord {
        schema: DECISION_SCHEMA.to_owned(),
        id: finding.source.derive("decision"),
        time: now,
        tenant_id: finding.tenant_id.clone(),
        kind: DecisionKind::Policy,
        actor: alert.worst.actor.clone(),
        policy: decision.policy.clone(),
        action: decision.action,
        mode: decision.mode,
        permit: decision.permit,
        obligations: obligations(&decision.obligations),
        held: decision.held.map(|held| held.as_str().to_owned()),
        errors: decision.errors.clone(),
        trust: DecisionTrust {
            score: alert.trust_after,
            level: alert.level,
            effective: alert.trust_effective,
            effective_level: alert.level_effective,
        },
        alert_id: Some(alert.id.clone()),
        request_id: request_id.clone(),
    }
}

/// As they stand on the wire; none where nothing must be kept to.
pub(crate) fn obligations(of: &Obligations) -> Option<DecisionObligations> {
    (*of != Obligations::default()).then(|| DecisionObligations {
        max_token_lifetime_seconds: of.max_token_lifetime_seconds,
        require_human_approval: of.approval,
        require_reauthentication: of.reauthentication,
        scopes_remove: of.scopes_remove.clone(),
    })
}
