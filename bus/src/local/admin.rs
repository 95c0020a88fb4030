//! Topics of the log in one process.

use super::core::{Edge, Handle};
use super::engine::Topic;
use crate::error::BusError;
use crate::memory::Step;
use crate::record::{Isolation, TopicPartition};
use crate::traits::{Admin, TopicInfo, TopicSpec};

/// Manages topics.
pub(crate) struct LocalAdmin(pub(crate) Handle);

impl Admin for LocalAdmin {
    fn describe(&mut self, names: &[&str]) -> Result<Vec<Option<TopicInfo>>, BusError> {
        self.0.step(Step::Look, |core, _| {
            let topics = names.iter().map(|name| core.engine.topics.get(*name));
            Ok(topics.map(|topic| topic.map(Topic::info)).collect())
        })
    }

    fn create(&mut self, spec: &TopicSpec) -> Result<(), BusError> {
        self.0.step(Step::Create, |core, _| {
            if core.engine.topics.contains_key(spec.name.as_str()) {
                return Ok(());
            }
            let topic = core.engine.topic(spec)?;
            if let Edge::Journal(journal) = &mut core.edge {
                journal.append_topic(&topic)?;
            }
            core.engine.add_topic(topic);
            Ok(())
        })
    }

    fn bounds(
        &mut self,
        at: &TopicPartition,
        isolation: Isolation,
    ) -> Result<(u64, u64), BusError> {
        self.0.step(Step::Look, |core, _| {
            core.engine.place(at).map(|place| (place.start(), place.end(isolation)))
        })
    }

    fn offset_at(&mut self, at: &TopicPartition, time_ms: i64) -> Result<u64, BusError> {
        self.0
            .step(Step::Look, |core, _| core.engine.place(at).map(|place| place.offset_at(time_ms)))
    }
}
