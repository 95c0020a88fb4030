//! Agents registered, changed and taken out on a topic of a genuine broker, while `habitus run` works: an alert says who is
//! not listed, a registration ends that, its end begins it anew, and the auditor finds the same.
#![expect(clippy::disallowed_methods, reason = "a test of a broker waits in real time")]

use std::collections::BTreeSet;
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use alerting::{SIGNATURE_HEADER, Secret};
use rdkafka::ClientConfig;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use schemas::EventTime;
use schemas::header::DeadLetterHeaders;
use schemas::reject::ErrorCode;
use serde_json::{Value, json};
use stream::Connected;
use tests::broker::Broker;
use tests::deployment::Deployment;
use tests::running::Running;

const PATIENCE: Duration = Duration::from_secs(120);
const MINUTE_MS: i64 = 60_000;
const STAGES: usize = 4;
const SECRET: &str = "0123456789abcdef0123456789abcdef";
const CONFIG: &str = "[input]\nstart = \"earliest\"\naccept_create_time = true\n[inventory]\ntopic = true\n\
                      [budget]\nalerts_per_actor_month = 5\n[[author]]\nname = \"cmdb\"\nsecret_file = \"cmdb.key\"\n\
                      rights = [\"register\"]\n";

struct Scene {
    deployment: Deployment,
    connected: Connected,
    running: Running,
    producer: BaseProducer,
}

fn entry(agent: &str) -> Value {
    json!({"schema": "agent.inventory/1", "tenant_id": "acme", "agent_id": agent, "state": "active",
           "owner": {"id": "ops"}})
}

fn event(id: &str, agent: &str, time_ms: i64) -> Value {
    json!({
        "schema": "agent.activity/1", "id": id, "tenant_id": "acme",
        "time": EventTime::from_millis(time_ms).expect("a time").rfc3339(),
        "agent": {"id": agent}, "session": {"id": format!("{agent}-{}", time_ms / (120 * MINUTE_MS))},
        "action": {"type": "tool_call", "operation": "read", "tool": {"name": "ledger"}},
        "destination": {"host": "erp.acme.example", "port": 443}, "outcome": {"result": "success"},
    })
}

impl Scene {
    fn new(broker: &Broker) -> Self {
        let deployment = Deployment::new("inventory", broker.address(), 2, CONFIG).with_http();
        fs::write(deployment.config_path().with_file_name("cmdb.key"), SECRET).expect("a secret");
        deployment.make_input_with_create_time();
        let connected = deployment.connected();
        let running = Running::start(&deployment, "run.log");
        running.await_ready();
        let mut client = ClientConfig::new();
        client.set("bootstrap.servers", broker.address()).set("enable.idempotence", "true");
        let producer = client.create().expect("a producer");
        Self { deployment, connected, running, producer }
    }

    /// Says who is registered, or with nothing that nobody is, signed or not.
    fn publish(&self, key: &str, value: Option<&Value>, signed: bool) {
        let topic = self.deployment.topic("inventory.v1");
        let bytes = value.map(Value::to_string);
        let secret = Secret::read(SECRET).expect("a secret").remove(0);
        let signature = secret.sign(bytes.as_deref().unwrap_or(key).as_bytes());
        let header = Header { key: SIGNATURE_HEADER, value: signed.then_some(&signature) };
        let headers = OwnedHeaders::new().insert(header);
        let mut record = BaseRecord::<str, str>::to(&topic).key(key).headers(headers);
        if let Some(bytes) = &bytes {
            record = record.payload(bytes);
        }
        self.producer.send(record).map_err(|(error, _)| error).expect("room");
        self.producer.flush(PATIENCE).expect("the broker takes it");
    }

    /// Waits until so many agents are registered, as the metrics tell.
    fn await_registered(&self, agents: f64) {
        self.await_true("registrations", || {
            let metrics = self.running.metrics();
            metrics["habitus_inventory_agents"].value(&[]) == Some(agents)
        });
        // Lanes take it up at the next border between two transactions.
        thread::sleep(Duration::from_secs(1));
    }

    fn await_true(&self, what: &str, mut attempt: impl FnMut() -> bool) {
        let since = Instant::now();
        while !attempt() {
            assert!(since.elapsed() < PATIENCE, "no {what}: {}", self.deployment.log("run.log"));
            thread::sleep(Duration::from_millis(100));
        }
    }

    fn send(&self, events: &[Value]) {
        let source = self.deployment.source();
        events.iter().for_each(|event| source.send_event(event.to_string().as_bytes(), true));
        source.flush();
        self.deployment.await_consumed("run.log", PATIENCE);
    }

    fn values(&self, topic: &str) -> Vec<Value> {
        let records = self.deployment.read(&self.connected, topic).into_iter();
        let json = |bytes: Vec<u8>| serde_json::from_slice(&bytes).expect("JSON");
        records.filter_map(|record| record.value).map(json).collect()
    }

    /// The events about which alerts were opened because of the inventory.
    fn alerted(&self) -> BTreeSet<String> {
        let alerts = self.values("shadow.v1").into_iter().filter(|told| told["class_uid"] == 2004);
        let own = alerts.filter(|told| {
            told["activity_name"] == "Create"
                && told["finding_info"]["analytic"]["uid"] == "inventory"
        });
        let event = |told: Value| told["finding_info"]["related_events"][0]["uid"].clone();
        own.map(|told| event(told).as_str().expect("an id").to_owned()).collect()
    }

    /// The events that the inventory accused.
    fn accused(&self) -> BTreeSet<String> {
        let verdicts = self.values("findings.v1").into_iter().filter(|finding| {
            let shares = finding["body"]["contributions"].as_array();
            shares.is_some_and(|all| all.iter().any(|share| share["signal"] == "inventory"))
        });
        let id =
            |finding: Value| finding["body"]["activity_id"].as_str().expect("an id").to_owned();
        verdicts.map(id).collect()
    }
}

#[test]
fn who_is_registered_changes_while_it_runs() {
    let Some(broker) = Broker::shared() else { return };
    let scene = Scene::new(&broker);
    for agent in ["bot", "clerk"] {
        scene.publish(&format!("acme|{agent}"), Some(&entry(agent)), true);
    }
    let claim = json!({"schema": "agent.inventory-complete/1", "tenant_id": "acme"});
    scene.publish("acme", Some(&claim), true);
    // Whoever may write to the topic, but knows no secret.
    scene.publish("acme|stray", Some(&entry("stray")), false);
    scene.await_registered(2.0);

    let now_ms = stream::clock();
    let calm: Vec<Value> = (0..300)
        .flat_map(|number| {
            let time_ms = now_ms - (301 - number) * 10 * MINUTE_MS;
            ["bot", "clerk"].map(|agent| event(&format!("{agent}-{number}"), agent, time_ms))
        })
        .collect();
    for stage in calm.chunks(calm.len() / STAGES) {
        scene.send(stage);
    }
    let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!((scene.accused(), scene.alerted()), (ids(&[]), ids(&[])), "all are registered");

    scene.send(&[event("stray-1", "stray", stream::clock())]);
    scene.await_true("alert", || scene.alerted() == ids(&["stray-1"]));
    scene.publish("acme|stray", Some(&entry("stray")), true);
    scene.await_registered(3.0);
    let listed = ["listed-1", "listed-2"].map(|id| event(id, "stray", stream::clock()));
    scene.send(&listed);
    assert_eq!((scene.accused(), scene.alerted()), (ids(&["stray-1"]), ids(&["stray-1"])));

    scene.publish("acme|stray", None, true);
    scene.publish("acme|clerk", None, true);
    scene.await_registered(1.0);
    let ended = [("stray-2", "stray"), ("gone", "clerk"), ("known", "bot")];
    scene.send(&ended.map(|(id, agent)| event(id, agent, stream::clock())));
    assert_eq!(scene.accused(), ids(&["stray-1", "stray-2", "gone"]));
    scene.await_true("second alert", || scene.alerted() == ids(&["stray-1", "gone"]));

    let letters = scene.deployment.read(&scene.connected, "activity.dlq.v1");
    let codes = letters
        .iter()
        .map(|letter| DeadLetterHeaders::decode(&letter.headers).expect("a reason").code);
    assert_eq!(codes.collect::<Vec<_>>(), [ErrorCode::BadSignature]);
    let Scene { deployment, running, .. } = scene;
    running.end();
    let audit = deployment.audit();
    assert!(audit.is_clean(), "{audit:#?}");
    let counts = audit.inputs[&*deployment.topic("inventory.v1")];
    assert_eq!((counts.scored, counts.dead_lettered), (6, 1), "{counts:?}");
    println!(
        "{} records of the inventory, audit clean over {} ranges",
        counts.records, audit.ranges
    );
}
