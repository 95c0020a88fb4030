//! From the attributes of a span to the parts of an activity. The GenAI and MCP conventions are read under
//! their new and old names; what a span does not say stays absent.

use std::net::IpAddr;

use schemas::activity::{
    Action, Agent, Delegation, Endpoint, Model, Principal, Producer, Resource, Result as Ending,
    Session, Text, Tool, Trace, Usage,
};
use schemas::choice::{ActionType, Outcome, PrincipalType};
use schemas::reject::{ErrorCode, Rejection};

use super::ancestry::Naming;
use super::attributes::Place;
use super::span::{NS_PER_MS, Span};
use crate::formats::Format;
use crate::notes::Notes;
use crate::pointer::rejection;
use crate::tree::Tree;

/// Kinds of span: the server's side of a call, the client's side.
const KIND_SERVER: u64 = 2;
const KIND_CLIENT: u64 = 3;
const PARENT_PATH: &str = "/resourceSpans/*/scopeSpans/*/spans/*/parentSpanId";
const PORT_PATH: &str = "/resourceSpans/*/scopeSpans/*/spans/*/attributes/server.port";

// === impl Span ===

impl<'a> Span<'_, 'a> {
    /// Who acts, as it is named.
    pub(super) fn agent(&self, naming: Naming<'a>) -> Result<Agent<'a>, Rejection> {
        let provider = self.attributes.text(&["gen_ai.provider.name", "gen_ai.system"], 256)?;
        let model =
            self.attributes.text(&["gen_ai.response.model", "gen_ai.request.model"], 256)?;
        let has_model = provider.is_some() || model.is_some();
        let own_name = self.attributes.text(&["gen_ai.agent.name"], 256)?;
        let own_version = self.attributes.text(&["gen_ai.agent.version"], 64)?;
        Ok(Agent {
            id: naming.id,
            instance_id: self.emitter.instance_id.clone()?,
            name: own_name.or(naming.name),
            version: own_version.or(naming.version),
            model: has_model.then_some(Model { provider, name: model, version: None }),
            ..Agent::default()
        })
    }

    /// What is done.
    pub(super) fn action(&self, kind: ActionType) -> Result<Action<'a>, Rejection> {
        let is_tool_call = kind == ActionType::ToolCall;
        let mut name = self.attributes.text(&["gen_ai.tool.name"], 256)?;
        if name.is_none() && is_tool_call {
            let (_, rest) = self.name_parts();
            let fits = !rest.is_empty() && rest.chars().count() <= 256;
            name = fits.then(|| Text::Owned(rest.to_owned()));
        }
        let kind_of_tool = match self.attributes.has("mcp.method.name") {
            true => Some(Text::Borrowed("mcp")),
            false => self.attributes.text(&["gen_ai.tool.type"], 64)?,
        };
        let tool = Tool {
            name: name.clone(),
            call_id: self.attributes.text(&["gen_ai.tool.call.id"], 256)?,
            server: self.attributes.text(&["server.address"], 2_048)?,
            kind: kind_of_tool,
        };
        Ok(Action {
            kind,
            operation: if is_tool_call { name } else { Some(Text::Borrowed("invoke_agent")) },
            tool: (tool != Tool::default()).then_some(tool),
            ..Action::default()
        })
    }

    /// The user is whom the agent acts for; whether by their authority is not said.
    pub(super) fn delegation(&self) -> Result<Option<Delegation<'a>>, Rejection> {
        let user = self.attributes.text(&["user.id", "enduser.id"], 2_048)?;
        Ok(user.map(|id| Delegation {
            subject: Some(Principal {
                id,
                kind: Some(PrincipalType::User),
                ..Principal::default()
            }),
            ..Delegation::default()
        }))
    }

    /// In which session.
    pub(super) fn session(
        &self,
        inherited: Option<Text<'a>>,
    ) -> Result<Option<Session<'a>>, Rejection> {
        let session = Session {
            id: self.attributes.text(&["mcp.session.id", "session.id"], 256)?,
            task_id: self.attributes.text(&["a2a.task.id"], 256)?,
            conversation_id: self.attributes.text(&["gen_ai.conversation.id"], 256)?.or(inherited),
            mission_id: None,
        };
        Ok((session != Session::default()).then_some(session))
    }

    /// On what.
    pub(super) fn resource(&self) -> Result<Option<Resource<'a>>, Rejection> {
        let uri = self.attributes.text(&["mcp.resource.uri"], 2_048)?;
        let kind = if uri.is_some() { "mcp_resource" } else { "data_source" };
        let id = match uri {
            Some(uri) => Some(uri),
            None => self.attributes.text(&["gen_ai.data_source.id"], 2_048)?,
        };
        Ok(id.map(|id| Resource {
            id: Some(id),
            kind: Some(Text::Borrowed(kind)),
            ..Resource::default()
        }))
    }

    /// Where the call goes: only the client's side of it knows.
    pub(super) fn destination(&self, notes: &mut Notes) -> Result<Option<Endpoint<'a>>, Rejection> {
        let kind = self.tree.get("kind");
        let kind = match kind.and_then(Tree::text).map(AsRef::as_ref) {
            Some("SPAN_KIND_CLIENT") => Some(KIND_CLIENT),
            Some("SPAN_KIND_SERVER") => Some(KIND_SERVER),
            _ => kind.and_then(Tree::unsigned),
        };
        let mut endpoint = Endpoint::default();
        if kind == Some(KIND_CLIENT) {
            if let Some(host) = self.attributes.text(&["server.address"], 255)? {
                match host.parse::<IpAddr>() {
                    Ok(ip) if ip.is_unspecified() => {}
                    Ok(ip) => endpoint.ip = Some(ip),
                    Err(_) => endpoint.host = Some(host),
                }
            }
            if let Some(port) = self.attributes.unsigned(&["server.port"])? {
                endpoint.port = u16::try_from(port).ok();
                if endpoint.port.is_none() {
                    notes.count_value(PORT_PATH);
                }
            }
        }
        // On the server's side the URL is its own.
        if kind != Some(KIND_SERVER) {
            endpoint.url = self.attributes.text(&["url.full"], 2_048)?;
        }
        if endpoint == Endpoint::default() {
            return Ok(None);
        }
        endpoint.protocol = self.attributes.text(&["network.protocol.name"], 32)?;
        Ok(Some(endpoint))
    }

    /// How much, how long.
    pub(super) fn usage(&self) -> Result<Option<Usage>, Rejection> {
        let input = ["gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"];
        let output = ["gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"];
        let start_ns = self.tree.get("startTimeUnixNano").and_then(Tree::unsigned);
        let end_ns = self.tree.get("endTimeUnixNano").and_then(Tree::unsigned);
        let duration_ns = start_ns
            .filter(|start_ns| 0 < *start_ns)
            .zip(end_ns)
            .and_then(|(start_ns, end_ns)| end_ns.checked_sub(start_ns));
        let usage = Usage {
            tokens_in: self.attributes.unsigned(&input)?,
            tokens_out: self.attributes.unsigned(&output)?,
            duration_ms: duration_ns.map(|ns| ns / NS_PER_MS),
            ..Usage::default()
        };
        Ok((usage != Usage::default()).then_some(usage))
    }

    /// How it ended.
    pub(super) fn outcome(&self) -> Result<Ending<'a>, Rejection> {
        let http = self.attributes.unsigned(&["http.response.status_code", "http.status_code"])?;
        let error = self.attributes.text(&["error.type"], usize::MAX)?;
        let status = self.tree.get("status").and_then(|status| status.get("code"));
        let is = |number, name| {
            status.and_then(Tree::unsigned) == Some(number)
                || status.and_then(Tree::text).is_some_and(|text| text == name)
        };
        let result = if matches!(http, Some(401 | 403)) {
            Outcome::Denied
        } else if is(2, "STATUS_CODE_ERROR") || error.is_some() {
            Outcome::Failure
        } else if is(1, "STATUS_CODE_OK") {
            Outcome::Success
        } else {
            Outcome::Unknown
        };
        // An error's name can be a whole class path; a code is short or none.
        let error = error.filter(|error| error.chars().count() <= 64);
        let code = http.map(|code| Text::Owned(code.to_string())).or(error);
        Ok(Ending { result, code, ..Ending::default() })
    }

    /// Where it stands in its trace.
    pub(super) fn trace(&self, trace: u128, span: u64, notes: &mut Notes) -> Trace<'a> {
        let parent = self.parent_id();
        let given = self.tree.get("parentSpanId").and_then(Tree::text);
        // A root span has an empty parent.
        if parent.is_none() && given.is_some_and(|text| !text.is_empty()) {
            notes.count_value(PARENT_PATH);
        }
        Trace {
            trace_id: Some(Text::Owned(format!("{trace:032x}"))),
            span_id: Some(Text::Owned(format!("{span:016x}"))),
            parent_span_id: parent.map(|parent| Text::Owned(format!("{parent:016x}"))),
        }
    }

    /// Who says so.
    pub(super) fn producer(&self) -> Result<Producer<'a>, Rejection> {
        Ok(Producer {
            name: self.scope_text("name", 256)?,
            version: self.scope_text("version", 64)?,
            format: Some(Text::Borrowed(Format::Otlp.as_str())),
            event_id: None,
        })
    }

    fn scope_text(&self, key: &str, chars_max: usize) -> Result<Option<Text<'a>>, Rejection> {
        let text = self.scope.and_then(|scope| scope.get(key)).and_then(Tree::text);
        let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
        if text.chars().count() <= chars_max {
            return Ok(Some(text.clone()));
        }
        let Place::Span(i, j, _) = self.place else { return Ok(None) };
        let path = format!("/resourceSpans/{i}/scopeSpans/{j}/scope/{key}");
        let message = format!("accept a text of more than {chars_max} characters");
        Err(rejection(ErrorCode::TooLarge, path, message))
    }
}
