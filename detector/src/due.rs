//! Who steps up next: actors by the hour at which another level shows of itself. It speeds the end of an epoch and
//! decides nothing: it is derived from the agents' records, and holds nobody who is trusted.

use std::collections::{BTreeMap, BTreeSet};

/// Actors below trusted by the hour at which that changes.
#[derive(Debug, Default)]
pub(crate) struct DueIndex {
    /// Per agent, the hour of each authority; 0 is never.
    by_agent: BTreeMap<Box<str>, [u32; 3]>,
    /// Hour, agent, authority.
    by_hour: BTreeSet<(u32, Box<str>, usize)>,
}

impl DueIndex {
    /// Notes when an actor is due; 0 is never.
    pub(crate) fn set(&mut self, agent: &str, authority: usize, hour: u32) {
        if hour == 0 && !self.by_agent.contains_key(agent) {
            return;
        }
        let hours = self.by_agent.entry(agent.into()).or_default();
        let Some(slot) = hours.get_mut(authority) else { return };
        let before = std::mem::replace(slot, hour);
        if *hours == [0; 3] {
            self.by_agent.remove(agent);
        }
        if before != 0 {
            self.by_hour.remove(&(before, agent.into(), authority));
        }
        if hour != 0 {
            self.by_hour.insert((hour, agent.into(), authority));
        }
    }

    /// Forgets an agent.
    pub(crate) fn forget(&mut self, agent: &str) {
        for (authority, hour) in self.by_agent.remove(agent).into_iter().flatten().enumerate() {
            self.by_hour.remove(&(hour, agent.into(), authority));
        }
    }

    /// Takes out the actor that is due first, if it is due by `hour`: agent and authority.
    pub(crate) fn pop(&mut self, hour: u32) -> Option<(Box<str>, usize)> {
        let (due, agent, authority) =
            self.by_hour.first().filter(|first| first.0 <= hour).cloned()?;
        self.set(&agent, authority, 0);
        debug_assert!(due <= hour);
        Some((agent, authority))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actors_come_out_by_hour_and_what_was_forgotten_does_not() {
        let mut index = DueIndex::default();
        index.set("b", 0, 9);
        index.set("a", 1, 7);
        index.set("a", 2, 7);
        index.set("c", 0, 1);
        index.set("b", 0, 5);
        index.set("a", 2, 0);
        index.forget("c");
        assert_eq!(index.pop(4), None);
        assert_eq!(index.pop(7), Some(("b".into(), 0)));
        assert_eq!(index.pop(7), Some(("a".into(), 1)));
        assert_eq!(index.pop(u32::MAX), None);
        assert!(index.by_agent.is_empty() && index.by_hour.is_empty());
    }
}
