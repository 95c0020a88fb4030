//! One file per input format; what they share stands beside this folder, never in it.

pub(crate) mod azure_activity;
pub(crate) mod bedrock_invocation;
pub(crate) mod claude_compliance;
pub(crate) mod cloudtrail;
pub(crate) mod entra;
pub(crate) mod gcp_audit;
pub(crate) mod github_audit;
pub(crate) mod k8s_audit;
pub(crate) mod langfuse;
pub(crate) mod ocsf;
pub(crate) mod okta;
pub(crate) mod openai_audit;
pub(crate) mod otlp;
pub(crate) mod teleport;
pub(crate) mod zeek;
