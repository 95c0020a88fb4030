//! What the rules of each format warn of, one small record each: what it must become, field by field.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by its panic")]

#[path = "reading/record.rs"]
mod reading;

use ingest::Decoded;
use serde_json::{Value, json};

use reading::{RESULT, TYPE, check, check_not, outcome, sample, with};

#[test]
fn cloudtrail_tells_roles_from_sessions() {
    let base = sample(include_str!("../fixtures/in.cloudtrail.json"));
    let role = json!("arn:aws:iam::111122223333:role/AgentRuntimeRole");
    check(
        &base,
        &[("/userIdentity/sessionContext/sessionIssuer", json!({}))],
        &[("/agent/id", role.clone()), ("/agent/instance_id", json!("invoice-bot"))],
    );
    check(
        &base,
        &[("/userIdentity/type", json!("WebIdentityUser"))],
        &[("/agent/id", role), ("/attributes/agent.type", json!("user"))],
    );
    let service = json!({"type": "AWSService", "invokedBy": "lambda.amazonaws.com"});
    check(
        &base,
        &[("/userIdentity", service)],
        &[
            ("/agent/id", json!("lambda.amazonaws.com")),
            ("/attributes/agent.type", json!("service")),
            ("/delegation", json!(null)),
        ],
    );
    let root = json!({"type": "Root", "arn": "arn:aws:iam::1:root", "accountId": "1"});
    check(
        &base,
        &[("/userIdentity", root)],
        &[("/agent/id", json!("arn:aws:iam::1:root")), ("/agent/instance_id", json!(null))],
    );
    check(
        &base,
        &[(
            "/userIdentity/onBehalfOf",
            json!({"userId": "u-1", "identityStoreArn": "arn:aws:identitystore::1:identitystore/d-1"}),
        )],
        &[
            ("/delegation/subject/id", json!("u-1")),
            ("/delegation/subject/type", json!("user")),
            ("/delegation/mode", json!("delegated")),
        ],
    );
    check_not(
        &base,
        &[("/userIdentity", json!({"type": "Unknown"}))],
        "missing_agent_id /userIdentity/arn",
    );
    check_not(&base, &[("/eventTime", json!(null))], "missing_field /eventTime");
    check_not(
        &base,
        &[("/eventTime", json!("2150-01-01T00:00:00Z"))],
        "time_out_of_range /eventTime",
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "a list of cases")]
fn cloudtrail_types_follow_the_call() {
    let base = sample(include_str!("../fixtures/in.cloudtrail.json"));
    let call = |service: &str, name: &str, read_only: Value, parameters: Value, kind: &str| {
        let changes = [
            ("/eventSource", json!(format!("{service}.amazonaws.com"))),
            ("/eventName", json!(name)),
            ("/readOnly", read_only),
            ("/requestParameters", parameters),
        ];
        check(
            &base,
            &changes,
            &[(TYPE, json!(kind)), ("/action/operation", json!(format!("{service}:{name}")))],
        );
    };
    let (yes, no, absent) = (json!(true), json!(false), json!(null));
    let other = "444455556666";
    call("sts", "AssumeRoleWithWebIdentity", yes.clone(), json!({}), "token_issue");
    call("sts", "GetSessionToken", yes.clone(), json!({}), "token_issue");
    call("sts", "GetCallerIdentity", yes.clone(), json!({}), "data_read");
    call("iam", "DeleteUser", no.clone(), json!({"userName": "x"}), "permission_change");
    call("iam", "ListUsers", yes.clone(), json!({}), "data_list");
    call("organizations", "MoveAccount", absent.clone(), json!({}), "permission_change");
    call("s3", "DeleteBucketPolicy", no.clone(), json!({"bucketName": "b"}), "permission_change");
    call("s3", "DeleteObject", no.clone(), json!({"bucketName": "b"}), "data_delete");
    call("s3", "GetObject", absent.clone(), json!({"bucketName": "b"}), "data_read");
    call("s3", "PutObject", absent, json!({"bucketName": "b"}), "api_call");
    call("dynamodb", "BatchGetItem", json!(null), json!({}), "data_read");
    call("bedrock", "ConverseStream", yes.clone(), json!({"modelId": "m"}), "model_call");
    call("bedrock", "PutUseCaseForModelAccess", no.clone(), json!({}), "api_call");
    call("logs", "DescribeLogGroups", yes, json!({}), "data_list");
    let add = |item: Value| json!({"snapshotId": "s", "createVolumePermission": {"add": {"items": [item]}}});
    call("ec2", "ModifySnapshotAttribute", no.clone(), add(json!({"group": "all"})), "data_share");
    call("ec2", "ModifySnapshotAttribute", no.clone(), add(json!({"userId": other})), "data_share");
    call(
        "ec2",
        "ModifySnapshotAttribute",
        no.clone(),
        add(json!({"userId": "111122223333"})),
        "api_call",
    );
    call(
        "ec2",
        "ModifySnapshotAttribute",
        no.clone(),
        json!({"createVolumePermission": {"remove": {"items": [{"group": "all"}]}}}),
        "api_call",
    );
    call(
        "rds",
        "ModifyDBSnapshotAttribute",
        no.clone(),
        json!({"attributeName": "restore", "valuesToAdd": ["all"]}),
        "data_share",
    );
    let policy = |principal: Value, effect: &str| json!({"Statement": [{"Effect": effect, "Principal": principal, "Action": "s3:*"}]});
    let put = |policy: Value| json!({"bucketName": "b", "bucketPolicy": policy});
    call("s3", "PutBucketPolicy", no.clone(), put(policy(json!("*"), "Allow")), "data_share");
    call("s3", "PutBucketPolicy", no.clone(), put(policy(json!("*"), "Deny")), "permission_change");
    call(
        "s3",
        "PutBucketPolicy",
        no.clone(),
        put(policy(json!({"AWS": "arn:aws:iam::111122223333:root"}), "Allow")),
        "permission_change",
    );
    call(
        "s3",
        "PutBucketPolicy",
        no.clone(),
        put(policy(json!({"Service": "x.amazonaws.com"}), "Allow")),
        "permission_change",
    );
    let text =
        policy(json!({"AWS": [format!("arn:aws:iam::{other}:role/r")]}), "Allow").to_string();
    call(
        "secretsmanager",
        "PutResourcePolicy",
        no,
        json!({"secretId": "s", "resourcePolicy": text}),
        "data_share",
    );
}

#[test]
fn cloudtrail_resources_and_results() {
    let base = sample(include_str!("../fixtures/in.cloudtrail.json"));
    let prefix = json!([{"type": "AWS::S3::Object", "ARNPrefix": "arn:aws:s3:::acme-finance/"}, {"type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::acme-finance"}]);
    check(
        &base,
        &[("/resources", prefix)],
        &[
            ("/resource/id", json!("arn:aws:s3:::acme-finance")),
            ("/resource/type", json!("AWS::S3::Bucket")),
        ],
    );
    let id = |parameters: Value, id: Value| {
        check(
            &base,
            &[("/resources", json!(null)), ("/requestParameters", parameters)],
            &[("/resource/id", id)],
        );
    };
    id(json!({"bucketName": "b", "key": "k/l"}), json!("b/k/l"));
    id(json!({"secretId": "prod/db"}), json!("prod/db"));
    id(
        json!({"roleSessionName": "s", "roleArn": "arn:aws:iam::1:role/r"}),
        json!("arn:aws:iam::1:role/r"),
    );
    id(json!({"resourceArns": ["arn:a", "arn:b"]}), json!("arn:a"));
    id(json!({"clientToken": "t", "jobName": "j"}), json!("j"));
    id(json!({"maxResults": 5, "RegionName": "r"}), json!(null));
    for (code, result) in [
        ("AccessDeniedException", "denied"),
        ("UnauthorizedOperation", "denied"),
        ("Client.UnauthorizedOperation", "denied"),
        ("NoSuchKey", "failure"),
        ("ThrottlingException", "failure"),
    ] {
        check(
            &base,
            &[("/errorCode", json!(code))],
            &[(RESULT, json!(result)), ("/outcome/code", json!(code))],
        );
    }
    let login = [
        ("/eventName", json!("ConsoleLogin")),
        ("/eventSource", json!("signin.amazonaws.com")),
        ("/responseElements", json!({"ConsoleLogin": "Failure"})),
    ];
    check(&base, &login, &[(TYPE, json!("authentication")), (RESULT, json!("failure"))]);
    check(
        &base,
        &[("/sourceIPAddress", json!("0.0.0.0")), ("/userAgent", json!(null))],
        &[("/source", json!(null))],
    );
    check(
        &base,
        &[("/tlsDetails", json!(null))],
        &[("/destination/host", json!("s3.amazonaws.com"))],
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "a list of cases")]
fn kubernetes_stages_groups_and_impersonation() {
    let base = sample(include_str!("../fixtures/in.k8s-audit.json"));
    check_not(&base, &[("/stage", json!("RequestReceived"))], "k8s_audit_request_received");
    check_not(&base, &[("/user", json!(null))], "missing_agent_id /user/username");
    check_not(
        &base,
        &[("/requestReceivedTimestamp", json!("now"))],
        "invalid_field /requestReceivedTimestamp",
    );
    check(
        &base,
        &[("/requestReceivedTimestamp", json!(null))],
        &[("/time", json!("2026-11-23T20:51:31.412Z"))],
    );
    let exec = [
        ("/stage", json!("ResponseStarted")),
        ("/verb", json!("create")),
        ("/objectRef/resource", json!("pods")),
        ("/objectRef/subresource", json!("exec")),
        ("/responseStatus/code", json!(101)),
    ];
    check(
        &base,
        &exec,
        &[
            (TYPE, json!("code_execution")),
            (RESULT, json!("success")),
            ("/action/operation", json!("create pods/exec")),
            ("/id", json!("c5f48f91-d4da-4659-97eb-56bdbcd0817c")),
        ],
    );
    check(
        &base,
        &[("/impersonatedUser", json!({"username": "system:serviceaccount:a:b"}))],
        &[
            ("/delegation/subject/id", json!("system:serviceaccount:a:b")),
            ("/delegation/subject/type", json!("service")),
            ("/delegation/mode", json!("delegated")),
            ("/agent/id", json!("system:serviceaccount:agents:invoice-bot")),
        ],
    );
    check(
        &base,
        &[("/user/extra", json!({"sessionName": ["s-1"], "accessKeyId": ["ASIA1"]}))],
        &[("/agent/instance_id", json!("s-1")), ("/credential/id", json!("ASIA1"))],
    );
    check(
        &base,
        &[("/user/extra", json!({"authentication_kubernetes_io_slash_credential-id": ["JTI=1"]}))],
        &[("/credential/id", json!("JTI=1"))],
    );
    let kind = |verb: &str, object: Value, kind: &str, operation: &str| {
        check(
            &base,
            &[("/verb", json!(verb)), ("/objectRef", object)],
            &[(TYPE, json!(kind)), ("/action/operation", json!(operation))],
        );
    };
    kind(
        "patch",
        json!({"resource": "rolebindings", "apiGroup": "rbac.authorization.k8s.io"}),
        "permission_change",
        "patch rbac.authorization.k8s.io/rolebindings",
    );
    kind(
        "get",
        json!({"resource": "roles", "apiVersion": "rbac.authorization.k8s.io/v1"}),
        "data_read",
        "get rbac.authorization.k8s.io/roles",
    );
    kind(
        "create",
        json!({"resource": "serviceaccounts", "subresource": "token", "name": "a"}),
        "token_issue",
        "create serviceaccounts/token",
    );
    kind("deletecollection", json!({"resource": "pods"}), "data_delete", "deletecollection pods");
    kind("watch", json!({"resource": "pods"}), "data_list", "watch pods");
    kind(
        "update",
        json!({"resource": "deployments", "apiVersion": "apps/v1", "subresource": "scale"}),
        "data_write",
        "update apps/deployments/scale",
    );
    check(
        &base,
        &[("/objectRef", json!(null)), ("/requestURI", json!("/healthz?verbose"))],
        &[("/action/operation", json!("get /healthz")), ("/resource/id", json!("/healthz"))],
    );
    for (code, result) in
        [(401, "denied"), (403, "denied"), (404, "failure"), (500, "failure"), (201, "success")]
    {
        check(&base, &[("/responseStatus/code", json!(code))], &[(RESULT, json!(result))]);
    }
    check(
        &base,
        &[("/annotations/authorization.k8s.io~1decision", json!("forbid"))],
        &[(RESULT, json!("denied")), ("/outcome/decision", json!("deny"))],
    );
    check(&base, &[("/responseStatus", json!(null))], &[(RESULT, json!("unknown"))]);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a list of cases")]
fn okta_clients_tokens_and_results() {
    let base = sample(include_str!("../fixtures/in.okta.json"));
    let person = json!({"id": "00u9", "type": "User", "displayName": "Eve"});
    check(
        &base,
        &[("/actor", person.clone())],
        &[
            ("/agent/id", json!("wlp9jebmx18qWtCeu0g7")),
            ("/delegation/subject/id", json!("00u9")),
            ("/delegation/mode", json!("delegated")),
            ("/attributes/agent.type", json!("service")),
            ("/agent/name", json!(null)),
        ],
    );
    check(
        &base,
        &[("/actor", person.clone()), ("/client/id", json!(null))],
        &[
            ("/agent/id", json!("00u9")),
            ("/attributes/agent.type", json!("user")),
            ("/delegation", json!(null)),
        ],
    );
    check_not(
        &base,
        &[("/actor", json!({"id": "unknown", "type": "User"})), ("/client/id", json!(null))],
        "missing_agent_id /actor/id",
    );
    check(
        &base,
        &[
            ("/actor", person),
            (
                "/target",
                json!([{"id": "00u9", "type": "User"}, {"id": "app-1", "type": "AppInstance"}]),
            ),
        ],
        &[("/resource/id", json!("app-1")), ("/resource/type", json!("AppInstance"))],
    );
    for (result, wanted) in [
        ("ALLOW", "success"),
        ("FAILURE", "failure"),
        ("DENY", "denied"),
        ("CHALLENGE", "unknown"),
        ("SKIPPED", "unknown"),
        ("UNKNOWN", "unknown"),
    ] {
        check(&base, &[("/outcome/result", json!(result))], &[(RESULT, json!(wanted))]);
    }
    for (name, kind) in [
        ("user.authentication.auth_via_mfa", "authentication"),
        ("group.user_membership.add", "permission_change"),
        ("user.account.privilege.revoke", "permission_change"),
        ("app.oauth2.as.token.grant.id_token", "token_issue"),
        ("policy.evaluate_sign_on", "api_call"),
    ] {
        check(&base, &[("/eventType", json!(name))], &[(TYPE, json!(kind))]);
    }
    check(&base, &[("/securityContext", json!({}))], &[("/source/anonymizer", json!("unknown"))]);
    check(
        &base,
        &[("/securityContext/isProxy", json!(false)), ("/debugContext/debugData", json!(""))],
        &[("/source/anonymizer", json!("none"))],
    );
    check(
        &base,
        &[("/outcome/reason", json!("Bob said: let me in"))],
        &[("/outcome/code", json!(null))],
    );
    check(
        &base,
        &[("/authenticationContext/externalSessionId", json!("s-9"))],
        &[("/session/id", json!("s-9"))],
    );
}

#[test]
fn zeek_streams_are_told_by_name_or_members() {
    let conn = json!({"ts": 1_795_467_089.8, "uid": "C1", "id.orig_h": "10.1.1.1", "id.orig_p": 5, "id.resp_h": "203.0.113.7", "id.resp_p": 53, "proto": "udp", "conn_state": "OTH"});
    check(
        &conn,
        &[],
        &[
            ("/agent/id", json!("mapped-agent")),
            (RESULT, json!("unknown")),
            ("/usage", json!(null)),
            ("/action/operation", json!("udp")),
            ("/id", json!("C1")),
        ],
    );
    check_not(&conn, &[("/id.orig_h", json!("10.9.9.9"))], "missing_agent_id /id.orig_h");
    check(
        &conn,
        &[("/ts", json!("2026-11-23T20:51:29.800000Z"))],
        &[("/time", json!("2026-11-23T20:51:29.800Z"))],
    );
    for (state, result) in
        [("S1", "success"), ("RSTOS0", "failure"), ("REJ", "failure"), ("SH", "unknown")]
    {
        check(&conn, &[("/conn_state", json!(state))], &[(RESULT, json!(result))]);
    }
    let dns = json!({"_path": "dns", "ts": 1_795_467_089.8, "uid": "C1", "id.orig_h": "10.1.1.1", "id.resp_h": "10.0.0.2", "id.resp_p": 53, "proto": "udp", "query": "a.example", "qtype_name": "A", "rcode_name": "NXDOMAIN", "answers": ["1.2.3.4"]});
    let fields = [
        (TYPE, json!("dns_query")),
        ("/resource/id", json!("a.example")),
        ("/action/operation", json!("A")),
        (RESULT, json!("failure")),
    ];
    check(&dns, &[], &fields);
    check(&dns, &[("/_path", json!(null))], &fields);
    let ids = |record: &Value| match outcome(record) {
        Decoded::Activity(activity) => activity.id.to_string(),
        other => panic!("{other:?}"),
    };
    assert!(ids(&dns).starts_with("sha256:"));
    assert_ne!(ids(&dns), ids(&with(&dns, &[("/query", json!("b.example"))])));
    let ssl = json!({"_path": "ssl", "ts": 1_795_467_089.8, "uid": "C1", "id_orig_h": "10.1.1.1", "id_resp_h": "203.0.113.7", "id_resp_p": 443, "server_name": "h.example", "established": true});
    check(
        &ssl,
        &[],
        &[
            ("/id", json!("ssl:C1")),
            ("/destination/host", json!("h.example")),
            ("/destination/ip", json!("203.0.113.7")),
            (RESULT, json!("success")),
        ],
    );
    let http = json!({"_path": "http", "ts": 1_795_467_089.8, "uid": "C1", "id_orig_h": "10.1.1.1", "id_resp_h": "203.0.113.7", "method": "POST", "host": "h.example", "uri": "/a?token=secret", "status_code": 201, "request_body_len": 7});
    check(
        &http,
        &[],
        &[
            (TYPE, json!("http_request")),
            ("/action/operation", json!("POST")),
            ("/resource/id", json!("http://h.example/a")),
            ("/usage/bytes_out", json!(7)),
            (RESULT, json!("success")),
        ],
    );
    check_not(&conn, &[("/_path", json!("weird"))], "zeek_other_stream");
}

#[test]
#[expect(clippy::too_many_lines, reason = "a list of cases")]
fn ocsf_names_agents_before_people() {
    let base = sample(include_str!("../fixtures/ocsf/in.ocsf-6003.json"));
    check(
        &base,
        &[("/ai_agent", json!({"uid": "a-1", "instance_uid": "i-1", "version": "2"}))],
        &[
            ("/agent/id", json!("a-1")),
            ("/agent/instance_id", json!("i-1")),
            ("/attributes/agent.type", json!("ai_agent")),
        ],
    );
    check(
        &base,
        &[("/actor/app_uid", json!(null))],
        &[
            ("/agent/id", json!("00u1b2c3d4")),
            ("/attributes/agent.type", json!("user")),
            ("/delegation", json!(null)),
        ],
    );
    check(
        &base,
        &[("/actor/app_uid", json!(null)), ("/actor/user/type_id", json!(4))],
        &[
            ("/agent/id", json!("00u1b2c3d4")),
            ("/attributes/agent.type", json!("service")),
            ("/delegation/mode", json!("autonomous")),
        ],
    );
    check(
        &base,
        &[
            ("/actor/app_uid", json!(null)),
            ("/actor/user/uid", json!("arn:aws:sts::1:assumed-role/R/S")),
        ],
        &[("/agent/id", json!("arn:aws:iam::1:role/R"))],
    );
    check(
        &base,
        &[("/actor/user", json!(null))],
        &[("/delegation/mode", json!("autonomous")), ("/delegation/subject", json!(null))],
    );
    check_not(&base, &[("/actor", json!({}))], "missing_agent_id /ai_agent/uid");
    check_not(&base, &[("/class_uid", json!(2004))], "unsupported_schema /class_uid");
    check_not(
        &base,
        &[("/metadata/version", json!("2.0.0"))],
        "unsupported_schema /metadata/version",
    );
    check(
        &base,
        &[("/time", json!(1_795_467_091))],
        &[("/time", json!("2026-11-23T20:51:31.000Z"))],
    );
    check(
        &base,
        &[("/time", json!(1_795_467_091)), ("/time_dt", json!("2026-11-23T20:00:00Z"))],
        &[("/time", json!("2026-11-23T20:00:00.000Z"))],
    );
    check(&base, &[("/disposition_id", json!(2))], &[(RESULT, json!("denied"))]);
    check(
        &base,
        &[("/status_id", json!(2)), ("/api/response/code", json!(500))],
        &[(RESULT, json!("failure")), ("/outcome/code", json!("500"))],
    );
    check(
        &base,
        &[("/status_id", json!(0)), ("/api/response", json!(null))],
        &[(RESULT, json!("unknown"))],
    );
    check(
        &base,
        &[("/api/operation", json!("GetObject"))],
        &[(TYPE, json!("api_call")), ("/action/tool", json!(null))],
    );
    check(
        &base,
        &[("/actor/session/is_vpn", json!(true))],
        &[("/source/anonymizer", json!("vpn"))],
    );
    check(
        &base,
        &[("/metadata/uid", json!(null)), ("/metadata/original_event_uid", json!("o-1"))],
        &[("/id", json!("o-1"))],
    );
    let people = sample(include_str!("../fixtures/ocsf/in.ocsf-3002.json"));
    check(
        &people,
        &[("/user/type_id", json!(1)), ("/actor/user", json!(null))],
        &[("/attributes/agent.type", json!("user")), ("/delegation", json!(null))],
    );
    check(&people, &[("/activity_id", json!(7))], &[(TYPE, json!("token_exchange"))]);
    let file = sample(include_str!("../fixtures/ocsf/in.ocsf-6006.json"));
    check(
        &file,
        &[("/activity_id", json!(1)), ("/file/confidentiality_id", json!(2))],
        &[
            (TYPE, json!("data_write")),
            ("/usage/bytes_out", json!(481_220)),
            ("/usage/bytes_in", json!(null)),
            ("/resource/classification", json!("confidential")),
        ],
    );
    check(
        &file,
        &[("/activity_id", json!(12))],
        &[(TYPE, json!("data_share")), ("/usage", json!(null))],
    );
    let net = sample(include_str!("../fixtures/ocsf/in.ocsf-4001.json"));
    check(
        &net,
        &[
            ("/actor", json!(null)),
            ("/src_endpoint/ip", json!("10.1.1.1")),
            ("/dst_endpoint/hostname", json!(null)),
            ("/tls", json!({"sni": "h.example"})),
        ],
        &[
            ("/agent/id", json!("mapped-agent")),
            ("/delegation", json!(null)),
            ("/destination/host", json!("h.example")),
        ],
    );
}
