//! Spans that are activities, spans that are not, and what a bad one costs.

use schemas::Activity;
use schemas::choice::{ActionType, Authority, Outcome};
use schemas::reject::ErrorCode;
use serde_json::{Value, json};

use crate::decode::{Decoded, decode};
use crate::limits::Limits;
use crate::notes::Notes;

const SPAN: &str = include_str!("../../../fixtures/in.otlp-span.json");
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

fn outcomes<'a>(text: &'a str, notes: &mut Notes) -> Vec<Decoded<'a>> {
    let mut out = Vec::new();
    decode(text.as_bytes(), &Limits::default(), notes, &mut out);
    out
}

/// What became of each item, in short: action and agent, rule, or code and place.
fn shown(record: &Value) -> Vec<String> {
    let show = |outcome: &Decoded<'_>| match outcome {
        Decoded::Activity(a) => format!("{} {}", a.action.kind.as_str(), a.agent.id),
        Decoded::Skipped(skip) => skip.rule.to_owned(),
        Decoded::Rejected(r) => format!("{} {}", r.code.as_str(), r.path),
    };
    outcomes(&record.to_string(), &mut Notes::default()).iter().map(show).collect()
}

fn with_activity<T>(record: &Value, read: impl FnOnce(&Activity<'_>) -> T) -> T {
    let text = record.to_string();
    let out = outcomes(&text, &mut Notes::default());
    let [Decoded::Activity(activity)] = out.as_slice() else { panic!("{out:?}") };
    read(activity)
}

fn attributes(pairs: &[(&str, Value)]) -> Value {
    let one = |(key, value): &(&str, Value)| match value {
        Value::String(text) => json!({"key": key, "value": {"stringValue": text}}),
        Value::Number(number) => json!({"key": key, "value": {"intValue": number.to_string()}}),
        other => json!({"key": key, "value": other}),
    };
    pairs.iter().map(one).collect()
}

/// A tool call of `agent`; further attributes replace nothing.
fn span(id: u8, parent: u8, pairs: &[(&str, Value)]) -> Value {
    let parent = if parent == 0 { String::new() } else { format!("{parent:016x}") };
    json!({
        "traceId": TRACE, "spanId": format!("{id:016x}"), "parentSpanId": parent,
        "name": "n", "kind": 3, "endTimeUnixNano": "1795467091412000000",
        "attributes": attributes(pairs),
    })
}

fn record(spans: Vec<Value>) -> Value {
    json!({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]})
}

fn tool() -> (&'static str, Value) {
    ("gen_ai.operation.name", json!("execute_tool"))
}

fn agent(id: &str) -> (&'static str, Value) {
    ("gen_ai.agent.id", json!(id))
}

#[test]
fn the_published_example_is_this_activity() {
    let mut notes = Notes::default();
    let out = outcomes(SPAN, &mut notes);
    let [Decoded::Activity(activity)] = out.as_slice() else { panic!("{out:?}") };
    let expected = json!({
        "schema": "agent.activity/1",
        "id": "4bf92f3577b34da6a3ce929d0e0e4736:00f067aa0ba902b7",
        "time": "2026-11-23T20:51:31.412Z",
        "tenant_id": "default",
        "agent": {
            "id": "spiffe://acme.example/agent/invoice-bot",
            "instance_id": "01KAVW2Z6T8Q4N3M5R7P9XAEBC"
        },
        "delegation": {"subject": {"id": "00u1b2c3d4", "type": "user"}},
        "session": {"conversation_id": "conv-77"},
        "action": {
            "type": "tool_call",
            "operation": "http_post",
            "tool": {
                "name": "http_post", "call_id": "call_mszuSIz",
                "server": "mcp.gw.acme.example", "kind": "mcp"
            }
        },
        "destination": {"host": "mcp.gw.acme.example", "port": 443},
        "usage": {"duration_ms": 1200},
        "outcome": {"result": "success"},
        "trace": {
            "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
            "span_id": "00f067aa0ba902b7", "parent_span_id": "a1b2c3d4e5f60718"
        },
        "producer": {
            "name": "opentelemetry.instrumentation.mcp", "version": "0.9.0", "format": "otlp"
        }
    });
    assert_eq!(serde_json::to_value(activity).unwrap(), expected);
    assert_eq!(activity.authority(), Authority::Unknown);
    assert_eq!(notes, Notes::default());
}

#[test]
fn only_tool_calls_and_invocations_are_activities() {
    let named = |name: &str, pairs: &[(&str, Value)]| {
        let mut span = span(1, 0, &[&[agent("a")], pairs].concat());
        span["name"] = json!(name);
        shown(&record(vec![span])).remove(0)
    };
    let skipped = "otlp_span_not_an_activity";
    assert_eq!(named("n", &[tool()]), "tool_call a");
    assert_eq!(named("n", &[("gen_ai.operation.name", json!("invoke_agent"))]), "agent_invoke a");
    assert_eq!(named("execute_tool http_post", &[]), "tool_call a");
    assert_eq!(named("invoke_agent planner", &[]), "agent_invoke a");
    assert_eq!(named("tools/call http_post", &[]), "tool_call a");
    assert_eq!(named("n", &[("mcp.method.name", json!("tools/call"))]), "tool_call a");
    assert_eq!(named("n", &[("mcp.method.name", json!("tools/list"))]), skipped);
    assert_eq!(named("execute_tool x", &[("gen_ai.operation.name", json!("chat"))]), skipped);
    assert_eq!(named("executes", &[]), skipped);
    assert_eq!(shown(&json!({"resourceSpans": []})), ["otlp_record_without_spans"]);
    assert_eq!(shown(&record(vec![])), ["otlp_record_without_spans"]);
}

#[test]
fn the_agent_is_named_by_span_resource_or_ancestor() {
    let mut of_resource = record(vec![span(1, 0, &[tool()]), span(2, 0, &[tool(), agent("own")])]);
    of_resource["resourceSpans"][0]["resource"]["attributes"] =
        attributes(&[agent("resource"), ("service.name", json!("s"))]);
    assert_eq!(shown(&of_resource), ["tool_call resource", "tool_call own"]);

    // Children come first; the nearest ancestor counts, through spans that are no activity.
    let invoke = ("gen_ai.operation.name", json!("invoke_agent"));
    let conversation = ("gen_ai.conversation.id", json!("c-1"));
    let family = record(vec![
        span(4, 3, &[tool()]),
        span(3, 2, &[]),
        span(2, 1, &[invoke.clone(), agent("near"), conversation]),
        span(1, 0, &[invoke, agent("far")]),
    ]);
    let expected =
        ["tool_call near", "otlp_span_not_an_activity", "agent_invoke near", "agent_invoke far"];
    assert_eq!(shown(&family), expected);
    let text = family.to_string();
    let out = outcomes(&text, &mut Notes::default());
    let Some(Decoded::Activity(child)) = out.first() else { panic!("{out:?}") };
    assert_eq!(child.session.as_ref().unwrap().conversation_id.as_deref(), Some("c-1"));

    // Nobody above, another trace, or a circle.
    let missing = "missing_agent_id /resourceSpans/0/scopeSpans/0/spans/0";
    assert_eq!(shown(&record(vec![span(1, 9, &[tool()])])), [missing]);
    assert_eq!(shown(&record(vec![span(1, 0, &[tool(), agent("")])])), [missing]);
    let circle = record(vec![span(1, 2, &[tool()]), span(2, 1, &[])]);
    assert_eq!(shown(&circle)[0], missing);
    let mut stranger = record(vec![span(1, 2, &[tool()]), span(2, 0, &[agent("a")])]);
    stranger["resourceSpans"][0]["scopeSpans"][0]["spans"][1]["traceId"] = json!("ab".repeat(16));
    assert_eq!(shown(&stranger)[0], missing);
}

#[test]
fn a_bad_span_costs_itself_only() {
    let good = || span(1, 0, &[tool(), agent("a")]);
    for (key, value, expected) in [
        ("traceId", Value::Null, "missing_field"),
        ("traceId", json!("0".repeat(32)), "invalid_field"),
        ("traceId", json!("xyz"), "invalid_field"),
        ("traceId", json!("é".repeat(16)), "invalid_field"),
        ("spanId", json!(7), "invalid_field"),
        ("endTimeUnixNano", Value::Null, "missing_field"),
        ("endTimeUnixNano", json!("soon"), "invalid_field"),
        ("endTimeUnixNano", json!(-1), "invalid_field"),
        ("endTimeUnixNano", json!("0"), "time_out_of_range"),
        ("endTimeUnixNano", json!("18446744073709551615"), "time_out_of_range"),
    ] {
        let mut bad = good();
        bad[key] = value;
        let place = format!("{expected} /resourceSpans/0/scopeSpans/0/spans/1/{key}");
        let record = record(vec![good(), bad, good()]);
        assert_eq!(shown(&record), ["tool_call a", place.as_str(), "tool_call a"]);
    }
    let long = "x".repeat(2_049);
    for (pair, expected) in [
        (("gen_ai.agent.id", json!(long)), "too_large"),
        (("user.id", json!({"boolValue": true})), "invalid_field"),
        (("server.port", json!("http")), "invalid_field"),
        (("gen_ai.usage.input_tokens", json!(-3)), "invalid_field"),
        (("url.full", json!(long)), "too_large"),
    ] {
        let bad = span(1, 0, &[tool(), agent("a"), pair]);
        let place = format!("{expected} /resourceSpans/0/scopeSpans/0/spans/0/attributes/2/value");
        assert_eq!(shown(&record(vec![bad, good()])), [place.as_str(), "tool_call a"]);
    }
}

#[test]
fn a_bad_structure_is_named() {
    let spans = json!([7, null, span(1, 0, &[tool(), agent("a")])]);
    let group = json!({"scopeSpans": [{"spans": spans}, {"spans": {}}, "x"]});
    let record = json!({"resourceSpans": [7, {"scopeSpans": 7}, group]});
    let expected = [
        "invalid_field /resourceSpans/0",
        "invalid_field /resourceSpans/1/scopeSpans",
        "invalid_field /resourceSpans/2/scopeSpans/0/spans/0",
        "invalid_field /resourceSpans/2/scopeSpans/0/spans/1",
        "tool_call a",
        "invalid_field /resourceSpans/2/scopeSpans/1/spans",
        "invalid_field /resourceSpans/2/scopeSpans/2",
    ];
    assert_eq!(shown(&record), expected);
    assert_eq!(shown(&json!({"resourceSpans": 7})), ["invalid_field /resourceSpans"]);
    let many = json!({"resourceSpans": [{"scopeSpans": [{"spans": vec![json!({}); 8_193]}]}]});
    assert_eq!(shown(&many), ["too_large /resourceSpans"]);
    let code = |text: &str| match outcomes(text, &mut Notes::default()).as_slice() {
        [Decoded::Rejected(rejection)] => rejection.code,
        other => panic!("{other:?}"),
    };
    assert_eq!(code("{\"resourceSpans\":["), ErrorCode::InvalidJson);
    assert_eq!(code("{\"resourceSpans\":[]} {"), ErrorCode::InvalidJson);
    assert_eq!(code(&format!("{{\"resourceSpans\":{}", "[".repeat(99_999))), ErrorCode::TooDeep);
}

#[test]
fn the_outcome_follows_status_error_and_http() {
    let outcome = |status: Value, pairs: &[(&str, Value)]| {
        let mut span = span(1, 0, &[&[tool(), agent("a")], pairs].concat());
        span["status"] = status;
        with_activity(&record(vec![span]), |activity| {
            let outcome = activity.outcome.as_ref().unwrap();
            (outcome.result, outcome.code.as_deref().map(str::to_owned))
        })
    };
    let http = |code: u16| ("http.response.status_code", json!(code));
    let error = ("error.type", json!("tool_error"));
    assert_eq!(outcome(json!({}), &[]), (Outcome::Unknown, None));
    assert_eq!(outcome(json!({"code": 1}), &[]), (Outcome::Success, None));
    assert_eq!(outcome(json!({"code": 2}), &[]), (Outcome::Failure, None));
    assert_eq!(outcome(json!({"code": "STATUS_CODE_ERROR"}), &[]), (Outcome::Failure, None));
    assert_eq!(
        outcome(json!({"code": 1}), &[error]),
        (Outcome::Failure, Some("tool_error".into()))
    );
    assert_eq!(outcome(json!({"code": 2}), &[http(403)]), (Outcome::Denied, Some("403".into())));
    assert_eq!(outcome(json!({"code": 1}), &[http(401)]), (Outcome::Denied, Some("401".into())));
}

#[test]
fn attributes_become_fields() {
    let pairs = [
        tool(),
        agent("a"),
        ("gen_ai.system", json!("openai")),
        ("gen_ai.request.model", json!("m-1")),
        ("gen_ai.agent.name", json!("Invoice bot")),
        ("gen_ai.agent.version", json!("1.4.2")),
        ("mcp.session.id", json!("mcp-1")),
        ("session.id", json!("s-1")),
        ("a2a.task.id", json!("t-1")),
        ("enduser.id", json!(42)),
        ("mcp.resource.uri", json!("file:///x")),
        ("url.full", json!("https://h.example/p")),
        ("server.address", json!("203.0.113.7")),
        ("server.port", json!({"doubleValue": 443.0})),
        ("gen_ai.usage.input_tokens", json!(10)),
        ("gen_ai.usage.completion_tokens", json!({"intValue": 20})),
    ];
    let mut call = span(1, 0, &pairs);
    call["traceId"] = json!(TRACE.to_uppercase());
    with_activity(&record(vec![call.clone()]), |activity| {
        assert_eq!(activity.id, format!("{TRACE}:0000000000000001"));
        assert_eq!(activity.action.kind, ActionType::ToolCall);
        let model = activity.agent.model.as_ref().unwrap();
        assert_eq!(
            (model.provider.as_deref(), model.name.as_deref()),
            (Some("openai"), Some("m-1"))
        );
        assert_eq!(activity.agent.name.as_deref(), Some("Invoice bot"));
        assert_eq!(activity.agent.version.as_deref(), Some("1.4.2"));
        let session = activity.session.as_ref().unwrap();
        assert_eq!(
            (session.id.as_deref(), session.task_id.as_deref()),
            (Some("mcp-1"), Some("t-1"))
        );
        let subject = activity.delegation.as_ref().unwrap().subject.as_ref().unwrap();
        assert_eq!(subject.id, "42");
        assert_eq!(activity.resource.as_ref().unwrap().id.as_deref(), Some("file:///x"));
        let destination = activity.destination.as_ref().unwrap();
        assert_eq!(destination.ip, Some("203.0.113.7".parse().unwrap()));
        assert_eq!((destination.host.as_deref(), destination.port), (None, Some(443)));
        assert_eq!(destination.url.as_deref(), Some("https://h.example/p"));
        let usage = activity.usage.unwrap();
        assert_eq!((usage.tokens_in, usage.tokens_out), (Some(10), Some(20)));
        assert_eq!(activity.action.tool.as_ref().unwrap().server.as_deref(), Some("203.0.113.7"));
    });
    // On the server's side neither address nor URL is where the call goes.
    call["kind"] = json!(2);
    with_activity(&record(vec![call]), |activity| assert_eq!(activity.destination, None));
}

#[test]
fn a_bad_parent_or_port_is_absent_and_counted() {
    let mut call = span(1, 0, &[tool(), agent("a"), ("server.port", json!(70_000))]);
    call["parentSpanId"] = json!("zz");
    let text = record(vec![call]).to_string();
    let mut notes = Notes::default();
    let out = outcomes(&text, &mut notes);
    assert!(matches!(out.as_slice(), [Decoded::Activity(a)] if a.destination.is_none()));
    assert_eq!(notes.unknown_values.len(), 2);
}
