//! Habitus on a genuine broker, as a user deploys it: a config file, topics of its own, the real binary. Reads back
//! what it wrote, and audits it against a run of the folds over the log as written.

#![expect(clippy::disallowed_methods, reason = "a test of a broker waits in real time")]

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use bus::{Bus, Cleanup, Record, TopicPartition, TopicSpec};
use detector::Inventory;
use lane::{Audit, Reference, audit, read_all};
use rdkafka::ClientConfig;
use rdkafka::admin::AdminOptions;
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use serde_json::Value;
use stream::{Connected, Lists, Switches, connect, snapshots};

use crate::binary;
use crate::kafka::{admin, answered, delete_before};

/// Longest time until a broker has a record, whatever happens to it meanwhile.
const WRITTEN_MAX: Duration = Duration::from_secs(240);
/// Longest run of a verb.
const RUN_MAX: Duration = Duration::from_secs(600);
/// The file of registered agents.
const INVENTORY: &str = "inventory.ndjson";

/// A deployment with topics of its own.
pub struct Deployment {
    address: String,
    prefix: String,
    partitions: u32,
    folder: PathBuf,
}

impl Deployment {
    /// Writes the config of a deployment; `more` is TOML that stands after the defaults of tests.
    pub fn new(name: &str, address: &str, partitions: u32, more: &str) -> Self {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let unique = since.expect("a clock after 1970").as_nanos();
        let prefix = format!("{name}-{}-{unique}.", std::process::id());
        let folder = std::env::temp_dir().join(format!("habitus-{prefix}"));
        fs::create_dir_all(&folder).expect("a folder");
        let config = format!(
            "version = 1\n[kafka]\nbrokers = \"{address}\"\ngroup = \"{prefix}group\"\nprefix = \"{prefix}\"\n\
             partitions = {partitions}\nfindings_partitions = 2\n[http]\nlisten = \"off\"\n\
             [output]\nshadow = true\n{more}\n"
        );
        fs::write(folder.join("habitus.toml"), config).expect("a config file");
        Self { address: address.to_owned(), prefix, partitions, folder }
    }

    /// Serves metrics and health on a port of its own: `http` tells which.
    pub fn with_http(self) -> Self {
        let text = fs::read_to_string(self.config_path()).expect("a config file");
        let text = text.replace("listen = \"off\"", "listen = \"127.0.0.1:0\"");
        fs::write(self.config_path(), text).expect("a config file");
        self
    }

    /// Registers agents: the lines of an inventory.
    pub fn with_inventory(self, lines: &str) -> Self {
        fs::write(self.folder.join(INVENTORY), lines).expect("an inventory");
        let text = fs::read_to_string(self.config_path()).expect("a config file");
        let text = format!("{text}[inventory]\npath = \"{INVENTORY}\"\n");
        fs::write(self.config_path(), text).expect("a config file");
        self
    }

    /// What is read from files beside the config.
    fn lists(&self) -> Lists {
        let lines = fs::read_to_string(self.folder.join(INVENTORY)).unwrap_or_default();
        let inventory = match lines.is_empty() {
            true => Inventory::default(),
            false => config::read_inventory(&lines).expect("an inventory"),
        };
        Lists { inventory: Arc::new(inventory), ..Lists::default() }
    }

    /// Where `run` says in its log that it serves, once it does.
    pub fn http(&self, log: &str) -> Option<SocketAddr> {
        let log = self.log(log);
        let (_, rest) = log.split_once("http://")?;
        let (address, _) = rest.split_once(|c: char| c.is_whitespace() || c == '"')?;
        address.parse().ok()
    }

    /// Its config file.
    pub fn config_path(&self) -> PathBuf {
        self.folder.join("habitus.toml")
    }

    /// The full name of a topic.
    pub fn topic(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// The log and what folds are made with; topics are made where they are missing.
    pub fn connected(&self) -> Connected {
        let text = fs::read_to_string(self.config_path()).expect("a config file");
        let (config, problems) = config::parse(&text);
        let config = config.unwrap_or_else(|| panic!("{problems:?}")).beside(&self.folder);
        let stop = AtomicBool::new(false);
        let (signing, authors) = stream::secrets(&config, &self.folder).expect("secrets");
        let lists = Lists { signing: signing.into(), authors: authors.into(), ..self.lists() };
        let connected = connect(&config, true, &stop, None, lists).expect("a broker");
        connected.expect("nobody stops it")
    }

    /// Makes the input with the producers' own timestamps, before anything else does.
    pub fn make_input_with_create_time(&self) {
        let kafka = bus::kafka::Kafka::new(bus::kafka::KafkaSettings {
            brokers: self.address.clone(),
            client: Vec::new(),
            instance: "test".to_owned(),
        })
        .expect("settings that stand");
        let spec = TopicSpec {
            name: self.topic("activity.v1"),
            partitions: self.partitions,
            replicas: 1,
            cleanup: Cleanup::Delete(u64::from(u32::MAX) * 1_000),
            settings: [("message.timestamp.type", "CreateTime"), ("max.message.bytes", "4194304")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .to_vec(),
        };
        let (mut admin, since) = (kafka.admin().expect("an admin"), Instant::now());
        // A broker that just came up may take its time to lead what is made.
        while let Err(error) = admin.create(&spec) {
            assert!(since.elapsed() < WRITTEN_MAX, "no topic: {error}");
            thread::sleep(Duration::from_secs(1));
        }
    }

    /// Deletes the offsets of the group, which must have no member.
    pub fn delete_offsets(&self) {
        let group = format!("{}group", self.prefix);
        let deleted = answered(admin(&self.address).delete_groups(&[&group], &AdminOptions::new()));
        assert!(deleted.expect("an answer").iter().all(Result::is_ok), "the group is deleted");
    }

    /// Lets each partition of the input begin at such an offset, as retention does.
    pub fn delete_entries_before(&self, starts: &[u64]) {
        let topic = self.topic("activity.v1");
        let starts: Vec<_> =
            (0..).map(|n| TopicPartition::new(&*topic, n)).zip(starts.to_vec()).collect();
        delete_before(&self.address, &starts);
    }

    /// A producer of input records.
    pub fn source(&self) -> Source {
        self.source_that_lingers("5")
    }

    /// A producer of input records that waits that many milliseconds for more of them.
    pub fn source_that_lingers(&self, linger_ms: &str) -> Source {
        let producer = ClientConfig::new()
            .set("bootstrap.servers", &self.address)
            .set("linger.ms", linger_ms)
            .set("message.timeout.ms", WRITTEN_MAX.as_millis().to_string())
            .set("enable.idempotence", "true")
            .set("message.max.bytes", "4194304")
            .create()
            .expect("a producer");
        Source { producer, topic: self.topic("activity.v1"), partitions: self.partitions }
    }

    /// The command that runs a verb with this config.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command.args(arguments).arg("-c").arg(self.config_path());
        command.env_remove("HABITUS_CONFIG").env_remove("RUST_LOG").env("NO_COLOR", "1");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs a verb to its end; panics where it fails.
    pub fn output(&self, arguments: &[&str]) -> Output {
        let output = finished(self.command(arguments));
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?} ended with {}: {stderr}", output.status);
        output
    }

    /// Starts `run`, its log in a file of the folder.
    pub fn spawn(&self, log: &str) -> Child {
        let file = || {
            fs::File::options()
                .create(true)
                .append(true)
                .open(self.folder.join(log))
                .expect("a log")
        };
        let mut command = self.command(&["run"]);
        command.stdout(file()).stderr(file());
        command.spawn().expect("the binary starts")
    }

    /// Starts `run` as one of several processes of the group, its log in a file of its name.
    pub fn spawn_as(&self, instance: &str) -> Child {
        let config = self.folder.join(format!("{instance}.toml"));
        let text = fs::read_to_string(self.config_path()).expect("a config file");
        let own = format!("{text}\n[engine]\ninstance = \"{instance}\"\nlanes = 1\n");
        fs::write(&config, own).expect("a config file");
        let log = || {
            let path = self.folder.join(format!("{instance}.log"));
            fs::File::options().create(true).append(true).open(path).expect("a log")
        };
        let mut command = Command::new(binary());
        command.args(["run", "-c"]).arg(config).env_remove("RUST_LOG").env("NO_COLOR", "1");
        command.stdin(Stdio::null()).stdout(log()).stderr(log());
        command.spawn().expect("the binary starts")
    }

    /// Sends events at a pace with times of now, until told to stop; gives how many.
    pub fn load(&self, events: &[u8], per_second: u64, stop: &AtomicBool) -> u64 {
        let (source, lines) = (self.source(), crate::lines_of(events));
        let since = Instant::now();
        let mut sent = 0;
        while !stop.load(std::sync::atomic::Ordering::Relaxed) {
            let line = lines[usize::try_from(sent).expect("a place") % lines.len()];
            let mut event: Value = serde_json::from_slice(line).expect("a JSON line");
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
            let now_ms = i64::try_from(now.expect("a clock").as_millis()).expect("a time");
            let now = schemas::EventTime::from_millis(now_ms).expect("a time");
            (event["time"], event["id"]) = (now.rfc3339().into(), format!("load-{sent}").into());
            source.send(&key_of(&event), &serde_json::to_vec(&event).expect("JSON"), None);
            sent += 1;
            let due = Duration::from_micros(sent * 1_000_000 / per_second);
            thread::sleep(due.saturating_sub(since.elapsed()));
        }
        source.flush();
        sent
    }

    /// What `run` wrote to its log.
    pub fn log(&self, log: &str) -> String {
        fs::read_to_string(self.folder.join(log)).unwrap_or_default()
    }

    /// Every committed record of a topic.
    pub fn read(&self, connected: &Connected, name: &str) -> Vec<Record> {
        let partitions = connected.setup.layout().partitions_of(&self.topic(name));
        partitions.flat_map(|at| read_all(&connected.kafka, &at).expect("a partition")).collect()
    }

    /// Compares everything in the log with a run of the folds over it.
    pub fn audit(&self) -> Audit {
        let connected = self.connected();
        let setup = &connected.setup;
        let snapshots = snapshots(&connected.kafka, setup).expect("the control topic");
        let others = setup.names().from_outside();
        let reference = Reference {
            layout: setup.layout(),
            make: &|at| setup.make(at),
            switches: &|in_force| -> Switches {
                let switches = snapshots.get(&in_force.control_offset);
                switches
                    .cloned()
                    .unwrap_or_else(|| panic!("no snapshot {}", in_force.control_offset))
            },
            compares: &|topic| !others.iter().any(|other| &**other == topic),
        };
        audit(&connected.kafka, &reference).expect("the log can be read")
    }

    /// Waits until the group has consumed everything, or panics with the log of `run`.
    pub fn await_consumed(&self, log: &str, patience: Duration) {
        let connected = self.connected();
        let since = Instant::now();
        loop {
            let audit = self.audit_positions(&connected);
            if audit {
                return;
            }
            assert!(since.elapsed() < patience, "not consumed in {patience:?}: {}", self.log(log));
            thread::sleep(Duration::from_millis(300));
        }
    }

    /// Whether the progress of every partition reaches its last record.
    fn audit_positions(&self, connected: &Connected) -> bool {
        let layout = connected.setup.layout();
        layout.all_inputs().all(|at| {
            let state = layout.state_of(&at).expect("an input has state");
            let records = read_all(&connected.kafka, &at).expect("a partition");
            let last = records.last().map(|record| record.offset + 1);
            let progress = read_all(&connected.kafka, &state).expect("a state partition");
            let progress =
                progress.iter().rev().find(|r| r.key.as_deref() == Some(lane::PROGRESS_KEY));
            let to = progress
                .and_then(|r| lane::Progress::decode(r.value.as_deref()?).ok())
                .map(|p| p.to);
            last.is_none() || last <= to
        })
    }
}

/// Runs a command to its end. One that does not come to it is killed, and what it said is shown: who runs the tests would
/// only see that they stand still.
pub fn finished(mut command: Command) -> Output {
    let child =
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary starts");
    let (pid, (ended, end)) = (child.id().to_string(), mpsc::channel());
    thread::spawn(move || ended.send(child.wait_with_output()));
    let output = end.recv_timeout(RUN_MAX).unwrap_or_else(|_| {
        Command::new("kill").args(["-9", &pid]).status().expect("kill");
        let output = end.recv().expect("an end").expect("its output");
        panic!("{command:?} did not end: {}", String::from_utf8_lossy(&output.stderr))
    });
    output.expect("its output")
}

impl Drop for Deployment {
    fn drop(&mut self) {
        if !thread::panicking() {
            let _gone = fs::remove_dir_all(&self.folder);
        }
    }
}

/// Writes input records.
pub struct Source {
    producer: BaseProducer,
    topic: String,
    partitions: u32,
}

impl Source {
    /// Sends a record under a key, waiting where the buffer is full.
    pub fn send(&self, key: &str, value: &[u8], timestamp_ms: Option<i64>) {
        let partition = bus::partition(key.as_bytes(), self.partitions);
        let mut record = BaseRecord::to(&self.topic).key(key).payload(value);
        record = record.partition(i32::try_from(partition).expect("a partition"));
        if let Some(timestamp_ms) = timestamp_ms {
            record = record.timestamp(timestamp_ms);
        }
        while let Err((error, back)) = self.producer.send(record) {
            let code = error.rdkafka_error_code();
            assert_eq!(code, Some(RDKafkaErrorCode::QueueFull), "{error}");
            record = back;
            self.producer.poll(Duration::from_millis(10));
        }
    }

    /// Sends an event under its agent's key; with `own_time`, at its own time.
    pub fn send_event(&self, line: &[u8], own_time: bool) {
        let event: Value = serde_json::from_slice(line).expect("a JSON line");
        let timestamp = own_time.then(|| {
            let time = event["time"].as_str().expect("a time");
            schemas::EventTime::parse(time).expect("a time").millis()
        });
        self.send(&key_of(&event), line, timestamp);
    }

    /// Waits until everything is written.
    pub fn flush(&self) {
        self.producer.flush(WRITTEN_MAX).expect("the broker takes every record");
    }
}

/// The key of an event: `<tenant>|<agent.id>`.
pub fn key_of(event: &Value) -> String {
    let tenant = event["tenant_id"].as_str().unwrap_or("default");
    format!("{tenant}|{}", event["agent"]["id"].as_str().unwrap_or_default())
}
