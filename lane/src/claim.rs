//! Where assigned partitions start: the stable committed offset, or on a first start where the config says. A missing
//! offset beside state is an error, not a start.

use std::time::Duration;

use bus::{Admin, Bus, BusError, Consumer, Isolation, TopicPartition};

use crate::error::LaneError;
use crate::fold::LogFold;
use crate::lane::Assignment;
use crate::layout::Start;
use crate::meter::Notice;
use crate::progress::{PROGRESS_KEY, Progress};
use crate::read::each_record;
use crate::worker::Worker;

/// How long the log may take to tell stable offsets.
const OFFSETS_TIMEOUT: Duration = Duration::from_secs(10);

impl<B: Bus, F: LogFold> Worker<B, F> {
    /// Finds where assigned partitions start, then claims them.
    pub(crate) fn claim(&mut self, now_ms: i64) -> Result<(), LaneError> {
        if self.to_claim.is_empty() {
            return Ok(());
        }
        match self.starts() {
            Ok(assignments) => {
                let starts: Vec<(TopicPartition, u64)> =
                    assignments.iter().map(|a| (a.at.clone(), a.start)).collect();
                self.consumer.assign(&starts)?;
                self.to_claim.clear();
                let commands = self.lane.on_assign(&assignments, (self.settings.nonce)());
                self.execute(commands, now_ms)
            }
            Err(LaneError::Bus(BusError::Unavailable(reason))) => {
                self.away(&reason, now_ms);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    fn starts(&mut self) -> Result<Vec<Assignment>, LaneError> {
        let committed = self.consumer.committed(&self.to_claim, OFFSETS_TIMEOUT)?;
        let mut assignments = Vec::with_capacity(committed.len());
        let mut admin = None;
        for (at, offset) in self.to_claim.iter().zip(committed) {
            let (start, after_loss) = match (offset, &mut admin) {
                (Some(offset), _) => (offset, false),
                (None, Some(admin)) => self.first_start(at, admin)?,
                (None, empty) => self.first_start(at, empty.insert(self.bus.admin()?))?,
            };
            assignments.push(Assignment { at: at.clone(), start, after_loss });
        }
        Ok(assignments)
    }

    /// Where a partition without a committed offset starts; never where there is state, unless by leave.
    fn first_start(
        &self,
        at: &TopicPartition,
        admin: &mut Box<dyn Admin>,
    ) -> Result<(u64, bool), LaneError> {
        let layout = self.lane.layout();
        let (Some(input), Some(state)) = (layout.input(&at.topic), layout.state_of(at)) else {
            return Err(LaneError::NoStart { at: at.clone() });
        };
        let (_, state_end) = admin.bounds(&state, Isolation::ReadCommitted)?;
        let known = if state_end > 0 { self.newest_progress(&state)? } else { None };
        let (first, end) = admin.bounds(at, Isolation::ReadUncommitted)?;
        if let Some(progress) = known {
            return if self.settings.accept_state_loss {
                let start = progress.to.clamp(first, end);
                if start > progress.to {
                    self.meter.note(&Notice::Lost(at, progress.to, start));
                }
                Ok((start, start != progress.to))
            } else {
                Err(LaneError::OffsetLost { at: at.clone(), to: progress.to })
            };
        }
        let start = match input.start {
            Start::Earliest => first,
            Start::Latest => end,
            Start::At(time_ms) => admin.offset_at(at, time_ms)?,
            Start::Unset => return Err(LaneError::NoStart { at: at.clone() }),
        };
        Ok((start, false))
    }

    fn newest_progress(&self, state: &TopicPartition) -> Result<Option<Progress>, BusError> {
        let mut newest = None;
        each_record(&self.bus, state, (0, OFFSETS_TIMEOUT), |record| {
            if record.key.as_deref() == Some(PROGRESS_KEY)
                && let Some(progress) =
                    record.value.as_deref().and_then(|bytes| Progress::decode(bytes).ok())
            {
                newest = Some(progress);
            }
        })?;
        Ok(newest)
    }
}
