//! `habitus run` with `[input] key = "any"` on a genuine broker: records under random keys, of agents with many names, some
//! of hundreds of activities, while the process is killed again and again. `HABITUS_LONG=1` makes it ten times as long.

#![expect(clippy::disallowed_methods, reason = "a test of a broker waits in real time")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use schemas::header::OriginHeaders;
use schemas::time::EventTime;
use serde_json::{Value, json};
use tests::Noise;
use tests::broker::Broker;
use tests::deployment::{Deployment, Source};
use tests::running::Running;

/// Kills of the short form, and records in all.
const KILLS: u64 = 20;
const RECORDS: u64 = 10_000;
/// Records that are not to be read, one in so many.
const BROKEN: u64 = 500;
const AGENTS: u64 = 60;

/// A member that comes back under its name finds its partitions as they were: the time between kills is spent on work.
const MORE: &str = "[engine]\nlanes = 1\n[input.client]\n\"session.timeout.ms\" = 6000\n\"heartbeat.interval.ms\" = 500\n\
                    \"group.instance.id\" = \"one\"\n[input]\nstart = \"earliest\"\nkey = \"any\"\n";

fn inventory() -> String {
    let line = |agent| {
        json!({"schema": "agent.inventory/1", "tenant_id": "acme", "agent_id": format!("agent-{agent}"),
               "state": "active", "aliases": [format!("arn:agent-{agent}"), format!("spiffe://agent-{agent}")],
               "blueprint": "office", "owner": {"id": "ops"}})
        .to_string()
            + "\n"
    };
    (0..AGENTS).map(line).collect()
}

fn activity(noise: &mut Noise, number: u64) -> Value {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a clock");
    let now_ms = i64::try_from(now.as_millis()).expect("a time");
    let name = noise.pick(&["agent-", "arn:agent-", "spiffe://agent-"]);
    json!({
        "schema": "agent.activity/1", "id": format!("e{number}"), "tenant_id": "acme",
        "time": EventTime::from_millis(now_ms).expect("a time").rfc3339(),
        "agent": {"id": format!("{name}{}", noise.below(AGENTS))},
        "action": {"type": "tool_call", "operation": noise.pick(&["read", "write", "list"])},
        "destination": {"host": format!("host-{}.example", noise.below(9))},
    })
}

/// Writes records at an even pace over this time; gives their activities, and those of them that cannot be read.
fn load(source: &Source, records: u64, over: Duration) -> (u64, u64) {
    let (mut noise, since) = (Noise(9), Instant::now());
    let (mut number, mut broken) = (0, 0);
    for place in 0..records {
        let n = match place {
            place if place % 1_000 == 7 => 500,
            place if place % 40 == 9 => 2 + noise.below(30),
            _ => 1,
        };
        let mut many: Vec<Value> = (number..number + n).map(|e| activity(&mut noise, e)).collect();
        number += n;
        let bytes = match (place % BROKEN, many.len()) {
            (3, 1) => {
                broken += 1;
                b"{\"schema\": \"agent.activity/1\", ".to_vec()
            }
            (_, 1) => many.remove(0).to_string().into_bytes(),
            _ => json!({"Records": many}).to_string().into_bytes(),
        };
        source.send(&format!("{:016x}", noise.draw()), &bytes, None);
        let due = over.mul_f64(place as f64 / records as f64);
        std::thread::sleep(due.saturating_sub(since.elapsed()));
    }
    source.flush();
    (number, broken)
}

#[test]
fn ten_thousand_records_under_random_keys_survive_twenty_kills() {
    let Some(broker) = Broker::shared() else { return };
    let times = if std::env::var_os("HABITUS_LONG").is_some() { 10 } else { 1 };
    let deployment = Deployment::new("intake", broker.address(), 6, MORE)
        .with_http()
        .with_inventory(&inventory());
    let connected = deployment.connected();
    let mut noise = Noise(4);
    let over = Duration::from_millis(1_800 * KILLS * times);
    let (number, broken) = std::thread::scope(|scope| {
        let source = scope.spawn(|| load(&deployment.source(), RECORDS * times, over));
        for kill in 0..KILLS * times {
            // A log each: where it answers stands at its beginning.
            let running = Running::start(&deployment, &format!("run-{kill}.log"));
            if kill % 4 != 3 {
                running.await_ready();
            }
            std::thread::sleep(Duration::from_millis(noise.below(1_200)));
            assert_eq!(running.get("/healthz").0, 200, "it lives until it is killed");
            drop(running);
        }
        source.join().expect("the source ends")
    });
    deployment.output(&["run", "--once"]);

    let audit = deployment.audit();
    assert!(audit.is_clean(), "{audit:#?}");
    let of = |name: &str| audit.inputs.get(deployment.topic(name).as_str()).copied();
    let intake = of("activity.v1").expect("intake");
    let observe = of("activity.by-agent.v1").expect("observe");
    println!(
        "{} records of {number} activities, {} kills: {} takeovers, {} ranges; intake {intake:?}, observe {observe:?}",
        RECORDS * times,
        KILLS * times,
        audit.takeovers,
        audit.ranges
    );
    assert_eq!((intake.records, intake.activities), (RECORDS * times, number));
    assert_eq!((intake.scored, intake.dead_lettered), (number - broken, broken));
    assert_eq!((observe.scored, observe.activities), (number - broken, number - broken));
    // Each takeover is one of a partition: the kills came at work, not before it began.
    assert!(audit.takeovers > 6 * KILLS * times, "{} takeovers", audit.takeovers);

    let (mut places, mut ids, mut origins) = (BTreeMap::new(), BTreeSet::new(), BTreeSet::new());
    for record in deployment.read(&connected, "activity.by-agent.v1") {
        let value: Value =
            serde_json::from_slice(record.value.as_deref().expect("a value")).expect("JSON");
        let agent = value["agent"]["id"].as_str().expect("an agent").to_owned();
        assert!(agent.starts_with("agent-"), "{agent} is an alias");
        assert_eq!(record.key, Some(format!("acme|{agent}").into_bytes()));
        assert_eq!(*places.entry(agent).or_insert(record.at.partition), record.at.partition);
        let id = value["id"].as_str().expect("an id").to_owned();
        assert!(ids.insert(id.clone()), "{id} is doubled");
        let origin = OriginHeaders::decode(&record.headers).expect("an origin");
        assert!(origins.insert((origin.partition, origin.offset, origin.index)));
    }
    assert_eq!((places.len() as u64, ids.len() as u64), (AGENTS, number - broken));
    assert!(places.values().collect::<BTreeSet<_>>().len() > 1, "agents are spread");
    assert_eq!(deployment.read(&connected, "activity.dlq.v1").len() as u64, broken);
    let verified = deployment.output(&["state", "verify"]);
    assert!(String::from_utf8_lossy(&verified.stdout).contains(" 0 problems"));
}
