//! What people say of actors, taken up with the shared tables: evidence that no activity gave moves trust, at the next
//! activity or the end of the epoch; what was expected is no evidence and teaches as usual. Who may say so is not known here.

use std::collections::BTreeSet;
use std::sync::Arc;

use baseline::Shared;
use baseline::part::trust::TrustState;
use schemas::Authority;
use schemas::activity::Activity;
use schemas::feedback::Scope;
use schemas::trust::TrustReason;

use crate::engine::Assessment;
use crate::epoch::EpochEnd;
use crate::keys::destination_label;
use crate::observe::{Moment, Observe, Stamp};
use crate::trust::{enter_hour, hour_of, standing, step_up, take_outside};

impl Observe {
    /// Takes up a snapshot of the shared tables, between two epochs.
    pub fn take_up(&mut self, shared: Arc<Shared>) {
        let said = shared.outside().other_than(self.shared.outside());
        self.said.extend(said.map(Box::from));
        self.shared = shared;
    }

    /// Lets an actor's clock reach an hour, with what people said of it until then.
    pub(crate) fn enter(&self, state: &mut TrustState, at: &Moment<'_>, hour: u32) {
        if state.hour == 0 {
            enter_hour(state, hour);
        }
        self.hear(state, at.agent_key, at.activity.authority());
        step_up(state, hour, self.settings.trust_levels);
        enter_hour(state, hour);
    }

    fn hear(&self, state: &mut TrustState, agent_key: &str, authority: Authority) {
        let said = self.shared.outside().evidence(agent_key);
        take_outside(state, said, authority, self.settings.trust_levels);
    }

    /// Whether people expected an activity of the kind. A hard indicator is never expected.
    pub(crate) fn expects(&self, at: &Moment<'_>, assessment: &Assessment) -> bool {
        let signal = assessment.signals.iter().find(|signal| !signal.shadow);
        let signal = signal.map_or("", |signal| signal.id);
        let mut expected = self.shared.outside().expected(&at.activity.tenant_id);
        let holds = expected.any(|expected| {
            at.stamp.log_ms < expected.until_ms && holds_for(&expected.scope, at.activity, signal)
        });
        let seen = assessment.signals.iter().filter(|signal| !signal.shadow);
        holds && !seen.filter_map(|signal| signal.evidence).any(|evidence| evidence.hard.is_some())
    }

    /// Tells the trust of actors of whom people said something since it was told last.
    pub(crate) fn take_said(&mut self, (stamp, position): (&Stamp<'_>, u64), end: &mut EpochEnd) {
        let said: BTreeSet<Box<str>> = std::mem::take(&mut self.said);
        for agent_key in said {
            let (mut agent, place) = self.store.check_out(&agent_key);
            let mut changed = false;
            for actor in agent.actors.iter_mut().filter(|actor| actor.trust.hour != 0) {
                changed |= self.retell(&agent_key, actor, (stamp, position), end);
            }
            if changed {
                self.check_in(&agent_key, agent, place, position);
            } else {
                self.store.put_back(&agent_key, agent, place);
            }
        }
    }

    fn retell(
        &mut self,
        agent_key: &str,
        actor: &mut baseline::Actor,
        (stamp, position): (&Stamp<'_>, u64),
        end: &mut EpochEnd,
    ) -> bool {
        let (hour, levels) = (hour_of(stamp.log_ms), self.settings.trust_levels);
        let before = actor.trust;
        self.hear(&mut actor.trust, agent_key, actor.authority);
        if actor.trust.outside == before.outside {
            return false;
        }
        step_up(&mut actor.trust, hour, levels);
        let (score, level) = standing(&actor.trust, hour, levels);
        // Respond knows the score from findings alone: it is told where no level changed, too.
        let told = (before.published.level, level, score, TrustReason::Override);
        self.tell((agent_key, actor), told, (stamp, position), end);
        true
    }
}

/// Whether all that a scope names is so of an activity. A signal is meant where it leads; a key is whatever it met.
fn holds_for(scope: &Scope, activity: &Activity<'_>, signal: &str) -> bool {
    let is = |named: &Option<String>, value: Option<&str>| {
        named.as_deref().is_none_or(|named| value == Some(named))
    };
    let delegation = activity.delegation.as_ref();
    let tool = activity.action.tool.as_ref();
    let destination = activity.destination.as_ref();
    let source = activity.source.as_ref();
    let texts = [
        activity.resource.as_ref().and_then(|resource| resource.id.as_deref()),
        tool.and_then(|tool| tool.server.as_deref()),
        tool.and_then(|tool| tool.name.as_deref()).or(activity.action.operation.as_deref()),
        delegation.and_then(|of| of.subject.as_ref()).map(|subject| &*subject.id),
        activity.purpose(),
        activity.credential.as_ref().and_then(|credential| credential.id.as_deref()),
        source.and_then(|source| source.host.as_deref()),
        activity.agent.version.as_deref(),
    ];
    let addresses = [destination.and_then(|to| to.ip), source.and_then(|from| from.ip)];
    let is_thing = |key: &String| {
        texts.contains(&Some(key))
            || destination.and_then(destination_label).is_some_and(|label| label == *key)
            || addresses.iter().flatten().any(|ip| ip.to_string() == *key)
    };
    is(&scope.agent_id, Some(&activity.agent.id))
        && scope.authority.is_none_or(|authority| authority == activity.authority())
        && is(&scope.blueprint, activity.agent.blueprint.as_deref())
        && is(&scope.signal, Some(signal))
        && scope.key.as_ref().is_none_or(is_thing)
}
