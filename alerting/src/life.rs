//! The life of a request after it was made: what is due, what is acknowledged, what people want of it. Each step is
//! told to the audit. Whether a policy asks for anything is decided elsewhere.

use schemas::acknowledgement::{AckStatus, Acknowledgement};
use schemas::alert::ResponseAlert;
use schemas::command::{Command, CommandAction};
use schemas::decision::{DecisionKind, DecisionSaid};
use schemas::revocation::{InitiatingEntity, RevocationAction, RevocationMode, RevocationRequest};
use schemas::{ActorRef, EventTime};

use crate::audit::{self, Outcome};
use crate::ocsf::{self, Moment, Notice, Phase};
use crate::policy::Mode;
use crate::policy::may_revoke;
use crate::record_id::ActorKey;
use crate::requests::{Asked, State};
use crate::respond::{Applied, Response};
use crate::revocation;
use crate::silence::Silence;
use crate::text::clean;
use crate::wave::Wave;

/// How far the clock of whoever restores all requests of an alert may be behind.
const RESTORE_SLACK_MS: i64 = 5 * 60 * 1_000;

// === impl Applied ===

impl Applied<'_> {
    /// What falls due: requests to send again or to give up, waves and silences that end.
    pub(crate) fn life_due(&mut self) -> Vec<Response> {
        let mut responses = Vec::new();
        while let Some(asked) = self.tenant.requests().first_due(self.now).cloned() {
            self.request_due(&asked, &mut responses);
        }
        if let Some(wave) = self.tenant.end_wave(self.now) {
            responses.push(self.wave_notice(&wave, Phase::Close));
        }
        while let Some(silence) = self.tenant.expire_silence(self.now) {
            responses.extend(self.expect_no_more(&silence.id));
            let said = said_of(&silence);
            responses.push(self.audit(DecisionKind::Silence, "expired", None, Some(said)));
        }
        responses
    }

    fn request_due(&mut self, asked: &Asked, responses: &mut Vec<Response>) {
        let request = &asked.request;
        let id = &request.request_id;
        let (state, outcome) = match asked.state {
            State::Waiting => (State::Lapsed, "lapsed"),
            State::Asked if self.now < request.expires_at => (State::Resent, "resent"),
            State::Asked | State::Resent => (State::Overdue, "unacknowledged"),
            _ => {
                responses.extend(self.close_notice(asked));
                self.tenant.forget_request(id);
                return;
            }
        };
        self.enter(id, state);
        if state == State::Resent {
            responses.push(Response::Revocation(Box::new(request.clone())));
        }
        if state == State::Overdue {
            responses.push(self.open_notice(asked, "unacknowledged", ""));
        }
        responses.push(self.audit(DecisionKind::Request, outcome, Some(request), None));
    }

    /// Closes the alerts about requests that left for lack of room.
    pub(crate) fn close_evicted(&mut self) -> Vec<Response> {
        let evicted = self.tenant.take_evicted();
        evicted.iter().filter_map(|asked| self.close_notice(asked)).collect()
    }

    /// Takes up a request that a policy made; what was held back of the kind waits no more.
    pub(crate) fn asked(
        &mut self,
        key: &ActorKey,
        signal: &str,
        request: RevocationRequest,
    ) -> Response {
        let by_policy = request.initiating_entity == Some(InitiatingEntity::Policy);
        if may_revoke(request.action) && by_policy {
            self.tenant.note_revoked(&key.agent_id, self.now);
        }
        if let Some(held) = self.tenant.requests().held(key, request.action) {
            self.enter(&held, State::Superseded);
        }
        self.tenant.ask(Asked::new(request.clone(), signal, false, self.now));
        Response::Revocation(Box::new(request))
    }

    /// Lets a request that a policy was not allowed to make wait for a person; the alert of the breaker, where it is
    /// the first that the breaker holds back.
    pub(crate) fn withhold(
        &mut self,
        key: &ActorKey,
        signal: &str,
        request: RevocationRequest,
        by_breaker: bool,
    ) -> Option<Response> {
        let waits = self.tenant.requests().held(key, request.action);
        if waits.is_none() && self.tenant.requests().is_cooling(key, request.action, self.now) {
            return None;
        }
        let id = waits.unwrap_or_else(|| {
            let id = request.request_id.clone();
            self.tenant.ask(Asked::new(request, signal, true, self.now));
            id
        });
        if !by_breaker || self.tenant.requests().get(&id)?.wave.is_some() {
            return None;
        }
        let (wave, begins) = self.tenant.hold(self.finding, &key.agent_id, self.now)?;
        let wave_id = Some(wave.id.clone());
        self.tenant.change_request(&id, |asked| asked.wave = wave_id);
        begins.then(|| self.wave_notice(&wave, Phase::Open))
    }

    /// What whoever acts on requests said of one.
    pub(crate) fn acknowledged(&mut self, ack: &Acknowledgement) -> Vec<Response> {
        let said = DecisionSaid {
            id: String::new(),
            word: ack.status.as_str().to_owned(),
            author: ack.author.clone().unwrap_or_default(),
            comment: ack.detail.clone().unwrap_or_default(),
            target: Some(ack.request_id.clone()),
            scope: None,
            expires_at: None,
            matched: None,
            signed: self.finding.signed,
        };
        if ack.author.as_deref().is_some_and(|author| self.tenant.knows_agent(author)) {
            return vec![self.audit(DecisionKind::Request, "refused", None, Some(said))];
        }
        let Some(asked) = self.tenant.requests().get(&ack.request_id).cloned() else {
            return vec![self.audit(DecisionKind::Request, "unknown", None, Some(said))];
        };
        let open = matches!(asked.state, State::Asked | State::Resent);
        let settled = open || matches!(asked.state, State::Overdue | State::Failed);
        let (request, mut responses) = (&asked.request, Vec::new());
        let outcome = match ack.status {
            AckStatus::Acted if settled => {
                self.enter(&ack.request_id, State::Done);
                responses.extend(self.close_notice(&asked));
                responses.extend(self.resolve(&asked));
                "acted"
            }
            AckStatus::Rejected | AckStatus::Failed | AckStatus::Expired if open => {
                self.enter(&ack.request_id, State::Failed);
                let detail = format!("{}: {}", said.word, said.comment);
                responses.push(self.open_notice(&asked, "failed", &detail));
                ack.status.as_str()
            }
            _ => "ignored",
        };
        responses.push(self.audit(DecisionKind::Request, outcome, Some(request), Some(said)));
        responses
    }

    /// What an operator wants done.
    pub(crate) fn commanded(&mut self, command: &Command) -> Vec<Response> {
        let said = DecisionSaid {
            id: command.id.clone(),
            word: command.action.as_str().to_owned(),
            author: command.author.clone(),
            comment: command.comment.clone(),
            target: command.target.clone(),
            scope: command.scope.clone(),
            expires_at: command.expires_at,
            matched: None,
            signed: self.finding.signed,
        };
        let target = command.target.as_deref().unwrap_or_default();
        let done = if self.tenant.knows_agent(&command.author) {
            // An agent that is watched has no say in it.
            None
        } else {
            match command.action {
                CommandAction::Approve => self.approve(target, &said),
                CommandAction::Deny => self.deny(target, &said),
                CommandAction::Restore => self.restore(target, command, &said),
                CommandAction::Silence => self.silence(command, &said),
                CommandAction::Unsilence => self.unsilence(target, &said),
            }
        };
        done.unwrap_or_else(|| vec![self.audit(DecisionKind::Command, "refused", None, Some(said))])
    }

    fn waiting(&self, target: &str) -> Option<Asked> {
        let asked = self.tenant.requests().get(target)?;
        (asked.state == State::Waiting).then(|| asked.clone())
    }

    fn approve(&mut self, target: &str, said: &DecisionSaid) -> Option<Vec<Response>> {
        let asked = self.waiting(target)?;
        let rule = format!("approve/{target}");
        let mode = match self.settings.mode {
            Mode::Shadow => RevocationMode::DryRun,
            Mode::Alert | Mode::Enforce => RevocationMode::Enforce,
        };
        let request = RevocationRequest {
            request_id: format!("rr-{}", self.finding.source.derive(&rule)),
            time: self.now,
            expires_at: revocation::expiry(self.now),
            mode,
            initiating_entity: Some(InitiatingEntity::Admin),
            supersedes: (!asked.held).then(|| target.to_owned()),
            ..asked.request.clone()
        };
        self.enter(target, State::Superseded);
        let mut approved = Asked::new(request.clone(), &asked.signal, false, self.now);
        approved.wave.clone_from(&asked.wave);
        approved.of.clone_from(&asked.of);
        self.tenant.ask(approved);
        self.tenant.follow(&asked, &request);
        let record =
            self.audit(DecisionKind::Command, "approved", Some(&request), Some(said.clone()));
        let cascade = self.cascade(&asked.actor(), &request, None);
        let own = [Response::Revocation(Box::new(request)), record];
        Some(own.into_iter().chain(cascade).collect())
    }

    fn deny(&mut self, target: &str, said: &DecisionSaid) -> Option<Vec<Response>> {
        let asked = self.waiting(target)?;
        self.enter(target, State::Denied);
        let said = Some(said.clone());
        Some(vec![self.audit(DecisionKind::Command, "denied", Some(&asked.request), said)])
    }

    /// Undoes a request, or all of an alert; what still waits is denied with them.
    fn restore(
        &mut self,
        target: &str,
        command: &Command,
        said: &DecisionSaid,
    ) -> Option<Vec<Response>> {
        let mut responses = Vec::new();
        for id in self.tenant.requests().named(target) {
            let Some(asked) = self.tenant.requests().get(&id).cloned() else { continue };
            // A copy of the command undoes nothing that was asked since.
            let latest_ms = command.time.millis().saturating_add(RESTORE_SLACK_MS);
            let is_later = id != target && latest_ms < asked.request.time.millis();
            if asked.request.action == RevocationAction::Restore || is_later {
                continue;
            }
            if asked.state == State::Waiting {
                responses.extend(self.deny(&id, said).into_iter().flatten());
            } else if asked.state.may_be_done() {
                responses.extend(self.close_notice(&asked));
                let request = self.undo(&asked.request, command);
                self.enter(&id, State::Restored);
                self.tenant.ask(Asked::new(request.clone(), &asked.signal, false, self.now));
                let said = Some(said.clone());
                let record = self.audit(DecisionKind::Command, "restored", Some(&request), said);
                responses.extend([Response::Revocation(Box::new(request)), record]);
            }
        }
        (!responses.is_empty()).then_some(responses)
    }

    /// The request that undoes another one.
    fn undo(&self, request: &RevocationRequest, command: &Command) -> RevocationRequest {
        let rule = format!("restore/{}", request.request_id);
        let why = format!("Restored by {}: {}", clean(&command.author), clean(&command.comment));
        let mut cause = request.cause.clone();
        cause.reason_admin = [("en".to_owned(), why)].into();
        cause.reason_user.clear();
        RevocationRequest {
            request_id: format!("rr-{}", self.finding.source.derive(&rule)),
            time: self.now,
            expires_at: revocation::expiry(self.now),
            action: RevocationAction::Restore,
            initiating_entity: Some(InitiatingEntity::Admin),
            policy: None,
            supersedes: Some(request.request_id.clone()),
            cause,
            ..request.clone()
        }
    }

    fn silence(&mut self, command: &Command, said: &DecisionSaid) -> Option<Vec<Response>> {
        let silence = Silence {
            id: command.id.clone(),
            scope: command.scope.clone()?,
            expires_at: command.expires_at.filter(|at| self.now < *at)?,
            author: command.author.clone(),
            comment: command.comment.clone(),
            matched: 0,
            last_match: None,
        };
        if !self.tenant.put_silence(silence) {
            return None;
        }
        Some(vec![self.audit(DecisionKind::Command, "silenced", None, Some(said.clone()))])
    }

    fn unsilence(&mut self, target: &str, said: &DecisionSaid) -> Option<Vec<Response>> {
        let silence = self.tenant.end_silence(target)?;
        let said = DecisionSaid { matched: Some(silence.matched), ..said.clone() };
        let record = self.audit(DecisionKind::Command, "unsilenced", None, Some(said));
        Some(self.expect_no_more(target).into_iter().chain([record]).collect())
    }

    pub(crate) fn enter(&mut self, id: &str, state: State) {
        let now = self.now;
        self.tenant.change_request(id, |asked| asked.enter(state, now));
    }

    /// Closes the alert that led to a request which was done, where that took something away.
    fn resolve(&mut self, asked: &Asked) -> Vec<Response> {
        match asked.request.cause.alert_id.as_deref() {
            Some(alert_id) if may_revoke(asked.request.action) && asked.of.is_none() => {
                self.resolve_alert(alert_id, "What was asked for was done.")
            }
            _ => Vec::new(),
        }
    }

    /// Closes an alert of an actor, if it is open.
    pub(crate) fn resolve_alert(&mut self, alert_id: &str, why: &'static str) -> Vec<Response> {
        let Some(alert) = self.tenant.take_alert(alert_id) else { return Vec::new() };
        let uid = self.finding.source.derive(&format!("alert-resolve/{}", alert.id));
        let closed = self.alert(uid, Phase::Resolve(why), &alert);
        [closed].into_iter().chain(self.ungather(alert_id)).collect()
    }

    fn open_notice(&mut self, asked: &Asked, kind: &str, detail: &str) -> Response {
        let id = self.finding.source.derive(&format!("notice/{}", asked.request.request_id));
        let notice = (id, self.now);
        let response = self.notice(asked, &notice, (kind, detail), Phase::Open);
        let id = &asked.request.request_id;
        self.tenant.change_request(id, |asked| asked.notice = Some(notice));
        response
    }

    fn close_notice(&mut self, asked: &Asked) -> Option<Response> {
        let notice = asked.notice.as_ref()?;
        let kind = if asked.state == State::Overdue { "unacknowledged" } else { "failed" };
        let settled = Phase::Resolve("The request was done, undone or forgotten.");
        let response = self.notice(asked, notice, (kind, ""), settled);
        self.tenant.change_request(&asked.request.request_id, |asked| asked.notice = None);
        Some(response)
    }

    fn notice(
        &self,
        asked: &Asked,
        (id, opened): &(String, EventTime),
        (kind, detail): (&str, &str),
        phase: Phase,
    ) -> Response {
        let request = &asked.request;
        let actor = asked.actor();
        let notice = Notice {
            id,
            opened: *opened,
            last: self.now,
            actor: Some(ActorRef {
                tenant_id: request.tenant_id.clone(),
                agent_id: actor.agent_id,
                authority: actor.authority,
            }),
            trust: request.cause.trust_score.unwrap_or(100.0),
            versions: self.finding.versions.clone(),
            about: ResponseAlert {
                kind: kind.to_owned(),
                request_ids: vec![request.request_id.clone()],
                detail: detail.to_owned(),
                ..ResponseAlert::default()
            },
        };
        self.composed(phase, notice)
    }

    /// The alert of the breaker.
    pub(crate) fn wave_notice(&self, wave: &Wave, phase: Phase) -> Response {
        let agents = wave.agents.iter().map(String::as_str);
        let trust = self.tenant.least_trusted(agents).map_or(100.0, |(trust, _)| trust);
        let notice = Notice {
            id: &wave.id,
            opened: wave.opened,
            last: wave.last,
            actor: None,
            trust,
            versions: wave.versions.clone(),
            about: ResponseAlert {
                kind: "breaker".to_owned(),
                agents: wave.agents.iter().cloned().collect(),
                held: wave.n_held,
                revoked: wave.n_revoked,
                ..ResponseAlert::default()
            },
        };
        self.composed(phase, notice)
    }

    fn composed(&self, phase: Phase, notice: Notice<'_>) -> Response {
        let uid = match phase {
            Phase::Open => notice.id.to_owned(),
            _ => self.finding.source.derive(&format!("alert-close/{}", notice.id)),
        };
        let moment = Moment { tenant_id: &self.finding.tenant_id, now: self.now, uid, phase };
        Response::Alert(Box::new(ocsf::compose_notice(self.settings, &moment, notice)))
    }

    /// A record for the audit.
    pub(crate) fn audit(
        &self,
        kind: DecisionKind,
        outcome: &str,
        request: Option<&RevocationRequest>,
        said: Option<DecisionSaid>,
    ) -> Response {
        let mode = match self.settings.mode {
            Mode::Shadow => RevocationMode::DryRun,
            Mode::Alert => RevocationMode::Recommend,
            Mode::Enforce => RevocationMode::Enforce,
        };
        let of = Outcome { kind, outcome, request, said };
        Response::Decision(Box::new(audit::outcome(self.finding, self.now, mode, of)))
    }
}

fn said_of(silence: &Silence) -> DecisionSaid {
    DecisionSaid {
        id: silence.id.clone(),
        word: "silence".to_owned(),
        author: silence.author.clone(),
        comment: silence.comment.clone(),
        target: None,
        scope: Some(silence.scope.clone()),
        expires_at: Some(silence.expires_at),
        matched: Some(silence.matched),
        signed: false,
    }
}
