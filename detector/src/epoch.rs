//! The end of an epoch: what the partition learned for its peers goes up as findings, and the steps of trust that
//! fell due are taken and told. Also where the partition's log stands. It merges nothing: that is the tenant's.

use std::collections::BTreeMap;

use baseline::Actor;
use baseline::agent::authority_index;
use baseline::shared::Scope;
use schemas::ActorRef;
use schemas::finding::{Body, Epoch, Finding, Increment, LevelChange, Meeting};
use schemas::trust::{Level, TrustReason, TrustRecord};

use crate::observe::{Observe, Stamp};
use crate::publish::Said;
use crate::report::{finding, log_time};
use crate::trust::{hour_of, standing, step_up};

/// Milliseconds of an epoch.
const EPOCH_MS: i64 = 300_000;
/// Bytes of JSON of an increment, at most.
const INCREMENT_BYTES: usize = 112;
/// Increments of one finding: 252 KiB, with 4 KiB to spare for the rest of it.
pub const INCREMENTS_MAX: usize = 2_300;
/// Ordinals of one record; the limit of a batch of spans.
const ORDINALS_MAX: u32 = 8_192;

/// What the end of an epoch gives.
#[derive(Debug, Default)]
pub struct EpochEnd {
    /// What the epoch taught by tenant, in numbered parts, then changes of level.
    pub findings: Vec<Finding>,
    /// The trust of the actors whose level changed.
    pub trust: Vec<TrustRecord>,
}

/// What a partition's epoch taught of one tenant, or a part of it.
#[derive(Debug, Default)]
struct Taught {
    increments: Vec<Increment>,
    met: Vec<Meeting>,
    met_cut: u64,
}

// === impl Taught ===

impl Taught {
    /// The same in parts within the size of a finding: what was met comes last.
    fn parts(self) -> Vec<Self> {
        let of = |chunk: &[Increment]| Self { increments: chunk.to_vec(), ..Self::default() };
        let mut parts: Vec<Self> = self.increments.chunks(INCREMENTS_MAX).map(of).collect();
        if parts.is_empty() {
            parts.push(Self::default());
        }
        let mut bytes = parts.last().map_or(0, |part| part.increments.len() * INCREMENT_BYTES);
        for meeting in self.met {
            let added = meeting_bytes(&meeting);
            bytes += added;
            if bytes > INCREMENTS_MAX * INCREMENT_BYTES {
                parts.push(Self::default());
                bytes = added;
            }
            if let Some(part) = parts.last_mut() {
                part.met.push(meeting);
            }
        }
        parts.iter_mut().take(1).for_each(|part| part.met_cut = self.met_cut);
        parts
    }
}

/// Bytes of JSON of a meeting, at most: no byte of a text takes more than six.
fn meeting_bytes(meeting: &Meeting) -> usize {
    let agents = meeting.by.agents().iter().map(|agent| 64 + 6 * agent.id.len());
    128 + 6 * meeting.name.len() + agents.sum::<usize>()
}

/// Where the partition's log stands: rises with every activity, below 2^53 for 5 x 10^11 records.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Position {
    /// Offsets of earlier inputs: files begin at 0 each. A topic is one input, so that nothing need be saved.
    base: u64,
    newest: u64,
}

impl Position {
    /// Of the end of an epoch, just before the activity that ends it.
    fn of_end(&mut self, stamp: &Stamp<'_>) -> u64 {
        if stamp.offset < self.newest {
            self.base += self.newest + 1;
        }
        self.newest = stamp.offset;
        let ordinal = u64::from(stamp.ordinal.min(ORDINALS_MAX - 1));
        (self.base + stamp.offset + 1) * 2 * u64::from(ORDINALS_MAX) + 2 * ordinal + 1
    }

    /// Of an activity.
    pub(crate) fn of(&mut self, stamp: &Stamp<'_>) -> u64 {
        self.of_end(stamp) + 1
    }
}

/// Number of the epoch of a log time.
pub(crate) fn epoch_of(log_ms: i64) -> u32 {
    u32::try_from(log_ms / EPOCH_MS).unwrap_or(0)
}

/// For how long the tenant has been watched, in seconds of log time: what nobody did in that time is rare.
pub(crate) fn watched_s(tenant: Option<&Scope>, log_ms: i64) -> f64 {
    let epochs = tenant
        .and_then(Scope::known_since)
        .map_or(0, |since| epoch_of(log_ms).saturating_sub(since));
    f64::from(epochs) * EPOCH_MS as f64 / 1e3
}

impl Observe {
    /// Lets log time pass before an activity is applied: where that begins a new epoch, the open one ends.
    pub fn advance(&mut self, stamp: &Stamp<'_>) -> Option<EpochEnd> {
        (epoch_of(stamp.log_ms) > self.deltas.epoch()).then(|| self.close_epoch(stamp))
    }

    /// Ends the open epoch at `stamp`, whatever log time says. Where state is saved, only `advance` may end it.
    pub fn close_epoch(&mut self, stamp: &Stamp<'_>) -> EpochEnd {
        let ended = self.deltas.epoch();
        let mut end = EpochEnd::default();
        let next = ended.max(epoch_of(stamp.log_ms));
        let mut tenants: BTreeMap<Box<str>, Taught> = BTreeMap::new();
        for (tenant_id, increments) in self.deltas.begin(next) {
            tenants.entry(tenant_id).or_default().increments = increments;
        }
        for (tenant_id, (met, met_cut)) in self.meetings.begin(next) {
            let taught = tenants.entry(tenant_id).or_default();
            (taught.met, taught.met_cut) = (met, met_cut);
        }
        for (tenant_id, taught) in tenants {
            let parts = taught.parts();
            let count = u32::try_from(parts.len()).unwrap_or(u32::MAX);
            end.findings.extend((0..count).zip(parts).map(|(part, taught)| {
                let Taught { increments, met, met_cut } = taught;
                let epoch = i64::from(ended);
                let epoch = Epoch { epoch, part, parts: count, increments, met, met_cut };
                finding(&tenant_id, stamp, &self.settings, Body::Epoch(epoch))
            }));
        }
        let position = self.position.of_end(stamp);
        // First, and with the steps that are due: an actor is told once at an end.
        self.take_said((stamp, position), &mut end);
        self.take_due_steps((stamp, position), &mut end);
        end
    }

    fn take_due_steps(&mut self, (stamp, position): (&Stamp<'_>, u64), end: &mut EpochEnd) {
        while let Some((agent_key, authority)) = self.due.pop(hour_of(stamp.log_ms)) {
            let (mut agent, place) = self.store.check_out(&agent_key);
            // A young agent keeps only the actor that acted last.
            let actor = agent.actors.iter_mut().find(|a| authority_index(a.authority) == authority);
            let steps =
                actor.is_some_and(|actor| self.step(&agent_key, actor, (stamp, position), end));
            if steps {
                self.check_in(&agent_key, agent, place, position);
            } else {
                self.store.put_back(&agent_key, agent, place);
            }
        }
    }

    /// Takes an actor's due steps and tells of them; `false` where none shows.
    fn step(
        &mut self,
        agent_key: &str,
        actor: &mut Actor,
        (stamp, position): (&Stamp<'_>, u64),
        end: &mut EpochEnd,
    ) -> bool {
        let levels = self.settings.trust_levels;
        let hour = hour_of(stamp.log_ms);
        let before = actor.trust.published.level;
        let mut stepped = actor.trust;
        step_up(&mut stepped, hour, levels);
        let (score, level) = standing(&stepped, hour, levels);
        if level == before {
            return false;
        }
        actor.trust = stepped;
        let told = (before, level, score, TrustReason::Decay);
        self.tell((agent_key, actor), told, (stamp, position), end);
        true
    }

    /// Tells where an actor stands that no activity moved: to respond, and as a record.
    pub(crate) fn tell(
        &mut self,
        (agent_key, actor): (&str, &mut Actor),
        (before, level, score, reason): (Level, Level, f64, TrustReason),
        (stamp, position): (&Stamp<'_>, u64),
        end: &mut EpochEnd,
    ) {
        let (tenant_id, agent_id) = agent_key.split_once('|').unwrap_or(("", agent_key));
        let (tenant, id) = (tenant_id.to_owned(), agent_id.to_owned());
        let change = LevelChange {
            actor: ActorRef { tenant_id: tenant, agent_id: id, authority: actor.authority },
            before,
            after: level,
            score,
            time: log_time(stamp.log_ms),
        };
        end.findings.push(finding(tenant_id, stamp, &self.settings, Body::Level(change)));
        let said = Said {
            tenant_id,
            agent_id,
            log_ms: stamp.log_ms,
            sequence: position,
            score,
            level,
            reason,
            contributors: Vec::new(),
        };
        end.trust.push(self.record(agent_key, actor, said));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_rise_within_a_record_and_from_file_to_file() {
        let at = |offset, ordinal| Stamp { topic: "t", partition: 0, offset, ordinal, log_ms: 0 };
        let mut position = Position::default();
        let mut newest = 0;
        for (offset, ordinal) in [(0, 0), (0, 8_191), (1, 0), (9, 3), (0, 0), (2, 1), (0, 0)] {
            let (end, activity) =
                (position.of_end(&at(offset, ordinal)), position.of(&at(offset, ordinal)));
            assert!(newest < end && end < activity, "offset {offset}, ordinal {ordinal}");
            newest = activity;
        }
    }
}
