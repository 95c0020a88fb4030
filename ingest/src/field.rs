//! The fields that a format can fill, each with its name on the page and what it takes. Lengths are those of
//! the published schema.

/// What a field takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A text of at most so many characters; a longer one is cut and counted.
    Text(usize),
    /// A text that identifies: a longer one is refused.
    Key(usize),
    /// A text of at most so many characters; a longer one is absent and counted.
    Short(usize),
    /// An address, kept strictly, or else a host.
    Address,
    /// A whole number that is not negative.
    Number,
    /// Degrees between minus and plus so many.
    Degrees(u8),
    /// The time of the activity: one that cannot be read refuses the record.
    When,
    /// Another time: one that cannot be read is absent and counted.
    Time,
    /// A word of a closed vocabulary.
    Word,
    /// A truth value.
    Flag,
    /// Two upper-case letters.
    Country,
    /// So many lower-case hex digits, not all zero.
    Hex(usize),
    /// A tenant.
    Tenant,
    /// Any scalar.
    Scalar,
    /// Nothing: what is named is not read.
    Nothing,
}

/// A field of the activity; as wide as what stands beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub(crate) enum Field {
    Id,
    Time,
    Tenant,
    AgentId,
    AgentType,
    AgentIssuer,
    AgentInstance,
    AgentName,
    AgentVersion,
    ModelProvider,
    ModelName,
    ModelVersion,
    Mode,
    DelegationId,
    SubjectId,
    SubjectIssuer,
    SubjectType,
    SubjectName,
    CredentialId,
    CredentialType,
    CredentialIssuer,
    CredentialExpires,
    SessionId,
    TaskId,
    ConversationId,
    ActionType,
    Operation,
    ToolName,
    ToolCall,
    ToolServer,
    ToolKind,
    ResourceId,
    ResourceType,
    ResourceName,
    ResourceRegion,
    Classification,
    DestinationHost,
    DestinationAddress,
    DestinationPort,
    DestinationUrl,
    DestinationProtocol,
    DestinationInternal,
    DestinationAsn,
    DestinationCountry,
    DestinationAnonymizer,
    SourceHost,
    SourceAddress,
    SourcePort,
    SourceUserAgent,
    SourceAsn,
    SourceAsOrg,
    SourceCountry,
    SourceCity,
    SourceLat,
    SourceLon,
    SourceAnonymizer,
    BytesOut,
    BytesIn,
    DurationMs,
    TokensIn,
    TokensOut,
    Result,
    Code,
    Decision,
    TraceId,
    SpanId,
    ParentSpanId,
    ProducerName,
    ProducerVersion,
    /// Free attributes.
    AttributeAppId,
    AttributeOauthClientId,
    /// What the decoder knows and never lets out: arguments, prompts, outputs, secrets.
    Withheld,
    /// What the decoder knows and has no use for.
    Unused,
}

// === impl Field ===

impl Field {
    /// How many there are.
    pub(crate) const COUNT: usize = Self::Unused as usize + 1;

    /// Its name and what it takes.
    pub(crate) fn spec(self) -> (&'static str, Kind) {
        match self {
            Self::Id => ("id", Kind::Short(128)),
            Self::Time => ("time", Kind::When),
            Self::Tenant => ("tenant_id", Kind::Tenant),
            Self::AgentId => ("agent.id", Kind::Key(2_048)),
            Self::AgentType => ("attributes.agent.type", Kind::Word),
            Self::AgentIssuer => ("agent.issuer", Kind::Text(2_048)),
            Self::AgentInstance => ("agent.instance_id", Kind::Text(256)),
            Self::AgentName => ("agent.name", Kind::Text(256)),
            Self::AgentVersion => ("agent.version", Kind::Text(64)),
            Self::ModelProvider => ("agent.model.provider", Kind::Text(256)),
            Self::ModelName => ("agent.model.name", Kind::Text(256)),
            Self::ModelVersion => ("agent.model.version", Kind::Text(256)),
            Self::Mode => ("delegation.mode", Kind::Word),
            Self::DelegationId => ("delegation.id", Kind::Text(256)),
            Self::SubjectId => ("delegation.subject.id", Kind::Key(2_048)),
            Self::SubjectIssuer => ("delegation.subject.issuer", Kind::Text(2_048)),
            Self::SubjectType => ("delegation.subject.type", Kind::Word),
            Self::SubjectName => ("delegation.subject.name", Kind::Text(256)),
            Self::CredentialId => ("credential.id", Kind::Text(256)),
            Self::CredentialType => ("credential.type", Kind::Word),
            Self::CredentialIssuer => ("credential.issuer", Kind::Text(2_048)),
            Self::CredentialExpires => ("credential.expires_at", Kind::Time),
            Self::SessionId => ("session.id", Kind::Text(256)),
            Self::TaskId => ("session.task_id", Kind::Text(256)),
            Self::ConversationId => ("session.conversation_id", Kind::Text(256)),
            Self::ActionType => ("action.type", Kind::Word),
            Self::Operation => ("action.operation", Kind::Text(256)),
            Self::ToolName => ("action.tool.name", Kind::Text(256)),
            Self::ToolCall => ("action.tool.call_id", Kind::Text(256)),
            Self::ToolServer => ("action.tool.server", Kind::Text(2_048)),
            Self::ToolKind => ("action.tool.kind", Kind::Text(64)),
            Self::ResourceId => ("resource.id", Kind::Key(2_048)),
            Self::ResourceType => ("resource.type", Kind::Text(128)),
            Self::ResourceName => ("resource.name", Kind::Text(256)),
            Self::ResourceRegion => ("resource.region", Kind::Text(64)),
            Self::Classification => ("resource.classification", Kind::Word),
            _ => self.spec_of_place(),
        }
    }

    /// The same for where, how much, how it ended and who says so.
    fn spec_of_place(self) -> (&'static str, Kind) {
        match self {
            Self::DestinationHost => ("destination.host", Kind::Text(255)),
            Self::DestinationAddress => ("destination.ip", Kind::Address),
            Self::DestinationPort => ("destination.port", Kind::Number),
            Self::DestinationUrl => ("destination.url", Kind::Text(2_048)),
            Self::DestinationProtocol => ("destination.protocol", Kind::Text(32)),
            Self::DestinationInternal => ("destination.internal", Kind::Flag),
            Self::DestinationAsn => ("destination.asn", Kind::Number),
            Self::DestinationCountry => ("destination.geo.country", Kind::Country),
            Self::DestinationAnonymizer => ("destination.anonymizer", Kind::Word),
            Self::SourceHost => ("source.host", Kind::Text(255)),
            Self::SourceAddress => ("source.ip", Kind::Address),
            Self::SourcePort => ("source.port", Kind::Number),
            Self::SourceUserAgent => ("source.user_agent", Kind::Text(2_048)),
            Self::SourceAsn => ("source.asn", Kind::Number),
            Self::SourceAsOrg => ("source.as_org", Kind::Text(256)),
            Self::SourceCountry => ("source.geo.country", Kind::Country),
            Self::SourceCity => ("source.geo.city", Kind::Text(256)),
            Self::SourceLat => ("source.geo.lat", Kind::Degrees(90)),
            Self::SourceLon => ("source.geo.lon", Kind::Degrees(180)),
            Self::SourceAnonymizer => ("source.anonymizer", Kind::Word),
            Self::BytesOut => ("usage.bytes_out", Kind::Number),
            Self::BytesIn => ("usage.bytes_in", Kind::Number),
            Self::DurationMs => ("usage.duration_ms", Kind::Number),
            Self::TokensIn => ("usage.tokens_in", Kind::Number),
            Self::TokensOut => ("usage.tokens_out", Kind::Number),
            Self::Result => ("outcome.result", Kind::Word),
            Self::Code => ("outcome.code", Kind::Text(64)),
            Self::Decision => ("outcome.decision", Kind::Word),
            Self::TraceId => ("trace.trace_id", Kind::Hex(32)),
            Self::SpanId => ("trace.span_id", Kind::Hex(16)),
            Self::ParentSpanId => ("trace.parent_span_id", Kind::Hex(16)),
            Self::ProducerName => ("producer.name", Kind::Text(256)),
            Self::ProducerVersion => ("producer.version", Kind::Text(64)),
            Self::AttributeAppId => ("app_id", Kind::Scalar),
            Self::AttributeOauthClientId => ("oauth_client_id", Kind::Scalar),
            Self::Withheld => ("never read", Kind::Nothing),
            _ => ("not used", Kind::Nothing),
        }
    }
}
