//! Looks at the saved state of every partition without owning it: what stands there, and whether it keeps its
//! invariants. The newest record of each key counts, as in a takeover.

use std::collections::BTreeMap;

use bus::{Bus, BusError, TopicPartition};

use crate::fold::{self, LogFold};
use crate::frame::unframe;
use crate::layout::Layout;
use crate::progress::{OWNER_KEY, Owner, PROGRESS_KEY, Progress};
use crate::read::read_all;

/// What stands in one state partition.
#[derive(Clone, Debug, Default)]
pub struct StateReport {
    /// The input's partition, as `topic/partition`.
    pub input: String,
    /// Records of the fold that are not tombstones.
    pub records: u64,
    /// Their bytes, keys included.
    pub bytes: u64,
    /// The newest progress.
    pub progress: Option<Progress>,
    /// The newest owner.
    pub owner: Option<Owner>,
    /// What is wrong.
    pub problems: Vec<String>,
}

/// Reads the state of every partition of every input; with `make`, loads each record into a fold as well.
pub fn verify<B: Bus, F: LogFold>(
    bus: &B,
    layout: &Layout,
    make: &dyn Fn(&TopicPartition) -> F,
) -> Result<Vec<StateReport>, BusError> {
    let states = layout.all_inputs().filter_map(|at| Some((layout.state_of(&at)?, at)));
    states.map(|(state, at)| verify_partition(bus, &at, &state, &mut make(&at))).collect()
}

fn verify_partition<B: Bus, F: LogFold>(
    bus: &B,
    at: &TopicPartition,
    state: &TopicPartition,
    fold: &mut F,
) -> Result<StateReport, BusError> {
    let mut report = StateReport { input: at.to_string(), ..StateReport::default() };
    let mut newest: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
    for record in read_all(bus, state)? {
        let key = record.key.unwrap_or_default();
        match record.value {
            None => drop(newest.remove(&key)),
            Some(value) => drop(newest.insert(key, value)),
        }
    }
    if let Some(bytes) = newest.remove(OWNER_KEY) {
        match Owner::decode(&bytes) {
            Ok(owner) => report.owner = Some(owner),
            Err(error) => report.problems.push(format!("__owner: failed to {error}")),
        }
    }
    if let Some(bytes) = newest.remove(PROGRESS_KEY) {
        match Progress::decode(&bytes) {
            Ok(progress) => {
                report.problems.extend(unsound(&progress));
                report.progress = Some(progress);
            }
            Err(error) => report.problems.push(format!("__progress: failed to {error}")),
        }
    } else if !newest.is_empty() {
        report.problems.push("state without progress".to_owned());
    }
    let to = report.progress.as_ref().map_or(0, |progress| progress.to);
    for (key, value) in newest {
        report.records += 1;
        report.bytes += (key.len() + value.len()) as u64;
        if let Err(problem) = check(&key, &value, to, fold) {
            report.problems.push(format!("{}: {problem}", String::from_utf8_lossy(&key)));
        }
    }
    Ok(report)
}

fn check<F: LogFold>(key: &[u8], value: &[u8], to: u64, fold: &mut F) -> Result<(), String> {
    let (last_offset, payload) = unframe(value).map_err(|error| format!("failed to {error}"))?;
    if last_offset >= to {
        return Err(format!("made by offset {last_offset}, beyond the progress at {to}"));
    }
    let record = fold::Record { key: key.to_vec(), value: payload.to_vec() };
    fold.load(&record).map_err(|error| format!("failed to {error}"))
}

fn unsound(progress: &Progress) -> Vec<String> {
    let mut problems = Vec::new();
    if progress.to < progress.from {
        problems.push(format!("progress goes back from {} to {}", progress.from, progress.to));
    }
    if !progress.counts.balance() || !progress.totals.balance() {
        problems.push("activities of the progress do not add up".to_owned());
    }
    if progress.totals.activities < progress.counts.activities {
        problems.push("totals are below the counts of the newest range".to_owned());
    }
    problems
}
