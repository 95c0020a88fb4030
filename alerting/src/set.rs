//! Security event tokens before they are signed: which receiver is told what of a change of risk and of a revocation
//! request. Pure: a token is a function of its cause's record and the receiver, `jti` and `iat` included, so that a
//! retry gives the same claims.

use std::collections::BTreeMap;

use schemas::finding::{Finding, LevelChange};
use schemas::revocation::{
    CredentialTarget, InitiatingEntity, RevocationAction, RevocationMode, RevocationRequest,
    SubjectId,
};
use schemas::set::{
    ChangeType, CredentialChange, RiskLevelChange, SessionRevoked, SetClaims, SetEvent,
};
use schemas::trust::RiskLevel;
use schemas::{Authority, EventTime};

use crate::cases::{OpenAlert, percent};
use crate::revocation::sub_id;
use crate::settings::Settings;

/// What a token states.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SetKind {
    /// The risk of an agent is another one.
    RiskLevelChange,
    /// Sessions are to count as revoked.
    SessionRevoked,
    /// A credential is to count as revoked.
    CredentialChange,
}

/// Who is told, and of what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetReceiver {
    /// Its name.
    pub id: String,
    /// How tokens name it.
    pub audience: String,
    /// What it is told; what it did not agree to act on is not stated to it.
    pub events: Vec<SetKind>,
    /// What kind of subject an agent is to it.
    pub principal: String,
    /// Under which issuer it knows agents; without it an agent is named as in the request, or as URI or opaque.
    pub subject_issuer: Option<String>,
    /// Tenants it is told of; empty is all.
    pub tenants: Vec<String>,
}

/// Who states tokens, and to whom.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SetSettings {
    /// The issuer of tokens.
    pub issuer: String,
    /// The receivers.
    pub receivers: Vec<SetReceiver>,
}

/// Another risk level of an actor.
#[derive(Clone, Debug, PartialEq)]
pub struct RiskChange {
    /// Id of the change: a function of where its cause stands in the log.
    pub id: String,
    /// The tenant.
    pub tenant_id: String,
    /// The agent.
    pub agent_id: String,
    /// The authority of the actor.
    pub authority: Authority,
    /// Joins what has one cause: an open alert of the actor, else the change itself.
    pub txn: String,
    /// Leading signal of that alert.
    pub signal: Option<String>,
    /// Risk before.
    pub before: RiskLevel,
    /// Risk after.
    pub after: RiskLevel,
    /// Trust after, from 0 to 100.
    pub trust: f64,
    /// Log time of its cause.
    pub log_time: EventTime,
    /// When it happened.
    pub time: EventTime,
}

/// A token for one receiver, before it is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetDraft {
    /// Name of the receiver.
    pub receiver: String,
    /// The tenant.
    pub tenant_id: String,
    /// The agent.
    pub agent_id: String,
    /// What is to be signed.
    pub claims: SetClaims,
}

// === impl SetKind ===

impl SetKind {
    /// All kinds.
    pub const ALL: [Self; 3] =
        [Self::RiskLevelChange, Self::SessionRevoked, Self::CredentialChange];

    /// Its word: the end of the event's URI.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RiskLevelChange => "risk-level-change",
            Self::SessionRevoked => "session-revoked",
            Self::CredentialChange => "credential-change",
        }
    }

    /// The kind of a word.
    pub fn from_wire(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// The change of risk that a change of trust level is; none where the risk stays. `alert` is the actor's newest.
pub(crate) fn risk(
    finding: &Finding,
    change: &LevelChange,
    alert: Option<&OpenAlert>,
) -> Option<RiskChange> {
    let [before, after] = [change.before, change.after].map(RiskLevel::of_level);
    let actor = &change.actor;
    // One entry may end many actors' levels.
    let rule = format!("risk/{}/{}", actor.authority.as_str(), actor.agent_id);
    let id = format!("rl-{}", finding.source.derive(&rule));
    (before != after).then(|| RiskChange {
        tenant_id: finding.tenant_id.clone(),
        agent_id: actor.agent_id.clone(),
        authority: actor.authority,
        txn: alert.map_or_else(|| id.clone(), |alert| alert.id.clone()),
        signal: alert.map(|alert| alert.worst.leading_signal().to_owned()),
        id,
        before,
        after,
        trust: percent(change.score),
        log_time: finding.log_time,
        time: change.time,
    })
}

/// The tokens that tell of a change of risk.
pub fn of_risk(settings: &Settings, change: &RiskChange) -> Vec<SetDraft> {
    let cause = Cause {
        id: &change.id,
        txn: &change.txn,
        tenant_id: &change.tenant_id,
        agent_id: &change.agent_id,
        given: None,
        log_time: change.log_time,
    };
    let drafts = cause.receivers(settings, SetKind::RiskLevelChange).map(|receiver| {
        let event = SetEvent::RiskLevelChange(RiskLevelChange {
            event_timestamp: seconds(change.time),
            principal: receiver.principal.clone(),
            current_level: change.after,
            previous_level: Some(change.before),
            risk_reason: change.signal.clone(),
            initiating_entity: InitiatingEntity::Policy,
            reason_admin: BTreeMap::from([("en".to_owned(), wording(change))]),
        });
        cause.draft(
            settings,
            receiver,
            (SetKind::RiskLevelChange, 0),
            (cause.subject(receiver), event),
        )
    });
    drafts.collect()
}

/// The tokens that tell of a request: none unless it is to be enforced and its action has an event of CAEP.
pub fn of_request(settings: &Settings, request: &RevocationRequest) -> Vec<SetDraft> {
    let credentials = match request.action {
        RevocationAction::RevokeCredentials => true,
        RevocationAction::RevokeSessions => false,
        _ => return Vec::new(),
    };
    if request.mode != RevocationMode::Enforce {
        return Vec::new();
    }
    let cause = Cause {
        id: &request.request_id,
        txn: &request.cause.txn,
        tenant_id: &request.tenant_id,
        agent_id: &request.subject.agent_id,
        given: Some(&request.subject.sub_id),
        log_time: request.time,
    };
    let event_timestamp = seconds(request.cause.event_time.unwrap_or(request.time));
    let initiating_entity = request.initiating_entity.unwrap_or(InitiatingEntity::Policy);
    let targets = request.targets.clone().unwrap_or_default();
    // Whose credentials go loses every session; else those that the request names.
    let sessions = if credentials { &[] } else { targets.sessions.as_slice() };
    let mut drafts = Vec::new();
    for receiver in cause.receivers(settings, SetKind::SessionRevoked) {
        let event = SetEvent::SessionRevoked(SessionRevoked {
            event_timestamp,
            initiating_entity,
            reason_admin: request.cause.reason_admin.clone(),
            reason_user: request.cause.reason_user.clone(),
        });
        let user = cause.subject(receiver);
        let subjects: Vec<SubjectId> = match sessions {
            [] => vec![user],
            some => some.iter().map(|session| cause.session(&user, session)).collect(),
        };
        for (at, subject) in subjects.into_iter().enumerate() {
            let place = (SetKind::SessionRevoked, at);
            drafts.push(cause.draft(settings, receiver, place, (subject, event.clone())));
        }
    }
    let revoked: &[CredentialTarget] = if credentials { &targets.credentials } else { &[] };
    for receiver in cause.receivers(settings, SetKind::CredentialChange) {
        for (at, target) in revoked.iter().enumerate() {
            let event = CredentialChange {
                event_timestamp,
                initiating_entity,
                reason_admin: request.cause.reason_admin.clone(),
                ..credential(target)
            };
            let place = (SetKind::CredentialChange, at);
            let said = (cause.subject(receiver), SetEvent::CredentialChange(event));
            drafts.push(cause.draft(settings, receiver, place, said));
        }
    }
    drafts
}

/// What tokens of one cause share.
struct Cause<'a> {
    id: &'a str,
    txn: &'a str,
    tenant_id: &'a str,
    agent_id: &'a str,
    /// The subject as the cause names it.
    given: Option<&'a SubjectId>,
    log_time: EventTime,
}

// === impl Cause ===

impl Cause<'_> {
    fn receivers<'s>(
        &self,
        settings: &'s Settings,
        kind: SetKind,
    ) -> impl Iterator<Item = &'s SetReceiver> {
        let tenant_id = self.tenant_id;
        settings.sets.receivers.iter().filter(move |receiver| {
            receiver.events.contains(&kind)
                && (receiver.tenants.is_empty()
                    || receiver.tenants.iter().any(|tenant| tenant == tenant_id))
        })
    }

    fn subject(&self, receiver: &SetReceiver) -> SubjectId {
        match (&receiver.subject_issuer, self.given) {
            (None, Some(given)) => given.clone(),
            (issuer, _) => sub_id(self.agent_id, issuer.as_deref()),
        }
    }

    fn session(&self, user: &SubjectId, session: &str) -> SubjectId {
        let opaque = |id: &str| Some(Box::new(SubjectId::Opaque { id: id.to_owned() }));
        SubjectId::Complex {
            user: Box::new(user.clone()),
            session: opaque(session),
            tenant: opaque(self.tenant_id),
        }
    }

    fn draft(
        &self,
        settings: &Settings,
        receiver: &SetReceiver,
        (kind, ordinal): (SetKind, usize),
        (sub_id, events): (SubjectId, SetEvent),
    ) -> SetDraft {
        let (id, receiver_id) = (self.id, &receiver.id);
        SetDraft {
            receiver: receiver_id.clone(),
            tenant_id: self.tenant_id.to_owned(),
            agent_id: self.agent_id.to_owned(),
            claims: SetClaims {
                iss: settings.sets.issuer.clone(),
                jti: format!("{id}.{}.{ordinal}.{receiver_id}", kind.as_str()),
                iat: seconds(self.log_time),
                aud: receiver.audience.clone(),
                txn: self.txn.to_owned(),
                sub_id,
                events,
            },
        }
    }
}

fn credential(target: &CredentialTarget) -> CredentialChange {
    let kind = target.kind.as_deref().unwrap_or("unknown");
    let x509 = kind.starts_with("x509");
    let id = Some(target.id.clone());
    CredentialChange {
        event_timestamp: 0,
        credential_type: if x509 { "x509" } else { kind }.to_owned(),
        change_type: ChangeType::Revoke,
        friendly_name: id.clone().filter(|_| !x509),
        x509_issuer: target.issuer.clone().filter(|_| x509),
        x509_serial: id.filter(|_| x509),
        initiating_entity: InitiatingEntity::Policy,
        reason_admin: BTreeMap::new(),
    }
}

fn wording(change: &RiskChange) -> String {
    let RiskChange { before, after, authority, trust, .. } = change;
    format!(
        "Risk of the agent ({}) went from {} to {}: its trust is {trust:.1} of 100",
        authority.as_str(),
        before.as_str(),
        after.as_str(),
    )
}

fn seconds(time: EventTime) -> i64 {
    time.millis().div_euclid(1_000)
}

#[cfg(test)]
mod tests;
