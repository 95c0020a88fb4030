//! Composes `agent.revocation/1` from a decision and its case. It decides nothing: neither the action nor
//! whether it may be asked for.

use std::collections::BTreeMap;

use schemas::EventTime;
use schemas::finding::Finding;
use schemas::revocation::{
    Cascade, CredentialTarget, InitiatingEntity, REVOCATION_SCHEMA, RevocationAction,
    RevocationCause, RevocationMode, RevocationRequest, RevocationSubject, RevocationTargets,
    SubjectId, Urgency,
};
use schemas::time::TIME_MS_MAX;
use schemas::trust::RiskLevel;

use crate::cases::OpenAlert;
use crate::ocsf::wording;
use crate::policy::{Decision, Obligations, may_revoke};

/// A request is to be ignored after that long.
const LIFETIME_MS: i64 = 15 * 60 * 1000;
/// Longest id that the wire form has room for.
const ID_CHARS_MAX: usize = 256;
/// Most signals that a cause names.
const SIGNALS_MAX: usize = 16;

/// The request for the action that was decided on.
pub(crate) fn compose(
    finding: &Finding,
    now: EventTime,
    alert: &OpenAlert,
    action: RevocationAction,
    decision: &Decision,
) -> RevocationRequest {
    let rule = format!("revocation/{}", action.as_str());
    let urgent = may_revoke(action);
    RevocationRequest {
        schema: REVOCATION_SCHEMA.to_owned(),
        request_id: format!("rr-{}", finding.source.derive(&rule)),
        time: now,
        expires_at: expiry(now),
        tenant_id: finding.tenant_id.clone(),
        action,
        mode: decision.mode,
        urgency: Some(if urgent { Urgency::Immediate } else { Urgency::Normal }),
        subject: subject(alert),
        targets: Some(targets(alert, decision)),
        cause: cause(alert, action),
        initiating_entity: Some(InitiatingEntity::Policy),
        policy: decision.policy.clone(),
        supersedes: None,
    }
}

/// The request that a policy was not allowed to make: for a person to decide.
pub(crate) fn withheld(
    finding: &Finding,
    now: EventTime,
    alert: &OpenAlert,
    decision: &Decision,
) -> Option<RevocationRequest> {
    let (action, policy) = decision.withheld.clone()?;
    let mode = match decision.mode {
        RevocationMode::DryRun => RevocationMode::DryRun,
        RevocationMode::Recommend | RevocationMode::Enforce => RevocationMode::Recommend,
    };
    let obligations = Obligations::default();
    let held = Decision { policy: Some(policy), mode, obligations, ..decision.clone() };
    Some(compose(finding, now, alert, action, &held))
}

/// Until when a request made now is to be acted on.
pub(crate) fn expiry(now: EventTime) -> EventTime {
    let ms = now.millis().saturating_add(LIFETIME_MS).min(TIME_MS_MAX - 1);
    EventTime::from_millis(ms).unwrap_or(now)
}

fn subject(alert: &OpenAlert) -> RevocationSubject {
    let (actor, facts) = (&alert.worst.actor, &alert.worst.facts);
    let agent_id = actor.agent_id.clone();
    let sub_id = sub_id(&agent_id, facts.agent_issuer.as_deref());
    RevocationSubject {
        agent_id,
        agent_issuer: facts.agent_issuer.clone(),
        authority: Some(actor.authority),
        instance_id: fitting(&facts.agent_instance_id),
        sub_id,
    }
}

/// An agent as security event tokens name it.
pub(crate) fn sub_id(agent_id: &str, issuer: Option<&str>) -> SubjectId {
    let id = agent_id.to_owned();
    match issuer {
        Some(issuer) => SubjectId::IssSub { iss: issuer.to_owned(), sub: id },
        None if id.starts_with("spiffe://") => SubjectId::Uri { uri: id },
        None => SubjectId::Opaque { id },
    }
}

fn targets(alert: &OpenAlert, decision: &Decision) -> RevocationTargets {
    let (facts, obligations) = (&alert.worst.facts, &decision.obligations);
    RevocationTargets {
        scopes_remove: obligations.scopes_remove.clone(),
        max_token_lifetime_seconds: obligations.max_token_lifetime_seconds,
        // Who acts for the agent has a request of its own, or is held back.
        cascade: Some(Cascade::None),
        ..held_by(&facts.credential_id, &facts.session, &facts.delegation_id)
    }
}

/// What an agent holds, as targets.
pub(crate) fn held_by(
    credential_id: &Option<String>,
    session: &Option<String>,
    delegation_id: &Option<String>,
) -> RevocationTargets {
    let credential = fitting(credential_id);
    RevocationTargets {
        credentials: credential
            .map(|id| CredentialTarget { id, ..CredentialTarget::default() })
            .into_iter()
            .collect(),
        sessions: fitting(session).into_iter().collect(),
        delegation_id: fitting(delegation_id),
        ..RevocationTargets::default()
    }
}

/// An id that the wire form has room for; a cut one would name something else.
pub(crate) fn fitting(id: &Option<String>) -> Option<String> {
    id.clone().filter(|id| id.chars().count() <= ID_CHARS_MAX)
}

fn cause(alert: &OpenAlert, action: RevocationAction) -> RevocationCause {
    let worst = &alert.worst;
    let told = "Some actions of the assistant are limited because of unusual activity.";
    let reason_user = match action {
        RevocationAction::ShortenTokenLifetime => BTreeMap::new(),
        _ => BTreeMap::from([("en".to_owned(), told.to_owned())]),
    };
    RevocationCause {
        txn: alert.id.clone(),
        alert_id: Some(alert.id.clone()),
        finding_uid: Some(alert.id.clone()),
        signals: worst
            .contributions
            .iter()
            .take(SIGNALS_MAX)
            .map(|contribution| contribution.signal.clone())
            .collect(),
        trust_score: Some(alert.trust_after),
        risk_level: Some(RiskLevel::of_trust(alert.trust_after)),
        event_time: Some(alert.last_seen),
        reason_admin: BTreeMap::from([("en".to_owned(), wording::message(alert))]),
        reason_user,
    }
}
