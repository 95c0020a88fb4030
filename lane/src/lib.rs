//! Lanes: what drives folds over partitions of a log, with and without a broker. They know entries, bytes and
//! folds, not agents.
#![forbid(unsafe_code)]

mod audit;
mod batch;
mod board;
mod breaker;
mod careful;
mod claim;
mod commit;
mod error;
mod fold;
mod frame;
mod lane;
mod layout;
mod local;
mod meter;
mod once;
mod progress;
mod read;
mod recover;
mod thread;
mod verify;
mod worker;

pub use audit::{Audit, Finding, Reference, audit};
pub use batch::{Cause, Part, Proof, Transaction};
pub use board::Board;
pub use breaker::{Breaker, BreakerLimits, Turned};
pub use careful::{Attempt, Turns};
pub use commit::{Committer, Pulse};
pub use error::LaneError;
pub use fold::{Applied, Counts, Emit, Fold, LoadError, LogFold, Record, SUMS};
pub use frame::{FrameError, frame, unframe};
pub use lane::{Assignment, Command, Lane, Make, Outcome};
pub use layout::{BatchLimits, Input, Layout, Start};
pub use local::drive;
pub use meter::{Meter, Notice};
pub use once::{Positions, ends};
pub use progress::{InForce, OWNER_KEY, Owner, PROGRESS_KEY, Progress, ProgressError};
pub use read::read_all;
pub use thread::{Clock, Life, live, spawn_committer};
pub use verify::{StateReport, verify};
pub use worker::{Hands, Job, Worker, WorkerSettings};
