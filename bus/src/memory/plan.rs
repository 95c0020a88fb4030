//! What may go wrong in the simulator, and when: at a step that a test counts to, or at random from a seed.

use crate::error::BusError;

/// What a client asks of the broker, or hears from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// Joins a group.
    Join,
    /// Hears which partitions it is given.
    Assigned,
    /// Hears which partitions it is to release.
    Revoked,
    /// Hears which partitions it has lost.
    Lost,
    /// Receives a record as a member.
    Record,
    /// Asks for committed offsets.
    Committed,
    /// Starts partitions; does not reach the broker.
    Assign,
    /// Releases partitions.
    Release,
    /// Takes over a transactional id.
    Init,
    /// Begins a transaction; does not reach the broker.
    Begin,
    /// Adds a partition to the transaction, before its first record there.
    AddPartition,
    /// Sends a record.
    Send,
    /// Adds offsets.
    Offsets,
    /// Commits.
    Commit,
    /// Aborts.
    Abort,
    /// Receives a record as a reader.
    Read,
    /// Looks at topics and bounds.
    Look,
    /// Makes a topic.
    Create,
}

/// What goes wrong at a step. A fault that has no meaning at a step does nothing there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The process dies before the request leaves it.
    KillBefore,
    /// The process dies after the broker has done what was asked.
    KillAfter,
    /// The broker cannot be reached at this and at the following calls of the process, so many in all.
    Unavailable(u32),
    /// The transaction fails: at its records, its offsets or its commit.
    Abortable,
    /// The commit is done, its reply is lost.
    LoseReply,
    /// The commit is lost on its way.
    LoseRequest,
    /// The commit arrives so many steps later, if the id was not taken over by then; the caller is told nothing.
    Late(u32),
    /// The commit is done, and a copy of it arrives so many steps later: it ends whatever the same producer has
    /// open then (KAFKA-17754).
    Doubled(u32),
    /// The commit is decided and told; what it brings shows so many milliseconds later, or once the id is used again.
    /// Meanwhile others, of another id, may write behind it.
    Unmarked(u64),
    /// Half of the commit is done, and the caller is told nothing.
    Torn(Half),
    /// Asked for committed offsets, the broker says that there are none (KAFKA-20416).
    NoOffset,
    /// Every partition of every group moves to the next member.
    Rebalance,
    /// The members of the process are thrown out of their groups.
    Kick,
    /// After the step, the process stands still for so many milliseconds: see `Memory::freeze`.
    Freeze(u64),
    /// The clock that stamps records jumps by so many milliseconds.
    Jump(i64),
    /// So many polls find no record.
    Slow(u32),
}

/// Which half of a torn commit was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Half {
    /// The records are committed, the offsets are not.
    Records,
    /// The offsets are committed, the records are aborted.
    Offsets,
}

/// The faults of a run.
#[derive(Clone, Debug, Default)]
pub struct FaultPlan {
    pub(super) planned: Vec<(Option<Step>, u64, Fault)>,
    pub(super) random: Vec<(u32, Fault)>,
    pub(super) random_max: Option<u64>,
    pub(super) only: Option<String>,
}

// === impl FaultPlan ===

impl FaultPlan {
    /// Nothing goes wrong.
    pub fn none() -> Self {
        Self::default()
    }

    /// A fault at the n-th step, counted from 0.
    #[must_use]
    pub fn at(mut self, n: u64, fault: Fault) -> Self {
        self.planned.push((None, n, fault));
        self
    }

    /// A fault at the n-th step of one kind, counted from 0.
    #[must_use]
    pub fn at_nth(mut self, step: Step, n: u64, fault: Fault) -> Self {
        self.planned.push((Some(step), n, fault));
        self
    }

    /// A fault at so many of 10 000 steps that it fits, drawn from the simulator's seed.
    #[must_use]
    pub fn randomly(mut self, per_10_000: u32, fault: Fault) -> Self {
        self.random.push((per_10_000, fault));
        self
    }

    /// At most so many random faults, so that a run comes to its end.
    #[must_use]
    pub fn at_most(mut self, n: u64) -> Self {
        self.random_max = Some(n);
        self
    }

    /// Counts and spoils only the steps of processes of this name.
    #[must_use]
    pub fn only(mut self, process: &str) -> Self {
        self.only = Some(process.to_owned());
        self
    }
}

// === impl Step ===

impl Step {
    /// Whether the step stays inside the client.
    pub(super) fn is_local(self) -> bool {
        matches!(self, Self::Assign | Self::Release | Self::Begin)
    }

    /// What a caller is told when the broker cannot be reached: of a commit, nobody knows whether it arrived.
    pub(crate) fn unreachable(self) -> BusError {
        let what = format!("no answer to {self:?}");
        if self == Self::Commit { BusError::Doubtful(what) } else { BusError::Unavailable(what) }
    }
}

// === impl Fault ===

impl Fault {
    pub(super) fn fits(self, step: Step) -> bool {
        match self {
            Self::Abortable => {
                matches!(step, Step::AddPartition | Step::Send | Step::Offsets | Step::Commit)
            }
            Self::LoseReply | Self::LoseRequest | Self::Late(_) => step == Step::Commit,
            Self::Doubled(_) | Self::Unmarked(_) | Self::Torn(_) => step == Step::Commit,
            Self::NoOffset => step == Step::Committed,
            Self::Unavailable(_) => !step.is_local(),
            _ => true,
        }
    }

    /// The fault without its figures.
    pub(super) fn name(self) -> String {
        let text = format!("{self:?}");
        text.split('(').next().unwrap_or_default().to_owned()
    }
}
