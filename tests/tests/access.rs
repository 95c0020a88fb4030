//! The decision point on a log: a fall of trust changes the answer with the commit that tells it, not before; and until
//! everything that was there is read, what is known counts as too old.

use std::sync::Arc;
use std::time::Duration;

use alerting::policy::Fail;
use alerting::{Mode, Settings};
use bus::memory::Memory;
use bus::{Bus, Cleanup, Outgoing, Producer, TopicPartition, TopicSpec};
use serde_json::{Value, json};
use stream::TrustFollower;
use telemetry::{AccessPoint, AccessSettings, Guard, Role, Server, Tokens, serve_access};

const TOPIC: &str = "habitus.trust.v1";
const PARTITIONS: u32 = 4;

struct Scene {
    bus: Memory,
    follower: TrustFollower<Memory>,
    point: Arc<AccessPoint>,
    server: Server,
    now_ms: i64,
}

impl Scene {
    fn new() -> Self {
        let bus = Memory::new(0);
        let spec = TopicSpec {
            name: TOPIC.to_owned(),
            partitions: PARTITIONS,
            replicas: 0,
            cleanup: Cleanup::Compact,
            settings: Vec::new(),
        };
        bus.admin().unwrap().create(&spec).unwrap();
        let respond = Settings { mode: Mode::Enforce, fail: Fail::Closed, ..Settings::default() };
        let point = Arc::new(AccessPoint::new(AccessSettings {
            respond,
            guard: Guard { tokens: Tokens::default().with(Role::Caller, "t"), tls: None },
            url: String::new(),
            age_ms_max: 30_000,
            clock: || 0,
        }));
        let server = serve_access("127.0.0.1:0".parse().unwrap(), Arc::clone(&point)).unwrap();
        let follower = TrustFollower::new(bus.clone(), "access", TOPIC).unwrap();
        Self { bus, follower, point, server, now_ms: 0 }
    }

    fn steps(&mut self, count: usize) {
        for _ in 0..count {
            self.now_ms += 1_000;
            self.follower.step(&self.point, self.now_ms).unwrap();
        }
    }

    fn answer(&self) -> Value {
        let body = json!({
            "subject": {"type": "ai_agent", "id": "bot", "properties": {"tenant_id": "acme"}},
            "action": {"name": "pay"},
            "resource": {"type": "account", "id": "1"},
        });
        let (status, answer) =
            tests::post(self.server.address(), "/access/v1/evaluation", "t", &body.to_string())
                .unwrap();
        assert_eq!(status, 200, "{answer}");
        serde_json::from_str(&answer).unwrap()
    }
}

fn trust(score: f64, level: &str, sequence: u64) -> Outgoing {
    let record = json!({
        "schema": "agent.trust/1", "tenant_id": "acme", "agent_id": "bot", "authority": "delegated",
        "time": "2026-11-26T12:00:00Z", "sequence": sequence, "score": score, "level": level,
        "risk_score": 0, "risk_level": "LOW", "reason": "evidence",
    });
    Outgoing {
        to: TopicPartition::new(TOPIC, 1),
        key: Some(b"acme|delegated|bot".to_vec()),
        value: Some(record.to_string().into_bytes()),
        headers: Vec::new(),
    }
}

#[test]
fn a_fall_of_trust_changes_the_answer_with_its_commit() {
    let mut scene = Scene::new();
    let mut producer = scene.bus.producer("lane", Duration::from_secs(1)).unwrap();
    producer.begin().unwrap();
    producer.send(&trust(95.0, "trusted", 1)).unwrap();
    let before = scene.answer();
    assert_eq!(before["decision"], false, "nothing is read yet");
    assert_eq!(before["context"]["reason"], "stale_trust");
    producer.commit().unwrap();
    scene.steps(40);
    let trusted = scene.answer();
    assert_eq!(trusted["decision"], true, "{trusted}");
    assert_eq!(trusted["context"]["trust"]["score"], 95.0);

    producer.begin().unwrap();
    producer.send(&trust(20.0, "untrusted", 2)).unwrap();
    scene.steps(40);
    assert_eq!(scene.answer()["decision"], true, "it is not committed");
    producer.commit().unwrap();
    scene.steps(40);
    let fallen = scene.answer();
    assert_eq!(fallen["decision"], false);
    assert_eq!(fallen["context"]["trust"]["level"], "untrusted");
    assert_eq!(fallen["context"]["policy"]["id"], "default");

    producer.begin().unwrap();
    producer.send(&trust(95.0, "trusted", 3)).unwrap();
    producer.abort().unwrap();
    scene.steps(40);
    assert_eq!(scene.answer()["decision"], false, "what is aborted counts for nothing");
}
