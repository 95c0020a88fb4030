//! First meetings: which destinations, resources and delegators an agent meets that none of its actors knows, and which
//! agents are new to their tenant. What many agents meet at once is judged where all are seen: in respond.

use baseline::hash::{tag, text};
use baseline::shared::Thing;
use baseline::{Actor, Agent};
use schemas::finding::MetKind;

use crate::keys::destination_label;
use crate::observe::{Moment, Observe};

/// Active hours, a working day, from which on it says something that an agent meets a thing: to a new one all is new.
/// So it cannot be said of invented agents either.
const SETTLED_HOURS: u32 = 8;

impl Observe {
    /// Notes what the agent meets for the first time, before it is learned.
    pub(crate) fn meet(&mut self, at: &Moment<'_>, agent: &Agent) {
        let (activity, keys) = (at.activity, at.keys);
        // One that was forgotten counts as new: nothing tells them apart.
        let arrives = agent.actors.iter().all(|actor| actor.progress.events == 0);
        if self.frozen || (!arrives && agent.active_hours() < SETTLED_HOURS) {
            return;
        }
        let epoch = self.deltas.epoch();
        let mut note = |kind, key, name: Option<&str>| {
            let agent = (text(self.settings.seed, &activity.agent.id), &*activity.agent.id);
            let thing = Thing { kind, key, name: name.unwrap_or_default() };
            self.meetings.add(epoch, &activity.tenant_id, thing, agent);
        };
        if arrives {
            return note(MetKind::Tenant, keys.tenant, Some(&activity.tenant_id));
        }
        let is_new = |key: u64, known: fn(&Actor, u32) -> bool| {
            key != 0 && !agent.actors.iter().any(|actor| known(actor, tag(key)))
        };
        if is_new(keys.destination, |actor, tag| actor.places.get(tag).is_some()) {
            let label = activity.destination.as_ref().and_then(destination_label);
            note(MetKind::Destination, keys.destination, label.as_deref());
        }
        let [.., whole] = keys.resource;
        if is_new(whole, |actor, tag| actor.resources.holds(tag)) {
            let resource = activity.resource.as_ref();
            let name = resource.and_then(|r| r.id.as_deref().or(r.name.as_deref()));
            note(MetKind::Resource, whole, name);
        }
        if is_new(keys.delegator, |actor, tag| actor.delegators.holds(tag)) {
            let subject = activity.delegation.as_ref().and_then(|d| d.subject.as_ref());
            note(MetKind::Delegator, keys.delegator, subject.map(|subject| &*subject.id));
        }
    }
}
