//! `agent.activity/1` as JSON: one pass over the text, each field checked where it is read, texts borrowed.
//! It keeps exactly the limits of the published schema and never guesses an absent value.

mod action;
mod agent;
mod attributes;
mod context;
mod endpoint;
mod member;
mod outcome;
mod seed;

use schemas::activity::{
    ACTIVITY_SCHEMA, Activity, Agent, Credential, DEFAULT_TENANT, Delegation, Endpoint, Producer,
    Resource, Result as Ending, Scalar, Session, Text, Trace, Usage,
};
use schemas::reject::ErrorCode;
use schemas::rule;
use schemas::time::EventTime;
use serde::de::{DeserializeSeed, MapAccess};

use self::action::DraftAction;
use self::attributes::Attributes;
use self::context::Context;
use self::endpoint::{Destination, Source};
use self::member::{Absent, Member, Node};
use self::outcome::DraftOutcome;
use self::seed::NodeSeed;
use crate::depth;
use crate::limits::Limits;
use crate::notes::Notes;
use crate::outcome::{Decoded, too_deep};

/// How deep the known fields nest: record, action, list of arguments, argument.
const DEPTH_KNOWN: usize = 4;

/// Decodes one record.
pub fn decode<'a>(text: &'a str, limits: &Limits, notes: &mut Notes) -> Decoded<'a> {
    let mut ctx = Context::new(notes);
    let mut parser = serde_json::Deserializer::from_str(text);
    let parsed = NodeSeed::<Draft<'_>>::new(&mut ctx).deserialize(&mut parser);
    let parsed = parsed.and_then(|record| parser.end().map(|()| record));
    match parsed {
        // What was skipped was not walked; every other depth is bounded by the fields themselves.
        Ok(Some(_))
            if (ctx.has_unknown() || limits.depth_max < DEPTH_KNOWN)
                && depth::exceeds(text, limits.depth_max) =>
        {
            Decoded::Rejected(too_deep(limits))
        }
        Ok(Some(activity)) => Decoded::Activity(activity),
        Ok(None) => Decoded::Rejected(ctx.not_an_object()),
        Err(error) => Decoded::Rejected(ctx.into_rejection(&error, text, limits)),
    }
}

/// An activity while its members arrive.
#[derive(Default)]
struct Draft<'a> {
    has_schema: bool,
    id: Option<Text<'a>>,
    time: Option<EventTime>,
    observed_time: Option<EventTime>,
    tenant_id: Option<Text<'a>>,
    agent: Option<Agent<'a>>,
    delegation: Option<Delegation<'a>>,
    credential: Option<Credential<'a>>,
    session: Option<Session<'a>>,
    action: Option<DraftAction<'a>>,
    resource: Option<Resource<'a>>,
    destination: Option<Endpoint<'a>>,
    source: Option<Endpoint<'a>>,
    usage: Option<Usage>,
    outcome: Option<Ending<'a>>,
    trace: Option<Trace<'a>>,
    producer: Option<Producer<'a>>,
    attributes: Option<Vec<(Text<'a>, Scalar<'a>)>>,
}

// === impl Draft ===

impl<'de> Node<'de> for Draft<'de> {
    type Value = Box<Activity<'de>>;

    fn member<A: MapAccess<'de>>(
        &mut self,
        key: &Text<'de>,
        at: &mut Member<'_, '_, 'de, A>,
    ) -> Result<(), A::Error> {
        match key.as_ref() {
            "schema" => self.has_schema = schema(at)?,
            "id" => self.id = at.name(128)?,
            "time" => self.time = at.time()?,
            "observed_time" => self.observed_time = at.side_time()?,
            "tenant_id" => self.tenant_id = tenant(at)?,
            "agent" => self.agent = at.node::<Agent<'_>>()?,
            "delegation" => self.delegation = at.node::<Delegation<'_>>()?,
            "credential" => self.credential = at.node::<Credential<'_>>()?,
            "session" => self.session = at.node::<Session<'_>>()?,
            "action" => self.action = at.node::<DraftAction<'_>>()?,
            "resource" => self.resource = at.node::<Resource<'_>>()?,
            "destination" => self.destination = at.node::<Destination<'_>>()?,
            "source" => self.source = at.node::<Source<'_>>()?,
            "usage" => self.usage = at.node::<Usage>()?,
            "outcome" => self.outcome = at.node::<DraftOutcome<'_>>()?,
            "trace" => self.trace = at.node::<Trace<'_>>()?,
            "producer" => self.producer = at.node::<Producer<'_>>()?,
            "attributes" => self.attributes = at.node::<Attributes<'_>>()?,
            _ => at.unknown()?,
        }
        Ok(())
    }

    fn finish(self) -> Result<Self::Value, Absent> {
        let absent = |path| (ErrorCode::MissingField, path);
        if !self.has_schema {
            return Err(absent("/schema"));
        }
        let id = self.id.ok_or(absent("/id"))?;
        let time = self.time.ok_or(absent("/time"))?;
        let agent = self.agent.filter(|agent| !agent.id.is_empty());
        let agent = agent.ok_or((ErrorCode::MissingAgentId, "/agent/id"))?;
        let action = self.action.ok_or(absent("/action"))?.finished();
        let action = action.ok_or(absent("/action/type"))?;
        Ok(Box::new(Activity {
            schema: ACTIVITY_SCHEMA,
            id,
            time,
            observed_time: self.observed_time,
            tenant_id: self.tenant_id.unwrap_or(Text::Borrowed(DEFAULT_TENANT)),
            agent,
            delegation: self.delegation,
            credential: self.credential,
            session: self.session,
            action,
            resource: self.resource,
            destination: self.destination,
            source: self.source,
            usage: self.usage,
            outcome: self.outcome,
            trace: self.trace,
            producer: self.producer,
            attributes: self.attributes.unwrap_or_default(),
        }))
    }
}

/// Whether the schema is there; any other than ours is refused.
fn schema<'de, A: MapAccess<'de>>(at: &mut Member<'_, '_, 'de, A>) -> Result<bool, A::Error> {
    match at.text(usize::MAX)? {
        None => Ok(false),
        Some(schema) if schema == ACTIVITY_SCHEMA => Ok(true),
        Some(_) => {
            let message = format!("accept a schema other than {ACTIVITY_SCHEMA}");
            Err(at.fault(ErrorCode::UnsupportedSchema, message))
        }
    }
}

/// The tenant.
fn tenant<'de, A: MapAccess<'de>>(
    at: &mut Member<'_, '_, 'de, A>,
) -> Result<Option<Text<'de>>, A::Error> {
    let Some(tenant) = at.text(usize::MAX)? else { return Ok(None) };
    if rule::is_tenant(&tenant) {
        return Ok(Some(tenant));
    }
    Err(at.fault(ErrorCode::InvalidField, "accept a tenant that is not [A-Za-z0-9._-]{1,64}"))
}

#[cfg(test)]
mod tests;
