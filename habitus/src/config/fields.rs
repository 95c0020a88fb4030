//! Every setting: its path, what it may be, its default, and a sentence when to change it.

/// What a setting may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    /// A whole number within bounds.
    Integer(i64, i64),
    /// A number within bounds.
    Number(f64, f64),
    /// One of these words.
    Word(&'static [&'static str]),
    /// A size in bytes with unit, such as `512MiB`, at least this many bytes.
    Size(u64),
    /// A list of texts, at most this many.
    Texts(usize),
}

/// One setting.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    pub(super) path: &'static str,
    pub(super) kind: Kind,
    /// As TOML.
    pub(super) default: &'static str,
    pub(super) doc: &'static str,
}

const fn field(path: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Field {
    Field { path, kind, default, doc }
}

/// Words of a mode.
pub(super) const MODES: &[&str] = &["shadow", "alert", "enforce"];
/// Words of a signal's mode.
pub(super) const SIGNAL_MODES: &[&str] = &["shadow", "alert"];

/// All settings but those of signals, which exist once for each signal id.
pub(super) const FIELDS: &[Field] = &[
    field("version", Kind::Integer(1, 1), "1", "Version of the config format."),
    field(
        "mode",
        Kind::Word(MODES),
        "\"shadow\"",
        "How binding what leaves is. `shadow` asks for nothing, `alert` recommends, `enforce` asks for revocations.",
    ),
    field(
        "budget.alerts_per_actor_month",
        Kind::Number(0.0001, 1_000.0),
        "1.0",
        "Alerts you accept for each actor and month. Lower it when analysts cannot keep up.",
    ),
    field(
        "budget.revocations_per_actor_month",
        Kind::Number(0.000_001, 10.0),
        "0.001",
        "Automatic revocations you accept for each actor and month.",
    ),
    field(
        "engine.seed",
        Kind::Integer(0, i64::MAX),
        "0",
        "Seed of all hashes in state. Set it once for each deployment; another seed makes old state unreadable.",
    ),
    field(
        "engine.lanes",
        Kind::Integer(0, 1_024),
        "0",
        "Threads that own partitions; 0 is one a core. No result depends on it.",
    ),
    field(
        "memory.cap",
        Kind::Size(8 << 20),
        "\"1GiB\"",
        "Hard cap of all agents' habits, ids included. Raise it when known agents are evicted.",
    ),
    field("trust.trusted", Kind::Number(0.0, 100.0), "80.0", "Lowest score of `trusted`."),
    field("trust.watch", Kind::Number(0.0, 100.0), "60.0", "Lowest score of `watch`."),
    field(
        "trust.restricted",
        Kind::Number(0.0, 100.0),
        "40.0",
        "Lowest score of `restricted`; below is `untrusted`.",
    ),
    field(
        "response.protected",
        Kind::Texts(10_000),
        "[]",
        "Ids of agents that are never revoked automatically.",
    ),
    field(
        "response.breaker_agents_per_hour",
        Kind::Integer(0, 1_000_000),
        "3",
        "Agents of a tenant that may be revoked automatically within an hour, at least.",
    ),
    field(
        "response.breaker_share_per_hour",
        Kind::Number(0.0, 1.0),
        "0.005",
        "The same as a share of the tenant's agents; the larger of both holds.",
    ),
];

/// The signal ids that have settings.
pub(super) fn signal_ids() -> Vec<&'static str> {
    detector::signal_ids()
}

/// Default of a signal's mode, as TOML.
pub(super) const SIGNAL_DEFAULT: &str = "\"alert\"";
/// Doc of a signal's mode.
pub(super) const SIGNAL_DOC: &str =
    "`shadow`: computed and listed under `shadow_contributions`, in no score. `alert`: counts.";
