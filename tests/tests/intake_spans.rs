//! Spans through intake on the simulator: children before the span that names their agent, in other records, two agents in
//! a trace; killed at every step and under random faults. Each span ends once or waits, under the agent that it has in the
//! whole of its trace, and files name it the same.

use std::collections::BTreeMap;

use bus::memory::{Fault, FaultPlan, Half};
use ingest::{Carrier, Decoded, Limits, Notes};
use lane::Counts;
use mapping::{InOrder, Reading};
use serde_json::{Value, json};
use stream::Lists;
use tests::{Noise, Simulated};

const ANY: &str = "[kafka]\nprefix = \"t.\"\npartitions = 3\nfindings_partitions = 2\n[input]\nstart = \"earliest\"\nkey = \"any\"\n\
                   hold = \"60s\"\n[[source]]\ntopic = \"spans\"\nformat = \"otlp\"\n";
const BY_AGENT: &str = "t.activity.by-agent.v1";
const DEAD: &str = "t.activity.dlq.v1";
/// Agents that no span of a trace names.
const NOBODY: &str = "";

/// A span: its trace, own number, parent, and what it is.
struct Span {
    trace: u64,
    id: u64,
    parent: u64,
    pairs: Vec<(&'static str, String)>,
}

impl Span {
    fn json(&self, ended_ms: i64) -> Value {
        let attribute =
            |(key, text): &(&str, String)| json!({"key": key, "value": {"stringValue": text}});
        let id = |id: u64| if id == 0 { String::new() } else { format!("{id:016x}") };
        json!({
            "traceId": format!("{:032x}", self.trace + 1), "spanId": id(self.id),
            "parentSpanId": id(self.parent), "endTimeUnixNano": format!("{ended_ms}000000"),
            "attributes": self.pairs.iter().map(attribute).collect::<Value>(),
        })
    }

    fn key(&self) -> String {
        format!("{:032x}:{:016x}", self.trace + 1, self.id)
    }
}

/// What is left of a trace.
type Rest = std::vec::IntoIter<(Span, Option<String>)>;

/// The spans of a trace, children first or in any order, with the agent of each that is an activity. One trace in five
/// names nobody, one in five never tells of its root.
fn trace(noise: &mut Noise, trace: u64) -> Vec<(Span, Option<String>)> {
    let mut next = trace << 8;
    let mut id = || {
        next += 1;
        next
    };
    let (root, inner, plain) = (id(), id(), id());
    let named = !trace.is_multiple_of(5);
    let rooted = trace % 5 != 1;
    let pair = |key, text: &str| (key, text.to_owned());
    let run = |agent: &str| match named {
        true => vec![pair("gen_ai.operation.name", "invoke_agent"), pair("gen_ai.agent.id", agent)],
        false => vec![pair("gen_ai.operation.name", "invoke_agent")],
    };
    let (outer_agent, inner_agent) =
        (format!("agent-{}", trace % 4), format!("helper-{}", trace % 3));
    let name = |agent: &str, below: bool| match named && (below || rooted) {
        true => agent.to_owned(),
        false => NOBODY.to_owned(),
    };
    let call = |id, parent| Span {
        trace,
        id,
        parent,
        pairs: vec![
            pair("gen_ai.operation.name", "execute_tool"),
            pair("gen_ai.tool.name", "search"),
        ],
    };
    let mut spans = Vec::new();
    for _ in 0..1 + noise.below(3) {
        spans.push((call(id(), inner), Some(name(&inner_agent, true))));
    }
    for _ in 0..1 + noise.below(3) {
        spans.push((call(id(), plain), Some(name(&outer_agent, false))));
    }
    spans.push((Span { trace, id: plain, parent: root, pairs: Vec::new() }, None));
    spans.push((
        Span { trace, id: inner, parent: root, pairs: run(&inner_agent) },
        Some(name(&inner_agent, true)),
    ));
    if rooted {
        spans.push((
            Span { trace, id: root, parent: 0, pairs: run(&outer_agent) },
            Some(name(&outer_agent, false)),
        ));
    }
    if noise.below(2) == 0 {
        for last in (1..spans.len()).rev() {
            spans.swap(last, noise.below(last as u64 + 1) as usize);
        }
    }
    spans
}

/// A log whose source holds so many traces, in records of some spans of several traces each; the agents by activity, how
/// many spans there are, and the records of each partition.
struct Filled {
    run: Simulated,
    agents: BTreeMap<String, String>,
    total: u64,
    records: Vec<Vec<String>>,
}

fn filled(seed: u64, traces: u64) -> Filled {
    let run = Simulated::new(seed, ANY, Lists::default());
    let mut noise = Noise(seed);
    let mut open: Vec<(u64, Rest)> = Vec::new();
    let (mut agents, mut total, mut next) = (BTreeMap::new(), 0, 0);
    let mut records = vec![Vec::new(); 3];
    while next < traces || !open.is_empty() {
        while open.len() < 4 && next < traces {
            open.push((next, trace(&mut noise, next).into_iter()));
            next += 1;
        }
        // Records of one partition hold the traces of that partition: as a collector keys them.
        let partition = open[noise.below(open.len() as u64) as usize].0 % 3;
        let mut spans = Vec::new();
        for (_, rest) in open.iter_mut().filter(|(trace, _)| trace % 3 == partition) {
            for (span, agent) in rest.by_ref().take(1 + noise.below(2) as usize) {
                agents.extend(agent.map(|agent| (span.key(), agent)));
                spans.push(span.json(run.memory.now_ms() - noise.below(2_000) as i64));
            }
        }
        open.retain(|(_, rest)| rest.len() > 0);
        total += spans.len() as u64;
        let text = json!({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}).to_string();
        run.write("spans", partition as u32, None, text.as_bytes());
        records[partition as usize].push(text);
        run.memory.advance(200 + noise.below(1_500));
    }
    Filled { run, agents, total, records }
}

/// What must hold of every run: the audit is clean, each span ended once or waits, and each activity that was handed on
/// has the agent that the whole of its trace names.
fn check(filled: &Filled, case: &str) -> Counts {
    let Filled { run, agents, total, .. } = filled;
    let audit = run.audit();
    assert!(audit.is_clean(), "{case}: {audit:#?}");
    let of = |topic: &str| audit.inputs.get(topic).copied().unwrap_or_default();
    let (intake, observe) = (of("spans"), of(BY_AGENT));
    assert_eq!(intake.activities, *total, "{case}");
    assert_eq!(intake.activities, intake.ended() + intake.held - intake.released, "{case}");
    assert_eq!(intake.scored, observe.scored, "{case}: {intake:?} {observe:?}");
    let mut seen = BTreeMap::new();
    for record in run.read(BY_AGENT) {
        let value: Value =
            serde_json::from_slice(record.value.as_deref().expect("a value")).expect("JSON");
        let id = value["id"].as_str().expect("an id").to_owned();
        let agent = value["agent"]["id"].as_str().expect("an agent").to_owned();
        assert_eq!(agents[&id], agent, "{case}: {id}");
        assert!(seen.insert(id.clone(), agent).is_none(), "{case}: {id} twice");
    }
    assert_eq!(seen.len() as u64, intake.scored, "{case}");
    assert_eq!(run.read(DEAD).len() as u64, intake.dead_lettered, "{case}");
    intake
}

#[test]
fn a_kill_at_every_step_loses_and_doubles_no_span_that_waits() {
    let mut calm = filled(1, 12);
    calm.run.memory.plan(FaultPlan::none().only("lane"));
    calm.run.finish(1).expect("it ends");
    let steps = calm.run.memory.steps();
    let counts = check(&calm, "calm");
    assert!(counts.held > 10 && counts.released > 10 && counts.skipped > 2, "{counts:?}");
    let named = calm.agents.values().filter(|agent| *agent != NOBODY).count();
    assert_eq!(counts.scored, named as u64, "whoever has an agent was handed on");
    for n in 0..steps {
        for fault in [Fault::KillBefore, Fault::KillAfter] {
            let mut filled = filled(1, 12);
            filled.run.memory.plan(FaultPlan::none().at(n, fault).only("lane"));
            let case = format!("{fault:?} at step {n}");
            filled.run.finish(1).unwrap_or_else(|error| panic!("{case}: {error}"));
            assert_eq!(check(&filled, &case), counts, "{case}");
        }
    }
    println!("{} spans; killed before and after each of {steps} steps: {counts:?}", calm.total);
}

#[test]
fn random_faults_lose_and_double_no_span_that_waits() {
    let mut restarts = 0;
    for seed in 0..30 {
        let mut filled = filled(seed, 20);
        let plan = FaultPlan::none()
            .randomly(12, Fault::KillBefore)
            .randomly(12, Fault::KillAfter)
            .randomly(60, Fault::Abortable)
            .randomly(150, Fault::LoseReply)
            .randomly(150, Fault::LoseRequest)
            .randomly(150, Fault::Doubled(10))
            .randomly(60, Fault::Torn(Half::Records))
            .randomly(60, Fault::Torn(Half::Offsets))
            .randomly(15, Fault::Rebalance)
            .randomly(6, Fault::Freeze(40_000))
            .at_most(20);
        filled.run.memory.plan(plan.only("lane"));
        let case = format!("seed {seed}");
        filled
            .run
            .finish(1 + (seed % 3) as usize)
            .unwrap_or_else(|error| panic!("{case}: {error}"));
        check(&filled, &case);
        restarts += filled.run.restarts();
    }
    assert!(restarts > 20, "{restarts} restarts");
}

/// Time passes without the parent: what waits goes without its agent, one dead letter each, and nothing is kept.
#[test]
fn what_waited_too_long_is_a_dead_letter_as_it_came() {
    let mut filled = filled(7, 10);
    filled.run.memory.advance(120_000);
    let last = Span {
        trace: 999,
        id: 1 << 40,
        parent: 0,
        pairs: vec![
            ("gen_ai.agent.id", "x".to_owned()),
            ("gen_ai.operation.name", "chat".to_owned()),
        ],
    };
    let text = json!({"resourceSpans": [{"scopeSpans": [{"spans": [last.json(filled.run.memory.now_ms())]}]}]});
    for partition in 0..3 {
        filled.run.write("spans", partition, None, text.to_string().as_bytes());
    }
    filled.agents.insert(last.key(), "x".to_owned());
    filled.total += 3;
    filled.run.finish(1).expect("it ends");
    let audit = filled.run.audit();
    assert!(audit.is_clean(), "{audit:#?}");
    let intake = audit.inputs["spans"];
    assert_eq!((intake.held, intake.activities), (intake.released, filled.total));
    assert_eq!(intake.activities, intake.ended());
    for letter in filled.run.read(DEAD) {
        let reason = schemas::header::DeadLetterHeaders::decode(&letter.headers).expect("a reason");
        let at = bus::TopicPartition::new(reason.topic.as_str(), reason.partition);
        let source = lane::read_all(&filled.run.memory, &at).expect("a source");
        let original =
            source.iter().find(|record| record.offset == reason.offset).expect("the original");
        assert_eq!((&letter.value, reason.code.as_str()), (&original.value, "missing_agent_id"));
        assert!(reason.path.ends_with(&format!("/{}", reason.index)), "{}", reason.path);
    }
    // Of what waited nothing but clocks and the last spans stands in the saved state.
    for (at, record) in (0..3)
        .flat_map(|n| {
            let at = bus::TopicPartition::new("t.intake.spans", n);
            lane::read_all(&filled.run.memory, &at)
                .expect("a state")
                .into_iter()
                .map(move |record| (n, record))
        })
        .map(|(n, record)| ((n, record.key.clone()), record))
        .collect::<BTreeMap<_, _>>()
    {
        let key = String::from_utf8(at.1.expect("a key")).expect("text");
        assert!(
            record.value.is_none() || !key.starts_with("waiting/") && !key.starts_with("original/"),
            "{key}"
        );
    }
}

/// The same records as a file: the same agents, in the order of the file.
#[test]
fn files_name_agents_as_intake_does() {
    let mut filled = filled(3, 30);
    filled.run.finish(1).expect("it ends");
    check(&filled, "calm");
    let handed: BTreeMap<String, String> = filled
        .run
        .read(BY_AGENT)
        .into_iter()
        .map(|record| {
            let value: Value =
                serde_json::from_slice(record.value.as_deref().expect("a value")).expect("JSON");
            (value["id"].as_str().expect("an id").to_owned(), value["agent"]["id"].to_string())
        })
        .collect();
    let (reading, mut of_files) = (Reading::default(), BTreeMap::new());
    for records in &filled.records {
        let (mut order, mut out) = (InOrder::new(&reading), Vec::new());
        let (limits, carrier) = (Limits::default(), Carrier::default());
        for (number, text) in records.iter().enumerate() {
            order.read(
                &reading,
                (number, text.as_bytes()),
                (&limits, &carrier),
                (&mut Notes::default(), &mut out),
            );
        }
        order.end(&reading, &mut out);
        let places: Vec<_> = out.iter().map(|one| (one.number, one.ordinal)).collect();
        assert!(places.is_sorted(), "in the order of the file");
        for one in out {
            if let Decoded::Activity(activity) = one.decoded {
                of_files.insert(activity.id.to_string(), json!(activity.agent.id).to_string());
            }
        }
    }
    assert!(handed.len() > 60, "{}", handed.len());
    assert_eq!(of_files, handed);
}
