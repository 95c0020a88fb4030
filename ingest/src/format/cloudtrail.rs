//! AWS CloudTrail. A role is the agent and its session the instance; what is asked for and what comes back
//! (`responseElements` holds session tokens) is looked at for its resource and never let out.

mod share;

use record::tree::Tree;
use schemas::activity::Text;

use crate::arn;
use crate::event::Event;
use crate::field::Field;
use crate::table::{Row, Spec, always, by, first, nothing, unused, withheld};

pub(crate) const SPEC: Spec = Spec {
    name: "cloudtrail",
    title: "AWS CloudTrail",
    shape: "`eventSource` and `eventName`, or `insightDetails`, beside `userIdentity`, `eventVersion` or `awsRegion`",
    recognises,
    caseless: false,
    verdict: always,
    rows: ROWS,
    finish: nothing,
    remarks: "Bare records, `{\"Records\": [..]}`, EventBridge (`detail`) and Logstash (`@timestamp` for `eventTime`) are read.\n\
        A user's own ARN is the agent, an assumed role's is `arn:aws:iam::<account>:role/<role>`, whichever member names it.\n\
        Bytes are told from the agent's side: what S3 calls `bytesTransferredOut` came in.",
};

#[rustfmt::skip]
const ROWS: &[Row] = &[
    first(Field::Time, &["eventTime", "@timestamp"]),
    by(Field::AgentId, &["userIdentity/arn", "userIdentity/sessionContext/sessionIssuer/arn", "userIdentity/invokedBy", "userIdentity/onBehalfOf/userId", "userIdentity/principalId"], agent, "the issuer of the session, else the role of the session's ARN, else the ARN; of a service, `invokedBy`"),
    by(Field::AgentType, &["userIdentity/type"], agent_type, "roles and services are `service`, else `user`"),
    by(Field::AgentInstance, &["userIdentity/arn", "userIdentity/principalId"], instance, "the session: the last part of a session's ARN, else of a role's principal id"),
    by(Field::SubjectId, &SUBJECT, subject, "unless it is the agent"),
    by(Field::SubjectIssuer, &["userIdentity/onBehalfOf/identityStoreArn"], |e| subject(e).and(e.text("userIdentity/onBehalfOf/identityStoreArn")), "of the subject"),
    by(Field::SubjectType, &[], |e| subject(e).map(|_| Text::Borrowed("user")), "`user`"),
    by(Field::Mode, &[], |e| subject(e).map(|_| Text::Borrowed("delegated")), "`delegated` where there is a subject"),
    first(Field::CredentialId, &["userIdentity/accessKeyId", "userIdentity/credentialId"]),
    by(Field::CredentialType, &["userIdentity/accessKeyId"], credential_type, "`ASIA..` a role's session, `AKIA..` an API key"),
    first(Field::SessionId, &["userIdentity/sessionContext/attributes/creationDate"]),
    by(Field::ActionType, &["eventName", "eventSource", "readOnly", "requestParameters"], action_type, "by the operation; see below"),
    by(Field::Operation, &["eventSource", "eventName"], operation, "`service:Event`"),
    by(Field::ResourceId, &["resources", "requestParameters"], resource, "the longest ARN of `resources`, else the parameter that names one"),
    by(Field::ResourceType, &["resources"], resource_type, "the type beside that ARN"),
    first(Field::ResourceRegion, &["awsRegion"]),
    first(Field::DestinationHost, &["tlsDetails/clientProvidedHostHeader", "eventSource"]),
    first(Field::SourceAddress, &["sourceIPAddress"]),
    first(Field::SourceUserAgent, &["userAgent"]),
    first(Field::BytesIn, &["additionalEventData/bytesTransferredOut"]),
    first(Field::BytesOut, &["additionalEventData/bytesTransferredIn"]),
    by(Field::Result, &["errorCode", "responseElements", "serviceEventDetails"], result, "no error is success; `AccessDenied*`, `UnauthorizedOperation`, `*.Unauthorized*` are denied; a sign-in says so itself"),
    first(Field::Code, &["errorCode"]),
    first(Field::Id, &["eventID"]),
    withheld(&[
        "requestParameters", "responseElements", "errorMessage", "serviceEventDetails",
    ], "arguments, answers, session tokens"),
    unused(&[
        "eventVersion", "userIdentity/accountId", "userIdentity/userName", "userIdentity/inScopeOf", "userIdentity/identityProvider",
        "userIdentity/sessionContext/attributes/mfaAuthenticated", "userIdentity/sessionContext/webIdFederationData",
        "userIdentity/sessionContext/sessionIssuer/type", "userIdentity/sessionContext/sessionIssuer/principalId",
        "userIdentity/sessionContext/sessionIssuer/accountId", "userIdentity/sessionContext/sessionIssuer/userName",
        "requestID", "eventType", "apiVersion", "managementEvent", "eventCategory", "recipientAccountId",
        "sharedEventID", "vpcEndpointId", "vpcEndpointAccountId", "additionalEventData", "tlsDetails/tlsVersion",
        "tlsDetails/cipherSuite", "sessionCredentialFromConsole", "edgeDeviceDetails", "addendum", "annotation",
        "insightDetails",
    ]),
];

fn recognises(tree: &Tree<'_>) -> bool {
    let has = |key| tree.get(key).is_some();
    // An insight tells of calls and names no one; a notification of S3 looks alike and carries the object in `s3`.
    (has("insightDetails") || (has("eventSource") && has("eventName")))
        && (has("userIdentity") || has("eventVersion") || has("awsRegion"))
        && !has("s3")
}

fn agent<'a>(event: &Event<'_, 'a>) -> Option<Text<'a>> {
    let kind = event.word("userIdentity/type");
    let own = || event.text("userIdentity/arn").map(arn::stable);
    let by_issuer = match kind {
        "IAMUser" | "Root" => None,
        _ => event.text("userIdentity/sessionContext/sessionIssuer/arn"),
    };
    let by_service = match kind {
        "AWSService" => event.text("userIdentity/invokedBy"),
        _ => None,
    };
    let last = || event.first_text(&["userIdentity/invokedBy", "userIdentity/onBehalfOf/userId"]);
    by_issuer.or(by_service).or_else(own).or_else(last).or_else(|| principal(event))
}

/// A principal id; that of a role ends in its session.
fn principal<'a>(event: &Event<'_, 'a>) -> Option<Text<'a>> {
    let id = event.text("userIdentity/principalId")?;
    match id.split_once(':') {
        Some((role, _)) if role.starts_with("AROA") => Some(Text::Owned(role.to_owned())),
        _ => Some(id),
    }
}

fn agent_type<'a>(event: &Event<'_, 'a>) -> Option<Text<'a>> {
    Some(Text::Borrowed(match event.word("userIdentity/type") {
        "AssumedRole" | "Role" | "AWSService" | "AWSAccount" | "FederatedUser" => "service",
        "" if event.has("userIdentity/invokedBy") => "service",
        "" => return None,
        _ => "user",
    }))
}

fn instance<'a>(event: &Event<'_, 'a>) -> Option<Text<'a>> {
    match event.word("userIdentity/type") {
        "IAMUser" | "Root" => None,
        _ => match event.text("userIdentity/arn") {
            Some(arn) => arn::session(arn),
            None => {
                let (role, session) = event.word("userIdentity/principalId").split_once(':')?;
                role.starts_with("AROA").then(|| Text::Owned(session.to_owned()))
            }
        },
    }
}

/// Whom a session is for, where the agent is somebody else.
const SUBJECT: [&str; 2] =
    ["userIdentity/onBehalfOf/userId", "userIdentity/sessionContext/sourceIdentity"];

fn subject<'a>(event: &Event<'_, 'a>) -> Option<Text<'a>> {
    event.first_text(&SUBJECT).filter(|subject| agent(event).as_ref() != Some(subject))
}

fn credential_type<'a>(event: &Event<'_, 'a>) -> Option<Text<'a>> {
    match event.word("userIdentity/accessKeyId").get(..4)? {
        "ASIA" => Some(Text::Borrowed("cloud_role_session")),
        "AKIA" => Some(Text::Borrowed("api_key")),
        _ => None,
    }
}

fn service<'t>(event: &Event<'t, '_>) -> &'t str {
    // In China it ends in `.amazonaws.com.cn`.
    let source = event.word("eventSource");
    source.split_once(".amazonaws.com").map_or(source, |(service, _)| service)
}

fn operation<'a>(event: &Event<'_, 'a>) -> Option<Text<'a>> {
    let name = event.text("eventName")?;
    Some(Text::Owned(format!("{}:{name}", service(event))))
}

fn action_type<'a>(event: &Event<'_, 'a>) -> Option<Text<'a>> {
    let (service, name) = (service(event), event.word("eventName"));
    let begins = |words: &[&str]| words.iter().any(|word| name.starts_with(word));
    let reads = match event.flag("readOnly") {
        Some(reads) => reads,
        None => begins(&["Get", "BatchGet", "List", "Describe", "Head", "Lookup"]),
    };
    let issues = service == "sts"
        && (begins(&["AssumeRole"]) || ["GetSessionToken", "GetFederationToken"].contains(&name));
    let shares = (begins(&["Modify"]) && name.ends_with("Attribute"))
        || (begins(&["Put"]) && name.ends_with("Policy"));
    let permits = ["iam", "organizations"].contains(&service)
        || name.contains("Policy")
        || begins(&["AddPermission", "RemovePermission"]);
    Some(Text::Borrowed(if service == "signin" && name == "ConsoleLogin" {
        "authentication"
    } else if issues {
        "token_issue"
    } else if !reads && shares && share::reaches_out(event) {
        "data_share"
    } else if !reads && permits {
        "permission_change"
    } else if ["bedrock", "bedrock-runtime"].contains(&service) && begins(&["Invoke", "Converse"]) {
        "model_call"
    } else if begins(&["Describe", "List"]) {
        "data_list"
    } else if reads || begins(&["Get", "BatchGet"]) {
        "data_read"
    } else if begins(&["Delete"]) {
        "data_delete"
    } else {
        "api_call"
    }))
}

/// Parameters that name what is acted on, the most telling first.
#[rustfmt::skip]
const PARAMETERS: &[&str] = &[
    "secretId", "secretIdList/0", "bucketName", "bucket", "roleArn", "functionName", "tableName", "keyId",
    "modelId", "resourceArns/0", "resourceArn", "resourceARN", "snapshotId", "dBSnapshotIdentifier",
    "dBClusterSnapshotIdentifier", "dBInstanceIdentifier", "instanceId", "volumeId", "imageId",
    "instanceProfileName", "userName", "roleName", "groupName", "subnetId", "vpcId", "vpcSet/items/0/vpcId",
    "subnetSet/items/0/subnetId", "instancesSet/items/0/instanceId", "queueUrl", "topicArn", "name", "names/0",
    "target",
];

/// What ends the name of a parameter that names something.
const ENDINGS: [&str; 6] = ["Arn", "ARN", "Id", "Identifier", "Name", "Url"];
/// Parameters that so end and name no resource.
#[rustfmt::skip]
const NO_RESOURCE: [&str; 7] = [
    "roleSessionName", "attributeName", "RegionName", "policyName", "externalId", "versionId", "domainName",
];

fn resource<'a>(event: &Event<'_, 'a>) -> Option<Text<'a>> {
    if let Some(arn) = most_specific(event).and_then(arn_of) {
        return Some(arn.clone());
    }
    let parameters = event.at("requestParameters")?;
    let named = PARAMETERS.iter().find_map(|key| Some((*key, parameters.at(key, false)?.text()?)));
    if let Some((key, found)) = named {
        let object = parameters.word("key").filter(|_| key == "bucketName");
        return Some(match object {
            Some(object) => Text::Owned(format!("{found}/{object}")),
            None => found.clone(),
        });
    }
    let names =
        |key: &str| ENDINGS.iter().any(|end| key.ends_with(end)) && !NO_RESOURCE.contains(&key);
    let members =
        parameters.members().iter().filter(|(key, value)| names(key) && !value.is_absent());
    members.filter_map(|(_, value)| value.text()).next().cloned()
}

fn resource_type<'a>(event: &Event<'_, 'a>) -> Option<Text<'a>> {
    most_specific(event)?.get("type")?.text().cloned()
}

/// The item with the longest ARN; a prefix of ARNs names nothing.
fn most_specific<'t, 'a>(event: &Event<'t, 'a>) -> Option<&'t Tree<'a>> {
    let items = event.at("resources").map_or(&[][..], Tree::items).iter();
    let arn = |item: &Tree<'a>| arn_of(item).map_or(0, |arn| arn.len());
    items.filter(|item| 0 < arn(item)).max_by_key(|item| arn(item))
}

fn arn_of<'t, 'a>(item: &'t Tree<'a>) -> Option<&'t Text<'a>> {
    item.get("ARN").or_else(|| item.get("arn"))?.text()
}

fn result<'a>(event: &Event<'_, 'a>) -> Option<Text<'a>> {
    let (code, name) = (event.word("errorCode"), event.word("eventName"));
    // A sign-in says how it ended in a member of its own name.
    let signs_in = service(event) == "signin";
    let answer = |path| event.at(path)?.word(name).filter(|_| signs_in);
    let said = answer("responseElements").or_else(|| answer("serviceEventDetails"));
    Some(Text::Borrowed(match said {
        Some("Success") => "success",
        Some("Failure") => "failure",
        _ if arn::is_denied(code) => "denied",
        _ if !code.is_empty() => "failure",
        _ if signs_in && name == "ConsoleLogin" => "unknown",
        _ => "success",
    }))
}
