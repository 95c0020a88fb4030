//! Verdicts of analysts. `expected` silences the cause until it expires, closes the alert and takes back what it added to
//! the evidence; `malicious` is evidence against the actor; `unsure` is noted. All of it is bounded and told to the audit.

use baseline::shared::Expected;
use schemas::decision::{DecisionKind, DecisionSaid};
use schemas::feedback::{Feedback, FeedbackVerdict};

use crate::record_id::{ActorKey, RecordId};
use crate::respond::{Applied, Response};
use crate::silence::Silence;

/// What an analyst's word is worth against an actor: what the rarest event may add, all of it slow to be forgotten.
const MALICIOUS_NATS: f64 = 10.0;

// === impl Applied ===

impl Applied<'_> {
    /// What an analyst says.
    pub(crate) fn judged(&mut self, said: &Feedback) -> Vec<Response> {
        let record = DecisionSaid {
            id: said.id.clone(),
            word: said.verdict.as_str().to_owned(),
            author: said.author.clone(),
            comment: said.comment.clone(),
            target: said.alert_id.clone(),
            scope: Some(said.scope.clone()),
            expires_at: Some(said.expires_at),
            matched: None,
            signed: self.finding.signed,
        };
        let mut responses = Vec::new();
        // An agent that is watched has no say in it; what has expired says nothing.
        let outcome = if self.tenant.knows_agent(&said.author) || said.expires_at <= self.now {
            "refused"
        } else {
            match said.verdict {
                FeedbackVerdict::Expected => self.expected(said, &mut responses),
                FeedbackVerdict::Malicious => self.malicious(said, &mut responses),
                FeedbackVerdict::Unsure => "noted",
            }
        };
        responses.push(self.audit(DecisionKind::Feedback, outcome, None, Some(record)));
        responses
    }

    fn expected(&mut self, said: &Feedback, responses: &mut Vec<Response>) -> &'static str {
        let silence = Silence {
            id: said.id.clone(),
            scope: said.scope.clone(),
            expires_at: said.expires_at,
            author: said.author.clone(),
            comment: said.comment.clone(),
            matched: 0,
            last_match: None,
        };
        if !self.tenant.put_silence(silence) {
            return "refused";
        }
        let until_ms = said.expires_at.millis();
        self.tenant.expect(&said.id, &Expected { scope: said.scope.clone(), until_ms });
        responses.extend(self.control(RecordId::Expected(said.id.clone())));
        if let Some(alert_id) = &said.alert_id {
            let cause = format!("expected/{alert_id}");
            if let Some((actor, evidence)) = self.tenant.take_back(alert_id, self.now) {
                responses.extend(self.evidence(&actor, evidence, &cause));
            }
            responses.extend(self.resolve_alert(alert_id, "An analyst says that it was expected."));
        }
        "expected"
    }

    fn malicious(&mut self, said: &Feedback, responses: &mut Vec<Response>) -> &'static str {
        let of_alert = said.alert_id.as_ref().and_then(|id| self.tenant.actor_of_alert(id));
        let actors: Vec<ActorKey> = match (of_alert, &said.scope.agent_id) {
            (Some(actor), _) => vec![actor.clone()],
            (None, Some(agent_id)) => self.tenant.actors(agent_id, said.scope.authority),
            (None, None) => Vec::new(),
        };
        let cause = said.alert_id.as_ref().unwrap_or(&said.id);
        let n_before = responses.len();
        for actor in actors {
            let nats = (0.0, MALICIOUS_NATS);
            responses.extend(self.evidence(&actor, nats, &format!("malicious/{cause}")));
        }
        if responses.len() > n_before { "malicious" } else { "noted" }
    }

    /// What an analyst expected ends with its silence.
    pub(crate) fn expect_no_more(&mut self, id: &str) -> Option<Response> {
        if self.tenant.expect_no_more(id) {
            self.control(RecordId::Expected(id.to_owned()))
        } else {
            None
        }
    }

    /// Evidence about an actor goes down to every lane; nothing where it was said before, or there is too much.
    fn evidence(&mut self, actor: &ActorKey, nats: (f64, f64), cause: &str) -> Vec<Response> {
        let Some(changed) = self.tenant.add_evidence(actor, nats, (cause, self.now)) else {
            return Vec::new();
        };
        let agents = changed.into_iter().map(RecordId::Outside);
        agents.filter_map(|id| self.control(id)).collect()
    }

    /// The control record of what people said, where folds elsewhere wait for it.
    fn control(&mut self, id: RecordId) -> Option<Response> {
        let value = self.tenant.tell(&id)?;
        let tenant_id = &self.finding.tenant_id;
        self.settings.publish_tables.then(|| Response::Control {
            tenant_id: tenant_id.clone(),
            key: id.key(tenant_id),
            value,
        })
    }
}
