//! Stages and ways whose time is taken, and what becomes of a push.

/// A stage of the work on a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Bytes to activities.
    Decode,
    /// An activity through its agent's habits.
    Observe,
    /// A finding through its tenant's cases.
    Respond,
}

/// A way between two records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hop {
    /// From a source's record to its activities under their agents' keys.
    EventToActivity,
    /// From an activity under its agent's key to its finding.
    ActivityToFinding,
    /// From an activity, at its source, to its finding.
    EventToFinding,
    /// From a finding to its alert.
    FindingToAlert,
    /// From an activity, at its source, to its alert.
    EventToAlert,
}

/// What became of the push of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Push {
    /// The receiver has it.
    Accepted,
    /// The receiver did not take it now.
    Retried,
    /// The receiver refused it for good, for this reason.
    Refused(&'static str),
}
