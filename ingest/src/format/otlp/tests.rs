//! Spans that are activities, spans that are not, and what a bad one costs.

use record::limits::Limits;
use record::notes::Notes;
use record::outcome::Decoded;
use schemas::Activity;
use schemas::choice::{ActionType, Authority, Outcome};
use schemas::reject::ErrorCode;
use serde_json::{Value, json};

use crate::decode::decode;

mod protobuf;

const SPAN: &str = include_str!("../../../fixtures/in.otlp-span.json");
const LOG: &str = include_str!("../../../fixtures/in.otlp-log.json");
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
    let text = record.to_string();
    let out = outcomes(&text, &mut Notes::default());
    if let Some(binary) = protobuf::encoded(record) {
        let mut same = Vec::new();
        decode(&binary, &Limits::default(), &mut Notes::default(), &mut same);
        assert_eq!(same, out, "{record}");
    }
    out.iter().map(show).collect()
}

fn with_outcome<T>(record: &Value, read: impl FnOnce(&Decoded<'_>) -> T) -> T {
    shown(record);
    let text = record.to_string();
    let out = outcomes(&text, &mut Notes::default());
    let [outcome] = out.as_slice() else { panic!("{out:?}") };
    read(outcome)
}

fn with_activity<T>(record: &Value, read: impl FnOnce(&Activity<'_>) -> T) -> T {
    shown(record);
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
fn what_a_span_is_follows_from_its_operation() {
    let named = |name: &str, pairs: &[(&str, Value)]| {
        let mut span = span(1, 0, &[&[agent("a")], pairs].concat());
        span["name"] = json!(name);
        with_outcome(&record(vec![span]), |outcome| match outcome {
            Decoded::Activity(activity) => format!(
                "{} {}",
                activity.action.kind.as_str(),
                activity.action.operation.as_deref().unwrap_or("-")
            ),
            Decoded::Skipped(skip) => skip.rule.to_owned(),
            Decoded::Rejected(rejection) => panic!("{rejection:?}"),
        })
    };
    let skipped = "otlp_span_not_an_activity";
    let by = |key: &'static str, word: &str| named("n", &[(key, json!(word))]);
    for (operation, expected) in [
        ("execute_tool", "tool_call -"),
        ("invoke_agent", "agent_invoke invoke_agent"),
        ("create_agent", "agent_spawn create_agent"),
        ("chat", "model_call chat"),
        ("generate_content", "model_call generate_content"),
        ("text_completion", "model_call text_completion"),
        ("embeddings", "model_call embeddings"),
        ("retrieval", "data_read retrieval"),
        ("plan", skipped),
    ] {
        assert_eq!(by("gen_ai.operation.name", operation), expected);
    }
    assert_eq!(named("execute_tool http_post", &[]), "tool_call http_post");
    assert_eq!(named("invoke_agent planner", &[]), "agent_invoke invoke_agent");
    assert_eq!(named("tools/call http_post", &[]), "tool_call http_post");
    assert_eq!(by("gen_ai.tool.name", "http_post"), "tool_call http_post");
    assert_eq!(by("mcp.method.name", "tools/call"), "tool_call -");
    assert_eq!(by("mcp.method.name", "resources/read"), "data_read resources/read");
    assert_eq!(by("mcp.method.name", "tools/list"), skipped);
    assert_eq!(by("openinference.span.kind", "TOOL"), "tool_call -");
    assert_eq!(by("openinference.span.kind", "LLM"), "model_call chat");
    assert_eq!(by("openinference.span.kind", "CHAIN"), skipped);
    assert_eq!(by("a2a.method.name", "message/send"), "agent_invoke invoke_agent");
    assert_eq!(by("http.request.method", "POST"), "http_request POST");
    assert_eq!(by("db.operation.name", "SELECT"), "data_read SELECT");
    assert_eq!(by("db.operation", "update"), "data_write update");
    assert_eq!(by("db.operation.name", "DROP"), "data_delete DROP");
    assert_eq!(named("execute_tool x", &[("gen_ai.operation.name", json!("plan"))]), skipped);
    assert_eq!(named("executes", &[]), skipped);
    let mut served = span(1, 0, &[agent("a"), ("http.request.method", json!("POST"))]);
    served["kind"] = json!(2);
    assert_eq!(shown(&record(vec![served])), [skipped]);
    assert_eq!(shown(&json!({"resourceSpans": []})), ["otlp_record_without_spans"]);
    assert_eq!(shown(&record(vec![])), ["otlp_record_without_spans"]);
}

#[test]
fn a_record_that_names_no_agent_is_refused_and_not_skipped() {
    let place = |n| format!("missing_agent_id /resourceSpans/0/scopeSpans/0/spans/{n}");
    assert_eq!(shown(&record(vec![span(1, 0, &[]), span(2, 0, &[])])), [place(0), place(1)]);
    let skipped = "otlp_span_not_an_activity".to_owned();
    let among = record(vec![span(1, 0, &[]), span(2, 0, &[agent("a")])]);
    assert_eq!(shown(&among), [skipped.clone(), skipped]);
}

#[test]
fn a_name_is_an_agent_where_no_id_is() {
    let name = |name: &str| ("gen_ai.agent.name", json!(name));
    let with_resource = |span: Value, pairs: &[(&str, Value)]| {
        let mut record = record(vec![span]);
        record["resourceSpans"][0]["resource"]["attributes"] = attributes(pairs);
        shown(&record)
    };
    assert_eq!(with_resource(span(1, 0, &[tool(), name("n")]), &[]), ["tool_call n"]);
    assert_eq!(with_resource(span(1, 0, &[tool(), name("n")]), &[agent("r")]), ["tool_call r"]);
    assert_eq!(with_resource(span(1, 0, &[tool()]), &[name("r")]), ["tool_call r"]);
    let mut run = span(1, 0, &[]);
    run["name"] = json!("invoke_agent planner");
    assert_eq!(
        shown(&record(vec![run, span(2, 1, &[tool()])])),
        ["agent_invoke planner", "tool_call planner"]
    );
    let mut run = span(1, 0, &[("openinference.span.kind", json!("AGENT"))]);
    run["name"] = json!("Hello world");
    assert_eq!(shown(&record(vec![run])), ["agent_invoke Hello world"]);
}

#[test]
fn a_log_record_is_an_activity_with_an_id_of_its_own() {
    let mut notes = Notes::default();
    let out = outcomes(LOG, &mut notes);
    let [Decoded::Activity(activity)] = out.as_slice() else { panic!("{out:?}") };
    let expected = json!({
        "schema": "agent.activity/1",
        "id": activity.id,
        "time": "2026-11-23T20:51:31.412Z",
        "tenant_id": "default",
        "agent": {"id": "spiffe://acme.example/agent/invoice-bot"},
        "action": {
            "type": "tool_call", "operation": "http_post",
            "tool": {"name": "http_post", "server": "files.paste-drop.example"}
        },
        "destination": {"host": "files.paste-drop.example"},
        "outcome": {"result": "success", "code": "201"},
        "trace": {
            "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "span_id": "00f067aa0ba902b7"
        },
        "producer": {"name": "agent-gateway.audit", "format": "otlp"}
    });
    assert_eq!(serde_json::to_value(activity).unwrap(), expected);
    assert!(activity.id.starts_with("sha256:") && activity.id.len() == 39);
    assert_eq!(notes, Notes::default());

    let with = |change: fn(&mut Value)| {
        let mut record: Value = serde_json::from_str(LOG).unwrap();
        change(&mut record["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]);
        with_activity(&record, |activity| (activity.id.to_string(), activity.time.millis()))
    };
    let (id, ms) = with(|_| {});
    assert_ne!(with(|log| log["timeUnixNano"] = json!("1795467091412000001")).0, id);
    assert_ne!(with(|log| log["spanId"] = json!("00f067aa0ba902b8")).0, id);
    assert_eq!(with(|log| log["body"] = json!({"stringValue": "other"})).0, id);
    // Without a time it is that of the collector.
    assert_eq!(with(|log| log["timeUnixNano"] = json!("0")).1, ms + 8);
    let uid = |log: &mut Value| {
        let uid = json!({"key": "log.record.uid", "value": {"stringValue": "01KA"}});
        log["attributes"].as_array_mut().unwrap().push(uid);
    };
    assert_eq!(with(uid).0, "01KA");
    let repeats =
        |log: &mut Value| log["eventName"] = json!("gen_ai.client.inference.operation.details");
    assert_eq!(with(repeats).0, "4bf92f3577b34da6a3ce929d0e0e4736:00f067aa0ba902b7");
}

#[test]
fn secrets_in_a_url_stay_behind_and_a_client_is_a_source() {
    let url = ("url.full", json!("https://u:secret@H.example:8443/p?token=secret#secret"));
    let call = span(1, 0, &[agent("a"), ("http.request.method", json!("GET")), url]);
    with_activity(&record(vec![call]), |activity| {
        let destination = activity.destination.as_ref().unwrap();
        assert_eq!(destination.url.as_deref(), Some("https://H.example:8443/p"));
        assert_eq!(destination.host.as_deref(), Some("h.example"));
        assert_eq!(activity.source, None);
    });
    let mut served = span(1, 0, &[tool(), agent("a"), ("client.address", json!("10.1.2.3"))]);
    served["kind"] = json!(2);
    with_activity(&record(vec![served]), |activity| {
        let source = activity.source.as_ref().unwrap();
        assert_eq!(source.ip, Some("10.1.2.3".parse().unwrap()));
    });
    let query = [
        ("db.operation.name", json!("SELECT")),
        ("db.namespace", json!("erp")),
        ("db.collection.name", json!("invoices")),
        ("db.system.name", json!("postgresql")),
        ("db.query.text", json!("SELECT secret")),
    ];
    let read = span(1, 0, &[&[agent("a")], query.as_slice()].concat());
    with_activity(&record(vec![read]), |activity| {
        let resource = activity.resource.as_ref().unwrap();
        assert_eq!(resource.id.as_deref(), Some("erp/invoices"));
        assert_eq!(resource.service.as_deref(), Some("postgresql"));
    });
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
        ("endTimeUnixNano", json!("0"), "missing_field"),
        ("endTimeUnixNano", json!("1"), "time_out_of_range"),
        ("endTimeUnixNano", json!("18446744073709551615"), "time_out_of_range"),
        ("endTimeUnixNano", json!("99999999999"), "time_out_of_range"),
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
