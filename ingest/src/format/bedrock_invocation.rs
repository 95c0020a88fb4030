//! Model invocations as Amazon Bedrock logs them. The bodies are prompts and answers: of them only counts and
//! the guardrail's word are read. The agent is the one that CloudTrail names for the same call.

use record::tree::Tree;
use schemas::activity::Text;

use crate::arn;
use crate::event::Event;
use crate::field::Field;
use crate::table::{Row, Spec, always, by, first, nothing, unused, withheld};

pub(crate) const SPEC: Spec = Spec {
    name: "bedrock_invocation",
    title: "Amazon Bedrock model invocations",
    shape: "`modelId`, `requestId` and `operation` beside `identity`, `input` or `output`",
    recognises,
    caseless: false,
    verdict: always,
    rows: ROWS,
    finish: nothing,
    remarks: "",
};

const BODY: &str = "output/outputBodyJson";

#[rustfmt::skip]
const ROWS: &[Row] = &[
    first(Field::Time, &["timestamp"]),
    by(Field::AgentId, &["identity/arn"], |e| e.text("identity/arn").map(arn::stable), "the role of a session's ARN, else the ARN"),
    by(Field::AgentType, &[], |e| { Some(Text::Borrowed(if arn::session(e.text("identity/arn")?).is_some() { "service" } else { "user" })) }, "a session is a `service`"),
    by(Field::AgentInstance, &["identity/arn"], |e| arn::session(e.text("identity/arn")?), "the session: the last part"),
    by(Field::ActionType, &[], |_| Some(Text::Borrowed("model_call")), "`model_call`"),
    by(Field::Operation, &["operation"], |e| Some(Text::Owned(format!("bedrock:{}", e.text("operation")?))), "`bedrock:Operation`"),
    first(Field::ResourceId, &["modelId"]),
    by(Field::ResourceType, &[], |_| Some(Text::Borrowed("model")), "`model`"),
    first(Field::ResourceRegion, &["region"]),
    first(Field::TokensIn, &["input/inputTokenCount", "output/outputBodyJson/usage/inputTokens", "output/outputBodyJson/usage/input_tokens", "output/outputBodyJson/usage/prompt_tokens", "output/outputBodyJson/-1/amazon-bedrock-invocationMetrics/inputTokenCount"]),
    first(Field::TokensOut, &["output/outputTokenCount", "output/outputBodyJson/usage/outputTokens", "output/outputBodyJson/usage/output_tokens", "output/outputBodyJson/usage/completion_tokens", "output/outputBodyJson/-1/amazon-bedrock-invocationMetrics/outputTokenCount"]),
    by(Field::Result, &["errorCode", "output/outputBodyJson/stopReason", "output/outputBodyJson/amazon-bedrock-guardrailAction"], result, "an intervening guardrail is denied; an error a failure; an answer success"),
    first(Field::Code, &["errorCode"]),
    first(Field::Id, &["requestId"]),
    withheld(&[
        "input", "output",
    ], "prompts and answers"),
    unused(&[
        "accountId", "schemaType", "schemaVersion", "inferenceRegion", "requestMetadata",
    ]),
];

fn recognises(tree: &Tree<'_>) -> bool {
    let has = |key| tree.get(key).is_some();
    has("modelId")
        && has("requestId")
        && has("operation")
        && (has("identity") || has("input") || has("output"))
}

fn result<'a>(event: &Event<'_, 'a>) -> Option<Text<'a>> {
    let body = event.at(BODY);
    let blocks = |body: &Tree<'_>| {
        body.word("stopReason") == Some("guardrail_intervened")
            || body.word("stop_reason") == Some("guardrail_intervened")
            || body.word("amazon-bedrock-guardrailAction") == Some("INTERVENED")
    };
    // A streamed answer is a list of its parts.
    let blocked = body.is_some_and(|body| blocks(body) || body.items().iter().any(blocks));
    let error = event.word("errorCode");
    Some(Text::Borrowed(match () {
        () if blocked || arn::is_denied(error) => "denied",
        () if !error.is_empty() => "failure",
        () if event.has("output") => "success",
        () => "unknown",
    }))
}
