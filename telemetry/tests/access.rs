//! The decision point over HTTP, against cases written from the published text of the OpenID AuthZEN Authorization API
//! 1.0 and its certification scenario; and what it says of trust: in shadow, too old, along a chain.
#![expect(clippy::unwrap_used, reason = "what a test shares is a test")]

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use alerting::policy::{Fail, Policy, PolicySpec, Then};
use alerting::{Mode, Settings};
use serde_json::{Value, json};
use telemetry::{AccessPoint, AccessSettings, Guard, Role, Server, Tokens, serve_access};

const SINGLE: &str = "/access/v1/evaluation";
const BATCH: &str = "/access/v1/evaluations";
const TOKEN: &str = "Authorization: Bearer s3cret";
const JSON: &str = "Content-Type: application/json";

/// One answer.
struct Answer {
    status: u16,
    head: String,
    body: String,
}

struct Running {
    point: Arc<AccessPoint>,
    server: Server,
}

impl Running {
    fn new(settings: Settings, clock: fn() -> i64) -> Self {
        let point = Arc::new(AccessPoint::new(AccessSettings {
            respond: settings,
            guard: Guard {
                tokens: Tokens::default().with(Role::Caller, "other\ns3cret"),
                tls: None,
            },
            url: String::new(),
            age_ms_max: 30_000,
            clock,
        }));
        point.confirm();
        let listen = "127.0.0.1:0".parse().unwrap();
        let server = serve_access(listen, Arc::clone(&point)).unwrap();
        Self { point, server }
    }

    fn ask(&self, request: &str, headers: &[&str], body: &str) -> Answer {
        ask(self.server.address(), request, headers, body).unwrap()
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        let answer = self.ask(&format!("POST {path}"), &[TOKEN, JSON], &body.to_string());
        assert_eq!(answer.status, 200, "{body}: {}", answer.body);
        assert!(answer.head.contains("content-type: application/json"), "{}", answer.head);
        serde_json::from_str(&answer.body).unwrap()
    }

    fn trust(&self, actor: (&str, &str), score: f64, level: &str, sequence: u64) {
        let (agent, authority) = actor;
        let record = json!({
            "schema": "agent.trust/1", "tenant_id": "default", "agent_id": agent,
            "authority": authority, "time": "2026-11-26T12:00:00Z", "sequence": sequence,
            "score": score, "level": level, "risk_score": 0, "risk_level": "LOW",
            "reason": "evidence",
        });
        let (key, value) = (format!("default|{authority}|{agent}"), record.to_string());
        self.point.change(|table| {
            table.take_up(key.as_bytes(), Some(value.as_bytes())).unwrap();
        });
    }
}

fn ask(address: SocketAddr, request: &str, headers: &[&str], body: &str) -> io::Result<Answer> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    let length = body.len();
    let text = format!(
        "{request} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    );
    stream.write_all(text.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap();
    Ok(Answer { status, head: head.to_lowercase(), body: body.to_owned() })
}

fn rule(id: &str, when: &str, then: Then) -> Policy {
    let spec = PolicySpec { when: Some(when.to_owned()), ..PolicySpec::new(id, then) };
    Policy::new(spec).unwrap()
}

/// The fixture of the certification scenario, as policies.
fn fixture() -> Running {
    let archived = "action.name == 'write' && has(resource.properties.status) && resource.properties.status == 'archived'";
    let admin = "has(subject.properties.role) && subject.properties.role == 'admin'";
    let mut settings = Settings { mode: Mode::Enforce, ..Settings::default() };
    let own = [
        rule("admins", &format!("{archived} && {admin}"), Then::Allow),
        rule("archive", archived, Then::Deny),
        rule("hard", "action.name == 'delete' && action.properties.soft == false", Then::Deny),
        rule("bob", "subject.id == 'bob' && action.name == 'write'", Then::Deny),
    ];
    settings.policies.splice(0..0, own);
    Running::new(settings, || 0)
}

fn user(id: &str) -> Value {
    json!({"type": "user", "id": id})
}

fn record(id: &str, properties: Value) -> Value {
    json!({"type": "record", "id": id, "properties": properties})
}

fn of(subject: Value, action: Value, resource: Value) -> Value {
    json!({"subject": subject, "action": action, "resource": resource})
}

fn read_by_alice() -> Value {
    of(user("alice"), json!({"name": "read"}), json!({"type": "record", "id": "record-1"}))
}

#[test]
fn single_evaluations_are_decided_as_the_fixture_says() {
    let running = fixture();
    let name = |name: &str| json!({"name": name});
    let (one, archived) =
        (json!({"type": "record", "id": "record-1"}), json!({"status": "archived"}));
    let admin = json!({"type": "user", "id": "bob", "properties": {"role": "admin"}});
    let delete = |soft: bool| json!({"name": "delete", "properties": {"soft": soft}});
    for (request, expected) in [
        (read_by_alice(), true),
        (of(user("alice"), name("write"), one.clone()), true),
        (of(user("bob"), name("read"), one.clone()), true),
        (of(user("bob"), name("write"), one.clone()), false),
        (of(user("alice"), name("write"), record("record-2", archived.clone())), false),
        (of(admin, name("write"), record("record-2", archived)), true),
        (of(user("alice"), delete(true), one.clone()), true),
        (of(user("alice"), delete(false), one), false),
    ] {
        for path in [SINGLE, SINGLE, BATCH] {
            let answer = running.post(path, &request);
            assert_eq!(answer["decision"], expected, "{request}");
            assert!(answer["context"].is_object());
        }
    }
}

#[test]
fn context_further_properties_and_unknown_fields_change_nothing() {
    let running = fixture();
    let mut request = read_by_alice();
    request["context"] = json!({"time": "2025-06-27T18:03-07:00", "ip": "192.168.1.1"});
    request["foo"] = "bar".into();
    request["futureField"] = json!({"nested": true});
    request["subject"]["properties"] = json!({"department": "Sales", "role": "manager"});
    request["action"]["properties"] = json!({"method": "GET"});
    request["resource"]["properties"] = json!({"status": "active", "owner": "bob"});
    assert_eq!(running.post(SINGLE, &request)["decision"], true);
}

#[test]
fn what_is_malformed_is_400() {
    let running = fixture();
    let bad = |headers: &[&str], body: &str| {
        for path in [SINGLE, BATCH] {
            let answer = running.ask(&format!("POST {path}"), headers, body);
            assert_eq!(answer.status, 400, "{path} {body}: {}", answer.body);
            assert!(!answer.body.is_empty());
        }
    };
    for pointer in [
        "/subject",
        "/action",
        "/resource",
        "/subject/type",
        "/subject/id",
        "/action/name",
        "/resource/type",
        "/resource/id",
    ] {
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        let mut missing = read_by_alice();
        missing.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(key);
        bad(&[TOKEN, JSON], &missing.to_string());
        for wrong in [json!(123), json!(null), json!(["a"])] {
            let mut strange = read_by_alice();
            *strange.pointer_mut(pointer).unwrap() = wrong;
            bad(&[TOKEN, JSON], &strange.to_string());
        }
    }
    let good = read_by_alice().to_string();
    bad(&[TOKEN, JSON], "");
    bad(&[TOKEN, JSON], "{");
    bad(&[TOKEN, JSON], "[]");
    bad(&[TOKEN, JSON], "\"alice\"");
    bad(&[TOKEN, JSON], &good.replace("\"alice\"", "\"alice\",\"properties\":[]"));
    bad(&[TOKEN, "Content-Type: text/plain"], &good);
    bad(&[TOKEN], &good);
    let mut batch = read_by_alice();
    for (key, wrong) in [
        ("evaluations", json!({})),
        ("options", json!([])),
        ("options", json!({"evaluations_semantic": "at_random"})),
        ("options", json!({"evaluations_semantic": 3})),
        ("evaluations", json!(vec![json!({}); 1_001])),
    ] {
        batch["evaluations"] = json!([{}]);
        batch["options"] = json!({});
        batch[key] = wrong;
        let answer = running.ask(&format!("POST {BATCH}"), &[TOKEN, JSON], &batch.to_string());
        assert_eq!(answer.status, 400, "{key}");
    }
    assert_eq!(running.ask(&format!("GET {SINGLE}"), &[TOKEN], "").status, 405);
}

#[test]
fn a_chain_that_cannot_be_read_is_400() {
    let running = enforcing();
    let long = vec!["link"; 33];
    for chain in [json!("planner"), json!([{"id": "planner"}]), json!(["a", 3]), json!(long)] {
        let body = agent(json!({"chain": chain})).to_string();
        let answer = running.ask(&format!("POST {SINGLE}"), &[TOKEN, JSON], &body);
        assert_eq!(answer.status, 400, "{body}");
    }
    assert_eq!(running.post(SINGLE, &agent(json!({"chain": long[1..]})))["decision"], true);
}

#[test]
fn a_policy_of_a_criticality_concerns_who_is_said_to_have_it() {
    let mut spec = PolicySpec::new("critical", Then::Deny);
    spec.criticality = vec!["high".to_owned()];
    let policies = vec![Policy::new(spec).unwrap()];
    let settings = Settings { mode: Mode::Enforce, policies, ..Settings::default() };
    let running = Running::new(settings, || 0);
    assert_eq!(running.post(SINGLE, &agent(json!({"criticality": "high"})))["decision"], false);
    assert_eq!(running.post(SINGLE, &agent(json!({})))["decision"], true);
}

#[test]
fn without_a_token_of_ours_nobody_is_answered() {
    let running = fixture();
    let good = read_by_alice().to_string();
    for token in [
        None,
        Some("Authorization: Bearer"),
        Some("Authorization: Bearer "),
        Some("Authorization: Bearer s3cre"),
        Some("Authorization: Bearer s3crets"),
        Some("Authorization: Bearer s3creT"),
        Some("Authorization: Basic s3cret"),
        Some("Authorization: s3cret"),
    ] {
        let headers: Vec<&str> = [Some(JSON), token].into_iter().flatten().collect();
        let answer = running.ask(&format!("POST {SINGLE}"), &headers, &good);
        assert_eq!(answer.status, 401, "{token:?}");
        assert!(answer.head.contains("www-authenticate: bearer"));
    }
    let long = " ".repeat((1 << 20) + 1);
    let answer = running.ask(&format!("POST {SINGLE}"), &[TOKEN, JSON], &long);
    assert_eq!(answer.status, 413);
    let second = ["authorization: bearer other", JSON];
    assert_eq!(running.ask(&format!("POST {SINGLE}"), &second, &good).status, 200);
}

#[test]
fn the_id_of_a_request_is_its_answers() {
    let running = fixture();
    let (good, id) = (read_by_alice().to_string(), "X-Request-ID: bfe9eb29-AB87");
    for (headers, body, status) in [
        (&[TOKEN, JSON, id][..], good.as_str(), 200),
        (&[TOKEN, JSON, id], "{", 400),
        (&[JSON, id], &good, 401),
    ] {
        let answer = running.ask(&format!("POST {SINGLE}"), headers, body);
        assert_eq!(answer.status, status);
        assert!(answer.head.contains("x-request-id: bfe9eb29-ab87"), "{}", answer.head);
    }
    let without = running.ask(&format!("POST {SINGLE}"), &[TOKEN, JSON], &good);
    assert_eq!(without.status, 200);
    assert!(!without.head.contains("x-request-id"));
}

/// The decisions of a batch.
fn decisions(answer: &Value) -> Vec<bool> {
    assert!(answer.get("decision").is_none());
    let answers = answer["evaluations"].as_array().unwrap();
    answers.iter().map(|answer| answer["decision"].as_bool().unwrap()).collect()
}

#[test]
fn batches_take_defaults_and_keep_their_order() {
    let running = fixture();
    let write = json!({"name": "write"});
    let (active, archived) = (json!({"status": "active"}), json!({"status": "archived"}));
    let admin = json!({"type": "user", "id": "bob", "properties": {"role": "admin"}});
    for (request, expected) in [
        (
            json!({"subject": user("bob"), "resource": {"type": "record", "id": "record-1"},
                "evaluations": [{"action": {"name": "read"}}, {"action": {"name": "write"}}]}),
            vec![true, false],
        ),
        (
            json!({"subject": user("alice"), "action": write, "evaluations": [
                {"resource": record("record-1", active.clone())},
                {"resource": record("record-2", archived.clone())}]}),
            vec![true, false],
        ),
        (
            json!({"action": write, "resource": record("record-2", archived.clone()),
                "evaluations": [{"subject": user("alice")}, {"subject": admin}]}),
            vec![false, true],
        ),
        (
            json!({"evaluations": [read_by_alice(),
                of(user("bob"), write.clone(), json!({"type": "record", "id": "record-1"}))]}),
            vec![true, false],
        ),
        (
            // What an entity must have comes from its default, its properties do not.
            json!({"subject": user("alice"), "action": write,
                "resource": {"type": "record", "properties": archived.clone()},
                "evaluations": [{"resource": {"id": "record-1", "properties": active}},
                    {"resource": {"id": "record-3"}},
                    {"resource": record("record-2", archived)}]}),
            vec![true, true, false],
        ),
        (
            // One that cannot be understood fails alone.
            json!({"subject": user("alice"), "action": {"name": "read"}, "evaluations": [
                {"resource": {"type": "record", "id": "record-1"}}, {}, 7,
                {"resource": {"type": "record", "id": "record-2"}}]}),
            vec![true, false, false, true],
        ),
    ] {
        let answer = running.post(BATCH, &request);
        assert_eq!(decisions(&answer), expected, "{request}");
        for answer in answer["evaluations"].as_array().unwrap() {
            let error = &answer["context"]["error"];
            assert!(error.is_null() || (error["status"] == 400 && answer["decision"] == false));
        }
    }
    let mut empty = read_by_alice();
    empty["evaluations"] = json!([]);
    assert_eq!(running.post(BATCH, &empty)["decision"], true);
}

#[test]
fn a_batch_ends_where_its_semantic_says() {
    let running = fixture();
    let of = |names: [&str; 3], semantic: Option<&str>| {
        let items: Vec<Value> =
            names.iter().map(|name| json!({"action": {"name": name}})).collect();
        let options = semantic.map_or(json!({"other": 1}), |s| json!({"evaluations_semantic": s}));
        let request = json!({"subject": user("bob"), "options": options, "evaluations": items,
            "resource": {"type": "record", "id": "record-1"}});
        decisions(&running.post(BATCH, &request))
    };
    let mixed = ["read", "write", "read"];
    assert_eq!(of(mixed, None), [true, false, true]);
    assert_eq!(of(mixed, Some("execute_all")), [true, false, true]);
    assert_eq!(of(mixed, Some("deny_on_first_deny")), [true, false]);
    assert_eq!(of(mixed, Some("permit_on_first_permit")), [true]);
    assert_eq!(
        of(["write", "write", "read"], Some("permit_on_first_permit")),
        [false, false, true]
    );
    assert_eq!(of(["read"; 3], Some("deny_on_first_deny")), [true; 3]);
}

#[test]
fn the_metadata_names_the_endpoints_to_anybody() {
    let running = fixture();
    let answer = running.ask("GET /.well-known/authzen-configuration", &[], "");
    assert_eq!(answer.status, 200);
    assert!(answer.head.contains("content-type: application/json"));
    let metadata: Value = serde_json::from_str(&answer.body).unwrap();
    let url = format!("http://{}", running.server.address());
    let expected = json!({
        "policy_decision_point": url,
        "access_evaluation_endpoint": format!("{url}{SINGLE}"),
        "access_evaluations_endpoint": format!("{url}{BATCH}"),
    });
    assert_eq!(metadata, expected);
}

fn agent(properties: Value) -> Value {
    let subject = json!({"type": "ai_agent", "id": "bot", "properties": properties});
    of(subject, json!({"name": "read"}), json!({"type": "table", "id": "t"}))
}

fn enforcing() -> Running {
    Running::new(Settings { mode: Mode::Enforce, ..Settings::default() }, || 0)
}

#[test]
fn trust_decides_and_an_older_record_changes_nothing() {
    let running = enforcing();
    let decided = |properties: Value| running.post(SINGLE, &agent(properties));
    let unknown = decided(json!({}));
    assert_eq!(
        (&unknown["decision"], &unknown["context"]["reason"]),
        (&json!(true), &json!("unknown_actor"))
    );
    running.trust(("bot", "delegated"), 95.0, "trusted", 5);
    assert_eq!(decided(json!({}))["decision"], true);
    running.trust(("bot", "delegated"), 70.0, "watch", 6);
    let watched = decided(json!({}));
    assert_eq!(watched["decision"], true);
    assert_eq!(watched["context"]["obligations"]["max_token_lifetime_seconds"], 1_800);
    running.trust(("bot", "delegated"), 20.0, "untrusted", 7);
    let fallen = decided(json!({}));
    assert_eq!(fallen["decision"], false);
    let context = &fallen["context"];
    assert_eq!(context["policy"], json!({"id": "default", "version": env!("CARGO_PKG_VERSION")}));
    assert_eq!(context["obligations"]["require_reauthentication"], true);
    assert_eq!((&context["held"], &context["trust"]["score"]), (&json!("one_key"), &json!(20.0)));
    running.trust(("bot", "delegated"), 99.0, "trusted", 6);
    assert_eq!(decided(json!({}))["decision"], false, "sent again");
    // The least trusted of its actors speaks for an agent, unless the caller says as what it acts.
    running.trust(("bot", "autonomous"), 99.0, "trusted", 1);
    assert_eq!(decided(json!({}))["decision"], false);
    assert_eq!(decided(json!({"authority": "autonomous"}))["decision"], true);
    running.trust(("bot", "autonomous"), 20.0, "untrusted", 2);
    let unseen = decided(json!({"authority": "unknown"}));
    assert_eq!(unseen["decision"], false, "it never acted so: it starts no higher than it stands");
    assert_eq!(decided(json!({"tenant_id": "other"}))["decision"], true);
    for key in [&b"default|delegated|bot"[..], b"default|autonomous|bot"] {
        running.point.change(|table| table.take_up(key, None).unwrap());
    }
    assert_eq!(decided(json!({}))["decision"], true, "forgotten");
}

#[test]
fn the_least_trusted_link_counts_whether_the_agent_is_known_or_not() {
    let running = enforcing();
    running.trust(("planner", "delegated"), 45.0, "restricted", 1);
    for known in [false, true] {
        if known {
            running.trust(("bot", "delegated"), 95.0, "trusted", 1);
        }
        let chain = json!({"chain": ["alice", "planner", "bot"]});
        let answer = running.post(SINGLE, &agent(chain));
        assert_eq!(answer["decision"], false);
        assert_eq!(answer["context"]["trust"]["effective_level"], "restricted");
        assert_eq!(
            running.post(SINGLE, &agent(json!({"chain": ["alice", "bot"]})))["decision"],
            true
        );
    }
}

#[test]
fn short_of_enforce_it_permits_and_says_what_it_would_have_said() {
    for (mode, word) in [(Mode::Shadow, "dry_run"), (Mode::Alert, "recommend")] {
        let running = Running::new(Settings { mode, ..Settings::default() }, || 0);
        running.trust(("bot", "delegated"), 20.0, "untrusted", 1);
        let answer = running.post(SINGLE, &agent(json!({})));
        assert_eq!(answer["decision"], true, "{mode:?}");
        assert_eq!(answer["context"]["would"], json!({"decision": false}));
        assert_eq!(answer["context"]["mode"], word);
    }
}

static NOW: AtomicI64 = AtomicI64::new(1_000);

#[test]
fn trust_that_is_too_old_fails_as_its_policy_says() {
    let closed = PolicySpec {
        blueprints: vec!["payer".to_owned()],
        fail: Some(Fail::Closed),
        ..PolicySpec::new("payers", Then::Allow)
    };
    let mut settings = Settings { mode: Mode::Enforce, ..Settings::default() };
    settings.policies.insert(0, Policy::new(closed).unwrap());
    let running = Running::new(settings, || NOW.load(Ordering::Relaxed));
    running.trust(("bot", "delegated"), 20.0, "untrusted", 1);
    let check = |properties: Value, decision: bool, reason: &str| {
        let answer = running.post(SINGLE, &agent(properties));
        let found = (&answer["decision"], &answer["context"]["reason"]);
        assert_eq!(found, (&json!(decision), &json!(reason)), "{answer}");
    };
    let payer = json!({"blueprint": "payer"});
    NOW.fetch_add(30_000, Ordering::Relaxed);
    check(json!({}), false, "policy");
    check(payer.clone(), true, "policy");
    NOW.fetch_add(1, Ordering::Relaxed);
    check(json!({}), true, "stale_trust");
    check(payer.clone(), false, "stale_trust");
    running.point.confirm();
    check(json!({}), false, "policy");
    check(payer, true, "policy");
}
