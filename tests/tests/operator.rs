//! The verbs of an operator: what waits is listed, what is said reaches the folds and does what it says, what names
//! nothing is refused. On the simulator, and as the binary on a genuine broker.

use std::process::Output;
use std::sync::Arc;

use alerting::Secret;
use bus::memory::Memory;
use operator::{By, Console, ConsoleError, Request};
use schemas::EventTime;
use schemas::command::CommandAction;
use schemas::feedback::{FeedbackVerdict, Scope};
use schemas::header::DeadLetterHeaders;
use schemas::reject::ErrorCode;
use serde_json::{Value, json};
use stream::Lists;
use tests::Simulated;
use tests::broker::Broker;
use tests::deployment::{Deployment, finished};

const CONFIG: &str = "mode = \"alert\"\n[kafka]\nprefix = \"t.\"\npartitions = 1\nfindings_partitions = 2\n\
                      [input]\nstart = \"earliest\"\n";
/// Asks for what only a person may do at once: it waits.
const POLICY: &str = "[[policy]]\nid = \"drill\"\nthen = \"revoke_sessions\"\n";
const QUIET: u32 = 400;
/// A name that would clear a terminal.
const BOT: &str = "bot\u{1b}[2J";

fn time(ms: i64) -> EventTime {
    EventTime::from_millis(ms).expect("a time")
}

/// An activity for a person; a strange one is done with a credential that had expired, which is a hard indicator.
fn event(number: u32, time_ms: i64, is_strange: bool) -> Value {
    let mut event = json!({
        "schema": "agent.activity/1", "id": format!("e{number}"), "tenant_id": "acme",
        "time": time(time_ms).rfc3339(), "agent": {"id": BOT},
        "delegation": {"mode": "delegated", "subject": {"id": "alice"}, "chain": [{"id": "alice"}, {"id": BOT}]},
        "action": {"type": "tool_call", "operation": "read"},
    });
    if is_strange {
        event["credential"] = json!({"id": "key", "expires_at": "2025-01-01T00:00:00Z"});
        event["outcome"] = json!({"result": "success"});
    }
    event
}

struct Drill {
    run: Simulated,
    number: u32,
}

impl Drill {
    /// An agent that did the same for days, and then used a credential that had expired.
    fn new() -> Self {
        let mut drill = Self {
            run: Simulated::new(5, &format!("{CONFIG}{POLICY}"), Lists::default()),
            number: 0,
        };
        drill.act(QUIET, false);
        drill.act(3, true);
        drill
    }

    fn act(&mut self, count: u32, is_strange: bool) {
        for _ in 0..count {
            let event = event(self.number, self.run.memory.now_ms(), is_strange);
            let key = format!("acme|{BOT}");
            self.run.write("t.activity.v1", 0, Some(&key), event.to_string().as_bytes());
            self.run.memory.advance(600_000);
            self.number += 1;
        }
        self.run.finish(1).expect("it ends");
    }

    fn console(&self) -> Console<Memory> {
        let (config, problems) = config::parse(&format!("{CONFIG}{POLICY}"));
        Console::new(self.run.memory.clone(), &config.unwrap_or_else(|| panic!("{problems:?}")))
    }

    fn by(&self) -> By {
        By {
            author: "carol".to_owned(),
            comment: None,
            tenant: None,
            time: time(self.run.memory.now_ms()),
            force: false,
            secret: None,
        }
    }

    fn requests(&self, state: &str) -> Vec<Request> {
        let all = self.console().requests(None).expect("the cases can be read").into_iter();
        all.filter(|request| request.asked.state.as_str() == state).collect()
    }

    /// The request that waits and takes most away.
    fn waiting(&self) -> Request {
        let waiting = self.requests("waiting").into_iter();
        waiting.max_by_key(|r| rank(&r.json())).expect("a request that waits")
    }

    /// The values of a topic.
    fn values(&self, topic: &str) -> Vec<Value> {
        let records = self.run.read(topic).into_iter();
        records.map(|r| serde_json::from_slice(&r.value.expect("a value")).expect("JSON")).collect()
    }

    fn command(&mut self, action: CommandAction, target: &str) {
        self.console().command(action, target, &self.by()).expect("it is said");
        self.run.memory.advance(1_000);
        self.run.finish(1).expect("it ends");
    }
}

/// What revokes comes before what only restricts.
fn rank(request: &Value) -> bool {
    let action = request["request"]["action"].as_str().unwrap_or_default();
    action.starts_with("revoke_") || action == "suspend_agent"
}

fn why(result: Result<operator::Written, ConsoleError>) -> String {
    match result {
        Err(ConsoleError::Misuse(why)) => why,
        other => panic!("expected to be refused, got {other:?}"),
    }
}

#[test]
fn what_waits_is_approved_acted_on_and_its_alert_closed() {
    let mut drill = Drill::new();
    let waiting = drill.waiting();
    assert!(rank(&waiting.json()), "{}", waiting.text());
    let text = waiting.text();
    assert!(text.contains("on behalf of alice") && text.contains("waiting"), "{text}");
    assert!(!text.contains('\u{1b}') && text.contains("bot\\u{1b}[2J"), "{text}");
    let id = waiting.asked.request.request_id.clone();
    drill.command(CommandAction::Approve, &id);
    assert_eq!(drill.requests("superseded").len(), 1);
    let sent = drill.values("t.revocations.v1");
    let sent = sent.iter().find(|r| r["initiating_entity"] == "admin").expect("it leaves");
    // What was held back never left: there is nothing that it supersedes.
    assert_eq!((&sent["mode"], &sent["supersedes"]), (&json!("enforce"), &json!(null)));
    let asked = drill.requests("asked");
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].asked.request.request_id, sent["request_id"]);
    let again = drill.console().command(CommandAction::Approve, &id, &drill.by());
    assert!(why(again).contains("it is superseded"));
    let ack = json!({
        "schema": "agent.revocation-ack/1", "request_id": sent["request_id"], "tenant_id": "acme",
        "time": drill.by().time.rfc3339(), "status": "acted",
    });
    drill.run.write("t.revocations.ack.v1", 0, Some("acme|bot"), ack.to_string().as_bytes());
    drill.run.finish(1).expect("it ends");
    assert_eq!(drill.requests("done").len(), 1);
    let alert_id = waiting.asked.request.cause.alert_id.expect("an alert");
    let alerts = drill.values("t.alerts.v1");
    let last = alerts.iter().rfind(|alert| alert["finding_info"]["uid"] == alert_id.as_str());
    let last = last.expect("the alert");
    assert_eq!((&last["activity_id"], &last["status_id"]), (&json!(3), &json!(4)));
    assert!(drill.run.audit().is_clean());
}

#[test]
fn what_is_denied_waits_no_more_and_nothing_unknown_is_said() {
    let mut drill = Drill::new();
    let id = drill.waiting().asked.request.request_id;
    drill.command(CommandAction::Deny, &id);
    assert_eq!(drill.requests("denied")[0].asked.request.request_id, id);
    let outcomes = drill.values("t.decisions.v1");
    let denied = outcomes.iter().find(|d| d["outcome"] == "denied").expect("it is told");
    assert_eq!(
        (&denied["said"]["target"], &denied["said"]["author"]),
        (&json!(id), &json!("carol"))
    );
    let n_said = drill.values("t.feedback.v1").len();
    let (console, by) = (drill.console(), drill.by());
    let unknown = console.command(CommandAction::Restore, "nothing", &by);
    assert!(why(unknown).contains("find a request nothing"));
    let elsewhere = By { tenant: Some("globex".to_owned()), ..by.clone() };
    assert!(why(console.command(CommandAction::Deny, &id, &elsewhere)).contains("find a request"));
    // Forced, it still needs a tenant, and is still checked as intake checks it.
    let forced = By { force: true, ..by.clone() };
    assert!(why(console.command(CommandAction::Deny, "nothing", &forced)).contains("--tenant"));
    let nobody = By { author: String::new(), tenant: Some("acme".to_owned()), ..forced.clone() };
    assert!(why(console.command(CommandAction::Deny, "nothing", &nobody)).contains("/author"));
    let everybody = console.silence(Scope::default(), time(by.time.millis() + 1), &nobody);
    assert!(why(everybody).contains("/author"));
    assert_eq!(drill.values("t.feedback.v1").len(), n_said, "nothing is written");
    let forced = By { tenant: Some("acme".to_owned()), ..forced };
    console.command(CommandAction::Deny, "nothing", &forced).expect("it is said");
    assert_eq!(drill.values("t.feedback.v1").len(), n_said + 1);
}

#[test]
fn where_the_config_names_authors_only_what_they_sign_is_taken() {
    let author = "[[author]]\nname = \"carol\"\nrights = [\"approve\"]\nsecret_file = \"k\"\n";
    let text = format!("{CONFIG}{POLICY}{author}");
    let (config, problems) = config::parse(&text);
    let config = config.unwrap_or_else(|| panic!("{problems:?}"));
    let secret = |byte: &str| Secret::read(&byte.repeat(32)).expect("a secret").remove(0);
    let authors = config.authors().iter().map(|a| (a.name.clone(), a.grant(vec![secret("k")])));
    let lists = Lists { authors: Arc::new(authors.collect()), ..Lists::default() };
    let mut run = Simulated::new(6, &text, lists);
    let console = Console::new(run.memory.clone(), &config);
    let by = By {
        author: "carol".to_owned(),
        comment: None,
        tenant: Some("acme".to_owned()),
        time: time(run.memory.now_ms()),
        force: true,
        secret: None,
    };
    let say = |by: &By| console.command(CommandAction::Deny, "rr-1", by);
    assert!(why(say(&by)).contains("--key-file"));
    let signed = By { secret: Some(secret("k")), ..by.clone() };
    assert!(why(say(&By { author: "dave".to_owned(), ..signed.clone() })).contains("signature"));
    let restore = console.command(CommandAction::Restore, "rr-1", &signed);
    assert!(why(restore).contains("let this author restore"));
    let written = say(&signed).expect("it is said");
    // Whether the secret is the author's only intake can tell; an unsigned record it knows by itself.
    say(&By { secret: Some(secret("x")), ..signed }).expect("it is written");
    let unsigned = written.record.to_string();
    run.write("t.feedback.v1", 0, Some("acme"), unsigned.as_bytes());
    run.finish(1).expect("it ends");
    let values = |topic: &str| -> Vec<Value> {
        let all = run.read(topic).into_iter().filter_map(|record| record.value);
        all.map(|bytes| serde_json::from_slice(&bytes).expect("JSON")).collect()
    };
    let said = values("t.findings.v1");
    assert_eq!(said.len(), 1);
    assert_eq!(said[0]["signed"], true, "what was decided stands in the entry");
    let outcomes = values("t.decisions.v1");
    assert_eq!(
        (&outcomes[0]["outcome"], &outcomes[0]["said"]["signed"]),
        (&json!("refused"), &json!(true))
    );
    let letters = run.read("t.activity.dlq.v1");
    let code =
        |letter: &bus::Record| DeadLetterHeaders::decode(&letter.headers).expect("a reason").code;
    assert_eq!(letters.iter().map(code).collect::<Vec<_>>(), [ErrorCode::BadSignature; 2]);
    assert!(run.audit().is_clean());
    // Secrets that could not be read are nobody's: intake stays closed.
    let mut run = Simulated::new(7, &text, Lists::default());
    run.write("t.feedback.v1", 0, Some("acme"), unsigned.as_bytes());
    run.finish(1).expect("it ends");
    assert_eq!((run.read("t.findings.v1").len(), run.read("t.activity.dlq.v1").len()), (0, 1));
}

#[test]
fn silences_are_listed_until_they_end() {
    let mut drill = Drill::new();
    let by = By { tenant: Some("acme".to_owned()), ..drill.by() };
    let scope = Scope { agent_id: Some(BOT.to_owned()), ..Scope::default() };
    let until = time(by.time.millis() + 3_600_000);
    let written = drill.console().silence(scope.clone(), until, &by).expect("it is said");
    drill.run.finish(1).expect("it ends");
    let silences = drill.console().silences(None).expect("the cases can be read");
    assert_eq!(silences.len(), 1);
    assert_eq!((&silences[0].0, &silences[0].1.scope), (&"acme".to_owned(), &scope));
    let id = written.record["id"].as_str().expect("an id").to_owned();
    drill.run.memory.advance(1_000);
    drill.command(CommandAction::Unsilence, &id);
    assert!(drill.console().silences(None).expect("the cases can be read").is_empty());
}

#[test]
fn a_verdict_holds_for_the_alerts_actor_and_leading_signal() {
    let mut drill = Drill::new();
    let alert = drill.values("t.alerts.v1").remove(0);
    let alert_id = alert["finding_info"]["uid"].as_str().expect("an id").to_owned();
    let of = (alert_id.as_str(), FeedbackVerdict::Expected);
    let until = time(drill.by().time.millis() + 86_400_000);
    let unknown = ("nothing", FeedbackVerdict::Unsure);
    let refused = drill.console().feedback(unknown, Scope::default(), until, &drill.by());
    assert!(why(refused).contains("find an alert nothing"));
    let said = drill.console().feedback(of, Scope::default(), until, &drill.by()).expect("said");
    let signal = &alert["unmapped"]["habitus"]["contributions"][0]["signal"];
    assert_eq!(said.record["scope"]["agent_id"], BOT);
    assert_eq!(
        (&said.record["scope"]["signal"], &said.record["tenant_id"]),
        (signal, &json!("acme"))
    );
    drill.run.finish(1).expect("it ends");
    let silences = drill.console().silences(None).expect("the cases can be read");
    assert_eq!(silences[0].1.id, said.record["id"]);
    let told = drill.values("t.decisions.v1");
    assert!(
        told.iter().any(|d| d["outcome"] == "expected" && d["said"]["id"] == said.record["id"])
    );
}

#[test]
fn trust_is_the_newest_record_and_its_history_all() {
    let drill = Drill::new();
    let console = drill.console();
    let history = console.trust(BOT, None).expect("the topic can be read");
    let wanted = drill.values("t.trust.v1");
    assert_eq!(history.len(), wanted.len());
    assert!(history.windows(2).all(|pair| pair[0].sequence < pair[1].sequence));
    assert_eq!(console.trust(BOT, Some("acme")).expect("it can be read"), history);
    assert!(console.trust(BOT, Some("globex")).expect("it can be read").is_empty());
    let last = wanted.iter().max_by_key(|trust| trust["sequence"].as_u64()).expect("trust");
    assert_eq!(serde_json::to_value(history.last()).expect("JSON"), *last);
}

/// What a verb prints as JSON, a line each.
fn lines(output: &Output) -> Vec<Value> {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect()
}

#[test]
fn the_verbs_work_on_a_broker() {
    let Some(broker) = Broker::shared() else { return };
    let input = "[input]\nstart = \"earliest\"\naccept_create_time = true\n";
    let deployment = Deployment::new("operator", broker.address(), 2, input);
    let text = std::fs::read_to_string(deployment.config_path()).expect("a config file");
    let text = text.replacen("version = 1", "version = 1\nmode = \"alert\"", 1) + POLICY;
    std::fs::write(deployment.config_path(), text).expect("a config file");
    let verb = |arguments: &[&str]| finished(deployment.command(arguments));
    let refused = verb(&["revoke", "list"]);
    assert_eq!(refused.status.code(), Some(69), "no topic is there yet");
    deployment.make_input_with_create_time();
    let source = deployment.source();
    let strange = 3;
    let first_ms = stream::clock() - i64::from(QUIET + strange) * 600_000;
    for number in 0..QUIET + strange {
        let event = event(number, first_ms + i64::from(number) * 600_000, QUIET <= number);
        source.send_event(event.to_string().as_bytes(), true);
    }
    source.flush();
    let run = || deployment.output(&["run", "--once"]);
    run();
    let list = || lines(&deployment.output(&["revoke", "list", "--json"]));
    let waiting = list().into_iter().filter(|r| r["state"] == "waiting");
    let waiting = waiting.max_by_key(rank).expect("a request that waits");
    let id = waiting["request_id"].as_str().expect("an id");
    assert_eq!(waiting["chain"][0], "alice");
    let unknown = verb(&["revoke", "deny", "nothing", "--author", "carol"]);
    assert_eq!(unknown.status.code(), Some(2));
    let said = deployment.output(&["revoke", "approve", id, "--author", "carol"]);
    assert!(
        String::from_utf8_lossy(&said.stdout).starts_with(&format!("approve of {id} is written"))
    );
    run();
    assert!(list().iter().all(|r| r["request_id"] != id), "it waits no more");
    let asked = list().into_iter().find(|r| r["state"] == "asked").expect("a request that left");
    assert_eq!(asked["request"]["initiating_entity"], "admin");
    let trust = deployment.output(&["trust", "show", BOT]);
    let trust = String::from_utf8_lossy(&trust.stdout).into_owned();
    assert!(trust.contains("delegated") && !trust.contains('\u{1b}'), "{trust}");
    assert_eq!(verb(&["trust", "show", "nobody"]).status.code(), Some(2));
    let history = lines(&deployment.output(&["trust", "history", BOT, "--json"]));
    assert!(2 < history.len());
    let alert = waiting["request"]["cause"]["alert_id"].as_str().expect("an alert");
    deployment.output(&["feedback", alert, "expected", "--author", "carol"]);
    run();
    assert_eq!(lines(&deployment.output(&["silence", "list", "--json"])).len(), 1);
}
