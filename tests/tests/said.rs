//! What is said from outside, and what the clock says, on the simulator: acknowledgements, verdicts and commands stand in the
//! findings once or in the dead letters once, killed at any step; an alert closes although nothing more comes.

use std::collections::{BTreeMap, BTreeSet};

use bus::memory::{Fault, FaultPlan};
use schemas::finding::{Body, Finding, LevelChange, Versions};
use schemas::header::DeadLetterHeaders;
use schemas::trust::Level;
use schemas::{ActorRef, Authority, EventTime, Source};
use serde_json::{Value, json};
use stream::Lists;
use tests::{Simulated, exposition};

const CONFIG: &str = "[kafka]\nprefix = \"t.\"\npartitions = 1\nfindings_partitions = 2\n[input]\nstart = \"latest\"\n\
                      [output]\nshadow = true\n";
const ACK: &str = include_str!("../../schemas/fixtures/revocation-ack.json");
const FEEDBACK: &str = include_str!("../../schemas/fixtures/feedback.json");
const COMMAND: &str = include_str!("../../schemas/fixtures/command.json");

fn time(ms: i64) -> Value {
    EventTime::from_millis(ms).expect("a time").rfc3339().into()
}

/// A record of an example, said now by this tenant.
fn now(run: &Simulated, example: &str, tenant: &str) -> Value {
    let mut said: Value = serde_json::from_str(example).expect("JSON");
    said["time"] = time(run.memory.now_ms());
    said["tenant_id"] = tenant.into();
    if said.get("expires_at").is_some() {
        said["expires_at"] = time(run.memory.now_ms() + 86_400_000);
    }
    said
}

fn value(bytes: Option<&Vec<u8>>) -> Value {
    serde_json::from_slice(bytes.expect("a value")).expect("JSON")
}

fn filled() -> Simulated {
    let run = Simulated::new(1, CONFIG, Lists::default());
    let say = |topic: &str, partition, said: &[u8]| {
        run.write(topic, partition, Some("k"), said);
        run.memory.advance(700);
    };
    for tenant in ["acme", "globex"] {
        say("t.revocations.ack.v1", 0, now(&run, ACK, tenant).to_string().as_bytes());
        say("t.feedback.v1", 1, now(&run, FEEDBACK, tenant).to_string().as_bytes());
        say("t.feedback.v1", 0, now(&run, COMMAND, tenant).to_string().as_bytes());
    }
    // Not what the topic is for, no JSON, said too long ago.
    say("t.revocations.ack.v1", 1, now(&run, FEEDBACK, "acme").to_string().as_bytes());
    say("t.feedback.v1", 1, b"{\"schema\":");
    let mut old = now(&run, ACK, "acme");
    old["time"] = "2020-01-01T00:00:00Z".into();
    say("t.revocations.ack.v1", 0, old.to_string().as_bytes());
    run
}

/// Kinds of findings by tenant, and codes of dead letters, each with how often.
fn left(run: &Simulated) -> BTreeMap<String, u64> {
    let mut left = BTreeMap::new();
    for record in run.read("t.findings.v1") {
        let finding = value(record.value.as_ref());
        let (tenant, kind) = (&finding["tenant_id"], &finding["body"]["kind"]);
        assert_eq!(record.key.as_deref(), tenant.as_str().map(str::as_bytes));
        if kind != "tick" {
            *left.entry(format!("{tenant} {kind}").replace('"', "")).or_default() += 1;
        }
    }
    for letter in run.read("t.activity.dlq.v1") {
        let reason = DeadLetterHeaders::decode(&letter.headers).expect("a reason");
        *left.entry(format!("dead {}", reason.code.as_str())).or_default() += 1;
    }
    left
}

#[test]
fn what_is_said_from_outside_is_found_once_or_refused_once() {
    let mut calm = filled();
    calm.memory.plan(FaultPlan::none().only("lane"));
    calm.finish(1).expect("it ends");
    let steps = calm.memory.steps();
    let expected: BTreeMap<String, u64> = [
        "acme acknowledgement",
        "acme command",
        "acme feedback",
        "globex acknowledgement",
        "globex command",
        "globex feedback",
        "dead invalid_json",
        "dead time_out_of_range",
        "dead unsupported_schema",
    ]
    .map(|kind| (kind.to_owned(), 1))
    .into();
    assert_eq!(left(&calm), expected);
    assert!(calm.audit().is_clean(), "{:#?}", calm.audit());
    for n in 0..steps {
        for fault in [Fault::KillBefore, Fault::KillAfter] {
            let mut run = filled();
            run.memory.plan(FaultPlan::none().at(n, fault).only("lane"));
            run.finish(1).unwrap_or_else(|error| panic!("{fault:?} at {n}: {error}"));
            assert_eq!(left(&run), expected, "{fault:?} at {n}");
            let audit = run.audit();
            assert!(audit.is_clean(), "{fault:?} at {n}: {audit:#?}");
        }
    }
    println!("killed before and after each of {steps} steps");
}

#[test]
fn an_alert_closes_by_the_clock_where_nothing_more_comes() {
    let config = CONFIG.replace("latest", "earliest");
    let mut run = Simulated::new(2, &config, Lists::default());
    for number in 0..400 {
        let mut event = json!({
            "schema": "agent.activity/1", "id": format!("e{number}"), "tenant_id": "acme",
            "time": time(run.memory.now_ms()), "agent": {"id": "bot"},
            "action": {"type": "tool_call", "operation": "read"},
        });
        if number == 399 {
            event["credential"] = json!({"id": "key", "expires_at": "2025-01-01T00:00:00Z"});
            event["outcome"] = json!({"result": "success"});
        }
        run.write("t.activity.v1", 0, Some("acme|bot"), event.to_string().as_bytes());
        run.memory.advance(600_000);
    }
    run.finish(1).expect("it ends");
    let words = |run: &Simulated| -> Vec<String> {
        let all = run.read("t.shadow.v1").into_iter().map(|record| value(record.value.as_ref()));
        let alerts = all.filter(|value| value["class_uid"] == 2004);
        alerts.map(|alert| alert["activity_name"].as_str().expect("a word").to_owned()).collect()
    };
    assert!(words(&run).contains(&"Create".to_owned()), "{:?}", words(&run));
    assert!(!words(&run).contains(&"Close".to_owned()), "{:?}", words(&run));
    run.memory.advance(13 * 3_600_000);
    run.finish_after(1, 90_000).expect("it ends");
    assert!(words(&run).contains(&"Close".to_owned()), "{:?}", words(&run));
    let ticks = run.read("t.findings.v1");
    let ticks = ticks.iter().filter(|r| value(r.value.as_ref())["body"]["kind"] == "tick").count();
    assert!((1..=4).contains(&ticks), "{ticks} ticks");
    let audit = run.audit();
    assert!(audit.is_clean(), "{audit:#?}");
}

#[test]
fn two_tenants_whose_deadlines_fall_on_the_same_millisecond_do_not_wait_for_each_other() {
    let config = CONFIG
        .replace("latest", "earliest")
        .replace("findings_partitions = 2", "findings_partitions = 1");
    let mut run = Simulated::new(3, &config, Lists::default());
    for number in 0..400 {
        for tenant in ["acme", "globex"] {
            let mut event = json!({
                "schema": "agent.activity/1", "id": format!("e{number}"), "tenant_id": tenant,
                "time": time(run.memory.now_ms()), "agent": {"id": "bot"},
                "action": {"type": "tool_call", "operation": "read"},
            });
            if number == 399 {
                event["credential"] = json!({"id": "key", "expires_at": "2025-01-01T00:00:00Z"});
                event["outcome"] = json!({"result": "success"});
            }
            let key = format!("{tenant}|bot");
            run.write("t.activity.v1", 0, Some(&key), event.to_string().as_bytes());
        }
        run.memory.advance(600_000);
    }
    run.finish(1).expect("it ends");
    let closed = |run: &Simulated| -> BTreeSet<String> {
        let all = run.read("t.shadow.v1").into_iter().map(|record| value(record.value.as_ref()));
        let closed = all.filter(|v| v["class_uid"] == 2004 && v["activity_name"] == "Close");
        let tenant = |v: Value| v["unmapped"]["habitus"]["tenant_id"].as_str().map(str::to_owned);
        closed.filter_map(tenant).collect()
    };
    run.memory.advance(13 * 3_600_000);
    // Less than the half minute after which one that was lost is written again.
    run.finish_after(1, 15_000).expect("it ends");
    assert_eq!(closed(&run).into_iter().collect::<Vec<_>>(), ["acme", "globex"]);
}

#[test]
fn a_finding_that_cannot_be_read_is_counted_as_the_dead_letters_of_the_other_folds_are() {
    let mut run = Simulated::new(4, CONFIG, Lists::default());
    run.write("t.findings.v1", 0, Some("acme"), b"no finding");
    run.finish(1).expect("it ends");
    assert_eq!(left_letters(&run), 1);
    let dead = &exposition(&run.metrics.encode().expect("text"))["habitus_dlq_events_total"];
    assert_eq!(dead.value(&[("reason", "invalid_field")]), Some(1.0));
}

fn left_letters(run: &Simulated) -> usize {
    run.read("t.activity.dlq.v1").len()
}

#[test]
fn a_token_that_cannot_be_made_is_counted() {
    let receiver = "[sets]\nissuer = \"https://habitus.acme.example\"\nkeys = [\"gone.pem\"]\n[[receiver]]\n\
                    id = \"idp\"\naudience = \"https://idp.acme.example\"\n";
    let config = format!("mode = \"alert\"\n{CONFIG}{receiver}");
    // The key is not there: what should have been signed by it is nowhere.
    let mut run = Simulated::new(5, &config, Lists::default());
    let now_ms = run.memory.now_ms();
    let change = LevelChange {
        actor: ActorRef {
            tenant_id: "acme".to_owned(),
            agent_id: "bot".to_owned(),
            authority: Authority::Delegated,
        },
        before: Level::Trusted,
        after: Level::Untrusted,
        score: 12.0,
        time: EventTime::from_millis(now_ms).expect("a time"),
    };
    let finding = Finding {
        schema: "agent.finding/1".to_owned(),
        tenant_id: "acme".to_owned(),
        log_time: change.time,
        source: Source { topic_id: "id".to_owned(), partition: 0, offset: 0, ordinal: 0 },
        versions: Versions::default(),
        signed: false,
        body: Body::Level(change),
    };
    run.write("t.findings.v1", 0, Some("acme"), &serde_json::to_vec(&finding).expect("JSON"));
    run.finish(1).expect("it ends");
    assert_eq!((run.read("t.revocations.set.v1").len(), left_letters(&run)), (0, 0));
    let lost = &exposition(&run.metrics.encode().expect("text"))["habitus_sets_unmade_total"];
    assert_eq!(lost.value(&[("receiver", "idp")]), Some(1.0));
}
