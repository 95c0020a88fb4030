//! From the attributes of a span to the parts of an activity. The conventions are read under their new and old
//! names; what a span does not say stays absent.

use std::net::IpAddr;

use record::notes::Notes;
use record::pointer::rejection;
use record::url;
use schemas::activity::{
    Action, Agent, Delegation, Endpoint, Model, Principal, Producer, Resource, Result as Ending,
    Session, Text, Tool, Trace, Usage,
};
use schemas::choice::{ActionType, Outcome, PrincipalType};
use schemas::reject::{ErrorCode, Rejection};

use super::ancestry::{Naming, part};
use super::attributes::{Place, Signal};
use super::batch::{Read, Side, Status};
use super::key::Key;
use super::span::{Deed, NS_PER_MS, View, push_hex};
use crate::draft::host;

// === impl View ===

impl<'a> View<'_, 'a> {
    /// Who acts, as it is named.
    pub(super) fn agent(&self, naming: Naming<'a>) -> Result<Agent<'a>, Rejection> {
        let providers = [Key::ProviderName, Key::System, Key::LlmProvider, Key::LlmSystem];
        let models = [Key::ResponseModel, Key::RequestModel, Key::LlmModel];
        let provider = self.own.text(&providers, 256)?;
        let model = self.own.text(&models, 256)?;
        let has_model = provider.is_some() || model.is_some();
        Ok(Agent {
            id: naming.id,
            instance_id: match self.own.text(&[Key::InstanceId], 256)? {
                Some(own) => Some(own),
                None => self.resource.text(&[Key::InstanceId], 256)?,
            },
            name: self.own.text(&[Key::AgentName], 256)?.or(naming.name),
            version: self.own.text(&[Key::AgentVersion], 64)?.or(naming.version),
            model: has_model.then_some(Model { provider, name: model, version: None }),
            ..Agent::default()
        })
    }

    /// What is done.
    pub(super) fn action(&self, deed: Deed<'_>) -> Result<Action<'a>, Rejection> {
        let mut action = Action { kind: deed.kind, ..Action::default() };
        if deed.kind != ActionType::ToolCall {
            let word = deed.operation.chars().take(256).collect();
            action.operation =
                Some(known(deed.operation).map_or(Text::Owned(word), Text::Borrowed));
            return Ok(action);
        }
        let mut name = self.own.text(&[Key::ToolName, Key::ToolNameOpenInference], 256)?;
        if name.is_none() {
            name = self.tool_of_name();
        }
        let kind = match self.own.has(&[Key::McpMethod]) {
            true => Some(Text::Borrowed("mcp")),
            false => self.own.text(&[Key::ToolType], 64)?,
        };
        action.operation = name.clone();
        let tool = Tool {
            name,
            call_id: self.own.text(&[Key::ToolCallId], 256)?.map(last_of_list),
            server: self.own.text(&[Key::ServerAddress], 2_048)?.and_then(url::plain),
            kind,
        };
        action.tool = (tool != Tool::default()).then_some(tool);
        Ok(action)
    }

    /// The tool in the name of its span.
    fn tool_of_name(&self) -> Option<Text<'a>> {
        let (first, rest) = self.name_parts();
        let name = &self.span.name;
        let is_verb = matches!(first, "execute_tool" | "tools/call");
        // An observation of a tool is named after it.
        let start = match self.span.place {
            Place::Observation(_) if !is_verb => 0,
            _ => name.len() - rest.len(),
        };
        let fits = start < name.len() && name.chars().count() <= 256 + first.len();
        fits.then(|| part(name, start..name.len())).filter(|tool| tool.chars().count() <= 256)
    }

    /// The user is whom the agent acts for; whether by their authority is not said.
    pub(super) fn delegation(&self) -> Result<Option<Delegation<'a>>, Rejection> {
        let user = self.own.text(&[Key::UserId, Key::EnduserId], 2_048)?;
        Ok(user.map(for_user))
    }

    /// In which session.
    pub(super) fn session(
        &self,
        inherited: Option<Text<'a>>,
    ) -> Result<Option<Session<'a>>, Rejection> {
        let session = Session {
            id: self.own.text(&[Key::McpSession, Key::SessionId], 256)?,
            task_id: self.own.text(&[Key::A2aTask], 256)?,
            conversation_id: self.own.text(&[Key::ConversationId], 256)?.or(inherited),
            mission_id: None,
        };
        Ok((session != Session::default()).then_some(session))
    }

    /// On what.
    pub(super) fn resource(&self, deed: Deed<'_>) -> Result<Option<Resource<'a>>, Rejection> {
        let of = |id, kind| Resource {
            id: Some(id),
            kind: Some(Text::Borrowed(kind)),
            ..Resource::default()
        };
        if let Some(uri) = self.own.text(&[Key::McpResource], 2_048)? {
            return Ok(url::plain(uri).map(|uri| of(uri, "mcp_resource")));
        }
        if let Some(id) = self.own.text(&[Key::DataSourceId], 2_048)? {
            return Ok(url::plain(id).map(|id| of(id, "data_source")));
        }
        if deed.kind == ActionType::HttpRequest {
            return Ok(None);
        }
        let namespace = self.own.text(&[Key::DbNamespace, Key::DbName], 1_023)?;
        let collection = self.own.text(&[Key::DbCollection], 1_023)?;
        let id = match (namespace, collection) {
            (Some(namespace), Some(collection)) => Text::Owned(format!("{namespace}/{collection}")),
            (Some(only), None) | (None, Some(only)) => only,
            (None, None) => return Ok(None),
        };
        let service = self.own.text(&[Key::DbSystem, Key::DbSystemOld], 256)?;
        Ok(Some(Resource { service, ..of(id, "database") }))
    }

    /// Where the call goes: only the client's side of it knows, and what a gateway logs.
    pub(super) fn destination(&self, notes: &mut Notes) -> Result<Option<Endpoint<'a>>, Rejection> {
        let is_log = matches!(self.span.place, Place::Item(Signal::Logs, ..));
        let mut endpoint = Endpoint::default();
        if self.span.side == Side::Client || is_log {
            if let Some(host) = self.own.text(&[Key::ServerAddress], 255)? {
                place_of(&mut endpoint, host);
            }
            if let Some(port) = self.own.unsigned(&[Key::ServerPort])? {
                endpoint.port = u16::try_from(port).ok();
                if endpoint.port.is_none() {
                    notes.count_value(&self.kind_of_place("attributes/server.port"));
                }
            }
        }
        // On the server's side the URL is its own.
        if self.span.side != Side::Server
            && let Some(url) = self.own.text(&[Key::UrlFull], 2_048)?
        {
            if endpoint.host.is_none()
                && endpoint.ip.is_none()
                && let Some(host) = url::host_of(&url)
            {
                place_of(&mut endpoint, Text::Owned(host));
            }
            endpoint.url = url::bare(url);
        }
        if endpoint == Endpoint::default() {
            return Ok(None);
        }
        endpoint.protocol = self.own.text(&[Key::ProtocolName], 32)?;
        Ok(Some(endpoint))
    }

    /// From where, where the span is the served side or the log of a gateway.
    pub(super) fn source(&self, notes: &mut Notes) -> Result<Option<Endpoint<'a>>, Rejection> {
        if self.span.side == Side::Client {
            return Ok(None);
        }
        let mut endpoint = Endpoint::default();
        if let Some(address) = self.own.text(&[Key::ClientAddress], 255)? {
            place_of(&mut endpoint, address);
            if endpoint.host.is_some() {
                notes.count_opaque_address();
            }
        }
        Ok((endpoint != Endpoint::default()).then_some(endpoint))
    }

    /// How much, how long.
    pub(super) fn usage(&self) -> Result<Option<Usage>, Rejection> {
        let input = [Key::InputTokens, Key::PromptTokens, Key::LlmPrompt];
        let output = [Key::OutputTokens, Key::CompletionTokens, Key::LlmCompletion];
        let started = Some(self.span.start_ns).filter(|start_ns| 0 < *start_ns);
        let duration_ns = started
            .zip(self.span.end_ns.good())
            .and_then(|(start_ns, end_ns)| end_ns.checked_sub(start_ns));
        let usage = Usage {
            tokens_in: self.own.unsigned(&input)?,
            tokens_out: self.own.unsigned(&output)?,
            duration_ms: duration_ns.map(|ns| ns / NS_PER_MS),
            ..Usage::default()
        };
        Ok((usage != Usage::default()).then_some(usage))
    }

    /// How it ended.
    pub(super) fn outcome(&self) -> Result<Ending<'a>, Rejection> {
        let http = self.own.unsigned(&[Key::HttpStatus, Key::HttpStatusOld])?;
        let error = self.own.text(&[Key::ErrorType], usize::MAX)?;
        let result = match (http, self.span.status) {
            (Some(401 | 403), _) => Outcome::Denied,
            (_, Status::Error) => Outcome::Failure,
            _ if error.is_some() => Outcome::Failure,
            (_, Status::Ok) | (Some(100..=399), _) => Outcome::Success,
            (Some(400..=599), _) => Outcome::Failure,
            _ => Outcome::Unknown,
        };
        // An error's name can be a whole class path; a code is short or none.
        let error = error.filter(|error| error.chars().count() <= 64);
        let code = http.map(|code| Text::Owned(code.to_string())).or(error);
        Ok(Ending { result, code, ..Ending::default() })
    }

    /// Where it stands in its trace.
    pub(super) fn trace(&self, notes: &mut Notes) -> Option<Trace<'a>> {
        if self.span.parent == Read::Bad {
            notes.count_value(&self.kind_of_place("parentSpanId"));
        }
        let hex = |bytes: &[u8]| {
            let mut text = String::with_capacity(2 * bytes.len());
            push_hex(&mut text, bytes);
            Text::Owned(text)
        };
        let trace = Trace {
            trace_id: self.span.trace.good().map(|id| hex(&id.to_be_bytes())),
            span_id: self.span.span.good().map(|id| hex(&id.to_be_bytes())),
            parent_span_id: self.span.parent.good().map(|id| hex(&id.to_be_bytes())),
        };
        (trace != Trace::default()).then_some(trace)
    }

    /// Who says so.
    pub(super) fn producer(&self) -> Result<Producer<'a>, Rejection> {
        let Some(scope) = self.batch.scopes.get(self.span.scope) else {
            return Ok(Producer::default());
        };
        Ok(Producer {
            name: self.scope_text("name", &scope.name, 256)?,
            version: self.scope_text("version", &scope.version, 64)?,
            format: Some(Text::Borrowed(match self.span.place {
                Place::Observation(_) => "langfuse",
                _ => "otlp",
            })),
            event_id: None,
        })
    }

    fn scope_text(
        &self,
        key: &str,
        text: &Text<'a>,
        chars_max: usize,
    ) -> Result<Option<Text<'a>>, Rejection> {
        if text.chars().count() <= chars_max {
            return Ok((!text.is_empty()).then(|| text.clone()));
        }
        let path = format!("{}/{key}", self.span.place.scope());
        let message = format!("accept a text of more than {chars_max} characters");
        Err(rejection(ErrorCode::TooLarge, path, message))
    }

    /// The place of such items, for counting.
    fn kind_of_place(&self, below: &str) -> String {
        match self.span.place {
            Place::Item(signal, ..) | Place::Resource(signal, _) => {
                let [groups, scopes, items] = signal.lists();
                format!("/{groups}/*/{scopes}/*/{items}/*/{below}")
            }
            _ => format!("/observations/*/{below}"),
        }
    }
}

/// For a person.
pub(crate) fn for_user(id: Text<'_>) -> Delegation<'_> {
    let subject = Principal { id, kind: Some(PrincipalType::User), ..Principal::default() };
    Delegation { subject: Some(subject), ..Delegation::default() }
}

/// An address, or a host where it is none.
fn place_of<'a>(endpoint: &mut Endpoint<'a>, address: Text<'a>) {
    match address.parse::<IpAddr>() {
        Ok(ip) if ip.is_unspecified() => {}
        Ok(ip) => endpoint.ip = Some(ip),
        Err(_) => endpoint.host = host(address),
    }
}

/// The operations that need no copy.
fn known(operation: &str) -> Option<&'static str> {
    const KNOWN: [&str; 12] = [
        "invoke_agent",
        "create_agent",
        "chat",
        "generate_content",
        "text_completion",
        "embeddings",
        "retrieval",
        "resources/read",
        "GET",
        "POST",
        "SELECT",
        "INSERT",
    ];
    KNOWN.into_iter().find(|known| *known == operation)
}

/// The call's id; some frameworks write that of the run and that of the call as one list in JSON.
fn last_of_list(id: Text<'_>) -> Text<'_> {
    if !id.starts_with('[') {
        return id;
    }
    let list: Option<Vec<String>> = serde_json::from_str(&id).ok();
    list.and_then(|mut list| list.pop()).map_or(id, Text::Owned)
}
