//! The formats, by name and by shape. Which one a record has follows from the record alone: nothing that came
//! before it counts.

use std::sync::OnceLock;

use record::tree::Tree;

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
        Self::ALL.into_iter().find(|format| format.recognises(tree))
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
