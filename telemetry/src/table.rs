//! Every metric: its name, shape, labels and what it is for. What is registered takes its help from here, and the
//! reference is made of it. No label ever holds an agent, a user, a tool or an address.

use std::fmt::Write;

use super::latency::{HOP_BUCKETS, STAGE_BUCKETS};
use Shape::{Counter, Gauge, Histogram, Info};

/// What names of metrics begin with.
pub(super) const PREFIX: &str = "habitus";

/// The shape of a metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    /// Only rises while the process lives.
    Counter,
    /// Rises and falls.
    Gauge,
    /// A distribution, with the bounds of its buckets in seconds.
    Histogram(&'static [f64]),
    /// Always 1; its labels tell.
    Info,
}

/// One metric.
#[derive(Clone, Copy, Debug)]
pub struct Spec {
    /// Its name after the prefix.
    pub name: &'static str,
    /// Its shape.
    pub shape: Shape,
    /// Its labels.
    pub labels: &'static [&'static str],
    /// What it says, without a full stop.
    pub help: &'static str,
}

const fn spec(
    name: &'static str,
    shape: Shape,
    labels: &'static [&'static str],
    help: &'static str,
) -> Spec {
    Spec { name, shape, labels, help }
}

/// Every metric.
pub const TABLE: &[Spec] = &[
    spec(
        "consumer_lag_records",
        Gauge,
        &["topic", "partition"],
        "Records of an owned partition that are not read yet",
    ),
    spec(
        "consumer_lag_seconds",
        Gauge,
        &[],
        "Age of the newest applied record of the partition that is furthest behind; 0 where nothing waits",
    ),
    spec(
        "watermark_seconds",
        Gauge,
        &[],
        "Log time of the owned partition that is furthest back, in seconds since 1970; one that stands still shows a stuck partition",
    ),
    spec("events_received_total", Counter, &["topic"], "Records read"),
    spec(
        "events_processed_total",
        Counter,
        &["outcome"],
        "Activities by what became of them: scored, duplicate, skipped or dead_lettered; they add up to the activities read but those that wait",
    ),
    spec(
        "intake_activities_total",
        Counter,
        &["outcome"],
        "Activities that intake read, by what became of them: rekeyed, skipped or dead_lettered; those rekeyed are processed next",
    ),
    spec(
        "held_activities",
        Gauge,
        &[],
        "Activities that wait in intake for the span that names their agent",
    ),
    spec(
        "held_activities_ended_total",
        Counter,
        &["outcome"],
        "Activities whose waiting ended: named, or skipped with their agent's trace; without an agent as nobody above names one (nobody), their time was over (late) or there was no room (memory)",
    ),
    spec("inventory_agents", Gauge, &[], "Agents registered on the topic of the inventory"),
    spec(
        "inventory_bytes",
        Gauge,
        &[],
        "What they take in memory, about; at 250,000 agents or 128 MiB more are refused as too_large",
    ),
    spec(
        "activities_skipped_total",
        Counter,
        &["rule"],
        "Activities that are not scored, by the rule that says so",
    ),
    spec(
        "events_late_total",
        Counter,
        &[],
        "Activities more than 60 s behind their actor's newest: scored without the signals that keep windows",
    ),
    spec(
        "entries_lost_total",
        Counter,
        &[],
        "Offsets whose records were gone before they were read, passed over by `--accept-state-loss`",
    ),
    spec(
        "events_invalid_total",
        Counter,
        &["reason"],
        "Activities refused, by error code; schema drift shows here first",
    ),
    spec("dlq_events_total", Counter, &["reason"], "Dead letters written, by error code"),
    spec(
        "dlq_breaker_lanes",
        Gauge,
        &[],
        "Lanes that read nothing for a while because most of what they read went to the dead letters",
    ),
    spec(
        "unknown_fields_total",
        Counter,
        &[],
        "Fields that no field of ours reads; a new producer's show here",
    ),
    spec(
        "event_to_activity_seconds",
        Histogram(HOP_BUCKETS),
        &[],
        "From the timestamp of a source's record until its activities are committed under their agents' keys",
    ),
    spec(
        "activity_to_finding_seconds",
        Histogram(HOP_BUCKETS),
        &[],
        "From the timestamp of an activity's record under its agent's key until its finding is committed",
    ),
    spec(
        "event_to_finding_seconds",
        Histogram(HOP_BUCKETS),
        &[],
        "From the timestamp of an activity's record, at its source, until its finding is committed",
    ),
    spec(
        "finding_to_alert_seconds",
        Histogram(HOP_BUCKETS),
        &[],
        "From the timestamp of a finding's record until its alert is committed",
    ),
    spec(
        "event_to_alert_seconds",
        Histogram(HOP_BUCKETS),
        &[],
        "From the timestamp of an activity's record, at its source, until its alert is committed",
    ),
    spec(
        "stage_duration_seconds",
        Histogram(STAGE_BUCKETS),
        &["stage"],
        "Time a stage takes: decode a record, observe an activity, respond to a finding, commit a batch",
    ),
    spec(
        "alerts_total",
        Counter,
        &["signal", "severity", "mode", "maturity"],
        "Alerts opened, by leading signal; in shadow they count under that mode",
    ),
    spec(
        "actor_hours_total",
        Counter,
        &["p_at_most"],
        "Actor-hours by how rare the calibrator called them when they were judged; cumulative, 1 has all. What stays in a run of hours at a bound counts there once, as one alert would",
    ),
    spec("actor_alerts_total", Counter, &[], "Alerts opened about one actor each, once committed"),
    spec(
        "alerts_allowed_total",
        Counter,
        &[],
        "Alerts that `budget.alerts_per_actor_month` allows for the time from the first to the newest activity of each actor",
    ),
    spec(
        "alert_joins_total",
        Counter,
        &[],
        "Alerting events of actors that opened no alert of their own but joined that of another of their blueprint or of the flood they came with",
    ),
    spec("cases", Gauge, &[], "Actors with findings"),
    spec("open_alerts", Gauge, &[], "Alerts that are not closed, those about many agents included"),
    spec("open_incidents", Gauge, &[], "Incidents that are not closed"),
    spec(
        "requests",
        Gauge,
        &[],
        "Revocation requests kept: made or waiting, and 30 days after they are over",
    ),
    spec("requests_waiting", Gauge, &[], "Revocation requests that wait for a person"),
    spec(
        "alert_updates_withheld_total",
        Counter,
        &[],
        "Updates of open alerts that were not told again within `response.repeat_interval`",
    ),
    spec("silences", Gauge, &[], "Silences in force"),
    spec("silenced_events_total", Counter, &[], "Events that would have alerted, and were silent"),
    spec(
        "policy_errors_total",
        Counter,
        &[],
        "Policies passed over at a decision because their condition needed what was not known",
    ),
    spec(
        "response_evicted_total",
        Counter,
        &["kind"],
        "What left respond for lack of room: case, request, thing or link of a delegation",
    ),
    spec(
        "coordination_things",
        Gauge,
        &[],
        "Destinations, resources, delegators and tenants whose newcomers are counted",
    ),
    spec(
        "coordination_lost_total",
        Counter,
        &["reason"],
        "First meetings that coordination did not count: cut where a partition told of too many, late where it told too late",
    ),
    spec(
        "revocations_total",
        Counter,
        &["outcome"],
        "Revocation requests: requested, or shadow for dry runs",
    ),
    spec(
        "set_pushes_total",
        Counter,
        &["receiver", "outcome"],
        "Pushes of security event tokens: accepted, retried where the receiver did not take it now, else the reason of a refusal for good",
    ),
    spec(
        "sets_unmade_total",
        Counter,
        &["receiver"],
        "Security event tokens that were left out because they could not be signed",
    ),
    spec(
        "set_lag_seconds",
        Gauge,
        &["receiver"],
        "Age of the oldest security event token that a receiver does not have yet; 0 where none waits",
    ),
    spec("agents", Gauge, &["ring"], "Agents held: known, or young for newcomers in their ring"),
    spec(
        "newcomers_total",
        Counter,
        &[],
        "Agents met for the first time, or again after they left; a flood of invented ids shows here first",
    ),
    spec("agents_evicted_total", Counter, &["ring"], "Agents that left for lack of room"),
    spec("state_bytes", Gauge, &[], "Memory of all agents held, ids included"),
    spec("state_limit_bytes", Gauge, &[], "The cap on that memory, as set"),
    spec(
        "commit_duration_seconds",
        Histogram(HOP_BUCKETS),
        &[],
        "Time a transaction takes from its begin until its commit is known",
    ),
    spec(
        "commit_failures_total",
        Counter,
        &["reason"],
        "Transactions that failed: abortable ones are sent again, doubtful ones are looked up in the log, unavailable ones wait; fenced and refused ones end the process",
    ),
    spec("state_bytes_written_total", Counter, &[], "State written to the compacted topics"),
    spec(
        "restore_duration_seconds",
        Histogram(HOP_BUCKETS),
        &[],
        "Time it takes to restore a partition",
    ),
    spec(
        "config_info",
        Info,
        &["hash"],
        "Hash of the config in force; two within one group differ in what they judge",
    ),
    spec("build_info", Info, &["version"], "Version of the program"),
];

/// How to see whether calibration and budget hold.
const KEPT: &str = "
## Are calibration and budget kept?

Of a calibrated fleet the share of actor-hours with p at most x is x, wherever x is not finer than what was seen. A share well
above its label means that what is called rare is not: too many alerts. Well below: rare things are told late. Scores come in
steps, so 0.5 may lie below. The first days of a tenant count as judged then, by the shipped prior.

```promql
sum by (p_at_most) (increase(habitus_actor_hours_total[7d])) / on () group_left () sum(increase(habitus_actor_hours_total{p_at_most=\"1\"}[7d]))
```

Alerts over those that the budget allows: about 1 where it is kept, over all instances of a group. Real attacks count as well.

```promql
sum(increase(habitus_actor_alerts_total[30d])) / sum(increase(habitus_alerts_allowed_total[30d]))
```

All three count what was committed, once, wherever a partition is owned.
";

/// What a metric of this name says; empty where there is none.
pub(super) fn help(name: &str) -> String {
    let spec = TABLE.iter().find(|spec| spec.name == name);
    spec.map_or_else(String::new, |spec| format!("{}.", spec.help))
}

/// The reference of all metrics, in Markdown.
pub fn reference() -> String {
    let mut out = String::from(
        "# Metrics\n\n`GET /metrics` on `http.listen` gives them as Prometheus text. `GET /healthz` says whether the process lives, `GET\n/readyz` whether it can do its work now: each lane has heard from the broker, every partition it owns is restored, and no lane\nwaits because too much went to the dead letters.\nThis page is generated from the table that registers them.\n\n| metric | shape | labels | what it says |\n|---|---|---|---|\n",
    );
    for Spec { name, shape, labels, help } in TABLE {
        let shape = match shape {
            Counter => "counter",
            Gauge => "gauge",
            Histogram(_) => "histogram",
            Info => "info",
        };
        let labels: Vec<String> = labels.iter().map(|label| format!("`{label}`")).collect();
        let labels = labels.join(", ");
        let _infallible = writeln!(out, "| `{PREFIX}_{name}` | {shape} | {labels} | {help}. |");
    }
    out.push_str(KEPT);
    let bounds =
        |buckets: &[f64]| buckets.iter().map(f64::to_string).collect::<Vec<_>>().join(", ");
    let _infallible = writeln!(
        out,
        "\nNo label holds an agent, a user, a tool or an address. Buckets in seconds, of `stage_duration_seconds`: {};\nof every other histogram: {}. All are recorded in HDR histograms of three significant digits.",
        bounds(STAGE_BUCKETS),
        bounds(HOP_BUCKETS),
    );
    out
}
