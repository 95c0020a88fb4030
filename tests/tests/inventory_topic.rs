//! The inventory as a topic, on the simulator: what holds is told to every lane once and in one order, what does not is refused
//! once, killed at any step; what is in force is what control says, compacted or not, and the auditor finds the same.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use alerting::intake::{Authors, Grant};
use alerting::{SIGNATURE_HEADER, Secret};
use bus::memory::{Fault, FaultPlan};
use detector::Inventory;
use schemas::EventTime;
use schemas::header::DeadLetterHeaders;
use serde_json::{Value, json};
use stream::Lists;
use tests::{Noise, Simulated};

const CONFIG: &str = "inventory.topic = true\noutput.shadow = true\n[kafka]\nprefix = \"t.\"\npartitions = 3\n\
                      findings_partitions = 2\n[input]\nstart = \"earliest\"\nkey = \"any\"\n[[source]]\ntopic = \"gateway\"\n";
const TOPIC: &str = "t.inventory.v1";
const SECRET: &str = "0123456789abcdef0123456789abcdef";

fn entry(id: &str, aliases: &[&str]) -> Value {
    let mut entry = json!({"schema": "agent.inventory/1", "tenant_id": "acme", "agent_id": id, "state": "active",
                           "owner": {"id": "ops"}});
    if !aliases.is_empty() {
        entry["aliases"] = json!(aliases);
    }
    entry
}

fn claim() -> Value {
    json!({"schema": "agent.inventory-complete/1", "tenant_id": "acme"})
}

fn publish(run: &Simulated, key: &str, value: Option<&[u8]>) {
    run.write_with(TOPIC, 0, Some(key), (value, &[]));
    run.memory.advance(700);
}

fn register(run: &Simulated, key: &str, value: &Value) {
    publish(run, key, Some(value.to_string().as_bytes()));
}

/// What is in force at last.
fn inventory(run: &Simulated) -> Arc<Inventory> {
    let (_, newest) = run.snapshots().pop_last().expect("that of the beginning");
    newest.inventory.expect("a topic says it")
}

/// Names that lead to an agent, and claims.
fn names(inventory: &Inventory) -> BTreeMap<String, String> {
    let known = inventory.agents().flat_map(|entry| {
        let names = std::iter::once(&entry.agent_id).chain(&entry.aliases);
        names.map(|name| (name.clone(), entry.agent_id.clone()))
    });
    let claims = inventory.complete().iter().map(|tenant| (tenant.clone(), "complete".to_owned()));
    let names: BTreeMap<String, String> = known.chain(claims).collect();
    for (name, id) in names.iter().filter(|(_, id)| *id != "complete") {
        assert_eq!(inventory.find("acme", name).map(|found| &found.agent_id), Some(id), "{name}");
    }
    names
}

/// How often each code stands in the dead letters.
fn refused(run: &Simulated) -> BTreeMap<&'static str, u64> {
    let mut codes = BTreeMap::new();
    for letter in run.read("t.activity.dlq.v1") {
        let reason = DeadLetterHeaders::decode(&letter.headers).expect("a reason");
        assert_eq!(&*reason.topic, TOPIC);
        for told in [&reason.message, &reason.path] {
            assert!(!told.contains("canary"), "{told}");
        }
        *codes.entry(reason.code.as_str()).or_default() += 1;
    }
    codes
}

fn filled() -> Simulated {
    let run = Simulated::new(1, CONFIG, Lists::default()).following_control();
    let say = |key: &str, value: Value| register(&run, key, &value);
    say("acme|bot", entry("bot", &["arn:bot"]));
    say("acme|clerk", entry("clerk", &[]));
    // Nothing new; a name that another one has until it gives it away.
    say("acme|bot", entry("bot", &["arn:bot"]));
    say("acme|clerk", entry("clerk", &["arn:bot"]));
    say("acme|bot", entry("bot", &[]));
    say("acme|clerk", entry("clerk", &["arn:bot"]));
    say("acme", claim());
    say("acme|egg", entry("egg", &[]));
    publish(&run, "acme|egg", None);
    publish(&run, "acme|nobody", None);
    // What is none.
    say("acme|other", entry("canary", &[]));
    say("acme|", claim());
    publish(&run, "acme|", None);
    say("acme|x", json!({"schema": "agent.feedback/1"}));
    let changed = |field: &str, value: Value| {
        let mut entry = entry("x", &[]);
        entry[field] = value;
        entry
    };
    say("acme|x", changed("state", "canary".into()));
    say("acme|x", changed("canary", 1.into()));
    say("acme|x", changed("version", "canary".repeat(20_000).into()));
    let mut lacking = entry("x", &[]);
    lacking.as_object_mut().expect("an object").remove("state");
    say("acme|x", lacking);
    publish(&run, "acme|x", Some(b"{\"canary\":"));
    publish(&run, "acme|x", Some(b"\"canary\xff\""));
    publish(&run, "acme|x", Some(b""));
    run
}

#[test]
fn a_registration_holds_once_or_is_refused_once_at_any_kill() {
    let codes = [
        ("empty_value", 1),
        ("invalid_field", 3),
        ("invalid_json", 1),
        ("invalid_utf8", 1),
        ("miskeyed", 3),
        ("missing_field", 1),
        ("too_large", 1),
        ("unsupported_schema", 1),
    ];
    let held = [("acme", "complete"), ("arn:bot", "clerk"), ("bot", "bot"), ("clerk", "clerk")];
    let held: BTreeMap<String, String> =
        held.map(|(name, of)| (name.to_owned(), of.to_owned())).into();
    let check = |mut run: Simulated, case: &str| {
        run.finish(1).unwrap_or_else(|error| panic!("{case}: {error}"));
        assert_eq!(refused(&run), codes.into(), "{case}");
        assert_eq!(names(&inventory(&run)), held, "{case}");
        assert_eq!(run.read("t.control.v1").len(), 7, "{case}: each change is told once");
        let audit = run.audit();
        assert!(audit.is_clean(), "{case}: {audit:#?}");
        let counts = audit.inputs[TOPIC];
        assert_eq!((counts.scored, counts.duplicate, counts.dead_lettered), (7, 2, 12), "{case}");
        run.memory.steps()
    };
    let calm = filled();
    calm.memory.plan(FaultPlan::none().only("lane"));
    let steps = check(calm, "calm");
    for n in 0..steps {
        for fault in [Fault::KillBefore, Fault::KillAfter] {
            let run = filled();
            run.memory.plan(FaultPlan::none().at(n, fault).only("lane"));
            check(run, &format!("{fault:?} at step {n}"));
        }
    }
    println!("killed before and after each of {steps} steps");
}

#[test]
fn where_authors_sign_only_who_may_register_is_believed() {
    let config = format!(
        "{CONFIG}[[author]]\nname = \"cmdb\"\nsecret_file = \"f\"\nrights = [\"register\"]\ntenants = [\"acme\"]\n\
         [[author]]\nname = \"carol\"\nsecret_file = \"g\"\nrights = [\"verdict\"]\n"
    );
    let secret = |text: &str| Secret::read(text).expect("a secret").remove(0);
    let (cmdb, carol) = (secret(SECRET), secret(&"c".repeat(32)));
    let grant = |secret: &Secret| Grant { secrets: vec![secret.clone()], ..Grant::default() };
    let authors = Authors::from(
        [("cmdb", &cmdb), ("carol", &carol)].map(|(name, secret)| (name.to_owned(), grant(secret))),
    );
    let lists = Lists { authors: Arc::new(authors), ..Lists::default() };
    let mut run = Simulated::new(1, &config, lists).following_control();
    let say = |key: &str, value: Option<&Value>, by: Option<(&Secret, &[u8])>| {
        let value = value.map(|value| value.to_string().into_bytes());
        let headers: Vec<_> = by
            .map(|(secret, bytes)| (SIGNATURE_HEADER.to_owned(), secret.sign(bytes).into_bytes()))
            .into_iter()
            .collect();
        run.write_with(TOPIC, 0, Some(key), (value.as_deref(), &headers));
    };
    let [bot, egg] = ["bot", "egg"].map(|id| entry(id, &[]));
    let bytes = |value: &Value| value.to_string().into_bytes();
    say("acme|bot", Some(&bot), Some((&cmdb, &bytes(&bot))));
    say("acme|egg", Some(&egg), Some((&cmdb, &bytes(&egg))));
    say("acme|egg", None, Some((&cmdb, b"acme|egg")));
    // Not signed, signed for something else, by somebody else, for another tenant.
    say("acme|bot", None, None);
    say("acme|bot", None, Some((&cmdb, b"acme|egg")));
    say("acme|bot", None, Some((&cmdb, b"")));
    say("acme", Some(&claim()), Some((&cmdb, &bytes(&bot))));
    say("acme|bot", None, Some((&carol, b"acme|bot")));
    let mut foreign = entry("bot", &[]);
    foreign["tenant_id"] = "globex".into();
    say("globex|bot", Some(&foreign), Some((&cmdb, &bytes(&foreign))));
    run.finish(1).expect("it ends");
    assert_eq!(names(&inventory(&run)), [("bot".to_owned(), "bot".to_owned())].into());
    assert_eq!(refused(&run), [("bad_signature", 4), ("not_permitted", 2)].into());
    assert!(run.audit().is_clean(), "{:#?}", run.audit());
}

fn activity(id: &str, agent: &str, session: &str, now_ms: i64) -> Value {
    json!({
        "schema": "agent.activity/1", "id": id, "tenant_id": "acme",
        "time": EventTime::from_millis(now_ms).expect("a time").rfc3339(),
        "agent": {"id": agent}, "session": {"id": session},
        "action": {"type": "tool_call", "operation": "read"},
    })
}

/// Which of the log's activities the inventory accused.
fn accused(run: &Simulated) -> BTreeSet<String> {
    let findings = run.read("t.findings.v1").into_iter().filter_map(|record| record.value);
    let values = findings.map(|value| serde_json::from_slice::<Value>(&value).expect("JSON"));
    let verdicts = values.filter(|finding| finding["body"]["kind"] == "verdict");
    let accused = verdicts.filter(|finding| {
        let shares = finding["body"]["contributions"].as_array().expect("contributions");
        shares.iter().any(|share| share["signal"] == "inventory")
    });
    accused
        .map(|finding| finding["body"]["activity_id"].as_str().expect("an id").to_owned())
        .collect()
}

#[test]
fn what_changes_while_agents_work_is_judged_from_then_on() {
    let mut run = Simulated::new(2, CONFIG, Lists::default()).following_control();
    let act = |run: &Simulated, id: &str, agent: &str| {
        let event = activity(id, agent, id, run.memory.now_ms());
        run.write("gateway", 0, None, event.to_string().as_bytes());
        run.memory.advance(60_000);
    };
    let calm: Vec<String> = (0..40).map(|number| format!("calm-{number}")).collect();
    calm.iter().for_each(|id| act(&run, id, "bot"));
    run.finish(1).expect("it ends");
    assert_eq!(
        accused(&run),
        BTreeSet::new(),
        "nobody is registered, and nobody says that all are"
    );
    register(&run, "acme|bot", &entry("bot", &["arn:bot"]));
    register(&run, "acme", &claim());
    run.finish(1).expect("it ends");
    for (id, agent) in [("own", "bot"), ("alias", "arn:bot"), ("stray-1", "stray")] {
        act(&run, id, agent);
    }
    run.finish(1).expect("it ends");
    let expected = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(accused(&run), expected(&["stray-1"]));
    register(&run, "acme|stray", &entry("stray", &[]));
    run.finish(1).expect("it ends");
    act(&run, "listed", "stray");
    run.finish(1).expect("it ends");
    assert_eq!(accused(&run), expected(&["stray-1"]), "registered");
    publish(&run, "acme|stray", None);
    run.finish(1).expect("it ends");
    act(&run, "stray-2", "stray");
    act(&run, "alias-2", "arn:bot");
    run.finish(1).expect("it ends");
    assert_eq!(accused(&run), expected(&["stray-1", "stray-2"]));
    let keys = run.read("t.activity.by-agent.v1").into_iter().filter_map(|record| record.key);
    assert!(!keys.into_iter().any(|key| key == b"acme|arn:bot"), "under its own id");
    let audit = run.audit();
    assert!(audit.is_clean(), "{audit:#?}");
}

#[test]
fn random_faults_and_compaction_change_nothing_of_what_is_in_force() {
    const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
    let (mut restarts, mut changes, mut taken) = (0, 0, 0);
    for seed in 0..40 {
        let mut run = Simulated::new(seed, CONFIG, Lists::default()).following_control();
        let (mut noise, mut model) = (Noise(seed), BTreeMap::<&str, Vec<&str>>::new());
        let faults = FaultPlan::none()
            .randomly(12, Fault::KillBefore)
            .randomly(12, Fault::KillAfter)
            .randomly(150, Fault::LoseReply)
            .randomly(150, Fault::LoseRequest)
            .randomly(15, Fault::Rebalance)
            .randomly(8, Fault::Kick)
            .at_most(12);
        run.memory.plan(faults.only("lane"));
        for number in 0..40 {
            let agent = noise.pick(&NAMES);
            if noise.below(2) == 0 {
                let event =
                    activity(&format!("e{number}"), agent, "s", run.memory.now_ms()).to_string();
                run.write("gateway", noise.below(3) as u32, None, event.as_bytes());
            } else if noise.below(4) == 0 {
                model.remove(agent);
                publish(&run, &format!("acme|{agent}"), None);
            } else {
                let n_aliases = noise.below(3);
                let aliases: Vec<&str> = (0..n_aliases).map(|_| noise.pick(&NAMES)).collect();
                register(&run, &format!("acme|{agent}"), &entry(agent, &aliases));
                let mut own: BTreeSet<&str> = aliases.iter().copied().collect();
                let is_sound = own.insert(agent) && own.len() == aliases.len() + 1;
                let mut others = model.iter().filter(|(other, _)| **other != agent);
                let is_free = !others.any(|(other, names)| {
                    own.contains(other) || names.iter().any(|name| own.contains(name))
                });
                if is_sound && is_free {
                    model.insert(agent, aliases);
                }
                taken += u64::from(!is_free);
            }
            run.memory.advance(noise.below(30_000));
            if number % 13 == 12 {
                run.finish(1 + (seed % 2) as usize).unwrap_or_else(|e| panic!("seed {seed}: {e}"));
            }
        }
        run.finish(1).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        let audit = run.audit();
        assert!(audit.is_clean(), "seed {seed}: {audit:#?}");
        let expected: BTreeMap<String, String> = model
            .iter()
            .flat_map(|(id, aliases)| {
                let names = std::iter::once(id).chain(aliases);
                names.map(|name| ((*name).to_owned(), (*id).to_owned()))
            })
            .collect();
        let before = inventory(&run);
        assert_eq!(names(&before), expected, "seed {seed}");
        run.memory.compact("t.control.v1");
        let after = inventory(&run);
        assert!(before.agents().eq(after.agents()), "seed {seed}");
        assert_eq!(before.bytes(), after.bytes(), "seed {seed}");
        (restarts, changes) = (restarts + run.restarts(), changes + audit.inputs[TOPIC].scored);
    }
    println!("40 seeds: {restarts} restarts, {changes} changes, {taken} names taken");
    assert!(restarts > 20 && changes > 100 && taken > 20, "{restarts} {changes} {taken}");
}
