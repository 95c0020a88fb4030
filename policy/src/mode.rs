//! How binding what is decided may be, at most. What leaves in which mode stands with whoever writes it.

/// What leaves, and how binding it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    /// Everything is computed; requests are dry runs.
    #[default]
    Shadow,
    /// Alerts leave; requests are proposals.
    Alert,
    /// Requests are to be done.
    Enforce,
}
