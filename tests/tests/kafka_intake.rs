//! `habitus run` with `[input] key = "any"` on a genuine broker: records under random keys, of agents with many names, one
//! activity each or hundreds, spans that wait for their agent, while the process is killed again and again.
//! `HABITUS_LONG=1` makes it ten times as long.

#![expect(clippy::disallowed_methods, reason = "a test of a broker waits in real time")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use lane::Counts;
use schemas::header::OriginHeaders;
use schemas::time::EventTime;
use serde_json::{Value, json};
use tests::Noise;
use tests::broker::Broker;
use tests::deployment::{Deployment, Source};
use tests::running::Running;

/// Kills of the short form.
const KILLS: u64 = 20;
/// Records that are not to be read, one in so many.
const BROKEN: u64 = 500;
const AGENTS: u64 = 60;

/// A member that comes back under its name finds its partitions as they were: the time between kills is spent on work.
const MORE: &str = "[engine]\nlanes = 1\n[input.client]\n\"session.timeout.ms\" = 6000\n\"heartbeat.interval.ms\" = 500\n\
                    \"group.instance.id\" = \"one\"\n[input]\nstart = \"earliest\"\nkey = \"any\"\n";

/// A record: its key, its bytes, how many activities it tells of, and whether it cannot be read.
struct Made {
    key: String,
    bytes: Vec<u8>,
    n: u64,
    broken: bool,
}

/// Makes the record of this place, whose activities are counted from this number on.
type Make = fn(&mut Noise, u64, u64) -> Made;

fn inventory() -> String {
    let line = |(tenant, agent): (&str, u64)| {
        json!({"schema": "agent.inventory/1", "tenant_id": tenant, "agent_id": format!("agent-{agent}"),
               "state": "active", "aliases": [format!("arn:agent-{agent}"), format!("spiffe://agent-{agent}")],
               "blueprint": "office", "owner": {"id": "ops"}})
        .to_string()
            + "\n"
    };
    // Spans name no tenant.
    ["acme", "default"]
        .into_iter()
        .flat_map(|t| (0..AGENTS).map(move |a| (t, a)))
        .map(line)
        .collect()
}

fn now_ms() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a clock");
    i64::try_from(now.as_millis()).expect("a time")
}

fn name(noise: &mut Noise) -> String {
    let prefix = noise.pick(&["agent-", "arn:agent-", "spiffe://agent-"]);
    format!("{prefix}{}", noise.below(AGENTS))
}

fn activity(noise: &mut Noise, number: u64) -> Value {
    json!({
        "schema": "agent.activity/1", "id": format!("e{number}"), "tenant_id": "acme",
        "time": EventTime::from_millis(now_ms()).expect("a time").rfc3339(),
        "agent": {"id": name(noise)},
        "action": {"type": "tool_call", "operation": noise.pick(&["read", "write", "list"])},
        "destination": {"host": format!("host-{}.example", noise.below(9))},
    })
}

/// Mostly records of one activity, some of many.
fn mostly_single(noise: &mut Noise, place: u64, number: u64) -> Made {
    let n = match place {
        place if place % 1_000 == 7 => 500,
        place if place % 40 == 9 => 2 + noise.below(30),
        _ => 1,
    };
    let mut many: Vec<Value> = (number..number + n).map(|e| activity(noise, e)).collect();
    let broken = place % BROKEN == 3 && n == 1;
    let bytes = match (broken, n) {
        (true, _) => b"{\"schema\": \"agent.activity/1\", ".to_vec(),
        (_, 1) => many.remove(0).to_string().into_bytes(),
        _ => json!({"Records": many}).to_string().into_bytes(),
    };
    Made { key: format!("{:016x}", noise.draw()), bytes, n, broken }
}

/// `Records` of 500, and traces in two batches of 200 spans: calls first, those that name their agents with the second.
fn all_many(noise: &mut Noise, place: u64, number: u64) -> Made {
    let (trace, part) = (place / 3, place % 3);
    if part == 0 {
        let many: Vec<Value> = (number..number + 500).map(|e| activity(noise, e)).collect();
        let bytes = json!({"Records": many}).to_string().into_bytes();
        return Made { key: format!("{:016x}", noise.draw()), bytes, n: 500, broken: false };
    }
    let span = |id: u64, parent: u64, pairs: &[(&str, &str)]| {
        let attribute =
            |(key, text): &(&str, &str)| json!({"key": key, "value": {"stringValue": text}});
        json!({
            "traceId": format!("{:032x}", trace + 1), "spanId": format!("{id:016x}"),
            "parentSpanId": if parent == 0 { String::new() } else { format!("{parent:016x}") },
            "endTimeUnixNano": format!("{}000000", now_ms()),
            "attributes": pairs.iter().map(attribute).collect::<Value>(),
        })
    };
    let runs = 10;
    let call = |id: u64| {
        let tool = [("gen_ai.operation.name", "execute_tool"), ("gen_ai.tool.name", "search")];
        span(id, 1 + id % runs, &tool)
    };
    let spans: Vec<Value> = match part {
        1 => (1_000..1_200).map(call).collect(),
        _ => {
            let run = |id| {
                let name = name(noise);
                let pairs =
                    [("gen_ai.operation.name", "invoke_agent"), ("gen_ai.agent.id", name.as_str())];
                span(id, 0, &pairs)
            };
            let runs: Vec<Value> = (1..=runs).map(run).collect();
            (2_000..2_190).map(call).chain(runs).collect()
        }
    };
    let bytes = json!({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}).to_string();
    Made { key: format!("trace-{trace}"), bytes: bytes.into_bytes(), n: 200, broken: false }
}

/// Writes records at an even pace over this time; gives their activities, and those of them that cannot be read.
fn load(source: &Source, (make, records): (Make, u64), over: Duration) -> (u64, u64) {
    let (mut noise, since) = (Noise(9), Instant::now());
    let (mut number, mut broken) = (0, 0);
    for place in 0..records {
        let made = make(&mut noise, place, number);
        number += made.n;
        broken += u64::from(made.broken);
        source.send(&made.key, &made.bytes, None);
        let due = over.mul_f64(place as f64 / records as f64);
        std::thread::sleep(due.saturating_sub(since.elapsed()));
    }
    source.flush();
    (number, broken)
}

#[test]
fn ten_thousand_records_under_random_keys_survive_twenty_kills() {
    let Some(counts) = survive("intake", (mostly_single, 10_000), 1) else { return };
    assert_eq!(counts.held, 0);
}

#[test]
fn records_of_hundreds_and_spans_that_wait_survive_twenty_kills() {
    let Some(counts) = survive("intake-many", (all_many, 150), 2) else { return };
    assert!(counts.held >= 50 * 200, "{counts:?}");
}

/// Kills the process again and again while records come, and checks what must hold in the end; gives what became of the
/// records at intake.
fn survive(case: &str, (make, records): (Make, u64), tenants: u64) -> Option<Counts> {
    let broker = Broker::shared()?;
    let times = if std::env::var_os("HABITUS_LONG").is_some() { 10 } else { 1 };
    let deployment =
        Deployment::new(case, broker.address(), 6, MORE).with_http().with_inventory(&inventory());
    let connected = deployment.connected();
    let mut noise = Noise(4);
    let over = Duration::from_millis(1_800 * KILLS * times);
    let (number, broken) = std::thread::scope(|scope| {
        let source = scope.spawn(|| load(&deployment.source(), (make, records * times), over));
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
        "{case}: {} records of {number} activities, {} kills: {} takeovers, {} ranges; intake {intake:?}, observe {observe:?}",
        records * times,
        KILLS * times,
        audit.takeovers,
        audit.ranges
    );
    assert_eq!((intake.records, intake.activities), (records * times, number));
    assert_eq!((intake.scored, intake.dead_lettered), (number - broken, broken));
    assert_eq!(intake.held, intake.released, "nothing waits for ever");
    assert_eq!((observe.scored, observe.activities), (number - broken, number - broken));
    // Each takeover is one of a partition: the kills came at work, not before it began.
    assert!(audit.takeovers > 6 * KILLS * times, "{} takeovers", audit.takeovers);

    let (mut places, mut ids, mut origins) = (BTreeMap::new(), BTreeSet::new(), BTreeSet::new());
    for record in deployment.read(&connected, "activity.by-agent.v1") {
        let value: Value =
            serde_json::from_slice(record.value.as_deref().expect("a value")).expect("JSON");
        let agent = value["agent"]["id"].as_str().expect("an agent").to_owned();
        assert!(agent.starts_with("agent-"), "{agent} is an alias");
        let key = format!("{}|{agent}", value["tenant_id"].as_str().unwrap_or("default"));
        assert_eq!(record.key, Some(key.clone().into_bytes()));
        assert_eq!(*places.entry(key).or_insert(record.at.partition), record.at.partition);
        let id = value["id"].as_str().expect("an id").to_owned();
        assert!(ids.insert(id.clone()), "{id} is doubled");
        let origin = OriginHeaders::decode(&record.headers).expect("an origin");
        assert!(origins.insert((origin.partition, origin.offset, origin.index)));
    }
    assert_eq!((places.len() as u64, ids.len() as u64), (tenants * AGENTS, number - broken));
    assert!(places.values().collect::<BTreeSet<_>>().len() > 1, "agents are spread");
    assert_eq!(deployment.read(&connected, "activity.dlq.v1").len() as u64, broken);
    let verified = deployment.output(&["state", "verify"]);
    assert!(String::from_utf8_lossy(&verified.stdout).contains(" 0 problems"));
    Some(intake)
}
