//! Who acts for whom: the links of delegation chains that findings told of within a day. It keeps and forgets; what
//! follows from them is decided elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use baseline::hash;
use schemas::EventTime;
use schemas::finding::Verdict;
use schemas::time::{DAY_MS, HOUR_MS};
use serde::{Deserialize, Serialize};

use crate::record::{self, RecordError};
use crate::record_id::{ActorKey, RecordId};
use crate::revocation::fitting;

/// A link is kept that long after it was seen last.
const KEEP_MS: i64 = DAY_MS;
/// One that is seen again is saved again at most once in that time.
const AGAIN_MS: i64 = HOUR_MS;
/// Links of a tenant; beyond, the longest unseen leave.
const LINKS_MAX: usize = 1 << 14;
/// Longest id of an agent in one.
const ID_BYTES_MAX: usize = 2_048;
/// Delegates that one agent is followed to, and over how many links.
const DELEGATES_MAX: usize = 64;
const DEPTH_MAX: usize = 8;

/// An agent that acts for another one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Link {
    /// Whom it acts for.
    pub(crate) of: String,
    /// Who it is.
    pub(crate) actor: ActorKey,
    /// Log time at which it was seen.
    pub(crate) seen: EventTime,
    /// Issuer of its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) issuer: Option<String>,
    /// Its session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) session: Option<String>,
    /// The delegation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) delegation_id: Option<String>,
    /// Its credential.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) credential_id: Option<String>,
}

/// The links of a tenant.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tree {
    links: BTreeMap<u64, Link>,
    by_delegator: BTreeSet<(String, u64)>,
    oldest: BTreeSet<(EventTime, u64)>,
    n_evicted: u64,
}

// === impl Link ===

impl Link {
    fn id(&self) -> u64 {
        let of = hash::text(0, &self.of);
        hash::text(hash::text(of, self.actor.authority.as_str()), &self.actor.agent_id)
    }

    /// Keeps what is known where this one says nothing.
    fn keep(&mut self, known: &Self) {
        for (own, known) in [
            (&mut self.issuer, &known.issuer),
            (&mut self.session, &known.session),
            (&mut self.delegation_id, &known.delegation_id),
            (&mut self.credential_id, &known.credential_id),
        ] {
            if own.is_none() {
                own.clone_from(known);
            }
        }
    }

    /// Whom the actor of an activity says to act for. What a chain says of those before it is for them to say: else an
    /// agent could make others its delegates and take them along.
    fn of_chain(verdict: &Verdict, now: EventTime) -> Option<Self> {
        let (actor, facts) = (&verdict.actor, &verdict.facts);
        let [.., of, agent_id] = facts.chain.as_slice() else { return None };
        let fits = of != agent_id && of.len().max(agent_id.len()) <= ID_BYTES_MAX;
        (fits && *agent_id == actor.agent_id).then(|| Self {
            of: of.clone(),
            actor: ActorKey { agent_id: agent_id.clone(), authority: actor.authority },
            seen: now,
            issuer: fitting(&facts.agent_issuer),
            session: fitting(&facts.session),
            delegation_id: fitting(&facts.delegation_id),
            credential_id: fitting(&facts.credential_id),
        })
    }
}

// === impl Tree ===

impl Tree {
    /// Notes the chain behind an activity.
    pub(crate) fn note(
        &mut self,
        verdict: &Verdict,
        now: EventTime,
        touched: &mut BTreeSet<RecordId>,
    ) {
        if let Some(mut link) = Link::of_chain(verdict, now) {
            let id = link.id();
            if let Some(known) = self.links.get(&id) {
                link.keep(known);
            }
            let is_known = self.links.get(&id).is_some_and(|known| {
                now.millis().saturating_sub(known.seen.millis()) < AGAIN_MS
                    && *known == Link { seen: known.seen, ..link.clone() }
            });
            if !is_known {
                self.insert(id, link);
                touched.insert(RecordId::Link(id));
            }
        }
        while self.links.len() > LINKS_MAX {
            self.n_evicted += u64::from(self.forget_oldest(touched));
        }
    }

    fn insert(&mut self, id: u64, link: Link) {
        self.remove(id);
        self.by_delegator.insert((link.of.clone(), id));
        self.oldest.insert((link.seen, id));
        self.links.insert(id, link);
    }

    fn remove(&mut self, id: u64) -> bool {
        let Some(link) = self.links.remove(&id) else { return false };
        self.by_delegator.remove(&(link.of, id));
        self.oldest.remove(&(link.seen, id))
    }

    fn forget_oldest(&mut self, touched: &mut BTreeSet<RecordId>) -> bool {
        let Some((_, id)) = self.oldest.first().copied() else { return false };
        touched.insert(RecordId::Link(id));
        self.remove(id)
    }

    /// Forgets what was not seen for long.
    pub(crate) fn pass(&mut self, now: EventTime, touched: &mut BTreeSet<RecordId>) {
        let is_old = |seen: &EventTime| seen.millis().saturating_add(KEEP_MS) <= now.millis();
        while self.oldest.first().is_some_and(|(seen, _)| is_old(seen)) {
            self.forget_oldest(touched);
        }
    }

    /// Who acts for an agent, directly or for one who does: the nearest first, each once, never the agent itself.
    pub(crate) fn delegates(&self, agent_id: &str) -> Vec<Link> {
        let mut known = BTreeSet::from([agent_id.to_owned()]);
        let (mut found, mut near) = (Vec::new(), vec![agent_id.to_owned()]);
        for _ in 0..DEPTH_MAX {
            let mut next = Vec::new();
            for of in &near {
                let links = self.by_delegator.range((of.clone(), 0)..=(of.clone(), u64::MAX));
                let links = links.filter_map(|(_, id)| self.links.get(id));
                for link in links.filter(|link| known.insert(link.actor.agent_id.clone())) {
                    if found.len() == DELEGATES_MAX {
                        return found;
                    }
                    next.push(link.actor.agent_id.clone());
                    found.push(link.clone());
                }
            }
            near = next;
        }
        found
    }

    /// Links that left for lack of room.
    pub(crate) fn n_evicted(&self) -> u64 {
        self.n_evicted
    }

    /// The record of a link; empty where it is forgotten.
    pub(crate) fn record(&self, id: u64) -> Vec<u8> {
        self.links.get(&id).map(record::encode).unwrap_or_default()
    }

    /// Takes back the record of a link.
    pub(crate) fn load(&mut self, id: u64, bytes: &[u8]) -> Result<(), RecordError> {
        self.insert(id, record::decode(bytes)?);
        Ok(())
    }
}
