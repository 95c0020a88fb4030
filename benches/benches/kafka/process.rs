//! Processes that are measured: their CPU time, and the one that merely consumes.
#![expect(clippy::disallowed_methods, reason = "a bench measures time")]

use std::env;
use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use tests::deployment::Deployment;
use tests::running::Running;

/// The word that makes this program consume.
pub(crate) const CONSUME: &str = "consume";
/// Ticks of Linux in a second, as `/proc` counts.
const TICKS: f64 = 100.0;
const PATIENCE: Duration = Duration::from_secs(300);

/// What a process took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    /// Seconds of CPU time, of all threads, in user and in kernel mode.
    pub(crate) cpu: f64,
    /// Seconds from start to end.
    pub(crate) wall: f64,
}

/// Runs what waits for one child process, and says what that took.
pub(crate) fn cost(run: impl FnOnce()) -> Cost {
    let (before, since) = (ticks("self", 15), Instant::now());
    run();
    Cost { cpu: (ticks("self", 15) - before) / TICKS, wall: since.elapsed().as_secs_f64() }
}

/// The sum of two neighbours in `/proc/PID/stat`: 13 is the process itself, 15 the children that it waited for.
fn ticks(process: &str, field: usize) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).expect("a Linux system");
    let (_, rest) = stat.rsplit_once(')').expect("a name");
    let fields = rest.split_whitespace().skip(field - 2).take(2);
    fields.map(|ticks| ticks.parse::<f64>().expect("ticks")).sum()
}

/// Consumes a topic from its start in a process of its own, with the client's settings of Habitus.
pub(crate) fn merely_consume(address: &str, topic: &str, count: u64) -> Cost {
    cost(|| {
        let mut command = Command::new(env::current_exe().expect("a bench runs from a file"));
        let status = command.args([CONSUME, address, topic, &count.to_string()]).status();
        assert!(status.expect("it starts").success(), "merely consuming failed");
    })
}

/// What that process does.
pub(crate) fn consume(address: &str, topic: &str, count: u64) {
    let mut config = ClientConfig::new();
    for (name, value) in [
        ("bootstrap.servers", address),
        ("group.id", &*format!("{topic}-consume")),
        ("auto.offset.reset", "earliest"),
        ("isolation.level", "read_committed"),
        ("enable.auto.commit", "false"),
        ("partition.assignment.strategy", "cooperative-sticky"),
        ("fetch.queue.backoff.ms", "2"),
        ("queued.min.messages", "10000"),
        ("queued.max.messages.kbytes", "32768"),
        ("fetch.wait.max.ms", "50"),
        ("check.crcs", "true"),
    ] {
        config.set(name, value);
    }
    let consumer: BaseConsumer = config.create().expect("a consumer");
    consumer.subscribe(&[topic]).expect("a topic");
    let (mut seen, since) = (0, Instant::now());
    while seen < count {
        assert!(since.elapsed() < PATIENCE, "{seen} of {count} records came");
        if let Some(message) = consumer.poll(Duration::from_millis(100)) {
            message.expect("a record");
            seen += 1;
        }
    }
}

/// Starts `run` and waits until it is ready; says what it took until then.
pub(crate) fn start(deployment: &Deployment, log: &str) -> (Running, Cost) {
    let since = Instant::now();
    let running = Running::start(deployment, log);
    running.await_ready();
    let start = Cost { cpu: cpu(&running), wall: since.elapsed().as_secs_f64() };
    (running, start)
}

/// CPU seconds since the start of a process that runs.
pub(crate) fn cpu(running: &Running) -> f64 {
    ticks(&running.pid().to_string(), 13) / TICKS
}
