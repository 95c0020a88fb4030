//! What Habitus says of itself: every metric of the table and no other, with its labels, over a real socket; and when
//! it calls itself ready.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use alerting::ocsf::Severity;
use alerting::{CoordinationCounts, Mode, RespondCounts};
use baseline::StoreCounts;
use bus::{BusError, TopicPartition};
use lane::Counts;
use proptest::prelude::*;
use schemas::reject::ErrorCode;
use schemas::revocation::RevocationMode;
use telemetry::{Facts, Guard, Hop, Metrics, Push, Readiness, Server, Shape, Stage, TABLE, serve};
use tests::{Family, binary, exposition};

fn metrics() -> Metrics {
    let config_hash = "sha256:0badcafe".to_owned();
    Metrics::new(Facts { config_hash, state_bytes_max: 1 << 30, signals: detector::signal_ids() })
}

fn counts(known: u64, young: u64, evicted: u64) -> StoreCounts {
    StoreCounts {
        known,
        young,
        bytes: known * 1_000,
        newcomers: known + young,
        known_evicted: evicted,
        young_evicted: 2 * evicted,
        ..StoreCounts::default()
    }
}

fn response(silenced: u64) -> RespondCounts {
    RespondCounts {
        cases: 9,
        open_alerts: 4,
        open_incidents: 3,
        requests: 5,
        requests_waiting: 2,
        requests_evicted: 3 * silenced,
        updates_withheld: 4 * silenced,
        silences: 1,
        silenced,
        policy_errors: 2 * silenced,
        coordination: CoordinationCounts { things: 7, cut: silenced, ..Default::default() },
        ..RespondCounts::default()
    }
}

/// Calls everything that lanes may call.
fn feed(metrics: &Metrics) {
    let at = TopicPartition::new("habitus.activity.v1", 3);
    metrics.received("habitus.activity.v1", 10);
    metrics.received("habitus.findings.v1", 1);
    metrics.processed(&Counts {
        records: 10,
        activities: 10,
        scored: 5,
        duplicate: 2,
        skipped: 1,
        dead_lettered: 2,
        ..Counts::default()
    });
    metrics.taken_in(&Counts {
        records: 2,
        activities: 9,
        scored: 7,
        duplicate: 0,
        skipped: 1,
        dead_lettered: 1,
        held: 3,
        released: 3,
        ..Counts::default()
    });
    for _ in 0..2 {
        let sums = telemetry::sums([6, 5, 4, 3, 2, 1], 7, 1_250_000);
        metrics.kept(&Counts { sums, ..Counts::default() });
    }
    metrics.held(&at, 5);
    metrics.released("named");
    metrics.skipped("identity_human");
    metrics.registered(12, 9_000);
    metrics.late(1);
    metrics.entries_lost(5);
    metrics.invalid(ErrorCode::InvalidJson);
    metrics.invalid(ErrorCode::TimeOutOfRange);
    metrics.dead_letter(ErrorCode::Miskeyed);
    metrics.unknown_fields(4);
    metrics.progress(&at, 7, 1_767_571_200_000);
    metrics.store(&at, counts(2, 3, 0));
    let findings = TopicPartition::new("habitus.findings.v1", 0);
    metrics.respond(&findings, response(1));
    metrics.respond(&findings, response(3));
    // Another owner restores it: what it holds is the same, what it did counts anew.
    metrics.release(&findings);
    metrics.respond(&findings, response(2));
    metrics.set_unmade("idp");
    for hop in [
        Hop::EventToActivity,
        Hop::ActivityToFinding,
        Hop::EventToFinding,
        Hop::FindingToAlert,
        Hop::EventToAlert,
    ] {
        metrics.hop(hop, Duration::from_millis(7));
    }
    for stage in [Stage::Decode, Stage::Observe, Stage::Respond] {
        metrics.stage(stage, Duration::from_micros(12));
    }
    metrics.alert("rate", Severity::High, Mode::Shadow, true);
    metrics.alert_join();
    metrics.revocation(RevocationMode::DryRun);
    for push in [Push::Accepted, Push::Retried, Push::Refused("invalid_key")] {
        metrics.pushed("idp", push);
    }
    metrics.push_lag("idp", 1_500);
    metrics.committed(Duration::from_millis(9), 4_096);
    metrics.commit_failed(&BusError::Doubtful("late".to_owned()));
    metrics.restored(Duration::from_secs(2));
    metrics.breaker(1);
}

fn encoded(metrics: &Metrics) -> BTreeMap<String, Family> {
    exposition(&metrics.encode().expect("text"))
}

#[test]
fn every_metric_of_the_table_is_exposed_with_its_shape_and_labels_and_no_other() {
    let metrics = metrics();
    let names = |families: &BTreeMap<String, Family>| -> BTreeSet<String> {
        families.keys().cloned().collect()
    };
    let fresh = names(&encoded(&metrics));
    feed(&metrics);
    let families = encoded(&metrics);
    let table: BTreeSet<String> =
        TABLE.iter().map(|spec| format!("habitus_{}", spec.name)).collect();
    assert_eq!(names(&families), table);
    assert!(fresh.is_subset(&table));
    for spec in TABLE {
        let name = format!("habitus_{}", spec.name);
        let family = &families[&name];
        let (shape, own): (&str, &[&str]) = match spec.shape {
            Shape::Counter => ("counter", &[]),
            Shape::Gauge | Shape::Info => ("gauge", &[]),
            Shape::Histogram(_) => ("histogram", &["le"]),
        };
        assert_eq!(family.shape, shape, "{name}");
        assert_eq!(family.help, format!("{}.", spec.help), "{name}");
        assert!(!family.samples.is_empty(), "{name} is fed by nothing");
        assert_eq!(name.ends_with("_total"), spec.shape == Shape::Counter, "{name}");
        for (sample, labels, _) in &family.samples {
            let expected =
                spec.labels.iter().chain(own.iter().filter(|_| sample.ends_with("_bucket")));
            let expected: BTreeSet<&str> = expected.copied().collect();
            let found: BTreeSet<&str> = labels.keys().map(String::as_str).collect();
            assert_eq!(found, expected, "{sample}");
        }
        assert!(telemetry::reference().contains(&format!("| `{name}` |")), "{name}");
    }
}

#[test]
fn values_are_those_that_were_recorded() {
    let metrics = metrics();
    feed(&metrics);
    let families = encoded(&metrics);
    let value = |name: &str, labels: &[(&str, &str)]| families[name].value(labels);
    // The labels are the bounds that the detector counts by.
    let bounds = detector::P_AT_MOST.map(|p| p.to_string());
    let hours = "habitus_actor_hours_total";
    assert!(bounds.iter().all(|p| value(hours, &[("p_at_most", p)]).is_some()), "{bounds:?}");
    assert_eq!(families[hours].samples.len(), bounds.len());
    let topic = [("topic", "habitus.activity.v1"), ("partition", "3")];
    let alert =
        [("signal", "rate"), ("severity", "high"), ("mode", "shadow"), ("maturity", "learning")];
    for (name, labels, expected) in [
        ("habitus_consumer_lag_records", &topic[..], 7.0),
        ("habitus_events_received_total", &topic[..1], 10.0),
        ("habitus_events_processed_total", &[("outcome", "scored")], 5.0),
        // What intake skips or refuses is processed with it; what it hands on is not, until observe reads it.
        ("habitus_events_processed_total", &[("outcome", "dead_lettered")], 3.0),
        ("habitus_intake_activities_total", &[("outcome", "rekeyed")], 7.0),
        ("habitus_intake_activities_total", &[("outcome", "skipped")], 1.0),
        ("habitus_activities_skipped_total", &[("rule", "identity_human")], 1.0),
        ("habitus_inventory_agents", &[], 12.0),
        ("habitus_inventory_bytes", &[], 9_000.0),
        ("habitus_events_late_total", &[], 1.0),
        ("habitus_entries_lost_total", &[], 5.0),
        ("habitus_events_invalid_total", &[("reason", "invalid_json")], 1.0),
        ("habitus_dlq_events_total", &[("reason", "miskeyed")], 1.0),
        ("habitus_dlq_breaker_lanes", &[], 1.0),
        ("habitus_unknown_fields_total", &[], 4.0),
        ("habitus_watermark_seconds", &[], 1_767_571_200.0),
        ("habitus_alerts_total", &alert, 1.0),
        ("habitus_alert_joins_total", &[], 1.0),
        ("habitus_actor_hours_total", &[("p_at_most", "1")], 12.0),
        ("habitus_actor_hours_total", &[("p_at_most", "0.0001")], 2.0),
        ("habitus_actor_alerts_total", &[], 14.0),
        ("habitus_alerts_allowed_total", &[], 2.5),
        ("habitus_cases", &[], 9.0),
        ("habitus_open_alerts", &[], 4.0),
        ("habitus_open_incidents", &[], 3.0),
        ("habitus_requests", &[], 5.0),
        ("habitus_requests_waiting", &[], 2.0),
        ("habitus_silences", &[], 1.0),
        ("habitus_alert_updates_withheld_total", &[], 20.0),
        ("habitus_coordination_things", &[], 7.0),
        ("habitus_silenced_events_total", &[], 5.0),
        ("habitus_policy_errors_total", &[], 10.0),
        ("habitus_response_evicted_total", &[("kind", "request")], 15.0),
        ("habitus_response_evicted_total", &[("kind", "case")], 0.0),
        ("habitus_coordination_lost_total", &[("reason", "cut")], 5.0),
        ("habitus_coordination_lost_total", &[("reason", "late")], 0.0),
        ("habitus_sets_unmade_total", &[("receiver", "idp")], 1.0),
        ("habitus_agents", &[("ring", "young")], 3.0),
        ("habitus_newcomers_total", &[], 5.0),
        ("habitus_state_bytes", &[], 2_000.0),
        ("habitus_state_limit_bytes", &[], f64::from(1 << 30)),
        ("habitus_commit_failures_total", &[("reason", "doubtful")], 1.0),
        ("habitus_commit_failures_total", &[("reason", "fenced")], 0.0),
        ("habitus_state_bytes_written_total", &[], 4_096.0),
        ("habitus_revocations_total", &[("outcome", "shadow")], 1.0),
        ("habitus_revocations_total", &[("outcome", "requested")], 0.0),
        ("habitus_set_pushes_total", &[("receiver", "idp"), ("outcome", "invalid_key")], 1.0),
        ("habitus_dlq_events_total", &[("reason", "receiver_refused")], 1.0),
        ("habitus_set_lag_seconds", &[("receiver", "idp")], 1.5),
        ("habitus_config_info", &[("hash", "sha256:0badcafe")], 1.0),
        ("habitus_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1.0),
    ] {
        assert_eq!(value(name, labels), Some(expected), "{name} {labels:?}");
    }
}

#[test]
fn what_stands_in_the_commit_stage_is_what_a_commit_took() {
    let metrics = metrics();
    feed(&metrics);
    let families = encoded(&metrics);
    let stages = &families["habitus_stage_duration_seconds"];
    let commits = stages.samples.iter().filter(|(name, labels, count)| {
        name.ends_with("_count") && labels["stage"] == "commit" && *count > 0.5
    });
    assert_eq!(commits.count(), 1);
}

#[test]
fn a_signal_that_is_not_known_is_no_label() {
    let metrics = metrics();
    metrics.alert("agent-7\"} 1\nx", Severity::Low, Mode::Alert, false);
    let alerts = &encoded(&metrics)["habitus_alerts_total"];
    assert_eq!(alerts.samples[0].1["signal"], "other");
}

#[expect(clippy::disallowed_methods, reason = "lag is an age: it is told by the wall clock")]
fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64
}

#[test]
fn lag_is_that_of_the_partition_furthest_behind_and_a_released_one_is_forgotten() {
    let metrics = metrics();
    let now = now_ms();
    let at = |partition| TopicPartition::new("t", partition);
    let lag = || encoded(&metrics)["habitus_consumer_lag_seconds"].value(&[]).unwrap();
    assert_eq!(lag(), 0.0, "nothing is owned");
    metrics.progress(&at(0), 0, now - 900_000);
    assert_eq!(lag(), 0.0, "nothing waits, however old the newest record is");
    metrics.progress(&at(1), 1, now - 60_000);
    metrics.progress(&at(2), 1, now - 600_000);
    assert!((600.0..660.0).contains(&lag()), "{}", lag());
    metrics.progress(&at(3), 5, 0);
    assert!((600.0..660.0).contains(&lag()), "no log time is no age");
    metrics.release(&at(2));
    assert!((60.0..120.0).contains(&lag()), "{}", lag());
    let records = &encoded(&metrics)["habitus_consumer_lag_records"];
    assert_eq!(records.samples.len(), 3);
}

#[test]
fn evictions_add_up_over_stores_that_come_and_go() {
    let metrics = metrics();
    let at = |partition| TopicPartition::new("t", partition);
    let evicted = || encoded(&metrics)["habitus_agents_evicted_total"].value(&[("ring", "known")]);
    metrics.store(&at(0), counts(10, 0, 4));
    metrics.store(&at(1), counts(20, 0, 1));
    metrics.store(&at(0), counts(9, 0, 6));
    assert_eq!(evicted(), Some(7.0));
    metrics.release(&at(0));
    assert_eq!(evicted(), Some(7.0), "a counter never falls");
    metrics.store(&at(0), counts(0, 0, 1));
    assert_eq!(evicted(), Some(8.0), "a store that starts anew counts anew");
    let agents = &encoded(&metrics)["habitus_agents"];
    assert_eq!(agents.value(&[("ring", "known")]), Some(20.0));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn buckets_hold_what_was_recorded_to_a_thousandth(
        nanos in prop::collection::vec(prop_oneof![1..10_000_u64, 1..400_000_000_000_u64], 1..200)
    ) {
        let metrics = metrics();
        for value in &nanos {
            metrics.restored(Duration::from_nanos(*value));
        }
        let families = encoded(&metrics);
        let family = &families["habitus_restore_duration_seconds"];
        let below = |bound: f64| nanos.iter().filter(|v| **v as f64 / 1e9 <= bound).count() as f64;
        for (name, labels, count) in &family.samples {
            if name.ends_with("_bucket") {
                let bound: f64 = labels["le"].replace("+Inf", "inf").parse().unwrap();
                prop_assert!(below(bound * 0.999) <= *count && *count <= below(bound * 1.001));
            } else if name.ends_with("_sum") {
                let sum = nanos.iter().sum::<u64>() as f64 / 1e9;
                prop_assert!((count - sum).abs() <= sum * 1e-9);
            } else {
                prop_assert_eq!(*count as usize, nanos.len());
            }
        }
    }
}

#[test]
fn nothing_is_lost_between_threads_that_record_and_one_that_scrapes() {
    const THREADS: u32 = 4;
    const EACH: u32 = 2_000;
    let metrics = metrics();
    thread::scope(|scope| {
        for partition in 0..THREADS {
            let metrics = &metrics;
            scope.spawn(move || {
                let at = TopicPartition::new("t", partition);
                for number in 0..EACH {
                    metrics.received("t", 1);
                    metrics.stage(Stage::Observe, Duration::from_nanos(u64::from(number)));
                    metrics.store(&at, counts(1, 1, u64::from(number)));
                }
            });
        }
        for _ in 0..20 {
            encoded(&metrics);
        }
    });
    let families = encoded(&metrics);
    let all = f64::from(THREADS * EACH);
    assert_eq!(families["habitus_events_received_total"].value(&[("topic", "t")]), Some(all));
    let observed = families["habitus_stage_duration_seconds"].samples.iter();
    let observed = observed
        .filter(|(name, labels, _)| name.ends_with("_count") && labels["stage"] == "observe");
    assert_eq!(observed.map(|(_, _, count)| *count).sum::<f64>(), all);
    let evicted = &families["habitus_agents_evicted_total"];
    assert_eq!(evicted.value(&[("ring", "known")]), Some(f64::from(THREADS * (EACH - 1))));
}

fn server(readiness: &Arc<Readiness>) -> (Server, Arc<Metrics>) {
    let metrics = Arc::new(metrics());
    let listen: SocketAddr = "127.0.0.1:0".parse().unwrap();
    let server = serve(listen, Guard::default(), Arc::clone(&metrics), Arc::clone(readiness))
        .expect("serves");
    (server, metrics)
}

fn ask(address: SocketAddr, request: &str) -> (u16, String, String) {
    tests::ask(address, request).expect("an answer")
}

#[test]
fn a_scrape_over_a_socket_is_what_the_metrics_say() {
    let (server, metrics) = server(&Arc::new(Readiness::new(1)));
    assert_ne!(server.address().port(), 0);
    feed(&metrics);
    let (status, head, body) = ask(server.address(), "GET /metrics");
    assert_eq!(status, 200);
    assert!(head.contains("content-type: text/plain; version=0.0.4; charset=utf-8"), "{head}");
    let mut scraped = exposition(&body);
    let mut encoded = encoded(&metrics);
    for families in [&mut scraped, &mut encoded] {
        // The one that tells the time of looking.
        families.remove("habitus_consumer_lag_seconds").expect("a lag");
    }
    assert_eq!(scraped, encoded);
    assert_eq!(ask(server.address(), "GET /metrics/").0, 404);
    assert_eq!(ask(server.address(), "GET /").0, 404);
    assert_eq!(ask(server.address(), "POST /metrics").0, 405);
}

#[test]
fn it_is_ready_once_every_lane_polled_and_restored_and_until_it_drains() {
    let readiness = Arc::new(Readiness::new(2));
    let (server, _) = server(&readiness);
    let ready = |expected: u16, why: &str| {
        let (status, _, body) = ask(server.address(), "GET /readyz");
        assert_eq!(status, expected, "{body}");
        assert!(body.contains(why), "{why} in {body}");
        let alive = ask(server.address(), "GET /healthz");
        assert_eq!((alive.0, alive.2.as_str()), (200, "alive\n"));
    };
    ready(503, "connecting: lanes without an answer: 2");
    readiness.polled(0);
    ready(503, "connecting: lanes without an answer: 1");
    readiness.restoring(1, 3);
    readiness.polled(1);
    ready(503, "restoring: partitions left: 3");
    readiness.restoring(0, 1);
    readiness.restoring(1, 0);
    ready(503, "restoring: partitions left: 1");
    readiness.restoring(0, 0);
    ready(200, "ready");
    // A rebalance brings a partition that is not restored.
    readiness.restoring(1, 1);
    ready(503, "restoring");
    readiness.restoring(1, 0);
    ready(200, "ready");
    readiness.drain();
    ready(503, "draining");
    readiness.polled(0);
    readiness.restoring(0, 0);
    ready(503, "draining");
}

#[test]
fn the_binary_asks_the_running_process_whether_it_is_ready() {
    let readiness = Arc::new(Readiness::new(1));
    let (server, _) = server(&readiness);
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("health.toml");
    fs::write(&path, format!("http.listen = \"{}\"\n", server.address())).unwrap();
    let health = |path: &Path| {
        let output = Command::new(binary()).arg("health").arg("-c").arg(path).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    assert_eq!(health(&path), (Some(69), "connecting: lanes without an answer: 1\n".to_owned()));
    readiness.polled(0);
    assert_eq!(health(&path), (Some(0), "ready\n".to_owned()));
    let off = path.with_file_name("health-off.toml");
    fs::write(&off, "http.listen = \"off\"\n").unwrap();
    assert_eq!(health(&off), (Some(2), String::new()), "nobody can be asked");
    // Nothing listens on a port that was let go of.
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    fs::write(&off, format!("http.listen = \"{free}\"\n")).unwrap();
    assert_eq!(health(&off), (Some(69), String::new()));
}

#[test]
fn an_address_that_is_taken_is_an_error_and_a_dropped_server_lets_go_of_it() {
    let readiness = Arc::new(Readiness::new(0));
    let (first, metrics) = server(&readiness);
    let address = first.address();
    assert_eq!(ask(address, "GET /readyz").0, 200, "no lane is waited for");
    assert!(
        serve(address, Guard::default(), Arc::clone(&metrics), Arc::clone(&readiness)).is_err()
    );
    drop(first);
    let again = (0..100).find_map(|_| {
        thread::sleep(Duration::from_millis(20));
        serve(address, Guard::default(), Arc::clone(&metrics), Arc::clone(&readiness)).ok()
    });
    assert_eq!(again.expect("the address is free again").address(), address);
}
