//! Agents that tell of themselves with the real OpenTelemetry SDK, through a real collector and a genuine Kafka, in both
//! encodings: children before parents, two agents in a trace, one tool call unlike all others. Where no collector can be
//! built, the SDK's own bytes are put on the topic. What is judged rests on shared tables only after an epoch of five
//! minutes: `HABITUS_TEST_OTEL_EPOCH=1 cargo test -p tests --test kafka_otel` waits for it, and demands the one alert.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use schemas::header::OriginHeaders;
use serde_json::Value;
use servers::Collector;
use tests::broker::Broker;
use tests::deployment::Deployment;
use tests::running::Running;
use tests::workspace_root;

const MORE: &str = "[engine]\nlanes = 1\n[input]\nstart = \"earliest\"\nkey = \"any\"\n";
/// Six days within a moment leave the shared tables no time to come down: what is rare rests on shipped priors.
const SHORT: &str = "[budget]\nalerts_per_actor_month = 60\n";
/// Names the long form.
const LONG: &str = "HABITUS_TEST_OTEL_EPOCH";
/// An epoch and a little more.
const EPOCH: Duration = Duration::from_secs(310);
/// How long it takes what was sent to be on the topic, and tables to come down.
const SETTLES: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(120);

/// What the agents say that they sent: the odd call, and each span with its agent, if it is an activity.
struct Sent {
    odd: String,
    agents: BTreeMap<String, Option<String>>,
}

impl Sent {
    fn of(stdout: &[u8]) -> Self {
        let said: Value = serde_json::from_slice(stdout).expect("what was sent");
        let spans = said["spans"].as_object().expect("spans").iter();
        let agents = spans.map(|(id, agent)| (id.clone(), agent.as_str().map(str::to_owned)));
        Self {
            odd: said["odd"].as_str().expect("an odd call").to_owned(),
            agents: agents.collect(),
        }
    }

    /// How many are activities.
    fn n_activities(&self) -> u64 {
        self.agents.values().flatten().count() as u64
    }
}

/// Says once what is done otherwise or left out; only what begins with `skipped: ` counts as a test that did not run.
fn say(what: &str) {
    let _ = writeln!(std::io::stderr(), "{what}");
}

/// Lets the agents work; before each of their last two runs they wait for `next`.
fn agent(python: &std::path::Path, target: &str, mut next: impl FnMut(usize)) -> Sent {
    let program = workspace_root().join("tests/otel/agent.py");
    let mut command = Command::new(python);
    command.arg(program).arg(target).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("the agent starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    let mut said = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let mut last = String::new();
    for number in 0.. {
        last = said.next().expect("what was sent").expect("text");
        if last != "next" {
            break;
        }
        next(number);
        stdin.write_all(b"\n").expect("it goes on");
    }
    assert!(child.wait().expect("an end").success());
    Sent::of(last.as_bytes())
}

/// Checks all that must hold once everything is read; gives each activity's agent.
fn check(deployment: &Deployment, sent: &Sent, case: &str) -> BTreeMap<String, String> {
    let connected = deployment.connected();
    let audit = deployment.audit();
    assert!(audit.is_clean(), "{case}: {audit:#?}");
    let of = |name: &str| audit.inputs.get(deployment.topic(name).as_str()).copied();
    let intake = of("activity.v1").expect("intake");
    println!("{case}: {intake:?}");
    assert_eq!(intake.activities, sent.agents.len() as u64, "{case}: every span is accounted for");
    assert_eq!(intake.scored, sent.n_activities(), "{case}: every activity is handed on");
    assert_eq!((intake.skipped, intake.dead_lettered), (intake.activities - intake.scored, 0));
    assert_eq!(intake.held, intake.released, "{case}: nothing waits");
    let mut agents = BTreeMap::new();
    for record in deployment.read(&connected, "activity.by-agent.v1") {
        let value: Value =
            serde_json::from_slice(record.value.as_deref().expect("a value")).expect("JSON");
        let (id, agent) = (value["id"].as_str(), value["agent"]["id"].as_str());
        let (id, agent) = (id.expect("an id").to_owned(), agent.expect("an agent").to_owned());
        OriginHeaders::decode(&record.headers).expect("an origin");
        assert_eq!(sent.agents[&id].as_ref(), Some(&agent), "{case}: {id}");
        assert_eq!(record.key, Some(format!("default|{agent}").into_bytes()));
        assert_eq!(agents.insert(id, agent), None, "{case}: no span twice");
    }
    assert_eq!(agents.len() as u64, sent.n_activities(), "{case}");
    of_odd(deployment, sent, case);
    agents
}

/// The odd call is among the rarest, and alerted on; in the long form it is the rarest, and the only one.
fn of_odd(deployment: &Deployment, sent: &Sent, case: &str) {
    let connected = deployment.connected();
    let values = |topic: &str| -> Vec<Value> {
        let records = deployment.read(&connected, topic).into_iter();
        records.filter_map(|record| serde_json::from_slice(record.value.as_deref()?).ok()).collect()
    };
    let mut alerts = values("shadow.v1");
    alerts.retain(|value| value["class_uid"] == 2004);
    let mut rarest: Vec<(f64, bool)> = values("findings.v1")
        .iter()
        .filter_map(|finding| {
            let (body, is_odd) = (&finding["body"], finding["body"]["activity_id"] == sent.odd);
            Some((body["return_period_actor_months"].as_f64()?, is_odd))
        })
        .collect();
    rarest.sort_by(|a, b| b.0.total_cmp(&a.0));
    rarest.truncate(3);
    let uids: BTreeSet<&str> =
        alerts.iter().filter_map(|alert| alert["finding_info"]["uid"].as_str()).collect();
    println!(
        "{case}: {} alerts; the rarest, once in so many actor-months, and whether it is the odd one: {rarest:?}",
        uids.len()
    );
    let of_odd = alerts.iter().find(|alert| alert.to_string().contains(&sent.odd));
    let of_odd = of_odd.unwrap_or_else(|| panic!("{case}: no alert of the odd call: {alerts:#?}"));
    assert_eq!(of_odd["unmapped"]["habitus"]["agent_id"], "researcher", "{case}");
    if std::env::var_os(LONG).is_some() {
        assert!(rarest[0].1, "{case}: {rarest:?}");
        assert_eq!(uids.len(), 1, "{case}: {alerts:#?}");
    } else {
        // With priors alone the first use of anything comes near.
        assert!(rarest.iter().any(|(_, is_odd)| *is_odd), "{case}: {rarest:?}");
    }
}

#[test]
fn spans_of_the_sdk_come_through_a_collector_in_both_encodings() {
    let Some(broker) = Broker::shared() else { return };
    let folder = servers::folder(&workspace_root());
    let Some(python) = servers::python_sdk(&folder).expect("the SDK") else {
        return say("skipped: an agent with the OpenTelemetry SDK needs python3");
    };
    let is_long = std::env::var_os(LONG).is_some();
    let more = format!("{MORE}{}", if is_long { "" } else { SHORT });
    let [proto, json] = ["otel-proto", "otel-json"]
        .map(|name| Deployment::new(name, broker.address(), 3, &more).with_http());
    let topics = [&proto, &json].map(|deployment| {
        deployment.connected();
        deployment.topic("activity.v1")
    });
    if let Some(missing) = servers::missing_go() {
        if is_long {
            return say("skipped: an epoch is waited for only with a collector");
        }
        say(&format!("no collector: {missing}; the SDK's own bytes are put on the topic instead"));
        let file = std::env::temp_dir().join(format!("habitus-otel-{}", std::process::id()));
        let sent = agent(&python, &file.to_string_lossy(), |_| {});
        let bytes = std::fs::read(&file).expect("what was exported");
        std::fs::remove_file(&file).expect("a file");
        let (source, mut rest) = (proto.source(), bytes.as_slice());
        while let Some((length, after)) = rest.split_first_chunk::<4>() {
            let (request, after) = after.split_at(u32::from_le_bytes(*length) as usize);
            // A collector would key it by its trace; here all of it goes to one partition.
            source.send("spans", request, None);
            rest = after;
        }
        source.flush();
        proto.output(&["run", "--once"]);
        check(&proto, &sent, "protobuf of the SDK");
        return;
    }
    let collector = Collector::new(&folder, &folder.join(format!("otel-{}", std::process::id())));
    let collector = collector.expect("a folder");
    let [to_proto, to_json] = topics;
    let port = collector.up(broker.address(), [&to_proto, &to_json], None).expect("a collector");
    let both = [&proto, &json];
    let running = is_long.then(|| both.map(|deployment| Running::start(deployment, "run.log")));
    let sent = agent(&python, &format!("http://127.0.0.1:{port}/v1/traces"), |number| {
        if is_long {
            std::thread::sleep(SETTLES);
            both.iter().for_each(|deployment| deployment.await_consumed("run.log", PATIENCE));
            // The first run after the epoch ends it; the second meets its tables.
            std::thread::sleep(if number == 0 { EPOCH } else { SETTLES });
        }
    });
    // Its end sends what it has.
    collector.stop().expect("it ends");
    match running {
        Some(running) => {
            both.iter().for_each(|deployment| deployment.await_consumed("run.log", PATIENCE));
            running.into_iter().for_each(Running::end);
        }
        None => both.iter().for_each(|deployment| drop(deployment.output(&["run", "--once"]))),
    }
    let by_proto = check(&proto, &sent, "protobuf");
    let by_json = check(&json, &sent, "JSON");
    assert_eq!(by_proto, by_json);
    collector.down().expect("it goes");
}
