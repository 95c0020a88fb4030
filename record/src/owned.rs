//! Outcomes that outlive the text they were read from: what was unpacked or unquoted is dropped before its
//! activities are.

use schemas::activity::{
    Action, Activity, Agent, Argument, Credential, Delegation, Endpoint, Geo, Model, Principal,
    Producer, Resource, Result as Ending, Scalar, Session, Text, Tool, Trace,
};

use crate::outcome::Decoded;

// === impl Decoded ===

impl Decoded<'_> {
    /// The same outcome, with every text of its own.
    pub fn into_owned<'b>(self) -> Decoded<'b> {
        match self {
            Decoded::Activity(activity) => Decoded::Activity(Box::new(owned(*activity))),
            Decoded::Skipped(skip) => Decoded::Skipped(skip),
            Decoded::Rejected(rejection) => Decoded::Rejected(rejection),
        }
    }
}

fn text<'b>(text: Text<'_>) -> Text<'b> {
    Text::Owned(text.into_owned())
}

fn opt<'b>(found: Option<Text<'_>>) -> Option<Text<'b>> {
    found.map(text)
}

fn texts<'b>(found: Vec<Text<'_>>) -> Vec<Text<'b>> {
    found.into_iter().map(text).collect()
}

fn owned<'b>(activity: Activity<'_>) -> Activity<'b> {
    Activity {
        schema: activity.schema,
        id: text(activity.id),
        time: activity.time,
        observed_time: activity.observed_time,
        tenant_id: text(activity.tenant_id),
        agent: agent(activity.agent),
        delegation: activity.delegation.map(|d| Delegation {
            mode: d.mode,
            id: opt(d.id),
            parent_id: opt(d.parent_id),
            subject: d.subject.map(principal),
            chain: d.chain.into_iter().map(principal).collect(),
            purpose: opt(d.purpose),
        }),
        credential: activity.credential.map(credential),
        session: activity.session.map(|s| Session {
            id: opt(s.id),
            task_id: opt(s.task_id),
            conversation_id: opt(s.conversation_id),
            mission_id: opt(s.mission_id),
        }),
        action: action(activity.action),
        resource: activity.resource.map(|r| Resource {
            id: opt(r.id),
            kind: opt(r.kind),
            name: opt(r.name),
            classification: r.classification,
            service: opt(r.service),
            region: opt(r.region),
        }),
        destination: activity.destination.map(endpoint),
        source: activity.source.map(endpoint),
        usage: activity.usage,
        outcome: activity.outcome.map(|o| Ending {
            result: o.result,
            code: opt(o.code),
            reason: opt(o.reason),
            decision: o.decision,
            policy_id: opt(o.policy_id),
        }),
        trace: activity.trace.map(|t| Trace {
            trace_id: opt(t.trace_id),
            span_id: opt(t.span_id),
            parent_span_id: opt(t.parent_span_id),
        }),
        producer: activity.producer.map(|p| Producer {
            name: opt(p.name),
            version: opt(p.version),
            format: opt(p.format),
            event_id: opt(p.event_id),
        }),
        attributes: activity.attributes.into_iter().map(attribute).collect(),
    }
}

fn agent<'b>(agent: Agent<'_>) -> Agent<'b> {
    Agent {
        id: text(agent.id),
        issuer: opt(agent.issuer),
        instance_id: opt(agent.instance_id),
        name: opt(agent.name),
        version: opt(agent.version),
        framework: opt(agent.framework),
        parent_id: opt(agent.parent_id),
        blueprint: opt(agent.blueprint),
        owner: agent.owner.map(principal),
        model: agent.model.map(|m| Model {
            provider: opt(m.provider),
            name: opt(m.name),
            version: opt(m.version),
        }),
    }
}

fn principal<'b>(principal: Principal<'_>) -> Principal<'b> {
    Principal {
        id: text(principal.id),
        issuer: opt(principal.issuer),
        kind: principal.kind,
        name: opt(principal.name),
    }
}

fn credential<'b>(credential: Credential<'_>) -> Credential<'b> {
    Credential {
        id: opt(credential.id),
        kind: credential.kind,
        issuer: opt(credential.issuer),
        issued_at: credential.issued_at,
        expires_at: credential.expires_at,
        scopes: texts(credential.scopes),
        audience: texts(credential.audience),
        cnf_jkt: opt(credential.cnf_jkt),
    }
}

fn action<'b>(action: Action<'_>) -> Action<'b> {
    let argument = |argument: Argument<'_>| Argument {
        name: text(argument.name),
        kind: argument.kind,
        hash: opt(argument.hash),
        origin: argument.origin,
        origin_call_id: opt(argument.origin_call_id),
        origin_tool: opt(argument.origin_tool),
        origin_form: argument.origin_form,
        names: argument.names,
    };
    Action {
        kind: action.kind,
        operation: opt(action.operation),
        tool: action.tool.map(|t| Tool {
            name: opt(t.name),
            call_id: opt(t.call_id),
            server: opt(t.server),
            kind: opt(t.kind),
        }),
        parameters_hash: opt(action.parameters_hash),
        arguments: action.arguments.map(|list| list.into_iter().map(argument).collect()),
        result_hash: opt(action.result_hash),
    }
}

fn endpoint<'b>(endpoint: Endpoint<'_>) -> Endpoint<'b> {
    Endpoint {
        host: opt(endpoint.host),
        address: opt(endpoint.address),
        ip: endpoint.ip,
        port: endpoint.port,
        url: opt(endpoint.url),
        protocol: opt(endpoint.protocol),
        asn: endpoint.asn,
        as_org: opt(endpoint.as_org),
        geo: endpoint.geo.map(|g| Geo {
            country: opt(g.country),
            city: opt(g.city),
            lat: g.lat,
            lon: g.lon,
        }),
        internal: endpoint.internal,
        user_agent: opt(endpoint.user_agent),
        anonymizer: endpoint.anonymizer,
    }
}

fn attribute<'b>((name, value): (Text<'_>, Scalar<'_>)) -> (Text<'b>, Scalar<'b>) {
    let value = match value {
        Scalar::Text(found) => Scalar::Text(text(found)),
        Scalar::Number(number) => Scalar::Number(number),
        Scalar::Integer(number) => Scalar::Integer(number),
        Scalar::Bool(truth) => Scalar::Bool(truth),
        Scalar::Null => Scalar::Null,
    };
    (text(name), value)
}
