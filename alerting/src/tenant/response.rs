//! What a tenant keeps of its requests, silences and verdicts, and of what people said: each change is noted for the next
//! save. What leads to a change is decided elsewhere.

use baseline::shared::Expected;
use schemas::finding::{Finding, Verdict};
use schemas::revocation::RevocationRequest;
use schemas::{Authority, EventTime};

use super::{Deadline, Tenant};
use crate::cases::OpenAlert;
use crate::incidents::{Gathered, Gathering};
use crate::ocsf::Phase;
use crate::past::PastAlert;
use crate::policy;
use crate::record::RecordError;
use crate::record_id::{ActorKey, RecordId};
use crate::requests::{Asked, Requests};
use crate::settings::Settings;
use crate::silence::Silence;
use crate::tree::Link;
use crate::wave::Wave;

/// The evidence in an actor's name that a verdict takes back, in nats: fast and slow.
type Nats = (f64, f64);

// === impl Tenant ===

impl Tenant {
    /// The requests.
    pub(crate) fn requests(&self) -> &Requests {
        &self.requests
    }

    /// Takes up a request; what revokes while a wave goes on belongs to it.
    pub(crate) fn ask(&mut self, mut asked: Asked) {
        let wave = self.breakwater.wave().map(|wave| wave.id.clone());
        if asked.wave.is_none()
            && !asked.held
            && wave.is_some()
            && policy::may_revoke(asked.request.action)
        {
            self.breakwater.note_revoked(1);
            self.touched.insert(RecordId::Wave);
            asked.wave = wave;
        }
        let evicted = self.requests.put(asked, &mut self.touched);
        self.requests_evicted += evicted.len() as u64;
        self.evicted.extend(evicted.into_iter().filter(|asked| asked.notice.is_some()));
    }

    /// Takes out the requests that left for lack of room while an alert about them was open.
    pub(crate) fn take_evicted(&mut self) -> Vec<Asked> {
        std::mem::take(&mut self.evicted)
    }

    /// Notes who acts for whom.
    pub(crate) fn note_chain(&mut self, verdict: &Verdict, now: EventTime) {
        self.tree.note(verdict, now, &mut self.touched);
    }

    /// Who acts for an agent.
    pub(crate) fn delegates(&self, agent_id: &str) -> Vec<Link> {
        self.tree.delegates(agent_id)
    }

    /// Takes an alert into an incident, where there is something to tell of it.
    pub(crate) fn gather(
        &mut self,
        of: &Gathered<'_>,
        finding: &Finding,
        by: (&Settings, EventTime),
    ) -> Option<(Phase, Gathering)> {
        self.incidents.gather(of, finding, by, &mut self.touched)
    }

    /// Lets an alert that closed go; gives the incidents that close with it.
    pub(crate) fn ungather(&mut self, alert_id: &str) -> Vec<Gathering> {
        self.incidents.close(alert_id, &mut self.touched)
    }

    /// Whether an open alert is to be told again; where it is not, that is counted.
    pub(crate) fn tells(
        &mut self,
        (key, signal): (&ActorKey, &str),
        settings: &Settings,
        now: EventTime,
    ) -> bool {
        let tells = self.change(key, signal, |case| {
            let alert = case.alerts.get_mut(signal);
            alert.is_none_or(|alert| alert.tells(settings, now))
        });
        self.updates_withheld += u64::from(!tells);
        tells
    }

    /// Lets incident and alert of a request that a person approved follow the one that took its place.
    pub(crate) fn follow(&mut self, asked: &Asked, approved: &RevocationRequest) {
        let (key, alert_id) = (asked.actor(), approved.cause.alert_id.as_ref());
        if self.case(&key).is_none() {
            return;
        }
        self.change(&key, &asked.signal, |case| {
            let id = &approved.request_id;
            if let Some(incident) = case.incident.as_mut() {
                incident.requests.insert(approved.action.as_str().to_owned(), id.clone());
            }
            let alert = case.alerts.get_mut(&asked.signal);
            if let Some(alert) = alert.filter(|alert| Some(&alert.id) == alert_id) {
                alert.request_id = Some(id.clone());
            }
        });
    }

    /// Changes a request.
    pub(crate) fn change_request(&mut self, id: &str, change: impl FnOnce(&mut Asked)) {
        self.requests.change(id, &mut self.touched, change);
    }

    /// Forgets a request.
    pub(crate) fn forget_request(&mut self, id: &str) {
        self.requests.forget(id, &mut self.touched);
    }

    /// Notes that the breaker held a revocation back; gives the wave, and whether it begins with that.
    pub(crate) fn hold(
        &mut self,
        finding: &Finding,
        agent_id: &str,
        now: EventTime,
    ) -> Option<(Wave, bool)> {
        self.touched.insert(RecordId::Wave);
        let begins = self.breakwater.hold(finding, agent_id, now);
        let wave_id = self.breakwater.wave()?.id.clone();
        let before = if begins { self.requests.revoked_before(now) } else { Vec::new() };
        self.breakwater.note_revoked(before.len());
        for id in before {
            self.change_request(&id, |asked| asked.wave = Some(wave_id.clone()));
        }
        Some((self.breakwater.wave()?.clone(), begins))
    }

    /// Takes out a wave that has ended.
    pub(crate) fn end_wave(&mut self, now: EventTime) -> Option<Wave> {
        let wave = self.breakwater.end(now)?;
        self.touched.insert(RecordId::Wave);
        Some(wave)
    }

    /// Takes up a silence; `false` where there are too many, or it is known.
    pub(crate) fn put_silence(&mut self, silence: Silence) -> bool {
        self.silences.put(silence, &mut self.touched)
    }

    /// Ends a silence.
    pub(crate) fn end_silence(&mut self, id: &str) -> Option<Silence> {
        self.silences.end(id, &mut self.touched)
    }

    /// Ends a silence that has expired, if there is one.
    pub(crate) fn expire_silence(&mut self, now: EventTime) -> Option<Silence> {
        self.silences.expire(now, &mut self.touched)
    }

    /// Whether people want to hear nothing of it.
    pub(crate) fn is_silent(&mut self, verdict: &Verdict, now: EventTime) -> bool {
        let silent = self.silences.keeps(verdict, now, &mut self.touched);
        self.silenced += u64::from(silent);
        silent
    }

    /// Whether an agent of that id was seen.
    pub(crate) fn knows_agent(&self, agent_id: &str) -> bool {
        self.actors_of(agent_id).next().is_some()
    }

    /// Takes an open alert of an actor out of its case.
    pub(crate) fn take_alert(&mut self, alert_id: &str) -> Option<OpenAlert> {
        let is_it = |(_, key, signal): &&Deadline| {
            let case = self.cases.get(key);
            case.and_then(|case| case.alerts.get(signal)).is_some_and(|alert| alert.id == alert_id)
        };
        let deadline = self.deadlines.iter().find(is_it).cloned()?;
        self.deadlines.remove(&deadline);
        let (_, key, signal) = deadline;
        let alert = self.cases.get_mut(&key)?.alerts.remove(&signal)?;
        self.touched.insert(RecordId::Alert(key, signal, alert.id.clone()));
        if self.causes.leave(&alert.id) {
            self.touched.insert(RecordId::Cause(alert.id.clone()));
        }
        Some(alert)
    }

    /// Notes what an alerting event did to trust.
    pub(crate) fn note_past(
        &mut self,
        key: &ActorKey,
        signal: &str,
        verdict: &Verdict,
        now: EventTime,
    ) {
        let alert = self.cases.get(key).and_then(|case| case.alerts.get(signal));
        if let Some(alert) = alert {
            self.past.note(&alert.id, (key, verdict), now, &mut self.touched);
        }
    }

    /// Whose an alert is, open or closed not long ago.
    pub(crate) fn actor_of_alert(&self, alert_id: &str) -> Option<&ActorKey> {
        self.past.actor(alert_id)
    }

    /// The actors of an agent that findings told of, or only the one of an authority.
    pub(crate) fn actors(&self, agent_id: &str, authority: Option<Authority>) -> Vec<ActorKey> {
        [Authority::Delegated, Authority::Autonomous, Authority::Unknown]
            .into_iter()
            .filter(|one| authority.is_none_or(|wanted| wanted == *one))
            .map(|authority| ActorKey { agent_id: agent_id.to_owned(), authority })
            .filter(|key| self.cases.contains_key(key))
            .collect()
    }

    /// What an alert, and an analyst's word because of it, added to the evidence against its actor, to be taken back once.
    pub(crate) fn take_back(&mut self, alert_id: &str, now: EventTime) -> Option<(ActorKey, Nats)> {
        let PastAlert { actor, mut fast, mut slow, .. } =
            self.past.take_back(alert_id, now, &mut self.touched)?;
        if let Some(said) = self.opinions.of_cause(&actor, &format!("malicious/{alert_id}")) {
            fast += f64::from(said.fast);
            slow += f64::from(said.slow);
        }
        Some((actor, (-fast, -slow)))
    }

    /// Adds evidence of people about an actor; gives the agents whose records change, none where it says nothing new.
    pub(crate) fn add_evidence(
        &mut self,
        actor: &ActorKey,
        nats: Nats,
        (cause, now): (&str, EventTime),
    ) -> Option<Vec<String>> {
        if !self.opinions.add(actor, nats, (cause, now), &mut self.touched) {
            return None;
        }
        let left = self.opinions.make_room(&mut self.touched);
        Some([actor.agent_id.clone()].into_iter().chain(left).collect())
    }

    /// Notes what was expected.
    pub(crate) fn expect(&mut self, id: &str, said: &Expected) {
        self.opinions.expect(id, said, &mut self.touched);
    }

    /// What was expected is so no more; whether it was.
    pub(crate) fn expect_no_more(&mut self, id: &str) -> bool {
        self.opinions.expect_no_more(id, &mut self.touched)
    }

    /// What people said as a record for every lane, taken up here as well.
    pub(crate) fn tell(&mut self, id: &RecordId) -> Option<Vec<u8>> {
        let record = self.record(id);
        self.tables.tell(&id.key(&self.id), &record).ok()?;
        Some(record)
    }

    /// Takes back the record of what people said.
    pub(super) fn load_said(&mut self, id: RecordId, bytes: &[u8]) -> Result<(), RecordError> {
        self.tables.tell(&id.key(&self.id), bytes)?;
        match id {
            RecordId::Outside(agent_id) => {
                self.opinions.load(agent_id, bytes).map_err(RecordError::Table)
            }
            RecordId::Expected(id) => {
                self.opinions.load_expected(id, bytes);
                Ok(())
            }
            _ => Err(RecordError::Key),
        }
    }
}
