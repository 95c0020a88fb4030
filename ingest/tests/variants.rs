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
    let escaped = json!({
        "authentication_kubernetes_io_slash_pod-name": "p-1", "authentication_kubernetes_io_slash_credential-id": "JTI=1",
    });
    check(
        &base,
        &[("/user/extra", escaped)],
        &[("/agent/instance_id", json!("p-1")), ("/credential/id", json!("JTI=1"))],
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
fn cloudtrail_in_china_and_of_insights() {
    let china = [
        ("/eventSource", json!("s3.amazonaws.com.cn")),
        ("/eventName", json!("DeleteObjects")),
        ("/readOnly", json!(false)),
    ];
    check(
        &cloudtrail(),
        &china,
        &[("/action/operation", json!("s3:DeleteObjects")), (TYPE, json!("data_delete"))],
    );
    let insight = json!({
        "eventVersion": "1.08", "eventTime": "2026-03-04T05:06:00Z", "awsRegion": "eu-west-1", "eventID": "i-1",
        "eventType": "AwsCloudTrailInsight", "eventCategory": "Insight",
        "insightDetails": {"state": "Start", "eventSource": "iam.amazonaws.com", "eventName": "CreateUser"},
    });
    check_not(&insight, &[], "missing_agent_id /userIdentity/arn");
}

#[test]
fn cloudtrail_sign_ins_say_how_they_ended() {
    let sign_in = |name: &str| {
        vec![("/eventSource", json!("signin.amazonaws.com")), ("/eventName", json!(name))]
    };
    for (name, answer, result) in [
        ("ConsoleLogin", ("/responseElements", json!({"ConsoleLogin": "Failure"})), "failure"),
        ("ConsoleLogin", ("/responseElements", json!(null)), "unknown"),
        ("SwitchRole", ("/responseElements", json!({"SwitchRole": "Failure"})), "failure"),
        (
            "CredentialVerification",
            ("/serviceEventDetails", json!({"CredentialVerification": "Success"})),
            "success",
        ),
        (
            "CredentialVerification",
            ("/serviceEventDetails", json!({"CredentialVerification": "Failure"})),
            "failure",
        ),
    ] {
        let mut changes = sign_in(name);
        changes.push(answer);
        check(&cloudtrail(), &changes, &[(RESULT, json!(result))]);
    }
    // Nobody else does.
    let other = [("/responseElements", json!({"GetObject": "Failure"}))];
    check(&cloudtrail(), &other, &[(RESULT, json!("success"))]);
}

#[test]
fn cloudtrail_calls_of_gateways_are_no_calls_of_models() {
    for (source, kind) in [("bedrock", "model_call"), ("bedrock-agentcore", "api_call")] {
        let source = json!(format!("{source}.amazonaws.com"));
        let call = [
            ("/eventSource", source),
            ("/eventName", json!("InvokeGateway")),
            ("/readOnly", json!(false)),
        ];
        check(&cloudtrail(), &call, &[(TYPE, json!(kind))]);
    }
}

#[test]
fn google_principals_of_clusters_and_workloads() {
    let base = sample(include_str!("../fixtures/gcp-audit/event.ndjson"));
    let info = "/protoPayload/authenticationInfo";
    let agents = "principal://agents.global.org-1.system.id.goog/resources/aiplatform";
    let pool = "principal://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/ci/subject/r";
    for (named, kind) in [
        (json!({"principalEmail": "system:serviceaccount:a:b"}), "service"),
        (json!({"principalEmail": "system:anonymous"}), "user"),
        (
            json!({"principalSubject": format!("{agents}/projects/1/reasoningEngines/2")}),
            "ai_agent",
        ),
        (json!({"principalSubject": pool}), "service"),
        (
            json!({"principalSubject": "principal://iam.googleapis.com/locations/global/workforcePools/p/subject/a"}),
            "user",
        ),
    ] {
        check(&base, &[(info, named)], &[("/attributes/agent.type", json!(kind))]);
    }
}

#[test]
fn entra_conditional_access_and_other_categories() {
    let base = sample(include_str!("../fixtures/entra/diagnostic.ndjson"));
    let base = with(
        &base,
        &[
            ("/category", json!("SignInLogs")),
            (
                "/properties",
                json!({"userId": "u-1", "id": "s-1", "createdDateTime": "2026-03-04T05:06:07Z"}),
            ),
        ],
    );
    for (code, result) in
        [(50_131, "denied"), (50_005, "denied"), (53_000, "denied"), (50_074, "failure")]
    {
        check(&base, &[("/properties/status/errorCode", json!(code))], &[(RESULT, json!(result))]);
    }
    let graph = json!({"appId": "a", "userId": "u-1", "requestUri": "https://graph.example/me", "responseStatusCode": 200});
    let other = [("/category", json!("MicrosoftGraphActivityLogs")), ("/properties", graph)];
    check_not(&base, &other, "entra_other_category");
    // Some shippers write what is nested as text.
    let text = json!(base["properties"].to_string());
    check(
        &base,
        &[("/properties", text)],
        &[
            ("/id", json!("s-1")),
            ("/agent/id", json!("u-1")),
            ("/time", json!("2026-03-04T05:06:07.000Z")),
            ("/producer/format", json!("entra")),
        ],
    );
}

#[test]
fn azure_accepts_and_names_the_client() {
    let event = json!({
        "caller": "app-9", "eventTimestamp": "2026-03-04T05:06:07Z", "resourceId": "/subscriptions/S", "operationName": "X/write",
        "resultType": "Accept", "httpRequest": {"clientIpAddress": "198.51.100.6", "uri": "https://h.example/?sig=1"},
    });
    check(&event, &[], &[(RESULT, json!("success")), ("/source/ip", json!("198.51.100.6"))]);
}

#[test]
fn teleport_names_bots_in_other_places() {
    let base = json!({"event": "mcp.session.request", "code": "TMCP003I", "uid": "u-1", "time": "2026-03-04T05:06:07Z", "user": "bot-x"});
    check(&base, &[("/bot_name", json!("x"))], &[("/attributes/agent.type", json!("service"))]);
    check(&base, &[("/bot_name", json!(""))], &[("/attributes/agent.type", json!("user"))]);
    let joins = [
        ("/event", json!("bot.join")),
        ("/user", json!(null)),
        ("/user_name", json!("bot-x")),
        ("/bot_name", json!("x")),
        ("/token_name", json!("s3cr3t")),
    ];
    let bot = [("/agent/id", json!("bot-x")), ("/attributes/agent.type", json!("service"))];
    check(&base, &joins, &bot);
    let issued = json!({"event": "cert.create", "code": "TC000I", "time": "2026-03-04T05:06:07Z", "identity": {"user": "a"}});
    check(&issued, &[], &[("/agent/id", json!("a")), (TYPE, json!("token_issue"))]);
}

#[test]
fn github_tells_who_set_an_agent_to_work() {
    let base = json!({
        "action": "pull_request.create", "actor": "copilot", "actor_is_agent": true, "agent_session_id": "s-1", "user": "cat",
        "created_at": 1_621_305_118_553_u64, "repo": "o/r",
    });
    check(
        &base,
        &[],
        &[
            ("/agent/instance_id", json!("s-1")),
            ("/delegation/subject/id", json!("cat")),
            ("/delegation/subject/type", json!("user")),
            ("/delegation/mode", json!("delegated")),
        ],
    );
    for about in
        [("/actor_is_agent", json!(false)), ("/user", json!("copilot")), ("/user", json!(""))]
    {
        check(&base, &[about], &[("/delegation", json!(null))]);
    }
}

#[test]
fn github_names_several_organisations() {
    let base = json!({"action": "team.create", "actor": "cat", "created_at": 1_621_305_118_553_u64, "org": ["o", "p"], "business": "b"});
    check(&base, &[], &[("/resource/id", json!("o")), ("/resource/type", json!("org"))]);
}

#[test]
fn model_services_with_documents_and_without_actors() {
    let claude = json!({
        "id": "a-1", "created_at": "2026-05-07T10:00:00Z", "organization_id": "org", "type": "claude_project_document_uploaded",
        "claude_project_id": "p-1", "claude_project_document_id": "d-1", "actor": {"type": "user_actor", "user_id": "u-1"},
    });
    check(
        &claude,
        &[],
        &[("/resource/id", json!("d-1")), ("/resource/type", json!("claude_project_document"))],
    );
    for (actor, id, instance, issuer) in [
        (json!({"service_account_id": "sa-1"}), "sa-1", json!(null), json!(null)),
        (
            json!({"subject": "repo:o/r", "issuer": "https://i.example"}),
            "repo:o/r",
            json!(null),
            json!("https://i.example"),
        ),
        (
            json!({"subject": "x", "provider": {"signed_principal": "arn:aws:sts::1:assumed-role/R/S"}}),
            "arn:aws:iam::1:role/R",
            json!("S"),
            json!(null),
        ),
    ] {
        let kind = ("/attributes/agent.type", json!("service"));
        let who = [
            ("/agent/id", json!(id)),
            ("/agent/instance_id", instance),
            ("/agent/issuer", issuer),
            kind,
        ];
        check(&claude, &[("/actor", actor)], &who);
    }
    let openai =
        json!({"id": "l-1", "type": "scim.enabled", "effective_at": 1_702_857_600, "actor": null});
    check_not(&openai, &[], "missing_agent_id /actor/api_key/service_account/id");
    let by = json!({"type": "session", "session": {"user": {"id": "u-1"}}});
    for key in [
        "checkpoint_permission.created",
        "checkpoint.permission.created",
        "checkpoint_permission_created",
    ] {
        let mut record = with(
            &openai,
            &[("/type", json!("checkpoint.permission.created")), ("/actor", by.clone())],
        );
        record[key] = json!({"id": "cp-1"});
        check(&record, &[], &[("/resource/id", json!("cp-1"))]);
    }
}

#[test]
fn records_without_a_time_miss_it() {
    let openai = json!({"id": "l-1", "type": "project.created", "actor": {"type": "session", "session": {"user": {"id": "u-1"}}}});
    check_not(&openai, &[], "missing_field /effective_at");
    let claude = json!({"id": "a-1", "organization_id": "o", "type": "x", "actor": {"type": "user_actor", "user_id": "u-1"}});
    check_not(&claude, &[], "missing_field /created_at");
    let zeek = json!({"uid": "C1", "id.orig_h": "10.1.1.1", "id.resp_h": "192.0.2.1", "proto": "tcp", "conn_state": "SF"});
    check_not(&zeek, &[("/id.orig_h", json!("10.9.9.9"))], "missing_agent_id /id.orig_h");
    check_not(&zeek, &[("/ts", json!("soon"))], "invalid_field /ts");
}

#[test]
fn zeek_requests_of_proxies_have_no_path() {
    let base = json!({
        "_path": "http", "ts": 1_741_064_767.5, "uid": "C1", "id.orig_h": "10.1.1.1", "id.resp_h": "192.0.2.1", "method": "CONNECT",
        "host": "h.example:443", "uri": "h.example:443", "status_code": 200,
    });
    let url = |url: &str| [("/resource/id", json!(url)), ("/destination/host", json!("h.example"))];
    check(&base, &[], &url("http://h.example:443"));
    check(&base, &[("/uri", json!("http://h.example/a?t=1"))], &url("http://h.example/a"));
    let below = "http://h.example:443/to/http://x.example";
    check(&base, &[("/uri", json!("/to/http://x.example"))], &url(below));
}

#[test]
fn a_plain_observation_is_structure_whatever_its_name() {
    let observation = |name: &str| {
        json!({
            "id": "00f067aa0ba902b7", "traceId": "4bf92f3577b34da6a3ce929d0e0e4736", "type": "SPAN", "name": name,
            "endTime": "2025-03-04T05:06:07Z",
        })
    };
    for name in ["execute_tool search", "invoke_agent planner", "tools/call search"] {
        let export = json!({"trace": {"name": "planner"}, "observations": [observation(name)]});
        check_not(&export, &[], "langfuse_observation_not_an_activity");
        let typed = [("/observations/0/type", json!("TOOL"))];
        check(&export, &typed, &[(TYPE, json!("tool_call"))]);
    }
}

#[test]
fn spans_whose_clock_counts_something_else() {
    let attribute = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
    let span = |start: Value, end: Value| {
        let attributes =
            [attribute("gen_ai.agent.id", "a"), attribute("gen_ai.operation.name", "chat")];
        json!({"resourceSpans": [{"scopeSpans": [{"spans": [{
            "traceId": "4bf92f3577b34da6a3ce929d0e0e4736", "spanId": "00f067aa0ba902b7", "name": "x",
            "startTimeUnixNano": start, "endTimeUnixNano": end, "attributes": attributes,
        }]}]}]})
    };
    let took = [("/time", json!("2025-03-04T05:06:07.000Z")), ("/usage/duration_ms", json!(2_000))];
    for zeros in ["", "000", "000000", "000000000"] {
        let (start, end) = (format!("1741064765{zeros}"), format!("1741064767{zeros}"));
        check(&span(json!(start), json!(end)), &[], &took);
    }
    let observation = json!({
        "id": "00f067aa0ba902b7", "traceId": "4bf92f3577b34da6a3ce929d0e0e4736", "type": "TOOL", "name": "t",
        "startTime": 1_741_064_765, "endTime": "2025-03-04 05:06:07+0000", "usage": {"input": "3", "output": 4},
    });
    let export = json!({"trace": {"name": "planner"}, "observations": [observation]});
    check(&export, &[], &took);
    check(&export, &[], &[("/usage/tokens_in", json!(3)), ("/usage/tokens_out", json!(4))]);
}

/// A URL with secrets in it, and what may be seen of it.
const SECRET: &str = "https://u:s3cr3t@h.example/a?token=s3cr3t#s3cr3t";
const OPEN: &str = "https://h.example/a";

#[test]
fn urls_keep_no_secrets_wherever_they_stand() {
    let (secret, open) = (SECRET, json!(OPEN));
    let calls =
        [("/resources", json!(null)), ("/requestParameters", json!({"callbackUrl": secret}))];
    check(&cloudtrail(), &calls, &[("/resource/id", open.clone())]);
    check(
        &cloudtrail(),
        &[
            ("/userAgent", json!(format!("agent/1 (+{secret}) x/2"))),
            ("/sourceIPAddress", json!("u:s3cr3t@gateway.example")),
            ("/tlsDetails/clientProvidedHostHeader", json!(secret)),
        ],
        &[
            ("/source/user_agent", json!("agent/1 (+https://h.example/a) x/2")),
            ("/source/host", json!("gateway.example")),
            ("/destination/host", json!("h.example")),
        ],
    );
    let google = sample(include_str!("../fixtures/gcp-audit/event.ndjson"));
    check(
        &google,
        &[("/protoPayload/resourceName", json!(secret))],
        &[("/resource/id", open.clone())],
    );
    let ocsf = sample(include_str!("../fixtures/ocsf/in.ocsf-6003.json"));
    check(
        &ocsf,
        &[
            ("/resources", json!([{"uid": secret, "name": secret}])),
            ("/api/service/uid", json!(secret)),
        ],
        &[
            ("/resource/id", open.clone()),
            ("/resource/name", open.clone()),
            ("/action/tool/server", open.clone()),
        ],
    );
    let zeek = json!({
        "_path": "http", "ts": 1_741_064_767.5, "uid": "C1", "id.orig_h": "10.1.1.1", "id.resp_h": "192.0.2.1", "method": "GET",
        "host": "u:s3cr3t@h.example", "uri": "/a?token=s3cr3t",
    });
    check(
        &zeek,
        &[],
        &[
            ("/resource/id", json!("http://h.example/a")),
            ("/destination/url", json!("http://h.example/a")),
        ],
    );
    let kubernetes = sample(include_str!("../fixtures/in.k8s-audit.json"));
    check(
        &kubernetes,
        &[("/objectRef", json!(null)), ("/requestURI", json!(secret))],
        &[("/action/operation", json!("get")), ("/resource", json!(null))],
    );
}

#[test]
fn urls_of_spans_keep_no_secrets() {
    let (secret, open) = (SECRET, json!(OPEN));
    let span = |operation: &str, key: &str| {
        let text = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
        let attributes = json!([
            text("gen_ai.agent.id", "a"),
            text("gen_ai.operation.name", operation),
            text(key, secret)
        ]);
        json!({"resourceSpans": [{"scopeSpans": [{"spans": [{
            "traceId": "4bf92f3577b34da6a3ce929d0e0e4736", "spanId": "00f067aa0ba902b7", "endTimeUnixNano": "1741064767000000000",
            "kind": 3, "name": "x", "attributes": attributes,
        }]}]}]})
    };
    check(&span("retrieval", "gen_ai.data_source.id"), &[], &[("/resource/id", open.clone())]);
    check(&span("chat", "mcp.resource.uri"), &[], &[("/resource/id", open.clone())]);
    check(
        &span("execute_tool", "server.address"),
        &[],
        &[("/action/tool/server", open), ("/destination/host", json!("h.example"))],
    );
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
