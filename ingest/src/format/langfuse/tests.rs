//! Exported traces: what each observation is, the same as from OpenTelemetry, and nothing of their content.

use record::limits::Limits;
use record::notes::Notes;
use record::outcome::Decoded;
use schemas::Activity;
use serde_json::{Map, Value, json};

use crate::decode::{decode, decode_as, detect};
use crate::formats::Format;

const GOOGLE: &str = include_str!("../../../fixtures/langfuse/google-adk-2025-08-28.json");
const MICROSOFT: &str = include_str!("../../../fixtures/langfuse/microsoft-agent-2025-10-14.json");
const OPENAI: &str = include_str!("../../../fixtures/langfuse/openai-agents-2025-09-30.json");

fn outcomes(text: &str) -> Vec<Decoded<'_>> {
    assert_eq!(detect(text.as_bytes()), Some(Format::Langfuse));
    let mut out = Vec::new();
    decode(text.as_bytes(), &Limits::default(), &mut Notes::default(), &mut out);
    out
}

fn shown(outcome: &Decoded<'_>) -> String {
    match outcome {
        Decoded::Activity(a) => format!(
            "{} {} {} {} {} {}/{}",
            a.id.get(33..).unwrap_or_default(),
            a.time.rfc3339().get(11..).unwrap_or_default(),
            a.agent.id,
            a.action.kind.as_str(),
            a.action.operation.as_deref().unwrap_or("-"),
            a.usage.and_then(|usage| usage.tokens_in).unwrap_or_default(),
            a.usage.and_then(|usage| usage.tokens_out).unwrap_or_default(),
        ),
        Decoded::Skipped(skip) => skip.rule.to_owned(),
        Decoded::Rejected(rejection) => format!("{} {}", rejection.code.as_str(), rejection.path),
    }
}

#[test]
fn each_observation_is_what_the_table_says() {
    let check = |text: &str, expected: &[&str]| {
        assert_eq!(outcomes(text).iter().map(shown).collect::<Vec<_>>(), expected);
    };
    let skipped = "langfuse_observation_not_an_activity";
    check(
        GOOGLE,
        &[
            "bded677884f031ce 07:32:32.146Z hello_agent model_call chat 39/6",
            "f6e4c65297e40c96 07:32:31.217Z hello_agent model_call chat 28/3",
            skipped,
            "6d8beb2e6a36b133 07:32:32.150Z hello_agent agent_invoke invoke_agent 0/0",
            "04290e4d82aba1bc 07:32:31.217Z hello_agent tool_call say_hello 0/0",
        ],
    );
    let agent = "99981f6a-abd1-4d09-9fba-00e2ab172193";
    check(
        MICROSOFT,
        &[
            &format!("026d1c61bcaa1743 16:44:42.399Z {agent} agent_invoke invoke_agent 631/35"),
            &format!("3c2d6f2f26930c50 16:44:42.398Z {agent} model_call chat 631/35"),
            &format!("c6b8d4db5f0eac82 16:44:35.937Z {agent} model_call chat 25/70"),
            &format!("7f845be8c0da22f3 16:44:35.938Z {agent} tool_call get_weather 0/0"),
        ],
    );
    check(
        OPENAI,
        &[
            "e5a76f27f51ad40e 09:04:02.152Z Agent workflow agent_invoke invoke_agent 0/0",
            "d950b668796240b5 09:04:02.152Z Hello world agent_invoke invoke_agent 0/0",
            "90d94774e8e3724d 09:04:02.151Z Hello world model_call chat 85/29",
            "98870087af69bf06 09:04:00.999Z Hello world model_call chat 55/15",
            "5b99c3e3411ed17b 09:04:01.000Z Hello world tool_call get_weather 0/0",
        ],
    );
}

#[test]
fn a_tool_call_is_whole() {
    let out = outcomes(GOOGLE);
    let Some(Decoded::Activity(call)) = out.last() else { panic!("{out:?}") };
    let trace = "b82a0bdc1994fc5d1c8576ca032543f7";
    let expected = json!({
        "schema": "agent.activity/1",
        "id": format!("{trace}:04290e4d82aba1bc"),
        "time": "2025-08-28T07:32:31.217Z",
        "tenant_id": "default",
        "agent": {"id": "hello_agent", "model": {"provider": "gcp.vertex.agent"}},
        "delegation": {"subject": {"id": "demo-user", "type": "user"}},
        "session": {"id": "demo-session"},
        "action": {
            "type": "tool_call", "operation": "say_hello",
            "tool": {"name": "say_hello", "call_id": "adk-8bd8dc65-717d-4102-858b-3a1dd6b75a00"}
        },
        "usage": {"duration_ms": 1},
        "outcome": {"result": "unknown"},
        "trace": {
            "trace_id": trace, "span_id": "04290e4d82aba1bc", "parent_span_id": "f6e4c65297e40c96"
        },
        "producer": {
            "name": "openinference.instrumentation.google_adk", "version": "0.1.3",
            "format": "langfuse"
        }
    });
    assert_eq!(serde_json::to_value(call).unwrap(), expected);
    let out = outcomes(MICROSOFT);
    let Some(Decoded::Activity(call)) = out.last() else { panic!("{out:?}") };
    let tool = call.action.tool.as_ref().unwrap();
    assert_eq!(tool.call_id.as_deref(), Some("call_Sz1QP8T7fuJkIECGDLFWOorq"));
}

/// The spans that the observations were: what OpenTelemetry would have sent.
fn as_otlp(export: &Value) -> Value {
    let attribute = |(key, value): (&String, &Value)| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        json!({"key": key, "value": {"stringValue": text}})
    };
    let attributes = |object: Option<&Value>| -> Value {
        object.and_then(Value::as_object).unwrap_or(&Map::new()).iter().map(attribute).collect()
    };
    let nanoseconds = |time: &Value| {
        let time = record::rfc3339::parse(time.as_str().unwrap()).unwrap();
        json!(format!("{}000000", time.millis()))
    };
    let group = |observation: &Value| {
        let metadata = &observation["metadata"];
        let status = json!({"code": if observation["level"] == "ERROR" { 2 } else { 0 }});
        json!({
            "resource": {"attributes": attributes(metadata.get("resourceAttributes"))},
            "scopeSpans": [{"scope": metadata["scope"], "spans": [{
                "traceId": observation["traceId"], "spanId": observation["id"],
                "parentSpanId": observation["parentObservationId"].as_str().unwrap_or_default(),
                "name": observation["name"],
                "startTimeUnixNano": nanoseconds(&observation["startTime"]),
                "endTimeUnixNano": nanoseconds(&observation["endTime"]),
                "attributes": attributes(metadata.get("attributes")), "status": status,
            }]}]
        })
    };
    json!({"resourceSpans": export["observations"].as_array().unwrap().iter().map(group).collect::<Value>()})
}

/// What must not depend on the format.
fn essence(activity: &Activity<'_>) -> Value {
    json!([
        activity.id,
        activity.time,
        activity.agent.id,
        activity.action,
        activity.resource,
        activity.source,
        activity.outcome,
        activity.trace,
        activity.delegation,
    ])
}

#[test]
fn an_export_is_what_opentelemetry_sent() {
    for export in [GOOGLE, MICROSOFT, OPENAI] {
        let otlp = as_otlp(&serde_json::from_str(export).unwrap()).to_string();
        let mut sent = Vec::new();
        decode(otlp.as_bytes(), &Limits::default(), &mut Notes::default(), &mut sent);
        let exported = outcomes(export);
        assert_eq!(sent.len(), exported.len());
        for (sent, exported) in sent.iter().zip(&exported) {
            match (sent, exported) {
                (Decoded::Activity(sent), Decoded::Activity(exported)) => {
                    assert_eq!(essence(sent), essence(exported));
                }
                (Decoded::Skipped(_), Decoded::Skipped(_)) => {}
                other => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn metadata_may_be_text_and_order_is_free() {
    for export in [GOOGLE, MICROSOFT, OPENAI] {
        let mut value: Value = serde_json::from_str(export).unwrap();
        let observations = value["observations"].as_array_mut().unwrap();
        observations.reverse();
        for observation in observations {
            observation["metadata"] = json!(observation["metadata"].to_string());
        }
        let text = value.to_string();
        let mut reversed = outcomes(&text).iter().map(shown).collect::<Vec<_>>();
        reversed.reverse();
        assert_eq!(reversed, outcomes(export).iter().map(shown).collect::<Vec<_>>());
    }
}

#[test]
fn a_bad_observation_costs_itself_only() {
    let check = |export: Value, expected: &[&str]| {
        let (text, mut out) = (export.to_string(), Vec::new());
        let limits = Limits::default();
        decode_as(Format::Langfuse, text.as_bytes(), &limits, &mut Notes::default(), &mut out);
        assert_eq!(out.iter().map(shown).collect::<Vec<_>>(), expected, "{text}");
    };
    let observation = |key: &str, value: Value| {
        let mut observation = json!({
            "id": "00f067aa0ba902b7", "traceId": "ab".repeat(16), "type": "TOOL", "name": "t",
            "startTime": "2025-08-28T07:32:30.303Z", "endTime": "2025-08-28T07:32:31Z",
        });
        observation[key] = value;
        observation
    };
    let trace = json!({"name": "invoke_agent planner"});
    let good = "00f067aa0ba902b7 07:32:31.000Z planner tool_call t 0/0";
    for (key, value, expected) in [
        ("id", json!("x"), "invalid_field /observations/0/id"),
        ("id", Value::Null, "missing_field /observations/0/id"),
        ("traceId", json!(7), "invalid_field /observations/0/traceId"),
        ("endTime", json!("soon"), "invalid_field /observations/0/endTime"),
        ("endTime", json!("9999-01-01T00:00:00Z"), "time_out_of_range /observations/0/endTime"),
        ("endTime", Value::Null, "00f067aa0ba902b7 07:32:30.303Z planner tool_call t 0/0"),
        ("endTime", json!("2025-08-28T07:32:31"), good),
        ("metadata", json!("no json"), good),
        (
            "metadata",
            json!({"attributes": {"gen_ai.tool.name": true}}),
            "invalid_field /observations/0/metadata/attributes/gen_ai.tool.name",
        ),
    ] {
        let bad = observation(key, value);
        let export =
            json!({"trace": trace, "observations": [bad, observation("level", json!("DEFAULT"))]});
        check(export, &[expected, good]);
    }
    check(
        json!({"observations": [observation("x", json!(1))]}),
        &["missing_agent_id /observations/0"],
    );
    check(json!({"trace": trace, "observations": [7]}), &["invalid_field /observations/0"]);
    check(json!({"trace": trace, "observations": 7}), &["invalid_field /observations"]);
    check(json!({"trace": trace, "observations": []}), &["langfuse_trace_without_observations"]);
}
