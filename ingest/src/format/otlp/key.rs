//! The attributes that are read: GenAI and MCP conventions under their new and old names, HTTP, databases, and
//! the names of OpenInference. What is not listed is never looked at: arguments, prompts and results are not.

/// An attribute that is read; fewer than 64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Key {
    A2aMethod,
    A2aTask,
    AgentId,
    AgentName,
    AgentVersion,
    ClientAddress,
    CompletionTokens,
    ConversationId,
    DataSourceId,
    DbCollection,
    DbName,
    DbNamespace,
    DbOperation,
    DbOperationOld,
    DbSystem,
    DbSystemOld,
    EnduserId,
    ErrorType,
    HttpMethod,
    HttpMethodOld,
    HttpStatus,
    HttpStatusOld,
    InputTokens,
    InstanceId,
    LlmCompletion,
    LlmModel,
    LlmPrompt,
    LlmProvider,
    LlmSystem,
    LogUid,
    McpMethod,
    McpResource,
    McpSession,
    OpenInferenceKind,
    OperationName,
    OutputTokens,
    PromptTokens,
    ProtocolName,
    ProviderName,
    RequestModel,
    ResponseModel,
    ServerAddress,
    ServerPort,
    SessionId,
    System,
    ToolCallId,
    ToolName,
    ToolNameOpenInference,
    ToolType,
    UrlFull,
    UserId,
}

/// Names by length, so that a name is compared with the few that are as long.
const NAMES: [(&str, Key); 51] = [
    ("user.id", Key::UserId),
    ("url.full", Key::UrlFull),
    ("db.system", Key::DbSystemOld),
    ("tool.name", Key::ToolNameOpenInference),
    ("db.name", Key::DbName),
    ("error.type", Key::ErrorType),
    ("enduser.id", Key::EnduserId),
    ("session.id", Key::SessionId),
    ("llm.system", Key::LlmSystem),
    ("a2a.task.id", Key::A2aTask),
    ("http.method", Key::HttpMethodOld),
    ("server.port", Key::ServerPort),
    ("db.operation", Key::DbOperationOld),
    ("db.namespace", Key::DbNamespace),
    ("llm.provider", Key::LlmProvider),
    ("gen_ai.system", Key::System),
    ("log.record.uid", Key::LogUid),
    ("mcp.session.id", Key::McpSession),
    ("llm.model_name", Key::LlmModel),
    ("server.address", Key::ServerAddress),
    ("client.address", Key::ClientAddress),
    ("db.system.name", Key::DbSystem),
    ("a2a.method.name", Key::A2aMethod),
    ("mcp.method.name", Key::McpMethod),
    ("gen_ai.agent.id", Key::AgentId),
    ("gen_ai.tool.name", Key::ToolName),
    ("gen_ai.tool.type", Key::ToolType),
    ("mcp.resource.uri", Key::McpResource),
    ("http.status_code", Key::HttpStatusOld),
    ("gen_ai.agent.name", Key::AgentName),
    ("db.operation.name", Key::DbOperation),
    ("db.collection.name", Key::DbCollection),
    ("gen_ai.tool.call.id", Key::ToolCallId),
    ("service.instance.id", Key::InstanceId),
    ("http.request.method", Key::HttpMethod),
    ("gen_ai.agent.version", Key::AgentVersion),
    ("gen_ai.provider.name", Key::ProviderName),
    ("gen_ai.request.model", Key::RequestModel),
    ("gen_ai.response.model", Key::ResponseModel),
    ("gen_ai.operation.name", Key::OperationName),
    ("gen_ai.data_source.id", Key::DataSourceId),
    ("network.protocol.name", Key::ProtocolName),
    ("llm.token_count.prompt", Key::LlmPrompt),
    ("gen_ai.conversation.id", Key::ConversationId),
    ("openinference.span.kind", Key::OpenInferenceKind),
    ("gen_ai.usage.input_tokens", Key::InputTokens),
    ("http.response.status_code", Key::HttpStatus),
    ("gen_ai.usage.prompt_tokens", Key::PromptTokens),
    ("gen_ai.usage.output_tokens", Key::OutputTokens),
    ("llm.token_count.completion", Key::LlmCompletion),
    ("gen_ai.usage.completion_tokens", Key::CompletionTokens),
];

/// Longest name, in bytes.
const LENGTH_MAX: usize = 30;
/// The names, shorter ones first.
const BY_LENGTH: [(&str, Key); NAMES.len()] = by_length();
/// Where the names of each length begin in [`BY_LENGTH`].
const STARTS: [usize; LENGTH_MAX + 2] = starts();

#[expect(clippy::indexing_slicing, reason = "the compiler evaluates it")]
const fn by_length() -> [(&'static str, Key); NAMES.len()] {
    let mut sorted = NAMES;
    let (mut length, mut filled) = (0, 0);
    while length <= LENGTH_MAX {
        let mut i = 0;
        while i < NAMES.len() {
            if NAMES[i].0.len() == length {
                sorted[filled] = NAMES[i];
                filled += 1;
            }
            i += 1;
        }
        length += 1;
    }
    assert!(filled == NAMES.len());
    sorted
}

#[expect(clippy::indexing_slicing, reason = "the compiler evaluates it")]
const fn starts() -> [usize; LENGTH_MAX + 2] {
    let mut starts = [0; LENGTH_MAX + 2];
    let mut length = 0;
    while length <= LENGTH_MAX {
        let (mut n, mut i) = (0, 0);
        while i < NAMES.len() {
            if NAMES[i].0.len() == length {
                n += 1;
            }
            i += 1;
        }
        starts[length + 1] = starts[length] + n;
        length += 1;
    }
    starts
}

// === impl Key ===

impl Key {
    /// The attribute of a name, if it is read.
    pub(crate) fn of(name: &[u8]) -> Option<Self> {
        let start = *STARTS.get(name.len())?;
        let end = *STARTS.get(name.len() + 1)?;
        let same_length = BY_LENGTH.get(start..end)?;
        // Most differ in their last letter already.
        let is = |known: &[u8]| known.last() == name.last() && known == name;
        same_length.iter().find(|(known, _)| is(known.as_bytes())).map(|(_, key)| *key)
    }

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        NAMES.iter().find(|(_, key)| *key == self).map_or("", |(name, _)| name)
    }

    /// Its bit in a set of keys.
    pub(super) fn bit(self) -> u64 {
        1 << (self as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_finds_its_key_and_others_find_none() {
        for (name, key) in NAMES {
            assert_eq!((Key::of(name.as_bytes()), key.name()), (Some(key), name));
            assert_eq!(Key::of(&name.as_bytes()[1..]), None);
            assert_eq!(Key::of(format!("{name}.x").as_bytes()), None);
        }
        let bits = NAMES.iter().fold(0, |bits: u64, (_, key)| bits | key.bit());
        assert_eq!(bits.count_ones() as usize, NAMES.len());
        assert_eq!(Key::of(b""), None);
        assert_eq!(Key::of(&[b'x'; 200]), None);
    }
}
