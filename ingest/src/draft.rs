//! An activity while its fields arrive, in any order, and then the activity. Nothing is guessed here: an
//! object without a field is absent.

use record::notes::Notes;
use record::principals::AGENT_TYPE;
use record::url;
use schemas::activity::{
    Action, Activity, Agent, Credential, Delegation, Endpoint, Geo, Model, Principal, Producer,
    Resource, Result as Ending, Scalar, Session, Text, Tool, Trace, Usage,
};
use schemas::choice::{
    ActionType, Anonymizer, Authority, Classification, CredentialType, Decision, Outcome,
    PrincipalType,
};
use schemas::time::EventTime;

use crate::field::Field;
use crate::value::{Address, Value};

/// The fields read so far.
pub(crate) struct Draft<'a> {
    values: Vec<(Field, Option<Value<'a>>)>,
    /// Where each field stands among them, counted from 1; 0 is nowhere.
    places: [u8; Field::COUNT],
}

// === impl Draft ===

impl Default for Draft<'_> {
    fn default() -> Self {
        Self { values: Vec::with_capacity(32), places: [0; Field::COUNT] }
    }
}

impl<'a> Draft<'a> {
    /// Takes a value; of several the first counts.
    pub(crate) fn put(&mut self, field: Field, value: Value<'a>) {
        if !self.has(field) {
            self.values.push((field, Some(value)));
            if let Some(place) = self.places.get_mut(field as usize) {
                const { assert!(Field::COUNT <= u8::MAX as usize, "a place is a byte") };
                *place = u8::try_from(self.values.len()).unwrap_or_default();
            }
        }
    }

    /// Whether a field has a value.
    pub(crate) fn has(&self, field: Field) -> bool {
        self.places.get(field as usize).is_some_and(|place| *place != 0)
    }

    /// The time of the activity.
    pub(crate) fn time(&self) -> Option<EventTime> {
        match self.values.get(self.place(Field::Time)?) {
            Some((_, Some(Value::Time(time)))) => Some(*time),
            _ => None,
        }
    }

    /// The activity.
    pub(crate) fn activity(
        mut self,
        format: &'static str,
        time: EventTime,
        notes: &mut Notes,
    ) -> Box<Activity<'a>> {
        let id = self.text(Field::Id).unwrap_or_default();
        let agent = self.agent();
        let action = self.action();
        let mut activity = Box::new(Activity::new(id, time, agent, action));
        if let Some(tenant) = self.text(Field::Tenant) {
            activity.tenant_id = tenant;
        }
        activity.delegation = some(self.delegation());
        activity.credential = some(self.credential());
        activity.session = some(self.session());
        activity.resource = some(self.resource());
        activity.destination = some(self.destination(notes));
        activity.source = some(self.source(notes));
        activity.usage = some(self.usage());
        activity.outcome = self.outcome();
        activity.trace = some(Trace {
            trace_id: self.text(Field::TraceId),
            span_id: self.text(Field::SpanId),
            parent_span_id: self.text(Field::ParentSpanId),
        });
        activity.producer = Some(Producer {
            name: self.text(Field::ProducerName),
            version: self.text(Field::ProducerVersion),
            format: Some(Text::Borrowed(format)),
            event_id: None,
        });
        activity.attributes = self.attributes();
        activity
    }

    fn agent(&mut self) -> Agent<'a> {
        Agent {
            id: self.text(Field::AgentId).unwrap_or_default(),
            issuer: self.text(Field::AgentIssuer),
            instance_id: self.text(Field::AgentInstance),
            name: self.text(Field::AgentName),
            version: self.text(Field::AgentVersion),
            model: some(Model {
                provider: self.text(Field::ModelProvider),
                name: self.text(Field::ModelName),
                version: self.text(Field::ModelVersion),
            }),
            ..Agent::default()
        }
    }

    fn delegation(&mut self) -> Delegation<'a> {
        let (issuer, name) = (self.text(Field::SubjectIssuer), self.text(Field::SubjectName));
        let kind = self.word(Field::SubjectType, PrincipalType::from_wire);
        let subject = self.text(Field::SubjectId);
        Delegation {
            mode: self.word(Field::Mode, Authority::from_wire),
            id: self.text(Field::DelegationId),
            subject: subject.map(|id| Principal { id, issuer, kind, name }),
            ..Delegation::default()
        }
    }

    fn credential(&mut self) -> Credential<'a> {
        Credential {
            id: self.text(Field::CredentialId),
            kind: self.word(Field::CredentialType, CredentialType::from_wire),
            issuer: self.text(Field::CredentialIssuer),
            expires_at: match self.take(Field::CredentialExpires) {
                Some(Value::Time(time)) => Some(time),
                _ => None,
            },
            ..Credential::default()
        }
    }

    fn session(&mut self) -> Session<'a> {
        Session {
            id: self.text(Field::SessionId),
            task_id: self.text(Field::TaskId),
            conversation_id: self.text(Field::ConversationId),
            mission_id: None,
        }
    }

    fn action(&mut self) -> Action<'a> {
        Action {
            kind: self.word(Field::ActionType, ActionType::from_wire).unwrap_or_default(),
            operation: self.text(Field::Operation),
            tool: some(Tool {
                name: self.text(Field::ToolName),
                call_id: self.text(Field::ToolCall),
                server: self.public(Field::ToolServer),
                kind: self.text(Field::ToolKind),
            }),
            ..Action::default()
        }
    }

    fn resource(&mut self) -> Resource<'a> {
        let (id, name) = (self.public(Field::ResourceId), self.public(Field::ResourceName));
        let (kind, region) = (self.text(Field::ResourceType), self.text(Field::ResourceRegion));
        let classification = self.word(Field::Classification, Classification::from_wire);
        // What nobody can name is no resource, whatever else is known of it.
        if id.is_none() && name.is_none() {
            return Resource::default();
        }
        Resource { id, kind, name, classification, region, service: None }
    }

    fn destination(&mut self, notes: &mut Notes) -> Endpoint<'a> {
        let mut endpoint = Endpoint {
            host: self.text(Field::DestinationHost).and_then(host),
            port: self.narrow(Field::DestinationPort),
            url: self.public(Field::DestinationUrl),
            internal: match self.take(Field::DestinationInternal) {
                Some(Value::Flag(flag)) => Some(flag),
                _ => None,
            },
            asn: self.narrow(Field::DestinationAsn),
            geo: some(Geo { country: self.text(Field::DestinationCountry), ..Geo::default() }),
            ..Endpoint::default()
        };
        set_address(&mut endpoint, self.take(Field::DestinationAddress), notes);
        let protocol = self.text(Field::DestinationProtocol);
        let anonymizer = self.word(Field::DestinationAnonymizer, Anonymizer::from_wire);
        if endpoint == Endpoint::default() && anonymizer.is_none() {
            return endpoint;
        }
        Endpoint { protocol, anonymizer, ..endpoint }
    }

    fn source(&mut self, notes: &mut Notes) -> Endpoint<'a> {
        let mut degrees = |field| match self.take(field) {
            Some(Value::Degrees(degrees)) => Some(degrees),
            _ => None,
        };
        let (lat, lon) = (degrees(Field::SourceLat), degrees(Field::SourceLon));
        let mut endpoint = Endpoint {
            host: self.text(Field::SourceHost).and_then(host),
            port: self.narrow(Field::SourcePort),
            asn: self.narrow(Field::SourceAsn),
            as_org: self.text(Field::SourceAsOrg),
            geo: some(Geo {
                country: self.text(Field::SourceCountry),
                city: self.text(Field::SourceCity),
                lat,
                lon,
            }),
            user_agent: self.text(Field::SourceUserAgent).map(url::without_secrets),
            anonymizer: self.word(Field::SourceAnonymizer, Anonymizer::from_wire),
            ..Endpoint::default()
        };
        set_address(&mut endpoint, self.take(Field::SourceAddress), notes);
        endpoint
    }

    fn usage(&mut self) -> Usage {
        Usage {
            bytes_out: self.number(Field::BytesOut),
            bytes_in: self.number(Field::BytesIn),
            duration_ms: self.number(Field::DurationMs),
            tokens_in: self.number(Field::TokensIn),
            tokens_out: self.number(Field::TokensOut),
            ..Usage::default()
        }
    }

    fn outcome(&mut self) -> Option<Ending<'a>> {
        let result = self.word(Field::Result, Outcome::from_wire);
        let code = self.text(Field::Code);
        let decision = self.word(Field::Decision, Decision::from_wire);
        if result.is_none() && code.is_none() && decision.is_none() {
            return None;
        }
        Some(Ending { result: result.unwrap_or_default(), code, decision, ..Ending::default() })
    }

    fn attributes(self) -> Vec<(Text<'a>, Scalar<'a>)> {
        let pair = |(field, value)| match (field, value) {
            (Field::AgentType, Some(Value::Text(word))) => {
                Some((Text::Borrowed(AGENT_TYPE), Scalar::Text(word)))
            }
            (field, Some(Value::Scalar(scalar))) => Some((Text::Borrowed(field.spec().0), scalar)),
            _ => None,
        };
        self.values.into_iter().filter_map(pair).collect()
    }

    fn take(&mut self, field: Field) -> Option<Value<'a>> {
        let place = self.place(field)?;
        self.values.get_mut(place)?.1.take()
    }

    fn place(&self, field: Field) -> Option<usize> {
        usize::from(*self.places.get(field as usize)?).checked_sub(1)
    }

    fn text(&mut self, field: Field) -> Option<Text<'a>> {
        match self.take(field)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The same, of a URL without what may be secret in it.
    fn public(&mut self, field: Field) -> Option<Text<'a>> {
        self.text(field).and_then(url::plain)
    }

    fn word<T>(&mut self, field: Field, from_wire: fn(&str) -> Option<T>) -> Option<T> {
        from_wire(&self.text(field)?)
    }

    fn number(&mut self, field: Field) -> Option<u64> {
        match self.take(field)? {
            Value::Number(number) => Some(number),
            _ => None,
        }
    }

    fn narrow<T: TryFrom<u64>>(&mut self, field: Field) -> Option<T> {
        self.number(field).and_then(|number| T::try_from(number).ok())
    }
}

/// An object, unless nothing in it is known.
fn some<T: Default + PartialEq>(object: T) -> Option<T> {
    (object != T::default()).then_some(object)
}

/// A host; of a URL, or of what stands behind a user, its host.
pub(crate) fn host(text: Text<'_>) -> Option<Text<'_>> {
    match text.contains("://") || text.contains('@') {
        true => url::host_of(&text).map(Text::Owned),
        false => Some(text),
    }
}

fn set_address<'a>(endpoint: &mut Endpoint<'a>, value: Option<Value<'a>>, notes: &mut Notes) {
    match value {
        Some(Value::Ip(Address(ip))) => endpoint.ip = Some(ip),
        Some(Value::Opaque(text)) => {
            notes.count_opaque_address();
            endpoint.host = endpoint.host.take().or_else(|| host(text));
        }
        _ => {}
    }
}
