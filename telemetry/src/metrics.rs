//! What lanes count and measure. Each call is a few atomic operations or one short lock; none waits for a scrape.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use alerting::ocsf::Severity;
use alerting::{Mode, RespondCounts};
use baseline::StoreCounts;
use bus::{BusError, TopicPartition};
use lane::Counts;
use prometheus_client::encoding::prometheus_text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Metric, Registry};
use schemas::reject::ErrorCode;
use schemas::revocation::RevocationMode;

use super::kept::Kept;
use super::latency::{HOP_BUCKETS, Latency};
use super::partitions::Partitions;
use super::stage::{Hop, Push, Stage};
use super::table::{PREFIX, help};

/// Labels with values from the program: no text of an event lives long enough to become one.
type Labels<const N: usize> = [(&'static str, &'static str); N];
type Counters<const N: usize> = Family<Labels<N>, Counter>;

/// What is known before anything is counted.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Hash of the config in force.
    pub config_hash: String,
    /// The cap on the memory of all agents, in bytes.
    pub state_bytes_max: u64,
    /// The ids of all signals.
    pub signals: Vec<&'static str>,
}

/// Everything that is counted and measured; shared by all threads.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    signals: Vec<&'static str>,
    partitions: Arc<Partitions>,
    received: Family<[(&'static str, String); 1], Counter>,
    processed: Counters<1>,
    taken_in: Counters<1>,
    released: Counters<1>,
    skipped: Counters<1>,
    /// Agents and bytes.
    registered: [Gauge<u64, AtomicU64>; 2],
    late: Counter,
    entries_lost: Counter,
    invalid: Counters<1>,
    dead_letters: Counters<1>,
    broken: Gauge<u64, AtomicU64>,
    unknown_fields: Counter,
    hops: [Latency; 5],
    /// Decode, observe, respond and commit.
    stages: [Latency; 4],
    alerts: Counters<4>,
    alert_joins: Counter,
    kept: Kept,
    revocations: Counters<1>,
    pushes: Family<[(&'static str, String); 2], Counter>,
    unmade: Family<[(&'static str, String); 1], Counter>,
    push_lag: Family<[(&'static str, String); 1], Gauge<f64, AtomicU64>>,
    updates_withheld: Counter,
    silenced: Counter,
    policy_errors: Counter,
    response_evicted: Counters<1>,
    coordination_lost: Counters<1>,
    newcomers: Counter,
    evicted: Counters<1>,
    commits: Latency,
    commit_failures: Counters<1>,
    state_written: Counter,
    restores: Latency,
}

// === impl Metrics: recording ===

impl Metrics {
    /// Records were read from a topic.
    pub fn received(&self, topic: &str, records: u64) {
        self.received.get_or_create(&[("topic", topic.to_owned())]).inc_by(records);
    }

    /// What became of the activities of a committed batch.
    pub fn processed(&self, counts: &Counts) {
        for (outcome, count) in outcomes(counts) {
            self.processed.get_or_create(&outcome).inc_by(count);
        }
    }

    /// What a fold summed up of a committed batch, for the meters of calibration and budget.
    pub fn kept(&self, counts: &Counts) {
        self.kept.add(counts);
    }

    /// What became of the activities of a committed batch of intake. Those handed on are processed by whoever reads them.
    pub fn taken_in(&self, counts: &Counts) {
        for (outcome, count) in [
            ("rekeyed", counts.scored),
            ("skipped", counts.skipped),
            ("dead_lettered", counts.dead_lettered),
        ] {
            self.taken_in.get_or_create(&[("outcome", outcome)]).inc_by(count);
        }
        self.processed(&Counts { scored: 0, ..*counts });
    }

    /// So many activities of an owned partition wait for their agent.
    pub fn held(&self, at: &TopicPartition, activities: u64) {
        self.partitions.change(at, |partition| partition.held = activities);
    }

    /// The waiting of an activity ended, in this way.
    pub fn released(&self, end: &'static str) {
        self.released.get_or_create(&[("outcome", end)]).inc();
    }

    /// An activity was left out by a rule.
    pub fn skipped(&self, rule: &'static str) {
        self.skipped.get_or_create(&[("rule", rule)]).inc();
    }

    /// So many agents are registered on a topic, and take so many bytes.
    pub fn registered(&self, agents: usize, bytes: usize) {
        for (gauge, value) in self.registered.iter().zip([agents, bytes]) {
            gauge.set(value as u64);
        }
    }

    /// Activities were scored late.
    pub fn late(&self, activities: u64) {
        self.late.inc_by(activities);
    }

    /// Records were gone before they were read.
    pub fn entries_lost(&self, offsets: u64) {
        self.entries_lost.inc_by(offsets);
    }

    /// An activity was refused.
    pub fn invalid(&self, code: ErrorCode) {
        self.invalid.get_or_create(&[("reason", code.as_str())]).inc();
    }

    /// A dead letter was written.
    pub fn dead_letter(&self, code: ErrorCode) {
        self.dead_letters.get_or_create(&[("reason", code.as_str())]).inc();
    }

    /// So many lanes read nothing because they refuse too much.
    pub fn breaker(&self, lanes: usize) {
        self.broken.set(lanes as u64);
    }

    /// Fields were met that no field of ours reads.
    pub fn unknown_fields(&self, fields: u64) {
        self.unknown_fields.inc_by(fields);
    }

    /// How far an owned partition is: records not read yet, and its log time in milliseconds.
    pub fn progress(&self, at: &TopicPartition, lag_records: u64, log_ms: i64) {
        self.partitions.change(at, |partition| {
            (partition.lag_records, partition.log_ms) = (lag_records, log_ms);
        });
    }

    /// What the store of an owned partition holds and has evicted so far.
    pub fn store(&self, at: &TopicPartition, counts: StoreCounts) {
        let before = self.partitions.change(at, |partition| partition.store = counts).store;
        self.newcomers.inc_by(counts.newcomers.saturating_sub(before.newcomers));
        for (ring, now, before) in [
            ("known", counts.known_evicted, before.known_evicted),
            ("young", counts.young_evicted, before.young_evicted),
        ] {
            self.evicted.get_or_create(&[("ring", ring)]).inc_by(now.saturating_sub(before));
        }
    }

    /// What respond holds of an owned partition of the findings, and did so far.
    pub fn respond(&self, at: &TopicPartition, now: RespondCounts) {
        let before = self.partitions.change(at, |partition| partition.respond = now).respond;
        let withheld = now.updates_withheld.saturating_sub(before.updates_withheld);
        self.updates_withheld.inc_by(withheld);
        self.silenced.inc_by(now.silenced.saturating_sub(before.silenced));
        self.policy_errors.inc_by(now.policy_errors.saturating_sub(before.policy_errors));
        let (met, met_before) = (now.coordination, before.coordination);
        for (kind, now, before) in [
            ("case", now.cases_evicted, before.cases_evicted),
            ("request", now.requests_evicted, before.requests_evicted),
            ("thing", met.evicted, met_before.evicted),
            ("link", now.links_evicted, before.links_evicted),
        ] {
            let more = now.saturating_sub(before);
            self.response_evicted.get_or_create(&[("kind", kind)]).inc_by(more);
        }
        for (reason, now, before) in
            [("cut", met.cut, met_before.cut), ("late", met.late, met_before.late)]
        {
            let more = now.saturating_sub(before);
            self.coordination_lost.get_or_create(&[("reason", reason)]).inc_by(more);
        }
    }

    /// A partition is owned no more.
    pub fn release(&self, at: &TopicPartition) {
        self.partitions.release(at);
    }

    /// A record was committed this long after what caused it.
    pub fn hop(&self, hop: Hop, taken: Duration) {
        let [activity, observed, finding, alert, both] = &self.hops;
        match hop {
            Hop::EventToActivity => activity,
            Hop::ActivityToFinding => observed,
            Hop::EventToFinding => finding,
            Hop::FindingToAlert => alert,
            Hop::EventToAlert => both,
        }
        .record(taken);
    }

    /// A stage took this long.
    pub fn stage(&self, stage: Stage, taken: Duration) {
        let [decode, observe, respond, _] = &self.stages;
        match stage {
            Stage::Decode => decode,
            Stage::Observe => observe,
            Stage::Respond => respond,
        }
        .record(taken);
    }

    /// An alert was opened: its leading signal, and whether its actor's baseline is still `learning`.
    pub fn alert(&self, signal: &str, severity: Severity, mode: Mode, learning: bool) {
        let known = self.signals.iter().copied().find(|known| *known == signal);
        let severity = match severity {
            Severity::Informational => "informational",
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
            Severity::Critical => "critical",
        };
        let mode = match mode {
            Mode::Shadow => "shadow",
            Mode::Alert => "alert",
            Mode::Enforce => "enforce",
        };
        let labels = [
            ("signal", known.unwrap_or("other")),
            ("severity", severity),
            ("mode", mode),
            ("maturity", if learning { "learning" } else { "ready" }),
        ];
        self.alerts.get_or_create(&labels).inc();
    }

    /// An actor joined the alert of another one.
    pub fn alert_join(&self) {
        self.alert_joins.inc();
    }

    /// A revocation was asked for, or would have been.
    pub fn revocation(&self, mode: RevocationMode) {
        self.revocations.get_or_create(&[("outcome", outcome(mode))]).inc();
    }

    /// A token was pushed to a receiver.
    pub fn pushed(&self, receiver: &str, push: Push) {
        let outcome = match push {
            Push::Accepted => "accepted",
            Push::Retried => "retried",
            Push::Refused(code) => {
                self.dead_letter(ErrorCode::ReceiverRefused);
                code
            }
        };
        let labels = [("receiver", receiver.to_owned()), ("outcome", outcome.to_owned())];
        self.pushes.get_or_create(&labels).inc();
    }

    /// A token for a receiver could not be signed.
    pub fn set_unmade(&self, receiver: &str) {
        self.unmade.get_or_create(&[("receiver", receiver.to_owned())]).inc();
    }

    /// The oldest token that a receiver does not have yet is that many milliseconds old.
    pub fn push_lag(&self, receiver: &str, ms: i64) {
        let seconds = Duration::from_millis(ms.unsigned_abs()).as_secs_f64();
        self.push_lag.get_or_create(&[("receiver", receiver.to_owned())]).set(seconds);
    }

    /// A transaction was committed after this long, with so many bytes of state.
    pub fn committed(&self, taken: Duration, state_bytes: u64) {
        self.commits.record(taken);
        let [.., commit] = &self.stages;
        commit.record(taken);
        self.state_written.inc_by(state_bytes);
    }

    /// A transaction failed.
    pub fn commit_failed(&self, error: &BusError) {
        let reason = match error {
            BusError::Abortable(_) => "abortable",
            BusError::Doubtful(_) => "doubtful",
            BusError::Fenced(_) => "fenced",
            BusError::Unavailable(_) => "unavailable",
            BusError::OutOfRange { .. } | BusError::Refused(_) | BusError::Killed => "refused",
        };
        self.commit_failures.get_or_create(&[("reason", reason)]).inc();
    }

    /// A partition was restored within this time.
    pub fn restored(&self, taken: Duration) {
        self.restores.record(taken);
    }
}

fn outcomes(counts: &Counts) -> [(Labels<1>, u64); 4] {
    [
        ("scored", counts.scored),
        ("duplicate", counts.duplicate),
        ("skipped", counts.skipped),
        ("dead_lettered", counts.dead_lettered),
    ]
    .map(|(outcome, count)| ([("outcome", outcome)], count))
}

fn outcome(mode: RevocationMode) -> &'static str {
    match mode {
        RevocationMode::DryRun => "shadow",
        RevocationMode::Recommend | RevocationMode::Enforce => "requested",
    }
}

// === impl Metrics: registering and telling ===

impl Metrics {
    /// All at zero.
    pub fn new(facts: Facts) -> Self {
        let mut registry = Registry::with_prefix(PREFIX);
        let hop = || Latency::new(HOP_BUCKETS);
        let partitions = Arc::<Partitions>::default();
        registry.register_collector(Box::new(Arc::clone(&partitions)));
        let limit: Gauge<u64, AtomicU64> = Gauge::default();
        limit.set(facts.state_bytes_max);
        give(&mut registry, "state_limit_bytes", limit);
        give(&mut registry, "config_info", Info::new([("hash", facts.config_hash)]));
        give(&mut registry, "build_info", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
        let new = &mut registry;
        let stages: Family<Labels<1>, Latency> =
            add(new, "stage_duration_seconds", Family::default());
        let metrics = Self {
            signals: facts.signals,
            partitions,
            received: add(new, "events_received_total", Family::default()),
            processed: add(new, "events_processed_total", Family::default()),
            taken_in: add(new, "intake_activities_total", Family::default()),
            released: add(new, "held_activities_ended_total", Family::default()),
            skipped: add(new, "activities_skipped_total", Family::default()),
            registered: ["inventory_agents", "inventory_bytes"]
                .map(|name| add(new, name, Gauge::default())),
            late: add(new, "events_late_total", Counter::default()),
            entries_lost: add(new, "entries_lost_total", Counter::default()),
            invalid: add(new, "events_invalid_total", Family::default()),
            dead_letters: add(new, "dlq_events_total", Family::default()),
            broken: add(new, "dlq_breaker_lanes", Gauge::default()),
            unknown_fields: add(new, "unknown_fields_total", Counter::default()),
            hops: [
                "event_to_activity_seconds",
                "activity_to_finding_seconds",
                "event_to_finding_seconds",
                "finding_to_alert_seconds",
                "event_to_alert_seconds",
            ]
            .map(|name| add(new, name, hop())),
            // Found once: they are recorded with every activity.
            stages: ["decode", "observe", "respond", "commit"]
                .map(|stage| stages.get_or_create(&[("stage", stage)]).clone()),
            alerts: add(new, "alerts_total", Family::default()),
            alert_joins: add(new, "alert_joins_total", Counter::default()),
            kept: Kept::new(new),
            revocations: add(new, "revocations_total", Family::default()),
            pushes: add(new, "set_pushes_total", Family::default()),
            unmade: add(new, "sets_unmade_total", Family::default()),
            push_lag: add(new, "set_lag_seconds", Family::default()),
            updates_withheld: add(new, "alert_updates_withheld_total", Counter::default()),
            silenced: add(new, "silenced_events_total", Counter::default()),
            policy_errors: add(new, "policy_errors_total", Counter::default()),
            response_evicted: add(new, "response_evicted_total", Family::default()),
            coordination_lost: add(new, "coordination_lost_total", Family::default()),
            newcomers: add(new, "newcomers_total", Counter::default()),
            evicted: add(new, "agents_evicted_total", Family::default()),
            commits: add(new, "commit_duration_seconds", hop()),
            commit_failures: add(new, "commit_failures_total", Family::default()),
            state_written: add(new, "state_bytes_written_total", Counter::default()),
            restores: add(new, "restore_duration_seconds", hop()),
            registry,
        };
        metrics.show_zeros();
        metrics
    }

    /// A rate needs a zero to rise from, wherever the label's values are known before.
    fn show_zeros(&self) {
        self.processed(&Counts::default());
        self.taken_in(&Counts::default());
        for reason in ["abortable", "doubtful", "fenced", "unavailable", "refused"] {
            drop(self.commit_failures.get_or_create(&[("reason", reason)]));
        }
        for end in ["named", "skipped", "nobody", "late", "memory"] {
            drop(self.released.get_or_create(&[("outcome", end)]));
        }
        for outcome in ["requested", "shadow"] {
            drop(self.revocations.get_or_create(&[("outcome", outcome)]));
        }
        for ring in ["known", "young"] {
            drop(self.evicted.get_or_create(&[("ring", ring)]));
        }
    }

    /// All of them as Prometheus text.
    pub fn encode(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        prometheus_text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

/// Registers a metric of the table; the encoder adds the suffix and the full stop.
fn give(registry: &mut Registry, name: &str, metric: impl Metric) {
    let help = help(name);
    let stem = name.trim_end_matches("_total").trim_end_matches("_info");
    registry.register(stem, help.trim_end_matches('.'), metric);
}

/// Registers one and keeps it.
pub(super) fn add<M: Metric + Clone>(registry: &mut Registry, name: &str, metric: M) -> M {
    give(registry, name, metric.clone());
    metric
}
