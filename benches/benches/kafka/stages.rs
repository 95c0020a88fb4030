//! What is measured, one stage after the other on one broker, and the table that comes of it.
#![expect(clippy::disallowed_methods, reason = "a bench measures time")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use lane::read_all;
use tests::Family;
use tests::broker::Broker;
use tests::deployment::Deployment;

use crate::Size;
use crate::fleet::Fleet;
use crate::process::{cost, cpu, merely_consume, start};
use crate::watch::{Seen, id_now, now_us, quantile_ms, watch};

/// Seconds of the paced load that are not counted.
const WARM_UP: u64 = 10;
/// Seconds between two activities of an agent of the paced load.
const EACH_S: u64 = 2;
/// What those agents did before, at the pace of the load that follows: stretches two hours apart, so that load is usual.
const STRETCHES: u64 = 12;
const STRETCH_MS: u64 = 2 * 3_600_000;
const STRETCH_TURNS: u64 = 5;
/// One of so many paced activities is odd.
const ODD: u64 = 200;
/// How long lanes may take until each has its share.
const SHARED_OUT: Duration = Duration::from_secs(60);
/// Events of each agent that is restored: in hours of their own, so that it becomes a known one.
const EACH: usize = 6;
const CONFIG: &str = "[input]\nstart = \"earliest\"\naccept_create_time = true\n";
const MEMORY: &str = "[memory]\ncap = \"4GiB\"\n";
/// Every incident leads to a request, so that their time is known: the ladder's own are rare.
const REQUESTS: &str = r#"
[[policy]]
id = "any-incident"
when = "incident.count >= 1"
then = "shorten_token_lifetime"
"#;

/// Runs all stages and prints each as soon as it is known.
pub(crate) fn run(broker: &Broker, size: Size) {
    let fleet = Fleet::new();
    println!("| figure | seen |\n|---|---|");
    backlog(broker, &fleet, size);
    paced(broker, &fleet, size);
    restore(broker, &fleet, size);
}

fn deployment(broker: &Broker, name: &str, size: Size, config: &str) -> Deployment {
    let config = format!("{CONFIG}{MEMORY}{config}");
    let deployment = Deployment::new(name, broker.address(), size.partitions, &config).with_http();
    deployment.make_input_with_create_time();
    deployment.connected();
    deployment
}

fn row(figure: &str, seen: &str) {
    println!("| {figure} | {seen} |");
}

/// The cost of an event, beside that of consuming it.
fn backlog(broker: &Broker, fleet: &Fleet, size: Size) {
    let deployment = deployment(broker, "backlog", size, "");
    let fleets = fleet.fleets_for(size.events);
    let source = deployment.source();
    let begun_ms = now_us() / 1_000 - STRETCH_MS;
    for place in 0..size.events {
        let ms = begun_ms + place * 1_000 / size.pace;
        let event = fleet.event(place, fleets, format!("backlog-{place}"), signed(ms));
        source.send(&event.key, &event.value, Some(signed(ms)));
    }
    source.flush();
    let topic = deployment.topic("activity.v1");
    let consumed = merely_consume(broker.address(), &topic, size.events);
    let run = cost(|| drop(deployment.output(&["run", "--once"])));
    let events = size.events as f64;
    row(
        &format!(
            "backlog of {events} events of {} agents, {} partitions",
            fleets * agents(),
            size.partitions
        ),
        &format!(
            "`run --once` {:.1} µs of CPU an event, {:.0} events/s; merely consuming {:.2} µs, {:.0} events/s: ratio {:.1} of CPU, {:.1} of time",
            run.cpu / events * 1e6,
            events / run.wall,
            consumed.cpu / events * 1e6,
            events / consumed.wall,
            run.cpu / consumed.cpu,
            run.wall / consumed.wall,
        ),
    );
    written(broker, &deployment, size.events).print("the backlog");
}

/// Latencies as readers see them and as the binary tells them, of agents that do what they did before, but for some.
fn paced(broker: &Broker, fleet: &Fleet, size: Size) {
    let deployment = deployment(broker, "paced", size, REQUESTS);
    let n_agents = size.pace * EACH_S;
    let source = deployment.source();
    let stretch = n_agents * STRETCH_TURNS;
    let past_ms = now_us() / 1_000 - STRETCHES * STRETCH_MS;
    for place in 0..STRETCHES * stretch {
        let (of, within) = (place / stretch, place % stretch);
        let ms = signed(past_ms + of * STRETCH_MS + within * 1_000 / size.pace);
        let event = fleet.usual(within, n_agents, (format!("past-{place}"), ms), false);
        source.send(&event.key, &event.value, Some(ms));
    }
    source.flush();
    deployment.output(&["run", "--once"]);
    let before = written(broker, &deployment, 0);
    let (running, _) = start(&deployment, "paced.log");
    let stop = AtomicBool::new(false);
    let topics = (deployment.topic("findings.v1"), deployment.topic("shadow.v1"));
    let (pace, events) = (size.pace, size.seconds * size.pace);
    let from_us = now_us() + WARM_UP * 1_000_000;
    let (taken, seen) = thread::scope(|scope| {
        let readers = ["read_committed", "read_uncommitted"].map(|isolation| {
            let read = watch(broker.address(), isolation, (&topics.0, &topics.1), from_us, &stop);
            scope.spawn(read)
        });
        let source = deployment.source_that_lingers("2");
        let (before_cpu, since) = (cpu(&running), Instant::now());
        for place in 0..events {
            thread::sleep(
                Duration::from_micros(place * 1_000_000 / pace).saturating_sub(since.elapsed()),
            );
            let id = if place < WARM_UP * pace { format!("warm-{place}") } else { id_now() };
            let at = (id, signed(now_us() / 1_000));
            let event = fleet.usual(place, n_agents, at, place % ODD == ODD - 1);
            source.send(&event.key, &event.value, None);
        }
        source.flush();
        thread::sleep(Duration::from_secs(3));
        stop.store(true, Ordering::Relaxed);
        (cpu(&running) - before_cpu, readers.map(|reader| reader.join().expect("a reader")))
    });
    let metrics = running.metrics();
    running.end();
    let figure = format!("{pace} events/s of {n_agents} agents for {} s", size.seconds);
    row(&figure, &format!("{:.1} µs of CPU an event", taken / events as f64 * 1e6));
    for (isolation, seen) in ["read_committed", "read_uncommitted"].iter().zip(&seen) {
        row(&format!("seen at `{isolation}` after the event was sent"), &latencies(seen));
    }
    let told = |name: &str| told(&metrics[&format!("habitus_{name}_seconds")]);
    row(
        "told by `/metrics`, p50 and p99",
        &format!(
            "event to finding {}, event to alert {}, commit {}",
            told("event_to_finding"),
            told("event_to_alert"),
            told("commit_duration")
        ),
    );
    written(broker, &deployment, events).since(&before).print("the paced load");
}

fn latencies(seen: &Seen) -> String {
    let of = |name: &str, times: &BTreeMap<String, u64>| {
        if times.is_empty() {
            return format!("{name} none");
        }
        let [half, most, max] = [0.5, 0.99, 1.0].map(|quantile| quantile_ms(times, quantile));
        format!("{name} p50 {half:.1} ms, p99 {most:.1} ms, max {max:.1} ms ({} seen)", times.len())
    };
    let (finding, alert) = (of("finding", &seen.findings), of("alert", &seen.alerts));
    format!("{finding}; {alert}; {}", of("revocation request", &seen.requests))
}

/// The buckets in which a histogram's p50 and p99 lie.
fn told(family: &Family) -> String {
    let buckets = family.samples.iter().filter(|sample| sample.0.ends_with("_bucket"));
    let buckets: Vec<(&str, f64)> =
        buckets.map(|(_, labels, count)| (&*labels["le"], *count)).collect();
    let all = buckets.last().expect("a bucket").1;
    let of = |quantile: f64| {
        let at = buckets.iter().position(|bucket| bucket.1 >= quantile * all).expect("a bucket");
        let from = at.checked_sub(1).map_or("0", |before| buckets[before].0);
        format!("{from}..{} s", buckets[at].0)
    };
    format!("{} and {} ({all})", of(0.5), of(0.99))
}

/// From the start of the process until it is ready, with nothing to restore and with much.
fn restore(broker: &Broker, fleet: &Fleet, size: Size) {
    let deployment = deployment(broker, "restored", size, "");
    let (empty, nothing) = start(&deployment, "empty.log");
    empty.end();
    let source = deployment.source();
    for event in fleet.agents(size.agents, EACH, signed(now_us() / 1_000)) {
        source.send(&event.key, &event.value, None);
    }
    source.flush();
    deployment.output(&["run", "--once"]);
    let (running, start) = start(&deployment, "full.log");
    // The gauges are looked at once a second, and lanes that join one after the other still share out what there is.
    let since = Instant::now();
    let held = loop {
        thread::sleep(Duration::from_secs(2));
        let held: f64 =
            running.metrics()["habitus_agents"].samples.iter().map(|sample| sample.2).sum();
        if (held - size.agents as f64).abs() < 0.5 || since.elapsed() > SHARED_OUT {
            break held;
        }
    };
    running.end();
    let written = written(broker, &deployment, size.agents);
    assert!((held - size.agents as f64).abs() < 0.5, "{held} agents were restored");
    row(
        &format!("restore of {held} agents"),
        &format!(
            "ready after {:.1} s with {:.1} s of CPU (without state: {:.1} s, {:.1} s); read: {} records, {:.1} MB, {:.1} MB on disk",
            start.wall,
            start.cpu,
            nothing.wall,
            nothing.cpu,
            written.state.records,
            written.state.bytes as f64 / 1e6,
            written.state.disk as f64 / 1e6
        ),
    );
}

/// What a topic holds.
#[derive(Clone, Copy, Debug)]
struct Held {
    records: u64,
    bytes: u64,
    /// Bytes of its files: compressed, with the log's own.
    disk: u64,
}

/// What was saved for so many events.
struct Written {
    state: Held,
    cases: Held,
    events: u64,
}

fn written(broker: &Broker, deployment: &Deployment, events: u64) -> Written {
    let connected = deployment.connected();
    let held = |name: &str| {
        let topic = deployment.topic(name);
        let mut held = Held { records: 0, bytes: 0, disk: disk(&broker.data(), &topic) };
        for at in connected.setup.layout().partitions_of(&topic) {
            for record in read_all(&connected.kafka, &at).expect("a partition") {
                let bytes = [record.key, record.value].into_iter().flatten().map(|part| part.len());
                held.bytes += bytes.sum::<usize>() as u64;
                held.records += 1;
            }
        }
        held
    };
    Written { state: held("state.v1"), cases: held("cases.v1"), events }
}

/// Bytes of the segments of a topic.
fn disk(data: &Path, topic: &str) -> u64 {
    let folders = fs::read_dir(data).expect("a folder").flatten();
    let of_topic = folders.filter(|folder| {
        let name = folder.file_name().into_string().unwrap_or_default();
        name.rsplit_once('-').is_some_and(|(name, _)| name == topic)
    });
    let files =
        of_topic.flat_map(|folder| fs::read_dir(folder.path()).into_iter().flatten().flatten());
    let logs = files.filter(|file| file.path().extension().is_some_and(|ending| ending == "log"));
    logs.filter_map(|file| Some(file.metadata().ok()?.len())).sum()
}

impl Written {
    fn since(self, before: &Self) -> Self {
        let of = |now: Held, then: Held| Held {
            records: now.records - then.records,
            bytes: now.bytes - then.bytes,
            disk: now.disk - then.disk,
        };
        Self {
            state: of(self.state, before.state),
            cases: of(self.cases, before.cases),
            events: self.events,
        }
    }

    fn print(&self, what: &str) {
        for (name, held) in [("state", self.state), ("cases", self.cases)] {
            let each = |sum: u64| sum as f64 / self.events as f64;
            row(
                &format!("written to `habitus.{name}.v1` an event of {what}"),
                &format!(
                    "{:.0} bytes in {:.3} records; {:.0} bytes on disk, compressed and with the log's own",
                    each(held.bytes),
                    each(held.records),
                    each(held.disk)
                ),
            );
        }
    }
}

fn agents() -> u64 {
    scenario::agent_count() as u64
}

fn signed(ms: u64) -> i64 {
    i64::try_from(ms).expect("a time")
}
