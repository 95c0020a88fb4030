//! The saved state of a partition: a record per agent, per place of the crowd and per chunk of the open epoch's
//! increments and first meetings. Keys of ours hold no `|`, those of agents do. What else the fold knows is derived from them, or is
//! handed in: settings, the snapshot of the shared tables, log time.

use baseline::bytes::StateError;

use crate::observe::Observe;

const CROWD: &str = "__crowd/";
const DELTAS: &str = "__deltas/";
const MET: &str = "__met/";

impl Observe {
    /// Keeps track of which records change, from now on; call it before the first activity.
    pub fn track_touched(&mut self) {
        self.store.track_touched();
        self.deltas.track_touched();
        self.meetings.track_touched();
        self.tracks = true;
    }

    /// The records that changed since the last call, each once, in order of their keys; an empty value is a tombstone.
    pub fn touched(&mut self) -> Vec<(String, Vec<u8>)> {
        if !self.tracks {
            return Vec::new();
        }
        let mut records = self.store.take_touched();
        let crowd = self.crowd.take_touched().into_iter();
        records.extend(crowd.map(|(place, bytes)| (format!("{CROWD}{place}"), bytes)));
        let deltas = self.deltas.take_touched().into_iter();
        records.extend(deltas.map(|(number, bytes)| (format!("{DELTAS}{number}"), bytes)));
        let met = self.meetings.take_touched().into_iter();
        records.extend(met.map(|(number, bytes)| (format!("{MET}{number}"), bytes)));
        records.sort_unstable();
        records
    }

    /// Restores one record of a fold that has seen nothing. Records come in any order; of one key, the newest last.
    pub fn load(&mut self, key: &str, value: &[u8]) -> Result<(), StateError> {
        let number = |text: &str| text.parse().map_err(|_| StateError::Value);
        if key.contains('|') {
            self.store.load(key, value)?;
            self.index_due(key);
            Ok(())
        } else if let Some(place) = key.strip_prefix(CROWD) {
            self.crowd.load(usize::try_from(number(place)?).map_err(|_| StateError::Value)?, value)
        } else if let Some(chunk) = key.strip_prefix(DELTAS) {
            self.deltas.load(number(chunk)?, value)
        } else if let Some(chunk) = key.strip_prefix(MET) {
            self.meetings.load(number(chunk)?, value)
        } else {
            Err(StateError::Value)
        }
    }

    /// Notes when the actors of an agent are due, as its record says.
    fn index_due(&mut self, agent_key: &str) {
        self.due.forget(agent_key);
        let Some(agent) = self.store.agent(agent_key).map(std::borrow::Cow::into_owned) else {
            return;
        };
        for actor in agent.actors.iter().filter(|actor| actor.trust.hour != 0) {
            self.note_due(agent_key, actor);
        }
    }
}
