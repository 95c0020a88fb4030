//! All folds as one kind, so that a lane may own partitions of any log.

use std::sync::Arc;

use baseline::Shared;
use bus::{Outgoing, Record, TopicPartition};
use detector::Inventory;
use lane::{Applied, Emit, Fold, LoadError, LogFold, Record as Saved};

use schemas::finding::Body;

use super::intake::IntakeStream;
use super::observe::ObserveStream;
use super::register::RegisterStream;
use super::respond::RespondStream;
use super::said::SaidStream;
use super::setup::Setup;

/// What lanes take up between transactions.
#[derive(Clone, Debug, Default)]
pub struct Switches {
    /// The shared tables.
    pub shared: Arc<Shared>,
    /// Who is registered, where a topic says it: else what the file says holds.
    pub inventory: Option<Arc<Inventory>>,
    /// Next offset of the control topic that is not in them.
    pub control_offset: u64,
}

/// The fold of a partition, of any log.
pub enum StreamFold {
    /// Of a source: it keeps what waits for its agent.
    Intake(Box<IntakeStream>),
    /// Of what is said from outside: it keeps no state.
    Said(Box<SaidStream>),
    /// Of the inventory: it keeps who is registered.
    Register(Box<RegisterStream>),
    /// Of activities under their agents' keys.
    Observe(Box<ObserveStream>),
    /// Of the findings.
    Respond(Box<RespondStream>),
}

impl StreamFold {
    /// The fold of this partition.
    pub(super) fn new(setup: &Arc<Setup>, at: &TopicPartition) -> Self {
        let (names, own) = (&setup.names, Arc::clone(setup));
        if at.topic == names.findings {
            Self::Respond(Box::new(RespondStream::new(own, at.partition)))
        } else if at.topic == names.activity {
            Self::Observe(Box::new(ObserveStream::new(own)))
        } else if [&names.acknowledgements, &names.feedback].contains(&&at.topic) {
            Self::Said(Box::new(SaidStream::new(own, &at.topic)))
        } else if at.topic == names.inventory {
            Self::Register(Box::new(RegisterStream::new(own)))
        } else {
            Self::Intake(Box::new(IntakeStream::new(own, &at.topic)))
        }
    }
}

impl Fold for StreamFold {
    type Entry<'a> = &'a Record;
    type Output = Applied;

    fn apply(&mut self, record: &Record) -> Applied {
        match self {
            Self::Intake(intake) => intake.apply(record),
            Self::Said(said) => said.apply(record),
            Self::Register(register) => register.apply(record),
            Self::Observe(observe) => observe.apply(record),
            Self::Respond(respond) => respond.apply(record),
        }
    }

    fn touched(&mut self) -> Vec<Saved> {
        let touched = match self {
            Self::Said(_) => Vec::new(),
            Self::Register(register) => register.touched(),
            Self::Intake(intake) => intake.touched(),
            Self::Observe(observe) => observe.fold_mut().touched(),
            Self::Respond(respond) => respond.fold_mut().touched(),
        };
        touched.into_iter().map(|(key, value)| Saved { key: key.into_bytes(), value }).collect()
    }

    fn load(&mut self, record: &Saved) -> Result<(), LoadError> {
        let key = std::str::from_utf8(&record.key).map_err(|error| LoadError(error.to_string()))?;
        let value = &record.value;
        let loaded = match self {
            Self::Said(_) => Err("find nothing but progress: it keeps no state".to_owned()),
            Self::Register(register) => register.load(key, value),
            Self::Intake(intake) => intake.load(key, value).map_err(|e| e.to_string()),
            Self::Observe(observe) => {
                observe.fold_mut().load(key, value).map_err(|e| e.to_string())
            }
            Self::Respond(respond) => {
                respond.fold_mut().load(key, value).map_err(|e| e.to_string())
            }
        };
        loaded.map_err(LoadError)
    }
}

impl LogFold for StreamFold {
    type Switches = Switches;

    fn take_up(&mut self, switches: &Switches) {
        match self {
            Self::Observe(observe) => {
                observe.fold_mut().take_up(Arc::clone(&switches.shared));
                observe.set_control_offset(switches.control_offset);
                if let Some(inventory) = &switches.inventory {
                    observe.fold_mut().register(Arc::clone(inventory));
                }
            }
            Self::Intake(intake) => {
                if let Some(inventory) = &switches.inventory {
                    intake.register(Arc::clone(inventory));
                }
            }
            Self::Said(_) | Self::Register(_) | Self::Respond(_) => {}
        }
    }

    fn quarantine(&mut self, record: &Record) -> Applied {
        match self {
            Self::Intake(intake) => intake.quarantine(record),
            Self::Said(said) => said.quarantine(record),
            Self::Register(register) => register.quarantine(record),
            Self::Observe(observe) => observe.quarantine(record),
            Self::Respond(respond) => respond.quarantine(record),
        }
    }

    fn resume(&mut self, stream_time_ms: i64) {
        match self {
            Self::Intake(intake) => intake.resume(stream_time_ms),
            Self::Said(said) => said.resume(stream_time_ms),
            Self::Register(register) => register.resume(stream_time_ms),
            Self::Observe(observe) => observe.resume(stream_time_ms),
            Self::Respond(respond) => respond.resume(stream_time_ms),
        }
    }

    fn stream_time_ms(&self) -> i64 {
        match self {
            Self::Intake(intake) => intake.log_ms(),
            Self::Said(said) => said.log_ms(),
            Self::Register(register) => register.log_ms(),
            Self::Observe(observe) => observe.log_ms(),
            Self::Respond(respond) => respond.log_ms(),
        }
    }

    fn due(&self) -> Option<(i64, Emit)> {
        match self {
            Self::Respond(respond) => respond.due(),
            Self::Intake(_) | Self::Said(_) | Self::Register(_) | Self::Observe(_) => None,
        }
    }

    fn is_due(record: &Outgoing) -> bool {
        let finding = alerting::read(record.value.as_deref().unwrap_or_default());
        finding.is_ok_and(|finding| matches!(finding.body, Body::Tick {}))
    }
}
