//! The formats, by name and by shape. Which one a record has follows from the record alone: nothing that came
//! before it counts.

use std::sync::OnceLock;

use record::tree::Tree;
use schemas::activity::Text;

use crate::format::{
    azure_activity, bedrock_invocation, claude_compliance, cloudtrail, entra, gcp_audit,
    github_audit, k8s_audit, ocsf, okta, openai_audit, teleport, zeek,
};
use crate::plan::Plan;
use crate::table::Spec;

/// A format that records are read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `agent.activity/1` as JSON.
    Native,
    /// OpenTelemetry traces and logs, JSON or protobuf.
    Otlp,
    /// Traces as Langfuse exports them.
    Langfuse,
    /// OCSF events of six classes.
    Ocsf,
    /// AWS CloudTrail.
    Cloudtrail,
    /// Kubernetes audit events.
    K8sAudit,
    /// Okta's system log.
    Okta,
    /// Microsoft Entra sign-ins and directory audits.
    Entra,
    /// Audit entries of Google Cloud.
    GcpAudit,
    /// Azure's activity log.
    AzureActivity,
    /// GitHub's audit log.
    GithubAudit,
    /// Teleport audit events.
    Teleport,
    /// OpenAI's audit log.
    OpenaiAudit,
    /// Anthropic's compliance activities.
    ClaudeCompliance,
    /// Model invocations of Amazon Bedrock.
    BedrockInvocation,
    /// Zeek's conn, dns, http and ssl.
    Zeek,
}

/// The formats that are recognised by two members, each of several: the first may be anybody's.
const PAIRED: u32 = Format::Zeek.bit() | Format::K8sAudit.bit();

// === impl Format ===

impl Format {
    /// Every format, in the order in which `auto` asks them.
    pub const ALL: [Self; 16] = [
        Self::Native,
        Self::Otlp,
        Self::Langfuse,
        Self::Ocsf,
        Self::Cloudtrail,
        Self::K8sAudit,
        Self::GcpAudit,
        Self::Okta,
        Self::BedrockInvocation,
        Self::Zeek,
        Self::Entra,
        Self::AzureActivity,
        Self::Teleport,
        Self::OpenaiAudit,
        Self::ClaudeCompliance,
        Self::GithubAudit,
    ];

    /// The word of the config, of `producer.format` and of the dead-letter header.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Otlp => "otlp",
            Self::Langfuse => "langfuse",
            _ => self.spec().map_or("", |spec| spec.name),
        }
    }

    /// The format of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.as_str() == name)
    }

    /// The format whose shape a value has.
    pub(crate) fn of(tree: &Tree<'_>) -> Option<Self> {
        let hint = |(first, second), (key, _): &(Text<'_>, Tree<'_>)| {
            let (one, other) = Self::hint(key);
            (first | one, second | other)
        };
        let (first, second) = tree.members().iter().fold((0, !PAIRED), hint);
        let may_be = |format: &Self| first & second & format.bit() != 0;
        Self::ALL.into_iter().filter(may_be).find(|format| match format {
            // Entra was asked before it.
            Self::AzureActivity => azure_activity::has_shape(tree),
            _ => format.recognises(tree),
        })
    }

    const fn bit(self) -> u32 {
        1 << self as u32
    }

    /// The formats that a member of this name speaks for, as bits: none is recognised without one of the first kind, and
    /// those of [`PAIRED`] not without one of the second beside it.
    fn hint(key: &str) -> (u32, u32) {
        const ZEEK: (u32, u32) = (0, Format::Zeek.bit());
        const K8S: (u32, u32) = (0, Format::K8sAudit.bit());
        let is = |word: &str| key.eq_ignore_ascii_case(word);
        // By length first: most members are none of these.
        let format = match key.len() {
            2 if key == "ts" => Self::Zeek,
            3 if key == "uid" => Self::Zeek,
            2 | 9 if matches!(key, "id" | "id.orig_h" | "id_orig_h") => return ZEEK,
            4 if key == "user" => Self::K8sAudit,
            7 if key == "auditID" => return (Self::K8sAudit.bit(), Self::K8sAudit.bit()),
            4 | 9 | 10 if matches!(key, "verb" | "objectRef" | "requestURI") => return K8S,
            5 | 6 if matches!(key, "agent" | "schema") => Self::Native,
            5 if key == "event" => Self::Teleport,
            5 | 12 if matches!(key, "actor" | "effective_at") => Self::OpenaiAudit,
            6 if key == "action" => Self::GithubAudit,
            7 if key == "modelId" => Self::BedrockInvocation,
            8 | 13 if is("category") || is("TimeGenerated") => Self::Entra,
            9 if key == "class_uid" => Self::Ocsf,
            9 if key == "eventType" => Self::Okta,
            10 | 15 if matches!(key, "created_at" | "organization_id") => Self::ClaudeCompliance,
            11 | 14 if matches!(key, "eventSource" | "insightDetails") => Self::Cloudtrail,
            12 | 13 if matches!(key, "resourceLogs" | "resourceSpans") => Self::Otlp,
            12 if key == "observations" => Self::Langfuse,
            12 if key == "protoPayload" => Self::GcpAudit,
            13 | 18 if is("operationName") || is("operationNameValue") => Self::AzureActivity,
            _ => return (0, 0),
        };
        (format.bit(), 0)
    }

    /// Whether a value has the shape of the format, by its members.
    pub(crate) fn recognises(self, tree: &Tree<'_>) -> bool {
        let is_native = |tree: &Tree<'_>| {
            let both = |key| tree.get(key).is_some_and(Tree::is_object);
            tree.get("schema").is_some() || (both("agent") && both("action"))
        };
        match self {
            Self::Native => is_native(tree),
            Self::Otlp => {
                ["resourceSpans", "resourceLogs"].iter().any(|key| tree.get(key).is_some())
            }
            Self::Langfuse => is_export(tree),
            _ => self.spec().is_some_and(|spec| (spec.recognises)(tree)),
        }
    }

    /// How to walk its records, where it has a table; made when it is first asked for.
    pub(crate) fn plan(self) -> Option<&'static Plan> {
        static PLANS: [OnceLock<Plan>; Format::ALL.len()] = [const { OnceLock::new() }; _];
        let (spec, plan) = (self.spec()?, PLANS.get(self as usize)?);
        Some(plan.get_or_init(|| Plan::of(spec.rows, spec.caseless)))
    }

    /// Its table, where it has one.
    pub(crate) fn spec(self) -> Option<&'static Spec> {
        Some(match self {
            Self::Native | Self::Otlp | Self::Langfuse => return None,
            Self::Ocsf => &ocsf::SPEC,
            Self::Cloudtrail => &cloudtrail::SPEC,
            Self::K8sAudit => &k8s_audit::SPEC,
            Self::Okta => &okta::SPEC,
            Self::Entra => &entra::SPEC,
            Self::GcpAudit => &gcp_audit::SPEC,
            Self::AzureActivity => &azure_activity::SPEC,
            Self::GithubAudit => &github_audit::SPEC,
            Self::Teleport => &teleport::SPEC,
            Self::OpenaiAudit => &openai_audit::SPEC,
            Self::ClaudeCompliance => &claude_compliance::SPEC,
            Self::BedrockInvocation => &bedrock_invocation::SPEC,
            Self::Zeek => &zeek::SPEC,
        })
    }
}

/// Whether a value is an exported trace: its observations, beside their trace or each naming it.
fn is_export(tree: &Tree<'_>) -> bool {
    let observations = tree.get("observations");
    let named = observations.and_then(|list| list.items().first()?.get("traceId"));
    observations.is_some() && (tree.get("trace").is_some_and(Tree::is_object) || named.is_some())
}

/// The pages of the formats that are tables: name of the file, text.
pub fn pages() -> Vec<(String, String)> {
    let specs = Format::ALL.into_iter().filter_map(Format::spec);
    specs.map(|spec| (format!("{}.md", spec.name), spec.page())).collect()
}

#[cfg(test)]
mod tests {
    use record::lexeme::Lexeme;

    use super::*;
    use crate::decode::tests::dice::Dice;

    /// Names that the recognisers ask for, in any case, and what they look at below them.
    const NAMES: [&str; 74] = [
        "schema",
        "agent",
        "action",
        "resourceSpans",
        "resourceLogs",
        "observations",
        "trace",
        "class_uid",
        "metadata",
        "activity_id",
        "type_uid",
        "eventSource",
        "insightDetails",
        "eventName",
        "userIdentity",
        "eventVersion",
        "awsRegion",
        "s3",
        "user",
        "username",
        "verb",
        "objectRef",
        "requestURI",
        "auditID",
        "stage",
        "protoPayload",
        "methodName",
        "serviceName",
        "eventType",
        "published",
        "uuid",
        "legacyEventType",
        "actor",
        "client",
        "outcome",
        "modelId",
        "requestId",
        "operation",
        "identity",
        "input",
        "output",
        "ts",
        "uid",
        "id",
        "orig_h",
        "id.orig_h",
        "id_orig_h",
        "category",
        "CATEGORY",
        "properties",
        "initiatedBy",
        "TimeGenerated",
        "timegenerated",
        "userPrincipalName",
        "appId",
        "operationName",
        "OperationNameValue",
        "resourceId",
        "_ResourceId",
        "resultType",
        "caller",
        "event",
        "code",
        "ei",
        "effective_at",
        "type",
        "object",
        "created_at",
        "organization_id",
        "org",
        "repo",
        "@timestamp",
        "_document_id",
        "traceId",
    ];

    #[test]
    fn a_format_that_recognises_a_record_was_hinted_at_by_a_member() {
        let (mut dice, mut n_found) = (Dice(7), [0_usize; Format::ALL.len()]);
        for _ in 0..200_000 {
            let tree = dice.named(&NAMES, 2);
            let plainly = Format::ALL.into_iter().find(|format| format.recognises(&tree));
            assert_eq!(Format::of(&tree), plainly, "{tree:?}");
            plainly.into_iter().for_each(|format| n_found[format as usize] += 1);
        }
        assert!(n_found.iter().all(|n| 0 < *n), "{n_found:?}");
    }

    impl Dice {
        /// An object of members of some of these names: texts, numbers, lists and objects of the same kind.
        fn named(&mut self, names: &[&'static str], depth: usize) -> Tree<'static> {
            let member = |dice: &mut Self| {
                let name = Text::Borrowed(dice.pick(names));
                let value = match dice.below(if depth == 0 { 2 } else { 5 }) {
                    0 => Tree::Scalar(Lexeme::Text(Text::Borrowed("text"))),
                    1 => Tree::Scalar(Lexeme::Null),
                    2 => Tree::List(vec![dice.named(names, depth - 1)]),
                    _ => dice.named(names, depth - 1),
                };
                (name, value)
            };
            let n = self.below(20);
            Tree::Object((0..n).map(|_| member(self)).collect())
        }
    }
}
