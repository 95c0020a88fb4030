//! The cascade: with an agent that is revoked go those who act for it. Each is a request of its own, within budget and
//! breaker; what these hold back waits for a person.

use schemas::decision::DecisionKind;
use schemas::revocation::{
    RevocationMode, RevocationRequest, RevocationSubject, RevocationTargets,
};

use crate::budget;
use crate::policy::{Hold, beyond_keys, may_revoke};
use crate::record_id::ActorKey;
use crate::requests::State;
use crate::respond::{Applied, Response};
use crate::revocation::{held_by, sub_id};
use crate::text::clean;
use crate::tree::Link;

// === impl Applied ===

impl Applied<'_> {
    /// Takes up a request that a policy made, and what it means for those who act for the actor.
    pub(crate) fn asked_of_all(
        &mut self,
        key: &ActorKey,
        signal: &str,
        request: RevocationRequest,
        rarity: f64,
    ) -> Vec<Response> {
        let mut responses = vec![self.asked(key, signal, request.clone())];
        responses.extend(self.cascade(key, &request, Some(rarity)));
        responses
    }

    /// What the revocation of an actor leads to for those who act for it. `rarity` is the return period of the incident
    /// that led to it; without one a person wants it, whom neither budget nor breaker holds back.
    pub(crate) fn cascade(
        &mut self,
        key: &ActorKey,
        request: &RevocationRequest,
        rarity: Option<f64>,
    ) -> Vec<Response> {
        let mut responses = Vec::new();
        if !may_revoke(request.action) {
            return responses;
        }
        let mut n_revoked = 1.0;
        for link in self.tenant.delegates(&key.agent_id) {
            let requests = self.tenant.requests();
            if requests.is_cooling(&link.actor, request.action, self.now)
                || requests.is_revoked(&link.actor, self.now)
            {
                continue;
            }
            if let Some(waits) = requests.proposed(&link.actor, request.action) {
                if rarity.is_some() {
                    continue;
                }
                // Whom a person revokes, nobody need decide on again.
                self.enter(&waits, State::Superseded);
            }
            let own = self.of_delegate(request, &link);
            let held = rarity.and_then(|rarity| self.hold(&link.actor, rarity / (n_revoked + 1.0)));
            match held {
                Some(hold) => responses.extend(self.withhold_delegate(&link.actor, own, hold)),
                None => {
                    n_revoked += 1.0;
                    responses.extend(self.revoke_delegate(&link.actor, own));
                }
            }
        }
        let of = request.request_id.clone();
        for response in &responses {
            if let Response::Decision(record) = response
                && let Some(id) = &record.request_id
            {
                self.tenant.change_request(id, |asked| asked.of = Some(of.clone()));
            }
        }
        responses
    }

    /// What holds back the revocation of a delegate. Each further one must be as much rarer, so that all of an incident
    /// are within the budget.
    fn hold(&self, actor: &ActorKey, rarity: f64) -> Option<Hold> {
        let (settings, n_agents) = (self.settings, self.tenant.n_agents());
        let breaker = self.tenant.breaker();
        beyond_keys(
            settings.protected.contains(&actor.agent_id),
            budget::return_period(settings.revocations_per_actor_month) <= rarity,
            breaker.is_open(&actor.agent_id, self.now, n_agents, &settings.breaker),
        )
    }

    fn revoke_delegate(&mut self, actor: &ActorKey, mut own: RevocationRequest) -> Vec<Response> {
        for weaker in self.tenant.requests().weaker(actor) {
            self.enter(&weaker, State::Superseded);
            own.supersedes = Some(weaker);
        }
        let asked = self.asked(actor, "", own.clone());
        if let Some(stands) = self.tenant.requests().get(&own.request_id).cloned() {
            self.tenant.follow(&stands, &own);
        }
        vec![asked, self.audit(DecisionKind::Request, "cascaded", Some(&own), None)]
    }

    fn withhold_delegate(
        &mut self,
        actor: &ActorKey,
        own: RevocationRequest,
        hold: Hold,
    ) -> Vec<Response> {
        let mode = match own.mode {
            RevocationMode::DryRun => RevocationMode::DryRun,
            RevocationMode::Recommend | RevocationMode::Enforce => RevocationMode::Recommend,
        };
        let own = RevocationRequest { mode, ..own };
        let wave = self.withhold(actor, "", own.clone(), hold == Hold::Breaker);
        if self.tenant.requests().get(&own.request_id).is_none() {
            // One of the kind waits already.
            return wave.into_iter().collect();
        }
        let mut record = self.audit(DecisionKind::Request, "withheld", Some(&own), None);
        if let Response::Decision(record) = &mut record {
            record.held = Some(hold.as_str().to_owned());
        }
        [record].into_iter().chain(wave).collect()
    }

    /// The request for a delegate: what was asked for, of whoever the link names.
    fn of_delegate(&self, request: &RevocationRequest, link: &Link) -> RevocationRequest {
        let (agent_id, authority) = (&link.actor.agent_id, link.actor.authority);
        let rule = format!("cascade/{}/{}/{agent_id}", request.request_id, authority.as_str());
        let mut cause = request.cause.clone();
        let delegator = clean(&request.subject.agent_id);
        for reason in cause.reason_admin.values_mut() {
            *reason = format!("It acts for {delegator}, which is revoked: {reason}");
        }
        let targets = request.targets.clone().unwrap_or_default();
        let RevocationTargets { credentials, sessions, delegation_id, .. } =
            held_by(&link.credential_id, &link.session, &link.delegation_id);
        RevocationRequest {
            request_id: format!("rr-{}", self.finding.source.derive(&rule)),
            subject: RevocationSubject {
                agent_id: agent_id.clone(),
                agent_issuer: link.issuer.clone(),
                authority: Some(authority),
                instance_id: None,
                sub_id: sub_id(agent_id, link.issuer.as_deref()),
            },
            targets: Some(RevocationTargets { credentials, sessions, delegation_id, ..targets }),
            cause,
            supersedes: None,
            ..request.clone()
        }
    }
}
