//! Records as services write them elsewhere than in the samples: other principals, other spellings, parts that are
//! missing. Each is a variant of a sample, or one made by hand, and was read wrongly once.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by its panic")]

#[path = "reading/record.rs"]
mod reading;

use ingest::{About, Carrier, Decoded, Identity, Limits, Notes, Reader, Tenure, Way, explain};
use schemas::EventTime;
use serde_json::{Value, json};

use reading::{RESULT, TYPE, check, check_not, outcome, sample, with};

fn cloudtrail() -> Value {
    sample(include_str!("../fixtures/in.cloudtrail.json"))
}

#[test]
fn cloudtrail_principals_without_an_arn() {
    let person = json!({
        "type": "IdentityCenterUser", "accountId": "111122223333", "credentialId": "c-1",
        "onBehalfOf": {"userId": "u-1", "identityStoreArn": "arn:aws:identitystore::111122223333:identitystore/d-1"},
    });
    // Who acts for himself acts for nobody.
    check(
        &cloudtrail(),
        &[("/userIdentity", person)],
        &[
            ("/agent/id", json!("u-1")),
            ("/attributes/agent.type", json!("user")),
            ("/delegation", json!(null)),
            ("/credential/id", json!("c-1")),
        ],
    );
    let foreign =
        json!({"type": "AWSAccount", "principalId": "AROAZ:deploy", "accountId": "444455556666"});
    check(
        &cloudtrail(),
        &[("/userIdentity", foreign)],
        &[
            ("/agent/id", json!("AROAZ")),
            ("/agent/instance_id", json!("deploy")),
            ("/attributes/agent.type", json!("service")),
        ],
    );
    let service = json!({"accountId": "111122223333", "invokedBy": "AWS Internal"});
    check(
        &cloudtrail(),
        &[("/userIdentity", service)],
        &[
            ("/agent/id", json!("AWS Internal")),
            ("/attributes/agent.type", json!("service")),
            ("/agent/instance_id", json!(null)),
        ],
    );
}

#[test]
fn cloudtrail_parameters_that_are_called_name() {
    for (source, name, parameters, id) in [
        ("ssm", "GetParameter", json!({"name": "/prod/x", "withDecryption": true}), "/prod/x"),
        ("ssm", "GetParameters", json!({"names": ["/a", "/b"]}), "/a"),
        ("ssm", "StartSession", json!({"target": "i-1"}), "i-1"),
        ("secretsmanager", "BatchGetSecretValue", json!({"secretIdList": ["a", "b"]}), "a"),
        ("cloudtrail", "UpdateTrail", json!({"s3BucketName": "b", "name": "main"}), "main"),
    ] {
        check(
            &cloudtrail(),
            &[
                ("/resources", json!(null)),
                ("/eventSource", json!(format!("{source}.amazonaws.com"))),
                ("/eventName", json!(name)),
                ("/requestParameters", parameters),
            ],
            &[("/resource/id", json!(id))],
        );
    }
    let lower = json!([{"arn": "arn:aws:s3:::b/k", "type": "AWS::S3::Object"}]);
    check(
        &cloudtrail(),
        &[("/resources", lower)],
        &[
            ("/resource/id", json!("arn:aws:s3:::b/k")),
            ("/resource/type", json!("AWS::S3::Object")),
        ],
    );
}

#[test]
fn kubernetes_extras_that_are_no_lists_and_roles_without_a_group() {
    let base = sample(include_str!("../fixtures/in.k8s-audit.json"));
    let extra = json!({"sessionName": "s-1", "accessKeyId": "ASIAX"});
    check(
        &base,
        &[("/user/extra", extra)],
        &[("/agent/instance_id", json!("s-1")), ("/credential/id", json!("ASIAX"))],
    );
    let roles = |verb: &str| {
        vec![
            ("/verb", json!(verb)),
            (
                "/objectRef",
                json!({"resource": "clusterrolebindings", "name": "x", "apiVersion": "v1"}),
            ),
        ]
    };
    check(&base, &roles("create"), &[(TYPE, json!("permission_change"))]);
    check(&base, &roles("get"), &[(TYPE, json!("data_read"))]);
}

#[test]
fn google_methods_in_other_cases_and_with_other_verbs() {
    let base = sample(include_str!("../fixtures/gcp-audit/event.ndjson"));
    for (method, permission, kind, expected) in [
        (
            "google.iam.admin.v1.SetIAMPolicy",
            "iam.serviceAccounts.setIamPolicy",
            "",
            "permission_change",
        ),
        ("storage.buckets.setIamPolicy", "storage.buckets.setIamPolicy", "", "permission_change"),
        (
            "google.iam.admin.v1.GetIAMPolicy",
            "iam.serviceAccounts.getIamPolicy",
            "ADMIN_READ",
            "data_read",
        ),
        (
            "google.cloud.asset.v1.AssetService.AnalyzeIamPolicy",
            "cloudasset.assets.analyzeIamPolicy",
            "ADMIN_READ",
            "data_read",
        ),
        ("io.k8s.core.v1.pods.patch", "io.k8s.core.v1.pods.patch", "", "data_write"),
        ("io.k8s.core.v1.pods.watch", "io.k8s.core.v1.pods.watch", "", "data_list"),
        (
            "io.k8s.core.v1.pods.deletecollection",
            "io.k8s.core.v1.pods.deletecollection",
            "",
            "data_delete",
        ),
    ] {
        let asked = json!([{"permission": permission, "permissionType": kind, "granted": true}]);
        let changes = [
            ("/protoPayload/methodName", json!(method)),
            ("/protoPayload/serviceName", json!("x.googleapis.com")),
            ("/protoPayload/authorizationInfo", asked),
        ];
        check(&base, &changes, &[(TYPE, json!(expected))]);
    }
}

#[test]
fn okta_ids_that_say_null_name_nobody() {
    let base = sample(include_str!("../fixtures/in.okta.json"));
    check(
        &base,
        &[("/client/id", json!("null")), ("/actor/id", json!("00u1"))],
        &[("/agent/id", json!("00u1")), ("/delegation", json!(null))],
    );
    let nobody = [("/client/id", json!("null")), ("/actor/id", json!("unknown"))];
    check_not(&base, &nobody, "missing_agent_id /actor/id");
}

#[test]
fn azure_events_as_the_rest_api_writes_them() {
    let event = json!({
        "caller": "app-9", "eventTimestamp": "2025-03-04T05:06:07Z", "eventDataId": "e-1", "correlationId": "c-1",
        "operationName": {"value": "Microsoft.Compute/virtualMachines/write", "localizedValue": "Create"},
        "resourceId": "/subscriptions/S/VM", "status": {"value": "Failed"}, "subStatus": {"value": "Forbidden"},
        "claims": {"appid": "app-9"},
    });
    check(
        &event,
        &[],
        &[
            ("/agent/id", json!("app-9")),
            ("/action/operation", json!("microsoft.compute/virtualmachines/write")),
            (TYPE, json!("data_write")),
            (RESULT, json!("denied")),
            ("/resource/id", json!("/subscriptions/s/vm")),
        ],
    );
}

#[test]
fn zeek_hosts_are_of_the_stream_and_have_no_port() {
    let base = json!({
        "ts": 1_741_064_767.5, "uid": "C1", "id.orig_h": "10.1.1.1", "id.orig_p": 5000, "id.resp_h": "192.0.2.1",
        "id.resp_p": 8080, "proto": "tcp", "_path": "conn", "conn_state": "SF", "host": "sensor-1",
    });
    check(
        &base,
        &[],
        &[("/destination/host", json!(null)), ("/destination/ip", json!("192.0.2.1"))],
    );
    let http = [
        ("/_path", json!("http")),
        ("/host", json!("H.example:8080")),
        ("/uri", json!("/a?token=1")),
        ("/method", json!("GET")),
    ];
    check(
        &base,
        &http,
        &[
            ("/destination/host", json!("h.example")),
            ("/resource/id", json!("http://H.example:8080/a")),
        ],
    );
}

#[test]
fn an_address_is_whose_it_was_at_the_time() {
    let at = |text: &str| Some(EventTime::parse(text).unwrap());
    let (day, next) = ("2025-03-04T00:00:00Z", "2025-03-05T00:00:00Z");
    let holders = vec![
        Tenure { id: "before".to_owned(), from: None, until: at(day) },
        Tenure { id: "then".to_owned(), from: at(day), until: at(next) },
        Tenure { id: "since".to_owned(), from: at(next), until: None },
    ];
    let identity = Identity {
        by_address: [("10.0.0.7".parse().unwrap(), holders)].into(),
        by_endpoint: false,
    };
    for (time, expected) in [
        ("2025-03-03T23:59:59.999Z", "before"),
        (day, "then"),
        ("2025-03-04T23:59:59.999Z", "then"),
        (next, "since"),
    ] {
        let record = json!({
            "ts": time, "uid": "C1", "id.orig_h": "10.0.0.7", "id.resp_h": "192.0.2.1", "proto": "tcp", "conn_state": "SF",
        });
        let mut out = Vec::new();
        let text = record.to_string();
        Reader::new(None, identity.clone(), Limits::default()).decode(
            text.as_bytes(),
            &Carrier::default(),
            &mut Notes::default(),
            &mut out,
        );
        let Decoded::Activity(activity) = &out[0] else { panic!("{out:?}") };
        assert_eq!(activity.agent.id, expected, "{time}");
    }
}

#[test]
fn tokens_and_guardrails_of_other_models() {
    let base = sample(include_str!("../fixtures/bedrock-invocation/event.ndjson"));
    let body = |body: Value| {
        [("/input", json!({"inputBodyJson": {}})), ("/output", json!({"outputBodyJson": body}))]
    };
    let used = |sent: u64, got: u64| {
        [("/usage/tokens_in", json!(sent)), ("/usage/tokens_out", json!(got))]
    };
    check(
        &base,
        &body(json!({"usage": {"prompt_tokens": 3, "completion_tokens": 4}})),
        &used(3, 4),
    );
    let parts = json!([{"type": "message_start"}, {"amazon-bedrock-invocationMetrics": {"inputTokenCount": 5, "outputTokenCount": 6}}]);
    check(&base, &body(parts), &used(5, 6));
}

#[test]
fn ocsf_with_words_in_place_of_numbers() {
    let base = json!({
        "class_uid": 6003, "activity_id": 2, "time": 1_741_064_767_123_u64, "status": "Failure",
        "metadata": {"version": "1.1.0", "product": {"name": "CloudTrail"}, "uid": "ev-1"},
        "actor": {"user": {"type": "AssumedRole", "uid": "AROAX:s", "name": "r"}, "session": {"uid": "s"}},
        "api": {"operation": "GetObject", "service": {"name": "s3.amazonaws.com"}},
        "src_endpoint": {"domain": "AWS Internal"},
    });
    check(
        &base,
        &[],
        &[
            ("/destination/host", json!("s3.amazonaws.com")),
            ("/source/host", json!("AWS Internal")),
            (RESULT, json!("failure")),
        ],
    );
    check(&base, &[("/status_id", json!(1))], &[(RESULT, json!("success"))]);
    check(&base, &[("/api/service/name", json!("Example ERP"))], &[("/destination", json!(null))]);
}

#[test]
fn a_page_of_an_audit_api_is_many_records() {
    let base = sample(include_str!("../fixtures/openai-audit/event.ndjson"));
    let page = json!({"object": "list", "data": [base, base], "first_id": "a", "last_id": "b", "has_more": false});
    let told = told(&page.to_string());
    assert_eq!(told.len(), 2);
    for (decoded, about) in told {
        assert_eq!(Some(decoded), Some(outcome(&base)));
        assert_eq!(about.envelopes, ["page"]);
    }
}

fn told(text: &str) -> Vec<(Decoded<'static>, About)> {
    let identity = Identity::default();
    let beside = (&Limits::default(), &Carrier::default());
    let all = explain(&Way::of(None, &identity), text.as_bytes(), beside, &mut Notes::default());
    all.into_iter().map(|(decoded, about)| (decoded.into_owned(), about)).collect()
}

/// Checks what there is of a refused record, and what is named as missing.
fn check_partial(record: &Value, missing: &[&str], fields: &[(&str, Value)]) {
    let told = told(&record.to_string());
    let [(Decoded::Rejected(_), about)] = told.as_slice() else { panic!("{record}: {told:?}") };
    let partial = about.made.partial.as_ref().unwrap_or_else(|| panic!("{record} has no partial"));
    let partial = serde_json::to_value(partial).unwrap();
    for (pointer, value) in fields {
        assert_eq!(
            partial.pointer(pointer).unwrap_or(&Value::Null),
            value,
            "{pointer} of {record}"
        );
    }
    assert_eq!(about.made.missing, missing, "{record}");
}

#[test]
fn of_a_refused_native_record_the_rest_is_told() {
    let base = sample(include_str!("../fixtures/event.native.json"));
    let host = base.pointer("/destination/host").cloned().unwrap();
    for (changes, missing) in [
        (vec![("/time", json!("noon"))], vec!["time"]),
        (vec![("/agent", json!(null))], vec!["agent.id"]),
        (vec![("/agent/id", json!(7))], vec!["agent.id"]),
        (vec![("/action/type", json!(7)), ("/id", json!(null))], vec!["action.type", "id"]),
        (vec![("/usage/bytes_out", json!("many"))], vec![]),
        (vec![("/tenant_id", json!("a|b")), ("/agent/name", json!([1]))], vec![]),
        (vec![("/schema", json!("agent.activity/9"))], vec![]),
    ] {
        let record = with(&base, &changes);
        check_partial(&record, &missing, &[("/destination/host", host.clone())]);
    }
}

#[test]
fn of_a_refused_span_the_rest_is_told() {
    let span = |id: &str, end: Value, agent: Value| {
        json!({"resourceSpans": [{"scopeSpans": [{"spans": [{
            "traceId": "4bf92f3577b34da6a3ce929d0e0e4736", "spanId": id, "endTimeUnixNano": end,
            "name": "execute_tool search", "attributes": [
                {"key": "gen_ai.agent.id", "value": agent},
                {"key": "gen_ai.operation.name", "value": {"stringValue": "execute_tool"}},
                {"key": "gen_ai.tool.name", "value": {"stringValue": "search"}},
            ],
        }]}]}]})
    };
    let (good, time) = ("00f067aa0ba902b7", json!("1741064767000000000"));
    let named = json!({"stringValue": "planner"});
    let tool = ("/action/tool/name", json!("search"));
    let agent = ("/agent/id", json!("planner"));
    check_partial(
        &span(good, json!("noon"), named.clone()),
        &["time"],
        &[tool.clone(), agent.clone()],
    );
    check_partial(&span("xyz", time.clone(), named), &["id"], &[tool.clone(), agent]);
    check_partial(&span(good, time, json!({"boolValue": true})), &["agent.id"], &[tool]);
}
