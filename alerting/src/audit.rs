//! Decisions as records for the audit. It decides nothing.

use schemas::decision::{
    DECISION_SCHEMA, DecisionKind, DecisionObligations, DecisionRecord, DecisionSaid, DecisionTrust,
};
use schemas::finding::Finding;
use schemas::revocation::{RevocationMode, RevocationRequest};
use schemas::trust::PolicyRef;
use schemas::{ActorRef, EventTime};

use crate::cases::OpenAlert;
use crate::policy::{Decision, Hold, Obligations};

/// The decision in short: two that say the same are the same.
pub(crate) fn short(decision: &Decision, cools: bool) -> String {
    let policy = |policy: &PolicyRef| {
        format!("{}@{}", policy.id, policy.version.as_deref().unwrap_or_default())
    };
    let policy = decision.policy.as_ref().map(policy).unwrap_or_default();
    let action = decision.action.map_or("none", |action| action.as_str());
    let free = if cools { "cool_down" } else { "free" };
    let held = decision.held.map_or(free, Hold::as_str);
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
        actor: Some(alert.worst.actor.clone()),
        policy: decision.policy.clone(),
        action: decision.action,
        mode: decision.mode,
        permit: Some(decision.permit),
        obligations: obligations(&decision.obligations),
        held: decision.held.map(|held| held.as_str().to_owned()),
        errors: decision.errors.clone(),
        trust: Some(DecisionTrust {
            score: alert.trust_after,
            level: alert.level,
            effective: alert.trust_effective,
            effective_level: alert.level_effective,
        }),
        alert_id: Some(alert.id.clone()),
        request_id: request_id.clone(),
        outcome: None,
        said: None,
    }
}

/// What became of a request, or of what a person said.
pub(crate) struct Outcome<'a> {
    pub(crate) kind: DecisionKind,
    pub(crate) outcome: &'a str,
    /// The request that it is about.
    pub(crate) request: Option<&'a RevocationRequest>,
    pub(crate) said: Option<DecisionSaid>,
}

/// The record of an outcome; `mode` is the most binding one in force, where there is no request.
pub(crate) fn outcome(
    finding: &Finding,
    now: EventTime,
    mode: RevocationMode,
    of: Outcome<'_>,
) -> DecisionRecord {
    let Outcome { kind, outcome, request, said } = of;
    let about = request.map_or_else(
        || said.as_ref().map(|said| said.id.clone()).unwrap_or_default(),
        |request| request.request_id.clone(),
    );
    let actor = |request: &RevocationRequest| ActorRef {
        tenant_id: request.tenant_id.clone(),
        agent_id: request.subject.agent_id.clone(),
        authority: request.subject.authority.unwrap_or_default(),
    };
    DecisionRecord {
        schema: DECISION_SCHEMA.to_owned(),
        id: finding.source.derive(&format!("decision/{outcome}/{about}")),
        time: now,
        tenant_id: finding.tenant_id.clone(),
        kind,
        actor: request.map(actor),
        policy: request.and_then(|request| request.policy.clone()),
        action: request.map(|request| request.action),
        mode: request.map_or(mode, |request| request.mode),
        permit: None,
        obligations: None,
        held: None,
        errors: Vec::new(),
        trust: None,
        alert_id: request.and_then(|request| request.cause.alert_id.clone()),
        request_id: request.map(|request| request.request_id.clone()),
        outcome: Some(outcome.to_owned()),
        said,
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
