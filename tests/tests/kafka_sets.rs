//! Security event tokens of `habitus run` on a genuine broker: a receiver that is down, a process that is killed
//! meanwhile, and what stands on the topic arrives whole, byte for byte.
#![expect(clippy::disallowed_methods, reason = "a test of a broker waits in real time")]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::Value;
use tests::broker::Broker;
use tests::deployment::Deployment;
use tests::receiver::{Expects, Receiver, by_id};
use tests::running::Running;
use tests::{lines_of, workspace_root};

const ISSUER: &str = "https://habitus.acme.example";
const AUDIENCE: &str = "https://idp.acme.example/ssf";
const PATIENCE: Duration = Duration::from_secs(120);
/// Parts in which the events come.
const STAGES: usize = 6;
/// Seconds without a receiver; a minute where this is named, so that the suite stays short.
const OUTAGE: &str = "HABITUS_TEST_OUTAGE_S";

fn expects() -> Expects {
    let keys = workspace_root().join("sinks/tests/keys");
    let signing = sinks::Signing::load(&[keys.join("rsa.pem"), keys.join("ec.pem")]);
    Expects {
        jwks: signing.expect("keys").jwks(),
        issuer: ISSUER.to_owned(),
        audience: AUDIENCE.to_owned(),
        authorization: None,
    }
}

/// A deployment that enforces, with two receivers: one is pushed to, one reads the topic.
fn deployment(address: &str, port: u16) -> Deployment {
    let keys = workspace_root().join("sinks/tests/keys");
    let (rsa, ec) = (keys.join("rsa.pem"), keys.join("ec.pem"));
    let events = "events = [\"risk-level-change\", \"session-revoked\", \"credential-change\"]";
    let more = format!(
        "[input]\nstart = \"earliest\"\naccept_create_time = true\n\
         [input.client]\n\"session.timeout.ms\" = 3000\n\"heartbeat.interval.ms\" = 500\n\
         [sets]\nissuer = \"{ISSUER}\"\nkeys = [{rsa:?}, {ec:?}]\n\
         [[receiver]]\nid = \"idp\"\naudience = \"{AUDIENCE}\"\n{events}\nurl = \"http://127.0.0.1:{port}/events\"\n\
         [[receiver]]\nid = \"gateway\"\naudience = \"{AUDIENCE}\"\nalgorithm = \"ES256\"\n"
    );
    let deployment = Deployment::new("sets", address, 4, &more).with_http();
    let path = deployment.config_path();
    let text = std::fs::read_to_string(&path).expect("a config file");
    let text = text.replacen("version = 1", "version = 1\nmode = \"enforce\"", 1);
    std::fs::write(path, text).expect("a config file");
    deployment
}

/// The tokens on the topic, by receiver and id.
fn on_topic(deployment: &Deployment) -> BTreeMap<String, BTreeMap<String, String>> {
    let mut all: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for record in deployment.read(&deployment.connected(), "revocations.set.v1") {
        let header = |name: &str| {
            let found = record.headers.iter().find(|(known, _)| known == name);
            String::from_utf8(found.expect("a header").1.clone()).expect("a text")
        };
        assert_eq!(header("content-type"), "application/secevent+jwt");
        let token = String::from_utf8(record.value.clone().expect("a token")).expect("a text");
        let of = all.entry(header("habitus-receiver")).or_default();
        // A request that nobody acknowledges is sent a second time: the same token.
        let id = header("ce_id");
        let before = of.insert(id.clone(), token.clone());
        assert!(before.is_none_or(|before| before == token), "{id} stands there with other bytes");
    }
    all
}

#[test]
fn an_outage_and_a_kill_lose_no_token_and_change_none() {
    let Some(broker) = Broker::shared() else { return };
    let outage = std::env::var(OUTAGE).ok().and_then(|text| text.parse().ok()).unwrap_or(6);
    let outage = Duration::from_secs(outage);
    let port = Receiver::honest(0, expects()).port();
    let deployment = deployment(broker.address(), port);
    deployment.make_input_with_create_time();
    let events = scenario::generate(7);
    let (source, lines) = (deployment.source(), lines_of(&events));
    // The receiver is down from the first token on, and the process is killed in between.
    let running = Running::start(&deployment, "run.log");
    // Days that pass in a second leave no time for tables to come down: each stage knows what the ones before taught.
    for stage in lines.chunks(lines.len().div_ceil(STAGES)) {
        stage.iter().for_each(|event| source.send_event(event, true));
        source.flush();
        deployment.await_consumed("run.log", PATIENCE);
    }
    std::thread::sleep(outage / 2);
    drop(running);
    let running = Running::start(&deployment, "more.log");
    std::thread::sleep(outage / 2);
    let receiver = Receiver::honest(port, expects());
    let since = Instant::now();
    let tokens = loop {
        let (tokens, pushed) = (on_topic(&deployment), by_id(&receiver.pushed()));
        if tokens.get("idp") == Some(&pushed) {
            break tokens;
        }
        let on_topic = tokens.get("idp").map_or(0, BTreeMap::len);
        let log = || deployment.log("more.log");
        assert!(since.elapsed() < PATIENCE, "{} of {on_topic}: {}", pushed.len(), log());
        std::thread::sleep(Duration::from_secs(1));
    };
    running.end();
    let expected = &tokens["idp"];
    let pushed = receiver.pushed();
    assert_eq!(by_id(&pushed), *expected, "byte for byte");
    assert!(pushed.iter().all(|push| push.status == 202), "the receiver verified every one");
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for push in &pushed {
        assert_eq!(push.claims["aud"], AUDIENCE);
        let event = push.claims["events"].as_object().and_then(|events| events.keys().next());
        *kinds
            .entry(event.and_then(|uri| uri.rsplit('/').next()).expect("an event"))
            .or_default() += 1;
    }
    assert!(kinds.contains_key("risk-level-change"), "{kinds:?}");
    println!("{} tokens, {} pushes: {kinds:?}", expected.len(), pushed.len());
    // Who only reads the topic has its own, with the other algorithm and under other ids.
    let gateway = tokens.get("gateway").expect("tokens");
    assert!(gateway.keys().all(|id| id.ends_with(".gateway")));
    let header = |token: &String| {
        let head = token.split('.').next().expect("a header");
        let bytes = data_encoding::BASE64URL_NOPAD.decode(head.as_bytes()).expect("base64url");
        serde_json::from_slice::<Value>(&bytes).expect("JSON")["alg"].clone()
    };
    assert!(gateway.values().all(|token| header(token) == "ES256"));
    assert!(expected.values().all(|token| header(token) == "RS256"));
    // The tokens are what the folds make of the log, and nothing is left to be sent.
    let audit = deployment.audit();
    assert!(audit.is_clean(), "{audit:#?}");
    let running = Running::start(&deployment, "again.log");
    running.await_ready();
    std::thread::sleep(Duration::from_secs(5));
    running.end();
    assert_eq!(receiver.pushed().len(), pushed.len(), "what is delivered is not sent again");
}
