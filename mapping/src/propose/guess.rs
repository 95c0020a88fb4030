//! What the fields of an activity are mostly called, and what their values look like: data. Names are in plain
//! letters, of the last step of a pointer or of the last two together (`agent.id` is `agentid`), best first.

use super::leaves::Leaf;
use crate::compile;
use crate::paths;

/// What a place's values must look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Text,
    /// Few different texts.
    Word,
    /// A text that differs in each record.
    Unique,
    Number,
    Time,
    Ip,
    Url,
}

/// What a field is called.
pub(super) struct Guess {
    pub(super) field: &'static str,
    pub(super) shape: Shape,
    names: &'static [&'static str],
    /// Whether further places stand in where the first has no value.
    pub(super) is_first_hit: bool,
}

const fn guess(field: &'static str, shape: Shape, names: &'static [&'static str]) -> Guess {
    Guess { field, shape, names, is_first_hit: false }
}

const fn first_hit(field: &'static str, shape: Shape, names: &'static [&'static str]) -> Guess {
    Guess { field, shape, names, is_first_hit: true }
}

/// The fields that are guessed by name.
pub(super) const GUESSES: &[Guess] = &[
    guess(
        "id",
        Shape::Unique,
        &["eventid", "auditid", "messageid", "requestid", "uuid", "uid", "id"],
    ),
    first_hit(
        "time",
        Shape::Time,
        &[
            "timestamp",
            "eventtime",
            "time",
            "ts",
            "occurredat",
            "createdat",
            "datetime",
            "date",
            "starttime",
            "loggedat",
            "receivedat",
        ],
    ),
    guess("tenant_id", Shape::Word, &["tenantid", "tenant", "orgid", "organizationid"]),
    first_hit(
        "agent.id",
        Shape::Text,
        &[
            "agentid",
            "agentuid",
            "botid",
            "assistantid",
            "agent",
            "agentname",
            "actorid",
            "clientid",
            "serviceaccount",
            "principalid",
            "principal",
            "workloadid",
            "appid",
            "actor",
            "bot",
            "caller",
        ],
    ),
    guess(
        "agent.instance_id",
        Shape::Text,
        &["instanceid", "runid", "agentinstance", "podname", "pod"],
    ),
    guess("agent.version", Shape::Word, &["agentversion", "botversion"]),
    guess(
        "agent.blueprint",
        Shape::Word,
        &["blueprint", "agenttype", "agentrole", "role", "template"],
    ),
    guess("agent.model.name", Shape::Word, &["model", "modelname", "modelid"]),
    guess("agent.model.provider", Shape::Word, &["modelprovider", "llmprovider"]),
    guess(
        "delegation.subject.id",
        Shape::Text,
        &[
            "onbehalfof",
            "enduserid",
            "enduser",
            "userid",
            "delegator",
            "requestedby",
            "username",
            "user",
        ],
    ),
    guess("delegation.purpose", Shape::Word, &["purpose", "workflow", "workflowid", "tasktype"]),
    guess(
        "credential.id",
        Shape::Text,
        &["credentialid", "keyid", "accesskeyid", "apikeyid", "tokenid", "jti"],
    ),
    guess("session.id", Shape::Text, &["sessionid", "session", "sid"]),
    guess("session.task_id", Shape::Text, &["taskid", "jobid"]),
    guess("session.conversation_id", Shape::Text, &["conversationid", "threadid", "chatid"]),
    first_hit(
        "action.operation",
        Shape::Word,
        &[
            "tool",
            "toolname",
            "function",
            "functionname",
            "operation",
            "operationname",
            "method",
            "action",
            "api",
            "eventname",
            "name",
            "eventtype",
            "event",
            "type",
        ],
    ),
    guess("action.tool.name", Shape::Word, &["tool", "toolname", "functionname"]),
    guess("action.tool.call_id", Shape::Text, &["toolcallid", "callid"]),
    guess("action.tool.server", Shape::Text, &["mcpserver", "toolserver", "servername", "server"]),
    guess(
        "resource.id",
        Shape::Text,
        &[
            "resourceid",
            "resourcearn",
            "resource",
            "objectid",
            "object",
            "filepath",
            "filename",
            "file",
            "documentid",
            "document",
            "table",
            "bucket",
            "path",
        ],
    ),
    guess("resource.type", Shape::Word, &["resourcetype", "objecttype"]),
    guess(
        "destination.url",
        Shape::Url,
        &["url", "uri", "requesturl", "endpoint", "targeturl", "href"],
    ),
    guess(
        "destination.host",
        Shape::Text,
        &["desthost", "destinationhost", "targethost", "host", "hostname", "domain"],
    ),
    guess("destination.ip", Shape::Ip, &["destip", "dstip", "destinationip", "targetip"]),
    guess(
        "destination.address",
        Shape::Text,
        &["recipient", "recipientid", "payee", "emailto", "to"],
    ),
    guess(
        "source.ip",
        Shape::Ip,
        &[
            "sourceip",
            "srcip",
            "clientip",
            "remoteip",
            "remoteaddr",
            "ipaddress",
            "clientaddress",
            "ip",
        ],
    ),
    guess("source.user_agent", Shape::Text, &["useragent"]),
    guess(
        "usage.bytes_out",
        Shape::Number,
        &["bytesout", "bytessent", "sentbytes", "requestbytes"],
    ),
    guess(
        "usage.bytes_in",
        Shape::Number,
        &["bytesin", "bytesreceived", "receivedbytes", "responsebytes"],
    ),
    guess("usage.records", Shape::Number, &["recordcount", "rowcount", "rows", "records"]),
    guess("usage.duration_ms", Shape::Number, &["durationms", "latencyms", "elapsedms"]),
    guess("usage.tokens_in", Shape::Number, &["inputtokens", "prompttokens", "tokensin"]),
    guess("usage.tokens_out", Shape::Number, &["outputtokens", "completiontokens", "tokensout"]),
    guess("usage.cost_usd", Shape::Number, &["costusd"]),
    guess("outcome.code", Shape::Word, &["statuscode", "errorcode", "httpstatus", "responsecode"]),
    guess("outcome.policy_id", Shape::Word, &["policyid", "policy", "ruleid"]),
    guess("trace.trace_id", Shape::Text, &["traceid"]),
    guess("trace.span_id", Shape::Text, &["spanid"]),
    guess("attributes.amount", Shape::Number, &["amount", "price", "total"]),
    guess("attributes.env", Shape::Word, &["env", "environment"]),
];

type Words = &'static [(&'static str, &'static str)];

/// The fields that are guessed by what their words mean: names, and the words.
pub(super) const VERDICTS: &[(&str, &[&str], Words)] = &[
    (
        "outcome.result",
        &[
            "outcome", "result", "decision", "status", "verdict", "success", "ok", "state",
            "allowed",
        ],
        &[
            ("success", "success"),
            ("succeeded", "success"),
            ("ok", "success"),
            ("allow", "success"),
            ("allowed", "success"),
            ("approve", "success"),
            ("approved", "success"),
            ("granted", "success"),
            ("permitted", "success"),
            ("completed", "success"),
            ("complete", "success"),
            ("passed", "success"),
            ("done", "success"),
            ("true", "success"),
            ("200", "success"),
            ("failure", "failure"),
            ("failed", "failure"),
            ("fail", "failure"),
            ("error", "failure"),
            ("exception", "failure"),
            ("timeout", "failure"),
            ("false", "failure"),
            ("aborted", "failure"),
            ("500", "failure"),
            ("denied", "denied"),
            ("deny", "denied"),
            ("blocked", "denied"),
            ("block", "denied"),
            ("rejected", "denied"),
            ("refused", "denied"),
            ("forbidden", "denied"),
            ("unauthorized", "denied"),
            ("401", "denied"),
            ("403", "denied"),
        ],
    ),
    (
        "outcome.decision",
        &["decision", "policydecision", "verdict", "authorization"],
        &[
            ("allow", "allow"),
            ("allowed", "allow"),
            ("approve", "allow"),
            ("approved", "allow"),
            ("granted", "allow"),
            ("permitted", "allow"),
            ("deny", "deny"),
            ("denied", "deny"),
            ("block", "deny"),
            ("blocked", "deny"),
            ("rejected", "deny"),
            ("refused", "deny"),
            ("ask", "ask"),
            ("pending", "ask"),
            ("pending_approval", "ask"),
            ("needs_approval", "ask"),
            ("escalated", "ask"),
            ("review", "ask"),
        ],
    ),
];

/// Whether a place holds content or a secret, by any of its steps.
pub(super) fn is_secret(pointer: &str) -> bool {
    let Ok(steps) = paths::parse(pointer) else { return true };
    (1..=steps.len()).any(|n| compile::is_secret(steps.get(..n).unwrap_or_default()))
}

// === impl Guess ===

impl Guess {
    /// How good a place's name is; lower is better.
    pub(super) fn rank(&self, leaf: &Leaf) -> Option<usize> {
        self.names.iter().position(|name| leaf.is_called(name))
    }
}

// === impl Shape ===

impl Shape {
    /// Whether the values of a place look so, all of them.
    pub(super) fn fits(self, leaf: &Leaf) -> bool {
        match self {
            Self::Text => leaf.n_texts == leaf.n && leaf.n_text_times == 0,
            Self::Word => leaf.n_text_times == 0 && !leaf.has_more_words,
            Self::Unique => leaf.n_text_times == 0 && leaf.is_unique(),
            Self::Number => leaf.n_numbers == leaf.n,
            Self::Time => leaf.n_times == leaf.n,
            Self::Ip => leaf.n_ips == leaf.n,
            Self::Url => leaf.n_urls == leaf.n,
        }
    }

    /// The line's right side.
    pub(super) fn spec(self, places: &[&Leaf]) -> String {
        let quoted: Vec<String> = places.iter().map(|leaf| super::quoted(&leaf.pointer)).collect();
        let from = match quoted.as_slice() {
            [one] => one.clone(),
            many => format!("[{}]", many.join(", ")),
        };
        match self {
            Self::Time => format!("{{ from = {from}, as = \"time\", zone = \"UTC\" }}"),
            _ => from,
        }
    }

    /// Why, in words.
    pub(super) fn reason(self, leaf: &Leaf) -> String {
        let looks = match self {
            Self::Text => "called so; texts",
            Self::Word => return format!("called so; {} words", leaf.words.len()),
            Self::Unique => "called so; each is different",
            Self::Number => "called so; numbers",
            Self::Time => "times",
            Self::Ip => "called so; IP addresses",
            Self::Url => "called so; URLs",
        };
        looks.to_owned()
    }
}
