//! The response of `habitus run` on a genuine broker: an event becomes an alert, a request, an acknowledgement and a closed
//! alert; people approve, deny and expect by command; everything is told to the audit.
#![expect(clippy::disallowed_methods, reason = "a test of a broker waits in real time")]

use std::collections::BTreeSet;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use alerting::{SIGNATURE_HEADER, Secret};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Header, Message, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use schemas::EventTime;
use schemas::header::{DeadLetterHeaders, EventHeaders, RecordKind};
use schemas::reject::ErrorCode;
use serde_json::{Value, json};
use stream::Connected;
use tests::broker::Broker;
use tests::deployment::Deployment;
use tests::running::Running;

const PATIENCE: Duration = Duration::from_secs(120);
const MINUTE_MS: i64 = 60_000;
/// Calm events of each agent, ten minutes apart.
const QUIET: i64 = 400;
const STAGES: usize = 6;
/// Agents, and for whom each acts. The first two act for one person.
const AGENTS: [(&str, &str); 4] =
    [("payer", "alice"), ("clerk", "alice"), ("teller", "bob"), ("reporter", "carl")];
const SECRETS: [(&str, &str); 2] = [
    ("gateway", "0123456789abcdef0123456789abcdef"),
    ("carol", "fedcba9876543210fedcba9876543210"),
];
/// One agent is cut off at once, two wait for a person; the ladder decides about the last.
const CONFIG: &str = r#"
[input]
start = "earliest"
accept_create_time = true

[budget]
alerts_per_actor_month = 5
revocations_per_actor_month = 1

[[policy]]
id = "two-accusers"
version = "7"
blueprint = ["payer"]
when = "incident.two_keys"
then = "revoke_sessions"

[[policy]]
id = "ask-first"
blueprint = ["clerk", "teller"]
when = "incident.two_keys"
then = "revoke_credentials"
mode = "alert"

[[author]]
name = "gateway"
secret_file = "gateway.key"
rights = ["acknowledge"]

[[author]]
name = "carol"
secret_file = "carol.key"
rights = ["approve", "verdict"]
"#;

fn secret(name: &str) -> Secret {
    let (_, text) = SECRETS.iter().find(|(known, _)| *known == name).expect("an author");
    Secret::read(text).expect("a secret").remove(0)
}

fn deployment(name: &str, address: &str) -> Deployment {
    let deployment = Deployment::new(name, address, 2, CONFIG).with_http();
    let path = deployment.config_path();
    let text = fs::read_to_string(&path).expect("a config file");
    let text = text.replacen("version = 1", "version = 1\nmode = \"enforce\"", 1);
    fs::write(&path, text).expect("a config file");
    for (name, secret) in SECRETS {
        fs::write(path.with_file_name(format!("{name}.key")), secret).expect("a secret");
    }
    deployment
}

/// What an agent usually does.
fn event(agent: &str, id: &str, time_ms: i64) -> Value {
    let (_, root) = AGENTS.iter().find(|(known, _)| *known == agent).expect("an agent");
    json!({
        "schema": "agent.activity/1", "id": id, "tenant_id": "acme",
        "time": EventTime::from_millis(time_ms).expect("a time").rfc3339(),
        "agent": {"id": agent, "blueprint": agent},
        "delegation": {"mode": "delegated", "purpose": "books", "subject": {"id": root}, "chain": [{"id": root}, {"id": agent}]},
        "session": {"id": format!("{agent}-{}", time_ms / (200 * MINUTE_MS))},
        "action": {"type": "data_read", "operation": "read", "tool": {"name": "ledger"}},
        "resource": {"id": "invoices/1", "type": "object", "classification": "internal"},
        "destination": {"host": "erp.acme.example", "port": 443},
        "source": {"ip": "10.20.30.40", "asn": 64_512, "geo": {"country": "DE"}},
        "outcome": {"result": "success"},
        "usage": {"bytes_out": 2_000 + time_ms / MINUTE_MS % 7 * 100, "bytes_in": 500},
    })
}

/// What the families place and data accuse at once: the payroll leaves for a stranger, by Tor.
fn theft(agent: &str, time_ms: i64) -> Value {
    let mut event = event(agent, &format!("{agent}-theft"), time_ms);
    event["destination"] = json!({"host": format!("{agent}-drop.example"), "port": 443});
    event["source"] =
        json!({"ip": "198.51.100.9", "asn": 64_666, "geo": {"country": "SC"}, "anonymizer": "tor"});
    event["resource"] =
        json!({"id": format!("payroll/{agent}"), "type": "object", "classification": "restricted"});
    event["usage"] = json!({"bytes_out": 40_000, "bytes_in": 500});
    event
}

/// What only the destination accuses.
fn stray(number: u32, time_ms: i64) -> Value {
    let mut event = event("reporter", &format!("stray-{number}"), time_ms);
    event["destination"] = json!({"host": format!("new-{number}.example"), "port": 443});
    event
}

/// A deployment, and what stands on its topics.
struct Scene {
    deployment: Deployment,
    connected: Connected,
    address: String,
}

impl Scene {
    /// Agents that did the same for days, and a `run` that has learned it.
    fn new(name: &str, broker: &Broker) -> (Self, Running) {
        let deployment = deployment(name, broker.address());
        deployment.make_input_with_create_time();
        let connected = deployment.connected();
        let address = broker.address().to_owned();
        let scene = Self { deployment, connected, address };
        let now_ms = stream::clock();
        let calm = (0..QUIET).flat_map(|number| {
            let time_ms = now_ms - (QUIET - number) * 10 * MINUTE_MS;
            AGENTS.map(|(agent, _)| event(agent, &format!("{agent}-{number}"), time_ms))
        });
        let calm: Vec<Value> = calm.collect();
        let running = Running::start(&scene.deployment, "run.log");
        running.await_ready();
        // Days that pass in a second leave no time for tables to come down: each stage knows what the ones before taught.
        for stage in calm.chunks(calm.len().div_ceil(STAGES)) {
            scene.send(stage);
            scene.deployment.await_consumed("run.log", PATIENCE);
        }
        (scene, running)
    }

    /// Lets the process end, and compares all that it wrote with a run of the folds over the log.
    fn end(self, running: Running) {
        running.end();
        let audit = self.deployment.audit();
        assert!(audit.is_clean(), "{audit:#?}");
    }

    fn send(&self, events: &[Value]) {
        let source = self.deployment.source();
        events.iter().for_each(|event| source.send_event(event.to_string().as_bytes(), true));
        source.flush();
    }

    fn values(&self, topic: &str) -> Vec<Value> {
        let records = self.deployment.read(&self.connected, topic).into_iter();
        let json = |bytes: Vec<u8>| serde_json::from_slice(&bytes).expect("JSON");
        records.filter_map(|record| record.value).map(json).collect()
    }

    fn find(&self, topic: &str, is: impl Fn(&Value) -> bool) -> Option<Value> {
        self.values(topic).into_iter().find(is)
    }

    /// Waits for a record.
    fn await_one(&self, what: &str, topic: &str, is: impl Fn(&Value) -> bool) -> Value {
        self.await_some(what, || self.find(topic, &is))
    }

    fn await_some<T>(&self, what: &str, mut attempt: impl FnMut() -> Option<T>) -> T {
        let since = Instant::now();
        loop {
            if let Some(found) = attempt() {
                return found;
            }
            if PATIENCE < since.elapsed() {
                let (log, told) = (self.deployment.log("run.log"), self.values("decisions.v1"));
                let mut found = self.values("findings.v1");
                found.retain(|finding| finding["body"]["kind"] == "verdict");
                panic!("{what} did not come: {log}\n{found:#?}\n{told:#?}");
            }
            thread::sleep(Duration::from_millis(100));
        }
    }

    /// The alert that an event opened.
    fn await_alert(&self, event: &str) -> Value {
        self.await_one(event, "alerts.v1", |alert| {
            alert["activity_name"] == "Create"
                && alert["finding_info"]["related_events"][0]["uid"] == event
        })
    }

    /// How an alert was closed, if it was.
    fn closed(&self, alert: &Value) -> Option<Value> {
        let uid = &alert["finding_info"]["uid"];
        let is = |told: &Value| told["finding_info"]["uid"] == *uid;
        self.find("alerts.v1", |told| is(told) && told["activity_name"] == "Close")
    }

    fn await_closed(&self, alert: &Value) -> Value {
        let closed = self.await_some("the end of an alert", || self.closed(alert));
        assert_eq!(closed["status_id"], 4, "resolved");
        closed
    }

    /// What a verb prints as JSON, a line each; one that says something is carol's, and signed.
    fn verb(&self, words: &[&str]) -> Vec<Value> {
        let key = self.deployment.config_path().with_file_name("carol.key");
        let key = key.to_str().expect("a path in UTF-8");
        let signed = ["--author", "carol", "--key-file", key];
        let says = words.get(1).is_none_or(|word| *word != "list");
        let words = [words, &["--json"], if says { &signed } else { &[] }].concat();
        let output = self.deployment.output(&words);
        let text = String::from_utf8(output.stdout).expect("a text");
        text.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect()
    }

    /// The request about an agent that waits for a person.
    fn await_waiting(&self, agent: &str) -> Value {
        self.await_some(agent, || {
            self.verb(&["revoke", "list"]).into_iter().find(|request| {
                request["state"] == "waiting" && request["request"]["subject"]["agent_id"] == agent
            })
        })
    }

    /// The one record of the audit with such an outcome about an id.
    fn decided(&self, outcome: &str, id: &Value) -> Value {
        self.await_one(outcome, "decisions.v1", |told| {
            told["outcome"] == outcome && (told["said"]["id"] == *id || told["request_id"] == *id)
        })
    }

    /// What whoever acts on requests says of one.
    fn acknowledge(&self, producer: &BaseProducer, request: &Value, by: &Secret) {
        let now = EventTime::from_millis(stream::clock()).expect("a time");
        let ack = json!({
            "schema": "agent.revocation-ack/1", "request_id": request["request_id"],
            "time": now.rfc3339(), "tenant_id": "acme", "status": "acted", "author": "gateway",
        });
        let bytes = ack.to_string();
        let signature = by.sign(bytes.as_bytes());
        let header = Header { key: SIGNATURE_HEADER, value: Some(&signature) };
        let key = format!("acme|{}", request["subject"]["agent_id"].as_str().expect("an agent"));
        let topic = self.deployment.topic("revocations.ack.v1");
        let record = BaseRecord::to(&topic).key(&key).payload(&bytes);
        let sent = producer.send(record.headers(OwnedHeaders::new().insert(header)));
        sent.map_err(|(error, _)| error).expect("room");
        producer.flush(PATIENCE).expect("the broker takes it");
    }

    fn producer(&self) -> BaseProducer {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.address).set("enable.idempotence", "true");
        config.create().expect("a producer")
    }

    /// A gateway: acts on each request that is to be done, once, and says so. Gives what it acted on.
    fn gateway(&self, stop: &AtomicBool) -> BTreeSet<String> {
        let topic = self.deployment.topic("revocations.v1");
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.address).set("isolation.level", "read_committed");
        config.set("group.id", format!("{topic}-gateway")).set("auto.offset.reset", "earliest");
        let consumer: BaseConsumer = config.create().expect("a consumer");
        consumer.subscribe(&[&topic]).expect("a topic");
        let (producer, secret, mut acted) = (self.producer(), secret("gateway"), BTreeSet::new());
        while !stop.load(Ordering::Relaxed) {
            // An error is a broker that is slow to answer: the client tries again.
            let Some(Ok(message)) = consumer.poll(Duration::from_millis(100)) else { continue };
            let request: Value =
                serde_json::from_slice(message.payload().expect("a value")).expect("JSON");
            let id = request["request_id"].as_str().expect("an id").to_owned();
            if request["mode"] == "enforce" && acted.insert(id) {
                self.acknowledge(&producer, &request, &secret);
            }
        }
        acted
    }
}

/// The record of an incident at such a point of its life; it is what OCSF calls one.
fn incident(scene: &Scene, activity: &str) -> Option<Value> {
    let schema =
        include_str!("../../alerting/fixtures/ocsf-1.8.0.2005.incident_finding.schema.json");
    let schema: Value = serde_json::from_str(schema).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    for record in scene.deployment.read(&scene.connected, "incidents.v1") {
        let headers = EventHeaders::decode(&record.headers).expect("CloudEvents headers");
        assert_eq!((headers.kind, headers.shadow), (RecordKind::Incident, false));
        let told: Value = serde_json::from_slice(&record.value.expect("a value")).expect("JSON");
        let problems: Vec<String> = validator.iter_errors(&told).map(|e| e.to_string()).collect();
        assert!(problems.is_empty(), "{problems:?}");
        if told["activity_name"] == activity {
            return Some(told);
        }
    }
    None
}

/// Every request has its decision; every decision names its policy and version, but where none holds and nothing is asked.
fn assert_audited(scene: &Scene) {
    let (requests, told) = (scene.values("revocations.v1"), scene.values("decisions.v1"));
    let decided = |told: &&Value| told["kind"] == "policy" || told.get("request_id").is_some();
    for decision in told.iter().filter(decided) {
        let policy = &decision["policy"];
        let named = |part: &str| policy[part].as_str().is_some_and(|text| !text.is_empty());
        let asks = decision.get("action").is_some() || decision.get("request_id").is_some();
        assert!(named("id") && named("version") || policy.is_null() && !asks, "{decision:#}");
    }
    for request in &requests {
        let is_its = |told: &&Value| told["request_id"] == request["request_id"];
        let decision = told.iter().find(is_its).unwrap_or_else(|| panic!("untold: {request:#}"));
        assert_eq!(decision["policy"], request["policy"]);
    }
}

#[test]
fn an_alert_is_answered_approved_denied_and_closed() {
    let Some(broker) = Broker::shared() else { return };
    let (scene, running) = Scene::new("response", &broker);
    let thieves = ["payer", "clerk", "teller"];
    scene.send(&thieves.map(|agent| theft(agent, stream::clock())));
    let [payer, clerk, teller] = thieves.map(|agent| scene.await_alert(&format!("{agent}-theft")));
    let finding = scene.find("findings.v1", |f| f["body"]["activity_id"] == "payer-theft");
    let finding = finding.expect("what led to the alert");
    let keys: BTreeSet<&str> = finding["body"]["keys"]
        .as_array()
        .expect("keys")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    assert!(keys.is_superset(&["data", "place"].into()), "two families accuse: {keys:?}");
    assert_eq!(finding["body"]["hard_indicator"], Value::Null);

    // One cause behind two alerts: who both act for.
    let opened = scene.await_some("an incident", || incident(&scene, "Create"));
    let own = &opened["unmapped"]["habitus"];
    assert_eq!((&own["kind"], &own["name"]), (&json!("delegation"), &json!("alice")));
    let of = |alert: &Value| alert["finding_info"]["uid"].as_str().expect("an id").to_owned();
    let alerts = opened["finding_info_list"].as_array().expect("alerts").iter();
    let alerts: BTreeSet<&str> = alerts.filter_map(|alert| alert["uid"].as_str()).collect();
    assert_eq!(alerts, [&*of(&payer), &*of(&clerk)].into());

    let request = scene.await_one("a request", "revocations.v1", |request| {
        request["subject"]["agent_id"] == "payer"
    });
    assert_eq!(
        (&request["action"], &request["mode"]),
        (&json!("revoke_sessions"), &json!("enforce"))
    );
    assert_eq!(request["policy"], json!({"id": "two-accusers", "version": "7"}));
    assert_eq!(request["cause"]["alert_id"], payer["finding_info"]["uid"]);
    // Nobody but the gateway acknowledges in its name.
    scene.acknowledge(&scene.producer(), &request, &secret("carol"));
    let refused = scene.await_some("a dead letter", || {
        scene.deployment.read(&scene.connected, "activity.dlq.v1").pop()
    });
    let refused = DeadLetterHeaders::decode(&refused.headers).expect("a reason").code;
    assert_eq!(refused, ErrorCode::BadSignature);
    assert_eq!((scene.closed(&payer), incident(&scene, "Close")), (None, None));

    let stop = AtomicBool::new(false);
    let (approved, acted) = thread::scope(|scope| {
        let gateway = scope.spawn(|| scene.gateway(&stop));
        let _ends = Ends(&stop);
        let done = scene.decided("acted", &request["request_id"]);
        let said = &done["said"];
        assert_eq!((&said["author"], &said["signed"]), (&json!("gateway"), &json!(true)));
        scene.await_closed(&payer);
        assert_eq!(incident(&scene, "Close"), None, "an alert of it is open");
        let approved = approve_and_deny(&scene, (&clerk, &teller));
        (approved, {
            stop.store(true, Ordering::Relaxed);
            gateway.join().expect("the gateway ends")
        })
    });
    let wanted = [&request, &approved].map(|r| r["request_id"].as_str().expect("an id").to_owned());
    assert_eq!(acted, BTreeSet::from(wanted), "what was denied never left to be done");
    let closed = scene.await_some("the end of the incident", || incident(&scene, "Close"));
    let correlation = |told: &Value| told["metadata"]["correlation_uid"].clone();
    assert_eq!((correlation(&closed), &closed["status_id"]), (correlation(&opened), &json!(5)));
    assert_eq!(closed["time"], scene.await_closed(&clerk)["time"], "with its last alert");
    assert_eq!(scene.closed(&teller), None, "nobody did anything about it");
    assert_audited(&scene);
    scene.end(running);
}

/// Stops a thread, also where the test fails.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Approves what waits about one agent and denies the other; gives the request that left.
fn approve_and_deny(scene: &Scene, (clerk, teller): (&Value, &Value)) -> Value {
    let [yes, no] = ["clerk", "teller"].map(|agent| scene.await_waiting(agent));
    for (waiting, alert) in [(&yes, clerk), (&no, teller)] {
        let request = &waiting["request"];
        assert_eq!(
            (&request["mode"], &request["action"]),
            (&json!("recommend"), &json!("revoke_credentials"))
        );
        assert_eq!(request["cause"]["alert_id"], alert["finding_info"]["uid"]);
    }
    let id = |waiting: &Value| waiting["request_id"].as_str().expect("an id").to_owned();
    for (word, outcome, waiting) in [("approve", "approved", &yes), ("deny", "denied", &no)] {
        let said = scene.verb(&["revoke", word, &id(waiting), "--comment", "seen"]).remove(0);
        let told = scene.decided(outcome, &said["id"]);
        let of = &told["said"];
        assert_eq!(
            (&of["author"], &of["comment"], &of["signed"]),
            (&json!("carol"), &json!("seen"), &json!(true))
        );
        assert_eq!(
            (&of["target"], &told["policy"]["id"]),
            (&waiting["request_id"], &json!("ask-first"))
        );
    }
    let approved = scene.await_one("what was approved", "revocations.v1", |request| {
        request["supersedes"] == yes["request_id"]
    });
    assert_eq!(
        (&approved["mode"], &approved["initiating_entity"]),
        (&json!("enforce"), &json!("admin"))
    );
    scene.decided("acted", &approved["request_id"]);
    scene.await_closed(clerk);
    let all = scene.verb(&["revoke", "list", "--all"]);
    let state =
        |id: &Value| all.iter().find(|r| r["request_id"] == *id).expect("known")["state"].clone();
    let states = [&yes, &no, &approved].map(|request| state(&request["request_id"]));
    assert_eq!(states, [json!("superseded"), json!("denied"), json!("done")]);
    approved
}

#[test]
fn what_an_analyst_expects_is_silent_until_it_expires() {
    let Some(broker) = Broker::shared() else { return };
    let (scene, running) = Scene::new("expected", &broker);
    let leads = |alert: &Value| alert["unmapped"]["habitus"]["contributions"][0]["signal"].clone();
    scene.send(&[stray(1, stream::clock())]);
    let first = scene.await_alert("stray-1");
    assert_eq!(leads(&first), "destination");
    let id = first["finding_info"]["uid"].as_str().expect("an id");
    let said = scene.verb(&["feedback", id, "expected", "--until", "20m"]).remove(0);
    let told = scene.decided("expected", &said["id"]);
    assert_eq!((&told["said"]["signed"], &told["said"]["target"]), (&json!(true), &json!(id)));
    scene.await_closed(&first);

    let matched =
        || scene.verb(&["silence", "list"]).first().map(|s| s["silence"]["matched"].clone());
    assert_eq!(matched(), Some(json!(0)));
    scene.send(&[stray(2, stream::clock())]);
    scene.await_some("the next occurrence", || matched().filter(|n| *n == 1));

    // By the time of the log it is over.
    scene.send(&[stray(3, stream::clock() + 21 * MINUTE_MS)]);
    let again = scene.await_alert("stray-3");
    assert_eq!(leads(&again), "destination");
    assert_ne!(again["finding_info"]["uid"], id);
    let silent = scene.find("alerts.v1", |alert| {
        let related = alert["finding_info"]["related_events"].as_array();
        related.is_some_and(|all| all.iter().any(|event| event["uid"] == "stray-2"))
    });
    assert_eq!(silent, None, "it would have alerted, and did not");
    let expired = scene.decided("expired", &said["id"]);
    assert_eq!((&expired["kind"], &expired["said"]["matched"]), (&json!("silence"), &json!(1)));
    assert_eq!(scene.verb(&["silence", "list"]), Vec::<Value>::new());
    assert_audited(&scene);
    scene.end(running);
}
